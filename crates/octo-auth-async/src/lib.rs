//! OAuth tokens for asynchronous programs: a working token for every caller, one renewal at a time, no lost refresh token.
//!
//! A [`TokenManager`] is a registration at a provider; [`TokenSource`] is a handle to one [`TokenSpec`] of it: what a token is for.
//! The core decides; this crate sends the requests by reqwest, in tasks of tokio.
//!
//! ```no_run
//! use octo_auth_async::{Client, Profile, Scopes, TokenManager, TokenSpec};
//!
//! # async fn call(authorization: &http::HeaderValue) -> Result<u16, std::io::Error> { Ok(200) }
//! # async fn example(client_secret: String) -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::new(Profile::officernd(), "my-client-id", client_secret)?;
//! let manager = TokenManager::new(client)?;
//! let tokens = manager.tokens(TokenSpec::client_credentials(&Scopes::parse("flex.community.members.read")?))?;
//!
//! // As often as you like, from any task: a valid token is served at once, an expired one is renewed once.
//! let token = tokens.get().await?;
//! let status = call(token.authorization()).await?; // your request, with this `Authorization`
//! if status == 401 {
//!     // The next call of `get` brings another token, if one can be had.
//!     tokens.refused(token.generation());
//! }
//!
//! // Before the runtime ends: what is in flight is finished and saved.
//! manager.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! # What it promises
//!
//! - **One renewal.** However many tasks ask, a key has one request in flight. A failed request is not repeated before its
//!   pause ends, and the provider's limit of requests is kept.
//! - **One account does not stop the others.** A failure is charged to the key that met it. The whole registration pauses
//!   only with evidence: nothing could be sent, the client's limit is exceeded, or eight keys failed with no success
//!   between.
//! - **A working token is served.** No failure of the endpoint or the store costs a token that is still valid. Until its
//!   renewal is due, a token is served without a lock and without allocation; after that still without waiting.
//! - **No lost refresh token.** A flight runs in its own task to its end, through sending and storing. Dropping a caller
//!   at any await does not change that. If the runtime ends first, or a transport or store panics, the flight is reported as
//!   not sent or as lost, and the next caller goes on from there. The answer to a request that was sent by then is lost.
//! - **No surprise.** A caller waits no longer than it said. Outside a tokio runtime, a call that would have to wait
//!   fails and says so. Every [`TokenError`] says who must act and when. A [`Status`] and [`TokenSource::explain`] describe a key,
//!   [`Changes`] reports its events.
//!
//! The rules are in [`manual::lifecycle`](octo_auth_core::manual::lifecycle).
//!
//! # Where refresh tokens are stored
//!
//! A refresh token comes into a key by [`TokenSource::import`], from a sign-in, a property creation or a migration; one from a
//! configuration is imported as [`Imported::Seed`]. It outlives the process only in a [`Store`], which keeps bytes under
//! names. [`BlockingStore`] wraps a synchronous store; [`MemoryStore`] is for tests, and for several registrations of one
//! process. Processes that share a store ([`Storage::MultiProcess`]) renew each token once for all of them. A sign-in or
//! sign-out in one process reaches the others, while they are in use, within 60 s and one reading of the store
//! ([`Policy::with_reread_interval`]), or with their next call where the store notifies ([`Store::changes`]).
//! [`manual::stores`](octo_auth_core::manual::stores) says how to write a store.
//!
//! # Calling the provider's API
//!
//! The shortest way to each provider is its client, [`octorate`], [`octotable`], [`officernd`] or, for any standard server,
//! [`rfc6749`]: a page each that follows the provider's own document. Below them are three ways to make calls that are always authorised. Each sends no call
//! without a token, and no token to a host that the profile does not list. Each knows what the provider's refusals mean
//! (Octorate answers 403 when a token has expired), renews a refused token once for all callers, and returns the provider's
//! answer whole:
//!
//! | for | take | a refused call |
//! |---|---|---|
//! | a few calls, no HTTP client of your own | [`ApiClient`] | is repeated once |
//! | a client of reqwest | `Authorize`, feature `reqwest-middleware` | is repeated once, unless its body is a stream |
//! | a stack of tower services, such as hyper's client | `AuthorizeLayer`, feature `tower` | is repeated once if you say how to copy its body |
//!
//! Two of the examples are whole programs: `tower_stack`, a web service whose calls go through a tower stack, and
//! `retry_beside`, a client of reqwest with a retry middleware beside it.
//!
//! For any other client the core's [`Authorizer`] decides the same, step by step; [`TokenSource::authorizer`] returns it.
//!
//! # Proxies
//!
//! [`ReqwestTransport::new`] goes through the proxy that the environment names (`HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`): http, https,
//! SOCKS4 or SOCKS5. The module [`proxies`] lists what may stand there; a setting that cannot be used is an error. For other
//! proxies see [`ReqwestTransport::with_proxies`], for a private certificate authority
//! [`ReqwestTransport::with_root_certificates`].
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
//! # Without the lifecycle
//!
//! A [`Runner`] runs an [`Exchange`] once: each grant, revocation and onboarding call of each provider. A program with an
//! HTTP client of its own implements [`Transport`], or uses the core alone. The blocking
//! adapter, `octo-auth-blocking`, has the same names over ureq.
//!
//! # Without reqwest
//!
//! The feature `reqwest`, on by default, brings [`ReqwestTransport`], and with it reqwest, hyper and rustls. A crate that
//! implements [`Store`], or a program that implements [`Transport`], does without it: `default-features = false`. Then
//! a registration or a runner that is given no transport is a [`SetupError`].

pub mod octorate;
pub mod octotable;
pub mod officernd;
pub mod rfc6749;
pub mod web;

mod api_client;
mod blocking_store;
mod changes;
mod deadline;
mod drive;
mod exchange_task;
mod job_runner;
mod manager;
#[cfg(any(feature = "reqwest-middleware", feature = "tower"))]
mod middleware;
mod refresh_ahead;
mod registration;
#[cfg(feature = "reqwest")]
mod reqwest;
mod runner;
mod store;
mod token_source;
mod transport;
mod usual_transport;

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
    Storage, StoreError, Stored, Timestamp, Token, TokenError, TokenErrorKind, TokenSet, TokenSpec,
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

#[cfg(feature = "reqwest")]
pub use self::reqwest::ReqwestTransport;
pub use api_client::ApiClient;
pub use blocking_store::BlockingStore;
pub use changes::Changes;
pub use manager::{Builder, TokenManager};
#[cfg(feature = "reqwest-middleware")]
pub use middleware::Authorize;
#[cfg(feature = "tower")]
pub use middleware::{AuthorizeLayer, AuthorizeService, WholeBody};
pub use refresh_ahead::RefreshTask;
pub use runner::Runner;
pub use store::Store;
pub use token_source::TokenSource;
pub use transport::Transport;
