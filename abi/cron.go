package abi

// ScheduledEvent is the tick of a cron trigger.
type ScheduledEvent struct {
	// ScheduledTimeMS is the minute the event was due at, in milliseconds since the Unix epoch. The event may run later.
	ScheduledTimeMS int64 `cbor:"1"`
	// Cron is the expression as the configuration has it.
	Cron string `cbor:"2"`
}
