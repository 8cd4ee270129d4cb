//! Records all telemetry of this process, at every level. The blocking adapter's tests use it too.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Mutex, OnceLock, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::Attributes;
use tracing::{Event, Id, Metadata, Subscriber};
use tracing_subscriber::Registry;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use crate::documented::{quoted, rows, words};
use crate::log;

/// The profile name whose subscriber panics at each span and event.
pub(crate) const PANICKING: &str = "panicking";

/// The profile name whose subscriber makes a call at each span and event.
pub(crate) const CALLING: &str = "calling";

/// The fields of a span or event, by name.
pub(crate) type Fields = BTreeMap<String, String>;

/// A span or an event.
#[derive(Debug, Clone)]
pub(crate) struct Heard {
    pub(crate) name: String,
    kind: &'static str,
    pub(crate) level: String,
    pub(crate) fields: Fields,
}

/// The telemetry of this process since recording started.
pub(crate) struct RecordingSubscriber(Mutex<Vec<Heard>>);

struct Listener;

struct Reading(Fields);

/// The use of each name: by a span or an event, at which levels, with which fields besides `provider`.
pub(crate) type Vocabulary = BTreeMap<String, Term>;

#[derive(Debug, Default, PartialEq)]
pub(crate) struct Term {
    kind: String,
    levels: BTreeSet<String>,
    fields: BTreeSet<String>,
}

/// Starts recording.
pub(crate) fn listen() -> &'static RecordingSubscriber {
    static LISTENING: OnceLock<()> = OnceLock::new();
    LISTENING.get_or_init(|| {
        let all = Registry::default().with(Listener).with(log::listener());
        tracing::subscriber::set_global_default(all).expect("no other subscriber in this process");
    });
    ear()
}

/// Sets the function that is called whenever [`CALLING`] emits telemetry.
pub(crate) fn call(call: impl Fn() + Send + Sync + 'static) {
    assert!(CALL.set(Box::new(call)).is_ok(), "one test alone has itself called");
}

static CALL: OnceLock<Box<dyn Fn() + Send + Sync>> = OnceLock::new();

fn ear() -> &'static RecordingSubscriber {
    static EAR: RecordingSubscriber = RecordingSubscriber(Mutex::new(Vec::new()));
    &EAR
}

impl RecordingSubscriber {
    /// Returns the telemetry of all clients as one text.
    pub(crate) fn everything(&self) -> String {
        let heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.iter().map(|heard| format!("{heard:?}\n")).collect()
    }

    /// Returns the telemetry of the client with this profile name, in order.
    pub(crate) fn from(&self, provider: &str) -> Vec<Heard> {
        let heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_its_own = |heard: &&Heard| heard.fields.get("provider").is_some_and(|told| told == provider);
        heard.iter().filter(is_its_own).cloned().collect()
    }

    /// Returns how often each combination of these fields was recorded under this name.
    pub(crate) fn counted(&self, provider: &str, name: &str, fields: &[&str]) -> BTreeMap<String, usize> {
        let mut counted = BTreeMap::new();
        for heard in self.from(provider).into_iter().filter(|heard| heard.name == name) {
            let told = fields.iter().map(|field| heard.fields.get(*field).map_or("-", String::as_str));
            *counted.entry(told.collect::<Vec<_>>().join(" ")).or_default() += 1;
        }
        counted
    }

    /// Returns the names, levels and fields that the clients with these profile names have used.
    pub(crate) fn vocabulary(&self, providers: &[&str]) -> Vocabulary {
        let mut vocabulary = Vocabulary::new();
        for heard in providers.iter().flat_map(|provider| self.from(provider)) {
            let term = vocabulary.entry(heard.name).or_default();
            heard.kind.clone_into(&mut term.kind);
            term.levels.insert(heard.level.to_lowercase());
            let fields = heard.fields.into_keys();
            term.fields.extend(fields.filter(|field| field != "message" && field != "provider"));
        }
        vocabulary
    }
}

impl Heard {
    /// Returns the field with a value that is not documented, if there is one.
    pub(crate) fn undocumented(&self) -> Option<&str> {
        let outcome = match self.name.as_str() {
            "octo_auth.requested" => "`outcome` of a request",
            "octo_auth.stored" => "`outcome` of a call of the store",
            _ => "`outcome` of a caller",
        };
        let is_known = |(field, word): &(&String, &String)| match field.as_str() {
            "outcome" => words(outcome).contains(*word),
            "purpose" | "cause" | "call" | "kind" | "remedy" => words(&format!("`{field}`")).contains(*word),
            _ => true,
        };
        self.fields.iter().find(|told| !is_known(told)).map(|(field, _)| field.as_str())
    }
}

/// Returns the documented vocabulary.
pub(crate) fn documented() -> Vocabulary {
    let term = |row: Vec<&str>| {
        let levels = ["error", "warn", "info", "debug"].into_iter().filter(|level| row[2].contains(level));
        let levels = levels.map(str::to_owned).collect();
        let term = Term { kind: row[1].to_owned(), levels, fields: quoted(row[4]) };
        (row[0].trim_matches('`').to_owned(), term)
    };
    rows("Spans and events", 5).into_iter().map(term).collect()
}

fn hear(metadata: &Metadata<'_>, record: impl FnOnce(&mut Reading)) {
    // Events of the crate `log` are searched line by line, see `log`.
    if metadata.target() == "log" {
        return;
    }
    let mut reading = Reading(Fields::new());
    record(&mut reading);
    let provider = reading.0.get("provider").cloned();
    let ours = metadata.name().starts_with("octo_auth.");
    assert_eq!(ours, metadata.target() == "octo_auth", "the target of {}", metadata.name());
    let (name, level) = (metadata.name().to_owned(), metadata.level().to_string());
    let kind = if metadata.is_span() { "span" } else { "event" };
    let heard = Heard { name, kind, level, fields: reading.0 };
    ear().0.lock().unwrap_or_else(PoisonError::into_inner).push(heard);
    assert_ne!(provider.as_deref(), Some(PANICKING), "this subscriber panics, as the test wants it");
    if let Some(call) = CALL.get().filter(|_| provider.as_deref() == Some(CALLING)) {
        call();
    }
}

impl<S: Subscriber> Layer<S> for Listener {
    fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        hear(attributes.metadata(), |reading| attributes.record(reading));
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        hear(event.metadata(), |reading| event.record(reading));
    }
}

impl Visit for Reading {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }
}
