//! OAuth tokens for synchronous programs: every caller gets a working token, renewals run as a single flight, and
//! no refresh token is lost.
//!
//! A [`TokenManager`] manages all tokens of one client that is registered at a provider. A [`TokenSource`] is a
//! handle that yields the tokens of one [`TokenSpec`]. The [`core`] makes all decisions. This crate sends the
//! requests with ureq, on threads. It does not depend on an async runtime.
//!
//! ```no_run
//! use octo_auth_blocking::{Client, Profile, Scopes, TokenManager, TokenSpec};
//!
//! # fn example(client_secret: String) -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::new(Profile::officernd(), "my-client-id", client_secret)?;
//! let manager = TokenManager::new(client)?;
//! let tokens = manager.tokens(TokenSpec::client_credentials(&Scopes::parse("flex.community.members.read")?))?;
//!
//! // Call it as often as you like, from any thread. A valid token is returned at once, an expired one is renewed once.
//! let token = tokens.get()?;
//! let request = http::Request::get("https://app.officernd.com/api/v2/organizations/example/members")
//!     .header("authorization", token.authorization())
//!     .body(())?;
//! # fn send(_: http::Request<()>) -> Result<http::StatusCode, std::io::Error> { Ok(http::StatusCode::OK) }
//! if send(request)? == 401 {
//!     tokens.refused(token.generation()); // the next call returns another token, if one can be obtained
//! }
//!
//! manager.shutdown(); // before the program ends: requests in flight are finished, and their results are saved
//! # Ok(())
//! # }
//! ```
//!
//! # What it promises
//!
//! - **Single flight.** Any number of threads may ask for a token. Each spec has at most one request in flight. A
//!   failed request is not retried before its back-off ends, and the provider's rate limit is respected.
//! - **One account does not stop the others.** A failure counts against the spec that met it. All specs of the
//!   `TokenManager` back off only for one of three reasons: a request could not be sent, the client exceeded its
//!   rate limit, or eight specs failed without a success in between.
//! - **A valid token stays usable.** If the token endpoint or the store fails, a token that is still valid is
//!   still returned. Until its renewal is due, a token is returned without a lock. After that, it is still
//!   returned without waiting.
//! - **No lost refresh token.** A flight runs on its own thread until its result is stored. A caller that gives up
//!   or panics does not stop it. If a transport or a store panics, the flight is reported as lost, and the next
//!   caller continues from there.
//! - **No silent stall.** On a worker thread of an async runtime, recognised by its name, a call that would have
//!   to wait returns an error that says so. Use `octo-auth-async` there; it has the same names. [`Changes`] wait
//!   on any thread.
//!
//! [`manual::lifecycle`](octo_auth_core::manual::lifecycle) lists the rules.
//!
//! # Where refresh tokens are stored
//!
//! [`TokenSource::import`] imports a refresh token that came from a sign-in, a property creation or a migration. A
//! refresh token from a configuration file is imported as [`Imported::Seed`]. A refresh token outlives the process
//! only in a [`Store`], which keeps bytes under names. [`MemoryStore`] is for tests, and for several
//! `TokenManager`s in one process.
//!
//! Processes that share a store ([`Storage::MultiProcess`]) renew each token once for all of them. The other
//! processes see a sign-in or sign-out within 60 s ([`Policy::with_reread_interval`]) plus one read of the store,
//! while they use the spec. If the store sends notifications ([`Store::changes`]), they see it at their next call.
//! [`manual::stores`](octo_auth_core::manual::stores) explains how to write a store.
//!
//! # Threads
//!
//! A thread runs only while a job is in progress: at most 64 for each [`TokenManager`], and one for each
//! [`TokenManager::refresh_ahead`]. Further jobs wait for a free thread. A job that has waited for 5 s is
//! cancelled before it starts, and retried like any failure. If a call of the store never returns, its thread is
//! never free again.
//!
//! A program with its own HTTP client implements [`Transport`], or uses only the core. A [`Runner`] runs single
//! exchanges without the lifecycle.
//!
//! # Calling the provider's API
//!
//! The shortest way to each provider is its client: [`octorate`], [`octotable`], [`officernd`] or, for any
//! standard server, [`rfc6749`]. Each module is one page that follows the provider's own documentation.
//!
//! Below them are two ways to make calls that always carry a token. Neither sends a call without a token, or a
//! token to a host that the profile does not list. Both understand the provider's refusals (Octorate answers 403
//! when a token has expired), and return the provider's answer unchanged:
//!
//! | for | use | a refused call |
//! |---|---|---|
//! | a few calls, without an HTTP client of your own | [`ApiClient`] | is repeated once, with another token |
//! | a ureq agent | [`Authorize`], a middleware | is reported, so that the next call has another token |
//!
//! For any other HTTP client, the core's [`Authorizer`] makes the same decisions step by step.
//! [`TokenSource::authorizer`] returns it.
//!
//! # Proxies
//!
//! [`UreqTransport::new`] uses the proxy that the environment names (`HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`):
//! HTTP, HTTPS, SOCKS4 or SOCKS5. The module [`proxies`] lists the values that are accepted. A value that cannot
//! be used is an error. Use [`UreqTransport::with_proxies`] for other proxies, and
//! [`UreqTransport::with_root_certificates`] for a private certificate authority.
//!
//! # Telemetry
//!
//! The library emits spans and events of `tracing` (feature `tracing`, on by default) and metrics of `metrics`
//! (feature `metrics`, off by default). They contain no secret, no authorization code and no query of a URL. If a
//! subscriber panics or calls back into the library, no token is lost. [`telemetry`] lists every name, level,
//! field, label, value and unit. They are stable. The most useful ones:
//!
//! | for | metric | event |
//! |---|---|---|
//! | renewals, by cause and outcome | `octo_auth_renewals_total` | `octo_auth.requested`, `octo_auth.renewed`, `octo_auth.setback` |
//! | a user must sign in again | | `octo_auth.sign_in_needed` |
//! | how long callers waited | `octo_auth_wait_seconds` | `octo_auth.waited` |
//! | tokens that were refused | `octo_auth_refusals_total` | `octo_auth.refused` |
//! | requests the provider still allows | `octo_auth_budget_left` | |
//! | time until the token expires | `octo_auth_seconds_to_expiry` | `octo_auth.renewed` |
//!
//! Requests and store calls are spans: `octo_auth.request` and `octo_auth.store`.
//!
//! A ureq agent logs every byte that it sends and receives with the crate `log`, at level trace, under the target
//! `ureq_proto`. [`UreqTransport`] does not: it uses ureq only to open connections, and ureq does not see the
//! data. An agent of your own, with or without [`Authorize`], logs the token and the bodies of each call. If level
//! trace is on, keep that target at debug: `RUST_LOG=trace,ureq_proto=debug`.

// docs.rs marks what a feature brings.
#![cfg_attr(docsrs, feature(doc_cfg))]

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
