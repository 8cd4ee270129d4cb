//! The content of a store's directory: each record, with its client and token spec if they are known.

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

/// The content of the directory.
pub(crate) struct Inventory {
    /// The records of tokens, sorted.
    pub(crate) records: Vec<Entry>,
    /// The unusable registrations, by their labels.
    pub(crate) unusable: Vec<(String, Failure)>,
}

/// A record of tokens.
pub(crate) struct Entry {
    pub(crate) name: RecordName,
    /// The client and the token spec; `None` if neither a registration nor the settings contain them.
    pub(crate) of: Option<(Client, TokenSpec)>,
}

impl Entry {
    /// Returns the readable part of the record's name: the account or the scopes.
    pub(crate) fn readable(&self) -> &str {
        self.name.as_str().rsplit('.').nth(1).unwrap_or_default()
    }
}

/// Lists the directory. It does not read the records themselves.
///
/// # Errors
///
/// Returns a [`Failure`] if the directory cannot be read.
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

/// Reads the record of a token spec and returns its status. The next action of the manager is not executed.
///
/// # Errors
///
/// Returns a [`Failure`] if no request of the token spec can be built, or if the operating system provides no random
/// bytes.
pub(crate) fn look(store: &FileStore, client: &Client, key: &TokenSpec) -> Result<Status, Failure> {
    let entropy = entropy().map_err(|error| Failure::of(Exit::TryLater, &error))?;
    let now = SystemClock.now();
    let mut machine = TokenManager::new(client.clone(), Policy::default(), Storage::SingleProcess, &entropy);
    if let Verdict::Run(Job::Load(job)) = machine.decide(key, now).verdict {
        let read = store.load(job.name());
        let next = machine.report(job.loaded(read), now);
        // The action is not executed.
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

/// Returns why the record of a token spec cannot be used; `None` if it can.
///
/// # Errors
///
/// Returns the errors of [`look`].
pub(crate) fn fault(store: &FileStore, client: &Client, key: &TokenSpec) -> Result<Option<Failure>, Failure> {
    let status = look(store, client, key)?;
    let is_unusable = status.setback.filter(|setback| setback.kind() == TokenErrorKind::StoreUnavailable);
    // An unreadable file was already reported.
    Ok(is_unusable.map(Failure::from).filter(|_| store.load(&RecordName::new(client, key)).is_ok()))
}

/// Returns the client of the settings and its token spec for this record, if the readable part of the name identifies
/// it.
fn by_settings(client: &Client, settings: &Settings, name: &RecordName) -> Option<(Client, TokenSpec)> {
    let readable = name.as_str().rsplit('.').nth(1).unwrap_or_default();
    let scopes = settings.scopes().ok()?;
    let keys = [TokenSpec::account(readable), TokenSpec::api_login(), TokenSpec::client_credentials(&scopes)];
    keys.into_iter().find(|key| RecordName::new(client, key) == *name).map(|key| (client.clone(), key))
}

/// Whether a record is the request log of a registration.
fn is_request_log(name: &RecordName) -> bool {
    name.as_str().rsplit('.').nth(2) == Some("requests")
}
