//! `octo-auth store`: damage is reported and left unchanged, files are sealed, keys are changed, directories are moved.

use std::fs;
use std::path::{Path, PathBuf};

use crate::program::{CANARY, Ran, file, program};
use crate::stored::World;

fn files(directory: &Path, ending: &str) -> Vec<PathBuf> {
    let files = fs::read_dir(directory).expect("a directory").map(|file| file.expect("a file").path());
    files.filter(|path| path.extension().is_some_and(|end| end == ending)).collect()
}

/// Whether any file of the directory contains a text.
fn holds(directory: &Path, text: &str) -> bool {
    let files = fs::read_dir(directory).expect("a directory").map(|file| file.expect("a file").path());
    let bytes = files.map(|path| fs::read(path).expect("a file")).collect::<Vec<_>>().concat();
    bytes.windows(text.len()).any(|part| part == text.as_bytes())
}

/// Runs a command on the whole store, with settings for its keys.
fn with_keys(world: &World, command: &[&str], keys: &[(&str, &str)]) -> Ran {
    let directory = world.directory.to_str().expect("a path in UTF-8");
    let mut program = program(&[command, &["--store", directory]].concat());
    program.env("OCTO_AUTH_CLIENT_SECRET", octo_auth_emulator::generic::DEMO_CLIENT_SECRET);
    Ran::from(program.envs(keys.iter().copied()).output().expect("the program starts"))
}

#[test]
fn a_sound_store_is_listed_and_checked() {
    let world = World::new();
    world.import(&world.refresh_token());
    let list = world.run_in_store(&["store", "list"]);
    assert!(list.out.contains(".account.inn-17.") && list.out.lines().count() == 1, "{list:?}");
    let check = world.run_in_store(&["store", "check"]);
    assert_eq!(
        (check.code, check.out.ends_with(": 1 record and 1 registration, all sound\n")),
        (Some(0), true),
        "{check:?}"
    );
}

#[test]
fn each_damage_is_named_with_what_to_do_and_left_as_it_is() {
    let world = World::new();
    let refresh_token = world.refresh_token();
    world.import(&refresh_token);
    let record = files(&world.directory, "record").remove(0);
    let whole = fs::read(&record).expect("a record");
    for (damaged, says) in [
        (whole[..whole.len() / 2].to_vec(), "ends too early"),
        (Vec::new(), "is empty"),
        (b"{}".to_vec(), "was written by another program"),
        (
            String::from_utf8_lossy(&whole).replace("record 1", "record 9").into_bytes(),
            "only a newer release reads",
        ),
    ] {
        fs::write(&record, &damaged).expect("a damaged record");
        let ran = world.run_in_store(&["store", "check"]);
        ran.failed(3, &["1 registration, and 1 file that cannot be used", says, "what to do"]);
        assert!(!ran.err.contains(&refresh_token), "{ran:?}");
        assert_eq!(fs::read(&record).expect("a record"), damaged);
    }
    fs::write(&record, &whole).expect("a record");
    fs::write(files(&world.directory, "client").remove(0), "").expect("an empty registration");
    world.run_in_store(&["store", "check"]).failed(3, &["the registration inn-17-", "is empty"]);
}

#[test]
fn a_lock_that_cannot_be_used_is_found_although_the_token_is_served() {
    let world = World::new();
    world.import(&world.refresh_token());
    assert_eq!(world.run(&["token"]).code, Some(0));
    for lock in files(&world.directory, "lock") {
        let aside = lock.with_extension("aside");
        fs::rename(&lock, &aside).expect("the lock can be moved");
        std::os::unix::fs::symlink(&aside, &lock).expect("a link");
        assert_eq!(world.run(&["token"]).code, Some(0));
        world
            .run_in_store(&["store", "check"])
            .failed(3, &["1 file that cannot be used", "is a symbolic link"]);
        fs::rename(&aside, &lock).expect("the lock can be moved back");
        assert_eq!(world.run_in_store(&["store", "check"]).code, Some(0));
    }
}

#[test]
fn a_damaged_record_that_a_recovery_has_set_aside_is_named_when_the_others_are_sealed() {
    let world = World::new();
    world.import(&world.refresh_token());
    assert_eq!(world.run(&["token"]).code, Some(0));
    let name = world.run_in_store(&["store", "list"]).out.trim_end().to_owned();
    fs::write(files(&world.directory, "record").remove(0), "").expect("an empty record");
    assert_eq!(world.run_in_store(&["store", "recover", &name]).code, Some(0));
    let rekeyed = with_keys(&world, &["store", "rekey"], &[("OCTO_AUTH_STORE_KEY", &"1".repeat(64))]);
    assert_eq!(rekeyed.code, Some(0), "{rekeyed:?}");
    assert!(rekeyed.err.contains(".damaged-") && rekeyed.err.contains("remove it"), "{rekeyed:?}");
}

#[test]
fn a_damaged_record_is_taken_back_to_its_previous_state() {
    let world = World::new();
    world.import(&world.refresh_token());
    let token = world.run(&["token"]);
    let name = world.run_in_store(&["store", "list"]).out.trim_end().to_owned();
    world.run_in_store(&["store", "recover", &name]).failed(3, &["can be read, so it was left as it is"]);
    fs::write(files(&world.directory, "record").remove(0), "").expect("an empty record");
    let recovered = world.run_in_store(&["store", "recover", &name]);
    assert!(recovered.out.contains(": recovered."), "{recovered:?}");
    assert_eq!(world.run_in_store(&["store", "check"]).code, Some(0));
    assert_eq!(token.code, Some(0));
    let absent = name.replace("inn-17", "inn-18");
    let says = ["there is no record", "octo-auth store list prints the names"];
    world.run_in_store(&["store", "recover", &absent]).failed(3, &says);
    world
        .run_in_store(&["store", "recover", "nonsense"])
        .failed(3, &["a record name has", "octo-auth store list"]);
}

#[test]
fn a_store_is_sealed_and_its_key_is_changed() {
    let world = World::new();
    let refresh_token = world.refresh_token();
    world.import(&refresh_token);
    assert!(holds(&world.directory, &refresh_token));
    let (old, new) = ("1".repeat(64), "2".repeat(64));
    let old_file = file("store-key-old", &format!("{old}\n"));
    let command = format!("cat {}", file("store-key-new", &format!("{new}\n")));
    let (in_environment, in_file) =
        (("OCTO_AUTH_STORE_KEY", &*old), ("OCTO_AUTH_STORE_OLD_KEY_FILE", &*old_file));
    let printed = ("OCTO_AUTH_STORE_KEY_COMMAND", &*command);
    with_keys(&world, &["token", "--account", "inn 17"], &[in_environment])
        .failed(3, &["is not sealed", "rekey"]);
    let sealed = with_keys(&world, &["store", "rekey"], &[in_environment]);
    assert!(sealed.out.starts_with("2 files sealed, 0 were already sealed"), "{sealed:?}");
    assert!(!holds(&world.directory, &refresh_token));
    let rekeyed = with_keys(&world, &["store", "rekey"], &[printed, in_file]);
    assert!(rekeyed.out.starts_with("2 files sealed"), "{rekeyed:?}");
    let again = with_keys(&world, &["store", "rekey"], &[printed, in_file]);
    assert!(again.out.starts_with("0 files sealed, 2 were already sealed"), "{again:?}");
    let token = with_keys(&world, &["token", "--account", "inn 17"], &[printed]);
    assert_eq!(token.code, Some(0), "{token:?}");
    with_keys(&world, &["store", "check"], &[in_environment])
        .failed(3, &["is sealed with the key", "was not given"]);
    let says = ["is sealed with the key", "2 files that cannot be used"];
    world.run_in_store(&["store", "check"]).failed(3, &says);
    let plain = world.refresh_token();
    world.run_registered_of("other", &["import"], &plain).failed(3, &["is sealed with the key"]);
    assert!(!holds(&world.directory, &plain));
    for ran in [sealed, rekeyed, again, token] {
        assert!(!format!("{ran:?}").contains(&old) && !format!("{ran:?}").contains(&new), "{ran:?}");
    }
}

#[test]
fn a_key_that_cannot_be_had_is_an_error_and_nothing_is_written() {
    let world = World::new();
    for (name, value, says) in [
        ("OCTO_AUTH_STORE_KEY", CANARY, "64 hexadecimal digits"),
        ("OCTO_AUTH_STORE_KEY_FILE", "/nonexistent", "the file cannot be read"),
        ("OCTO_AUTH_STORE_KEY_COMMAND", "false", "the command failed"),
        ("OCTO_AUTH_STORE_OLD_KEY", &"1".repeat(64), "`store.key` is not set: an old key goes with"),
    ] {
        with_keys(&world, &["store", "check"], &[(name, value)]).failed(3, &[says]);
        assert!(!world.directory.exists());
    }
}

/// Tests a missing keyring, and one that accepts the connection and stays silent.
#[test]
fn without_its_keyring_nothing_is_stored_and_the_choices_are_named() {
    let world = World::new();
    let socket = world.directory.with_extension("bus");
    let _silent = std::os::unix::net::UnixListener::bind(&socket).expect("a socket");
    for bus in ["/nonexistent".to_owned(), socket.display().to_string()] {
        let address = format!("unix:path={bus}");
        let settings = [("OCTO_AUTH_STORE_KEY_KEYRING", "hotel"), ("DBUS_SESSION_BUS_ADDRESS", &address)];
        let ran = with_keys(&world, &["store", "check"], &settings);
        ran.failed(3, &["the key hotel", "unlock the keyring", "set store.key_file", "plain text"]);
        assert!(!world.directory.exists());
    }
    std::fs::remove_file(socket).expect("it can be removed");
}

#[test]
fn a_store_is_moved_to_another_directory() {
    let (world, other) = (World::new(), World::new());
    world.import(&world.refresh_token());
    let token = world.run(&["token"]);
    let to = other.directory.to_str().expect("a path in UTF-8");
    let moved = world.run_in_store(&["store", "migrate", "--to", to]);
    assert!(moved.out.starts_with("2 records and registrations moved to"), "{moved:?}");
    assert_eq!(other.run(&["token"]).out, token.out);
    world.run(&["token"]).failed(3, &["holds no registration of the account inn 17"]);
}

#[test]
fn a_store_is_not_moved_to_where_it_is() {
    let world = World::new();
    world.import(&world.refresh_token());
    let here = world.directory.to_str().expect("a path in UTF-8");
    let says = ["is the directory that the files are in already"];
    world.run_in_store(&["store", "migrate", "--to", here]).failed(3, &says);
    assert_eq!(world.run(&["token"]).code, Some(0));
}
