package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/hostfuncs/kv"
)

// kvCmd is "pagesrun kv", shaped like wrangler's command of that name.
type kvCmd struct {
	Key  kvKeyCmd  `cmd:"" help:"Read and write single keys."`
	Bulk kvBulkCmd `cmd:"" help:"Read and write many keys with JSON files."`
}

// kvKeyCmd is "pagesrun kv key".
type kvKeyCmd struct {
	Put    kvKeyPutCmd    `cmd:"" help:"Write one key."`
	Get    kvKeyGetCmd    `cmd:"" help:"Print the value of one key."`
	List   kvKeyListCmd   `cmd:"" help:"Print all keys as JSON, in the order of their bytes."`
	Delete kvKeyDeleteCmd `cmd:"" help:"Delete one key."`
}

// kvTarget says which namespace a command works with.
type kvTarget struct {
	configFlags
	Binding     string `xor:"namespace" placeholder:"NAME" help:"The namespace, by the name of its binding in the configuration. Give this or --namespace-id."`
	NamespaceID string `xor:"namespace" name:"namespace-id" placeholder:"ID" help:"The namespace, by its id, which need not be configured. Give this or --binding."`
}

// Validate refuses a command without a namespace. That flags are alternatives of which one is required is more than the usage line can show.
func (t *kvTarget) Validate() error {
	if t.Binding == "" && t.NamespaceID == "" {
		return errors.New("say which namespace: --binding=NAME or --namespace-id=ID")
	}
	return nil
}

// write opens the namespace, which need not be there before, for as long as fn runs.
func (t *kvTarget) write(ctx context.Context, fn func(*kv.Namespace) error) error {
	return t.use(ctx, func(string, string) error { return nil }, fn)
}

// read opens the namespace for as long as fn runs. One that is not there is a failure, and is not made.
func (t *kvTarget) read(ctx context.Context, fn func(*kv.Namespace) error) error {
	return t.use(ctx, mustBeStored, fn)
}

// mustBeStored says which namespaces there are when the one with the id is not among them.
func mustBeStored(dir, id string) error {
	stored, err := kv.Stored(dir, id)
	if stored || err != nil {
		return err
	}
	ids, err := kv.StoredIDs(dir)
	if err != nil {
		return err
	}
	known := "none"
	if len(ids) > 0 {
		known = strings.Join(ids, ", ")
	}
	return fmt.Errorf("there is no namespace with id %q in %s (the first write makes it); known: %s", id, dir, known)
}

// use opens the namespace for as long as fn runs, when check has nothing against it.
func (t *kvTarget) use(ctx context.Context, check func(dir, id string) error, fn func(*kv.Namespace) error) error {
	cfg, problems := t.load(bindingFlags{})
	list, more := kv.Namespaces(cfg)
	if err := append(problems, more...).Err(); err != nil {
		return err
	}
	id, err := t.find(list)
	if err != nil {
		return err
	}
	dir, err := t.storeDir(cfg, kv.Kind)
	if err != nil {
		return err
	}
	if err := check(dir, id); err != nil {
		return err
	}
	n, err := kv.OpenNamespace(ctx, kv.Options{Dir: dir, Relaxed: cfg.Pagesrun.Durability == "relaxed"}, id)
	if err != nil {
		return err
	}
	return errors.Join(fn(n), n.Close())
}

// find gives the id of the namespace meant.
func (t *kvTarget) find(list []*kv.Resource) (string, error) {
	if t.NamespaceID != "" {
		return t.NamespaceID, nil
	}
	names := make([]string, len(list))
	for i, r := range list {
		if names[i] = r.Binding; r.Binding == t.Binding {
			return r.ID, nil
		}
	}
	if len(names) == 0 {
		return "", fmt.Errorf("no KV namespace is configured; add [[kv_namespaces]] with binding = %q or give the id: --namespace-id=ID", t.Binding)
	}
	return "", fmt.Errorf("no KV namespace has the binding %q; configured are: %s (or give the id: --namespace-id=ID)", t.Binding, strings.Join(names, ", "))
}

type kvKeyPutCmd struct {
	kvTarget
	Key        string  `arg:"" help:"Key to write."`
	Value      *string `arg:"" optional:"" help:"Value; or use --path."`
	Path       string  `placeholder:"FILE" help:"Read the value from this file, \"-\" for standard input."`
	TTL        *int64  `name:"ttl" placeholder:"SECONDS" help:"Let the key expire after so many seconds, at least 60."`
	Expiration *int64  `placeholder:"TIME" help:"Let the key expire at this time, in seconds since the Unix epoch."`
	Metadata   *string `placeholder:"JSON" help:"JSON document to keep with the key."`
}

// Run writes one key.
func (c *kvKeyPutCmd) Run(ctx context.Context) error {
	value, err := c.value()
	if err != nil {
		return err
	}
	q := &abi.KVPutRequest{Key: abi.ByteString(c.Key), Value: value, Expiration: c.Expiration, ExpirationTTLS: c.TTL, Metadata: (*abi.JSON)(c.Metadata)}
	return c.write(ctx, func(n *kv.Namespace) error { return n.Put(ctx, q) })
}

// value reads the value from where it is given, never more than one byte beyond the limit.
func (c *kvKeyPutCmd) value() ([]byte, error) {
	return given("value", c.Value, c.Path, abi.KVValueBytesMax+1)
}

// given reads what a command is given as an argument or, of a file or standard input ("-"), up to most bytes of.
func given(what string, argument *string, path string, most int64) ([]byte, error) {
	switch {
	case (argument == nil) == (path == ""):
		return nil, errors.New("give either a " + what + " or --path")
	case argument != nil:
		return []byte(*argument), nil
	case path == "-":
		return io.ReadAll(io.LimitReader(os.Stdin, most))
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, most))
}

type kvKeyGetCmd struct {
	kvTarget
	Key  string `arg:"" help:"Key to read."`
	Text bool   `help:"Print the value as text, with a line end after it."`
}

// Run prints one value, byte for byte. A key that is not there is a failure.
func (c *kvKeyGetCmd) Run(ctx context.Context) error {
	return c.read(ctx, func(n *kv.Namespace) error {
		reply, err := n.Get(ctx, &abi.KVGetRequest{Key: abi.ByteString(c.Key)})
		if err != nil {
			return err
		}
		if !reply.Found {
			return fmt.Errorf("there is no key %q", c.Key)
		}
		if c.Text {
			_, err = fmt.Println(strings.ToValidUTF8(string(reply.Value), "\ufffd"))
		} else {
			_, err = os.Stdout.Write(reply.Value)
		}
		return err
	})
}

type kvKeyListCmd struct {
	kvTarget
	Prefix string `placeholder:"TEXT" help:"Only keys that begin so."`
}

// Run prints all keys as a JSON array.
func (c *kvKeyListCmd) Run(ctx context.Context) error {
	return c.read(ctx, func(n *kv.Namespace) error {
		out := newJSONPrinter(os.Stdout, "[", "]")
		err := n.EachKey(ctx, c.Prefix, func(k *abi.KVKey) error { return out.item("", kv.NewFileKey(k)) })
		return errors.Join(err, out.end())
	})
}

type kvKeyDeleteCmd struct {
	kvTarget
	Key string `arg:"" help:"Key to delete."`
}

// Run deletes one key, if it is there.
func (c *kvKeyDeleteCmd) Run(ctx context.Context) error {
	return c.write(ctx, func(n *kv.Namespace) error {
		return n.Delete(ctx, &abi.KVDeleteRequest{Key: abi.ByteString(c.Key)})
	})
}

// jsonPrinter writes an array or object item by item, so that its length does not matter.
type jsonPrinter struct {
	w     io.Writer
	close string
	begun string // what comes before the next item
}

func newJSONPrinter(w io.Writer, open, close string) *jsonPrinter {
	return &jsonPrinter{w: w, begun: open + "\n", close: close}
}

// item writes one value, under its name in an object.
func (p *jsonPrinter) item(name string, v any) error {
	text, err := json.MarshalIndent(v, "  ", "  ")
	if err != nil {
		return err
	}
	if name != "" {
		label, err := json.Marshal(name)
		if err != nil {
			return err
		}
		text = append(append(label, ": "...), text...)
	}
	_, err = fmt.Fprintf(p.w, "%s  %s", p.begun, text)
	p.begun = ",\n"
	return err
}

// end writes the closing bracket.
func (p *jsonPrinter) end() error {
	if p.begun != ",\n" {
		p.begun = strings.TrimSuffix(p.begun, "\n")
	} else {
		p.begun = "\n"
	}
	_, err := fmt.Fprintln(p.w, p.begun+p.close)
	return err
}
