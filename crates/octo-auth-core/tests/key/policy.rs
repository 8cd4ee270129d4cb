//! The settings of a policy and their ranges.

use std::time::Duration;

use octo_auth_core::{Policy, PolicyError};

use crate::scene::DAY;

#[test]
fn a_policy_keeps_its_earlier_settings() {
    let wait = Duration::from_secs(7);
    let policy = Policy::default().with_capacity(3).and_then(|own| own.with_wait(wait)).expect("sound");
    assert_eq!((policy.capacity(), policy.wait()), (3, wait));
    assert_eq!(policy.exchange_deadline(), Policy::default().exchange_deadline());
}

#[test]
fn a_setting_out_of_its_range_is_rejected() {
    let too_long = Policy::default().with_lead(Duration::from_secs(DAY + 1));
    assert!(matches!(too_long, Err(PolicyError::Duration { .. })));
    let instant = Policy::default().with_exchange_deadline(Duration::ZERO);
    assert!(matches!(instant, Err(PolicyError::Duration { .. })));
    assert!(matches!(Policy::default().with_request_limit(0), Err(PolicyError::Zero { .. })));
    assert!(matches!(Policy::default().with_capacity(0), Err(PolicyError::Zero { .. })));
}
