package jetstream

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	js "github.com/nats-io/nats.go/jetstream"
)

const scheduled = 3000

// fire has JetStream's own schedules deliver messages, all at the same time, and says when a part of them has been.
func fire(dir string) {
	ctx := context.Background()
	s, err := Open(ctx, Options{Dir: dir, Relaxed: true})
	check(err)
	_, err = s.CreateStream(ctx, js.StreamConfig{Name: "S", Subjects: []string{"s.>"}, AllowMsgSchedules: true, AllowDirect: true})
	check(err)
	at := time.Now().Add(2 * time.Second).UTC().Format(time.RFC3339)
	for i := range scheduled {
		m := nats.NewMsg(fmt.Sprintf("s.later.%d", i))
		m.Header.Set("Nats-Schedule", "@at "+at)
		m.Header.Set("Nats-Schedule-Target", fmt.Sprintf("s.now.%d", i))
		_, err := s.JetStream().PublishMsgAsync(m)
		check(err)
	}
	<-s.JetStream().PublishAsyncComplete()
	st, err := s.JetStream().Stream(ctx, "S")
	check(err)
	for {
		info, err := st.Info(ctx, js.WithSubjectFilter("s.now.>"))
		check(err)
		if len(info.State.Subjects) > scheduled/4 {
			break
		}
	}
	os.Stdout.WriteString("firing\n")
	select {}
}

// TestSchedulesDoubleMessages shows why delays are not left to JetStream's schedules: a process that is killed while one fires has stored
// the message for its receiver and not yet removed the schedule, which then fires again. It happens at every other kill or so.
func TestSchedulesDoubleMessages(t *testing.T) {
	if os.Getenv("PAGESRUN_SCHEDULES") == "" {
		t.Skip("this is about JetStream and takes its time; set PAGESRUN_SCHEDULES to run it")
	}
	for kill := range 10 {
		dir := t.TempDir()
		cmd := child(t, "fire", dir)
		cmd.Process.Kill()
		cmd.Wait()
		s := open(t, Options{Dir: dir, Relaxed: true})
		st := stream(t, s)
		time.Sleep(3 * time.Second)
		info, err := st.Info(t.Context(), js.WithSubjectFilter("s.now.>"))
		if err != nil {
			t.Fatal(err)
		}
		s.Close()
		if doubles := info.State.Msgs - uint64(len(info.State.Subjects)); doubles > 0 {
			t.Logf("after %d kills: %d of %d messages came twice", kill+1, doubles, scheduled)
			return
		}
	}
	t.Error("no message came twice; perhaps schedules can be used now")
}
