// Package analytics is the Analytics Engine binding: guests write data points, and people read them as Prometheus metrics and with SQL.
//
// A write never blocks and never fails the event. A point that is over a limit is dropped, counted by reason, and logged in the platform's words;
// so is one for which there is no room because the disk is slow or full. Metrics know of a point at once; the file of its dataset has it within a
// second. The end of the process loses at most the points of that second, and never damages what was stored before.
//
// A dataset is one SQLite file, made by the first point. Points are removed from it by age and by size.
//
// The limits are those of Cloudflare's production service. Nothing is sampled: _sample_interval is always 1.
package analytics
