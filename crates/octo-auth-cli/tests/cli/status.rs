//! `octo-auth status`: the status of each stored token, without sending or writing anything.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::program::set_mode;
use crate::stored::World;

/// Returns the only row of the table.
fn row(world: &World) -> Value {
    let ran = world.run_in_store(&["status", "--json"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let status: Value = serde_json::from_str(&ran.out).expect("one JSON object");
    let rows = status["tokens"].as_array().expect("rows");
    assert_eq!(rows.len(), 1, "{status}");
    rows[0].clone()
}

fn record(world: &World) -> PathBuf {
    let files = fs::read_dir(&world.directory).expect("a directory").map(|file| file.expect("a file").path());
    files.into_iter().find(|path| path.extension().is_some_and(|end| end == "record")).expect("a record")
}

#[test]
fn a_table_shows_account_provider_state_generation_and_times() {
    let world = World::new();
    world.import(&world.refresh_token());
    let before = world.run_in_store(&["status"]);
    assert!(before.out.contains("it is renewed with its next use"), "{before:?}");
    assert_eq!(row(&world)["state"], "expired");
    world.run(&["token"]);
    world.emulator.clear_log();
    let ran = world.run_in_store(&["status"]);
    let lines: Vec<&str> = ran.out.lines().collect();
    assert_eq!(lines.len(), 2, "{ran:?}");
    for title in ["account", "provider", "state", "generation", "expires in", "renews in"] {
        assert!(lines[0].contains(title), "{ran:?}");
    }
    assert!(
        lines[1].starts_with("inn 17 ") && lines[1].contains(" fresh ") && lines[1].contains(" 1 of "),
        "{ran:?}"
    );
    let row = row(&world);
    let seconds = |name: &str| row[name].as_u64().expect("seconds");
    assert!(seconds("renews_in_s") < seconds("expires_in_s"), "{row}");
    assert_eq!(row["client_id"], octo_auth_emulator::generic::DEMO_CLIENT_ID);
    assert!(world.emulator.log().is_empty(), "nothing was sent");
}

#[test]
fn each_state_has_its_word_and_says_why() {
    let world = World::new();
    let refresh_token = world.refresh_token();
    world.import(&refresh_token);
    world.emulator.generic().revoke_token(&refresh_token);
    assert_eq!(world.run(&["token"]).code, Some(4));
    let dead = row(&world);
    assert_eq!(
        (&dead["state"], &dead["failure"]),
        (&"sign in".into(), &"refresh_token_rejected".into()),
        "{dead}"
    );
    assert!(dead["why"].as_str().expect("why").contains("no longer takes its refresh token"), "{dead}");
    world.run(&["logout"]);
    assert_eq!(row(&world)["state"], "signed out");
    fs::write(record(&world), "").expect("a record that is empty");
    let damaged = row(&world);
    assert_eq!(damaged["state"], "unreadable");
    assert!(damaged["why"].as_str().expect("why").contains("is empty. It was left as it is"), "{damaged}");
}

#[test]
fn a_token_that_is_still_to_be_taken_back_is_shown() {
    let world = World::new();
    world.import(&world.refresh_token());
    let fault = octo_auth_emulator::Fault::Status { status: 503, retry_after: None, body: None };
    world.emulator.faults().on("auth.example", "/revoke").next(1, fault);
    world.run(&["logout"]);
    assert_eq!(row(&world)["to_revoke"], 1);
    world.run(&["logout"]);
    assert_eq!(row(&world)["to_revoke"], 0);
}

#[test]
fn a_record_of_an_unknown_client_is_shown_with_what_its_name_tells() {
    let world = World::new();
    world.import(&world.refresh_token());
    for file in fs::read_dir(&world.directory).expect("a directory") {
        let path = file.expect("a file").path();
        if path.extension().is_some_and(|end| end == "client") {
            fs::remove_file(path).expect("it can be removed");
        }
    }
    let unknown = row(&world);
    assert_eq!((&unknown["state"], &unknown["account"]), (&"unknown".into(), &"inn-17".into()), "{unknown}");
    assert!(unknown["why"].as_str().expect("why").contains("no registration of it is stored"), "{unknown}");
}

#[test]
fn an_empty_directory_and_one_that_is_only_read_are_told() {
    let world = World::new();
    fs::create_dir(&world.directory).expect("a directory");
    let ran = world.run_in_store(&["status"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), ""), "{ran:?}");
    assert!(ran.err.contains("holds no tokens; octo-auth login or octo-auth import"), "{ran:?}");
    set_mode(&world.directory, 0o777);
    world.run_in_store(&["status"]).failed(3, &["mode 0777", "chmod 700"]);
    set_mode(&world.directory, 0o700);
    world.import(&world.refresh_token());
    let token = world.run(&["token"]);
    world.make_adopt_only();
    let ran = world.run_in_store(&["status"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(
        ran.err.contains("is adopt-only, because") && ran.err.contains("are used and not renewed"),
        "{ran:?}"
    );
    assert_eq!(world.run(&["token"]).out, token.out, "it is served");
    world.run(&["logout"]).failed(3, &["is adopt-only, because"]);
    world.make_writable();
}
