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
//! | many days of a fleet, drawn from a seed, with a known defect or without | [`fleet`], [`world::Defect`] | |
//! | what the trouble of a few accounts costs hundreds of others | [`blame`] | |
//! | a sequence of events, told in plain text | [`scenario`] | |
//! | what the accounts of a registration decide, step by step | [`machine`] | |
//! | code that uses either adapter | `async_::ScriptedTransport`, `blocking::ScriptedTransport` | the same |
//!
//! All of it goes under `[dev-dependencies]`, beside `proptest = "1"` where properties are written. An asynchronous
//! transport or store needs `async-trait = "0.1"` as well: `#[async_trait::async_trait]` stands before its `impl`.
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
//! The sentence behind a number, such as I01, stands at [`renewal_rule`](invariants::renewal_rule). The rule of the
//! library is [`by_validity`](invariants::by_validity); one of yours is tested here only, since the library takes
//! settings and no rule.
//!
//! # Logic about expiry
//!
//! [`strategies`] draws moments, lifetimes and answers for whatever you compute from them. An answer is read as the
//! library reads it by an exchange of a [`registration`], which says at what moments it was sent and answered.
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
//! The asynchronous suite is the same with `.await`, and `#[tokio::test]` is runtime enough for it.
//!
//! # Your own store
//!
//! A store keeps bytes for each name under a version, and replaces them only if the version is the expected one. `check`
//! looks at all that [`Store`](octo_auth_core::Store) promises. Where [`Store::storage`](octo_auth_core::Store::storage)
//! says `MultiProcess`, the store also keeps claims that end by themselves; `check` looks at them with the store's own
//! clock, `check_with_clock` with one that the test moves. Such a store has a `claim` and a `release` of its own: those of
//! the trait grant everything. `check_handles` takes two handles of one store, as two processes have them, and looks at
//! what each learns of the other. The asynchronous suites are the same with `.await`.
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
//! What a store holds is JSON; [`StoredRecord`] reads it for a test, and writes a record to be found by one.
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
//! A [`Violation`](world::Violation) names an invariant by its number; [`invariants::WATCHED`] says what it is. The
//! world of [`World::after`] has the default settings. Yours are tried by letting the events of a plan happen one by
//! one:
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
//! A run of many days is drawn from a seed; each of its episodes is what its own seed says. With a
//! [`Defect`](world::Sabotage) the machines have a known defect, so that a test shows that it would find one. What
//! was found is shrunk and written down as a text, which a test plays again.
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
//! A `ScriptedTransport` stands in for the server, and a clock of the test for time; both fit either adapter. The
//! same with `.await` is the asynchronous test.
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
//! clock.0.store(3600, SeqCst); // it has expired: whoever asks waits for the next one
//! assert_eq!(tokens.get()?.authorization(), "Bearer A2");
//! let sent: Vec<_> = script.asked().iter().filter_map(|asked| asked.parameter("refresh_token")).collect();
//! assert_eq!(sent, ["R1", "R2"]);
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A token that is only due for renewal is served at once and renewed beside its use; `shutdown` waits for that.
//!
//! The rule kept here: outside of the suites nothing opens a socket, reads a clock or draws randomness of its own, so
//! that the same plan gives the same world. Deliberately absent: an HTTP client, a runtime, and providers to talk to
//! over the network, which are the adapters' and the emulator's.

#![forbid(unsafe_code)]

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
