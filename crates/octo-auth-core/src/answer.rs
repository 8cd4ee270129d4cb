//! Reading answers: tolerant of deviations, all of which are reported.
//!
//! Every deviation from the profile's document is either an [`ExchangeError`](crate::ExchangeError) or a
//! [`Deviation`] in the list of the answer. None is tolerated silently, and an odd optional member never
//! makes a usable answer fail. Reading takes linear time and keeps only the requested members.

mod api;
mod challenge;
mod clock;
mod created;
mod deviation;
mod errors;
mod expiry;
mod introspection;
mod media;
pub(crate) mod members;
mod salvage;
mod settings;
mod token;

use std::borrow::Cow;

pub use api::{ApiAnswer, TokenStatus};
pub(crate) use api::{LOOKED_AT, api_meaning};
pub(crate) use clock::retry_after;
pub use created::{CreatedClient, CreatedProperty, SandboxProperty};
pub use deviation::Deviation;
pub use introspection::Introspection;
pub(crate) use salvage::salvage;
pub use settings::{ApiConfiguration, AuthorizationPage, Done};

use members::{Again, Members};

use crate::error::{ErrorKind, ExchangeError};
use crate::exchange::Received;
use crate::reading::Reading;

/// An opened JSON answer: its text, and the deviations tolerated while opening it.
struct Opened<'a> {
    text: Cow<'a, str>,
    /// Whether bytes that were not UTF-8 were replaced in the text; see [`media::text`].
    repaired: bool,
    deviations: Vec<Deviation>,
}

/// Opens an answer that should contain JSON. It is an error if its body is an error body.
fn open<'a>(reading: &Reading, received: &Received<'a>) -> Result<Opened<'a>, ExchangeError> {
    let opened = open_unread(reading, received)?;
    errors::refuse_coded_body(reading, received, &opened.text, &opened.deviations)?;
    Ok(opened)
}

/// Opens an answer that should contain JSON: checks status, size, encoding, media type and characters. Its
/// body may be an error body.
///
/// The checks are ordered by significance: a server error is one, whatever its body says.
fn open_unread<'a>(reading: &Reading, received: &Received<'a>) -> Result<Opened<'a>, ExchangeError> {
    accept_status(reading, received)?;
    let mut deviations = Vec::new();
    if received.status != http::StatusCode::OK && reading.purpose.answers_with_200() {
        deviations.push(Deviation::StatusNot200);
    }
    if media::misnames_a_coding(received.headers) {
        deviations.push(Deviation::ContentEncodingInvalid);
    }
    if received.ends_with_connection {
        deviations.push(Deviation::CloseDelimited);
    }
    let rules = &reading.profile.document().token_answer;
    let opened = media::check(received.headers, rules.form, &mut deviations)
        .and_then(|form| media::text(received.body, form.then_some(rules), &mut deviations));
    match opened {
        Ok((text, repaired)) => Ok(Opened { text, repaired, deviations }),
        Err(kind) => Err(errors::unreadable(reading, received, kind, deviations)),
    }
}

/// Accepts a complete, uncompressed 2xx answer within the size limit. Anything else is an error.
fn accept_status(reading: &Reading, received: &Received<'_>) -> Result<(), ExchangeError> {
    let status = received.status;
    if media::headers_are_too_large(received.headers) || media::is_framed_wrongly(received.headers) {
        return Err(reading.unusable(ErrorKind::HttpMalformed, received, Vec::new()));
    }
    let kind = match status.as_u16() {
        301 | 302 | 303 | 307 | 308 => return Err(errors::redirect(reading, received)),
        // 204 and 205 have no body, and 206 is only a part, which was not requested.
        204..=206 if reading.purpose.has_a_body() => ErrorKind::Status(status),
        200..=299 if media::is_compressed(received.headers) => ErrorKind::ContentEncoding,
        200..=299 if received.body.len() > reading.answer_limit => {
            ErrorKind::TooLarge { limit: reading.answer_limit }
        }
        200..=299 => return Ok(()),
        400.. => return Err(errors::refusal(reading, received)),
        _ => ErrorKind::Status(status),
    };
    Err(reading.unusable(kind, received, Vec::new()))
}

impl Opened<'_> {
    /// Returns the named members of the answer.
    fn members(&self, names: &[&str]) -> Result<Members<'_>, ErrorKind> {
        self.sound(Members::read(&self.text, names), names.len())
    }

    /// Returns these members of the answer, if the first `count` of them contain no replaced bytes, and no
    /// member has two values.
    fn sound<'m>(
        &self,
        read: Result<Members<'m>, ErrorKind>,
        count: usize,
    ) -> Result<Members<'m>, ErrorKind> {
        let members = match read {
            Err(ErrorKind::NotJson | ErrorKind::NotObject) if self.repaired => {
                return Err(ErrorKind::NotUtf8);
            }
            other => other?,
        };
        if self.repaired && members.contain(count, media::REPAIRED) {
            return Err(ErrorKind::NotUtf8);
        }
        if (0..count).any(|place| members.again(place) == Again::Different) {
            return Err(ErrorKind::DuplicateMember);
        }
        Ok(members)
    }
}
