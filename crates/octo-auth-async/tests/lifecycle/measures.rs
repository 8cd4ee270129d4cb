//! The metrics of this process. The blocking adapter's tests read them too.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use metrics::Unit;
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};

use crate::documented::{quoted, rows, words};

/// The recorded metrics of one client, by name and other labels, with the unit.
type Measured = BTreeMap<String, (Option<Unit>, DebugValue)>;

/// Starts recording.
pub(crate) fn measure() -> &'static Snapshotter {
    static MEASURES: OnceLock<Snapshotter> = OnceLock::new();
    MEASURES.get_or_init(|| {
        let recorder = DebuggingRecorder::new();
        let snapshotter = recorder.snapshotter();
        recorder.install().expect("no other recorder in this process");
        snapshotter
    })
}

/// Returns the recorded metrics of the client with this profile name. Reading resets the counters and the
/// histogram of all clients, so only one test may read.
fn read(provider: &str) -> Measured {
    let mut read = Measured::new();
    for (key, unit, _, value) in measure().snapshot().into_vec() {
        let labels: Vec<_> = key.key().labels().map(|label| (label.key(), label.value())).collect();
        if labels.contains(&("provider", provider)) {
            let others = labels.iter().filter(|(name, _)| *name != "provider");
            let others: Vec<_> = others.map(|(name, value)| format!("{name}={value}")).collect();
            let name = format!("{} {}", key.key().name(), others.join(" "));
            read.insert(name.trim_end().to_owned(), (unit, value));
        }
    }
    read
}

/// Checks the metrics of the life that the tests of both adapters run.
pub(crate) fn check_life(provider: &str) {
    let measured = read(provider);
    assert_eq!(measured.iter().map(described).collect::<BTreeSet<_>>(), documented());
    for label in measured.keys().flat_map(|name| name.split_whitespace().skip(1)) {
        let (label, word) = label.split_once('=').expect("a label");
        let of = if label == "cause" {
            ["`cause`"; 2]
        } else {
            ["`outcome` of a request", "`outcome` of a caller"]
        };
        assert!(of.iter().any(|of| words(of).contains(word)), "{label} {word}");
    }
    let counter = |name: &str| match measured.get(name) {
        Some((Some(Unit::Count), DebugValue::Counter(count))) => *count,
        other => panic!("{name}: {other:?}"),
    };
    let renewals = [
        ("cause=first outcome=ok", 1),
        ("cause=due outcome=ok", 1),
        ("cause=expired outcome=ok", 2),
        ("cause=refused outcome=ok", 1),
        ("cause=expired outcome=http:5xx", 1),
        ("cause=expired outcome=oauth:invalid_grant", 1),
        ("cause=ahead outcome=ok", 1),
    ];
    for (labels, count) in renewals {
        assert_eq!(counter(&format!("octo_auth_renewals_total {labels}")), count, "{labels}");
    }
    assert_eq!(counter("octo_auth_refusals_total"), 2);
    let left = |name: &str, unit: Unit| match measured.get(name) {
        Some((told, DebugValue::Gauge(left))) if *told == Some(unit) => left.0,
        other => panic!("{name}: {other:?}"),
    };
    // The last renewal, the revocation and the exchange without a spec used some of the 600 requests per minute.
    assert!((590.0..600.0).contains(&left("octo_auth_budget_left", Unit::Count)));
    assert!((3_000.0..=3_600.0).contains(&left("octo_auth_seconds_to_expiry", Unit::Seconds)));
    let waits = |outcome: &str| match measured.get(&format!("octo_auth_wait_seconds outcome={outcome}")) {
        Some((Some(Unit::Seconds), DebugValue::Histogram(waits))) => waits.len(),
        other => panic!("{outcome}: {other:?}"),
    };
    assert_eq!((waits("token"), waits("backing_off"), waits("refresh_token_rejected")), (5, 1, 1));
    assert_eq!(measured.len(), renewals.len() + 6, "{:?}", measured.keys());
}

/// A metric: its name, kind, unit and the names of its other labels.
type Described = (String, &'static str, String, BTreeSet<String>);

fn described((name, (unit, value)): (&String, &(Option<Unit>, DebugValue))) -> Described {
    let mut labels = name.split_whitespace();
    let name = labels.next().expect("a name").to_owned();
    let kind = match value {
        DebugValue::Counter(_) => "counter",
        DebugValue::Gauge(_) => "gauge",
        DebugValue::Histogram(_) => "histogram",
    };
    let labels = labels.filter_map(|label| label.split_once('=')).map(|(label, _)| label.to_owned());
    (name, kind, unit.map_or("", |unit| unit.as_str()).to_owned(), labels.collect())
}

fn documented() -> BTreeSet<Described> {
    let described = |row: Vec<&'static str>| {
        (row[0].trim_matches('`').to_owned(), row[1], row[2].to_owned(), quoted(row[3]))
    };
    rows("Measures", 5).into_iter().map(described).collect()
}
