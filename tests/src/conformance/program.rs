//! Rows about the program `octo-auth`: its arguments, variables, standard streams and end.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use http::Uri;
use octo_auth_system::proxies::Proxies;
use serde_json::{Value, json};

use super::debugged;
use super::facts::Facts;
use super::files::Lack;
use super::row::Row;
use super::signing_in;
use crate::file_store::Folder;
use crate::file_store::trace::Run;
use crate::tls_server::{TlsServer, pem};

/// Stands for a secret of the user.
const SECRET: &str = "LOOK-FOR-THIS-MARKER";

const PROGRAM: Lack = Lack::Needs("the program octo-auth beside this one");

/// The subject of a row.
enum Subject {
    Arguments,
    Panic,
    KeyLog,
    Proxies,
    Debug,
    SignIn,
}

fn subject(row: &Row) -> Option<Subject> {
    let has_variable = |name: &str| {
        row.input.get("env").and_then(Value::as_object).is_some_and(|variables| variables.contains_key(name))
    };
    if row.input.contains_key("argv") {
        Some(Subject::Arguments)
    } else if has_variable("panic_injected") {
        Some(Subject::Panic)
    } else if has_variable("SSLKEYLOGFILE") {
        Some(Subject::KeyLog)
    } else if has_variable("HTTPS_PROXY") {
        Some(Subject::Proxies)
    } else if signing_in::is_meant(row) {
        Some(Subject::SignIn)
    } else {
        (row.text("derive") == Some("Debug")).then_some(Subject::Debug)
    }
}

/// Whether a row is about the program and can be run.
pub(super) fn is_run(row: &Row) -> bool {
    row.is_about_settings() && subject(row).is_some()
}

/// Returns the facts of a row about the program; `None` for other rows.
pub(super) fn observe(row: &Row) -> Option<Result<Facts, Lack>> {
    let observed = match subject(row).filter(|_| row.is_about_settings())? {
        Subject::Arguments => of_arguments(row),
        Subject::Panic => of_a_panic(),
        Subject::KeyLog => of_a_key_log(row),
        Subject::Proxies => of_proxies(row),
        Subject::Debug => debugged::shows(SECRET).map_err(Lack::Failed),
        Subject::SignIn => signing_in::observe(row),
    };
    Some(observed.and_then(|facts| match facts {
        Value::Object(facts) => Ok(facts),
        other => Err(Lack::Failed(format!("facts are an object: {other}"))),
    }))
}

/// Returns the program with these arguments, with a separate home and no settings.
pub(super) fn program(home: &Folder, arguments: &[&str]) -> Result<Command, Lack> {
    let mut command = Command::new(path().ok_or(PROGRAM)?);
    let kept = std::env::vars_os().filter(|(name, _)| name == "PATH");
    command.env_clear().envs(kept).env("HOME", home.path()).args(arguments).stdin(Stdio::null());
    fs::create_dir_all(home.path())?;
    Ok(command)
}

/// Returns the program, if it was built beside this one.
fn path() -> Option<PathBuf> {
    let own = std::env::current_exe().ok()?;
    own.ancestors().skip(1).take(2).map(|folder| folder.join("octo-auth")).find(|program| program.is_file())
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Tests a secret among the arguments.
fn of_arguments(row: &Row) -> Result<Value, Lack> {
    let arguments: Vec<&str> = row
        .input
        .get("argv")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let secret = arguments.last().ok_or("no arguments")?;
    let output = program(&Folder::new(), &arguments)?.output()?;
    let text = text(&output);
    let named = text.split_whitespace().find(|word| word.starts_with("--")).unwrap_or_default();
    let outcome = if matches!(output.status.code(), Some(2 | 3)) { "config_error" } else { "ok" };
    // It ends before it creates a transport that could send something.
    Ok(
        json!({"outcome": outcome, "names_field": named, "requests": 0, "prints_secret": text.contains(secret)}),
    )
}

/// Tests a transport that panics with all its data in the message, in a child that prints full backtraces.
fn of_a_panic() -> Result<Value, Lack> {
    let output = Run::of(&["panic", SECRET]).command()?.env("RUST_BACKTRACE", "full").output()?;
    let text = text(&output);
    if !text.contains("panicked at") || !text.contains("no token for client credentials") {
        return Err(Lack::Failed(format!("no panic, or no answer after it: {text}")));
    }
    let outcome = if output.status.success() { "ok" } else { "error" };
    Ok(json!({"outcome": outcome, "secret_in_output": text.contains(SECRET)}))
}

/// Tests a token over TLS while a variable names a file for the session keys.
fn of_a_key_log(row: &Row) -> Result<Value, Lack> {
    let (server, home) = (TlsServer::start(&["localhost"]), Folder::new());
    let url = format!("https://localhost:{}/token", server.address().port());
    let root = home.path().join("root.pem");
    let named = row.input.get("env").and_then(|env| env["SSLKEYLOGFILE"].as_str()).ok_or("no file")?;
    let log = home.path().join(named);
    let arguments = ["token", "--provider", "rfc6749", "--token-url", &url, "--root-certificates"];
    let mut command = program(&home, &arguments)?;
    fs::write(&root, pem("CERTIFICATE", server.certificate()))?;
    let output = command
        .arg(&root)
        .env("SSLKEYLOGFILE", &log)
        .env("OCTO_AUTH_CLIENT_ID", "me")
        .env("OCTO_AUTH_CLIENT_SECRET", SECRET)
        .current_dir(home.path())
        .output()?;
    // The handshake, which would be logged, is complete when a request arrives.
    if !output.status.success() || !server.next_request().contains("client_credentials") {
        return Err(Lack::Failed(text(&output)));
    }
    Ok(json!({"outcome": "ok", "file_created": log.exists()}))
}

/// Tests which proxy requests use with these variables.
fn of_proxies(row: &Row) -> Result<Value, Lack> {
    let variables = row.input.get("env").and_then(Value::as_object).ok_or("no variables")?;
    let read = |name: &str| variables.get(name).and_then(Value::as_str).map(Into::into);
    let proxies = Proxies::read(read)?;
    let proxy_of = |url: &'static str| {
        let shown = proxies.for_url(&Uri::from_static(url)).map(ToString::to_string);
        shown.and_then(|shown| shown.split_once("://").map(|(_, address)| address.to_owned()))
    };
    let loopback = ["https://127.0.0.1:4000/token", "http://127.0.0.1:4000/token"];
    let is_loopback_proxied = loopback.into_iter().any(|url| proxy_of(url).is_some());
    Ok(
        json!({"outcome": "ok", "proxy": proxy_of("https://as.example/token"), "loopback_proxied": is_loopback_proxied}),
    )
}

/// Tests a path that begins with `~`, which a shell does not expand after a `=`.
pub(super) fn of_a_home(path: &str) -> Result<Value, Lack> {
    let home = Folder::new();
    let mut command = program(&home, &["store", "list", &format!("--store={path}")])?;
    fs::create_dir_all(home.path().join(path.trim_start_matches("~/")))?;
    let is_found = command.output()?.status.success();
    Ok(json!({"outcome": if is_found { "ok" } else { "error" }, "expanded": is_found}))
}

/// Tests a signal that dumps core while the program holds a secret.
pub(super) fn of_a_core_dump(row: &Row) -> Result<Value, Lack> {
    let signal = row.text("signal").unwrap_or_default().trim_start_matches("SIG");
    let home = Folder::new();
    let unlimited = "ulimit -c unlimited 2>/dev/null; exec \"$0\" \"$@\"";
    fs::create_dir_all(home.path())?;
    let dumps = Command::new("sh")
        .args(["-c", unlimited, "sh", "-c", &format!("kill -{signal} $$")])
        .current_dir(home.path())
        .status()?;
    if !dumps.core_dumped() {
        return Err(Lack::Needs("a system that dumps core"));
    }
    let bare = program(&home, &[])?;
    let mut child = Command::new("sh")
        .args(["-c", unlimited])
        .arg(bare.get_program())
        .args(["import", "--provider", "octorate", "--account", "inn"])
        .env_clear()
        .envs(bare.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .env("OCTO_AUTH_CLIENT_ID", "me")
        .env("OCTO_AUTH_CLIENT_SECRET", SECRET)
        .current_dir(home.path())
        .stdin(Stdio::piped())
        .spawn()?;
    // Once the directory exists, the program has read its settings and waits for standard input.
    let directory = home.path().join(".local/state/octo-auth");
    while !directory.is_dir() && matches!(child.try_wait(), Ok(None)) {
        std::thread::yield_now();
    }
    Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status()?;
    let ended = child.wait()?;
    if ended.signal().is_none() {
        return Err(Lack::Failed(format!("it ended with {ended}")));
    }
    let found = if ended.core_dumped() { 1 } else { 0 };
    Ok(json!({"outcome": "ok", "marker_occurrences_target": found, "limit": "PR_SET_DUMPABLE=0 in the CLI"}))
}
