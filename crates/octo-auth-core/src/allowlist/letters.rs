//! Characters that come into a rule from a web page, a word processor or a log, and are no part of an address.

use std::fmt;

use crate::printable::is_invisible;

/// Finds the first character that no rule holds, and its byte.
pub(super) fn strange(text: &str) -> Option<(usize, char)> {
    let is_strange = |letter: char| !letter.is_ascii() || letter.is_control() || "\"'`".contains(letter);
    text.char_indices().find(|(_, letter)| is_strange(*letter))
}

/// The text as it was probably typed: nothing invisible, no quotation marks, each dash, slash and digit that of ASCII.
pub(super) fn retyped(text: &str) -> String {
    let typed = |letter: char| match letter {
        '\u{2010}'..='\u{2015}' | '\u{2212}' => Some('-'),
        '\u{2044}' | '\u{2215}' => Some('/'),
        '\u{3002}' | '\u{ff61}' => Some('.'),
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(letter) - 0xfee0),
        '"' | '\'' | '`' | '\u{ab}' | '\u{bb}' | '\u{2018}'..='\u{201f}' | '\u{2039}' | '\u{203a}' => None,
        _ if letter.is_whitespace() => Some(' '),
        _ if is_invisible(letter) => None,
        _ => Some(letter),
    };
    let typed: String = text.chars().filter_map(typed).collect();
    typed.trim_matches([' ', ',', ';']).to_owned()
}

/// A character by its number and its name, or as it looks.
pub(super) struct Named(pub(super) char);

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter = self.0;
        write!(f, "U+{:04X} ", u32::from(letter))?;
        match NAMES.iter().find(|(named, _)| *named == letter) {
            Some((_, name)) if is_invisible(letter) => write!(f, "({name}, which cannot be seen)"),
            Some((_, name)) => write!(f, "({name})"),
            None if is_invisible(letter) => f.write_str("(which cannot be seen)"),
            None => write!(f, "({letter})"),
        }
    }
}

/// The names of what was met in lists, as Unicode has them.
const NAMES: [(char, &str); 30] = [
    ('\t', "tab"),
    ('\n', "line feed"),
    ('\r', "carriage return"),
    ('"', "quotation mark"),
    ('\'', "apostrophe"),
    ('`', "grave accent"),
    ('\u{a0}', "no-break space"),
    ('\u{ad}', "soft hyphen"),
    ('\u{200b}', "zero-width space"),
    ('\u{200c}', "zero-width non-joiner"),
    ('\u{200d}', "zero-width joiner"),
    ('\u{200e}', "left-to-right mark"),
    ('\u{200f}', "right-to-left mark"),
    ('\u{2010}', "hyphen"),
    ('\u{2011}', "non-breaking hyphen"),
    ('\u{2013}', "en dash"),
    ('\u{2014}', "em dash"),
    ('\u{2018}', "left single quotation mark"),
    ('\u{2019}', "right single quotation mark"),
    ('\u{201c}', "left double quotation mark"),
    ('\u{201d}', "right double quotation mark"),
    ('\u{201e}', "low double quotation mark"),
    ('\u{202a}', "left-to-right embedding"),
    ('\u{202c}', "pop directional formatting"),
    ('\u{202e}', "right-to-left override"),
    ('\u{202f}', "narrow no-break space"),
    ('\u{2060}', "word joiner"),
    ('\u{2212}', "minus sign"),
    ('\u{3000}', "ideographic space"),
    ('\u{feff}', "byte order mark"),
];
