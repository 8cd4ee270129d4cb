//! A process that saves or claims is killed at each of its system calls. The next process must find the old state or
//! the new one, complete, and the lock free.

use std::fmt;
use std::time::Duration;

use octo_auth_core::{Claimed, Saved, Store, Version};
use octo_auth_store_file::FileStore;

use super::Folder;
use super::child::{LEASE, content, name};
use super::trace::{Call, Run};

/// The findings after the kills.
#[derive(Debug, Default)]
pub struct Found {
    /// The count of killed processes.
    pub kills: usize,
    /// The count of distinct system calls at which they were killed.
    pub calls: usize,
    /// How often the old state was found.
    pub old: usize,
    /// How often the new state was found.
    pub new: usize,
    /// The count of processes that ended before they reached the call.
    pub missed: usize,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kills, calls, old, new, missed } = self;
        write!(
            f,
            "{kills} kills at {calls} system calls: {old} times the old state, {new} times the new one, {missed} missed"
        )
    }
}

/// Kills `count` processes one after the other on the same record, each at the next call.
///
/// # Errors
///
/// Returns an error that describes a wrong finding of the next process.
pub fn of_changes(count: usize) -> Result<Found, String> {
    let folder = Folder::new();
    let path = folder.path().to_str().ok_or("the folder is no text")?;
    let mut version = changed(&open(&folder)?, None, "a")?;
    // The second change replaces a previous state, as do all later ones.
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
/// Returns the errors of [`of_changes`].
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

/// Kills a process at each call of a claim that replaces the claim of a process that has ended. The next claim must
/// still name one of the two.
///
/// # Errors
///
/// Returns an error that describes a wrong finding of the next process.
pub fn of_claims() -> Result<Found, String> {
    let claimed = || {
        let folder = Folder::new();
        let path = folder.path().to_str().ok_or("the folder is no text")?.to_owned();
        Run::of(&["claim", &path, "one"]).run()?;
        Ok::<_, String>((folder, Run::of(&["claim", &path, "two"])))
    };
    let (_folder, second) = claimed()?;
    let calls = second.traced()?.1;
    let mut found = Found { calls: calls.len(), ..Found::default() };
    for call in &calls {
        let (folder, second) = claimed()?;
        killed(second, call, &mut found)?;
        match open(&folder)?.claim(&name(), "three", LEASE) {
            Ok(Claimed::TakenOver { from }) if from == "one" => found.old += 1,
            Ok(Claimed::TakenOver { from }) if from == "two" => found.new += 1,
            other => return Err(format!("killed at {}: {other:?}", call.line)),
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

/// Opens the store like the next process, which does not wait for a lock.
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
