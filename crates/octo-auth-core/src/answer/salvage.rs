//! The refresh token of an answer that is unusable otherwise.
//!
//! It may be the only one the server still takes: a rotating server has replaced the one that was sent, whatever
//! else is wrong with its answer.

use super::media;
use super::members::{Again, Members, Value};
use crate::exchange::{ANSWER_LIMIT, Purpose, Received};
use crate::reading::Reading;
use crate::secret::Secret;

/// The refresh token of a success whose answer was refused; nothing if there is none that is beyond doubt.
pub(crate) fn salvage(reading: &Reading, received: &Received<'_>) -> Option<Secret> {
    let readable = received.body.len() <= ANSWER_LIMIT && !media::is_compressed(received.headers);
    if !received.status.is_success() || !readable || !reading.purpose.brings_a_refresh_token() {
        return None;
    }
    let document = reading.profile.document();
    let names: Vec<&str> = match (&document.created_property, reading.purpose) {
        (Some(rules), Purpose::CreateProperty) => vec![&rules.refresh_token],
        _ => document.token_answer.refresh_token.iter().map(|name| &**name).collect(),
    };
    let text = media::repaired(received.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(received.body));
    let members = Members::read(&text, &names).ok()?;
    let (place, value) = (0..names.len()).find_map(|place| Some((place, members.value(place)?)))?;
    let token = value.text().filter(|token| !token.is_empty())?;
    let doubtful = members.again(place) == Again::Different || token.contains(char::from(media::REPAIRED));
    let token = (!doubtful && matches!(value, Value::String(_))).then(|| Secret::new(token))?;
    (!reading.has_sent(&token)).then_some(token)
}
