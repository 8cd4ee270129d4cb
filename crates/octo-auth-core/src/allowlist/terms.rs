//! [`RuleOptions`]: which rules are acceptable in a list, beyond the grammar.

/// Which rules are acceptable in a list. The default accepts both families and rejects blocks of half the
/// Internet or more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RuleOptions {
    pub(super) any: bool,
    pub(super) ipv4_only: bool,
    pub(super) egress: bool,
}

impl RuleOptions {
    /// Accepts `0.0.0.0/0`, `::/0` and their halves, which are rejected by default.
    #[must_use]
    pub fn allow_any(self) -> Self {
        Self { any: true, ..self }
    }

    /// Rejects IPv6, for a provider whose lists are IPv4 only. IPv4-mapped addresses count as IPv4.
    #[must_use]
    pub fn ipv4_only(self) -> Self {
        Self { ipv4_only: true, ..self }
    }

    /// Rejects addresses that a peer across the Internet can never see. Use it for a list of the addresses
    /// from which your program calls.
    #[must_use]
    pub fn egress(self) -> Self {
        Self { egress: true, ..self }
    }
}
