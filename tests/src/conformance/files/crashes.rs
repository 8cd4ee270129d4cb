//! Children that are killed at a step of a save or of a refresh, and the order in which a save reaches the disk.

use std::time::Duration;

use octo_auth_core::{Saved, Store};
use octo_auth_store_file::FileStore;
use octo_auth_testkit::StoredRecord;
use serde_json::{Value, json};

use super::{Lack, Observed, World, is_whole, traceable};
use crate::conformance::row::Row;
use crate::file_store::process::{Process, record};
use crate::file_store::trace::{Call, Run};
use crate::file_store::{Folder, child};
use crate::rotation::RotatingServer;

/// The states that no crash may leave.
const NEVER: [&str; 3] = ["torn", "empty", "mixed"];

pub(super) fn killed(row: &Row) -> Observed {
    traceable()?;
    match row.text("kill_at").unwrap_or_default() {
        at @ ("after intent written" | "after request sent" | "after response read") => in_a_renewal(at),
        at => in_a_save(at),
    }
}

fn in_a_save(at: &str) -> Observed {
    let save = |world: &World| {
        let run = Run::of(&["save", world.text()?, "1", "b"]);
        Ok::<_, Lack>(if at == "half of temp written" { run.short_writes(10_000) } else { run })
    };
    let (_, calls) = save(&World::new()?)?.traced()?;
    let world = World::new()?;
    let (output, _) = save(&world)?.at(&calls[place(&calls, at)?], "signal=KILL").traced()?;
    if output.status.success() {
        return Err(Lack::Failed("the child was not killed".to_owned()));
    }
    let store = FileStore::options().lock_patience(Duration::ZERO).open(world.path())?;
    let is_whole = is_whole(&store, ["a", "b"])?;
    let version = store.load(&child::name()).ok().flatten().map(|stored| stored.version.0);
    let is_free = matches!(world.change(&store, version, "c"), Ok(Saved::Done(_)));
    Ok(after_a_crash(is_whole, is_free))
}

fn after_a_crash(is_whole: bool, is_free: bool) -> Value {
    let outcome = if is_whole { "old_or_new" } else { "error" };
    let blocked = if is_free { 0 } else { 1 };
    json!({"outcome": outcome, "never": if is_whole { NEVER.to_vec() } else { vec![] }, "lock_blocks_next_s": blocked})
}

/// Returns the index of the call at which a child is killed before the call is executed.
fn place(calls: &[Call], at: &str) -> Result<usize, Lack> {
    let find = |from: usize, name: &str, part: &str| {
        let place = calls.iter().skip(from).position(|call| call.name == name && call.line.contains(part));
        place.map(|place| from + place).ok_or_else(|| Lack::Failed(format!("no {name} with {part}")))
    };
    Ok(match at {
        "before lock" => find(0, "flock", "LOCK_EX")?,
        "after lock" => find(0, "flock", "LOCK_EX")? + 1,
        "temp created" => find(0, "openat", "\".tmp-")? + 1,
        "half of temp written" => find(find(0, "write", "/.tmp-")? + 1, "write", "/.tmp-")?,
        "temp written, not synced" => find(0, "fsync", "/.tmp-")?,
        "temp synced, not renamed" => find(0, "fsync", "/.tmp-")? + 1,
        "renamed, directory not synced" => find(find(0, "renameat", ".record\"")?, "fsync", "")?,
        "directory synced, not published" => find(find(0, "renameat", ".record\"")?, "fsync", "")? + 1,
        other => return Err(Lack::Failed(format!("the step {other} is not known"))),
    })
}

fn in_a_renewal(at: &str) -> Observed {
    let server = RotatingServer::start();
    let url = format!("http://{}", server.address());
    let started = |family: &str| {
        let folder = Folder::new();
        let mut process = Process::start(FileStore::open(folder.path())?, &url, 9);
        process.sign_in(&server.sign_in(family));
        let path = folder.path().to_str().ok_or("the folder is no text")?.to_owned();
        Ok::<_, Lack>((folder, path))
    };
    let (_first, path) = started("first")?;
    let (_, calls) = Run::of(&["renew", &path, &url]).traced()?;
    let position = |is_it: &dyn Fn(&Call) -> bool| {
        calls.iter().position(is_it).ok_or_else(|| Lack::Failed(format!("no call for {at}")))
    };
    let place = match at {
        "after intent written" => position(&|call| call.name == "connect")?,
        "after request sent" => position(&|call| call.name == "recvfrom")?,
        _ => {
            let read = calls.iter().rposition(|call| call.name == "recvfrom").ok_or("no answer")?;
            read + position_after(&calls[read..], "flock")?
        }
    };
    let (folder, path) = started("second")?;
    let (output, _) = Run::of(&["renew", &path, &url]).at(&calls[place], "signal=KILL").traced()?;
    if output.status.success() {
        return Err(Lack::Failed("the child was not killed".to_owned()));
    }
    let store = FileStore::options().lock_patience(Duration::ZERO).open(folder.path())?;
    let name = record(&url);
    let stored = store.load(&name).map_err(|error| format!("{error:?}"))?.ok_or("no record")?;
    let read = StoredRecord::read(&stored.content).ok_or("the record is no object")?;
    // The use of the refresh token was written ahead.
    let is_whole = read.refresh_token() == Some("rt-second-0") && read.member("attempt").is_some();
    let saved = store.compare_and_swap(&name, Some(stored.version), &stored.content);
    Ok(after_a_crash(is_whole, matches!(saved, Ok(Saved::Done(_)))))
}

fn position_after(calls: &[Call], name: &str) -> Result<usize, Lack> {
    calls.iter().position(|call| call.name == name).ok_or_else(|| Lack::Failed(format!("no {name}")))
}

/// The order of calls determines what a power loss can leave: content is on the disk before its name, that of the
/// previous state too, and the name before the save returns.
pub(super) fn without_power() -> Observed {
    traceable()?;
    let world = World::new()?;
    let (output, calls) = Run::of(&["save", world.text()?, "1", "b"]).traced()?;
    let find = |name: &str, part: &str| {
        calls
            .iter()
            .position(|call| call.name == name && call.line.contains(part))
            .ok_or_else(|| format!("no {name}"))
    };
    let (written, renamed) = (find("write", "/.tmp-")?, find("renameat", ".record\"")?);
    let synced_before = |renamed: usize| {
        let temporary = calls[renamed].line.split('"').nth(1).unwrap_or_default();
        find("fsync", temporary).map(|synced| synced < renamed)
    };
    let previous = find("renameat", ".previous\"")?;
    let folder = calls.iter().rposition(|call| call.name == "fsync").ok_or("no fsync")?;
    let of_folder = calls[folder].line.contains(&format!("{}>", world.text()?));
    let is_synced = synced_before(renamed)? && synced_before(previous)?;
    let is_ordered = written < previous && previous < renamed && renamed < folder && of_folder;
    let is_ordered = output.status.success() && is_synced && is_ordered;
    Ok(json!({"outcome": if is_ordered { "old_or_new" } else { "torn" }}))
}
