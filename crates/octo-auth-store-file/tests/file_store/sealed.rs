//! Sealed records: keys are added and retired, and no content is silently written in plain text.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use octo_auth_core::{Saved, Secret, Store, Version};
use octo_auth_store_file::{FileStore, Key, Keys, Options, Registration, SecretSource};

use crate::world::{SECRETS, World, content, name, told};

fn key(id: u8) -> Key {
    Key::new(&format!("key-{id}"), [id; 32]).unwrap()
}

fn sealed(keys: Keys) -> Options {
    FileStore::options().sealed(keys)
}

#[test]
fn a_key_has_an_id_of_its_own_that_no_other_has() {
    let id = |bytes: u8| format!("{:?}", Key::new("any", [bytes; 32]).unwrap().with_own_id());
    assert_eq!(id(1), id(1));
    assert_ne!(id(1), id(2));
    assert!(!id(1).contains("any"));
}

/// Whether any file contains a secret.
fn is_plain(world: &World) -> bool {
    world.files().iter().any(|(_, bytes)| bytes.windows(9).any(|part| part == b"rt-secret"))
}

#[test]
fn a_sealed_store_keeps_all_promises_and_no_file_holds_a_secret_in_clear() {
    let world = World::with(sealed(Keys::new(key(1))));
    assert!(!is_plain(&world));
    assert_eq!(world.store.load(&world.name).unwrap().unwrap().content, content(SECRETS[1]));
    let folder = crate::folder::Folder::new();
    let store = sealed(Keys::new(key(1))).open(folder.path()).unwrap();
    let report = octo_auth_testkit::blocking::store::check(&store);
    assert_eq!(report.failures(), [], "{report}");
}

#[test]
fn a_store_without_the_key_reads_and_overwrites_nothing() {
    let world = World::with(sealed(Keys::new(key(1))));
    let same_id = Key::new("key-1", [9; 32]).unwrap();
    let cases = [
        (FileStore::options(), "key_missing"),
        (sealed(Keys::new(key(2))), "key_missing"),
        (sealed(Keys::new(same_id)), "seal_broken"),
    ];
    let before = world.files();
    for (options, code) in cases {
        let store = world.again(options);
        assert_eq!(told(&store.load(&world.name).unwrap_err()).0, code);
        let saved = store.compare_and_swap(&world.name, Some(Version(2)), &content("x"));
        assert_eq!(told(&saved.unwrap_err()).0, code);
        assert_eq!(world.files(), before);
    }
}

#[test]
fn a_plain_record_in_a_sealed_store_is_refused_until_it_is_sealed() {
    let world = World::new();
    let store = world.again(sealed(Keys::new(key(1))));
    assert_eq!(told(&store.load(&world.name).unwrap_err()).0, "not_sealed");
    let rekeyed = store.rekey().unwrap();
    assert_eq!((rekeyed.sealed, rekeyed.unchanged, rekeyed.failed.len()), (2, 0, 0));
    assert!(!is_plain(&world));
    let stored = store.load(&world.name).unwrap().unwrap();
    assert_eq!((stored.version, stored.content), (Version(2), content(SECRETS[1])));
}

#[test]
fn a_key_is_retired_after_all_files_are_sealed_with_the_next_and_a_run_goes_on_where_it_ended() {
    let world = World::with(sealed(Keys::new(key(1))));
    let registration = Registration {
        issuer: "https://as.example".into(),
        client_id: "c".into(),
        secret: Some(SecretSource::Stored(Secret::from("rt-secret-of-client"))),
        settings: [].into(),
    };
    world.store.save_registration("main", &registration).unwrap();
    let store = world.again(sealed(Keys::new(key(2)).and_read(key(1))));
    for number in 0..20 {
        let saved = world.store.compare_and_swap(&name(&format!("inn-{number}")), None, &content(SECRETS[0]));
        assert_eq!(saved.unwrap(), Saved::Done(Version(1)));
    }
    // Another process has sealed some files already, and one file is damaged.
    let saved = store.compare_and_swap(&name("inn-7"), Some(Version(1)), &content(SECRETS[1])).unwrap();
    assert_eq!(saved, Saved::Done(Version(2)));
    let damaged = world.folder.path().join(format!("{}.record", name("inn-8")));
    let whole = fs::read(&damaged).unwrap();
    fs::write(&damaged, b"").unwrap();
    let rekeyed = store.rekey().unwrap();
    // All but the new record of inn-7: its previous state, that of inn, the registration, and 19 other records.
    assert_eq!((rekeyed.sealed, rekeyed.unchanged), (22, 1));
    assert_eq!(
        rekeyed.failed.iter().map(octo_auth_store_file::FileStoreError::code).collect::<Vec<_>>(),
        ["corrupt"]
    );
    fs::write(&damaged, whole).unwrap();
    let rekeyed = store.rekey().unwrap();
    assert_eq!((rekeyed.sealed, rekeyed.unchanged, rekeyed.failed.len()), (1, 23, 0));
    let alone = world.again(sealed(Keys::new(key(2))));
    assert_eq!(alone.list("").unwrap().len(), 21);
    for name in alone.list("").unwrap() {
        assert!(alone.load(&name).unwrap().is_some());
    }
    assert_eq!(alone.registration("main").unwrap(), Some(registration));
}

#[test]
fn a_sealed_record_under_another_name_or_version_does_not_open() {
    let world = World::with(sealed(Keys::new(key(1))));
    let text = fs::read(world.file("record")).unwrap();
    let replaced = |from: &str, to: &str| {
        let place = text.windows(from.len()).position(|part| part == from.as_bytes()).unwrap();
        [&text[..place], to.as_bytes(), &text[place + from.len()..]].concat()
    };
    fs::write(world.file("record"), replaced("version 2", "version 3")).unwrap();
    assert_eq!(told(&world.store.load(&world.name).unwrap_err()).0, "seal_broken");
    let other = name("out");
    let file = world.folder.path().join(format!("{other}.record"));
    fs::write(&file, replaced("account.inn", "account.out")).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(&file, mode).unwrap();
    assert_eq!(told(&world.store.load(&other).unwrap_err()).0, "seal_broken");
}

#[test]
fn a_key_comes_from_a_file_or_a_command_and_anything_else_is_an_error() {
    let world = World::new();
    let digits = "0123456789abcdef".repeat(4);
    let minute = Duration::from_secs(60);
    let from_command = |text: &str| Key::from_command("k", Command::new("echo").arg(text), minute);
    assert!(from_command(&digits).is_ok());
    let mut failing = Command::new("false");
    let errors = [
        from_command("short"),
        from_command(&digits.replace('0', "g")),
        Key::from_command("k", &mut failing, minute),
        Key::from_command("k", &mut Command::new("octo-auth-no-such-program"), minute),
        // The output of this command never ends.
        Key::from_command("k", &mut Command::new("yes"), minute),
        Key::read("k", &SecretSource::Environment("OCTO_AUTH_NO_SUCH_VARIABLE".into())),
        Key::read("k", &SecretSource::File(world.folder.path().join("absent"))),
    ];
    for error in errors {
        let error = error.unwrap_err();
        assert_eq!(error.code(), "unobtainable", "{error}");
        assert!(!error.to_string().contains("456789"), "{error}");
    }
    assert_eq!(Key::new("Key 1", [1; 32]).unwrap_err().code(), "config");
    assert!(!format!("{:?}", Keys::new(key(7))).contains("7, 7"));
}

#[test]
fn a_command_that_does_not_end_in_time_is_killed_and_one_that_leaves_its_output_open_is_not_waited_for() {
    let moment = Duration::from_millis(50);
    let running = |script: &str| {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Key::from_command("k", &mut command, moment).unwrap_err().to_string()
    };
    let folder = World::new();
    let file = folder.folder.path().join("pid");
    let script = format!("echo $$ > '{}'; exec sleep 60", file.display());
    for script in [script.as_str(), "sleep 60 & exit 0"] {
        let error = running(script);
        assert!(error.ends_with("the command did not end in time, and was killed"), "{error}");
    }
    // The command may have been killed before it wrote the file.
    if let Ok(process) = fs::read_to_string(file) {
        assert!(!Path::new(&format!("/proc/{}", process.trim())).exists(), "{process} runs");
    }
}
