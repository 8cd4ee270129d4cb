//! The metrics of the table in `names.md`.

use std::sync::Arc;
use std::time::Duration;

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use octo_auth_core::{Event, RenewalCause, TokenErrorKind};

use super::facts::News;

const RENEWALS: &str = "octo_auth_renewals_total";
const REFUSALS: &str = "octo_auth_refusals_total";
const WAIT: &str = "octo_auth_wait_seconds";
const BUDGET_LEFT: &str = "octo_auth_budget_left";
const SECONDS_TO_EXPIRY: &str = "octo_auth_seconds_to_expiry";

/// Registers the description of each metric.
pub(super) fn describe() {
    describe_counter!(RENEWALS, Unit::Count, "Requests of renewals that have ended, by cause and outcome.");
    describe_counter!(REFUSALS, Unit::Count, "Callers that said a resource server refused a token.");
    describe_histogram!(WAIT, Unit::Seconds, "How long the calls took that found no fresh token.");
    describe_gauge!(BUDGET_LEFT, Unit::Count, "Requests that may be sent, as of the last request.");
    describe_gauge!(
        SECONDS_TO_EXPIRY,
        Unit::Seconds,
        "How long the token is served still of the key that was last renewed or last failed to be."
    );
}

pub(super) fn requested(
    provider: &Arc<str>,
    cause: Option<RenewalCause>,
    outcome: &'static str,
    budget_left: u32,
) {
    if let Some(cause) = cause {
        let cause = cause.word();
        counter!(RENEWALS, "provider" => provider.clone(), "cause" => cause, "outcome" => outcome)
            .increment(1);
    }
    gauge!(BUDGET_LEFT, "provider" => provider.clone()).set(budget_left);
}

pub(super) fn change(provider: &Arc<str>, news: &News) {
    let is_about_renewal = match &news.change.event {
        Event::Renewed(_) | Event::Setback(_) => true,
        Event::SignInNeeded(failure) => failure.kind() != TokenErrorKind::SignedOut,
        _ => false,
    };
    if let Some(left) = news.left.filter(|_| is_about_renewal) {
        gauge!(SECONDS_TO_EXPIRY, "provider" => provider.clone()).set(left.as_secs_f64());
    }
}

pub(super) fn waited(provider: &Arc<str>, outcome: &'static str, wait: Duration) {
    histogram!(WAIT, "provider" => provider.clone(), "outcome" => outcome).record(wait.as_secs_f64());
}

pub(super) fn refused(provider: &Arc<str>) {
    counter!(REFUSALS, "provider" => provider.clone()).increment(1);
}
