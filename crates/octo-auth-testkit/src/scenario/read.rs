//! Reads a scenario. Text that cannot be read is an error with the line; no text is skipped.

use std::time::Duration;

use octo_auth_core::{Policy, RefreshAhead, Storage};

use super::server_script::is_refresh_token;
use super::spell::time;
use super::step::{Act, ExternalEvent, Foreign, Mood, ScenarioSettings, ScenarioStep, ServerKind, Value};
use super::{Passage, Scenario, ScriptedReply};

/// A line that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}: {text}")]
pub struct Misread {
    line: usize,
    what: &'static str,
    text: String,
}

impl Scenario {
    /// Reads a scenario. The effects under its steps are skipped.
    ///
    /// # Errors
    ///
    /// A [`Misread`] at the first line that cannot be read.
    pub fn read(text: &str) -> Result<Self, Misread> {
        let mut setup = ScenarioSettings {
            shows: Vec::new(),
            provider: ServerKind::Standard,
            storage: Storage::None,
            policy: Policy::default(),
            processes: vec![String::new()],
            keys: Vec::new(),
        };
        let (mut head, mut passages) = (String::new(), Vec::new());
        for (index, line) in text.lines().enumerate() {
            let misread = |what| Misread { line: index + 1, what, text: line.to_owned() };
            if let Some(step) = line.strip_prefix("> ") {
                let step = setup.step(step).ok_or_else(|| misread("no step"))?;
                passages.push(Passage::ScenarioStep(line.to_owned(), step));
            } else if line.starts_with("  ") {
                // An effect, as it was when the scenario was last written.
            } else if !passages.is_empty() {
                passages.push(Passage::Remark(line.to_owned()));
            } else {
                setup.read(line).ok_or_else(|| misread("no setting"))?;
                head.push_str(line);
                head.push('\n');
            }
        }
        let title = head.lines().next().unwrap_or_default().to_owned();
        if title.is_empty() {
            return Err(Misread { line: 1, what: "no title", text: title });
        }
        Ok(Self { title, setup, head, passages })
    }
}

impl ScenarioSettings {
    /// Reads a line of the head. A setting is a known word with a colon after it.
    fn read(&mut self, line: &str) -> Option<()> {
        let Some((name, value)) = line.split_once(": ") else { return Some(()) };
        let words = || value.split(", ").map(str::to_owned).collect();
        match name {
            "shows" => self.shows = words(),
            "processes" => self.processes = words(),
            "provider" => {
                self.provider = match value {
                    "standard" => ServerKind::Standard,
                    "standard, no refresh token twice" => ServerKind::Strict,
                    "Octorate" => ServerKind::Octorate,
                    "OctoTable" => ServerKind::OctoTable,
                    "OfficeRND" => ServerKind::OfficeRnd,
                    _ => return None,
                }
            }
            "store" => {
                self.storage = match value {
                    "none" => Storage::None,
                    "private" => Storage::SingleProcess,
                    "shared" => Storage::MultiProcess,
                    _ => return None,
                }
            }
            "wait" | "exchange" | "lead" | "requests" | "keys" => {
                let number = value.parse().ok().map(Value::Number);
                let value = number.or_else(|| time(value).map(Value::Time))?;
                self.policy = Self::set(self.policy.clone(), name, &value)?.ok()?;
            }
            // A sentence of the head may contain a colon. The name of a setting never begins with a capital.
            _ if name.starts_with(char::is_uppercase) || name.contains(' ') => {}
            _ => return None,
        }
        Some(())
    }

    /// Reads a step.
    fn step(&mut self, text: &str) -> Option<ScenarioStep> {
        let mut place = 0;
        let mut words = text;
        if let Some((name, rest)) = text.split_once(": ") {
            if let Some(found) = self.processes.iter().position(|process| process == name) {
                (place, words) = (found, rest);
            }
        }
        if let Some(event) = self.event(words) {
            return Some(ScenarioStep::Around(event));
        }
        self.act(words).map(|act| ScenarioStep::At(place, act))
    }

    fn act(&mut self, text: &str) -> Option<Act> {
        let words: Vec<&str> = text.split(' ').collect();
        let act = match words.as_slice() {
            ["ask", key] => Act::Ask(self.known(key), 1),
            ["ask", key, callers, "times"] => Act::Ask(self.known(key), callers.parse().ok()?),
            ["glance", "at", key] => Act::Glance(self.known(key)),
            ["refuse", "the", "token", "of", key] => Act::Refuse(self.known(key), None),
            ["refuse", token, "of", key] => Act::Refuse(self.known(key), Some((*token).to_owned())),
            ["import", key, "with", ..] => {
                let (_, what) = text.split_once(" with ")?;
                self.imported(key, what)?
            }
            ["sign", "out", key] => Act::SignOut(self.known(key)),
            ["redeem", "a", "code", "for", key] => Act::Redeem(self.known(key)),
            ["refresh", "used", "tokens", "ahead"] => Act::RefreshAhead(RefreshAhead::Used),
            ["refresh", "all", "tokens", "ahead"] => Act::RefreshAhead(RefreshAhead::All),
            ["replace", "the", "client"] => Act::ReplaceClient,
            ["shut", "down"] => Act::ShutDown,
            ["crash"] => Act::Crash,
            ["start", "again"] => Act::Start,
            _ => return None,
        };
        Some(act)
    }

    /// Reads `R0`, `A0 for 1h`, or `A0 for 1h, R0`.
    fn imported(&mut self, key: &str, what: &str) -> Option<Act> {
        if is_refresh_token(what) {
            return Some(Act::Adopt(self.known(key), None, Some(what.to_owned())));
        }
        match ScriptedReply::read(what)? {
            ScriptedReply::Tokens { access_token, lifetime, refresh_token, .. } => {
                Some(Act::Adopt(self.known(key), Some((access_token, lifetime)), refresh_token))
            }
            _ => None,
        }
    }

    fn event(&mut self, text: &str) -> Option<ExternalEvent> {
        let words: Vec<&str> = text.split(' ').collect();
        let event = match words.as_slice() {
            ["pass", length] => ExternalEvent::Pass(seconds(length)?),
            ["suspend", length] => ExternalEvent::Suspend(seconds(length)?),
            ["set", "the", "wall", "clock", "back", by] => {
                ExternalEvent::SetWall { by: time(by)?, back: true }
            }
            ["set", "the", "wall", "clock", "on", by] => {
                ExternalEvent::SetWall { by: time(by)?, back: false }
            }
            ["store", "is", mood @ ..] => ExternalEvent::Store(match mood {
                ["up"] => Mood::Up,
                ["down"] => Mood::Down,
                ["read-only"] => Mood::ReadOnly,
                ["silent"] => Mood::Silent,
                _ => return None,
            }),
            ["another", "owner", rest @ ..] => self.foreign(rest)?,
            ["server", ..] => {
                let (when, said) = text.split_once(": ")?;
                let said = ScriptedReply::read(said)?;
                match when {
                    "server next" => ExternalEvent::Next(said),
                    "server from now on" => ExternalEvent::Always(said),
                    "server answers" => ExternalEvent::Answers(said),
                    _ => return None,
                }
            }
            _ => return None,
        };
        Some(event)
    }

    fn foreign(&mut self, words: &[&str]) -> Option<ExternalEvent> {
        let event = match words {
            ["signs", "in", key, "with", token] => {
                ExternalEvent::Write(self.known(key), Foreign::SignIn((*token).to_owned()))
            }
            ["renews", key, "with", access, refresh] => {
                let access = access.strip_suffix(',')?.to_owned();
                ExternalEvent::Write(self.known(key), Foreign::Renewal(access, (*refresh).to_owned()))
            }
            ["writes", key, "again"] => ExternalEvent::Write(self.known(key), Foreign::Same),
            ["claims", key, "for", length] => ExternalEvent::Claim(self.known(key), Some(seconds(length)?)),
            ["releases", key] => ExternalEvent::Claim(self.known(key), None),
            _ => return None,
        };
        Some(event)
    }

    /// Returns a spec name, and registers it at its first mention.
    fn known(&mut self, name: &str) -> String {
        if !self.keys.iter().any(|known| known == name) {
            self.keys.push(name.to_owned());
        }
        name.to_owned()
    }
}

/// Reads a duration of at least a second. Shorter events would depend on chance.
fn seconds(text: &str) -> Option<Duration> {
    time(text).filter(|time| !time.is_zero())
}
