//! Why an address is permitted or not, by the rules as written.

use std::fmt;
use std::net::IpAddr;

use super::written::WrittenRule;
use crate::error::Remedy;

/// Why an address is permitted or not.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Explanation<'a> {
    /// These rules permit it, in the order of the list.
    Permitted(Vec<&'a WrittenRule>),
    /// No rule permits it. These are the nearest rules below and above it, of the same family.
    Denied {
        /// The rule whose last address is the nearest below.
        below: Option<NearestRule<'a>>,
        /// The rule whose first address is the nearest above.
        above: Option<NearestRule<'a>>,
        /// The number of rules of both families.
        rules: usize,
    },
}

/// A rule close to an address that it does not permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NearestRule<'a> {
    /// The rule.
    pub rule: &'a WrittenRule,
    /// Its first or last address, whichever is nearer.
    pub end: IpAddr,
    /// The distance to that address.
    pub distance: u128,
}

impl Explanation<'_> {
    /// Returns whether the address is permitted.
    #[must_use]
    pub fn permits(&self) -> bool {
        matches!(self, Self::Permitted(_))
    }
}

/// The number of permitting rules that are written out.
const SHOWN: usize = 10;

/// Writes a line for each rule that matters. If many rules permit the address, it writes the first ten.
impl fmt::Display for Explanation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Permitted(rules) => {
                f.write_str("permitted")?;
                let mut shown = rules.iter().take(SHOWN);
                shown.try_for_each(|rule| write!(f, "\n  by {}: {}", rule.place(), rule.text()))?;
                match rules.len().checked_sub(SHOWN).filter(|more| *more > 0) {
                    Some(more) => write!(f, "\n  and by {more} rules more"),
                    None => Ok(()),
                }
            }
            Self::Denied { rules: 0, .. } => f.write_str("denied\n  the list is empty"),
            Self::Denied { below: None, above: None, .. } => {
                f.write_str("denied\n  no rule is of the family of this address")
            }
            Self::Denied { below, above, .. } => {
                f.write_str("denied\n  no rule holds it; the nearest are")?;
                for (near, ends) in [(below, "ends at"), (above, "begins at")] {
                    let Some(NearestRule { rule, end, distance }) = near else { continue };
                    let (place, text) = (rule.place(), rule.text());
                    write!(f, "\n  {place}: {text}, which {ends} {end}, {distance} ")?;
                    f.write_str(if *distance == 1 { "address away" } else { "addresses away" })?;
                }
                Ok(())
            }
        }
    }
}

/// The error that a list does not permit a required address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{address} is not permitted: {why}")]
pub struct NotPermitted {
    address: IpAddr,
    why: String,
}

impl NotPermitted {
    pub(super) fn new(address: IpAddr, explanation: &Explanation<'_>) -> Self {
        // The text must fit on one line, as error texts do. The word `denied` was written already.
        let text = explanation.to_string();
        let mut lines = text.lines().skip(1).map(str::trim);
        let reason = lines.next().unwrap_or_default();
        let nearest = lines.collect::<Vec<_>>().join(" and ");
        Self { address: address.to_canonical(), why: format!("{reason} {nearest}").trim_end().to_owned() }
    }

    /// Returns the address. An IPv4-mapped address is returned as IPv4.
    #[must_use]
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// Returns a stable word for the error: `address_not_permitted`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        "address_not_permitted"
    }

    /// Returns who must act: the owner of the list, or of the network that the call comes from.
    #[must_use]
    pub fn remedy(&self) -> Remedy {
        Remedy::FixConfiguration
    }
}

pub(super) fn explain(rules: &[WrittenRule], address: IpAddr) -> Explanation<'_> {
    let address = address.to_canonical();
    let permitting: Vec<_> = rules.iter().filter(|rule| rule.block().contains(&address)).collect();
    if !permitting.is_empty() {
        return Explanation::Permitted(permitting);
    }
    let of_family = || rules.iter().filter(|rule| rule.block().network().is_ipv4() == address.is_ipv4());
    let below = of_family().filter(|rule| rule.block().broadcast() < address);
    let below = below.max_by_key(|rule| rule.block().broadcast());
    let above = of_family().filter(|rule| rule.block().network() > address);
    let above = above.min_by_key(|rule| rule.block().network());
    let near = |rule, end| NearestRule { rule, end, distance: number(address).abs_diff(number(end)) };
    Explanation::Denied {
        below: below.map(|rule| near(rule, rule.block().broadcast())),
        above: above.map(|rule| near(rule, rule.block().network())),
        rules: rules.len(),
    }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    }
}
