//! The queue for the request budget, for requests that belong to no spec, such as sign-ins. It is in order, and
//! both its length and the wait are limited.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use octo_auth_core::{Purpose, TransportError};

use crate::event::Listener;
use crate::shared::{Running, Shared, left};

/// The limit of waiting requests.
const MOST_WAITING: usize = 64;

/// The longest wait of a request. It is longer than the minute in which most providers count.
const LONGEST: Duration = Duration::from_secs(120);

/// The admission of one request that belongs to no spec, until the request is sent or cancelled. Dropping it
/// leaves the queue.
#[must_use = "it leaves the line when it is dropped"]
pub struct Admission {
    shared: Arc<Shared>,
    turn: Option<Turn>,
}

/// A position in the queue.
#[derive(Clone, Copy)]
struct Turn {
    number: u64,
    /// The end of its wait, on the boot clock.
    until: Duration,
}

/// The next action of such a request.
#[must_use = "the request has to do as it is told"]
pub enum Admitted {
    /// Send it now.
    Yes(Running),
    /// Wait for the listener, at most for this duration, and ask again.
    Wait(Listener, Duration),
    /// Do not send it, for this reason.
    No(TransportError),
}

impl Shared {
    /// Returns the admission of one request that belongs to no spec.
    pub fn admission(self: &Arc<Self>) -> Admission {
        Admission { shared: self.clone(), turn: None }
    }
}

impl Admission {
    /// Asks whether the request may be sent now. If so, it is counted in the request budget.
    ///
    /// Requests are admitted in the order of their first call. A request waits at most two minutes. If 64 requests
    /// are waiting already, it is not sent.
    pub fn ask(&mut self, purpose: Purpose) -> Admitted {
        let shared = self.shared.clone();
        let (mut state, now) = shared.enter();
        let is_next =
            state.line.first().is_none_or(|first| self.turn.is_some_and(|own| own.number == *first));
        let opens = match is_next || !purpose.concerns_a_grant() {
            true => state.machine.admit(purpose, now),
            // It is notified when the request before it has left the queue.
            false => Err(Duration::MAX),
        };
        let Err(opens) = opens else {
            let running = shared.run(&mut state, None);
            drop(state);
            self.leave();
            return Admitted::Yes(running);
        };
        if self.turn.is_none() {
            if state.line.len() >= MOST_WAITING {
                return Admitted::No(TransportError::not_sent(
                    "too many sign-ins wait for the request budget",
                ));
            }
            let number = state.next_turn;
            state.next_turn += 1;
            state.line.insert(number);
            let until = now.boot.saturating_add(LONGEST);
            self.turn = Some(Turn { number, until });
        }
        let until = self.turn.map_or(now.boot, |own| own.until);
        let listener = shared.listen();
        drop(state);
        if until <= now.boot {
            self.leave();
            return Admitted::No(TransportError::not_sent("the request budget had no room in time"));
        }
        Admitted::Wait(listener, left(opens.min(until), now))
    }

    /// Leaves the queue, so that the next request may ask.
    fn leave(&mut self) {
        let Some(turn) = self.turn.take() else { return };
        self.shared.enter().0.line.remove(&turn.number);
        self.shared.wake_watchers();
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        self.leave();
    }
}

impl fmt::Debug for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admission").field("is_waiting", &self.turn.is_some()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Admitted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Yes(_) => "Yes",
            Self::Wait(..) => "Wait",
            Self::No(_) => "No",
        })
    }
}
