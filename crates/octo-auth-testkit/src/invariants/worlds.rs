//! Invariants that show only when worlds are compared, or when a world continues.

use std::time::Duration;

use octo_auth_core::Policy;

use super::{Violation, unless};
use crate::world::{FaultKind, Plan, PlanEvent, Reply, Setup, Who, World};

/// Longer than any window in which requests are counted, so that no budget blocks a spec.
const WINDOW: Duration = Duration::from_secs(70);

/// Checks I15: the same events give the same decisions, line by line of the trace.
///
/// # Errors
///
/// The first two lines that differ.
pub fn same_events_same_answers(plan: &Plan) -> Result<(), Violation> {
    let (once, again) = (World::after(plan), World::after(plan));
    same("I15", once.trace().iter(), again.trace().iter())
}

/// Checks I17: after the plan, a caller gets a token by following the remedies of the errors, if the server and the
/// store work. `process` and `key` are taken modulo the number of processes and specs.
///
/// # Errors
///
/// The last error of the caller.
pub fn a_token_is_reached(plan: &Plan, process: u8, key: u8) -> Result<(), Violation> {
    World::after(plan).recover(process, key).map_err(|said| Violation::new("I17", said))
}

/// Checks I25: with a healthy server, a token with lifetime L is renewed at most T/(0.4 L) + 1 times in the time T.
/// `lifetime` and the server's `hint` are in seconds. The caller asks fifty times, `step` two-hundredths of the
/// lifetime apart.
///
/// # Errors
///
/// How often the token was renewed.
pub fn renewals_are_rare(
    setup: Setup,
    key: u8,
    lifetime: u32,
    hint: Option<u32>,
    step: u32,
) -> Result<(), Violation> {
    let (mut world, who) = (World::new(setup), Who { machine: 0, key });
    let reply = Reply::token(lifetime.into()).with_hint(hint);
    let (begun, mut renewals) = (world.now().boot, 0_u32);
    for _ in 0..50 {
        let sent = world.requests();
        world.happen(&PlanEvent::Drive(who, reply.clone(), 0));
        renewals += u32::from(world.requests() > sent);
        world.pass(Duration::from_millis(u64::from(lifetime) * u64::from(step) * 5));
    }
    let span = world.now().boot.saturating_sub(begun);
    let most = span.as_secs_f64() / (0.4 * f64::from(lifetime)) + 1.0;
    let is_rare = renewals >= 1 && f64::from(renewals) <= most;
    unless(is_rare, "I25", || format!("{renewals} renewals in {span:?} of {lifetime} s"))
}

/// Checks I26: callers that leave at their deadline change nothing for the others, line by line of the trace.
///
/// # Errors
///
/// The first two lines that differ.
pub fn leaving_callers_change_nothing(plan: &Plan) -> Result<(), Violation> {
    let told = |with_more: bool| {
        let mut world = World::new(plan.setup);
        for event in &plan.events {
            world.happen(event);
            if let (PlanEvent::Ask(who), true) = (event, with_more) {
                world.happen(&PlanEvent::AskAtDeadline(*who));
            }
        }
        world
    };
    let (alone, crowded) = (told(false), told(true));
    let asked_at_deadline = |line: &&String| !line.contains(" AskAtDeadline(");
    let told = |world: &World| world.trace().iter().filter(asked_at_deadline).cloned().collect::<Vec<_>>();
    same("I26", told(&alone).iter(), told(&crowded).iter())
}

/// Checks I27: the back-off after each consecutive failure stays within bounds that double with each failure, and a
/// success resets it. A failure that waiting may fix (`passing`) backs off for 1 s to 60 s, any other for 60 s to 15
/// min. The seed selects the failure within its kind.
///
/// # Errors
///
/// The back-off that is out of its bounds.
pub fn pauses_keep_their_bounds(
    setup: Setup,
    key: u8,
    failures: usize,
    passing: bool,
) -> Result<(), Violation> {
    let (mut world, who) = (World::new(setup), Who { machine: 0, key });
    let replies = if passing { passing_failures() } else { lasting_failures() };
    // The failure is the same each time: failures of a spec and of its registration are counted separately.
    let which = usize::try_from(setup.seed % 60).unwrap_or(0) % replies.len();
    let failure = PlanEvent::Drive(who, replies[which].clone(), 0);
    for failed in 0..failures {
        world.happen(&failure);
        let (pause, least, most) = (world.closed_for(who), least(passing, failed), most(passing, failed));
        let holds = least <= pause && pause <= most;
        unless(holds, "I27", || {
            format!("{pause:?} after {failed} failures before, not {least:?} to {most:?}")
        })?;
        world.pass(pause + WINDOW);
    }
    world.happen(&PlanEvent::Drive(who, Reply::token(1), 0));
    world.pass(WINDOW);
    world.happen(&failure);
    let pause = world.closed_for(who);
    unless(pause == least(passing, 0), "I27", || format!("{pause:?} after a success"))
}

/// Checks I35: a process that is killed after the plan reads whole records when it is started again. It continues
/// within a second of the end of the claim and of the attempt that it finds. If `saved` is `true`, the process is
/// killed while its records are being saved, and the store takes them. `process` and `key` are taken modulo the
/// number of processes and specs.
///
/// # Errors
///
/// What blocks the process.
pub fn restart_goes_on(plan: &Plan, process: u8, key: u8, saved: bool) -> Result<(), Violation> {
    let mut world = World::after(plan);
    world.happen(&if saved { PlanEvent::CrashWhileSaving(process) } else { PlanEvent::Crash(process) });
    world.restart(process, key).map_err(|what| Violation::new("I35", what))?;
    world.violations_of("I35").next().map_or(Ok(()), |violation| Err(violation.clone()))
}

/// Checks I49: a process that is killed after the plan delays its successor for at most 11 s. If the killed process
/// had recorded that it uses the refresh token, the limit is the deadline of an exchange plus 17 s. `process` and
/// `key` are taken modulo the number of processes and specs.
///
/// # Errors
///
/// How long the successor was delayed.
pub fn killed_process_holds_up_briefly(plan: &Plan, process: u8, key: u8) -> Result<(), Violation> {
    let mut world = World::after(plan);
    world.happen(&PlanEvent::Crash(process));
    let is_attempted = world.stored(key).is_some_and(|record| record.attempt().is_some());
    let took = world.restart(process, key).map_err(|what| Violation::new("I49", what))?;
    let exchange = Policy::default().exchange_deadline();
    let longest = if is_attempted { exchange + Duration::from_secs(17) } else { Duration::from_secs(11) };
    unless(took <= longest, "I49", || format!("held up for {took:?}"))
}

/// Compares two traces. Returns a violation at the first difference.
fn same<'l>(
    invariant: &'static str,
    mut once: impl Iterator<Item = &'l String>,
    mut again: impl Iterator<Item = &'l String>,
) -> Result<(), Violation> {
    loop {
        match (once.next(), again.next()) {
            (None, None) => return Ok(()),
            (once, again) => unless(once == again, invariant, || format!("{once:?} and {again:?}"))?,
        }
    }
}

/// Returns failures that waiting may fix, and that leave nothing in doubt.
fn passing_failures() -> Vec<Reply> {
    let (not_sent, own_error) = (FaultKind::NotSent, Some("server_error"));
    vec![Reply::Fault(not_sent, false), Reply::refusal(500, own_error), Reply::refusal(408, None)]
}

/// Returns failures that waiting does not fix.
fn lasting_failures() -> Vec<Reply> {
    let known =
        [(401, Some("invalid_client")), (400, Some("invalid_scope")), (404, None), (403, None), (302, None)];
    known.map(|(status, code)| Reply::refusal(status, code)).to_vec()
}

/// Returns the shortest back-off after `failed` earlier failures in a row and one more.
fn least(passing: bool, failed: usize) -> Duration {
    if passing { Duration::from_secs(1) } else { most(false, failed) }
}

/// Returns the longest back-off after `failed` earlier failures in a row and one more.
fn most(passing: bool, failed: usize) -> Duration {
    let (first, cap) = if passing { (1_u64, 60) } else { (60, 900) };
    Duration::from_secs((first << failed.min(20)).min(cap))
}
