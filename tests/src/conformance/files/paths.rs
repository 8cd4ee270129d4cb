//! Paths of folders, and the file names of records.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use octo_auth_core::{RecordBytes, RecordName, Store, TokenSpec};
use octo_auth_store_file::FileStore;
use serde_json::{Value, json};

use super::{Lack, Observed, World, refused};
use crate::conformance::input;
use crate::conformance::program;
use crate::conformance::row::Row;
use crate::file_store::Folder;
use crate::file_store::process::client;

/// Returns a folder below that of the test, or the path unchanged if it is not absolute.
pub(super) fn of_folders(row: &Row) -> Observed {
    if let Some(path) = row.text("value").filter(|path| path.starts_with('~')) {
        return program::of_a_home(path);
    }
    let bytes = input::bytes(row, "value")?.ok_or("no path")?;
    let above = Folder::new();
    let path = match bytes.strip_prefix(b"/") {
        Some(below) => above.path().join(OsStr::from_bytes(below)),
        None => OsStr::from_bytes(&bytes).into(),
    };
    let mut facts = match FileStore::open(&path) {
        Err(error) => refused(&error),
        Ok(store) => {
            let name = crate::file_store::child::name();
            let saved = store.compare_and_swap(&name, None, &RecordBytes::from(b"a".as_slice()));
            saved.map_err(|error| format!("{error:?}"))?;
            fs::write(path.join(format!("{name}.record")), "")?;
            let error = store.load(&name).err().ok_or("an empty file was read")?;
            let error = crate::file_store::child::failed(&error);
            let is_escaped = !error["text"].as_str().unwrap_or_default().contains(char::is_control);
            json!({"outcome": "ok", "display_escaped": is_escaped})
        }
    };
    facts["file_changed"] = path.exists().into();
    Ok(facts)
}

fn stored(names: &[RecordName]) -> Result<(World, Vec<String>), Lack> {
    let world = World { folder: Folder::new() };
    let store = world.open()?;
    for name in names {
        let saved = store.compare_and_swap(name, None, &RecordBytes::from(name.as_str().as_bytes()));
        saved.map_err(|error| format!("{error:?}"))?;
    }
    let entries = fs::read_dir(world.path())?.filter_map(Result::ok);
    let files = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    Ok((world, files.filter(|file| file.ends_with(".record")).collect()))
}

fn named(account: &str) -> RecordName {
    RecordName::new(&client("http://127.0.0.1:1"), &TokenSpec::account(account))
}

/// Tests that names which differ only in case have different files even if case is ignored.
pub(super) fn of_names(row: &Row) -> Observed {
    let manager = row.input.get("names").and_then(Value::as_array).ok_or("no names")?;
    let names: Vec<RecordName> = manager.iter().filter_map(Value::as_str).map(named).collect();
    let (_, files) = stored(&names)?;
    let distinct: HashSet<String> = files.iter().map(|file| file.to_lowercase()).collect();
    Ok(json!({"outcome": "ok", "distinct_keys": distinct.len()}))
}

pub(super) fn of_keys(row: &Row) -> Observed {
    let name = named(row.text("key").ok_or("no key")?);
    let (world, files) = stored(std::slice::from_ref(&name))?;
    let is_inside = files.len() == 1 && !files[0].contains("..") && world.path().join(&files[0]).is_file();
    let listed = world.open()?.list("").map_err(|error| format!("{error:?}"))?;
    Ok(json!({"outcome": "ok", "path_escapes_dir": !is_inside || listed != [name]}))
}
