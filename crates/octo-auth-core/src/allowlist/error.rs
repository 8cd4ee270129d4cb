//! Why a rule or a list is rejected.

use std::fmt;

use super::letters::Named;
use super::written::Place;

/// Why a rule is rejected: what is wrong, at which byte, and what was probably meant.
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

    /// Returns the error with its position increased by this number of bytes.
    pub(super) fn moved(mut self, bytes: usize) -> Self {
        self.position += bytes;
        self
    }

    /// Returns what is wrong.
    #[must_use]
    pub fn problem(&self) -> RuleProblem {
        self.problem
    }

    /// Returns the byte position of the error, counted from zero.
    #[must_use]
    pub fn position(&self) -> usize {
        self.position
    }

    /// Returns what was probably meant, if that is clear.
    #[must_use]
    pub fn probably_meant(&self) -> Option<&str> {
        self.meant.as_deref()
    }

    /// Returns a stable word for the kind of problem.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.problem.code()
    }
}

/// Writes `at byte 8: …; probably meant: …`.
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
    /// The rule is empty.
    #[error("the rule is empty")]
    Empty,
    /// The text is neither an address nor a block.
    #[error("this is no address and no block: write 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32")]
    Syntax,
    /// A character that cannot occur in an address: an invisible one, a quotation mark, or one outside ASCII.
    #[error("{} cannot stand in a rule", Named(*.0))]
    Character(char),
    /// A port after the address.
    #[error("a rule is for an address, whatever its port: leave out what begins with the last `:`")]
    Port,
    /// An octet begins with a zero, which some programs read as octal.
    #[error("an octet begins with a zero, which some programs read as octal: write it without")]
    LeadingZero,
    /// The part after the slash is not a prefix length.
    #[error("the prefix length is a plain number from 0 to 32 for IPv4 and to 128 for IPv6")]
    Prefix,
    /// The address has bits set beyond its prefix.
    #[error("the address has bits set beyond the prefix, so that the block is not clear")]
    HostBits,
    /// A zone, which is valid on one machine only.
    #[error("a zone means something on one machine only: leave out what begins with `%`")]
    Zone,
    /// An IPv4-mapped address with a prefix below 96.
    #[error("an IPv4-mapped block with a prefix below 96 mixes the families: write the IPv4 block")]
    MappedPrefix,
    /// The deprecated IPv4-compatible form (RFC 4291 section 2.5.5.1).
    #[error("the IPv4-compatible form is deprecated and is not the IPv4 address: write the IPv4 address")]
    Ipv4Compatible,
    /// IPv6 in an IPv4-only list.
    #[error("this list takes IPv4 only")]
    Family,
    /// All addresses of a family; [`RuleOptions::allow_any`](super::RuleOptions::allow_any) permits it.
    #[error("this permits every address, which has to be switched on")]
    AnyNeedsOptin,
    /// Half of a family; [`RuleOptions::allow_any`](super::RuleOptions::allow_any) permits it.
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
    /// Addresses that are not routed on the Internet (RFC 6890).
    #[error("a peer across the Internet never sees this address: write the one that your network calls from")]
    Private,
}

impl RuleProblem {
    /// Returns a stable word for the problem.
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

    /// Returns whether the rule is well-formed and [`RuleOptions::allow_any`](super::RuleOptions::allow_any)
    /// would permit it.
    #[must_use]
    pub fn can_be_switched_on(self) -> bool {
        matches!(self, Self::AnyNeedsOptin | Self::TooWide)
    }
}

/// Why a list is rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ListError {
    /// All wrong rules: the place of each, and what is wrong with it.
    Rules(Vec<(Place, RuleError)>),
    /// The text is not a JSON array of strings.
    NotAnArray {
        /// The line of the error.
        line: usize,
        /// The column in that line.
        column: usize,
    },
}

/// Writes one line for each bad rule.
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
