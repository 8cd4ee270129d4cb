//! The rows: which accounts fail, how, and the result.

use std::time::Duration;

use octo_auth_testkit::blame::{HEALTHY, Kind, SimulationCounts, run};

/// The counts of failing accounts.
const BAD: [usize; 3] = [1, 5, 50];

/// Prints all rows. Returns whether no call of a healthy account was denied while few accounts failed.
pub(super) fn print(seed: u64) -> bool {
    println!("six simulated hours, {HEALTHY} healthy accounts, seed {seed}; times in seconds\n");
    let is_sound = print_some(seed);
    println!("\nall accounts fail for 30 minutes\n");
    print_all(seed);
    is_sound
}

/// Prints the rows in which few accounts fail all the time. Returns whether no healthy call was denied.
fn print_some(seed: u64) -> bool {
    println!(
        "{:<22} {:>3} {:>7} {:>7} {:>9} {:>8} {:>9} {:>7} {:>8} {:>8}",
        "the bad accounts get",
        "bad",
        "calls",
        "denied",
        "outage",
        "slowest",
        "requests",
        "busiest",
        "for bad",
        "denied"
    );
    println!(
        "{:<22} {:>3} {:>7} {:>7} {:>9} {:>8} {:>9} {:>7} {:>8} {:>8}",
        "", "", "healthy", "healthy", "longest", "call", "", "60 s", "", "bad"
    );
    let mut is_sound = true;
    for kind in Kind::all().filter(|kind| !kind.is_of_all()) {
        for bad in BAD {
            let outcome = run(bad, kind, seed);
            is_sound &= outcome.denied == 0;
            let SimulationCounts {
                calls,
                denied,
                requests,
                requests_for_bad,
                busiest_minute,
                denied_bad,
                ..
            } = outcome;
            let (longest, slowest) = (seconds(outcome.longest_outage), seconds(outcome.slowest_call));
            println!(
                "{:<22} {bad:>3} {calls:>7} {denied:>7} {longest:>9} {slowest:>8} {requests:>9} \
                 {busiest_minute:>7} {requests_for_bad:>8} {denied_bad:>8}",
                kind.name()
            );
        }
    }
    is_sound
}

/// Prints the rows in which all accounts fail temporarily.
fn print_all(seed: u64) {
    let bad = BAD[BAD.len() - 1];
    println!(
        "{:<22} {:>8} {:>7} {:>9} {:>8} {:>8} {:>8} {:>9} {:>8} {:>7}",
        "all accounts get",
        "accounts",
        "calls",
        "requests",
        "busiest",
        "denied",
        "denied",
        "recovered",
        "slowest",
        "all"
    );
    println!(
        "{:<22} {:>8} {:>7} {:>9} {:>8} {:>8} {:>8} {:>9} {:>8} {:>7}",
        "", "", "", "in outage", "60 s", "in it", "after", "after", "call", "requests"
    );
    for kind in Kind::all().filter(|kind| kind.is_of_all()) {
        let outcome = run(bad, kind, seed);
        let SimulationCounts {
            calls,
            denied,
            denied_in_outage,
            requests,
            requests_in_outage,
            busiest_minute,
            ..
        } = outcome;
        let (recovery, slowest) = (seconds(outcome.recovery), seconds(outcome.slowest_call));
        println!(
            "{:<22} {:>8} {calls:>7} {requests_in_outage:>9} {busiest_minute:>8} {denied_in_outage:>8} {denied:>8} \
             {recovery:>9} {slowest:>8} {requests:>7}",
            kind.name(),
            HEALTHY + bad
        );
    }
}

fn seconds(duration: Duration) -> String {
    format!("{:.1}", duration.as_secs_f64())
}
