// The probe's cron trigger. What it does is told in ../../go/probe/scheduled.go.

import { Context, KV, log, LOG_ERROR, ScheduledEvent } from "../assembly";

export function tick(e: ScheduledEvent, ctx: Context): void {
  const r = new KV("SEEN").put("tick/" + e.cron, "due=" + e.scheduledTimeMs.toString());
  if (r.failed) log(LOG_ERROR, r.error.message);
  if (e.cron == "throw") ctx.fail("thrown by the tick");
  if (e.cron == "trap") unreachable();
  if (e.cron == "late") ctx.waitUntilWith<Context>((c) => c.fail("late failure"), ctx);
}
