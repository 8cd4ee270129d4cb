//! The expected telemetry of the token life that the tests of both adapters run.

use std::collections::BTreeMap;

use octo_auth_core::{Client, Profile};
use octo_auth_emulator::Emulator;
use octo_auth_emulator::generic::{DEMO_CLIENT_ID, DEMO_CLIENT_SECRET};

use crate::recording_subscriber::{RecordingSubscriber, documented};

/// The profile name of the client that lives this life.
pub(crate) const NAME: &str = "a-life";

/// The profile name of another client, whose store rejects writes.
pub(crate) const UNSAVED: &str = "a-life-unsaved";

/// The profile name of another client, whose store forgets what it has confirmed.
pub(crate) const LOST: &str = "a-life-lost";

/// The value of an additional parameter of its spec.
pub(crate) const PARAMETER: &str = "value-of-a-parameter";

const QUERY: &str = "value-of-a-query";

/// Returns the profile with another name.
pub(crate) fn named(profile: &Profile, name: &'static str) -> Profile {
    let mut document = profile.document().clone();
    document.name = name.into();
    Profile::new(document).expect("a sound profile")
}

/// Returns the client of the life, at the emulated standard server.
pub(crate) fn client(emulator: &Emulator) -> Client {
    let base = emulator.base("auth.example");
    let profile = Profile::rfc6749(&format!("{base}/token?tenant={QUERY}"))
        .and_then(|profile| profile.with_revocation_url(&format!("{base}/revoke")))
        .and_then(|profile| profile.with_authorization_url(&format!("{base}/authorize")))
        .expect("a profile");
    Client::new(named(&profile, NAME), DEMO_CLIENT_ID, DEMO_CLIENT_SECRET).expect("a client")
}

/// Returns the code and the state in the URL of a callback.
pub(crate) fn secrets_in(callback: &str) -> Vec<String> {
    let (_, query) = callback.split_once('?').expect("a query");
    query.split('&').filter_map(|pair| pair.split_once('=')).map(|(_, value)| value.to_owned()).collect()
}

/// Returns the expected number of each event, in the form of a test.
pub(crate) fn counts(counted: &[(&str, usize)]) -> BTreeMap<String, usize> {
    counted.iter().map(|(told, count)| ((*told).to_owned(), *count)).collect()
}

/// Compares the recorded telemetry of both clients with the documentation and with the expected events. Searches
/// it for the secrets that were used.
pub(crate) fn check(ear: &RecordingSubscriber, secrets: &[String]) {
    assert_eq!(ear.vocabulary(&[NAME, UNSAVED, LOST]), documented());
    let told = [NAME, UNSAVED, LOST].into_iter().flat_map(|name| ear.from(name));
    let undocumented = told.filter(|heard| heard.undocumented().is_some());
    assert_eq!(undocumented.map(|heard| format!("{heard:?}")).collect::<Vec<_>>(), [""; 0]);
    let requested = counts(&[
        ("refresh first ok", 1),
        ("refresh due ok", 1),
        ("refresh expired ok", 2),
        ("refresh refused ok", 1),
        ("refresh expired http:5xx", 1),
        ("refresh expired oauth:invalid_grant", 1),
        ("refresh ahead ok", 1),
        ("code exchange - ok", 1),
        ("revocation - tried", 1),
        ("client credentials - ok", 1),
    ]);
    assert_eq!(ear.counted(NAME, "octo_auth.requested", &["purpose", "cause", "outcome"]), requested);
    let keys = ear.counted(NAME, "octo_auth.renewed", &["key"]);
    assert_eq!(keys, counts(&[(r#"account "guest", audience"#, 7)]));
    let everything = ear.everything();
    assert!(secrets.len() > 15, "{} secrets were used", secrets.len());
    for secret in secrets.iter().map(String::as_str).chain([DEMO_CLIENT_SECRET, PARAMETER, QUERY]) {
        assert!(!everything.contains(secret), "{secret} in {everything}");
    }
}
