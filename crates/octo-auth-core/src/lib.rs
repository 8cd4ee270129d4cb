//! The OAuth token lifecycle without IO: requests, answers and providers as values and pure functions.
//!
//! This crate builds the HTTP requests of OAuth 2.0 and reads the answers. It accepts common deviations and
//! reports each of them. It opens no socket, reads no clock, draws no random number, starts no thread and
//! does not log. Time and entropy are arguments, and your code sends the requests. Two adapters do so:
//! `octo-auth-async` (reqwest) and `octo-auth-blocking` (ureq).
//!
//! # Requests and answers
//!
//! A [`Profile`] describes a provider: [`Profile::octorate`], [`Profile::octotable`], [`Profile::officernd`],
//! [`Profile::rfc6749`] for any standard server, or a [`profile::Document`] of your own. A [`Client`] is an
//! OAuth client registered at that provider. Each of its methods returns an [`Exchange`]: one
//! [`http::Request`] and the one way to read its answer.
//!
//! ```
//! use std::time::Duration;
//! use octo_auth_core::{Client, Now, Profile, Scopes, Timestamp};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::new(Profile::officernd(), "my-client-id", "my-client-secret")?;
//! let exchange = client.client_credentials(&Scopes::parse("flex.community.members.read")?)?;
//! assert_eq!(exchange.request().uri(), "https://identity.officernd.com/oauth/token");
//!
//! // Send `exchange.request()` with the HTTP client of your choice, then hand back what came:
//! let sent = Now { wall: Timestamp::from_unix_seconds(1_700_000_000), boot: Duration::from_secs(60) };
//! let body = r#"{"access_token":"d84b5bc0","token_type":"Bearer","expires_in":3599}"#;
//! let response = http::Response::builder().header("content-type", "application/json").body(body)?;
//! let answer = exchange.read(&response, sent, sent)?;
//!
//! assert_eq!(answer.value.lifetime(), Some(Duration::from_secs(3599)));
//! assert!(answer.deviations.is_empty());
//! # Ok(())
//! # }
//! ```
//!
//! # Guarantees
//!
//! - **Every deviation is reported.** A deviation from the provider's document is an [`ExchangeError`] or a
//!   [`Deviation`]. None is accepted silently.
//! - **No refresh token is lost.** If an answer is otherwise unusable, its refresh token is kept in
//!   [`ExchangeError::salvaged_refresh_token`].
//! - **No secret leaks.** `Debug` of [`Secret`], [`AccessToken`], [`Body`] and [`RecordBytes`] does not show
//!   their content, and they are wiped when dropped. Text written by a provider is shown with the secrets of
//!   the request masked.
//! - **No request goes to a wrong host.** Requests go only to the hosts that the profile names. A redirect is
//!   an error.
//! - **Every error says what to do.** It has a stable `code()` and a [`Remedy`]: who must act, and how.
//!
//! # The lifecycle
//!
//! [`TokenManager`] decides for each caller: use this token, use it and run a [`Job`], wait, or give up, and
//! why. A job is one effect as a value, such as a request to send or a record to save. Its outcome comes back
//! as a [`Report`]. The decision table is at [`State`], and the rules are in [`manual::lifecycle`]. The
//! adapters' `TokenManager` and `TokenSource` drive this state machine. A program with its own transport can
//! drive it too: the example `third_transport` does so in about thirty lines.
//!
//! # API clients of the providers
//!
//! [`provider`] has those calls of Octorate, OctoTable and OfficeRND that need a token or return tokens, as
//! values. A [`provider::ProviderCall`] says what to do next, and one loop in an adapter runs all of them. An
//! [`Authorizer`] adds the token to API calls. Every error implements [`Diagnostic`].
//!
//! # What is stored
//!
//! A [`Store`] keeps bytes under names, with versions. The core names each record ([`RecordName`]), encodes
//! it, and checks what it reads. It neither uses nor overwrites a record of another registration or of a
//! newer release. [`Storage`] says whether one process uses the store or several. [`manual::stores`] explains
//! how to write a store and how to test it.
//!
//! # IP allowlists
//!
//! For APIs that authenticate callers by IP address, [`allowlist`] reads the rules, decides about an address,
//! and explains the decision ([`manual::allowlist`]).
//!
//! # Features
//!
//! - `providers` (default): the built-in profiles.
//! - `toml`: profiles read from TOML text by `Profile::from_toml`.

// docs.rs marks what a feature brings.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod allowlist;
pub mod manual;
pub mod profile;
pub mod provider;

mod answer;
mod authorizer;
mod client;
mod diagnostics;
mod error;
mod exchange;
mod extra_parameter;
mod failure;
mod grant;
mod key;
mod key_map;
mod manager;
mod printable;
mod reading;
mod registration;
mod scope;
mod secret;
mod spec;
mod store;
mod text;
mod time;
mod token;
mod validity;

pub use answer::{
    ApiAnswer, ApiConfiguration, AuthorizationPage, CreatedClient, CreatedProperty, Deviation, Done,
    Introspection, SandboxProperty, TokenStatus,
};
pub use authorizer::{Action, ApiCall, Authorizer, Evaluation};
pub use client::Client;
pub use error::{
    ApiError, CallError, CallbackError, Diagnostic, ErrorCode, ErrorKind, ExchangeError, OnboardingError,
    ProviderText, Remedy, RequestError, Retry,
};
pub use exchange::{
    ANSWER_LIMIT, Answer, Body, Delivery, Exchange, Purpose, Reply, SendOptions, TransportError, note_framing,
};
pub use failure::{TokenError, TokenErrorKind};
pub use grant::{
    AuthorizationCode, Entropy, NewClient, PendingAuthorization, Position, RejectedCallback, TokenTypeHint,
};
pub use key::{
    Change, ClaimJob, Decision, Ending, Event, FamilyId, Generation, Imported, Job, LoadJob, Published,
    ReleaseJob, RenewalCause, Report, SaveJob, SendJob, State, Status, Step, Ticket, Token, Verdict,
};
pub use key_map::KeyMap;
pub use manager::{Caller, DueJob, Effects, RefreshAhead, TokenEffects, TokenManager, Waits};
pub use profile::{Profile, ProfileError};
pub use registration::{Policy, PolicyError};
pub use scope::Scopes;
pub use secret::Secret;
pub use spec::{Grant, TokenSpec};
pub use store::{
    ChangeListener, Claimed, RecordBytes, RecordError, RecordName, RecordNameError, Saved, Storage, Store,
    StoreError, Stored, Version,
};
pub use time::{Now, Timestamp};
pub use token::{AccessToken, AdminToken, LONGEST_LIFETIME, TokenSet};
pub use validity::{Freshness, Lead, Validity, ValidityTerms};
