//! A read-only directory: tokens are served and imported, and nothing is written.

#![expect(clippy::print_stdout, reason = "a test that is left out says so")]

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::time::Duration;

use octo_auth_core::{Diagnostic, Remedy, Store};
use octo_auth_store_file::{AdoptOnly, FileStore};

use crate::folder::Folder;
use crate::world::{SECRETS, World, content, told};

/// The number of a user that does not run these tests.
const OTHER: u32 = 54321;

/// Returns whether the test is skipped, and prints so.
fn is_skipped_without_root() -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        println!("skipped: it changes owners, so it needs root");
    }
    !is_root
}

fn only_reads(world: &World, store: &FileStore, why: AdoptOnly) {
    assert_eq!(store.adopt_only(), Some(why));
    let before = world.files();
    let stored = store.load(&world.name).unwrap().unwrap();
    assert_eq!(stored.content, content(SECRETS[1]));
    let saved = store.compare_and_swap(&world.name, Some(stored.version), &content("new"));
    let (code, text) = told(&saved.unwrap_err());
    assert_eq!(code, "adopt_only");
    assert!(text.contains(&why.to_string()), "{text}");
    let claimed = store.claim(&world.name, "one", Duration::from_secs(75)).unwrap_err();
    let (code, text) = told(&claimed);
    assert_eq!((code, claimed.remedy()), ("adopt_only", Remedy::FixConfiguration));
    assert!(text.contains("has to renew them"), "{text}");
    store.release(&world.name, "one").unwrap();
    assert_eq!(world.files(), before);
}

#[test]
fn a_directory_of_another_user_is_only_read_and_says_so() {
    if is_skipped_without_root() {
        return;
    }
    let world = World::new();
    chown(world.folder.path(), Some(OTHER), None).unwrap();
    only_reads(&world, &world.again(FileStore::options()), AdoptOnly::OtherOwner(OTHER));
}

#[test]
fn a_directory_without_the_permission_to_write_is_only_read_and_says_so() {
    if rustix::process::geteuid().is_root() {
        println!("skipped: root may write everywhere");
        return;
    }
    let world = World::new();
    fs::set_permissions(world.folder.path(), Permissions::from_mode(0o500)).unwrap();
    only_reads(&world, &world.again(FileStore::options()), AdoptOnly::NotWritable);
    fs::set_permissions(world.folder.path(), Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn links_are_followed_only_where_that_was_asked_for_and_then_nothing_is_written() {
    let world = World::new();
    let data = world.folder.path().join("data");
    fs::create_dir(&data).unwrap();
    fs::rename(world.file("record"), data.join("inn")).unwrap();
    symlink("data/inn", world.file("record")).unwrap();
    assert_eq!(told(&world.store.load(&world.name).unwrap_err()).0, "symlink");
    only_reads(&world, &world.again(FileStore::options().follow_symlinks()), AdoptOnly::FollowsSymlinks);
    fs::set_permissions(data.join("inn"), Permissions::from_mode(0o640)).unwrap();
    let error = world.again(FileStore::options().follow_symlinks()).load(&world.name).unwrap_err();
    assert_eq!(told(&error).0, "permissions", "the file that a link leads to is checked");
}

#[test]
fn a_directory_that_must_exist_or_is_only_read_is_not_created() {
    let folder = Folder::new();
    for options in [FileStore::options().must_exist(), FileStore::options().follow_symlinks()] {
        let error = options.open(folder.path()).unwrap_err();
        assert_eq!((error.code(), error.remedy()), ("no_directory", Remedy::FixConfiguration));
        assert!(!folder.path().exists());
    }
    FileStore::open(folder.path()).unwrap();
    assert!(FileStore::options().must_exist().open(folder.path()).is_ok());
}

#[test]
fn a_path_that_cannot_be_a_directory_is_a_matter_of_configuration() {
    let folder = Folder::new();
    fs::write(folder.path(), "a file").unwrap();
    for path in [folder.path().to_owned(), folder.path().join("below")] {
        let error = FileStore::open(&path).unwrap_err();
        assert_eq!((error.code(), error.remedy()), ("io", Remedy::FixConfiguration), "{error}");
    }
    fs::remove_file(folder.path()).unwrap();
}
