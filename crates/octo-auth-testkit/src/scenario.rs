//! Scenarios: the lifecycle of tokens told in plain text, and played on the core and on both adapters.
//!
//! A scenario is a text that reads as documentation: a title, a paragraph that says why, a few settings, then steps,
//! each with what it causes.
//!
//! ```
//! use octo_auth_testkit::scenario::{Bare, Scenario, Environment, play};
//!
//! # fn main() -> Result<(), octo_auth_testkit::scenario::Misread> {
//! let text = "\
//! A stale token is served while it is renewed
//!
//! A renewal is due some time before the token ends. Whoever asks then gets the old token at once.
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
//! What is indented under a step is written by [`play`], the same for each [`Backend`]: the flights of each key in the
//! order of their events, then what callers were told, who waits still, and what subscribers heard. So nothing in it
//! depends on the order in which threads run, and nothing on chance: pauses that are drawn at random are not shown,
//! and a scenario whose course depends on them is none.
//!
//! Everything a step causes has come to rest before the next one begins. All callers of one step have asked before
//! anything that they cause goes on.

mod bare;
mod environment;
mod read;
mod server_script;
mod spell;
mod step;

use std::sync::Arc;
use std::time::Duration;

pub use bare::Bare;
pub use environment::{Call, CallId, Environment, Named, Outcome};
pub use read::Misread;
pub use server_script::ServerReply;
pub use step::{Act, Event, Foreign, Mood, Provider, Setup, Step};

/// How far time moves at once while something is under way, so that deadlines fall in the order of their moments.
const TICK: Duration = Duration::from_secs(1);

/// How far time moves at once while nothing but the keeping warm waits for it.
const LONG_TICK: Duration = Duration::from_secs(30);

/// A scenario: what is told, and what is done.
#[derive(Debug, Clone)]
pub struct Scenario {
    title: String,
    setup: Setup,
    head: String,
    passages: Vec<Passage>,
}

/// A piece of a scenario after its head.
#[derive(Debug, Clone)]
enum Passage {
    /// A line for the reader alone.
    Remark(String),
    /// A step as it is written, and what it means.
    Step(String, Step),
}

/// What plays a scenario: the processes in one form or another, between them and the world nothing but their calls.
pub trait Backend {
    /// Starts the process of a place.
    fn start(&mut self, place: usize);

    /// Ends the process of a place, wherever it is.
    fn crash(&mut self, place: usize);

    /// Begins an act in the process of a place.
    fn act(&mut self, place: usize, act: &Act);

    /// Goes on until nothing is left to do, time standing still.
    fn rest(&mut self);

    /// Has everybody look at the clock, which was moved by so much.
    fn pass(&mut self, time: Duration);

    /// Notes in the world what subscribers have heard.
    fn hear(&mut self);
}

impl Scenario {
    /// What it shows, in a few words.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Its settings.
    #[must_use]
    pub fn setup(&self) -> &Setup {
        &self.setup
    }
}

/// Plays a scenario; the answer is its whole text, with what each step caused.
pub fn play(scenario: &Scenario, environment: &Arc<Environment>, stage: &mut dyn Backend) -> String {
    let mut text = scenario.head.clone();
    for place in 0..scenario.setup.processes.len() {
        stage.start(place);
    }
    for passage in &scenario.passages {
        match passage {
            Passage::Remark(line) => text.push_str(line),
            Passage::Step(line, step) => {
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

fn take(step: &Step, environment: &Environment, stage: &mut dyn Backend) {
    match step {
        Step::At(place, Act::Start) => stage.start(*place),
        Step::At(place, Act::Crash) => stage.crash(*place),
        Step::At(place, act) => {
            environment.set_gate(false);
            stage.act(*place, act);
            stage.rest();
            environment.set_gate(true);
            stage.rest();
        }
        Step::Around(Event::Pass(time)) => pass(*time, environment, stage),
        Step::Around(event) => {
            let moved = environment.apply(event);
            stage.pass(moved);
            stage.rest();
        }
    }
}

/// Lets time pass in steps as long as there is need to.
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
