//! D1 databases.
//!
//! ```no_run
//! # fn f(env: &pagesrun::Env) -> pagesrun::Result<()> {
//! let db = env.d1("DB");
//! let adults = db.prepare("SELECT name, age FROM people WHERE age >= ?").bind(pagesrun::params![18]).all()?;
//! for row in adults.iter() {
//!     pagesrun::info!("{} is {}", row.get::<String>("name")?, row.get::<i64>("age")?);
//! }
//! # Ok(())
//! # }
//! ```

mod result;
mod value;

use std::cell::RefCell;
use std::rc::Rc;

use crate::abi::{self, op};
use crate::call::{invoke, Call, Pending, Reply};
use crate::error::Result;

pub use result::{ExecResult, Meta, QueryResult, Row};
pub use value::{FromValue, Value};

/// A D1 database, by the name of its binding.
#[derive(Clone, Copy, Debug)]
pub struct Database<'n>(pub &'n str);

/// A statement with its parameters.
#[derive(Clone, Debug)]
pub struct Statement<'n> {
    on: Connection<'n>,
    sql: String,
    params: Vec<Value>,
}

/// Queries that see each other's writes in order.
#[derive(Clone, Debug)]
pub struct Session<'n> {
    on: Connection<'n>,
}

/// Where statements run: a database, and what is remembered of its session.
#[derive(Clone, Debug)]
struct Connection<'n> {
    target: &'n str,
    session: Option<Rc<RefCell<State>>>,
}

/// What a session knows.
#[derive(Debug)]
struct State {
    from: String,
    bookmark: String,
}

impl<'n> Database<'n> {
    fn connection(&self) -> Connection<'n> {
        Connection { target: self.0, session: None }
    }

    /// Makes a statement. Its text, of up to 100,000 bytes, is looked at when it runs.
    pub fn prepare(&self, sql: &str) -> Statement<'n> {
        self.connection().prepare(sql)
    }

    /// Runs statements in one transaction, all or nothing.
    pub fn batch(&self, statements: &[Statement<'_>]) -> Result<Vec<QueryResult>> {
        self.batch_async(statements).wait()
    }

    /// Starts running statements in one transaction.
    pub fn batch_async(&self, statements: &[Statement<'_>]) -> Pending<Vec<QueryResult>> {
        self.connection().start(statements)
    }

    /// Runs a text of SQL, one statement per line, in one transaction and without parameters.
    pub fn exec(&self, sql: &str) -> Result<ExecResult> {
        self.exec_async(sql).wait()
    }

    /// Starts running a text of SQL.
    pub fn exec_async(&self, sql: &str) -> Pending<ExecResult> {
        Pending::new(Call::start(self.0, op::D1_EXEC, &abi::D1ExecRequest { sql: sql.as_bytes() }), |reply| {
            let r: abi::D1ExecReply = reply.decode()?;
            Ok(ExecResult { count: r.count, duration_ms: r.duration_ms })
        })
    }

    /// Asks for the database as a file, which the platform answers with an error.
    pub fn dump(&self) -> Result<()> {
        invoke(self.0, op::D1_DUMP, &abi::D1DumpRequest {})?.decode::<abi::D1DumpReply>().map(|_| ())
    }

    /// Begins a session: "first-unconstrained" (also when empty), "first-primary", or the bookmark of an earlier one.
    pub fn with_session(&self, constraint_or_bookmark: &str) -> Session<'n> {
        let (from, bookmark) = match constraint_or_bookmark {
            "" => (abi::D1_FIRST_UNCONSTRAINED, ""),
            constraint @ (abi::D1_FIRST_UNCONSTRAINED | abi::D1_FIRST_PRIMARY) => (constraint, ""),
            bookmark => ("", bookmark),
        };
        let state = State { from: from.to_string(), bookmark: bookmark.to_string() };
        Session { on: Connection { target: self.0, session: Some(Rc::new(RefCell::new(state))) } }
    }
}

impl<'n> Session<'n> {
    /// Makes a statement of the session.
    pub fn prepare(&self, sql: &str) -> Statement<'n> {
        self.on.prepare(sql)
    }

    /// Runs statements in one transaction, all or nothing.
    pub fn batch(&self, statements: &[Statement<'_>]) -> Result<Vec<QueryResult>> {
        self.batch_async(statements).wait()
    }

    /// Starts running statements in one transaction.
    pub fn batch_async(&self, statements: &[Statement<'_>]) -> Pending<Vec<QueryResult>> {
        self.on.start(statements)
    }

    /// Names the newest state of the database that the session has seen; None before the first query of a session that did not begin with a
    /// bookmark.
    pub fn bookmark(&self) -> Option<String> {
        let state = self.on.session.as_ref()?.borrow();
        (!state.bookmark.is_empty()).then(|| state.bookmark.clone())
    }
}

/// Makes the parameters of a statement: `params![1, "two", None::<i64>]`.
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => { [$($crate::d1::Value::from($value)),*] };
}

impl Statement<'_> {
    /// The statement with these parameters in the place of any it had.
    pub fn bind(mut self, params: impl IntoIterator<Item = Value>) -> Self {
        self.params = params.into_iter().collect();
        self
    }

    /// Runs the statement.
    pub fn all(&self) -> Result<QueryResult> {
        self.all_async().wait()
    }

    /// Starts running the statement.
    pub fn all_async(&self) -> Pending<QueryResult> {
        self.on.begin(std::slice::from_ref(self), |mut results| Ok(results.pop().unwrap_or_default()))
    }

    /// Runs the statement; the same as [`Statement::all`], for statements whose rows nobody wants.
    pub fn run(&self) -> Result<QueryResult> {
        self.all()
    }

    /// Runs the statement and gives its first row, if there is one.
    pub fn first(&self) -> Result<Option<Row<'static>>> {
        self.first_async().wait()
    }

    /// Starts running the statement for its first row.
    pub fn first_async(&self) -> Pending<Option<Row<'static>>> {
        self.on.begin(std::slice::from_ref(self), |mut results| Ok(results.pop().and_then(QueryResult::into_first)))
    }

    /// Runs the statement and gives one column of its first row; None where there is no row.
    pub fn first_column(&self, column: &str) -> Result<Option<Value>> {
        self.first()?.map(|row| row.get(column)).transpose()
    }

    /// Runs the statement and gives its rows as values alone, with the names of the columns as the first row where they are wanted.
    pub fn raw(&self, column_names: bool) -> Result<Vec<Vec<Value>>> {
        let mut all = self.all()?;
        if column_names {
            all.rows.insert(0, all.columns.into_iter().map(Value::Text).collect());
        }
        Ok(all.rows)
    }
}

impl<'n> Connection<'n> {
    fn prepare(&self, sql: &str) -> Statement<'n> {
        Statement { on: self.clone(), sql: sql.to_string(), params: Vec::new() }
    }

    fn start(&self, statements: &[Statement<'_>]) -> Pending<Vec<QueryResult>> {
        self.begin(statements, Ok)
    }

    /// Starts running statements; finish makes of their results what is asked for.
    fn begin<T: 'static>(&self, statements: &[Statement<'_>], finish: fn(Vec<QueryResult>) -> Result<T>) -> Pending<T> {
        let params: Vec<Vec<u8>> = statements.iter().map(|s| value::sequence(&s.params)).collect();
        let session = self.session.as_ref().map(|s| s.borrow().begin()).unwrap_or_default();
        let messages = statements.iter().zip(&params).map(|(s, params)| abi::D1Statement { sql: s.sql.as_bytes(), params });
        let request = abi::D1QueryRequest { statements: messages.collect(), session: &session };
        let state = self.session.clone();
        Pending::new(Call::start(self.target, op::D1_QUERY, &request), move |reply| finish(results(reply, state.as_deref())?))
    }
}

impl State {
    /// What a query of the session tells the host.
    fn begin(&self) -> String {
        match self.bookmark.as_str() {
            "" => self.from.clone(),
            bookmark => bookmark.to_string(),
        }
    }

    /// Keeps the newer of two bookmarks, which are ordered as text.
    fn saw(&mut self, bookmark: &str) {
        if self.bookmark.as_str() < bookmark {
            self.bookmark = bookmark.to_string();
        }
    }
}

/// Decodes a reply, and has the session remember the newest bookmark.
fn results(reply: &Reply, session: Option<&RefCell<State>>) -> Result<Vec<QueryResult>> {
    let r: abi::D1QueryReply<'_> = reply.decode()?;
    if let Some(state) = session {
        state.borrow_mut().saw(r.bookmark);
    }
    r.results.iter().map(result::result).collect()
}
