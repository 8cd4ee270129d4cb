//! Rules as they are written, and how lists of them are read.
//!
//! The rule kept here: one bad rule and there is no list, and the error names every bad one.

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
    /// Reads one rule a line. What follows `#` is a comment, empty lines count for nothing, lines may end with CRLF,
    /// and a byte order mark may stand at the beginning.
    ///
    /// # Errors
    ///
    /// [`ListError::Rules`] with every bad line.
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

    /// Reads rules in one line, as an environment variable holds them: separated by commas, blanks, or both. A list
    /// without a rule is the list that permits no address; a comma with no rule before or after it is an error.
    ///
    /// # Errors
    ///
    /// [`ListError::Rules`] with every bad rule: its number counted from one, and the byte counted from the beginning
    /// of the text.
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

    /// Reads a JSON array of texts, a rule each.
    ///
    /// # Errors
    ///
    /// [`ListError::NotAnArray`] for other JSON, and [`ListError::Rules`] with every bad element.
    pub fn from_json(json: &str, terms: RuleOptions) -> Result<Self, ListError> {
        let json = json.strip_prefix('\u{feff}').unwrap_or(json);
        let texts: Vec<String> = serde_json::from_str(json)
            .map_err(|error| ListError::NotAnArray { line: error.line(), column: error.column() })?;
        Self::from_list(&texts, terms)
    }

    /// Reads a rule from each text.
    ///
    /// # Errors
    ///
    /// [`ListError::Rules`] with every bad one.
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

    /// Builds the list that answers.
    #[must_use]
    pub fn allowlist(&self) -> Allowlist {
        self.0.iter().map(|rule| rule.block).collect()
    }

    /// Says which rules permit an address, or which are nearest to it and why they do not.
    #[must_use]
    pub fn explain(&self, address: IpAddr) -> Explanation<'_> {
        explain(&self.0, address)
    }

    /// Asks for an address to be permitted.
    ///
    /// # Errors
    ///
    /// [`NotPermitted`] with the nearest rules.
    pub fn require(&self, address: IpAddr) -> Result<(), NotPermitted> {
        let explanation = self.explain(address);
        if explanation.permits() { Ok(()) } else { Err(NotPermitted::new(address, &explanation)) }
    }

    /// The rules in their order.
    pub fn iter(&self) -> impl Iterator<Item = &WrittenRule> {
        self.0.iter()
    }

    /// How many rules there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether there is none, so that no address is permitted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The parts of a text between letters of one byte, and where each begins.
fn split(text: &str, is_between: impl Fn(char) -> bool) -> impl Iterator<Item = (usize, &str)> {
    text.split(is_between).scan(0, |next, part| {
        let start = *next;
        *next += part.len() + 1;
        Some((start, part))
    })
}

const BLANK: [char; 2] = [' ', '\t'];
