//! Locks: of a process that has ended, of one that is stopped, and of a file system without locks.

use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use octo_auth_core::{Saved, Store};
use octo_auth_store_file::FileStore;
use serde_json::{Value, json};

use super::{Lack, Observed, World, traceable};
use crate::conformance::row::Row;
use crate::file_store::child;
use crate::file_store::trace::{Run, facts};

pub(super) fn observe(row: &Row) -> Observed {
    match (row.text("holder"), row.text("fs"), row.text("inherit")) {
        (Some("dead pid with stale lock file"), ..) => of_a_dead_process(row),
        (Some("live process, stopped (SIGSTOP)"), ..) => of_a_stopped_process(row),
        (_, Some("nfs without lockd"), _) => of_no_process(),
        (.., Some("fork")) => of_a_forked_process(),
        other => Err(Lack::Failed(format!("{other:?} is not known"))),
    }
}

fn number(row: &Row, key: &str) -> Option<u64> {
    row.input.get(key).or_else(|| row.expect.get(key)).and_then(Value::as_u64)
}

fn of_a_dead_process(row: &Row) -> Observed {
    traceable()?;
    let world = World::new()?;
    let (_, calls) = Run::of(&["save", world.text()?, "1", "b"]).traced()?;
    let synced = calls.iter().find(|call| call.name == "fsync").ok_or("no fsync")?;
    Run::of(&["save", world.text()?, "2", "c"]).at(synced, "signal=KILL").traced()?;
    let patience = number(row, "within_ms").ok_or("no time")?;
    let store = FileStore::options().lock_patience(Duration::from_millis(patience)).open(world.path())?;
    match world.change(&store, Some(2), "d") {
        Ok(Saved::Done(_)) => Ok(json!({"outcome": "locked", "ms": patience})),
        other => Ok(child::outcome(&other)),
    }
}

fn of_a_stopped_process(row: &Row) -> Observed {
    let world = World::new()?;
    let lock = world.path().join(format!("{}.lock", child::name()));
    let before = std::fs::read(world.record())?;
    let mut holder = Command::new("flock");
    let holder = holder.arg("--no-fork").arg(&lock).args(["sleep", "600"]).stdout(Stdio::null()).spawn();
    let mut holder = holder.map_err(|_| Lack::Needs("the program flock"))?;
    let at_once = FileStore::options().lock_patience(Duration::ZERO).open(world.path())?;
    let is_held = || at_once.release(&child::name(), "another").is_err();
    while !is_held() && matches!(holder.try_wait(), Ok(None)) {
        thread::yield_now();
    }
    let _ = Command::new("sh").arg("-c").arg(format!("kill -STOP {}", holder.id())).status();
    let patience = Duration::from_millis(number(row, "wait_ms").ok_or("no time")?);
    let store = FileStore::options().lock_patience(patience).open(world.path())?;
    let saved = world.change(&store, Some(1), "b");
    let loaded = store.load(&child::name());
    let _ = holder.kill();
    let _ = holder.wait();
    let mut facts = child::outcome(&saved);
    facts["file_changed"] = (std::fs::read(world.record())? != before).into();
    facts["served_if_valid"] = matches!(loaded, Ok(Some(_))).into();
    Ok(facts)
}

fn of_no_process() -> Observed {
    traceable()?;
    let world = World::new()?;
    let before = std::fs::read(world.record())?;
    let (output, _) = Run::of(&["save", world.text()?, "1", "b"]).inject("flock:error=ENOLCK").traced()?;
    let mut facts = facts(&output)?;
    facts["file_changed"] = (std::fs::read(world.record())? != before).into();
    Ok(facts)
}

/// Tests that a forked process has its own locks: a lock belongs to an open file, and each save opens the file again.
fn of_a_forked_process() -> Observed {
    traceable()?;
    let world = World::new()?;
    let (_, calls) = Run::of(&["save", world.text()?, "1", "b"]).traced()?;
    let find =
        |name: &str, part: &str| calls.iter().position(|call| call.name == name && call.line.contains(part));
    let order = [find("openat", ".lock\""), find("flock", "LOCK_EX"), find("flock", "LOCK_UN")];
    let is_own = order.iter().all(Option::is_some) && order.is_sorted();
    Ok(json!({"outcome": if is_own { "independent" } else { "shared" }}))
}
