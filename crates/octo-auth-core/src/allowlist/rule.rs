//! Reading one rule: an address or a block, by one strict grammar.
//!
//! The rule kept here: what `inet_aton`, IDNA or a lenient parser would read differently is refused. The grammar:
//!
//! ```text
//! rule   = (ipv4 [ "/" 0-32 ]) / (ipv6 [ "/" 0-128 ])
//! ipv4   = octet "." octet "." octet "." octet     four of 0-255, decimal, no leading zeros
//! ipv6   = RFC 4291 section 2.2, no zone, no brackets
//! ```

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::error::{RuleError, RuleProblem};
use super::ranges::blocks;
use super::terms::Terms;

/// Reads a rule by the default terms.
///
/// # Errors
///
/// As [`parse_rule`].
pub fn parse(text: &str) -> Result<IpNet, RuleError> {
    parse_rule(text, Terms::default())
}

/// Reads a rule; an address alone is the block of itself, and an IPv4-mapped block is the IPv4 block.
///
/// # Errors
///
/// [`RuleError`] says what is wrong, at which byte, and what was probably meant.
pub fn parse_rule(text: &str, terms: Terms) -> Result<IpNet, RuleError> {
    if text.is_empty() {
        return Err(RuleError::new(RuleProblem::Empty, 0));
    }
    if text.len() > LONGEST {
        return Err(RuleError::new(RuleProblem::Syntax, LONGEST));
    }
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    let written = read_address(address).map_err(|error| with_guess(error, text))?;
    let slash = address.len();
    let length = match prefix {
        Some(prefix) => read_prefix(prefix, slash + 1, written)?,
        None => {
            if written.is_ipv4() {
                32
            } else {
                128
            }
        }
    };
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

/// No rule is longer: the longest IPv6 text has 45 bytes and its prefix four.
const LONGEST: usize = 64;

fn read_address(text: &str) -> Result<IpAddr, RuleError> {
    if text.contains(':') { read_v6(text).map(IpAddr::V6) } else { read_v4(text, 0).map(IpAddr::V4) }
}

/// Reads four octets; `from` is where they begin in the rule.
fn read_v4(text: &str, from: usize) -> Result<Ipv4Addr, RuleError> {
    let mut octets = [0_u8; 4];
    let mut place = 0;
    let mut at = 0;
    let bytes = text.as_bytes();
    loop {
        let start = at;
        if bytes.get(at) == Some(&b'0') && bytes.get(at + 1).is_some_and(u8::is_ascii_digit) {
            return Err(RuleError::new(RuleProblem::LeadingZero, from + at));
        }
        let mut value = 0_u16;
        while let Some(digit) = bytes.get(at).filter(|byte| byte.is_ascii_digit()) {
            value = value * 10 + u16::from(digit - b'0');
            if value > 255 {
                return Err(RuleError::new(RuleProblem::Syntax, from + start));
            }
            at += 1;
        }
        if at == start {
            return Err(RuleError::new(RuleProblem::Syntax, from + at));
        }
        octets[place] = value as u8;
        place += 1;
        match bytes.get(at) {
            None if place == 4 => return Ok(Ipv4Addr::from(octets)),
            Some(b'.') if place < 4 => at += 1,
            _ => return Err(RuleError::new(RuleProblem::Syntax, from + at)),
        }
    }
}

fn read_v6(text: &str) -> Result<Ipv6Addr, RuleError> {
    if let Some(zone) = text.find('%') {
        let error = RuleError::new(RuleProblem::Zone, zone);
        return Err(if read_v6(&text[..zone]).is_ok() { error.meant(&text[..zone]) } else { error });
    }
    let tail = text.rfind(':').map_or(0, |colon| colon + 1);
    let dotted = if text[tail..].contains('.') { Some(read_v4(&text[tail..], tail)?) } else { None };
    let address: Ipv6Addr =
        text.parse().map_err(|_| RuleError::new(RuleProblem::Syntax, wrong_byte_of_v6(text)))?;
    let compatible = address.to_bits() >> 32 == 0 && address.to_bits() > 1;
    match dotted {
        Some(v4) if compatible => Err(RuleError::new(RuleProblem::Ipv4Compatible, 0).meant(v4.to_string())),
        _ => Ok(address),
    }
}

/// Finds the byte at which a text that is no IPv6 address departs from the grammar.
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

/// Reads what follows the slash, which stands before the byte `from`.
fn read_prefix(text: &str, from: usize, address: IpAddr) -> Result<u8, RuleError> {
    let most = if address.is_ipv4() { 32 } else { 128 };
    let digits = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let number = text[..digits].parse::<u8>().ok().filter(|number| *number <= most);
    let plain = digits == 1 || !text.starts_with('0');
    let wrong = || RuleError::new(RuleProblem::Prefix, from);
    let mask = text.parse::<Ipv4Addr>().ok().filter(|_| address.is_ipv4());
    if let Some(Ok(length)) = mask.map(ipnet::ipv4_mask_to_prefix) {
        return Err(wrong().meant(format!("{address}/{length}")));
    }
    let Some(number) = number.filter(|_| plain) else {
        let stripped = text.trim().trim_start_matches('0');
        return Err(match stripped.parse::<u8>() {
            Ok(meant) if meant <= most && meant > 0 => wrong().meant(format!("{address}/{meant}")),
            _ => wrong(),
        });
    };
    let Some(next) = text[digits..].chars().next() else { return Ok(number) };
    if next.is_whitespace() || next.is_control() || next == '#' || next == ',' {
        let error = RuleError::new(RuleProblem::Syntax, from + digits);
        return Err(error.meant(format!("{address}/{number}")));
    }
    Err(RuleError::new(RuleProblem::Prefix, from + digits))
}

/// Turns an IPv4-mapped block into the IPv4 block.
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

fn refuse_family(address: IpAddr, length: u8, terms: Terms) -> Result<(), RuleError> {
    let error = match address {
        IpAddr::V6(_) if terms.ipv4_only => RuleError::new(RuleProblem::Family, 0),
        // The same address as the dotted spelling, which is refused while it is read.
        IpAddr::V6(address) if length >= 96 && address.to_bits() >> 32 == 0 && address.to_bits() > 1 => {
            let v4 = Ipv4Addr::from_bits(address.to_bits() as u32);
            RuleError::new(RuleProblem::Ipv4Compatible, 0).meant(v4.to_string())
        }
        _ => return Ok(()),
    };
    Err(error)
}

/// Says why a well-formed block may not stand in a list.
fn unfit(block: IpNet, terms: Terms) -> Option<RuleProblem> {
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
    if within(block, &MULTICAST) {
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

const MULTICAST: [IpNet; 2] = [v4(224, 0, 4), v6(0xff00, 8)];

/// What the registries of RFC 6890 say is not reachable from everywhere, but for the blocks of documentation.
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

/// Adds what was probably meant to an error about an address.
fn with_guess(error: RuleError, text: &str) -> RuleError {
    if error.probably_meant().is_some() {
        return error;
    }
    match guess(text, error.problem()) {
        Some(meant) => error.meant(meant),
        None => error,
    }
}

fn guess(text: &str, problem: RuleProblem) -> Option<String> {
    let is_rule = |text: &str| text.parse::<IpNet>().is_ok() || text.parse::<IpAddr>().is_ok();
    if problem == RuleProblem::LeadingZero {
        let octets: Vec<&str> = text.split('.').map(|octet| octet.trim_start_matches('0')).collect();
        let plain = octets.iter().map(|octet| {
            if octet.is_empty() || octet.starts_with('/') { format!("0{octet}") } else { (*octet).to_owned() }
        });
        return Some(plain.collect::<Vec<_>>().join(".")).filter(|plain| is_rule(plain));
    }
    if let Some((first, last)) = text.split_once('-') {
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
    if let Some(kept) = text.strip_suffix(".*") {
        let known = kept.split('.').filter(|part| *part != "*").count();
        let block = format!(
            "{}{}/{}",
            kept.replace('*', "0"),
            ".0".repeat(4_usize.checked_sub(kept.split('.').count())?),
            known * 8
        );
        return Some(block).filter(|block| is_rule(block));
    }
    let bare = text.trim().replace(['[', ']'], "");
    Some(bare).filter(|bare| bare != text && is_rule(bare))
}
