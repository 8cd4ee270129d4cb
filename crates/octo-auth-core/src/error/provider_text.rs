//! Text a provider wrote, made safe to show.

use std::fmt;

use zeroize::Zeroizing;

use crate::secret::Secret;

/// Longest text of a provider that is ever shown, in characters.
const LONGEST: usize = 256;

/// How much of a long text is looked at, in characters: masking may shorten it.
const LOOKED_AT: usize = 4 * LONGEST;

/// Longest error code, in bytes; a longer one is text, not a code.
const LONGEST_CODE: usize = 64;

/// A provider's text: at most 256 characters, free of control characters, secrets of the request masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderText(String);

impl ProviderText {
    /// Makes a text safe to show; nothing if there is nothing to show.
    pub(crate) fn new(text: &str, secrets: &[Secret]) -> Option<Self> {
        let spellings = spellings(secrets);
        let longest = spellings.iter().map(|spelling| spelling.chars().count()).max().unwrap_or(0);
        let mut masked: String = text.chars().take(LOOKED_AT + longest).collect();
        let cut = masked.len() < text.len();
        for spelling in &spellings {
            masked = masked.replace(spelling.as_str(), "***");
        }
        if cut {
            // The cut may have gone through a secret, whose beginning would not have been recognised.
            let whole = masked.chars().count().saturating_sub(longest);
            masked = masked.chars().take(whole).collect();
        }
        let shown: String = masked
            .chars()
            .map(|character| if harmless(character) { character } else { ' ' })
            .take(LONGEST)
            .collect();
        let shown = shown.trim();
        (!shown.is_empty()).then(|| Self(shown.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ProviderText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A provider's own word for an error: at most 64 letters, digits and `_-.:/`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ErrorCode(String);

impl ErrorCode {
    /// Takes a word that can be an error code.
    pub(crate) fn new(word: &str, secrets: &[Secret]) -> Option<Self> {
        // RFC 6749 allows more, but what has brackets or spaces in it is text for people, not a word.
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:/".contains(&byte);
        let possible = !word.is_empty() && word.len() <= LONGEST_CODE && word.bytes().all(allowed);
        let spellings = spellings(secrets);
        // A secret of a few letters stands in many words by chance, and is none.
        let holds_secret = spellings.iter().any(|secret| secret.len() >= 4 && word.contains(secret.as_str()));
        (possible && !holds_secret).then(|| Self(word.to_owned()))
    }

    /// The word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The secrets as they may be written back: plain and in each form of percent escapes, the longest first, so that one which begins
/// another does not leave the other's end behind.
fn spellings(secrets: &[Secret]) -> Vec<Zeroizing<String>> {
    let mut spellings: Vec<Zeroizing<String>> = Vec::new();
    for secret in secrets.iter().map(Secret::expose).filter(|secret| !secret.is_empty()) {
        spellings.push(Zeroizing::new(secret.to_owned()));
        let form: Zeroizing<String> =
            Zeroizing::new(form_urlencoded::byte_serialize(secret.as_bytes()).collect());
        let percent = Zeroizing::new(form.replace('+', "%20"));
        spellings.extend([lower_case_escapes(&form), lower_case_escapes(&percent), form, percent]);
    }
    spellings.sort_by_key(|spelling| std::cmp::Reverse(spelling.len()));
    spellings.dedup();
    spellings
}

/// The text with the digits of its percent escapes in lower case.
fn lower_case_escapes(text: &str) -> Zeroizing<String> {
    let mut written = Zeroizing::new(String::with_capacity(text.len()));
    let mut digits = 0;
    for letter in text.chars() {
        written.push(if digits > 0 { letter.to_ascii_lowercase() } else { letter });
        digits = if letter == '%' { 2 } else { i32::max(digits - 1, 0) };
    }
    written
}

/// Neither a control character nor one that changes the direction or the place of the text around it.
fn harmless(character: char) -> bool {
    !character.is_control()
        && !matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}
