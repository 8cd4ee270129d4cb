//! Tests both adapters against a server that is independent of this project: `real_server FOLDER`, the folder in which
//! `npm ci` has installed the packages of `tests/real-server`.
//!
//! The server is npm's `oidc-provider`, which rotates refresh tokens and detects their reuse. Each scenario runs with
//! each adapter on a new server and prints one line; the last line is a summary. For a scenario with a process that is
//! killed, the program starts itself again: `real_server --renew ...`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command speaks on its standard streams")]

mod files;
mod grants;
mod manager;
mod restart;
mod rotation;
mod server;
mod wrong;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use octo_auth_tests::adapter::Adapter;

use server::Server;

/// The environment of a scenario: a new server, an adapter, and an empty folder for a store.
struct Stage<'s> {
    /// The folder from which servers are started.
    folder: &'s Path,
    server: &'s Server,
    adapter: &'s Adapter,
    store: PathBuf,
}

/// A scenario: its name as a sentence, and its steps, which panic on an unexpected result.
type Scenario = (&'static str, fn(&Stage<'_>));

const SCENARIOS: [Scenario; 14] = [
    ("a client gets, inspects and revokes its own tokens", grants::client_credentials),
    ("a code becomes tokens for each way of client authentication", grants::codes),
    ("an issuer is compared where it is configured", grants::issuers),
    ("a wrong client is a matter of configuration", wrong::clients),
    ("a wrong code, a used code and a wrong verifier are refused", wrong::codes),
    ("a refusal at the page says why", wrong::pages),
    ("a wrong scope and a wrong address are matters of configuration", wrong::scopes_and_addresses),
    ("a used refresh token kills its family", rotation::reuse),
    ("a manager renews again and again, over a restart, and signs out", rotation::renewals),
    ("a family that was used elsewhere asks for a sign-in, which mends it", rotation::used_elsewhere),
    ("a token that the API refuses is replaced, and the call repeated", rotation::refused_by_the_api),
    ("many callers wait for one renewal", rotation::callers),
    ("a server that is gone costs no sign-in, one that forgot all does", restart::forgetful),
    ("a killed process goes on, or says that a sign-in is needed", restart::killed),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["--renew", colour, store, url, ahead] => {
            restart::renew(colour, Path::new(store), url, ahead);
            ExitCode::SUCCESS
        }
        [folder] => run_all(Path::new(folder)),
        _ => {
            eprintln!("usage: real_server FOLDER");
            ExitCode::from(2)
        }
    }
}

fn run_all(folder: &Path) -> ExitCode {
    let mut failed = 0;
    let adapters = Adapter::all();
    for (place, (name, scenario)) in SCENARIOS.iter().enumerate() {
        for adapter in &adapters {
            let server = match Server::start(folder) {
                Ok(server) => server,
                Err(error) => {
                    eprintln!("error: the server does not start: {error}");
                    return ExitCode::from(2);
                }
            };
            let store = folder.join("stores").join(format!("{place}-{}", adapter.name()));
            if let Err(error) = files::empty(&store) {
                eprintln!("error: {} cannot be emptied: {error}", store.display());
                return ExitCode::from(2);
            }
            let stage = Stage { folder, server: &server, adapter, store };
            let passed = catch_unwind(AssertUnwindSafe(|| scenario(&stage))).is_ok();
            failed += usize::from(!passed);
            println!("{} {name} ({})", if passed { "ok    " } else { "FAILED" }, adapter.name());
        }
    }
    println!("{} scenarios, {failed} failed", SCENARIOS.len() * adapters.len());
    ExitCode::from(u8::from(failed > 0))
}
