package main

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
	"time"

	pagesrun "github.com/pagesrun/pagesrun/guest-sdk/go"
	"github.com/pagesrun/pagesrun/guest-sdk/go/kv"
	"github.com/pagesrun/pagesrun/guest-sdk/go/queues"
)

// seen is where the consumer and the cron trigger write down what came.
const seen = kv.Namespace("SEEN")

// queueOperation performs an operation on a queue. known is false where there is none of that name.
func (p *probe) queueOperation(op string) (known bool, err error) {
	q := queues.Queue(p.param("target"))
	switch op {
	case "queues.send":
		return true, p.send(q)
	case "queues.send_batch":
		return true, p.sendBatch(q)
	case "queues.metrics":
		m, err := q.Metrics()
		if err == nil {
			p.queueMetrics(m)
		}
		return true, err
	}
	return false, nil
}

// options are those that the query has.
func (p *probe) options(delay *int64, kind string) []queues.SendOption {
	var options []queues.SendOption
	if kind != "" {
		options = append(options, queues.ContentType(kind))
	}
	if delay != nil {
		options = append(options, queues.Delay(time.Duration(*delay)*time.Second))
	}
	return options
}

func (p *probe) send(q queues.Queue) error {
	body, err := p.body()
	if err != nil {
		return err
	}
	if p.param("source") == "memory" {
		body = bytes.Repeat([]byte("x"), int(*p.number("n")))
	}
	metrics, err := q.SendAsync(body, p.options(p.number("delay"), p.param("type"))...).Await()
	if err != nil {
		return err
	}
	p.queueMetrics(metrics)
	return nil
}

func (p *probe) sendBatch(q queues.Queue) error {
	body, err := p.body()
	if err != nil {
		return err
	}
	var messages []queues.Outgoing
	for line := range strings.Lines(string(body)) {
		fields := strings.SplitN(strings.TrimSuffix(line, "\n"), " ", 3)
		messages = append(messages, p.outgoing(fields[0], fields[1], fields[2]))
	}
	metrics, err := q.SendBatchAsync(messages, p.options(p.number("delay"), "")...).Await()
	if err != nil {
		return err
	}
	p.queueMetrics(metrics)
	return nil
}

func (p *probe) outgoing(kind, delay, text string) queues.Outgoing {
	var delayS *int64
	if delay != "-" {
		n, _ := strconv.ParseInt(delay, 10, 64)
		delayS = &n
	}
	if kind == "-" {
		kind = ""
	}
	if count, many := strings.CutPrefix(text, "#"); many {
		n, _ := strconv.Atoi(count)
		text = strings.Repeat("x", n)
	}
	return queues.NewMessage([]byte(text), p.options(delayS, kind)...)
}

func (p *probe) queueMetrics(m queues.Metrics) {
	p.text("backlog=" + strconv.FormatUint(m.BacklogCount, 10) + " bytes=" + strconv.FormatUint(m.BacklogBytes, 10) + " oldest=")
	if m.Oldest.IsZero() {
		p.text("-\n")
	} else {
		p.text("yes\n")
	}
}

// consume writes the batch down and obeys it.
func consume(ctx *pagesrun.Context, b *queues.Batch) error {
	var failure error
	for _, m := range b.Messages {
		name, words := instructions(m)
		record(ctx, b, m, name)
		for _, word := range words {
			if err := obey(ctx, b, m, word); err != nil {
				failure = err
			}
		}
	}
	return failure
}

// instructions are the name and the words of a message. A JSON string is one without its quotes.
func instructions(m *queues.Message) (name string, words []string) {
	text := m.Text()
	if m.ContentType == queues.JSON {
		text = strings.Trim(text, `"`)
	}
	fields := strings.Split(text, " ")
	return fields[0], fields[1:]
}

func record(ctx *pagesrun.Context, b *queues.Batch, m *queues.Message, name string) {
	var p probe
	p.text("id=" + m.ID + " sent=" + strconv.FormatInt(m.Timestamp.UnixMilli(), 10) + " type=" + string(m.ContentType) + " body=")
	p.show(m.Body)
	p.text(" of=" + strconv.Itoa(len(b.Messages)) + " at=" + strconv.FormatInt(ctx.Time().UnixMilli(), 10))
	if err := seen.Put(b.Queue+"/"+name+"/"+strconv.Itoa(m.Attempts), p.out); err != nil {
		pagesrun.Log(pagesrun.LevelError, err.Error())
	}
}

func obey(ctx *pagesrun.Context, b *queues.Batch, m *queues.Message, word string) error {
	if attempt, then, only := strings.Cut(word, "@"); only {
		if attempt != strconv.Itoa(m.Attempts) {
			return nil
		}
		word = then
	}
	word, value, valued := strings.Cut(word, ":")
	n, _ := strconv.Atoi(value)
	var delay []queues.Delay
	if valued {
		delay = []queues.Delay{queues.Delay(time.Duration(n) * time.Second)}
	}
	switch word {
	case "ack":
		m.Ack()
	case "retry":
		m.Retry(delay...)
	case "ackAll":
		b.AckAll()
	case "retryAll":
		b.RetryAll(delay...)
	case "throw":
		return errors.New("thrown by " + m.ID)
	case "trap":
		panic("trap was asked for")
	case "sleep":
		time.Sleep(time.Duration(n) * time.Millisecond)
	case "late":
		ctx.WaitUntil(func() { ctx.Fail(errors.New("late failure")) })
	}
	return nil
}
