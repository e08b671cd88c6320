// The bindings of the configuration. A function that fails gives null or false, and failure says why.

import * as abi from "./abi";
import { Handle } from "./abi";
import { Kind, Reader, Scalar, Writer } from "./cbor";
import { finish, invoke, note, start } from "./host";
import { textOf, utf8 } from "./http";

/** A variable; null when there is none of that name. One that is not a string in the configuration is its JSON form. */
export function variable(name: string): string | null {
  const r = invoke<abi.VarsGetReply>(name, abi.OP_VARS_GET, new abi.VarsGetRequest());
  return r === null ? null : r.value;
}

/** A secret; null when there is none of that name. */
export function secret(name: string): string | null {
  const r = invoke<abi.SecretsGetReply>(name, abi.OP_SECRETS_GET, new abi.SecretsGetRequest());
  return r === null ? null : r.value;
}

/** What a put may say besides key and value. */
export class PutOptions {
  /** When the key goes, in seconds since the Unix epoch; 0 is never. */
  expiration: i64 = 0;
  /** After how many seconds the key goes; 0 is never. */
  expirationTtlS: i64 = 0;
  /** Any JSON document of at most 1024 bytes. */
  metadata: string | null = null;
}

/** A KV namespace, by the name of its binding. */
export class KV {
  constructor(readonly name: string) {}

  /** Starts reading a value, so that several reads run at once; give what it returns to finishGet. */
  startGet(key: string): i32 {
    return start(this.name, abi.OP_KV_GET, this.request(key, abi.KV_ARRAY_BUFFER));
  }

  private request(key: string, type: string): abi.KvGetRequest {
    const q = new abi.KvGetRequest();
    q.key = utf8(key);
    q.type = type;
    return q;
  }

  /** Waits for a value; null when there is no such key, or when it failed (failed says which). */
  finishGet(call: i32): Uint8Array | null {
    const r = finish<abi.KvGetReply>(call);
    return r === null || !r.found ? null : r.value;
  }

  /** Reads a value; null when there is no such key, or when it failed (failed says which). */
  get(key: string): Uint8Array | null {
    return this.finishGet(this.startGet(key));
  }

  /** Reads a value as text. */
  getText(key: string): string | null {
    const v = this.get(key);
    return v === null ? null : textOf(v);
  }

  /** Reads value and metadata; null when it failed. */
  getWithMetadata(key: string): abi.KvGetReply | null {
    const q = this.request(key, abi.KV_ARRAY_BUFFER);
    q.withMetadata = true;
    return invoke<abi.KvGetReply>(this.name, abi.OP_KV_GET, q);
  }

  /** Reads a value as a stream; 0 when there is no such key, or when it failed. */
  getStream(key: string): Handle {
    const r = invoke<abi.KvGetReply>(this.name, abi.OP_KV_GET, this.request(key, abi.KV_STREAM));
    return r === null ? 0 : r.stream;
  }

  /** Reads up to 100 keys with their metadata; null when it failed. */
  getBulk(keys: string[]): abi.KvEntry[] | null {
    const q = new abi.KvGetBulkRequest();
    q.keys = keys.map<Uint8Array>((k) => utf8(k));
    q.withMetadata = true;
    const r = invoke<abi.KvGetBulkReply>(this.name, abi.OP_KV_GET_BULK, q);
    return r === null ? null : r.entries;
  }

  /** Stores a value and returns when it is durable; false when it failed. */
  put(key: string, value: Uint8Array, options: PutOptions | null = null): bool {
    const q = new abi.KvPutRequest();
    q.key = utf8(key);
    q.value = value;
    if (options !== null) {
      q.hasExpiration = options.expiration != 0;
      q.expiration = options.expiration;
      q.hasExpirationTtlS = options.expirationTtlS != 0;
      q.expirationTtlS = options.expirationTtlS;
      q.metadata = options.metadata;
    }
    return invoke<abi.KvPutReply>(this.name, abi.OP_KV_PUT, q) !== null;
  }

  /** Stores a text. */
  putText(key: string, value: string, options: PutOptions | null = null): bool {
    return this.put(key, utf8(value), options);
  }

  /** Removes a key; one that is not there is no error. */
  delete(key: string): bool {
    const q = new abi.KvDeleteRequest();
    q.key = utf8(key);
    return invoke<abi.KvDeleteReply>(this.name, abi.OP_KV_DELETE, q) !== null;
  }

  /** Lists keys in the order of their bytes, a page at a time; null when it failed. */
  list(prefix: string = "", limit: i64 = 0, cursor: string = ""): abi.KvListReply | null {
    const q = new abi.KvListRequest();
    q.prefix = utf8(prefix);
    q.hasLimit = limit != 0;
    q.limit = limit;
    q.cursor = cursor;
    return invoke<abi.KvListReply>(this.name, abi.OP_KV_LIST, q);
  }
}

/** A statement with its parameters. */
export class Statement {
  private params: Writer = new Writer();

  constructor(private database: string, private sql: string) {}

  /** Adds a parameter: NULL. */
  bindNull(): Statement {
    this.params.nothing();
    return this;
  }
  /** Adds a parameter: an INTEGER. */
  bindInt(v: i64): Statement {
    this.params.int64(v);
    return this;
  }
  /** Adds a parameter: a REAL. */
  bindFloat(v: f64): Statement {
    this.params.float64(v);
    return this;
  }
  /** Adds a parameter: a TEXT. */
  bindText(v: string): Statement {
    this.params.text(v);
    return this;
  }
  /** Adds a parameter: a BLOB. */
  bindBlob(v: Uint8Array): Statement {
    this.params.bytes(v);
    return this;
  }

  /** The statement as a message, for a batch. */
  message(): abi.D1Statement {
    const s = new abi.D1Statement();
    s.sql = utf8(this.sql);
    s.params = this.params.toBytes();
    return s;
  }

  /** Runs the statement; null when it failed. */
  all(): D1Result | null {
    const results = new D1(this.database).batch([this]);
    return results === null ? null : results[0];
  }

  /** Runs the statement and gives its first row; null when there is none, or when it failed (failed says which). */
  first(): Scalar[] | null {
    const r = this.all();
    return r === null || r.rows.length == 0 ? null : r.rows[0];
  }
}

/** What a statement gave. */
export class D1Result {
  /** The names of the columns. */
  columns: string[] = [];
  /** The rows. */
  rows: Scalar[][] = [];
  /** What the statement did and cost. */
  meta: abi.D1Meta = new abi.D1Meta();

  /** The value in a column of a row; null when there is no such column or row. */
  get(row: i32, column: string): Scalar | null {
    const i = this.columns.lastIndexOf(column);
    return i < 0 || row >= this.rows.length ? null : this.rows[row][i];
  }
}

/** A D1 database, by the name of its binding. */
export class D1 {
  constructor(readonly name: string) {}

  /** Makes a statement. Its text is looked at when it runs. */
  prepare(sql: string): Statement {
    return new Statement(this.name, sql);
  }

  /** Runs statements in one transaction, all or nothing; null when it failed. */
  batch(statements: Statement[]): D1Result[] | null {
    const q = new abi.D1QueryRequest();
    q.statements = statements.map<abi.D1Statement>((s) => s.message());
    const r = invoke<abi.D1QueryReply>(this.name, abi.OP_D1_QUERY, q);
    return r === null ? null : r.results.map<D1Result>((one) => resultOf(one));
  }

  /** Runs a text of SQL, one item per line, in one transaction. Gives how many lines were run; negative when it failed. */
  exec(sql: string): i32 {
    const q = new abi.D1ExecRequest();
    q.sql = utf8(sql);
    const r = invoke<abi.D1ExecReply>(this.name, abi.OP_D1_EXEC, q);
    return r === null ? -1 : r.count;
  }
}

function resultOf(m: abi.D1Result): D1Result {
  const result = new D1Result();
  result.columns = m.columns.map<string>((c) => textOf(c));
  if (m.meta !== null) result.meta = m.meta!;
  const values = new Reader(m.rows);
  for (let n = m.rowCount; n > 0; n--) {
    const row: Scalar[] = [];
    for (let i = 0; i < m.columns.length; i++) {
      const v = values.scalar();
      if (v !== null) row.push(v);
    }
    result.rows.push(row);
  }
  note(values.close().length ? abi.CODE_BAD_MESSAGE : 0);
  return result;
}

/** A queue to send to, by the name of its binding. */
export class Queue {
  constructor(readonly name: string) {}

  /** Sends a message and returns when it is durable; false when it failed. A negative delay is the producer's own. */
  send(body: Uint8Array, contentType: string = abi.QUEUE_BYTES, delayS: i64 = -1): bool {
    const q = new abi.QueuesSendRequest();
    q.body = body;
    q.contentType = contentType;
    q.hasDelayS = delayS >= 0;
    q.delayS = max(delayS, 0);
    return invoke<abi.QueuesSendReply>(this.name, abi.OP_QUEUES_SEND, q) !== null;
  }

  /** Sends text. */
  sendText(body: string, delayS: i64 = -1): bool {
    return this.send(utf8(body), abi.QUEUE_TEXT, delayS);
  }

  /** Sends a JSON document. */
  sendJSON(body: string, delayS: i64 = -1): bool {
    return this.send(utf8(body), abi.QUEUE_JSON, delayS);
  }

  /** Sends up to 100 messages: all of them are stored, or none. */
  sendBatch(messages: abi.QueueSend[]): bool {
    const q = new abi.QueuesSendBatchRequest();
    q.messages = messages;
    return invoke<abi.QueuesSendBatchReply>(this.name, abi.OP_QUEUES_SEND_BATCH, q) !== null;
  }

  /** The queue's state; null when it failed. */
  metrics(): abi.QueueMetrics | null {
    const r = invoke<abi.QueuesMetricsReply>(this.name, abi.OP_QUEUES_METRICS, new abi.QueuesMetricsRequest());
    return r === null ? null : r.metrics;
  }
}

/** Writes a data point to an Analytics Engine dataset. It never fails: a point beyond a limit is dropped, counted and logged by the host. */
export function writeDataPoint(dataset: string, index: string = "", blobs: string[] = [], doubles: f64[] = []): void {
  const q = new abi.AnalyticsWriteRequest();
  if (index.length) q.indexes = [utf8(index)];
  q.blobs = blobs.map<Uint8Array>((b) => utf8(b));
  q.doubles = doubles;
  invoke<abi.AnalyticsWriteReply>(dataset, abi.OP_ANALYTICS_WRITE, q);
}

/** Whether a value is NULL. */
export function isNull(v: Scalar): bool {
  return v.kind == Kind.Null;
}
