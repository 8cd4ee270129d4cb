//! Requests that a test holds: before they are processed, or with their answer.

use octo_auth_emulator::generic::DEMO_CLIENT_ID;
use octo_auth_emulator::{Emulator, Fault, FaultTarget, Held};

use crate::line::{Line, refresh};
use crate::wire::{frozen, get};

fn tokens(emulator: &Emulator) -> FaultTarget {
    emulator.faults().on("auth.example", "/token")
}

/// Returns a refresh token, and the connection over which it was sent.
fn begin(emulator: &Emulator) -> (String, Line) {
    let token = emulator.generic().grant_refresh_token(DEMO_CLIENT_ID, &["read"]).expect("a known client");
    let mut line = Line::open(emulator);
    line.send(&refresh(&token, "close"));
    (token, line)
}

fn arrived(held: &Held) {
    assert!(held.arrived(), "the request never came");
}

fn statuses(emulator: &Emulator) -> Vec<u16> {
    emulator.log().iter().map(|entry| entry.status).collect()
}

#[test]
fn a_held_answer_is_processed_and_logged_before_the_test_hears_of_it_and_sent_when_let_go() {
    let emulator = frozen();
    let held = tokens(&emulator).hold_next();
    assert!(!held.has_arrived());
    let (token, mut line) = begin(&emulator);
    arrived(&held);
    assert!(held.has_arrived() && !emulator.generic().is_live(&token));
    assert_eq!((statuses(&emulator), line.is_silent()), (vec![200], true));
    held.release();
    assert!(line.rest().starts_with("HTTP/1.1 200 OK"));
    assert_eq!(statuses(&emulator), [200]);
}

#[test]
fn a_request_held_unprocessed_changes_nothing_until_it_is_let_go() {
    let emulator = frozen();
    let held = tokens(&emulator).hold_next_unprocessed();
    let (token, mut line) = begin(&emulator);
    arrived(&held);
    assert!(emulator.generic().is_live(&token) && line.is_silent());
    assert_eq!(statuses(&emulator), [0]);
    held.release();
    assert!(line.rest().starts_with("HTTP/1.1 200 OK"));
    assert!(!emulator.generic().is_live(&token));
    assert_eq!(statuses(&emulator), [200]);
}

#[test]
fn several_requests_are_held_at_once_and_let_go_in_any_order() {
    let emulator = frozen();
    let (first, second) = (tokens(&emulator).hold_next(), tokens(&emulator).hold_next());
    assert_eq!(emulator.faults().outstanding(), 2);
    let (_, mut one) = begin(&emulator);
    arrived(&first);
    let (_, mut other) = begin(&emulator);
    arrived(&second);
    second.release();
    assert!(other.rest().starts_with("HTTP/1.1 200 OK"));
    assert!(one.is_silent());
    first.release();
    assert!(one.rest().starts_with("HTTP/1.1 200 OK"));
    assert_eq!(emulator.faults().outstanding(), 0);
}

#[test]
fn the_emulator_answers_others_while_one_request_is_held() {
    let emulator = frozen();
    let held = tokens(&emulator).hold_next();
    let (_, _line) = begin(&emulator);
    arrived(&held);
    let (_, mut other) = begin(&emulator);
    assert!(other.rest().starts_with("HTTP/1.1 200 OK"));
}

#[test]
fn a_held_answer_can_be_lost_and_a_request_held_unprocessed_can_be_forgotten() {
    let emulator = frozen();
    let held = tokens(&emulator).hold_next();
    let (token, mut line) = begin(&emulator);
    arrived(&held);
    held.close();
    assert_eq!((line.rest(), emulator.generic().is_live(&token)), (String::new(), false));
    let held = tokens(&emulator).hold_next_unprocessed();
    let (token, mut line) = begin(&emulator);
    arrived(&held);
    held.close();
    assert_eq!((line.rest(), emulator.generic().is_live(&token)), (String::new(), true));
    assert_eq!(statuses(&emulator), [0, 0]);
}

#[test]
fn dropping_the_handle_lets_the_request_go() {
    let emulator = frozen();
    let held = tokens(&emulator).hold_next_unprocessed();
    let (_, mut line) = begin(&emulator);
    arrived(&held);
    drop(held);
    assert!(line.rest().starts_with("HTTP/1.1 200 OK"));
}

#[test]
fn a_request_is_processed_even_if_its_client_has_gone_away() {
    let emulator = frozen();
    let held = tokens(&emulator).hold_next_unprocessed();
    let (token, line) = begin(&emulator);
    arrived(&held);
    drop(line);
    held.release();
    let mut asked = 0..10_000;
    while emulator.generic().is_live(&token) {
        assert!(asked.next().is_some(), "the request was never processed");
        get(&emulator.url(), &[]);
    }
    assert_eq!(emulator.log()[0].status, 200);
}

#[test]
fn a_hold_let_go_before_a_request_came_holds_none_and_makes_way_for_the_next_order() {
    let emulator = frozen();
    tokens(&emulator).hold_next().release();
    tokens(&emulator).hold_next().close();
    drop(tokens(&emulator).hold_next());
    tokens(&emulator).next(1, Fault::GatewayErrorAfterProcessing);
    assert_eq!(emulator.faults().outstanding(), 1);
    assert!(begin(&emulator).1.rest().starts_with("HTTP/1.1 502 "));
}

#[test]
fn a_hold_that_is_cleared_or_outlives_the_emulator_is_not_waited_for() {
    let emulator = frozen();
    let cleared = tokens(&emulator).hold_next();
    let kept = tokens(&emulator).hold_next();
    let (_, _line) = begin(&emulator);
    arrived(&cleared);
    emulator.faults().clear();
    assert!(cleared.has_arrived() && !kept.arrived());
    let left = tokens(&emulator).hold_next();
    drop(emulator);
    assert!(!left.arrived());
    left.release();
}

#[test]
fn clearing_the_log_while_a_request_is_held_brings_no_entry_back() {
    let emulator = frozen();
    let held = tokens(&emulator).hold_next_unprocessed();
    let (_, mut line) = begin(&emulator);
    arrived(&held);
    emulator.clear_log();
    get(&emulator.base("api.octorate.com"), &[]);
    held.release();
    assert!(line.rest().starts_with("HTTP/1.1 200 OK"));
    assert_eq!(statuses(&emulator), [404]);
}
