//! Sign-in of a person on this machine. The provider's page opens in the browser, and the callback arrives at a
//! listener on loopback (RFC 8252 sections 7.3 and 8.3).
//!
//! This crate is for programs at a terminal or on a desktop. A web application uses `WebSignIn` of `octo-auth-async` or
//! `octo-auth-blocking` instead.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use octo_auth_core::{Client, Scopes};
//! use octo_auth_login::{CallbackListener, Page, open_page};
//! use octo_auth_system::{Clock, SystemClock, entropy};
//!
//! # fn sign_in(client: &Client, keep: impl Fn(octo_auth_core::AuthorizationCode) -> bool) -> Result<(), Box<dyn std::error::Error>> {
//! let listener = CallbackListener::bind("http://127.0.0.1/callback")?;
//! let now = SystemClock.now();
//! let (page, pending) = client.authorize(&listener.redirect_uri(), &Scopes::none(), entropy()?, now)?;
//! let mut waiting = listener.wait_for(pending, client.profile().title(), SystemClock)?;
//! if open_page(&page).is_err() {
//!     println!("open {page}");
//! }
//! let Some(code) = waiting.callback(Duration::from_secs(600))? else { return Err("no sign-in within ten minutes".into()) };
//! // Exchange the code once, store the tokens, and only then tell the person.
//! waiting.finish(if keep(code) { Page::SignedIn } else { Page::Failed });
//! # Ok(())
//! # }
//! ```
//!
//! What the listener guarantees:
//!
//! - It listens only on the loopback address of its redirect URI. For `localhost` these are 127.0.0.1 and ::1.
//! - A request counts as the callback only if it has the `state` of this sign-in, and only the first such request
//!   counts.
//! - Other connections neither end nor delay the sign-in, and do not use unbounded memory: silent, slow, malformed,
//!   forged or foreign ones.
//! - The pages show no text of a request, contain no code and no token, and load no resources.
//! - The port closes as soon as the sign-in has ended.

mod browser;
mod connections;
mod listen_error;
mod listener;
mod page;
mod redirect;
mod request;
mod sign_in;
mod waiting;

pub use browser::{OpenError, open_commands, open_page};
pub use listen_error::ListenError;
pub use listener::CallbackListener;
pub use page::Page;
pub use waiting::Waiting;
