//! A row: an input and its required outcome.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

#[cfg(unix)]
use super::program;
use super::{callbacks, configuration, stored_events};

/// A row of the corpus.
#[derive(Debug, Clone)]
pub struct Row {
    /// Its unique id.
    pub id: String,
    /// Its subject.
    pub group: String,
    pub(super) input: Map<String, Value>,
    pub(super) expect: Map<String, Value>,
}

/// The error of rows that could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// The file or folder cannot be read.
    #[error("{path} cannot be read")]
    Io {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// The file is not JSON.
    #[error("{path} is not JSON")]
    Json {
        /// The file.
        path: PathBuf,
        /// The position and the error.
        source: serde_json::Error,
    },
    /// There are no rows.
    #[error("{path} holds no rows")]
    Empty {
        /// The file or folder.
        path: PathBuf,
    },
    /// An element of the file is not a row.
    #[error("{path}: row {place} {problem}")]
    Row {
        /// The file.
        path: PathBuf,
        /// The row's position, counted from one.
        place: usize,
        /// The error.
        problem: String,
    },
}

/// The groups about answers of a token endpoint or an API, which are run; later work uses the others.
const ANSWERS: [&str; 3] = ["token-response-body", "dates-and-durations", "headers-and-status"];

/// The input keys of those groups.
const KEYS: [&str; 26] = [
    "grant",
    "profile",
    "status",
    "headers",
    "headers_gen",
    "body",
    "body_gen",
    "body_b64",
    "raw",
    "raw_b64",
    "raw_gen",
    "raw_repeat",
    "scope",
    "refresh_sent",
    "client_secret",
    "from",
    "sent_generation",
    "current_generation",
    "repeat",
    "concurrent",
    "repeat_after_refresh",
    "field",
    "value",
    "value_gen",
    "server_date",
    "assume_utc",
];

/// The input keys of rows about several answers, or about the generation to which they refer.
const LIFECYCLE: [&str; 5] =
    ["sent_generation", "current_generation", "repeat", "concurrent", "repeat_after_refresh"];

/// The group of rows about addresses, which are run.
const ADDRESSES: &str = "cidr-and-ip";

/// Input keys of that group.
const ADDRESS_KEYS: [&str; 13] = [
    "fn",
    "text",
    "text_gen",
    "allow",
    "allow_gen",
    "peer",
    "headers",
    "headers_gen",
    "trusted",
    "header",
    "optin_any",
    "ipv4_only",
    "purpose",
];

/// The group about the content of stores, which is run.
const STORES: &str = "store-contents";

/// Input keys of that group.
const STORE_KEYS: [&str; 4] = ["store", "record", "raw", "event"];

/// The group of rows about settings.
const SETTINGS: &str = "config-and-environment";

/// The group of rows about files, which are run.
const FILES: &str = "files";

/// Input keys of that group.
const FILE_KEYS: [&str; 37] = [
    "op",
    "mode",
    "owner",
    "parent_mode",
    "umask",
    "old_mode",
    "target",
    "allow_symlink",
    "final_mode",
    "race",
    "tmp",
    "hardlinks",
    "content",
    "content_gen",
    "content_b64",
    "size",
    "missing",
    "corrupt",
    "other_copy",
    "errno",
    "at",
    "times",
    "short_write",
    "rlimit_fsize",
    "kill_at",
    "power_loss_at",
    "stale_tmp",
    "holder",
    "wait_ms",
    "fs",
    "inherit",
    "value",
    "value_b64",
    "value_gen",
    "signal",
    "after",
    "names",
];

/// The group of rows about callbacks, which are run.
const CALLBACKS: &str = "callback-urls";

impl Row {
    /// Whether the row is about an answer.
    pub(super) fn is_about_answers(&self) -> bool {
        ANSWERS.contains(&self.group.as_str())
    }

    /// Whether the row is about addresses.
    pub(super) fn is_about_addresses(&self) -> bool {
        self.group == ADDRESSES
    }

    /// Whether the row is about the content of stores.
    pub(super) fn is_about_stores(&self) -> bool {
        self.group == STORES
    }

    /// Whether the row is about settings.
    pub(super) fn is_about_settings(&self) -> bool {
        self.group == SETTINGS
    }

    /// Whether the row is about files.
    pub(super) fn is_about_files(&self) -> bool {
        self.group == FILES
    }

    /// Whether the row is about callbacks.
    pub(super) fn is_about_callbacks(&self) -> bool {
        self.group == CALLBACKS
    }

    /// Whether the row's group is run.
    pub(super) fn is_run(&self) -> bool {
        self.is_about_answers()
            || self.is_about_addresses()
            || self.is_about_stores()
            || self.is_about_files()
            || self.is_about_settings()
            || self.is_about_callbacks()
    }

    /// Returns a member of the input as text.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.input.get(key).and_then(Value::as_str)
    }

    /// Returns an expectation as text.
    pub(super) fn expected(&self, key: &str) -> Option<&str> {
        self.expect.get(key).and_then(Value::as_str)
    }

    /// Returns the first input key that the runner does not know, if the row's group is run.
    pub(super) fn foreign_input(&self) -> Option<&str> {
        let known = |key: &&String| match self.group.as_str() {
            ADDRESSES => ADDRESS_KEYS.contains(&key.as_str()),
            SETTINGS => configuration::KEYS.contains(&key.as_str()),
            CALLBACKS => callbacks::KEYS.contains(&key.as_str()),
            FILES => FILE_KEYS.contains(&key.as_str()) || *key == "key",
            STORES => STORE_KEYS.contains(&key.as_str()) || *key == "now",
            _ => KEYS.contains(&key.as_str()) || *key == "now",
        };
        self.input.keys().find(|key| self.is_run() && !known(key)).map(String::as_str)
    }

    /// Returns the requirement of a row that cannot be run yet.
    pub(super) fn belongs_to_later_work(&self) -> Option<&'static str> {
        if self.is_about_stores() {
            return self.needs_of_a_store();
        }
        #[cfg(unix)]
        let is_of_the_program = program::is_run(self);
        #[cfg(not(unix))]
        let is_of_the_program = false;
        (self.is_about_settings() && !is_of_the_program && !configuration::is_read(self))
            .then_some("the program octo-auth, which is driven on Unix only")
    }

    fn needs_of_a_store(&self) -> Option<&'static str> {
        match self.text("store") {
            Some("any") if self.text("event").is_some() && !stored_events::knows(&self.id) => {
                Some("a test that names its id")
            }
            Some("any") => None,
            _ => Some("that store"),
        }
    }

    /// Whether several answers, or the generation to which they refer, matter.
    pub(super) fn concerns_the_lifecycle(&self) -> bool {
        LIFECYCLE.iter().any(|key| self.input.contains_key(*key))
    }
}

pub(super) fn load(path: &Path) -> Result<Vec<Row>, Unreadable> {
    let mut files = vec![path.to_owned()];
    let io = |source| Unreadable::Io { path: path.to_owned(), source };
    if path.is_dir() {
        let entries: Result<Vec<_>, _> = std::fs::read_dir(path).map_err(io)?.collect();
        files = entries.map_err(io)?.into_iter().map(|entry| entry.path()).collect();
        files.retain(|file| file.extension().is_some_and(|ending| ending == "json"));
        files.sort();
    }
    let mut rows = Vec::new();
    let mut ids = BTreeSet::new();
    for file in files {
        for (place, row) in read(&file)?.into_iter().enumerate() {
            if !ids.insert(row.id.clone()) {
                let problem = format!("has the id {}, which stands before", row.id);
                return Err(Unreadable::Row { path: file, place: place + 1, problem });
            }
            rows.push(row);
        }
    }
    if rows.is_empty() {
        return Err(Unreadable::Empty { path: path.to_owned() });
    }
    Ok(rows)
}

fn read(path: &Path) -> Result<Vec<Row>, Unreadable> {
    let text = std::fs::read(path).map_err(|source| Unreadable::Io { path: path.to_owned(), source })?;
    let rows: Vec<Value> =
        serde_json::from_slice(&text).map_err(|source| Unreadable::Json { path: path.to_owned(), source })?;
    let read = rows.into_iter().enumerate().map(|(place, row)| {
        from_json(row).map_err(|problem| Unreadable::Row { path: path.to_owned(), place: place + 1, problem })
    });
    read.collect()
}

fn from_json(row: Value) -> Result<Row, String> {
    let Value::Object(mut row) = row else { return Err("is no object".to_owned()) };
    let mut take = |key: &str| row.remove(key).ok_or_else(|| format!("has no {key}"));
    let text = |value: Value| value.as_str().map(str::to_owned).ok_or("has an id or group that is no text");
    let object = |value: Value| match value {
        Value::Object(object) => Ok(object),
        _ => Err("has an input or expectation that is no object"),
    };
    let read = Row {
        id: text(take("id")?)?,
        group: text(take("group")?)?,
        input: object(take("input")?)?,
        expect: object(take("expect")?)?,
    };
    take("why")?;
    if !read.is_run() {
        return Err(format!("is of the unknown group {}", read.group));
    }
    match row.keys().next() {
        Some(key) => Err(format!("has the unknown member {key}")),
        None => Ok(read),
    }
}
