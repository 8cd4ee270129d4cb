//! Compares the addresses that a list of IPv4 rules permits with a map of one bit per address.
//!
//! The rule of this module: the map uses only the first and the last address of each rule, so that it does not share
//! the list's errors. It is built in slices, each a 256th of all addresses.

mod chance;

use std::net::Ipv4Addr;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use ipnet::{IpNet, Ipv4Net};
use octo_auth_core::allowlist::Allowlist;

pub use chance::rules;

/// The count of slices of the address space.
pub const SLICES: u32 = 256;

/// The count of addresses in one slice.
const SLICE: usize = 1 << 24;

/// An address about which list and map disagree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Difference {
    /// The address.
    pub address: Ipv4Addr,
    /// The answer of the list; the map says the opposite.
    pub permits: bool,
}

/// Returns the list of these rules, and whether its shortest form is the same list.
#[must_use]
pub fn list(rules: &[Ipv4Net]) -> (Allowlist, bool) {
    let list: Allowlist = rules.iter().copied().map(IpNet::V4).collect();
    let is_stable = Allowlist::new(list.minimal()) == list;
    (list, is_stable)
}

/// Checks the list for every IPv4 address. Returns the lowest difference, if there is one.
#[must_use]
pub fn compare(rules: &[Ipv4Net], list: &Allowlist) -> Option<Difference> {
    let next = AtomicU32::new(0);
    let lowest = Mutex::new(None);
    let work = || {
        while let Some(slice) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|slice| *slice < SLICES) {
            let Some(found) = compare_slice(rules, list, slice, 0..SLICE) else { continue };
            if let Ok(mut lowest) = lowest.lock() {
                *lowest = lowest.filter(|known: &Difference| known.address < found.address).or(Some(found));
            }
        }
    };
    std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        (0..threads).for_each(|_| drop(scope.spawn(work)));
    });
    // A panic of a thread has already ended the scope.
    lowest.into_inner().ok().flatten()
}

/// Checks a part of one slice. Addresses are counted from the start of the slice, in whole words of 64.
#[must_use]
pub fn compare_slice(
    rules: &[Ipv4Net],
    list: &Allowlist,
    slice: u32,
    part: Range<usize>,
) -> Option<Difference> {
    let first = slice << 24;
    let map = map(rules, first);
    let words = part.start / 64..part.end / 64;
    for (word, expected) in words.clone().zip(&map[words]) {
        let base = first + (word * 64) as u32;
        let permits = |bit: u32| list.permits(Ipv4Addr::from_bits(base + bit).into());
        let answers = (0..64).fold(0, |answers, bit| answers | u64::from(permits(bit)) << bit);
        let wrong = answers ^ expected;
        if wrong != 0 {
            let bit = wrong.trailing_zeros();
            return Some(Difference { address: Ipv4Addr::from_bits(base + bit), permits: permits(bit) });
        }
    }
    None
}

/// Builds the bits of the slice that begins with this address.
fn map(rules: &[Ipv4Net], first: u32) -> Vec<u64> {
    let mut map = vec![0_u64; SLICE / 64];
    let last = first + (SLICE as u32 - 1);
    for rule in rules {
        let (start, end) = (rule.network().to_bits().max(first), rule.broadcast().to_bits().min(last));
        if start > end {
            continue;
        }
        let (start, end) = ((start - first) as usize, (end - first) as usize);
        let (head, tail) = (u64::MAX << (start % 64), u64::MAX >> (63 - end % 64));
        match (start / 64, end / 64) {
            (only, other) if only == other => map[only] |= head & tail,
            (from, to) => {
                map[from] |= head;
                map[from + 1..to].fill(u64::MAX);
                map[to] |= tail;
            }
        }
    }
    map
}
