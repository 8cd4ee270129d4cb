//! `octo-auth demo`: every flow, both adapters, for people and for scripts.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};

use octo_auth_emulator::{generic, octorate, octotable, officernd};
use serde_json::Value;

use crate::program::{program, run};

const SECRETS: [&str; 6] = [
    octorate::DEMO_CLIENT_SECRET,
    octorate::DEMO_API_KEY,
    octotable::DEMO_CLIENT_SECRET,
    officernd::DEMO_CLIENT_SECRET,
    generic::DEMO_CLIENT_SECRET,
    "a-password-for-the-sandbox",
];

/// Checks that the text contains neither a known secret nor anything that looks like a token or a code.
#[track_caller]
fn shows_no_secret(text: &str) {
    for secret in SECRETS {
        assert!(!text.contains(secret), "{secret}");
    }
    let is_material = |word: &&str| word.len() >= 34 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    assert_eq!(text.split(|c: char| !c.is_ascii_alphanumeric()).find(is_material), None);
    assert!(!text.contains("state=") || text.contains("state=***"));
}

#[test]
fn every_step_of_every_provider_goes_as_it_must_through_both_adapters() {
    let ran = run(&["demo", "--json"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{}", ran.out);
    let lines: Vec<Value> =
        ran.out.lines().map(|line| serde_json::from_str(line).expect("an object a line")).collect();
    let (summary, steps) = lines.split_last().expect("lines");
    assert!(steps.len() >= 80);
    assert_eq!(summary, &serde_json::json!({ "steps": steps.len(), "failed": 0 }));
    let played = |adapter: &str| -> Vec<(String, String)> {
        let own = steps.iter().filter(|step| step["adapter"] == adapter);
        own.map(|step| (step["provider"].to_string(), step["step"].to_string())).collect()
    };
    let (by_async, by_blocking) = (played("async"), played("blocking"));
    assert_eq!(by_async, by_blocking);
    assert_eq!(by_async.len() + by_blocking.len(), steps.len());
    assert_eq!(by_async.iter().collect::<BTreeSet<_>>().len(), by_async.len(), "a name is used once");
    let providers: BTreeSet<&str> = by_async.iter().map(|(provider, _)| provider.trim_matches('"')).collect();
    assert_eq!(providers, BTreeSet::from(["lifecycle", "octorate", "octotable", "officernd", "rfc6749"]));
    assert!(steps.iter().all(|step| step["ok"] == true && !step["detail"].to_string().is_empty()));
    shows_no_secret(&ran.out);
    ran.gave_nothing_away();
}

#[test]
fn what_must_be_refused_is_refused() {
    let ran = run(&["demo", "--json"]);
    for (provider, detail) in [
        ("octotable", "-> 415"),
        ("octotable", "header_missing"),
        ("octotable", "foreign_host"),
        ("octorate", "provider:ApiLoginExpired"),
        ("octorate", "WrongEnviroment"),
        ("octorate", "errNoResourcesForIdentity"),
        ("octorate", "state_mismatch"),
        ("octorate", "code_too_old"),
        ("octorate", "The code is not valid, was used or has expired"),
        ("octorate", "property_exists"),
        ("octorate", "oauth:access_denied"),
        ("officernd", "-> 429"),
        ("officernd", "oauth:invalid_client"),
        ("rfc6749", "iss_mismatch"),
        ("rfc6749", "Not active"),
    ] {
        for adapter in ["async", "blocking"] {
            let found = ran.out.lines().any(|line| {
                let step: Value = serde_json::from_str(line).expect("an object a line");
                step["provider"] == provider
                    && step["adapter"] == adapter
                    && step["detail"].as_str().is_some_and(|text| text.contains(detail))
            });
            assert!(found, "{provider}, {adapter}: {detail}");
        }
    }
}

#[test]
fn people_are_told_a_story_no_wider_than_a_hundred_columns_and_without_colours() {
    let ran = run(&["demo"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{}", ran.out);
    for part in [
        "POST https://api.octorate.com/connect/rest/v1/identity/token → 200",
        "grant_type=code&code=***",
        "GET https://app.officernd.com/api/v2/organizations/demo-space/members → 401",
        "tolerated: There is no token type and bearer was assumed",
        " steps, 0 failed.",
    ] {
        assert!(ran.out.contains(part), "{part}");
    }
    assert!(!ran.out.contains("127.0.0.1"), "addresses are the providers' own");
    let too_wide = ran.out.lines().find(|line| line.chars().count() > 100);
    assert_eq!(too_wide, None);
    shows_no_secret(&ran.out);
    ran.gave_nothing_away();
}

#[test]
fn a_reader_that_leaves_after_a_line_is_no_failure() {
    for arguments in [&["demo"][..], &["demo", "--json"]] {
        let mut child = program(arguments).spawn().expect("the program starts");
        let mut first = String::new();
        let stdout = child.stdout.take().expect("standard output is piped");
        BufReader::new(stdout).read_line(&mut first).expect("a line");
        let ended = child.wait_with_output().expect("the program ends");
        assert!(!first.is_empty());
        assert_eq!((ended.status.code(), ended.stderr.as_slice()), (Some(0), &b""[..]));
    }
}
