//! Every vector of the ABI decodes and encodes to the same bytes here as in every other SDK.

use pagesrun::cbor::{decode, encode, Message};

mod roundtrip_gen;

/// Decodes and encodes again.
fn again<'a, M: Message<'a>>(data: &'a [u8]) -> Result<Vec<u8>, String> {
    decode::<M>(data).map(|m| encode(&m)).map_err(String::from)
}

/// The value of a key of a vector: texts without escapes, which is all that is asked for.
fn value<'l>(line: &'l str, key: &str) -> Option<&'l str> {
    let start = line.find(&format!("\"{}\":\"", key))? + key.len() + 4;
    Some(&line[start..start + line[start..].find('"')?])
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap()).collect()
}

fn each_vector(mut check: impl FnMut(&str, &[u8], Option<&str>, Option<&str>)) {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../../abi/vectors");
    let mut count = 0;
    for entry in std::fs::read_dir(dir).unwrap() {
        for line in std::fs::read_to_string(entry.unwrap().path()).unwrap().lines() {
            let message = match value(line, "message") {
                Some(message) => message,
                None => continue,
            };
            count += 1;
            let head = &line[..line.find("\"value\":").unwrap_or(line.len())];
            check(message, &bytes(value(head, "hex").unwrap()), value(head, "canonical"), value(head, "reason"));
        }
    }
    assert!(count > 1000, "only {} vectors were found", count);
}

#[test]
fn every_vector_encodes_to_the_bytes_it_came_from() {
    each_vector(|message, data, canonical, reason| {
        if reason.is_some() {
            return;
        }
        let want = canonical.map_or_else(|| data.to_vec(), bytes);
        assert_eq!(roundtrip_gen::round_trip(message, data), Ok(want), "{} {:x?}", message, data);
    });
}

#[test]
fn every_rejected_vector_is_rejected_for_its_reason() {
    each_vector(|message, data, _, reason| {
        if let Some(reason) = reason {
            let got = roundtrip_gen::round_trip(message, data).expect_err(message);
            assert!(reason.ends_with(&got), "{} {:x?}: {}, want {}", message, data, got, reason);
        }
    });
}

#[test]
fn every_truncation_is_rejected() {
    each_vector(|message, data, _, reason| {
        if reason.is_none() {
            for n in 1..data.len().min(400) {
                assert!(roundtrip_gen::round_trip(message, &data[..n]).is_err(), "{} {:x?}", message, &data[..n]);
            }
        }
    });
}
