//! OAuth tokens for synchronous programs: a working token for every caller, one renewal at a time, over ureq.
//!
//! [`TokenManager`] is one registration at a provider; [`TokenSource`] is a handle to one [`TokenSpec`] of it: what a token is for.
//! The [`core`] decides; this crate sends the requests by ureq, on threads. There is no async runtime among its
//! dependencies.
//!
//! ```no_run
//! use octo_auth_blocking::{Client, Profile, Scopes, TokenManager, TokenSpec};
//!
//! # fn example(client_secret: String) -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::new(Profile::officernd(), "my-client-id", client_secret)?;
//! let manager = TokenManager::new(client)?;
//! let tokens = manager.tokens(TokenSpec::client_credentials(&Scopes::parse("flex.community.members.read")?))?;
//!
//! // As often as you like, from any thread: a valid token is served at once, an expired one is renewed once.
//! let token = tokens.get()?;
//! let request = http::Request::get("https://app.officernd.com/api/v2/organizations/example/members")
//!     .header("authorization", token.authorization())
//!     .body(())?;
//! # fn send(_: http::Request<()>) -> Result<http::StatusCode, std::io::Error> { Ok(http::StatusCode::OK) }
//! if send(request)? == 401 {
//!     tokens.refused(token.generation()); // the next call brings another token, if one can be had
//! }
//!
//! manager.shutdown(); // before the program ends: what is in flight is finished and saved
//! # Ok(())
//! # }
//! ```
//!
//! # What it promises
//!
//! - **One renewal.** However many threads ask, a key has one request in flight. A failed request is not repeated before
//!   its pause ends, and the provider's limit of requests is kept.
//! - **One account does not stop the others.** A failure is charged to the key that met it. The whole registration pauses
//!   only with evidence: nothing could be sent, the client's limit is exceeded, or eight keys failed with no success
//!   between.
//! - **A working token is served.** No failure of a renewal or a store costs a token that still works. Until its renewal
//!   is due, a token is served without a lock; after that still without waiting.
//! - **No lost refresh token.** An exchange and its saving run on their own thread. A caller that gives up or panics does
//!   not stop them. If a transport or a store panics, the flight is reported as lost, and the next caller goes on from
//!   there.
//! - **No silent stall.** On a thread that is named as a worker of an async runtime, a call that would have to wait fails
//!   and says so. Use `octo-auth-async` there, which has the same names. [`Changes`] wait on any thread.
//!
//! The rules are in [`manual::lifecycle`](octo_auth_core::manual::lifecycle).
//!
//! # Where refresh tokens are stored
//!
//! A refresh token comes into a key by [`TokenSource::import`], from a sign-in, a property creation or a migration; one from a
//! configuration is imported as [`Imported::Seed`]. It outlives the process only in a [`Store`], which keeps bytes under
//! names. [`MemoryStore`] is for tests, and for several registrations of one process. Processes that share a store
//! ([`Storage::MultiProcess`]) renew each token once for all of them. A sign-in or sign-out in one process reaches the
//! others, while they are in use, within 60 s and one reading of the store ([`Policy::with_reread_interval`]), or with
//! their next call where the store notifies ([`Store::changes`]).
//! [`manual::stores`](octo_auth_core::manual::stores) says how to write a store.
//!
//! # Threads
//!
//! A thread runs only while a job is in progress: at most 64 for each [`TokenManager`], and one for each
//! [`TokenManager::refresh_ahead`]. A job beyond that waits for a free thread. After 5 s it is given up as not begun, and tried
//! again like any failure. A store that never answers holds its thread as long. A program with an HTTP client of its own
//! implements [`Transport`], or uses the core alone. A [`Runner`] runs single exchanges without the lifecycle.
//!
//! # Calling the provider's API
//!
//! The shortest way to each provider is its client, [`octorate`], [`octotable`], [`officernd`] or, for any standard server,
//! [`rfc6749`]: a page each that follows the provider's own document. Below them are two ways to make calls that are always authorised. Each sends no call
//! without a token, and no token to a host that the profile does not list. Each knows what the provider's refusals mean
//! (Octorate answers 403 when a token has expired), and returns the provider's answer whole:
//!
//! | for | take | a refused call |
//! |---|---|---|
//! | a few calls, no HTTP client of your own | [`ApiClient`] | is repeated once, with another token |
//! | an agent of ureq | [`Authorize`], a middleware | is reported, so that the next call has another token |
//!
//! For any other client the core's [`Authorizer`] decides the same, step by step; [`TokenSource::authorizer`] returns it.
//!
//! # Proxies
//!
//! [`UreqTransport::new`] goes through the proxy that the environment names (`HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`): http, https,
//! SOCKS4 or SOCKS5. The module [`proxies`] lists what may stand there; a setting that cannot be used is an error. For other
//! proxies see [`UreqTransport::with_proxies`], for a private certificate authority
//! [`UreqTransport::with_root_certificates`].
//!
//! # Telemetry
//!
//! Spans and events of `tracing` (feature `tracing`, on by default) and measures of `metrics` (feature `metrics`, off
//! by default). No secret, no code and no query of a URL is in them. A subscriber may panic or call back: no token is lost
//! by it. Every name, level, field, label, word and unit is listed in [`telemetry`] and is stable. The most useful ones:
//!
//! | for | measure | event |
//! |---|---|---|
//! | renewals, by cause and outcome | `octo_auth_renewals_total` | `octo_auth.requested`, `octo_auth.renewed`, `octo_auth.setback` |
//! | a user must sign in again | | `octo_auth.sign_in_needed` |
//! | how long callers waited | `octo_auth_wait_seconds` | `octo_auth.waited` |
//! | tokens that were refused | `octo_auth_refusals_total` | `octo_auth.refused` |
//! | requests the provider still allows | `octo_auth_budget_left` | |
//! | how long the token lasts | `octo_auth_seconds_to_expiry` | `octo_auth.renewed` |
//!
//! Requests and calls of the store are spans: `octo_auth.request` and `octo_auth.store`.
//!
//! An agent of ureq writes every byte that passes through it into the log of the crate `log`, at level trace under the
//! target `ureq_proto`. [`UreqTransport`] does not: ureq makes its connections and sees nothing of what goes over them. An
//! agent of your own, with [`Authorize`] or without, logs the token with each call, and the bodies. Where trace is on, keep
//! that target at debug: `RUST_LOG=trace,ureq_proto=debug`.

pub mod octorate;
pub mod octotable;
pub mod officernd;
pub mod rfc6749;
pub mod web;

mod api_client;
mod changes;
mod context;
mod drive;
mod job_runner;
mod manager;
mod middleware;
mod refresh_ahead;
mod runner;
mod runtime_detection;
mod store;
mod thread_pool;
mod token_source;
mod transport;
mod ureq;

/// The core: every type and function that is not re-exported at the root of this crate.
pub use octo_auth_core as core;

pub use octo_auth_core::profile;
pub use octo_auth_core::{
    ANSWER_LIMIT, AccessToken, Action, AdminToken, Answer, ApiAnswer, ApiCall, ApiConfiguration, ApiError,
    AuthorizationCode, Authorizer, Body, CallError, CallbackError, Change, ChangeListener, Claimed, Client,
    CreatedClient, CreatedProperty, Delivery, Deviation, Diagnostic, Entropy, ErrorKind, Evaluation, Event,
    Exchange, ExchangeError, FamilyId, Freshness, Generation, Grant, Imported, Introspection, Lead,
    NewClient, Now, OnboardingError, PendingAuthorization, Policy, PolicyError, Position, Profile,
    ProfileError, Published, Purpose, RecordBytes, RecordError, RecordName, RecordNameError, RefreshAhead,
    RejectedCallback, Remedy, Reply, RequestError, Retry, Saved, Scopes, Secret, SendOptions, State, Status,
    Storage, Store, StoreError, Stored, Timestamp, Token, TokenError, TokenErrorKind, TokenSet, TokenSpec,
    TokenStatus, TokenTypeHint, TransportError, Validity, Version, note_framing,
};
pub use octo_auth_driver::Unfinished;
#[doc(inline)]
pub use octo_auth_driver::telemetry;
#[doc(inline)]
pub use octo_auth_system::proxies;
pub use octo_auth_system::{
    Clock, ClockListener, EntropyError, MemoryStore, SetupError, SystemClock, entropy,
};

pub use self::ureq::UreqTransport;
pub use api_client::ApiClient;
pub use changes::Changes;
pub use manager::{Builder, TokenManager};
pub use middleware::{Authorize, StatusesAreErrors};
pub use refresh_ahead::RefreshTask;
pub use runner::Runner;
pub use token_source::TokenSource;
pub use transport::Transport;
