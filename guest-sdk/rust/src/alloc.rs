use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;

/// An allocator whose memory lives as long as the event: it hands out one piece of memory after the other and takes back only the last, so that it costs a
/// few instructions where the standard library's looks for a place that fits.
///
/// ```
/// #[global_allocator]
/// static ALLOCATOR: pagesrun::EventAllocator = pagesrun::EventAllocator::new();
/// # fn main() {}
/// ```
///
/// It is right where every event begins with the memory as it was after `warm`, which is so unless the configuration says `isolation = "instance"`, and where
/// an event allocates little in all: what it frees is there again only if nothing was allocated after it, or in the next event. A last block grows and
/// shrinks in its place, so that writing to one `Vec` or `String` takes no more than its length. When the memory that the function may have is used up, the
/// event fails as with any other allocator.
///
/// It has no locks; pagesrun runs no threads in a function. Outside of WebAssembly, as in `cargo test`, it is the system's allocator.
pub struct EventAllocator {
    #[cfg_attr(not(target_family = "wasm"), allow(dead_code))]
    room: Room,
}

impl EventAllocator {
    /// An allocator that has handed out nothing.
    #[allow(clippy::new_without_default)] // a static needs a constant
    pub const fn new() -> Self {
        EventAllocator { room: Room::new() }
    }
}

// SAFETY: on WebAssembly without threads nobody else is there; elsewhere the room is not used.
#[cfg(not(target_feature = "atomics"))]
unsafe impl Sync for EventAllocator {}

// SAFETY: blocks do not overlap, see Room; nothing here panics.
#[cfg(target_family = "wasm")]
unsafe impl GlobalAlloc for EventAllocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.room.alloc(layout, grow) as *mut u8
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        self.room.dealloc(block as usize, layout)
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        if self.room.resize(block as usize, layout, bytes, grow) {
            return block;
        }
        let moved = self.alloc(Layout::from_size_align_unchecked(bytes, layout.align()));
        if !moved.is_null() {
            std::ptr::copy_nonoverlapping(block, moved, layout.size());
        }
        moved
    }
}

/// The size of WebAssembly's pages, in bytes.
#[cfg(target_family = "wasm")]
const PAGE_BYTES: usize = 64 << 10;

/// Asks the engine for so many bytes, and gives where they begin and end.
#[cfg(target_family = "wasm")]
fn grow(bytes: usize) -> Option<(usize, usize)> {
    let pages = bytes / PAGE_BYTES + 1;
    match core::arch::wasm32::memory_grow::<0>(pages) {
        usize::MAX => None,
        old => Some((old * PAGE_BYTES, (old + pages) * PAGE_BYTES)),
    }
}

// SAFETY: it is the system's.
#[cfg(not(target_family = "wasm"))]
unsafe impl GlobalAlloc for EventAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        std::alloc::System.alloc(layout)
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        std::alloc::System.dealloc(block, layout)
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        std::alloc::System.realloc(block, layout, bytes)
    }
}

/// Memory of which the part before `next` is handed out. Its addresses are numbers: it never looks at what is there.
pub(crate) struct Room {
    next: Cell<usize>,
    end: Cell<usize>,
}

/// No address of a block.
pub(crate) const NOWHERE: usize = 0;

#[cfg_attr(not(target_family = "wasm"), allow(dead_code))]
impl Room {
    pub(crate) const fn new() -> Self {
        Room { next: Cell::new(0), end: Cell::new(0) }
    }

    /// Gives where a block of the layout is, or NOWHERE if `grow` gives no memory. `grow` gives the bounds of at least as many bytes as it is asked for.
    #[inline]
    pub(crate) fn alloc(&self, layout: Layout, grow: impl FnOnce(usize) -> Option<(usize, usize)>) -> usize {
        let start = aligned(self.next.get(), layout.align());
        // An address near the end of all addresses wraps to one before next.
        if start >= self.next.get() && start <= self.end.get() && layout.size() <= self.end.get() - start && start != NOWHERE {
            self.next.set(start + layout.size());
            return start;
        }
        self.alloc_in_more(layout, grow)
    }

    #[cold]
    fn alloc_in_more(&self, layout: Layout, grow: impl FnOnce(usize) -> Option<(usize, usize)>) -> usize {
        let bytes = match layout.size().checked_add(layout.align()) {
            Some(bytes) => bytes,
            None => return NOWHERE,
        };
        if !self.extend(bytes, grow) {
            return NOWHERE;
        }
        let start = aligned(self.next.get(), layout.align());
        self.next.set(start + layout.size());
        start
    }

    /// Takes more memory, after what is there or instead of what is left of it.
    fn extend(&self, bytes: usize, grow: impl FnOnce(usize) -> Option<(usize, usize)>) -> bool {
        match grow(bytes) {
            Some((start, end)) => {
                if start != self.end.get() {
                    self.next.set(start);
                }
                self.end.set(end);
                true
            }
            None => false,
        }
    }

    /// Takes a block back if it is the last.
    #[inline]
    pub(crate) fn dealloc(&self, block: usize, layout: Layout) {
        if block + layout.size() == self.next.get() {
            self.next.set(block);
        }
    }

    /// Makes a block larger or smaller where it is, if that can be.
    #[inline]
    pub(crate) fn resize(&self, block: usize, layout: Layout, bytes: usize, grow: impl FnOnce(usize) -> Option<(usize, usize)>) -> bool {
        if block + layout.size() != self.next.get() {
            return bytes <= layout.size();
        }
        if bytes > self.end.get() - block {
            let needed = bytes - (self.end.get() - block);
            let last = self.next.get();
            if !self.extend(needed, grow) || self.next.get() != last {
                return false;
            }
        }
        self.next.set(block + bytes);
        true
    }
}

/// The first address from at on that is a multiple of align, a power of two.
#[inline]
fn aligned(at: usize, align: usize) -> usize {
    at.wrapping_add(align - 1) & !(align - 1)
}
