//! Conditions on the bytes of a text.

/// Returns whether a condition is true for all bytes of a text.
///
/// It does not stop at the first other byte, so the compiler can check several bytes with one instruction.
pub(crate) fn all_bytes(text: &str, is_sound: impl Fn(u8) -> bool) -> bool {
    text.as_bytes().iter().fold(0, |odd, byte| odd | u8::from(!is_sound(*byte))) == 0
}
