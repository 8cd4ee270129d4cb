//! Address lists: how rules are read, what they permit, how that is explained, and how the caller's address is found.

use std::net::{IpAddr, Ipv4Addr};

use http::{HeaderMap, HeaderValue};
use ipnet::IpNet;
use octo_auth_core::allowlist::{
    Allowlist, CallerError, ForwardHeader, ListError, Place, RuleOptions, Rules, client_address, parse,
    parse_rule,
};

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn rules(text: &str) -> Rules {
    Rules::from_text(text, RuleOptions::default()).expect("sound rules")
}

fn list(text: &str) -> Allowlist {
    rules(text).allowlist()
}

#[test]
fn an_error_says_what_is_wrong_at_which_byte_and_suggests_a_correction() {
    for (text, code, position, meant) in [
        ("10.0.0.5/8", "host_bits", 8, Some("10.0.0.0/8 or 10.0.0.5/32")),
        ("::ffff:10.0.0.5/104", "host_bits", 15, Some("10.0.0.0/8 or 10.0.0.5/32")),
        ("010.0.0.1", "leading_zero", 0, Some("10.0.0.1")),
        ("10.00.0.0/8", "leading_zero", 3, Some("10.0.0.0/8")),
        ("0377.0.0.1", "leading_zero", 0, None),
        ("10.0.0.256", "syntax", 7, None),
        ("10.0.0.0/255.0.0.0", "prefix", 9, Some("10.0.0.0/8")),
        ("10.0.0.0/08", "prefix", 9, Some("10.0.0.0/8")),
        ("10.0.0.0/+8", "prefix", 9, Some("10.0.0.0/8")),
        ("10.0.0.0/\u{668}", "prefix", 9, Some("10.0.0.0/8")),
        ("10.0.0.0/\u{ff18}", "prefix", 9, Some("10.0.0.0/8")),
        ("10.0.0.0/8 ", "syntax", 10, Some("10.0.0.0/8")),
        (" 10.0.0.0/8", "syntax", 0, Some("10.0.0.0/8")),
        ("10.0.0.*", "syntax", 7, Some("10.0.0.0/24")),
        ("10.*.*.*", "syntax", 3, Some("10.0.0.0/8")),
        ("[2001:db8::1]", "syntax", 0, Some("2001:db8::1")),
        ("fe80::1%eth0", "zone", 7, Some("fe80::1")),
        ("::10.0.0.1", "ipv4_compatible", 0, Some("10.0.0.1")),
        ("2001:db8::1::2", "syntax", 11, None),
        ("2001:db8::12345", "syntax", 10, None),
        ("10.0.0.1-10.0.0.2", "syntax", 8, Some("the list 10.0.0.1/32, 10.0.0.2/32")),
        ("::", "unspecified", 0, None),
        ("ff02::1", "multicast", 0, None),
        ("::/0", "any_needs_optin", 0, None),
        ("8000::/1", "too_wide", 0, None),
    ] {
        let error = parse(text).expect_err(text);
        let seen = (error.code(), error.position(), error.probably_meant());
        assert_eq!(seen, (code, position, meant), "{text}: {error}");
    }
}

/// Characters that a web page, a word processor or a log adds to an address.
#[test]
fn an_invalid_character_is_named_with_a_suggestion() {
    for (text, position, names, meant) in [
        ("203.0.113.7\u{200b}", 11, "U+200B (zero-width space, which cannot be seen)", Some("203.0.113.7")),
        ("\u{200e}203.0.113.0/24", 0, "U+200E (left-to-right mark, which", Some("203.0.113.0/24")),
        ("203.0.113.0/24\u{a0}", 14, "U+00A0 (no-break space, which", Some("203.0.113.0/24")),
        ("203.0.\u{ad}113.0\u{2060}/24", 6, "U+00AD (soft hyphen, which", Some("203.0.113.0/24")),
        ("\u{feff}2001:db8::/32", 0, "U+FEFF (byte order mark, which", Some("2001:db8::/32")),
        ("10.0.0.1\u{e0041}", 8, "U+E0041 (which cannot be seen)", Some("10.0.0.1")),
        ("10.0.0.0/8\n", 10, "U+000A (line feed, which", Some("10.0.0.0/8")),
        ("10.0.0.1\u{1b}[31m", 8, "U+001B (which cannot be seen)", None),
        ("\u{201c}203.0.113.7\u{201d}", 0, "U+201C (left double quotation mark)", Some("203.0.113.7")),
        ("\u{2018}10.0.0.0/8\u{2019},", 0, "U+2018 (left single quotation mark)", Some("10.0.0.0/8")),
        ("\"10.0.0.0/8\"", 0, "U+0022 (quotation mark)", Some("10.0.0.0/8")),
        ("\u{201e}203.0.113.7:443\u{201c}", 0, "U+201E (low double", Some("203.0.113.7")),
        ("10.0.0.1\u{2013}10.0.0.2", 8, "U+2013 (en dash)", Some("the list 10.0.0.1/32, 10.0.0.2/32")),
        ("10.0.0.1 \u{2014} 10.0.0.2", 9, "U+2014 (em dash)", Some("the list 10.0.0.1/32, 10.0.0.2/32")),
        ("10.0.0.0\u{2215}8", 8, "U+2215 (\u{2215})", Some("10.0.0.0/8")),
        ("\u{ff11}\u{ff10}.0.0.1", 0, "U+FF11 (\u{ff11})", Some("10.0.0.1")),
        ("2001:db\u{432}::1", 7, "U+0432 (\u{432})", None),
    ] {
        let error = parse(text).expect_err(text);
        let seen = (error.code(), error.position(), error.probably_meant());
        assert_eq!(seen, ("syntax", position, meant), "{text:?}: {error}");
        let told = error.to_string();
        assert!(told.contains(names) && !told.contains(char::is_control), "{text:?}: {told}");
    }
}

#[test]
fn a_port_is_named_with_the_address_before_it() {
    for (text, position, meant) in [
        ("203.0.113.7:443", 11, "203.0.113.7"),
        ("[2001:db8::1]:443", 13, "2001:db8::1"),
        ("203.0.113.7:443 ", 11, "203.0.113.7"),
    ] {
        let error = parse(text).expect_err(text);
        let seen = (error.code(), error.position(), error.probably_meant());
        assert_eq!(seen, ("syntax", position, Some(meant)), "{text}: {error}");
        assert!(error.to_string().contains("whatever its port"), "{error}");
    }
    for (no_port, meant) in [
        ("203.0.113.7:", Some("203.0.113.7")),
        ("203.0.113.7:65536", Some("203.0.113.7")),
        ("203.0.113:443", None),
    ] {
        let error = parse(no_port).expect_err(no_port);
        assert_eq!((error.code(), error.probably_meant()), ("syntax", meant), "{no_port}");
    }
}

#[test]
fn a_rule_copied_with_extra_text_is_suggested_without_it() {
    for (text, meant) in [
        ("https://203.0.113.7/", Some("203.0.113.7")),
        ("HTTP://user@203.0.113.7:8443/path?x=1", Some("203.0.113.7")),
        ("https://[2001:db8::7]:8443/x", Some("2001:db8::7")),
        ("https://203.0.113.0/24", Some("203.0.113.0/24")),
        ("203.0.113.7/index.html", Some("203.0.113.7")),
        ("203.0.113.0/24:443", Some("203.0.113.0/24")),
        ("203.0.113.0:443/24", Some("203.0.113.0/24")),
        ("203.0.113.0/24/", Some("203.0.113.0/24")),
        ("203.0.113.7.", Some("203.0.113.7")),
        ("203.0.113.7:https", Some("203.0.113.7")),
        ("[2001:db8::7%eth0]:443", Some("2001:db8::7")),
        ("203.0.113.7%eth0", Some("203.0.113.7")),
        ("203.0.113.7 # office", Some("203.0.113.7")),
        ("203.0.113.0 / 24", Some("203.0.113.0/24")),
        ("203.0.113.0 255.255.255.0", Some("203.0.113.0/24")),
        ("<203.0.113.7>", Some("203.0.113.7")),
        ("ip4:203.0.113.0/24", Some("203.0.113.0/24")),
        ("203,0,113,7", Some("203.0.113.7")),
        ("203.0.113.0\\24", Some("203.0.113.0/24")),
        ("\u{662}\u{660}\u{663}.0.113.7", Some("203.0.113.7")),
        ("\u{1d7d0}\u{1d7ce}\u{1d7d1}\u{b7}0.113.7", Some("203.0.113.7")),
        ("\u{2800}203.0.113.7\u{2032}", Some("203.0.113.7")),
        ("203.0.113.0 \u{2796} 203.0.113.255", Some("the list 203.0.113.0/24")),
        // An uncertain guess is not suggested.
        ("203.0.113.0/", None),
        ("203.0.113.0/0.0.0.255", None),
        ("203.0.113.1 203.0.113.9", None),
        ("203.0.113.0/300", None),
        ("example.com/24", None),
        ("10.1", None),
    ] {
        let error = parse(text).expect_err(text);
        assert_eq!(error.probably_meant(), meant, "{text}: {error}");
    }
}

#[test]
fn rules_that_need_an_option_are_permitted_with_it_and_ipv4_only_refuses_ipv6() {
    for text in ["0.0.0.0/0", "128.0.0.0/1", "::/0"] {
        assert!(parse(text).expect_err(text).problem().can_be_switched_on());
        assert!(parse_rule(text, RuleOptions::default().allow_any()).is_ok(), "{text}");
    }
    let only = RuleOptions::default().ipv4_only();
    assert_eq!(parse_rule("2001:db8::/32", only).expect_err("IPv6").code(), "family");
    assert_eq!(parse_rule("::ffff:10.0.0.0/104", only).expect("IPv4").to_string(), "10.0.0.0/8");
    for text in ["10.0.0.0/8", "192.168.1.0/24", "fc00::/7", "127.0.0.1"] {
        assert_eq!(parse_rule(text, RuleOptions::default().egress()).expect_err(text).code(), "private");
    }
}

#[test]
fn a_list_may_have_comments_windows_line_ends_and_a_byte_order_mark() {
    let rules = rules("\u{feff}# offices\r\n10.0.0.0/8 # Rome\r\n\r\n\t192.0.2.7\r\n2001:db8::/32");
    let read: Vec<_> = rules.iter().map(|rule| (rule.place(), rule.text())).collect();
    let line = Place::Line;
    assert_eq!(read, [(line(2), "10.0.0.0/8"), (line(4), "192.0.2.7"), (line(5), "2001:db8::/32")]);
    let same = Rules::from_json(r#"["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"]"#, RuleOptions::default());
    let same = same.expect("sound rules");
    assert_eq!(same.allowlist(), rules.allowlist());
    let why = same.explain("192.0.2.7".parse().expect("an address")).to_string();
    assert_eq!(why, "permitted\n  by element 2: 192.0.2.7");
}

#[test]
fn a_list_in_one_line_has_commas_or_blanks_between_its_rules() {
    let read = |text: &str| Rules::from_line(text, RuleOptions::default());
    let wanted = list("10.0.0.0/8\n192.0.2.1");
    for text in [
        "  10.0.0.0/8 , 192.0.2.1 ",
        "10.0.0.0/8,192.0.2.1",
        "10.0.0.0/8 192.0.2.1",
        "10.0.0.0/8\r\n192.0.2.1\n",
    ] {
        let rules = read(text).expect(text);
        assert_eq!((rules.len(), rules.allowlist()), (2, wanted.clone()), "{text}");
    }
    for empty in ["", " \t\n"] {
        assert!(read(empty).expect("no rule").is_empty());
    }
    let error = read("10.0.0.0/8, 10.0.0.5/8,,192.0.2.1;10.0.0.0/8, #").expect_err("four bad rules");
    let ListError::Rules(bad) = error else { panic!("{error}") };
    let bad: Vec<_> =
        bad.iter().map(|(place, error)| (place.to_string(), error.position(), error.code())).collect();
    let expected = [("rule 2", 20, "host_bits"), ("rule 3", 23, "empty"), ("rule 4", 33, "syntax")];
    let expected = expected.into_iter().chain([("rule 5", 46, "syntax")]);
    assert!(bad.iter().map(|(place, at, code)| (place.as_str(), *at, *code)).eq(expected), "{bad:?}");
    for forgotten in [",", "10.0.0.0/8,", ",10.0.0.0/8", "10.0.0.0/8, ,192.0.2.1"] {
        assert!(read(forgotten).is_err(), "{forgotten}");
    }
}

#[test]
fn an_error_names_every_bad_line_and_leaves_no_list() {
    let error = Rules::from_text("10.0.0.0/8\n  10.0.0.5/8\n192.0.2.1\nbogus # no\n", RuleOptions::default());
    let error = error.expect_err("two bad lines");
    let text = error.to_string();
    assert!(text.starts_with("line 2, at byte 10: "), "{text}");
    assert!(text.contains("10.0.0.0/8 or 10.0.0.5/32\nline 4, at byte 0: "), "{text}");
    let ListError::Rules(bad) = error else { panic!("{text}") };
    assert_eq!(bad.len(), 2);
    for json in ["{}", "[1]", "[\"10.0.0.0/8\"", ""] {
        assert!(
            matches!(Rules::from_json(json, RuleOptions::default()), Err(ListError::NotAnArray { .. })),
            "{json}"
        );
    }
}

#[test]
fn a_list_of_any_size_permits_what_its_rules_say() {
    for count in [1_u32, 63, 64, 65, 66, 1000, 5000] {
        let blocks =
            (0..count).map(|place| IpNet::from(IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + 3 * place))));
        let list: Allowlist = blocks.collect();
        for place in 0..3 * count {
            let address = IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + place));
            assert_eq!(list.permits(address), place % 3 == 0, "{address} of {count}");
        }
        assert!(!list.permits(ip("9.255.255.255")) && !list.permits(ip("255.255.255.255")));
    }
}

#[test]
fn the_first_and_last_addresses_behave_like_any_other() {
    let any =
        Rules::from_text("0.0.0.0/0\n::/0", RuleOptions::default().allow_any()).expect("with the switch");
    for address in ["0.0.0.0", "255.255.255.255", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"] {
        assert!(any.allowlist().permits(ip(address)), "{address}");
        assert!(!Allowlist::default().permits(ip(address)), "{address}");
    }
    let all = any.allowlist().minimal();
    assert_eq!(all.iter().map(ToString::to_string).collect::<Vec<_>>(), ["0.0.0.0/0", "::/0"]);
    let change = any.allowlist().difference(&list("128.0.0.0/2"));
    let closed: Vec<String> = change.closed.iter().map(ToString::to_string).collect();
    assert_eq!(closed, ["0.0.0.0/1", "192.0.0.0/2", "::/0"]);
}

#[test]
fn overlapping_and_adjacent_rules_become_the_fewest_blocks() {
    let minimal = list("10.0.0.0/9\n10.128.0.0/9\n10.1.2.3\n192.0.2.0/25\n192.0.2.128/26").minimal();
    let texts: Vec<String> = minimal.iter().map(ToString::to_string).collect();
    assert_eq!(texts, ["10.0.0.0/8", "192.0.2.0/25", "192.0.2.128/26"]);
}

#[test]
fn the_rules_as_written_explain_an_answer() {
    let rules = rules("10.0.0.0/8 # office\n10.1.0.0/16\n192.0.2.128/25\n198.51.100.7");
    let permitted = rules.explain(ip("::ffff:10.1.2.3"));
    assert_eq!(permitted.to_string(), "permitted\n  by line 1: 10.0.0.0/8\n  by line 2: 10.1.0.0/16");
    let denied = rules.explain(ip("192.0.2.127"));
    assert!(!denied.permits());
    assert_eq!(
        denied.to_string(),
        "denied\n  no rule holds it; the nearest are\
         \n  line 1: 10.0.0.0/8, which ends at 10.255.255.255, 3036676736 addresses away\
         \n  line 3: 192.0.2.128/25, which begins at 192.0.2.128, 1 address away"
    );
    assert!(rules.explain(ip("2001:db8::1")).to_string().contains("no rule is of the family"));
    assert!(Rules::default().explain(ip("10.0.0.1")).to_string().contains("the list is empty"));
}

fn caller(header: ForwardHeader, values: &[&str]) -> Result<IpAddr, CallerError> {
    let name = if header == ForwardHeader::Forwarded { "forwarded" } else { "x-forwarded-for" };
    let mut headers = HeaderMap::new();
    for value in values {
        headers.append(name, HeaderValue::from_str(value).expect("a header's value"));
    }
    client_address(ip("192.0.2.1"), &headers, header, &list("192.0.2.0/24"))
}

#[test]
fn the_caller_is_the_first_from_the_right_that_is_not_trusted() {
    let header = ForwardHeader::XForwardedFor;
    assert_eq!(caller(header, &["6.6.6.6, 198.51.100.7, 192.0.2.9"]), Ok(ip("198.51.100.7")));
    assert_eq!(caller(header, &["6.6.6.6", "198.51.100.7", "192.0.2.9"]), Ok(ip("198.51.100.7")));
    assert_eq!(caller(header, &["garbage, 198.51.100.7"]), Ok(ip("198.51.100.7")));
    assert_eq!(caller(header, &["198.51.100.7, garbage"]), Err(CallerError::Malformed));
    assert_eq!(caller(header, &["198.51.100.7, unknown"]), Err(CallerError::Hidden));
    assert_eq!(caller(header, &["198.51.100.7:99999"]), Err(CallerError::Malformed));
    assert_eq!(caller(header, &["192.0.2.9"]), Err(CallerError::Missing));
    assert_eq!(caller(header, &[]), Err(CallerError::Missing));
    assert_eq!(caller(header, &["1.1.1.1,"]), Err(CallerError::Malformed));
    let trusted = |count| "1.1.1.1".to_owned() + &", 192.0.2.9".repeat(count);
    assert_eq!(caller(header, &[&trusted(31)]), Ok(ip("1.1.1.1")));
    assert_eq!(caller(header, &[&trusted(32)]), Err(CallerError::TooLong));
    assert_eq!(caller(header, &[&" ".repeat(9000)]), Err(CallerError::TooLong));
}

/// Text from the caller itself is to the left of what the proxies add, or in earlier lines.
#[test]
fn text_left_of_the_caller_or_in_earlier_lines_changes_nothing() {
    let (many, long) = ("1.1.1.1,".repeat(40), "x".repeat(9000));
    for junk in [
        "2.2\"2.2", "\"", "\\\"", "a\"b,c\"", "\u{e9}", ",,", "for=\"", "for=\"[", "for=\"\\", "x\\", &many,
        &long,
    ] {
        for (header, added) in [
            (ForwardHeader::XForwardedFor, "198.51.100.7"),
            (ForwardHeader::Forwarded, "for=198.51.100.7"),
            (ForwardHeader::Forwarded, "host=\"a\\\", b;\\\\\";for=\"198.51.100.7:80\", for=192.0.2.9"),
        ] {
            let one_line = format!("{junk}, {added}");
            for lines in [&[one_line.as_str()][..], &[junk, added], &[junk, junk, &one_line]] {
                assert_eq!(caller(header, lines), Ok(ip("198.51.100.7")), "{lines:?}");
            }
        }
    }
}

#[test]
fn the_standard_header_is_read_with_quotes_ports_and_hidden_names() {
    let header = ForwardHeader::Forwarded;
    assert_eq!(caller(header, &["for=6.6.6.6, FOR=198.51.100.7;proto=https"]), Ok(ip("198.51.100.7")));
    assert_eq!(caller(header, &["by=1.1.1.1;for=\"[2001:db8::1]:_x\""]), Ok(ip("2001:db8::1")));
    assert_eq!(caller(header, &["for=\"198.51.100.7:80\", for=192.0.2.9"]), Ok(ip("198.51.100.7")));
    assert_eq!(caller(header, &[";for=198.51.100.7;;proto=http;"]), Ok(ip("198.51.100.7")));
    assert_eq!(caller(header, &["for=198.51.100.7, for=_hidden"]), Err(CallerError::Hidden));
    for malformed in [
        "",
        "for=",
        "for=2001:db8::1",
        "for=\"2001:db8::1\"",
        "for=\"1.1.1.1",
        "proto=https",
        "for=1.1.1.1;for=2.2.2.2",
        "for=1.1.1.1:80",
        "1.1.1.1",
    ] {
        assert_eq!(caller(header, &[malformed]), Err(CallerError::Malformed), "{malformed}");
    }
}
