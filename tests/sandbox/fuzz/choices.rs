//! A stream of decisions, taken from the fuzzer's bytes. When they are used up every decision is the first
//! alternative, which is always the smallest: so shorter inputs are smaller programs.

pub struct Choices<'a>(pub &'a [u8]);

impl Choices<'_> {
    fn byte(&mut self) -> usize {
        let Some((first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        usize::from(*first)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        let high = if bound > 256 { self.byte() << 8 } else { 0 };
        (high | self.byte()) % bound
    }

    /// Once in so many times.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == times - 1
    }

    pub fn pick<'s, T: AsRef<str>>(&mut self, of: &'s [T]) -> &'s str {
        of[self.below(of.len())].as_ref()
    }
}
