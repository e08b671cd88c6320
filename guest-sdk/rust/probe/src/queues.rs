//! The operations on queues.

use pagesrun::queues::{Metrics, Send};
use pagesrun::{Response, Result};

use crate::text::lines;
use crate::{Operation, Probe};

pub const OPERATIONS: &[(&str, Operation)] = &[("queues.send", send), ("queues.send_batch", send_batch), ("queues.metrics", metrics)];

fn send(p: &mut Probe) -> Result<Option<Response>> {
    let content_type = p.param("type");
    let body = match p.param("source").as_str() {
        "memory" => vec![b'x'; p.count("n", 0)],
        _ => p.req.bytes()?,
    };
    let message = Send { body: &body, content_type: &content_type, delay_s: p.number("delay") };
    let m = p.env.queue(&p.target).send(message)?;
    p.metrics(&m);
    Ok(None)
}

fn send_batch(p: &mut Probe) -> Result<Option<Response>> {
    let body = p.req.bytes()?;
    let letters: Vec<(String, Option<i64>, Vec<u8>)> = lines(&body).map(letter).collect();
    let messages: Vec<Send> = letters.iter().map(|(kind, delay, body)| Send { body, content_type: kind, delay_s: *delay }).collect();
    let m = p.env.queue(&p.target).send_batch(&messages, p.number("delay"))?;
    p.metrics(&m);
    Ok(None)
}

/// Content type, delay and body of a line.
fn letter(line: &[u8]) -> (String, Option<i64>, Vec<u8>) {
    let mut fields = line.splitn(3, |b| *b == b' ');
    let mut word = || fields.next().map(|w| String::from_utf8_lossy(w).into_owned()).filter(|w| w != "-");
    let (kind, delay) = (word().unwrap_or_default(), word().and_then(|w| w.parse().ok()));
    let text = fields.next().unwrap_or_default();
    let body = match text.strip_prefix(b"#") {
        Some(digits) => vec![b'x'; String::from_utf8_lossy(digits).parse().expect("a length")],
        None => text.to_vec(),
    };
    (kind, delay, body)
}

fn metrics(p: &mut Probe) -> Result<Option<Response>> {
    let m = p.env.queue(&p.target).metrics()?;
    p.metrics(&m);
    Ok(None)
}

impl Probe<'_> {
    fn metrics(&mut self, m: &Metrics) {
        let oldest = m.oldest_message_timestamp_ms.map_or("-", |_| "yes");
        self.text(&format!("backlog={} bytes={} oldest={}\n", m.backlog_count, m.backlog_bytes, oldest));
    }
}
