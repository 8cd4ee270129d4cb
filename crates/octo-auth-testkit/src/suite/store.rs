//! What every store owes.

mod claims;
mod records;
mod samples;

use std::time::Duration;

use octo_auth_core::{Key, Record, Saved, StoreFault, Stored, Version};

use super::{Report, Shelf};

/// What a check has found.
type Found = Result<(), String>;

/// Moves a store's clock.
pub(crate) type Advance<'a> = &'a (dyn Fn(Duration) + Send + Sync);

/// Makes all checks, one after the other. `advance` moves the store's clock; without it the clock must run.
pub(crate) async fn check(shelf: &impl Shelf, advance: Option<Advance<'_>>) -> Report {
    let mut report = Report::default();
    report.add("an_unknown_key_is_empty", records::unknown_key(shelf).await);
    report.add("a_record_comes_back_whole", records::whole(shelf).await);
    report.add("a_change_of_the_stored_version_is_done", records::right_version(shelf).await);
    report.add("a_change_of_another_version_is_a_conflict", records::wrong_version(shelf).await);
    report.add("a_change_of_nothing_needs_nothing_stored", records::absent_version(shelf).await);
    report.add("versions_grow_with_each_change", records::versions(shelf).await);
    report.add("keys_are_compared_in_full", records::keys(shelf).await);
    report.add("of_changes_at_once_one_is_done", records::race(shelf).await);
    report.add("a_claim_keeps_others_out", claims::keeps_out(shelf).await);
    report.add("a_claim_is_extended_by_its_owner", claims::extended(shelf, advance).await);
    report.add("a_claim_is_released_by_its_owner_only", claims::released(shelf).await);
    report.add("a_claim_ends_by_itself", claims::ends(shelf, advance).await);
    report.add("claims_of_other_keys_are_free", claims::of_other_keys(shelf).await);
    report
}

/// A key that no other check uses.
fn key(check: &str, number: u32) -> Key {
    Key::account(&format!("octo-auth-testkit {check} {number}"))
}

#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` hands over")]
fn failed(fault: StoreFault) -> String {
    format!("a store that should work said: {fault}")
}

/// Nothing to find fault with, or what there is.
fn expect(holds: bool, what: impl FnOnce() -> String) -> Found {
    if holds { Ok(()) } else { Err(what()) }
}

/// Stores a record over what is there; its version.
async fn put(
    shelf: &impl Shelf,
    key: &Key,
    expected: Option<Version>,
    record: &Record,
) -> Result<Version, String> {
    match shelf.swap(key, expected, record).await.map_err(failed)? {
        Saved::Done(version) => Ok(version),
        Saved::Conflict(stored) => Err(format!(
            "a change of {expected:?} met a conflict with {:?}",
            stored.map(|stored| stored.version)
        )),
    }
}

async fn load(shelf: &impl Shelf, key: &Key) -> Result<Option<Stored>, String> {
    shelf.load(key).await.map_err(failed)
}

/// What is stored is this record under this version.
async fn holds(shelf: &impl Shelf, key: &Key, version: Version, record: &Record) -> Found {
    let Some(stored) = load(shelf, key).await? else { return Err("what was stored is gone".to_owned()) };
    expect(stored.version == version, || format!("{:?} is stored, not {version:?}", stored.version))?;
    expect(stored.record == *record, || difference(record, &stored.record))
}

/// Which parts of a record are not what they should be; what they hold is not shown.
fn difference(wanted: &Record, found: &Record) -> String {
    let parts = [
        ("generation", wanted.generation == found.generation),
        ("token", wanted.token == found.token),
        ("refresh_token", wanted.refresh_token == found.refresh_token),
        ("parent", wanted.parent == found.parent),
        ("pending", wanted.pending == found.pending),
        ("terminal", wanted.terminal == found.terminal),
        ("signed_out", wanted.signed_out == found.signed_out),
    ];
    let others: Vec<_> = parts.iter().filter(|(_, same)| !same).map(|(name, _)| *name).collect();
    format!("the record came back with another {}", others.join(", "))
}
