//! The corpus of hostile inputs, and tests that its runner hides no failure.

#![expect(clippy::expect_used, reason = "a test that cannot be set up must stop")]

use std::path::{Path, PathBuf};

use octo_auth_tests::conformance::{Row, RowVerdict, Subject, Verdict, load, run};
use serde_json::{Value, json};

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

fn subject() -> Subject {
    Subject::own().expect("the adapters can be set up")
}

/// Returns the row, read from a file in a separate folder for this test process.
fn only(row: &Value, name: &str) -> Vec<Row> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("conformance");
    std::fs::create_dir_all(&folder).expect("a folder for a row");
    let file = folder.join(format!("{name}.json"));
    std::fs::write(&file, json!([row]).to_string()).expect("a file for a row");
    load(&file).expect("one sound row")
}

fn sound_row() -> Value {
    json!({
        "id": "planted", "group": "token-response-body", "why": "a sound answer",
        "input": {"grant": "client_credentials", "profile": "rfc", "status": 200,
            "headers": [["content-type", "application/json"]],
            "body": "{\"access_token\":\"AT1\",\"token_type\":\"Bearer\",\"expires_in\":3600}"},
        "expect": {"outcome": "accept", "lifetime_s": 3600, "refresh": "none", "warn": []}
    })
}

fn verdict(row: &Value, name: &str) -> Verdict {
    run(&only(row, name)[0], &subject()).verdict
}

#[test]
fn no_row_fails_and_every_row_is_run_that_this_machine_can_run() {
    let rows = load(&corpus()).expect("the corpus");
    let subject = subject();
    let outcomes: Vec<RowVerdict> = rows.iter().map(|row| run(row, &subject)).collect();
    let failed: Vec<String> = outcomes
        .iter()
        .filter(|outcome| matches!(outcome.verdict, Verdict::Failed { .. }))
        .map(RowVerdict::to_json)
        .collect();
    assert_eq!(failed, Vec::<String>::new());
    let needs = |outcome: &RowVerdict| match outcome.verdict {
        Verdict::NotRun { needs } => Some(needs),
        _ => None,
    };
    let of_the_machine: [&str; 6] = [
        "strace",
        "the rights of root",
        "the program flock",
        "the program octo-auth",
        "a system that dumps core",
        "a system that opens pages by xdg-open",
    ];
    let is_later = |needs: &&str| !of_the_machine.iter().any(|lacking| needs.starts_with(lacking));
    let not_run = outcomes.iter().filter_map(needs).filter(is_later).count();
    assert_eq!(not_run, 0, "rows that need later work");
    assert!(rows.len() >= 576, "rows are added and never taken away");
}

#[test]
fn a_sound_row_passes() {
    assert_eq!(verdict(&sound_row(), "sound"), Verdict::Passed);
}

#[test]
fn each_wrong_expectation_fails_its_row() {
    for (key, wrong) in [
        ("outcome", json!("reject")),
        ("lifetime_s", json!(3599)),
        ("lifetime_s", Value::Null),
        ("refresh", json!("replace")),
        ("warn", json!(["bom"])),
        ("serve", json!(false)),
        ("soft_s", json!(900)),
        ("access_token", json!("AT2")),
        ("hint", json!("quota_exhausted")),
        ("debug_contains_secret", json!(true)),
    ] {
        let mut row = sound_row();
        row["expect"][key] = wrong.clone();
        let verdict = verdict(&row, &format!("wrong-{key}"));
        assert!(matches!(verdict, Verdict::Failed { .. }), "{key} = {wrong} was not noticed");
    }
}

#[test]
fn each_wrong_expectation_about_a_store_or_a_file_fails_its_row() {
    let mut rows: Vec<Value> = Vec::new();
    for file in ["store-contents.json", "files.json"] {
        let text = std::fs::read_to_string(corpus().join(file)).expect("the rows");
        rows.extend(serde_json::from_str::<Vec<Value>>(&text).expect("an array of rows"));
    }
    // Slow rows run only once: those with a child at each step, and those that wait for a lock.
    let is_long =
        |row: &Value| ["at", "kill_at", "wait_ms"].iter().any(|key| row["input"][key] != Value::Null);
    rows.retain(|row| !is_long(row));
    let subject = subject();
    for (place, row) in rows.iter().enumerate() {
        let judged = |row: &Value| run(&only(row, &format!("store-{place}"))[0], &subject).verdict;
        if judged(row) != Verdict::Passed {
            continue;
        }
        let expect = row["expect"].as_object().expect("expectations");
        for (key, value) in expect {
            let mut row = row.clone();
            row["expect"][key] = another(value);
            assert!(matches!(judged(&row), Verdict::Failed { .. }), "{}: {key} is not judged", row["id"]);
        }
    }
}

/// Returns a different value. A number becomes negative, because some numbers are bounds.
fn another(value: &Value) -> Value {
    match value {
        Value::Bool(value) => json!(!value),
        Value::Number(_) => json!(-1),
        Value::Array(_) => json!(["nonsense"]),
        _ => json!("nonsense"),
    }
}

#[test]
fn what_the_machine_does_is_judged_and_not_only_what_an_answer_says() {
    let mut row = sound_row();
    row["expect"]["soft_s"] = json!(900);
    let verdict = verdict(&row, "machine");
    assert!(matches!(verdict, Verdict::Failed { layer: "machine", .. }), "{verdict:?}");
}

#[test]
fn an_unknown_expectation_or_input_fails_its_row() {
    for place in ["expect", "input"] {
        let mut row = sound_row();
        row[place]["surprise"] = json!(1);
        let verdict = verdict(&row, &format!("unknown-{place}"));
        assert!(matches!(&verdict, Verdict::Failed { difference, .. } if difference.contains("surprise")));
    }
}

#[test]
fn an_expectation_that_no_layer_can_speak_to_fails_its_row() {
    let mut row = sound_row();
    row["expect"]["granted"] = json!(["a"]);
    let verdict = verdict(&row, "silent");
    assert!(matches!(&verdict, Verdict::Failed { difference, .. } if difference.contains("no layer speaks")));
}

#[test]
fn a_row_that_is_no_row_is_refused_with_its_place() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let file = folder.join("no-row.json");
    std::fs::write(&file, r#"[{"id":"a","group":"g","input":{},"why":""}]"#).expect("a file");
    let error = load(&file).expect_err("a row without an expectation");
    assert!(error.to_string().ends_with("row 1 has no expect"), "{error}");
}

#[test]
fn a_command_of_another_library_is_judged_by_what_it_prints() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let program = |name: &str, prints: &str| {
        let file = folder.join(name);
        std::fs::write(&file, format!("#!/bin/sh\ncat > /dev/null\nprintf '%s' '{prints}'\n"))
            .expect("a file");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).expect("a program");
        }
        Subject::command(&file)
    };
    let row = &only(&sound_row(), "foreign")[0];
    let right = r#"{"outcome":"accept","lifetime_s":3600,"refresh":"none","warn":[]}"#;
    assert_eq!(run(row, &program("right", right)).verdict, Verdict::Passed);
    let wrong = r#"{"outcome":"accept","lifetime_s":null,"refresh":"none","warn":[]}"#;
    assert!(matches!(run(row, &program("wrong", wrong)).verdict, Verdict::Failed { .. }));
    let silent = run(row, &program("silent", "")).verdict;
    assert!(matches!(silent, Verdict::NotRun { .. }), "{silent:?}");
}
