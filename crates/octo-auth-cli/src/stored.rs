//! The tokens that are stored in a directory, and the client whose they are.
//!
//! The rule kept here: with what a client was registered stands beside its tokens, so that a program which is started
//! again refreshes with the same. Settings that name a client take its place as a whole, never in part.

use std::path::{Path, PathBuf};

use octo_auth_blocking::{TokenManager, UreqTransport};
use octo_auth_config::{Origin, Settings};
use octo_auth_core::{Client, Profile, RecordName, Scopes, TokenSpec};
use octo_auth_store_file::{FileStore, FileStoreError, Keys, Registration, SecretSource};

use crate::arguments::{ClientArguments, StoreArguments, StoredArguments};
use crate::failure::{Exit, Failure, shown};
use crate::{client, interrupt, keys};

/// The settings that name a client. A secret alone does not: that of a registration may be in the environment.
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

/// The name of the account among the settings of a registration.
const ACCOUNT: &str = "account";

/// What is done about a directory that does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Absent {
    /// It is created: the command begins something there.
    Created,
    /// It is an error: the command is about what is there.
    Refused,
}

/// The store, and the client and the key that a command is about.
pub(crate) struct Stored {
    pub(crate) store: FileStore,
    pub(crate) client: Client,
    pub(crate) key: TokenSpec,
    settings: Settings,
    transport: UreqTransport,
}

impl Stored {
    /// Opens the store, and finds the client in the settings, or else among the registrations in the store.
    ///
    /// # Errors
    ///
    /// A [`Failure`] if the directory cannot be used, or if no client, or more than one, is meant.
    pub(crate) fn open(
        of: &ClientArguments,
        arguments: &StoredArguments,
        absent: Absent,
    ) -> Result<Self, Failure> {
        let settings = client::settings(of)?;
        let is_named = OF_A_CLIENT.iter().any(|name| settings.origin(name).is_some());
        let store = open(&arguments.store, &settings, if is_named { absent } else { Absent::Refused })?;
        let account = arguments.account.as_deref();
        let settings = if is_named { settings } else { registered(&store, account, settings)? };
        let client = settings.client()?;
        let key = key(&client, &settings, account)?;
        let transport = client::transport(&settings)?;
        Ok(Self { store, client, key, settings, transport })
    }

    /// Returns the tokens of the client. Nothing is sent.
    ///
    /// # Errors
    ///
    /// A [`Failure`] if the settings hold an unusable value, or the operating system gives no random bytes.
    pub(crate) fn manager(&self) -> Result<TokenManager, Failure> {
        let builder = TokenManager::builder(self.client.clone()).policy(self.settings.policy()?);
        let manager = builder.store(self.store.clone()).transport(self.transport()).build()?;
        interrupt::finish_first(&manager)?;
        Ok(manager)
    }

    /// Returns the tokens of the client, as if the provider could take back none.
    ///
    /// # Errors
    ///
    /// As [`Stored::manager`].
    pub(crate) fn accounts_without_revocation(&self) -> Result<TokenManager, Failure> {
        let profile = self.client.profile().clone().edit(|document| document.calls.revocation = None)?;
        // Nothing is sent, so that the secret does not matter.
        let client = Client::new(profile, self.client.client_id(), "unused")?;
        Ok(TokenManager::builder(client).store(self.store.clone()).transport(self.transport()).build()?)
    }

    /// Returns the redirect URI of the settings, and the scopes to ask for.
    ///
    /// # Errors
    ///
    /// A [`Failure`] if a setting is unusable.
    pub(crate) fn consent(&self) -> Result<(Option<&str>, Scopes), Failure> {
        Ok((self.settings.redirect_uri()?, self.settings.scopes()?))
    }

    /// Returns the transport.
    pub(crate) fn transport(&self) -> UreqTransport {
        self.transport.clone()
    }

    /// Fails if the directory is adopt-only, or if its registrations are sealed in another way than the settings say: what
    /// is written must not be plain text, or of another key, beside them.
    ///
    /// # Errors
    ///
    /// A [`Failure`] that says why.
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

    /// Fails if what [`register`](Self::register) does would fail: as [`writable`](Self::writable), and if the registration
    /// that stands there cannot be read, and so not be replaced.
    ///
    /// # Errors
    ///
    /// A [`Failure`] that says why.
    pub(crate) fn registrable(&self) -> Result<(), Failure> {
        self.writable()?;
        self.store.registration(&label(&self.client, &self.key))?;
        self.secret()?;
        Ok(())
    }

    /// Returns the directory of the store, as it can be shown.
    pub(crate) fn shown_directory(&self) -> String {
        shown(self.store.directory().display())
    }

    /// Stores with what the client was registered, for commands without settings.
    ///
    /// # Errors
    ///
    /// A [`Failure`] if the directory cannot be written.
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

    /// Returns where the client secret is. One that stands in no place of its own is stored with the registration.
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
/// A [`Failure`] if the directory cannot be used, or if a key cannot be had.
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
/// A [`Failure`] if none is named and the user has no home directory.
pub(crate) fn directory(arguments: &StoreArguments, settings: &Settings) -> Result<PathBuf, Failure> {
    match &arguments.directory {
        Some(directory) => Ok(directory.clone()),
        None => Ok(settings.store_path()?),
    }
}

/// Opens a directory, sealed if there are keys.
///
/// # Errors
///
/// A [`Failure`] if it cannot be used.
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

/// Returns the settings with those of the one registration in the store that has this account.
fn registered(store: &FileStore, account: Option<&str>, settings: Settings) -> Result<Settings, Failure> {
    let (mut found, mut unreadable) = (Vec::new(), None);
    for label in store.registrations()? {
        match store.registration(&label) {
            Ok(registration) => found
                .extend(registration.filter(|own| own.settings.get(ACCOUNT).map(String::as_str) == account)),
            // It may be that of another account.
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

/// Returns the client of a registration, without its secret, and its key.
///
/// # Errors
///
/// A [`Failure`] if the registration does not make a client.
pub(crate) fn described(registration: Registration) -> Result<(Client, TokenSpec), Failure> {
    let account = registration.settings.get(ACCOUNT).cloned();
    let client_id = registration.client_id.clone();
    let settings = settings_of(registration)?;
    // It sends nothing.
    let client = Client::new(settings.profile()?, client_id, "unused")?;
    let key = key(&client, &settings, account.as_deref())?;
    Ok((client, key))
}

/// Returns the settings of a registration, without its secret.
///
/// # Errors
///
/// A [`Failure`] if one of them is unusable.
pub(crate) fn settings_of(registration: Registration) -> Result<Settings, Failure> {
    with_registration(Settings::read(None, [])?, &Registration { secret: None, ..registration }, "it")
}

/// Returns the settings with those of a registration.
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

/// Returns the key of an account, or of the client itself.
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

/// Returns the URL of the first call that gives out tokens.
fn issuer(profile: &Profile) -> String {
    let calls = &profile.document().calls;
    let giving = [&calls.client_credentials, &calls.code, &calls.refresh, &calls.api_login];
    giving.into_iter().flatten().next().map(|call| profile.call_url(call)).unwrap_or_default()
}

/// Returns the label that the registration of a key is stored under: readable, and never that of another.
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
