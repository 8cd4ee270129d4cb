//! A token that is already there: what handing it out costs, beside the floor.
//!
//! Medians of several rounds, floor and ours taking turns, so that a change of the machine's speed meets both.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use http::HeaderValue;
use octo_auth_async::{AccessToken, Accounts, Adopted, Client, Failure, Key, Profile, TokenSet, Tokens};
use octo_auth_system::{Clock, SystemClock};

/// How often each way is taken in a round.
const CALLS: u32 = 200_000;

/// How often a way is taken when its instructions are counted.
const INSTRUCTIONS: u32 = 10_000;

/// How many rounds are measured.
const ROUNDS: usize = 31;

/// The most a way may cost, as a multiple of its floor.
const TARGET: f64 = 1.1;

/// What nobody can do without.
struct Floor {
    snapshot: ArcSwap<(HeaderValue, Instant)>,
}

impl Floor {
    #[inline(never)]
    fn header(&self) -> HeaderValue {
        let snapshot = self.snapshot.load();
        assert!(Instant::now() < snapshot.1);
        snapshot.0.clone()
    }

    /// The same where it has to be awaited.
    async fn header_awaited(&self) -> HeaderValue {
        self.header()
    }

    #[inline(never)]
    fn borrowed(&self) -> usize {
        let snapshot = self.snapshot.load();
        assert!(SystemClock.boot() > Duration::ZERO);
        snapshot.0.len()
    }
}

/// The ways that are compared, each with its name, floor first.
type Way<'a> = (&'static str, &'a (dyn Fn(u32) + Sync));

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let profile = Profile::rfc6749("https://login.example/token")?;
    let token = AccessToken::new("a".repeat(256)).ok_or("a token")?;
    let tokens =
        TokenSet::restore(&profile, token, SystemClock.now().wall, Some(Duration::from_secs(86_400)), None);
    let accounts = Accounts::new(Client::new(profile.clone(), "id", "secret")?)?;
    let ours = accounts.tokens(Key::account("bench"))?;
    runtime.block_on(ours.adopt(Adopted::Tokens(tokens.clone())))?;
    let blocking = octo_auth_blocking::Accounts::new(Client::new(profile, "id", "secret")?)?;
    let blocking = blocking.tokens(Key::account("bench"))?;
    blocking.adopt(Adopted::Tokens(tokens.clone()))?;
    let end = Instant::now() + Duration::from_secs(86_400);
    let floor = Arc::new(Floor { snapshot: ArcSwap::from_pointee((tokens.authorization(), end)) });

    // For a count of instructions: run once with each word under callgrind and subtract what `nothing` takes.
    match std::env::args().nth(1).as_deref() {
        None => {}
        Some("floor") => return Ok(repeat(INSTRUCTIONS, || drop(black_box(floor.header())))),
        Some("blocking") => return Ok(repeat(INSTRUCTIONS, || drop(black_box(blocking_header(&blocking))))),
        Some("async") => return Ok(futures(INSTRUCTIONS, &ours)),
        Some(_) => return Ok(()),
    }
    let by_floor = |calls| repeat(calls, || drop(black_box(floor.header())));
    let by_async = |calls| futures(calls, &ours);
    let by_blocking = |calls| repeat(calls, || drop(black_box(blocking_header(&blocking))));
    let borrowed_floor = |calls| {
        repeat(calls, || {
            black_box(floor.borrowed());
        })
    };
    let borrowed = |calls| repeat(calls, || drop(black_box(blocking.with_header(HeaderValue::len))));
    let borrowed_async = |calls| futures_borrowed(calls, &ours);

    let mut met = true;
    let header: [Way<'_>; 3] = [("floor", &by_floor), ("async", &by_async), ("blocking", &by_blocking)];
    met &= compare("header value, alone", &header, 1);
    met &= compare("header value, 8 threads", &header, 8);
    let read: [Way<'_>; 3] =
        [("floor", &borrowed_floor), ("async", &borrowed_async), ("blocking", &borrowed)];
    met &= compare("read in place, alone", &read, 1);
    met &= compare("read in place, 8 threads", &read, 8);
    met &= tasks(&runtime, &floor, &ours);
    met &= allocations(&header) & allocations(&read);
    if !met {
        std::process::exit(1);
    }
    Ok(())
}

#[inline(never)]
fn blocking_header(tokens: &octo_auth_blocking::Tokens) -> Result<HeaderValue, Failure> {
    tokens.header()
}

fn repeat(calls: u32, way: impl Fn()) {
    (0..calls).for_each(|_| way());
}

/// Asks an async handle whose answer is there, as an executor would.
fn futures(calls: u32, tokens: &Tokens) {
    repeat(calls, || at_once(tokens.header()));
}

fn futures_borrowed(calls: u32, tokens: &Tokens) {
    repeat(calls, || at_once(tokens.with_header(HeaderValue::len)));
}

/// Polls a future that is ready at once.
#[inline(always)]
fn at_once<F: Future>(future: F) {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let output = std::pin::pin!(future).poll(&mut context);
    assert!(black_box(&output).is_ready());
}

/// Measures the ways in turns and prints each beside the first; the answer is whether the target is met.
fn compare(what: &str, ways: &[Way<'_>], threads: u32) -> bool {
    let mut rounds: Vec<Vec<f64>> = vec![Vec::new(); ways.len()];
    for _ in 0..ROUNDS {
        for ((_, way), times) in ways.iter().zip(&mut rounds) {
            times.push(measured(*way, threads));
        }
    }
    tell(what, &ways.iter().map(|(name, _)| *name).collect::<Vec<_>>(), rounds)
}

/// The time of one call in nanoseconds of one thread's turn.
fn measured(way: &(dyn Fn(u32) + Sync), threads: u32) -> f64 {
    let calls = CALLS / threads;
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(|| way(calls));
        }
        way(calls);
    });
    (Instant::now() - begun).as_secs_f64() * 1e9 / f64::from(calls * threads)
}

fn tell(what: &str, names: &[&str], mut rounds: Vec<Vec<f64>>) -> bool {
    println!("{what}:");
    let mut floor = 0.0;
    let mut met = true;
    for (name, times) in names.iter().zip(&mut rounds) {
        times.sort_by(f64::total_cmp);
        let median = times[times.len() / 2];
        floor = if floor == 0.0 { median } else { floor };
        let ratio = median / floor;
        met &= ratio <= TARGET;
        println!(
            "  {name:<10} {median:7.1} ns   {ratio:5.2} x floor{}",
            if ratio <= TARGET { "" } else { "   MISSED" }
        );
    }
    met
}

/// 64 tasks on a runtime, each asking as often as its share.
fn tasks(runtime: &tokio::runtime::Runtime, floor: &Arc<Floor>, ours: &Tokens) -> bool {
    const TASKS: u32 = 64;
    let share = 4 * CALLS / TASKS;
    let mut rounds = vec![Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        runtime.block_on(async {
            let own = |_| {
                let floor = floor.clone();
                tokio::spawn(async move {
                    for _ in 0..share {
                        drop(black_box(floor.header_awaited().await));
                    }
                })
            };
            for task in (0..TASKS).map(own).collect::<Vec<_>>() {
                let _ = task.await;
            }
        });
        rounds[0].push((Instant::now() - begun).as_secs_f64() * 1e9 / f64::from(share * TASKS));
        let begun = Instant::now();
        runtime.block_on(async {
            let own = |_| {
                let ours = ours.clone();
                tokio::spawn(async move {
                    for _ in 0..share {
                        drop(black_box(ours.header().await));
                    }
                })
            };
            for task in (0..TASKS).map(own).collect::<Vec<_>>() {
                let _ = task.await;
            }
        });
        rounds[1].push((Instant::now() - begun).as_secs_f64() * 1e9 / f64::from(share * TASKS));
    }
    tell("header value, 64 tasks", &["floor", "async"], rounds)
}

/// Whether none of the ways allocates.
fn allocations(ways: &[Way<'_>]) -> bool {
    let mut none = true;
    for (name, way) in ways {
        let made = allocation_counter::measure(|| way(1000)).count_total;
        println!("allocations in 1000 calls, {name}: {made}");
        none &= made == 0;
    }
    none
}
