//! Tokens that outlive the program: they are imported, stored in a directory, and renewed by the next start.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use octo_auth_emulator::Emulator;
use octo_auth_emulator::generic::{self, Rotation};

use crate::program::{Ran, program, with_input};

/// An emulator, and a directory for tokens.
pub(crate) struct World {
    pub(crate) emulator: Emulator,
    pub(crate) directory: PathBuf,
}

impl World {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("stored-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        let emulator = Emulator::start().expect("an emulator");
        emulator.generic().set_rotation(Rotation::Strict);
        Self { emulator, directory }
    }

    /// A refresh token of the emulator.
    pub(crate) fn refresh_token(&self) -> String {
        self.emulator.generic().grant_refresh_token(generic::DEMO_CLIENT_ID, &[]).expect("a refresh token")
    }

    /// Arguments that name the store, and the account `inn 17` in it.
    pub(crate) fn arguments<'a>(&'a self, command: &[&'a str]) -> Vec<&'a str> {
        let directory = self.directory.to_str().expect("a path in UTF-8");
        [&command[..1], &["--store", directory, "--account", "inn 17"], &command[1..]].concat()
    }

    /// Runs a command with the registration of the emulator in the environment.
    pub(crate) fn run_registered(&self, command: &[&str], input: &str) -> Ran {
        let mut program = program(&self.arguments(command));
        let token_url = format!("{}/token", self.emulator.base("auth.example"));
        program
            .env("OCTO_AUTH_TOKEN_URL", token_url)
            .env("OCTO_AUTH_ALLOW_HTTP_LOOPBACK", "true")
            .env("OCTO_AUTH_CLIENT_ID", generic::DEMO_CLIENT_ID)
            .env("OCTO_AUTH_CLIENT_SECRET", generic::DEMO_CLIENT_SECRET);
        with_input(program, input)
    }

    /// Runs a command with no settings but the client secret.
    pub(crate) fn run(&self, command: &[&str]) -> Ran {
        let mut program = program(&self.arguments(command));
        program.env("OCTO_AUTH_CLIENT_SECRET", generic::DEMO_CLIENT_SECRET);
        Ran::from(program.output().expect("the program starts"))
    }

    /// Imports a refresh token.
    pub(crate) fn import(&self, refresh_token: &str) -> Ran {
        let ran = self.run_registered(&["import"], &format!("{refresh_token}\n"));
        assert!(!format!("{ran:?}").contains(refresh_token), "{ran:?}");
        ran
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

#[test]
fn an_imported_account_is_renewed_by_later_starts_with_what_it_was_registered_with() {
    let world = World::new();
    let imported = world.import(&world.refresh_token());
    assert_eq!((imported.code, &*imported.out), (Some(0), "account \"inn 17\": imported\n"), "{imported:?}");
    assert!(world.emulator.log().is_empty(), "nothing was sent");
    let first = world.run(&["token"]);
    assert_eq!(first.code, Some(0), "{first:?}");
    assert!(world.emulator.generic().is_live(first.out.trim_end()));
    assert_eq!(world.run(&["token"]).out, first.out, "it is served from the store");
    assert_eq!(world.emulator.log().len(), 1);
    assert_eq!(world.emulator.generic().families_revoked(), 0);
}

#[test]
fn an_import_never_takes_back_what_was_renewed_from_it() {
    let world = World::new();
    let oldest = world.refresh_token();
    world.import(&oldest);
    let token = world.run(&["token"]);
    for _ in 0..2 {
        let again = world.import(&oldest);
        assert!(again.out.contains("unchanged"), "{again:?}");
    }
    assert_eq!(world.run(&["token"]).out, token.out);
    let other = world.import(&world.refresh_token());
    assert!(other.out.contains(": imported"), "{other:?}");
    let token_of_other = world.run(&["token"]);
    assert_eq!(token_of_other.code, Some(0), "{token_of_other:?}");
    assert_ne!(token_of_other.out, token.out);
    assert_eq!(world.emulator.generic().families_revoked(), 0);
}

#[test]
fn a_refresh_token_is_one_line_of_standard_input() {
    let world = World::new();
    for (input, says) in [
        ("", "holds no refresh token"),
        ("\n", "holds no refresh token"),
        ("two words", "holds more than one word"),
        ("two\nlines\n", "holds more than one word"),
    ] {
        world.run_registered(&["import"], input).failed(3, &["standard input", says, "what to do"]);
    }
}

#[test]
fn without_settings_the_account_must_have_been_imported() {
    let world = World::new();
    let says = ["no settings name a client", "holds no registration of the account inn 17", "what to do"];
    world.run(&["token", "--header"]).failed(3, &says);
}
