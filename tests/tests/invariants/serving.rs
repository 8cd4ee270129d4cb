//! What callers get.

use octo_auth_core::{ErrorKind, Secret};
use octo_auth_tests::{moment, registration, reply};
use proptest::prelude::*;

use crate::worlds::{Focus, holds, plans};

proptest! {
    #[test]
    fn i01_a_token_is_served_only_until_its_guard_before_its_end_by_both_clocks(plan in plans(Focus::All, 60)) {
        holds("I01", &plan)?;
    }

    #[test]
    fn i02_a_token_that_is_served_belongs_to_the_key_asked_for(plan in plans(Focus::Keys, 60)) {
        holds("I02", &plan)?;
    }

    #[test]
    fn i03_a_token_in_hand_is_served_without_waiting_and_a_young_one_without_network(
        plan in plans(Focus::All, 60)
    ) {
        holds("I03", &plan)?;
    }

    #[test]
    fn i04_with_a_valid_token_no_failure_reaches_the_caller(plan in plans(Focus::Outage, 60)) {
        holds("I04", &plan)?;
    }

    #[test]
    fn i05_a_token_that_cannot_stand_in_a_header_is_never_served(plan in plans(Focus::All, 60)) {
        holds("I05", &plan)?;
    }

    #[test]
    fn i05_no_answer_brings_a_token_that_cannot_stand_in_a_header(token in any::<String>()) {
        let body = serde_json::json!({"access_token": token, "token_type": "Bearer"}).to_string();
        let exchange = registration::sound(registration::standard().refresh(&Secret::from("refresh-token")));
        let read = exchange.read(&reply::json(200, &body), moment::start(), moment::start());
        let can_stand = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
        match read {
            Ok(_) => prop_assert!(can_stand),
            Err(error) => {
                let missing = *error.kind() == ErrorKind::AccessTokenMissing;
                prop_assert!(!can_stand && (missing || *error.kind() == ErrorKind::AccessTokenUnsafe));
            }
        }
    }

    #[test]
    fn i06_the_generations_a_caller_sees_never_go_back(plan in plans(Focus::All, 60)) {
        holds("I06", &plan)?;
    }

    #[test]
    fn i07_a_refused_generation_is_never_served_again_unless_flagged_suspect(
        plan in plans(Focus::Refused, 60)
    ) {
        holds("I07", &plan)?;
    }

    #[test]
    fn i47_an_account_that_did_not_fail_is_not_denied_for_others(plan in plans(Focus::Outage, 60)) {
        holds("I47", &plan)?;
    }

    #[test]
    fn i08_no_token_of_an_error_a_redirect_or_a_broken_answer_is_served(plan in plans(Focus::Outage, 60)) {
        holds("I08", &plan)?;
    }
}
