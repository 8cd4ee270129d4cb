//! The keys that seal the store, from wherever the settings say.
//!
//! The rule kept here: a key that cannot be had is an error. Nothing is written in plain text instead.

use std::process::Command;
use std::time::Duration;

use octo_auth_config::{KeySource, Origin, Settings};
use octo_auth_store_file::{Key, Keys, SecretError, SecretSource};

use crate::failure::Failure;
use crate::keyring;

/// How long a command may take that prints a key: a person may have to type a password.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Returns the keys; `None` if nothing is to be sealed.
///
/// # Errors
///
/// A [`Failure`] if a key that is set cannot be had.
pub(crate) fn of(settings: &Settings) -> Result<Option<Keys>, Failure> {
    // One that stands alone is an error.
    let old = settings.store_old_key()?;
    let Some(source) = settings.store_key()? else { return Ok(None) };
    let keys = Keys::new(key(&source)?);
    Ok(Some(match old {
        Some(old) => keys.and_read(key(&old)?),
        None => keys,
    }))
}

fn key(source: &KeySource) -> Result<Key, Failure> {
    // Its own id takes the place of this one.
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
