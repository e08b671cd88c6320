package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/hostfuncs/queues"
	"golang.org/x/term"
)

// queuesCmd is "pagesrun queues".
type queuesCmd struct {
	List  queuesListCmd  `cmd:"" help:"Show all queues."`
	Info  queuesInfoCmd  `cmd:"" help:"Show one queue."`
	Send  queuesSendCmd  `cmd:"" help:"Send one message."`
	Peek  queuesPeekCmd  `cmd:"" help:"Show the messages at the front of a queue and leave them there."`
	Purge queuesPurgeCmd `cmd:"" help:"Remove all messages of a queue."`
}

// queuesTarget says where the queues are: in the data directory, or in the cluster that the configuration names. A server may be using them.
type queuesTarget struct {
	configFlags
}

// use connects to the queues for as long as fn runs.
func (t *queuesTarget) use(ctx context.Context, fn func(*queues.Admin) error) error {
	_, err := t.open(ctx, fn)
	return err
}

// open is use; it gives the names of the queues that are configured.
func (t *queuesTarget) open(ctx context.Context, fn func(*queues.Admin) error) (configured []string, err error) {
	cfg, problems := t.load(bindingFlags{})
	producers, consumers, more := queues.Resources(cfg)
	if err := append(problems, more...).Err(); err != nil {
		return nil, err
	}
	for _, p := range producers {
		configured = append(configured, p.Queue)
	}
	for _, c := range consumers {
		configured = append(configured, c.Queue, c.DeadLetterQueue)
	}
	dir, err := t.storeDir(cfg, queues.Kind)
	if err != nil {
		return configured, err
	}
	admin, err := queues.Connect(ctx, queues.Options{
		Dir: dir, Relaxed: cfg.Pagesrun.Durability == "relaxed", Nats: cfg.Pagesrun.Nats,
	})
	if err != nil {
		return configured, err
	}
	return configured, errors.Join(fn(admin), admin.Close())
}

// missing turns "no such queue" into a sentence that names those there are.
func missing(ctx context.Context, a *queues.Admin, name string, err error) error {
	if !errors.Is(err, queues.ErrNoQueue) {
		return err
	}
	list, err := a.List(ctx)
	if err != nil {
		return err
	}
	known := "none"
	if len(list) > 0 {
		names := make([]string, len(list))
		for i, q := range list {
			names[i] = q.Name
		}
		known = strings.Join(names, ", ")
	}
	return fmt.Errorf("there is no queue %q; there are: %s", name, known)
}

// queueView is how a queue is shown as JSON.
type queueView struct {
	Name         string `json:"name"`
	BacklogCount uint64 `json:"backlog_count"`
	BacklogBytes uint64 `json:"backlog_bytes"`
	// OldestMS is when the oldest message was sent; null when there is none.
	OldestMS *int64 `json:"oldest_message_timestamp_ms"`
	// Consumed says that a function consumes the queue at this moment.
	Consumed bool   `json:"consumed"`
	Created  string `json:"created"`
}

const timeLayout = "2006-01-02T15:04:05.000Z"

func viewQueue(i queues.Info) queueView {
	return queueView{
		Name: i.Name, BacklogCount: i.Metrics.BacklogCount, BacklogBytes: i.Metrics.BacklogBytes, OldestMS: i.Metrics.OldestMessageTimestampMS,
		Consumed: i.Consumed, Created: i.Created.UTC().Format(timeLayout),
	}
}

type queuesListCmd struct {
	queuesTarget
	JSON bool `name:"json" help:"Print JSON."`
}

// Run prints a line per queue.
func (c *queuesListCmd) Run(ctx context.Context) error {
	return c.use(ctx, func(a *queues.Admin) error {
		list, err := a.List(ctx)
		if err != nil {
			return err
		}
		if !c.JSON {
			return printQueues(list)
		}
		out := newJSONPrinter(os.Stdout, "[", "]")
		for _, q := range list {
			if err := out.item("", viewQueue(q)); err != nil {
				return err
			}
		}
		return out.end()
	})
}

func printQueues(list []queues.Info) error {
	if len(list) == 0 {
		_, err := fmt.Println("There are no queues. A queue is made when a function that is configured with it starts.")
		return err
	}
	width := len("QUEUE")
	for _, q := range list {
		width = max(width, len(q.Name))
	}
	out := bufio.NewWriter(os.Stdout)
	fmt.Fprintf(out, "%-*s  %10s  %12s  %s\n", width, "QUEUE", "MESSAGES", "BYTES", "CONSUMED")
	for _, q := range list {
		fmt.Fprintf(out, "%-*s  %10d  %12d  %s\n", width, q.Name, q.Metrics.BacklogCount, q.Metrics.BacklogBytes, yesNo(q.Consumed))
	}
	return out.Flush()
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

type queuesInfoCmd struct {
	queuesTarget
	Queue string `arg:"" help:"The queue, by its name."`
	JSON  bool   `name:"json" help:"Print JSON."`
}

// Run prints what there is to know of one queue.
func (c *queuesInfoCmd) Run(ctx context.Context) error {
	return c.use(ctx, func(a *queues.Admin) error {
		info, err := a.Info(ctx, c.Queue)
		if err != nil {
			return missing(ctx, a, c.Queue, err)
		}
		v := viewQueue(info)
		if c.JSON {
			return printJSON(v)
		}
		oldest := "-"
		if v.OldestMS != nil {
			oldest = formatMS(*v.OldestMS)
		}
		_, err = fmt.Printf("queue      %s\ncreated    %s\nmessages   %d\nbytes      %d\noldest     %s\nconsumed   %s\n",
			v.Name, v.Created, v.BacklogCount, v.BacklogBytes, oldest, yesNo(v.Consumed))
		return err
	})
}

func printJSON(v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Println(string(text))
	return err
}

type queuesSendCmd struct {
	queuesTarget
	Queue       string  `arg:"" help:"The queue, by its name."`
	Body        *string `arg:"" optional:"" help:"The message; or use --path."`
	Path        string  `placeholder:"FILE" help:"Read the message from this file, \"-\" for standard input."`
	ContentType string  `name:"content-type" default:"json" placeholder:"TYPE" help:"json, text or bytes (default: json)."`
	Delay       *int64  `placeholder:"SECONDS" help:"Deliver it no earlier than after so many seconds, at most 43200."`
}

// Run sends a message. To a queue that is neither there nor configured it sends nothing: that is a slip of the pen.
func (c *queuesSendCmd) Run(ctx context.Context) error {
	body, err := c.body()
	if err != nil {
		return err
	}
	var unknown error
	send := func(a *queues.Admin) error {
		q := &abi.QueuesSendBatchRequest{Messages: []abi.QueueSend{{Body: body, ContentType: c.ContentType, DelayS: c.Delay}}}
		return a.Send(ctx, c.Queue, q)
	}
	configured, err := c.open(ctx, func(a *queues.Admin) error {
		if _, err := a.Info(ctx, c.Queue); err != nil {
			unknown = missing(ctx, a, c.Queue, err)
			return nil
		}
		return send(a)
	})
	if err != nil || unknown == nil {
		return err
	}
	if !slices.Contains(configured, c.Queue) {
		return unknown
	}
	return c.use(ctx, send)
}

// body reads the message from where it is given, never more than one byte beyond the limit.
func (c *queuesSendCmd) body() ([]byte, error) {
	return given("message", c.Body, c.Path, abi.QueueMessageBytesMax+1)
}

type queuesPurgeCmd struct {
	queuesTarget
	Queue string `arg:"" help:"The queue, by its name."`
	Yes   bool   `short:"y" help:"Do not ask."`
	JSON  bool   `name:"json" help:"Print JSON."`
}

// Run removes all messages, after asking.
func (c *queuesPurgeCmd) Run(ctx context.Context) error {
	return c.use(ctx, func(a *queues.Admin) error {
		info, err := a.Info(ctx, c.Queue)
		if err != nil {
			return missing(ctx, a, c.Queue, err)
		}
		if !c.Yes {
			if err := confirm(fmt.Sprintf("Remove all %d messages of the queue %s?", info.Metrics.BacklogCount, c.Queue)); err != nil {
				return err
			}
		}
		n, err := a.Purge(ctx, c.Queue)
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(map[string]uint64{"removed": n})
		}
		_, err = fmt.Printf("%d messages removed\n", n)
		return err
	})
}

// confirm asks a person; where there is none, the flag has to say it.
func confirm(question string) error {
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return usageError(question + " Say --yes: there is no terminal to ask at.")
	}
	fmt.Fprint(os.Stderr, question+" [y/N] ")
	answer, _ := bufio.NewReader(os.Stdin).ReadString('\n')
	if answer = strings.ToLower(strings.TrimSpace(answer)); answer == "y" || answer == "yes" {
		return nil
	}
	return errors.New("nothing was removed")
}
