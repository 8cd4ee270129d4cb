//! The tokens that are stored in a directory, and their client.
//!
//! The rule of this module: the registration of a client is stored beside its tokens, so that a restarted program
//! refreshes with the same client. Settings that name a client replace it completely, never in part.

use std::path::{Path, PathBuf};

use octo_auth_blocking::{TokenManager, UreqTransport};
use octo_auth_config::{Origin, Settings};
use octo_auth_core::{Client, Profile, RecordName, Scopes, TokenSpec};
use octo_auth_store_file::{FileStore, FileStoreError, Keys, Registration, SecretSource};

use crate::arguments::{ClientArguments, StoreArguments, StoredArguments};
use crate::failure::{Exit, Failure, shown};
use crate::{client, interrupt, keys};

/// The settings that name a client. A secret alone does not: the secret of a registration may be in the environment.
const OF_A_CLIENT: [&str; 5] = ["profile", "token_url", "authorization_url", "client_id", "auth"];

/// The settings that are stored with a registration.
const REGISTERED: [&str; 10] = [
    "profile",
    "token_url",
    "authorization_url",
    "revocation_url",
    "base_url",
    "auth",
    "redirect_uri",
    "scope",
    client::ROOT_CERTIFICATES,
    client::CLIENT_CERTIFICATE,
];

/// The key of the account in the settings of a registration.
const ACCOUNT: &str = "account";

/// What to do if a directory does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Absent {
    /// Creates it: the command starts something there.
    Created,
    /// Returns an error: the command needs existing content.
    Refused,
}

/// The store, and the client and the token spec of a command.
pub(crate) struct Stored {
    pub(crate) store: FileStore,
    pub(crate) client: Client,
    pub(crate) key: TokenSpec,
    settings: Settings,
    transport: UreqTransport,
}

impl Stored {
    /// Opens the store, and finds the client in the settings or among the registrations in the store.
    ///
    /// # Errors
    ///
    /// Returns a [`Failure`] if the directory cannot be used, or if no client, or more than one, matches.
    pub(crate) fn open(
        of: &ClientArguments,
        arguments: &StoredArguments,
        absent: Absent,
    ) -> Result<Self, Failure> {
        let settings = client::settings(of)?;
        let is_named = OF_A_CLIENT.iter().any(|name| settings.origin(name).is_some());
        if !is_named && nothing_is_stored(&arguments.store, &settings)? {
            let place = shown(directory(&arguments.store, &settings)?.display());
            let message = format!("no settings name a client, and nothing is stored in {place} yet");
            return Err(Failure::new(Exit::Configuration, message).with_remedy(
                "name the provider and the client, by arguments or settings; octo-auth config names lists the settings",
            ));
        }
        let store = open(&arguments.store, &settings, if is_named { absent } else { Absent::Refused })?;
        let account = arguments.account.as_deref();
        let settings = if is_named { settings } else { registered(&store, account, settings)? };
        let client = settings.client()?;
        let key = key(&client, &settings, account)?;
        let transport = client::transport(&settings)?;
        Ok(Self { store, client, key, settings, transport })
    }

    /// Returns the manager of the client's tokens. Nothing is sent.
    ///
    /// # Errors
    ///
    /// Returns a [`Failure`] if a setting is invalid, or if the operating system provides no random bytes.
    pub(crate) fn manager(&self) -> Result<TokenManager, Failure> {
        let builder = TokenManager::builder(self.client.clone()).policy(self.settings.policy()?);
        let manager = builder.store(self.store.clone()).transport(self.transport()).build()?;
        interrupt::finish_first(&manager)?;
        Ok(manager)
    }

    /// Returns the manager of the client's tokens, with a profile that has no revocation.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Stored::manager`].
    pub(crate) fn accounts_without_revocation(&self) -> Result<TokenManager, Failure> {
        let profile = self.client.profile().clone().edit(|document| document.calls.revocation = None)?;
        // Nothing is sent, so the secret does not matter.
        let client = Client::new(profile, self.client.client_id(), "unused")?;
        Ok(TokenManager::builder(client).store(self.store.clone()).transport(self.transport()).build()?)
    }

    /// Returns the redirect URI of the settings, and the scopes to request.
    ///
    /// # Errors
    ///
    /// Returns a [`Failure`] if a setting is invalid.
    pub(crate) fn consent(&self) -> Result<(Option<&str>, Scopes), Failure> {
        Ok((self.settings.redirect_uri()?, self.settings.scopes()?))
    }

    /// Returns the transport.
    pub(crate) fn transport(&self) -> UreqTransport {
        self.transport.clone()
    }

    /// Checks that the directory can be written. It must not be read-only, and its registrations must be sealed as the
    /// settings say: new files must not be plain text, or sealed with another key, beside them.
    ///
    /// # Errors
    ///
    /// Returns a [`Failure`] with the reason.
    pub(crate) fn writable(&self) -> Result<(), Failure> {
        if let Some(why) = self.store.adopt_only() {
            return Err(FileStoreError::AdoptOnly { path: self.store.directory().to_owned(), why }.into());
        }
        for label in self.store.registrations()? {
            if let Err(error @ FileStoreError::Seal { .. }) = self.store.registration(&label) {
                return Err(error.into());
            }
        }
        Ok(())
    }

    /// Checks that [`register`](Self::register) can succeed: as [`writable`](Self::writable), and an existing
    /// registration must be readable, because otherwise it cannot be replaced.
    ///
    /// # Errors
    ///
    /// Returns a [`Failure`] with the reason.
    pub(crate) fn registrable(&self) -> Result<(), Failure> {
        self.writable()?;
        self.store.registration(&label(&self.client, &self.key))?;
        self.secret()?;
        Ok(())
    }

    /// Returns the directory of the store, escaped for output.
    pub(crate) fn shown_directory(&self) -> String {
        shown(self.store.directory().display())
    }

    /// Stores the registration of the client, for later commands without settings.
    ///
    /// # Errors
    ///
    /// Returns a [`Failure`] if the directory cannot be written.
    pub(crate) fn register(&self) -> Result<(), Failure> {
        let set = REGISTERED.iter().filter_map(|name| Some((*name, self.settings.get(name)?)));
        let account = (!self.key.is_client_grant()).then(|| (ACCOUNT, self.key.account_name()));
        let registration = Registration {
            issuer: issuer(self.client.profile()),
            client_id: self.client.client_id().to_owned(),
            secret: self.secret()?,
            settings: set.chain(account).map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        };
        let label = label(&self.client, &self.key);
        if self.store.registration(&label)?.as_ref() != Some(&registration) {
            self.store.save_registration(&label, &registration)?;
        }
        Ok(())
    }

    /// Returns the source of the client secret. A secret without a source is stored with the registration.
    fn secret(&self) -> Result<Option<SecretSource>, Failure> {
        if let Some(file) = self.settings.get("client_secret_file") {
            return Ok(Some(SecretSource::File(PathBuf::from(file))));
        }
        if let Some(Origin::Environment(variable)) = self.settings.origin("client_secret") {
            return Ok(Some(SecretSource::Environment(variable.clone())));
        }
        Ok(self.settings.secret()?.map(SecretSource::Stored))
    }
}

/// Opens the store, with the keys of the settings.
///
/// # Errors
///
/// Returns a [`Failure`] if the directory cannot be used, or if a key cannot be obtained.
pub(crate) fn open(
    arguments: &StoreArguments,
    settings: &Settings,
    absent: Absent,
) -> Result<FileStore, Failure> {
    open_directory(&directory(arguments, settings)?, keys::of(settings)?, absent)
}

/// Returns the directory of the store.
///
/// # Errors
///
/// Returns a [`Failure`] if none is configured and the user has no home directory.
pub(crate) fn directory(arguments: &StoreArguments, settings: &Settings) -> Result<PathBuf, Failure> {
    match &arguments.directory {
        Some(directory) => Ok(directory.clone()),
        None => Ok(settings.store_path()?),
    }
}

/// Returns whether nothing was stored yet: no directory is named, and the default one does not exist. A directory that
/// is named and does not exist may be misspelt.
///
/// # Errors
///
/// Returns the errors of [`directory`].
pub(crate) fn nothing_is_stored(arguments: &StoreArguments, settings: &Settings) -> Result<bool, Failure> {
    let is_named = arguments.directory.is_some() || settings.origin("store.path").is_some();
    let is_absent = |error: std::io::Error| error.kind() == std::io::ErrorKind::NotFound;
    Ok(!is_named && directory(arguments, settings)?.symlink_metadata().is_err_and(is_absent))
}

/// Opens a directory, sealed if there are keys.
///
/// # Errors
///
/// Returns a [`Failure`] if it cannot be used.
pub(crate) fn open_directory(
    directory: &Path,
    keys: Option<Keys>,
    absent: Absent,
) -> Result<FileStore, Failure> {
    let options = match absent {
        Absent::Created => FileStore::options(),
        Absent::Refused => FileStore::options().must_exist(),
    };
    let options = match keys {
        Some(keys) => options.sealed(keys),
        None => options,
    };
    Ok(options.open(directory)?)
}

/// Returns the settings together with those of the only registration in the store for this account.
fn registered(store: &FileStore, account: Option<&str>, settings: Settings) -> Result<Settings, Failure> {
    let (mut found, mut unreadable) = (Vec::new(), None);
    for label in store.registrations()? {
        match store.registration(&label) {
            Ok(registration) => found
                .extend(registration.filter(|own| own.settings.get(ACCOUNT).map(String::as_str) == account)),
            // This may be the registration of another account.
            Err(error) => unreadable = Some(error),
        }
    }
    if let Some(error) = unreadable.filter(|_| found.is_empty()) {
        return Err(error.into());
    }
    let whose = account.map_or("the client itself".to_owned(), |name| format!("the account {}", shown(name)));
    let place = shown(store.directory().display());
    match found.len() {
        0 => {
            let message = format!("no settings name a client, and {place} holds no registration of {whose}");
            let remedy = "name the provider and the client, by arguments or settings; or the account, by --account NAME; \
                          octo-auth status lists them";
            Err(Failure::new(Exit::Configuration, message).with_remedy(remedy))
        }
        1 => with_registration(settings, &found.remove(0), &whose),
        count => {
            let message = format!("{place} holds {count} registrations of {whose}");
            let remedy = "say which is meant: name the provider and the client, by arguments or settings";
            Err(Failure::new(Exit::Configuration, message).with_remedy(remedy))
        }
    }
}

/// Returns the client of a registration, without its secret, and its token spec.
///
/// # Errors
///
/// Returns a [`Failure`] if the registration does not describe a valid client.
pub(crate) fn described(registration: Registration) -> Result<(Client, TokenSpec), Failure> {
    let account = registration.settings.get(ACCOUNT).cloned();
    let client_id = registration.client_id.clone();
    let settings = settings_of(registration)?;
    // This client sends nothing.
    let client = Client::new(settings.profile()?, client_id, "unused")?;
    let key = key(&client, &settings, account.as_deref())?;
    Ok((client, key))
}

/// Returns the settings of a registration, without its secret.
///
/// # Errors
///
/// Returns a [`Failure`] if one of them is invalid.
pub(crate) fn settings_of(registration: Registration) -> Result<Settings, Failure> {
    with_registration(Settings::read(None, [])?, &Registration { secret: None, ..registration }, "it")
}

/// Returns the settings together with those of a registration.
fn with_registration(
    mut settings: Settings,
    registration: &Registration,
    whose: &str,
) -> Result<Settings, Failure> {
    let origin = || Origin::Stored(whose.to_owned());
    for (name, value) in registration.settings.iter().filter(|(name, _)| *name != ACCOUNT) {
        if settings.origin(name).is_none() {
            settings = settings.with(name, value, origin())?;
        }
    }
    settings = settings.with("client_id", &registration.client_id, origin())?;
    if let Some(source) = &registration.secret {
        settings = settings.with("client_secret", source.obtain()?.expose(), origin())?;
    }
    Ok(settings)
}

/// Returns the token spec of an account, or of the client itself.
fn key(client: &Client, settings: &Settings, account: Option<&str>) -> Result<TokenSpec, Failure> {
    if let Some(account) = account {
        return Ok(TokenSpec::account(account));
    }
    let calls = &client.profile().document().calls;
    if calls.client_credentials.is_none() && calls.api_login.is_some() {
        return Ok(TokenSpec::api_login());
    }
    Ok(TokenSpec::client_credentials(&settings.scopes()?))
}

/// Returns the URL of the first call that issues tokens.
fn issuer(profile: &Profile) -> String {
    let calls = &profile.document().calls;
    let giving = [&calls.client_credentials, &calls.code, &calls.refresh, &calls.api_login];
    giving.into_iter().flatten().next().map(|call| profile.call_url(call)).unwrap_or_default()
}

/// Returns the label of a token spec's registration: readable, and different from every other.
fn label(client: &Client, key: &TokenSpec) -> String {
    let name = RecordName::new(client, key);
    let digest = name.as_str().rsplit('.').next().unwrap_or_default();
    let readable = key.account_name().chars().take(40).map(|letter| match letter.to_ascii_lowercase() {
        letter @ ('a'..='z' | '0'..='9' | '_') => letter,
        _ => '-',
    });
    let readable: String = if key.is_client_grant() { "client".to_owned() } else { readable.collect() };
    format!("{readable}-{}", &digest[..digest.len().min(16)])
}
