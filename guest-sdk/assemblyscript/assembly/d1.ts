// D1 databases.

import {
  CODE_BAD_MESSAGE,
  CODE_INVALID_ARGUMENT,
  D1_FIRST_PRIMARY,
  D1_FIRST_UNCONSTRAINED,
  D1DumpReply,
  D1DumpRequest,
  D1ExecReply,
  D1ExecRequest,
  D1Meta,
  D1QueryReply,
  D1QueryRequest,
  D1Result as ResultMessage,
  D1Statement,
  OP_D1_DUMP,
  OP_D1_EXEC,
  OP_D1_QUERY,
} from "./abi";
import { Call, Future, invoke } from "./call";
import { Kind, Reader, Scalar, Writer } from "./cbor";
import { failure, given, refused, Result } from "./result";
import { bytesOf, textOf } from "./text";

/** A statement with the values of its parameters. It can be run any number of times. */
export class Statement {
  private params: Writer | null = null;

  constructor(
    private database: string,
    private session: D1Session | null,
    private sql: Uint8Array,
  ) {}

  /**
   * Gives the next of the parameters ?, ?NNN, :name, @name and $name its value, in the order of their numbers: an integer, a float, a bool, a text,
   * bytes (a BLOB) or null.
   *
   *   db.prepare("SELECT * FROM products WHERE price < ? AND name = ?").bind(9.5).bind("tea")
   */
  bind<T>(value: T): Statement {
    const w = this.writer();
    if (isNullable<T>() && changetype<usize>(value) == 0) w.nothing();
    else if (isString<T>()) w.text(changetype<string>(value));
    else if (isReference<T>()) w.bytes(bytesOf<T>(value));
    else if (isBoolean<T>()) w.bool(<bool>value);
    else if (isFloat<T>()) w.float64(<f64>value);
    else if (isInteger<T>()) w.int64(<i64>value);
    else ERROR("D1 has no such type");
    return this;
  }

  /** Gives the next parameter NULL. */
  bindNull(): Statement {
    this.writer().nothing();
    return this;
  }

  /** Gives the next parameter a TEXT of bytes; those that are not UTF-8 become U+FFFD. */
  bindText(value: Uint8Array): Statement {
    this.writer().textBytes(value);
    return this;
  }

  /** Takes the values of all parameters away, to bind others. */
  unbind(): Statement {
    this.params = null;
    return this;
  }

  private writer(): Writer {
    let w = this.params;
    if (w === null) {
      w = new Writer();
      this.params = w;
    }
    return w;
  }

  /** Runs the statement and gives all its rows. */
  all(): Result<D1Result> {
    return this.startAll().finish();
  }

  /** The same as all, under the name the platform gives statements that write. */
  run(): Result<D1Result> {
    return this.all();
  }

  /** Starts all. */
  startAll(): Future<D1Result> {
    return new OneCall(this.database, OP_D1_QUERY, query([this], this.session)).in(this.session);
  }

  /** Runs the statement and gives its first row; null when there is none. Where it may find many rows, say LIMIT 1. */
  first(): Result<Row | null> {
    const r = this.all();
    if (r.failed) return refused<Row | null>(r.error);
    return given<Row | null>(r.value.length ? r.value.rows()[0] : null);
  }

  /**
   * Runs the statement and gives the value in one column of its first row; null when there is no row. A row without that column is a failure:
   * "D1_COLUMN_NOTFOUND: Column not found (name)".
   */
  firstColumn(column: string): Result<Scalar | null> {
    const r = this.first();
    if (r.failed) return refused<Scalar | null>(r.error);
    const row = r.value;
    if (row === null) return given<Scalar | null>(null);
    const v = row.value(column);
    return v.failed ? refused<Scalar | null>(v.error) : given<Scalar | null>(v.value);
  }

  /** Runs the statement and gives the values of its rows; with columnNames the first row has the names of the columns. */
  raw(columnNames: bool = false): Result<Scalar[][]> {
    const r = this.all();
    if (r.failed) return refused<Scalar[][]>(r.error);
    const rows: Scalar[][] = [];
    if (columnNames) rows.push(r.value.columns.map<Scalar>((name) => Scalar.ofText(name)));
    const all = r.value.rows();
    for (let i = 0; i < all.length; i++) rows.push(all[i].values());
    return given<Scalar[][]>(rows);
  }

  /** The statement as a message. */
  message(): D1Statement {
    const s = new D1Statement();
    const params = this.params;
    s.sql = this.sql;
    if (params !== null) s.params = params.toBytes();
    return s;
  }
}

/** What a statement gave. */
export class D1Result {
  /** The names of the columns; there are none where a statement gives no rows by nature. A name may be there twice. */
  readonly columns: string[];
  /** How many rows there are. */
  readonly length: i32;
  /** What the statement did and cost. */
  readonly meta: D1Meta;
  private data: Uint8Array;

  constructor(m: ResultMessage) {
    this.columns = m.columns.map<string>((c) => textOf(c));
    this.length = m.rowCount;
    const meta = m.meta;
    this.meta = meta === null ? new D1Meta() : meta;
    this.data = m.rows;
  }

  /** Whether the rows are what the message says. */
  get whole(): bool {
    const r = new Reader(this.data);
    const n = <i64>this.length * this.columns.length;
    for (let i: i64 = 0; i < n; i++) if (!r.skipScalar()) return false;
    return r.close().length == 0;
  }

  /** The rows. Their values are decoded when they are asked for. */
  rows(): Row[] {
    const rows = new Array<Row>(this.length);
    const r = new Reader(this.data);
    for (let i = 0; i < rows.length; i++) {
      const from = r.at;
      for (let c = this.columns.length; c > 0; c--) r.skipScalar();
      rows[i] = new Row(this.columns, this.data.subarray(from, r.at));
    }
    return rows;
  }
}

/** A row of a result. */
export class Row {
  constructor(
    /** The names of the columns. */
    readonly columns: string[],
    private data: Uint8Array,
  ) {}

  /** The values in the order of the columns. */
  values(): Scalar[] {
    const values: Scalar[] = [];
    const r = new Reader(this.data);
    for (let v = r.scalar(); v !== null; v = r.scalar()) values.push(v);
    return values;
  }

  /**
   * The value in the column of that name; of several with the name it is the last. Where there is none the failure is
   * "D1_COLUMN_NOTFOUND: Column not found (name)".
   */
  value(column: string): Result<Scalar> {
    const i = this.columns.lastIndexOf(column);
    if (i < 0) return refused<Scalar>(failure(CODE_INVALID_ARGUMENT, "D1_COLUMN_NOTFOUND: Column not found (" + column + ")"));
    const r = new Reader(this.data);
    for (let before = i; before > 0; before--) r.skipScalar();
    return given<Scalar>(r.scalar()!);
  }

  /** Whether a column is NULL. This and what follows ends the event where there is no such column. */
  isNull(column: string): bool {
    return this.value(column).value.kind == Kind.Null;
  }

  /** An INTEGER; a REAL is cut, anything else is 0. */
  int(column: string): i64 {
    const v = this.value(column).value;
    return v.kind == Kind.Real ? <i64>v.real : v.integer;
  }

  /** A REAL or an INTEGER; anything else is 0. */
  real(column: string): f64 {
    const v = this.value(column).value;
    return v.kind == Kind.Integer ? <f64>v.integer : v.real;
  }

  /** A TEXT; numbers come as text too, NULL is empty. */
  text(column: string): string {
    return this.value(column).value.toString();
  }

  /** A BLOB, or a TEXT in UTF-8; anything else is empty. */
  bytes(column: string): Uint8Array {
    return this.value(column).value.bytes;
  }
}

/** A D1 database, by the name of its binding. */
export class D1 {
  constructor(readonly name: string) {}

  /** Makes a statement of a text (or its bytes) of up to 100,000 bytes. Nothing is looked at before it runs. */
  prepare<T>(sql: T): Statement {
    return new Statement(this.name, null, bytesOf<T>(sql));
  }

  /** Runs statements in one transaction: all of them take effect, or none. There is a result for each. */
  batch(statements: Statement[]): Result<D1Result[]> {
    return this.startBatch(statements).finish();
  }

  /** Starts batch. */
  startBatch(statements: Statement[]): Future<D1Result[]> {
    return new BatchCall(this.name, OP_D1_QUERY, query(statements, null));
  }

  /** Runs a text of SQL in which every line that is not blank is a whole statement, or several. All of them are one transaction. */
  exec<T>(sql: T): Result<D1ExecReply> {
    const q = new D1ExecRequest();
    q.sql = bytesOf<T>(sql);
    return invoke<D1ExecReply>(this.name, OP_D1_EXEC, q);
  }

  /** Always fails, as it does on the platform; "pagesrun d1 export" gives a database's content. */
  dump(): Result<D1DumpReply> {
    return invoke<D1DumpReply>(this.name, OP_D1_DUMP, new D1DumpRequest());
  }

  /**
   * Begins a session: a chain of queries of which each sees at least what the one before has seen. from is D1_FIRST_UNCONSTRAINED,
   * D1_FIRST_PRIMARY, or the bookmark of another session; empty means the first of them.
   */
  withSession(from: string = ""): D1Session {
    return new D1Session(this.name, from);
  }
}

/** A chain of queries. */
export class D1Session {
  private newest: string = "";
  private from: string;

  constructor(
    private name: string,
    from: string,
  ) {
    this.from = from.length ? from : D1_FIRST_UNCONSTRAINED;
    if (this.from != D1_FIRST_UNCONSTRAINED && this.from != D1_FIRST_PRIMARY) this.newest = from;
  }

  /** Makes a statement that runs in the session. */
  prepare<T>(sql: T): Statement {
    return new Statement(this.name, this, bytesOf<T>(sql));
  }

  /** Runs statements in one transaction, in the session. */
  batch(statements: Statement[]): Result<D1Result[]> {
    return this.startBatch(statements).finish();
  }

  /** Starts batch. */
  startBatch(statements: Statement[]): Future<D1Result[]> {
    return new BatchCall(this.name, OP_D1_QUERY, query(statements, this)).in(this);
  }

  /** Names the newest state that the session has seen. Empty before the first query of a session that did not begin with a bookmark. */
  get bookmark(): string {
    return this.newest;
  }

  /** What a query of the session tells the host. */
  get begin(): string {
    return this.newest.length ? this.newest : this.from;
  }

  /** Keeps the newer of two bookmarks, which are ordered as text. */
  saw(bookmark: string): void {
    if (bookmark > this.newest) this.newest = bookmark;
  }
}

/** The message of statements. */
function query(statements: Statement[], session: D1Session | null): D1QueryRequest {
  const q = new D1QueryRequest();
  for (let i = 0; i < statements.length; i++) q.statements.push(statements[i].message());
  if (session !== null) q.session = session.begin;
  return q;
}

/** The results of a reply, of which there are as many as expected. */
function resultsOf(reply: D1QueryReply, session: D1Session | null): Result<D1Result[]> {
  if (session !== null) session.saw(reply.bookmark);
  const results: D1Result[] = [];
  for (let i = 0; i < reply.results.length; i++) {
    const one = new D1Result(reply.results[i]);
    if (!one.whole) return refused<D1Result[]>(failure(CODE_BAD_MESSAGE, "pagesrun d1.query: a row is broken"));
    results.push(one);
  }
  return given<D1Result[]>(results);
}

class BatchCall extends Call<D1QueryReply, D1Result[]> {
  private session: D1Session | null = null;

  in(session: D1Session | null): BatchCall {
    this.session = session;
    return this;
  }

  protected convert(reply: D1QueryReply): Result<D1Result[]> {
    return resultsOf(reply, this.session);
  }
}

class OneCall extends Call<D1QueryReply, D1Result> {
  private session: D1Session | null = null;

  in(session: D1Session | null): OneCall {
    this.session = session;
    return this;
  }

  protected convert(reply: D1QueryReply): Result<D1Result> {
    const r = resultsOf(reply, this.session);
    if (r.failed) return refused<D1Result>(r.error);
    if (r.value.length != 1) return refused<D1Result>(failure(CODE_BAD_MESSAGE, "pagesrun d1.query: a result is missing"));
    return given<D1Result>(r.value[0]);
  }
}
