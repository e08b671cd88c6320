//! D1 databases.

use std::cell::RefCell;

use crate::abi::{self, op, Code};
use crate::call::{invoke, Call, Pending, Reply};
use crate::cbor::{Reader, Scalar, Writer};
use crate::error::{Error, Result};

/// A D1 database, by the name of its binding.
#[derive(Clone, Copy, Debug)]
pub struct Database<'n>(pub &'n str);

/// A value in a database.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// NULL.
    Null,
    /// INTEGER.
    Integer(i64),
    /// REAL.
    Real(f64),
    /// TEXT.
    Text(String),
    /// BLOB.
    Blob(Vec<u8>),
}

macro_rules! values {
    ($($type:ty => |$v:ident| $value:expr),+ $(,)?) => {
        $(impl From<$type> for Value {
            fn from($v: $type) -> Self {
                $value
            }
        })+
    };
}

values! {
    i64 => |v| Value::Integer(v),
    i32 => |v| Value::Integer(v.into()),
    u32 => |v| Value::Integer(v.into()),
    bool => |v| Value::Integer(v.into()),
    f64 => |v| Value::Real(v),
    String => |v| Value::Text(v),
    Vec<u8> => |v| Value::Blob(v),
    &str => |v| Value::Text(v.to_string()),
    &[u8] => |v| Value::Blob(v.to_vec()),
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(v: Option<T>) -> Self {
        v.map_or(Value::Null, Into::into)
    }
}

impl From<Scalar<'_>> for Value {
    fn from(s: Scalar<'_>) -> Self {
        match s {
            Scalar::Null => Value::Null,
            Scalar::Integer(v) => Value::Integer(v),
            Scalar::Real(v) => Value::Real(v),
            Scalar::Text(v) => v.into(),
            Scalar::Bytes(v) => v.into(),
        }
    }
}

impl Value {
    /// The integer; a float without a fraction counts as one.
    pub fn as_i64(&self) -> Option<i64> {
        match *self {
            Value::Integer(v) => Some(v),
            Value::Real(v) if v == v.trunc() && v.abs() < 9.0e15 => Some(v as i64),
            _ => None,
        }
    }

    /// The number.
    pub fn as_f64(&self) -> Option<f64> {
        match *self {
            Value::Integer(v) => Some(v as f64),
            Value::Real(v) => Some(v),
            _ => None,
        }
    }

    /// The text.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::Text(v) => Some(v),
            _ => None,
        }
    }

    /// The bytes of a blob or a text.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Value::Blob(v) => Some(v),
            Value::Text(v) => Some(v.as_bytes()),
            _ => None,
        }
    }

    /// Whether it is NULL.
    pub fn is_null(&self) -> bool {
        *self == Value::Null
    }
}

/// A statement with its parameters. Binding again replaces them.
#[derive(Clone, Debug)]
pub struct Statement<'s> {
    target: &'s str,
    sql: String,
    params: Vec<Value>,
    session: Option<&'s RefCell<String>>,
}

/// What a statement did and cost.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Meta {
    /// The time the statement took, in milliseconds.
    pub duration_ms: f64,
    /// How many rows were inserted, updated or deleted, those of triggers included.
    pub changes: i64,
    /// The rowid of the newest row inserted.
    pub last_row_id: i64,
    /// Whether the database is another one than before.
    pub changed_db: bool,
    /// The size of the database afterwards, in bytes.
    pub size_after: i64,
    /// How many rows of tables and indexes were read.
    pub rows_read: i64,
    /// How many rows of tables and indexes were written.
    pub rows_written: i64,
}

/// What a statement gave.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QueryResult {
    /// The names of the columns. A name may stand there twice.
    pub columns: Vec<String>,
    /// The rows.
    pub rows: Vec<Vec<Value>>,
    /// What the statement did and cost.
    pub meta: Meta,
}

impl QueryResult {
    /// The value of a column of a row, by name; the last of several of that name, as the platform has it.
    pub fn get(&self, row: usize, column: &str) -> Option<&Value> {
        let i = self.columns.iter().rposition(|c| c == column)?;
        self.rows.get(row)?.get(i)
    }
}

impl<'n> Database<'n> {
    /// Makes a statement. Its text is looked at when it runs.
    pub fn prepare(&self, sql: &str) -> Statement<'n> {
        Statement { target: self.0, sql: sql.to_string(), params: Vec::new(), session: None }
    }

    /// Runs statements in one transaction, all or nothing.
    pub fn batch(&self, statements: &[Statement<'_>]) -> Result<Vec<QueryResult>> {
        results(&invoke(self.0, op::D1_QUERY, &query(statements, "", &params(statements)))?, None)
    }

    /// Runs a text of SQL, one item per line, in one transaction and without parameters. Returns how many lines were run.
    pub fn exec(&self, sql: &str) -> Result<u32> {
        let reply = invoke(self.0, op::D1_EXEC, &abi::D1ExecRequest { sql: sql.as_bytes() })?;
        let r: abi::D1ExecReply = reply.decode()?;
        Ok(r.count)
    }

    /// Asks for the database as a file, which the platform answers with an error.
    pub fn dump(&self) -> Result<()> {
        invoke(self.0, op::D1_DUMP, &abi::D1DumpRequest {})?.decode::<abi::D1DumpReply>().map(|_| ())
    }

    /// Begins a session: "first-unconstrained", "first-primary", or the bookmark of an earlier one.
    pub fn with_session(&self, constraint_or_bookmark: &str) -> Session<'n> {
        Session { target: self.0, bookmark: RefCell::new(constraint_or_bookmark.to_string()) }
    }
}

/// Queries that see each other's writes in order.
#[derive(Debug)]
pub struct Session<'n> {
    target: &'n str,
    bookmark: RefCell<String>,
}

impl Session<'_> {
    /// Makes a statement of the session.
    pub fn prepare<'s>(&'s self, sql: &str) -> Statement<'s> {
        Statement { target: self.target, sql: sql.to_string(), params: Vec::new(), session: Some(&self.bookmark) }
    }

    /// Runs statements in one transaction, all or nothing.
    pub fn batch(&self, statements: &[Statement<'_>]) -> Result<Vec<QueryResult>> {
        let bookmark = self.bookmark.borrow().clone();
        results(&invoke(self.target, op::D1_QUERY, &query(statements, &bookmark, &params(statements)))?, Some(&self.bookmark))
    }

    /// Names the newest state the session has seen; None before its first query, unless it began with a bookmark.
    pub fn bookmark(&self) -> Option<String> {
        let bookmark = self.bookmark.borrow();
        let constraint = ["", abi::D1_FIRST_UNCONSTRAINED, abi::D1_FIRST_PRIMARY].contains(&bookmark.as_str());
        (!constraint).then(|| bookmark.clone())
    }
}

/// Makes the parameters of a statement: `params![1, "two", None::<i64>]`.
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => { [$($crate::d1::Value::from($value)),*] };
}

impl Statement<'_> {
    /// The statement with these parameters.
    pub fn bind(mut self, params: impl IntoIterator<Item = Value>) -> Self {
        self.params = params.into_iter().collect();
        self
    }

    fn start(&self) -> Call {
        let one = std::slice::from_ref(self);
        let session = self.session.map(|s| s.borrow().clone()).unwrap_or_default();
        Call::start(self.target, op::D1_QUERY, &query(one, &session, &params(one)))
    }

    /// Runs the statement.
    pub fn all(&self) -> Result<QueryResult> {
        Ok(results(&self.start().wait()?, self.session)?.pop().unwrap_or_default())
    }

    /// Runs the statement; the same as [`Statement::all`].
    pub fn run(&self) -> Result<QueryResult> {
        self.all()
    }

    /// Starts running the statement, outside of sessions.
    pub fn all_async(&self) -> Pending<QueryResult> {
        Pending::new(self.start(), |reply| Ok(results(reply, None)?.pop().unwrap_or_default()))
    }

    /// Runs the statement and gives its first row, if there is one, with the names of its columns.
    pub fn first(&self) -> Result<Option<Vec<(String, Value)>>> {
        let mut all = self.all()?;
        if all.rows.is_empty() {
            return Ok(None);
        }
        Ok(Some(all.columns.into_iter().zip(all.rows.swap_remove(0)).collect()))
    }

    /// Runs the statement and gives one column of its first row, if there is a row.
    pub fn first_column(&self, column: &str) -> Result<Option<Value>> {
        let all = self.all()?;
        match (all.rows.is_empty(), all.get(0, column)) {
            (true, _) => Ok(None),
            (_, Some(v)) => Ok(Some(v.clone())),
            _ => Err(Error::new(Code::INVALID_ARGUMENT, format!("D1_COLUMN_NOTFOUND: Column not found ({})", column))),
        }
    }
}

/// Encodes the parameters of each statement.
fn params(statements: &[Statement<'_>]) -> Vec<Vec<u8>> {
    statements.iter().map(|s| sequence(&s.params)).collect()
}

fn sequence(values: &[Value]) -> Vec<u8> {
    let mut w = Writer::default();
    for v in values {
        match v {
            Value::Null => w.null(),
            Value::Integer(v) => w.i64(*v),
            Value::Real(v) => w.f64(*v),
            Value::Text(v) => w.text(v),
            Value::Blob(v) => w.bytes(v),
        }
    }
    w.buf
}

fn query<'q>(statements: &'q [Statement<'_>], session: &'q str, params: &'q [Vec<u8>]) -> abi::D1QueryRequest<'q> {
    let statements = statements.iter().zip(params).map(|(s, params)| abi::D1Statement { sql: s.sql.as_bytes(), params });
    abi::D1QueryRequest { statements: statements.collect(), session }
}

/// Decodes a reply, and has the session remember the newest bookmark.
fn results(reply: &Reply, session: Option<&RefCell<String>>) -> Result<Vec<QueryResult>> {
    let r: abi::D1QueryReply<'_> = reply.decode()?;
    if let Some(newest) = session {
        let mut newest = newest.borrow_mut();
        let constraint = newest.starts_with("first-");
        if constraint || newest.as_str() < r.bookmark {
            *newest = r.bookmark.to_string();
        }
    }
    r.results.iter().map(result).collect()
}

fn result(r: &abi::D1Result<'_>) -> Result<QueryResult> {
    let mut values = Reader::new(r.rows);
    let mut rows = Vec::with_capacity(r.row_count as usize);
    for _ in 0..r.row_count {
        rows.push(r.columns.iter().filter_map(|_| values.scalar()).map(Value::from).collect());
    }
    values.close().map_err(|why| Error::new(Code::BAD_MESSAGE, why))?;
    let columns = r.columns.iter().map(|c| String::from_utf8_lossy(c).into_owned()).collect();
    Ok(QueryResult { columns, rows, meta: r.meta.as_deref().map(meta).unwrap_or_default() })
}

fn meta(m: &abi::D1Meta<'_>) -> Meta {
    Meta {
        duration_ms: m.duration_ms,
        changes: m.changes,
        last_row_id: m.last_row_id,
        changed_db: m.changed_db,
        size_after: m.size_after,
        rows_read: m.rows_read,
        rows_written: m.rows_written,
    }
}
