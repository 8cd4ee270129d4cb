//! Text that users and files bring, made safe to show.

/// Returns whether a character leaves no mark of its own where it is shown: control, format and combining characters,
/// and every white space but the blank.
pub(crate) fn is_invisible(letter: char) -> bool {
    !letter.is_ascii_graphic() && letter != ' ' && letter.escape_debug().len() > 1
}
