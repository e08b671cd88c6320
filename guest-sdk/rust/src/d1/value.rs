use crate::cbor::{Scalar, Writer};
use crate::error::{Error, Result};

/// A value in a database.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// NULL.
    Null,
    /// INTEGER.
    Integer(i64),
    /// REAL. NaN is stored as NULL.
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
    i16 => |v| Value::Integer(v.into()),
    u32 => |v| Value::Integer(v.into()),
    u16 => |v| Value::Integer(v.into()),
    u8 => |v| Value::Integer(v.into()),
    bool => |v| Value::Integer(v.into()),
    f64 => |v| Value::Real(v),
    f32 => |v| Value::Real(v.into()),
    String => |v| Value::Text(v),
    Vec<u8> => |v| Value::Blob(v),
    &str => |v| Value::Text(v.to_string()),
    &String => |v| Value::Text(v.clone()),
    &[u8] => |v| Value::Blob(v.to_vec()),
    &Vec<u8> => |v| Value::Blob(v.clone()),
}

impl<const N: usize> From<&[u8; N]> for Value {
    fn from(v: &[u8; N]) -> Self {
        Value::Blob(v.to_vec())
    }
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

    /// What is said of a value that is no such thing as was asked for.
    fn not(&self, wanted: &str) -> Error {
        let kind = match self {
            Value::Null => "NULL",
            Value::Integer(_) => "INTEGER",
            Value::Real(_) => "REAL",
            Value::Text(_) => "TEXT",
            Value::Blob(_) => "BLOB",
        };
        Error::other(format!("the value is {}, not {}", kind, wanted))
    }
}

/// A type that a value of a row can be taken as; see [`super::Row::get`].
pub trait FromValue: Sized {
    /// Makes one of the value; an error where the value is something else.
    fn from_value(value: &Value) -> Result<Self>;
}

macro_rules! from_value {
    ($($type:ty, $wanted:literal, |$v:ident| $value:expr);+ $(;)?) => {
        $(impl FromValue for $type {
            fn from_value($v: &Value) -> Result<Self> {
                $value.ok_or_else(|| $v.not($wanted))
            }
        })+
    };
}

from_value! {
    i64, "an integer", |v| v.as_i64();
    i32, "an integer of 32 bits", |v| v.as_i64().and_then(|n| n.try_into().ok());
    u64, "an unsigned integer", |v| v.as_i64().and_then(|n| n.try_into().ok());
    u32, "an unsigned integer of 32 bits", |v| v.as_i64().and_then(|n| n.try_into().ok());
    f64, "a number", |v| v.as_f64();
    bool, "0 or 1", |v| v.as_i64().filter(|n| *n == 0 || *n == 1).map(|n| n == 1);
    String, "text", |v| v.as_str().map(String::from);
    Vec<u8>, "a blob or text", |v| v.as_bytes().map(<[u8]>::to_vec);
}

impl FromValue for Value {
    fn from_value(value: &Value) -> Result<Self> {
        Ok(value.clone())
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: &Value) -> Result<Self> {
        match value {
            Value::Null => Ok(None),
            value => T::from_value(value).map(Some),
        }
    }
}

/// Encodes the parameters of a statement.
pub(super) fn sequence(values: &[Value]) -> Vec<u8> {
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
