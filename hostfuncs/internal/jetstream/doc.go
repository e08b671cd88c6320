// Package jetstream opens the store behind the queues: a NATS server with JetStream inside this process, without a TCP port unless one is
// asked for, or a cluster elsewhere. Callers see a connection and need not know which of the two it is.
//
// The store inside the process lives in one directory, which one process at a time may have open; a file lock keeps others out. The process that
// holds the lock lets others in through a Unix socket in the same directory, which only its user may open: [Connect] finds it.
//
// A stream that has met a write error takes no more messages until it is opened anew. The store inside the process therefore watches the room on
// its disk: it refuses writes early (see [Store.Room]) and begins anew after a failure once there is room again.
package jetstream
