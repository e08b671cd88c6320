//! Where the allocator for events puts blocks. A list of what the engine would give stands in for its memory.

use std::alloc::Layout;
use std::cell::RefCell;

#[allow(dead_code, missing_docs)]
#[path = "../src/alloc.rs"]
mod alloc;

use alloc::{Room, NOWHERE};

/// A room, and the memory that it has yet to get.
struct Memory {
    room: Room,
    left: RefCell<Vec<(usize, usize)>>,
}

impl Memory {
    fn of(pieces: &[(usize, usize)]) -> Self {
        Memory { room: Room::new(), left: RefCell::new(pieces.iter().rev().copied().collect()) }
    }

    fn grow(&self, bytes: usize) -> Option<(usize, usize)> {
        let piece = self.left.borrow_mut().pop()?;
        assert!(piece.1 - piece.0 >= bytes, "{} bytes were asked for, and {:?} is given", bytes, piece);
        Some(piece)
    }

    fn alloc(&self, size: usize, align: usize) -> usize {
        self.room.alloc(layout(size, align), |bytes| self.grow(bytes))
    }

    fn resize(&self, block: usize, from: usize, to: usize) -> bool {
        self.room.resize(block, layout(from, 1), to, |bytes| self.grow(bytes))
    }
}

fn layout(size: usize, align: usize) -> Layout {
    Layout::from_size_align(size, align).unwrap()
}

#[test]
fn blocks_follow_each_other_where_their_alignment_lets_them() {
    let m = Memory::of(&[(1000, 2000)]);
    assert_eq!([m.alloc(3, 1), m.alloc(8, 8), m.alloc(1, 1), m.alloc(2, 2)], [1000, 1008, 1016, 1018]);
}

#[test]
fn the_last_block_is_used_again_and_others_are_not() {
    let m = Memory::of(&[(1000, 2000)]);
    let (first, last) = (m.alloc(10, 1), m.alloc(10, 1));
    m.room.dealloc(first, layout(10, 1));
    assert_eq!(m.alloc(10, 1), 1020);
    m.room.dealloc(1020, layout(10, 1));
    m.room.dealloc(last, layout(10, 1));
    assert_eq!(m.alloc(10, 1), last);
}

#[test]
fn the_last_block_grows_and_shrinks_in_its_place() {
    let m = Memory::of(&[(1000, 2000), (2000, 3000)]);
    let block = m.alloc(10, 1);
    assert!(m.resize(block, 10, 500));
    assert!(m.resize(block, 500, 1500), "the memory after it is given");
    assert!(m.resize(block, 1500, 20));
    assert_eq!(m.alloc(1, 1), 1020);
}

#[test]
fn a_block_that_is_not_the_last_only_shrinks_in_its_place() {
    let m = Memory::of(&[(1000, 2000)]);
    let block = m.alloc(10, 1);
    assert_eq!(m.alloc(1, 1), 1010);
    assert!(!m.resize(block, 10, 11));
    assert!(m.resize(block, 10, 5));
    assert_eq!(m.alloc(1, 1), 1011);
}

#[test]
fn a_block_does_not_grow_into_memory_that_is_not_next_to_it() {
    let m = Memory::of(&[(1000, 2000), (5000, 6000)]);
    let block = m.alloc(900, 1);
    assert!(!m.resize(block, 900, 1500));
    assert_eq!(m.alloc(700, 1), 5000);
}

#[test]
fn memory_next_to_what_is_left_is_one_with_it() {
    let m = Memory::of(&[(1000, 2000), (2000, 4000)]);
    assert_eq!([m.alloc(600, 1), m.alloc(600, 1), m.alloc(1900, 1)], [1000, 1600, NOWHERE]);
}

#[test]
fn without_memory_there_are_no_blocks_and_those_there_are_stay() {
    let m = Memory::of(&[(1000, 2001)]);
    assert_eq!([m.alloc(1000, 1), m.alloc(1, 1)], [1000, 2000]);
    assert_eq!([m.alloc(1, 1), m.alloc(usize::MAX / 4, 8)], [NOWHERE, NOWHERE]);
    assert!(!m.resize(2000, 1, 2));
    m.room.dealloc(2000, layout(1, 1));
    assert_eq!(m.alloc(1, 1), 2000);
}
