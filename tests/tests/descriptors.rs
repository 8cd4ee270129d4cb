//! 600 accounts that are due at the same time, in a process that may open 256 files: each gets its token, and no
//! request fails for lack of a socket. The test runs itself again under that limit.

#![cfg(unix)]

use std::env;
use std::process::Command;
use std::thread;

use octo_auth_core::{Client, Imported, Profile, Secret, TokenSpec};
use octo_auth_testkit::socket::Socket;
use octo_auth_tests::registration::sound;

const ACCOUNTS: usize = 600;

/// Set in the process with the limit.
const LIMITED: &str = "OCTO_AUTH_TEST_LIMITED";

/// Runs the test of this name in a separate process that may open 256 files.
fn is_limited(test: &str) -> bool {
    if env::var_os(LIMITED).is_some() {
        return true;
    }
    let mut again = Command::new("sh");
    again.args(["-c", r#"ulimit -n 256 && exec "$0" "$@""#]).arg(sound(env::current_exe()));
    let output = sound(again.args(["--exact", test, "--nocapture"]).env(LIMITED, "yes").output());
    let shown = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "with 256 files: {shown}");
    false
}

fn answer(_: &str) -> Vec<u8> {
    let body = r#"{"access_token":"at","token_type":"Bearer","expires_in":3600}"#;
    let head = "Content-Type: application/json\r\nConnection: close";
    format!("HTTP/1.1 200 OK\r\n{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into()
}

fn client(server: &Socket) -> Client {
    let profile = sound(Profile::rfc6749(&format!("http://{}/token", server.address())));
    sound(Client::new(profile, "client-1", "client-secret-1"))
}

fn key(number: usize) -> TokenSpec {
    TokenSpec::account(&format!("inn {number}"))
}

fn consent(number: usize) -> Imported {
    Imported::RefreshToken(Secret::new(format!("rt-{number}")))
}

#[test]
fn tasks_serve_600_accounts_with_256_descriptors() {
    if !is_limited("tasks_serve_600_accounts_with_256_descriptors") {
        return;
    }
    let server = Socket::replying(answer);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    sound(runtime).block_on(async {
        let manager = sound(octo_auth_async::TokenManager::new(client(&server)));
        let mut calls = Vec::new();
        for number in 0..ACCOUNTS {
            let tokens = sound(manager.tokens(key(number)));
            sound(tokens.import(consent(number)).await);
            calls.push(tokio::spawn(async move { tokens.get().await }));
        }
        for call in calls {
            sound(sound(call.await));
        }
    });
    assert_eq!(server.requests().len(), ACCOUNTS);
}

#[test]
fn threads_serve_600_accounts_with_256_descriptors() {
    if !is_limited("threads_serve_600_accounts_with_256_descriptors") {
        return;
    }
    let server = Socket::replying(answer);
    let manager = sound(octo_auth_blocking::TokenManager::new(client(&server)));
    let calls: Vec<_> = (0..ACCOUNTS)
        .map(|number| {
            let tokens = sound(manager.tokens(key(number)));
            sound(tokens.import(consent(number)));
            thread::spawn(move || tokens.get())
        })
        .collect();
    for call in calls {
        sound(call.join().expect("no caller panics"));
    }
    assert_eq!(server.requests().len(), ACCOUNTS);
}
