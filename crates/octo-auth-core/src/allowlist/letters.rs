//! Characters that are not part of an address but get into a rule from a web page, a word processor or a log.

use std::fmt;

use crate::printable::is_invisible;

/// Returns the first character that cannot occur in a rule, and its byte position.
pub(super) fn strange(text: &str) -> Option<(usize, char)> {
    let is_strange = |letter: char| !letter.is_ascii() || letter.is_control() || "\"'`".contains(letter);
    text.char_indices().find(|(_, letter)| is_strange(*letter))
}

/// Returns the text as it was probably typed: without invisible characters and quotation marks, with ASCII
/// dashes, slashes, dots and digits, and without surrounding characters that do not belong to it.
pub(super) fn retyped(text: &str) -> String {
    let typed: String =
        text.chars().map(narrow).filter(|letter| !is_quotation_mark(*letter)).filter_map(ascii).collect();
    let typed = typed.trim_matches(|letter| " ,;.<>(){}".contains(letter));
    typed.split('/').map(str::trim).collect::<Vec<_>>().join("/")
}

/// Returns the ASCII character for a full-width one.
fn narrow(letter: char) -> char {
    match letter {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(letter) - 0xfee0).unwrap_or(letter),
        _ => letter,
    }
}

fn is_quotation_mark(letter: char) -> bool {
    matches!(
        letter,
        '"' | '\''
            | '`'
            | '\u{ab}'
            | '\u{b4}'
            | '\u{bb}'
            | '\u{2018}'..='\u{201f}'
            | '\u{2032}'..='\u{2037}'
            | '\u{2039}'
            | '\u{203a}'
            | '\u{3008}'..='\u{300f}'
            | '\u{301d}'..='\u{301f}'
    )
}

fn ascii(letter: char) -> Option<char> {
    match letter {
        '~'
        | '\u{2d7}'
        | '\u{2010}'..='\u{2015}'
        | '\u{2043}'
        | '\u{2212}'
        | '\u{2796}'
        | '\u{301c}'
        | '\u{fe58}'
        | '\u{fe63}' => Some('-'),
        '\\' | '\u{2044}' | '\u{2215}' | '\u{2571}' | '\u{29f8}' => Some('/'),
        '\u{b7}' | '\u{2024}' | '\u{22c5}' | '\u{3002}' | '\u{ff61}' => Some('.'),
        _ if letter.is_whitespace() => Some(' '),
        _ if is_invisible(letter) => None,
        _ => Some(digit(letter).unwrap_or(letter)),
    }
}

/// Returns the ASCII digit for a digit of another script.
fn digit(letter: char) -> Option<char> {
    let number = u32::from(letter);
    let from_zero = ZEROS.iter().find_map(|zero| number.checked_sub(*zero).filter(|digit| *digit < 10));
    // The mathematical digits occur five times in a row, in five styles.
    let mathematical = number.checked_sub(0x1d7ce).filter(|digit| *digit < 50).map(|digit| digit % 10);
    char::from_digit(from_zero.or(mathematical)?, 10)
}

/// The zeros of the widely used scripts. The other nine digits follow each of them.
const ZEROS: [u32; 12] =
    [0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xe50, 0xed0, 0x1040];

/// A character, displayed by its number and its Unicode name, or as it looks.
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

/// The Unicode names of characters that were found in real lists.
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
