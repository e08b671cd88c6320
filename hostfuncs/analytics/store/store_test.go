package store

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/pagesrun/pagesrun/abi"
)

const (
	day     = 24 * time.Hour
	forever = 1_000_000 * time.Hour
)

// open starts a writer that is closed at the end of the test.
func open(t testing.TB, path string, l Limits) *Writer {
	t.Helper()
	if l.Retention == 0 {
		l.Retention = forever
	}
	if l.MaxBytes == 0 {
		l.MaxBytes = 1 << 40
	}
	w, err := New(context.Background(), Options{Path: path, Now: time.Now, Log: slog.New(slog.DiscardHandler), Limits: l})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return w
}

func message(index string, blobs []abi.ByteString, doubles ...float64) []byte {
	return (&abi.AnalyticsWriteRequest{Indexes: []abi.ByteString{abi.ByteString(index)}, Blobs: blobs, Doubles: doubles}).AppendCBOR(nil)
}

// ask gives the only value of a query of a file, as text.
func ask(t testing.TB, path, sql string) string {
	t.Helper()
	c, err := sqlite3.Open("file:" + path + "?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s, _, err := c.Prepare(sql)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if !s.Step() {
		t.Fatal(s.Err())
	}
	return s.ColumnText(0)
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, fn func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !fn(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("never: " + what)
		}
	}
}

func TestPointsAreStoredWithinASecond(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.sqlite")
	w := open(t, path, Limits{})
	if _, err := os.Stat(path); err == nil {
		t.Error("there is a file before the first point")
	}
	begun := time.Now()
	w.Add(time.Unix(1000, 5), message("i", []abi.ByteString{"a", "", "c"}, 1.5, -2))
	w.Add(time.Unix(1001, 0), message("", nil))
	eventually(t, "stored", func() bool { return w.Stored() == 2 })
	if took := time.Since(begun); took > time.Second {
		t.Logf("it took %v", took) // the machine may be busy; FlushDelay is what is promised
	}
	row := `timestamp || '|' || _sample_interval || '|' || index1 || '|' || blob1 || '|' || blob2 || '|' || blob3 || '|' || blob20 || '|' || double1 || '|' || double2 || '|' || double20`
	for id, want := range map[int]string{1: "1000|1|i|a||c||1.5|-2.0|0.0", 2: "1001|1||||||0.0|0.0|0.0"} {
		if got := ask(t, path, fmt.Sprintf("SELECT %s FROM points WHERE id = %d", row, id)); got != want {
			t.Errorf("point %d is %s, want %s", id, got, want)
		}
	}
	if w.Waiting() != 0 {
		t.Errorf("%d bytes wait", w.Waiting())
	}
}

func TestCloseStoresWhatWaits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.sqlite")
	w := open(t, path, Limits{})
	for i := range 10_000 {
		if !w.Add(time.Unix(int64(i), 0), message("i", nil, float64(i))) {
			t.Fatal("refused")
		}
	}
	if lost, err := w.Close(); lost != 0 || err != nil {
		t.Fatal(lost, err)
	}
	if got := ask(t, path, "SELECT count(*) || ' ' || total(double1) FROM points"); got != "10000 49995000.0" {
		t.Errorf("stored: %s", got)
	}
	if w.Add(time.Now(), message("i", nil)) {
		t.Error("a closed writer has taken a point")
	}
	if _, err := w.Close(); err == nil {
		t.Error("it was closed twice")
	}
	if err := w.Flush(); err == nil {
		t.Error("a closed writer was flushed")
	}
}

func TestOldPointsAreRemoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.sqlite")
	w := open(t, path, Limits{})
	for i := range 5000 {
		w.Add(time.Now().Add(-10*day), message("old", nil, float64(i)))
	}
	w.Add(time.Now().Add(-7*day+time.Hour), message("young", nil))
	w.Add(time.Now(), message("new", nil))
	w.Close()
	open(t, path, Limits{Retention: 7 * day}).Flush()
	if got := ask(t, path, "SELECT group_concat(DISTINCT index1) FROM points"); got != "young,new" {
		t.Errorf("left: %s", got)
	}
}

func TestTheRoomOfPointsIsBounded(t *testing.T) {
	const most = 2 << 20
	path := filepath.Join(t.TempDir(), "x.sqlite")
	w := open(t, path, Limits{MaxBytes: most})
	blob := []abi.ByteString{abi.ByteString(make([]byte, 200))}
	for i := range 30_000 {
		for !w.Add(time.Unix(int64(i), 0), message("i", blob, float64(i))) {
			time.Sleep(time.Millisecond)
		}
		if i%5000 == 0 {
			if err := w.Flush(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	used, err := w.used()
	if err != nil || used > most || used < most*8/10 {
		t.Errorf("%d bytes are in use, %v; at most %d", used, err, most)
	}
	if got := ask(t, path, "SELECT max(double1) FROM points"); got != "29999.0" {
		t.Errorf("the newest point is %s", got)
	}
	if got := ask(t, path, "SELECT max(double1) - min(double1) + 1 - count(*) FROM points"); got != "0.0" {
		t.Errorf("%s points are missing between the oldest and the newest", got)
	}
	w.SetLimits(Limits{Retention: forever, MaxBytes: most / 2})
	w.Add(time.Now(), message("i", nil))
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if used, err := w.used(); err != nil || used > most/2 {
		t.Errorf("%d bytes are in use, %v; at most %d", used, err, most/2)
	}
}

func TestMemoryOfWaitingPointsIsBounded(t *testing.T) {
	w := open(t, filepath.Join(t.TempDir(), "missing", "x.sqlite"), Limits{})
	msg := message("i", []abi.ByteString{abi.ByteString(make([]byte, 10_000))})
	taken := 0
	for w.Add(time.Now(), msg) {
		taken++
	}
	if most := BufferBytesMax / (len(msg) + pointBytes); taken != most {
		t.Errorf("%d points were taken, want %d", taken, most)
	}
	if w.Waiting() > BufferBytesMax {
		t.Errorf("%d bytes wait", w.Waiting())
	}
	if err := w.Flush(); err == nil {
		t.Error("points were written into a directory that is not there")
	}
	if lost, _ := w.Close(); lost != taken {
		t.Errorf("%d points were lost, want %d", lost, taken)
	}
}

func TestWritingGoesOnWhenItWorksAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "later")
	w := open(t, filepath.Join(dir, "x.sqlite"), Limits{})
	w.Add(time.Now(), message("first", nil))
	if w.Flush() == nil {
		t.Fatal("it works already")
	}
	w.Add(time.Now(), message("second", nil))
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	eventually(t, "stored", func() bool { return w.Stored() == 2 })
	if got := ask(t, filepath.Join(dir, "x.sqlite"), "SELECT group_concat(index1) FROM points"); got != "first,second" {
		t.Errorf("stored: %s", got)
	}
}

func TestManyAddWhileOneWrites(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.sqlite")
	w := open(t, path, Limits{})
	var adders sync.WaitGroup
	for a := range 8 {
		adders.Go(func() {
			for i := range 1000 {
				for !w.Add(time.Now(), message(fmt.Sprint(a), nil, float64(i))) {
					time.Sleep(time.Millisecond)
				}
			}
		})
	}
	for range 5 {
		w.Flush()
	}
	adders.Wait()
	w.Close()
	if got := ask(t, path, "SELECT count(*) || ' ' || count(DISTINCT index1 || ' ' || double1) FROM points"); got != "8000 8000" {
		t.Errorf("stored: %s", got)
	}
}

func TestNamesOfFiles(t *testing.T) {
	dir := t.TempDir()
	names := []string{"a", "A", "my-data_1", "ünï", "a/b", "..", ".", "a.b", "~", "\x00", " ", "%"}
	for _, name := range names {
		if err := os.WriteFile(Path(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, other := range []string{"kv-x.sqlite", "analytics-~zz.sqlite", "analytics-~4.sqlite", "analytics-A.sqlite", "analytics-a.sqlite-wal", "api-token"} {
		if err := os.WriteFile(filepath.Join(dir, other), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	stored, err := Stored(dir)
	if err != nil || len(stored) != len(names) {
		t.Errorf("stored are %q, %v", stored, err)
	}
	for _, name := range names {
		if has, err := Has(dir, name); !has || err != nil {
			t.Errorf("%q: %v, %v", name, has, err)
		}
	}
	for _, name := range []string{"", "b", string(make([]byte, NameBytesMax+1))} {
		if has, err := Has(dir, name); has || err != nil {
			t.Errorf("%q: %v, %v", name, has, err)
		}
	}
}

// TestPointsOfDifferentShapesKeepTheirOrderAndValues has runs of one shape of all lengths around what one statement stores.
func TestPointsOfDifferentShapesKeepTheirOrderAndValues(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.sqlite")
	w := open(t, path, Limits{})
	var want strings.Builder
	n := 0
	for run := range 3*rowsMax + 2 {
		blobs, doubles := make([]abi.ByteString, run%3*7), make([]float64, run/3%3*9)
		for range run {
			n++
			index := strconv.Itoa(n)
			if len(blobs) > 0 {
				blobs[len(blobs)-1] = abi.ByteString("b" + index)
			}
			if len(doubles) > 0 {
				doubles[len(doubles)-1] = float64(n)
			}
			w.Add(time.Unix(int64(n), 0), message(index, blobs, doubles...))
			fmt.Fprintf(&want, "%d %d %s %s%s;", n, n, index, last(blobs), last(doubles))
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	got := ask(t, path, `SELECT group_concat(id || ' ' || timestamp || ' ' || index1 || ' ' || blob7 || blob14 || iif(double9 = 0, '', CAST(double9 AS INTEGER)) || iif(double18 = 0, '', CAST(double18 AS INTEGER)) || ';', '' ORDER BY id)
		FROM points`)
	if got != want.String() {
		t.Errorf("got  %.300s\nwant %.300s", got, want.String())
	}
}

// last gives the last of a list as text; nothing when there is none.
func last[T any](list []T) string {
	if len(list) == 0 {
		return ""
	}
	return fmt.Sprint(list[len(list)-1])
}

// BenchmarkStore is how fast points are stored.
func BenchmarkStore(b *testing.B) {
	w := open(b, filepath.Join(b.TempDir(), "x.sqlite"), Limits{})
	msg := message("customer-00001", []abi.ByteString{"DE", "/path"}, 12.5, 1)
	b.ReportAllocs()
	for b.Loop() {
		for !w.Add(time.Now(), msg) {
			time.Sleep(time.Millisecond)
		}
	}
	w.Close()
}
