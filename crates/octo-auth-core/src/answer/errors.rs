//! Errors in answers: RFC 6749 section 5.2, the providers' own formats, and statuses without an error body.
//!
//! Server errors and throttling are classified by their status, whatever the body says, unless it says that
//! the grant is dead. Other refusals are classified by the code in the body, if there is one. The provider's
//! message is kept, made safe to show.

use std::borrow::Cow;

use http::StatusCode;

use super::members::{Members, Value};
use super::{Deviation, media};
use crate::error::{ErrorCode, ErrorKind, ExchangeError, Failed, ProviderText, Shape, shows};
use crate::exchange::{ANSWER_LIMIT, Purpose, Received};
use crate::profile::member_path::{self, Step};
use crate::profile::{Refusal, RefusalMeaning};
use crate::reading::Reading;
use crate::secret::Secret;

/// The content of an error body.
#[derive(Default)]
pub(super) struct Said {
    /// The kind according to the body alone; `None` if the body is not an error.
    pub(super) kind: Option<ErrorKind>,
    pub(super) message: Option<ProviderText>,
    /// The URL of a page about the error.
    uri: Option<String>,
}

/// Returns the failure of an answer with status 400 or above.
pub(super) fn refusal(reading: &Reading, received: &Received<'_>) -> ExchangeError {
    let said = said(reading, &body_text(received));
    let refusal = said.kind.as_ref().and_then(|kind| meaning(reading, received.status, Some(kind)));
    refused(reading, received, said, refusal)
}

/// Returns the failure of an answer that is not a success, given the content and meaning of its body.
pub(super) fn refused(
    reading: &Reading,
    received: &Received<'_>,
    said: Said,
    refusal: Option<RefusalMeaning>,
) -> ExchangeError {
    let status = received.status;
    let shape = if said.kind.is_some() { Shape::Own } else { shape(received) };
    let by_status = ErrorKind::Status(status);
    let kind = match (status.as_u16(), said.kind) {
        (_, Some(kind)) if reading.says_dead_grant(&kind, false) => kind,
        (408 | 425 | 429 | 500.., _) => by_status,
        // A web framework writes this if it has no such page.
        (404 | 405 | 410, Some(ErrorKind::OAuthMalformed)) if reading.purpose != Purpose::ApiCall => {
            by_status
        }
        (_, kind) => kind.unwrap_or(by_status),
    };
    ExchangeError::new(Failed {
        message: said.message,
        error_uri: said.uri,
        shape,
        refusal,
        ..reading.failed(kind, Some(received), Vec::new())
    })
}

/// Returns the form of a body that is not an error of the provider itself.
fn shape(received: &Received<'_>) -> Shape {
    let body = received.body.trim_ascii();
    let media_type = received.headers.get(http::header::CONTENT_TYPE);
    let is_html =
        media_type.is_some_and(|value| value.as_bytes().to_ascii_lowercase().starts_with(b"text/html"));
    match body {
        [] => Shape::Empty,
        [b'<', ..] => Shape::Page,
        _ if is_html => Shape::Page,
        _ => Shape::Other,
    }
}

/// Returns what a refusal means for the access token according to the profile.
pub(super) fn meaning(
    reading: &Reading,
    status: StatusCode,
    kind: Option<&ErrorKind>,
) -> Option<RefusalMeaning> {
    let code = kind.and_then(ErrorKind::written_code);
    let mut refusals = reading.profile.document().refusals.iter();
    let fits = |refusal: &&Refusal| {
        refusal.status == status.as_u16() && refusal.code.as_deref().is_none_or(|own| Some(own) == code)
    };
    refusals.find(fits).map(|refusal| refusal.meaning)
}

/// Returns the failure of a redirect. The target is shown without its query.
pub(super) fn redirect(reading: &Reading, received: &Received<'_>) -> ExchangeError {
    let location = received.headers.get(http::header::LOCATION).map(|value| {
        let text = String::from_utf8_lossy(value.as_bytes());
        let end = text.find(['?', '#']).unwrap_or(text.len());
        format!("to {}", &text[..end])
    });
    let detail = location.and_then(|text| ProviderText::new(&text, &reading.secrets));
    ExchangeError::new(Failed { detail, ..reading.failed(ErrorKind::Redirect, Some(received), Vec::new()) })
}

/// Returns the failure of a 2xx answer that cannot be opened. The media type is shown as received.
pub(super) fn unreadable(
    reading: &Reading,
    received: &Received<'_>,
    kind: ErrorKind,
    deviations: Vec<Deviation>,
) -> ExchangeError {
    let media_type =
        received.headers.get(http::header::CONTENT_TYPE).filter(|_| kind == ErrorKind::MediaType);
    let detail = media_type
        .and_then(|value| ProviderText::new(&String::from_utf8_lossy(value.as_bytes()), &reading.secrets));
    let shape = shape(received);
    ExchangeError::new(Failed { detail, shape, ..reading.failed(kind, Some(received), deviations) })
}

/// Rejects a 2xx answer whose body is an error.
pub(super) fn refuse_coded_body(
    reading: &Reading,
    received: &Received<'_>,
    text: &str,
    deviations: &[Deviation],
) -> Result<(), ExchangeError> {
    if Members::read(text, &[]).is_err() {
        return Ok(());
    }
    let said = said(reading, text);
    let Some(kind) = said.kind else { return Ok(()) };
    let refusal = meaning(reading, received.status, Some(&kind));
    // A member such as `type` means something else in a success. An error in the provider's own format says
    // what is wrong and contains no token.
    let own_shape = matches!(kind, ErrorKind::Provider(_) | ErrorKind::ProviderError);
    let holds_a_token = holds_a_token(reading, text);
    if refusal.is_none() && own_shape && (said.message.is_none() || holds_a_token) {
        return Ok(());
    }
    let failed = reading.failed(kind, Some(received), deviations.to_vec());
    Err(ExchangeError::new(Failed {
        message: said.message,
        error_uri: said.uri,
        shape: Shape::Own,
        refusal,
        // A server that issues a token has not ended the grant, whatever else it says.
        grant_is_dead: failed.grant_is_dead && !holds_a_token,
        ..failed
    }))
}

/// Returns the text of an error body, whatever its media type; empty if it is too large or compressed.
///
/// A body that begins like JSON is not compressed. A proxy may have decompressed it and left the header
/// unchanged.
pub(super) fn body_text<'a>(received: &Received<'a>) -> Cow<'a, str> {
    let body = received.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(received.body);
    let is_plain = matches!(body.trim_ascii_start(), [b'{' | b'[', ..]);
    if body.len() > ANSWER_LIMIT || (media::is_compressed(received.headers) && !is_plain) {
        return Cow::Borrowed("");
    }
    media::repaired(body)
}

/// Reads an error body: first in the format of RFC 6749, then in the provider's own formats. If the body is
/// cut off, its complete members count.
pub(super) fn said(reading: &Reading, text: &str) -> Said {
    let document = reading.profile.document();
    let secrets = &reading.secrets;
    let shown = |value: Option<String>| value.and_then(|text| ProviderText::new(&text, secrets));
    let body = Value::of(text.trim_start());
    let mut own = Said::default();
    for shape in document.error_shapes.iter() {
        let code = shape.code.as_deref().and_then(|path| at(body, path));
        let kind = match code {
            Some(Value::Null) | None => None,
            Some(value) => Some(match value.id().and_then(|word| error_code(&word, reading)) {
                Some(code) => ErrorKind::Provider(code),
                None => ErrorKind::ProviderError,
            }),
        };
        let message = shown(at(body, &shape.message).and_then(Value::text));
        own.message = own.message.or(message);
        own.kind = own.kind.or(kind);
    }
    let members = Members::of_beginning(text, &["error", "error_description", "message", "error_uri"]);
    let described = shown(members.value(1).and_then(Value::text));
    let plain = shown(members.value(2).and_then(Value::text));
    let message = described.or(own.message).or(plain);
    let error = members.value(0).and_then(Value::text);
    let kind = match members.value(0) {
        None | Some(Value::Null) => own.kind,
        Some(Value::String(_)) => Some(oauth(error.as_deref(), reading)),
        Some(Value::Object(_)) => own.kind.or(Some(ErrorKind::ProviderError)),
        Some(_) => Some(ErrorKind::OAuthMalformed),
    };
    // If the code is a message for people, show that message.
    let message = message.or_else(|| shown(error.filter(|_| kind == Some(ErrorKind::OAuthMalformed))));
    let uri = members.value(3).and_then(Value::text).filter(|uri| is_page(uri, secrets));
    Said { kind, message, uri }
}

fn holds_a_token(reading: &Reading, text: &str) -> bool {
    let rules = &reading.profile.document().token_answer;
    let names: Vec<&str> =
        rules.access_token.iter().chain(rules.refresh_token.iter()).map(|name| &**name).collect();
    Members::read(text, &names).is_ok_and(|members| {
        (0..names.len()).any(|place| matches!(members.value(place), Some(Value::String(_))))
    })
}

/// Returns whether a text is a URL that can be shown: `http` or `https`, visible ASCII, not too long, and
/// without a secret.
fn is_page(uri: &str, secrets: &[Secret]) -> bool {
    let plain = uri.len() <= 256 && uri.bytes().all(|byte| byte.is_ascii_graphic());
    let web = uri.starts_with("https://") || uri.starts_with("http://");
    plain && web && !shows(uri, secrets)
}

fn oauth(word: Option<&str>, reading: &Reading) -> ErrorKind {
    match word.and_then(|word| error_code(word, reading)) {
        Some(code) => ErrorKind::OAuth(code),
        None => ErrorKind::OAuthMalformed,
    }
}

/// Returns a word as an error code. A code that the profile lists may contain spaces.
fn error_code(word: &str, reading: &Reading) -> Option<ErrorCode> {
    let document = reading.profile.document();
    let refusals = document.refusals.iter().filter_map(|refusal| refusal.code.as_deref());
    let dead = document.refresh.iter().flat_map(|rules| rules.dead_codes.iter().map(|code| &**code));
    if refusals.chain(dead).any(|code| code == word) {
        return Some(ErrorCode::listed(word));
    }
    ErrorCode::new(word, &reading.secrets)
}

/// Returns the value at a [path](member_path).
fn at<'a>(value: Value<'a>, path: &str) -> Option<Value<'a>> {
    if path.is_empty() {
        return Some(value);
    }
    let (step, rest) = member_path::first(path)?;
    match (step, value) {
        (Step::Named(name), Value::Object(raw)) => at(Members::of_beginning(raw, &[name]).value(0)?, rest),
        (Step::Named(place), Value::Array(_)) => {
            let place: usize = place.parse().ok()?;
            at(Value::of(value.elements().get(place)?), rest)
        }
        (Step::Any, Value::Array(_)) => {
            value.elements().into_iter().find_map(|element| at(Value::of(element), rest))
        }
        _ => None,
    }
}
