//! The measures of this process. The blocking adapter's tests read them too.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use metrics::Unit;
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};

/// Measures from now on.
pub(crate) fn measure() -> &'static Snapshotter {
    static MEASURES: OnceLock<Snapshotter> = OnceLock::new();
    MEASURES.get_or_init(|| {
        let recorder = DebuggingRecorder::new();
        let snapshotter = recorder.snapshotter();
        recorder.install().expect("nobody else measures in this process");
        snapshotter
    })
}

/// What was measured at the registration of this name: by name and its other labels, with the unit. Reading empties the
/// counters and the histogram of all, so one test alone reads.
pub(crate) fn read(provider: &str) -> BTreeMap<String, (Option<Unit>, DebugValue)> {
    let mut read = BTreeMap::new();
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
