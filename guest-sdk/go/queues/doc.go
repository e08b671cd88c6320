// Package queues sends messages to queues and consumes them.
//
//	const orders = queues.Queue("ORDERS") // the producer's binding
//
//	err := orders.SendJSON(`{"id":1}`, queues.Delay(time.Minute))
//
// A program that consumes queues registers one handler for all of them:
//
//	func main() {
//		queues.Handle(func(ctx *pagesrun.Context, batch *queues.Batch) error {
//			for _, m := range batch.Messages {
//				if err := charge(m.Body); err != nil {
//					m.Retry(queues.Delay(30 * time.Second))
//				}
//			}
//			return nil
//		})
//	}
//
// Delivery is at least once: a message comes again, with the same ID and one attempt more, until it has been acknowledged or its attempts are used
// up. Messages that the handler said nothing about are acknowledged when it returns nil and delivered again when it returns an error or panics.
//
// Failures are [*abi.Error] with the platform's text; errors.Is(err, abi.CodeTooLarge) and the like tell their kind. The package does not import
// encoding/json; package queuesjson beside it sends and reads Go values.
package queues
