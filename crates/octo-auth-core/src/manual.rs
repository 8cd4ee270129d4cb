//! The manual: the rules of the library in prose, for its users.

/// When a token is served and renewed, and what happens after a failure.
#[doc = include_str!("manual/lifecycle.md")]
pub mod lifecycle {}

/// How to write and test a store, and what is in it.
#[doc = include_str!("manual/stores.md")]
pub mod stores {}

/// How to describe a server of your own.
#[doc = include_str!("manual/profiles.md")]
pub mod profiles {}

/// Lists of addresses: what a rule is, whom a list permits, who is calling.
#[doc = include_str!("manual/allowlist.md")]
pub mod allowlist {}

/// Coming from the crate `oauth2`: its calls and ours.
#[doc = include_str!("manual/coming_from_oauth2.md")]
pub mod coming_from_oauth2 {}
