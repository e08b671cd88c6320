//! The encoding of messages: the part of CBOR (RFC 8949) that pagesrun's messages are made of, in its one deterministic form.

use crate::abi::{Code, Handle, ARRAY_ITEMS_MAX, DEPTH_MAX, TAG_HANDLE};

/// A message: a map whose keys the schema fixes. Fields that hold their zero value are left out.
pub trait Message<'a>: Default {
    /// Appends the message.
    fn encode(&self, w: &mut Writer);
    /// Reads the message into one that is empty. What is wrong is kept by the reader.
    fn decode(&mut self, r: &mut Reader<'a>);
}

/// The room a message gets at first, in bytes: enough for most, so that it need not move while it grows.
const MESSAGE_BYTES: usize = 128;

/// Encodes a message.
pub fn encode<'a, M: Message<'a>>(m: &M) -> Vec<u8> {
    let mut w = Writer { buf: Vec::with_capacity(MESSAGE_BYTES) };
    m.encode(&mut w);
    w.buf
}

/// Decodes a message. The error says what is wrong with the bytes.
pub fn decode<'a, M: Message<'a>>(data: &'a [u8]) -> Result<M, &'static str> {
    let mut r = Reader::new(data);
    let mut m = M::default();
    m.decode(&mut r);
    r.close()?;
    Ok(m)
}

const UINT: u8 = 0x00;
const NEGATIVE: u8 = 0x20;
const BYTES: u8 = 0x40;
const TEXT: u8 = 0x60;
const ARRAY: u8 = 0x80;
const MAP: u8 = 0xa0;
const TAG: u8 = 0xc0;
const SIMPLE: u8 = 0xe0;

/// Writes items one after the other.
#[derive(Default)]
pub struct Writer {
    /// What has been written.
    pub buf: Vec<u8>,
}

impl Writer {
    fn head(&mut self, major: u8, v: u64) {
        let bytes = v.to_be_bytes();
        match v {
            0..=23 => self.buf.push(major | v as u8),
            24..=0xff => self.long_head(major | 24, &bytes[7..]),
            0x100..=0xffff => self.long_head(major | 25, &bytes[6..]),
            0x1_0000..=0xffff_ffff => self.long_head(major | 26, &bytes[4..]),
            _ => self.long_head(major | 27, &bytes),
        }
    }

    fn long_head(&mut self, first: u8, argument: &[u8]) {
        self.buf.push(first);
        self.buf.extend_from_slice(argument);
    }

    /// Writes an unsigned integer.
    pub fn uint(&mut self, v: u64) {
        self.head(UINT, v)
    }

    /// Writes an unsigned integer.
    pub fn u64(&mut self, v: u64) {
        self.head(UINT, v)
    }

    /// Writes an unsigned integer.
    pub fn u32(&mut self, v: u32) {
        self.head(UINT, v.into())
    }

    /// Writes an integer.
    pub fn i64(&mut self, v: i64) {
        if v < 0 {
            self.head(NEGATIVE, !(v as u64))
        } else {
            self.head(UINT, v as u64)
        }
    }

    /// Writes an integer.
    pub fn i32(&mut self, v: i32) {
        self.i64(v.into())
    }

    /// Writes a float of 64 bits.
    pub fn f64(&mut self, v: f64) {
        self.long_head(SIMPLE | 27, &v.to_bits().to_be_bytes())
    }

    /// Writes a boolean.
    pub fn bool(&mut self, v: bool) {
        self.head(SIMPLE, if v { 21 } else { 20 })
    }

    /// Writes a null.
    pub fn null(&mut self) {
        self.head(SIMPLE, 22)
    }

    /// Writes text.
    pub fn text(&mut self, v: &str) {
        self.head(TEXT, v.len() as u64);
        self.buf.extend_from_slice(v.as_bytes());
    }

    /// Writes a byte string.
    pub fn bytes(&mut self, v: &[u8]) {
        self.head(BYTES, v.len() as u64);
        self.buf.extend_from_slice(v);
    }

    /// Writes a handle.
    pub fn handle(&mut self, v: Handle) {
        self.head(TAG, TAG_HANDLE);
        self.head(UINT, v.0.into());
    }

    /// Writes an error code.
    pub fn code(&mut self, v: Code) {
        self.head(UINT, v.0.into())
    }

    /// Begins an array of n items.
    pub fn array(&mut self, n: usize) {
        self.head(ARRAY, n as u64)
    }

    /// Begins a map of n pairs.
    pub fn map(&mut self, n: usize) {
        self.head(MAP, n as u64)
    }
}

/// Takes items off a message. The first problem sticks, and everything after it yields zero values.
pub struct Reader<'a> {
    left: &'a [u8],
    problem: Option<&'static str>,
    depth: usize,
    empty: bool,
}

const CUT: &str = "the message ends in the middle of an item";

impl<'a> Reader<'a> {
    /// Reads data.
    pub fn new(data: &'a [u8]) -> Self {
        Reader { left: data, problem: None, depth: 0, empty: data.is_empty() }
    }

    /// Ends reading: everything must have been taken.
    pub fn close(&self) -> Result<(), &'static str> {
        match self.problem {
            Some(problem) => Err(problem),
            None if !self.left.is_empty() => Err("bytes follow the message"),
            None => Ok(()),
        }
    }

    /// Whether nothing is left to take, or something was wrong.
    pub fn at_end(&self) -> bool {
        self.left.is_empty()
    }

    #[cold]
    fn bad(&mut self, why: &'static str) {
        self.problem.get_or_insert(why);
        self.left = &[];
    }

    fn take(&mut self, n: u64) -> &'a [u8] {
        if n > self.left.len() as u64 {
            self.bad(CUT);
            return &[];
        }
        let (taken, left) = self.left.split_at(n as usize);
        self.left = left;
        taken
    }

    /// Takes a head: its first byte and its argument.
    fn head(&mut self) -> (u8, u64) {
        let first = match self.take(1) {
            [first] => *first,
            _ => return (0xff, 0),
        };
        let info = first & 0x1f;
        if info < 24 {
            return (first, info.into());
        }
        if info > 27 {
            let indefinite = info == 31 && ![UINT, NEGATIVE, TAG].contains(&(first & 0xe0));
            self.bad(if indefinite { "indefinite length" } else { "reserved item head" });
            return (0xff, 0);
        }
        let argument = self.take(1 << (info - 24));
        let v = argument.iter().fold(0, |v, b| v << 8 | u64::from(*b));
        let least = [24, 0x100, 0x1_0000, 0x1_0000_0000][usize::from(info) - 24];
        if first < SIMPLE && v < least {
            self.bad("number not in its shortest form");
        }
        (first, v)
    }

    fn expect(&mut self, major: u8, wrong: &'static str) -> u64 {
        let (first, v) = self.head();
        if self.problem.is_none() && first & 0xe0 != major {
            self.bad(wrong);
        }
        if self.problem.is_some() {
            return 0;
        }
        v
    }

    fn enter(&mut self) {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            self.bad("nested too deeply");
        }
    }

    /// Takes an unsigned integer.
    pub fn u64(&mut self) -> u64 {
        self.expect(UINT, "unsigned integer expected")
    }

    /// Takes an unsigned integer of 32 bits.
    pub fn u32(&mut self) -> u32 {
        u32::try_from(self.u64()).unwrap_or_else(|_| {
            self.bad("number out of range");
            0
        })
    }

    /// Takes an integer.
    pub fn i64(&mut self) -> i64 {
        let (first, v) = self.head();
        if self.problem.is_some() {
            return 0;
        }
        if first >= BYTES {
            self.bad("integer expected");
            return 0;
        }
        match i64::try_from(v) {
            Ok(v) if first >= NEGATIVE => -1 - v,
            Ok(v) => v,
            Err(_) => {
                self.bad("number out of range");
                0
            }
        }
    }

    /// Takes an integer of 32 bits.
    pub fn i32(&mut self) -> i32 {
        i32::try_from(self.i64()).unwrap_or_else(|_| {
            self.bad("number out of range");
            0
        })
    }

    /// Takes a float of 64 bits.
    pub fn f64(&mut self) -> f64 {
        let (first, v) = self.head();
        if self.problem.is_none() && first != SIMPLE | 27 {
            self.bad("64-bit float expected");
        }
        if self.problem.is_some() {
            return 0.0;
        }
        f64::from_bits(v)
    }

    /// Takes a boolean.
    pub fn bool(&mut self) -> bool {
        let (first, _) = self.head();
        if self.problem.is_none() && first != SIMPLE | 20 && first != SIMPLE | 21 {
            self.bad("true or false expected");
        }
        self.problem.is_none() && first == SIMPLE | 21
    }

    /// Takes text.
    pub fn text(&mut self) -> &'a str {
        let n = self.expect(TEXT, "text expected");
        let bytes = self.take(n);
        std::str::from_utf8(bytes).unwrap_or_else(|_| {
            self.bad("text is not UTF-8");
            ""
        })
    }

    /// Takes a byte string.
    pub fn bytes(&mut self) -> &'a [u8] {
        let n = self.expect(BYTES, "byte string expected");
        self.take(n)
    }

    /// Takes a handle.
    pub fn handle(&mut self) -> Handle {
        let tag = self.expect(TAG, "tag expected");
        if self.problem.is_none() && tag != TAG_HANDLE {
            self.bad("another tag expected");
        }
        self.enter();
        let v = self.u32();
        self.depth -= 1;
        Handle(v)
    }

    /// Takes an error code.
    pub fn code(&mut self) -> Code {
        Code(self.u32())
    }

    /// Takes an array whose items item takes.
    pub fn items(&mut self, mut item: impl FnMut(&mut Reader<'a>)) {
        let n = self.expect(ARRAY, "array expected");
        self.enter();
        if n > self.left.len() as u64 {
            self.bad(CUT);
        } else if n > ARRAY_ITEMS_MAX as u64 {
            self.bad("too many items in an array");
        }
        for _ in 0..n {
            if self.problem.is_some() {
                break;
            }
            item(self);
        }
        self.depth -= 1;
    }

    /// Takes an array, and gives the bytes of its items, which are well-formed, one after the other.
    pub fn raw_items(&mut self) -> &'a [u8] {
        let (mut start, mut first) = (self.left, true);
        self.items(|r| {
            if std::mem::take(&mut first) {
                start = r.left;
            }
            r.skip();
        });
        if first {
            return &[];
        }
        &start[..start.len() - self.left.len()]
    }

    /// Takes a nested message.
    pub fn message<M: Message<'a>>(&mut self) -> M {
        let mut m = M::default();
        m.decode(self);
        m
    }

    /// Begins a map.
    pub fn map(&mut self) -> Map {
        if self.empty {
            return Map { key: 0, left: 0, inside: false, closed: true };
        }
        let left = self.expect(MAP, "map expected");
        self.enter();
        if left > self.left.len() as u64 / 2 {
            self.bad(CUT);
        }
        Map { key: 0, left, inside: false, closed: false }
    }

    /// Takes one scalar of a sequence of them, such as the rows of a D1 result. None at the end, and where something is wrong.
    pub fn scalar(&mut self) -> Option<Scalar<'a>> {
        let first = *self.left.first()?;
        let v = match first & 0xe0 {
            UINT | NEGATIVE => Scalar::Integer(self.i64()),
            TEXT => Scalar::Text(self.text()),
            BYTES => Scalar::Bytes(self.bytes()),
            _ if first == SIMPLE | 27 => Scalar::Real(self.f64()),
            _ if first == SIMPLE | 22 => {
                self.head();
                Scalar::Null
            }
            _ => {
                self.bad("scalar expected");
                Scalar::Null
            }
        };
        match self.problem {
            None => Some(v),
            Some(_) => None,
        }
    }

    /// Steps over one well-formed item of any kind.
    pub fn skip(&mut self) {
        let (first, v) = self.head();
        if self.problem.is_some() {
            return;
        }
        match first & 0xe0 {
            BYTES => {
                self.take(v);
            }
            TEXT if std::str::from_utf8(self.take(v)).is_err() => self.bad("text is not UTF-8"),
            ARRAY => self.skip_items(v, 1),
            MAP => self.skip_items(v, 2),
            TAG => self.skip_items(1, 1),
            SIMPLE if first == SIMPLE | 24 && v < 32 => self.bad("invalid simple value"),
            _ => {}
        }
    }

    fn skip_items(&mut self, n: u64, per: u64) {
        self.enter();
        let items = if n > self.left.len() as u64 / per { 0 } else { n * per };
        if items == 0 && n > 0 {
            self.bad(CUT);
        }
        for _ in 0..items {
            if self.problem.is_some() {
                break;
            }
            self.skip();
        }
        self.depth -= 1;
    }
}

/// One value of a sequence of scalars.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scalar<'a> {
    /// No value.
    Null,
    /// An integer.
    Integer(i64),
    /// A float.
    Real(f64),
    /// Text.
    Text(&'a str),
    /// Bytes.
    Bytes(&'a [u8]),
}

/// The place within one map.
pub struct Map {
    /// The key whose value comes next.
    pub key: u64,
    left: u64,
    inside: bool,
    closed: bool,
}

impl Map {
    /// Goes to the next pair; false at the end.
    pub fn next(&mut self, r: &mut Reader<'_>) -> bool {
        if r.problem.is_none() && self.left > 0 {
            self.left -= 1;
            let key = r.expect(UINT, "unsigned integer expected as key");
            if self.inside && key <= self.key {
                r.bad("keys are not in ascending order");
            }
            self.key = key;
            self.inside = true;
            if r.problem.is_none() {
                return true;
            }
        }
        if !self.closed {
            self.closed = true;
            r.depth -= 1;
        }
        false
    }
}
