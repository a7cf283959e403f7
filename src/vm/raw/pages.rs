//! Where the pages of Luau's heaps lie: the process's allocator, for two sizes of blocks. Everything else is another
//! allocator's.
//!
//! Luau keeps small blocks in pages, one for each size of block and each kind, and fills a page from its end; in front
//! there is a short header. Most VMs need only a little of most of their pages. Where the system's allocator puts them,
//! that little touches two pages of memory, and of a page that is given back the system learns nothing. Here the header
//! of one page shares a page of memory with the end of the page before it:
//!
//! ```text
//!           ┌ page of memory ┐
//! … header │ body ……………… end  header │ body ……………… end  header │ …
//! ```
//!
//! So a page of Luau's in which little is used takes one page of memory, and a free one takes none: all but the last few
//! are given back to the system.

use std::alloc::{GlobalAlloc, Layout};
use std::ffi::c_void;
use std::ptr;
use std::sync::{Mutex, PoisonError};

/// A page of memory. Where the system's are larger, nothing is given back.
const MEMORY_PAGE: usize = 4 << 10;

/// What Luau's header of a page takes at most (`lua_Page` in lmem.cpp).
const HEADER: usize = 64;

/// What is asked of the system at once, at an address that is a multiple of it.
const REGION: usize = 4 << 20;

/// How many free pages of a size keep their memory: a heap that is collected soon grows again.
const MOST_KEPT: usize = 64;

/// The sizes of Luau's pages (`kSmallPageSize` and `kLargePageSize` in lmem.cpp), and the room for one.
const SMALL: usize = SMALL_ROOM - 24;
const SMALL_ROOM: usize = 16 << 10;
const LARGE: usize = LARGE_ROOM - 24;
const LARGE_ROOM: usize = 32 << 10;

static SMALL_PAGES: Mutex<Pages> = Mutex::new(Pages::new(SMALL_ROOM));
static LARGE_PAGES: Mutex<Pages> = Mutex::new(Pages::new(LARGE_ROOM));

/// The process's allocator: for all but Luau's pages the one that it is made over.
#[derive(Clone, Copy, Debug)]
pub struct PageAllocator<A> {
    others: A,
}

impl<A> PageAllocator<A> {
    /// Everything else is `others`'.
    pub const fn over(others: A) -> Self {
        Self { others }
    }
}

/// The pages that a block belongs to, if it is one.
fn pages_for(size: usize, alignment: usize) -> Option<&'static Mutex<Pages>> {
    match size {
        SMALL if alignment <= HEADER => Some(&SMALL_PAGES),
        LARGE if alignment <= HEADER => Some(&LARGE_PAGES),
        _ => None,
    }
}

fn with<R>(pages: &Mutex<Pages>, run: impl FnOnce(&mut Pages) -> R) -> R {
    run(&mut pages.lock().unwrap_or_else(PoisonError::into_inner))
}

// SAFETY: a block of one of the two sizes is a room of a region, of which each is given out once until it comes back;
// all others are the other allocator's. Size and alignment say which it is, also when it comes back.
unsafe impl<A: GlobalAlloc> GlobalAlloc for PageAllocator<A> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match pages_for(layout.size(), layout.align()) {
            Some(pages) => with(pages, Pages::take),
            // SAFETY: the caller's layout.
            None => unsafe { self.others.alloc(layout) },
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        match pages_for(layout.size(), layout.align()) {
            // SAFETY: a block of this layout comes from `take`.
            Some(pages) => with(pages, |pages| unsafe { pages.give_back(block) }),
            // SAFETY: and one of another from the other allocator.
            None => unsafe { self.others.dealloc(block, layout) },
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        match pages_for(layout.size(), layout.align()) {
            Some(pages) => {
                let block = with(pages, Pages::take);
                if !block.is_null() {
                    // SAFETY: a block has the size of its layout.
                    unsafe { block.write_bytes(0, layout.size()) };
                }
                block
            }
            // SAFETY: the caller's layout.
            None => unsafe { self.others.alloc_zeroed(layout) },
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let is_page = |size| pages_for(size, layout.align()).is_some();
        if !is_page(layout.size()) && !is_page(size) {
            // SAFETY: the caller's block, which is the other allocator's and stays so.
            return unsafe { self.others.realloc(block, layout, size) };
        }
        // SAFETY: as `GlobalAlloc::realloc` does it by itself: the caller vouches for the size, and the blocks are apart.
        unsafe {
            let new = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !new.is_null() {
                ptr::copy_nonoverlapping(block, new, size.min(layout.size()));
                self.dealloc(block, layout);
            }
            new
        }
    }
}

/// A set of the rooms in a region.
type Rooms = [u64; 4];

/// What stands at the beginning of a region, in the page of memory at whose end the first header is.
struct Region {
    /// Another region with free rooms.
    next: *mut Region,
    /// The rooms that are free.
    free: Rooms,
    /// The free ones that keep their memory.
    kept: Rooms,
}

const _: () = assert!(size_of::<Region>() + HEADER <= MEMORY_PAGE);

/// The rooms for pages of one size.
struct Pages {
    room: usize,
    /// Regions with free rooms.
    open: *mut Region,
    /// How many free rooms keep their memory.
    kept: usize,
    gives_back: Option<bool>,
}

// SAFETY: the regions belong to nobody else, and are reached through this alone.
unsafe impl Send for Pages {}

impl Pages {
    const fn new(room: usize) -> Self {
        Self {
            room,
            open: ptr::null_mut(),
            kept: 0,
            gives_back: None,
        }
    }

    fn rooms(&self) -> usize {
        (REGION - MEMORY_PAGE) / self.room
    }

    /// A block, or null if the system has no memory.
    fn take(&mut self) -> *mut u8 {
        if self.open.is_null() {
            self.open = new_region(self.rooms());
        }
        // SAFETY: a region lives as long as the process, and only whoever holds the lock has a reference to it.
        let Some(region) = (unsafe { self.open.as_mut() }) else {
            return ptr::null_mut();
        };
        let Some(number) = first(&region.kept).or_else(|| first(&region.free)) else {
            return ptr::null_mut();
        };
        if remove(&mut region.kept, number) {
            self.kept -= 1;
        }
        remove(&mut region.free, number);
        let base = self.open;
        if first(&region.free).is_none() {
            self.open = region.next;
        }
        let start = MEMORY_PAGE - HEADER + number * self.room;
        base.cast::<u8>().wrapping_add(start)
    }

    /// # Safety
    /// `block` comes from `take`, and nobody uses it any more.
    unsafe fn give_back(&mut self, block: *mut u8) {
        let offset = block.addr() % REGION;
        let base: *mut Region = block.wrapping_sub(offset).cast();
        // SAFETY: a region begins at the multiple of its size in front of each of its rooms, and lives as long as the
        // process; only whoever holds the lock has a reference to it.
        let Some(region) = (unsafe { base.as_mut() }) else {
            return;
        };
        let number = (offset + HEADER - MEMORY_PAGE) / self.room;
        if first(&region.free).is_none() {
            region.next = self.open;
            self.open = base;
        }
        insert(&mut region.free, number);
        if self.kept < MOST_KEPT {
            self.kept += 1;
            insert(&mut region.kept, number);
        } else if self.gives_back() {
            let (from, to) = self.unused(region, number);
            // SAFETY: whole pages of memory of the region in which there are only free rooms, or headers of such.
            unsafe {
                libc::madvise(
                    base.cast::<u8>().wrapping_add(from).cast(),
                    to - from,
                    libc::MADV_DONTNEED,
                )
            };
        }
    }

    /// From where to where nothing is used around a free room, in whole pages of memory.
    fn unused(&self, region: &Region, number: usize) -> (usize, usize) {
        let body = MEMORY_PAGE + number * self.room;
        let is_free = |number| contains(&region.free, number) && !contains(&region.kept, number);
        // The end of the room before it shares a page of memory with its header, and its own end with the next header.
        let is_free_before = number > 0 && is_free(number - 1);
        let is_free_after = number + 1 >= self.rooms() || contains(&region.free, number + 1);
        let from = if is_free_before {
            body - MEMORY_PAGE
        } else {
            body
        };
        let to = body + self.room;
        (from, if is_free_after { to } else { to - MEMORY_PAGE })
    }

    /// Whether the system's pages of memory are as large as is assumed here.
    fn gives_back(&mut self) -> bool {
        *self.gives_back.get_or_insert_with(|| {
            // SAFETY: asks for a number.
            let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
            usize::try_from(size) == Ok(MEMORY_PAGE)
        })
    }
}

/// A region with so many rooms, all free; null if the system has no memory.
fn new_region(rooms: usize) -> *mut Region {
    // SAFETY: asks for new memory, of which the part between two multiples of `REGION` is kept and the rest returned.
    // It is never given back as a whole, and all zeros are an empty region.
    unsafe {
        let all = libc::mmap(
            ptr::null_mut(),
            2 * REGION,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
            -1,
            0,
        );
        if all == libc::MAP_FAILED {
            return ptr::null_mut();
        }
        let before = all.addr().next_multiple_of(REGION) - all.addr();
        let base = all.wrapping_byte_add(before);
        if before > 0 {
            libc::munmap(all, before);
        }
        libc::munmap(base.wrapping_byte_add(REGION), REGION - before);
        keep_small(base);
        let region: *mut Region = base.cast();
        for number in 0..rooms {
            insert(&mut (*region).free, number);
        }
        region
    }
}

/// Has the system not fill the region with pages of 2 MB, which would make it resident as a whole.
///
/// # Safety
/// `base` is a region.
unsafe fn keep_small(base: *mut c_void) {
    #[cfg(target_os = "linux")]
    // SAFETY: changes nothing that is in the region.
    unsafe {
        libc::madvise(base, REGION, libc::MADV_NOHUGEPAGE);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = base;
}

fn first(rooms: &Rooms) -> Option<usize> {
    let at = rooms.iter().position(|word| *word != 0)?;
    let bit = rooms.get(at)?.trailing_zeros();
    Some(at * 64 + usize::try_from(bit).ok()?)
}

fn contains(rooms: &Rooms, number: usize) -> bool {
    rooms
        .get(number / 64)
        .is_some_and(|word| word & (1 << (number % 64)) != 0)
}

fn insert(rooms: &mut Rooms, number: usize) {
    if let Some(word) = rooms.get_mut(number / 64) {
        *word |= 1 << (number % 64);
    }
}

/// Returns whether it was there.
fn remove(rooms: &mut Rooms, number: usize) -> bool {
    let was_there = contains(rooms, number);
    if let Some(word) = rooms.get_mut(number / 64) {
        *word &= !(1 << (number % 64));
    }
    was_there
}

#[cfg(test)]
mod tests {
    use super::*;
    use mlua::Lua;
    use std::alloc::System;
    use std::collections::BTreeSet;

    fn filled(pages: &mut Pages, with: u8) -> *mut u8 {
        let block = pages.take();
        unsafe { block.write_bytes(with, pages.room - 24) };
        block
    }

    fn is_filled(block: *mut u8, size: usize, with: u8) -> bool {
        (0..size).all(|at| unsafe { block.add(at).read() } == with)
    }

    #[test]
    fn a_header_ends_where_a_page_of_memory_ends() {
        for room in [SMALL_ROOM, LARGE_ROOM] {
            let mut pages = Pages::new(room);
            let blocks: BTreeSet<_> = (0..600).map(|_| pages.take().addr()).collect();
            assert_eq!(blocks.len(), 600, "each is given out once");
            for (block, next) in blocks.iter().zip(blocks.iter().skip(1)) {
                assert_eq!((block + HEADER) % MEMORY_PAGE, 0);
                assert!(block + room - 24 <= *next);
            }
        }
    }

    #[test]
    fn what_is_given_back_takes_nothing_from_its_neighbours() {
        for room in [SMALL_ROOM, LARGE_ROOM] {
            let mut pages = Pages::new(room);
            let blocks: Vec<_> = (0..500).map(|_| filled(&mut pages, 7)).collect();
            let stays = |number: usize| number % 5 == 1 || number % 7 == 2;
            for (_, block) in blocks.iter().enumerate().filter(|(at, _)| !stays(*at)) {
                unsafe { pages.give_back(*block) };
            }
            for (_, block) in blocks.iter().enumerate().filter(|(at, _)| stays(*at)) {
                assert!(is_filled(*block, room - 24, 7));
            }
            // And it can be used again.
            let again: Vec<_> = (0..400).map(|_| filled(&mut pages, 9)).collect();
            assert!(again.iter().all(|block| is_filled(*block, room - 24, 9)));
            for (_, block) in blocks.iter().enumerate().filter(|(at, _)| stays(*at)) {
                assert!(is_filled(*block, room - 24, 7));
            }
        }
    }

    #[test]
    fn free_rooms_have_no_memory() {
        let mut pages = Pages::new(SMALL_ROOM);
        let blocks: Vec<_> = (0..255).map(|_| filled(&mut pages, 7)).collect();
        for block in &blocks {
            unsafe { pages.give_back(*block) };
        }
        let base = blocks.iter().min().unwrap();
        let base = base.wrapping_sub(base.addr() % REGION).cast();
        let mut resident = vec![0_u8; REGION / MEMORY_PAGE];
        let known = unsafe { libc::mincore(base, REGION, resident.as_mut_ptr().cast()) };
        assert_eq!(known, 0);
        let resident = resident.iter().filter(|page| **page & 1 == 1).count();
        let kept = MOST_KEPT * SMALL_ROOM / MEMORY_PAGE;
        assert!(
            (kept..kept + 4).contains(&resident),
            "{resident} are resident"
        );
    }

    #[test]
    fn a_block_is_copied_on_its_way_between_here_and_the_other_allocator() {
        let allocator = PageAllocator::over(System);
        let layout = |size| Layout::from_size_align(size, 16).unwrap();
        unsafe {
            let block = allocator.alloc(layout(100));
            block.write_bytes(3, 100);
            let page = allocator.realloc(block, layout(100), SMALL);
            assert_eq!((page.addr() + HEADER) % MEMORY_PAGE, 0);
            assert!(is_filled(page, 100, 3));
            page.write_bytes(4, SMALL);
            let large = allocator.realloc(page, layout(SMALL), LARGE);
            let block = allocator.realloc(large, layout(LARGE), 200);
            assert!(is_filled(block, 200, 4));
            allocator.dealloc(block, layout(200));
            let zeroed = allocator.alloc_zeroed(layout(SMALL));
            assert!(is_filled(zeroed, SMALL, 0));
            allocator.dealloc(zeroed, layout(SMALL));
        }
    }

    /// When Luau's pages have another size, they must have it here.
    #[test]
    fn luau_asks_for_pages_of_these_sizes() {
        let lua = Lua::new();
        lua.gc_stop();
        let before = lua.used_memory();
        for _ in 0..1_000 {
            lua.create_table().unwrap();
        }
        let grown = lua.used_memory() - before;
        assert!(grown > 0 && grown.is_multiple_of(SMALL), "{grown}");
        let before = lua.used_memory();
        for _ in 0..100 {
            lua.create_buffer_with_capacity(950).unwrap();
        }
        let grown = lua.used_memory() - before;
        assert!(grown > 0 && grown.is_multiple_of(LARGE), "{grown}");
    }
}
