//! The effect of a change of a list, by rule.
//!
//! The rule of this module: the count in the first line includes all changes, also those that are not listed below it.

use std::fmt;

use ipnet::IpNet;
use octo_auth_core::allowlist::{ListDifference, Rules, WrittenRule};

/// How many rules of each list are shown: those with the largest effect.
const SHOWN: usize = 20;

/// How many blocks of one rule are shown.
const BLOCKS: usize = 4;

/// A change, and the two lists it compares.
pub(super) struct Told<'a> {
    pub(super) change: &'a ListDifference,
    pub(super) old: &'a Rules,
    pub(super) new: &'a Rules,
}

/// Formats one line of counts, and one line for each rule that opens or closes addresses.
impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sum =
            |blocks: &[IpNet]| Count(blocks.iter().fold(0, |sum, block| sum.saturating_add(size(block))));
        write!(f, "opens {} and closes {}", sum(&self.change.opened), sum(&self.change.closed))?;
        side(f, ('+', "opens"), self.new, &self.change.opened)?;
        side(f, ('-', "closes"), self.old, &self.change.closed)
    }
}

/// The addresses that one rule opens or closes.
struct Effect<'a> {
    rule: &'a WrittenRule,
    size: u128,
    blocks: Vec<IpNet>,
}

fn side(
    f: &mut fmt::Formatter<'_>,
    (sign, does): (char, &str),
    rules: &Rules,
    changed: &[IpNet],
) -> fmt::Result {
    let mut effects: Vec<Effect<'_>> = rules
        .iter()
        .filter_map(|rule| {
            let blocks = inside(rule.block(), changed);
            let size = blocks.iter().fold(0_u128, |sum, block| sum.saturating_add(size(block)));
            (size > 0).then_some(Effect { rule, size, blocks })
        })
        .collect();
    // The largest opening should be examined first.
    effects.sort_by_key(|effect| (std::cmp::Reverse(effect.size), effect.rule.place()));
    for Effect { rule, size, blocks } in effects.iter().take(SHOWN) {
        write!(f, "\n{sign} {}: {} {does} {}", rule.place(), rule.text(), Count(*size))?;
        // The whole rule changes, so its blocks need no list.
        if *blocks == [rule.block()] {
            continue;
        }
        let shown: Vec<String> = blocks.iter().take(BLOCKS).map(ToString::to_string).collect();
        write!(f, ": {}", shown.join(", "))?;
        if let Some(more) = blocks.len().checked_sub(BLOCKS).filter(|more| *more > 0) {
            write!(f, " and {more} more")?;
        }
    }
    match effects.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        Some(more) => write!(f, "\n{sign} and {more} rules more, none of which {does} more than those"),
        None => Ok(()),
    }
}

/// Returns the intersection of a block with the changed blocks, which are sorted.
fn inside(rule: IpNet, changed: &[IpNet]) -> Vec<IpNet> {
    let from = changed.partition_point(|block| block.broadcast() < rule.network());
    let common = changed[from..].iter().take_while(|block| block.network() <= rule.broadcast());
    // If two blocks overlap, one contains the other.
    common.map(|block| if rule.contains(block) { *block } else { rule }).collect()
}

fn size(block: &IpNet) -> u128 {
    1_u128.checked_shl(u32::from(block.max_prefix_len() - block.prefix_len())).unwrap_or(u128::MAX)
}

/// A count of addresses for people. For large IPv6 counts, only the power of two is meaningful.
struct Count(u128);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            1 => f.write_str("1 address"),
            count if count > 1 << 40 => {
                let about = if count.is_power_of_two() { "" } else { "about " };
                write!(f, "{about}2^{} addresses", count.ilog2())
            }
            count => write!(f, "{} addresses", grouped(count)),
        }
    }
}

/// Formats a number with thousands separators.
fn grouped(count: u128) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
