//! OAuth tokens for synchronous programs: always a working token, renewed once for all callers, over ureq.
//!
//! [`Accounts`] is one registration at a provider, [`Tokens`] the handle to one token of it. The core decides, this
//! crate carries; what a request looks like, what an answer means and when a token is renewed is written in [`core`].
//! There is no async runtime among its dependencies.
//!
//! ```no_run
//! use octo_auth_blocking::{Accounts, Client, Key, Profile, Scopes};
//!
//! # fn example(client_secret: String) -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::new(Profile::officernd(), "my-client-id", client_secret)?;
//! let accounts = Accounts::new(client)?;
//! let tokens = accounts.tokens(Key::client_credentials(&Scopes::parse("flex.community.members.read")?))?;
//!
//! // As often as one likes, from any thread: a valid token is served at once, an expired one renewed once.
//! let token = tokens.get()?;
//! let request = http::Request::get("https://app.officernd.com/api/v2/organizations/example/members")
//!     .header("authorization", token.authorization())
//!     .body(())?;
//! # fn send(_: http::Request<()>) -> Result<http::StatusCode, std::io::Error> { Ok(http::StatusCode::OK) }
//! if send(request)? == 401 {
//!     tokens.refused(token.generation()); // the next call brings another token, if one can be had
//! }
//!
//! accounts.shutdown(); // before the program ends: what is under way ends, and what came is saved
//! # Ok(())
//! # }
//! ```
//!
//! # What it promises
//!
//! - **One renewal.** However many threads ask, a key has one request under way; a failed one is not repeated before
//!   its time, and the provider's limit of requests is kept, whatever fails.
//! - **A working token is served.** No failure of a renewal or a store costs a token that still works. Serving one
//!   that is not due for renewal takes no lock and does not wait.
//! - **Nothing lost by a caller.** An exchange and its saving run on a thread of their own; a caller that gives up or
//!   panics stops nothing. What a transport or store that panics leaves behind is reported and made good where it
//!   can be. A refresh token outlives the process only in a [`Store`].
//! - **No silent stall.** Where a call would have to wait on a thread named as a worker of an async runtime it does
//!   not, and says so; use `octo-auth-async` there, which has the same names. [`Changes`] wait on any thread.
//!
//! A thread runs only while a job is under way, 64 at most for each [`Accounts`], and one for each
//! [`Accounts::keep_warm`]. What is due beyond that waits for one of them; after 5 s it is given up as not begun, and
//! tried again like any failure. A store that never answers holds its thread as long. A program with
//! an HTTP client of its own implements [`Transport`], or uses the core alone. For single exchanges without any
//! lifecycle there is [`Runner`].
//!
//! # Calling the provider's API
//!
//! The shortest way to each provider is its front door, [`octorate`], [`octotable`] or [`officernd`]: a page each that
//! follows the provider's own document. Below them are two ways to make calls that are always authorised. Each sends
//! nothing without a token and none to a foreign host, knows what each provider's refusals mean (Octorate answers 403
//! when a token has expired), and hands on the provider's answer whole:
//!
//! | for | take | a refused call |
//! |---|---|---|
//! | a few calls, no HTTP client of your own | [`ApiClient`] | is repeated once, with another token |
//! | an agent of ureq | [`Authorize`], a middleware | is reported, so that the next call has another token |
//!
//! For any other client the core's [`Authorizer`] decides the same, step by step; [`Tokens::authorizer`] gives it.
//!
//! # What it tells
//!
//! Spans and events of `tracing` (feature `tracing`, on by default) and measures of `metrics` (feature `metrics`, off
//! by default). No secret, no code and no query of a URL is in them, and who hears them may panic or call back: no
//! token is lost by it. Every name, level, field, label, word and unit stands in [`telling`] and is stable; these are
//! what to look for first:
//!
//! | for | measure | event |
//! |---|---|---|
//! | renewals, by cause and outcome | `octo_auth_renewals_total` | `octo_auth.requested`, `octo_auth.renewed`, `octo_auth.setback` |
//! | somebody must sign in again | | `octo_auth.sign_in_needed` |
//! | how long callers waited | `octo_auth_wait_seconds` | `octo_auth.waited` |
//! | tokens that were refused | `octo_auth_refusals_total` | `octo_auth.refused` |
//! | requests the provider still allows | `octo_auth_budget_left` | |
//! | how long the token lasts | `octo_auth_seconds_to_expiry` | `octo_auth.renewed` |
//!
//! Requests and calls of the store are spans: `octo_auth.request` and `octo_auth.store`.
//!
//! ureq itself writes every byte that passes through it into the log of the crate `log`, at level trace under the target
//! `ureq_proto`. Of what goes over [`UreqTransport`] it sees no credential, no query and no body, and logs stars in
//! their place. An agent of your own, with [`Authorize`] or without, has no such veil: it logs the token with each call
//! and the bodies as well. Where trace is on, keep that target at debug: `RUST_LOG=trace,ureq_proto=debug`.

pub mod octorate;
pub mod octotable;
pub mod officernd;

mod accounts;
mod api_client;
mod bell;
mod carrier;
mod changes;
mod crew;
mod desk;
mod guard;
mod keep_warm;
mod ledger;
mod middleware;
mod runner;
mod seat;
mod stall;
mod store;
mod sync;
mod tokens;
mod transport;
mod ureq;

/// The core: every type and function that is not re-exported at the root of this crate.
pub use octo_auth_core as core;

pub use octo_auth_core::profile;
pub use octo_auth_core::{
    ANSWER_LIMIT, AccessToken, AdminToken, Adopted, Answer, ApiAnswer, ApiCall, ApiConfiguration, ApiError,
    Attempt, Authorizer, Body, CallError, CallbackError, Change, Claimed, Client, CreatedClient,
    CreatedProperty, Delivery, Deviation, Entropy, ErrorKind, Event, Exchange, ExchangeError, Failure,
    FailureKind, Fault, Fingerprint, Freshness, Generation, Grant, GrantedCode, Introspection, Judged, Key,
    Lead, Lineage, Meaning, NewClient, Next, Now, OnboardingError, Pending, Policy, PolicyError, Position,
    Profile, ProfileError, Published, Purpose, Record, RejectedCallback, Remedy, Reply, RequestError, Retry,
    Row, Saved, Scopes, Secret, Status, Storage, Store, StoreFault, Stored, Terminal, Timestamp, Token,
    TokenSet, TokenTypeHint, Validity, Version, Warm, note_framing,
};
#[doc(inline)]
pub use octo_auth_system::telling;
pub use octo_auth_system::{Clock, EntropyError, MemoryStore, SetupError, SystemClock, Waiting, entropy};

pub use self::ureq::UreqTransport;
pub use accounts::{Accounts, Builder};
pub use api_client::ApiClient;
pub use changes::Changes;
pub use keep_warm::KeepWarm;
pub use middleware::{Authorize, StatusesAreErrors};
pub use runner::Runner;
pub use tokens::Tokens;
pub use transport::Transport;
