//! The state of a key in plain words, for a person who asks why.

use std::fmt::{self, Write as _};
use std::time::Duration;

use super::view::{Gate, Knowledge};
use super::{Freshness, Lifecycle, Storage};
use crate::accounts::Registration;
use crate::time::Now;

impl Lifecycle {
    /// The state of the key in plain words, a line for each fact; no secret is among them.
    pub(crate) fn explain(&self, registration: &Registration, now: Now) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = self.write_state(&mut text, registration, now);
        text
    }

    fn write_state(&self, out: &mut String, registration: &Registration, now: Now) -> fmt::Result {
        let view = self.view(registration, None, now);
        let row = view.row();
        let provider = registration.client.profile().title();
        writeln!(out, "{} at {provider}: {row} (row {} of the table).", self.key, row.number())?;
        self.write_token(out, now)?;
        if !self.key.is_client_grant() {
            self.write_refresh_token(out, now)?;
        }
        match &view.gate {
            Gate::Open => writeln!(out, "Renewal: possible now.")?,
            Gate::Final(kind) => writeln!(out, "Renewal: not possible: {}.", kind.explain())?,
            Gate::Closed(bar) => {
                let left = Left(bar.until, now);
                write!(out, "Renewal: not before {left}: {}", bar.kind.explain())?;
                match &bar.cause {
                    Some(cause) => writeln!(out, " ({cause}).")?,
                    None => writeln!(out, ".")?,
                }
            }
        }
        if let Some(under_way) = &self.flight {
            writeln!(
                out,
                "Under way: {}, given up {}.",
                under_way.leg.explain(),
                Left(under_way.deadline, now)
            )?;
        }
        if registration.storage != Storage::None {
            self.write_store(out, view.knowledge, now)?;
        }
        match self.next_change(&view, registration, now) {
            Some(moment) => write!(out, "Next change by time alone: {}.", Left(moment, now)),
            None => write!(out, "Nothing changes by time alone."),
        }
    }

    fn write_token(&self, out: &mut String, now: Now) -> fmt::Result {
        let Some(issued) = &self.current else { return writeln!(out, "Token: none yet.") };
        let validity = &issued.validity;
        let refused = if self.is_refused { ", refused by a resource server" } else { "" };
        let freshness = match validity.freshness(now) {
            Freshness::Fresh => "fresh",
            Freshness::Stale => "due for renewal",
            Freshness::Expired => "expired",
        };
        write!(out, "Token: generation {}, {freshness}{refused}, ", issued.generation)?;
        write!(out, "{} s old", validity.age(now).as_secs())?;
        if let Some(soft) = validity.renewal_due_age() {
            write!(out, ", due for renewal at {} s", soft.as_secs())?;
        }
        match validity.served_until_age() {
            Some(end) => writeln!(out, ", served until {} s.", end.as_secs()),
            None => writeln!(out, "; the server did not say how long it lives."),
        }
    }

    fn write_refresh_token(&self, out: &mut String, now: Now) -> fmt::Result {
        if self.record.refresh_token.is_none() {
            return writeln!(out, "Refresh token: none.");
        }
        write!(out, "Refresh token: there is one")?;
        if let Some(terminal) = self.record.terminal {
            write!(out, ", {}", terminal.failure_kind().explain())?;
        } else if let Some(attempt) = self.record.attempt() {
            write!(out, "; its use number {} began at {}", attempt.number, attempt.begun)?;
            if attempt.ambiguous && self.flight.is_none() {
                write!(out, " and its outcome is unknown; it is used again once the token has expired")?;
                if self.doubt_until > now.boot {
                    write!(out, ", not before {}", Left(self.doubt_until, now))?;
                }
            }
        }
        writeln!(out, ".")
    }

    fn write_store(&self, out: &mut String, knowledge: Knowledge, now: Now) -> fmt::Result {
        match (knowledge, self.unsaved, self.trouble.last()) {
            (Knowledge::Unread, ..) => writeln!(out, "Store: not read yet."),
            (Knowledge::Unreadable { until }, _, _) => {
                writeln!(out, "Store: could not be read; asked again {}.", Left(until, now))
            }
            (Knowledge::Read, Some(due), Some(trouble)) => {
                writeln!(
                    out,
                    "Store: does not hold this yet ({}); tried again {}.",
                    trouble.cause,
                    Left(due, now)
                )
            }
            (Knowledge::Read, Some(_), None) => writeln!(out, "Store: does not hold this yet."),
            (Knowledge::Read, None, _) => writeln!(out, "Store: holds this."),
        }
    }
}

/// A moment on the boot clock as a distance from now.
struct Left(Duration, Now);

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let left = self.0.saturating_sub(self.1.boot);
        if left.is_zero() {
            f.write_str("now")
        } else {
            write!(f, "in {}.{:03} s", left.as_secs(), left.subsec_millis())
        }
    }
}
