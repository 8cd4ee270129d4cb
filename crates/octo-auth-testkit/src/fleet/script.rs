//! A plan as a text that can be read, kept and played again: JSON lines, the first of which says how it begins.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::shrink::first_violation;
use crate::world::{Defect, Plan, Setup, Violation, World};

/// A plan, and the defect that was switched in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// How it begins and what happens.
    pub plan: Plan,
    /// The defect.
    pub sabotage: Option<Defect>,
}

/// Why a text is no script: the line and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptError {
    /// The line, counted from one.
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
    /// The text of the script: the first line says how it begins, each other one what happens next. Lines that begin
    /// with `#` say to people what comes of it.
    #[must_use]
    pub fn to_text(&self) -> String {
        let sabotage = self.sabotage.map(|sabotage| sabotage.name().to_owned());
        let mut text = String::new();
        // Writing to a string cannot fail, and plain data can always be written as JSON.
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
    /// A [`ScriptError`] with the first line that cannot be read.
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

    /// The world after everything has happened, with its whole trace.
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
    fn a_text_that_is_no_script_is_refused_with_the_line_and_the_reason() {
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
