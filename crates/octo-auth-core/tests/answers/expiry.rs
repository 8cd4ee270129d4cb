//! The lifetime of a token: from an absolute expiry, the server's clock, and the time spent in caches.

#![expect(clippy::unwrap_used, reason = "what a test builds on is sound, or the test fails")]

use octo_auth_core::{AdminToken, Client};
use octo_auth_testkit::outcome;
use octo_auth_testkit::registration::{CLIENT_ID, CLIENT_SECRET, octorate};
use octo_auth_testkit::response::{read, with};

/// Returns the outcome of an answer with this expiry, if the profile allows this clock skew in seconds.
fn read_with(skew: u32, headers: &[(&str, &str)], expiry: &str) -> String {
    let profile = octorate().profile().clone();
    let profile = profile.edit(|document| document.token_answer.clock_skew_seconds = skew).unwrap();
    let client = Client::new(profile, CLIENT_ID, CLIENT_SECRET).unwrap();
    let headers: Vec<_> = [("content-type", "application/json")].iter().chain(headers).copied().collect();
    let body = format!(r#"{{"access_token":"AT","expireDate":{expiry}}}"#);
    let answer = read(client.api_login().unwrap(), &with(200, &headers, &body));
    outcome::of_token(&answer.map(|answer| answer.map(AdminToken::for_ip_authentication)))
}

/// One hour after now.
const IN_AN_HOUR: &str = r#""2026-01-01T01:00:00.000Z""#;

const NOW: (&str, &str) = ("date", "Thu, 01 Jan 2026 00:00:00 GMT");
const BEFORE_50_MINUTES: (&str, &str) = ("date", "Wed, 31 Dec 2025 23:10:00 GMT");
const BEFORE_6_HOURS: (&str, &str) = ("date", "Wed, 31 Dec 2025 18:00:00 GMT");
const IN_30_MINUTES: (&str, &str) = ("date", "Thu, 01 Jan 2026 00:30:00 GMT");

/// A cache keeps the `Date` of the origin, which is as old as the `Age` of the answer.
#[test]
fn the_time_in_caches_counts_for_an_absolute_expiry() {
    for (headers, expected) in [
        (&[BEFORE_50_MINUTES, ("age", "3000")][..], "AT, 3600s; age_nonzero"),
        (&[BEFORE_50_MINUTES, ("age", "2990")], "AT, 3610s; age_nonzero"),
        (&[NOW, ("age", "3000")], "AT, 600s; age_nonzero clock_skew"),
        (&[NOW, ("age", "4000")], "AT, 0ns; age_nonzero clock_skew expired_on_arrival"),
        (&[NOW, ("age", "4294967295")], "AT, 3600s; age_nonzero server_date_implausible"),
        (&[("age", "3000")], "AT, 3600s; age_nonzero"),
    ] {
        assert_eq!(read_with(7200, headers, IN_AN_HOUR), expected, "{headers:?}");
    }
}

#[test]
fn a_contradicting_date_lengthens_a_lifetime_only_up_to_the_profiles_limit() {
    for (skew, header, expected) in [
        (7200, BEFORE_50_MINUTES, "AT, 6600s; clock_skew"),
        (7200, BEFORE_6_HOURS, "AT, 10800s; clock_skew"),
        (600, BEFORE_6_HOURS, "AT, 4200s; clock_skew"),
        (0, BEFORE_50_MINUTES, "AT, 3600s; clock_skew"),
        (u32::MAX, BEFORE_6_HOURS, "AT, 25200s; clock_skew"),
        (0, IN_30_MINUTES, "AT, 1800s; clock_skew"),
    ] {
        assert_eq!(read_with(skew, &[header], IN_AN_HOUR), expected, "{skew} {header:?}");
    }
    let own = octorate().profile().document().token_answer.clock_skew_seconds;
    assert_eq!(own, 7200, "what a profile allows that does not say");
}

#[test]
fn a_number_far_outside_the_calendar_is_an_invalid_date() {
    for number in [
        "1e200",
        "-1e200",
        "1e400",
        "1.5e300",
        "9223372036854775808",
        "-9223372036854775809",
        "99999999999999999999999999",
        "1767229200000000",
        "1767229200000000000",
        "-1e18",
        "-1000000000000000",
        "-62135596800001",
        r#""-1000000000000000""#,
        r#""99999999999999999999999999""#,
        r#""1767229200000000""#,
    ] {
        assert_eq!(read_with(7200, &[], number), "AT; expire_date_invalid", "{number}");
    }
    for (number, expected) in [
        ("1767229200", "AT, 3600s; epoch_seconds"),
        ("1767229200000", "AT, 3600s; epoch_millis"),
        ("1.7672292e12", "AT, 3600s; epoch_millis"),
        // Year 12000, and the largest integer of many languages, which means "never".
        ("316516204800000", "AT, 315360000s; clamped"),
        ("9223372036854775807", "AT, 315360000s; clamped"),
        ("-9223372036854775808", "AT, 0ns; before_epoch"),
        // The first instant of year 1.
        ("-62135596800000", "AT, 0ns; before_epoch"),
        ("-1", "AT, 0ns; before_epoch"),
    ] {
        assert_eq!(read_with(7200, &[], number), expected, "{number}");
    }
}
