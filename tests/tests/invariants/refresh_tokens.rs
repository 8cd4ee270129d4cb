//! The state of refresh tokens.

use octo_auth_testkit::invariants;
use proptest::prelude::*;

use crate::worlds::{Focus, holds, plans};

proptest! {
    #[test]
    fn i28_after_a_crash_anywhere_the_newest_refresh_token_is_stored_or_the_marker_says_that_it_is_in_doubt(
        plan in plans(Focus::Stored, 60)
    ) {
        holds("I28", &plan)?;
    }

    #[test]
    fn i29_an_answer_without_a_refresh_token_leaves_the_stored_one_as_it_is(plan in plans(Focus::Stored, 60)) {
        holds("I29", &plan)?;
    }

    #[test]
    fn i30_a_token_is_stored_before_it_is_served_or_flagged(plan in plans(Focus::Stored, 60)) {
        holds("I30", &plan)?;
    }

    #[test]
    fn i31_no_failure_deletes_a_stored_refresh_token(plan in plans(Focus::Stored, 60)) {
        holds("I31", &plan)?;
    }

    #[test]
    fn i32_a_dead_refresh_token_ends_no_other_one(plan in plans(Focus::SignIns, 60)) {
        holds("I32", &plan)?;
    }

    #[test]
    fn i33_a_new_refresh_token_is_not_dead(plan in plans(Focus::SignIns, 60)) {
        holds("I33", &plan)?;
    }

    #[test]
    fn i34_versions_form_one_chain_in_which_each_operation_is_applied_once(
        plan in prop_oneof![plans(Focus::Shared, 60), plans(Focus::Stored, 60)]
    ) {
        holds("I34", &plan)?;
    }

    #[test]
    fn i35_after_a_kill_anywhere_the_next_start_reads_an_old_or_a_new_record_and_soon_has_the_claim(
        plan in prop_oneof![plans(Focus::Shared, 60), plans(Focus::Stored, 60)],
        process in any::<u8>(), key in 0..4_u8, saved in any::<bool>(),
    ) {
        prop_assert_eq!(invariants::restart_goes_on(&plan, process, key, saved), Ok(()));
    }

    #[test]
    fn i49_a_killed_process_holds_up_the_next_one_for_ten_seconds_or_for_its_attempt(
        plan in prop_oneof![plans(Focus::Shared, 60), plans(Focus::Stored, 60)],
        process in any::<u8>(), key in 0..4_u8,
    ) {
        prop_assert_eq!(invariants::killed_process_holds_up_briefly(&plan, process, key), Ok(()));
    }

    #[test]
    fn i48_a_sign_in_or_sign_out_reaches_every_process_that_is_asked(plan in plans(Focus::Shared, 80)) {
        holds("I48", &plan)?;
    }

    #[test]
    fn i36_nothing_is_served_or_stored_after_a_sign_out(plan in plans(Focus::SignIns, 60)) {
        holds("I36", &plan)?;
    }
}
