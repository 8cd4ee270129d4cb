//! Files that are planted, read and replaced in this process.

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, chown, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use octo_auth_core::{Saved, Store};
use octo_auth_store_file::FileStore;
use serde_json::{Value, json};

use super::{Lack, Observed, ROOT, World, is_root, is_whole, mode, refused, set_mode, shown_mode};
use crate::conformance::input;
use crate::conformance::row::Row;
use crate::file_store::trace::Run;
use crate::file_store::{Folder, child};

/// The id of a user that does not run this process.
const OTHER: u32 = 54_321;

/// Returns the metadata of a file, and its content if it is small.
fn snapshot(path: &Path) -> Option<(u64, u32, u64, Option<Vec<u8>>)> {
    let known = fs::symlink_metadata(path).ok()?;
    let is_small = known.is_file() && known.len() < 1 << 20;
    let content = is_small.then(|| fs::read(path).ok()).flatten();
    Some((known.ino(), known.mode(), known.len(), content))
}

pub(super) fn loaded(row: &Row) -> Observed {
    let world = World::new()?;
    let (path, text) = (world.record(), |key: &str| row.text(key));
    let mut options = FileStore::options();
    if row.input.contains_key("corrupt") || row.input.contains_key("other_copy") {
        world.change(&world.open()?, Some(1), "b").map_err(|error| format!("{error:?}"))?;
        fs::write(&path, "{")?;
    }
    if let Some(content) = input::bytes(row, "content")? {
        fs::write(&path, content)?;
    }
    if let Some(size) = row.input.get("size").and_then(Value::as_u64) {
        File::options().write(true).open(&path)?.set_len(size)?;
    }
    if row.input.get("missing").is_some() {
        fs::remove_file(&path)?;
    }
    if let Some(mode) = mode(text("mode"))? {
        set_mode(&path, mode)?;
    }
    if text("owner").is_some() {
        if !is_root(&world)? {
            return Err(ROOT);
        }
        chown(&path, Some(OTHER), None)?;
    }
    if row.input.contains_key("hardlinks") {
        fs::hard_link(&path, world.path().join("second"))?;
    }
    if let Some(target) = text("target") {
        plant(target, &world)?;
    }
    if let Some(mode) = mode(text("final_mode"))? {
        set_mode(&path, mode)?;
    }
    if row.input.contains_key("allow_symlink") {
        options = options.follow_symlinks();
    }
    if text("op") == Some("mtime") {
        let date = format!("{}T00:00:00Z", text("value").unwrap_or_default());
        File::open(&path)?.set_modified(humantime::parse_rfc3339(&date)?)?;
    }
    let left = row.input.get("stale_tmp").and_then(Value::as_u64).unwrap_or(0);
    left_over(&world, left)?;
    if let Some(mode) = mode(text("parent_mode"))? {
        set_mode(world.path(), mode)?;
    }
    let before = snapshot(&path);
    let mut facts = match options.open(world.path()) {
        Err(error) => refused(&error),
        Ok(store) => read(&world, &store)?,
    };
    facts["file_changed"] = (snapshot(&path) != before).into();
    // It has answered at all, so it did not hang.
    facts["ms"] = 0.into();
    if left > 0 {
        facts["cleans_tmp_older_than_s"] = cleaned(&world)?.into();
    }
    Ok(facts)
}

/// Reads the record, and tries to replace it.
fn read(world: &World, store: &FileStore) -> Observed {
    let count = |text: String| {
        let line = text.lines().find_map(|line| line.strip_prefix("rchar: ")?.parse::<u64>().ok());
        line.unwrap_or(0)
    };
    let so_far = || fs::read_to_string("/proc/thread-self/io").map_or(0, count);
    let before = so_far();
    let loaded = store.load(&child::name());
    // Reading the counter itself is included.
    let read = so_far().saturating_sub(before);
    let saved = world.change(store, None, "z");
    if matches!(saved, Ok(Saved::Done(_))) && !matches!(loaded, Ok(None)) {
        return Err(Lack::Failed("the file was overwritten".to_owned()));
    }
    let mut facts = match &loaded {
        Ok(Some(_)) => json!({"outcome": "loaded", "auto_uses_copy": true}),
        Ok(None) => json!({"outcome": "empty"}),
        Err(error) => child::failed(error),
    };
    if loaded.is_err() {
        // No older copy is used: the caller gets an error.
        facts["auto_uses_copy"] = false.into();
        facts["replays_refresh_token"] = false.into();
    }
    facts["read"] = read.into();
    Ok(facts)
}

/// Replaces the record by something else.
fn plant(target: &str, world: &World) -> Result<(), Lack> {
    let path = world.record();
    let other = world.path().join("other");
    fs::rename(&path, &other)?;
    let run = |command: &mut Command| command.status().is_ok_and(|status| status.success());
    match target {
        "symlink" | "symlink to other file" => symlink("other", &path)?,
        "dangling symlink" => symlink("nowhere", &path)?,
        "directory" => fs::create_dir(&path)?,
        "socket" => {
            // The path of the record is too long for a socket.
            let short = world.path().join("s");
            drop(UnixListener::bind(&short)?);
            fs::rename(short, &path)?;
        }
        "fifo" => {
            if !run(Command::new("mkfifo").arg("-m").arg("600").arg(&path)) {
                return Err(Lack::Failed("no mkfifo".to_owned()));
            }
        }
        "/dev/zero" => {
            if !run(Command::new("mknod").args(["-m", "600"]).arg(&path).args(["c", "1", "5"])) {
                return Err(ROOT);
            }
        }
        other => return Err(Lack::Failed(format!("the target {other} is not known"))),
    }
    Ok(())
}

/// Creates temporary files that are older than an hour, and two that are younger.
fn left_over(world: &World, count: u64) -> std::io::Result<()> {
    for number in 0..count {
        let age = if number < 2 { 3600 - 60 } else { 3600 + 60 };
        let file = File::create(world.path().join(format!(".tmp-{number:016x}")))?;
        file.set_modified(SystemTime::now() - Duration::from_secs(age))?;
    }
    Ok(())
}

/// Returns the age in seconds from which temporary files were removed, if it is an hour.
fn cleaned(world: &World) -> std::io::Result<Option<u64>> {
    let names = fs::read_dir(world.path())?.filter_map(Result::ok).map(|entry| entry.file_name());
    let left: Vec<_> = names.filter(|name| name.to_string_lossy().starts_with(".tmp-")).collect();
    Ok((left.len() == 2).then_some(3600))
}

pub(super) fn created(row: &Row) -> Observed {
    if crate::file_store::trace::program().is_none() {
        return Err(super::STRACE);
    }
    let folder = Folder::new();
    // The umask is not tested with the folder itself.
    drop(FileStore::open(folder.path())?);
    let path = folder.path().to_str().ok_or("the folder is no text")?;
    let umask = row.text("umask").unwrap_or("022");
    let facts = Run::of(&["save", path, "-", "a"]).umask(umask).facts()?;
    if facts["outcome"] != "stored" {
        return Ok(facts);
    }
    let mut modes = Vec::new();
    for entry in fs::read_dir(folder.path())? {
        modes.push(shown_mode(&entry?.path())?);
    }
    modes.dedup();
    Ok(json!({"outcome": "created", "mode": modes.join(" ")}))
}

pub(super) fn directory_created() -> Observed {
    let world = World::new()?;
    Ok(json!({"outcome": "created", "mode": shown_mode(world.path())?}))
}

pub(super) fn replaced(row: &Row) -> Observed {
    let world = World::new()?;
    set_mode(&world.record(), mode(row.text("old_mode"))?.ok_or("no mode")?)?;
    let saved = world.change(&world.open()?, Some(1), "b");
    let outcome = if matches!(saved, Ok(Saved::Done(_))) { "replaced" } else { "error" };
    Ok(json!({"outcome": outcome, "mode": shown_mode(&world.record())?}))
}

pub(super) fn stored_at(row: &Row) -> Observed {
    let world = World::new()?;
    let store = world.open()?;
    plant(row.text("target").unwrap_or_default(), &world)?;
    let files = || {
        let all = ["other", "nowhere"].map(|file| snapshot(&world.path().join(file)));
        (all, snapshot(&world.record()))
    };
    let before = files();
    let mut facts = Value::Null;
    for expected in [None, Some(1)] {
        facts = child::outcome(&world.change(&store, expected, "b"));
    }
    facts["file_changed"] = (files() != before).into();
    Ok(facts)
}

pub(super) fn raced(row: &Row) -> Observed {
    match row.text("race") {
        Some("target swapped for a symlink between check and use") => swapped_for_a_link(),
        Some("file replaced by another process since load") => replaced_since_it_was_loaded(),
        other => Err(Lack::Failed(format!("the race {other:?} is not known"))),
    }
}

/// Tests a record that alternates between link and file while it is read and replaced.
fn swapped_for_a_link() -> Observed {
    let world = World::new()?;
    let (store, path) = (world.open()?, world.record());
    let (other, link, own) =
        (world.path().join("other"), world.path().join("link"), world.path().join("own"));
    fs::write(&other, "not to be touched")?;
    set_mode(&other, 0o600)?;
    let before = snapshot(&other);
    let is_over = AtomicBool::new(false);
    let swaps = thread::scope(|scope| {
        let swapping = scope.spawn(|| {
            let mut swaps = 0;
            while !is_over.load(Ordering::Relaxed) {
                let _ = fs::copy(&path, &own);
                let _ = symlink("other", &link);
                let _ = fs::rename(&link, &path);
                let _ = fs::rename(&own, &path);
                swaps += 1;
            }
            swaps
        });
        for number in 0..300 {
            let version = store.load(&child::name()).ok().flatten().map(|stored| stored.version.0);
            let _ = world.change(&store, version, if number % 2 == 0 { "a" } else { "b" });
        }
        is_over.store(true, Ordering::Relaxed);
        swapping.join().unwrap_or(0)
    });
    let is_changed = snapshot(&other) != before;
    let outcome = if swaps > 0 && !is_changed { "safe" } else { "unsafe" };
    Ok(json!({"outcome": outcome, "other_file_changed": is_changed}))
}

fn replaced_since_it_was_loaded() -> Observed {
    let world = World::new()?;
    let (one, other) = (world.open()?, world.open()?);
    world.change(&other, Some(1), "b").map_err(|error| format!("{error:?}"))?;
    let late = world.change(&one, Some(1), "c");
    let mut facts = child::outcome(&late);
    let is_shown = matches!(late, Ok(Saved::Conflict(Some(stored))) if stored.content == child::content("b"));
    facts["action"] = if is_shown { "reload and decide again" } else { "none" }.into();
    Ok(facts)
}

pub(super) fn renamed_during_reads() -> Observed {
    let world = World::new()?;
    let store = world.open()?;
    let is_over = AtomicBool::new(false);
    let complete = thread::scope(|scope| {
        let writing = scope.spawn(|| {
            let mut version = 1;
            while !is_over.load(Ordering::Relaxed) {
                let letter = if version % 2 == 0 { "a" } else { "b" };
                version += u64::from(world.change(&store, Some(version), letter).is_ok());
            }
            version
        });
        let complete = (0..500).all(|_| matches!(is_whole(&store, ["a", "b"]), Ok(true)));
        is_over.store(true, Ordering::Relaxed);
        complete && writing.join().is_ok_and(|version| version > 1)
    });
    Ok(json!({"outcome": if complete { "loaded" } else { "error" }, "complete": complete}))
}

/// Tests which files the folder contains besides records, previous states and locks.
pub(super) fn left_behind() -> Observed {
    let world = World::new()?;
    world.change(&world.open()?, Some(1), "b").map_err(|error| format!("{error:?}"))?;
    let mut is_clean = true;
    let mut has_tag = false;
    for entry in fs::read_dir(world.path())? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        has_tag |= name == "CACHEDIR.TAG";
        is_clean &= !name.starts_with('.') && shown_mode(&entry.path())? == "0600";
    }
    super::traceable()?;
    let text = world.text()?.to_owned();
    let (_, calls) = Run::of(&["save", &text, "2", "c"]).traced()?;
    let created = calls.iter().filter(|call| call.line.contains("O_CREAT"));
    let is_hidden =
        |call: &crate::file_store::trace::Call| call.line.contains("\".tmp-") && call.line.contains("0600)");
    let prefix = created.map(is_hidden).reduce(|one, other| one && other);
    Ok(json!({
        "outcome": if is_clean { "ok" } else { "error" },
        "temp_prefix": if prefix == Some(true) { "." } else { "" },
        "cachedir_tag": has_tag,
    }))
}
