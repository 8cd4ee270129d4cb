//! One rule as written, and its place.

use std::fmt;

use ipnet::IpNet;

/// A rule and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenRule {
    pub(super) place: Place,
    pub(super) text: Box<str>,
    pub(super) block: IpNet,
}

/// The place of a rule in its source, counted from one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The line of a text with one rule a line.
    Line(usize),
    /// The rule of a list in one line.
    Rule(usize),
    /// The element of an array.
    Element(usize),
}

impl WrittenRule {
    /// Returns the place of the rule.
    #[must_use]
    pub fn place(&self) -> Place {
        self.place
    }

    /// Returns the rule as written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the block that it permits.
    #[must_use]
    pub fn block(&self) -> IpNet {
        self.block
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(number) => write!(f, "line {number}"),
            Self::Rule(number) => write!(f, "rule {number}"),
            Self::Element(number) => write!(f, "element {number}"),
        }
    }
}
