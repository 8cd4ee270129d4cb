//! The manual: how octo-auth thinks, for people who use it, in prose.

/// How a token lives: when it is served, renewed, refused, given up.
#[doc = include_str!("manual/lifecycle.md")]
pub mod lifecycle {}

/// Lists of addresses: what a rule is, whom a list permits, who is calling.
#[doc = include_str!("manual/allowlist.md")]
pub mod allowlist {}

/// Coming from the crate `oauth2`: its calls and ours.
#[doc = include_str!("manual/coming_from_oauth2.md")]
pub mod coming_from_oauth2 {}
