//! A restarted program refreshes with the settings it was registered with.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use octo_auth_core::Secret;
use octo_auth_store_file::{FileStore, Registration, SecretSource};

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
