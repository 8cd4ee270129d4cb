//! What other processes, or this one before it was started again, wrote about moments of the wall clock, on the boot clock
//! of this process: an open attempt and a pause hold it no longer than they say, counted from first sight.

use std::time::Duration;

use super::record::{FamilyId, OperationId, Pause, Record};
use crate::registration::LONGEST_RETRY_AFTER;
use crate::time::{Now, Timestamp};

/// When what the record names is over, on the boot clock.
#[derive(Debug, Default)]
pub(crate) struct Sighting {
    attempt: Option<OperationId>,
    attempt_until: Duration,
    pause: Option<Pause>,
    pause_until: Duration,
    /// The sign-in that the pause was about; a client grant has none.
    sign_in: Option<FamilyId>,
}

impl Sighting {
    /// Takes over what the record names. An attempt that another process may go on with lasts its whole length from first
    /// sight: the wall clocks of two processes are not compared. What else the record names ends by the `steady` wall time: a
    /// clock that was set on does not end it early. A pause lasts until its end or the next `sign_in`, also if another
    /// process, by its own clock, took it for over and removed it.
    /// Returns the pause that was not known before, and until when it lasts.
    pub(crate) fn follow(
        &mut self,
        record: &Record,
        sign_in: Option<FamilyId>,
        is_elsewhere: bool,
        steady: Timestamp,
        now: Now,
    ) -> Option<(Pause, Duration)> {
        let attempt = record.attempt.map(|attempt| attempt.id);
        if attempt != self.attempt {
            let left = record.attempt.map_or(Duration::ZERO, |attempt| {
                let whole = attempt.deadline.saturating_since(attempt.begun);
                if is_elsewhere { whole } else { attempt.deadline.saturating_since(steady).min(whole) }
            });
            self.attempt = attempt;
            self.attempt_until = now.boot.saturating_add(left);
        }
        if sign_in != self.sign_in {
            (self.sign_in, self.pause_until) = (sign_in, Duration::ZERO);
        }
        if record.pause == self.pause {
            return None;
        }
        self.pause = record.pause;
        let pause = self.pause?;
        let whole = pause.until.saturating_since(pause.from).min(LONGEST_RETRY_AFTER);
        let until = now.boot.saturating_add(pause.until.saturating_since(steady).min(whole));
        self.pause_until = self.pause_until.max(until);
        Some((pause, until))
    }

    /// The exchange of the attempt is over at this moment, as this process carried it.
    pub(crate) fn is_over_at(&mut self, moment: Duration) {
        self.attempt_until = moment;
    }

    pub(crate) fn attempt_until(&self) -> Duration {
        self.attempt_until
    }

    pub(crate) fn pause_until(&self) -> Duration {
        self.pause_until
    }
}
