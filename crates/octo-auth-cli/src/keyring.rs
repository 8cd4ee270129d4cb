//! The keyring of the operating system.

use octo_auth_config::KeySource;
use octo_auth_core::Secret;

use crate::failure::{Exit, Failure, shown};

/// What to do without a keyring.
const CHOICES: &str = "unlock or install the keyring; or set store.key_file, store.key_command or OCTO_AUTH_STORE_KEY in its \
    place; or unset store.key_keyring, and tokens are stored as plain text that only you can read";

/// Returns the secret of this name.
///
/// # Errors
///
/// A [`Failure`] that names the three choices there are without it.
pub(crate) fn secret(name: &str) -> Result<Secret, Failure> {
    let message =
        format!("the key {} is not read from the keyring: this program was built without that", shown(name));
    Err(Failure::new(Exit::Configuration, message).with_remedy(CHOICES))
}

/// The failure of a place of a key that this program does not know.
pub(crate) fn unknown(source: &KeySource) -> Failure {
    Failure::new(Exit::Configuration, format!("a key cannot be read from {source:?}")).with_remedy(CHOICES)
}
