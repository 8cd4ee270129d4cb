//! The events in lines, in an order that does not depend on how threads run.

/// The kind of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// A step of a flight, in chronological order.
    Flight,
    /// A look at a claim of another process. The number of repetitions is random.
    Look,
    /// A write to the log of the requests of all processes. It is random which flight writes first.
    Counted,
    /// An answer to a caller.
    Told,
    /// The callers that still wait.
    Waits,
    /// An event that subscribers received.
    News,
}

/// The lines of one step.
#[derive(Debug)]
pub(super) struct Log {
    processes: Vec<String>,
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    kind: Kind,
    place: usize,
    key: String,
    text: String,
}

impl Log {
    pub(super) fn new(processes: &[String]) -> Self {
        Self { processes: processes.to_vec(), entries: Vec::new() }
    }

    /// Records an event of a spec in the process at this place. `{key}` in the text stands for the spec's name.
    pub(super) fn note(&mut self, place: usize, key: &str, kind: Kind, text: String) {
        let entry = Entry { kind, place, key: key.to_owned(), text };
        if kind == Kind::Look && self.entries.contains(&entry) {
            return;
        }
        self.entries.push(entry);
    }

    /// Returns the lines since the last call: flights by process and spec, then callers, with a count of those with
    /// the same answer, then the rest.
    pub(super) fn take(&mut self) -> Vec<String> {
        let mut entries = std::mem::take(&mut self.entries);
        // Each flight is one chain of events, so its own order is deterministic. The relative order of two flights is
        // not.
        entries.sort_by_key(|entry| {
            let kind = if entry.kind == Kind::Look { Kind::Flight } else { entry.kind };
            let text = if kind == Kind::Told { entry.text.clone() } else { String::new() };
            (kind, entry.place, entry.key.clone(), text)
        });
        let mut lines: Vec<(Entry, usize)> = Vec::new();
        for entry in entries {
            match lines.last_mut().filter(|(last, _)| *last == entry && entry.kind == Kind::Told) {
                Some((_, many)) => *many += 1,
                None => lines.push((entry, 1)),
            }
        }
        lines.into_iter().map(|(entry, many)| self.line(&entry, many)).collect()
    }

    fn line(&self, entry: &Entry, many: usize) -> String {
        let process = self.processes.get(entry.place).filter(|name| !name.is_empty());
        let process = process.map(|name| format!("{name}: ")).unwrap_or_default();
        let text = entry.text.replace("{key}", &entry.key);
        let key = &entry.key;
        match entry.kind {
            Kind::Flight | Kind::Look | Kind::Counted => format!("{process}{text}"),
            Kind::Told if many > 1 => format!("{process}told {key}: {text}, {many} callers"),
            Kind::Told => format!("{process}told {key}: {text}"),
            Kind::Waits => format!("{process}wait {key}: {text}"),
            Kind::News => format!("{process}news {key}: {text}"),
        }
    }
}
