//! A file that is not a whole record has its own error, is not served, and is never overwritten.

use std::fs;
use std::io::ErrorKind;
use std::time::Duration;

use octo_auth_core::{Saved, Store, StoreError, Version};
use octo_auth_store_file::{Damage, FileStoreError};

use crate::world::{SECRETS, World, content, name, told};

impl World {
    fn plant(&self, bytes: &[u8]) {
        fs::write(self.file("record"), bytes).unwrap();
    }

    /// Returns the error of a load, after checking that each save fails with the same error. None of them changes a
    /// file.
    fn refused(&self) -> StoreError {
        let before = self.files();
        let error = self.store.load(&self.name).unwrap_err();
        for expected in [None, Some(1), Some(2), Some(3)] {
            assert_eq!(told(&self.save(expected, "other").unwrap_err()), told(&error));
        }
        assert_eq!(self.files(), before);
        error
    }

    fn damage(&self) -> Damage {
        let error = self.refused();
        match FileStoreError::of(&error) {
            Some(FileStoreError::Corrupt { damage, path }) => {
                assert_eq!(*path, self.file("record"));
                assert!(told(&error).1.contains("sign in again"), "{error:?}");
                *damage
            }
            _ => panic!("{error:?}"),
        }
    }
}

#[test]
fn each_way_to_be_damaged_has_its_own_error() {
    let world = World::new();
    let whole = fs::read(world.file("record")).unwrap();
    let text = String::from_utf8(whole.clone()).unwrap();
    let altered = |from: &str, to: &str| text.replacen(from, to, 1).into_bytes();
    let cases: [(Damage, Vec<u8>); 15] = [
        (Damage::Empty, Vec::new()),
        (Damage::Zeros, vec![0; 4096]),
        (Damage::Foreign, b"not a record".to_vec()),
        (Damage::Foreign, br#"{"access_token":"at"}"#.to_vec()),
        (Damage::Foreign, [b"\xef\xbb\xbf".as_slice(), &whole].concat()),
        (Damage::Torn, b"octo-auth".to_vec()),
        (Damage::Torn, whole[..whole.len() / 2].to_vec()),
        (Damage::Torn, whole[..whole.len() - 1].to_vec()),
        (Damage::Checksum, [&whole[..], b" "].concat()),
        (Damage::Checksum, altered("rt-secret", "rt-sacret")),
        (Damage::Checksum, altered("sha256 ", "sha256 0")),
        (Damage::Header, altered("version 2", "version 02")),
        (Damage::Header, altered("version 2", "version 0")),
        (Damage::Header, altered("length", "size")),
        (Damage::OtherName, altered("account.inn", "account.out")),
    ];
    for (damage, bytes) in cases {
        world.plant(&bytes);
        assert_eq!(world.damage(), damage, "{}", String::from_utf8_lossy(&bytes));
    }
    world.plant(&whole);
    assert_eq!(world.store.load(&world.name).unwrap().unwrap().content, content(SECRETS[1]));
}

#[test]
fn every_beginning_of_a_record_is_refused() {
    let world = World::new();
    let whole = fs::read(world.file("record")).unwrap();
    for length in 1..whole.len() {
        world.plant(&whole[..length]);
        let error = world.store.load(&world.name).unwrap_err();
        let damage = FileStoreError::of(&error);
        assert!(
            matches!(damage, Some(FileStoreError::Corrupt { damage: Damage::Torn | Damage::Header, .. })),
            "{length}: {error:?}"
        );
    }
}

#[test]
fn a_file_of_a_newer_format_says_upgrade() {
    let world = World::new();
    let text = fs::read_to_string(world.file("record")).unwrap();
    world.plant(text.replacen("record 1\n", "record 2\nunknown\n", 1).as_bytes());
    let (code, text) = told(&world.refused());
    assert_eq!(code, "newer_version");
    assert!(text.ends_with("upgrade this program"), "{text}");
}

#[test]
fn a_damaged_record_is_recovered_from_its_previous_state_when_asked_and_then_is_in_doubt() {
    let world = World::new();
    let sound = world.store.recover(&world.name).unwrap_err();
    assert_eq!(sound.code(), "not_damaged");
    world.plant(b"");
    let version = world.store.recover(&world.name).unwrap();
    // A process with version 2 in memory gets a conflict.
    assert_eq!(version, Version(3));
    let stored = world.store.load(&world.name).unwrap().unwrap();
    let text = String::from_utf8(stored.content.as_ref().to_vec()).unwrap();
    assert_eq!(text, r#"{"v":1,"in_doubt":true,"refresh_token":"rt-secret-1"}"#);
    let aside = world.files().into_iter().filter(|(file, _)| file.to_str().unwrap().contains(".damaged-"));
    assert_eq!(aside.count(), 1, "what could not be read is kept");
    assert!(matches!(world.save(Some(3), "next").unwrap(), Saved::Done(Version(4))));
}

#[test]
fn a_record_without_a_sound_previous_state_is_not_recovered() {
    let world = World::new();
    world.plant(b"");
    fs::write(world.file("previous"), b"octo").unwrap();
    assert_eq!(world.store.recover(&world.name).unwrap_err().code(), "corrupt");
    fs::remove_file(world.file("previous")).unwrap();
    assert_eq!(world.store.recover(&world.name).unwrap_err().code(), "no_previous");
    let files = fs::read_dir(world.folder.path()).unwrap().count();
    assert_eq!(world.store.recover(&name("absent")).unwrap_err().code(), "no_record");
    assert_eq!(fs::read_dir(world.folder.path()).unwrap().count(), files, "no file is left behind");
    world.plant(b"octo-auth-record 2\n");
    assert_eq!(world.store.recover(&world.name).unwrap_err().code(), "newer_version");
    assert_eq!(fs::read(world.file("record")).unwrap(), b"octo-auth-record 2\n");
}

#[test]
fn files_of_others_in_the_directory_are_left_alone_and_not_listed() {
    let world = World::new();
    let other = world.folder.path().join("notes.txt");
    fs::write(&other, "hello").unwrap();
    fs::create_dir(world.folder.path().join("folder")).unwrap();
    assert_eq!(world.store.list("").unwrap(), std::slice::from_ref(&world.name));
    assert_eq!(fs::read_to_string(other).unwrap(), "hello");
    assert_eq!(world.store.load(&name("absent")).unwrap(), None);
    assert_eq!(fs::read(world.file("absent")).unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn a_directory_that_was_removed_while_in_use_is_an_error_and_not_an_empty_store() {
    let world = World::new();
    fs::remove_dir_all(world.folder.path()).unwrap();
    fs::create_dir(world.folder.path()).unwrap();
    let claimed = world.store.claim(&world.name, "one", Duration::from_secs(75)).map(|_| ());
    let listed = world.store.list("").map(|_| ());
    let loaded = world.store.load(&world.name).map(|_| ());
    for done in [world.save(Some(2), "new").map(|_| ()), claimed, listed, loaded] {
        let (code, text) = told(&done.unwrap_err());
        assert_eq!(code, "directory_removed");
        assert!(text.ends_with("start this program again"), "{text}");
    }
    assert_eq!(fs::read_dir(world.folder.path()).unwrap().count(), 0);
}
