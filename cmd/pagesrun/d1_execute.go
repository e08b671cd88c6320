package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/hostfuncs/d1"
)

type d1ExecuteCmd struct {
	d1Target
	Command string `placeholder:"SQL" xor:"sql" help:"The statements to run, in one transaction."`
	File    string `placeholder:"FILE" xor:"sql" help:"Run the statements of this file instead, as \"d1 import\" does; \"-\" is standard input."`
	JSON    bool   `help:"Print the result as JSON, as wrangler does."`
	Yes     bool   `short:"y" help:"Accepted for wrangler's sake: nothing is asked."`
	Local   bool   `help:"Accepted for wrangler's sake: all data is on this machine."`
}

// Validate refuses a command without SQL.
func (c *d1ExecuteCmd) Validate() error {
	if c.Command == "" && c.File == "" {
		return errors.New("say what to run: --command=SQL or --file=FILE")
	}
	return nil
}

// Run runs the statements.
func (c *d1ExecuteCmd) Run(ctx context.Context) error {
	if c.File != "" {
		return c.runFile(ctx)
	}
	texts, err := d1.Statements(c.Command)
	if err != nil {
		return err
	}
	q := abi.D1QueryRequest{Statements: make([]abi.D1Statement, len(texts))}
	for i, text := range texts {
		q.Statements[i].SQL = abi.ByteString(text)
	}
	return c.write(ctx, func(_ d1Database, db *d1.Database) error {
		reply, err := db.Query(ctx, &q)
		if err != nil {
			return err
		}
		if c.JSON {
			return printD1JSON(os.Stdout, reply.Results)
		}
		return printD1Tables(os.Stdout, reply.Results)
	})
}

// runFile runs the statements of a file.
func (c *d1ExecuteCmd) runFile(ctx context.Context) error {
	return c.write(ctx, func(d d1Database, db *d1.Database) error {
		result, took, err := importFile(ctx, db, c.File)
		if err != nil {
			return err
		}
		if c.JSON {
			return printD1ImportJSON(os.Stdout, result, took)
		}
		_, err = fmt.Fprintln(os.Stdout, importSentence(result, took, d))
		return err
	})
}
