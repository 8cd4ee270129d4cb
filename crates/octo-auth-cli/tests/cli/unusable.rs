//! A store that cannot be used: the error is reported at once, with the remedy and the person who must act.

use std::fs;
use std::path::PathBuf;

use crate::program::{Ran, file, program};
use crate::stored::World;

/// Returns the only file of a kind.
fn only(world: &World, ending: &str) -> PathBuf {
    let files = fs::read_dir(&world.directory).expect("a directory").map(|file| file.expect("a file").path());
    let mut found: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|end| end == ending)).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

#[test]
fn a_damaged_record_is_a_matter_of_configuration_for_each_command_that_needs_its_token() {
    let world = World::new();
    world.import(&world.refresh_token());
    let record = only(&world, "record");
    let whole = fs::read(&record).expect("a record");
    let is_foreign = String::from_utf8_lossy(&whole).replace("\"issuer\"", "\"issues\"").into_bytes();
    for (damaged, says) in [
        (whole[..whole.len() / 2].to_vec(), "ends too early. It was left as it is: recover"),
        (Vec::new(), "is empty. It was left as it is: recover"),
        (is_foreign, "does not have the content that its checksum is of"),
    ] {
        fs::write(&record, &damaged).expect("a damaged record");
        for command in [&["token"][..], &["header"], &["exec", "--", "true"]] {
            world.run(command).failed(3, &[".record", says]);
        }
        assert_eq!(fs::read(&record).expect("a record"), damaged);
    }
    assert!(world.emulator.log().is_empty(), "nothing was sent");
}

/// The deadline is long, and the test does not wait for it.
#[test]
fn where_the_store_is_only_read_an_expired_token_is_for_another_process_to_renew() {
    let world = World::new();
    world.import(&world.refresh_token());
    world.make_adopt_only();
    let ran = world.run(&["token", "--deadline", "60"]);
    world.make_writable();
    ran.failed(3, &["is adopt-only, because", "Another process", "has to renew them"]);
    assert!(world.emulator.log().is_empty(), "nothing was sent");
    assert_eq!(world.run(&["token"]).code, Some(0), "where it can be written, it is renewed");
}

#[test]
fn a_command_that_reads_creates_no_directory_and_says_that_there_is_none() {
    let world = World::new();
    let elsewhere = world.directory.with_extension("elsewhere");
    let to = elsewhere.to_str().expect("a path in UTF-8");
    for command in [
        &["status"][..],
        &["store", "check"],
        &["store", "list"],
        &["store", "rekey"],
        &["store", "recover", "nonsense"],
        &["store", "migrate", "--to", to],
    ] {
        world.run_in_store(command).failed(3, &["there is no directory", "octo-auth import create it"]);
    }
    for command in [&["token"][..], &["header"], &["exec", "--", "true"], &["logout"], &["import"]] {
        world.run(command).failed(3, &["there is no directory"]);
    }
    world.run_registered(&["token"], "").failed(3, &["there is no directory"]);
    let doctor = world.run_in_store(&["doctor"]);
    assert!(doctor.out.contains("failed   directory      there is no directory"), "{doctor:?}");
    assert!(!world.directory.exists() && !elsewhere.exists());
    world.import(&world.refresh_token());
    assert_eq!(world.run_in_store(&["status"]).code, Some(0));
}

/// A directory that is named and missing may be misspelt. The default one is missing until something is stored.
#[test]
fn before_anything_is_stored_status_and_doctor_say_so_and_succeed() {
    let home = file("home-without-a-store", "");
    fs::remove_file(&home).expect("the file can be removed");
    let run = |command: &[&str]| Ran::from(program(command).env("HOME", &home).output().expect("it starts"));
    let status = run(&["status"]);
    assert_eq!((status.code, status.out.as_str()), (Some(0), ""), "{status:?}");
    assert!(status.err.contains("holds no tokens; octo-auth login or octo-auth import begins an account"));
    let status = run(&["status", "--json"]);
    assert!(status.code == Some(0) && status.out.contains("\"tokens\":[]"), "{status:?}");
    let doctor = run(&["doctor"]);
    assert_eq!(doctor.code, Some(0), "{doctor:?}");
    assert!(doctor.out.contains("skipped  directory      nothing is stored yet"), "{doctor:?}");
    for command in [&["token", "--account", "inn 17"][..], &["header"], &["logout"], &["import"]] {
        run(command)
            .failed(3, &["no settings name a client, and nothing is stored in", "octo-auth config names"]);
    }
    assert!(!std::path::Path::new(&home).exists(), "nothing is created");
}
