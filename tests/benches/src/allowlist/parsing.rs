//! Reading `a.b.c.d/n`.

use std::hint::black_box;
use std::net::Ipv4Addr;
use std::time::Instant;

use cidr::Ipv4Cidr;
use ipnet::Ipv4Net;
use octo_auth_core::allowlist;

use crate::chance::{self, Chance};
use crate::floors;
use crate::subject::{median, nanoseconds};

/// How many rules are read in a round.
const RULES: usize = 10_000;

const ROUNDS: usize = 41;

/// A name and how many of the texts are sound that way.
type Way = (&'static str, fn(&[String]) -> usize);

/// Each way to read a rule, floor first, ours next.
const WAYS: [Way; 5] = [
    ("floor: one pass", |texts| read(texts, |text| floors::parse(text).is_some())),
    ("octo-auth", |texts| read(texts, |text| allowlist::parse(text).is_ok())),
    ("cidr", |texts| read(texts, |text| text.parse::<Ipv4Cidr>().is_ok())),
    ("std and a split", |texts| read(texts, |text| std_and_split(text).is_some())),
    ("ipnet", |texts| read(texts, |text| text.parse::<Ipv4Net>().is_ok())),
];

/// Measures every way and says which targets are missed.
pub(crate) fn measured(chance: &mut Chance) -> Vec<String> {
    let carried = |rule: &Ipv4Net| !rule.addr().is_multicast();
    let rules = chance::rules(chance, 2 * RULES).into_iter().filter(carried).take(RULES);
    let texts: Vec<String> = rules.map(|rule| rule.to_string()).collect();
    let mut times = vec![Vec::new(); WAYS.len()];
    for _ in 0..ROUNDS {
        for ((name, way), times) in WAYS.iter().zip(&mut times) {
            let begun = Instant::now();
            let sound = way(black_box(&texts));
            times.push(nanoseconds(begun) / texts.len() as f64);
            assert_eq!(sound, texts.len(), "{name} refuses a sound rule");
        }
    }
    let times: Vec<f64> = times.iter_mut().map(|times| median(times)).collect();
    println!("\nreading a.b.c.d/n          ns  (x floor)");
    for ((name, _), time) in WAYS.iter().zip(&times) {
        println!("{name:<22} {time:>6.1} {:>10.2}", time / times[0]);
    }
    if times[1] <= 1.5 * times[0] {
        return Vec::new();
    }
    vec![format!("reading a rule {:.1}, at most {:.1}", times[1], 1.5 * times[0])]
}

#[inline(never)]
fn read(texts: &[String], is_sound: impl Fn(&str) -> bool) -> usize {
    texts.iter().filter(|text| is_sound(text)).count()
}

fn std_and_split(text: &str) -> Option<(Ipv4Addr, u8)> {
    let (address, length) = text.split_once('/')?;
    let length = length.parse().ok().filter(|length| *length <= 32)?;
    Some((address.parse().ok()?, length))
}
