use crate::abi::{self, op, Handle};
use crate::cbor::{self, Message};
use crate::error::{Error, Result};
use crate::host;
use crate::stream::{pipe, Reader, Writer};

/// Header fields in order, of a request or of [`Headers`]; names compare without regard to case.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct HeaderList<'h> {
    items: &'h [u8], // abi::Header messages, one after the other
}

impl<'h> HeaderList<'h> {
    /// The first value of a name, when it is UTF-8.
    pub fn get(self, name: &str) -> Option<&'h str> {
        self.get_bytes(name).and_then(|v| std::str::from_utf8(v).ok())
    }

    /// The first value of a name.
    pub fn get_bytes(self, name: &str) -> Option<&'h [u8]> {
        self.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v)
    }

    /// Every value of a name, in order.
    pub fn get_all<'n: 'h>(self, name: &'n str) -> impl Iterator<Item = &'h [u8]> {
        self.iter().filter(move |(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v)
    }

    /// Every field.
    pub fn iter(self) -> impl Iterator<Item = (&'h str, &'h [u8])> {
        let mut r = cbor::Reader::new(self.items);
        std::iter::from_fn(move || {
            if r.at_end() {
                return None;
            }
            let h: abi::Header<'h> = r.message();
            Some((h.name, h.value))
        })
    }
}

impl std::fmt::Debug for HeaderList<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.iter().map(|(n, v)| (n, String::from_utf8_lossy(v)))).finish()
    }
}

/// Header fields of a response.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers {
    items: Vec<u8>, // abi::Header messages, one after the other
    count: usize,
}

impl Headers {
    /// The fields.
    pub fn list(&self) -> HeaderList<'_> {
        HeaderList { items: &self.items }
    }

    /// The first value of a name, when it is UTF-8.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.list().get(name)
    }

    /// Adds a field; a name can be there several times (set-cookie).
    pub fn append(&mut self, name: impl AsRef<str>, value: impl AsRef<[u8]>) {
        let mut w = cbor::Writer { buf: std::mem::take(&mut self.items) };
        w.buf.reserve(HEADERS_BYTES);
        abi::Header { name: name.as_ref(), value: value.as_ref() }.encode(&mut w);
        self.items = w.buf;
        self.count += 1;
    }

    /// Puts a field in the place of all of that name.
    pub fn set(&mut self, name: impl AsRef<str>, value: impl AsRef<[u8]>) {
        self.remove(name.as_ref());
        self.append(name, value);
    }

    /// Removes all fields of a name.
    pub fn remove(&mut self, name: &str) {
        if self.list().get_bytes(name).is_some() {
            let old = std::mem::take(self);
            old.list().iter().filter(|(n, _)| !n.eq_ignore_ascii_case(name)).for_each(|(n, v)| self.append(n, v));
        }
    }
}

impl std::fmt::Debug for Headers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.list().fmt(f)
    }
}

/// The room that fields get at a time, in bytes.
const HEADERS_BYTES: usize = 64;

/// An HTTP request.
pub struct Request {
    message: Vec<u8>, // the event's message, in which the parts are
    parts: RequestParts,
    url: Option<String>, // where that in the message is not UTF-8
    /// The body, to be read once.
    pub body: Reader,
}

/// Where the parts of a request are in the event's message.
#[derive(Clone, Copy, Default)]
pub(crate) struct RequestParts {
    method: Span,
    url: Span,
    headers: Span,
    body: Span,
    body_stream: Handle,
    remote_addr: Span,
    protocol: Span,
}

/// A part of a message: its place in memory, and its length.
#[derive(Clone, Copy, Default)]
struct Span {
    start: usize,
    len: usize,
}

impl From<&[u8]> for Span {
    fn from(part: &[u8]) -> Self {
        Span { start: part.as_ptr() as usize, len: part.len() }
    }
}

impl Span {
    /// The part of the message that it was made of.
    fn of(self, message: &[u8]) -> &[u8] {
        match self.len {
            0 => &[],
            len => {
                let start = self.start - message.as_ptr() as usize;
                &message[start..start + len]
            }
        }
    }

    fn text(self, message: &[u8]) -> &str {
        std::str::from_utf8(self.of(message)).unwrap_or_default()
    }
}

impl RequestParts {
    /// Decodes an [`abi::FetchEvent`].
    pub(crate) fn decode(r: &mut cbor::Reader<'_>) -> Self {
        let mut parts = RequestParts::default();
        let mut it = r.map();
        while it.next(r) {
            match it.key {
                1 => parts.method = r.text().as_bytes().into(),
                2 => parts.url = r.bytes().into(),
                3 => parts.headers = r.raw_items().into(),
                4 => parts.body = r.bytes().into(),
                5 => parts.body_stream = r.handle(),
                6 => parts.remote_addr = r.text().as_bytes().into(),
                7 => parts.protocol = r.text().as_bytes().into(),
                _ => r.skip(),
            }
        }
        parts
    }
}

/// The largest body that [`Request::bytes`] and its like take into memory: what the host lets through by default.
const BODY_BYTES_MAX: usize = 100 << 20;

impl Request {
    /// Makes the request of an event's message. A message keeps its place in memory when it is moved.
    pub(crate) fn from_event(message: Vec<u8>, parts: RequestParts) -> Self {
        let body = Reader::new(parts.body_stream, parts.body.of(&message));
        let url = match std::str::from_utf8(parts.url.of(&message)) {
            Ok(_) => None,
            Err(_) => Some(String::from_utf8_lossy(parts.url.of(&message)).into_owned()),
        };
        Request { message, parts, url, body }
    }

    /// A request as tests make it, without header fields and body.
    pub fn new(method: &str, url: &str) -> Self {
        Request::of_fetch(&abi::FetchEvent {
            method,
            url: url.as_bytes(),
            remote_addr: "127.0.0.1",
            protocol: "HTTP/1.1",
            ..Default::default()
        })
    }

    fn of_fetch(e: &abi::FetchEvent<'_>) -> Self {
        let message = cbor::encode(e);
        let parts = RequestParts::decode(&mut cbor::Reader::new(&message));
        Request::from_event(message, parts)
    }

    /// The request as a message, without its body.
    pub(crate) fn fetch_event(&self) -> abi::FetchEvent<'_> {
        abi::FetchEvent {
            method: self.method(),
            url: self.parts.url.of(&self.message),
            headers: self.headers().iter().map(|(name, value)| abi::Header { name, value }).collect(),
            remote_addr: self.remote_addr(),
            protocol: self.protocol(),
            ..Default::default()
        }
    }

    /// The request with one more header field.
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        let mut e = self.fetch_event();
        e.headers.push(abi::Header { name, value: value.as_bytes() });
        let mut changed = Request::of_fetch(&e);
        changed.body = std::mem::take(&mut self.body);
        changed
    }

    /// The request with a body.
    pub fn with_body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = Reader::new(Handle(0), body.as_ref());
        self
    }

    /// The method as sent, such as "GET".
    pub fn method(&self) -> &str {
        self.parts.method.text(&self.message)
    }

    /// The absolute URL: scheme, host as the client named it, path and query as sent. Bytes of it that are not UTF-8 become U+FFFD.
    pub fn url(&self) -> &str {
        self.url.as_deref().unwrap_or_else(|| self.parts.url.text(&self.message))
    }

    /// The header fields, in the order of their names.
    pub fn headers(&self) -> HeaderList<'_> {
        HeaderList { items: self.parts.headers.of(&self.message) }
    }

    /// The first value of a header field, when it is UTF-8.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers().get(name)
    }

    /// The client's IP address.
    pub fn remote_addr(&self) -> &str {
        self.parts.remote_addr.text(&self.message)
    }

    /// The HTTP version, such as "HTTP/1.1".
    pub fn protocol(&self) -> &str {
        self.parts.protocol.text(&self.message)
    }

    /// Path and query as sent, without the fragment.
    fn path_and_query(&self) -> &str {
        let url = self.url();
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        let start = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        rest[start..].split('#').next().unwrap_or_default()
    }

    /// The path as sent, such as "/a%20b"; at least "/".
    pub fn path(&self) -> &str {
        match self.path_and_query().split('?').next() {
            Some("") | None => "/",
            Some(path) => path,
        }
    }

    /// The query as sent, without the "?"; empty when there is none.
    pub fn query_string(&self) -> &str {
        self.path_and_query().split_once('?').map_or("", |(_, query)| query)
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
    key == name || (key.contains(['%', '+']) && decoded(key) == name.as_bytes())
}

/// Decodes a part of a query: "+" is a space, "%41" is "A". A part with a "%" that begins no such escape stays as it is.
fn decoded(s: &str) -> Vec<u8> {
    unescaped(s.as_bytes()).unwrap_or_else(|| s.as_bytes().to_vec())
}

fn unescaped(s: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(s.len());
    let mut bytes = s.iter();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => hex(*bytes.next()?)? << 4 | hex(*bytes.next()?)?,
            other => *other,
        });
    }
    Some(out)
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
    pub fn bytes(body: impl Into<Vec<u8>>) -> Self {
        Response { status: 200, headers: Headers::default(), body: Reader::of(body.into()) }
    }

    /// A response of text.
    pub fn text(body: impl Into<String>) -> Self {
        Response::bytes(body.into()).with_header("content-type", "text/plain; charset=utf-8")
    }

    /// A response of HTML.
    pub fn html(body: impl Into<String>) -> Self {
        Response::bytes(body.into()).with_header("content-type", "text/html; charset=utf-8")
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
        let whole = self.body.whole().unwrap_or_default();
        let stream = self.body.into_handle().unwrap_or_default();
        let message = respond_request(self.status, &self.headers, &whole, stream);
        host::call_handle("", op::RESPOND, &message).map(|_| ())
    }
}

/// The room a response takes beside its header fields and its body, in bytes.
const RESPONSE_BYTES: usize = 32;

/// Encodes an [`abi::RespondRequest`], whose header fields are encoded already.
fn respond_request(status: u16, headers: &Headers, body: &[u8], stream: Handle) -> Vec<u8> {
    let mut w = cbor::Writer { buf: Vec::with_capacity(RESPONSE_BYTES + headers.items.len() + body.len()) };
    w.map(usize::from(status != 0) + usize::from(headers.count > 0) + usize::from(!body.is_empty()) + usize::from(stream != Handle(0)));
    if status != 0 {
        w.uint(1);
        w.u32(status.into());
    }
    if headers.count > 0 {
        w.uint(2);
        w.array(headers.count);
        w.buf.extend_from_slice(&headers.items);
    }
    if !body.is_empty() {
        w.uint(3);
        w.bytes(body);
    }
    if stream != Handle(0) {
        w.uint(4);
        w.handle(stream);
    }
    w.buf
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
