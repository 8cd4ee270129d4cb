//! Conditions for the bytes of a text.

/// Returns whether a condition holds for all bytes of a text.
///
/// It does not stop at the first odd byte: the compiler lets one instruction look at several bytes then.
pub(crate) fn all_bytes(text: &str, is_sound: impl Fn(u8) -> bool) -> bool {
    text.as_bytes().iter().fold(0, |odd, byte| odd | u8::from(!is_sound(*byte))) == 0
}
