//! Octorate, OctoTable, OfficeRND and a generic RFC 6749 server on loopback, as their documents describe them.
//!
//! One [`Emulator`] listens on one port of `127.0.0.1`; every emulated host is a path prefix of that port, so
//! `https://api.octorate.com/connect/rest/v1/identity/token` is answered at
//! `http://127.0.0.1:PORT/api.octorate.com/connect/rest/v1/identity/token`. It runs on a thread of its own and serves
//! asynchronous and synchronous tests alike; a frozen clock moves only when the test moves it; a log tells what was
//! asked, with every secret masked; a [`Browser`] plays the person who grants or refuses; [`Faults`] break what a test
//! orders broken.
//!
//! ```
//! use octo_auth_emulator::{Browser, Emulator, octorate};
//!
//! let emulator = Emulator::builder().frozen_at(1_700_000_000_000).start()?;
//! let page = Browser::new().open(&format!(
//!     "{}/octobook/identity/oauth.xhtml?client_id={}&redirect_uri=https%3A%2F%2Flocalhost&state=s1",
//!     emulator.base("admin.octorate.com"),
//!     octorate::DEMO_CLIENT_ID,
//! ))?;
//! let callback = page.grant()?;
//! assert!(callback.starts_with("https://localhost?code="));
//! assert!(callback.ends_with("&state=s1"));
//! assert_eq!(emulator.log().len(), 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The rule it keeps: it is written from the providers' documents and knows nothing of any client, so that a mistake
//! in a client's provider profile shows. What the documents leave open is decided here and said so in the module of
//! the provider. Deliberately absent: TLS, other addresses than loopback, storage, and any fault or delay that nobody
//! ordered.

mod browser;
mod call;
mod clock;
mod consent;
mod emulator;
mod faults;
pub mod generic;
mod log;
mod loopback;
mod material;
pub mod octorate;
pub mod octotable;
pub mod officernd;
mod registration;
mod reply;
mod shared;

pub use browser::{Browser, BrowserError, Page};
pub use emulator::{Builder, Emulator, HOSTS, StartError};
pub use faults::{Fault, Faults, Held, Place};
pub use generic::{AnnouncedLifetime, Generic, GrantError, Rotation};
pub use log::Entry;
pub use loopback::ANY_LOOPBACK;
pub use material::SECRET_MARK;
pub use octorate::Octorate;
pub use octotable::OctoTable;
pub use officernd::OfficeRnd;
pub use registration::Registration;
