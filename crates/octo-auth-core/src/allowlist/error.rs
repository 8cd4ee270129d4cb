//! Why a rule or a list is refused.

use std::fmt;

use super::letters::Named;
use super::written::Place;

/// Why a rule is refused: what is wrong, at which byte, and what was probably meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleError {
    problem: RuleProblem,
    position: usize,
    meant: Option<String>,
}

impl RuleError {
    pub(super) fn new(problem: RuleProblem, position: usize) -> Self {
        Self { problem, position, meant: None }
    }

    pub(super) fn meant(mut self, meant: impl Into<String>) -> Self {
        self.meant = Some(meant.into());
        self
    }

    /// The error with its position counted from so many bytes earlier.
    pub(super) fn moved(mut self, bytes: usize) -> Self {
        self.position += bytes;
        self
    }

    /// What is wrong.
    #[must_use]
    pub fn problem(&self) -> RuleProblem {
        self.problem
    }

    /// The byte at which it is wrong, counted from zero.
    #[must_use]
    pub fn position(&self) -> usize {
        self.position
    }

    /// What was probably meant, where that is plain.
    #[must_use]
    pub fn probably_meant(&self) -> Option<&str> {
        self.meant.as_deref()
    }

    /// A stable word for the kind of problem.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.problem.code()
    }
}

/// `at byte 8: …; probably meant: …`
impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at byte {}: {}", self.position, self.problem)?;
        match &self.meant {
            Some(meant) => write!(f, "; probably meant: {meant}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for RuleError {}

/// What is wrong with a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RuleProblem {
    /// Nothing stands there.
    #[error("the rule is empty")]
    Empty,
    /// The text is no address and no block.
    #[error("this is no address and no block: write 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32")]
    Syntax,
    /// A character that no address holds: an invisible one, a quotation mark, or one that is not ASCII.
    #[error("{} cannot stand in a rule", Named(*.0))]
    Character(char),
    /// A port behind the address.
    #[error("a rule is for an address, whatever its port: leave out what begins with the last `:`")]
    Port,
    /// An octet begins with a zero, which some programs read as octal.
    #[error("an octet begins with a zero, which some programs read as octal: write it without")]
    LeadingZero,
    /// The part after the slash is no prefix length.
    #[error("the prefix length is a plain number from 0 to 32 for IPv4 and to 128 for IPv6")]
    Prefix,
    /// The address has bits set beyond its prefix.
    #[error("the address has bits set beyond the prefix, so that the block is not clear")]
    HostBits,
    /// A zone, which means something on one machine only.
    #[error("a zone means something on one machine only: leave out what begins with `%`")]
    Zone,
    /// An IPv4-mapped address with a prefix below 96.
    #[error("an IPv4-mapped block with a prefix below 96 mixes the families: write the IPv4 block")]
    MappedPrefix,
    /// The deprecated IPv4-compatible form (RFC 4291 section 2.5.5.1).
    #[error("the IPv4-compatible form is deprecated and is not the IPv4 address: write the IPv4 address")]
    Ipv4Compatible,
    /// IPv6 in a list of IPv4 only.
    #[error("this list takes IPv4 only")]
    Family,
    /// Every address of a family; [`RuleOptions::allow_any`](super::Terms::with_any) permits it.
    #[error("this permits every address, which has to be switched on")]
    AnyNeedsOptin,
    /// Half of a family; [`RuleOptions::allow_any`](super::Terms::with_any) permits it.
    #[error("this permits half the Internet, which has to be switched on")]
    TooWide,
    /// The unspecified address.
    #[error("the unspecified address belongs to no host")]
    Unspecified,
    /// The broadcast address.
    #[error("the broadcast address belongs to no host")]
    Broadcast,
    /// Multicast addresses.
    #[error("no call comes from a multicast address")]
    Multicast,
    /// Addresses that the Internet does not carry (RFC 6890).
    #[error("a peer across the Internet never sees this address: write the one that your network calls from")]
    Private,
}

impl RuleProblem {
    /// A stable word for it.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Syntax | Self::Character(_) | Self::Port => "syntax",
            Self::LeadingZero => "leading_zero",
            Self::Prefix => "prefix",
            Self::HostBits => "host_bits",
            Self::Zone => "zone",
            Self::MappedPrefix => "mapped_prefix",
            Self::Ipv4Compatible => "ipv4_compatible",
            Self::Family => "family",
            Self::AnyNeedsOptin => "any_needs_optin",
            Self::TooWide => "too_wide",
            Self::Unspecified => "unspecified",
            Self::Broadcast => "broadcast",
            Self::Multicast => "multicast",
            Self::Private => "private",
        }
    }

    /// Whether the rule is well-formed and [`RuleOptions::allow_any`](super::Terms::with_any) would permit it.
    #[must_use]
    pub fn can_be_switched_on(self) -> bool {
        matches!(self, Self::AnyNeedsOptin | Self::TooWide)
    }
}

/// Why there is no list.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ListError {
    /// Rules that are wrong, all of them: where each stands, and what is wrong with it.
    Rules(Vec<(Place, RuleError)>),
    /// The text is not JSON with an array of texts.
    NotAnArray {
        /// The line at which it departs from that.
        line: usize,
        /// The column in it.
        column: usize,
    },
}

/// One line for each bad rule.
impl fmt::Display for ListError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAnArray { line, column } => {
                write!(f, "line {line}, column {column}: this is not a JSON array of texts")
            }
            Self::Rules(bad) => {
                for (index, (place, error)) in bad.iter().enumerate() {
                    let separator = if index == 0 { "" } else { "\n" };
                    write!(f, "{separator}{place}, {error}")?;
                }
                Ok(())
            }
        }
    }
}

impl std::error::Error for ListError {}
