//! Rules as written, and the formats of lists.
//!
//! One bad rule makes the whole list invalid. The error names every bad rule.

use std::net::IpAddr;

use super::Allowlist;
use super::error::ListError;
use super::explain::{Explanation, NotPermitted, explain};
use super::rule::parse_rule;
use super::terms::RuleOptions;
use super::written::{Place, WrittenRule};

/// A list of rules as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rules(Vec<WrittenRule>);

impl Rules {
    /// Parses one rule per line. Text after `#` is a comment, and empty lines are ignored. Lines may end with
    /// CRLF, and the text may begin with a byte order mark.
    ///
    /// # Errors
    ///
    /// A [`ListError::Rules`] with every bad line.
    pub fn from_text(text: &str, terms: RuleOptions) -> Result<Self, ListError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let lines = text.split('\n').enumerate().filter_map(|(index, line)| {
            let line = line.strip_suffix('\r').unwrap_or(line);
            let rule = line.split_once('#').map_or(line, |(rule, _)| rule);
            let indent = rule.len() - rule.trim_start_matches(BLANK).len();
            let rule = rule.trim_matches(BLANK);
            (!rule.is_empty()).then_some((Place::Line(index + 1), indent, rule))
        });
        Self::read(lines, terms)
    }

    /// Parses rules in one line, as in an environment variable: separated by commas, spaces, or both. An
    /// empty list permits no address. A comma without a rule before or after it is an error.
    ///
    /// # Errors
    ///
    /// A [`ListError::Rules`] with every bad rule: its number counted from one, and the byte position counted
    /// from the beginning of the text.
    pub fn from_line(text: &str, terms: RuleOptions) -> Result<Self, ListError> {
        let pieces = split(text, |letter| letter == ',').flat_map(|(start, piece)| {
            let mut words: Vec<_> = split(piece, |letter| letter.is_ascii_whitespace())
                .filter(|(_, word)| !word.is_empty())
                .map(|(at, word)| (start + at, word))
                .collect();
            if words.is_empty() {
                words.push((start, ""));
            }
            words
        });
        let has_rules = text.contains(|letter: char| !letter.is_ascii_whitespace());
        let rules = pieces.filter(|_| has_rules).enumerate();
        Self::read(rules.map(|(index, (at, rule))| (Place::Rule(index + 1), at, rule)), terms)
    }

    /// Parses a JSON array of strings, with one rule each.
    ///
    /// # Errors
    ///
    /// A [`ListError::NotAnArray`] for other JSON, and a [`ListError::Rules`] with every bad element.
    pub fn from_json(json: &str, terms: RuleOptions) -> Result<Self, ListError> {
        let json = json.strip_prefix('\u{feff}').unwrap_or(json);
        let texts: Vec<String> = serde_json::from_str(json)
            .map_err(|error| ListError::NotAnArray { line: error.line(), column: error.column() })?;
        Self::from_list(&texts, terms)
    }

    /// Parses a rule from each text.
    ///
    /// # Errors
    ///
    /// A [`ListError::Rules`] with every bad rule.
    pub fn from_list<S: AsRef<str>>(texts: &[S], terms: RuleOptions) -> Result<Self, ListError> {
        let elements = texts.iter().enumerate();
        Self::read(elements.map(|(index, text)| (Place::Element(index + 1), 0, text.as_ref())), terms)
    }

    fn read<'a>(
        written: impl Iterator<Item = (Place, usize, &'a str)>,
        terms: RuleOptions,
    ) -> Result<Self, ListError> {
        let (mut rules, mut bad) = (Vec::new(), Vec::new());
        for (place, indent, text) in written {
            match parse_rule(text, terms) {
                Ok(block) => rules.push(WrittenRule { place, text: text.into(), block }),
                Err(error) => bad.push((place, error.moved(indent))),
            }
        }
        if bad.is_empty() { Ok(Self(rules)) } else { Err(ListError::Rules(bad)) }
    }

    /// Builds the list for look-ups.
    #[must_use]
    pub fn allowlist(&self) -> Allowlist {
        self.0.iter().map(|rule| rule.block).collect()
    }

    /// Returns which rules permit an address, or else the nearest rules and why they do not permit it.
    #[must_use]
    pub fn explain(&self, address: IpAddr) -> Explanation<'_> {
        explain(&self.0, address)
    }

    /// Checks that an address is permitted.
    ///
    /// # Errors
    ///
    /// A [`NotPermitted`] with the nearest rules.
    pub fn require(&self, address: IpAddr) -> Result<(), NotPermitted> {
        let explanation = self.explain(address);
        if explanation.permits() { Ok(()) } else { Err(NotPermitted::new(address, &explanation)) }
    }

    /// Returns the rules in their order.
    pub fn iter(&self) -> impl Iterator<Item = &WrittenRule> {
        self.0.iter()
    }

    /// Returns the number of rules.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether there are no rules, so that no address is permitted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Splits a text at single-byte separators. Returns the parts, with the position of each.
fn split(text: &str, is_between: impl Fn(char) -> bool) -> impl Iterator<Item = (usize, &str)> {
    text.split(is_between).scan(0, |next, part| {
        let start = *next;
        *next += part.len() + 1;
        Some((start, part))
    })
}

const BLANK: [char; 2] = [' ', '\t'];
