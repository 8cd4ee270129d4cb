//! The addresses that a list permits.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::{HeaderMap, HeaderValue};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use octo_auth_core::allowlist::{Allowlist, ForwardHeader, RuleOptions, Rules, client_address, parse_rule};
use proptest::prelude::*;

/// Generates addresses close together, so that blocks overlap.
fn near_v4() -> impl Strategy<Value = u32> {
    prop_oneof![
        any::<u32>(),
        (0_u32..1 << 12).prop_map(|low| 0x0a00_0000 | low),
        (0_u32..64).prop_map(|low| !low)
    ]
}

fn block_v4() -> impl Strategy<Value = IpNet> {
    let length = prop_oneof![0_u8..=32, 20_u8..=32];
    (near_v4(), length).prop_map(|(bits, length)| {
        Ipv4Net::new(Ipv4Addr::from_bits(bits), length).expect("a length up to 32").trunc().into()
    })
}

/// Generates numbers close together or at the ends of the address space, so that blocks of IPv6 overlap too. None of
/// them is IPv4-mapped, because those count as IPv4.
fn near_v6() -> impl Strategy<Value = u128> {
    let low = 0_u128..1 << 12;
    prop_oneof![
        1 => any::<u128>(),
        4 => low.clone().prop_map(|low| 0x2001_0db8 << 96 | low),
        1 => low.clone().prop_map(|low| !low),
        1 => low,
        // These lie around the boundary between the halves of the number.
        1 => (0_u128..16, 0_u128..16).prop_map(|(high, low)| (0x2001_0db8 << 96 | high << 64).wrapping_sub(low)),
    ]
}

fn block_v6() -> impl Strategy<Value = IpNet> {
    (near_v6(), prop_oneof![0_u8..=128, 112_u8..=128, 60_u8..=68]).prop_map(|(bits, length)| {
        Ipv6Net::new(Ipv6Addr::from_bits(bits), length).expect("a length up to 128").trunc().into()
    })
}

fn block() -> impl Strategy<Value = IpNet> {
    prop_oneof![4 => block_v4(), 1 => block_v6()]
}

fn address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        near_v4().prop_map(|bits| IpAddr::V4(Ipv4Addr::from_bits(bits))),
        near_v4().prop_map(|bits| IpAddr::V6(Ipv4Addr::from_bits(bits).to_ipv6_mapped())),
        near_v6().prop_map(|bits| IpAddr::V6(Ipv6Addr::from_bits(bits))),
    ]
}

/// Returns an address and its neighbours, wrapping at the ends of the address space.
fn beside(address: IpAddr) -> [IpAddr; 3] {
    [-1, 0, 1].map(|step| match address {
        IpAddr::V4(address) => IpAddr::V4(Ipv4Addr::from_bits(address.to_bits().wrapping_add_signed(step))),
        IpAddr::V6(address) => {
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits().wrapping_add_signed(step.into())))
        }
    })
}

/// Whether an address is in a block, by comparing numbers only.
fn in_range(block: &IpNet, address: IpAddr) -> bool {
    match (block, address.to_canonical()) {
        (IpNet::V4(block), IpAddr::V4(address)) => {
            (block.network().to_bits()..=block.broadcast().to_bits()).contains(&address.to_bits())
        }
        (IpNet::V6(block), IpAddr::V6(address)) => {
            (block.network().to_bits()..=block.broadcast().to_bits()).contains(&address.to_bits())
        }
        _ => false,
    }
}

/// Parses IPv4 rules by a second, slow implementation of the grammar.
fn by_the_grammar(text: &str) -> Option<(Ipv4Addr, u8)> {
    let number = |text: &str, most: u32| {
        let digits = !text.is_empty() && text.len() <= 3 && text.bytes().all(|byte| byte.is_ascii_digit());
        let plain = text == "0" || !text.starts_with('0');
        text.parse::<u32>().ok().filter(|number| digits && plain && *number <= most)
    };
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, number(length, 32)?),
        None => (text, 32),
    };
    let octets: Vec<u32> = address.split('.').map(|octet| number(octet, 255)).collect::<Option<_>>()?;
    let [a, b, c, d] = octets[..] else { return None };
    let bits = a << 24 | b << 16 | c << 8 | d;
    let host = u32::MAX.checked_shr(length).unwrap_or(0);
    (bits & host == 0).then(|| (Ipv4Addr::from_bits(bits), length as u8))
}

/// Checks that the minimal lists and the difference of two lists agree with the lists themselves, at the ends of their
/// blocks, beside those, and elsewhere.
fn minimal_and_difference_agree(
    old: &[IpNet],
    new: &[IpNet],
    others: Vec<IpAddr>,
) -> Result<(), TestCaseError> {
    let lists: [Allowlist; 2] = [old.iter().copied().collect(), new.iter().copied().collect()];
    prop_assert_eq!(&Allowlist::new(lists[0].minimal()), &lists[0]);
    let mut aggregated = IpNet::aggregate(&old.to_vec());
    aggregated.sort();
    prop_assert_eq!(lists[0].minimal(), aggregated, "ipnet aggregates to the same blocks");
    let change = lists[0].difference(&lists[1]);
    for blocks in [&change.opened, &change.closed] {
        prop_assert_eq!(
            &Allowlist::new(blocks.iter().copied()).minimal(),
            blocks,
            "no fewer blocks would do"
        );
    }
    let (opened, closed) = (Allowlist::new(change.opened), Allowlist::new(change.closed));
    let ends = old.iter().chain(new).flat_map(|block| [block.network(), block.broadcast()]);
    for address in ends.flat_map(beside).chain(others) {
        let (before, after) = (lists[0].permits(address), lists[1].permits(address));
        prop_assert_eq!(before, old.iter().any(|block| in_range(block, address)), "{} before", address);
        prop_assert_eq!(opened.permits(address), !before && after, "{} opened", address);
        prop_assert_eq!(closed.permits(address), before && !after, "{} closed", address);
    }
    Ok(())
}

proptest! {
    #[test]
    fn i43_exactly_what_the_grammar_allows_is_read_and_special_addresses_are_refused(
        text in "(0{0,2}[0-9]{1,3}[.]){2,4}[0-9]{1,3}([.]|/|/0?[0-9]{1,3}|/[+ ][0-9])?"
    ) {
        let read = parse_rule(&text, RuleOptions::default().allow_any());
        match (by_the_grammar(&text), read) {
            (Some((address, length)), Ok(block)) => {
                prop_assert_eq!(block.to_string(), format!("{address}/{length}"));
            }
            (None, Ok(block)) => prop_assert!(false, "{:?} was read as {}", text, block),
            (Some(_), Err(error)) => {
                prop_assert!(["unspecified", "broadcast", "multicast"].contains(&error.code()), "{}: {}", text, error);
            }
            (None, Err(error)) => prop_assert!(error.position() <= text.len()),
        }
    }

    #[test]
    fn i43_the_canonical_form_is_read_as_itself(block in block()) {
        if let Ok(read) = parse_rule(&block.to_string(), RuleOptions::default().allow_any()) {
            prop_assert_eq!(parse_rule(&read.to_string(), RuleOptions::default().allow_any()), Ok(read));
            let mapped = block.addr().to_canonical().is_ipv4() && !block.addr().is_ipv4();
            prop_assert!(mapped || read == block);
        }
    }

    #[test]
    fn i43_no_text_makes_the_reading_fail_and_its_error_points_into_the_text(text in "[0-9a-f:./%\\[\\]* \u{660}-]{0,70}") {
        if let Err(error) = parse_rule(&text, RuleOptions::default()) {
            prop_assert!(error.position() <= text.len(), "{}", error);
        }
    }

    #[test]
    fn i44_matching_is_a_numeric_range_test(
        blocks in prop::collection::vec(block(), 0..200), addresses in prop::collection::vec(address(), 1..50)
    ) {
        let allowlist: Allowlist = blocks.iter().copied().collect();
        let ends = blocks.iter().flat_map(|block| [block.network(), block.broadcast()]);
        for address in addresses.into_iter().chain(ends) {
            let wanted = blocks.iter().any(|block| in_range(block, address));
            prop_assert_eq!(allowlist.permits(address), wanted, "{}", address);
        }
    }

    #[test]
    fn i44_the_minimal_list_and_the_difference_say_what_matching_says(
        old in prop::collection::vec(block_v4(), 0..80), new in prop::collection::vec(block_v4(), 0..80),
        addresses in prop::collection::vec(address(), 1..50)
    ) {
        minimal_and_difference_agree(&old, &new, addresses)?;
    }

    #[test]
    fn i44_the_minimal_list_and_the_difference_of_ipv6_say_what_matching_says(
        old in prop::collection::vec(block_v6(), 0..40), new in prop::collection::vec(block_v6(), 0..40),
        addresses in prop::collection::vec(address(), 1..50)
    ) {
        minimal_and_difference_agree(&old, &new, addresses)?;
    }

    #[test]
    fn i44_the_families_of_a_list_do_not_touch_each_other(
        blocks in prop::collection::vec(block(), 0..40), addresses in prop::collection::vec(address(), 1..50)
    ) {
        minimal_and_difference_agree(&blocks, &[], addresses)?;
        let (v4, v6): (Vec<IpNet>, Vec<IpNet>) = blocks.iter().partition(|block| block.addr().is_ipv4());
        let parts = [Allowlist::new(v4).minimal(), Allowlist::new(v6).minimal()].concat();
        prop_assert_eq!(Allowlist::new(blocks).minimal(), parts, "IPv4 first");
    }

    #[test]
    fn i44_an_empty_list_denies_and_one_bad_rule_leaves_no_list(
        address in address(), blocks in prop::collection::vec(block_v4(), 0..5), place in 0_usize..6
    ) {
        prop_assert!(!Allowlist::default().permits(address));
        prop_assert!(!Rules::default().allowlist().permits(address));
        let mut texts: Vec<String> = blocks.iter().map(ToString::to_string).collect();
        texts.insert(place.min(blocks.len()), "10.0.0.0/8x".to_owned());
        prop_assert!(Rules::from_list(&texts, RuleOptions::default().allow_any()).is_err());
    }

    #[test]
    fn i46_the_headers_of_a_peer_that_is_not_trusted_count_for_nothing(
        peer in address(), trusted in prop::collection::vec(block_v4(), 0..5),
        values in prop::collection::vec("[ -~]{0,60}", 0..4), claimed in address()
    ) {
        let trusted: Allowlist = trusted.into_iter().filter(|block| !in_range(block, peer)).collect();
        let mut headers = HeaderMap::new();
        for value in values.iter().cloned().chain([claimed.to_string(), format!("for={claimed}")]) {
            for name in ["x-forwarded-for", "forwarded", "x-real-ip"] {
                headers.append(name, HeaderValue::from_str(&value).expect("visible text"));
            }
        }
        for header in [ForwardHeader::XForwardedFor, ForwardHeader::Forwarded] {
            prop_assert_eq!(client_address(peer, &headers, header, &trusted), Ok(peer.to_canonical()));
        }
    }

    #[test]
    fn i46_what_stands_to_the_left_of_the_caller_changes_nothing(caller in any::<u32>(), left in "[0-9a-f.:, _-]{0,80}") {
        let trusted: Allowlist = ["192.0.2.0/24".parse().expect("a block")].into_iter().collect();
        let caller = IpAddr::V4(Ipv4Addr::from_bits(caller));
        prop_assume!(!trusted.permits(caller) && left.matches(',').count() < 30);
        let mut headers = HeaderMap::new();
        let value = format!("{left},{caller}, 192.0.2.9");
        headers.append("x-forwarded-for", HeaderValue::from_str(&value).expect("visible text"));
        let peer = "192.0.2.1".parse().expect("an address");
        prop_assert_eq!(client_address(peer, &headers, ForwardHeader::XForwardedFor, &trusted), Ok(caller));
    }
}
