//! Drives the core's `TokenManager` for many concurrent callers. Asynchronous and blocking adapters use it.
//!
//! The core makes all decisions. This crate keeps the core's `TokenManager` under one lock and passes each
//! decision to the callers that it concerns. It does no IO, starts no task or thread, and blocks only in
//! [`Listener::wait_timeout`]. An adapter does four things:
//!
//! | the adapter | with |
//! |---|---|
//! | asks for a caller, and acts on the result | [`Shared::ask`] and [`CallerAction`] |
//! | runs jobs, on its own tasks or threads, and reports each | [`JobGuard`] |
//! | waits, as a future or by blocking | [`Listener`] |
//! | retries failed saves, without a caller | [`Shared::on_unsaved`] and [`Saver`] |
//!
//! Call [`KeyCell::snapshot`] first: it returns a valid token without the lock. If [`CallerAction::Run`] contains a token,
//! pass the guard to another thread and return the token. The example below runs the job directly. At the end,
//! call [`Shared::release`] for each spec and [`Shared::shut_down`], and wait with [`Shared::listen_while_busy`].
//!
//! This crate emits the telemetry events. With the methods of [`Shared::telemetry`], the adapter adds spans around
//! requests and store calls, and reports how long callers waited.
//!
//! ```
//! use octo_auth_core::{Caller, Client, Job, Policy, Profile, Scopes, Storage, TokenManager, TokenSpec, Waits};
//! use octo_auth_driver::{Shared, CallerAction};
//! use octo_auth_system::{SystemClock, entropy};
//! use std::{sync::Arc, time::Duration};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::new(Profile::octotable(), "public_0123", "client-secret")?;
//! let machine = TokenManager::new(client, Policy::default(), Storage::None, &entropy()?);
//! let shared = Shared::new(machine, Arc::new(SystemClock));
//! let cell = shared.acquire(&TokenSpec::client_credentials(&Scopes::none()))?;
//! let mut caller = Caller::new(Waits::Until(shared.now().boot + Duration::from_secs(30)));
//! let token = loop {
//!     match shared.ask(&cell, &mut caller) {
//!         CallerAction::Token(token) => break token,
//!         CallerAction::TokenError(failure) => return Err(failure.into()),
//!         CallerAction::Wait(listener, at_most) => drop(listener.wait_timeout(at_most)),
//!         CallerAction::Run(_, mut guard) => {
//!             while let Some((job, sent)) = guard.begin() {
//!                 let Job::Send(job) = job else { unreachable!("there is no store") };
//!                 // Send `job.request()` with an HTTP client of your own; here the answer is already known.
//!                 let body = r#"{"access_token":"at-1","token_type":"Bearer","expires_in":3600}"#;
//!                 let response = http::Response::builder().header("content-type", "application/json").body(body)?;
//!                 guard.report(job.answered(&response, sent, shared.now()));
//!             }
//!         }
//!     }
//! };
//! assert_eq!(token.authorization(), "Bearer at-1");
//! # Ok(())
//! # }
//! ```

// docs.rs marks what a feature brings.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod admission;
mod calls;
mod event;
mod job_guard;
mod key_cell;
mod pending_events;
mod saver;
mod shared;
mod snapshot_cell;
mod subscribers;
mod sync;
pub mod telemetry;
mod unfinished;
pub mod web;

pub use admission::{Admission, Admitted};
pub use calls::{CallerAction, Due};
pub use event::Listener;
pub use job_guard::JobGuard;
pub use key_cell::KeyCell;
pub use saver::Saver;
pub use shared::{Running, Shared};
pub use snapshot_cell::Snapshot;
pub use subscribers::Changes;
pub use unfinished::Unfinished;
