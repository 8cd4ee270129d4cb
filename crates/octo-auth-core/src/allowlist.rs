//! Allowlists of IP addresses: which callers are permitted, decided exactly.
//!
//! The rules of this module:
//!
//! - A rule is parsed by one strict grammar, or rejected with the reason and the byte position.
//! - A list with one bad rule is rejected.
//! - An empty list permits no address.
//! - An IPv4-mapped IPv6 address is treated as the IPv4 address it maps. No other embedding is translated.
//!
//! Addresses and blocks are those of [`std::net`] and [`ipnet`].
//!
//! Deliberately unsupported: host names, which would have to be resolved, and wildcards and ranges, which
//! hide their size.
//!
//! ```
//! use octo_auth_core::allowlist::{RuleOptions, Rules};
//!
//! let rules = Rules::from_text("10.0.0.0/8 # office\n192.0.2.7\n", RuleOptions::default())?;
//! let allowlist = rules.allowlist();
//! assert!(allowlist.permits("10.1.2.3".parse()?));
//! assert!(allowlist.permits("::ffff:192.0.2.7".parse()?));
//! assert!(!allowlist.permits("192.0.2.8".parse()?));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod caller;
mod change;
mod error;
mod explain;
mod letters;
mod ranges;
mod rule;
mod rules;
mod terms;
mod written;

use std::net::IpAddr;

use ipnet::IpNet;

pub use caller::{CallerError, ForwardHeader, client_address};
pub use change::ListDifference;
pub use error::{ListError, RuleError, RuleProblem};
pub use explain::{Explanation, NearestRule, NotPermitted};
pub use rule::{parse, parse_rule};
pub use rules::Rules;
pub use terms::RuleOptions;
pub use written::{Place, WrittenRule};

use ranges::{Ranges, Table, merged, networks, without};

/// The permitted addresses, ready for look-ups. It is built once and never changed.
///
/// Rules that overlap or touch become one range. IPv4 ranges are found by a table that grows with their
/// number, with at most 12 bytes for each range of a long list. IPv6 ranges are found by binary search.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allowlist {
    v4: Table,
    v6: Ranges<u128>,
}

impl Allowlist {
    /// Returns the list of these blocks. Their host bits are ignored. Without a block it permits no address.
    ///
    /// It does not check whether a block is acceptable in a list: [`parse_rule`] does.
    #[must_use]
    pub fn new(blocks: impl IntoIterator<Item = IpNet>) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for block in blocks {
            match block {
                IpNet::V4(block) => v4.push((block.network().to_bits(), block.broadcast().to_bits())),
                IpNet::V6(block) => v6.push((block.network().to_bits(), block.broadcast().to_bits())),
            }
        }
        Self { v4: Table::new(merged(v4)), v6: merged(v6) }
    }

    /// Returns whether an address is permitted.
    #[must_use]
    #[inline]
    pub fn permits(&self, address: IpAddr) -> bool {
        match address.to_canonical() {
            IpAddr::V4(address) => self.v4.holds(address.to_bits()),
            IpAddr::V6(address) => ranges::holds(&self.v6, address.to_bits()),
        }
    }

    /// Returns whether no address is permitted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.v4.ranges().is_empty() && self.v6.is_empty()
    }

    /// Returns the shortest list of blocks that permits the same addresses, in order, IPv4 first.
    #[must_use]
    pub fn minimal(&self) -> Vec<IpNet> {
        networks(self.v4.ranges(), &self.v6)
    }

    /// Returns which blocks a change from this list to another one opens and closes.
    #[must_use]
    pub fn difference(&self, new: &Self) -> ListDifference {
        let only = |one: &Self, other: &Self| {
            networks(&without(one.v4.ranges(), other.v4.ranges()), &without(&one.v6, &other.v6))
        };
        ListDifference { opened: only(new, self), closed: only(self, new) }
    }
}

impl FromIterator<IpNet> for Allowlist {
    fn from_iter<I: IntoIterator<Item = IpNet>>(blocks: I) -> Self {
        Self::new(blocks)
    }
}
