//! Hears everything that is told in this process, at every level. The blocking adapter's tests listen with it too.

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

/// The registration of this name has a subscriber that panics at each of its spans and events.
pub(crate) const PANICKING: &str = "panicking";

/// The registration of this name has a subscriber that makes a call at each of its spans and events.
pub(crate) const CALLING: &str = "calling";

/// What an event or a span beside its name and level tells: its fields, by name.
pub(crate) type Fields = BTreeMap<String, String>;

/// A span or an event.
#[derive(Debug, Clone)]
pub(crate) struct Heard {
    pub(crate) name: String,
    kind: &'static str,
    pub(crate) level: String,
    pub(crate) fields: Fields,
}

/// What all registrations of this process have told since somebody listens.
pub(crate) struct RecordingSubscriber(Mutex<Vec<Heard>>);

struct Listener;

struct Reading(Fields);

/// What is told under a name: by a span or an event, at which levels, with which fields beside `provider`.
pub(crate) type Vocabulary = BTreeMap<String, Term>;

#[derive(Debug, Default, PartialEq)]
pub(crate) struct Term {
    kind: String,
    levels: BTreeSet<String>,
    fields: BTreeSet<String>,
}

/// Listens from now on.
pub(crate) fn listen() -> &'static RecordingSubscriber {
    static LISTENING: OnceLock<()> = OnceLock::new();
    LISTENING.get_or_init(|| {
        let all = Registry::default().with(Listener).with(log::listener());
        tracing::subscriber::set_global_default(all).expect("nobody else listens in this process");
    });
    ear()
}

/// Has this called whenever [`CALLING`] tells something.
pub(crate) fn call(call: impl Fn() + Send + Sync + 'static) {
    assert!(CALL.set(Box::new(call)).is_ok(), "one test alone has itself called");
}

static CALL: OnceLock<Box<dyn Fn() + Send + Sync>> = OnceLock::new();

fn ear() -> &'static RecordingSubscriber {
    static EAR: RecordingSubscriber = RecordingSubscriber(Mutex::new(Vec::new()));
    &EAR
}

impl RecordingSubscriber {
    /// Everything, whoever told it, as one text.
    pub(crate) fn everything(&self) -> String {
        let heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.iter().map(|heard| format!("{heard:?}\n")).collect()
    }

    /// What the registration of this name has told, in order.
    pub(crate) fn from(&self, provider: &str) -> Vec<Heard> {
        let heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_its_own = |heard: &&Heard| heard.fields.get("provider").is_some_and(|told| told == provider);
        heard.iter().filter(is_its_own).cloned().collect()
    }

    /// How often each combination of these fields was told under this name.
    pub(crate) fn counted(&self, provider: &str, name: &str, fields: &[&str]) -> BTreeMap<String, usize> {
        let mut counted = BTreeMap::new();
        for heard in self.from(provider).into_iter().filter(|heard| heard.name == name) {
            let told = fields.iter().map(|field| heard.fields.get(*field).map_or("-", String::as_str));
            *counted.entry(told.collect::<Vec<_>>().join(" ")).or_default() += 1;
        }
        counted
    }

    /// The names, levels and fields that the registrations of these names have used.
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
    /// Which of its fields holds a word that is not documented.
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

/// The vocabulary as it is documented.
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
    // What comes from the crate `log` is searched line by line, see `log`.
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
