package queues

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/nats-io/nats.go"
)

func TestParcelsAreReadAsTheyWerePacked(t *testing.T) {
	messages := []stored{
		{id: newID(), sentMS: 1, contentType: "json", body: []byte("1")},
		{id: newID(), sentMS: 1 << 60, notBeforeMS: 7, contentType: "text", body: []byte{}},
		{id: newID(), contentType: "bytes", body: bytes.Repeat([]byte{0xff}, 128_000)},
	}
	got, err := unpack(pack(messages))
	if err != nil || !reflect.DeepEqual(got, messages) {
		t.Errorf("%v", err)
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add(pack([]stored{{contentType: "json", body: []byte("1")}, {contentType: "bytes"}}))
	f.Add([]byte{parcelVersion})
	f.Fuzz(func(t *testing.T, data []byte) {
		messages, err := unpack(data)
		if err != nil {
			return
		}
		if again := pack(messages); !bytes.Equal(again, data) {
			t.Errorf("%x was read and packed as %x", data, again)
		}
	})
}

func TestHeadersHaveOneSize(t *testing.T) {
	for _, h := range []nats.Header{{}, {"Nats-Msg-Id": {"0123"}}, {"Nats-Batch-Id": {"0123456789abcdef0123456789"}, "Nats-Batch-Sequence": {"100"}, "Nats-Batch-Commit": {"1"}}} {
		m := &nats.Msg{Subject: "s", Header: maps.Clone(h)}
		pad(m)
		if size := m.Size() - len(m.Subject); size != headerBytes {
			t.Errorf("%v has %d bytes", h, size)
		}
	}
}

func journalAt(t *testing.T, path string, first, last uint64) *journal {
	t.Helper()
	j, err := openJournal(path, first, last)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.close() })
	return j
}

func TestAJournalIsReadAsItWasWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	j := journalAt(t, path, 0, 0)
	j.put([]change{{1, 0, entry{attempts: 1}}, {2, 0, entry{attempts: 1}}, {2, 5, entry{attempts: 3, notBeforeMS: 77}}, {3, 1, entry{attempts: 2, done: true}}, {9, 0, entry{attempts: 1}}})
	j.put([]change{{1, wholeParcel, entry{}}, {2, 0, entry{attempts: 2}}})
	want := map[uint64]map[uint32]entry{2: {0: {attempts: 2}, 5: {attempts: 3, notBeforeMS: 77}}, 3: {1: {attempts: 2, done: true}}}
	// A record that was being written when the process ended.
	file, _ := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	file.Write(make([]byte, recordSize-1))
	file.Close()
	for range 2 {
		if again := journalAt(t, path, 2, 8); !reflect.DeepEqual(again.parcels, want) || again.entries != 3 {
			t.Errorf("%d entries: %v", again.entries, again.parcels)
		}
	}
}

func TestAJournalDoesNotGrowForEver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	j := journalAt(t, path, 0, 0)
	for i := range uint64(4 * compactAbove) {
		if err := j.put([]change{{i, 0, entry{attempts: 1}}}); err != nil {
			t.Fatal(err)
		}
		if i > 10 {
			j.put([]change{{i - 10, wholeParcel, entry{}}})
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Size() > 2*compactAbove*recordSize || j.entries > 20 {
		t.Errorf("%d bytes, %d entries, %v", info.Size(), j.entries, err)
	}
	if again := journalAt(t, path, 0, 1<<60); !reflect.DeepEqual(again.parcels, j.parcels) {
		t.Errorf("%v, want %v", again.parcels, j.parcels)
	}
}

func FuzzJournal(f *testing.F) {
	c := change{7, 1, entry{attempts: 2, done: true}}
	f.Add(c.append(nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		j := &journal{parcels: map[uint64]map[uint32]entry{}}
		var again []byte
		readRecords(data, func(c change) {
			again = c.append(again)
			j.apply(c)
		})
		if len(again)%recordSize != 0 || j.entries > len(data)/recordSize {
			t.Errorf("%d bytes gave %d entries", len(data), j.entries)
		}
	})
}
