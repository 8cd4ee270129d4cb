//! The checks that every store must pass.

mod claims;
mod handles;
mod machine;
mod names;
mod operations;
mod records;
mod versions;

use super::{Shelf, SuiteReport};
use operations::Advance;

/// Runs all checks, one after the other. `advance` moves the store's clock; without it the clock must run.
pub(crate) async fn check(shelf: &impl Shelf, advance: Option<Advance<'_>>) -> SuiteReport {
    let mut report = SuiteReport::default();
    report.add("an_unknown_name_has_no_record", records::unknown_name(shelf).await);
    report.add("content_comes_back_byte_for_byte", records::whole(shelf).await);
    report.add("a_change_of_the_stored_version_is_done", versions::right(shelf).await);
    report.add("a_change_of_another_version_is_a_conflict", versions::wrong(shelf).await);
    report.add("a_change_of_no_version_creates_only", versions::absent(shelf).await);
    report.add("versions_grow", versions::grow(shelf).await);
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

/// Checks two handles of one store.
pub(crate) async fn check_handles(one: &impl Shelf, other: &impl Shelf) -> SuiteReport {
    let mut report = SuiteReport::default();
    report.add("what_one_handle_wrote_another_reads", handles::read(one, other).await);
    report.add("a_claim_keeps_other_handles_out", claims::in_two_handles(one, other).await);
    report.add("changes_name_what_another_handle_wrote", handles::heard(one, other).await);
    report
}
