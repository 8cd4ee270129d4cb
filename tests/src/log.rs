//! Listens to everything that any crate of this process logs, down to trace, and searches it for secrets.
//!
//! It listens only if the environment variable `OCTO_AUTH_TEST_LOG` names a folder. A file for each process there lists
//! the crates that logged, and the lines that contained a secret. `cargo xtask check` sets the variable for all tests,
//! and then reads the files. The tests of the adapters include this file.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Record};
use tracing::{Event, Id, Metadata, Subscriber};
use tracing_log::NormalizeEvent;
use tracing_subscriber::Registry;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

/// The environment variable with the folder.
pub(crate) const FOLDER: &str = "OCTO_AUTH_TEST_LOG";

/// Parts of the secrets in the tests: those of the emulator, of its demo registrations, and of the tests' own servers
/// and registrations. Secrets that are too short to be distinguished from words are found by the text before them.
const MARKS: [&str; 11] = [
    "5ec2e700",
    "secret_fedcba98",
    "demo+secret",
    "demo%2Bsecret",
    "0f1e2d3c4b5a6978",
    "v8YpN3cGh6TfJ1aW",
    "12404a0a-9cbf",
    "cAnArY",
    "-in-flight",
    "value-of-a-parameter",
    "secret-1",
];

/// The text before a credential in a header, a form, a query, JSON, or a formatted value.
const BEFORE: [&str; 12] = [
    "bearer ",
    "basic ",
    "access_token=",
    "access_token\":\"",
    "access_token\\\":\\\"",
    "refresh_token=",
    "refresh_token\":\"",
    "refresh_token\\\":\\\"",
    "client_secret=",
    "client_secret\":\"",
    "code_verifier=",
    "password=",
];

/// Harmless texts in that place: challenges, descriptions and masks of a value.
const HARMLESS: [&str; 6] = ["token", "realm", "error", "scope", "a", "true"];

/// Log targets of other projects that show what they send or receive, with a part of the line. ureq dumps the wire of
/// any agent, such as that of the emulator's browser or of a user, and shows redirect targets. The `wire` tests of the
/// blocking adapter check what our own transport keeps out of the dump.
const NOT_OURS: [(&str, &str); 2] = [("ureq_proto::util", ""), ("ureq::run", "\"location\": \"")];

/// A file that lists the crates that logged, and the leaks.
struct Book {
    file: File,
    heard: BTreeSet<String>,
}

struct Listener(Mutex<Book>);

/// Starts to listen, if any test wants the log.
pub fn keep() {
    static KEPT: OnceLock<()> = OnceLock::new();
    KEPT.get_or_init(|| {
        if let Some(listener) = listener() {
            let heard = tracing::subscriber::set_global_default(Registry::default().with(listener));
            assert!(heard.is_ok(), "another subscriber listens in this process");
        }
    });
}

/// Returns the listener, for a process with its own subscriber.
pub(crate) fn listener<S: Subscriber + for<'s> LookupSpan<'s>>() -> Option<impl Layer<S>> {
    let folder = std::env::var_os(FOLDER)?;
    let program = std::env::current_exe().unwrap_or_default();
    let name = program.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let file = File::create(Path::new(&folder).join(format!("{name}.{}.txt", std::process::id())));
    let file = file.unwrap_or_else(|error| panic!("{FOLDER} is no folder to write to: {error}"));
    // A logger that was installed earlier receives the same records.
    let _ = tracing_log::LogTracer::init();
    Some(Listener(Mutex::new(Book { file, heard: BTreeSet::new() })))
}

/// Returns the first secret of a line, shortened.
pub fn secret_in(line: &str) -> Option<&str> {
    let beginning = |from: usize| {
        line[from..].char_indices().nth(16).map_or(&line[from..], |(end, _)| &line[from..from + end])
    };
    if let Some(at) = MARKS.iter().find_map(|mark| line.find(mark)) {
        return Some(beginning(at));
    }
    let lower = line.to_ascii_lowercase();
    for before in BEFORE {
        for (at, _) in lower.match_indices(before) {
            let value = &line[at + before.len()..];
            let end = value.find(|c: char| !c.is_ascii_alphanumeric() && !"-._~+/%".contains(c));
            let value = &value[..end.unwrap_or(value.len())];
            if !value.is_empty() && !HARMLESS.contains(&&*value.to_ascii_lowercase()) {
                return Some(beginning(at));
            }
        }
    }
    None
}

impl Listener {
    /// Records a line with a secret, and the crate of any line.
    fn hear(&self, metadata: &Metadata<'_>, line: &Line) {
        let crate_name = metadata.target().split("::").next().unwrap_or_default();
        let mut book = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_ours =
            !NOT_OURS.iter().any(|(who, holds)| metadata.target() == *who && line.0.contains(holds));
        let told = match secret_in(&line.0).filter(|_| is_ours) {
            Some(_) => format!("leaked {} {}{}\n", metadata.target(), metadata.name(), line.0.escape_debug()),
            None if book.heard.insert(crate_name.to_owned()) => format!("heard {crate_name}\n"),
            None => return,
        };
        // A line that cannot be recorded must not look like silence.
        book.file.write_all(told.as_bytes()).unwrap_or_else(|error| panic!("cannot keep the log: {error}"));
    }
}

impl<S: Subscriber + for<'s> LookupSpan<'s>> Layer<S> for Listener {
    fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        let mut line = Line::default();
        attributes.record(&mut line);
        self.hear(attributes.metadata(), &line);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let mut line = Line::default();
        values.record(&mut line);
        if let Some(metadata) = context.metadata(id) {
            self.hear(metadata, &line);
        }
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let normalized = event.normalized_metadata();
        let metadata = normalized.as_ref().unwrap_or_else(|| event.metadata());
        let mut line = Line::default();
        event.record(&mut line);
        self.hear(metadata, &line);
    }
}

/// The fields of one log record.
#[derive(Default)]
struct Line(String);

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        let _ = write!(self.0, " {}={value}", field.name());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let _ = write!(self.0, " {}={value:?}", field.name());
    }
}
