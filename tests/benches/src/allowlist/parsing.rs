//! Parsing `a.b.c.d/n`.

use std::hint::black_box;
use std::net::Ipv4Addr;

use cidr::Ipv4Cidr;
use ipnet::Ipv4Net;
use octo_auth_core::allowlist;

use super::floors;
use crate::chance::{self, Chance};
use crate::comparison::{Group, Kind};
use crate::turns::{Way, measure};

/// The count of rules parsed in a round.
const RULES: usize = 10_000;

/// A name, its kind, and a function that returns how many of the texts are valid.
type Reader = (&'static str, Kind, fn(&[String]) -> usize);

/// Each way to parse a rule.
const READERS: [Reader; 5] = [
    ("floor: one pass", Kind::Floor, |texts| read(texts, |text| floors::parse(text).is_some())),
    ("octo-auth", Kind::Ours, |texts| read(texts, |text| allowlist::parse(text).is_ok())),
    ("cidr", Kind::Peer, |texts| read(texts, |text| text.parse::<Ipv4Cidr>().is_ok())),
    ("std and a split", Kind::Plain, |texts| read(texts, |text| std_and_split(text).is_some())),
    ("ipnet", Kind::Peer, |texts| read(texts, |text| text.parse::<Ipv4Net>().is_ok())),
];

/// Measures every way.
pub(crate) fn measured(chance: &mut Chance, rounds: usize) -> Group {
    let carried = |rule: &Ipv4Net| !rule.addr().is_multicast();
    let rules = chance::rules(chance, 2 * RULES).into_iter().filter(carried).take(RULES);
    let texts: Vec<String> = rules.map(|rule| rule.to_string()).collect();
    let way = |(name, kind, sound): Reader| {
        let texts = &texts;
        Way::repeated(name, kind, texts.len() as u32, move |count| {
            let texts = &texts[..count as usize];
            assert_eq!(sound(black_box(texts)), texts.len(), "{name} refuses a sound rule");
        })
    };
    let rows = measure(rounds, READERS.into_iter().map(way).collect());
    Group::new("reading a.b.c.d/n", "ns", rows).at_most(1.5, "floor: one pass")
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
