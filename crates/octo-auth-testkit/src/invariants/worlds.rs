//! What shows only by comparing worlds, or by letting one go on.

use std::time::Duration;

use octo_auth_core::Policy;

use super::{Violation, unless};
use crate::world::{Event, FaultKind, Plan, Reply, Setup, Who, World};

/// Longer than any window in which requests are counted, so that no budget closes a key.
const WINDOW: Duration = Duration::from_secs(70);

/// I15: the same events give the same answers, line by line of the trace.
///
/// # Errors
///
/// The first two lines that differ.
pub fn same_events_same_answers(plan: &Plan) -> Result<(), Violation> {
    let (once, again) = (World::after(plan), World::after(plan));
    same("I15", once.trace().iter(), again.trace().iter())
}

/// I17: from whatever has happened, a token is reached by doing what the failures ask for, at a server and a store
/// that work. `process` and `key` count modulo how many there are.
///
/// # Errors
///
/// What the last caller was told.
pub fn a_token_is_reached(plan: &Plan, process: u8, key: u8) -> Result<(), Violation> {
    World::after(plan).recover(process, key).map_err(|said| Violation::new("I17", said))
}

/// I25: with a healthy server, a token that lives so many seconds is renewed at most T/(0.4 L) + 1 times in the time
/// T. The key is asked for fifty times, `step` two-hundredths of the lifetime apart; `hint` is the server's, in
/// seconds.
///
/// # Errors
///
/// How often it was renewed.
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
        world.happen(&Event::Drive(who, reply.clone(), 0));
        renewals += u32::from(world.requests() > sent);
        world.pass(Duration::from_millis(u64::from(lifetime) * u64::from(step) * 5));
    }
    let span = world.now().boot.saturating_sub(begun);
    let most = span.as_secs_f64() / (0.4 * f64::from(lifetime)) + 1.0;
    let is_rare = renewals >= 1 && f64::from(renewals) <= most;
    unless(is_rare, "I25", || format!("{renewals} renewals in {span:?} of {lifetime} s"))
}

/// I26: callers that go away at their deadline change nothing for the others, line by line of the trace.
///
/// # Errors
///
/// The first two lines that differ.
pub fn leaving_callers_change_nothing(plan: &Plan) -> Result<(), Violation> {
    let told = |with_more: bool| {
        let mut world = World::new(plan.setup);
        for event in &plan.events {
            world.happen(event);
            if let (Event::Ask(who), true) = (event, with_more) {
                world.happen(&Event::AskAtDeadline(*who));
            }
        }
        world
    };
    let (alone, crowded) = (told(false), told(true));
    let asked_at_deadline = |line: &&String| !line.contains(" AskAtDeadline(");
    let told = |world: &World| world.trace().iter().filter(asked_at_deadline).cloned().collect::<Vec<_>>();
    same("I26", told(&alone).iter(), told(&crowded).iter())
}

/// I27: the pauses after so many failures in a row keep to bounds that double with each, and a success resets them.
/// A failure that waiting may improve (`passing`) pauses for 1 s to 60 s, another one for 60 s to 15 min; the seed
/// decides which of either kind it is.
///
/// # Errors
///
/// The pause that is out of its bounds.
pub fn pauses_keep_their_bounds(
    setup: Setup,
    key: u8,
    failures: usize,
    passing: bool,
) -> Result<(), Violation> {
    let (mut world, who) = (World::new(setup), Who { machine: 0, key });
    let replies = if passing { passing_failures() } else { lasting_failures() };
    // One and the same each time: failures of a key and of its registration are counted apart.
    let which = usize::try_from(setup.seed % 60).unwrap_or(0) % replies.len();
    let failure = Event::Drive(who, replies[which].clone(), 0);
    for failed in 0..failures {
        world.happen(&failure);
        let (pause, least, most) = (world.closed_for(who), least(passing, failed), most(passing, failed));
        let holds = least <= pause && pause <= most;
        unless(holds, "I27", || {
            format!("{pause:?} after {failed} failures before, not {least:?} to {most:?}")
        })?;
        world.pass(pause + WINDOW);
    }
    world.happen(&Event::Drive(who, Reply::token(1), 0));
    world.pass(WINDOW);
    world.happen(&failure);
    let pause = world.closed_for(who);
    unless(pause == least(passing, 0), "I27", || format!("{pause:?} after a success"))
}

/// I35: killed after whatever has happened, also while its records are being saved and the store takes them
/// (`saved`), a process reads whole records when it is started again, and goes on within a second of the end of the claim
/// and of the attempt that it finds. `process` and `key` count modulo how many there are.
///
/// # Errors
///
/// What stands in the way.
pub fn restart_goes_on(plan: &Plan, process: u8, key: u8, saved: bool) -> Result<(), Violation> {
    let mut world = World::after(plan);
    world.happen(&if saved { Event::CrashWhileSaving(process) } else { Event::Crash(process) });
    world.restart(process, key).map_err(|what| Violation::new("I35", what))?;
    world.violations_of("I35").next().map_or(Ok(()), |violation| Err(violation.clone()))
}

/// I49: a process that was killed after whatever has happened holds up the one that is started in its place for 11 s at
/// most, or, where it had written that it uses the refresh token, until 17 s after the deadline of an exchange. `process` and
/// `key` count modulo how many there are.
///
/// # Errors
///
/// How long the other one was held up.
pub fn killed_process_holds_up_briefly(plan: &Plan, process: u8, key: u8) -> Result<(), Violation> {
    let mut world = World::after(plan);
    world.happen(&Event::Crash(process));
    let is_attempted = world.stored(key).is_some_and(|record| record.attempt().is_some());
    let took = world.restart(process, key).map_err(|what| Violation::new("I49", what))?;
    let exchange = Policy::default().exchange_deadline();
    let longest = if is_attempted { exchange + Duration::from_secs(17) } else { Duration::from_secs(11) };
    unless(took <= longest, "I49", || format!("held up for {took:?}"))
}

/// Whether two traces are one.
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

/// Failures that waiting may improve, and that leave nothing in doubt.
fn passing_failures() -> Vec<Reply> {
    let (not_sent, own_error) = (FaultKind::NotSent, Some("server_error"));
    vec![Reply::Fault(not_sent, false), Reply::refusal(500, own_error), Reply::refusal(408, None)]
}

/// Failures that waiting does not improve.
fn lasting_failures() -> Vec<Reply> {
    let known =
        [(401, Some("invalid_client")), (400, Some("invalid_scope")), (404, None), (403, None), (302, None)];
    known.map(|(status, code)| Reply::refusal(status, code)).to_vec()
}

/// The shortest pause after so many failures in a row and one more.
fn least(passing: bool, failed: usize) -> Duration {
    if passing { Duration::from_secs(1) } else { most(false, failed) }
}

/// The longest pause after so many failures in a row and one more.
fn most(passing: bool, failed: usize) -> Duration {
    let (first, cap) = if passing { (1_u64, 60) } else { (60, 900) };
    Duration::from_secs((first << failed.min(20)).min(cap))
}
