//! Sorted ranges of numbers, and the search in them.
//!
//! The rule kept here: ranges are in order, do not overlap and do not touch, so that equal sets are equal lists.

/// Ranges with their first and last number, in order.
pub(super) type Ranges<N> = Box<[(N, N)]>;

/// The number of an address.
pub(super) trait Number: Copy + Ord {
    /// How many bits it has.
    const BITS: u8;
    /// The number after it, unless it is the last.
    fn next(self) -> Option<Self>;
    /// The number before it, unless it is the first.
    fn previous(self) -> Option<Self>;
    /// How many bits at its end are zero.
    fn trailing(self) -> u8;
    /// The number with so many bits at its end set, which are zero in it.
    fn filled(self, bits: u8) -> Self;
}

/// Ranges of IPv4, with a table over the first 16 bits when there are many.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Table {
    ranges: Ranges<u32>,
    /// For each beginning of 16 bits, how many ranges start before it; empty for a few ranges.
    before: Box<[u32]>,
}

impl Table {
    pub(super) fn new(ranges: Ranges<u32>) -> Self {
        if ranges.len() <= FEW {
            return Self { ranges, before: Box::default() };
        }
        let mut before = vec![0_u32; (1 << 16) + 1];
        for (first, _) in &ranges {
            before[(first >> 16) as usize + 1] += 1;
        }
        let mut sum = 0;
        for count in &mut before {
            sum += *count;
            *count = sum;
        }
        Self { ranges, before: before.into() }
    }

    pub(super) fn ranges(&self) -> &[(u32, u32)] {
        &self.ranges
    }

    /// Says whether a number is in one of the ranges.
    #[inline]
    pub(super) fn holds(&self, number: u32) -> bool {
        if self.before.is_empty() { holds(&self.ranges, number) } else { self.holds_by_table(number) }
    }

    fn holds_by_table(&self, number: u32) -> bool {
        let top = (number >> 16) as usize;
        let (from, to) = (self.before[top] as usize, self.before[top + 1] as usize);
        let started = from + self.ranges[from..to].partition_point(|(first, _)| *first <= number);
        started > 0 && number <= self.ranges[started - 1].1
    }
}

/// Up to so many ranges are searched without a table.
const FEW: usize = 64;

/// Says whether a number is in one of the ranges.
#[inline]
pub(super) fn holds<N: Number>(ranges: &[(N, N)], number: N) -> bool {
    let started = ranges.partition_point(|(first, _)| *first <= number);
    started > 0 && number <= ranges[started - 1].1
}

/// Sorts ranges and joins those that overlap or touch.
pub(super) fn merged<N: Number>(mut ranges: Vec<(N, N)>) -> Ranges<N> {
    ranges.sort_unstable();
    ranges.dedup_by(|later, earlier| {
        let joined = earlier.1.next().is_none_or(|next| later.0 <= next);
        if joined {
            earlier.1 = earlier.1.max(later.1);
        }
        joined
    });
    ranges.into_boxed_slice()
}

/// Gives what is in the first ranges and not in the second ones.
pub(super) fn without<N: Number>(from: &[(N, N)], removed: &[(N, N)]) -> Vec<(N, N)> {
    let mut left = Vec::new();
    let mut at = 0;
    for &(first, last) in from {
        while removed.get(at).is_some_and(|(_, end)| *end < first) {
            at += 1;
        }
        let mut next = Some(first);
        for &(start, end) in removed[at..].iter().take_while(|(start, _)| *start <= last) {
            let (Some(begin), Some(stop)) = (next, start.previous()) else {
                next = end.next();
                continue;
            };
            if begin <= stop {
                left.push((begin, stop));
            }
            next = end.next();
        }
        if let Some(begin) = next.filter(|begin| *begin <= last) {
            left.push((begin, last));
        }
    }
    left
}

/// Gives the fewest blocks that cover exactly a range: their first number and the length of their prefix.
pub(super) fn blocks<N: Number>((first, last): (N, N)) -> Vec<(N, u8)> {
    let mut blocks = Vec::new();
    let mut next = Some(first).filter(|first| *first <= last);
    while let Some(begin) = next {
        let mut bits = begin.trailing();
        while begin.filled(bits) > last {
            bits -= 1;
        }
        blocks.push((begin, N::BITS - bits));
        next = begin.filled(bits).next().filter(|begin| *begin <= last);
    }
    blocks
}

macro_rules! number {
    ($number:ty) => {
        impl Number for $number {
            const BITS: u8 = <$number>::BITS as u8;

            fn next(self) -> Option<Self> {
                self.checked_add(1)
            }

            fn previous(self) -> Option<Self> {
                self.checked_sub(1)
            }

            fn trailing(self) -> u8 {
                self.trailing_zeros() as u8
            }

            fn filled(self, bits: u8) -> Self {
                self | Self::MAX.checked_shr(u32::from(Self::BITS as u8 - bits)).unwrap_or(0)
            }
        }
    };
}

number!(u32);
number!(u128);
