//! The spans and events of the tables in `names.md`.

use std::time::Duration;

use octo_auth_core::{Event, Generation, Purpose, RenewalCause, TokenError, TokenErrorKind, TokenSpec};
use tracing::span::Entered;
use tracing::{Level, debug_span, event};

use super::facts::{End, News};
use super::panics::undisturbed;

/// A span. A panic of its subscriber is caught.
#[derive(Debug)]
pub(super) struct Span(Option<tracing::Span>);

/// An entered span, until it is dropped.
pub(super) struct Inside<'s>(Option<Entered<'s>>);

impl Span {
    pub(super) fn new(make: impl FnOnce() -> tracing::Span) -> Self {
        Self(undisturbed(make))
    }

    pub(super) fn enter(&self) -> Inside<'_> {
        Inside(self.0.as_ref().and_then(|span| undisturbed(|| span.enter())))
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        undisturbed(|| drop(self.0.take()));
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        undisturbed(|| drop(self.0.take()));
    }
}

pub(super) fn request(
    provider: &str,
    (purpose, cause): (Purpose, Option<RenewalCause>),
    host: Option<&str>,
    key: Option<&TokenSpec>,
) -> tracing::Span {
    let (key, cause) = (key.map(ToString::to_string), cause.map(RenewalCause::word));
    debug_span!(target: "octo_auth", "octo_auth.request", provider, %purpose, host, key, cause)
}

pub(super) fn store_call(provider: &str, key: &TokenSpec, call: &str) -> tracing::Span {
    debug_span!(target: "octo_auth", "octo_auth.store", provider, %key, call)
}

pub(super) fn requested(
    provider: &str,
    key: Option<&TokenSpec>,
    (purpose, cause): (Purpose, Option<RenewalCause>),
    End { outcome, trouble }: &End,
) {
    let (key, cause) = (key.map(ToString::to_string), cause.map(RenewalCause::word));
    let code = trouble.as_ref().map(|trouble| &*trouble.code);
    let remedy = trouble.as_ref().map(|trouble| trouble.remedy);
    let status = trouble.as_ref().and_then(|trouble| trouble.status);
    event!(
        name: "octo_auth.requested",
        target: "octo_auth",
        Level::DEBUG,
        provider, %purpose, key, cause, outcome, code, remedy, status,
        "a request has ended"
    );
}

pub(super) fn stored(provider: &str, key: &TokenSpec, call: &str, outcome: &str) {
    macro_rules! stored {
        ($level:expr) => {
            event!(
                name: "octo_auth.stored",
                target: "octo_auth",
                $level,
                provider, %key, call, outcome,
                "a call of the store has ended"
            )
        };
    }
    if matches!(outcome, "store_failed" | "lost") { stored!(Level::WARN) } else { stored!(Level::DEBUG) }
}

pub(super) fn change(provider: &str, news: &News) {
    match &news.change.event {
        Event::Renewed(generation) => renewed(provider, news, *generation),
        Event::Setback(failure) => setback(provider, news, failure),
        Event::SignInNeeded(failure) => sign_in_needed(provider, news, failure),
        Event::Unsaved(generation) => unsaved(provider, news, *generation),
        Event::LostWrite(generation) => lost_write(provider, news, *generation),
        _ => {}
    }
}

fn renewed(provider: &str, News { change, state, left }: &News, generation: Generation) {
    let (key, state, seconds_to_expiry) = (&change.spec, state.word(), left.map(|left| left.as_secs()));
    event!(
        name: "octo_auth.renewed",
        target: "octo_auth",
        Level::INFO,
        provider, %key, %generation, state, seconds_to_expiry,
        "another token is in force"
    );
}

fn setback(provider: &str, News { change, state, left }: &News, failure: &TokenError) {
    let (key, state, seconds_to_expiry) = (&change.spec, state.word(), left.map(|left| left.as_secs()));
    let Told { kind, code, remedy, seconds_to_retry } = &Told::of(failure);
    event!(
        name: "octo_auth.setback",
        target: "octo_auth",
        Level::WARN,
        provider, %key, kind, code, remedy, seconds_to_retry, state, seconds_to_expiry,
        "an exchange failed"
    );
}

fn sign_in_needed(provider: &str, News { change, state, left }: &News, failure: &TokenError) {
    let (key, state, seconds_to_expiry) = (&change.spec, state.word(), left.map(|left| left.as_secs()));
    let Told { kind, code, remedy, .. } = &Told::of(failure);
    macro_rules! sign_in_needed {
        ($level:expr) => {
            event!(
                name: "octo_auth.sign_in_needed",
                target: "octo_auth",
                $level,
                provider, %key, kind, code, remedy, state, seconds_to_expiry,
                "nothing but a new sign-in will bring another token"
            )
        };
    }
    let was_signed_out = failure.kind() == TokenErrorKind::SignedOut;
    if was_signed_out { sign_in_needed!(Level::INFO) } else { sign_in_needed!(Level::ERROR) }
}

fn unsaved(provider: &str, News { change, state, left }: &News, generation: Generation) {
    let (key, state, seconds_to_expiry) = (&change.spec, state.word(), left.map(|left| left.as_secs()));
    event!(
        name: "octo_auth.unsaved",
        target: "octo_auth",
        Level::WARN,
        provider, %key, %generation, state, seconds_to_expiry,
        "a token is in force that the store could not take yet"
    );
}

fn lost_write(provider: &str, News { change, state, left }: &News, generation: Generation) {
    let (key, state, seconds_to_expiry) = (&change.spec, state.word(), left.map(|left| left.as_secs()));
    event!(
        name: "octo_auth.lost_write",
        target: "octo_auth",
        Level::WARN,
        provider, %key, %generation, state, seconds_to_expiry,
        "the store has lost a token that it had confirmed"
    );
}

pub(super) fn waited(provider: &str, key: &TokenSpec, outcome: &str, wait: Duration) {
    let (key, wait_seconds) = (key, wait.as_secs_f64());
    event!(
        name: "octo_auth.waited",
        target: "octo_auth",
        Level::DEBUG,
        provider, %key, outcome, wait_seconds,
        "a caller waits no longer"
    );
}

pub(super) fn refused(provider: &str, key: &TokenSpec, generation: Generation) {
    event!(
        name: "octo_auth.refused",
        target: "octo_auth",
        Level::INFO,
        provider, %key, %generation,
        "a resource server refused a token"
    );
}

pub(super) fn shutting_down(provider: &str) {
    event!(name: "octo_auth.shutting_down", target: "octo_auth", Level::INFO, provider, "a shutdown begins");
}

pub(super) fn shut_down(provider: &str, finished: bool) {
    event!(
        name: "octo_auth.shut_down",
        target: "octo_auth",
        Level::INFO,
        provider, finished,
        "a shutdown waits no longer"
    );
}

/// The reported facts of a failure.
struct Told {
    kind: &'static str,
    code: String,
    remedy: &'static str,
    seconds_to_retry: Option<u64>,
}

impl Told {
    fn of(failure: &TokenError) -> Self {
        Self {
            kind: failure.kind().word(),
            code: failure.code().into_owned(),
            remedy: failure.remedy().word(),
            seconds_to_retry: failure.retry_after().map(|after| after.as_secs()),
        }
    }
}
