// Package wasi gives guests WASI preview 1 with one process per event: arguments, environment, standard streams, clocks and
// randomness belong to the running event, so that nothing of one event is left in the host for the next.
//
// Files are those of read-only [Mounts]; whatever would change one answers EROFS. What an instance has open is put back with its image. There
// are no sockets: functions on them answer EBADF.
package wasi
