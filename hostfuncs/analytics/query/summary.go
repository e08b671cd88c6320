package query

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/pagesrun/pagesrun/hostfuncs/analytics/store"
)

// Summary is what a dataset holds.
type Summary struct {
	// Dataset is its name.
	Dataset string
	// Points is how many points it holds.
	Points int64
	// Bytes is how large its file is, without what waits in the write-ahead log.
	Bytes int64
	// Oldest and Newest are the times of the first and the last point; zero when there is none.
	Oldest, Newest time.Time
}

// Summarize says what every dataset in dir holds.
func Summarize(ctx context.Context, dir string) ([]Summary, error) {
	datasets, err := store.Stored(dir)
	if err != nil {
		return nil, err
	}
	list := make([]Summary, 0, len(datasets))
	for _, dataset := range datasets {
		s, err := summarize(ctx, dir, dataset)
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, nil
}

func summarize(ctx context.Context, dir, dataset string) (sum Summary, err error) {
	sum.Dataset = dataset
	path := store.Path(dir, dataset)
	if info, err := os.Stat(path); err == nil {
		sum.Bytes = info.Size()
	}
	uri, err := readOnly(path)
	if err != nil {
		return sum, err
	}
	c, err := sqlite3.OpenContext(ctx, uri)
	if err != nil {
		return sum, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	c.SetInterrupt(ctx)
	if err := c.BusyTimeout(busyTimeout); err != nil {
		return sum, err
	}
	s, _, err := c.Prepare(`SELECT (SELECT count(*) FROM points), (SELECT min(timestamp) FROM points), (SELECT max(timestamp) FROM points)`)
	if err != nil {
		return sum, err
	}
	defer s.Close()
	if s.Step() && s.ColumnInt64(0) > 0 {
		sum.Points, sum.Oldest, sum.Newest = s.ColumnInt64(0), time.Unix(s.ColumnInt64(1), 0).UTC(), time.Unix(s.ColumnInt64(2), 0).UTC()
	}
	return sum, s.Err()
}
