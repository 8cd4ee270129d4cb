//! Converts wall-clock moments in a record, written by other processes or by an earlier start of this one, to
//! the boot clock. Open attempts and pauses last at most their stated duration, counted from when this
//! process first saw them.

use std::time::Duration;

use super::record::{FamilyId, OperationId, Pause, Record};
use crate::registration::{LONGEST_RETRY_AFTER, SharedState};
use crate::time::{Now, Timestamp};

/// The longest duration of an attempt. No policy allows a longer one, so a record that states more is damaged.
const LONGEST_ATTEMPT: Duration = Duration::from_secs(3600);

/// When the attempt and the pause of the record are over, on the boot clock; `None` if it has neither.
#[derive(Debug, Default)]
pub(crate) struct Sighting(Option<Box<Sighted>>);

#[derive(Debug, Default)]
struct Sighted {
    attempt: Option<OperationId>,
    attempt_until: Duration,
    /// The owner of a claim whose process has ended.
    ended: Option<String>,
    pause: Option<Pause>,
    pause_until: Duration,
    /// The sign-in that the pause was about; `None` for a client grant.
    sign_in: Option<FamilyId>,
}

impl Sighting {
    /// Notes the attempt and the pause of the record.
    ///
    /// - An attempt that another process may continue lasts its whole duration from first sight, because the
    ///   wall clocks of two processes are not compared. An attempt of a process that has ended is over.
    /// - Everything else ends by the `steady` wall time: setting the clock forward does not end it early.
    /// - A pause lasts until its end or the next `sign_in`, even if another process considered it over by its
    ///   own clock and removed it.
    ///
    /// Returns a pause that was not known before, and until when it lasts.
    pub(crate) fn follow(
        &mut self,
        record: &Record,
        sign_in: Option<FamilyId>,
        is_elsewhere: bool,
        steady: Timestamp,
        now: Now,
    ) -> Option<(Pause, Duration)> {
        if self.0.is_none() && record.attempt.is_none() && record.pause.is_none() {
            return None;
        }
        let own = self.0.get_or_insert_default();
        let pause = own.follow(record, sign_in, is_elsewhere, steady, now);
        self.0.take_if(|own| own.attempt.is_none() && own.pause.is_none() && own.pause_until <= now.boot);
        pause
    }

    /// Sets the moment at which the exchange of the attempt is over. This process ran it, so it knows the
    /// moment.
    pub(crate) fn is_over_at(&mut self, moment: Duration) {
        self.0.iter_mut().for_each(|own| own.attempt_until = moment);
    }

    /// Records that the process of an owner has ended: an attempt that it left open is over, whatever the
    /// clocks say.
    pub(crate) fn owner_has_ended(&mut self, owner: String, now: Now) {
        let own = self.0.get_or_insert_default();
        if own.attempt.is_some_and(|attempt| SharedState::owner(attempt.writer) == owner) {
            own.attempt_until = now.boot;
        }
        own.ended = Some(owner);
    }

    pub(crate) fn attempt_until(&self) -> Duration {
        self.0.as_ref().map_or(Duration::ZERO, |own| own.attempt_until)
    }

    pub(crate) fn pause_until(&self) -> Duration {
        self.0.as_ref().map_or(Duration::ZERO, |own| own.pause_until)
    }
}

impl Sighted {
    fn follow(
        &mut self,
        record: &Record,
        sign_in: Option<FamilyId>,
        is_elsewhere: bool,
        steady: Timestamp,
        now: Now,
    ) -> Option<(Pause, Duration)> {
        let attempt = record.attempt.as_ref().map(|attempt| attempt.id);
        if attempt != self.attempt {
            let open = record.attempt.as_ref().filter(|attempt| {
                self.ended.as_ref().is_none_or(|ended| SharedState::owner(attempt.id.writer) != *ended)
            });
            let left = open.map_or(Duration::ZERO, |attempt| {
                let whole = attempt.deadline.saturating_since(attempt.begun).min(LONGEST_ATTEMPT);
                if is_elsewhere { whole } else { attempt.deadline.saturating_since(steady).min(whole) }
            });
            self.attempt = attempt;
            self.attempt_until = now.boot.saturating_add(left);
        }
        if sign_in != self.sign_in {
            (self.sign_in, self.pause_until) = (sign_in, Duration::ZERO);
        }
        let pause = record.pause.as_deref().copied();
        if pause == self.pause {
            return None;
        }
        self.pause = pause;
        let pause = self.pause?;
        let whole = pause.until.saturating_since(pause.from).min(LONGEST_RETRY_AFTER);
        let until = now.boot.saturating_add(pause.until.saturating_since(steady).min(whole));
        self.pause_until = self.pause_until.max(until);
        Some((pause, until))
    }
}
