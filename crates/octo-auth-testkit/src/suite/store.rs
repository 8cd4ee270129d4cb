//! What every store owes.

mod claims;
mod handles;
mod machine;
mod names;
mod records;
mod versions;

use std::time::Duration;

use octo_auth_core::{Key, RecordBytes, RecordName, Saved, StoreError, Stored, Version};

use super::{Report, Shelf};
use crate::registration;

/// What a check has found.
type Found = Result<(), String>;

/// Moves a store's clock.
pub(crate) type Advance<'a> = &'a (dyn Fn(Duration) + Send + Sync);

/// Makes all checks, one after the other. `advance` moves the store's clock; without it the clock must run.
pub(crate) async fn check(shelf: &impl Shelf, advance: Option<Advance<'_>>) -> Report {
    let mut report = Report::default();
    report.add("an_unknown_name_has_no_record", records::unknown_name(shelf).await);
    report.add("content_comes_back_byte_for_byte", records::whole(shelf).await);
    report.add("a_change_of_the_stored_version_is_done", versions::right(shelf).await);
    report.add("a_change_of_another_version_is_a_conflict", versions::wrong(shelf).await);
    report.add("a_change_of_no_version_creates_only", versions::absent(shelf).await);
    report.add("versions_begin_at_one_and_grow_by_one", versions::counted(shelf).await);
    report.add("of_changes_at_once_one_is_done", versions::race(shelf).await);
    report.add("names_are_compared_byte_for_byte", names::compared(shelf).await);
    report.add("names_are_listed_by_their_beginning", names::listed(shelf).await);
    report.add("registrations_do_not_see_each_others_records", machine::registrations(shelf).await);
    report.add("a_record_of_a_newer_format_is_neither_used_nor_overwritten", machine::newer(shelf).await);
    report.add("a_record_of_another_name_is_neither_used_nor_overwritten", machine::misplaced(shelf).await);
    report.add("a_claim_keeps_others_out", claims::keeps_out(shelf, advance).await);
    report.add("a_claim_is_extended_by_its_owner", claims::extended(shelf, advance).await);
    report.add("a_claim_is_released_by_its_owner_only", claims::released(shelf).await);
    report.add("a_claim_ends_by_itself", claims::ends(shelf, advance).await);
    report.add("claims_of_other_names_are_free", claims::of_other_names(shelf).await);
    report
}

/// Checks what two handles of one store owe.
pub(crate) async fn check_handles(one: &impl Shelf, other: &impl Shelf) -> Report {
    let mut report = Report::default();
    report.add("what_one_handle_wrote_another_reads", handles::read(one, other).await);
    report.add("a_claim_keeps_other_handles_out", claims::in_two_handles(one, other).await);
    report.add("changes_name_what_another_handle_wrote", handles::heard(one, other).await);
    report
}

/// A name that no other check uses.
fn name(check: &str, number: u32) -> RecordName {
    let account = format!("octo-auth-testkit {check} {number}");
    RecordName::new(&registration::standard(), &Key::account(&account))
}

/// Content that differs from all other by its number.
fn content(number: u64) -> RecordBytes {
    RecordBytes::from(format!("content {number}").into_bytes())
}

#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` hands over")]
fn failed(error: StoreError) -> String {
    format!("a store that should work said: {error}")
}

/// Fails unless something holds, with what was found instead.
fn expect(holds: bool, what: impl FnOnce() -> String) -> Found {
    if holds { Ok(()) } else { Err(what()) }
}

/// Stores content in the place of what is there, and returns its version.
async fn put(
    shelf: &impl Shelf,
    name: &RecordName,
    expected: Option<Version>,
    content: &RecordBytes,
) -> Result<Version, String> {
    match shelf.swap(name, expected, content).await.map_err(failed)? {
        Saved::Done(version) => Ok(version),
        Saved::Conflict(stored) => Err(format!(
            "a change of {expected:?} met a conflict with {:?}",
            stored.map(|stored| stored.version)
        )),
    }
}

async fn load(shelf: &impl Shelf, name: &RecordName) -> Result<Option<Stored>, String> {
    shelf.load(name).await.map_err(failed)
}

/// Fails unless this content is stored under this version.
async fn holds(shelf: &impl Shelf, name: &RecordName, version: Version, content: &RecordBytes) -> Found {
    let Some(stored) = load(shelf, name).await? else { return Err("what was stored is gone".to_owned()) };
    expect(stored.version == version, || format!("{:?} is stored, not {version:?}", stored.version))?;
    same(content, &stored.content)
}

/// Fails unless the content is the same, and says where it is not; what it holds is not shown.
fn same(wanted: &RecordBytes, found: &RecordBytes) -> Found {
    let (wanted, found) = (wanted.as_ref(), found.as_ref());
    let place = wanted.iter().zip(found).take_while(|(wanted, found)| wanted == found).count();
    expect(wanted == found, || {
        format!("{} bytes came back as {}, which differ from byte {place} on", wanted.len(), found.len())
    })
}
