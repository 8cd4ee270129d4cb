//! Octorate, OctoTable, OfficeRND and a generic RFC 6749 server on loopback, as their documents describe them.
//!
//! One [`Emulator`] listens on one port of `127.0.0.1`. Every emulated host is a path prefix of that port:
//! `https://api.octorate.com/connect/rest/v1/identity/token` becomes
//! `http://127.0.0.1:PORT/api.octorate.com/connect/rest/v1/identity/token`. The emulator runs on a separate thread and
//! serves asynchronous and synchronous tests alike.
//!
//! - A frozen clock moves only when the test moves it.
//! - A log shows the requests, with every secret masked.
//! - A [`Browser`] plays the person who grants or refuses.
//! - [`Faults`] cause the failures that a test orders.
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
//! The emulator is written from the providers' documents and knows no client, so it reveals a mistake in a client's
//! provider profile. Where the documents leave a question open, the module of the provider states what the emulator
//! does. Not included: TLS, addresses other than loopback, storage, and any fault or delay that no test ordered.

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

pub use browser::{Browser, BrowserError, BrowserPage};
pub use emulator::{Emulator, EmulatorBuilder, HOSTS, StartError};
pub use faults::{Fault, FaultTarget, Faults, Held};
pub use generic::{AnnouncedLifetime, Generic, GrantError, Rotation};
pub use log::Entry;
pub use loopback::ANY_LOOPBACK;
pub use material::SECRET_MARK;
pub use octorate::Octorate;
pub use octotable::OctoTable;
pub use officernd::OfficeRnd;
pub use registration::RegisteredApp;
