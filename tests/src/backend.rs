//! The stages of scenarios, and the scenarios of this folder.

#[cfg(feature = "adapters")]
mod asynchronous;
#[cfg(feature = "adapters")]
mod blocking;

use std::fs;
use std::path::{Path, PathBuf};

#[cfg(feature = "adapters")]
pub use asynchronous::Asynchronous;
#[cfg(feature = "adapters")]
pub use blocking::Blocking;
use octo_auth_testkit::scenario::{Bare, Environment, Scenario, ScenarioSettings, play};

use crate::registration::sound;

/// The parts of the scenarios by their folders.
pub const PARTS: [(&str, &str); 5] = [
    ("told", "What a caller gets"),
    ("ends", "How a flight ends"),
    ("around", "Clocks, crashes, stores and shutdown"),
    ("shared", "Several processes on one store"),
    ("providers", "The providers"),
];

/// What the page that lists the scenarios says first.
const PREFACE: &str = "\
# The lifecycle of a token in scenarios

Each file here shows one behaviour. A line that begins with `>` is a step; the indented lines below it are its effects.
The same files run on the bare core, the async adapter and the blocking adapter, with the same effects line by line.
The rows are those of the decision table in the source of `octo-auth-core`, `src/key/state.rs`.

Time passes only in a step that says so. `A1` and `A2` are access tokens, which live one hour by default. `R1` and `R2`
are the refresh tokens that come with them. The tokens of a second spec are `B1` and `S1`. `inn` and `pub` are accounts.
`service` is the client itself (client credentials), `service/a` the same for another tenant, `admin` is Octorate's
ApiLogin. `(fresh)`, `(stale)` and `(suspect)` say how a token is served. `again soon` means within a minute, after a
random pause.

`cargo run -p octo-auth-tests --bin golden` rewrites the effects of the steps, and this page.
";

/// A scenario of this folder.
pub struct Filed {
    /// Where it is.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
    /// What it says.
    pub scenario: Scenario,
}

/// All scenarios, in the order of their names.
#[must_use]
pub fn scenarios() -> Vec<Filed> {
    let mut paths: Vec<PathBuf> = Vec::new();
    for part in sound(fs::read_dir(folder())) {
        let part = sound(part).path();
        if part.is_dir() {
            paths.extend(sound(fs::read_dir(part)).map(|file| sound(file).path()));
        }
    }
    paths.sort();
    paths.into_iter().map(filed).collect()
}

fn filed(path: PathBuf) -> Filed {
    let text = sound(fs::read_to_string(&path));
    let scenario = sound(Scenario::read(&text).map_err(|error| format!("{}: {error}", path.display())));
    Filed { path, text, scenario }
}

/// Where the scenarios are.
#[must_use]
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")
}

/// The page that lists all scenarios, by the parts they are in.
#[must_use]
pub fn index(scenarios: &[Filed]) -> String {
    let mut text = PREFACE.to_owned();
    for (part, heading) in PARTS {
        text.push_str(&format!("\n## {heading}\n\n"));
        for filed in scenarios.iter().filter(|filed| filed.part() == part) {
            let name = filed.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let ScenarioSettings { shows, .. } = filed.scenario.setup();
            let rows = if shows.len() == 1 { "row" } else { "rows" };
            let title = filed.scenario.title();
            text.push_str(&format!("- [{title}]({part}/{name}) ({rows} {})\n", shows.join(", ")));
        }
    }
    text
}

impl Filed {
    /// The part of the scenarios it belongs to.
    #[must_use]
    pub fn part(&self) -> String {
        let folder = self.path.parent().and_then(Path::file_name).unwrap_or_default();
        folder.to_string_lossy().into_owned()
    }
}

/// Plays a scenario on the bare core; the rows of the table that applied come along.
#[must_use]
pub fn on_core(scenario: &Scenario, seed: u8) -> (String, Vec<&'static str>) {
    let environment = Environment::new(scenario.setup());
    let mut stage = Bare::new(&environment, seed);
    let text = play(scenario, &environment, &mut stage);
    (text, environment.rows())
}

/// Plays a scenario on the asynchronous adapter.
#[cfg(feature = "adapters")]
#[must_use]
pub fn on_async(scenario: &Scenario) -> String {
    let environment = Environment::new(scenario.setup());
    let mut stage = Asynchronous::new(&environment);
    play(scenario, &environment, &mut stage)
}

/// Plays a scenario on the blocking adapter.
#[cfg(feature = "adapters")]
#[must_use]
pub fn on_blocking(scenario: &Scenario) -> String {
    let environment = Environment::new(scenario.setup());
    let mut stage = Blocking::new(&environment);
    play(scenario, &environment, &mut stage)
}

/// How a scenario went otherwise than it is written, for a person to read; nothing if it went so.
#[must_use]
pub fn otherwise(filed: &Filed, went: &str) -> Option<String> {
    let (written, went): (Vec<&str>, Vec<&str>) = (filed.text.lines().collect(), went.lines().collect());
    if written == went {
        return None;
    }
    let before = written.iter().zip(&went).take_while(|(one, other)| one == other).count();
    let most = written.len().min(went.len()) - before;
    let backwards = written.iter().rev().zip(went.iter().rev());
    let after = backwards.take(most).take_while(|(one, other)| one == other).count();
    let marked = |mark: &str, lines: &[&str]| -> String {
        lines.iter().map(|line| format!("{mark} {line}\n")).collect()
    };
    let mut shown = format!("{} goes otherwise:\n", filed.path.display());
    shown.push_str(&marked(" ", &written[before.saturating_sub(8)..before]));
    shown.push_str(&marked("-", &written[before..written.len() - after]));
    shown.push_str(&marked("+", &went[before..went.len() - after]));
    Some(shown)
}
