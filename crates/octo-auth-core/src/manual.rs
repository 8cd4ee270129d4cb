//! The manual: the rules of the library in prose, for its users.

/// When a token is served and renewed, and what happens after a failure.
#[doc = include_str!("manual/lifecycle.md")]
pub mod lifecycle {}

/// How to write and test a store, and what it contains.
#[doc = include_str!("manual/stores.md")]
pub mod stores {}

/// How to describe your own server.
#[doc = include_str!("manual/profiles.md")]
pub mod profiles {}

/// Allowlists of IP addresses: the grammar of rules, which addresses a list permits, and how to find the
/// caller's address.
#[doc = include_str!("manual/allowlist.md")]
pub mod allowlist {}

/// Migrating from the crate `oauth2`: its calls and their counterparts here.
#[doc = include_str!("manual/coming_from_oauth2.md")]
pub mod coming_from_oauth2 {}
