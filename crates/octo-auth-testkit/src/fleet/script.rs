//! A plan as text that can be read, stored and replayed: JSON lines, of which the first one has the setup.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::shrink::first_violation;
use crate::world::{Defect, Plan, Setup, Violation, World};

/// A plan, and the defect that was active.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// The setup and the events.
    pub plan: Plan,
    /// The defect, or `None`.
    pub sabotage: Option<Defect>,
}

/// An error in the text of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptError {
    /// The line number; the first line is 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

/// The first line.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    setup: Setup,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sabotage: Option<String>,
}

impl Script {
    /// Returns the text of the script. The first line has the setup, each other line the next event. Lines that begin
    /// with `#` tell the reader which violation follows.
    #[must_use]
    pub fn to_text(&self) -> String {
        let sabotage = self.sabotage.map(|sabotage| sabotage.name().to_owned());
        let mut text = String::new();
        // Writing to a string cannot fail, and plain data can always be serialized as JSON.
        if let Some((_, Violation { invariant, what })) = first_violation(&self.plan, self.sabotage) {
            let _ = writeln!(text, "# {invariant} is broken: {}", what.replace('\n', " "));
        }
        let head = Head { setup: self.plan.setup, sabotage };
        let _ = writeln!(text, "{}", serde_json::to_string(&head).unwrap_or_default());
        for event in &self.plan.events {
            let _ = writeln!(text, "{}", serde_json::to_string(event).unwrap_or_default());
        }
        text
    }

    /// Reads the text of a script.
    ///
    /// # Errors
    ///
    /// A [`ScriptError`] for the first line that cannot be read.
    pub fn from_text(text: &str) -> Result<Self, ScriptError> {
        let lines = (1..).zip(text.lines().map(str::trim));
        let mut lines = lines.filter(|(_, text)| !text.is_empty() && !text.starts_with('#'));
        let nothing = ScriptError { line: 1, what: "there is no line that says how it begins".to_owned() };
        let (line, head) = lines.next().ok_or(nothing)?;
        let Head { setup, sabotage } = read(line, head)?;
        let sabotage = sabotage.map(|name| {
            let what = format!("there is no sabotage `{name}`");
            Defect::named(&name).ok_or(ScriptError { line, what })
        });
        let sabotage = sabotage.transpose()?;
        let events = lines.map(|(line, text)| read(line, text)).collect::<Result<_, _>>()?;
        Ok(Self { plan: Plan { setup, events }, sabotage })
    }

    /// Returns the world after all events, with its whole trace.
    #[must_use]
    pub fn play(&self) -> World {
        let mut world = World::sabotaged(self.plan.setup, self.sabotage);
        self.plan.events.iter().for_each(|event| world.happen(event));
        world
    }
}

fn read<'t, T: Deserialize<'t>>(line: usize, text: &'t str) -> Result<T, ScriptError> {
    serde_json::from_str(text).map_err(|error| ScriptError { line, what: error.to_string() })
}

impl std::fmt::Display for ScriptError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

impl std::error::Error for ScriptError {}

#[cfg(test)]
mod tests {
    use super::Script;
    use crate::fleet::Episode;

    #[test]
    fn a_script_reads_back_as_it_was_written() {
        let story = Episode { seed: 3, days: 1, processes: 2 }.play(None);
        let script = Script { plan: story.plan, sabotage: crate::world::Defect::named("wall-clock-only") };
        assert_eq!(Script::from_text(&script.to_text()), Ok(script));
    }

    #[test]
    fn an_invalid_script_is_refused_with_the_line_and_the_reason() {
        let head = r#"{"setup":{"provider":"Standard","storage":"Shared","processes":2,"rotation":"Strict","seed":1}}"#;
        let wrong = |text: &str| Script::from_text(text).map_err(|error| error.to_string()).unwrap_err();
        assert!(wrong("").contains("line 1: there is no line that says how it begins"));
        assert!(wrong("{}").contains("line 1: missing field `setup`"));
        assert!(
            wrong(&format!("# a fleet\n{head}\n{{\"Aks\":1}}")).contains("line 3: unknown variant `Aks`")
        );
        let unknown = head.replace("\"seed\":1}", "\"seed\":1},\"sabotage\":\"none-such\"");
        assert_eq!(wrong(&unknown), "line 1: there is no sabotage `none-such`");
    }
}
