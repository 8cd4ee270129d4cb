//! The keyring of the operating system.
//!
//! The rule kept here: it is waited for three seconds at most, and without it nothing is stored in plain text unless the
//! user says so.

#[cfg(feature = "keyring")]
mod present;

use octo_auth_config::KeySource;
#[cfg(not(feature = "keyring"))]
use octo_auth_core::Secret;

use crate::failure::{Exit, Failure};

#[cfg(feature = "keyring")]
pub(crate) use present::{new_key, secret};

/// What to do without a keyring.
const CHOICES: &str = "start or unlock the keyring; or set store.key_file, store.key_command or OCTO_AUTH_STORE_KEY in its \
    place; or unset store.key_keyring, and tokens are stored as plain text that only you can read";

/// Fails, as this program was built without a keyring.
///
/// # Errors
///
/// A [`Failure`] that names the three choices there are.
#[cfg(not(feature = "keyring"))]
pub(crate) fn secret(name: &str) -> Result<Secret, Failure> {
    Err(absent(name))
}

/// Fails, as this program was built without a keyring.
///
/// # Errors
///
/// A [`Failure`] that names the three choices there are.
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

/// The failure of a place of a key that this program does not know.
pub(crate) fn unknown(source: &KeySource) -> Failure {
    Failure::new(Exit::Configuration, format!("a key cannot be read from {source:?}")).with_remedy(CHOICES)
}
