//! The rows: which accounts fail, how, and what came of it.

use std::time::Duration;

use octo_auth_testkit::blame::{HEALTHY, Kind, run};

/// How many accounts fail.
const BAD: [usize; 3] = [1, 5, 50];

/// Prints all rows; the answer is whether, while few accounts failed, no call of a healthy one was denied.
pub(super) fn print(seed: u64) -> bool {
    println!("six simulated hours, {HEALTHY} healthy accounts, seed {seed}; times in seconds\n");
    let is_sound = print_some(seed);
    println!("\nall accounts fail for 30 minutes\n");
    print_all(seed);
    is_sound
}

/// Prints the rows in which few accounts fail all the time; the answer is whether no healthy call was denied.
fn print_some(seed: u64) -> bool {
    line("", ["", "healthy", "healthy", "longest", "slowest", "", "busiest", "for", "bad"]);
    line(
        "bad accounts get",
        ["bad", "calls", "denied", "outage", "call", "requests", "60 s", "bad", "denied"],
    );
    let mut is_sound = true;
    for kind in Kind::all().filter(|kind| !kind.is_of_all()) {
        for bad in BAD {
            let outcome = run(bad, kind, seed);
            is_sound &= outcome.denied == 0;
            let cells = [
                bad.to_string(),
                outcome.calls.to_string(),
                outcome.denied.to_string(),
                seconds(outcome.longest_outage),
                seconds(outcome.slowest_call),
                outcome.requests.to_string(),
                outcome.busiest_minute.to_string(),
                outcome.requests_for_bad.to_string(),
                outcome.denied_bad.to_string(),
            ];
            line(kind.name(), cells.each_ref().map(String::as_str));
        }
    }
    is_sound
}

/// Prints the rows in which all accounts fail for a while.
fn print_all(seed: u64) {
    let bad = BAD[BAD.len() - 1];
    line("", ["", "", "denied", "denied", "recovered", "slowest", "", "busiest", "requests"]);
    line("all get", ["accounts", "calls", "in it", "else", "after", "call", "requests", "60 s", "in it"]);
    for kind in Kind::all().filter(|kind| kind.is_of_all()) {
        let outcome = run(bad, kind, seed);
        let cells = [
            (HEALTHY + bad).to_string(),
            outcome.calls.to_string(),
            outcome.denied_in_outage.to_string(),
            outcome.denied.to_string(),
            seconds(outcome.recovery),
            seconds(outcome.slowest_call),
            outcome.requests.to_string(),
            outcome.busiest_minute.to_string(),
            outcome.requests_in_outage.to_string(),
        ];
        line(kind.name(), cells.each_ref().map(String::as_str));
    }
}

fn line(first: &str, cells: [&str; 9]) {
    let cells: String = cells.map(|cell| format!(" {cell:>9}")).concat();
    println!("{first:<20}{cells}");
}

fn seconds(duration: Duration) -> String {
    format!("{:.1}", duration.as_secs_f64())
}
