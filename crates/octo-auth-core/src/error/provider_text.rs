//! Text from a provider, made safe to show.

use std::fmt;

use zeroize::Zeroizing;

use crate::printable::is_invisible;
use crate::secret::Secret;

/// The longest shown text of a provider, in characters.
const LONGEST: usize = 256;

/// How much of a long text is examined, in characters: masking may shorten it.
const LOOKED_AT: usize = 4 * LONGEST;

/// The longest error code, in bytes. A longer one is treated as text.
const LONGEST_CODE: usize = 64;

/// A provider's text: at most 256 characters, without control characters, and with the secrets of the request
/// masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderText(String);

impl ProviderText {
    /// Returns the text made safe to show; `None` if no text remains.
    pub(crate) fn new(text: &str, secrets: &[Secret]) -> Option<Self> {
        let spellings = spellings(secrets);
        let longest = spellings.iter().map(|spelling| spelling.chars().count()).max().unwrap_or(0);
        let mut masked: String = text.chars().take(LOOKED_AT + longest).collect();
        let cut = masked.len() < text.len();
        for spelling in &spellings {
            masked = without(&masked, spelling);
        }
        if cut {
            // The cut may be inside a secret, whose beginning would not be recognised.
            let whole = masked.chars().count().saturating_sub(longest);
            masked = masked.chars().take(whole).collect();
        }
        let shown: String = masked
            .chars()
            .map(|character| if is_invisible(character) { ' ' } else { character })
            .take(LONGEST)
            .collect();
        let shown = shown.trim();
        (!shown.is_empty()).then(|| Self(shown.to_owned()))
    }

    /// Returns the text.
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

/// A provider's own error code: at most 64 letters, digits and `_-.:/`, or as the profile lists it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ErrorCode(String);

impl ErrorCode {
    /// Returns the word as an error code, if it can be one.
    pub(crate) fn new(word: &str, secrets: &[Secret]) -> Option<Self> {
        // RFC 6749 allows more. But a word with brackets or spaces is text for people, not a code.
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:/".contains(&byte);
        let possible = !word.is_empty() && word.len() <= LONGEST_CODE && word.bytes().all(allowed);
        // A standard code reveals no secret, even if it contains the value of a parameter, such as `client`.
        let sound = standard(word).is_some() || (possible && !shows(word, secrets));
        sound.then(|| Self(word.to_owned()))
    }

    /// Returns a code that the profile lists. It may contain spaces and brackets.
    pub(crate) fn listed(code: &str) -> Self {
        Self(code.to_owned())
    }

    /// Returns whether a profile may list a text as a code.
    pub(crate) fn can_be_listed(code: &str) -> bool {
        code.len() <= LONGEST_CODE && code.trim() == code && !code.contains(is_invisible)
    }

    /// Returns the code.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the code with the prefix `oauth:`, if it is one of the standards.
    pub(super) fn standard(&self) -> Option<&'static str> {
        standard(&self.0)
    }
}

/// Returns an error code of the standards with the prefix `oauth:`.
fn standard(word: &str) -> Option<&'static str> {
    STANDARD_CODES.into_iter().find(|code| code.strip_prefix("oauth:") == Some(word))
}

/// The error codes of token endpoints in the standards: RFC 6749 sections 4.1.2.1 and 5.2, RFC 7009 section 2.2.1,
/// RFC 8628 section 3.5, RFC 8707 section 2.
const STANDARD_CODES: [&str; 13] = [
    "oauth:invalid_request",
    "oauth:invalid_client",
    "oauth:invalid_grant",
    "oauth:unauthorized_client",
    "oauth:unsupported_grant_type",
    "oauth:invalid_scope",
    "oauth:access_denied",
    "oauth:server_error",
    "oauth:temporarily_unavailable",
    "oauth:unsupported_token_type",
    "oauth:authorization_pending",
    "oauth:slow_down",
    "oauth:invalid_target",
];

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Returns whether a text contains a secret.
pub(crate) fn shows(text: &str, secrets: &[Secret]) -> bool {
    spellings(secrets).iter().any(|secret| found(text, secret).next().is_some())
}

/// Returns the text with each occurrence of a secret masked.
fn without(text: &str, secret: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut end = 0;
    for start in found(text, secret) {
        masked.extend([&text[end..start], "***"]);
        end = start + secret.len();
    }
    masked + &text[end..]
}

/// Returns where a secret occurs in a text. A secret of fewer than four letters occurs in many words by
/// chance, so it counts only as a whole word.
fn found<'t>(text: &'t str, secret: &'t str) -> impl Iterator<Item = usize> + 't {
    let is_letter = |letter: char| letter.is_alphanumeric() || letter == '_';
    let is_word = move |start: usize| {
        !text[..start].ends_with(is_letter) && !text[start + secret.len()..].starts_with(is_letter)
    };
    let places = text.match_indices(secret).map(|(start, _)| start);
    places.filter(move |start| secret.len() >= 4 || is_word(*start))
}

/// Returns the secrets in all forms in which a provider may repeat them: plain and percent-encoded. The
/// longest come first: if one secret is the beginning of another, masking it first would leave the other's
/// end visible.
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

/// Returns the text with the hexadecimal digits of its percent escapes in lower case.
fn lower_case_escapes(text: &str) -> Zeroizing<String> {
    let mut written = Zeroizing::new(String::with_capacity(text.len()));
    let mut digits = 0;
    for letter in text.chars() {
        written.push(if digits > 0 { letter.to_ascii_lowercase() } else { letter });
        digits = if letter == '%' { 2 } else { i32::max(digits - 1, 0) };
    }
    written
}
