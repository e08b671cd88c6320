use std::fmt;

use crate::abi::{self, Code};
use crate::cbor::{self, Message, Reader};

/// Why something failed: a stable code, and a sentence with the platform's exact text where it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The stable reason.
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

impl From<Error> for std::io::Error {
    fn from(e: Error) -> Self {
        std::io::Error::new(std::io::ErrorKind::Other, e)
    }
}

impl From<std::io::Error> for Error {
    fn from(e: std::io::Error) -> Self {
        Error::other(e.to_string())
    }
}

impl From<std::string::FromUtf8Error> for Error {
    fn from(_: std::string::FromUtf8Error) -> Self {
        Error::other("the bytes are not UTF-8")
    }
}

/// What functions of this crate return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The key under which a reply has an error instead of its own fields.
const ERROR_KEY: u64 = 0;

/// Decodes a reply: the message, or the error it carries.
pub(crate) fn reply<'a, M: Message<'a>>(data: &'a [u8]) -> Result<M> {
    let mut r = Reader::new(data);
    let mut it = r.map();
    if it.next(&mut r) && it.key == ERROR_KEY {
        let e: abi::Error = r.message();
        return Err(Error { code: e.code, message: e.message.to_string(), status: e.status });
    }
    cbor::decode(data).map_err(|why| Error::new(Code::BAD_MESSAGE, why))
}
