//! The versions of records on a server that can lose writes.

use std::hash::{BuildHasher, RandomState};

use octo_auth_core::Version;

/// The count of low bits of a version that are random. The counter above them has 39 bits.
const RANDOM_BITS: u32 = 24;

/// Returns the version of a write that replaces `expected`: a counter one higher, followed by random bits.
///
/// A server can lose its last writes: by a failover, or by a restore from a backup. Another process then writes a
/// record whose counter equals that of a lost write. The random bits tell the two apart, so a process that knows the
/// lost one does not overwrite the other.
#[must_use]
pub fn next_version(expected: Option<Version>) -> Version {
    let counter = expected.map_or(0, |version| version.0 >> RANDOM_BITS).saturating_add(1);
    // Each new state has other keys, which the operating system's random numbers seed.
    let random = RandomState::new().hash_one(counter) & ((1 << RANDOM_BITS) - 1);
    Version(counter << RANDOM_BITS | random)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_follows_the_expected_one_and_no_two_are_equal() {
        let first = next_version(None);
        for earlier in [first, Version(1), Version(u64::from(u32::MAX)), Version((1 << 62) + 7)] {
            let [one, other] = [next_version(Some(earlier)), next_version(Some(earlier))];
            assert!(one > earlier && other > earlier, "{earlier:?}: {one:?}, {other:?}");
            assert_ne!(one, other);
            assert!(i64::try_from(one.0).is_ok(), "{one:?}");
        }
    }
}
