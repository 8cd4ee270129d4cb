//! A scenario as a list of what happened, each with its moment.
//!
//! The rule kept here: each line has a meaning, or reading fails and names the file and the line. A picture leaves nothing
//! out because it was not understood.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

/// What happened in a scenario, in order.
#[derive(Debug)]
pub(super) struct Trace {
    pub(super) title: String,
    pub(super) processes: Vec<String>,
    pub(super) events: Vec<Event>,
    /// Whether the scenario sets a lead of its own.
    pub(super) has_lead: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) at: Moment,
    /// The process, by its place in [`Trace::processes`].
    pub(super) place: usize,
    /// The token that it is about; empty if it is about none.
    pub(super) key: String,
    pub(super) what: What,
}

/// When something happened, counted from the beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    pub(super) time: Duration,
    /// Whether it may have happened earlier: the trace only says that it happened while time passed.
    pub(super) is_latest: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    /// This number of callers ask for the token.
    Ask(usize),
    /// A caller does something else at the process.
    Act(String),
    Crash,
    Start,
    /// Time passes, or the computer sleeps.
    Pass(String),
    /// The store changes, by itself or by another owner.
    Store(String),
    /// A claim, and the reason if it fails.
    Claim(Option<String>),
    /// The release of a claim, and the reason if it fails.
    Release(Option<String>),
    Read(String),
    Write(String),
    Send(String),
    Answer(String),
    /// Callers wait.
    Wait(String),
    Told(String),
    /// What subscribers hear.
    News(String),
    /// The script of the server, which its answers show.
    Script,
}

impl Trace {
    /// Reads a scenario.
    pub(super) fn read(path: &str, text: &str) -> Result<Self> {
        let title = text.lines().next().unwrap_or_default().to_owned();
        let mut trace = Self { title, processes: vec![String::new()], events: Vec::new(), has_lead: false };
        let mut now = Moment { time: Duration::ZERO, is_latest: false };
        for (index, line) in text.lines().enumerate() {
            let at = || format!("{path}:{}: cannot read `{line}`", index + 1);
            if let Some(step) = line.strip_prefix("> ") {
                now.is_latest = false;
                let (place, step) = trace.placed(step);
                let (key, what) = step_of(step).with_context(at)?;
                let passed = step.strip_prefix("pass ").or_else(|| step.strip_prefix("suspend "));
                if let Some(time) = passed {
                    now.time += time_of(time).with_context(at)?;
                }
                trace.events.push(Event { at: now, place, key, what });
                now.is_latest = passed.is_some();
            } else if let Some(effect) = line.strip_prefix("  ") {
                let (place, effect) = trace.placed(effect);
                let (key, what) = effect_of(effect).with_context(at)?;
                trace.events.push(Event { at: now, place, key, what });
            } else if let Some(names) = line.strip_prefix("processes: ") {
                trace.processes = names.split(", ").map(str::to_owned).collect();
            } else if line.starts_with("lead: ") {
                trace.has_lead = true;
            }
        }
        ensure!(!trace.events.is_empty(), "{path}: no line is a step: begin one with `> `");
        Ok(trace)
    }

    /// Splits the name of a process from a line.
    fn placed<'a>(&self, line: &'a str) -> (usize, &'a str) {
        let named = line.split_once(": ").and_then(|(name, rest)| {
            let place = self.processes.iter().position(|process| process == name)?;
            Some((place, rest))
        });
        named.unwrap_or((0, line))
    }

    /// Returns whether the trace is about more than one token.
    pub(super) fn has_keys(&self) -> bool {
        let mut keys = self.events.iter().map(|event| &event.key).filter(|key| !key.is_empty());
        let first = keys.next();
        keys.any(|key| Some(key) != first)
    }
}

/// Reads a step: the token that it is about, and what it does.
fn step_of(step: &str) -> Option<(String, What)> {
    let about = |key: &str, what| Some((key.to_owned(), what));
    let of_none = |what| Some((String::new(), what));
    if let Some(asked) = step.strip_prefix("ask ") {
        let Some((key, times)) = asked.split_once(' ') else { return about(asked, What::Ask(1)) };
        return about(key, What::Ask(times.strip_suffix(" times")?.parse().ok()?));
    }
    if let Some((key, what)) = step.strip_prefix("import ").and_then(|import| import.split_once(" with ")) {
        return about(key, What::Act(format!("import {what}")));
    }
    for (start, act) in
        [("glance at ", "glance"), ("sign out ", "sign out"), ("redeem a code for ", "redeem a code")]
    {
        if let Some(key) = step.strip_prefix(start) {
            return about(key, What::Act(act.to_owned()));
        }
    }
    if let Some((token, key)) = step.strip_prefix("refuse ").and_then(|refused| refused.split_once(" of ")) {
        return about(key, What::Act(format!("an API refused {token}")));
    }
    match step {
        "refresh used tokens ahead" | "refresh all tokens ahead" | "replace the client" | "shut down" => {
            return of_none(What::Act(step.to_owned()));
        }
        "crash" => return of_none(What::Crash),
        "start again" => return of_none(What::Start),
        _ => {}
    }
    let starts = |words: &[&str]| words.iter().any(|word| step.starts_with(word));
    if starts(&["server next: ", "server from now on: ", "server answers: "]) {
        return of_none(What::Script);
    }
    if let Some(time) = step.strip_prefix("pass ") {
        return of_none(What::Pass(format!("{time} later")));
    }
    if starts(&["suspend ", "set the wall clock "]) {
        return of_none(What::Pass(step.to_owned()));
    }
    starts(&["store is ", "another owner "]).then(|| (String::new(), What::Store(step.to_owned())))
}

/// Reads an effect of a step.
fn effect_of(effect: &str) -> Option<(String, What)> {
    let (word, rest) = effect.split_once(' ')?;
    let (key, text) = match rest.split_once(": ") {
        Some((key, text)) => (key, Some(text.to_owned())),
        None => (rest, None),
    };
    let what = match (word, text) {
        ("claim", text) => What::Claim(text),
        ("release", text) => What::Release(text),
        ("read", Some(text)) => What::Read(text),
        ("write", Some(text)) => What::Write(text),
        ("send", Some(text)) => What::Send(text),
        ("answer", Some(text)) => What::Answer(text),
        ("wait", Some(text)) => What::Wait(text),
        ("told", Some(text)) => What::Told(text),
        ("news", Some(text)) => What::News(text),
        _ => return None,
    };
    // The end of a process and the log of requests are about no token.
    let key = if key == "everybody" || key == "requests" { "" } else { key };
    Some((key.to_owned(), what))
}

/// Reads a duration such as `1h30m`.
pub(super) fn time_of(text: &str) -> Option<Duration> {
    let mut seconds = 0_u64;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit())?;
        let number: u64 = rest[..digits].parse().ok()?;
        let length = match &rest[digits..=digits] {
            "d" => 86_400,
            "h" => 3600,
            "m" => 60,
            "s" => 1,
            _ => return None,
        };
        seconds = seconds.checked_add(number.checked_mul(length)?)?;
        rest = &rest[digits + 1..];
    }
    (!text.is_empty()).then(|| Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use super::{Trace, What};

    #[test]
    fn every_scenario_of_the_tests_can_be_read() {
        let folder = crate::root().join(super::super::SCENARIOS);
        let mut count = 0;
        for part in fs::read_dir(folder).unwrap().map(|part| part.unwrap().path()) {
            for file in fs::read_dir(part).into_iter().flatten().map(|file| file.unwrap().path()) {
                let text = fs::read_to_string(&file).unwrap();
                Trace::read(&file.display().to_string(), &text).unwrap();
                count += 1;
            }
        }
        assert!(count > 90, "{count}");
    }

    #[test]
    fn a_line_that_has_no_meaning_is_named_with_its_file() {
        for line in ["> dance", "> ask inn twice", "  sings inn: A1", "> pass 5 minutes"] {
            let error = Trace::read("told/x.txt", &format!("Title\n\n> ask inn\n{line}\n")).unwrap_err();
            assert_eq!(error.to_string(), format!("told/x.txt:4: cannot read `{line}`"));
        }
    }

    #[test]
    fn what_happens_while_time_passes_happens_at_the_end_at_the_latest() {
        let trace =
            Trace::read("x", "T\n\n> ask inn\n> pass 1m30s\n  told inn: A1 (fresh)\n> ask inn\n").unwrap();
        let at = |index: usize| (trace.events[index].at.time, trace.events[index].at.is_latest);
        assert_eq!(at(0), (Duration::ZERO, false));
        assert_eq!(at(2), (Duration::from_secs(90), true));
        assert_eq!(at(3), (Duration::from_secs(90), false));
    }

    #[test]
    fn a_line_belongs_to_the_process_that_it_names() {
        let text =
            "T\n\nprocesses: one, two\n\n> two: ask inn 20 times\n  one: claim inn: held by another owner\n";
        let trace = Trace::read("x", text).unwrap();
        assert_eq!((trace.events[0].place, &trace.events[0].what), (1, &What::Ask(20)));
        let held = What::Claim(Some("held by another owner".to_owned()));
        assert_eq!((trace.events[1].place, &trace.events[1].what), (0, &held));
        assert!(!trace.has_keys());
    }
}
