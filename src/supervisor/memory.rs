//! Memory that only the start has needed is given back: by the parent, which does nothing but wait then, and by the bot.
//! Most of it are pages of the binary and of libraries. The kernel maps them again when they are needed, from its cache
//! of the file as a rule.

use super::raw;
use std::ops::Range;

/// Gives back the free memory of the heap, and all pages that the kernel can read again from a file.
pub fn give_back() {
    raw::give_back(&release());
}

/// Gives back the free memory of the heap. Returns the pages that the kernel can read again from a file: they are freed
/// at the last moment, because all code is in such pages.
pub(super) fn release() -> Vec<Range<usize>> {
    let maps = std::fs::read_to_string("/proc/self/smaps").unwrap_or_default();
    let ranges = rereadable(&maps);
    drop(maps);
    raw::trim_heap();
    ranges
}

/// The parts of the address space that hold a file's bytes and nothing else: those that cannot be written to, and
/// of which no page was (such as the relocations of the loader).
fn rereadable(maps: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut current = None;
    for line in maps.lines() {
        if let Some((range, is_spare)) = heading(line) {
            current = is_spare.then_some(range);
        } else if let Some(written) = line.strip_prefix("Anonymous:") {
            let range = current.take();
            found.extend(range.filter(|_| written.trim() == "0 kB"));
        }
    }
    found
}

/// `55d0c0a00000-55d0c0c00000 r-xp 00001000 08:01 1234 /usr/bin/cogsmith`: the address range, and whether it belongs to
/// a file and is read-only. None for a line that is not such a heading.
fn heading(line: &str) -> Option<(Range<usize>, bool)> {
    let mut words = line.split_whitespace();
    let (from, to) = words.next()?.split_once('-')?;
    let [from, to] = [from, to].map(|number| usize::from_str_radix(number, 16));
    let range = from.ok()?..to.ok()?;
    let is_read_only = words.next()?.starts_with("r-");
    let is_file = words.nth(2)? != "0";
    Some((range, is_read_only && is_file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_untouched_pages_of_files_are_given_back() {
        let maps = "1000-3000 r-xp 00001000 08:01 1234 /bin/cogsmith
Rss:                   8 kB
Anonymous:             0 kB
3000-4000 r--p 00003000 08:01 1234 /bin/cogsmith
Anonymous:             4 kB
4000-5000 rw-p 00004000 08:01 1234 /bin/cogsmith
Anonymous:             0 kB
5000-6000 r--p 00000000 00:00 0 [vvar]
Anonymous:             0 kB
6000-7000 r--s 00000000 08:01 77 /lib/x
Anonymous:             0 kB
";
        assert_eq!(rereadable(maps), [0x1000..0x3000, 0x6000..0x7000]);
    }
}
