//! Scenarios: sequences of token lifecycle events written as plain text, and played on the core and on both adapters.
//!
//! A scenario is a text that reads as documentation. It has a title, a paragraph that explains why, a few settings,
//! and then steps, each followed by its effects.
//!
//! ```
//! use octo_auth_testkit::scenario::{Bare, Scenario, Environment, play};
//!
//! # fn main() -> Result<(), octo_auth_testkit::scenario::Misread> {
//! let text = "\
//! A stale token is served while it is renewed
//!
//! A renewal is due some time before the token ends. A caller then gets the old token at once.
//!
//! shows: 1, 2, 7
//! store: private
//!
//! > import inn with R0
//!   write inn: R0
//! > ask inn
//!   write inn: R0 is in use
//!   send inn: refresh R0
//!   answer inn: A1 for 1h, R1
//!   write inn: A1, R1
//!   told inn: A1 (fresh)
//!   news inn: renewed, generation 1
//! > pass 50m
//! > server next: silence
//! > ask inn
//!   write inn: A1, R1 is in use
//!   send inn: refresh R1
//!   answer inn: none yet
//!   told inn: A1 (stale)
//! ";
//! let scenario = Scenario::read(text)?;
//! let environment = Environment::new(scenario.setup());
//! assert_eq!(play(&scenario, &environment, &mut Bare::new(&environment, 1)), text);
//! # Ok(())
//! # }
//! ```
//!
//! [`play`] writes the indented lines under a step. They are the same for each [`Backend`]: the flights of each spec
//! in the order of their events, then the answers to callers, the callers that still wait, and the events that
//! subscribers received. Nothing in them depends on the order in which threads run, nor on chance. Random delays are
//! not shown, and a scenario must not depend on them.
//!
//! All effects of a step are complete before the next step begins. All callers of one step have asked before any of
//! their effects proceeds.

mod bare;
mod environment;
mod read;
mod server_script;
mod spell;
mod step;

use std::sync::Arc;
use std::time::Duration;

pub use bare::Bare;
pub use environment::{CallId, Environment, IoCall, IoOutcome, Named};
pub use read::Misread;
pub use server_script::ScriptedReply;
pub use step::{Act, ExternalEvent, Foreign, Mood, ScenarioSettings, ScenarioStep, ServerKind};

/// How far time advances at once while something is in progress, so that deadlines pass in order.
const TICK: Duration = Duration::from_secs(1);

/// How far time advances at once while only the refresh ahead waits for it.
const LONG_TICK: Duration = Duration::from_secs(30);

/// A scenario: its text and its steps.
#[derive(Debug, Clone)]
pub struct Scenario {
    title: String,
    setup: ScenarioSettings,
    head: String,
    passages: Vec<Passage>,
}

/// A piece of a scenario after its head.
#[derive(Debug, Clone)]
enum Passage {
    /// A line for readers only.
    Remark(String),
    /// The text of a step, and its meaning.
    ScenarioStep(String, ScenarioStep),
}

/// The backend that plays a scenario: the processes in one implementation. They reach the environment only through
/// their calls.
pub trait Backend {
    /// Starts the process at this place.
    fn start(&mut self, place: usize);

    /// Kills the process at this place, whatever it is doing.
    fn crash(&mut self, place: usize);

    /// Begins an act in the process at this place.
    fn act(&mut self, place: usize, act: &Act);

    /// Runs until nothing is left to do at the present time.
    fn rest(&mut self);

    /// Makes all processes look at the clocks, which were moved by `time`.
    fn pass(&mut self, time: Duration);

    /// Reports the events that subscribers received to the environment.
    fn hear(&mut self);
}

impl Scenario {
    /// Returns the title.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Returns the settings.
    #[must_use]
    pub fn setup(&self) -> &ScenarioSettings {
        &self.setup
    }
}

/// Plays a scenario. Returns its whole text, with the effects of each step.
pub fn play(scenario: &Scenario, environment: &Arc<Environment>, stage: &mut dyn Backend) -> String {
    let mut text = scenario.head.clone();
    for place in 0..scenario.setup.processes.len() {
        stage.start(place);
    }
    for passage in &scenario.passages {
        match passage {
            Passage::Remark(line) => text.push_str(line),
            Passage::ScenarioStep(line, step) => {
                text.push_str(line);
                take(step, environment, stage);
                stage.hear();
                for caused in environment.take_lines() {
                    text.push_str("\n  ");
                    text.push_str(&caused);
                }
            }
        }
        text.push('\n');
    }
    text
}

fn take(step: &ScenarioStep, environment: &Environment, stage: &mut dyn Backend) {
    match step {
        ScenarioStep::At(place, Act::Start) => stage.start(*place),
        ScenarioStep::At(place, Act::Crash) => stage.crash(*place),
        ScenarioStep::At(place, act) => {
            environment.set_gate(false);
            stage.act(*place, act);
            stage.rest();
            environment.set_gate(true);
            stage.rest();
        }
        ScenarioStep::Around(ExternalEvent::Pass(time)) => pass(*time, environment, stage),
        ScenarioStep::Around(event) => {
            let moved = environment.apply(event);
            stage.pass(moved);
            stage.rest();
        }
    }
}

/// Advances time in steps that are as small as necessary.
fn pass(time: Duration, environment: &Environment, stage: &mut dyn Backend) {
    let mut left = time;
    while !left.is_zero() {
        let step = match (environment.is_busy(), environment.is_refreshed_ahead()) {
            (true, _) => TICK,
            (false, true) => LONG_TICK,
            (false, false) => left,
        };
        let step = step.min(left);
        left -= step;
        environment.pass(step);
        stage.pass(step);
        stage.rest();
    }
}
