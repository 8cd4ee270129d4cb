//! A process that saves is killed at each of its system calls. The next one must find the old record or the new one, whole,
//! and the lock free.

use std::fmt;
use std::time::Duration;

use octo_auth_core::{Saved, Store, Version};
use octo_auth_store_file::FileStore;

use super::Folder;
use super::child::{content, name};
use super::trace::{Call, Run};

/// What was found after the kills.
#[derive(Debug, Default)]
pub struct Found {
    /// How many processes were killed.
    pub kills: usize,
    /// The system calls at which they were, each once.
    pub calls: usize,
    /// How often the old record was there.
    pub old: usize,
    /// How often the new one was.
    pub new: usize,
    /// How many processes ended before they came to the call.
    pub missed: usize,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kills, calls, old, new, missed } = self;
        write!(
            f,
            "{kills} kills at {calls} system calls: {old} times the old record, {new} times the new one, {missed} missed"
        )
    }
}

/// Kills `count` processes, one after the other on the same record, at one call after the other.
///
/// # Errors
///
/// What is wrong with what the next process found.
pub fn of_changes(count: usize) -> Result<Found, String> {
    let folder = Folder::new();
    let path = folder.path().to_str().ok_or("the folder is no text")?;
    let mut version = changed(&open(&folder)?, None, "a")?;
    // The second change has a previous state to replace, as all that follow.
    version = changed(&open(&folder)?, Some(version), "b")?;
    let (output, calls) = Run::of(&["save", path, &version.0.to_string(), "c"]).traced()?;
    if !output.status.success() || calls.len() < 10 {
        return Err(format!("{} calls, {}", calls.len(), String::from_utf8_lossy(&output.stderr)));
    }
    version = Version(version.0 + 1);
    let mut found = Found { calls: calls.len(), ..Found::default() };
    for (number, call) in (0..count).zip(calls.iter().cycle()) {
        let letters = ["d", "e"];
        let (old, new) = (letters[number % 2], letters[(number + 1) % 2]);
        version = changed(&open(&folder)?, Some(version), old)?;
        let run = Run::of(&["save", path, &version.0.to_string(), new]);
        killed(run, call, &mut found)?;
        let context = |problem: String| format!("killed at {}: {problem}", call.line);
        let stored = open(&folder)?.load(&name()).map_err(|error| context(format!("{error:?}")))?;
        let stored = stored.ok_or_else(|| context("no record".to_owned()))?;
        if stored.version == version && stored.content == content(old) {
            found.old += 1;
        } else if stored.version == Version(version.0 + 1) && stored.content == content(new) {
            found.new += 1;
        } else {
            return Err(context(format!("{:?} with {:?}", stored.version, stored.content)));
        }
        version = stored.version;
    }
    Ok(found)
}

/// Kills a process at each call of the first save of a record.
///
/// # Errors
///
/// As [`of_changes`].
pub fn of_creations() -> Result<Found, String> {
    let calls = {
        let folder = Folder::new();
        let path = folder.path().to_str().ok_or("the folder is no text")?;
        Run::of(&["save", path, "-", "a"]).traced()?.1
    };
    let mut found = Found { calls: calls.len(), ..Found::default() };
    for call in &calls {
        let folder = Folder::new();
        let path = folder.path().to_str().ok_or("the folder is no text")?;
        killed(Run::of(&["save", path, "-", "a"]), call, &mut found)?;
        let store = open(&folder)?;
        match store.load(&name()).map_err(|error| format!("killed at {}: {error:?}", call.line))? {
            None => {
                found.old += 1;
                changed(&store, None, "b")?;
            }
            Some(stored) if stored.content == content("a") => {
                found.new += 1;
                changed(&store, Some(stored.version), "b")?;
            }
            Some(stored) => return Err(format!("killed at {}: {stored:?}", call.line)),
        }
    }
    Ok(found)
}

fn killed(run: Run, call: &Call, found: &mut Found) -> Result<(), String> {
    let (output, _) = run.at(call, "signal=KILL").traced()?;
    if output.status.success() {
        found.missed += 1;
    } else {
        found.kills += 1;
    }
    Ok(())
}

/// Opens the store as the next process does, which waits for no lock.
fn open(folder: &Folder) -> Result<FileStore, String> {
    let store = FileStore::options().lock_patience(Duration::ZERO).open(folder.path());
    store.map_err(|error| error.to_string())
}

fn changed(store: &FileStore, expected: Option<Version>, letter: &str) -> Result<Version, String> {
    match store.compare_and_swap(&name(), expected, &content(letter)) {
        Ok(Saved::Done(version)) => Ok(version),
        other => Err(format!("the next save: {other:?}")),
    }
}
