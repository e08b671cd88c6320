//! Randomness. An instance begins every event with the memory it had after `warm`, and so with the same state of whatever generator lies in it. What the standard
//! library has of that kind, the keys of [`std::collections::HashMap`], gets fresh bits from the host at the beginning of each event. A generator of your own
//! or of another crate is seeded within the event, from [`fill`], and never in `warm`.

use std::cell::Cell;

use crate::host;

/// Fills buf with random bytes from the host, good for secrets. Before the first event, in `warm`, they are the same at every start.
///
/// On `wasm32-unknown-unknown` this is what a custom backend of the crate `getrandom` calls.
pub fn fill(buf: &mut [u8]) {
    host::random(buf)
}

/// A random number of 64 bits.
pub fn u64() -> u64 {
    let mut bytes = [0; 8];
    fill(&mut bytes);
    u64::from_ne_bytes(bytes)
}

thread_local! {
    /// Where the standard library keeps the first of the two keys of the next HashMap; 0 where that is not known.
    static HASH_KEY: Cell<usize> = const { Cell::new(0) };
}

/// Gives the keys of HashMaps a new start.
pub(crate) fn reseed() {
    let place = HASH_KEY.with(Cell::get);
    if place != 0 {
        // SAFETY: find_hash_keys has proved that a u64 lies there, of which every value is good.
        unsafe { (place as *mut u64).write_volatile(u64()) };
    }
}

#[cfg(not(target_family = "wasm"))]
pub(crate) fn find_hash_keys() {}

#[cfg(target_family = "wasm")]
pub(crate) fn find_hash_keys() {
    HASH_KEY.with(|h| h.set(hash_key::find().unwrap_or(0)));
}

/// Finds the place of the key. The standard library keeps two numbers; a RandomState is a copy of them, and the first grows by one with each. So it is a number in
/// the static data that is one more than one of a RandomState's. Nothing is taken for granted: a place counts when what is put there is what the next
/// RandomState has.
#[cfg(target_family = "wasm")]
mod hash_key {
    use std::collections::hash_map::RandomState;

    pub fn find() -> Option<usize> {
        let mut drawn = keys();
        static_data().find(|place| {
            let next = unsafe { read(*place) };
            if !drawn.iter().any(|k| next == k.wrapping_add(1)) {
                return false;
            }
            let found = is_it(*place);
            drawn = keys(); // the proof has drawn too
            found
        })
    }

    /// Whether what is put at a place of the static data is what the next RandomState has.
    fn is_it(place: usize) -> bool {
        const PROOF: u64 = 0x9e37_79b9_7f4a_7c15;
        let at = place as *mut u64;
        unsafe {
            let before = at.read_volatile();
            at.write_volatile(PROOF);
            let proven = keys().contains(&PROOF) && at.read_volatile() == PROOF.wrapping_add(1);
            at.write_volatile(before);
            proven
        }
    }

    /// The keys of a new RandomState. Its fields are private, but there is nothing else in it; where that changes, the proof fails.
    ///
    /// The compiler takes it that nobody writes to the standard library's variable but the standard library. Not being inlined, this reads it each time.
    #[inline(never)]
    fn keys() -> [u64; 2] {
        const SAME: bool = std::mem::size_of::<RandomState>() == std::mem::size_of::<[u64; 2]>();
        match SAME {
            true => unsafe { std::mem::transmute_copy(&RandomState::new()) },
            false => [0; 2],
        }
    }

    /// The places of the numbers between the stack and the heap.
    fn static_data() -> impl Iterator<Item = usize> {
        extern "C" {
            static __data_end: u8;
            static __global_base: u8;
        }
        let (start, end) = unsafe { (&__global_base as *const u8 as usize, &__data_end as *const u8 as usize) };
        (((start + 7) & !7)..end.saturating_sub(7)).step_by(8)
    }

    unsafe fn read(place: usize) -> u64 {
        (place as *const u64).read_volatile()
    }
}
