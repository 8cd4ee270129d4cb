//! Tools for tests of OAuth token handling: your own renewal rule, your own transport, your own store, and how they
//! behave under faults, crashes and clock steps.
//!
//! | to test | use | needs |
//! |---|---|---|
//! | a renewal rule | [`invariants::renewal_rule`] over [`strategies::cases`] | |
//! | code that takes tokens, points in time or settings | [`strategies`] | |
//! | settings ([`Policy`](octo_auth_core::Policy)), or the library itself | a simulated [`World`], [`invariants`] | |
//! | a transport | `async_::transport`, `blocking::transport` | feature `async`, `blocking` |
//! | a store | `async_::store`, `blocking::store` | feature `async`, `blocking` |
//! | many days of a fleet, generated from a seed, with or without a known defect | [`fleet`], [`world::Defect`] | |
//! | how the failures of a few accounts affect hundreds of others | [`blame`] | |
//! | a sequence of events, written in plain text | [`scenario`] | |
//! | the decisions of one `TokenManager`, step by step | [`machine`] | |
//! | code that uses either adapter | `async_::ScriptedTransport`, `blocking::ScriptedTransport` | the same |
//!
//! Add the crate under `[dev-dependencies]`. Add `proptest = "1"` if you write properties. An asynchronous transport
//! or store also needs `async-trait = "0.1"`: put `#[async_trait::async_trait]` before its `impl`.
//!
//! # Your own renewal rule
//!
//! A rule is a function. It takes what is known about a token ([`ValidityTerms`](octo_auth_core::ValidityTerms)) and
//! the token's age. It returns whether the token is fresh, due for renewal, or expired. [`strategies::cases`]
//! generates the ages at which rules typically go wrong. [`renewal_rule`](invariants::renewal_rule) reports the
//! invariant that a result violates:
//!
//! - A token with lifetime L is never served within the guard before its end. The guard is min(10 s, L/10).
//! - A token is never renewed before age 0.4 L.
//! - A renewal does not become less urgent with time, a shorter lifetime, more jitter or a hint of the server.
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
//! [`renewal_rule`](invariants::renewal_rule) explains the invariant behind each number, such as I01. The library's
//! own rule is [`by_validity`](invariants::by_validity). You can only test your own rule here: the library accepts
//! settings, not a rule.
//!
//! # Logic about expiry
//!
//! [`strategies`] generates points in time, lifetimes and token endpoint responses for the code that you test. To
//! read a response as the library does, use an exchange of a [`registration`]. The exchange takes the times at which
//! the request was sent and answered.
//!
//! ```
//! use octo_auth_core::{Freshness, Now, Scopes, Validity};
//! use octo_auth_testkit::{moment, registration, strategies};
//! use proptest::prelude::*;
//!
//! proptest!(|(terms in strategies::terms(), age in strategies::spans())| {
//!     let issued = moment::start();
//!     let later = Now { wall: issued.wall.saturating_add(age), boot: issued.boot.saturating_add(age) };
//!     let freshness = Validity::new(issued, &terms).freshness(later);
//!     prop_assert!(terms.lifetime.is_none_or(|life| age < life) || freshness == Freshness::Expired);
//! });
//! proptest!(|(answer in strategies::token_answers())| {
//!     let asking = registration::standard().client_credentials(&Scopes::none()).unwrap();
//!     let granted = asking.read(&answer, moment::start(), moment::after(1)).unwrap().value;
//!     prop_assert_eq!(granted.expires_at().is_some(), granted.lifetime().is_some());
//! });
//! ```
//!
//! # Your own transport
//!
//! A transport carries one request and its response, and decides nothing. The trait documents its duties. The suite
//! checks each duty with a server on loopback, so it needs no network. The returned `SuiteReport` names the failed checks
//! and says what was found. Formatted with `{report}`, it has one line for each failure.
//!
//! ```
//! # #[cfg(feature = "blocking")] {
//! use std::sync::atomic::{AtomicU64, Ordering};
//! use std::time::Duration;
//!
//! use http::{Request, Response};
//! use octo_auth_blocking::{Body, Transport, TransportError, UreqTransport};
//!
//! struct Counted(UreqTransport, AtomicU64);
//!
//! impl Transport for Counted {
//!     fn send(&self, request: &Request<Body>, deadline: Duration) -> Result<Response<Body>, TransportError> {
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
//! The asynchronous suite is the same with `.await`. The runtime of `#[tokio::test]` is sufficient.
//!
//! # Your own store
//!
//! A store keeps bytes under a name and a version. It replaces them only if the version is the expected one
//! (compare-and-swap). `check` tests everything that [`Store`](octo_auth_core::Store) promises.
//!
//! If [`Store::storage`](octo_auth_core::Store::storage) returns `MultiProcess`, the store also keeps claims (leases)
//! that expire. `check` tests them with the store's own clock, `check_with_clock` with a clock that the test moves.
//! Such a store must implement `claim` and `release`, because the default methods of the trait grant every claim.
//!
//! `check_handles` takes two handles of one store, as two processes hold them. It tests what each handle learns from
//! the other. The asynchronous suites are the same with `.await`.
//!
//! ```
//! # #[cfg(feature = "blocking")] {
//! use std::collections::HashMap;
//! use std::sync::Mutex;
//!
//! use octo_auth_core::{RecordBytes, RecordName, Saved, Storage, Store, StoreError, Stored, Version};
//!
//! #[derive(Default)]
//! struct Mine(Mutex<HashMap<RecordName, Stored>>);
//!
//! impl Store for Mine {
//!     fn storage(&self) -> Storage { Storage::SingleProcess }
//!     fn load(&self, name: &RecordName) -> Result<Option<Stored>, StoreError> {
//!         Ok(self.0.lock().unwrap().get(name).cloned())
//!     }
//!     fn compare_and_swap(
//!         &self, name: &RecordName, expected: Option<Version>, content: &RecordBytes,
//!     ) -> Result<Saved, StoreError> {
//!         let mut records = self.0.lock().unwrap();
//!         let stored = records.get(name).cloned();
//!         if stored.as_ref().map(|stored| stored.version) != expected {
//!             return Ok(Saved::Conflict(stored));
//!         }
//!         let version = Version(expected.map_or(1, |version| version.0 + 1));
//!         records.insert(name.clone(), Stored { version, content: content.clone() });
//!         Ok(Saved::Done(version))
//!     }
//!     fn list(&self, prefix: &str) -> Result<Vec<RecordName>, StoreError> {
//!         let records = self.0.lock().unwrap();
//!         Ok(records.keys().filter(|name| name.as_str().starts_with(prefix)).cloned().collect())
//!     }
//! }
//!
//! assert_eq!(octo_auth_testkit::blocking::store::check(&Mine::default()).failures(), []);
//! # }
//! ```
//!
//! A store holds JSON. [`StoredRecord`] reads it in a test, and writes records for a test to find.
//!
//! # A simulated world
//!
//! A [`World`] has up to eight processes that share a token server, a store and two clocks. All of them are
//! simulated. A [`Plan`] lists the events. During all events the world checks the invariants of the token lifecycle,
//! and reports each violation as a value. proptest shrinks and prints a plan that fails. Copied into a test, the plan
//! repeats exactly, with the same lines of [`World::trace`].
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
//! A [`Violation`](world::Violation) names an invariant by its number. [`invariants::WATCHED`] has the text of each.
//! [`World::after`] uses the default settings. To test your own settings, apply the events of a plan one by one:
//!
//! ```
//! use std::time::Duration;
//!
//! use octo_auth_core::Policy;
//! use octo_auth_testkit::strategies::{Focus, plans};
//! use octo_auth_testkit::{World, invariants};
//! use proptest::prelude::*;
//!
//! let mine = Policy::default().with_lead(Duration::from_secs(120))?;
//! proptest!(|(plan in plans(Focus::All, 40))| {
//!     let mut world = World::with_policy(plan.setup, mine.clone());
//!     plan.events.iter().for_each(|event| world.happen(event));
//!     prop_assert_eq!(invariants::check_all(&world), Ok(()));
//! });
//! # Ok::<(), octo_auth_core::PolicyError>(())
//! ```
//!
//! # A fleet, and a defect that must be found
//!
//! A run of many days is generated from a seed. Each episode has its own seed, which determines everything in it.
//! With a [`Defect`](world::Defect) the machines have a known defect. A test can thus show that the simulation would
//! find it. The failing plan is shrunk and written as text, which a test can replay.
//!
//! ```
//! use octo_auth_testkit::fleet::{Episode, Script, shrunk};
//! use octo_auth_testkit::world::Defect;
//!
//! # const SEED: u64 = 2;
//! assert!(Episode::of_run(4, SEED, 2).all(|episode| episode.play(None).violation.is_none()));
//!
//! let sabotage = Some(Defect::MarkerNotWritten);
//! let mut stories = Episode::of_run(500, SEED, 8).map(|episode| episode.play(sabotage));
//! let story = stories.find(|story| story.violation.is_some()).expect("it is found");
//! let script = Script { plan: shrunk(&story.plan, sabotage), sabotage };
//! let again = Script::from_text(&script.to_text())?.play();
//! println!("{}\n{}", script.to_text(), again.trace().join("\n"));
//! assert!(again.violation().is_some());
//! # Ok::<(), octo_auth_testkit::fleet::ScriptError>(())
//! ```
//!
//! # Code that uses an adapter
//!
//! A `ScriptedTransport` replaces the server, and a clock of the test replaces the real clock. Both work with either
//! adapter. The asynchronous test is the same with `.await`.
//!
//! ```
//! # #[cfg(feature = "blocking")] {
//! use std::sync::{Arc, atomic::{AtomicU32, Ordering::SeqCst}};
//!
//! use octo_auth_blocking::{Clock, Imported, Now, TokenManager, TokenSpec};
//! use octo_auth_testkit::{blocking::ScriptedTransport, moment, registration};
//!
//! struct Seconds(AtomicU32);
//! impl Clock for Seconds {
//!     fn now(&self) -> Now { moment::after(self.0.load(SeqCst)) }
//! }
//!
//! let script = ScriptedTransport::new()
//!     .json(200, r#"{"access_token":"A1","token_type":"Bearer","expires_in":3600,"refresh_token":"R2"}"#)
//!     .json(200, r#"{"access_token":"A2","token_type":"Bearer","expires_in":3600,"refresh_token":"R3"}"#);
//! let clock = Arc::new(Seconds(AtomicU32::new(0)));
//! let builder = TokenManager::builder(registration::standard());
//! let manager = builder.transport(script.clone()).clock(Arc::clone(&clock)).build()?;
//! let tokens = manager.tokens(TokenSpec::account("hotel 17"))?;
//! tokens.import(Imported::RefreshToken("R1".into()))?;
//! assert_eq!(tokens.get()?.authorization(), "Bearer A1");
//! clock.0.store(3600, SeqCst); // The token has expired: a caller waits for the next one.
//! assert_eq!(tokens.get()?.authorization(), "Bearer A2");
//! let sent: Vec<_> = script.asked().iter().filter_map(|asked| asked.parameter("refresh_token")).collect();
//! assert_eq!(sent, ["R1", "R2"]);
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A token that is only due for renewal is served at once and renewed in the background. `shutdown` waits for that
//! renewal.
//!
//! Outside of the suites, nothing here opens a socket, reads a real clock or draws its own randomness. The same plan
//! therefore always gives the same world. The crate contains no HTTP client, no runtime and no provider on the
//! network: they belong to the adapters and to the emulator.

#![forbid(unsafe_code)]
// docs.rs marks what a feature brings.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "async")]
pub mod async_;
pub mod blame;
#[cfg(feature = "blocking")]
pub mod blocking;
pub mod canary;
pub mod fleet;
pub mod invariants;
mod leases;
pub mod machine;
pub mod moment;
pub mod outcome;
pub mod registration;
pub mod response;
pub mod scenario;
#[cfg(any(feature = "async", feature = "blocking"))]
pub mod socket;
mod stored_record;
pub mod strategies;
#[cfg(any(feature = "async", feature = "blocking"))]
mod suite;
pub mod wire;
pub mod world;

pub use stored_record::StoredRecord;
pub use world::{Plan, World};
