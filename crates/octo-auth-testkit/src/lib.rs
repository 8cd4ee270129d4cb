//! For tests of whatever has to do with OAuth tokens: your own rule when to renew, your own transport, your own store,
//! and what becomes of all of it under faults, crashes and clocks that step.
//!
//! | to test | there is | needs |
//! |---|---|---|
//! | a rule when to renew | [`invariants::renewal_rule`] over [`strategies::cases`] | |
//! | anything that is given tokens, moments or settings | [`strategies`] | |
//! | settings ([`Policy`](octo_auth_core::Policy)), or the library itself | a simulated [`World`], [`invariants`] | |
//! | a transport | `async_::transport`, `blocking::transport` | feature `async`, `blocking` |
//! | a store | `async_::store`, `blocking::store` | feature `async`, `blocking` |
//! | a sequence of events, told in plain text | [`scenario`] | |
//! | code that uses either adapter | `async_::ScriptedTransport`, `blocking::ScriptedTransport` | the same |
//!
//! All of it goes under `[dev-dependencies]`, beside `proptest = "1"` where properties are written.
//!
//! # Your own rule when to renew
//!
//! A rule is a function: of what is known of a token ([`ValidityTerms`](octo_auth_core::ValidityTerms)) and of its
//! age, to whether it is fresh, to be renewed, or no longer to be served. [`strategies::cases`] asks it about the ages
//! at which rules go wrong, and [`renewal_rule`](invariants::renewal_rule) says which invariant an answer contradicts:
//! nothing is served within the guard before its end, min(10 s, L/10) of a lifetime L; nothing is renewed before 0.4 L;
//! and neither time, nor a shorter life, nor more jitter, nor a hint of the server makes a renewal less urgent.
//!
//! ```
//! use std::time::Duration;
//!
//! use octo_auth_core::{Freshness, ValidityTerms};
//! use octo_auth_testkit::{invariants::renewal_rule, strategies::cases};
//! use proptest::prelude::*;
//!
//! fn at_half_of_the_life(terms: &ValidityTerms, age: Duration) -> Freshness {
//!     let life = terms.lifetime.unwrap_or(Duration::from_secs(1800));
//!     let hint = terms.hint.unwrap_or(life).max(life * 2 / 5);
//!     match age {
//!         age if age >= life - Duration::from_secs(10).min(life / 10) => Freshness::Expired,
//!         age if age >= hint.min(life / 2) => Freshness::Stale,
//!         _ => Freshness::Fresh,
//!     }
//! }
//!
//! proptest!(|(case in cases())| {
//!     prop_assert_eq!(renewal_rule(at_half_of_the_life, &case), Ok(()));
//! });
//! ```
//!
//! # Your own transport
//!
//! A transport carries one request and its response, and decides nothing; the trait says what it owes. The suite looks
//! at each of it with a server on loopback, so it needs no network. Its `Report` names the checks that failed and says
//! what was found; shown by `{report}`, it has a line for each.
//!
//! ```
//! # #[cfg(feature = "blocking")] {
//! use std::sync::atomic::{AtomicU64, Ordering};
//! use std::time::Duration;
//!
//! use http::{Request, Response};
//! use octo_auth_blocking::{Body, Fault, Transport, UreqTransport};
//!
//! struct Counted(UreqTransport, AtomicU64);
//!
//! impl Transport for Counted {
//!     fn send(&self, request: &Request<Body>, deadline: Duration) -> Result<Response<Body>, Fault> {
//!         self.1.fetch_add(1, Ordering::Relaxed);
//!         self.0.send(request, deadline)
//!     }
//! }
//!
//! let mine = Counted(UreqTransport::new()?, AtomicU64::new(0));
//! assert_eq!(octo_auth_testkit::blocking::transport::check(&mine).failures(), []);
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Your own store
//!
//! A store keeps a record for each key under a version, and replaces it only if the version is the expected one. Where
//! [`Store::storage`](octo_auth_core::Store::storage) says `Shared` it also keeps claims that end by themselves, which
//! `check` looks at with the store's own clock and `check_with_clock` with one that the test moves. The asynchronous
//! suites are the same with `.await`.
//!
//! ```
//! # #[cfg(feature = "blocking")] {
//! use octo_auth_core::{Key, Record, Saved, Storage, Store, StoreFault, Stored, Version};
//! struct Mine(std::sync::Mutex<std::collections::HashMap<Key, Stored>>);
//!
//! impl Store for Mine {
//!     fn storage(&self) -> Storage { Storage::Private }
//!     fn load(&self, key: &Key) -> Result<Option<Stored>, StoreFault> {
//!         Ok(self.0.lock().unwrap().get(key).cloned())
//!     }
//!     fn compare_and_swap(&self, key: &Key, old: Option<Version>, new: &Record) -> Result<Saved, StoreFault> {
//!         let (mut held, version) = (self.0.lock().unwrap(), Version(old.map_or(1, |old| old.0 + 1)));
//!         let stored = held.get(key).cloned();
//!         if stored.as_ref().map(|stored| stored.version) != old {
//!             return Ok(Saved::Conflict(stored.map(Box::new)));
//!         }
//!         held.insert(key.clone(), Stored { record: new.clone(), version });
//!         Ok(Saved::Done(version))
//!     }
//! }
//!
//! assert_eq!(octo_auth_testkit::blocking::store::check(&Mine(Default::default())).failures(), []);
//! # }
//! ```
//!
//! # A simulated world
//!
//! A [`World`] has up to eight processes that share a token server, a store and two clocks, all simulated. Whatever a
//! [`Plan`] says happens to them, the world watches the invariants of the lifecycle and says by a value where one does
//! not hold. A plan that fails is shrunk by proptest and printed; put into a test, it happens again, line by line of
//! [`World::trace`].
//!
//! ```
//! use octo_auth_testkit::strategies::{Focus, plans};
//! use octo_auth_testkit::{World, invariants};
//! use proptest::prelude::*;
//!
//! proptest!(|(plan in plans(Focus::Outage, 40))| {
//!     prop_assert_eq!(invariants::check_all(&World::after(&plan)), Ok(()));
//! });
//! ```
//!
//! The rule kept here: outside of the suites nothing opens a socket, reads a clock or draws randomness of its own, so
//! that the same plan gives the same world. Deliberately absent: an HTTP client, a runtime, and providers to talk to
//! over the network, which are the adapters' and the emulator's.

#![forbid(unsafe_code)]

#[cfg(feature = "async")]
pub mod async_;
#[cfg(feature = "blocking")]
pub mod blocking;
pub mod fleet;
pub mod invariants;
mod leases;
pub mod moment;
pub mod registration;
pub mod response;
pub mod scenario;
#[cfg(any(feature = "async", feature = "blocking"))]
pub mod socket;
pub mod strategies;
#[cfg(any(feature = "async", feature = "blocking"))]
mod suite;
pub mod world;

pub use world::{Plan, World};
