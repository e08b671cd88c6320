// Write functions for pagesrun in AssemblyScript:
//
//   import { Context, onFetch, Request, Response } from "@pagesrun/as";
//
//   onFetch((req: Request, ctx: Context): Response => Response.text("Hello from " + req.path + "\n"));
//
//   export { pagesrun_handle } from "@pagesrun/as";
//
// Build it with: asc main.ts -o app.wasm -O --config node_modules/@pagesrun/as/asconfig.json

export { Context, onFetch, onQueue, onScheduled, pagesrun_handle } from "./events";
export { Headers, Request, Response } from "./http";
export { Pipe, Sink, Stream } from "./stream";
export { KV, KVEntry, KVKey, KVPage, PutOptions } from "./kv";
export { D1, D1Result, D1Session, Row, Statement } from "./d1";
export { message, Queue } from "./queues";
export { Batch, Delivery } from "./consumer";
export { Dataset } from "./analytics";
export { secret, variable } from "./env";
export { failure, given, Outcome, refused, Result } from "./result";
export { firstOf, Future, invoke, sleep, start, wait } from "./call";
export { log, randomBytes } from "./host";
export { bytesOf, textOf, utf8 } from "./text";
export { Kind, Reader, Scalar, Writer } from "./cbor";
export { UNSET } from "./options";

// What the platform calls things. All messages and operations, for start and invoke, are in "@pagesrun/as/assembly/abi".
export {
  CODE_ALREADY_RESPONDED,
  CODE_BAD_HANDLE,
  CODE_BAD_MESSAGE,
  CODE_BAD_POINTER,
  CODE_CANCELED,
  CODE_INTERNAL,
  CODE_INVALID_ARGUMENT,
  CODE_LIMIT_EXCEEDED,
  CODE_NOT_CONFIGURED,
  CODE_NOT_DURING_WARM,
  CODE_STORAGE_FAILED,
  CODE_STORAGE_FULL,
  CODE_STREAM_CLOSED,
  CODE_TIMEOUT,
  CODE_TOO_LARGE,
  CODE_TOO_MANY_HANDLES,
  CODE_UNAVAILABLE,
  CODE_UNKNOWN_OPERATION,
  CODE_UNSUPPORTED,
  CODE_WOULD_BLOCK,
  CODE_WRONG_KIND,
  D1_FIRST_PRIMARY,
  D1_FIRST_UNCONSTRAINED,
  LOG_DEBUG,
  LOG_ERROR,
  LOG_INFO,
  LOG_WARN,
  QUEUE_BYTES,
  QUEUE_JSON,
  QUEUE_TEXT,
  QUEUE_V8,
  codeName,
  D1ExecReply,
  D1Meta,
  Failure,
  Handle,
  Header,
  QueueMetrics,
  QueueSend,
  ScheduledEvent,
} from "./abi";
