//! Work whose instructions are counted, so that a slow-down is detected even on a busy machine.
//!
//! Without an argument it prints the names of all benchmarks. With the name of one it prepares [`ROUNDS`] rounds and
//! runs them in [`counted_rounds`], where callgrind counts; `cargo xtask instructions` starts it. With `--slower` after
//! the name it runs a fifth more rounds than it reports: a slow-down that must be detected.
//!
//! Each benchmark checks its results, so that a failure is never measured.

#![expect(clippy::print_stdout, reason = "a command speaks on its standard streams")]

mod cached;
mod machine;
mod texts;

use std::env;
use std::hint::black_box;

type Error = Box<dyn std::error::Error>;

/// The count of measured rounds.
const ROUNDS: usize = 1000;

/// The count of rounds with `--slower`.
const SLOWER_ROUNDS: usize = 1200;

/// One round: a function that gets its number and does the work once.
type Round = Box<dyn FnMut(usize)>;

/// Prepares this count of rounds of a benchmark.
type Prepare = fn(usize) -> Result<Round, Error>;

const BENCHMARKS: [(&str, Prepare); 13] = [
    ("cached-header-async", cached::header_async),
    ("cached-header-blocking", cached::header_blocking),
    ("cached-read-in-place-async", cached::in_place_async),
    ("cached-read-in-place-blocking", cached::in_place_blocking),
    ("answer-octorate", texts::octorate),
    ("answer-octotable", texts::octotable),
    ("answer-officernd", texts::officernd),
    ("exchange-client-credentials", texts::client_credentials),
    ("exchange-refresh", texts::refresh),
    ("cold-decision", machine::cold),
    ("allowlist-16-rules", machine::few_rules),
    ("allowlist-1000-rules", machine::many_rules),
    ("allowlist-rule-read", machine::rule),
];

fn main() -> Result<(), Error> {
    let mut arguments = env::args().skip(1);
    let Some(name) = arguments.next() else {
        BENCHMARKS.iter().for_each(|(name, _)| println!("{name}"));
        return Ok(());
    };
    let known = BENCHMARKS.iter().find(|(known, _)| *known == name);
    let (_, prepare) = known.ok_or_else(|| format!("there is no benchmark `{name}`"))?;
    let count = match arguments.next().as_deref() {
        Some("--slower") => SLOWER_ROUNDS,
        _ => ROUNDS,
    };
    // The first round warms up, so that one-time work is not counted.
    let mut round = prepare(count + 1)?;
    round(count);
    counted_rounds(&mut *round, count);
    println!("{ROUNDS}");
    Ok(())
}

/// Runs the rounds. Callgrind finds this function by its name.
#[inline(never)]
fn counted_rounds(round: &mut dyn FnMut(usize), count: usize) {
    for number in 0..count {
        round(black_box(number));
    }
}
