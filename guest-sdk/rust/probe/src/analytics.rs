//! The operation on datasets.

use pagesrun::abi::{op, AnalyticsWriteReply, AnalyticsWriteRequest};
use pagesrun::analytics::Point;
use pagesrun::{invoke, Response, Result};

use crate::text::lines;
use crate::{Operation, Probe};

pub const OPERATIONS: &[(&str, Operation)] = &[("analytics.write", write)];

fn write(p: &mut Probe) -> Result<Option<Response>> {
    let body = p.req.bytes()?;
    let (mut indexes, mut blobs, mut doubles) = (Vec::new(), Vec::new(), Vec::new());
    for line in lines(&body) {
        let line = String::from_utf8_lossy(line);
        let (kind, text) = line.split_once(' ').unwrap_or((&line, ""));
        let text = match kind.len() {
            2 => "x".repeat(text.parse().expect("a length")),
            _ => text.to_string(),
        };
        match kind.as_bytes()[0] {
            b'i' => indexes.push(text),
            b'b' => blobs.push(text),
            _ => doubles.push(text.parse().expect("a number")),
        }
    }
    for _ in 0..p.count("n", 1) {
        point(p, &indexes, &blobs, &doubles)?;
    }
    p.text("done\n");
    Ok(None)
}

/// Writes a point as functions do, and one that the SDK cannot express as a message.
fn point(p: &Probe, indexes: &[String], blobs: &[String], doubles: &[f64]) -> Result<()> {
    let blobs: Vec<&str> = blobs.iter().map(String::as_str).collect();
    if indexes.len() > 1 {
        let bytes = |list: &[&str]| -> Vec<Vec<u8>> { list.iter().map(|s| s.as_bytes().to_vec()).collect() };
        let (indexes, blobs) = (bytes(&indexes.iter().map(String::as_str).collect::<Vec<_>>()), bytes(&blobs));
        let q = AnalyticsWriteRequest {
            indexes: indexes.iter().map(Vec::as_slice).collect(),
            blobs: blobs.iter().map(Vec::as_slice).collect(),
            doubles: doubles.to_vec(),
        };
        return invoke(&p.target, op::ANALYTICS_WRITE, &q)?.decode::<AnalyticsWriteReply>().map(|_| ());
    }
    let index = indexes.first().map_or("", String::as_str);
    p.env.analytics(&p.target).write(&Point { index, blobs: &blobs, doubles });
    Ok(())
}
