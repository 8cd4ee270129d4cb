//! Sorted ranges of numbers, and the search in them.
//!
//! Ranges are sorted, do not overlap and do not touch, so equal sets are equal lists.

use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// Ranges with their first and last number, sorted.
pub(super) type Ranges<N> = Box<[(N, N)]>;

/// An address as a number.
pub(super) trait Number: Copy + Ord {
    /// The number of its bits.
    const BITS: u8;
    /// Returns the number after it, unless it is the last.
    fn next(self) -> Option<Self>;
    /// Returns the number before it, unless it is the first.
    fn previous(self) -> Option<Self>;
    /// Returns the number of trailing zero bits.
    fn trailing(self) -> u8;
    /// Returns the number with this many trailing zero bits set to one.
    fn filled(self, bits: u8) -> Self;
}

/// IPv4 ranges with an index table.
///
/// The table divides the span from the first to the last number into parts of equal size, about eight for
/// each range. The relevant range is usually the last one that starts before the end of a part.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Table {
    ranges: Ranges<u32>,
    /// For each part, the number of ranges that start before it, followed by the number of all ranges. It is
    /// empty if there is at most one range.
    before: Box<[u32]>,
    /// The size of a part, in bits.
    part: u32,
    /// The first number of the first range.
    first: u32,
    /// The distance from the first number to the last.
    span: u32,
}

impl Table {
    pub(super) fn new(ranges: Ranges<u32>) -> Self {
        let ends = ranges.first().zip(ranges.last());
        let (first, span) = ends.map_or((0, 0), |(first, last)| (first.0, last.1 - first.0));
        if ranges.len() <= 1 {
            return Self { ranges, before: Box::default(), part: 0, first, span };
        }
        let part = (u32::BITS - span.leading_zeros()).saturating_sub(table_bits(ranges.len()));
        let mut before = vec![0_u32; (span >> part) as usize + 2];
        for (start, _) in &ranges {
            before[((start - first) >> part) as usize + 1] += 1;
        }
        let mut sum = 0;
        for count in &mut before {
            sum += *count;
            *count = sum;
        }
        Self { ranges, before: before.into(), part, first, span }
    }

    pub(super) fn ranges(&self) -> &[(u32, u32)] {
        &self.ranges
    }

    /// Returns whether a number is in one of the ranges.
    #[inline]
    pub(super) fn holds(&self, number: u32) -> bool {
        let distance = number.wrapping_sub(self.first);
        if distance > self.span {
            return false;
        }
        match self.ranges.len() {
            0 => false,
            1 => true,
            _ => self.holds_between(number, distance),
        }
    }

    /// As `holds`, for a number between the first and the last, so that a range starts at or before the
    /// number.
    #[inline]
    fn holds_between(&self, number: u32, distance: u32) -> bool {
        let part = (distance >> self.part) as usize;
        let last = self.before[part + 1] as usize - 1;
        // Going one step back is cheaper than a branch that is hard to predict.
        let nearest = last - usize::from(self.ranges[last].0 > number);
        let (start, end) = self.ranges[nearest];
        if start <= number { number <= end } else { self.holds_in_crowd(number, part) }
    }

    /// As `holds`, if many ranges start in one part.
    #[inline(never)]
    fn holds_in_crowd(&self, number: u32, part: usize) -> bool {
        let (from, to) = (self.before[part] as usize, self.before[part + 1] as usize);
        holds(&self.ranges[from.saturating_sub(1)..to], number)
    }
}

/// Returns the bits of the table: 8 to 16 parts for each range. From 16 bits on there is at most one part for
/// each range, which adds 4 bytes to its 8.
fn table_bits(ranges: usize) -> u32 {
    (8 * ranges).next_power_of_two().ilog2().min(16).max(ranges.ilog2())
}

/// Returns whether a number is in one of the ranges.
#[inline]
pub(super) fn holds<N: Number>(ranges: &[(N, N)], number: N) -> bool {
    let started = ranges.partition_point(|(first, _)| *first <= number);
    started > 0 && number <= ranges[started - 1].1
}

/// Sorts ranges and joins those that overlap or touch.
pub(super) fn merged<N: Number>(mut ranges: Vec<(N, N)>) -> Ranges<N> {
    // Ranges with the same start are joined anyway.
    ranges.sort_unstable_by_key(|(first, _)| *first);
    ranges.dedup_by(|later, earlier| {
        let joined = earlier.1.next().is_none_or(|next| later.0 <= next);
        if joined {
            earlier.1 = earlier.1.max(later.1);
        }
        joined
    });
    ranges.into_boxed_slice()
}

/// Returns the numbers of the first ranges that are not in the second ones.
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

/// Returns the fewest blocks that cover exactly a range: their first number and prefix length.
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

/// Returns the fewest blocks that cover exactly these ranges of addresses, IPv4 first.
pub(super) fn networks(v4: &[(u32, u32)], v6: &[(u128, u128)]) -> Vec<IpNet> {
    let v4 = v4
        .iter()
        .flat_map(|range| blocks(*range))
        .filter_map(|(first, length)| Ipv4Net::new(Ipv4Addr::from_bits(first), length).ok().map(IpNet::V4));
    let v6 = v6
        .iter()
        .flat_map(|range| blocks(*range))
        .filter_map(|(first, length)| Ipv6Net::new(Ipv6Addr::from_bits(first), length).ok().map(IpNet::V6));
    v4.chain(v6).collect()
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
