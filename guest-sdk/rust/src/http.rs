use crate::abi::{self, op, Handle};
use crate::call::invoke;
use crate::error::{Error, Result};
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

    /// The first query parameter of a name, decoded.
    pub fn query(&self, name: &str) -> Option<String> {
        self.query_string().split('&').find_map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(key) == name).then(|| decoded(value))
        })
    }

    /// The whole body.
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
        serde_json::from_slice(&self.bytes()?).map_err(|e| Error::other(e.to_string()))
    }
}

/// Decodes a part of a query: "+" is a space, "%41" is "A"; what is no encoding stays as it is.
fn decoded(s: &str) -> String {
    let mut out = Vec::with_capacity(s.len());
    let bytes = s.as_bytes();
    let mut i = 0;
    while i < bytes.len() {
        let hex = (bytes[i] == b'%').then(|| s.get(i + 1..i + 3)).flatten();
        match hex.and_then(|h| u8::from_str_radix(h, 16).ok()) {
            Some(b) => {
                out.push(b);
                i += 2;
            }
            None if bytes[i] == b'+' => out.push(b' '),
            None => out.push(bytes[i]),
        }
        i += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
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
        let body = serde_json::to_vec(value).map_err(|e| Error::other(e.to_string()))?;
        Ok(Response::bytes(body).with_header("content-type", "application/json"))
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

    /// Sends the response.
    pub(crate) fn send(mut self) -> Result<()> {
        let whole = self.body.whole();
        let headers = self.headers.iter().map(|(name, value)| abi::Header { name, value }).collect();
        let request = abi::RespondRequest {
            status: self.status.into(),
            headers,
            body: whole.as_deref().unwrap_or_default(),
            stream: self.body.into_handle().unwrap_or_default(),
        };
        invoke("", op::RESPOND, &request)?.decode::<abi::RespondReply>().map(|_| ())
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
