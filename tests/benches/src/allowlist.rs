//! Address lists: the costs of a lookup, of a rule's memory and of building, compared with the floors and with other
//! libraries.

mod floors;
mod parsing;
mod peers;
mod subject;

use std::hint::black_box;
use std::net::Ipv4Addr;

use anyhow::Result;
use ipnet::Ipv4Net;

use crate::Options;
use crate::chance::{self, Chance};
use crate::comparison::{Comparison, Group, Kind, Row};
use crate::turns::{median, own_cpu};
use subject::{Built, Subject, built};

/// The counts of rules in the lists.
const SIZES: [usize; 5] = [1, 16, 1000, 100_000, 1_000_000];

/// The count of rules that a scanning list examines in total in one round.
const LOOKS: usize = 1 << 22;

/// How often a list is built, and the limit of rules that are built in total.
const BUILDS: usize = 5;

pub(crate) fn compare(options: &Options) -> Result<Comparison> {
    let mut groups = Vec::new();
    for size in &SIZES[..options.choose(SIZES.len(), 4)] {
        let mut chance = Chance::new(options.seed ^ *size as u64);
        let rules = chance::rules(&mut chance, *size);
        groups.extend(measured(&mut chance, &rules, options));
    }
    groups.push(parsing::measured(&mut Chance::new(options.seed), options.choose(41, 9)));
    // A list of a thousand rules is typical, so it comes first.
    groups.sort_by_key(|group| !group.is_plotted);
    Ok(Comparison {
        name: "allowlist".to_owned(),
        title: "May this address call? Lookups in lists of 1 to 1,000,000 IPv4 rules".to_owned(),
        about: "Random rules as lists have them; everyone is asked about the same addresses, in the way that is fastest \
            for it, and must give the same answers. The floors are written by hand: every rule in its turn, sorted ranges, \
            sorted ranges behind a table over the first 16 bits. Less is better."
            .to_owned(),
        groups,
        growths: Vec::new(),
        left_out: Vec::new(),
    })
}

/// The times of one list, in nanoseconds: per lookup for each round, and per rule for each build.
#[derive(Clone, Default)]
struct Times {
    hits: Vec<f64>,
    misses: Vec<f64>,
    builds: Vec<f64>,
}

fn measured(chance: &mut Chance, rules: &[Ipv4Net], options: &Options) -> Vec<Group> {
    let truth = floors::TopTable::build(rules);
    let (asked, rounds) = (options.choose(1 << 16, 1 << 12), options.choose(21, 3));
    let (hits, misses) = chance::questions(chance, rules, asked, |address| truth.holds(address));
    let lists = everyone(rules);
    let few = (LOOKS / rules.len()).clamp(8, asked);
    let mut times = vec![Times::default(); lists.len()];
    for _ in 0..=rounds {
        for (list, times) in lists.iter().zip(&mut times) {
            let count = if list.scans() { few } else { asked };
            times.hits.push(lookup(list.as_ref(), &hits[..count], count));
            times.misses.push(lookup(list.as_ref(), &misses[..count], 0));
        }
    }
    for _ in 0..options.choose(BUILDS.max((1 << 14) / rules.len()), 1) {
        for (list, times) in lists.iter().zip(&mut times) {
            times.builds.push(list.build(rules) / rules.len() as f64);
        }
    }
    let rows = |value: &dyn Fn(&dyn Built, &mut Times) -> f64, times: &mut [Times]| -> Vec<Row> {
        let rows = lists.iter().zip(times).map(|(list, times)| Row {
            name: list.name().to_owned(),
            kind: list.kind(),
            value: value(list.as_ref(), times),
            allocations: None,
        });
        rows.collect()
    };
    let count = crate::comparison::number(rules.len() as f64);
    let group = |what: &str, unit: &str, rows| Group::new(&format!("{what}, {count} rules"), unit, rows);
    // The first round is a warm-up.
    let hit = group(
        "an address that is permitted",
        "ns",
        rows(&|_, times| median(&mut times.hits[1..]), &mut times),
    );
    let miss =
        group("an address that is not", "ns", rows(&|_, times| median(&mut times.misses[1..]), &mut times));
    let size = rules.len();
    let bytes = group("memory of a rule", "bytes", rows(&|list, _| list.bytes() / size as f64, &mut times));
    let build = group("building a rule", "ns", rows(&|_, times| median(&mut times.builds), &mut times));
    bounded(size, [hit, miss, bytes, build])
}

/// Sets the targets of a size.
fn bounded(size: usize, [hit, miss, bytes, build]: [Group; 4]) -> Vec<Group> {
    let lookup = |group: Group| {
        let names =
            if size <= 16 { ["floor: scan", "floor: ranges"] } else { ["floor: 16-bit top table"; 2] };
        let of = |name: &str| group.value(name).unwrap_or(f64::INFINITY);
        let better = if of(names[0]) <= of(names[1]) { names[0] } else { names[1] };
        group.at_most(if size <= 16 { 1.1 } else { 1.2 }, better).ahead_of_peers(1.0)
    };
    let (mut hit, miss) = (lookup(hit), lookup(miss));
    hit.is_plotted = size == 1000;
    let bytes = if size >= 100_000 { bytes.within(12.0) } else { bytes };
    let build = if size >= 1000 { build.within(60.0) } else { build };
    vec![hit, miss, bytes, build]
}

/// Returns the time of one lookup. Every list must give the same answers.
fn lookup(list: &dyn Built, addresses: &[Ipv4Addr], permitted: usize) -> f64 {
    let begun = own_cpu();
    let count = list.count(black_box(addresses));
    let took = own_cpu() - begun;
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

impl dyn Built {
    /// Returns the kind of a list by its name.
    fn kind(&self) -> Kind {
        match self.name() {
            "octo-auth" => Kind::Ours,
            name if name.starts_with("floor") => Kind::Floor,
            _ => Kind::Peer,
        }
    }
}
