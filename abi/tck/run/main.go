// Command run runs the conformance kit against a probe and says which cases fail. The exit status is 0 when none does.
//
//	go run ./abi/tck/run --probe probe.wasm --pagesrun bin/pagesrun [--case TEXT] [-v] [-- FLAGS OF pagesrun serve]
//
// Cases that need a clock that passes only when told to are left out; pagesrun's own tests run them.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/pagesrun/pagesrun/abi/tck"
)

func main() {
	probe := flag.String("probe", "", "the `module` to test")
	pagesrun := flag.String("pagesrun", "pagesrun", "the pagesrun `binary` to serve it with")
	only := flag.String("case", "", "run only cases whose file, group or sentence contains this `text`")
	verbose := flag.Bool("v", false, "name the cases that pass, too")
	flag.Parse()
	if *probe == "" {
		fmt.Fprintln(os.Stderr, "run: --probe says which module to test")
		os.Exit(2)
	}
	failed, err := run(*probe, *pagesrun, *only, *verbose)
	if err != nil {
		fmt.Fprintln(os.Stderr, "run:", err)
		os.Exit(2)
	}
	if failed > 0 {
		os.Exit(1)
	}
}

// run gives how many cases have failed.
func run(probe, pagesrun, only string, verbose bool) (failed int, err error) {
	module, err := filepath.Abs(probe)
	if err != nil {
		return 0, err
	}
	binary := pagesrun
	if strings.ContainsRune(binary, filepath.Separator) {
		if binary, err = filepath.Abs(binary); err != nil {
			return 0, err
		}
	}
	files, err := tck.Cases()
	if err != nil {
		return 0, err
	}
	command := tck.Command{Binary: binary, Module: module, Flags: flag.Args()}
	passed, skipped := 0, 0
	for _, f := range files {
		if f = f.Only(only); f == nil {
			continue
		}
		for _, o := range command.Run(f) {
			switch {
			case o.Err == nil:
				passed++
				if verbose {
					fmt.Printf("ok      %s: %s\n", f.Name, o.Name())
				}
			case errors.Is(o.Err, tck.ErrSkipped):
				skipped++
			default:
				failed++
				fmt.Printf("FAILED  %s: %s\n        %s\n", f.Name, o.Name(), strings.ReplaceAll(o.Err.Error(), "\n", "\n        "))
			}
		}
	}
	fmt.Printf("%d passed, %d failed, %d not run\n", passed, failed, skipped)
	return failed, nil
}
