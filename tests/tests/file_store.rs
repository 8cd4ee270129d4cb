//! The file store in crashes and with many processes. The long versions are `cargo xtask file-store`.

#![cfg(all(unix, feature = "adapters"))]
#![expect(clippy::print_stdout, reason = "a test that is left out says so")]

use std::error::Error;
use std::fs;
use std::thread;
use std::time::Duration;

use octo_auth_core::{Claimed, Policy, Remedy, Scopes, Store, TokenSpec};
use octo_auth_store_file::FileStore;
use octo_auth_tests::file_store::process::Process;
use octo_auth_tests::file_store::trace::{Call, Run};
use octo_auth_tests::file_store::{Folder, child, kills, trace};
use octo_auth_tests::fleet::{self, Engine};
use octo_auth_tests::registration::sound;
use octo_auth_tests::rotation::RotatingServer;
use octo_auth_tests::socket::Socket;
use rustix::process::{Pid, Signal, kill_process};

#[test]
fn a_process_that_is_killed_at_any_system_call_of_a_save_leaves_the_old_or_the_new_record() {
    if !trace::is_possible() {
        println!("skipped: it needs strace");
        return;
    }
    for found in [sound(kills::of_creations()), sound(kills::of_changes(40))] {
        assert_eq!(found.missed, 0, "{found}");
        assert!(found.old > 0 && found.new > 0 && found.kills >= found.calls.min(40), "{found}");
    }
}

#[test]
fn a_process_that_is_killed_at_any_system_call_of_a_claim_leaves_a_claim_that_names_its_owner() {
    if !trace::is_possible() {
        println!("skipped: it needs strace");
        return;
    }
    let found = sound(kills::of_claims());
    assert_eq!(found.missed, 0, "{found}");
    assert!(found.old > 0 && found.new > 0, "{found}");
}

#[test]
fn a_claim_that_cannot_be_written_leaves_that_of_its_predecessor_and_no_file() {
    let folder = Folder::new();
    let path = folder.path().to_str().unwrap_or_default();
    sound(Run::of(&["claim", path, "one"]).run());
    let files = || sound(fs::read_dir(folder.path())).count();
    let before = files();
    for limit in [1, 16] {
        let failed = sound(Run::of(&["claim", path, "two"]).file_limit(limit).facts());
        assert_eq!(failed["kind"], "io", "{failed}");
        assert_eq!(files(), before);
    }
    let claimed = sound(open(&folder).claim(&child::name(), "three", child::LEASE));
    assert_eq!(claimed, Claimed::TakenOver { from: "one".to_owned() });
}

/// Lets each stopped process that has the path among its arguments go on.
fn resume(path: &str) {
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let number = entry.file_name().to_string_lossy().parse().ok().and_then(Pid::from_raw);
        let arguments = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        if let Some(number) = number.filter(|_| String::from_utf8_lossy(&arguments).contains(path)) {
            // The process may have ended.
            let _ = kill_process(number, Signal::CONT);
        }
    }
}

#[test]
fn a_lock_file_that_was_removed_between_its_opening_and_its_locking_is_not_taken() {
    if !trace::is_possible() {
        println!("skipped: it needs strace");
        return;
    }
    let save = |folder: &Folder| Run::of(&["save", folder.path().to_str().unwrap_or_default(), "-", "a"]);
    let (_, calls) = sound(save(&Folder::new()).traced());
    let parts = [".lock\"", "O_CREAT"];
    let creates = |call: &&Call| call.name == "openat" && parts.iter().all(|part| call.line.contains(part));
    let creation = sound(calls.iter().find(creates).ok_or("no lock is created"));
    let folder = Folder::new();
    let lock = folder.path().join(creation.line.split('"').nth(1).unwrap_or_default());
    let stopped = save(&folder).at(creation, "signal=STOP");
    let child = thread::spawn(move || stopped.traced());
    while fs::remove_file(&lock).is_err() && !child.is_finished() {
        thread::yield_now();
    }
    while !child.is_finished() {
        resume(folder.path().to_str().unwrap_or_default());
        thread::yield_now();
    }
    let (output, _) = sound(child.join().unwrap_or_else(|_| Err("it panicked".to_owned())));
    assert_eq!(sound(trace::facts(&output))["outcome"], "stored");
    assert!(lock.exists(), "the record was saved under a lock that no other process can see");
}

#[test]
fn sixteen_processes_of_which_some_are_killed_and_stopped_lose_no_refresh_token_and_send_none_twice() {
    for engine in [Engine::Files, Engine::Postgres, Engine::Redis] {
        if !engine.is_installed() {
            println!("skipped: it needs {engine:?}");
            continue;
        }
        let story = sound(fleet::live(engine, 200, 7));
        assert_eq!(story.families_revoked, 0, "{engine:?}: {story}");
        assert!(story.rotations >= 200 && story.kills > 0 && story.stops > 0, "{engine:?}: {story}");
        let is_a_server = engine != Engine::Files;
        assert_eq!((story.cuts > 0, story.restarts > 0), (is_a_server, is_a_server), "{engine:?}: {story}");
    }
}

const TOKEN: &[u8] = br#"{"access_token":"at","token_type":"Bearer","expires_in":3600}"#;

fn open(folder: &Folder) -> FileStore {
    sound(FileStore::open(folder.path()))
}

fn service(number: u8) -> TokenSpec {
    TokenSpec::client_credentials(&sound(Scopes::parse(&format!("scope-{number}"))))
}

#[test]
fn a_restart_keeps_the_limit_of_requests() {
    let server = Socket::responding("200 OK", &["Content-Type: application/json"], TOKEN);
    let (url, folder) = (format!("http://{}", server.address()), Folder::new());
    let start = |seed| {
        let policy = sound(Policy::default().with_request_limit(5));
        Process::with_policy(open(&folder), &url, seed, policy)
    };
    let mut process = start(1);
    for number in 0..5 {
        sound(process.get_for(&service(number)));
    }
    drop(process);
    let mut process = start(2);
    let Err(failure) = process.get_for(&service(5)) else { panic!("a sixth request in a minute") };
    assert!(failure.retry_after().is_some_and(|wait| !wait.is_zero()), "{failure}");
    assert_eq!(server.requests().len(), 5);
    process.pass(Duration::from_secs(66));
    sound(process.get_for(&service(5)));
    assert_eq!(server.requests().len(), 6);
}

#[test]
fn a_restart_keeps_what_a_server_asked_for_by_retry_after() {
    let server = Socket::responding("503 Service Unavailable", &["Retry-After: 600"], b"");
    let (url, folder) = (format!("http://{}", server.address()), Folder::new());
    let mut process = Process::start(open(&folder), &url, 1);
    process.sign_in("rt-0");
    assert!(process.get().is_err());
    assert_eq!(server.requests().len(), 1);
    let mut process = Process::start(open(&folder), &url, 2);
    process.pass(Duration::from_secs(60));
    let Err(failure) = process.get() else { panic!("the server gives no token") };
    assert!(failure.retry_after().is_some_and(|wait| wait > Duration::from_secs(300)), "{failure}");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_process_that_only_reads_serves_and_adopts_and_never_renews() {
    let (server, folder) = (RotatingServer::start(), Folder::new());
    let url = format!("http://{}", server.address());
    let mut writer = Process::start(open(&folder), &url, 1);
    writer.sign_in(&server.sign_in("inn"));
    let first = sound(writer.get());
    let only_reads = sound(FileStore::options().follow_symlinks().open(folder.path()));
    assert!(only_reads.adopt_only().is_some());
    let mut reader = Process::start(only_reads, &url, 2);
    assert_eq!(sound(reader.get()), first);
    reader.pass(Duration::from_secs(3700));
    writer.pass(Duration::from_secs(3700));
    let Err(failure) = reader.get() else { panic!("an expired token was served") };
    assert_eq!(failure.remedy(), Remedy::FixConfiguration, "{failure}");
    let why = failure.source().map(ToString::to_string).unwrap_or_default();
    assert!(why.contains("is adopt-only") && why.contains("Another process"), "{failure}: {why}");
    assert_eq!(server.renewals("inn"), Some(1), "a process that only reads has renewed a token");
    let second = sound(writer.get());
    assert_ne!(second, first);
    reader.pass(Duration::from_secs(60));
    assert_eq!(sound(reader.get()), second);
    assert_eq!(server.renewals("inn"), Some(2));
}

/// The count of changes of each of three processes.
const CHANGES: u64 = 15;

#[test]
fn no_change_is_lost_where_locks_have_no_effect() {
    if !trace::is_possible() {
        println!("skipped: it needs strace");
        return;
    }
    let folder = Folder::new();
    let path = sound(folder.path().to_str().ok_or("no text"));
    let run = Run::of(&["count", path, &CHANGES.to_string(), "shared"]).inject("flock:retval=0");
    let done = std::thread::scope(|scope| {
        let children: Vec<_> = (0..3).map(|_| scope.spawn(|| sound(run.traced()).0)).collect();
        let facts = children
            .into_iter()
            .map(|child| sound(trace::facts(&child.join().unwrap_or_else(|_| panic!("a child")))));
        facts.filter_map(|facts| facts["done"].as_u64()).sum::<u64>()
    });
    assert_eq!(done, 3 * CHANGES);
    let stored = sound(open(&folder).load(&child::name()));
    assert_eq!(stored.map(|stored| stored.version.0), Some(done), "each change has a version of its own");
}
