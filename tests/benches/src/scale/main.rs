//! One registration with many accounts: memory, lookups, what is due, and the longest hold of the lock for each event.
//!
//! Tokens of 256 bytes, refresh tokens of 34. Holds are CPU time of the calls of the driver that take the lock, the longest
//! of all calls of an event. With numbers as arguments, these are the sizes.

#![expect(clippy::expect_used, reason = "a measurement that cannot be set up must stop")]

mod world;

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use allocation_counter::measure;
use octo_auth_core::{Caller, Policy, Storage, Waits, Warm};
use octo_auth_driver::{KeyCell, Told};
use octo_auth_system::Clock;

use world::{Endpoint, Longest, World, cpu, key, shuffled};

const HOUR: Duration = Duration::from_secs(3600);
const SECOND: Duration = Duration::from_secs(1);
const DAY: u64 = 86_400;

/// The longest hold of the lock that is allowed.
const HOLD: Duration = Duration::from_millis(1);

/// The most bytes an account may take, and those it may take in no case.
const BYTES: (f64, f64) = (600.0, 900.0);

fn main() {
    if let Some(count) = std::env::args().skip_while(|word| word != "waiters").nth(1) {
        return waiters(count.parse().expect("a number"));
    }
    let sizes: Vec<usize> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let sizes = if sizes.is_empty() { vec![1_000, 100_000, 1_000_000] } else { sizes };
    let mut met = true;
    for size in sizes {
        println!("{size} accounts:");
        met &= memory(size);
        met &= lookups(size);
        met &= due(size);
        met &= outage(size);
        met &= replaced_client(size);
        met &= saving(size);
        met &= eviction(size);
        met &= unused(size);
        met &= overload(size.min(100_000));
    }
    if !met {
        std::process::exit(1);
    }
}

fn told(what: &str, value: f64, unit: &str, most: f64) -> bool {
    let missed = if value <= most { "" } else { "   MISSED" };
    println!("  {what:<46} {value:12.1} {unit:<6} at most {most:.0}{missed}");
    value <= most
}

fn hold(what: &str, longest: &Longest) -> bool {
    let micros = |time: Duration| time.as_secs_f64() * 1e6;
    told(
        &format!("hold, {what} ({:.0} us in all)", micros(longest.sum())),
        micros(longest.longest()),
        "us",
        micros(HOLD),
    )
}

fn policy() -> Policy {
    Policy::default().with_capacity(2_000_000).expect("a sound capacity")
}

fn filled(
    size: usize,
    storage: Storage,
    lifetime: impl Fn(usize) -> Duration,
) -> (World, Vec<Arc<KeyCell>>, Longest) {
    let mut world = World::new(storage, policy());
    let mut longest = Longest::default();
    let cells = world.populate(0..size, lifetime, &mut longest);
    (world, cells, longest)
}

/// So many callers wait for one renewal, for a count of instructions.
fn waiters(count: usize) {
    let (mut world, cells, _) = filled(1, Storage::SingleProcess, |_| HOUR);
    world.clock.pass(2 * HOUR);
    let Told::Run(_, guard) = world.ask(&cells[0], &mut Longest::default()) else {
        unreachable!("it is renewed")
    };
    let until = world.clock.now().boot + SECOND;
    let waiting: Vec<Told> =
        (0..count).map(|_| world.shared.ask(&cells[0], &mut Caller::new(Waits::Until(until)))).collect();
    assert!(waiting.iter().all(|told| matches!(told, Told::Wait(..))), "each waits");
    world.run(guard, &mut Longest::default());
}

/// What each account takes, without a handle and with one.
fn memory(size: usize) -> bool {
    let mut met = true;
    for storage in [Storage::None, Storage::SingleProcess, Storage::MultiProcess] {
        let mut kept = None;
        let with = measure(|| kept = Some(filled(size, storage, |_| HOUR)));
        let (world, cells, growth) = kept.expect("it was filled");
        let per = |bytes: i64| bytes as f64 / size as f64;
        let freed = measure(|| {
            for cell in &cells {
                world.shared.release(cell);
            }
            drop(cells);
        });
        let without = per(with.bytes_current + freed.bytes_current);
        let name = format!("{storage:?}");
        met &= told(&format!("memory, {name}, no handle"), without, "bytes", BYTES.0);
        met &= told(&format!("memory, {name}, a handle each"), per(with.bytes_current), "bytes", BYTES.1);
        met &= hold(&format!("sign-ins, {name}"), &growth);
    }
    met
}

/// A handle made and dropped, and one that is there asked for its header, each time of another account.
fn lookups(size: usize) -> bool {
    let (world, cells, _) = filled(size, Storage::None, |_| HOUR);
    let order = shuffled(size);
    let calls = order.len().min(200_000);
    let order = &order[..calls];
    let each = |begun: Duration| (cpu() - begun).as_secs_f64() * 1e9 / calls as f64;
    let headers: Vec<Box<(http::HeaderValue, u64)>> = cells
        .iter()
        .map(|cell| {
            let snapshot = cell.snapshot(&*world.clock).expect("a token");
            Box::new((snapshot.token().expect("a token").access_token().authorization(), 0))
        })
        .collect();
    let begun = cpu();
    order.iter().for_each(|place| drop(black_box(headers[*place].0.clone())));
    let slab = each(begun);
    println!("  {:<46} {slab:12.1} ns", "slab lookup (floor)");
    let begun = cpu();
    for place in order {
        let snapshot = cells[*place].snapshot(&*world.clock).expect("a token");
        drop(black_box(snapshot.token().expect("a token").authorization().clone()));
    }
    let mut met = told("header by handle", each(begun), "ns", 2.0 * slab);
    drop(headers);
    let keys: Vec<_> = order.iter().map(|place| key(*place)).collect();
    let begun = cpu();
    for key in &keys {
        let cell = world.shared.acquire(key).expect("room for a key");
        black_box(cell.snapshot(&*world.clock).expect("a token"));
        world.shared.release(&cell);
    }
    met &= told("a handle made and dropped, another there", each(begun), "ns", 1000.0);
    cells.iter().for_each(|cell| world.shared.release(cell));
    let begun = cpu();
    for key in &keys {
        let cell = world.shared.acquire(key).expect("room for a key");
        black_box(cell.snapshot(&*world.clock).expect("a token"));
        world.shared.release(&cell);
    }
    met &= told("the only handle made and dropped", each(begun), "ns", 2000.0);
    met
}

/// What finding the due ones costs each second, while tokens end over a whole day; none is used, so that none is renewed.
fn due(size: usize) -> bool {
    let lifetime = |number: usize| HOUR + Duration::from_secs(number as u64 * DAY / size as u64);
    let (mut world, _cells, _) = filled(size, Storage::None, lifetime);
    let mut polls = Longest::default();
    world.clock.pass(HOUR);
    world.poll(Warm::Used, &mut Longest::default());
    let seconds = 600;
    for _ in 0..seconds {
        world.clock.pass(SECOND);
        world.poll(Warm::Used, &mut polls);
    }
    let each = polls.sum().as_secs_f64() * 1e6 / f64::from(seconds);
    told("who is due, each second", each, "us", 20.0) & hold("who is due", &polls)
}

/// The end of an outage that has met every account.
fn outage(size: usize) -> bool {
    let (mut world, _cells, _) = filled(size, Storage::SingleProcess, |_| HOUR);
    world.clock.pass(HOUR);
    world.endpoint = Endpoint::Unreachable;
    let mut during = Longest::default();
    for _ in 0..20 {
        world.clock.pass(30 * SECOND);
        world.poll(Warm::All, &mut during);
    }
    world.endpoint = Endpoint::Up;
    let mut after = Longest::default();
    for _ in 0..20 {
        world.clock.pass(SECOND);
        world.poll(Warm::All, &mut after);
    }
    hold("an outage", &during) & hold("the end of an outage", &after)
}

fn replaced_client(size: usize) -> bool {
    let (mut world, cells, _) = filled(size, Storage::SingleProcess, |_| HOUR);
    let client = world.other_client();
    let mut longest = Longest::default();
    longest.of(|| world.shared.replace_client(client)).expect("a sound client");
    world.poll(Warm::All, &mut longest);
    for cell in cells.iter().take(1000) {
        drop(world.ask(cell, &mut longest));
    }
    let mut met = hold("a replaced client", &longest);
    // All refresh tokens are dead, as when the provider has lost its keys: the next client may try them again.
    world.endpoint = Endpoint::GrantDead;
    world.clock.pass(HOUR);
    for cell in cells.iter().take(500) {
        if let Told::Run(_, guard) = world.ask(cell, &mut longest) {
            world.run(guard, &mut longest);
        }
    }
    let (client, mut longest) = (world.other_client(), Longest::default());
    longest.of(|| world.shared.replace_client(client)).expect("a sound client");
    world.poll(Warm::All, &mut longest);
    met &= hold("a replaced client, 500 refused", &longest);
    met
}

/// A hundredth of the accounts was signed in while the store was down.
fn saving(size: usize) -> bool {
    let (mut world, _cells, _) = filled(size - size / 100, Storage::SingleProcess, |_| HOUR);
    world.store_is_down = true;
    let mut longest = Longest::default();
    let unsaved = world.populate(size - size / 100..size, |_| HOUR, &mut longest);
    let mut met = hold("sign-ins that are not saved", &longest);
    let mut longest = Longest::default();
    world.store_is_down = false;
    let before = cpu();
    let guards = world.shared.save_all();
    let each = (cpu() - before).as_secs_f64() * 1e6 / unsaved.len() as f64;
    println!("  {:<46} {each:12.1} us", "save_all, for each that is unsaved");
    assert_eq!(guards.len(), unsaved.len(), "what is unsaved is saved");
    guards.into_iter().for_each(|guard| world.run(guard, &mut longest));
    longest.of(|| assert!(world.shared.listen_while_busy().is_none(), "all is saved"));
    longest.of(|| assert!(world.shared.unfinished().is_empty(), "all is saved"));
    met &= hold("save_all", &longest);
    met
}

/// A capacity that is reached, where the first hundredth of the accounts cannot be evicted.
fn eviction(size: usize) -> bool {
    let policy = Policy::default().with_capacity(size).expect("a sound capacity");
    let mut world = World::new(Storage::SingleProcess, policy);
    let mut longest = Longest::default();
    world.store_is_down = true;
    let unsaved = world.populate(0..size / 100, |_| HOUR, &mut longest);
    unsaved.iter().for_each(|cell| world.shared.release(cell));
    world.store_is_down = false;
    for cell in world.populate(size / 100..size, |_| HOUR, &mut longest) {
        world.shared.release(&cell);
    }
    let mut longest = Longest::default();
    for number in size..size + 1000 {
        for cell in world.populate(number..number + 1, |_| HOUR, &mut longest) {
            longest.of(|| world.shared.release(&cell));
        }
    }
    hold("eviction", &longest)
}

/// Tokens that nobody uses are due, and stay so.
fn unused(size: usize) -> bool {
    let (mut world, _cells, _) = filled(size, Storage::None, |_| HOUR);
    world.clock.pass(HOUR);
    let mut first = Longest::default();
    world.poll(Warm::Used, &mut first);
    let mut later = Longest::default();
    for _ in 0..10 {
        world.clock.pass(30 * SECOND);
        world.poll(Warm::Used, &mut later);
    }
    hold("unused tokens are due", &first) & hold("unused tokens are due still", &later)
}

/// Tokens of an hour, all kept warm, with a limit of 600 requests a minute.
fn overload(size: usize) -> bool {
    let (mut world, _cells, _) = filled(size, Storage::None, |_| HOUR);
    world.clock.pass(HOUR);
    let (mut longest, begun) = (Longest::default(), world.clock.now().boot);
    world.poll(Warm::All, &mut longest);
    let seconds = 300_u32;
    let mut polls = Longest::default();
    for _ in 0..seconds {
        world.clock.pass(SECOND);
        world.poll(Warm::All, &mut polls);
    }
    let share = polls.sum().as_secs_f64() * 100.0 / f64::from(seconds);
    let passed = world.clock.now().boot.saturating_sub(begun);
    println!("  {:<46} {:12} in {} s", "overload, requests", world.requests, passed.as_secs());
    told("overload, of a core", share, "%", 1.0) & hold("overload", &polls)
}
