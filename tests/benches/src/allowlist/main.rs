//! Lists of addresses: what a lookup, a rule's memory and its building cost, beside the floors and what others publish.
//!
//! Medians of several rounds, all taking turns, so that a change of the machine's speed meets everyone. A seed may be
//! given as the argument.

mod chance;
mod floors;
mod parsing;
mod peers;
mod subject;

use std::hint::black_box;
use std::net::Ipv4Addr;
use std::time::Instant;

use ipnet::Ipv4Net;

use chance::Chance;
use subject::{Built, Subject, built, median, nanoseconds};

/// How many rules the lists have.
const SIZES: [usize; 5] = [1, 16, 1000, 100_000, 1_000_000];

/// How many addresses are asked about in a round.
const QUESTIONS: usize = 1 << 16;

/// How many rules those look at together in a round that look at every one.
const LOOKS: usize = 1 << 22;

/// How many rounds are measured.
const ROUNDS: usize = 21;

/// How often a list is built, and the most rules that are built together.
const BUILDS: usize = 5;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let seed = match std::env::args().nth(1) {
        Some(seed) => seed.parse()?,
        None => 7,
    };
    println!("seed {seed}, {QUESTIONS} addresses a round, {ROUNDS} rounds");
    let mut missed = Vec::new();
    for size in SIZES {
        let mut chance = Chance::new(seed ^ size as u64);
        let rules = chance::rules(&mut chance, size);
        let rows = measured(&mut chance, &rules);
        tell(size, &rows);
        missed.extend(misses(size, &rows));
    }
    missed.extend(parsing::measured(&mut Chance::new(seed)));
    missed.iter().for_each(|missed| println!("MISSED: {missed}"));
    if !missed.is_empty() {
        std::process::exit(1);
    }
    println!("every target is met");
    Ok(())
}

/// Nanoseconds of one list: of each round a lookup, of each building a rule.
#[derive(Clone, Default)]
struct Times {
    hits: Vec<f64>,
    misses: Vec<f64>,
    builds: Vec<f64>,
}

/// The medians of one list: nanoseconds a lookup, bytes a rule, nanoseconds a rule.
struct Row {
    name: &'static str,
    hit: f64,
    miss: f64,
    bytes: f64,
    build: f64,
}

fn measured(chance: &mut Chance, rules: &[Ipv4Net]) -> Vec<Row> {
    let truth = floors::TopTable::build(rules);
    let (hits, misses) = chance::questions(chance, rules, QUESTIONS, |address| truth.holds(address));
    let lists = everyone(rules);
    let few = (LOOKS / rules.len()).clamp(8, QUESTIONS);
    let mut times = vec![Times::default(); lists.len()];
    for _ in 0..=ROUNDS {
        for (list, times) in lists.iter().zip(&mut times) {
            let count = if list.scans() { few } else { QUESTIONS };
            times.hits.push(lookup(list.as_ref(), &hits[..count], count));
            times.misses.push(lookup(list.as_ref(), &misses[..count], 0));
        }
    }
    for _ in 0..BUILDS.max((1 << 14) / rules.len()) {
        for (list, times) in lists.iter().zip(&mut times) {
            times.builds.push(list.build(rules) / rules.len() as f64);
        }
    }
    let row = |list: &dyn Built, times: &mut Times| Row {
        name: list.name(),
        // The first round only warms up.
        hit: median(&mut times.hits[1..]),
        miss: median(&mut times.misses[1..]),
        bytes: list.bytes() / rules.len() as f64,
        build: median(&mut times.builds),
    };
    lists.iter().zip(&mut times).map(|(list, times)| row(list.as_ref(), times)).collect()
}

/// The time of one lookup; every list must give the same answers.
fn lookup(list: &dyn Built, addresses: &[Ipv4Addr], permitted: usize) -> f64 {
    let begun = Instant::now();
    let count = list.count(black_box(addresses));
    let took = nanoseconds(begun);
    assert_eq!(count, permitted, "{} answers otherwise", list.name());
    took / addresses.len() as f64
}

fn everyone(rules: &[Ipv4Net]) -> Vec<Box<dyn Built>> {
    vec![
        built::<floors::Scan>(rules),
        built::<floors::Ranges>(rules),
        built::<floors::TopTable>(rules),
        built::<peers::Ours>(rules),
        built::<peers::IpnetScan>(rules),
        built::<peers::CidrScan>(rules),
        built::<peers::PrefixTrie>(rules),
        built::<peers::Blaze>(rules),
        built::<peers::Range>(rules),
        built::<peers::NetworkTable>(rules),
        built::<peers::Treebitmap>(rules),
        built::<peers::Trie>(rules),
        built::<peers::Rangemap>(rules),
    ]
}

/// How many floors stand before ours.
const FLOORS: usize = 3;

fn tell(size: usize, rows: &[Row]) {
    let ours = &rows[FLOORS];
    println!("\n{size} rules               hit ns  (x ours)   miss ns  (x ours)   bytes/rule  build ns/rule");
    for row in rows {
        println!(
            "{:<24} {:>9.2} {:>9.2} {:>9.2} {:>9.2} {:>12.1} {:>14.1}",
            row.name,
            row.hit,
            row.hit / ours.hit,
            row.miss,
            row.miss / ours.miss,
            row.bytes,
            row.build
        );
    }
}

/// The targets that a size misses.
fn misses(size: usize, rows: &[Row]) -> Vec<String> {
    let (floors, rest) = rows.split_at(FLOORS);
    let Some((ours, peers)) = rest.split_first() else { return vec!["nothing was measured".to_owned()] };
    let (most, floors) = if size <= 16 { (1.1, &floors[..2]) } else { (1.2, &floors[2..]) };
    let best = |rows: &[Row], of: fn(&Row) -> f64| rows.iter().map(of).fold(f64::INFINITY, f64::min);
    let mut missed = Vec::new();
    let mut bound = |what: &str, seen: f64, limit: f64| {
        if seen > limit {
            missed.push(format!("{size} rules: {what} {seen:.2}, at most {limit:.2}"));
        }
    };
    bound("hit", ours.hit, most * best(floors, |row| row.hit));
    bound("miss", ours.miss, most * best(floors, |row| row.miss));
    bound("hit, beside the best peer", ours.hit, best(peers, |row| row.hit));
    bound("miss, beside the best peer", ours.miss, best(peers, |row| row.miss));
    if size >= 1000 {
        bound("building a rule", ours.build, 60.0);
    }
    if size >= 100_000 {
        bound("bytes a rule", ours.bytes, 12.0);
    }
    missed
}
