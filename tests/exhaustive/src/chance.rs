//! Random sets of rules, the same for the same seed.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

/// The largest count of rules in a set, as a power of two.
const MOST: u64 = 17;

/// SplitMix64: short, and good enough to scatter addresses.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below a limit.
    fn below(&mut self, limit: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(limit)) >> 64) as u64
    }
}

/// Returns the set of rules for a seed: from none to 131,072 rules, small sets as often as large ones, scattered or
/// crowded, narrow or wide.
#[must_use]
pub fn rules(seed: u64) -> Vec<Ipv4Net> {
    let mut chance = Chance(seed);
    let most = 1 << chance.below(MOST + 1);
    let count = chance.below(most + 1);
    // The set is inside a home network with a prefix of this length, and has a shortest prefix for its rules.
    let home = chance.next() as u32;
    let bits = chance.below(25) as u8;
    let shortest = [1, 10, 20, 26, 32][chance.below(5) as usize];
    (0..count).map(|_| rule(&mut chance, home, bits, shortest)).collect()
}

fn rule(chance: &mut Chance, home: u32, bits: u8, shortest: u8) -> Ipv4Net {
    let inside = u32::MAX.checked_shr(bits.into()).unwrap_or(0);
    let anywhere = chance.next() as u32;
    let address = match chance.below(64) {
        // The ends of the address space occur in every set.
        0 => anywhere & 0xff,
        1 => anywhere | !0xff,
        2 => anywhere,
        _ => home & !inside | anywhere & inside,
    };
    let length = shortest + chance.below(33 - u64::from(shortest)) as u8;
    Ipv4Net::new_assert(Ipv4Addr::from_bits(address), length).trunc()
}
