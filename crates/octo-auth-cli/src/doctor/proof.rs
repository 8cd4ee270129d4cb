//! Checks whether a save in this directory survives the end of its process at any moment. A child process is killed
//! while it writes; it must leave a complete record.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use octo_auth_core::{RecordBytes, RecordName, Saved, Store, Version};
use octo_auth_store_file::FileStore;

use super::Finding;
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::record::unreadable;

/// The count of children to kill.
const KILLS: usize = 5;

/// The size of the record they write, in bytes: a large one.
const SIZE: usize = 64 * 1024;

/// The name of the record that they write.
const NAME: &str = "doctor.0123456789abcdef.account.proof.0123456789abcdef0123456789abcdef";

const REMEDY: &str =
    "keep tokens on another disk or file system: name a directory there by --store or store.path";

/// Kills children while they write to a directory below this one, and reads the records they leave.
pub(crate) fn check(directory: &Path) -> Finding {
    let below = directory.join(format!(".doctor-{}", std::process::id()));
    let proved = prove(&below);
    // The directory belongs to this check alone.
    let removed = std::fs::remove_dir_all(&below);
    match (proved, removed) {
        (Err(failure), _) => Finding::failed("writing", &failure.with_remedy(REMEDY)),
        (Ok(saves), Ok(())) => Finding::sound(
            "writing",
            format!(
                "{KILLS} processes that wrote without a pause were killed, after {saves} saves in all: each left a whole record"
            ),
        ),
        (Ok(_), Err(error)) => {
            let detail = format!("{below:?} cannot be removed: {error}");
            Finding::doubtful("writing", detail, "remove it")
        }
    }
}

fn prove(below: &Path) -> Result<u64, Failure> {
    let mut saves = 0;
    for kill in 0..KILLS {
        let mut child =
            Command::new(std::env::current_exe().map_err(|error| failed("finding this program", &error))?)
                .arg("doctor-writer")
                .arg(below)
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .map_err(|error| failed("starting a process that writes", &error))?;
        let told = kill_after(&mut child, kill + 1);
        let _ = child.kill();
        let _ = child.wait();
        let told = told.map_err(|error| failed("writing", &error))?;
        saves += 1 + u64::try_from(kill).unwrap_or_default();
        let version = left_behind(below)?;
        if version < told {
            let message = format!("save {told} was done, and the record is that of save {version}");
            return Err(Failure::new(Exit::Configuration, message));
        }
    }
    Ok(saves)
}

/// Waits until a child has reported this count of saves, and kills it. Returns the version of the last save.
fn kill_after(child: &mut Child, saves: usize) -> std::io::Result<u64> {
    let mut told = 0;
    if let Some(stdout) = child.stdout.take() {
        let mut lines = BufReader::new(stdout).lines();
        for _ in 0..saves {
            let line = lines.next().ok_or_else(|| std::io::Error::other("it ended by itself"))??;
            told = line.parse().map_err(std::io::Error::other)?;
        }
    }
    child.kill()?;
    Ok(told)
}

/// Reads the record that a child left, and returns its version.
fn left_behind(below: &Path) -> Result<u64, Failure> {
    let store = FileStore::open(below)?;
    let stored = store.load(&name()?).map_err(|error| unreadable(&error))?;
    let Some(stored) = stored else {
        return Err(Failure::new(Exit::Configuration, "a record that was saved is gone"));
    };
    let letter = stored.content.as_ref().first().copied().unwrap_or_default();
    if stored.content != content(stored.version) {
        let message = format!("a record is mixed: it begins with {letter} and goes on with another");
        return Err(Failure::new(Exit::Configuration, message));
    }
    Ok(stored.version.0)
}

/// Writes until the process is killed or its output is closed. Prints a line with the version after each save.
///
/// # Errors
///
/// Returns a [`Failure`] if it cannot write.
pub(crate) fn write_until_killed(directory: &Path, output: &mut Output) -> Result<Exit, Failure> {
    let store = FileStore::open(directory)?;
    let name = name()?;
    let read = store.load(&name).map_err(|error| unreadable(&error))?;
    let mut version = read.map(|stored| stored.version);
    while !output.reader_has_left() {
        let next = Version(version.map_or(1, |version| version.0 + 1));
        match store.compare_and_swap(&name, version, &content(next)).map_err(|error| unreadable(&error))? {
            Saved::Done(done) => version = Some(done),
            Saved::Conflict(_) => return Err(Failure::new(Exit::TryLater, "another process writes here")),
        }
        output.line(next.0)?;
    }
    Ok(Exit::Done)
}

/// Returns the content of a version: one repeated letter.
fn content(version: Version) -> RecordBytes {
    RecordBytes::from(vec![if version.0 & 1 == 0 { b'a' } else { b'b' }; SIZE])
}

fn name() -> Result<RecordName, Failure> {
    RecordName::parse(NAME).map_err(|error| Failure::of(Exit::Configuration, &error))
}

fn failed(doing: &str, error: &std::io::Error) -> Failure {
    Failure::new(Exit::Configuration, format!("{doing} failed")).because_of(Some(error))
}
