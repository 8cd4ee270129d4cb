//! Parsing one rule, an address or a block, by one strict grammar.
//!
//! A text that `inet_aton`, IDNA or a lenient parser would read differently is rejected. The grammar:
//!
//! ```text
//! rule   = (ipv4 [ "/" 0-32 ]) / (ipv6 [ "/" 0-128 ])
//! ipv4   = octet "." octet "." octet "." octet     four of 0-255, decimal, no leading zeros
//! ipv6   = RFC 4291 section 2.2, no zone, no brackets
//! ```

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::error::{RuleError, RuleProblem};
use super::letters::{retyped, strange};
use super::ranges::blocks;
use super::terms::RuleOptions;

/// Parses a rule with the default options.
///
/// # Errors
///
/// As [`parse_rule`].
pub fn parse(text: &str) -> Result<IpNet, RuleError> {
    parse_rule(text, RuleOptions::default())
}

/// Parses a rule. A single address is the block of this address, and an IPv4-mapped block is the IPv4 block.
///
/// # Errors
///
/// A [`RuleError`], which says what is wrong, at which byte, and what was probably meant.
pub fn parse_rule(text: &str, terms: RuleOptions) -> Result<IpNet, RuleError> {
    read_rule(text, terms).map_err(|error| explained(error, text))
}

fn read_rule(text: &str, terms: RuleOptions) -> Result<IpNet, RuleError> {
    if text.is_empty() {
        return Err(RuleError::new(RuleProblem::Empty, 0));
    }
    if text.len() > LONGEST {
        return Err(RuleError::new(RuleProblem::Syntax, LONGEST));
    }
    let (written, slash) = read_address(text)?;
    let length = match text.get(slash + 1..) {
        Some(prefix) => read_prefix(prefix, slash + 1, written)?,
        None if written.is_ipv4() => 32,
        None => 128,
    };
    if let Some(block) = ordinary(written, length, terms) {
        return Ok(block);
    }
    let (address, length) = unmapped(written, length, slash)?;
    refuse_family(address, length, terms)?;
    let block = IpNet::new(address, length).map_err(|_| RuleError::new(RuleProblem::Prefix, slash))?;
    if block.network() != address {
        let alone = IpNet::from(address);
        return Err(
            RuleError::new(RuleProblem::HostBits, slash).meant(format!("{} or {alone}", block.trunc()))
        );
    }
    match unfit(block, terms) {
        Some(problem) => Err(RuleError::new(problem, 0)),
        None => Ok(block),
    }
}

/// Returns the block if it certainly passes all checks, as most IPv4 blocks do. The rest of [`parse_rule`]
/// would come to the same result at several times the cost.
#[inline]
fn ordinary(address: IpAddr, length: u8, terms: RuleOptions) -> Option<IpNet> {
    let IpAddr::V4(address) = address else { return None };
    let bits = address.to_bits();
    let host = u32::MAX.checked_shr(length.into()).unwrap_or(0);
    // Addresses below 1.0.0.0, and from 224.0.0.0 on, need the full checks.
    let plain = bits & host == 0 && length > 1 && (0x0100_0000..0xe000_0000).contains(&bits) && !terms.egress;
    Ipv4Net::new(address, length).ok().filter(|_| plain).map(IpNet::V4)
}

/// The longest rule: the longest IPv6 text has 45 bytes and its prefix four.
const LONGEST: usize = 64;

/// Parses the address and returns where it ends: at the slash or at the end of the text.
fn read_address(text: &str) -> Result<(IpAddr, usize), RuleError> {
    // Nearly every rule is IPv4, and this one pass is most of the cost of reading a list.
    read_v4(text.as_bytes(), 0).map(|(address, end)| (IpAddr::V4(address), end)).or_else(|wrong| {
        let end = text.find('/').unwrap_or(text.len());
        if !text[..end].contains(':') {
            return Err(wrong);
        }
        Ok((IpAddr::V6(read_v6(&text[..end])?), end))
    })
}

/// Parses four octets and returns where they end: at a slash or at the end of the text. `from` is where they
/// begin in the rule.
#[inline]
fn read_v4(bytes: &[u8], from: usize) -> Result<(Ipv4Addr, usize), RuleError> {
    let wrong = |problem, at| Err(RuleError::new(problem, from + at));
    let (mut address, mut at) = (0, 0);
    for place in 0..4 {
        let start = at;
        let mut octet = 0;
        while let Some(digit) = bytes.get(at).filter(|byte| byte.is_ascii_digit() && at < start + 4) {
            octet = octet * 10 + u32::from(digit - b'0');
            at += 1;
        }
        if at == start {
            return wrong(RuleProblem::Syntax, at);
        }
        if bytes[start] == b'0' && at > start + 1 {
            return wrong(RuleProblem::LeadingZero, start);
        }
        if octet > 255 {
            return wrong(RuleProblem::Syntax, start);
        }
        address = address << 8 | octet;
        match bytes.get(at) {
            Some(b'.') if place < 3 => at += 1,
            None | Some(b'/') if place == 3 => break,
            _ => return wrong(RuleProblem::Syntax, at),
        }
    }
    Ok((Ipv4Addr::from_bits(address), at))
}

fn read_v6(text: &str) -> Result<Ipv6Addr, RuleError> {
    if let Some(zone) = text.find('%') {
        let error = RuleError::new(RuleProblem::Zone, zone);
        return Err(if read_v6(&text[..zone]).is_ok() { error.meant(&text[..zone]) } else { error });
    }
    let tail = text.rfind(':').map_or(0, |colon| colon + 1);
    let dotted =
        if text[tail..].contains('.') { Some(read_v4(&text.as_bytes()[tail..], tail)?.0) } else { None };
    let address: Ipv6Addr =
        text.parse().map_err(|_| RuleError::new(RuleProblem::Syntax, wrong_byte_of_v6(text)))?;
    let compatible = address.to_bits() >> 32 == 0 && address.to_bits() > 1;
    match dotted {
        Some(v4) if compatible => Err(RuleError::new(RuleProblem::Ipv4Compatible, 0).meant(v4.to_string())),
        _ => Ok(address),
    }
}

/// Returns the byte position at which a text that is not an IPv6 address violates the grammar.
fn wrong_byte_of_v6(text: &str) -> usize {
    let strange = text.find(|letter: char| !letter.is_ascii_hexdigit() && letter != ':' && letter != '.');
    let compressed = text.find("::");
    let again = compressed.and_then(|first| text[first + 1..].find("::").map(|second| first + 1 + second));
    let mut start = 0;
    let mut long = None;
    for (place, group) in text.split(':').enumerate() {
        if long.is_none() && ((group.len() > 4 && !group.contains('.')) || place == 8) {
            long = Some(start);
        }
        start += group.len() + 1;
    }
    strange.into_iter().chain(again).chain(long).min().unwrap_or(text.len())
}

/// Parses the prefix after the slash. `from` is the position after the slash.
fn read_prefix(text: &str, from: usize, address: IpAddr) -> Result<u8, RuleError> {
    let most = if address.is_ipv4() { 32 } else { 128 };
    let mut digits = 0;
    let mut number = 0;
    while let Some(digit) = text.as_bytes().get(digits).filter(|byte| byte.is_ascii_digit() && digits < 4) {
        number = number * 10 + u16::from(digit - b'0');
        digits += 1;
    }
    let plain = digits == 1 || !text.starts_with('0');
    let number = u8::try_from(number).ok().filter(|number| *number <= most && plain && digits > 0);
    match number {
        Some(number) if digits == text.len() => Ok(number),
        number => Err(wrong_prefix(text, from, address, number.map(|number| (number, digits)))),
    }
}

/// Returns what is wrong with a prefix. `begins` is the number at its beginning, with its count of digits.
fn wrong_prefix(text: &str, from: usize, address: IpAddr, begins: Option<(u8, usize)>) -> RuleError {
    let most = if address.is_ipv4() { 32 } else { 128 };
    let wrong = RuleError::new(RuleProblem::Prefix, from);
    let mask = text.parse::<Ipv4Addr>().ok().filter(|_| address.is_ipv4());
    if let Some(Ok(length)) = mask.map(ipnet::ipv4_mask_to_prefix) {
        return wrong.meant(format!("{address}/{length}"));
    }
    let Some((number, digits)) = begins else {
        let stripped = text.trim().trim_start_matches('0');
        return match stripped.parse::<u8>() {
            Ok(meant) if meant <= most && meant > 0 => wrong.meant(format!("{address}/{meant}")),
            _ => wrong,
        };
    };
    if text[digits..].starts_with([' ', '#', ',']) {
        let error = RuleError::new(RuleProblem::Syntax, from + digits);
        return error.meant(format!("{address}/{number}"));
    }
    RuleError::new(RuleProblem::Prefix, from + digits)
}

/// Converts an IPv4-mapped block into the IPv4 block.
fn unmapped(address: IpAddr, length: u8, slash: usize) -> Result<(IpAddr, u8), RuleError> {
    let canonical = address.to_canonical();
    if canonical.is_ipv4() == address.is_ipv4() {
        return Ok((address, length));
    }
    match length.checked_sub(96) {
        Some(length) => Ok((canonical, length)),
        None => Err(RuleError::new(RuleProblem::MappedPrefix, slash)),
    }
}

fn refuse_family(address: IpAddr, length: u8, terms: RuleOptions) -> Result<(), RuleError> {
    let error = match address {
        IpAddr::V6(_) if terms.ipv4_only => RuleError::new(RuleProblem::Family, 0),
        // This is the same address as the dotted spelling, which the parser rejects.
        IpAddr::V6(address) if length >= 96 && address.to_bits() >> 32 == 0 && address.to_bits() > 1 => {
            let v4 = Ipv4Addr::from_bits(address.to_bits() as u32);
            RuleError::new(RuleProblem::Ipv4Compatible, 0).meant(v4.to_string())
        }
        _ => return Ok(()),
    };
    Err(error)
}

/// Returns why a well-formed block is not acceptable in a list.
fn unfit(block: IpNet, terms: RuleOptions) -> Option<RuleProblem> {
    let address = block.network();
    if block.prefix_len() <= 1 {
        let problem = if block.prefix_len() == 0 { RuleProblem::AnyNeedsOptin } else { RuleProblem::TooWide };
        return (!terms.any).then_some(problem);
    }
    let single = block.prefix_len() == block.max_prefix_len();
    if single && address.is_unspecified() {
        return Some(RuleProblem::Unspecified);
    }
    if single && address == IpAddr::V4(Ipv4Addr::BROADCAST) {
        return Some(RuleProblem::Broadcast);
    }
    // The multicast blocks are 224.0.0.0/4 and ff00::/8.
    if address.is_multicast() && block.prefix_len() >= if address.is_ipv4() { 4 } else { 8 } {
        return Some(RuleProblem::Multicast);
    }
    (terms.egress && within(block, &NOT_CARRIED)).then_some(RuleProblem::Private)
}

fn within(block: IpNet, ranges: &[IpNet]) -> bool {
    ranges.iter().any(|range| range.contains(&block))
}

const fn v4(a: u8, b: u8, length: u8) -> IpNet {
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(a, b, 0, 0), length))
}

const fn v6(first: u16, length: u8) -> IpNet {
    IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::new(first, 0, 0, 0, 0, 0, 0, 0), length))
}

/// The blocks that are not globally reachable by the registries of RFC 6890, except those for documentation.
const NOT_CARRIED: [IpNet; 12] = [
    v4(0, 0, 8),
    v4(10, 0, 8),
    v4(100, 64, 10),
    v4(127, 0, 8),
    v4(169, 254, 16),
    v4(172, 16, 12),
    v4(192, 168, 16),
    v4(198, 18, 15),
    v4(240, 0, 4),
    IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128)),
    v6(0xfc00, 7),
    v6(0xfe80, 10),
];

/// The longest text for which the error is explained, in bytes.
const LOOKED_AT: usize = 4 * LONGEST;

/// Finds the character or the port because of which the text is not a rule, and adds what was probably meant.
fn explained(error: RuleError, text: &str) -> RuleError {
    if text.len() > LOOKED_AT {
        return error;
    }
    let typed = retyped(text);
    // A prefix of digits of another script is reported as a wrong prefix.
    let is_prefix = |letter: char| error.problem() == RuleProblem::Prefix && letter.is_numeric();
    let error = if let Some((position, letter)) = strange(text).filter(|(_, letter)| !is_prefix(*letter)) {
        RuleError::new(RuleProblem::Character(letter), position)
    } else if without_port(&typed).is_some() {
        RuleError::new(RuleProblem::Port, text.rfind(':').unwrap_or_default())
    } else {
        error
    };
    if error.probably_meant().is_some() {
        return error;
    }
    match guess(text, &typed, error.problem()) {
        Some(meant) => error.meant(meant),
        None => error,
    }
}

/// Returns the address of a text that is an address and a port.
fn without_port(text: &str) -> Option<IpAddr> {
    text.parse().map(|socket: SocketAddr| socket.ip()).ok()
}

/// Returns what a text was probably meant to be, if that is a rule. `typed` is the same text, retyped.
fn guess(text: &str, typed: &str, problem: RuleProblem) -> Option<String> {
    let is_rule = |text: &str| text.parse::<IpNet>().is_ok() || text.parse::<IpAddr>().is_ok();
    if let Some(address) = without_port(typed) {
        return Some(address.to_string());
    }
    if problem == RuleProblem::LeadingZero {
        let octets: Vec<&str> = typed.split('.').map(|octet| octet.trim_start_matches('0')).collect();
        let plain = octets.iter().map(|octet| {
            if octet.is_empty() || octet.starts_with('/') { format!("0{octet}") } else { (*octet).to_owned() }
        });
        return Some(plain.collect::<Vec<_>>().join(".")).filter(|plain| is_rule(plain));
    }
    if let Some((first, last)) = typed.split_once('-') {
        let (first, last) = (first.trim().parse::<Ipv4Addr>().ok()?, last.trim().parse::<Ipv4Addr>().ok()?);
        let parts = blocks((first.to_bits(), last.to_bits())).into_iter();
        let parts: Vec<String> =
            parts.map(|(first, length)| format!("{}/{length}", Ipv4Addr::from_bits(first))).collect();
        return Some(match parts.len() {
            0 => "a list of blocks".to_owned(),
            1..=8 => format!("the list {}", parts.join(", ")),
            many => format!("a list of {many} blocks, the first {}", parts[0]),
        });
    }
    if let Some(kept) = typed.strip_suffix(".*") {
        let known = kept.split('.').filter(|part| *part != "*").count();
        let block = format!(
            "{}{}/{}",
            kept.replace('*', "0"),
            ".0".repeat(4_usize.checked_sub(kept.split('.').count())?),
            known * 8
        );
        return Some(block).filter(|block| is_rule(block));
    }
    let address = address_in(typed);
    let spelled = [typed.replace(['[', ']'], ""), address.to_owned(), address.replace(',', ".")];
    let masked = address.split_once(' ').and_then(|(address, mask)| with_mask(address, mask.trim()));
    let known =
        spelled.into_iter().chain(without_port(address).map(|address| address.to_string())).chain(masked);
    let mut cut = known.chain(without_tail(address));
    cut.find(|meant| meant != text && is_rule(meant))
}

/// Returns the address in a URL or an SPF rule (RFC 7208), without the text before it.
fn address_in(typed: &str) -> &str {
    let host = typed.rsplit_once("//").map_or(typed, |(_, host)| host.trim_end_matches('/'));
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    ["ip4:", "ip6:", "ip:"].into_iter().find_map(|begin| host.strip_prefix(begin)).unwrap_or(host)
}

/// Returns the block of an address and a mask.
fn with_mask(address: &str, mask: &str) -> Option<String> {
    let (address, mask) = (address.parse::<Ipv4Addr>().ok()?, mask.parse::<Ipv4Addr>().ok()?);
    Some(format!("{address}/{}", ipnet::ipv4_mask_to_prefix(mask).ok()?))
}

/// Returns a text without a comment, a zone, a port or a path after the address.
fn without_tail(text: &str) -> Option<String> {
    let (text, tail) = text.split_at(text.find([' ', '#', '%', '?']).unwrap_or(text.len()));
    if tail.split(' ').any(|word| word.parse::<IpAddr>().is_ok()) {
        return None;
    }
    let (address, rest) = match text.strip_prefix('[') {
        Some(inside) => inside.split_once(']').unwrap_or((inside, "")),
        None if text.contains('.') => text.split_at(text.find([':', '/']).unwrap_or(text.len())),
        None => text.split_at(text.find('/').unwrap_or(text.len())),
    };
    let behind_port = rest.strip_prefix(':').map(|port| port.trim_start_matches(|letter| letter != '/'));
    let Some(length) = behind_port.unwrap_or(rest).strip_prefix('/') else { return Some(address.to_owned()) };
    let (digits, tail) = length.split_at(length.bytes().take_while(u8::is_ascii_digit).count());
    match (digits, tail) {
        ("", "") if behind_port.is_none() => None,
        ("", _) => Some(address.to_owned()),
        _ if tail.is_empty() || tail.starts_with([':', '/']) => Some(format!("{address}/{digits}")),
        _ => None,
    }
}
