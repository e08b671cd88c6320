package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"github.com/pagesrun/pagesrun/hostfuncs/analytics"
	"github.com/pagesrun/pagesrun/hostfuncs/analytics/dialect"
	"github.com/pagesrun/pagesrun/hostfuncs/analytics/query"
)

// analyticsCmd is "pagesrun analytics". Its commands read the files of the datasets, whether or not a server writes to them.
type analyticsCmd struct {
	Query    analyticsQueryCmd    `cmd:"" help:"Ask the datasets with SQL."`
	Datasets analyticsDatasetsCmd `cmd:"" help:"List the datasets that have data points."`
}

// analyticsDir is where the datasets are.
func analyticsDir(f configFlags) (string, error) {
	cfg, problems := f.load(bindingFlags{})
	if err := problems.Err(); err != nil {
		return "", err
	}
	return f.storeDir(cfg, analytics.Kind)
}

type analyticsQueryCmd struct {
	configFlags
	SQL    string `arg:"" name:"sql" help:"The query, such as \"SHOW TABLES\"; \"-\" reads it from standard input."`
	Format string `enum:"JSON,JSONEachRow,TabSeparated" default:"JSON" help:"Format of the answer where the query names none: JSON, JSONEachRow or TabSeparated."`
}

// Run prints the answer to a query.
func (c *analyticsQueryCmd) Run(ctx context.Context) error {
	dir, err := analyticsDir(c.configFlags)
	if err != nil {
		return err
	}
	sql := c.SQL
	if sql == "-" {
		text, err := io.ReadAll(io.LimitReader(os.Stdin, dialect.QueryBytesMax+1))
		if err != nil {
			return err
		}
		sql = string(text)
	}
	answer, err := query.Run(ctx, sql, query.Options{Dir: dir, Now: time.Now(), Format: c.Format})
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(answer.Body)
	return err
}

type analyticsDatasetsCmd struct{ configFlags }

// Run prints a table of the datasets.
func (c *analyticsDatasetsCmd) Run(ctx context.Context) error {
	dir, err := analyticsDir(c.configFlags)
	if err != nil {
		return err
	}
	list, err := query.Summarize(ctx, dir)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "DATASET\tPOINTS\tBYTES\tOLDEST\tNEWEST")
	for _, s := range list {
		fmt.Fprintf(w, "%s\t%d\t%d\t%s\t%s\n", s.Dataset, s.Points, s.Bytes, moment(s.Oldest), moment(s.Newest))
	}
	return w.Flush()
}

// moment writes a time as it stands in answers, in UTC.
func moment(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Format(time.DateTime)
}
