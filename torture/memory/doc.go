// Package memory gives a server little memory and functions that want much of it: less address space than they would take, a small GOMEMLIMIT, and a memory
// cgroup that has room for what the configuration allows and not for more. The server must refuse what it cannot do, and live.
//
// Its control is the cgroup: a configuration that allows more than there is room for must be seen to be killed.
package memory
