//! Whatever is written is what serde_json writes.

use std::collections::BTreeMap;

use serde::ser::{Serialize, SerializeStructVariant, SerializeTupleVariant, Serializer};

fn same<T: Serialize + ?Sized>(value: &T) {
    let want = serde_json::to_string(value).unwrap();
    assert_eq!(String::from_utf8(json::to_vec(value).unwrap()).unwrap(), want);
}

#[test]
fn every_character_at_every_place_of_a_block() {
    for c in (0..0x180).filter_map(char::from_u32).chain(['\u{2028}', '\u{fffd}', '\u{1f600}']) {
        for before in 0..18 {
            for after in [0, 1, 7, 8, 9, 16] {
                same(&format!("{}{}{}", "x".repeat(before), c, "ÿ".repeat(after)));
            }
        }
        same(&c);
    }
}

#[test]
fn two_escapes_with_any_distance() {
    for between in 0..20 {
        for (a, b) in [("\"", "\\"), ("\n", "\u{1f}"), ("\0", "!"), ("\u{7f}", "\"")] {
            same(&format!("{}{}{}{}", "é".repeat(3), a, "#".repeat(between), b));
        }
    }
}

#[test]
fn numbers_and_constants() {
    same(&(i64::MIN, i64::MAX, u64::MAX, i128::MIN, u128::MAX, 0u8, -1i8));
    same(&(1.5f32, -0.0f64, 1e300, f64::NAN, f64::INFINITY, true, false, ()));
    same(&(None::<u8>, Some("x"), Some(Some(7))));
}

#[test]
fn arrays_and_objects_in_each_other() {
    let empty: [Vec<u8>; 0] = [];
    same(&empty);
    same(&vec![vec!["a", "\t"], vec![], vec!["b"]]);
    same(&BTreeMap::from([("", vec![1]), ("a\"b", vec![]), ("z", vec![2, 3])]));
    same(&serde_json::json!({"a": [1, {"b": null, "c": [true, "\u{8}\u{c}\r"]}], "d": {}, "e": 1.25}));
    same(&vec!["long ".repeat(1000), "\"".repeat(3000)]);
}

struct Variant(u8);

impl Serialize for Variant {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            0 => s.serialize_unit_variant("Variant", 0, "zero"),
            1 => s.serialize_newtype_variant("Variant", 1, "one", &["a"]),
            2 => {
                let mut t = s.serialize_tuple_variant("Variant", 2, "two", 2)?;
                t.serialize_field(&1)?;
                t.serialize_field("x")?;
                t.end()
            }
            3 => {
                let mut t = s.serialize_struct_variant("Variant", 3, "three", 2)?;
                t.serialize_field("a", &Variant(1))?;
                t.serialize_field("b", &())?;
                t.end()
            }
            _ => s.serialize_bytes(&[1, 2]),
        }
    }
}

#[test]
fn variants_and_bytes() {
    same(&[0, 1, 2, 3, 4].map(Variant));
}

#[test]
fn a_key_that_is_no_text_is_an_error() {
    assert!(json::to_vec(&BTreeMap::from([(1, 2)])).is_err());
}
