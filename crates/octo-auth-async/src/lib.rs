//! OAuth tokens for asynchronous programs: the exchanges of the core, carried by reqwest on tokio.
//!
//! One [`Runner`] runs every [`Exchange`]: each grant, revocation and onboarding call of each provider. The core
//! decides, this crate carries; what a request looks like and what an answer means is written in [`core`].
//!
//! ```no_run
//! use octo_auth_async::{Client, Profile, Runner, Scopes};
//!
//! # async fn example(client_secret: String) -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::new(Profile::officernd(), "my-client-id", client_secret)?;
//! let runner = Runner::new()?;
//!
//! let scopes = Scopes::parse("flex.community.members.read")?;
//! let token = runner.run(client.client_credentials(&scopes)?).await?.value;
//! println!("valid until {:?}", token.expires_at());
//! # Ok(())
//! # }
//! ```
//!
//! A program with an HTTP client of its own implements [`Transport`], or uses the core alone. The blocking
//! adapter, `octo-auth-blocking`, has the same names over ureq.
//!
//! There is no cache of tokens here and no task in the background: a [`Runner`] does what it is told, once.

mod reqwest;
mod runner;
mod transport;

/// The core: every type and function that is not re-exported at the root of this crate.
pub use octo_auth_core as core;

pub use octo_auth_core::profile;
pub use octo_auth_core::{
    ANSWER_LIMIT, AccessToken, AdminToken, Answer, ApiAnswer, ApiConfiguration, Body, CallbackError, Client,
    CreatedClient, CreatedProperty, Delivery, Deviation, Entropy, ErrorKind, Exchange, ExchangeError, Fault,
    GrantedCode, Introspection, Meaning, NewClient, Now, Pending, Position, Profile, ProfileError, Purpose,
    RejectedCallback, Remedy, Reply, RequestError, Retry, Scopes, Secret, Timestamp, TokenSet, TokenTypeHint,
    note_framing,
};
pub use octo_auth_system::{Clock, EntropyError, SetupError, SystemClock, entropy};

pub use self::reqwest::ReqwestTransport;
pub use runner::Runner;
pub use transport::Transport;
