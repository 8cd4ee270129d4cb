//! Faults on demand: what a test orders to fail, and where.
//!
//! A fault is ordered for a place: a host and a path, a whole host, or everywhere. It strikes the next requests that
//! arrive there, oldest order first. A fault ordered with [`FaultTarget::always`] strikes the requests that match no such
//! order. Without an order, nothing fails. [`Held`] stops one request, so that a test can observe a waiting client. Not
//! included: random faults, and damage to the content of an answer, for which the providers have switches.

use std::collections::VecDeque;
use std::time::Duration;

use crate::call::Call;
use crate::shared::Shared;

mod gateway;
mod held;

pub(crate) use gateway::page as gateway_page;
pub use held::Held;
pub(crate) use held::{Hold, Moment, Release};

/// A way for a request to fail.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The request is not processed: the connection is closed without an answer.
    ClosedUnprocessed,
    /// The request is processed, and the connection is closed without an answer.
    AnswerLost,
    /// The request is processed. Its answer announces its whole length (at least one byte), and the connection is
    /// closed after half of it.
    AnswerCut,
    /// The request is processed, and a gateway answers 502 with an HTML page in place of the provider.
    GatewayErrorAfterProcessing,
    /// The request is not processed; a gateway answers in place of the provider.
    Status {
        /// The status, 200 to 999; any other is answered as 500.
        status: u16,
        /// The `Retry-After` header in seconds, rounded up (RFC 9110 section 10.2.3).
        retry_after: Option<Duration>,
        /// The body, sent as `application/json` if it is JSON and as HTML otherwise. The default is the plain page of a
        /// gateway.
        body: Option<String>,
    },
    /// The request is not processed. The answer is an error of RFC 6749 section 5.2,
    /// `{"error":"temporarily_unavailable"}`.
    TemporarilyUnavailable {
        /// The status, 200 to 999; any other is answered as 500.
        status: u16,
        /// The `Retry-After` header in seconds, rounded up (RFC 9110 section 10.2.3).
        retry_after: Option<Duration>,
    },
    /// The request is processed at once, and its answer is delayed for this duration of real time, which the emulator's
    /// clock does not follow. Meant for benchmarks and demonstrations; a test should hold an answer instead.
    Delay(Duration),
}

/// The control handle of the faults; a clone controls the same emulator.
#[derive(Clone)]
pub struct Faults {
    state: Shared<State>,
}

/// The requests that a fault strikes: those for one path of one host, for one host, or all.
#[derive(Clone)]
#[must_use = "a place does nothing until a fault is ordered there"]
pub struct FaultTarget {
    faults: Faults,
    area: Area,
}

struct State {
    /// Orders for a count of requests each, oldest first.
    orders: VecDeque<Order>,
    /// Orders until cleared; the last one that matches counts.
    standing: Vec<(Area, Fault)>,
    /// The seconds added to the `Date` header.
    date_skew: i64,
}

struct Order {
    area: Area,
    effect: Effect,
}

enum Effect {
    Fault { left: u64, fault: Fault },
    Hold(Hold),
}

/// The effect on one request.
pub(crate) enum Strike {
    Fault(Fault),
    Hold(Hold),
}

#[derive(Clone, PartialEq, Eq)]
struct Area {
    host: Option<String>,
    path: Option<String>,
}

impl Faults {
    pub(crate) fn new() -> Self {
        Self { state: Shared::new(State { orders: VecDeque::new(), standing: Vec::new(), date_skew: 0 }) }
    }

    /// Selects the requests for a path of an emulated host: `on("auth.example", "/token")`.
    ///
    /// The path is compared byte for byte with the path of the request, without its query.
    pub fn on(&self, host: &str, path: &str) -> FaultTarget {
        self.place(Some(host), Some(path))
    }

    /// Selects all requests for an emulated host.
    pub fn on_host(&self, host: &str) -> FaultTarget {
        self.place(Some(host), None)
    }

    /// Selects all requests.
    pub fn everywhere(&self) -> FaultTarget {
        self.place(None, None)
    }

    /// Shifts the `Date` header of all answers by this count of seconds, until the next shift or until cleared. The
    /// emulator's clock and all lifetimes stay the same.
    pub fn skew_date(&self, seconds: i64) {
        self.state.lock().date_skew = seconds;
    }

    /// Returns the count of requests that the outstanding orders will still strike or hold.
    ///
    /// If it is 0 at the end of a test, all its faults have struck.
    #[must_use]
    pub fn outstanding(&self) -> u64 {
        let left = |order: &mut Order| match &mut order.effect {
            Effect::Fault { left, .. } => *left,
            Effect::Hold(hold) => u64::from(hold.is_wanted()),
        };
        self.state.lock().orders.iter_mut().map(left).fold(0, u64::saturating_add)
    }

    /// Cancels every fault and hold that has not struck, and the shift of the `Date` header.
    ///
    /// A request that is already held stays held until its [`Held`] releases it.
    pub fn clear(&self) {
        let mut state = self.state.lock();
        state.orders.clear();
        state.standing.clear();
        state.date_skew = 0;
    }

    /// Returns the fault or hold that strikes this request, and uses up one order.
    pub(crate) fn strike(&self, call: &Call) -> Option<Strike> {
        let state = &mut *self.state.lock();
        state.orders.retain_mut(Order::is_wanted);
        let Some(index) = state.orders.iter().position(|order| order.area.contains(call)) else {
            let standing = state.standing.iter().rev().find(|(area, _)| area.contains(call));
            return standing.map(|(_, fault)| Strike::Fault(fault.clone()));
        };
        match &mut state.orders[index].effect {
            Effect::Fault { left, fault } if *left > 1 => {
                *left -= 1;
                Some(Strike::Fault(fault.clone()))
            }
            _ => state.orders.remove(index).map(Order::last),
        }
    }

    /// Returns the shift of the `Date` header, in milliseconds.
    pub(crate) fn date_skew_millis(&self) -> i64 {
        self.state.lock().date_skew.saturating_mul(1_000)
    }

    fn place(&self, host: Option<&str>, path: Option<&str>) -> FaultTarget {
        let area = Area { host: host.map(str::to_owned), path: path.map(str::to_owned) };
        FaultTarget { faults: self.clone(), area }
    }
}

impl std::fmt::Debug for Faults {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Faults").field("outstanding", &self.outstanding()).finish_non_exhaustive()
    }
}

impl FaultTarget {
    /// Orders a fault for the next `count` requests here, after the earlier orders.
    pub fn next(&self, count: u64, fault: Fault) {
        if count > 0 {
            self.order(Effect::Fault { left: count, fault });
        }
    }

    /// Orders a fault for all requests here that match no other order. Replaces an earlier one, and lasts until
    /// cleared.
    pub fn always(&self, fault: Fault) {
        let mut state = self.faults.state.lock();
        state.standing.retain(|(area, _)| *area != self.area);
        state.standing.push((self.area.clone(), fault));
    }

    /// Processes the next request here and holds its answer until the returned [`Held`] releases it.
    ///
    /// Several calls hold several requests, each in a separate `Held`, in the order of their arrival.
    pub fn hold_next(&self) -> Held {
        self.hold(Moment::Processed)
    }

    /// Holds the next request here before it is processed, until the returned [`Held`] releases it.
    pub fn hold_next_unprocessed(&self) -> Held {
        self.hold(Moment::Unprocessed)
    }

    fn hold(&self, moment: Moment) -> Held {
        let (held, hold) = held::pair(moment);
        self.order(Effect::Hold(hold));
        held
    }

    fn order(&self, effect: Effect) {
        self.faults.state.lock().orders.push_back(Order { area: self.area.clone(), effect });
    }
}

impl std::fmt::Debug for FaultTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Area { host, path } = &self.area;
        f.debug_struct("FaultTarget").field("host", host).field("path", path).finish_non_exhaustive()
    }
}

impl Order {
    /// Whether it can still strike. A hold that its test has released cannot.
    fn is_wanted(&mut self) -> bool {
        match &mut self.effect {
            Effect::Fault { .. } => true,
            Effect::Hold(hold) => hold.is_wanted(),
        }
    }

    /// Returns its last strike.
    fn last(self) -> Strike {
        match self.effect {
            Effect::Fault { fault, .. } => Strike::Fault(fault),
            Effect::Hold(hold) => Strike::Hold(hold),
        }
    }
}

impl Area {
    fn contains(&self, call: &Call) -> bool {
        self.host.as_ref().is_none_or(|host| *host == call.host)
            && self.path.as_ref().is_none_or(|path| *path == call.path)
    }
}
