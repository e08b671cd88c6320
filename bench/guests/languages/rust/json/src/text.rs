//! Texts in quotes.

const BLOCK_BYTES: usize = 8;

/// Every byte of a block is one.
const ONES: u64 = 0x0101_0101_0101_0101;

/// The highest bit of every byte of a block.
const TOPS: u64 = 0x8080_8080_8080_8080;

/// Appends a text in quotes, escaped where JSON demands it.
#[inline]
pub(crate) fn write(out: &mut Vec<u8>, text: &str) {
    let text = text.as_bytes();
    out.reserve(text.len() + 2);
    out.push(b'"');
    let plain = copy_plain(out, text);
    if plain < text.len() {
        escape(out, &text[plain..]);
    }
    out.push(b'"');
}

/// Appends the text up to the first byte that must be escaped, and says how long that was. The room for the whole text is there already. It stores block
/// after block itself, because most texts are too short for a copy by the engine to be worth its call.
#[inline]
fn copy_plain(out: &mut Vec<u8>, text: &[u8]) -> usize {
    assert!(out.capacity() - out.len() >= text.len());
    let start = out.len();
    // SAFETY: the room is there, and copy_plain_to has written as many bytes of it as it says.
    unsafe {
        let n = copy_plain_to(out.as_mut_ptr().add(start), text);
        out.set_len(start + n);
        n
    }
}

/// Copies the text up to the first byte that must be escaped, and perhaps more of it, and says how far that byte is. The last block overlaps the one before.
///
/// # Safety
///
/// There must be room for the whole text.
#[inline]
unsafe fn copy_plain_to(to: *mut u8, text: &[u8]) -> usize {
    let mut n = 0;
    if text.len() < BLOCK_BYTES {
        while n < text.len() && is_plain(text[n]) {
            *to.add(n) = text[n];
            n += 1;
        }
        return n;
    }
    let last = text.len() - BLOCK_BYTES;
    loop {
        let block = (text.as_ptr().add(n) as *const u64).read_unaligned();
        (to.add(n) as *mut u64).write_unaligned(block);
        let special = special(u64::from_le(block));
        if special != 0 {
            return n + special.trailing_zeros() as usize / 8;
        }
        if n == last {
            return text.len();
        }
        n = last.min(n + BLOCK_BYTES);
    }
}

/// Whether JSON takes the byte as it is.
#[inline]
fn is_plain(b: u8) -> bool {
    b >= 0x20 && b != b'"' && b != b'\\'
}

/// Has the highest bit of the lowest byte set that must be escaped, and of no byte below it. Those above mean nothing, for a subtraction borrows from them.
#[inline]
fn special(block: u64) -> u64 {
    let control = block.wrapping_sub(ONES * 0x20);
    let quote = (block ^ (ONES * b'"' as u64)).wrapping_sub(ONES);
    let backslash = (block ^ (ONES * b'\\' as u64)).wrapping_sub(ONES);
    (control | quote | backslash) & !block & TOPS
}

/// Appends a text that begins with a byte to escape.
#[cold]
#[inline(never)]
fn escape(out: &mut Vec<u8>, mut text: &[u8]) {
    while let Some((&b, rest)) = text.split_first() {
        escape_byte(out, b);
        out.reserve(rest.len() + 1);
        text = &rest[copy_plain(out, rest)..];
    }
}

fn escape_byte(out: &mut Vec<u8>, b: u8) {
    let short = match b {
        b'"' | b'\\' => b,
        0x08 => b'b',
        b'\t' => b't',
        b'\n' => b'n',
        0x0c => b'f',
        b'\r' => b'r',
        _ => {
            let hex = b"0123456789abcdef";
            return out.extend_from_slice(&[b'\\', b'u', b'0', b'0', hex[b as usize >> 4], hex[b as usize & 15]]);
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}
