//! Settings of a program that uses octo-auth: one TOML file, overridden by environment variables.
//!
//! ```
//! use octo_auth_config::Settings;
//!
//! let file = r#"
//! profile = "officernd"
//! client_id = "our-client"
//! scope = "flex.community.members.read"
//! refresh_lead = "10m"
//! "#;
//! let environment = [("OCTO_AUTH_CLIENT_SECRET".into(), "s3cret".into())];
//! let settings = Settings::read(Some(("octo-auth.toml", file)), environment)?;
//! let (client, policy) = (settings.client()?, settings.policy()?);
//! assert_eq!(client.client_id(), "our-client");
//! # let _ = policy;
//!
//! let misspelt = Settings::read(Some(("octo-auth.toml", "client_idd = \"our-client\"")), []).unwrap_err();
//! assert_eq!(
//!     misspelt.to_string(),
//!     "octo-auth.toml, line 1: there is no setting `client_idd`: did you mean `client_id`?"
//! );
//! # Ok::<(), octo_auth_config::ConfigError>(())
//! ```
//!
//! A program calls [`Settings::load`], which reads the file and the environment of the process.
//!
//! # Settings
//!
//! [`SETTINGS`] lists all settings. A duration has a unit: `300s`, `5m`, `1h30m`. A list is an array of texts or
//! one text; there, scopes are separated by spaces, addresses by commas. In the table `[store]`, `path` is the
//! setting `store.path`.
//!
//! # Where a value comes from
//!
//! A variable overrides the same setting of the file. Each variable that begins with `OCTO_AUTH_` must be a
//! setting or `OCTO_AUTH_CONFIG`, and each name in the file must be a setting. So a misspelt setting is an error.
//! An empty variable is an error too: unset it to use the value of the file.
//!
//! A program may also take settings from its arguments ([`Settings::with`]), but never a secret, because other
//! users of the computer can see arguments. On Unix, a file that contains a secret must have mode 0600 or less, so
//! that other users can neither read nor change it. This applies to the settings file and to `client_secret_file`.
//!
//! # Where the file is
//!
//! `OCTO_AUTH_CONFIG` names the file. Otherwise it is `octo-auth/config.toml` in `$XDG_CONFIG_HOME` or
//! `~/.config`, if that file exists. Tokens are stored in `octo-auth` in `$XDG_STATE_HOME` or `~/.local/state`
//! (macOS: `~/Library/Application Support`), unless `store.path` is set.

mod address;
mod error;
mod file;
mod form;
mod places;
mod registration;
mod settings;
mod shared_file;
mod shown;
mod store_key;
mod table;

pub use error::{ConfigError, Fault, Origin, Problem};
pub use settings::Settings;
pub use shared_file::shared_mode;
pub use shown::Shown;
pub use store_key::KeySource;
pub use table::{Form, SETTINGS, Setting};
