//! OAuth tokens for asynchronous programs: always a working token, one renewal for all callers, nothing lost.
//!
//! An [`Accounts`] is a registration at a provider; [`Tokens`] is a handle to one [`Key`] of it: what a token is for.
//! The core decides, this crate carries: requests by reqwest, in tasks of tokio.
//!
//! ```no_run
//! use octo_auth_async::{Accounts, Client, Key, Profile, Scopes};
//!
//! # async fn example(client_secret: String) -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::new(Profile::officernd(), "my-client-id", client_secret)?;
//! let accounts = Accounts::new(client)?;
//! let tokens = accounts.tokens(Key::client_credentials(&Scopes::parse("flex.community.members.read")?))?;
//!
//! let header = tokens.header().await?; // for the `Authorization` of a request; asked for once, renewed in time
//! println!("{header:?}, {}", tokens.explain());
//! # Ok(())
//! # }
//! ```
//!
//! # What it promises
//!
//! - **One request.** However many tasks ask for a key, one exchange runs; while the provider fails none is sent
//!   before its time, and all callers are told the same.
//! - **A working token is served.** No failure of a renewal or a store costs a token that still works. Serving it
//!   takes no lock and allocates nothing.
//! - **Nothing lost.** An exchange and its saving run in a task of their own: a caller dropped at any await stops
//!   nothing. A task that ends early, with its runtime or by a panic, is reported and made good.
//! - **No surprise.** A caller never waits longer than it said. Every [`Failure`] says who must act and when; a
//!   [`Status`] and [`Tokens::explain`] say how a key stands, [`Changes`] what happens to it.
//!
//! A refresh token comes into a key by [`Tokens::adopt`], from a sign-in, a property creation or a migration. It
//! outlives the process only in a [`Store`].
//!
//! # Without the lifecycle
//!
//! A [`Runner`] runs every [`Exchange`] once, as it is told: each grant, revocation and onboarding call of each
//! provider. A program with an HTTP client of its own implements [`Transport`], or uses the core alone. The blocking
//! adapter, `octo-auth-blocking`, has the same names over ureq.

mod accounts;
mod carrier;
mod changes;
mod desk;
mod keep_warm;
mod reqwest;
mod runner;
mod slot;
mod store;
mod sync;
mod tokens;
mod transport;

/// The core: every type and function that is not re-exported at the root of this crate.
pub use octo_auth_core as core;

pub use octo_auth_core::profile;
pub use octo_auth_core::{
    ANSWER_LIMIT, AccessToken, AdminToken, Adopted, Answer, ApiAnswer, ApiConfiguration, Attempt, Body,
    CallbackError, Change, Claimed, Client, CreatedClient, CreatedProperty, Delivery, Deviation, Entropy,
    ErrorKind, Event, Exchange, ExchangeError, Failure, FailureKind, Fault, Fingerprint, Freshness,
    Generation, Grant, GrantedCode, Introspection, Key, Lead, Lineage, Meaning, NewClient, Now, Pending,
    Policy, PolicyError, Position, Profile, ProfileError, Published, Purpose, Record, RejectedCallback,
    Remedy, Reply, RequestError, Retry, Row, Saved, Scopes, Secret, Status, Storage, StoreFault, Stored,
    Terminal, Timestamp, Token, TokenSet, TokenTypeHint, Validity, Version, Warm, note_framing,
};
pub use octo_auth_system::{Clock, EntropyError, MemoryStore, SetupError, SystemClock, entropy};

pub use self::reqwest::ReqwestTransport;
pub use accounts::{Accounts, Builder};
pub use changes::Changes;
pub use keep_warm::KeepWarm;
pub use runner::Runner;
pub use store::{Store, Threaded};
pub use tokens::Tokens;
pub use transport::Transport;
