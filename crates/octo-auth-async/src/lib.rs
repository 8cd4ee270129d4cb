//! OAuth tokens for asynchronous programs: every caller gets a working token, renewals run as a single flight, and
//! no refresh token is lost.
//!
//! A [`TokenManager`] manages all tokens of one client that is registered at a provider. A [`TokenSource`] is a
//! handle that yields the tokens of one [`TokenSpec`]. The [`core`] makes all decisions. This crate sends the
//! requests with reqwest, in tokio tasks.
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
//! // Call it as often as you like, from any task. A valid token is returned at once, an expired one is renewed once.
//! let token = tokens.get().await?;
//! let status = call(token.authorization()).await?; // your request, with this `Authorization`
//! if status == 401 {
//!     // The next call of `get` returns another token, if one can be obtained.
//!     tokens.refused(token.generation());
//! }
//!
//! // Before the runtime ends: requests in flight are finished, and their results are saved.
//! manager.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! # What it promises
//!
//! - **Single flight.** Any number of tasks may ask for a token. Each spec has at most one request in flight. A
//!   failed request is not retried before its back-off ends, and the provider's rate limit is respected.
//! - **One account does not stop the others.** A failure counts against the spec that met it. All specs of the
//!   `TokenManager` back off only for one of three reasons: a request could not be sent, the client exceeded its
//!   rate limit, or eight specs failed without a success in between.
//! - **A valid token stays usable.** If the token endpoint or the store fails, a token that is still valid is
//!   still returned. Until its renewal is due, a token is returned without a lock and without an allocation. After
//!   that, it is still returned without waiting.
//! - **No lost refresh token.** A flight runs in its own task until its result is stored. A caller that is dropped
//!   at any `await` does not stop it. If the runtime ends first, or a transport or store panics, the flight is
//!   reported as not sent or as lost. The next caller continues from there. The answer to a request that had
//!   already been sent is then lost.
//! - **Predictable waiting.** A caller does not wait longer than its own limit. Outside a tokio runtime, a call
//!   that would have to wait returns an error that says so. Every [`TokenError`] says who must act and when. A
//!   [`Status`] and [`TokenSource::explain`] describe the state of a spec, and [`Changes`] reports its events.
//!
//! [`manual::lifecycle`](octo_auth_core::manual::lifecycle) lists the rules.
//!
//! # Where refresh tokens are stored
//!
//! [`TokenSource::import`] imports a refresh token that came from a sign-in, a property creation or a migration. A
//! refresh token from a configuration file is imported as [`Imported::Seed`]. A refresh token outlives the process
//! only in a [`Store`], which keeps bytes under names. [`BlockingStore`] wraps a synchronous store.
//! [`MemoryStore`] is for tests, and for several `TokenManager`s in one process.
//!
//! Processes that share a store ([`Storage::MultiProcess`]) renew each token once for all of them. The other
//! processes see a sign-in or sign-out within 60 s ([`Policy::with_reread_interval`]) plus one read of the store,
//! while they use the spec. If the store sends notifications ([`Store::changes`]), they see it at their next call.
//! [`manual::stores`](octo_auth_core::manual::stores) explains how to write a store.
//!
//! # Calling the provider's API
//!
//! The shortest way to each provider is its client: [`octorate`], [`octotable`], [`officernd`] or, for any
//! standard server, [`rfc6749`]. Each module is one page that follows the provider's own documentation.
//!
//! Below them are three ways to make calls that always carry a token. None of them sends a call without a token,
//! or a token to a host that the profile does not list. Each one understands the provider's refusals (Octorate
//! answers 403 when a token has expired). Each one renews a refused token once for all callers, and returns the
//! provider's answer unchanged:
//!
//! | for | use | a refused call |
//! |---|---|---|
//! | a few calls, without an HTTP client of your own | [`ApiClient`] | is repeated once |
//! | a reqwest client | `Authorize`, feature `reqwest-middleware` | is repeated once, unless its body is a stream |
//! | a stack of tower services, such as hyper's client | `AuthorizeLayer`, feature `tower` | is repeated once if you say how to copy its body |
//!
//! Two of the examples are complete programs: `tower_stack`, a web service that sends its calls through a tower
//! stack, and `retry_beside`, a reqwest client that also has a retry middleware.
//!
//! For any other HTTP client, the core's [`Authorizer`] makes the same decisions step by step.
//! [`TokenSource::authorizer`] returns it.
//!
//! # Proxies
//!
//! [`ReqwestTransport::new`] uses the proxy that the environment names (`HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`):
//! HTTP, HTTPS, SOCKS4 or SOCKS5. The module [`proxies`] lists the values that are accepted. A value that cannot
//! be used is an error. Use [`ReqwestTransport::with_proxies`] for other proxies, and
//! [`ReqwestTransport::with_root_certificates`] for a private certificate authority.
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
//! # Without the lifecycle
//!
//! A [`Runner`] runs a single [`Exchange`]: any grant, revocation or onboarding call of any provider. A program
//! with its own HTTP client implements [`Transport`], or uses only the core. The blocking adapter,
//! `octo-auth-blocking`, has the same names and uses ureq.
//!
//! # Without reqwest
//!
//! The feature `reqwest`, on by default, adds [`ReqwestTransport`], and with it the dependencies reqwest, hyper
//! and rustls. A crate that implements [`Store`], or a program that implements [`Transport`], does not need it:
//! set `default-features = false`. Without the feature, building a `TokenManager` or `Runner` without a transport
//! returns a [`SetupError`].

// docs.rs marks what a feature brings.
#![cfg_attr(docsrs, feature(doc_cfg))]

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
