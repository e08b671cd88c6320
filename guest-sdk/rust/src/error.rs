use std::fmt;

use crate::abi::{self, Code};
use crate::cbor::{self, Message, Reader};

/// Why something failed: a stable code, and a sentence with the platform's exact text where it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The stable reason; `Code::default()` for a failure of the function's own.
    pub code: Code,
    /// A sentence for a person.
    pub message: String,
    /// The HTTP-like status the platform gives this failure, 0 when it has none.
    pub status: u32,
}

impl Error {
    /// Makes an error.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Error { code, message: message.into(), status: 0 }
    }

    /// Makes an error of the function's own, which no code describes.
    pub fn other(message: impl Into<String>) -> Self {
        Error::new(Code::default(), message)
    }

    /// The error behind a negative return of a host function.
    pub(crate) fn of_host(n: i32, what: &str) -> Self {
        let code = Code(n.unsigned_abs());
        Error::new(code, format!("pagesrun {}: {}", what, code))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.message.as_str() {
            "" => f.write_str(self.code.name()),
            message => f.write_str(message),
        }
    }
}

impl std::error::Error for Error {}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl From<Error> for std::io::Error {
    fn from(e: Error) -> Self {
        std::io::Error::new(std::io::ErrorKind::Other, e)
    }
}

/// An error that passed through [`std::io`] keeps its code.
impl From<std::io::Error> for Error {
    fn from(e: std::io::Error) -> Self {
        match e.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
            Some(own) => own.clone(),
            None => Error::other(e.to_string()),
        }
    }
}

impl From<Box<dyn std::error::Error + Send + Sync>> for Error {
    fn from(e: Box<dyn std::error::Error + Send + Sync>) -> Self {
        match e.downcast::<Error>() {
            Ok(own) => *own,
            Err(e) => Error::other(e.to_string()),
        }
    }
}

impl From<&str> for Error {
    fn from(message: &str) -> Self {
        Error::other(message)
    }
}

impl From<String> for Error {
    fn from(message: String) -> Self {
        Error::other(message)
    }
}

/// Lets "?" pass on what the standard library's functions fail with.
macro_rules! other {
    ($($type:ty),+ $(,)?) => {
        $(impl From<$type> for Error {
            fn from(e: $type) -> Self {
                Error::other(e.to_string())
            }
        })+
    };
}

other! {
    std::string::FromUtf8Error,
    std::str::Utf8Error,
    std::num::ParseIntError,
    std::num::ParseFloatError,
    std::num::TryFromIntError,
    std::fmt::Error,
}

#[cfg(feature = "serde")]
other!(serde_json::Error);

/// What functions of this crate return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The key under which a reply has an error instead of its own fields.
const ERROR_KEY: u64 = 0;

/// Decodes a reply: the message, or the error it carries.
pub(crate) fn reply<'a, M: Message<'a>>(data: &'a [u8]) -> Result<M> {
    let mut r = Reader::new(data);
    let mut it = r.map();
    if it.next(&mut r) && it.key == ERROR_KEY {
        return Err(failure(r.message()));
    }
    cbor::decode(data).map_err(|why| Error::new(Code::BAD_MESSAGE, why))
}

#[cold]
fn failure(e: abi::Error<'_>) -> Error {
    Error { code: e.code, message: e.message.to_string(), status: e.status }
}
