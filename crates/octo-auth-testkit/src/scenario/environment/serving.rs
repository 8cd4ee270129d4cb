//! How the server and the store execute a call, and the lines that it adds to the log.

use octo_auth_core::{Claimed, RecordBytes, RecordName, Saved, StoreError, Stored};
use serde_json::Value;

use super::log::Kind;
use super::server::{Heard, asked};
use super::{Inside, IoCall, IoOutcome, Named, Open, STORE_CALL};
use crate::StoredRecord;
use crate::scenario::ScriptedReply;
use crate::scenario::server_script::Spoken;
use crate::scenario::spell::spelt;
use crate::scenario::step::{Mood, ScenarioSettings};

impl IoCall {
    /// Returns the outcome of a call after the end of the scenario.
    pub(super) fn unanswered(&self) -> IoOutcome {
        let over = || StoreError::new("the scenario is over");
        match self {
            Self::Send(..) => {
                IoOutcome::Fault(octo_auth_core::TransportError::unknown("the scenario is over"))
            }
            Self::Load(_) => IoOutcome::Loaded(Err(over())),
            Self::Save(..) => IoOutcome::Saved(Err(over())),
            Self::Claim(..) => IoOutcome::Claimed(Err(over())),
            Self::Release(..) => IoOutcome::Released(Err(over())),
        }
    }

    fn failed(&self, fault: StoreError) -> IoOutcome {
        match self {
            Self::Send(..) => IoOutcome::Gone,
            Self::Load(_) => IoOutcome::Loaded(Err(fault)),
            Self::Save(..) => IoOutcome::Saved(Err(fault)),
            Self::Claim(..) => IoOutcome::Claimed(Err(fault)),
            Self::Release(..) => IoOutcome::Released(Err(fault)),
        }
    }
}

impl Inside {
    /// Returns the outcome of a call, or `None` if it has none yet.
    pub(super) fn serve(&mut self, open: &mut Open, setup: &ScenarioSettings) -> Option<IoOutcome> {
        match &open.call {
            IoCall::Send(..) => self.answer(open, setup),
            _ => self.store(open, setup),
        }
    }

    fn answer(&mut self, open: &mut Open, setup: &ScenarioSettings) -> Option<IoOutcome> {
        let IoCall::Send(request, deadline) = &open.call else { return None };
        let asked = asked(request);
        let key = self.server.key_of(&asked, setup);
        let place = open.named.place;
        let heard = if open.is_held {
            let is_late = self.now.boot.saturating_sub(open.since) >= *deadline && !open.is_stuck;
            self.server.heard_again(&asked, &key, is_late)
        } else {
            self.log.note(place, &key, Kind::Flight, format!("send {{key}}: {asked}"));
            self.server.heard(&asked, &key)
        };
        match heard {
            Heard::Nothing | Heard::Never if open.is_held => None,
            Heard::Nothing | Heard::Never => {
                open.is_held = true;
                open.is_stuck = matches!(heard, Heard::Never);
                self.log.note(place, &key, Kind::Flight, "answer {key}: none yet".to_owned());
                None
            }
            Heard::TooLate => {
                let text = format!("answer {{key}}: none within {}", spelt(*deadline));
                self.log.note(place, &key, Kind::Flight, text);
                Some(IoOutcome::Fault(octo_auth_core::TransportError::timed_out("no answer in time")))
            }
            Heard::ScriptedReply(said) => {
                self.log.note(place, &key, Kind::Flight, format!("answer {{key}}: {said}"));
                Some(self.outcome_of(&said))
            }
        }
    }

    fn outcome_of(&self, said: &ScriptedReply) -> IoOutcome {
        // The server's clock is independent of clock steps of the machine.
        let server = super::START.saturating_add(self.now.boot.saturating_sub(super::UP));
        match said.spoken(server) {
            Some(Spoken::Response(response)) => IoOutcome::Response(response),
            Some(Spoken::Fault(fault)) => IoOutcome::Fault(fault),
            Some(Spoken::Gone) | None => IoOutcome::Gone,
        }
    }

    fn store(&mut self, open: &mut Open, setup: &ScenarioSettings) -> Option<IoOutcome> {
        let mood = self.shelf.mood();
        let record = open.call.record()?;
        let (place, name, is_request_log) =
            (open.named.place, setup.key_of_record(record), setup.is_request_log(record));
        let what = open.call.named();
        if open.is_held {
            let is_late = self.now.boot.saturating_sub(open.since) >= STORE_CALL;
            return is_late.then(|| open.call.failed(StoreError::new("the store did not answer within 5 s")));
        }
        if mood == Mood::Silent {
            open.is_held = true;
            self.log.note(place, &name, Kind::Flight, format!("{what} {{key}}: no answer"));
            return None;
        }
        let fails = mood == Mood::Down || mood == Mood::ReadOnly && !matches!(open.call, IoCall::Load(_));
        if fails {
            self.log.note(place, &name, Kind::Flight, format!("{what} {{key}}: failed"));
            return Some(open.call.failed(StoreError::new("the store is down")));
        }
        let (outcome, text) = self.do_in_store(open.named, &open.call, &name);
        let is_dozing = self.dozing.get(&(place, name.clone())).copied().unwrap_or_default();
        let is_look = is_dozing && matches!(open.call, IoCall::Load(_) | IoCall::Claim(..));
        let kind = match (is_look, is_request_log) {
            (true, _) => Kind::Look,
            (false, true) => Kind::Counted,
            (false, false) => Kind::Flight,
        };
        self.log.note(place, &name, kind, format!("{what} {{key}}{text}"));
        Some(outcome)
    }

    fn do_in_store(&mut self, named: Named, call: &IoCall, name: &str) -> (IoOutcome, String) {
        let dozing = (named.place, name.to_owned());
        match call {
            IoCall::Load(record) => {
                let stored = self.shelf.load(record);
                let text = stored.as_ref().map_or_else(|| "nothing".to_owned(), written);
                (IoOutcome::Loaded(Ok(stored)), format!(": {text}"))
            }
            IoCall::Save(record, expected, content) => {
                let saved = self.shelf.compare_and_swap(record, *expected, content);
                let text = match &saved {
                    Saved::Done(_) => shown(content),
                    Saved::Conflict(Some(stored)) => {
                        format!("{}; in vain, the store holds {}", shown(content), written(stored))
                    }
                    Saved::Conflict(None) => format!("{}; in vain, the store holds nothing", shown(content)),
                };
                (IoOutcome::Saved(Ok(saved)), format!(": {text}"))
            }
            IoCall::Claim(record, owner, ttl) => {
                let claimed = self.shelf.leases.claim(record, owner, *ttl, self.now.boot);
                let is_held = matches!(claimed, Claimed::Held(_));
                self.dozing.insert(dozing, is_held);
                let text = if is_held { ": held by another owner" } else { "" };
                (IoOutcome::Claimed(Ok(claimed)), text.to_owned())
            }
            IoCall::Release(record, owner) => {
                self.shelf.leases.release(record, owner);
                (IoOutcome::Released(Ok(())), String::new())
            }
            IoCall::Send(..) => (IoOutcome::Gone, String::new()),
        }
    }
}

impl IoCall {
    /// Returns the record that a store call concerns.
    fn record(&self) -> Option<&RecordName> {
        match self {
            Self::Send(..) => None,
            Self::Load(name) | Self::Save(name, ..) | Self::Claim(name, ..) | Self::Release(name, _) => {
                Some(name)
            }
        }
    }

    fn named(&self) -> &'static str {
        match self {
            Self::Send(..) => "send",
            Self::Load(_) => "read",
            Self::Save(..) => "write",
            Self::Claim(..) => "claim",
            Self::Release(..) => "release",
        }
    }
}

fn written(stored: &Stored) -> String {
    shown(&stored.content)
}

/// Returns a short description of a record.
fn shown(content: &RecordBytes) -> String {
    let Some(record) = StoredRecord::read(content) else { return "what cannot be read".to_owned() };
    if record.is_signed_out() {
        return "signed out".to_owned();
    }
    match record.member("sent").and_then(Value::as_array).map(Vec::len) {
        None | Some(0) => {}
        Some(1) => return "1 request".to_owned(),
        Some(many) => return format!("{many} requests"),
    }
    let mut parts = Vec::new();
    parts.extend(record.access_token().map(str::to_owned));
    if let Some(refresh_token) = record.refresh_token() {
        let state = match record.attempt() {
            _ if record.dead().is_some() => " is dead",
            Some(_) if record.member("in_doubt").is_some() => " is in use again",
            Some(_) => " is in use",
            None => "",
        };
        parts.push(format!("{refresh_token}{state}"));
    }
    if parts.is_empty() { "nothing to use".to_owned() } else { parts.join(", ") }
}
