//! How answers are written.

use crate::{code, Probe};
use pagesrun::Error;

/// The longest value written in full, in bytes.
const SHOWN_MAX: usize = 1024;

/// Bytes as they are written: every one but printable ASCII as %XX, a long run as its length and hash.
pub fn shown(bytes: &[u8]) -> String {
    if bytes.len() > SHOWN_MAX {
        let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325u64, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x100_0000_01b3));
        return format!("#{}:{:x}", bytes.len(), hash);
    }
    let mut out = String::with_capacity(bytes.len());
    for b in bytes {
        match b {
            b'!'..=b'~' if *b != b'%' => out.push(char::from(*b)),
            _ => out.push_str(&format!("%{:02x}", b)),
        }
    }
    out
}

/// Reads bytes as [`shown`] writes them.
pub fn unescape(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, tail)) = rest.split_first() {
        if first == b'%' {
            let digits = std::str::from_utf8(&tail[..2]).expect("two digits");
            out.push(u8::from_str_radix(digits, 16).expect("two digits"));
            rest = &tail[2..];
        } else {
            out.push(first);
            rest = tail;
        }
    }
    out
}

/// The lines of a body, without their ends.
pub fn lines(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    let body = body.strip_suffix(b"\n").unwrap_or(body);
    let count = if body.is_empty() { 0 } else { usize::MAX };
    body.split(|b| *b == b'\n').take(count)
}

/// Yes or no.
pub fn yes(v: bool) -> &'static str {
    if v {
        "yes"
    } else {
        "no"
    }
}

impl Probe<'_> {
    /// Writes text as it is.
    pub fn text(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    /// Writes bytes.
    pub fn show(&mut self, bytes: &[u8]) {
        self.text(&shown(bytes));
    }

    /// Writes bytes and the end of the line.
    pub fn line(&mut self, bytes: &[u8]) {
        self.show(bytes);
        self.text("\n");
    }

    /// Writes the answer to a read.
    pub fn found(&mut self, value: Option<&[u8]>, metadata: Option<&str>) {
        match value {
            None => self.text("missing\n"),
            Some(value) => {
                self.text("value=");
                self.show(value);
                self.metadata(metadata);
            }
        }
    }

    /// Ends a line with metadata.
    pub fn metadata(&mut self, metadata: Option<&str>) {
        let shown = metadata.map_or_else(|| "-".to_string(), |m| shown(m.as_bytes()));
        self.text(&format!(" metadata={}\n", shown));
    }

    /// Writes a failure: its code, status and text.
    pub fn failed(&mut self, e: &Error) {
        self.text(&format!("error {} {} {}\n", code(e), e.status, e.message));
    }
}
