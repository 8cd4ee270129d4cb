//! The proxy settings of the environment. The tests of the adapters check the same over sockets.

#![expect(clippy::expect_used, reason = "what a test builds on is sound, or the test fails")]

use std::error::Error;

use http::Uri;
use octo_auth_system::proxies::{Proxies, ProxyError};

/// The password of every proxy here.
const PASSWORD: &str = "cAnArY";

fn read(settings: &[(&str, &str)]) -> Result<Proxies, ProxyError> {
    Proxies::read(|name| settings.iter().find(|(set, _)| *set == name).map(|(_, value)| value.into()))
}

fn is_direct(proxies: &Proxies, url: &str) -> bool {
    proxies.for_url(&url.parse::<Uri>().expect("a sound URL")).is_none()
}

#[test]
fn the_first_variable_that_is_set_names_the_proxy() {
    let all = [("https_proxy", "a:1"), ("HTTPS_PROXY", "b:2"), ("all_proxy", "c:3"), ("ALL_PROXY", "d:4")];
    for first in 0..all.len() {
        let proxies = read(&all[first..]).expect("a proxy");
        let expected = format!("http://{}", all[first].1);
        assert_eq!(proxies.proxy().map(ToString::to_string), Some(expected), "{:?}", &all[first..]);
    }
}

#[test]
fn an_empty_variable_is_not_set() {
    for empty in ["", " ", "\t"] {
        assert!(read(&[("HTTPS_PROXY", empty)]).expect("no proxy").proxy().is_none());
        let proxies = read(&[("https_proxy", empty), ("ALL_PROXY", "proxy.example")]).expect("a proxy");
        assert!(proxies.proxy().is_some(), "{empty:?}");
        let exceptions = [("HTTPS_PROXY", "proxy.example"), ("no_proxy", empty), ("NO_PROXY", "*")];
        assert!(is_direct(&read(&exceptions).expect("a proxy"), "https://auth.example/"), "{empty:?}");
    }
}

#[test]
fn plain_http_is_sent_directly_and_its_variables_are_not_read() {
    let proxies = read(&[("HTTP_PROXY", "ftp://x"), ("http_proxy", "ftp://x")]).expect("no proxy");
    assert!(proxies.proxy().is_none());
    let proxies = read(&[("ALL_PROXY", "proxy.example")]).expect("a proxy");
    assert!(is_direct(&proxies, "http://127.0.0.1:8080/token"));
    assert!(!is_direct(&proxies, "https://127.0.0.1:8080/token"));
}

#[test]
fn the_parts_that_are_left_out_of_a_proxy_have_documented_values() {
    for (value, shown) in [
        ("proxy.example", "http://proxy.example:80"),
        ("proxy.example:3128", "http://proxy.example:3128"),
        ("HTTP://Proxy.Example:3128/", "http://proxy.example:3128"),
        (" https://proxy.example ", "https://proxy.example:443"),
        ("socks4://192.0.2.1", "socks4://192.0.2.1:1080"),
        ("socks4a://proxy_1", "socks4a://proxy_1:1080"),
        ("socks5://[2001:db8::1]", "socks5://[2001:db8::1]:1080"),
        ("Socks5h://[2001:db8::1]:9", "socks5h://[2001:db8::1]:9"),
        ("user:cAnArY@proxy.example", "http://proxy.example:80"),
        ("@proxy.example", "http://proxy.example:80"),
    ] {
        let proxies = read(&[("HTTPS_PROXY", value)]).expect(value);
        assert_eq!(proxies.proxy().map(ToString::to_string).as_deref(), Some(shown), "{value}");
        assert!(!format!("{proxies:?}").contains(PASSWORD));
    }
}

#[test]
fn credentials_are_decoded_once_and_encoded_again_in_the_url() {
    for (value, url) in [
        ("http://user:cAnArY@proxy.example", "http://user:cAnArY@proxy.example:80"),
        ("http://user@proxy.example", "http://user:@proxy.example:80"),
        ("http://:cAnArY@proxy.example", "http://:cAnArY@proxy.example:80"),
        ("http://a%40b:c%3Ad%25@proxy.example", "http://a%40b:c%3Ad%25@proxy.example:80"),
        ("http://user:p@ss:w@proxy.example", "http://user:p%40ss%3Aw@proxy.example:80"),
        ("socks5://%c3%bc:+ @proxy.example", "socks5://%C3%BC:%2B%20@proxy.example:1080"),
    ] {
        let proxies = read(&[("ALL_PROXY", value)]).expect(value);
        assert_eq!(proxies.proxy().map(|proxy| proxy.url().expose().to_owned()).as_deref(), Some(url));
    }
}

#[test]
fn a_proxy_that_cannot_be_used_is_an_error_that_names_the_variable_and_shows_no_value() {
    for (value, said) in [
        ("ftp://user:cAnArY@proxy.example", "the scheme is none of"),
        ("socks://user:cAnArY@proxy.example", "the scheme is none of"),
        ("http://", "the host is missing"),
        ("http://user:cAnArY@", "the host is missing"),
        ("http://:3128", "the host is missing"),
        ("http://proxy cAnArY", "the host is missing"),
        ("http://10.0.0", "the host is missing"),
        ("http://[proxy.example]", "the host is missing"),
        ("http://[2001:db8::1", "the host is missing"),
        ("http://user:cAnArY@proxy.example:0", "the port is not a number"),
        ("http://proxy.example:65536", "the port is not a number"),
        ("http://proxy.example:+80", "the port is not a number"),
        ("http://proxy.example:", "the port is not a number"),
        ("user:cAnArY", "the port is not a number"),
        ("http://proxy.example/cAnArY.pac", "a path, query or fragment"),
        ("http://user:cAnArY#1@proxy.example", "a path, query or fragment"),
        ("http://user:cAnArY%@proxy.example", "not percent-encoded UTF-8"),
        ("http://user:cAnArY%+1@proxy.example", "not percent-encoded UTF-8"),
        ("http://user:cAnArY%FF@proxy.example", "not percent-encoded UTF-8"),
        ("http://a%3Ab:cAnArY@proxy.example", "cannot hold a colon"),
        ("socks4://user:cAnArY@proxy.example", "takes no user name and no password"),
        ("socks5://cAnArY@proxy.example", "of 1 to 255 bytes each"),
        ("socks5h://:cAnArY@proxy.example", "of 1 to 255 bytes each"),
    ] {
        for name in ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
            let error = read(&[(name, value)]).expect_err(value);
            let text = format!("{error} {error:?}");
            assert_eq!(error.variable(), name);
            assert!(text.contains(name) && text.contains(said), "{value}: {text}");
            assert!(!text.contains(PASSWORD), "{value}: {text}");
            assert!(error.source().is_none());
        }
    }
    let long = format!("socks5://user:{}@proxy.example", "x".repeat(256));
    assert!(read(&[("ALL_PROXY", &long)]).is_err());
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_not_utf8_is_an_error() {
    use std::os::unix::ffi::OsStringExt;
    let value = || Some(std::ffi::OsString::from_vec(b"http://user:cAnArY\xff@proxy.example".to_vec()));
    let error = Proxies::read(|name| value().filter(|_| name == "ALL_PROXY")).expect_err("no UTF-8");
    assert!(error.to_string().contains("ALL_PROXY") && !format!("{error:?}").contains(PASSWORD), "{error:?}");
}

/// Lists of exceptions, URLs, and whether each is reached directly.
const EXCEPTIONS: [(&str, &[(&str, bool)]); 14] = [
    ("*", &[("https://auth.example", true), ("https://192.0.2.1", true)]),
    (
        "auth.example",
        &[
            ("https://auth.example", true),
            ("https://AUTH.example.:8443", true),
            ("https://api.auth.example", true),
            ("https://myauth.example", false),
            ("https://example", false),
        ],
    ),
    (".Auth.Example", &[("https://auth.example", true), ("https://api.auth.example", true)]),
    ("*.auth.example", &[("https://auth.example", true), ("https://api.auth.example", true)]),
    ("auth.example.", &[("https://auth.example", true), ("https://other.example", false)]),
    (
        "auth.example:8443",
        &[
            ("https://auth.example:8443", true),
            ("https://auth.example", false),
            ("https://a.auth.example:8443", true),
        ],
    ),
    ("*:443", &[("https://auth.example", true), ("https://auth.example:8443", false)]),
    (
        "192.0.2.1",
        &[("https://192.0.2.1", true), ("https://192.0.2.11", false), ("https://[::ffff:192.0.2.1]", true)],
    ),
    ("192.0.2.1:8443", &[("https://192.0.2.1:8443", true), ("https://192.0.2.1", false)]),
    (
        "192.0.2.0/24",
        &[("https://192.0.2.255", true), ("https://192.0.3.0", false), ("https://auth.example", false)],
    ),
    ("2001:db8::1", &[("https://[2001:db8::1]:8443", true), ("https://[2001:db8::2]", false)]),
    ("[2001:DB8::1]:8443", &[("https://[2001:db8:0::1]:8443", true), ("https://[2001:db8::1]", false)]),
    ("2001:db8::/32", &[("https://[2001:db8:1::1]", true), ("https://[2001:db9::1]", false)]),
    (
        ",a.example , b.example\tc.example,,",
        &[
            ("https://a.example", true),
            ("https://b.example", true),
            ("https://c.example", true),
            ("https://d.example", false),
        ],
    ),
];

#[test]
fn an_exception_holds_for_the_documented_hosts_and_no_other() {
    for (list, urls) in EXCEPTIONS {
        for name in ["no_proxy", "NO_PROXY"] {
            let proxies = read(&[("HTTPS_PROXY", "proxy.example"), (name, list)]).expect(list);
            for (url, expected) in urls {
                assert_eq!(is_direct(&proxies, url), *expected, "{name}={list}: {url}");
            }
        }
    }
}

#[test]
fn the_lower_case_exceptions_override_those_in_upper_case() {
    let settings = [("ALL_PROXY", "proxy.example"), ("NO_PROXY", "a.example"), ("no_proxy", "b.example")];
    let proxies = read(&settings).expect("a proxy");
    assert!(is_direct(&proxies, "https://b.example") && !is_direct(&proxies, "https://a.example"));
}

#[test]
fn an_exception_without_a_documented_form_is_an_error_that_names_its_place() {
    for entry in [
        "192.168.*",
        "192.168.",
        "10",
        "auth*",
        "<local>",
        "http://auth.example",
        "a..example",
        "auth.example:https",
        "auth.example:0",
        "192.0.2.0/33",
        "b\u{fc}cher.example",
        ".",
        "*.",
    ] {
        let list = format!("localhost, {entry}");
        let error = read(&[("HTTPS_PROXY", "proxy.example"), ("NO_PROXY", &list)]).expect_err(entry);
        assert_eq!(error.variable(), "NO_PROXY");
        assert!(error.to_string().contains("entry 2 is neither"), "{entry}: {error}");
        assert!(read(&[("NO_PROXY", &list)]).is_ok(), "without a proxy it does not matter");
    }
}
