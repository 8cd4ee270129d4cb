//! Arbitrary texts as a rule, as a list in each of its forms, and as the headers of trusted proxies.
//!
//! The parsed result must agree with a slow model that only compares numbers and does not know the grammar's details.
//! The formatted result must parse to the same value.
#![no_main]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddrV4};

use http::{HeaderMap, HeaderValue};
use ipnet::IpNet;
use libfuzzer_sys::fuzz_target;
use octo_auth_core::allowlist::{
    Allowlist, CallerError, ForwardHeader, ListError, Rules, RuleOptions, client_address, parse_rule,
};

fuzz_target!(|data: (u8, &str)| {
    let (choice, text) = data;
    match choice % 4 {
        0 => rule(text),
        1 => lists(text),
        2 => caller(text, ForwardHeader::XForwardedFor),
        _ => caller(text, ForwardHeader::Forwarded),
    }
});

/// Returns the default options, those that permit more and those that permit less.
fn terms() -> [RuleOptions; 3] {
    [RuleOptions::default().allow_any(), RuleOptions::default(), RuleOptions::default().ipv4_only().egress()]
}

fn rule(text: &str) {
    for terms in terms() {
        match parse_rule(text, terms) {
            Ok(block) => {
                assert_eq!(by_model(text), Some(block), "{text:?} is another block");
                assert_eq!(parse_rule(&block.to_string(), terms), Ok(block), "{block} is not read as itself");
            }
            Err(error) => {
                assert!(error.position() <= text.len(), "{error} points behind {text:?}");
                assert!(error.problem() != octo_auth_core::allowlist::RuleProblem::Empty || text.is_empty());
                assert!(error.to_string().len() < 1024, "an error is as long as a page");
            }
        }
    }
    let refused = parse_rule(text, RuleOptions::default().allow_any()).err();
    let words = ["unspecified", "broadcast", "multicast", "ipv4_compatible"];
    if let (Some(error), Some(block)) = (refused, by_model(text)) {
        assert!(words.contains(&error.code()), "{text:?} is {block}, and refused: {error}");
    }
}

/// Returns the block that a text means: octets and lengths in their printed form, without bits beyond the prefix.
fn by_model(text: &str) -> Option<IpNet> {
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, Some(length)),
        None => (text, None),
    };
    let is_plain = |number: &str| number.parse::<u32>().is_ok_and(|value| value.to_string() == number);
    let address: IpAddr = if address.contains(':') {
        address.parse::<Ipv6Addr>().ok()?.into()
    } else {
        address.split('.').all(is_plain).then(|| address.parse::<Ipv4Addr>().ok())??.into()
    };
    let most = if address.is_ipv4() { 32 } else { 128 };
    let length = match length {
        Some(length) => {
            is_plain(length).then(|| length.parse::<u8>().ok())?.filter(|length| *length <= most)?
        }
        None => most,
    };
    let mapped = address.to_canonical().is_ipv4() && !address.is_ipv4();
    let (address, length) =
        if mapped { (address.to_canonical(), length.checked_sub(96)?) } else { (address, length) };
    IpNet::new(address, length).ok().filter(|block| block.network() == address)
}

fn lists(text: &str) {
    for terms in terms() {
        let read =
            [Rules::from_text(text, terms), Rules::from_line(text, terms), Rules::from_json(text, terms)];
        for rules in read {
            match rules {
                Ok(rules) => agrees(&rules, terms),
                Err(ListError::Rules(bad)) => {
                    assert!(!bad.is_empty() && bad.is_sorted_by_key(|(place, _)| *place));
                }
                Err(error) => drop(error.to_string()),
            }
        }
    }
}

/// Checks that a list permits an address exactly if one of its rules does, and that each of its forms is the same list.
fn agrees(rules: &Rules, terms: RuleOptions) {
    let list = rules.allowlist();
    let blocks: Vec<IpNet> = rules.iter().map(|rule| rule.block()).collect();
    for rule in rules.iter() {
        assert_eq!(parse_rule(rule.text(), terms), Ok(rule.block()));
    }
    let texts: Vec<String> = blocks.iter().map(ToString::to_string).collect();
    for again in [Rules::from_text(&texts.join("\n"), terms), Rules::from_line(&texts.join(","), terms)] {
        assert_eq!(again.map(|rules| rules.allowlist()).as_ref(), Ok(&list));
    }
    assert_eq!(Allowlist::new(list.minimal()), list, "the shortest list is another");
    assert!(list.difference(&list).is_empty());
    let empty = Allowlist::default();
    assert_eq!(Allowlist::new(empty.difference(&list).opened), list);
    for address in blocks.iter().flat_map(around).chain([IpAddr::V4(Ipv4Addr::UNSPECIFIED)]) {
        let is_permitted = blocks.iter().any(|block| block.contains(&address.to_canonical()));
        assert_eq!(list.permits(address), is_permitted, "{address}");
        assert_eq!(rules.explain(address).permits(), is_permitted, "{address} is explained otherwise");
    }
}

/// Returns the ends of a block and their neighbours.
fn around(block: &IpNet) -> Vec<IpAddr> {
    let near = |address: IpAddr| match address {
        IpAddr::V4(end) => {
            let numbers = [-1, 0, 1].map(|step| end.to_bits().wrapping_add_signed(step));
            numbers.map(|number| IpAddr::V4(Ipv4Addr::from_bits(number)))
        }
        IpAddr::V6(end) => {
            let numbers = [-1, 0, 1].map(|step| end.to_bits().wrapping_add_signed(step));
            numbers.map(|number| IpAddr::V6(Ipv6Addr::from_bits(number)))
        }
    };
    [block.network(), block.broadcast()].into_iter().flat_map(near).collect()
}

fn caller(text: &str, header: ForwardHeader) {
    let trusted: Allowlist = ["192.0.2.0/24".parse().expect("a block")].into_iter().collect();
    let mut headers = HeaderMap::new();
    for line in text.split('\n') {
        let Ok(value) = HeaderValue::from_str(line) else { continue };
        let name = if header == ForwardHeader::Forwarded { "forwarded" } else { "x-forwarded-for" };
        headers.append(name, value);
    }
    let stranger: IpAddr = "203.0.113.1".parse().expect("an address");
    assert_eq!(client_address(stranger, &headers, header, &trusted), Ok(stranger), "a stranger is believed");
    let peer = "::ffff:192.0.2.1".parse().expect("an address");
    let seen = client_address(peer, &headers, header, &trusted);
    if let Ok(caller) = seen {
        assert!(!trusted.permits(caller) && caller == caller.to_canonical(), "{caller} is not the caller");
    }
    if header == ForwardHeader::XForwardedFor {
        let values: Vec<&[u8]> =
            headers.get_all("x-forwarded-for").iter().map(HeaderValue::as_bytes).collect();
        let line = String::from_utf8_lossy(&values.join(&b',')).into_owned();
        // Quotes, brackets and hidden names are part of the grammar; the model only knows plain addresses.
        let is_plain = line.bytes().all(|byte| byte.is_ascii_hexdigit() || b".:, ".contains(&byte));
        if is_plain && !values.is_empty() && line.len() <= 4096 && line.matches(',').count() < 30 {
            assert_eq!(seen, by_walk(&line, &trusted), "{line:?}");
        }
    }
}

/// Returns the first untrusted address from the right.
fn by_walk(line: &str, trusted: &Allowlist) -> Result<IpAddr, CallerError> {
    for entry in line.rsplit(',') {
        let entry = entry.trim_matches(' ');
        let with_port = || entry.parse::<SocketAddrV4>().map(|socket| IpAddr::V4(*socket.ip()));
        let address = entry.parse::<IpAddr>().or_else(|_| with_port()).map_err(|_| CallerError::Malformed)?;
        if !trusted.permits(address) {
            return Ok(address.to_canonical());
        }
    }
    Err(CallerError::Missing)
}
