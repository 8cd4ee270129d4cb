//! Rows about addresses: parsing a rule, matching an address, and finding the client's address behind proxies.
//!
//! No clock measures a row, because the result would differ between runs. `max_us` bounds the work instead: a step,
//! which is a byte read or a comparison made, takes at most a tenth of a microsecond on any machine.

use std::net::{IpAddr, SocketAddrV6};

use http::{HeaderMap, HeaderName, HeaderValue};
use octo_auth_core::allowlist::{ForwardHeader, RuleOptions, Rules, client_address, parse_rule};
use serde_json::Value;

use super::facts::Facts;
use super::input;
use super::row::Row;

/// Returns the facts of a row about addresses.
pub(super) fn observe(row: &Row) -> Option<Result<Facts, String>> {
    row.is_about_addresses().then(|| match row.text("fn") {
        Some("parse_cidr") => parsed(row),
        Some("matches") => matched(row),
        Some("client_ip") => caller(row),
        _ => Err("the function of the row is not known".to_owned()),
    })
}

fn parsed(row: &Row) -> Result<Facts, String> {
    let text = input::bytes(row, "text")?.ok_or("the row has no text")?;
    let text = String::from_utf8(text).map_err(|error| error.to_string())?;
    let mut facts = Facts::new();
    // A text that is longer than any rule is refused before it is parsed.
    facts.insert("us".into(), microseconds(text.len().min(64)).into());
    match parse_rule(&text, terms(row)?) {
        Ok(block) => {
            facts.insert("outcome".into(), "ok".into());
            facts.insert("canonical".into(), block.to_string().into());
        }
        Err(error) => {
            facts.insert("outcome".into(), "reject".into());
            facts.insert("kind".into(), error.code().into());
            facts.insert("text".into(), error.to_string().into());
            facts.insert("warn_only".into(), error.problem().can_be_switched_on().into());
        }
    }
    Ok(facts)
}

fn matched(row: &Row) -> Result<Facts, String> {
    let mut facts = Facts::new();
    let Ok(rules) = Rules::from_list(&texts(row, "allow")?, terms(row)?) else {
        facts.insert("outcome".into(), "config_error".into());
        return Ok(facts);
    };
    let allowlist = rules.allowlist();
    let peer = row.text("peer").and_then(address);
    let permits = peer.is_some_and(|peer| allowlist.permits(peer));
    facts.insert("outcome".into(), if permits { "allow" } else { "deny" }.into());
    // In the worst case, the merged ranges are searched by bisection.
    let comparisons = 2 + (usize::BITS - allowlist.minimal().len().leading_zeros()) as usize;
    facts.insert("us".into(), microseconds(comparisons).into());
    Ok(facts)
}

fn caller(row: &Row) -> Result<Facts, String> {
    let trusted = Rules::from_list(&texts(row, "trusted")?, terms(row)?);
    let trusted = trusted.map_err(|error| error.to_string())?.allowlist();
    let header = match row.text("header") {
        None | Some("x-forwarded-for") => ForwardHeader::XForwardedFor,
        Some("forwarded") => ForwardHeader::Forwarded,
        Some(other) => return Err(format!("the header {other} is not known")),
    };
    let mut headers = HeaderMap::new();
    for (name, value) in input::headers(row)? {
        let name = HeaderName::try_from(name).map_err(|error| error.to_string())?;
        headers.append(name, HeaderValue::try_from(value).map_err(|error| error.to_string())?);
    }
    let peer = row.text("peer").and_then(address);
    let caller = peer.and_then(|peer| client_address(peer, &headers, header, &trusted).ok());
    let mut facts = Facts::new();
    facts.insert("outcome".into(), if caller.is_some() { "client" } else { "deny" }.into());
    facts.extend(caller.map(|caller| ("ip".to_owned(), caller.to_string().into())));
    Ok(facts)
}

fn terms(row: &Row) -> Result<RuleOptions, String> {
    let on = |key: &str| row.input.get(key) == Some(&Value::Bool(true));
    let mut terms = RuleOptions::default();
    if on("optin_any") {
        terms = terms.allow_any();
    }
    if on("ipv4_only") {
        terms = terms.ipv4_only();
    }
    match row.text("purpose") {
        None => Ok(terms),
        Some("egress") => Ok(terms.egress()),
        Some(other) => Err(format!("the purpose {other} is not known")),
    }
}

/// Returns the texts under a key, or those of its generator, which repeats a list.
fn texts(row: &Row, key: &str) -> Result<Vec<String>, String> {
    let generator = row.input.get(&format!("{key}_gen"));
    let list = generator.map_or(row.input.get(key), |generator| generator.get("repeat"));
    let list = list.and_then(Value::as_array).ok_or_else(|| format!("{key} is no list"))?;
    let times = generator.and_then(|generator| generator.get("times")).map_or(Some(1), Value::as_u64);
    let times = times.and_then(|times| usize::try_from(times).ok()).ok_or("times is no number")?;
    let texts = list.iter().map(|text| text.as_str().map(str::to_owned).ok_or("a rule is no text"));
    let texts = texts.collect::<Result<Vec<_>, _>>()?;
    Ok(std::iter::repeat_n(texts, times).flatten().collect())
}

/// Parses the address of a peer in the form of a socket, optionally with an interface number.
fn address(text: &str) -> Option<IpAddr> {
    let with_scope = || format!("[{text}]:0").parse().map(|socket: SocketAddrV6| IpAddr::V6(*socket.ip()));
    text.parse().or_else(|_| with_scope()).ok()
}

/// Returns the longest time for this count of steps.
fn microseconds(steps: usize) -> u64 {
    steps.div_ceil(10) as u64
}
