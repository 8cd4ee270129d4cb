//! How long the lock is held during events that affect many accounts.

use std::time::Duration;

use anyhow::{Result, ensure};
use octo_auth_core::{Policy, RefreshAhead, Storage};
use octo_auth_driver::CallerAction;

use super::world::{Endpoint, Longest, World, cpu};
use super::{HOUR, SECOND, filled};
use crate::comparison::{Kind, Measured};

/// Returns the longest hold for each event, and the cost of saving all for each unsaved account, in microseconds.
pub(super) fn holds(size: usize) -> Result<(Measured, f64)> {
    let mut holds = Vec::new();
    let mut hold = |event: &'static str, longest: &Longest| {
        holds.push((event, Kind::Ours, longest.longest().as_secs_f64() * 1e6));
    };
    let (_, _, sign_ins) = filled(size, Storage::MultiProcess, |_| HOUR)?;
    hold("sign-ins", &sign_ins);
    let [during, after] = outage(size)?;
    hold("an outage", &during);
    hold("the end of an outage", &after);
    let [sound, refused] = replaced_client(size)?;
    hold("a replaced client", &sound);
    hold("a replaced client, 500 refused before", &refused);
    let (unsaved, saved, each) = saving(size)?;
    hold("sign-ins that cannot be saved", &unsaved);
    hold("saving all", &saved);
    hold("eviction", &eviction(size)?);
    let [first, later] = unused(size)?;
    hold("unused tokens become due", &first);
    hold("unused tokens are due still", &later);
    Ok((holds, each))
}

/// Measures an outage that affects every account, and its end.
fn outage(size: usize) -> Result<[Longest; 2]> {
    let (mut world, _cells, _) = filled(size, Storage::SingleProcess, |_| HOUR)?;
    world.clock.pass(HOUR);
    world.endpoint = Endpoint::Unreachable;
    let mut during = Longest::default();
    for _ in 0..20 {
        world.clock.pass(30 * SECOND);
        world.poll(RefreshAhead::All, &mut during);
    }
    world.endpoint = Endpoint::Up;
    let mut after = Longest::default();
    for _ in 0..20 {
        world.clock.pass(SECOND);
        world.poll(RefreshAhead::All, &mut after);
    }
    Ok([during, after])
}

/// Measures a new client, without failures and after 500 refused refresh tokens, which the new client may try again.
fn replaced_client(size: usize) -> Result<[Longest; 2]> {
    let (mut world, cells, _) = filled(size, Storage::SingleProcess, |_| HOUR)?;
    let client = world.other_client()?;
    let mut sound = Longest::default();
    sound.of(|| world.shared.replace_client(client))?;
    world.poll(RefreshAhead::All, &mut sound);
    for cell in cells.iter().take(1000) {
        drop(world.ask(cell, &mut sound));
    }
    world.endpoint = Endpoint::GrantDead;
    world.clock.pass(HOUR);
    for cell in cells.iter().take(500) {
        if let CallerAction::Run(_, guard) = world.ask(cell, &mut Longest::default()) {
            world.run(guard, &mut Longest::default());
        }
    }
    let (client, mut refused) = (world.other_client()?, Longest::default());
    refused.of(|| world.shared.replace_client(client))?;
    world.poll(RefreshAhead::All, &mut refused);
    Ok([sound, refused])
}

/// Measures the sign-in of a hundredth of the accounts while the store is down.
fn saving(size: usize) -> Result<(Longest, Longest, f64)> {
    let (mut world, _cells, _) = filled(size - size / 100, Storage::SingleProcess, |_| HOUR)?;
    world.store_is_down = true;
    let (mut signing_in, mut saving) = (Longest::default(), Longest::default());
    let unsaved = world.populate(size - size / 100..size, |_| HOUR, &mut signing_in)?;
    world.store_is_down = false;
    let before = cpu();
    let guards = world.shared.save_all();
    let each = (cpu() - before).as_secs_f64() * 1e6 / unsaved.len() as f64;
    ensure!(guards.len() == unsaved.len(), "{} of {} are saved", guards.len(), unsaved.len());
    guards.into_iter().for_each(|guard| world.run(guard, &mut saving));
    let is_saved = saving.of(|| world.shared.listen_while_busy().is_none());
    ensure!(is_saved && saving.of(|| world.shared.unfinished().is_empty()), "all is saved");
    Ok((signing_in, saving, each))
}

/// Measures a thousand more accounts than the capacity. The first hundredth cannot be evicted, because the store does
/// not have them. None of those is lost.
pub(super) fn eviction(size: usize) -> Result<Longest> {
    let policy = Policy::default().with_capacity(size)?;
    let mut world = World::new(Storage::SingleProcess, policy)?;
    let mut longest = Longest::default();
    world.store_is_down = true;
    let unsaved = world.populate(0..size / 100, |_| HOUR, &mut Longest::default())?;
    unsaved.iter().for_each(|cell| world.shared.release(cell));
    world.store_is_down = false;
    for cell in world.populate(size / 100..size, |_| HOUR, &mut Longest::default())? {
        world.shared.release(&cell);
    }
    for number in size..size + 1000.min(size / 2) {
        for cell in world.populate(number..number + 1, |_| HOUR, &mut longest)? {
            longest.of(|| world.shared.release(&cell));
        }
    }
    let saved = world.shared.save_all();
    ensure!(saved.len() == size / 100, "{} of {} unsaved accounts are left", saved.len(), size / 100);
    saved.into_iter().for_each(|guard| world.run(guard, &mut Longest::default()));
    Ok(longest)
}

/// Measures unused tokens that are due, and stay so.
fn unused(size: usize) -> Result<[Longest; 2]> {
    let (mut world, _cells, _) = filled(size, Storage::None, |_| HOUR)?;
    world.clock.pass(HOUR);
    let (mut first, mut later) = (Longest::default(), Longest::default());
    world.poll(RefreshAhead::Used, &mut first);
    for _ in 0..10 {
        world.clock.pass(30 * SECOND);
        world.poll(RefreshAhead::Used, &mut later);
    }
    Ok([first, later])
}

/// Measures tokens of one hour, all refreshed ahead, with a limit of 600 requests a minute: the fraction of a CPU core
/// that polling takes.
pub(super) fn overload(size: usize) -> Result<Measured> {
    let (mut world, _cells, _) = filled(size, Storage::None, |_| HOUR)?;
    world.clock.pass(HOUR);
    world.poll(RefreshAhead::All, &mut Longest::default());
    let (seconds, mut polls) = (300_u32, Longest::default());
    for _ in 0..seconds {
        world.clock.pass(SECOND);
        world.poll(RefreshAhead::All, &mut polls);
    }
    ensure!(polls.longest() < Duration::from_secs(1), "a poll took {:?}", polls.longest());
    Ok(vec![("octo-auth", Kind::Ours, polls.sum().as_secs_f64() * 100.0 / f64::from(seconds))])
}
