// KV namespaces: keys of up to 512 bytes with values of up to 25 MiB.

import {
  KV_ARRAY_BUFFER,
  KV_STREAM,
  KvDeleteReply,
  KvDeleteRequest,
  KvEntry,
  KvGetBulkReply,
  KvGetBulkRequest,
  KvGetReply,
  KvGetRequest,
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
import { Call, DoneCall, Future, invoke } from "./call";
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
 * not keys. A key that is not there is an answer, null, and no failure.
 */
export class KV {
  constructor(readonly name: string) {}

  /** Reads a value; null when there is no such key. */
  get<K>(key: K): Result<Uint8Array | null> {
    return this.startGet<K>(key).finish();
  }

  /** Starts get. */
  startGet<K>(key: K): Future<Uint8Array | null> {
    return new BytesCall(this.name, OP_KV_GET, reading<K>(key, KV_ARRAY_BUFFER));
  }

  /** Reads a value as text; null when there is no such key. */
  getText<K>(key: K): Result<string | null> {
    return this.startGetText<K>(key).finish();
  }

  /** Starts getText. */
  startGetText<K>(key: K): Future<string | null> {
    return new TextCall(this.name, OP_KV_GET, reading<K>(key, KV_ARRAY_BUFFER));
  }

  /** Reads value and metadata; found says whether there is such a key. */
  getWithMetadata<K>(key: K): Result<KvGetReply> {
    const q = reading<K>(key, KV_ARRAY_BUFFER);
    q.withMetadata = true;
    return invoke<KvGetReply>(this.name, OP_KV_GET, q);
  }

  /** Reads a value as a stream, without holding it in memory; null when there is no such key. It can be given to a response unread. */
  getStream<K>(key: K): Result<Stream | null> {
    const r = invoke<KvGetReply>(this.name, OP_KV_GET, reading<K>(key, KV_STREAM));
    if (r.failed) return refused<Stream | null>(r.error);
    return given<Stream | null>(r.value.found ? Stream.ofHandle(r.value.stream) : null);
  }

  /**
   * Reads up to 100 keys, 25 MiB together, with their metadata. Entries come in the order of their first mention; missing ones are in place
   * with found false.
   */
  getBulk<K>(keys: K[]): Result<KvEntry[]> {
    const q = new KvGetBulkRequest();
    for (let i = 0; i < keys.length; i++) q.keys.push(bytesOf<K>(keys[i]));
    q.withMetadata = true;
    const r = invoke<KvGetBulkReply>(this.name, OP_KV_GET_BULK, q);
    return r.failed ? refused<KvEntry[]>(r.error) : given<KvEntry[]>(r.value.entries);
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
    if (isStream<V>()) {
      const stream = changetype<Stream>(value);
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
   * Lists keys in the order of their bytes, a page of up to 1000 at a time. Where listComplete is false, cursor asks for the next page, with
   * the same prefix; a page can be short, even empty, without being the last.
   */
  list(prefix: string = "", cursor: string = "", limit: i64 = UNSET): Result<KvListReply> {
    const q = new KvListRequest();
    q.prefix = bytesOf<string>(prefix);
    q.hasLimit = limit != UNSET;
    q.limit = limit;
    q.cursor = cursor;
    return invoke<KvListReply>(this.name, OP_KV_LIST, q);
  }
}

/** The message of a read. */
function reading<K>(key: K, type: string): KvGetRequest {
  const q = new KvGetRequest();
  q.key = bytesOf<K>(key);
  q.type = type;
  return q;
}

/** Whether values of a type are streams. */
// @ts-ignore: decorator
@inline
function isStream<V>(): bool {
  return isManaged<V>() && !isArray<V>() && !isString<V>() && idof<V>() == idof<Stream>();
}
