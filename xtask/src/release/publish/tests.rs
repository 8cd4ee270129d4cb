use std::collections::BTreeSet;
#[cfg(target_os = "linux")]
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

use anyhow::Result;

use super::{NAME, Outcome, Target, remove_tokens, run};
use crate::release::fixture::Fixture;
use crate::release::registry::{Fault, Registry};
use crate::release::rehearsal::tree::name_registry;
use crate::release::workspace::Workspace;

const TOKEN: &str = "loopback-canary";

/// Returns the sample whose crates depend on each other through the loopback registry.
fn fixture() -> (Fixture, Workspace) {
    let fixture = Fixture::new();
    let workspace = Workspace::read(fixture.root()).unwrap();
    name_registry(&workspace, NAME).unwrap();
    (fixture, workspace)
}

/// Publishes the sample. Returns the results, and the pauses in seconds. The index catches up at the end of the second.
fn publish(
    (fixture, workspace): &(Fixture, Workspace),
    registry: &Registry,
) -> (Result<Vec<(String, Outcome)>>, Vec<u64>) {
    let home = fixture.root().join("target/home");
    let target = Target::Loopback { index: registry.index(), token: TOKEN, home: &home };
    let mut pauses = Vec::new();
    let outcome = run(workspace, &target, &mut |pause: Duration| {
        pauses.push(pause.as_secs());
        if pauses.len() == 2 {
            registry.catch_up();
        }
    });
    (outcome, pauses)
}

fn outcomes(published: Result<Vec<(String, Outcome)>>) -> Vec<Outcome> {
    published.unwrap().into_iter().map(|(_, outcome)| outcome).collect()
}

#[test]
fn all_crates_are_published_in_order_and_a_second_run_uploads_nothing() {
    let (fixture, registry) = (fixture(), Registry::start(TOKEN, []).unwrap());
    assert_eq!(outcomes(publish(&fixture, &registry).0), [Outcome::Published; 3]);
    assert_eq!(outcomes(publish(&fixture, &registry).0), [Outcome::WasThere; 3]);
    let uploads = registry.log().into_iter().filter(|seen| seen.method == "PUT").count();
    assert_eq!(uploads, 3);
}

#[test]
fn a_run_after_a_cut_connection_publishes_what_is_missing() {
    let (fixture, registry) = (fixture(), Registry::start(TOKEN, [(2, Fault::Cut)]).unwrap());
    let error = publish(&fixture, &registry).0.unwrap_err().to_string();
    assert_eq!(error, "1 of 3 crates are there, sample-middle is not; run it again, which goes on from here");
    let again = outcomes(publish(&fixture, &registry).0);
    assert_eq!(again, [Outcome::WasThere, Outcome::Published, Outcome::Published]);
}

#[test]
fn an_upload_whose_answer_was_lost_is_recognised_by_its_checksum() {
    let (fixture, registry) = (fixture(), Registry::start(TOKEN, [(2, Fault::CutAfter)]).unwrap());
    assert!(publish(&fixture, &registry).0.is_err());
    let again = outcomes(publish(&fixture, &registry).0);
    assert_eq!(again, [Outcome::WasThere, Outcome::WasThere, Outcome::Published]);
}

#[test]
fn a_crate_that_the_index_shows_late_is_waited_for_and_recognised() {
    let (fixture, registry) = (fixture(), Registry::start(TOKEN, [(2, Fault::Late)]).unwrap());
    assert!(publish(&fixture, &registry).0.is_err());
    let (again, pauses) = publish(&fixture, &registry);
    assert_eq!(outcomes(again), [Outcome::WasThere, Outcome::WasThere, Outcome::Published]);
    assert_eq!(pauses, [5, 5]);
}

/// The variables by which the next test tells the process that it interrupts what to publish, and where.
const INTERRUPTED: [&str; 2] = ["XTASK_TEST_PUBLISH", "CARGO_REGISTRIES_REHEARSAL_INDEX"];

#[test]
#[cfg(target_os = "linux")]
fn a_run_that_ctrl_c_ends_during_an_upload_is_finished_by_the_next_one() {
    if let [Some(root), Some(index)] = INTERRUPTED.map(std::env::var_os) {
        let (root, index) = (PathBuf::from(root), index.into_string().unwrap());
        let home = root.join("target/home");
        let target = Target::Loopback { index, token: TOKEN, home: &home };
        panic!("{:?}", run(&Workspace::read(&root).unwrap(), &target, &mut |_| {}));
    }
    let (report, stuck) = mpsc::channel();
    let (fixture, registry) = (fixture(), Registry::start(TOKEN, [(2, Fault::Stuck(report))]).unwrap());
    // A script that runs the tests in the background makes them ignore Ctrl-C.
    let mut interrupted = Command::new("env")
        .arg("--default-signal=INT")
        .arg(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "release::publish::tests::a_run_that_ctrl_c_ends_during_an_upload_is_finished_by_the_next_one",
        ])
        .envs(INTERRUPTED.into_iter().zip([fixture.0.root().as_os_str(), registry.index().as_ref()]))
        // As at a terminal, where Ctrl-C reaches cargo too.
        .process_group(0)
        .spawn()
        .unwrap();
    stuck.recv_timeout(Duration::from_secs(120)).unwrap();
    let group = format!("-{}", interrupted.id());
    assert!(Command::new("kill").args(["-s", "INT", "--", &group]).status().unwrap().success());
    assert_eq!(interrupted.wait().unwrap().signal(), Some(2));
    let again = outcomes(publish(&fixture, &registry).0);
    assert_eq!(again, [Outcome::WasThere, Outcome::WasThere, Outcome::Published]);
}

#[test]
fn a_registry_that_asks_to_wait_is_waited_for() {
    let (fixture, registry) =
        (fixture(), Registry::start(TOKEN, [(1, Fault::Throttle(7)), (3, Fault::Throttle(8))]).unwrap());
    let (published, pauses) = publish(&fixture, &registry);
    assert_eq!(outcomes(published), [Outcome::Published; 3]);
    assert_eq!(pauses, [7, 8]);
}

#[test]
fn an_expired_token_ends_the_run_and_the_next_one_goes_on() {
    let (fixture, registry) = (fixture(), Registry::start(TOKEN, [(3, Fault::Expired)]).unwrap());
    let error = format!("{:#}", publish(&fixture, &registry).0.unwrap_err());
    assert!(error.contains("the token has expired") && !error.contains(TOKEN), "{error}");
    assert_eq!(outcomes(publish(&fixture, &registry).0).last(), Some(&Outcome::Published));
}

#[test]
fn other_content_under_the_same_version_stops_everything_before_the_first_upload() {
    let (fixture, registry) = (fixture(), Registry::start(TOKEN, [(3, Fault::Cut)]).unwrap());
    assert!(publish(&fixture, &registry).0.is_err());
    fixture.0.append("sample-middle/src/lib.rs", "/// Another.\npub const ONE: u32 = 1;\n");
    let before = registry.held();
    let error = publish(&fixture, &registry).0.unwrap_err().to_string();
    assert!(error.contains("nothing was uploaded") && error.contains("version of sample-middle;"), "{error}");
    assert_eq!(registry.held(), before);
}

#[test]
fn the_token_is_shown_with_uploads_alone() {
    let (fixture, registry) = (fixture(), Registry::start(TOKEN, []).unwrap());
    publish(&fixture, &registry).0.unwrap();
    let with_token = registry.log().into_iter().filter(|seen| seen.token.is_some());
    let paths: BTreeSet<_> = with_token.map(|seen| (seen.path, seen.token.unwrap())).collect();
    assert_eq!(paths.into_iter().collect::<Vec<_>>(), [("/api/v1/crates/new".to_owned(), TOKEN.to_owned())]);
}

#[test]
fn no_token_of_the_environment_reaches_cargo() {
    let tokens = [
        "CARGO_REGISTRY_TOKEN",
        "CARGO_REGISTRIES_CRATES_IO_TOKEN",
        "CARGO_REGISTRIES_MINE_CREDENTIAL_PROVIDER",
    ];
    let others = ["PATH", "CARGO_TERM_COLOR"];
    let mut cargo = Command::new("cargo");
    remove_tokens(&mut cargo, tokens.into_iter().chain(others).map(Into::into));
    let removed: BTreeSet<_> =
        cargo.get_envs().map(|(name, value)| (name.to_str().unwrap(), value)).collect();
    assert_eq!(removed, tokens.map(|name| (name, None)).into());
}
