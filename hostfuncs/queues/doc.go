// Package queues is the Queues binding: producers that send messages, and consumers that have the function run with batches of them.
//
// Each queue is one JetStream stream, in a server inside this process or in a cluster (see package internal/jetstream). A send is
// acknowledged when the message is on disk, unless the configuration relaxes that. Delivery is at least once: a message whose batch was running when
// the process ended comes back, with its count of attempts one higher.
//
// Semantics, limits and error texts are those of Cloudflare's production Queues; where the local simulator differs, production is followed:
// batches of 10 after 5 seconds with 3 retries by default; 256,000 bytes per sendBatch; what a handler has acknowledged stays acknowledged when it fails or
// calls retryAll() afterwards; a queue without a consumer checks and keeps its messages, for 4 days. Differences: sends are not limited per second, and
// a JSON body must be valid JSON, because a message no consumer can read would only come back until its attempts are used up.
//
// A message is stored once, where it was sent, until it is settled. Delays, those of sends and those of retries, are waited for by the consumer; attempts are
// kept in a journal beside the store (see journal.go), so that both survive the end of the process.
//
// In a cluster several processes may consume a queue, and JetStream counts the attempts. There a delivery that a process has asked for and does not begin before it
// ends counts as an attempt, and what a process was working on when it was killed comes again when the time limit of events has passed.
package queues
