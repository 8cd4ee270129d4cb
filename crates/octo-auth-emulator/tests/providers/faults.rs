//! Faults on demand: each strikes where it was ordered, and nothing else fails.

use std::time::Duration;

use octo_auth_emulator::generic::DEMO_CLIENT_ID;
use octo_auth_emulator::{Emulator, Fault, FaultTarget, officernd};

use crate::line::{Line, refresh};
use crate::wire::{START, frozen, get, post_form};

fn tokens(emulator: &Emulator) -> FaultTarget {
    emulator.faults().on("auth.example", "/token")
}

fn refresh_token(emulator: &Emulator) -> String {
    emulator.generic().grant_refresh_token(DEMO_CLIENT_ID, &["read"]).expect("a known client")
}

fn is_live(emulator: &Emulator, token: &str) -> bool {
    emulator.generic().is_live(token)
}

fn statuses(emulator: &Emulator) -> Vec<u16> {
    emulator.log().iter().map(|entry| entry.status).collect()
}

fn status(status: u16) -> Fault {
    Fault::Status { status, retry_after: None, body: None }
}

/// Refreshes over a separate connection and returns the answer.
fn refreshed(emulator: &Emulator, token: &str) -> String {
    Line::open(emulator).send(&refresh(token, "close")).rest()
}

#[test]
fn of_a_lost_answer_not_a_byte_arrives_though_the_request_was_processed() {
    let emulator = frozen();
    let token = refresh_token(&emulator);
    tokens(&emulator).next(1, Fault::AnswerLost);
    assert_eq!(refreshed(&emulator, &token), "");
    assert!(!is_live(&emulator, &token));
    assert_eq!((statuses(&emulator), emulator.faults().outstanding()), (vec![0], 0));
    assert!(refreshed(&emulator, &token).contains("invalid_grant"));
    assert_eq!(emulator.generic().families_revoked(), 1);
}

#[test]
fn an_answer_is_lost_on_a_connection_that_was_kept_open_too() {
    let emulator = frozen();
    let token = refresh_token(&emulator);
    emulator.faults().everywhere().next(1, status(503));
    let mut line = Line::open(&emulator);
    assert!(line.send(&refresh(&token, "keep-alive")).answer().starts_with("HTTP/1.1 503 "));
    tokens(&emulator).next(1, Fault::AnswerLost);
    assert_eq!(line.send(&refresh(&token, "keep-alive")).rest(), "");
    assert!(!is_live(&emulator, &token));
}

#[test]
fn a_connection_closed_unprocessed_leaves_everything_as_it_was() {
    let emulator = frozen();
    let token = refresh_token(&emulator);
    tokens(&emulator).next(1, Fault::ClosedUnprocessed);
    assert_eq!(refreshed(&emulator, &token), "");
    assert!(is_live(&emulator, &token));
    assert!(refreshed(&emulator, &token).starts_with("HTTP/1.1 200 OK"));
    assert_eq!(statuses(&emulator), [0, 200]);
}

#[test]
fn of_a_cut_answer_less_arrives_than_its_head_announces() {
    let emulator = frozen();
    let token = refresh_token(&emulator);
    tokens(&emulator).next(1, Fault::AnswerCut);
    let answer = refreshed(&emulator, &token);
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let announced = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let announced: usize = announced.expect("a length").parse().expect("a number");
    assert_eq!((head.starts_with("HTTP/1.1 200 OK"), body.len()), (true, announced / 2));
    assert!(body.starts_with(r#"{"access_token":""#) && !body.contains('}'), "{body}");
    assert!(!is_live(&emulator, &token));
    assert_eq!(statuses(&emulator), [200]);
}

#[test]
fn a_cut_answer_without_a_body_announces_one_byte_that_never_comes() {
    let emulator = frozen();
    emulator.faults().on("api.octorate.com", "/none").next(1, Fault::AnswerCut);
    let request = "GET /api.octorate.com/none HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let answer = Line::open(&emulator).send(request).rest();
    assert!(answer.starts_with("HTTP/1.1 404 ") && answer.contains("content-length: 1\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\n"), "{answer}");
}

#[test]
fn a_gateway_error_after_processing_hides_what_was_done() {
    let emulator = frozen();
    let token = refresh_token(&emulator);
    tokens(&emulator).next(1, Fault::GatewayErrorAfterProcessing);
    let answer = refreshed(&emulator, &token);
    assert!(answer.starts_with("HTTP/1.1 502 ") && answer.contains("<h1>502 Bad Gateway</h1>"), "{answer}");
    assert!(!answer.contains("access_token") && !is_live(&emulator, &token));
    assert_eq!(statuses(&emulator), [502]);
}

#[test]
fn a_burst_of_statuses_processes_nothing_and_ends_by_itself() {
    let emulator = frozen();
    let token = refresh_token(&emulator);
    let wait = Some(Duration::from_millis(1_001));
    tokens(&emulator).next(2, Fault::Status { status: 503, retry_after: wait, body: None });
    assert_eq!(emulator.faults().outstanding(), 2);
    for _ in 0..2 {
        let answer = refreshed(&emulator, &token);
        assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("retry-after: 2\r\n"), "{answer}");
        assert!(answer.contains("<h1>503 Service Unavailable</h1>") && is_live(&emulator, &token));
    }
    assert!(refreshed(&emulator, &token).starts_with("HTTP/1.1 200 "));
    assert_eq!(statuses(&emulator), [503, 503, 200]);
}

#[test]
fn a_standing_fault_strikes_until_it_is_cleared() {
    let emulator = frozen();
    let (path, host) = ("/oauth/token", "identity.officernd.com");
    emulator.faults().on(host, path).always(status(500));
    emulator.faults().on(host, path).always(status(429));
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", officernd::DEMO_CLIENT_ID),
        ("client_secret", officernd::DEMO_CLIENT_SECRET),
        ("scope", officernd::DEMO_PERMISSIONS[0]),
    ];
    let ask = || post_form(&format!("{}{path}", emulator.base(host)), &form);
    for _ in 0..10 {
        let answer = ask();
        assert_eq!((answer.status, answer.header("retry-after")), (429, ""));
    }
    assert_eq!(emulator.officernd().requests_in_window(officernd::DEMO_CLIENT_ID), 0);
    emulator.faults().clear();
    assert_eq!(ask().status, 200);
}

#[test]
fn the_body_and_its_type_are_those_of_a_gateway_the_rfc_or_the_test() {
    let emulator = frozen();
    let url = format!("{}/token", emulator.base("auth.example"));
    let given = |text: &str| Fault::Status { status: 503, retry_after: None, body: Some(text.to_owned()) };
    let of_the_rfc = Fault::TemporarilyUnavailable { status: 400, retry_after: Some(Duration::from_secs(7)) };
    for (fault, status, content_type, body) in [
        (given(r#"{"message":"m"}"#), 503, "application/json", r#"{"message":"m"}"#),
        (given("<p>later"), 503, "text/html; charset=utf-8", "<p>later"),
        (of_the_rfc, 400, "application/json", r#"{"error":"temporarily_unavailable"}"#),
    ] {
        tokens(&emulator).next(1, fault);
        let answer = post_form(&url, &[]);
        assert_eq!(answer.header("content-type"), content_type);
        assert_eq!((answer.status, answer.body.as_str()), (status, body));
        assert_eq!(answer.header("retry-after"), if status == 400 { "7" } else { "" });
    }
}

#[test]
fn a_status_that_is_none_is_answered_as_500() {
    let emulator = frozen();
    for wrong in [0, 100, 1_000] {
        emulator.faults().everywhere().next(1, status(wrong));
        assert_eq!(get(&emulator.url(), &[]).status, 500);
    }
    assert_eq!(statuses(&emulator), [500, 500, 500]);
}

#[test]
fn a_fault_strikes_its_own_place_and_an_order_for_some_comes_before_one_for_all() {
    let emulator = frozen();
    let faults = emulator.faults();
    faults.everywhere().always(status(500));
    faults.on_host("auth.example").always(status(501));
    faults.on("auth.example", "/token").next(1, status(502));
    faults.on_host("auth.example").next(1, status(503));
    faults.on("auth.example", "/token").next(0, status(504));
    let token = format!("{}/token", emulator.base("auth.example"));
    let resource = format!("{}/resource?query=1", emulator.base("auth.example"));
    let other = format!("{}/token", emulator.base("api.octorate.com"));
    let asked = [&other, &resource, &resource, &token, &token, &other];
    assert_eq!(asked.map(|url| get(url, &[]).status), [500, 503, 501, 502, 501, 500]);
}

#[test]
fn the_date_is_skewed_both_ways_in_answers_of_every_kind_until_cleared() {
    let emulator = frozen();
    let date = || get(&emulator.url(), &[]).header("date").to_owned();
    emulator.faults().skew_date(-3_600);
    assert_eq!(date(), "Tue, 14 Nov 2023 21:13:20 GMT");
    emulator.faults().everywhere().next(1, status(503));
    emulator.faults().skew_date(86_400);
    assert_eq!((date(), date()), ("Wed, 15 Nov 2023 22:13:20 GMT".to_owned(), date()));
    emulator.faults().clear();
    assert_eq!(date(), "Tue, 14 Nov 2023 22:13:20 GMT");
    assert_eq!((emulator.now_unix_millis(), emulator.log()[0].at_unix_millis), (START, START));
}

#[test]
fn a_delayed_answer_is_processed_at_once_and_comes_later() {
    let emulator = frozen();
    let token = refresh_token(&emulator);
    tokens(&emulator).next(1, Fault::Delay(Duration::from_secs(3_600)));
    let mut line = Line::open(&emulator);
    line.send(&refresh(&token, "close"));
    let mut asked = 0..10_000;
    while is_live(&emulator, &token) {
        assert!(asked.next().is_some(), "the request was never processed");
        get(&emulator.url(), &[]);
    }
    assert!(line.is_silent());
    tokens(&emulator).next(1, Fault::Delay(Duration::from_millis(1)));
    assert!(refreshed(&emulator, &refresh_token(&emulator)).starts_with("HTTP/1.1 200 OK"));
}

#[test]
fn the_log_masks_what_a_struck_request_sent() {
    let emulator = frozen();
    let token = refresh_token(&emulator);
    emulator.faults().everywhere().next(1, Fault::ClosedUnprocessed);
    refreshed(&emulator, &token);
    let entry = &emulator.log()[0];
    assert_eq!(
        (entry.form_value("refresh_token"), entry.form_value("client_secret")),
        (Some("***"), Some("***"))
    );
    assert!(!format!("{entry:?}").contains(&token));
    assert!(entry.to_string().ends_with(" -> 0"));
}
