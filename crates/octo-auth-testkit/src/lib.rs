//! What property tests of tokens, clocks and renewals need: strategies, a simulated world, and the invariants.
//!
//! A [`World`] has processes that share a token server, a store and two clocks, all simulated; whatever a [`Plan`]
//! says happens to them, the world watches whether the invariants of the lifecycle hold, and says by a
//! [`Violation`](world::Violation) where one does not. [`strategies`] draw plans, and everything in them.
//!
//! ```
//! use octo_auth_testkit::World;
//! use octo_auth_testkit::strategies::{Focus, plans};
//! use proptest::prelude::*;
//!
//! proptest!(|(plan in plans(Focus::Outage, 40))| {
//!     let world = World::after(&plan);
//!     prop_assert_eq!(world.violations_of("I04").next(), None);
//! });
//! ```
//!
//! The rule it keeps: nothing here reads a clock or draws randomness of its own, so that the same plan gives the
//! same world, line by line of its trace. Deliberately absent: sockets, threads and waiting.

#![forbid(unsafe_code)]

#[cfg(feature = "async")]
pub mod async_;
#[cfg(feature = "blocking")]
pub mod blocking;
pub mod invariants;
pub mod moment;
pub mod registration;
pub mod response;
#[cfg(any(feature = "async", feature = "blocking"))]
pub mod socket;
pub mod strategies;
#[cfg(any(feature = "async", feature = "blocking"))]
mod suite;
pub mod world;

pub use world::{Plan, World};
