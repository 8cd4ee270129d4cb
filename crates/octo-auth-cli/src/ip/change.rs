//! What a change of a list does, told by the rules that do it.
//!
//! The rule kept here: the count in the first line is of all that changes; what is left out below it is counted too.

use std::fmt;

use ipnet::IpNet;
use octo_auth_core::allowlist::{Change, Rules, WrittenRule};

/// How many rules of each list are shown, those that change most.
const SHOWN: usize = 20;

/// How many blocks of one rule are shown.
const BLOCKS: usize = 4;

/// A change, and the two lists it lies between.
pub(super) struct Told<'a> {
    pub(super) change: &'a Change,
    pub(super) old: &'a Rules,
    pub(super) new: &'a Rules,
}

/// One line of numbers, and one for each rule that opens or closes something.
impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sum =
            |blocks: &[IpNet]| Count(blocks.iter().fold(0, |sum, block| sum.saturating_add(size(block))));
        write!(f, "opens {} and closes {}", sum(&self.change.opened), sum(&self.change.closed))?;
        side(f, ('+', "opens"), self.new, &self.change.opened)?;
        side(f, ('-', "closes"), self.old, &self.change.closed)
    }
}

/// What one rule opens or closes.
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
    // What opens most is what has to be looked at first.
    effects.sort_by_key(|effect| (std::cmp::Reverse(effect.size), effect.rule.place()));
    for Effect { rule, size, blocks } in effects.iter().take(SHOWN) {
        write!(f, "\n{sign} {}: {} {does} {}", rule.place(), rule.text(), Count(*size))?;
        // The whole of the rule needs no more words.
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

/// What a block and the changed ones, which are in order, have in common.
fn inside(rule: IpNet, changed: &[IpNet]) -> Vec<IpNet> {
    let from = changed.partition_point(|block| block.broadcast() < rule.network());
    let common = changed[from..].iter().take_while(|block| block.network() <= rule.broadcast());
    // Of two blocks that meet, one lies in the other.
    common.map(|block| if rule.contains(block) { *block } else { rule }).collect()
}

fn size(block: &IpNet) -> u128 {
    1_u128.checked_shl(u32::from(block.max_prefix_len() - block.prefix_len())).unwrap_or(u128::MAX)
}

/// A number of addresses as people read it: of those of IPv6, the power of two is what can be grasped.
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

/// A number with a comma before every three digits.
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
