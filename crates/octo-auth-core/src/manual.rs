//! The manual: how octo-auth thinks, for people who use it, in prose.

/// How a token lives: when it is served, renewed, refused, given up.
#[doc = include_str!("manual/lifecycle.md")]
pub mod lifecycle {}

/// Coming from the crate `oauth2`: its calls and ours.
#[doc = include_str!("manual/coming_from_oauth2.md")]
pub mod coming_from_oauth2 {}
