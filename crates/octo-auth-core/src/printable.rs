//! Text from users and files, made safe to show.

use std::fmt::{self, Write};

/// Shows a value with its control and invisible characters escaped as in a Rust literal: `\n`, `\u{202e}`.
///
/// In a terminal or log, such a value cannot hide, move or forge a line.
pub(crate) struct Printable<T>(pub(crate) T);

impl<T: fmt::Display> fmt::Display for Printable<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Escaping(f), "{}", self.0)
    }
}

/// Returns whether a character is invisible: a control character, white space other than the space, and a
/// character that Unicode calls ignorable. The last kind includes the marks that change the direction of a
/// text.
pub(crate) fn is_invisible(letter: char) -> bool {
    letter.is_control() || (letter.is_whitespace() && letter != ' ') || is_ignorable(letter)
}

/// Returns whether a character has the Unicode 16 property `Default_Ignorable_Code_Point`, or is an interlinear
/// annotation or the Braille blank.
fn is_ignorable(letter: char) -> bool {
    matches!(
        letter,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

struct Escaping<'f, 'b>(&'f mut fmt::Formatter<'b>);

impl Write for Escaping<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.chars().try_for_each(|letter| {
            if is_invisible(letter) {
                write!(self.0, "{}", letter.escape_default())
            } else {
                self.0.write_char(letter)
            }
        })
    }
}
