// The probe in AssemblyScript: what it does and how it answers is told in ../../go/probe/main.go.

import { Context, log, LOG_INFO, onFetch, onQueue, onScheduled, Outcome, Request, Response } from "../assembly";
import { writePoints } from "./analytics";
import { bindings, logLines, readSecret, readVariable } from "./config";
import * as d1 from "./d1";
import * as kv from "./kv";
import * as event from "./event";
import { runScript } from "./host";
import { Probe } from "./probe";
import * as queues from "./queues";
import { tick } from "./scheduled";
import * as web from "./web";

onFetch(answer);
onScheduled(tick);
onQueue(queues.consume);

export { pagesrun_handle } from "../assembly";

function answer(req: Request, ctx: Context): Response | null {
  const p = new Probe(req, ctx);
  const op = p.param("op");
  const word = p.param("announce");
  if (word.length) log(LOG_INFO, word);
  if (op == "fail") {
    ctx.fail(p.param("text"));
    return null;
  }
  const outcome = perform(p, op);
  if (outcome === null) return Response.text("no such op\n", 400);
  if (outcome.failed) {
    p.out.clear();
    p.failed(outcome.error);
  }
  if (ctx.responded) return null;
  const passed = p.response;
  return passed === null ? Response.bytes(p.out.bytes(), "text/plain; charset=utf-8") : passed;
}

/** Performs an operation; null when there is none of that name. */
function perform(p: Probe, op: string): Outcome | null {
  if (op.startsWith("kv.")) return kv.operation(p, op);
  if (op.startsWith("d1.")) return d1.operation(p, op);
  if (op.startsWith("queues.")) return queues.operation(p, op);
  if (op == "vars.get") return readVariable(p);
  if (op == "secrets.get") return readSecret(p);
  if (op == "bindings") return bindings(p);
  if (op == "log") return logLines(p);
  if (op == "many") return kv.many(p);
  if (op == "analytics.write") return writePoints(p);
  if (op == "trap") unreachable();
  if (op == "abi") return runScript(p);
  const known = web.operation(p, op);
  return known === null ? event.operation(p, op) : known;
}
