//! The operations on D1.

use pagesrun::d1::{Database, QueryResult, Session, Statement, Value};
use pagesrun::{Pending, Response, Result};

use crate::text::{lines, shown, unescape, yes};
use crate::{Operation, Probe};

pub const OPERATIONS: &[(&str, Operation)] = &[
    ("d1.query", query),
    ("d1.first", first),
    ("d1.raw", raw),
    ("d1.exec", exec),
    ("d1.dump", dump),
    ("d1.session", session),
    ("d1.many", many),
    ("d1.async", concurrently),
];

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The statements of the body, each with its values.
fn read(p: &mut Probe) -> Result<Vec<(String, Vec<Value>)>> {
    let body = p.req.bytes()?;
    let mut list: Vec<(String, Vec<Value>)> = Vec::new();
    for line in lines(&body) {
        let rest = line.get(2..).unwrap_or_default();
        match (line[0], list.last_mut()) {
            (b'S', _) => list.push((text(&unescape(rest)), Vec::new())),
            (kind, Some((_, values))) => values.push(value(kind, rest)),
            _ => panic!("a value without a statement"),
        }
    }
    Ok(list)
}

fn value(kind: u8, rest: &[u8]) -> Value {
    let digits = text(rest);
    match kind {
        b'i' => digits.parse::<i64>().expect("an integer").into(),
        b'r' => f64::from_bits(u64::from_str_radix(&digits, 16).expect("16 digits")).into(),
        b't' => text(&unescape(rest)).into(),
        b'b' => unescape(rest).into(),
        b'T' | b'F' => (kind == b'T').into(),
        b'x' => "x".repeat(digits.parse().expect("a length")).into(),
        b'z' => vec![0; digits.parse().expect("a length")].into(),
        _ => Value::Null,
    }
}

fn statements<'t>(p: &mut Probe, db: Database<'t>) -> Result<Vec<Statement<'t>>> {
    Ok(read(p)?.into_iter().map(|(sql, values)| db.prepare(&sql).bind(values)).collect())
}

fn query(p: &mut Probe) -> Result<Option<Response>> {
    let target = p.target.clone();
    let db = p.env.d1(&target);
    let list = statements(p, db)?;
    let results = match list.as_slice() {
        [one] if !p.flag("batch") => vec![one.all()?],
        many => db.batch(many)?,
    };
    results.iter().for_each(|r| p.result(r));
    Ok(None)
}

fn first(p: &mut Probe) -> Result<Option<Response>> {
    let target = p.target.clone();
    let list = statements(p, Database(&target))?;
    match list[0].first_column(&p.param("column"))? {
        None | Some(Value::Null) => p.text("missing\n"),
        Some(v) => p.text(&format!("{}\n", shown_value(&v))),
    }
    Ok(None)
}

fn raw(p: &mut Probe) -> Result<Option<Response>> {
    let target = p.target.clone();
    let list = statements(p, Database(&target))?;
    list[0].raw(true)?.iter().for_each(|row| p.row(row));
    Ok(None)
}

fn exec(p: &mut Probe) -> Result<Option<Response>> {
    let sql = text(&p.req.bytes()?);
    let r = p.env.d1(&p.target).exec(&sql)?;
    p.text(&format!("count={} duration={}\n", r.count, yes(r.duration_ms >= 0.0)));
    Ok(None)
}

fn dump(p: &mut Probe) -> Result<Option<Response>> {
    p.env.d1(&p.target).dump().map(|()| None)
}

fn session(p: &mut Probe) -> Result<Option<Response>> {
    let target = p.target.clone();
    let session = p.env.d1(&target).with_session(&p.param("from"));
    p.bookmark(&session);
    for (sql, values) in read(p)? {
        let results = session.batch(&[session.prepare(&sql).bind(values)])?;
        p.result(&results[0]);
        p.bookmark(&session);
    }
    Ok(None)
}

fn many(p: &mut Probe) -> Result<Option<Response>> {
    let target = p.target.clone();
    let list = statements(p, Database(&target))?;
    for i in 0..p.count("n", 0) {
        if let Err(e) = list[0].all() {
            p.failed(&e);
            p.text(&format!("after {}\n", i));
            return Ok(None);
        }
    }
    p.text("done\n");
    Ok(None)
}

fn concurrently(p: &mut Probe) -> Result<Option<Response>> {
    let target = p.target.clone();
    let started: Vec<Pending<QueryResult>> = statements(p, Database(&target))?.iter().map(Statement::all_async).collect();
    for pending in started {
        p.result(&pending.wait()?);
    }
    Ok(None)
}

/// A value with the letter of its type.
fn shown_value(v: &Value) -> String {
    match v {
        Value::Null => "n".to_string(),
        Value::Integer(v) => format!("i:{}", v),
        Value::Real(v) => format!("r:{:016x}", v.to_bits()),
        Value::Text(v) => format!("t:{}", shown(v.as_bytes())),
        Value::Blob(v) => format!("b:{}", shown(v)),
    }
}

impl Probe<'_> {
    fn row(&mut self, values: &[Value]) {
        self.text("row");
        values.iter().for_each(|v| self.text(&format!(" {}", shown_value(v))));
        self.text("\n");
    }

    fn bookmark(&mut self, session: &Session) {
        self.text("bookmark ");
        self.line(session.bookmark().unwrap_or_default().as_bytes());
    }

    fn result(&mut self, r: &QueryResult) {
        self.text("columns");
        r.columns.iter().for_each(|name| self.text(&format!(" {}", shown(name.as_bytes()))));
        self.text("\n");
        r.rows.iter().for_each(|row| self.row(row));
        let m = &r.meta;
        self.text(&format!(
            "changes={} last_row_id={} changed_db={} rows_read={} rows_written={} size={} duration={} served_by={}\n",
            m.changes,
            m.last_row_id,
            yes(m.changed_db),
            m.rows_read,
            m.rows_written,
            yes(m.size_after > 0),
            yes(m.duration_ms >= 0.0),
            yes(!m.served_by.is_empty())
        ));
    }
}
