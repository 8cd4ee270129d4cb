//! The checks that every transport must pass, against a server on loopback.

mod answers;
mod faults;
mod requests;
mod sending;

use super::{Line, SuiteReport};

/// Runs all checks, one after the other.
pub(crate) async fn check(line: &impl Line) -> SuiteReport {
    let mut report = SuiteReport::default();
    report.add("a_request_arrives_as_it_is", requests::arrives(line).await);
    report.add("a_form_arrives_as_it_is", requests::form_arrives(line).await);
    report.add("a_request_without_a_body_has_none", requests::has_no_body(line).await);
    report.add("no_header_is_added", requests::no_header_is_added(line).await);
    report.add("a_request_is_sent_once", requests::sent_once(line).await);
    report.add("a_cookie_is_not_kept", requests::no_cookie(line).await);
    report.add("a_status_is_passed_on", answers::status(line).await);
    report.add("headers_are_passed_on", answers::headers(line).await);
    report.add("a_repeated_header_stays_repeated", answers::repeated_header(line).await);
    report.add("a_body_is_passed_on_byte_by_byte", answers::body(line).await);
    report.add("a_compressed_body_stays_compressed", answers::compressed(line).await);
    report.add("a_redirect_is_not_followed", answers::redirect(line).await);
    report.add("an_answer_of_the_limit_is_whole", answers::of_the_limit(line).await);
    report.add("an_answer_of_a_raised_limit_is_whole", answers::of_a_raised_limit(line).await);
    report.add("an_answer_above_the_limit_is_cut", answers::above_the_limit(line).await);
    report.add("an_end_by_the_connection_is_noted", answers::framing(line).await);
    report.add("a_refused_connection_is_not_sent", faults::refused(line).await);
    report.add("a_closed_connection_is_in_doubt", faults::closed(line).await);
    report.add("a_reset_connection_is_in_doubt", faults::reset(line).await);
    report.add("a_broken_answer_is_in_doubt", faults::broken(line).await);
    report.add("no_http_is_in_doubt", faults::no_http(line).await);
    report.add("silence_ends_at_the_deadline", faults::silence(line).await);
    report.add("a_fault_shows_no_secret", faults::no_secret(line).await);
    report
}
