//! System calls that fail in a child.

use std::fs;

use serde_json::{Value, json};

use super::{Lack, Observed, World, traceable};
use crate::conformance::row::Row;
use crate::file_store::Folder;
use crate::file_store::trace::{Call, Run, facts};

/// Finds the call at which a step of a save begins.
fn call<'c>(calls: &'c [Call], at: &str) -> Result<&'c Call, Lack> {
    let (name, holds) = match at {
        "open temp" => ("openat", ["\".tmp-", "O_CREAT"]),
        "write temp" => ("write", ["/.tmp-", ""]),
        "fsync" => ("fsync", ["/.tmp-", ""]),
        "rename" => ("renameat", [".record\"", ""]),
        other => return Err(Lack::Failed(format!("the step {other} is not known"))),
    };
    let is_it = |call: &&Call| call.name == name && holds.iter().all(|part| call.line.contains(part));
    calls.iter().find(is_it).ok_or_else(|| Lack::Failed(format!("no call for {at}")))
}

/// Tests a sign-in whose save fails.
pub(super) fn injected(row: &Row) -> Observed {
    traceable()?;
    let keep = || {
        let folder = Folder::new();
        let path = folder.path().to_str().ok_or("the folder is no text")?.to_owned();
        Ok::<_, Lack>((folder, path))
    };
    let (_folder, path) = keep()?;
    let mut run = Run::of(&["keep", &path]);
    if let Some(bytes) = row.input.get("short_write").and_then(Value::as_u64) {
        run = run.short_writes(bytes);
    } else {
        let (_first, first_path) = keep()?;
        let (_, calls) = Run::of(&["keep", &first_path]).traced()?;
        let Call { name, ordinal, .. } = call(&calls, row.text("at").unwrap_or_default())?;
        let times = row.input.get("times").and_then(Value::as_u64).unwrap_or(1);
        let (errno, last) = (row.text("errno").unwrap_or_default(), *ordinal as u64 + times - 1);
        run = run.inject(&format!("{name}:error={errno}:when={ordinal}..{last}"));
    }
    let (output, calls) = run.traced()?;
    let was_short = calls.iter().filter(|call| call.name == "write").count() > 20;
    if row.input.contains_key("short_write") && !was_short {
        return Err(Lack::Failed("the writes were not short".to_owned()));
    }
    Ok(facts(&output)?)
}

/// Tests a save in a process with a low limit for the size of files.
pub(super) fn limited(row: &Row) -> Observed {
    if crate::file_store::trace::program().is_none() {
        return Err(super::STRACE);
    }
    let world = World::new()?;
    let before = fs::read(world.record())?;
    let limit = row.input.get("rlimit_fsize").and_then(Value::as_u64).ok_or("no limit")?;
    let output = Run::of(&["save", world.text()?, "1", "b"]).file_limit(limit).run()?;
    let mut facts = facts(&output)?;
    facts["file_changed"] = (fs::read(world.record())? != before).into();
    // The child would have printed nothing if the signal had ended it.
    facts["signal"] = "SIGXFSZ handled or avoided".into();
    Ok(facts)
}

/// Tests how a temporary file is created, in two saves.
pub(super) fn unpredictable() -> Observed {
    traceable()?;
    let world = World::new()?;
    let mut names = Vec::new();
    for version in ["1", "2"] {
        let (_, calls) = Run::of(&["save", world.text()?, version, "b"]).traced()?;
        let opened = &call(&calls, "open temp")?.line;
        if !opened.contains("O_EXCL") || !opened.contains("O_NOFOLLOW") {
            return Ok(json!({"outcome": "unsafe", "uses": opened}));
        }
        names.push(opened.split('"').nth(1).unwrap_or_default().to_owned());
    }
    let is_random = names[0] != names[1] && names.iter().all(|name| name.len() >= ".tmp-".len() + 16);
    let uses = if is_random { "O_EXCL and an unpredictable name" } else { "O_EXCL" };
    Ok(json!({"outcome": if is_random { "safe" } else { "unsafe" }, "uses": uses}))
}

/// Counts a secret in the memory of a child that has dropped it.
pub(super) fn memory() -> Observed {
    if crate::file_store::trace::program().is_none() {
        return Err(super::STRACE);
    }
    let folder = Folder::new();
    let path = folder.path().to_str().ok_or("the folder is no text")?;
    let facts = Run::of(&["heap", path]).facts()?;
    if facts["while_held"].as_u64().is_none_or(|count| count == 0) {
        return Err(Lack::Failed("the scan finds nothing".to_owned()));
    }
    Ok(json!({"outcome": "ok", "marker_occurrences": facts["occurrences"]}))
}
