// Package observe tells what functions do: Prometheus metrics and log lines for every event.
//
// [Observer] is the [runtime.Observer] of a serving process. A [Log] is where its lines go, together with those of every
// [slog.Logger] made from it, so that all of a process's lines come out whole and in order.
//
// # Log lines
//
// One line per event: id, method, path (without the query, which may carry secrets), status, outcome, duration_us, cpu_us, fuel,
// memory (bytes), reused, and where they apply discarded and error. Its level is info, or error where the function
// or the host is at fault. One line per line a guest writes: its text with event and source, at the guest's level.
//
// Writing a line never waits for the terminal, pipe or file behind it: lines are gathered and written by one goroutine, at
// the latest 100 ms after they came. What does not fit into the 4 MiB gathered at most is dropped and counted, both in a
// metric and in a line that says how many are missing. [Log.Close] writes out the rest.
package observe
