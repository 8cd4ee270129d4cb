//! `octo-auth token` without errors: the sources of credentials, and the output.

use octo_auth_emulator::{Emulator, generic, octorate, octotable, officernd};

#[cfg(unix)]
use crate::program::set_mode;
use crate::program::{Ran, file, run, run_as, run_with_input};

/// Checks that standard output is exactly one token of this length, and returns it.
#[track_caller]
fn token_of(ran: &Ran, length: usize) -> String {
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let token = ran.out.strip_suffix('\n').expect("a line");
    assert_eq!(token.len(), length, "{ran:?}");
    assert!(token.bytes().all(|byte| byte.is_ascii_graphic()), "{ran:?}");
    assert!(!ran.err.contains(token), "{ran:?}");
    assert!(ran.err.lines().all(|line| line.starts_with("note: ")), "{ran:?}");
    token.to_owned()
}

fn octotable_credentials() -> String {
    let (id, secret) = (octotable::DEMO_CLIENT_ID, octotable::DEMO_CLIENT_SECRET);
    format!("# OctoTable\n\nclient_id = {id}\nclient_secret={secret}\n")
}

#[test]
fn each_provider_gives_its_token_for_credentials_in_the_environment() {
    let emulator = Emulator::start().expect("an emulator");
    let url = emulator.url();
    let octorate = ["token", "--provider", "octorate", "--base-url", &url];
    token_of(&run_as(octorate::DEMO_CLIENT_ID, octorate::DEMO_CLIENT_SECRET, &octorate), 72);
    let octotable = ["token", "--provider", "octotable", "--base-url", &url];
    token_of(&run_as(octotable::DEMO_CLIENT_ID, octotable::DEMO_CLIENT_SECRET, &octotable), 64);
    let officernd =
        ["token", "--provider", "officernd", "--base-url", &url, "--scope", "flex.community.members.read"];
    token_of(&run_as(officernd::DEMO_CLIENT_ID, officernd::DEMO_CLIENT_SECRET, &officernd), 40);
    let token_url = format!("{url}/auth.example/token");
    let standard = ["token", "--provider", "rfc6749", "--token-url", &token_url];
    token_of(&run_as(generic::DEMO_CLIENT_ID, generic::DEMO_CLIENT_SECRET, &standard), 43);
}

#[test]
fn credentials_come_from_a_file_or_from_standard_input() {
    let emulator = Emulator::start().expect("an emulator");
    let url = emulator.url();
    let path = file("octotable.env", &octotable_credentials());
    let common = ["token", "--provider", "octotable", "--base-url", &url, "--credentials"];
    token_of(&run(&[&common[..], &[&path]].concat()), 64);
    token_of(&run_with_input(&octotable_credentials(), &[&common[..], &["-"]].concat()), 64);
}

/// The command in the message is run by a shell, whatever the file's name is.
#[cfg(unix)]
#[test]
fn a_credentials_file_that_others_can_read_is_refused_with_the_command_that_mends_it() {
    let emulator = Emulator::start().expect("an emulator");
    let url = emulator.url();
    let with =
        |path: &str| run(&["token", "--provider", "octotable", "--base-url", &url, "--credentials", path]);
    for (name, mode) in
        [("octotable.shared", 0o644), ("it's \"mine\" $x\\.env", 0o640), ("two\nlines\u{1b}[2J'.env", 0o620)]
    {
        let path = file(name, &octotable_credentials());
        set_mode(&path, mode);
        let refused = with(&path);
        refused.failed(
            3,
            &["can be read or changed by other users", &format!("mode {mode:04o}"), "run: chmod 600 "],
        );
        assert_eq!(emulator.log().len(), 0, "nothing was sent");
        let lines = refused.err.lines().count();
        assert_eq!(lines, 2, "no line is forged: {refused:?}");
        let command = refused.err.split("run: ").nth(1).and_then(|rest| rest.split("; replace").next());
        let mended = std::process::Command::new("bash").arg("-c").arg(command.expect("a command")).status();
        assert!(mended.expect("a shell").success(), "{refused:?}");
        token_of(&with(&path), 64);
        emulator.clear_log();
    }
}

#[test]
fn the_header_is_printed_whole_when_asked_for() {
    let emulator = Emulator::start().expect("an emulator");
    let arguments =
        ["token", "--provider", "octotable", "--base-url", &emulator.url(), "--credentials", "-", "--header"];
    let ran = run_with_input(&octotable_credentials(), &arguments);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let token = ran.out.strip_prefix("Authorization: Bearer ").expect("the header");
    assert_eq!(token.trim_end().len(), 64);
}

#[test]
fn the_end_of_the_token_and_what_was_tolerated_stand_on_standard_error() {
    let emulator = Emulator::start().expect("an emulator");
    emulator.advance(std::time::Duration::from_secs(3600));
    let arguments = ["token", "--provider", "octotable", "--base-url", &emulator.url(), "--credentials", "-"];
    let ran = run_with_input(&octotable_credentials(), &arguments);
    token_of(&ran, 64);
    assert!(ran.err.contains("note: the token expires at 20"), "{ran:?}");
    assert!(ran.err.contains("note: tolerated: The server's clock differs"), "{ran:?}");
}

#[test]
fn one_host_can_be_replaced_and_several_scopes_are_sent_as_one_list() {
    let emulator = Emulator::start().expect("an emulator");
    let base = format!("identity={}", emulator.base("identity.officernd.com"));
    let scopes = ["--scope", "officernd.api.read", "--scope", " officernd.api.write "];
    let arguments = [&["token", "--provider", "officernd", "--base-url", &base][..], &scopes].concat();
    token_of(&run_as(officernd::DEMO_CLIENT_ID, officernd::DEMO_CLIENT_SECRET, &arguments), 40);
    let log = emulator.log();
    assert_eq!(log.len(), 1);
    assert_eq!(log[0].form_value("scope"), Some("officernd.api.read officernd.api.write"));
}

#[test]
fn a_profile_of_the_users_own_is_used_as_it_is() {
    let emulator = Emulator::start().expect("an emulator");
    let profile = format!(
        r#"
name = "acme"
title = "Acme"
client_authentication = "basic"
scopes = "optional"
sources = [{{ key = "A", title = "Acme's page" }}]
hosts = [{{ name = "login", url = "{}", source = "A" }}]

[calls.client_credentials]
method = "POST"
host = "login"
path = "/token"
encoding = "form"
parameters = [{{ name = "grant_type", value = "client_credentials" }}, {{ name = "scope", value = "{{scope}}" }}]
source = "A"

[token_answer]
access_token = ["access_token"]
token_type = ["token_type"]
token_type_absent = "error"
expires_in = ["expires_in"]
expires_in_unit = "seconds"
source = "A"
"#,
        emulator.base("auth.example")
    );
    let path = file("acme.toml", &profile);
    let arguments = ["token", "--profile", &path, "--scope", "write"];
    token_of(&run_as(generic::DEMO_CLIENT_ID, generic::DEMO_CLIENT_SECRET, &arguments), 43);
    assert_eq!(emulator.log()[0].header("authorization"), Some("Basic ***"));
}
