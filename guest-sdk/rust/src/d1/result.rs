use std::borrow::Cow;

use super::value::{FromValue, Value};
use crate::abi::{self, Code};
use crate::cbor::Reader;
use crate::error::{Error, Result};

/// What a statement did and cost.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Meta {
    /// Where the statement ran.
    pub served_by: String,
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

/// What [`super::Database::exec`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ExecResult {
    /// How many lines were run.
    pub count: u32,
    /// The time they took, in milliseconds.
    pub duration_ms: f64,
}

/// One row with the names of its columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Row<'r> {
    columns: Cow<'r, [String]>,
    values: Cow<'r, [Value]>,
}

impl QueryResult {
    /// The rows with the names of their columns.
    pub fn iter(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(move |values| Row { columns: Cow::from(&self.columns), values: Cow::from(values) })
    }

    /// The value of a column of a row, by name; the last of several of that name, as the platform has it.
    pub fn get(&self, row: usize, column: &str) -> Option<&Value> {
        let i = self.columns.iter().rposition(|c| c == column)?;
        self.rows.get(row)?.get(i)
    }

    /// The first row alone.
    pub(super) fn into_first(mut self) -> Option<Row<'static>> {
        if self.rows.is_empty() {
            return None;
        }
        Some(Row { columns: Cow::from(self.columns), values: Cow::from(self.rows.swap_remove(0)) })
    }
}

impl Row<'_> {
    /// The names of the columns.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The values in the order of the columns.
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// The value in the column of that name as a type: `row.get::<i64>("id")?`, `row.get::<Option<String>>("title")?`. Of several columns with the name it
    /// is the last. Where there is none the error is "D1_COLUMN_NOTFOUND: Column not found (name)".
    pub fn get<T: FromValue>(&self, column: &str) -> Result<T> {
        let value = self.columns.iter().rposition(|c| c == column).and_then(|i| self.values.get(i));
        match value {
            Some(v) => T::from_value(v).map_err(|e| Error::new(e.code, format!("column {}: {}", column, e))),
            None => Err(Error::new(Code::INVALID_ARGUMENT, format!("D1_COLUMN_NOTFOUND: Column not found ({})", column))),
        }
    }
}

/// Decodes the result of one statement.
pub(super) fn result(r: &abi::D1Result<'_>) -> Result<QueryResult> {
    let mut values = Reader::new(r.rows);
    let mut rows = Vec::with_capacity((r.row_count as usize).min(r.rows.len() + 1));
    for _ in 0..r.row_count {
        let row: Vec<Value> = r.columns.iter().map_while(|_| values.scalar()).map(Value::from).collect();
        if row.len() < r.columns.len() {
            return Err(Error::new(Code::BAD_MESSAGE, "pagesrun d1.query: a row is broken"));
        }
        rows.push(row);
    }
    values.close().map_err(|why| Error::new(Code::BAD_MESSAGE, why))?;
    let columns = r.columns.iter().map(|c| String::from_utf8_lossy(c).into_owned()).collect();
    Ok(QueryResult { columns, rows, meta: r.meta.as_deref().map(meta).unwrap_or_default() })
}

fn meta(m: &abi::D1Meta<'_>) -> Meta {
    Meta {
        served_by: m.served_by.to_string(),
        duration_ms: m.duration_ms,
        changes: m.changes,
        last_row_id: m.last_row_id,
        changed_db: m.changed_db,
        size_after: m.size_after,
        rows_read: m.rows_read,
        rows_written: m.rows_written,
    }
}
