package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/hostfuncs/kv"
)

// kvBulkCmd is "pagesrun kv bulk".
type kvBulkCmd struct {
	Put    kvBulkPutCmd    `cmd:"" help:"Write the keys of a file: a JSON array of {key, value, expiration, expiration_ttl, metadata, base64}."`
	Get    kvBulkGetCmd    `cmd:"" help:"Print the values of the keys named in a file, a JSON array, as a JSON object."`
	Delete kvBulkDeleteCmd `cmd:"" help:"Delete the keys named in a file, a JSON array."`
}

// fileArg names the JSON file a command reads.
type fileArg struct {
	File string `arg:"" help:"JSON file, \"-\" for standard input."`
}

// open opens the file; the caller closes it.
func (f fileArg) open() (io.ReadCloser, error) {
	if f.File == "-" {
		return io.NopCloser(os.Stdin), nil
	}
	return os.Open(f.File)
}

// keys reads the file as a list of keys.
func (f fileArg) keys() ([]abi.ByteString, error) {
	r, err := f.open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	keys, err := kv.ReadKeys(r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.File, err)
	}
	return keys, nil
}

type kvBulkPutCmd struct {
	kvTarget
	fileArg
	JSON bool `help:"Print the result as JSON."`
}

// Run writes the keys of a file. All are checked before the first is written.
func (c *kvBulkPutCmd) Run(ctx context.Context) error {
	r, err := c.open()
	if err != nil {
		return err
	}
	defer r.Close()
	puts, err := kv.ReadPuts(r)
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	return c.write(ctx, func(n *kv.Namespace) error {
		p := newProgress("written", len(puts), c.JSON)
		err := n.PutMany(ctx, puts, p.set)
		return errors.Join(err, p.end(err))
	})
}

type kvBulkGetCmd struct {
	kvTarget
	fileArg
}

// Run prints the values of the keys named in a file. Keys that are not there have the value null.
func (c *kvBulkGetCmd) Run(ctx context.Context) error {
	keys, err := c.keys()
	if err != nil {
		return err
	}
	return c.read(ctx, func(n *kv.Namespace) error {
		out := newJSONPrinter(os.Stdout, "{", "}")
		err := n.EachEntry(ctx, keys, func(e *abi.KVEntry) error { return out.item(string(e.Key), kv.NewFileValue(e)) })
		return errors.Join(err, out.end())
	})
}

type kvBulkDeleteCmd struct {
	kvTarget
	fileArg
	Force bool `short:"f" help:"Accepted for wrangler's sake: nothing is asked."`
	JSON  bool `help:"Print the result as JSON."`
}

// Run deletes the keys named in a file.
func (c *kvBulkDeleteCmd) Run(ctx context.Context) error {
	keys, err := c.keys()
	if err != nil {
		return err
	}
	return c.write(ctx, func(n *kv.Namespace) error {
		p := newProgress("deleted", len(keys), c.JSON)
		err := n.DeleteMany(ctx, keys, p.set)
		return errors.Join(err, p.end(err))
	})
}
