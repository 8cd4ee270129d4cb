//! The keyring, accessed by `keyring-core` and the credential store of this operating system.

use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use keyring_core::{CredentialStore, Entry, Error};
use octo_auth_core::Secret;
use zeroize::Zeroizing;

use super::CHOICES;
use crate::failure::{Exit, Failure, shown};

/// The limit for all operations of the keyring together.
const TIMEOUT: Duration = Duration::from_secs(3);

/// The service name of the entries.
const SERVICE: &str = "octo-auth";

/// Returns the secret of this name.
///
/// # Errors
///
/// Returns a [`Failure`] that names the three alternatives.
pub(crate) fn secret(name: &str) -> Result<Secret, Failure> {
    read(name, connect, TIMEOUT)
}

/// Stores a random key under this name, unless an entry exists.
///
/// # Errors
///
/// Returns a [`Failure`] if an entry exists, and the errors of [`secret`].
pub(crate) fn new_key(name: &str) -> Result<(), Failure> {
    create(name, connect, TIMEOUT)
}

fn read(
    name: &str,
    connect: impl FnOnce() -> Result<Arc<CredentialStore>, Error> + Send + 'static,
    patience: Duration,
) -> Result<Secret, Failure> {
    let password = within(patience, name, connect, |entry| entry.get_password().map(Zeroizing::new))?;
    password.map(|password| Secret::from(password.as_str())).map_err(|error| failure(name, &error))
}

fn create(
    name: &str,
    connect: impl FnOnce() -> Result<Arc<CredentialStore>, Error> + Send + 'static,
    patience: Duration,
) -> Result<(), Failure> {
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *bytes).map_err(|error| {
        Failure::new(Exit::TryLater, "the operating system gave no random bytes").because_of(Some(&error))
    })?;
    let digits: Zeroizing<String> = Zeroizing::new(bytes.iter().map(|byte| format!("{byte:02x}")).collect());
    let created =
        within(patience, name, connect, move |entry| match entry.get_password().map(Zeroizing::new) {
            Ok(_) => Ok(false),
            Err(Error::NoEntry) => entry.set_password(&digits).map(|()| true),
            Err(error) => Err(error),
        })?;
    match created.map_err(|error| failure(name, &error))? {
        true => Ok(()),
        false => {
            Err(Failure::new(Exit::Configuration, format!("the keyring holds a key {} already", shown(name)))
                .with_remedy(
                    "name another by store.key_keyring: what is sealed with the old one would be lost",
                ))
        }
    }
}

/// Runs an operation on an entry in a thread. The thread is abandoned if it takes too long.
fn within<T: Send + 'static>(
    patience: Duration,
    name: &str,
    connect: impl FnOnce() -> Result<Arc<CredentialStore>, Error> + Send + 'static,
    act: impl FnOnce(&Entry) -> Result<T, Error> + Send + 'static,
) -> Result<Result<T, Error>, Failure> {
    let (outcome, received) = mpsc::channel();
    let user = name.to_owned();
    thread::spawn(move || {
        let acted =
            connect().and_then(|store| store.build(SERVICE, &user, None)).and_then(|entry| act(&entry));
        // The send fails if the timeout has passed and the receiver is gone.
        let _ = outcome.send(acted);
    });
    received.recv_timeout(patience).map_err(|_| {
        let message = format!("the keyring was asked for the key {} and did not answer in time", shown(name));
        Failure::new(Exit::Configuration, message).with_remedy(CHOICES)
    })
}

/// Describes an error. Some errors contain the value that was read, which is not shown.
fn failure(name: &str, error: &Error) -> Failure {
    let name = shown(name);
    let (message, cause) = match error {
        Error::NoEntry => {
            let message = format!("the keyring holds no key {name}");
            let remedy = format!("octo-auth store new-key makes one there. Or {CHOICES}");
            return Failure::new(Exit::Configuration, message).with_remedy(remedy);
        }
        Error::NoStorageAccess(cause) => {
            (format!("the keyring with the key {name} is locked or absent"), Some(cause))
        }
        Error::PlatformFailure(cause) => (format!("the keyring with the key {name} failed"), Some(cause)),
        Error::BadEncoding(_) | Error::BadDataFormat(..) => {
            (format!("the keyring holds something else as {name}"), None)
        }
        Error::Ambiguous(_) => (format!("the keyring holds more than one key {name}"), None),
        other => (format!("the keyring with the key {name} cannot be used: {other}"), None),
    };
    Failure::new(Exit::Configuration, message)
        .because_of(cause.map(|cause| cause.as_ref() as &(dyn std::error::Error + 'static)))
        .with_remedy(CHOICES)
}

#[cfg(target_os = "macos")]
fn connect() -> Result<Arc<CredentialStore>, Error> {
    Ok(apple_native_keyring_store::keychain::Store::new()?)
}

#[cfg(all(unix, not(target_os = "macos")))]
fn connect() -> Result<Arc<CredentialStore>, Error> {
    Ok(zbus_secret_service_keyring_store::Store::new()?)
}

#[cfg(not(unix))]
fn connect() -> Result<Arc<CredentialStore>, Error> {
    Err(Error::NoDefaultStore)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f";

    /// A keyring in memory.
    fn fake() -> Arc<CredentialStore> {
        keyring_core::mock::Store::new().expect("a keyring in memory")
    }

    fn platform(text: &str) -> keyring_core::error::PlatformError {
        Box::new(std::io::Error::other(text.to_owned()))
    }

    #[test]
    fn a_key_is_made_once_and_read_again() {
        let keyring = fake();
        let connect = || {
            let keyring = keyring.clone();
            move || Ok(keyring)
        };
        let missing = read("k", connect(), TIMEOUT).expect_err("no key").to_string();
        assert!(
            missing.contains("holds no key k") && missing.contains("octo-auth store new-key"),
            "{missing}"
        );
        create("k", connect(), TIMEOUT).expect("a key");
        let made = read("k", connect(), TIMEOUT).expect("a key");
        assert_eq!(made.expose().len(), 64);
        let again = create("k", connect(), TIMEOUT).expect_err("a refusal").to_string();
        assert!(again.contains("holds a key k already"), "{again}");
        assert_eq!(read("k", connect(), TIMEOUT).expect("a key"), made, "it stays");
        keyring.build(SERVICE, "other", None).and_then(|entry| entry.set_password(HEX)).expect("an entry");
        assert_eq!(read("other", connect(), TIMEOUT).expect("a key").expose(), HEX);
    }

    #[test]
    fn a_keyring_that_fails_or_is_silent_is_an_error_that_names_three_choices() {
        let secret = "s3cret".to_owned().into_bytes();
        let errors = [
            (Error::NoStorageAccess(platform("prompt dismissed")), "is locked or absent"),
            (Error::PlatformFailure(platform("no bus")), "failed"),
            (Error::BadEncoding(secret.clone()), "holds something else"),
            (Error::BadDataFormat(secret, platform("x")), "holds something else"),
            (Error::Ambiguous(Vec::new()), "more than one"),
        ];
        for (error, says) in errors {
            let told = read("k", move || Err(error), TIMEOUT).expect_err("a failure").to_string();
            assert!(told.contains(says), "{told}");
            assert!(!told.contains("s3cret") && !told.contains("115"), "{told}");
            choices(&told);
        }
        let (never, silence) = mpsc::channel::<()>();
        let silent = move || {
            let _ = silence.recv();
            Err(Error::NoEntry)
        };
        let told = read("k", silent, Duration::ZERO).expect_err("a failure").to_string();
        assert!(told.contains("did not answer in time"), "{told}");
        choices(&told);
        drop(never);
        assert!(TIMEOUT <= Duration::from_secs(3));
    }

    #[track_caller]
    fn choices(told: &str) {
        for choice in ["unlock the keyring", "store.key_file", "plain text"] {
            assert!(told.contains(choice), "{told}");
        }
    }
}
