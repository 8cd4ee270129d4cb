//! Hears everything that is told in this process, at every level. The blocking adapter's tests listen with it too.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Mutex, OnceLock, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::Attributes;
use tracing::{Event, Id, Metadata, Subscriber};
use tracing_subscriber::Registry;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

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
    pub(crate) level: String,
    pub(crate) fields: Fields,
}

/// What all registrations of this process have told since somebody listens.
pub(crate) struct Ear(Mutex<Vec<Heard>>);

struct Listener;

struct Reading(Fields);

/// The names, each with a level and the fields told at that level.
pub(crate) type Vocabulary = BTreeMap<(String, String), BTreeSet<String>>;

/// Listens from now on.
pub(crate) fn listen() -> &'static Ear {
    static LISTENING: OnceLock<()> = OnceLock::new();
    LISTENING.get_or_init(|| {
        let all = Registry::default().with(Listener);
        tracing::subscriber::set_global_default(all).expect("nobody else listens in this process");
    });
    ear()
}

/// Has this called whenever [`CALLING`] tells something.
pub(crate) fn call(call: impl Fn() + Send + Sync + 'static) {
    assert!(CALL.set(Box::new(call)).is_ok(), "one test alone has itself called");
}

static CALL: OnceLock<Box<dyn Fn() + Send + Sync>> = OnceLock::new();

fn ear() -> &'static Ear {
    static EAR: Ear = Ear(Mutex::new(Vec::new()));
    &EAR
}

impl Ear {
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

    /// The names and fields that the registration of this name has used, its own name left out.
    pub(crate) fn vocabulary(&self, provider: &str) -> Vocabulary {
        let mut vocabulary = Vocabulary::new();
        for heard in self.from(provider) {
            let fields = heard.fields.into_keys().filter(|field| field != "message" && field != "provider");
            vocabulary.entry((heard.name, heard.level)).or_default().extend(fields);
        }
        vocabulary
    }
}

/// The vocabulary as a test writes it down.
pub(crate) fn vocabulary(entries: &[(&str, &str, &str)]) -> Vocabulary {
    let entry = |(name, level, fields): &(&str, &str, &str)| {
        let fields = fields.split_whitespace().map(str::to_owned).collect();
        ((format!("octo_auth.{name}"), (*level).to_owned()), fields)
    };
    entries.iter().map(entry).collect()
}

fn hear(metadata: &Metadata<'_>, record: impl FnOnce(&mut Reading)) {
    let mut reading = Reading(Fields::new());
    record(&mut reading);
    let provider = reading.0.get("provider").cloned();
    let ours = metadata.name().starts_with("octo_auth.");
    assert_eq!(ours, metadata.target() == "octo_auth", "the target of {}", metadata.name());
    let (name, level) = (metadata.name().to_owned(), metadata.level().to_string());
    let heard = Heard { name, level, fields: reading.0 };
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
