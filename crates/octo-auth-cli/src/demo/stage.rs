//! The stage of a chapter: one adapter, one emulator, and the steps so far.
//!
//! The rule of this module: a step passes only if the answer was the expected one and the emulator's log shows exactly
//! the expected requests, each once. No step shows a secret: parameters are shown as masked in the log.

use std::time::Duration;

use octo_auth_core::{
    Answer, ApiAnswer, AuthorizationCode, Client, Deviation, Entropy, Exchange, ExchangeError, Now,
    PendingAuthorization, RejectedCallback, Remedy, Reply, TokenStatus,
};
use octo_auth_emulator::{Browser, BrowserError, BrowserPage, Emulator, Entry};

use super::adapter::Adapter;
use super::passing::{Passing, Refusal, moved, same_kind, sentence};
use super::simulated_day::{Session, Simulated};
use super::stopped::Stopped;

/// The result of one step of a chapter.
pub(super) struct Step {
    pub(super) name: String,
    pub(super) ok: bool,
    /// Whether the step demonstrates a refusal.
    pub(super) refusal: bool,
    /// The change at the emulator before the step.
    pub(super) scene: Option<String>,
    pub(super) requests: Vec<Passing>,
    /// The result in words.
    pub(super) outcome: String,
    pub(super) tolerated: Vec<Deviation>,
    /// Lines to print unchanged.
    pub(super) drawing: Vec<String>,
}

/// The result of a step in words: the expected event, or what happened instead.
pub(super) type StepResult = Result<String, String>;

/// The stage of a chapter.
pub(super) struct Stage<'a> {
    adapter: &'a Adapter,
    emulator: Emulator,
    scene: Option<String>,
    steps: Vec<Step>,
}

impl<'a> Stage<'a> {
    pub(super) fn new(adapter: &'a Adapter, emulator: Emulator) -> Self {
        Self { adapter, emulator, scene: None, steps: Vec::new() }
    }

    pub(super) fn into_steps(self) -> Vec<Step> {
        self.steps
    }

    pub(super) fn emulator(&self) -> &Emulator {
        &self.emulator
    }

    pub(super) fn life(&self, client: Client, clock: Simulated) -> Result<Session<'a>, Stopped> {
        self.adapter.life(client, clock)
    }

    /// Runs an exchange that is only a part of a step.
    pub(super) fn run<T: Reply>(&self, exchange: Exchange<T>) -> Result<Answer<T>, ExchangeError> {
        self.adapter.run(exchange)
    }

    /// Runs a step of many requests that is shown as a drawing.
    pub(super) fn draws(
        &mut self,
        name: &str,
        outcome: StepResult,
        drawing: Vec<String>,
    ) -> Result<(), Stopped> {
        self.emulator.clear_log();
        let ended = self.keep(name, Vec::new(), outcome, Vec::new(), false);
        if let Some(step) = self.steps.last_mut() {
            step.drawing = drawing;
        }
        ended
    }

    pub(super) fn now(&self) -> Now {
        self.adapter.now()
    }

    pub(super) fn entropy(&self) -> Result<Entropy, Stopped> {
        Ok(self.adapter.entropy()?)
    }

    /// Describes a change before the next step.
    pub(super) fn scene(&mut self, text: &str) {
        self.scene = Some(text.to_owned());
    }

    /// Moves the emulator's clock.
    pub(super) fn wait(&mut self, time: Duration) {
        self.emulator.advance(time);
        self.scene(&format!("The emulator's clock moves on by {} s.", time.as_secs()));
    }

    /// Runs a step that must succeed. `read` describes the result, or what is wrong with it.
    pub(super) fn succeeds<T: Reply>(
        &mut self,
        name: &str,
        exchange: Exchange<T>,
        read: impl FnOnce(&Answer<T>) -> StepResult,
    ) -> Result<T, Stopped> {
        let sent = Passing::of(&exchange, &self.emulator);
        match self.adapter.run(exchange) {
            Ok(answer) => {
                let outcome = read(&answer);
                let tolerated = answer.deviations.clone();
                self.conclude(name, Some(sent), outcome, tolerated, false)?;
                Ok(answer.value)
            }
            Err(error) => {
                let tolerated = error.deviations().to_vec();
                self.conclude(name, Some(sent), Err(error.to_string()), tolerated, false)?;
                Err(Stopped::AtStep)
            }
        }
    }

    /// Runs a step that the provider must refuse with this code, so that this kind of person has to act.
    pub(super) fn refused<T: Reply>(
        &mut self,
        name: &str,
        exchange: Exchange<T>,
        code: &str,
        remedy: Remedy,
    ) -> Result<(), Stopped> {
        let sent = Passing::of(&exchange, &self.emulator);
        let (outcome, tolerated) = match self.adapter.run(exchange) {
            Ok(answer) => (Err("it was accepted".to_owned()), answer.deviations),
            Err(error) => (expected(&error, code, remedy), error.deviations().to_vec()),
        };
        self.conclude(name, Some(sent), outcome, tolerated, true)
    }

    /// Runs a call of the provider's API that must return this status and have this meaning for the token.
    pub(super) fn calls(
        &mut self,
        name: &str,
        exchange: Exchange<ApiAnswer>,
        status: u16,
        meaning: TokenStatus,
    ) -> Result<(), Stopped> {
        let sent = Passing::of(&exchange, &self.emulator);
        let (outcome, tolerated) = match self.adapter.run(exchange) {
            Ok(answer) => (understood(&answer.value, status, meaning), answer.deviations),
            Err(error) => (Err(error.to_string()), error.deviations().to_vec()),
        };
        self.conclude(name, Some(sent), outcome, tolerated, meaning != TokenStatus::Accepted)
    }

    /// Runs a step that must be refused before a request is sent. Returns the error.
    pub(super) fn prevented<T, E: Refusal>(
        &mut self,
        name: &str,
        attempt: Result<T, E>,
        code: &str,
    ) -> Result<E, Stopped> {
        let (outcome, error) = match attempt {
            Ok(_) => (Err("it was accepted".to_owned()), None),
            Err(error) if error.code() == code => {
                // Addresses are shown as the provider's own, as in every request.
                let text = error.text().replace(&format!("{}/", self.emulator.url()), "https://");
                (Ok(format!("Refused before any request ({code}): {}", sentence(&text))), Some(error))
            }
            Err(error) => (Err(format!("{}: {}", error.code(), error.text())), Some(error)),
        };
        self.conclude(name, None, outcome, Vec::new(), true)?;
        error.ok_or(Stopped::AtStep)
    }

    /// Plays a person who opens the page and presses a button. Returns the redirect target.
    pub(super) fn person(
        &mut self,
        name: &str,
        page: &str,
        press: impl FnOnce(&BrowserPage) -> Result<String, BrowserError>,
    ) -> Result<String, Stopped> {
        let pressed = Browser::new().open(page).and_then(|page| press(&page));
        let (outcome, callback) = match pressed {
            Ok(callback) => (Ok(format!("The browser is sent to {}.", moved(&callback))), Some(callback)),
            Err(error) => (Err(error.to_string()), None),
        };
        let requests = self.requests();
        let outcome = match (outcome, requests.len()) {
            (Ok(_), count) if count != 2 => Err(format!("{count} requests arrived in place of two")),
            (outcome, _) => outcome,
        };
        self.keep(name, requests, outcome, Vec::new(), false)?;
        callback.ok_or(Stopped::AtStep)
    }

    /// Runs a step in which a callback must be accepted as the expected one.
    pub(super) fn receives(
        &mut self,
        name: &str,
        pending: PendingAuthorization,
        callback: &str,
        read: impl FnOnce(&AuthorizationCode) -> StepResult,
    ) -> Result<AuthorizationCode, Stopped> {
        let received: Result<AuthorizationCode, RejectedCallback> = pending.receive(callback, self.now());
        let outcome = match &received {
            Ok(code) => read(code),
            Err(rejected) => Err(rejected.to_string()),
        };
        self.conclude(name, None, outcome, Vec::new(), false)?;
        received.map_err(|_| Stopped::AtStep)
    }

    /// Records that the chapter cannot continue.
    pub(super) fn breaks_off(&mut self, problem: String) {
        // No later step can depend on this one.
        let _ = self.keep("The chapter cannot go on", Vec::new(), Err(problem), Vec::new(), false);
    }

    /// Ends a step that was to send exactly this request, or none.
    fn conclude(
        &mut self,
        name: &str,
        sent: Option<Passing>,
        outcome: StepResult,
        tolerated: Vec<Deviation>,
        refusal: bool,
    ) -> Result<(), Stopped> {
        let arrived = self.requests();
        let as_sent = match (&sent, arrived.as_slice()) {
            (None, []) => Ok(()),
            (Some(sent), [one]) if one.is(sent) => Ok(()),
            (None, _) => Err("a request was made all the same".to_owned()),
            (Some(_), []) => Err("no request arrived".to_owned()),
            (Some(_), [_]) => Err("another request arrived".to_owned()),
            (Some(_), more) => Err(format!("{} requests arrived in place of one", more.len())),
        };
        let outcome = match (outcome, as_sent) {
            (Err(problem), _) | (Ok(_), Err(problem)) => Err(problem),
            (Ok(told), Ok(())) => Ok(told),
        };
        let requests = if arrived.is_empty() { sent.into_iter().collect() } else { arrived };
        self.keep(name, requests, outcome, tolerated, refusal)
    }

    fn keep(
        &mut self,
        name: &str,
        requests: Vec<Passing>,
        outcome: StepResult,
        tolerated: Vec<Deviation>,
        refusal: bool,
    ) -> Result<(), Stopped> {
        let ok = outcome.is_ok();
        let (Ok(outcome) | Err(outcome)) = outcome;
        let (name, scene) = (name.to_owned(), self.scene.take());
        let drawing = Vec::new();
        self.steps.push(Step { name, ok, refusal, scene, requests, outcome, tolerated, drawing });
        if ok { Ok(()) } else { Err(Stopped::AtStep) }
    }

    /// Returns the emulator's requests since the last step.
    fn requests(&self) -> Vec<Passing> {
        let arrived = self.emulator.log();
        self.emulator.clear_log();
        arrived.iter().map(|entry: &Entry| Passing::from(entry)).collect()
    }
}

fn expected(error: &ExchangeError, code: &str, remedy: Remedy) -> StepResult {
    let said = sentence(&error.to_string());
    let told = format!("Refused ({}). {said} What to do: {}.", error.code(), error.remedy());
    if error.code() == code && same_kind(error.remedy(), remedy) { Ok(told) } else { Err(told) }
}

fn understood(answer: &ApiAnswer, status: u16, meaning: TokenStatus) -> StepResult {
    let means = match answer.meaning() {
        TokenStatus::Accepted => "The token was accepted",
        TokenStatus::TokenRefused => "The token has expired or was revoked: renew it once and ask again",
        TokenStatus::InsufficientScope => "The token lacks a scope: ask for more",
        TokenStatus::Forbidden => "The token is good but may not do this: renewing does not help",
        TokenStatus::Quota { .. } => "A quota is used up: wait",
        TokenStatus::WrongEnvironment => "Sandbox and production were mixed up",
        _ => "Nothing about the token",
    };
    let said = [answer.code().map(str::to_owned), answer.provider_text().map(ToString::to_string)];
    let said: Vec<String> = said.into_iter().flatten().collect();
    let said = if said.is_empty() { String::new() } else { format!(" ({})", said.join(": ")) };
    let told = format!("{means}{said}.");
    if answer.status().as_u16() == status && answer.meaning() == meaning { Ok(told) } else { Err(told) }
}
