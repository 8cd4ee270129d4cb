//! Pseudorandom numbers, identical for the same seed on every machine. They use integers only, no floating point.

/// A stream of pseudorandom numbers (SplitMix64).
#[derive(Debug, Clone)]
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns the next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below a bound, or zero if the bound is zero.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next().checked_rem(bound).unwrap_or(0)
    }

    /// Returns a number from `first` to `last`, both included.
    pub(crate) fn between(&mut self, first: u64, last: u64) -> u64 {
        first + self.below(last.saturating_sub(first) + 1)
    }

    /// Returns `true` with this probability, in ten-thousandths.
    pub(crate) fn hits(&mut self, in_ten_thousand: u64) -> bool {
        self.below(10_000) < in_ten_thousand
    }

    /// Returns one of several values.
    pub(crate) fn pick<T: Copy>(&mut self, first: T, others: &[T]) -> T {
        let which = usize::try_from(self.below(others.len() as u64 + 1)).unwrap_or(0);
        which.checked_sub(1).and_then(|which| others.get(which)).copied().unwrap_or(first)
    }

    /// Returns a duration with this mean: mostly shorter, sometimes much longer.
    pub(crate) fn about(&mut self, mean: u64) -> u64 {
        let scale = self.pick(mean / 8, &[mean / 3, mean, mean, mean * 5 / 2]);
        (scale / 2 + self.below(scale + 1)).max(1)
    }

    /// Returns a random byte.
    pub(crate) fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }
}

/// Returns the seed of one part of a run.
pub(crate) fn derived(seed: u64, part: u64) -> u64 {
    Chance::new(seed ^ Chance::new(part).next()).next()
}

#[cfg(test)]
mod tests {
    use super::{Chance, derived};

    #[test]
    fn the_same_seed_gives_the_same_numbers_within_their_bounds() {
        let (mut one, mut other) = (Chance::new(7), Chance::new(7));
        for _ in 0..1000 {
            let number = one.between(3, 9);
            assert!((3..=9).contains(&number));
            assert_eq!(other.between(3, 9), number);
        }
        assert_eq!(one.below(0), 0);
        assert_ne!(derived(7, 0), derived(7, 1));
    }

    #[test]
    fn a_span_is_about_as_long_as_asked_for() {
        let mut chance = Chance::new(1);
        let sum: u64 = (0..10_000).map(|_| chance.about(1000)).sum();
        assert!((800..1200).contains(&(sum / 10_000)), "{sum}");
    }
}
