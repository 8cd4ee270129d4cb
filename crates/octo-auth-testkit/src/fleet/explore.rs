//! Every order in which a few things can happen to one key of a few processes, up to so many steps.
//!
//! The alphabet, for each process: a caller asks; the job in flight ends well, fails, is done without anybody hearing
//! of it, or dies with its process, before or after it was done. For all: the time passes to the next moment at which
//! anything can change by itself.
//!
//! States that look alike in everything that can be seen of them are followed once. What a machine does not show (how
//! often something failed, say) may differ all the same: the exploration is exhaustive up to that.

use std::collections::HashSet;

use crate::world::{Event, FaultKind, Plan, Reply, Setup, StoreEnd, Trace, Violation, Who, World};

/// The key that is looked at: an account, whose refresh token can be lost.
const KEY: u8 = 2;

/// What an exploration came upon.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Explored {
    /// Sequences that were played.
    pub sequences: u64,
    /// Different states that were reached.
    pub states: u64,
    /// The first sequence in which an invariant is broken.
    pub broken: Option<(Plan, Violation)>,
}

/// A letter of the alphabet.
#[derive(Debug, Clone, Copy)]
enum Step {
    Ask(u8),
    Ends(u8),
    Fails(u8),
    IsDoneUnheard(u8),
    Crashes(u8),
    CrashesAfter(u8),
    TimePasses,
}

/// Plays each sequence of up to so many steps, one after the other; all begin with an account that has signed in, whose
/// first token was got and is due for renewal.
#[must_use]
pub fn explore(setup: Setup, depth: u32) -> Explored {
    let mut explored = Explored::default();
    let mut known = HashSet::new();
    let mut reached = vec![beginning()];
    for _ in 0..depth {
        let mut further = Vec::new();
        for events in reached {
            let world = played(setup, &events);
            let possible: Vec<Event> = alphabet(setup).filter_map(|step| event(step, &world)).collect();
            for event in possible {
                let mut world = played(setup, &events);
                world.happen(&event);
                explored.sequences += 1;
                let mut events = events.clone();
                events.push(event);
                if let Some(violation) = world.violation() {
                    explored.broken = Some((Plan { setup, events }, violation.clone()));
                    return explored;
                }
                if known.insert(world.looks_of(KEY)) {
                    further.push(events);
                }
            }
        }
        reached = further;
    }
    explored.states = known.len() as u64;
    explored
}

fn played(setup: Setup, events: &[Event]) -> World {
    let mut world = World::new(setup).with_trace(Trace::None);
    events.iter().for_each(|event| world.happen(event));
    world
}

/// One process has got a token of an hour, which is due for renewal; the others have read nothing yet.
fn beginning() -> Vec<Event> {
    let first = Who { machine: 0, key: KEY };
    vec![Event::Drive(first, Reply::token(3600), 0), Event::Pass(3_590_000)]
}

fn alphabet(setup: Setup) -> impl Iterator<Item = Step> {
    use Step as S;
    let each = |process| {
        [
            S::Ask(process),
            S::Ends(process),
            S::Fails(process),
            S::IsDoneUnheard(process),
            S::Crashes(process),
            S::CrashesAfter(process),
        ]
    };
    (0..setup.processes).flat_map(each).chain([S::TimePasses])
}

/// What a step is in a world, if it can happen there.
fn event(step: Step, world: &World) -> Option<Event> {
    let who = |machine| Who { machine, key: KEY };
    let in_flight = |machine| world.oldest_job(who(machine)).map(|_| who(machine));
    match step {
        Step::Ask(machine) => Some(Event::Ask(who(machine))),
        Step::Ends(machine) => {
            in_flight(machine).map(|who| Event::EndOf(who, Reply::token(3600), StoreEnd::Works))
        }
        Step::Fails(machine) => in_flight(machine)
            .map(|who| Event::EndOf(who, Reply::Fault(FaultKind::NotSent, false), StoreEnd::Fails)),
        Step::IsDoneUnheard(machine) => in_flight(machine)
            .map(|who| Event::EndOf(who, Reply::Fault(FaultKind::TimedOut, true), StoreEnd::FailsAfterwards)),
        Step::Crashes(machine) => in_flight(machine).map(|who| Event::Crash(who.machine)),
        Step::CrashesAfter(machine) => in_flight(machine).map(Event::CrashAfter),
        Step::TimePasses => {
            let millis = world.next_change_of(KEY)?.as_millis() + 1;
            u32::try_from(millis).ok().map(Event::Pass)
        }
    }
}
