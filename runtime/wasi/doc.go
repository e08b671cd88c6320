// Package wasi gives guests WASI preview 1 with one process per event: arguments, environment, standard streams, clocks and
// randomness belong to the running event, so that nothing of one event is left in the host for the next.
//
// Functions on files come from wazero's implementation; without mounts there are no files, and they answer EBADF.
package wasi
