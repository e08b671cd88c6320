package queues

import (
	"testing"

	"github.com/pagesrun/pagesrun/abi"
)

func TestWhatIsSentIsDelivered(t *testing.T) {
	s := &script{}
	r := openRig(t, rigOptions{}, &Producer{Binding: "Q", Queue: "q"}, consumer("q", nil))
	if got := r.metrics("Q"); got.BacklogCount != 0 || got.BacklogBytes != 0 || got.OldestMessageTimestampMS != nil {
		t.Errorf("an empty queue has %+v", got)
	}
	r.sendText("Q", "hello")
	if err := r.sendBatch("Q", abi.QueuesSendBatchRequest{Messages: []abi.QueueSend{{Body: []byte("1")}, {Body: []byte("[2]"), ContentType: "JSON"}}}); err != nil {
		t.Fatal(err)
	}
	if got := r.metrics("Q"); got.BacklogCount != 3 || got.BacklogBytes != 5+1+3 || got.OldestMessageTimestampMS == nil {
		t.Errorf("the queue has %+v", got)
	}
	r.start(s)
	eventually(t, "three deliveries", func() bool { return len(s.deliveries()) == 3 })
	eventually(t, "an empty queue", func() bool { return r.metrics("Q").BacklogCount == 0 })
}
