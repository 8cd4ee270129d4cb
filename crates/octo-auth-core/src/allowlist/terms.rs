//! What a list may hold beyond the grammar.

/// Which rules a list may hold. The default takes both families and refuses half the Internet or more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RuleOptions {
    pub(super) any: bool,
    pub(super) ipv4_only: bool,
    pub(super) egress: bool,
}

impl RuleOptions {
    /// Permits `0.0.0.0/0`, `::/0` and their halves, which are refused otherwise.
    #[must_use]
    pub fn allow_any(self) -> Self {
        Self { any: true, ..self }
    }

    /// Refuses IPv6, as a provider does whose lists hold IPv4 only; IPv4-mapped addresses are IPv4.
    #[must_use]
    pub fn ipv4_only(self) -> Self {
        Self { ipv4_only: true, ..self }
    }

    /// Refuses addresses that a peer across the Internet can never see, for a list of the addresses we call from.
    #[must_use]
    pub fn egress(self) -> Self {
        Self { egress: true, ..self }
    }
}
