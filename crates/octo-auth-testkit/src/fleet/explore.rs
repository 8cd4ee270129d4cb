//! Explores every order of a few events for one spec of a few processes, up to a limited depth.
//!
//! Each process has these steps: a caller asks; the job in flight succeeds, fails, succeeds without a report, or dies
//! with its process before or after it was done. One step concerns all processes: time passes to the next moment at
//! which anything can change by itself.
//!
//! States that look the same from outside are followed only once. Two such states may differ in what a machine does
//! not show, such as a count of failures. The exploration is exhaustive up to that.

use std::collections::HashSet;

use crate::world::{FaultKind, Plan, PlanEvent, Reply, Setup, StoreEnd, Trace, Violation, Who, World};

/// The explored spec: an account, whose refresh token can be lost.
const KEY: u8 = 2;

/// The result of an exploration.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Explored {
    /// The number of sequences that were played.
    pub sequences: u64,
    /// The number of different states that were reached.
    pub states: u64,
    /// The first sequence that violates an invariant.
    pub broken: Option<(Plan, Violation)>,
}

/// One step of a sequence.
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

/// Plays every sequence of up to `depth` steps, one after the other. Each begins with an account that has signed in
/// and whose first token is due for renewal.
#[must_use]
pub fn explore(setup: Setup, depth: u32) -> Explored {
    let mut explored = Explored::default();
    let mut known = HashSet::new();
    let mut reached = vec![beginning()];
    for _ in 0..depth {
        let mut further = Vec::new();
        for events in reached {
            let world = played(setup, &events);
            let possible: Vec<PlanEvent> = alphabet(setup).filter_map(|step| event(step, &world)).collect();
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

fn played(setup: Setup, events: &[PlanEvent]) -> World {
    let mut world = World::new(setup).with_trace(Trace::None);
    events.iter().for_each(|event| world.happen(event));
    world
}

/// One process has got a token of one hour, which is due for renewal. The others have read nothing yet.
fn beginning() -> Vec<PlanEvent> {
    let first = Who { machine: 0, key: KEY };
    vec![PlanEvent::Drive(first, Reply::token(3600), 0), PlanEvent::Pass(3_590_000)]
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

/// Returns the event of a step, or `None` if the step is impossible in this world.
fn event(step: Step, world: &World) -> Option<PlanEvent> {
    let who = |machine| Who { machine, key: KEY };
    let in_flight = |machine| world.oldest_job(who(machine)).map(|_| who(machine));
    match step {
        Step::Ask(machine) => Some(PlanEvent::Ask(who(machine))),
        Step::Ends(machine) => {
            in_flight(machine).map(|who| PlanEvent::EndOf(who, Reply::token(3600), StoreEnd::Works))
        }
        Step::Fails(machine) => in_flight(machine)
            .map(|who| PlanEvent::EndOf(who, Reply::Fault(FaultKind::NotSent, false), StoreEnd::Fails)),
        Step::IsDoneUnheard(machine) => in_flight(machine).map(|who| {
            PlanEvent::EndOf(who, Reply::Fault(FaultKind::TimedOut, true), StoreEnd::FailsAfterwards)
        }),
        Step::Crashes(machine) => in_flight(machine).map(|who| PlanEvent::Crash(who.machine)),
        Step::CrashesAfter(machine) => in_flight(machine).map(PlanEvent::CrashAfter),
        Step::TimePasses => {
            let millis = world.next_change_of(KEY)?.as_millis() + 1;
            u32::try_from(millis).ok().map(PlanEvent::Pass)
        }
    }
}
