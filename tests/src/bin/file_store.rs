//! Stores under hostile conditions: `file_store kills COUNT`, `file_store rotations ENGINE COUNT SEED`,
//! `file_store histories ENGINE OPERATIONS`.
//!
//! With `child` it is one of the processes that are killed.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command speaks on its standard streams")]

use std::process::ExitCode;

#[cfg(unix)]
const USAGE: &str =
    "usage: file_store kills COUNT | rotations ENGINE COUNT SEED | histories ENGINE OPERATIONS";

#[cfg(unix)]
fn main() -> ExitCode {
    use octo_auth_tests::file_store::{child, kills, trace};
    use octo_auth_tests::fleet;

    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let shown = match arguments[..] {
        ["child", ref of_child @ ..] => {
            println!("{}", child::run(of_child));
            return ExitCode::SUCCESS;
        }
        ["kills", _] if !trace::is_possible() => Ok("skipped: it needs strace".to_owned()),
        ["kills", count] => kills::of_creations().and_then(|created| {
            Ok(format!("{created}\n{}", kills::of_changes(count.parse().unwrap_or(1000))?))
        }),
        ["rotations", engine, count, seed] => engine.parse().and_then(|engine: fleet::Engine| {
            if !engine.is_installed() {
                return Ok(format!("skipped: it needs {engine:?}"));
            }
            let (count, seed) = (count.parse().unwrap_or(10_000), seed.parse().unwrap_or(1));
            let line = |(seed, story): &(u64, fleet::Story)| format!("seed {seed}: {story}");
            let stories = fleet::live_together(engine, count, seed)?;
            Ok(stories.iter().map(line).collect::<Vec<_>>().join("\n"))
        }),
        ["histories", engine, operations] => engine.parse().and_then(|engine: fleet::Engine| {
            if !engine.is_installed() {
                return Ok(format!("skipped: it needs {engine:?}"));
            }
            fleet::recorded(engine, operations.parse().unwrap_or(100_000))
        }),
        _ => Err(USAGE.to_owned()),
    };
    match shown {
        Ok(text) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(not(unix))]
fn main() -> ExitCode {
    println!("skipped: the file store works on Unix only");
    ExitCode::SUCCESS
}
