//! The refresh token of an otherwise unusable answer.
//!
//! It may be the only one that the server still accepts: a rotating server has replaced the one that was
//! sent, whatever else is wrong with its answer. If the answer repeats the refresh token that was sent, the
//! server has not replaced it.

use std::borrow::Cow;

use http::Response;

use super::media;
use super::members::{Again, Members, Value};
use crate::error::Salvaged;
use crate::exchange::{ANSWER_LIMIT, Purpose};
use crate::reading::Reading;
use crate::secret::Secret;

/// Returns the refresh token of a successful answer that was rejected or cut off; `None` if there is none
/// that is certain.
///
/// The body must begin with a complete JSON object, or be a complete form. Text after the object, and headers
/// about length and coding, are ignored.
pub(crate) fn salvage<B: AsRef<[u8]>>(
    reading: &Reading,
    response: &Response<B>,
    is_whole: bool,
) -> Option<Salvaged> {
    if !response.status().is_success() || !reading.purpose.brings_a_refresh_token() {
        return None;
    }
    let document = reading.profile.document();
    let names: Vec<&str> = match (&document.created_property, reading.purpose) {
        (Some(rules), Purpose::CreateProperty) => vec![&rules.refresh_token],
        _ => document.token_answer.refresh_token.iter().map(|name| &**name).collect(),
    };
    let body = response.body().as_ref();
    let body = &body[..body.len().min(ANSWER_LIMIT)];
    let text = media::repaired(body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body));
    let is_object = text.trim_start().starts_with('{');
    let is_form = || media::check(response.headers(), true, &mut Vec::new()).is_ok_and(|is_form| is_form);
    let text = if is_whole && !is_object && is_form() {
        Cow::Owned(media::form_as_json(&text, &document.token_answer).ok()?)
    } else {
        text
    };
    let members = Members::first(&text, &names).ok()?;
    let mut values = (0..names.len()).filter_map(|place| Some((place, members.value(place)?)));
    let (place, value) = values.find(|(_, value)| !value.is_empty())?;
    let token = value.text()?;
    let doubtful = members.again(place) == Again::Different || token.contains(char::from(media::REPAIRED));
    let token = (!doubtful && matches!(value, Value::String(_))).then(|| Secret::new(token))?;
    Some(if reading.has_sent(&token) { Salvaged::Sent } else { Salvaged::Other(token) })
}
