//! The state of a spec in plain words, for a person who asks why.

use std::fmt::{self, Write as _};
use std::time::Duration;

use super::KeyState;
use super::gate::Gate;
use super::state::{Facts, Knowledge};
use crate::error::Remedy;
use crate::failure::{TokenErrorKind, Why};
use crate::registration::SharedState;
use crate::store::Storage;
use crate::time::Now;
use crate::validity::Freshness;

impl KeyState {
    /// Returns the state of the spec in plain words, one line for each fact, without any secret.
    pub(crate) fn explain(&self, shared: &SharedState, now: Now) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = self.write_state(&mut text, shared, now);
        text
    }

    fn write_state(&self, out: &mut String, shared: &SharedState, now: Now) -> fmt::Result {
        let facts = self.facts(shared, None, now);
        let state = facts.state();
        let provider = shared.client.profile().title();
        writeln!(out, "{} at {provider}: {state} (`{}`).", self.spec, state.word())?;
        self.write_token(out, now)?;
        if !self.spec.is_client_grant() {
            self.write_refresh_token(out, now)?;
        }
        self.write_renewal(out, &facts, now)?;
        if let Some(under_way) = &self.in_flight {
            writeln!(
                out,
                "In flight: {}, given up {}.",
                under_way.phase.explain(),
                Left(under_way.deadline, now)
            )?;
        }
        if shared.storage != Storage::None {
            self.write_store(out, facts.knowledge, now)?;
        }
        match self.next_change(&facts, shared, now) {
            Some(moment) => write!(out, "Next change by time alone: {}.", Left(moment, now)),
            None => write!(out, "Nothing changes by time alone."),
        }
    }

    /// Writes when a renewal is possible. The longest-lasting reason comes first.
    fn write_renewal(&self, out: &mut String, facts: &Facts, now: Now) -> fmt::Result {
        let never = |why: &dyn fmt::Display| format!("not possible: {why}.");
        let said = match (&facts.gate, facts.knowledge) {
            _ if facts.is_signed_out => never(&TokenErrorKind::SignedOut.explain()),
            (_, Knowledge::Unreadable { until }) if !facts.is_client_grant => {
                format!("not before {}: the store could not be read.", Left(until, now))
            }
            (Gate::Dead(kind), _) => never(&Why(*kind, self.why_unusable.as_deref(), None)),
            _ if facts.is_shutting_down => never(&TokenErrorKind::ShuttingDown.explain()),
            (_, Knowledge::Read) if !facts.is_renewable => never(&"there is no refresh token"),
            (Gate::Closed(blocked), _) => {
                let why = Why(blocked.kind, blocked.cause.as_ref(), blocked.limit);
                let remedy = match blocked.remedy {
                    remedy @ Remedy::SignInAgain => format!("; {remedy}"),
                    _ => String::new(),
                };
                format!("not before {}: {why}{remedy}.", Left(blocked.until, now))
            }
            (Gate::Open, Knowledge::Unread) => "not before the store was read.".to_owned(),
            (Gate::Open, _) if facts.in_flight => "not before what is in flight has ended.".to_owned(),
            (Gate::Open, _) => "possible now.".to_owned(),
        };
        writeln!(out, "Renewal: {said}")
    }

    fn write_token(&self, out: &mut String, now: Now) -> fmt::Result {
        let Some(issued) = self.serving.current() else { return writeln!(out, "Token: none yet.") };
        let validity = &issued.validity;
        let refused = if self.serving.is_refused() { ", refused by a resource server" } else { "" };
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
        let view = self.replica.view();
        if view.refresh_token.is_none() {
            return writeln!(out, "Refresh token: none.");
        }
        write!(out, "Refresh token: there is one")?;
        if view.is_dead {
            write!(out, ", which the provider no longer accepts")?;
        } else if let Some(attempt) = &view.attempt {
            write!(out, "; its use number {} began at {}", attempt.number, attempt.begun)?;
        }
        let is_in_doubt = self.in_flight.is_none() && (view.in_doubt || view.attempt.is_some());
        if is_in_doubt && !view.is_dead {
            write!(
                out,
                "; the outcome of a use is unknown, so it is used again only when the token has expired"
            )?;
            let until = self.sighting.attempt_until();
            if view.attempt.is_some() && until > now.boot {
                write!(out, ", not before {}", Left(until, now))?;
            }
        }
        writeln!(out, ".")
    }

    fn write_store(&self, out: &mut String, knowledge: Knowledge, now: Now) -> fmt::Result {
        match (knowledge, self.replica.is_unsaved(), self.store_failures.last()) {
            (Knowledge::Unread, ..) => writeln!(out, "Store: not read yet."),
            (Knowledge::Unreadable { until }, _, last) => {
                write!(out, "Store: could not be read")?;
                if let Some(last) = last {
                    write!(out, " ({})", last.cause)?;
                }
                writeln!(out, "; read again {}.", Left(until, now))
            }
            (Knowledge::Read, true, Some(last)) => {
                let again = Left(self.save_at, now);
                writeln!(out, "Store: does not hold this yet ({}); written again {again}.", last.cause)
            }
            (Knowledge::Read, true, None) => writeln!(out, "Store: does not hold this yet."),
            (Knowledge::Read, false, _) => writeln!(out, "Store: holds this."),
        }
    }
}

/// A moment on the boot clock, displayed as the duration from now.
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
