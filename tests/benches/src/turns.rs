//! The method of measurement: in turns, so that a change of the machine's speed affects all equally, with medians of
//! all rounds.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use rustix::time::{ClockId, clock_gettime};

use crate::comparison::{Kind, Row};

/// One way to do the work. A round of it returns the cost of one piece.
pub(crate) struct Way<'a> {
    name: String,
    kind: Kind,
    round: Box<dyn FnMut() -> f64 + 'a>,
    /// Allocations of one piece, if they are counted.
    pub(crate) allocations: Option<f64>,
}

impl<'a> Way<'a> {
    pub(crate) fn new(name: &str, kind: Kind, round: impl FnMut() -> f64 + 'a) -> Self {
        Self { name: name.to_owned(), kind, round: Box::new(round), allocations: None }
    }

    /// Creates a way that does many pieces in a row, with the CPU time of this thread in nanoseconds and allocations
    /// for one piece.
    pub(crate) fn repeated(name: &str, kind: Kind, pieces: u32, run: impl Fn(u32) + 'a) -> Self {
        // The first pieces may fill caches.
        run(pieces.min(10));
        let allocations = allocations(pieces.min(1000), &run);
        let round = move || {
            let begun = own_cpu();
            run(pieces);
            (own_cpu() - begun) / f64::from(pieces)
        };
        Self { allocations: Some(allocations), ..Self::new(name, kind, round) }
    }

    /// The same with the CPU time of all threads of this process, in microseconds.
    pub(crate) fn on_cpu(name: &str, kind: Kind, pieces: u32, run: impl Fn(u32) + 'a) -> Self {
        run(pieces.min(10));
        let allocations = allocations(pieces.min(100), &run);
        let round = move || {
            let begun = cpu();
            run(pieces);
            (cpu() - begun) / 1000.0 / f64::from(pieces)
        };
        Self { allocations: Some(allocations), ..Self::new(name, kind, round) }
    }
}

/// Runs all ways in turns, after one turn to warm up.
pub(crate) fn measure(rounds: usize, ways: Vec<Way<'_>>) -> Vec<Row> {
    let mut ways: Vec<(Way<'_>, Vec<f64>)> = ways.into_iter().map(|way| (way, Vec::new())).collect();
    for _ in 0..=rounds {
        for (way, values) in &mut ways {
            values.push((way.round)());
        }
    }
    let row = |(way, mut values): (Way<'_>, Vec<f64>)| Row {
        value: median(&mut values[1..]),
        name: way.name,
        kind: way.kind,
        allocations: way.allocations,
    };
    ways.into_iter().map(row).collect()
}

/// Returns the median.
pub(crate) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Returns the allocations of one piece of work on this thread.
fn allocations(pieces: u32, run: impl Fn(u32)) -> f64 {
    allocation_counter::measure(|| run(pieces)).count_total as f64 / f64::from(pieces)
}

/// Returns the CPU time of this thread in nanoseconds. Other programs on the machine affect it less than the wall
/// clock.
pub(crate) fn own_cpu() -> f64 {
    nanoseconds(ClockId::ThreadCPUTime)
}

/// Returns the CPU time of all threads of this process in nanoseconds.
pub(crate) fn cpu() -> f64 {
    nanoseconds(ClockId::ProcessCPUTime)
}

fn nanoseconds(clock: ClockId) -> f64 {
    let time = clock_gettime(clock);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

/// Polls a future that is ready at once.
#[inline(always)]
pub(crate) fn at_once<F: Future>(future: F) -> F::Output {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(future).poll(&mut context) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the answer should be there at once"),
    }
}
