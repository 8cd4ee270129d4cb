//! The keys that seal the store, from the source in the settings.
//!
//! The rule of this module: a key that cannot be obtained is an error. Nothing is written in plain text instead.

use std::process::Command;
use std::time::Duration;

use octo_auth_config::{KeySource, Origin, Settings};
use octo_auth_store_file::{Key, Keys, SecretError, SecretSource};

use crate::failure::Failure;
use crate::keyring;

/// The limit for a command that prints a key: a person may have to type a password.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Returns the keys; `None` if the settings do not ask for sealing.
///
/// # Errors
///
/// Returns a [`Failure`] if a configured key cannot be obtained.
pub(crate) fn of(settings: &Settings) -> Result<Option<Keys>, Failure> {
    // An old key without a new one is an error.
    let old = settings.store_old_key()?;
    let Some(source) = settings.store_key()? else { return Ok(None) };
    let keys = Keys::new(key(&source)?);
    Ok(Some(match old {
        Some(old) => keys.and_read(key(&old)?),
        None => keys,
    }))
}

fn key(source: &KeySource) -> Result<Key, Failure> {
    // `with_own_id` replaces this id.
    let id = "key";
    let key: Result<Key, SecretError> = match source {
        KeySource::Here(_, Origin::Environment(variable)) => {
            Key::read(id, &SecretSource::Environment(variable.clone()))
        }
        KeySource::Here(secret, _) => Key::read(id, &SecretSource::Stored(secret.clone())),
        KeySource::File(path) => Key::read(id, &SecretSource::File(path.clone())),
        KeySource::Command(words) => {
            let (program, arguments) =
                words.split_first().map_or(("", words.as_slice()), |(first, rest)| (first, rest));
            Key::from_command(id, Command::new(program).args(arguments), TIMEOUT)
        }
        KeySource::Keyring(name) => Key::read(id, &SecretSource::Stored(keyring::secret(name)?)),
        other => return Err(keyring::unknown(other)),
    };
    Ok(key?.with_own_id())
}
