package main

import (
	"fmt"
	"strings"
	"time"

	pagesrun "github.com/pagesrun/pagesrun/guest-sdk/go"
	"github.com/pagesrun/pagesrun/guest-sdk/go/analytics"
	"github.com/pagesrun/pagesrun/guest-sdk/go/queues"
	"github.com/pagesrun/pagesrun/guest-sdk/go/queues/queuesjson"
)

const (
	// pending are the orders to confirm.
	pending = queues.Queue("ORDERS")
	// sales is where statistics go.
	sales = analytics.Dataset("SALES")

	// givenUpQueue is the dead letter queue: orders that could not be confirmed.
	givenUpQueue = "orders-given-up"
)

// pendingOrder is the message about an order.
type pendingOrder struct {
	ID string `json:"id"`
}

// consume settles every message by itself: one order that cannot be confirmed does not hold up the others of its batch.
func consume(ctx *pagesrun.Context, batch *queues.Batch) error {
	settle := confirmOne
	if batch.Queue == givenUpQueue {
		settle = giveUpOne
	}
	for _, m := range batch.Messages {
		message, err := queuesjson.Decode[pendingOrder](m)
		if err == nil {
			err = settle(message.ID, ctx.Time())
		}
		if err != nil {
			logError(fmt.Sprintf("%s, attempt %d: order %s", batch.Queue, m.Attempts, message.ID), err)
			m.Retry()
			continue
		}
		m.Ack()
	}
	return nil
}

func confirmOne(id string, at time.Time) error {
	settled, err := confirm(id, at)
	if err != nil && strings.Contains(err.Error(), "CHECK constraint failed") {
		return fmt.Errorf("there are too few pieces: %w", err)
	}
	return countSettled(id, settled, err)
}

func giveUpOne(id string, at time.Time) error {
	settled, err := giveUp(id, "there were too few pieces of a product", at)
	return countSettled(id, settled, err)
}

// countSettled writes an order that was just settled to the statistics.
func countSettled(id string, settled bool, err error) error {
	if err != nil || !settled {
		return err
	}
	o, ok, err := find(id)
	if ok && o.Settled != nil {
		o.count(o.Status, o.Settled.Sub(o.Ordered))
	}
	return err
}

// count writes what has happened to an order to the statistics.
func (o *order) count(step string, wait time.Duration) {
	sales.Write(analytics.Point{
		Index: o.Country, Blobs: []string{step}, Doubles: []float64{float64(o.Cents), float64(o.pieces()), float64(max(0, wait.Milliseconds()))},
	})
}

func logError(what string, err error) { pagesrun.Log(pagesrun.LevelError, what+": "+err.Error()) }
