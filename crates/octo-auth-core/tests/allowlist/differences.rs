//! Differences from `std`, `ipnet` and `cidr` in reading a rule or matching an address, each with its reason.
//!
//! A difference that is not listed fails the test, and so does a listed one that never occurs. A new version of a
//! crate that reads differently is therefore noticed.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use cidr::IpCidr;
use ipnet::IpNet;
use octo_auth_core::allowlist::{Allowlist, RuleOptions, parse, parse_rule};
use proptest::prelude::*;

/// The crates with which the rules are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Peer {
    /// Single addresses only: `std` has no blocks.
    Std,
    /// Blocks only. Its addresses are those of `std`.
    Ipnet,
    /// Blocks and single addresses.
    Cidr,
}

use Peer::{Cidr, Ipnet, Std};

const PEERS: [Peer; 3] = [Std, Ipnet, Cidr];

/// An intended difference.
struct Listed {
    /// The code of the refusal, or `mapped` if both accept the text.
    kind: &'static str,
    /// The crates that differ.
    peers: &'static [Peer],
    /// A condition on the texts, if the kind alone is not specific enough.
    of: fn(&str) -> bool,
    /// Why this library differs.
    reason: &'static str,
}

const fn listed(
    kind: &'static str,
    peers: &'static [Peer],
    of: fn(&str) -> bool,
    reason: &'static str,
) -> Listed {
    Listed { kind, peers, of, reason }
}

const ANY: fn(&str) -> bool = |_| true;

const READING: [Listed; 13] = [
    listed(
        "mapped",
        &PEERS,
        |text| text.starts_with("::") && text.to_lowercase().contains("ffff"),
        "callers show as IPv4 or as IPv4-mapped by the socket they meet: a rule for one form is for both",
    ),
    listed(
        "mapped_prefix",
        &[Ipnet],
        |text| text.starts_with("::") && text.contains('/'),
        "below /96 a mapped block is partly IPv4 and partly not",
    ),
    listed(
        "ipv4_compatible",
        &PEERS,
        |text| text.starts_with("::"),
        "the form is deprecated, and is not the IPv4 address that it shows",
    ),
    listed(
        "host_bits",
        &[Ipnet],
        |text| text.contains('/'),
        "10.0.0.5/8 is 16,777,216 addresses to one reader and one to another: cidr refuses it too",
    ),
    listed(
        "leading_zero",
        &[Ipnet],
        |text| text.split(['.', ':', '/']).any(|part| part.len() > 1 && part.starts_with('0')),
        "ipnet reads octets with zeros before them as decimal, and inet_aton reads them as octal",
    ),
    listed(
        "prefix",
        &[Ipnet],
        |text| prefix(text).starts_with('0'),
        "ipnet reads zeros before the prefix, as many as leave room for the longest number",
    ),
    listed(
        "prefix",
        &[Cidr],
        |text| prefix(text).starts_with(['0', '+']),
        "cidr reads the prefix as Rust reads numbers, with zeros and a plus before it",
    ),
    listed(
        "syntax",
        &[Ipnet],
        |text| text.split("::").flat_map(|half| half.split([':', '/'])).count() == 9,
        "ipnet reads `::` beside eight groups, where it stands for none (RFC 4291 section 2.2: one or more)",
    ),
    listed(
        "any_needs_optin",
        &[Ipnet, Cidr],
        |text| prefix(text) == "0" || prefix(text) == "96",
        "everybody's addresses have to be switched on",
    ),
    listed(
        "too_wide",
        &[Ipnet, Cidr],
        |text| prefix(text) == "1" || prefix(text) == "97",
        "half the Internet has to be switched on",
    ),
    listed("unspecified", &PEERS, ANY, "no caller has it: the list was meant otherwise"),
    listed("broadcast", &PEERS, ANY, "no caller has it"),
    listed("multicast", &PEERS, ANY, "no caller has one"),
];

fn prefix(text: &str) -> &str {
    text.split_once('/').map_or("", |(_, prefix)| prefix)
}

impl Peer {
    /// Reads a rule as the other crate does, into a block.
    fn read(self, text: &str) -> Option<IpNet> {
        match self {
            Std => text.parse::<IpAddr>().ok().map(IpNet::from),
            Ipnet => text.parse::<IpNet>().ok(),
            Cidr => {
                let block = text.parse::<IpCidr>().ok()?;
                IpNet::new(block.first_address(), block.network_length()).ok()
            }
        }
    }

    /// Returns whether the other crate has a type for such a text.
    fn knows(self, text: &str) -> bool {
        match self {
            Std => !text.contains('/'),
            Ipnet => text.contains('/'),
            Cidr => true,
        }
    }
}

/// Returns the kind of difference for a text, or `None`.
fn difference(peer: Peer, text: &str) -> Option<String> {
    let theirs = peer.knows(text).then(|| peer.read(text))?;
    match (parse(text), theirs) {
        (Ok(ours), Some(theirs)) if ours == theirs => None,
        (Err(_), None) => None,
        (Err(error), Some(_)) => Some(error.code().to_owned()),
        (Ok(ours), Some(theirs)) if ours.addr().is_ipv4() != theirs.addr().is_ipv4() => {
            Some("mapped".to_owned())
        }
        (Ok(_), Some(_)) => Some("another block".to_owned()),
        (Ok(_), None) => Some("they refuse".to_owned()),
    }
}

/// Returns the list index of each difference for a text. Panics if one is not listed.
fn places(text: &str) -> Vec<(usize, Peer)> {
    let place = |peer: Peer| {
        let kind = difference(peer, text)?;
        let is_it =
            |listed: &Listed| listed.kind == kind && listed.peers.contains(&peer) && (listed.of)(text);
        let place = READING.iter().position(is_it);
        Some((
            place.unwrap_or_else(|| panic!("{peer:?} reads {text:?} otherwise, which is not listed: {kind}")),
            peer,
        ))
    };
    PEERS.into_iter().filter_map(place).collect()
}

#[test]
fn every_difference_in_reading_is_listed_and_every_listed_one_occurs() {
    let seen: BTreeSet<(usize, Peer)> = texts().iter().flat_map(|text| places(text)).collect();
    for (place, listed) in READING.iter().enumerate() {
        for peer in listed.peers {
            let Listed { kind, reason, .. } = listed;
            assert!(
                seen.contains(&(place, *peer)),
                "{peer:?} reads as we do: {kind}, listed because {reason}"
            );
        }
    }
}

/// Valid and invalid addresses.
const ADDRESSES: &str = "0 10 10.0 10.0.0 10.0.0.0.0 10..0.0 .10.0.0.0 10.0.0.0. 167772160 0xa000000 0.0.0.0 0.0.0.1 \
    10.0.0.0 10.0.0.1 127.0.0.1 128.0.0.0 192.0.2.128 224.0.0.0 224.0.0.1 240.0.0.0 255.255.255.255 10.*.*.* localhost \
    :: ::1 ::2 1:: 2001:db8:: 2001:db8::1 2001:DB8:: 2001:0db8:0:: 2001:db8::: 2001:db8::12345 2001:db8::g 2001:db8 : :1 \
    1: 1:2:3:4:5:6:7:8 1:2:3:4:5:6:7:8:9 1:2:3:4:5:6:7:: 1:2:3:4::5:6:7:8 ::10.0.0.1 ::10.0.0.0 ::ffff:10.0.0.0 \
    ::ffff:10.0.0.1 ::ffff:a00:0 ::FFFF:10.0.0.0 ::ffff:010.0.0.0 ::ffff:10.0.0 ::ffff:0.0.0.0 ::ffff:224.0.0.0 \
    64:ff9b::10.0.0.0 2002:a00:: fe80::1%eth0 fe80::1%1 fe80:: ff02::1 ff00:: 8000:: [::1] [2001:db8::1]";

/// Octets to substitute for each of the four.
const OCTETS: [&str; 16] = [
    "00",
    "01",
    "010",
    "08",
    "0x0a",
    "256",
    "999",
    "1000",
    "00000000000",
    "-1",
    "+1",
    " 1",
    "1 ",
    "\u{661}",
    "1e1",
    "a",
];

/// Suffixes of an address, separated by bars.
const PREFIXES: &str = "|/|/0|/1|/2|/4|/7|/8|/16|/24|/31|/32|/33|/64|/95|/96|/97|/104|/120|/127|/128|/129|/255|/256|/264|\
    /1000|/00|/08|/008|/032|/+8|/-8|/ 8|/8 |/0x8|/8.|/255.0.0.0|/0.255.255.255|/ffff::|//8|/8/8|\\8|/\u{668}|%8";

/// Text around a rule. A bar marks the place of the rule.
const AROUND: [&str; 11] = ["|", " |", "| ", "|\n", "|\r\n", "|\0", "\u{feff}|", "\"|\"", "|,", "|:80", "|#"];

/// Returns every combination of address, prefix and surrounding text.
fn texts() -> Vec<String> {
    let odd = |octet: &str, place| {
        (0..4).map(|at| if at == place { octet } else { "0" }).collect::<Vec<_>>().join(".")
    };
    let odds = OCTETS.iter().flat_map(|octet| (0..4).map(|place| odd(octet, place)));
    let rules = ADDRESSES.split_whitespace().map(str::to_owned).chain(odds).chain([String::new()]);
    let rules = rules.flat_map(|address| PREFIXES.split('|').map(move |prefix| format!("{address}{prefix}")));
    rules.flat_map(|rule| AROUND.map(|around| around.replace('|', &rule))).collect()
}

/// Returns the crates whose rules match an address differently, and the kind of each difference.
fn match_difference(rules: &[IpNet], address: IpAddr) -> Vec<(Peer, &'static str)> {
    let ours = rules.iter().copied().collect::<Allowlist>().permits(address);
    let alone = rules.iter().filter(|rule| rule.prefix_len() == rule.max_prefix_len());
    let of_cidr = |rule: &IpNet| IpCidr::new(rule.network(), rule.prefix_len()).expect("no host bits");
    let theirs = [
        // `std` has no blocks: blocks of a single address are compared.
        (
            Std,
            alone.clone().any(|rule| rule.addr() == address),
            alone.copied().collect::<Allowlist>().permits(address),
        ),
        (Ipnet, rules.iter().any(|rule| rule.contains(&address)), ours),
        (Cidr, rules.iter().any(|rule| of_cidr(rule).contains(&address)), ours),
    ];
    let is_mapped = address.to_canonical() != address;
    let kind = |theirs, ours| match (theirs, ours) {
        (false, true) if is_mapped => Some("a mapped address is not in the block of IPv4"),
        (true, false) if is_mapped => Some("a mapped address is in the block of IPv6 around all of them"),
        (theirs, ours) => (theirs != ours).then_some("unlisted"),
    };
    theirs.into_iter().filter_map(|(peer, theirs, ours)| Some((peer, kind(theirs, ours)?))).collect()
}

/// Addresses that other crates match differently, and why. Here the address of a caller counts as IPv4 however the
/// socket represents it. IPv4 blocks match it, IPv6 blocks do not.
const MATCHING: [(Peer, &str); 5] = [
    (Std, "a mapped address is not in the block of IPv4"),
    (Ipnet, "a mapped address is not in the block of IPv4"),
    (Ipnet, "a mapped address is in the block of IPv6 around all of them"),
    (Cidr, "a mapped address is not in the block of IPv4"),
    (Cidr, "a mapped address is in the block of IPv6 around all of them"),
];

#[test]
fn every_difference_in_matching_is_listed_and_every_listed_one_occurs() {
    let rule = |text: &str| parse_rule(text, RuleOptions::default().allow_any()).expect("a rule");
    let lists = [
        vec![],
        ["10.0.0.0/8", "10.0.0.1", "192.0.2.128/25", "2001:db8::/32", "64:ff9b::/96"].map(rule).to_vec(),
        ["0.0.0.0/0", "2001:db8::1"].map(rule).to_vec(),
        vec![rule("::/0")],
    ];
    let mut seen = BTreeSet::new();
    for rules in &lists {
        let ends = rules.iter().flat_map(|rule| [rule.network(), rule.broadcast()]);
        let others = [
            "0.0.0.0",
            "255.255.255.255",
            "9.255.255.255",
            "11.0.0.0",
            "::",
            "::1",
            "::10.0.0.1",
            "64:ff9b::a00:1",
        ];
        for address in ends.chain(others.map(|text| text.parse().expect("an address"))) {
            let mapped = match address {
                IpAddr::V4(address) => IpAddr::V6(address.to_ipv6_mapped()),
                same @ IpAddr::V6(_) => same,
            };
            seen.extend([address, mapped].into_iter().flat_map(|address| match_difference(rules, address)));
        }
    }
    assert_eq!(seen, BTreeSet::from(MATCHING));
}

proptest! {
    #[test]
    fn random_texts_are_read_differently_only_as_listed(
        text in "([0-9a-f]{0,3}[.:]{1,2}){0,8}(ffff:)?([0-9]{1,3}[.]){0,3}[0-9a-f]{0,4}(/[0-9+ ]{0,4})?"
    ) {
        places(&text);
    }

    #[test]
    fn random_addresses_are_matched_differently_only_as_listed(
        rules in prop::collection::vec((any::<u128>(), 0_u8..=128, any::<bool>()), 0..20), at in any::<prop::sample::Index>(),
        low in any::<u32>()
    ) {
        let rules: Vec<IpNet> = rules.into_iter().map(|(bits, length, is_v4)| {
            let address =
                if is_v4 { Ipv4Addr::from_bits(bits as u32).into() } else { IpAddr::V6(Ipv6Addr::from_bits(bits)) };
            IpNet::new(address, length.min(if is_v4 { 32 } else { 128 })).expect("a length that fits").trunc()
        }).collect();
        let inside = rules.get(at.index(rules.len().max(1))).map_or(Ipv4Addr::from_bits(low).into(), IpNet::broadcast);
        for address in [inside, Ipv4Addr::from_bits(low).into(), Ipv4Addr::from_bits(low).to_ipv6_mapped().into()] {
            for difference in match_difference(&rules, address) {
                prop_assert!(MATCHING.contains(&difference), "{:?} about {}", difference, address);
            }
        }
    }
}
