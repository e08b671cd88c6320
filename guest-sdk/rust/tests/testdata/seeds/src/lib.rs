//! Draws from what there is of randomness after `warm` has drawn from all of it, and answers with what came in hexadecimal digits.

use std::cell::RefCell;
use std::collections::hash_map::RandomState;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, Hasher};

use pagesrun::{random, Context, Env, Request, Response, Result};

thread_local! {
    static WARMED: RefCell<HashMap<String, u64>> = RefCell::new(HashMap::new());
}

fn hash() -> u64 {
    RandomState::new().build_hasher().finish()
}

fn warm() {
    WARMED.with(|w| w.borrow_mut().insert("drawn".to_string(), hash() ^ random::u64()));
}

/// The order of the numbers below 16 in a new HashSet, one digit each.
fn order() -> u64 {
    let set: HashSet<u64> = (0..16).collect();
    set.into_iter().fold(0, |order, n| order << 4 | n)
}

#[cfg(target_os = "wasi")]
fn system() -> u64 {
    extern "C" {
        fn getentropy(buf: *mut u64, len: usize) -> i32;
    }
    let mut drawn = 0;
    assert_eq!(unsafe { getentropy(&mut drawn, 8) }, 0);
    drawn
}

#[cfg(not(target_os = "wasi"))]
fn system() -> u64 {
    random::u64()
}

fn draw(req: Request, _: &Env, _: &Context) -> Result<Response> {
    let drawn = match req.path() {
        "/hash" => hash(),
        "/order" => order(),
        "/system" => system(),
        "/warm" => WARMED.with(|w| w.borrow()["drawn"]),
        _ => random::u64(),
    };
    Ok(Response::text(format!("{:016x}", drawn)))
}

pagesrun::handlers! { fetch: draw, warm: warm }
