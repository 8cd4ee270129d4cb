//! Rows about files: each runs on a file store in a separate folder, in this process or in one in which `strace` kills
//! it or makes calls fail.

mod crashes;
mod faults;
mod locks;
mod paths;
mod planted;

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use octo_auth_core::{Saved, Store, StoreError, Version};
use octo_auth_store_file::{FileStore, FileStoreError};
use serde_json::{Value, json};

use super::facts::Facts;
use super::program;
use super::row::Row;
use crate::file_store::{Folder, child, trace};

/// Why a row has no facts.
pub(super) enum Lack {
    /// This machine, or the project, lacks a requirement.
    Needs(&'static str),
    /// An error occurred that the row is not about.
    Failed(String),
}

impl<E: std::fmt::Display> From<E> for Lack {
    fn from(error: E) -> Self {
        Self::Failed(error.to_string())
    }
}

/// The requirement that may be missing.
const STRACE: Lack = Lack::Needs("strace, and the program file_store beside this one");
const ROOT: Lack = Lack::Needs("the rights of root");

/// Returns the facts of a row.
pub(super) fn observe(row: &Row) -> Result<Facts, Lack> {
    let has = |key: &str| row.input.contains_key(key);
    let observed = match row.text("op").unwrap_or_default() {
        "load" if has("race") => planted::renamed_during_reads(),
        "load" if has("names") => paths::of_names(row),
        "load" | "mtime" => planted::loaded(row),
        "create" => planted::created(row),
        "create_dir" => planted::directory_created(),
        "replace" => planted::replaced(row),
        "store" if has("errno") || has("short_write") => faults::injected(row),
        "store" if has("rlimit_fsize") => faults::limited(row),
        "store" if has("kill_at") => crashes::killed(row),
        "store" if has("power_loss_at") => crashes::without_power(),
        "store" if has("target") => planted::stored_at(row),
        "store" if has("tmp") => faults::unpredictable(),
        "store" => planted::raced(row),
        "lock" => locks::observe(row),
        "path" => paths::of_folders(row),
        "key_in_name" => paths::of_keys(row),
        "backup_tools" => planted::left_behind(),
        "heap_scan" => faults::memory(),
        "core_dump" => program::of_a_core_dump(row),
        other => Err(Lack::Failed(format!("the op {other} is not known"))),
    };
    match observed? {
        Value::Object(facts) => Ok(facts),
        other => Err(Lack::Failed(format!("facts are an object: {other}"))),
    }
}

type Observed = Result<Value, Lack>;

/// A store with a record of version 1.
struct World {
    folder: Folder,
}

impl World {
    fn new() -> Result<Self, Lack> {
        let world = Self { folder: Folder::new() };
        world.change(&world.open()?, None, "a").map_err(|error| format!("{error:?}"))?;
        Ok(world)
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn text(&self) -> Result<&str, Lack> {
        self.path().to_str().ok_or_else(|| Lack::Failed("the folder is no text".to_owned()))
    }

    fn record(&self) -> PathBuf {
        self.path().join(format!("{}.record", child::name()))
    }

    fn open(&self) -> Result<FileStore, FileStoreError> {
        FileStore::open(self.path())
    }

    fn change(&self, store: &FileStore, expected: Option<u64>, letter: &str) -> Result<Saved, StoreError> {
        store.compare_and_swap(&child::name(), expected.map(Version), &child::content(letter))
    }
}

fn set_mode(path: &Path, mode: u32) -> std::io::Result<()> {
    fs::set_permissions(path, Permissions::from_mode(mode))
}

/// Parses a mode in octal form.
fn mode(text: Option<&str>) -> Result<Option<u32>, Lack> {
    Ok(text.map(|text| u32::from_str_radix(text, 8)).transpose()?)
}

fn shown_mode(path: &Path) -> std::io::Result<String> {
    Ok(format!("{:04o}", fs::metadata(path)?.mode() & 0o7777))
}

fn is_root(world: &World) -> std::io::Result<bool> {
    Ok(fs::metadata(world.path())?.uid() == 0)
}

fn traceable() -> Result<(), Lack> {
    if trace::is_possible() && trace::program().is_some() { Ok(()) } else { Err(STRACE) }
}

/// Returns the error of a store that could not be opened, as facts.
fn refused(error: &FileStoreError) -> Value {
    json!({"outcome": "error", "kind": error.code(), "text": error.to_string()})
}

/// Whether a record contains the whole content that a child wrote.
fn is_whole(store: &FileStore, letters: [&str; 2]) -> Result<bool, Lack> {
    let stored = store.load(&child::name()).map_err(|error| format!("{error:?}"))?;
    let stored = stored.ok_or("no record")?;
    Ok(letters.iter().any(|letter| stored.content == child::content(letter)))
}
