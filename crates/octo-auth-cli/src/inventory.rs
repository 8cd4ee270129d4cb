//! What stands in the directory of a store: each record, and the client and the key whose it is, where that is known.

use std::collections::BTreeMap;

use octo_auth_config::Settings;
use octo_auth_core::{
    Client, Job, Policy, RecordName, Status, Storage, Store, TokenErrorKind, TokenManager, TokenSpec, Verdict,
};
use octo_auth_store_file::FileStore;
use octo_auth_system::{Clock, SystemClock, entropy};

use crate::failure::{Exit, Failure};
use crate::record;
use crate::revocation;
use crate::stored;

/// What stands in the directory.
pub(crate) struct Inventory {
    /// The records of tokens, in order.
    pub(crate) records: Vec<Entry>,
    /// The registrations that cannot be used, by their labels.
    pub(crate) unusable: Vec<(String, Failure)>,
}

/// A record of tokens.
pub(crate) struct Entry {
    pub(crate) name: RecordName,
    /// Whose it is; `None` if neither a registration nor the settings tell.
    pub(crate) of: Option<(Client, TokenSpec)>,
}

impl Entry {
    /// Returns what stands in the record's name of the account, or of the scopes.
    pub(crate) fn readable(&self) -> &str {
        self.name.as_str().rsplit('.').nth(1).unwrap_or_default()
    }
}

/// Reads the directory. The records themselves are not read.
///
/// # Errors
///
/// A [`Failure`] if the directory cannot be read.
pub(crate) fn read(store: &FileStore, settings: &Settings) -> Result<Inventory, Failure> {
    let (mut known, mut unusable) = (BTreeMap::new(), Vec::new());
    for label in store.registrations()? {
        match store
            .registration(&label)
            .map_err(Failure::from)
            .and_then(|found| found.map(stored::described).transpose())
        {
            Ok(of) => known.extend(of.map(|(client, key)| (RecordName::new(&client, &key), (client, key)))),
            Err(failure) => unusable.push((label, failure)),
        }
    }
    let mut names = store.list("").map_err(|error| record::unreadable(&error))?;
    names.sort();
    let client = settings.client().ok();
    let entry = |name: RecordName| {
        let of = known.remove(&name).or_else(|| by_settings(client.as_ref()?, settings, &name));
        Entry { name, of }
    };
    let is_of_tokens = |name: &RecordName| !revocation::is_one(name) && !is_request_log(name);
    Ok(Inventory { records: names.into_iter().filter(is_of_tokens).map(entry).collect(), unusable })
}

/// Reads the record of a key, and returns how it stands. What would be done next is not done.
///
/// # Errors
///
/// A [`Failure`] if no request of the key can be built, or the operating system gives no random bytes.
pub(crate) fn look(store: &FileStore, client: &Client, key: &TokenSpec) -> Result<Status, Failure> {
    let entropy = entropy().map_err(|error| Failure::of(Exit::TryLater, &error))?;
    let now = SystemClock.now();
    let mut machine = TokenManager::new(client.clone(), Policy::default(), Storage::SingleProcess, &entropy);
    if let Verdict::Run(Job::Load(job)) = machine.decide(key, now).verdict {
        let read = store.load(job.name());
        let next = machine.report(job.loaded(read), now);
        // It is not carried out.
        drop(next);
    }
    let status = machine.status(key, now);
    status.ok_or_else(|| {
        Failure::new(
            Exit::Configuration,
            format!("{key} cannot be asked for at {}", client.profile().title()),
        )
    })
}

/// Returns why the record of a key cannot be used; `None` if it can.
///
/// # Errors
///
/// As [`look`].
pub(crate) fn fault(store: &FileStore, client: &Client, key: &TokenSpec) -> Result<Option<Failure>, Failure> {
    let status = look(store, client, key)?;
    let is_unusable = status.setback.filter(|setback| setback.kind() == TokenErrorKind::StoreUnavailable);
    // A file that cannot be read was named already.
    Ok(is_unusable.map(Failure::from).filter(|_| store.load(&RecordName::new(client, key)).is_ok()))
}

/// Returns the client of the settings and its key that has this record, if it can be told from the readable part.
fn by_settings(client: &Client, settings: &Settings, name: &RecordName) -> Option<(Client, TokenSpec)> {
    let readable = name.as_str().rsplit('.').nth(1).unwrap_or_default();
    let scopes = settings.scopes().ok()?;
    let keys = [TokenSpec::account(readable), TokenSpec::api_login(), TokenSpec::client_credentials(&scopes)];
    keys.into_iter().find(|key| RecordName::new(client, key) == *name).map(|key| (client.clone(), key))
}

/// Returns whether a record counts the requests of a registration.
fn is_request_log(name: &RecordName) -> bool {
    name.as_str().rsplit('.').nth(2) == Some("requests")
}
