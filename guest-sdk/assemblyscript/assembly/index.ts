// Write functions for pagesrun in AssemblyScript:
//
//   import { onFetch, Request, Response, Context } from "@pagesrun/as";
//
//   onFetch((req: Request, ctx: Context): Response => Response.text("Hello from " + req.path + "\n"));
//
//   export { pagesrun_handle } from "@pagesrun/as";
//
// Build it with: asc main.ts -o app.wasm -O --runtime stub --exportStart _initialize --use abort=node_modules/@pagesrun/as/assembly/events/pagesrun_abort

export { Batch, Context, onFetch, onQueue, onScheduled, pagesrun_abort, pagesrun_handle } from "./events";
export { Pipe, readAll, Request, Response, textOf, utf8 } from "./http";
export { D1, D1Result, isNull, KV, PutOptions, Queue, secret, Statement, variable, writeDataPoint } from "./bindings";
export { close, failed, failure, finish, invoke, log, read, start, wait, write } from "./host";
export { Kind, Reader, Scalar, Writer } from "./cbor";
export { Handle, Header, QueueMessage, QueueSend, ScheduledEvent, LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR } from "./abi";
