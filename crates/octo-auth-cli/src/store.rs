//! `octo-auth store`: commands for the whole directory.
//!
//! The rule of this module: an unreadable file is reported with its remedy, and left unchanged.

use std::fmt;

use octo_auth_config::{KeySource, Settings};
use octo_auth_core::{RecordName, Store};
use octo_auth_store_file::FileStore;

use crate::arguments::StoreRequest;
use crate::failure::{Exit, Failure, shown};
use crate::inventory::{self, Inventory};
use crate::output::{self, Output};
use crate::record::unreadable;
use crate::stored::Absent;
use crate::{client, keyring, keys, stored};

/// Runs a command on the directory.
///
/// # Errors
///
/// Returns a [`Failure`] if the directory cannot be used, or if a file is damaged or was not processed.
pub(crate) fn run(request: &StoreRequest, output: &mut Output) -> Result<Exit, Failure> {
    let of = request.of();
    let settings = client::settings(&of.client)?;
    if matches!(request, StoreRequest::NewKey(_)) {
        return new_key(&settings, output);
    }
    let store = stored::open(&of.store, &settings, Absent::Refused)?;
    match request {
        StoreRequest::List(_) => list(&store, output),
        StoreRequest::Check(_) => {
            let known = inventory::read(&store, &settings)?;
            check(&store, &known, output)
        }
        StoreRequest::Recover { record, .. } => recover(&store, record, output),
        StoreRequest::NewKey(_) => new_key(&settings, output),
        StoreRequest::Rekey(_) => rekey(&store, output),
        StoreRequest::Migrate { to, .. } => {
            let to = stored::open_directory(to, keys::of(&settings)?, Absent::Created)?;
            migrate(&store, &to, output)
        }
    }
}

fn list(store: &FileStore, output: &mut Output) -> Result<Exit, Failure> {
    let mut names = store.list("").map_err(|error| unreadable(&error))?;
    names.sort();
    for name in names {
        output.line(name)?;
    }
    Ok(Exit::Done)
}

fn check(store: &FileStore, known: &Inventory, output: &mut Output) -> Result<Exit, Failure> {
    let (count, damages) = damages(store, known)?;
    let place = shown(store.directory().display());
    if damages.is_empty() {
        output.line(format_args!("{place}: {count}, all sound"))?;
        return Ok(Exit::Done);
    }
    let lines: String = damages.iter().map(|damage| format!("\n  {damage}")).collect();
    let message = format!("{place}: {count}, and {} {}{lines}", damages.len(), faults(damages.len()));
    let remedy =
        "do what each line says; octo-auth store recover restores the previous state of a damaged record";
    Err(Failure::new(Exit::Configuration, message).with_remedy(remedy))
}

/// The counts of files that can be damaged.
pub(crate) struct Count {
    records: usize,
    registrations: usize,
}

/// Returns the noun for this count of damages.
pub(crate) fn faults(count: usize) -> &'static str {
    if count == 1 { "file that cannot be used" } else { "files that cannot be used" }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = |count: usize| if count == 1 { "" } else { "s" };
        let Self { records, registrations } = *self;
        write!(f, "{records} record{} and {registrations} registration{}", s(records), s(registrations))
    }
}

/// Reads every file. Returns the counts, and one line for each damage.
///
/// # Errors
///
/// Returns a [`Failure`] if the directory cannot be listed.
pub(crate) fn damages(store: &FileStore, known: &Inventory) -> Result<(Count, Vec<String>), Failure> {
    let mut damages: Vec<String> = Vec::new();
    let names = store.list("").map_err(|error| unreadable(&error))?;
    for name in &names {
        if let Err(error) = store.load(name) {
            damages.push(unreadable(&error).in_one_line());
        }
    }
    damages.extend(store.check_locks()?.iter().map(|error| Failure::from(error).in_one_line()));
    for entry in &known.records {
        let Some((client, key)) = &entry.of else { continue };
        if let Some(failure) = inventory::fault(store, client, key)? {
            damages.push(format!("{}: {}", entry.name, failure.in_one_line()));
        }
    }
    let unusable =
        |(label, failure): &(String, Failure)| format!("the registration {label}: {}", failure.in_one_line());
    damages.extend(known.unusable.iter().map(unusable));
    Ok((Count { records: names.len(), registrations: store.registrations()?.len() }, damages))
}

fn recover(store: &FileStore, record: &str, output: &mut Output) -> Result<Exit, Failure> {
    let name = RecordName::parse(record).map_err(|error| {
        Failure::of(Exit::Configuration, &error).with_remedy("octo-auth store list prints the names")
    })?;
    store.recover(&name)?;
    output.line(format_args!(
        "{name}: recovered. Its refresh token may have been replaced since: if the provider refuses it, sign in again"
    ))?;
    Ok(Exit::Done)
}

fn new_key(settings: &Settings, output: &mut Output) -> Result<Exit, Failure> {
    let Some(KeySource::Keyring(name)) = settings.store_key()? else {
        return Err(Failure::new(Exit::Configuration, "no key of the keyring is named")
            .with_remedy("set store.key_keyring to the name that the key is to have"));
    };
    keyring::new_key(&name)?;
    output.line(format_args!("the keyring holds a new key {}", shown(&name)))?;
    Ok(Exit::Done)
}

fn rekey(store: &FileStore, output: &mut Output) -> Result<Exit, Failure> {
    let rekeyed = store.rekey()?;
    output.line(format_args!(
        "{} files sealed, {} were already sealed with this key",
        rekeyed.sealed, rekeyed.unchanged
    ))?;
    tell_what_stays_unsealed(store);
    all_done(
        &rekeyed.failed,
        "were not sealed",
        "correct each, and run it again: it skips the files that are sealed",
    )
}

/// Lists the damaged records that a recovery has set aside. They may hold tokens in plain text.
fn tell_what_stays_unsealed(store: &FileStore) {
    let files = std::fs::read_dir(store.directory()).into_iter().flatten().flatten();
    for file in files.filter(|file| file.file_name().to_string_lossy().starts_with(".damaged-")) {
        output::tell(&format!(
            "note: {} is a damaged record that was set aside, and stays as it is: remove it if you no longer need it",
            shown(file.path().display())
        ));
    }
}

fn migrate(store: &FileStore, to: &FileStore, output: &mut Output) -> Result<Exit, Failure> {
    let migrated = store.migrate(to)?;
    output.line(format_args!(
        "{} records and registrations moved to {}",
        migrated.moved,
        shown(to.directory().display())
    ))?;
    all_done(&migrated.failed, "stayed where they are", "correct each, and run it again: it moves the rest")
}

fn all_done(
    failed: &[octo_auth_store_file::FileStoreError],
    what: &str,
    remedy: &str,
) -> Result<Exit, Failure> {
    if failed.is_empty() {
        return Ok(Exit::Done);
    }
    let lines: String = failed.iter().map(|error| format!("\n  {error}")).collect();
    Err(Failure::new(Exit::Configuration, format!("{} files {what}{lines}", failed.len()))
        .with_remedy(remedy))
}
