//! Tokens that outlive the program: they are imported, stored in a directory, and refreshed by the next run.

use std::io::BufRead;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use octo_auth_emulator::generic::{self, Rotation};
use octo_auth_emulator::{Emulator, Fault};

use crate::program::{Ran, file, program, run, set_mode, with_input};

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

    /// Returns arguments with the store, and with its account `inn 17`.
    pub(crate) fn arguments<'a>(&'a self, command: &[&'a str]) -> Vec<&'a str> {
        self.arguments_of("inn 17", command)
    }

    fn arguments_of<'a>(&'a self, account: &'a str, command: &[&'a str]) -> Vec<&'a str> {
        let directory = self.directory.to_str().expect("a path in UTF-8");
        [&command[..1], &["--store", directory, "--account", account], &command[1..]].concat()
    }

    /// Runs a command with the registration of the emulator in the environment.
    pub(crate) fn run_registered(&self, command: &[&str], input: &str) -> Ran {
        self.run_registered_of("inn 17", command, input)
    }

    /// Does the same for another account.
    pub(crate) fn run_registered_of(&self, account: &str, command: &[&str], input: &str) -> Ran {
        with_input(self.registered(account, command), input)
    }

    /// Builds a command with the emulator's registration in its environment.
    fn registered(&self, account: &str, command: &[&str]) -> Command {
        self.with_registration(program(&self.arguments_of(account, command)))
    }

    fn with_registration(&self, mut program: Command) -> Command {
        let token_url = format!("{}/token", self.emulator.base("auth.example"));
        program
            .env("OCTO_AUTH_TOKEN_URL", token_url)
            .env("OCTO_AUTH_REVOCATION_URL", format!("{}/revoke", self.emulator.base("auth.example")))
            .env("OCTO_AUTH_ALLOW_HTTP_LOOPBACK", "true")
            .env("OCTO_AUTH_CLIENT_ID", generic::DEMO_CLIENT_ID)
            .env("OCTO_AUTH_CLIENT_SECRET", generic::DEMO_CLIENT_SECRET);
        program
    }

    /// Runs a command with only the client secret in the settings.
    pub(crate) fn run(&self, command: &[&str]) -> Ran {
        let mut program = program(&self.arguments(command));
        program.env("OCTO_AUTH_CLIENT_SECRET", generic::DEMO_CLIENT_SECRET);
        Ran::from(program.output().expect("the program starts"))
    }

    /// Runs a command on the whole store, without settings.
    pub(crate) fn run_in_store(&self, command: &[&str]) -> Ran {
        let directory = self.directory.to_str().expect("a path in UTF-8");
        run(&[command, &["--store", directory]].concat())
    }

    /// Removes the permission to write the directory. Against root, the directory is given to another user.
    pub(crate) fn make_adopt_only(&self) {
        if std::os::unix::fs::chown(&self.directory, Some(65534), None).is_err() {
            set_mode(&self.directory, 0o500);
        }
    }

    /// Restores the permission to write.
    pub(crate) fn make_writable(&self) {
        // Only root has changed the owner.
        let _ = std::os::unix::fs::chown(&self.directory, Some(0), None);
        set_mode(&self.directory, 0o700);
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

/// A certificate without effect here: requests use http.
const CERTIFICATE: &str = "\
-----BEGIN CERTIFICATE-----
MIIBiTCCAS+gAwIBAgIUOHvLgQM9Msg1uHXPDjWNhc5KdoIwCgYIKoZIzj0EAwIw
GTEXMBUGA1UEAwwOb2N0by1hdXRoIHRlc3QwIBcNMjYxMjAxMDA0OTU0WhgPMjEy
NjExMDcwMDQ5NTRaMBkxFzAVBgNVBAMMDm9jdG8tYXV0aCB0ZXN0MFkwEwYHKoZI
zj0CAQYIKoZIzj0DAQcDQgAEP1iCGyj9BtfdBOYTH7oNGzln/dmXvBav5heGggIa
hHTQdvwFgBz6PxoN/DbASrscYqc9VIrVV1Ut038l4pZ+daNTMFEwHQYDVR0OBBYE
FCk2si+akKVq2Cq8NIAMBYOQ+B3NMB8GA1UdIwQYMBaAFCk2si+akKVq2Cq8NIAM
BYOQ+B3NMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIhANiEfF8w
otlmibkr9eLM7qsz9ytz8XbAA3KtDyoTG6IzAiB6CVer4oYNiIHo1Iw01IWNwvfp
fGfF+bOZmqOYpRimXg==
-----END CERTIFICATE-----
";

#[test]
fn the_certificates_that_an_account_was_imported_with_are_those_of_later_starts() {
    let world = World::new();
    let file = file("authorities.pem", CERTIFICATE);
    let folder = std::path::Path::new(&file).parent().expect("a folder");
    let mut import = world.registered("inn 17", &["import", "--root-certificates", "authorities.pem"]);
    import.current_dir(folder);
    let imported = with_input(import, &world.refresh_token());
    assert_eq!(imported.code, Some(0), "{imported:?}");
    assert_eq!(world.run(&["token"]).code, Some(0));
    std::fs::remove_file(&file).expect("it can be removed");
    world.run(&["token"]).failed(3, &[&file, "cannot be read", "name a PEM file"]);
    let doctor = world.run_in_store(&["doctor"]);
    assert!(doctor.out.contains(&format!("{file} cannot be read")), "{doctor:?}");
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
    world.run_registered_of("other", &["import"], &world.refresh_token());
    let says = ["no settings name a client", "holds no registration of the account inn 17", "what to do"];
    world.run(&["token", "--header"]).failed(3, &says);
}

#[test]
fn a_header_is_printed_whole() {
    let world = World::new();
    world.import(&world.refresh_token());
    let header = world.run(&["header"]).out;
    assert_eq!(header, format!("Authorization: Bearer {}", world.run(&["token"]).out));
}

/// The child program reads its own arguments and environment, and those of its parent.
#[test]
fn a_program_has_the_token_in_its_environment_and_nothing_else_shows_it() {
    let world = World::new();
    world.import(&world.refresh_token());
    let token = world.run(&["token"]).out.trim_end().to_owned();
    let script = "tr '\\0' '\\n' < /proc/$$/environ | grep ^ACCESS_TOKEN= && tr '\\0' ' ' < /proc/$$/cmdline && \
                  tr '\\0' ' ' < /proc/$PPID/cmdline && ! grep -z ^OCTO_AUTH_CLIENT_SECRET= /proc/$$/environ";
    let ran = world.run(&["exec", "--", "sh", "-c", script]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{ran:?}");
    assert_eq!(ran.out.matches(&token).count(), 1, "once, in its environment: {ran:?}");
    assert!(ran.out.starts_with(&format!("ACCESS_TOKEN={token}\n")), "{ran:?}");
    let named =
        world.run(&["exec", "--variable", "HOTEL", "--", "sh", "-c", "printf %s \"$HOTEL$ACCESS_TOKEN\""]);
    assert_eq!(named.out, token);
    let of_a_secret =
        ["exec", "--variable", "OCTO_AUTH_CLIENT_SECRET", "--", "printenv", "OCTO_AUTH_CLIENT_SECRET"];
    assert_eq!(world.run(&of_a_secret).out.trim_end(), token, "and not the secret");
}

#[test]
fn a_registration_that_cannot_be_read_stops_no_other_account() {
    let world = World::new();
    world.import(&world.refresh_token());
    let client =
        || std::fs::read_dir(&world.directory).expect("a directory").map(|file| file.expect("a file").path());
    let own: Vec<_> = client().collect();
    world.run_registered_of("other", &["import"], &world.refresh_token());
    let is_client =
        |path: &PathBuf| path.extension().is_some_and(|end| end == "client") && !own.contains(path);
    let other = client().find(is_client).expect("the registration of the other account");
    std::fs::write(&other, "").expect("a damaged file");
    assert_eq!(world.run(&["token"]).code, Some(0));
    let mut unreadable = program(&world.arguments_of("other", &["token"]));
    Ran::from(unreadable.output().expect("the program starts")).failed(3, &[".client", "is empty"]);
}

#[test]
fn a_name_that_no_file_can_hold_is_refused_before_anything_is_stored() {
    let world = World::new();
    for name in ["", " ", "a\nb", "a\u{1b}[31m", &"a".repeat(201)] {
        let ran = world.run_registered_of(name, &["import"], &world.refresh_token());
        ran.failed(2, &["--account", "1 to 200 bytes"]);
        assert!(!world.directory.exists());
    }
}

#[test]
fn the_exit_code_and_the_signal_of_the_program_are_those_of_the_command() {
    let world = World::new();
    world.import(&world.refresh_token());
    assert_eq!(world.run(&["exec", "--", "sh", "-c", "exit 42"]).code, Some(42));
    assert_eq!(
        world.run(&["exec", "--", "sh", "-c", "kill -TERM $$"]).code,
        None,
        "it was ended by a signal"
    );
    world.run(&["exec", "--", "/nonexistent"]).failed(127, &["/nonexistent cannot be run", "what to do"]);
    world.run(&["exec", "--", "/"]).failed(126, &["cannot be run", "because"]);
    for no_name in ["A=B", "1A", "A B", "\u{e9}", "", "PATH", "LD_PRELOAD"] {
        world.run(&["exec", "--variable", no_name, "--", "true"]).failed(2, &["--variable"]);
    }
}

#[test]
fn a_logout_ends_the_account_here_and_at_the_provider() {
    let world = World::new();
    world.import(&world.refresh_token());
    let token = world.run(&["token"]).out.trim_end().to_owned();
    assert!(world.emulator.generic().is_live(&token));
    let ran = world.run(&["logout"]);
    assert_eq!(
        ran.out, "account \"inn 17\": signed out\naccount \"inn 17\": revoked at the provider\n",
        "{ran:?}"
    );
    assert!(!world.emulator.generic().is_live(&token));
    world.run(&["token"]).failed(4, &["signed out"]);
    world.emulator.clear_log();
    assert_eq!(world.run(&["logout"]).code, Some(0), "again, without a request");
    assert!(world.emulator.log().is_empty());
}

#[test]
fn a_logout_of_the_client_itself_says_how_to_begin_again() {
    let world = World::new();
    let directory = world.directory.to_str().expect("a path in UTF-8");
    let run =
        |command: &str| with_input(world.with_registration(program(&[command, "--store", directory])), "");
    assert_eq!(run("header").code, Some(0));
    let ran = run("logout");
    let name = world.run_in_store(&["store", "list"]).out.lines().next().expect("a record").to_owned();
    assert!(ran.code == Some(0) && ran.err.contains(&format!("remove its record {name}")), "{ran:?}");
    run("header").failed(4, &["signed out"]);
    std::fs::remove_file(world.directory.join(name + ".record")).expect("the record can be removed");
    assert_eq!(run("header").code, Some(0));
}

#[test]
fn a_logout_does_not_wait_for_the_limit_of_token_requests() {
    let world = World::new();
    world.import(&world.refresh_token());
    let limited = |command: &str| {
        let mut program = world.registered("inn 17", &[command]);
        program.env("OCTO_AUTH_MAX_TOKEN_REQUESTS_PER_MINUTE", "1");
        with_input(program, "")
    };
    assert_eq!(limited("token").code, Some(0));
    let ran = limited("logout");
    assert!(ran.out.ends_with(": revoked at the provider\n"), "{ran:?}");
}

#[test]
fn a_revocation_that_fails_is_kept_and_tried_again() {
    let world = World::new();
    let refresh_token = world.refresh_token();
    world.import(&refresh_token);
    world
        .emulator
        .faults()
        .on("auth.example", "/revoke")
        .next(1, Fault::Status { status: 503, retry_after: None, body: None });
    let ran = world.run(&["logout"]);
    assert_eq!(ran.code, Some(5), "{ran:?}");
    assert!(ran.err.contains("signed out here, but not at the provider"), "{ran:?}");
    assert!(!format!("{ran:?}").contains(&refresh_token));
    world.run(&["token"]).failed(4, &["signed out"]);
    assert!(world.emulator.generic().is_live(&refresh_token));
    let ran = world.run(&["logout"]);
    assert!(ran.out.ends_with("revoked at the provider\n"), "{ran:?}");
    assert!(!world.emulator.generic().is_live(&refresh_token));
}

#[test]
fn a_logout_of_an_account_that_is_not_there_says_so() {
    let world = World::new();
    world.run_registered_of("other", &["import"], &world.refresh_token());
    world
        .run_registered(&["logout"], "")
        .failed(3, &["holds no token of account \"inn 17\"", "octo-auth status"]);
}

/// The provider has rotated the refresh token, and its answer is on the way.
#[test]
fn a_ctrl_c_during_a_renewal_ends_the_program_after_the_new_refresh_token_is_stored() {
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let world = World::new();
        world.import(&world.refresh_token());
        let held = world.emulator.faults().on("auth.example", "/token").hold_next();
        let mut program = program(&world.arguments(&["token"]));
        let child = program.env("OCTO_AUTH_CLIENT_SECRET", generic::DEMO_CLIENT_SECRET).spawn();
        let mut child = child.expect("the program starts");
        assert!(held.arrived(), "the request");
        let killed = std::process::Command::new("kill").args([signal, &child.id().to_string()]).status();
        assert!(killed.expect("kill").success());
        let mut told = String::new();
        let stderr = child.stderr.as_mut().expect("it is piped");
        std::io::BufReader::new(stderr).read_line(&mut told).expect("a note");
        assert!(told.contains("what the provider answers is stored first"), "{told}");
        held.release();
        let ended = child.wait_with_output().expect("it ends");
        assert_eq!(ended.status.code(), Some(code));
        let token = world.run(&["token"]);
        assert_eq!(token.code, Some(0), "{token:?}");
        assert_eq!(world.emulator.log().len(), 1, "it was stored, so that no further request was needed");
        assert_eq!(world.emulator.generic().families_revoked(), 0);
    }
}

/// The file store detects that the process has ended, so there is no wait for its unfinished refresh.
#[test]
fn a_program_that_was_killed_in_a_renewal_holds_up_the_next_start_by_nothing() {
    let world = World::new();
    world.emulator.generic().set_rotation(Rotation::None);
    world.import(&world.refresh_token());
    let held = world.emulator.faults().on("auth.example", "/token").hold_next();
    let mut program = program(&world.arguments(&["token"]));
    let child = program.env("OCTO_AUTH_CLIENT_SECRET", generic::DEMO_CLIENT_SECRET).spawn();
    let mut child = child.expect("the program starts");
    assert!(held.arrived(), "the request");
    child.kill().expect("it is killed");
    child.wait().expect("it ends");
    held.release();
    let token = world.run(&["token", "--deadline", "20"]);
    assert_eq!(token.code, Some(0), "{token:?}");
    assert_eq!(world.emulator.log().len(), 2);
}
