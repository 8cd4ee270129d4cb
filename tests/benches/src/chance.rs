//! Random rules and lookups, the same for the same seed.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

/// SplitMix64: short, and good enough to scatter addresses.
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below a limit.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(limit)) >> 64) as u64
    }
}

/// Generates rules like those of real lists: many single addresses and small networks, few large ones, anywhere.
pub(crate) fn rules(chance: &mut Chance, count: usize) -> Vec<Ipv4Net> {
    let rule = |chance: &mut Chance| {
        let length = match chance.below(10) {
            0..4 => 32,
            4..7 => 24,
            7..9 => 25 + chance.below(7) as u8,
            _ => 17 + chance.below(7) as u8,
        };
        Ipv4Net::new_assert(Ipv4Addr::from_bits(chance.next() as u32), length).trunc()
    };
    (0..count).map(|_| rule(chance)).collect()
}

/// Generates addresses that the rules permit, or that none permits, as decided by the floor's list.
pub(crate) fn questions(
    chance: &mut Chance,
    rules: &[Ipv4Net],
    count: usize,
    permits: impl Fn(Ipv4Addr) -> bool,
) -> (Vec<Ipv4Addr>, Vec<Ipv4Addr>) {
    let hits = (0..count).map(|_| {
        let rule = rules[chance.below(rules.len() as u64) as usize];
        let size = u64::from(rule.broadcast().to_bits() - rule.network().to_bits()) + 1;
        Ipv4Addr::from_bits(rule.network().to_bits() + chance.below(size) as u32)
    });
    let hits = hits.collect();
    let anywhere = std::iter::repeat_with(|| Ipv4Addr::from_bits(chance.next() as u32));
    (hits, anywhere.filter(|address| !permits(*address)).take(count).collect())
}
