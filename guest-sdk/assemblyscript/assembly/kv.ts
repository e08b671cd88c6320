// KV namespaces: keys of up to 512 bytes with values of up to 25 MiB.

import {
  KV_ARRAY_BUFFER,
  KV_STREAM,
  KV_TEXT,
  KvDeleteReply,
  KvDeleteRequest,
  KvGetBulkReply,
  KvGetBulkRequest,
  KvGetReply,
  KvGetRequest,
  KvKey,
  KvListReply,
  KvListRequest,
  KvPutReply,
  KvPutRequest,
  OP_KV_DELETE,
  OP_KV_GET,
  OP_KV_GET_BULK,
  OP_KV_LIST,
  OP_KV_PUT,
} from "./abi";
import { Call, DoneCall, Future, invoke, Refused } from "./call";
import { UNSET } from "./options";
import { given, Outcome, refused, Result } from "./result";
import { Stream } from "./stream";
import { bytesOf, textOf } from "./text";

/** What a put may say besides key and value. */
export class PutOptions {
  /** When the key goes, in seconds since the Unix epoch, at least 60 seconds from now. */
  expiration: i64 = UNSET;
  /** After how many seconds the key goes, at least 60. It wins over expiration. */
  expirationTtlS: i64 = UNSET;
  /** Any JSON document of at most 1024 bytes; lists return it. */
  metadata: string | null = null;
}

/** A value with its metadata. */
export class KVEntry {
  /** The key's name. */
  readonly key: string;
  /** Whether there is such a key. */
  readonly found: bool;
  /** The value. */
  readonly value: Uint8Array;
  /** The metadata's JSON; null when there is none. */
  readonly metadata: string | null;

  constructor(key: string, found: bool, value: Uint8Array, metadata: string | null) {
    this.key = key;
    this.found = found;
    this.value = value;
    this.metadata = metadata;
  }

  /** The value as text. */
  get text(): string {
    return textOf(this.value);
  }
}

/** A key of a list. */
export class KVKey {
  /** The key's name. */
  readonly name: string;
  /** When the key goes, in seconds since the Unix epoch; UNSET when it stays. */
  readonly expiration: i64;
  /** The metadata's JSON; null when there is none. */
  readonly metadata: string | null;

  constructor(k: KvKey) {
    this.name = textOf(k.name);
    this.expiration = k.hasExpiration ? k.expiration : UNSET;
    this.metadata = k.metadata;
  }
}

/** One page of a list, in the order of the keys' bytes. */
export class KVPage {
  /** The keys of the page. */
  readonly keys: KVKey[];
  /** Whether nothing follows. A page can be short, even empty, without being the last. */
  readonly complete: bool;
  /** Asks for the next page where this is not the last. */
  readonly cursor: string;

  constructor(r: KvListReply) {
    this.keys = r.keys.map<KVKey>((k) => new KVKey(k));
    this.complete = r.listComplete;
    this.cursor = r.cursor;
  }
}

class BytesCall extends Call<KvGetReply, Uint8Array | null> {
  protected convert(r: KvGetReply): Result<Uint8Array | null> {
    return given<Uint8Array | null>(r.found ? r.value : null);
  }
}

class TextCall extends Call<KvGetReply, string | null> {
  protected convert(r: KvGetReply): Result<string | null> {
    return given<string | null>(r.found ? textOf(r.value) : null);
  }
}

/**
 * A KV namespace, by the name of its binding. Keys and values are texts or bytes (Uint8Array), as it suits; bytes that are no UTF-8 can be values,
 * not keys. A key that is not there is an answer, null, and no failure. A cacheTtlS, at least 30, is accepted for the platform's sake; reads are
 * never stale.
 */
export class KV {
  constructor(readonly name: string) {}

  /** Reads a value; null when there is no such key. */
  get<K>(key: K, cacheTtlS: i64 = UNSET): Result<Uint8Array | null> {
    return this.startGet<K>(key, cacheTtlS).finish();
  }

  /** Starts get. */
  startGet<K>(key: K, cacheTtlS: i64 = UNSET): Future<Uint8Array | null> {
    return new BytesCall(this.name, OP_KV_GET, reading<K>(key, KV_ARRAY_BUFFER, cacheTtlS));
  }

  /** Reads a value as text; null when there is no such key. */
  getText<K>(key: K, cacheTtlS: i64 = UNSET): Result<string | null> {
    return this.startGetText<K>(key, cacheTtlS).finish();
  }

  /** Starts getText. */
  startGetText<K>(key: K, cacheTtlS: i64 = UNSET): Future<string | null> {
    return new TextCall(this.name, OP_KV_GET, reading<K>(key, KV_TEXT, cacheTtlS));
  }

  /** Reads value and metadata; found says whether there is such a key. */
  getWithMetadata<K>(key: K, cacheTtlS: i64 = UNSET): Result<KVEntry> {
    const q = reading<K>(key, KV_ARRAY_BUFFER, cacheTtlS);
    q.withMetadata = true;
    const r = invoke<KvGetReply>(this.name, OP_KV_GET, q);
    if (r.failed) return refused<KVEntry>(r.error);
    return given<KVEntry>(new KVEntry(textOf(q.key), r.value.found, r.value.value, r.value.metadata));
  }

  /** Reads a value as a stream, without holding it in memory; null when there is no such key. It can be given to a response unread. */
  getStream<K>(key: K, cacheTtlS: i64 = UNSET): Result<Stream | null> {
    const r = invoke<KvGetReply>(this.name, OP_KV_GET, reading<K>(key, KV_STREAM, cacheTtlS));
    if (r.failed) return refused<Stream | null>(r.error);
    return given<Stream | null>(r.value.found ? Stream.ofHandle(r.value.stream) : null);
  }

  /**
   * Reads up to 100 keys, 25 MiB together, with their metadata. Entries come in the order of their first mention; missing ones are in place
   * with found false.
   */
  getBulk<K>(keys: K[]): Result<KVEntry[]> {
    const q = new KvGetBulkRequest();
    for (let i = 0; i < keys.length; i++) q.keys.push(bytesOf<K>(keys[i]));
    q.withMetadata = true;
    const r = invoke<KvGetBulkReply>(this.name, OP_KV_GET_BULK, q);
    if (r.failed) return refused<KVEntry[]>(r.error);
    return given<KVEntry[]>(r.value.entries.map<KVEntry>((e) => new KVEntry(textOf(e.key), e.found, e.value, e.metadata)));
  }

  /**
   * Stores a value: a text, bytes, or a Stream, which is given away and need not fit into memory. What was there before is replaced whole,
   * metadata and expiration included. When put has succeeded the value is durable.
   */
  put<K, V>(key: K, value: V, options: PutOptions | null = null): Outcome {
    return this.startPut<K, V>(key, value, options).finish();
  }

  /** Starts put. With a pipe's readable end as the value, write to the other end before finish. */
  startPut<K, V>(key: K, value: V, options: PutOptions | null = null): Future<bool> {
    const q = new KvPutRequest();
    q.key = bytesOf<K>(key);
    if (idof<V>() == idof<Stream>()) {
      const stream = changetype<Stream>(value);
      const why = stream.failure;
      if (why !== null) return new Refused<bool>(why);
      const whole = stream.inMemory;
      if (whole !== null) q.value = whole;
      q.stream = stream.give();
    } else {
      q.value = bytesOf<V>(value);
    }
    if (options !== null) {
      q.hasExpiration = options.expiration != UNSET;
      q.expiration = options.expiration;
      q.hasExpirationTtlS = options.expirationTtlS != UNSET;
      q.expirationTtlS = options.expirationTtlS;
      q.metadata = options.metadata;
    }
    return new DoneCall<KvPutReply>(this.name, OP_KV_PUT, q);
  }

  /** Removes a key; one that is not there is no error. */
  delete<K>(key: K): Outcome {
    return this.startDelete<K>(key).finish();
  }

  /** Starts delete. */
  startDelete<K>(key: K): Future<bool> {
    const q = new KvDeleteRequest();
    q.key = bytesOf<K>(key);
    return new DoneCall<KvDeleteReply>(this.name, OP_KV_DELETE, q);
  }

  /**
   * Lists keys that begin with prefix, a page of up to limit (at most 1000) at a time. Where the page is not complete, its cursor asks for the
   * next one, with the same prefix.
   */
  list(prefix: string = "", cursor: string = "", limit: i64 = UNSET): Result<KVPage> {
    const q = new KvListRequest();
    q.prefix = bytesOf<string>(prefix);
    q.hasLimit = limit != UNSET;
    q.limit = limit;
    q.cursor = cursor;
    const r = invoke<KvListReply>(this.name, OP_KV_LIST, q);
    return r.failed ? refused<KVPage>(r.error) : given<KVPage>(new KVPage(r.value));
  }
}

/** The message of a read. */
function reading<K>(key: K, type: string, cacheTtlS: i64): KvGetRequest {
  const q = new KvGetRequest();
  q.key = bytesOf<K>(key);
  q.type = type;
  q.hasCacheTtlS = cacheTtlS != UNSET;
  q.cacheTtlS = cacheTtlS;
  return q;
}
