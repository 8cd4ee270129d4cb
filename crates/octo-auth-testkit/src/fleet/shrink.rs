//! Shrinks a failing list of events: removes each event that the same violation does not need.
//!
//! Any subsequence of a plan's events is a valid plan. Whole groups are removed first: specs, early events,
//! processes, kinds of events. Then parts of the list are removed, large ones first (delta debugging).

use std::mem::{Discriminant, discriminant};

use crate::world::{Defect, MOST_PROCESSES, Plan, PlanEvent, Setup, Trace, Violation, World};

/// The limit of events played in one search. The shortest list found by then is good enough.
const MOST_EVENTS: usize = 20_000_000;

/// A count above the number of specs of any world.
const MOST_KEYS: u8 = 4;

/// Returns the first violation in a plan, if any, and the number of events before and including it.
#[must_use]
pub fn first_violation(plan: &Plan, sabotage: Option<Defect>) -> Option<(usize, Violation)> {
    play(plan.setup, &plan.events, sabotage)
}

/// Returns a plan that violates the same invariant with as few events as the search finds.
///
/// Returns a plan without a violation unchanged.
#[must_use]
pub fn shrunk(plan: &Plan, sabotage: Option<Defect>) -> Plan {
    let Some((last, violation)) = first_violation(plan, sabotage) else { return plan.clone() };
    let events = plan.events.iter().take(last).cloned().collect();
    let invariant = violation.invariant;
    let mut search = Search { setup: plan.setup, sabotage, invariant, played: 0, events };
    search.leave_out_subjects();
    search.leave_out_parts();
    search.leave_out_subjects();
    Plan { setup: plan.setup, events: search.events }
}

struct Search {
    setup: Setup,
    sabotage: Option<Defect>,
    invariant: &'static str,
    played: usize,
    /// The shortest list so far.
    events: Vec<PlanEvent>,
}

impl Search {
    /// Tries another list. Returns whether it violates the same invariant; it is then the shortest list.
    fn try_out(&mut self, events: &[PlanEvent]) -> bool {
        if events.len() >= self.events.len() || self.played >= MOST_EVENTS {
            return false;
        }
        let events = merged(events);
        let broken = play(self.setup, &events, self.sabotage);
        self.played += broken.as_ref().map_or(events.len(), |(last, _)| *last);
        match broken.filter(|(_, violation)| violation.invariant == self.invariant) {
            Some((last, _)) => {
                self.events = events;
                self.events.truncate(last);
                true
            }
            None => false,
        }
    }

    fn leave_out_subjects(&mut self) {
        for key in 0..MOST_KEYS {
            self.keep(|event| subject(event).1.is_none_or(|own| own != key));
        }
        self.leave_out_the_past();
        for process in 0..MOST_PROCESSES {
            self.keep(|event| subject(event).0.is_none_or(|own| own != process));
        }
        let mut kinds: Vec<Discriminant<PlanEvent>> = Vec::new();
        for event in &self.events {
            if !kinds.contains(&discriminant(event)) {
                kinds.push(discriminant(event));
            }
        }
        for kind in kinds {
            self.keep(|event| discriminant(event) != kind);
        }
    }

    fn keep(&mut self, is_kept: impl Fn(&PlanEvent) -> bool) {
        let kept: Vec<PlanEvent> = self.events.iter().filter(|event| is_kept(event)).cloned().collect();
        self.try_out(&kept);
    }

    /// The last events alone are often sufficient.
    fn leave_out_the_past(&mut self) {
        let mut length = 16;
        while length < self.events.len() {
            let last = self.events[self.events.len() - length..].to_vec();
            if self.try_out(&last) {
                return;
            }
            length *= 2;
        }
    }

    /// Removes each part that is not needed, from the last to the first, in ever smaller parts.
    fn leave_out_parts(&mut self) {
        let mut size = self.events.len() / 2;
        while size > 0 && self.played < MOST_EVENTS {
            let before = self.events.len();
            let mut end = before;
            while end > 0 && self.played < MOST_EVENTS {
                let begin = end.saturating_sub(size);
                let without = [&self.events[..begin], &self.events[end..]].concat();
                self.try_out(&without);
                end = begin.min(self.events.len());
            }
            if self.events.len() == before {
                size /= 2;
            }
            size = size.min(self.events.len());
        }
    }
}

/// Returns the process and the spec that an event names.
fn subject(event: &PlanEvent) -> (Option<u8>, Option<u8>) {
    match event {
        PlanEvent::Ask(who)
        | PlanEvent::AskAtDeadline(who)
        | PlanEvent::Glance(who)
        | PlanEvent::Drive(who, ..)
        | PlanEvent::Refuse(who, _)
        | PlanEvent::Adopt(who, _)
        | PlanEvent::Seed(who)
        | PlanEvent::SignOut(who)
        | PlanEvent::EndOf(who, ..)
        | PlanEvent::LoseOf(who, _)
        | PlanEvent::CrashAfter(who)
        | PlanEvent::LateOf(who, _) => (Some(who.machine), Some(who.key)),
        PlanEvent::Tend(process)
        | PlanEvent::ReplaceClient(process)
        | PlanEvent::Admit(process)
        | PlanEvent::ShutDown(process)
        | PlanEvent::SaveAll(process)
        | PlanEvent::Crash(process)
        | PlanEvent::CrashWhileSaving(process) => (Some(*process), None),
        PlanEvent::Withdraw(key) => (None, Some(*key)),
        PlanEvent::Pass(_)
        | PlanEvent::SetWall(_)
        | PlanEvent::BootAlone(_)
        | PlanEvent::End(..)
        | PlanEvent::Lose(..)
        | PlanEvent::ArriveLate(..) => (None, None),
    }
}

fn play(setup: Setup, events: &[PlanEvent], sabotage: Option<Defect>) -> Option<(usize, Violation)> {
    let mut world = World::sabotaged(setup, sabotage).with_trace(Trace::None);
    for (place, event) in (1..).zip(events) {
        world.happen(event);
        if let Some(violation) = world.violation() {
            return Some((place, violation.clone()));
        }
    }
    world.violation().cloned().map(|violation| (0, violation))
}

/// Returns these events with consecutive passages of time combined.
fn merged(events: &[PlanEvent]) -> Vec<PlanEvent> {
    let mut merged: Vec<PlanEvent> = Vec::new();
    for event in events {
        match (merged.last_mut(), event) {
            (Some(PlanEvent::Pass(before)), PlanEvent::Pass(more)) if before.checked_add(*more).is_some() => {
                *before += more;
            }
            _ => merged.push(event.clone()),
        }
    }
    merged
}
