package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"syscall"
	"time"
)

// turns runs events for each duration that is read, and says what they cost.
func turns(ctx context.Context, p *pool, in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		d, err := time.ParseDuration(lines.Text())
		if err != nil {
			return err
		}
		n, cpu, elapsed, err := turn(ctx, p, d)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintln(out, n, cpu.Nanoseconds(), elapsed.Nanoseconds()); err != nil {
			return err
		}
	}
	return lines.Err()
}

// turn runs one event after the other for d, and at least one.
func turn(ctx context.Context, p *pool, d time.Duration) (n int, cpu, elapsed time.Duration, err error) {
	ev := constantEvent()
	start, cpuStart := time.Now(), cpuTime()
	for n == 0 || time.Since(start) < d {
		if err := once(ctx, p, ev); err != nil {
			return n, 0, 0, err
		}
		n++
	}
	return n, cpuTime() - cpuStart, time.Since(start), nil
}

// cpuTime is the processor time of this process.
func cpuTime() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
