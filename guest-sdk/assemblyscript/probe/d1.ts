// The probe's operations on D1. What they do and how they answer is told in ../../go/probe/d1.go.

import { D1, D1Result, D1Session, Future, Kind, Outcome, Row, Scalar, Statement, textOf, utf8 } from "../assembly";
import { filled, lines, numberIn, OK, Out, Probe } from "./probe";

/** Performs an operation; null when there is none of that name. */
export function operation(p: Probe, op: string): Outcome | null {
  const db = new D1(p.target);
  if (op == "d1.exec") return exec(p, db);
  if (op == "d1.dump") return db.dump();
  const body = p.req.bytes(32 << 20);
  if (body.failed) return body;
  if (op == "d1.session") return session(p, db, body.value);
  const list = statements(body.value, db, null);
  if (op == "d1.query") return query(p, db, list);
  if (op == "d1.first") return first(p, list[0]);
  if (op == "d1.raw") return raw(p, list[0]);
  if (op == "d1.many") return many(p, list[0]);
  if (op == "d1.async") return atOnce(p, list);
  return null;
}

/** Reads statements of a database, or of a session where there is one. */
function statements(body: Uint8Array, db: D1, session: D1Session | null): Statement[] {
  const list: Statement[] = [];
  const given = lines(body);
  for (let i = 0; i < given.length; i++) {
    const rest = given[i].subarray(min(2, given[i].length));
    if (given[i][0] == 0x53) {
      const sql = unescape(rest);
      list.push(session === null ? db.prepare(sql) : session.prepare(sql));
    } else {
      bind(list[list.length - 1], given[i][0], rest);
    }
  }
  return list;
}

/** Binds the value of a line. */
function bind(s: Statement, kind: u8, text: Uint8Array): void {
  switch (kind) {
    case 0x69: // i
      s.bind(numberIn(text));
      break;
    case 0x72: // r
      s.bind(reinterpret<f64>(U64.parseInt(textOf(text), 16)));
      break;
    case 0x74: // t
      s.bindText(unescape(text));
      break;
    case 0x62: // b
      s.bind(unescape(text));
      break;
    case 0x54: // T
    case 0x46: // F
      s.bind(kind == 0x54);
      break;
    case 0x78: // x
      s.bindText(filled(numberIn(text)));
      break;
    case 0x7a: // z
      s.bind(filled(numberIn(text), 0));
      break;
    default:
      s.bindNull();
  }
}

/** Reads bytes as show writes them. */
function unescape(text: Uint8Array): Uint8Array {
  const out = new Uint8Array(text.length);
  let n = 0;
  for (let i = 0; i < text.length; i++) {
    let c = text[i];
    if (c == 0x25) {
      c = <u8>U32.parseInt(textOf(text.subarray(i + 1, i + 3)), 16);
      i += 2;
    }
    out[n++] = c;
  }
  return out.subarray(0, n);
}

function query(p: Probe, db: D1, list: Statement[]): Outcome {
  if (list.length == 1 && !p.param("batch").length) {
    const r = list[0].all();
    if (r.failed) return r;
    showResult(p, r.value);
    return OK;
  }
  const r = db.batch(list);
  if (r.failed) return r;
  for (let i = 0; i < r.value.length; i++) showResult(p, r.value[i]);
  return OK;
}

function first(p: Probe, s: Statement): Outcome {
  const r = s.firstColumn(p.param("column"));
  if (r.failed) return r;
  const v = r.value;
  if (v === null || v.kind == Kind.Null) {
    p.text("missing\n");
    return OK;
  }
  showValue(p.out, v);
  p.text("\n");
  return OK;
}

function raw(p: Probe, s: Statement): Outcome {
  const r = s.raw(true);
  if (r.failed) return r;
  for (let i = 0; i < r.value.length; i++) showRow(p.out, r.value[i]);
  return OK;
}

function exec(p: Probe, db: D1): Outcome {
  const body = p.req.bytes(32 << 20);
  if (body.failed) return body;
  const r = db.exec(body.value);
  if (r.failed) return r;
  p.text("count=" + r.value.count.toString() + " duration=" + yes(r.value.durationMs >= 0) + "\n");
  return OK;
}

function session(p: Probe, db: D1, body: Uint8Array): Outcome {
  const s = db.withSession(p.param("from"));
  const list = statements(body, db, s);
  bookmark(p, s);
  for (let i = 0; i < list.length; i++) {
    const r = s.batch([list[i]]);
    if (r.failed) return r;
    showResult(p, r.value[0]);
    bookmark(p, s);
  }
  return OK;
}

function bookmark(p: Probe, s: D1Session): void {
  p.text("bookmark ");
  p.show(utf8(s.bookmark));
  p.text("\n");
}

function many(p: Probe, s: Statement): Outcome {
  const n = p.number("n");
  for (let i: i64 = 0; i < n; i++) {
    const r = s.all();
    if (r.failed) {
      p.failed(r.error);
      p.text("after " + i.toString() + "\n");
      return OK;
    }
  }
  return p.done();
}

function atOnce(p: Probe, list: Statement[]): Outcome {
  const running: Future<D1Result>[] = [];
  for (let i = 0; i < list.length; i++) running.push(list[i].startAll());
  for (let i = 0; i < running.length; i++) {
    const r = running[i].finish();
    if (r.failed) return r;
    showResult(p, r.value);
  }
  return OK;
}

function showResult(p: Probe, r: D1Result): void {
  p.text("columns");
  for (let i = 0; i < r.columns.length; i++) {
    p.text(" ");
    p.show(utf8(r.columns[i]));
  }
  p.text("\n");
  const rows: Row[] = r.rows();
  for (let i = 0; i < rows.length; i++) showRow(p.out, rows[i].values());
  const m = r.meta;
  p.text("changes=" + m.changes.toString() + " last_row_id=" + m.lastRowId.toString() + " changed_db=" + yes(m.changedDb));
  p.text(" rows_read=" + m.rowsRead.toString() + " rows_written=" + m.rowsWritten.toString() + " size=" + yes(m.sizeAfter > 0));
  p.text(" duration=" + yes(m.durationMs >= 0) + " served_by=" + yes(m.servedBy.length > 0) + "\n");
}

function yes(v: bool): string {
  return v ? "yes" : "no";
}

function showRow(out: Out, values: Scalar[]): void {
  out.add("row");
  for (let i = 0; i < values.length; i++) {
    out.add(" ");
    showValue(out, values[i]);
  }
  out.add("\n");
}

/** Writes a value with the letter of its type. */
function showValue(out: Out, v: Scalar): void {
  switch (v.kind) {
    case Kind.Null:
      out.add("n");
      break;
    case Kind.Integer:
      out.add("i:" + v.integer.toString());
      break;
    case Kind.Real:
      out.add("r:" + reinterpret<u64>(v.real).toString(16).padStart(16, "0"));
      break;
    case Kind.Text:
      out.add("t:").show(v.bytes);
      break;
    case Kind.Bytes:
      out.add("b:").show(v.bytes);
      break;
  }
}
