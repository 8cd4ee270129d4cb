//! The command line: help, wrong arguments, and secrets in the wrong place.

use crate::program::{CANARY, run};

#[test]
fn help_lists_every_exit_code_and_each_command_has_an_example() {
    let help = run(&["--help"]);
    assert_eq!((help.code, help.err.as_str()), (Some(0), ""));
    for line in ["0  done", "1  a step", "2  the command", "3  correct", "4  a person", "5  try", "6  ask"] {
        assert!(help.out.contains(line), "{line}: {}", help.out);
    }
    for command in ["demo", "emulate", "token", "ip"] {
        assert!(help.out.contains(command), "{command}");
        let own = run(&[command, "--help"]);
        assert_eq!(own.code, Some(0));
        assert!(own.out.contains(&format!("  octo-auth {command}")), "{}", own.out);
        own.gave_nothing_away();
    }
    assert!(run(&["--version"]).out.starts_with("octo-auth "));
}

#[test]
fn no_command_at_all_shows_the_help_and_counts_as_wrong_usage() {
    let ran = run(&[]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("Usage: octo-auth <COMMAND>"), "{}", ran.err);
}

#[test]
fn a_secret_as_an_argument_is_refused_with_the_reason_and_never_shown() {
    for arguments in [
        &["token", "--provider", "octorate", "--client-secret", CANARY][..],
        &["token", "--client-secret", CANARY, "--provider", "octorate"],
        &["token", "--provider", "octorate", &format!("--client-secret={CANARY}")],
        &["token", "--provider", "octorate", &format!("--client_secret={CANARY}")],
        &["token", "--provider", "octorate", "--secret", CANARY],
        &["token", "--provider", "octorate", "--password", CANARY],
    ] {
        run(arguments)
            .failed(2, &["not taken from the command line", "OCTO_AUTH_CLIENT_SECRET", "--credentials"]);
    }
}

#[test]
fn no_message_about_a_wrong_command_line_repeats_what_was_typed() {
    for arguments in [
        &["token", "--provider", "octorate", CANARY][..],
        &["token", "--provider", CANARY],
        &["token", "--provider", "octorate", "--key", CANARY],
        &["token", "--provider", "octorate", &format!("--{CANARY}")],
        &["token", "--provider", "octorate", &format!("-{CANARY}")],
        &["token", "--provider", "octorate", "--deadline", CANARY],
        &["emulate", "--port", CANARY],
        &["demo", CANARY],
        &[CANARY],
    ] {
        run(arguments).failed(2, &["what to do: see octo-auth --help"]);
    }
}

#[test]
fn a_wrong_command_line_is_explained() {
    run(&["token"]).failed(3, &["`profile` is not set", "--provider", "--profile"]);
    run(&["token", "--provider", "rfc6749"]).failed(3, &["`token_url` is not set"]);
    run(&["token", "--provider", "acme"]).failed(2, &["octorate, octotable, officernd, rfc6749"]);
    run(&["token", "--provider", "octorate", "--deadline", "0"]).failed(2, &["--deadline", "from 1 to 3600"]);
    run(&["emulate", "--port", "65536"]).failed(2, &["--port", "from 0 to 65535"]);
    run(&["token", "--provider", "octorate", "--profile", "acme.toml"])
        .failed(2, &["--profile cannot be combined with --provider"]);
    run(&["token", "--provider", "octorate", "--provider", "octotable"])
        .failed(2, &["--provider", "given twice"]);
    run(&["token", "--provider", "octorate", "--token-url", "https://x.example"])
        .failed(2, &["rfc6749 only"]);
    run(&["demoo"]).failed(2, &["demo"]);
}
