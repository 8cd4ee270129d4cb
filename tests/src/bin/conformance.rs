//! Runs rows of hostile inputs: `conformance FILE|DIR… [--json] [--command PROGRAM]`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command speaks on its standard streams")]

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use octo_auth_tests::conformance::{self, Subject, Summary, Verdict};

/// Runs rows of hostile inputs with octo-auth, or with another library's command.
#[derive(Debug, Parser)]
struct Arguments {
    /// Files of rows, or folders of such files.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Print one JSON object a line, the summary last.
    #[arg(long)]
    json: bool,
    /// A program that reads a row from standard input and prints its facts.
    #[arg(long, value_name = "PROGRAM")]
    command: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let subject = match &arguments.command {
        Some(program) => Ok(Subject::command(program)),
        None => Subject::own(),
    };
    let subject = match subject {
        Ok(subject) => subject,
        Err(error) => {
            eprintln!("error: the adapters cannot be set up: {error}");
            return ExitCode::from(2);
        }
    };
    let mut summary = Summary::default();
    for path in &arguments.paths {
        let rows = match conformance::load(path) {
            Ok(rows) => rows,
            Err(error) => {
                eprintln!("error: {error}");
                return ExitCode::from(2);
            }
        };
        for row in &rows {
            let outcome = conformance::run(row, &subject);
            match (&outcome.verdict, arguments.json) {
                (_, true) => println!("{}", outcome.to_json()),
                (Verdict::Failed { layer, difference }, false) => {
                    println!("{} failed in {layer}: {difference}", outcome.id);
                }
                _ => {}
            }
            summary.add(&outcome);
        }
    }
    println!("{}", if arguments.json { summary.to_json() } else { summary.to_string() });
    ExitCode::from(u8::from(summary.totals()[1] > 0))
}
