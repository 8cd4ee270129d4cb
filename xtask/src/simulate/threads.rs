//! Plays episodes or lives on all processors, and merges the results in order.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use octo_auth_testkit::fleet::Story;
use octo_auth_testkit::world::{Plan, Tally, Violation};

/// The merged results of a run, up to the first story that violates an invariant.
#[derive(Debug, Default)]
pub(super) struct RunResult {
    pub(super) days: u64,
    pub(super) stories: usize,
    pub(super) events: u64,
    pub(super) tally: Tally,
    pub(super) examined: BTreeMap<&'static str, u64>,
    pub(super) broken: Option<Broken>,
}

/// A story that violates an invariant.
#[derive(Debug)]
pub(super) struct Broken {
    /// Its position in the run.
    pub(super) place: usize,
    pub(super) plan: Plan,
    pub(super) violation: Violation,
}

/// Plays a run of episodes or lives. A violation ends the run. All stories before it are played to their end, so that
/// the result does not depend on the count of threads.
pub(super) fn play<P: Sync>(parts: &[P], play: impl Fn(&P) -> Story + Sync) -> RunResult {
    let (next, first_broken) = (AtomicUsize::new(0), AtomicUsize::new(usize::MAX));
    let stories: Mutex<BTreeMap<usize, (Story, u64)>> = Mutex::default();
    let work = || {
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(part) = parts.get(place) else { return };
            if place > first_broken.load(Ordering::Relaxed) {
                return;
            }
            let mut story = play(part);
            let events = story.plan.events.len() as u64;
            match story.violation {
                Some(_) => drop(first_broken.fetch_min(place, Ordering::Relaxed)),
                None => story.plan.events = Vec::new(),
            }
            if let Ok(mut stories) = stories.lock() {
                stories.insert(place, (story, events));
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    let mut outcome = RunResult::default();
    for (place, (story, events)) in stories.into_inner().unwrap_or_default() {
        outcome.add(&story, events);
        if let Some(violation) = story.violation {
            outcome.broken = Some(Broken { place, plan: story.plan, violation });
            break;
        }
    }
    outcome
}

impl RunResult {
    fn add(&mut self, story: &Story, events: u64) {
        self.days += story.days;
        self.stories += 1;
        self.events += events;
        self.tally.add(&story.tally);
        for (invariant, times) in &story.examined {
            *self.examined.entry(invariant).or_default() += times;
        }
    }
}
