//! `octo-auth`: a demonstration of every flow, an emulator of the providers, tokens at the terminal, and checks of
//! profiles and address lists.
//!
//! The rules of this program: a secret comes from the environment, a file or standard input and is sent only to the
//! provider. The requested result is printed alone on standard output, everything else on standard error. A failure is
//! one message, its causes and the remedy, and an exit code that says who must act.

mod arguments;
mod book;
mod client;
mod config;
mod credentials;
mod demo;
mod doctor;
mod emulate;
mod exec;
mod failure;
mod import;
mod input;
mod interrupt;
mod inventory;
mod ip;
mod keyring;
mod keys;
mod login;
mod logout;
mod output;
mod profile;
mod record;
mod revocation;
mod status;
mod store;
mod stored;
mod token;
mod usage;

use std::process::ExitCode;

use arguments::Command;
use failure::{Exit, Failure};
use output::Output;

fn main() -> ExitCode {
    dump_no_core();
    let outcome = match usage::read(std::env::args_os()) {
        Ok(command) => run(&command),
        Err(refused) => refused.into_exit(),
    };
    interrupt::leave_the_end();
    match outcome {
        Ok(exit) => exit.into(),
        Err(failure) => {
            output::tell(&failure.to_string());
            failure.exit().into()
        }
    }
}

/// Keeps secrets out of a core dump. A program that replaces this one is dumped as usual.
fn dump_no_core() {
    // If this fails, the program still works.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

fn run(command: &Command) -> Result<Exit, Failure> {
    let mut output = Output::standard();
    match command {
        Command::Demo { json } => demo::run(*json, &mut output),
        Command::Emulate(request) => emulate::run(request, &mut output),
        Command::Token(request) => token::run(request, &mut output),
        Command::Login(request) => login::run(request, &mut output),
        Command::Import(request) => import::run(request, &mut output),
        Command::Status(request) => status::run(request, &mut output),
        Command::Store(request) => store::run(request, &mut output),
        Command::Doctor(request) => doctor::run(request, &mut output),
        Command::DoctorWriter { directory } => doctor::write_until_killed(directory, &mut output),
        Command::Header(request) => token::header(request, &mut output),
        Command::Exec(request) => exec::run(request),
        Command::Logout(request) => logout::run(request, &mut output),
        Command::Profile(request) => profile::run(request, &mut output),
        Command::Config(request) => config::run(request, &mut output),
        Command::Ip(request) => ip::run(request, &mut output),
        Command::Book(request) => book::run(request, &mut output),
    }
}
