//! What becomes of refresh tokens.

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
    fn i36_nothing_is_served_or_stored_after_a_sign_out(plan in plans(Focus::SignIns, 60)) {
        holds("I36", &plan)?;
    }
}
