//! A restarted program refreshes with the settings it was registered with.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use octo_auth_core::Secret;
use octo_auth_store_file::{FileStore, Registration, SecretSource};
use rustix::fs::{FileType, Mode, OFlags};

use crate::world::World;

fn registration(secret: Option<SecretSource>) -> Registration {
    let settings = [("profile", "rfc6749"), ("account", "inn 17")];
    Registration {
        issuer: "https://as.example/token".into(),
        client_id: "client-1".into(),
        secret,
        settings: settings.map(|(name, value)| (name.into(), value.into())).into(),
    }
}

#[test]
fn a_registration_comes_back_after_a_restart_wherever_its_secret_is() {
    let world = World::new();
    let file = world.folder.path().join("secret");
    fs::write(&file, "from-a-file\n").unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    let sources = [
        (None, None),
        (Some(SecretSource::Stored(Secret::from("stored secret = \u{e9}"))), Some("stored secret = \u{e9}")),
        (Some(SecretSource::File(file.clone())), Some("from-a-file")),
    ];
    for (source, secret) in sources {
        world.store.save_registration("main", &registration(source.clone())).unwrap();
        let again = world.again(FileStore::options()).registration("main").unwrap().unwrap();
        assert_eq!(again, registration(source));
        let obtained = again.secret.map(|source| source.obtain().unwrap());
        assert_eq!(obtained.as_ref().map(Secret::expose), secret);
    }
    assert_eq!(world.store.registration("other").unwrap(), None);
    world.store.save_registration("another", &registration(None)).unwrap();
    assert_eq!(world.store.registrations().unwrap(), ["another", "main"]);
    assert_eq!(octo_auth_core::Store::list(&world.store, "").unwrap(), std::slice::from_ref(&world.name));
    fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
    assert_eq!(SecretSource::File(file).obtain().unwrap_err().code(), "permissions");
}

#[test]
fn a_secret_that_is_not_there_is_an_error_that_says_where_it_was_looked_for() {
    let variable = SecretSource::Environment("OCTO_AUTH_NO_SUCH_VARIABLE".into());
    let error = variable.obtain().unwrap_err().to_string();
    assert!(error.contains("OCTO_AUTH_NO_SUCH_VARIABLE") && error.contains("not set"), "{error}");
    let error = SecretSource::Stored(Secret::from("")).obtain().unwrap_err().to_string();
    assert!(error.ends_with("it is empty"), "{error}");
}

#[test]
fn a_secret_file_that_is_too_long_empty_or_no_file_is_refused_at_once() {
    let world = World::new();
    let path = world.folder.path().join("secret");
    let problem = || SecretSource::File(path.clone()).obtain().unwrap_err().to_string();
    let private = Permissions::from_mode(0o600);
    fs::write(&path, "a".repeat(4097)).unwrap();
    fs::set_permissions(&path, private.clone()).unwrap();
    assert!(problem().ends_with("it is longer than 4096 bytes"), "{}", problem());
    fs::remove_file(&path).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    assert!(problem().ends_with("it is empty"), "no program writes to it: {}", problem());
    // A pipe without a reader would lose what is written to it.
    let reader = rustix::fs::open(&path, OFlags::RDONLY | OFlags::NONBLOCK, Mode::empty()).unwrap();
    fs::write(&path, "from-a-pipe\n").unwrap();
    assert_eq!(SecretSource::File(path.clone()).obtain().unwrap().expose(), "from-a-pipe");
    drop(reader);
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    for other in [path.as_path(), Path::new("/dev/zero")] {
        let error = SecretSource::File(other.to_owned()).obtain().unwrap_err().to_string();
        assert!(error.ends_with("it is neither a file nor a pipe"), "{error}");
    }
}

#[test]
fn a_registration_shows_no_secret_and_a_label_that_is_a_path_is_refused() {
    let world = World::new();
    let secret = registration(Some(SecretSource::Stored(Secret::from("client-secret-1"))));
    assert!(!format!("{secret:?}").contains("client-secret-1"));
    for label in ["", "../main", "Main", "a\nb", &"a".repeat(65)] {
        let error = world.store.save_registration(label, &secret).unwrap_err();
        assert_eq!(error.code(), "config", "{error}");
        assert!(!error.to_string().contains('\n'), "{error}");
    }
    let two_lines = Registration { client_id: "a\nb".into(), ..registration(None) };
    let spaced = [("a b".to_owned(), "c".to_owned())].into();
    for unusable in [two_lines, Registration { settings: spaced, ..registration(None) }] {
        assert_eq!(world.store.save_registration("main", &unusable).unwrap_err().code(), "corrupt");
    }
}
