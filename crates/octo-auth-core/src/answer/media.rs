//! Converting bytes to text: media type, compression, byte order mark, UTF-8.

use std::borrow::Cow;

use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};

use super::Deviation;
use crate::error::ErrorKind;
use crate::profile::TokenAnswer;

/// The replacement for a byte that was not UTF-8. JSON allows it in strings, and no token contains it.
pub(super) const REPAIRED: u8 = 0x7f;

/// Values that servers send in `Content-Encoding` for an unencoded body: character sets and MIME's transfer
/// encodings.
const NO_CODINGS: [&[u8]; 9] =
    [b"none", b"utf-8", b"utf8", b"ascii", b"us-ascii", b"iso-8859-1", b"7bit", b"8bit", b"binary"];

/// Returns whether the headers declare the body as compressed. Every request asks for `identity`.
pub(super) fn is_compressed(headers: &HeaderMap) -> bool {
    codings(headers).any(|coding| !is_no_coding(coding))
}

/// Returns whether `Content-Encoding` has a name that is not a content coding.
pub(super) fn misnames_a_coding(headers: &HeaderMap) -> bool {
    codings(headers).any(is_no_coding)
}

/// Returns the codings of the body, in the order in which they were applied. Empty elements of the list (RFC
/// 9110 section 5.6.1) and `identity` are skipped.
fn codings(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    let lists = headers.get_all(CONTENT_ENCODING).iter();
    let names = lists.flat_map(|list| list.as_bytes().split(|byte| *byte == b',')).map(<[u8]>::trim_ascii);
    names.filter(|name| !name.is_empty() && !name.eq_ignore_ascii_case(b"identity"))
}

/// Returns whether a name is not a content coding: one of [`NO_CODINGS`], or not even a token (RFC 9110
/// section 8.4.1), such as a media type or `charset=utf-8`.
fn is_no_coding(name: &[u8]) -> bool {
    let bare = name.split(|byte| *byte == b';').next().unwrap_or(name).trim_ascii();
    let is_token = bare.iter().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte));
    !is_token || NO_CODINGS.iter().any(|none| none.eq_ignore_ascii_case(bare))
}

/// Returns whether the headers exceed the limits: more than 256, or more than 256 KiB.
pub(super) fn headers_are_too_large(headers: &HeaderMap) -> bool {
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    headers.len() > 256 || bytes > 256 * 1024
}

/// Returns whether the answer has both a length and chunks, which RFC 9112 section 6.3 treats as an attack,
/// or a transfer coding that was not requested.
pub(super) fn is_framed_wrongly(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    let Some(coding) = codings.next() else { return false };
    let chunked = coding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked");
    !chunked || codings.next().is_some() || headers.contains_key(CONTENT_LENGTH)
}

/// Checks the media type of an answer. Returns whether the body is a form.
pub(super) fn check(
    headers: &HeaderMap,
    form_allowed: bool,
    deviations: &mut Vec<Deviation>,
) -> Result<bool, ErrorKind> {
    let mut types = headers.get_all(CONTENT_TYPE).iter().map(|value| essence(value.as_bytes()));
    let Some(first) = types.next() else {
        deviations.push(Deviation::MediaTypeMissing);
        return Ok(false);
    };
    if types.any(|other| !other.eq_ignore_ascii_case(first)) {
        return Err(ErrorKind::MediaType);
    }
    let is = |name: &str| first.eq_ignore_ascii_case(name.as_bytes());
    let begins = |with: &[u8]| first.get(..with.len()).is_some_and(|part| part.eq_ignore_ascii_case(with));
    let ends = |with: &[u8]| {
        let part = first.len().checked_sub(with.len()).map(|from| &first[from..]);
        part.is_some_and(|part| part.eq_ignore_ascii_case(with))
    };
    if is("application/json") {
        return Ok(false);
    }
    if is("application/x-www-form-urlencoded") {
        if form_allowed {
            return Ok(true);
        }
        deviations.push(Deviation::FormAnswer);
        return Err(ErrorKind::MediaType);
    }
    deviations.push(match first {
        [] => Deviation::MediaTypeMissing,
        _ if ["text/json", "text/plain", "text/javascript", "application/javascript"].into_iter().any(is) => {
            Deviation::MediaTypeText
        }
        _ if begins(b"application/") && ends(b"+json") => Deviation::MediaTypeSuffix,
        _ => return Err(ErrorKind::MediaType),
    });
    Ok(false)
}

/// Returns the text of a body, and whether bytes that are not UTF-8 were replaced in it by [`REPAIRED`].
///
/// A form is converted to the JSON object with the same members, so that all answers are read in the same
/// way.
pub(super) fn text<'a>(
    body: &'a [u8],
    form: Option<&TokenAnswer>,
    deviations: &mut Vec<Deviation>,
) -> Result<(Cow<'a, str>, bool), ErrorKind> {
    let body = match body.strip_prefix(b"\xef\xbb\xbf") {
        Some(rest) => {
            deviations.push(Deviation::Bom);
            rest
        }
        None => body,
    };
    if body.is_empty() {
        return Err(ErrorKind::EmptyBody);
    }
    let text = repaired(body);
    let repaired = matches!(text, Cow::Owned(_));
    if repaired {
        // A body in another encoding (such as UTF-16) does not begin like JSON.
        if !text.trim_start().starts_with('{') {
            return Err(ErrorKind::NotUtf8);
        }
        deviations.push(Deviation::InvalidUtf8Ignored);
    }
    Ok(match form {
        Some(rules) => (Cow::Owned(form_as_json(&text, rules)?), repaired),
        None => (text, repaired),
    })
}

/// Returns the text of bytes, with [`REPAIRED`] in place of each byte that is not UTF-8. It is never longer
/// than the bytes.
pub(super) fn repaired(body: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(body) {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(body.len());
    for chunk in body.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| char::from(REPAIRED)));
    }
    Cow::Owned(text)
}

/// Converts a form to the JSON object with the same members.
///
/// A lifetime is written as a number. Everything else is written as a string, even if it consists of digits.
pub(super) fn form_as_json(text: &str, rules: &TokenAnswer) -> Result<String, ErrorKind> {
    let times = [&rules.expires_in, &rules.expires_at, &rules.refresh_in];
    let mut json = String::with_capacity(text.len() + 16);
    for (name, value) in form_urlencoded::parse(text.trim().as_bytes()) {
        json.push(if json.is_empty() { '{' } else { ',' });
        let member = |text: &str| serde_json::to_string(text).map_err(|_| ErrorKind::NotUtf8);
        json.push_str(&member(&name)?);
        json.push(':');
        let is_time = times.iter().any(|names| names.iter().any(|own| **own == *name));
        let number = is_time && !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
        let bare = number && (value.len() == 1 || !value.starts_with('0'));
        json.push_str(&if bare { value.into_owned() } else { member(&value)? });
    }
    json.push_str(if json.is_empty() { "{}" } else { "}" });
    Ok(json)
}

/// Returns type and subtype, without parameters.
fn essence(value: &[u8]) -> &[u8] {
    let end = value.iter().position(|byte| *byte == b';').unwrap_or(value.len());
    value[..end].trim_ascii()
}
