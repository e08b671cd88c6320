// Command peers runs a guest in an engine other than pagesrun, for comparison: with wazero and nothing around it, or with Extism.
//
// Usage:
//
//	peers wazero|extism fresh|kept GUEST.wasm [HOST:PORT]
//
// fresh makes an instance for every event and throws it away; kept uses an instance again as it is. wazero runs guests written for
// pagesrun, extism runs guest/extism.c.
//
// With an address it serves HTTP. Without one it reads durations such as 250ms from standard input, one per line, runs events one after
// the other for so long, and answers each line with the number of events, the processor time and the time they took, both in ns.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
)

func main() {
	if len(os.Args) != 4 && len(os.Args) != 5 {
		log.Fatal("usage: peers wazero|extism fresh|kept GUEST.wasm [HOST:PORT]")
	}
	if err := run(context.Background(), os.Args[1], os.Args[2], os.Args[3], os.Args[4:]); err != nil {
		log.Fatal("peers: ", err)
	}
}

func run(ctx context.Context, engineName, mode, guest string, address []string) error {
	module, err := os.ReadFile(guest)
	if err != nil {
		return err
	}
	if mode != "fresh" && mode != "kept" {
		return fmt.Errorf("instances are fresh or kept, not %q", mode)
	}
	e, err := newEngine(ctx, engineName, module)
	if err != nil {
		return err
	}
	p := &pool{engine: e, kept: mode == "kept"}
	if len(address) == 1 {
		return serve(p, address[0])
	}
	return turns(ctx, p, os.Stdin, os.Stdout)
}

func newEngine(ctx context.Context, name string, module []byte) (engine, error) {
	switch name {
	case "wazero":
		return newWazero(ctx, module)
	case "extism":
		return newExtism(ctx, module)
	}
	return nil, fmt.Errorf("there is no engine %q", name)
}
