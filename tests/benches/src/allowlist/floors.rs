//! The minimal costs of an address list: hand-written, as short as possible.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::subject::Subject;

/// Tests every rule in turn.
pub(crate) struct Scan(Box<[(u32, u32)]>);

/// Sorted ranges that neither overlap nor touch, searched by bisection.
pub(crate) struct Ranges(Box<[(u32, u32)]>);

/// The same behind a table over the first 16 bits.
pub(crate) struct TopTable {
    ranges: Ranges,
    before: Box<[u32]>,
}

impl Subject for Scan {
    const NAME: &'static str = "floor: scan";
    const SCANS: bool = true;

    fn build(rules: &[Ipv4Net]) -> Self {
        Self(rules.iter().map(|rule| (rule.netmask().to_bits(), rule.network().to_bits())).collect())
    }

    fn holds(&self, address: Ipv4Addr) -> bool {
        self.0.iter().any(|(mask, network)| address.to_bits() & mask == *network)
    }
}

impl Subject for Ranges {
    const NAME: &'static str = "floor: ranges";

    fn build(rules: &[Ipv4Net]) -> Self {
        let ends = |rule: &Ipv4Net| (rule.network().to_bits(), rule.broadcast().to_bits());
        let mut ranges: Vec<(u32, u32)> = rules.iter().map(ends).collect();
        ranges.sort_unstable();
        ranges.dedup_by(|later, earlier| {
            let joined = earlier.1.checked_add(1).is_none_or(|next| later.0 <= next);
            if joined {
                earlier.1 = earlier.1.max(later.1);
            }
            joined
        });
        Self(ranges.into())
    }

    fn holds(&self, address: Ipv4Addr) -> bool {
        let number = address.to_bits();
        let started = self.0.partition_point(|(first, _)| *first <= number);
        started > 0 && number <= self.0[started - 1].1
    }
}

impl Subject for TopTable {
    const NAME: &'static str = "floor: 16-bit top table";

    fn build(rules: &[Ipv4Net]) -> Self {
        let ranges = Ranges::build(rules);
        let mut before = vec![0_u32; (1 << 16) + 1];
        for (first, _) in &ranges.0 {
            before[(first >> 16) as usize + 1] += 1;
        }
        let mut sum = 0;
        for count in &mut before {
            sum += *count;
            *count = sum;
        }
        Self { ranges, before: before.into() }
    }

    fn holds(&self, address: Ipv4Addr) -> bool {
        let number = address.to_bits();
        let top = (number >> 16) as usize;
        let (from, to) = (self.before[top] as usize, self.before[top + 1] as usize);
        let started = from + self.ranges.0[from..to].partition_point(|(first, _)| *first <= number);
        started > 0 && number <= self.ranges.0[started - 1].1
    }
}

/// Parses `a.b.c.d/n` in one pass, without describing errors.
pub(crate) fn parse(text: &str) -> Option<(u32, u8)> {
    let (mut address, mut octets, mut octet, mut digits) = (0_u32, 0, 0_u32, 0);
    let mut bytes = text.bytes();
    loop {
        match bytes.next()? {
            digit @ b'0'..=b'9' if digits < 3 => {
                octet = octet * 10 + u32::from(digit - b'0');
                digits += 1;
            }
            end @ (b'.' | b'/') if digits > 0 && octet < 256 => {
                address = address << 8 | octet;
                octets += 1;
                (octet, digits) = (0, 0);
                if end == b'/' {
                    break;
                }
            }
            _ => return None,
        }
    }
    let length = match (bytes.next()?, bytes.next(), bytes.next()) {
        (one @ b'0'..=b'9', None, None) => one - b'0',
        (ten @ b'1'..=b'3', Some(one @ b'0'..=b'9'), None) => (ten - b'0') * 10 + (one - b'0'),
        _ => return None,
    };
    (octets == 4 && length <= 32).then_some((address, length))
}
