//! The keyring of the operating system.
//!
//! The rule of this module: the wait for the keyring is at most three seconds. Without it nothing is stored in plain
//! text, unless the user asks for that.

#[cfg(feature = "keyring")]
mod present;

use octo_auth_config::KeySource;
#[cfg(not(feature = "keyring"))]
use octo_auth_core::Secret;

use crate::failure::{Exit, Failure};

#[cfg(feature = "keyring")]
pub(crate) use present::{new_key, secret};

/// The alternatives to a keyring.
const CHOICES: &str = "start or unlock the keyring; or set store.key_file, store.key_command or OCTO_AUTH_STORE_KEY in its \
    place; or unset store.key_keyring, and tokens are stored as plain text that only you can read";

/// Returns an error, because this program was built without keyring support.
///
/// # Errors
///
/// Always returns a [`Failure`] that names the three alternatives.
#[cfg(not(feature = "keyring"))]
pub(crate) fn secret(name: &str) -> Result<Secret, Failure> {
    Err(absent(name))
}

/// Returns an error, because this program was built without keyring support.
///
/// # Errors
///
/// Always returns a [`Failure`] that names the three alternatives.
#[cfg(not(feature = "keyring"))]
pub(crate) fn new_key(name: &str) -> Result<(), Failure> {
    Err(absent(name))
}

#[cfg(not(feature = "keyring"))]
fn absent(name: &str) -> Failure {
    let name = crate::failure::shown(name);
    let message = format!("the key {name} is not in reach: this program was built without a keyring");
    Failure::new(Exit::Configuration, message).with_remedy(CHOICES)
}

/// Returns the failure for an unknown kind of key source.
pub(crate) fn unknown(source: &KeySource) -> Failure {
    Failure::new(Exit::Configuration, format!("a key cannot be read from {source:?}")).with_remedy(CHOICES)
}
