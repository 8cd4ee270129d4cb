//! One registration with many accounts in the driver: how its costs grow with the count of accounts.

mod cases;
mod events;
mod world;

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use allocation_counter::measure;
use anyhow::{Context, Result};
use octo_auth_core::{Policy, RefreshAhead, Storage};
use octo_auth_driver::KeyCell;

use crate::Options;
use crate::comparison::{Comparison, Growth, Kind, Measured};
use world::{Longest, World, cpu, key, shuffled};

const HOUR: Duration = Duration::from_secs(3600);
const SECOND: Duration = Duration::from_secs(1);
const DAY: u64 = 86_400;

/// The longest permitted hold of the lock, in microseconds.
const HOLD: f64 = 1000.0;

pub(crate) fn compare(options: &Options) -> Result<Comparison> {
    let sizes = options.choose(vec![1000, 10_000, 100_000, 1_000_000], vec![1000, 10_000]);
    let mut memory = Growth::new("memory of an account", "bytes")
        .plotted(["no store, no handle", "a store, no handle", "a shared store, a handle"], Some(600.0));
    let mut lookup = Growth::new("the header of an account", "ns")
        .plotted(["slab", "by handle", "a handle made and dropped, another there"], None);
    let mut due = Growth::new("who is due, each second", "us")
        .plotted(["a look that finds none", "tokens that end over a day"], Some(20.0));
    let mut holds =
        Growth::new("the longest hold of the lock", "us").plotted(["the longest of all"], Some(HOLD));
    let mut unsaved = Growth::new("saving all, for each account that is unsaved", "us");
    let mut overload = Growth::new("600 requests a minute for all accounts, of a core", "%");
    for size in sizes {
        memory.add(size, self::memory(size)?);
        lookup.add(size, lookups(size)?);
        due.add(size, self::due(size)?);
        let (mut rows, each) = events::holds(size)?;
        let longest = rows.iter().map(|(.., hold)| *hold).fold(0.0, f64::max);
        rows.push(("the longest of all", Kind::Ours, longest));
        holds.add(size, rows);
        unsaved.add(size, vec![("octo-auth", Kind::Ours, each)]);
        overload.add(size, events::overload(size)?);
    }
    let due = due.line_within("tokens that end over a day", 20.0).flat("a look that finds none", 10_000, 1.2);
    Ok(Comparison {
        name: "scale".to_owned(),
        title: "What grows with the number of accounts?".to_owned(),
        about: "One registration through the driver that both adapters share, with access tokens of 256 bytes and refresh \
            tokens of 34. A hold of the lock is the CPU time of one call of the driver, the longest of all calls of an \
            event; whatever happens, none may grow with the accounts. Less is better."
            .to_owned(),
        groups: cases::groups(options)?,
        growths: vec![
            memory.line_within("no store, no handle", 600.0).within(900.0),
            lookup.beside("by handle", 2.0, "slab"),
            due,
            holds.within(HOLD),
            overload.within(1.0),
            unsaved,
        ],
        left_out: vec![(
            "other libraries".to_owned(),
            "none keeps the accounts of one client together; see `accounts`".to_owned(),
        )],
    })
}

fn policy() -> Result<Policy> {
    Ok(Policy::default().with_capacity(2_000_000)?)
}

/// Creates accounts that have signed in, with a handle each.
fn filled(
    size: usize,
    storage: Storage,
    lifetime: impl Fn(usize) -> Duration,
) -> Result<(World, Vec<Arc<KeyCell>>, Longest)> {
    let mut world = World::new(storage, policy()?)?;
    let mut longest = Longest::default();
    let cells = world.populate(0..size, lifetime, &mut longest)?;
    Ok((world, cells, longest))
}

/// Measures the memory of each account, without a handle and with one.
fn memory(size: usize) -> Result<Measured> {
    let mut rows = Vec::new();
    for (storage, without, with) in [
        (Storage::None, "no store, no handle", "no store, a handle"),
        (Storage::SingleProcess, "a store, no handle", "a store, a handle"),
        (Storage::MultiProcess, "a shared store, no handle", "a shared store, a handle"),
    ] {
        let mut kept = None;
        let before = measure(|| kept = Some(filled(size, storage, |_| HOUR)));
        let (world, cells, _) = kept.context("it was filled")??;
        let freed = measure(|| {
            for cell in &cells {
                world.shared.release(cell);
            }
            drop(cells);
        });
        let per = |bytes: i64| bytes as f64 / size as f64;
        rows.push((without, Kind::Ours, per(before.bytes_current + freed.bytes_current)));
        rows.push((with, Kind::Ours, per(before.bytes_current)));
    }
    Ok(rows)
}

/// Measures a handle that is asked for its header, and one that is created and dropped, each time for another account.
fn lookups(size: usize) -> Result<Measured> {
    let (world, cells, _) = filled(size, Storage::None, |_| HOUR)?;
    let order = shuffled(size);
    let order = &order[..size.min(200_000)];
    let each = |begun: Duration| (cpu() - begun).as_secs_f64() * 1e9 / order.len() as f64;
    let header = |place: usize| {
        let snapshot = cells[place].snapshot(&*world.clock)?;
        Some(snapshot.token()?.authorization().clone())
    };
    let headers: Option<Vec<Box<_>>> = (0..size).map(|place| header(place).map(Box::new)).collect();
    let headers = headers.context("a token")?;
    let begun = cpu();
    order.iter().for_each(|place| drop(black_box(headers[*place].clone())));
    let slab = each(begun);
    let begun = cpu();
    for place in order {
        black_box(header(*place)).context("a token")?;
    }
    let by_handle = each(begun);
    drop(headers);
    let keys: Vec<_> = order.iter().map(|place| key(*place)).collect();
    let made_and_dropped = || {
        let begun = cpu();
        for key in &keys {
            let cell = world.shared.acquire(key)?;
            black_box(cell.snapshot(&*world.clock)).context("a token")?;
            world.shared.release(&cell);
        }
        anyhow::Ok(each(begun))
    };
    let another = made_and_dropped()?;
    cells.iter().for_each(|cell| world.shared.release(cell));
    let only = made_and_dropped()?;
    Ok(vec![
        ("slab", Kind::Floor, slab),
        ("by handle", Kind::Ours, by_handle),
        ("a handle made and dropped, another there", Kind::Ours, another),
        ("the only handle made and dropped", Kind::Ours, only),
    ])
}

/// Measures the cost of finding the due accounts each second: while none is due, and while tokens expire over a whole
/// day. No token is used, so none is refreshed.
fn due(size: usize) -> Result<Measured> {
    let lifetime = |number: usize| 2 * HOUR + Duration::from_secs(number as u64 * DAY / size as u64);
    let (mut world, _cells, _) = filled(size, Storage::None, lifetime)?;
    let seconds = |world: &mut World| {
        let mut polls = Longest::default();
        for _ in 0..600 {
            world.clock.pass(SECOND);
            world.poll(RefreshAhead::Used, &mut polls);
        }
        polls.sum().as_secs_f64() * 1e6 / 600.0
    };
    world.poll(RefreshAhead::Used, &mut Longest::default());
    let none = seconds(&mut world);
    world.clock.pass(2 * HOUR);
    world.poll(RefreshAhead::Used, &mut Longest::default());
    let some = seconds(&mut world);
    Ok(vec![("a look that finds none", Kind::Ours, none), ("tokens that end over a day", Kind::Ours, some)])
}
