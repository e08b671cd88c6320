// Package cron is the binding behind "triggers": it runs the function's scheduled handler at the minutes that cron expressions name.
//
// Expressions have the dialect of Cloudflare's production: five fields in UTC, the days of the week from 1 for Sunday to 7 for Saturday; see
// [Parse]. Every tick, the minute an expression matches, is run at most once: it is written down in the data directory before its event
// begins, where restarts, reloads, a clock that is set back and other processes with the same directory find it.
//
//   - A tick that no guest code has seen, because pagesrun was overloaded or stopping, is given back and run as soon as that is possible.
//   - A tick whose event has begun is never run again, whether the handler fails or the process dies in the middle.
//   - Ticks that went by while pagesrun was not running, or that a clock set forward has passed over, are missed: of each
//     expression the last one is still run when it is no older than the catch-up time (its own minute unless [pagesrun.cron] says otherwise).
//   - An expression counts from when it is first seen: no tick before that is ever run.
//   - A tick is run even when the one before is still running, until [RunningMax] events of an expression run.
//
// While "pagesrun dev" runs, the binding also answers /cdn-cgi/handler/scheduled, whether there are expressions or not.
package cron
