//! A small part of the comparison, for a build without optimisation; `cargo xtask allowlist` does all of it.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use octo_auth_exhaustive::{SLICES, compare_slice, list, rules};

/// How many addresses of a slice are checked at the interesting places.
const PART: usize = 1 << 16;

#[test]
fn lists_of_random_rules_say_what_the_map_says_wherever_rules_begin_and_end() {
    for seed in 1..=48 {
        let rules = rules(seed);
        let (list, is_stable) = list(&rules);
        assert!(is_stable, "the shortest list of seed {seed}");
        let permitted = |address: u32| rules.iter().any(|rule| rule.contains(&Ipv4Addr::from_bits(address)));
        let ends = rules.iter().flat_map(|rule| [rule.network().to_bits(), rule.broadcast().to_bits()]);
        let near = ends.flat_map(|end| [end.wrapping_sub(1), end, end.wrapping_add(1)]);
        // Each address is compared with every rule, so large sets check fewer addresses.
        let step = 1 + rules.len() * rules.len() / 100_000;
        for address in near.step_by(step) {
            let address_as_text = Ipv4Addr::from_bits(address);
            assert_eq!(
                list.permits(address_as_text.into()),
                permitted(address),
                "{address_as_text} of seed {seed}"
            );
        }
    }
}

#[test]
fn whole_parts_of_the_map_agree_address_by_address() {
    for seed in 1..=16 {
        let rules = rules(seed);
        let (list, _) = list(&rules);
        let home = rules.last().map_or(0, |rule| rule.network().to_bits());
        let start = (home as usize & 0x00ff_ffff) / PART * PART;
        for (slice, start) in [(home >> 24, start), (0, 0), (SLICES - 1, (1 << 24) - PART)] {
            assert_eq!(compare_slice(&rules, &list, slice, start..start + PART), None, "seed {seed}");
        }
    }
}

#[test]
fn a_wrong_list_is_noticed_at_its_first_wrong_address() {
    let rules: Vec<Ipv4Net> =
        ["10.0.0.0/24", "10.0.2.7/32"].map(|rule| rule.parse().expect("a rule")).to_vec();
    let (wrong, _) = list(&rules[..1]);
    let found = compare_slice(&rules, &wrong, 10, 0..PART).expect("a difference");
    assert_eq!((found.address, found.permits), (Ipv4Addr::new(10, 0, 2, 7), false));
    let (wrong, _) = list(&["10.0.0.0/23".parse().expect("a rule"), rules[1]]);
    let found = compare_slice(&rules, &wrong, 10, 0..PART).expect("a difference");
    assert_eq!((found.address, found.permits), (Ipv4Addr::new(10, 0, 1, 0), true));
}
