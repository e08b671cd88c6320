use crate::abi::{self, op, Handle};
use crate::error::{Error, Result};
use crate::{cbor, host};
use crate::stream::{pipe, Reader, Writer};

/// Header fields in order; names compare without regard to case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(Vec<(String, Vec<u8>)>);

impl Headers {
    /// The first value of a name, when it is UTF-8.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.get_bytes(name).and_then(|v| std::str::from_utf8(v).ok())
    }

    /// The first value of a name.
    pub fn get_bytes(&self, name: &str) -> Option<&[u8]> {
        self.0.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_slice())
    }

    /// Every value of a name, in order.
    pub fn get_all<'h>(&'h self, name: &'h str) -> impl Iterator<Item = &'h [u8]> {
        self.0.iter().filter(move |(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_slice())
    }

    /// Adds a field; a name can be there several times (set-cookie).
    pub fn append(&mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) {
        self.0.push((name.into(), value.into()))
    }

    /// Puts a field in the place of all of that name.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) {
        let name = name.into();
        self.0.retain(|(n, _)| !n.eq_ignore_ascii_case(&name));
        self.append(name, value);
    }

    /// Every field.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.iter().map(|(n, v)| (n.as_str(), v.as_slice()))
    }
}

/// An HTTP request.
#[derive(Debug)]
pub struct Request {
    /// The method as sent, such as "GET".
    pub method: String,
    /// The absolute URL: scheme, host as the client named it, path and query as sent.
    pub url: String,
    /// The header fields.
    pub headers: Headers,
    /// The body, to be read once.
    pub body: Reader,
    /// The client's IP address.
    pub remote_addr: String,
    /// The HTTP version, such as "HTTP/1.1".
    pub protocol: String,
}

/// The largest body that [`Request::bytes`] and its like take into memory: what the host lets through by default.
const BODY_BYTES_MAX: usize = 100 << 20;

impl Request {
    pub(crate) fn from_event(e: &abi::FetchEvent<'_>) -> Self {
        Request {
            method: e.method.to_string(),
            url: String::from_utf8_lossy(e.url).into_owned(),
            headers: Headers(e.headers.iter().map(|h| (h.name.to_string(), h.value.to_vec())).collect()),
            body: Reader::new(e.body_stream, e.body),
            remote_addr: e.remote_addr.to_string(),
            protocol: e.protocol.to_string(),
        }
    }

    /// A request as tests make it, without header fields and body.
    pub fn new(method: &str, url: &str) -> Self {
        Request {
            method: method.to_string(),
            url: url.to_string(),
            headers: Headers::default(),
            body: Reader::default(),
            remote_addr: "127.0.0.1".to_string(),
            protocol: "HTTP/1.1".to_string(),
        }
    }

    /// The request with a header field in the place of all of that name.
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.set(name, value);
        self
    }

    /// The request with a body.
    pub fn with_body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = Reader::new(Handle(0), body.as_ref());
        self
    }

    /// The path as sent, such as "/a%20b"; at least "/".
    pub fn path(&self) -> &str {
        let rest = self.url.split_once("://").map_or(self.url.as_str(), |(_, rest)| rest);
        let path = rest.find('/').map_or("/", |i| &rest[i..]);
        path.split(|c| c == '?' || c == '#').next().unwrap_or("/")
    }

    /// The query as sent, without the "?"; empty when there is none.
    pub fn query_string(&self) -> &str {
        self.url.split_once('?').map_or("", |(_, query)| query)
    }

    /// The first query parameter of a name, decoded; bytes of it that are not UTF-8 become U+FFFD.
    pub fn query(&self, name: &str) -> Option<String> {
        self.query_bytes(name).map(|v| String::from_utf8(v).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()))
    }

    /// The first query parameter of a name, decoded.
    pub fn query_bytes(&self, name: &str) -> Option<Vec<u8>> {
        pairs(self.query_string()).find(|(key, _)| is_named(key, name)).map(|(_, value)| decoded(value))
    }

    /// All query parameters in their order, decoded.
    pub fn queries(&self) -> impl Iterator<Item = (String, String)> + '_ {
        let text = |s: &str| String::from_utf8_lossy(&decoded(s)).into_owned();
        pairs(self.query_string()).map(move |(key, value)| (text(key), text(value)))
    }

    /// The first value of a header field, when it is UTF-8.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)
    }

    /// The whole body, of up to 100 MiB.
    pub fn bytes(&mut self) -> Result<Vec<u8>> {
        self.body.read_all(BODY_BYTES_MAX)
    }

    /// The whole body as text.
    pub fn text(&mut self) -> Result<String> {
        Ok(String::from_utf8(self.bytes()?)?)
    }

    /// The whole body as a value of any type that serde knows.
    #[cfg(feature = "serde")]
    pub fn json<T: serde::de::DeserializeOwned>(&mut self) -> Result<T> {
        Ok(serde_json::from_slice(&self.bytes()?)?)
    }
}

/// The parameters of a query as sent.
fn pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

/// Whether a parameter's name as sent is the name.
fn is_named(key: &str, name: &str) -> bool {
    key == name || (key.contains(|c| c == '%' || c == '+') && decoded(key) == name.as_bytes())
}

/// Decodes a part of a query: "+" is a space, "%41" is "A"; what is no encoding stays as it is.
fn decoded(s: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(s.len());
    let mut rest = s.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let (byte, tail) = match (first, tail) {
            (b'+', _) => (b' ', tail),
            (b'%', [high, low, after @ ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, after),
                _ => (b'%', tail),
            },
            _ => (first, tail),
        };
        out.push(byte);
        rest = tail;
    }
    out
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|d| d as u8)
}

/// An answer to a request.
#[derive(Debug)]
pub struct Response {
    /// The HTTP status, 200 to 599.
    pub status: u16,
    /// The header fields, at most 256 of them and 128 KiB together.
    pub headers: Headers,
    body: Reader,
}

impl Response {
    /// A response of a status alone.
    pub fn empty(status: u16) -> Self {
        Response::bytes("").with_status(status)
    }

    /// A response of bytes.
    pub fn bytes(body: impl AsRef<[u8]>) -> Self {
        Response { status: 200, headers: Headers::default(), body: Reader::new(Handle(0), body.as_ref()) }
    }

    /// A response of text.
    pub fn text(body: impl AsRef<str>) -> Self {
        Response::bytes(body.as_ref()).with_header("content-type", "text/plain; charset=utf-8")
    }

    /// A response of HTML.
    pub fn html(body: impl AsRef<str>) -> Self {
        Response::bytes(body.as_ref()).with_header("content-type", "text/html; charset=utf-8")
    }

    /// A response of a value of any type that serde knows.
    #[cfg(feature = "serde")]
    pub fn json<T: serde::Serialize>(value: &T) -> Result<Self> {
        Ok(Response::bytes(serde_json::to_vec(value)?).with_header("content-type", "application/json"))
    }

    /// A response whose body is a stream: a value, the request's own body, the readable end of a pipe.
    pub fn stream(body: Reader) -> Self {
        Response { status: 200, headers: Headers::default(), body }
    }

    /// A response of a status and a line of text.
    pub fn error(status: u16, message: &str) -> Self {
        Response::text(format!("{}\n", message)).with_status(status)
    }

    /// A redirection to a URL.
    pub fn redirect(status: u16, url: &str) -> Self {
        Response::bytes("").with_status(status).with_header("location", url)
    }

    /// The response with another status.
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// The response with a header field in the place of all of that name.
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.set(name, value);
        self
    }

    /// The response with one more header field, beside others of its name.
    pub fn with_added_header(mut self, name: &str, value: &str) -> Self {
        self.headers.append(name, value);
        self
    }

    /// Sends the response without waiting for the host's word on it: what is wrong with it is in the log, and the client's 500.
    pub(crate) fn send(mut self) -> Result<()> {
        let whole = self.body.whole();
        let headers = self.headers.iter().map(|(name, value)| abi::Header { name, value }).collect();
        let request = abi::RespondRequest {
            status: self.status.into(),
            headers,
            body: whole.as_deref().unwrap_or_default(),
            stream: self.body.into_handle().unwrap_or_default(),
        };
        host::checked(host::call("", op::RESPOND, &cbor::encode(&request)), op::RESPOND).map(|_| ())
    }
}

/// Makes a response whose body is written while it is sent. Send the response with [`crate::Context::respond`] before writing much.
pub fn streamed() -> Result<(Response, Writer)> {
    let (reader, writer) = pipe()?;
    Ok((Response::stream(reader), writer))
}

impl From<&str> for Response {
    fn from(text: &str) -> Self {
        Response::text(text)
    }
}

impl From<String> for Response {
    fn from(text: String) -> Self {
        Response::text(text)
    }
}

impl From<Error> for Response {
    fn from(_: Error) -> Self {
        Response::error(500, "Internal Server Error")
    }
}
