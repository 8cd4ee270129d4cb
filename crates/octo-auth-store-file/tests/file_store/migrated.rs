//! Records are moved to another directory: each exists in at least one of the two, and none is overwritten.

use octo_auth_core::{Saved, Secret, Store, Version};
use octo_auth_store_file::{FileStore, Registration, SecretSource};

use crate::folder::Folder;
use crate::world::{SECRETS, World, content, name};

fn registration() -> Registration {
    let secret = Some(SecretSource::Stored(Secret::from("rt-secret-of-client")));
    Registration { issuer: "https://as.example".into(), client_id: "c".into(), secret, settings: [].into() }
}

#[test]
fn all_records_and_registrations_are_moved_and_nothing_of_them_stays() {
    let (world, folder) = (World::new(), Folder::new());
    world.store.save_registration("main", &registration()).unwrap();
    let to = FileStore::open(folder.path()).unwrap();
    let migrated = world.store.migrate(&to).unwrap();
    assert_eq!((migrated.moved, migrated.failed.len()), (2, 0));
    assert_eq!(to.load(&world.name).unwrap().unwrap().content, content(SECRETS[1]));
    assert_eq!(to.registration("main").unwrap(), Some(registration()));
    assert_eq!(world.store.load(&world.name).unwrap(), None);
    assert!(world.files().iter().all(|(_, bytes)| !bytes.windows(9).any(|part| part == b"rt-secret")));
    assert_eq!(world.store.migrate(&to).unwrap().moved, 0, "again");
}

#[test]
fn to_the_same_directory_nothing_is_moved_whatever_it_is_called() {
    let (world, link) = (World::new(), Folder::new());
    std::os::unix::fs::symlink(world.folder.path(), link.path()).unwrap();
    let before = world.files();
    for to in [world.again(FileStore::options()), FileStore::open(link.path()).unwrap()] {
        assert_eq!(world.store.migrate(&to).unwrap_err().code(), "same_directory");
    }
    assert_eq!(world.files(), before);
    std::fs::remove_file(link.path()).unwrap();
}

#[test]
fn a_run_goes_on_where_it_was_interrupted_and_overwrites_nothing() {
    let (world, folder) = (World::new(), Folder::new());
    let to = FileStore::open(folder.path()).unwrap();
    // The record was written there, and the process ended before it was removed here.
    to.compare_and_swap(&world.name, None, &content(SECRETS[1])).unwrap();
    let other = name("other");
    world.store.compare_and_swap(&other, None, &content(SECRETS[0])).unwrap();
    to.compare_and_swap(&other, None, &content("newer")).unwrap();
    let migrated = world.store.migrate(&to).unwrap();
    let codes: Vec<_> = migrated.failed.iter().map(octo_auth_store_file::FileStoreError::code).collect();
    assert_eq!((migrated.moved, codes), (1, vec!["occupied"]));
    assert_eq!(to.load(&other).unwrap().unwrap().content, content("newer"));
    let saved = world.store.compare_and_swap(&other, Some(Version(1)), &content(SECRETS[0])).unwrap();
    assert_eq!(saved, Saved::Done(Version(2)), "it stayed");
}
