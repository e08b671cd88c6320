// Package disk is a file system in memory that knows what a power cut would leave of it.
//
// Every file has two contents: the one programs see, and the one that is on the platter because somebody has called fsync since. What was written in
// between is kept as a list. The same holds for directories, whose changes are a list of their own. [Disk.Pull] ends the power: what is not on
// the platter is lost, or a part of it is, as a [Cut] says, and what remains is what the next machine finds.
//
// Nothing is durable that no call has made so. Which calls do is the [Model]: POSIX by the letter, where a new file needs an fsync of its directory
// too, or file systems with a journal such as ext4 and XFS, where an fsync commits all changes of directories before it.
package disk
