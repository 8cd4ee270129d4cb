//! `octo-auth doctor`: each check reports its finding and the remedy.

use std::fs;

use serde_json::Value;

use crate::program::{CANARY, Ran, program, set_mode};
use crate::stored::World;

/// Returns the findings by check, and the exit code.
fn doctor(world: &World, environment: &[(&str, &str)]) -> (Option<i32>, Value) {
    let directory = world.directory.to_str().expect("a path in UTF-8");
    let mut program = program(&["doctor", "--json", "--store", directory]);
    program.env("OCTO_AUTH_CLIENT_SECRET", octo_auth_emulator::generic::DEMO_CLIENT_SECRET);
    let ran = Ran::from(program.envs(environment.iter().copied()).output().expect("the program starts"));
    ran.gave_nothing_away();
    let found: Value = serde_json::from_str(&ran.out).expect("one JSON object");
    let findings = found["checks"].as_array().expect("checks").iter();
    let by_check =
        findings.map(|finding| (finding["check"].as_str().expect("a name").to_owned(), finding.clone()));
    (ran.code, by_check.collect::<serde_json::Map<_, _>>().into())
}

#[track_caller]
fn found(findings: &Value, check: &str, result: &str, says: &str) {
    let finding = &findings[check];
    assert_eq!(finding["result"], result, "{finding}");
    assert!(finding["detail"].as_str().expect("a detail").contains(says), "{finding}");
    let is_told = finding["remedy"].is_string() || finding["detail"].to_string().contains("run `chmod");
    assert_eq!(is_told, matches!(result, "failed" | "warning"), "{finding}");
}

#[test]
fn a_sound_installation_passes_every_check_and_no_credentials_are_sent() {
    let world = World::new();
    world.import(&world.refresh_token());
    let (code, findings) = doctor(&world, &[]);
    assert_eq!(code, Some(0), "{findings}");
    for check in
        ["configuration", "key", "directory", "records", "secrets", "writing", "proxy", "provider", "clock"]
    {
        assert_eq!(findings[check]["result"], "ok", "{findings}");
    }
    found(&findings, "writing", "ok", "5 processes that wrote without a pause were killed");
    let log = world.emulator.log();
    assert_eq!(log.len(), 1);
    assert_eq!((log[0].method.as_str(), log[0].header("authorization")), ("GET", None));
    let files =
        fs::read_dir(&world.directory).expect("a directory").map(|file| file.expect("a file").file_name());
    let left: Vec<_> = files.filter(|name| name.to_string_lossy().starts_with(".doctor")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_clock_that_is_three_hours_wrong_is_told_with_what_follows() {
    let world = World::new();
    world.import(&world.refresh_token());
    for (skew, says) in
        [(3 * 3600, "is 3 h 00 min behind that of"), (-3 * 3600, "is 3 h 00 min ahead of that of")]
    {
        world.emulator.faults().skew_date(skew);
        let (code, findings) = doctor(&world, &[]);
        assert_eq!(code, Some(3), "{findings}");
        found(&findings, "clock", "failed", says);
        found(
            &findings,
            "clock",
            "failed",
            "the ends of new tokens are corrected by that; but tokens that were stored",
        );
    }
    world.emulator.faults().skew_date(48 * 3600);
    found(&doctor(&world, &[]).1, "clock", "failed", "too far to be corrected");
}

#[test]
fn each_fault_has_its_finding() {
    let world = World::new();
    world.import(&world.refresh_token());
    let (code, findings) = doctor(&world, &[("OCTO_AUTH_CLIENT_SECERT", CANARY)]);
    assert_eq!(code, Some(3));
    found(&findings, "configuration", "failed", "did you mean `OCTO_AUTH_CLIENT_SECRET`?");
    found(&findings, "writing", "skipped", "the configuration must be right first");
    let (code, findings) = doctor(&world, &[("OCTO_AUTH_STORE_KEY_FILE", "/nonexistent")]);
    assert_eq!(code, Some(3));
    found(&findings, "key", "failed", "the file cannot be read");
    found(&findings, "directory", "skipped", "the key must be had first");
    let (code, findings) = doctor(&world, &[("OCTO_AUTH_STORE_OLD_KEY", &"1".repeat(64))]);
    assert_eq!(code, Some(3));
    found(&findings, "key", "failed", "an old key goes with a key that takes its place");
    let (_, findings) = doctor(&world, &[("HTTPS_PROXY", "ftp://proxy.example")]);
    found(&findings, "proxy", "failed", "HTTPS_PROXY");
    let (_, findings) = doctor(&world, &[("HTTPS_PROXY", &format!("http://me:{CANARY}@proxy.example:3128"))]);
    found(&findings, "proxy", "ok", "http://proxy.example:3128");
    set_mode(&world.directory, 0o777);
    found(&doctor(&world, &[]).1, "directory", "failed", "mode 0777");
    set_mode(&world.directory, 0o700);
    let files = fs::read_dir(&world.directory).expect("a directory").map(|file| file.expect("a file").path());
    let record = files.into_iter().find(|path| path.extension().is_some_and(|end| end == "record"));
    fs::write(record.expect("a record"), "").expect("an empty record");
    found(&doctor(&world, &[]).1, "records", "failed", "is empty");
}

#[test]
fn a_client_secret_that_cannot_be_had_is_a_fault() {
    let world = World::new();
    world.import(&world.refresh_token());
    let unset = world.run_in_store(&["doctor"]);
    assert_eq!(unset.code, Some(3), "{unset:?}");
    let says = "failed   secrets        1 of 1 cannot be had: the registration inn-17-";
    assert!(unset.out.contains(says), "{unset:?}");
    assert!(unset.out.contains("\"OCTO_AUTH_CLIENT_SECRET\""), "{unset:?}");
    found(&doctor(&world, &[]).1, "secrets", "ok", "each registration with a client secret (1) has it");
}

#[test]
fn a_provider_that_cannot_be_reached_is_a_matter_of_time() {
    let world = World::new();
    world.import(&world.refresh_token());
    let World { emulator, directory } = &world;
    let url = emulator.url();
    let gone = program(&[
        "doctor",
        "--store",
        directory.to_str().expect("a path"),
        "--provider",
        "octorate",
        "--base-url",
        "http://127.0.0.1:1",
    ])
    .env("OCTO_AUTH_CLIENT_ID", "me")
    .env("OCTO_AUTH_CLIENT_SECRET", CANARY)
    .output();
    let ran = Ran::from(gone.expect("the program starts"));
    assert_eq!(ran.code, Some(5), "{ran:?}");
    assert!(ran.out.contains("failed   provider       Octorate at http://127.0.0.1:1/"), "{ran:?}");
    assert!(ran.out.contains("what to do: check the network"), "{ran:?}");
    assert!(ran.out.contains(&url), "the other provider is asked too: {ran:?}");
    ran.gave_nothing_away();
}
