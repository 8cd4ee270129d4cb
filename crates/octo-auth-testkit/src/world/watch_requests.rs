//! What is sent: whether each request keeps what is promised of flights, closed gates, the budget and addresses.

use std::time::Duration;

use http::Response;
use octo_auth_core::{Generation, Job, Purpose, Row};

use super::World;
use super::books::{Ended, Exchange};
use super::plan::{Breakage, FaultKind, Provider, Reply};
use super::process::Carried;
use super::server::parameter;

/// The span in which requests are counted.
pub(super) const MINUTE: Duration = Duration::from_secs(60);

/// So long before its request a marker may have been written, at most.
const WRITING_AHEAD: Duration = Duration::from_secs(20);

impl World {
    /// One flight for each key.
    pub(super) fn watch_flights(&mut self, process: usize, new: &Carried) {
        if !is_beside(&new.job) {
            self.watch_one_flight(process, new.key, || format!("{:?}", new.job));
        }
    }

    pub(super) fn watch_one_flight(&mut self, process: usize, key: usize, new: impl FnOnce() -> String) {
        let now = self.local(process);
        let under_way = |other: &&Carried| other.key == key && !is_beside(&other.job) && !other.is_over(now);
        let other = self.processes[process].carried.iter().find(under_way);
        let other = other.map(|other| format!("{} beside {:?}", new(), other.job));
        self.expect("I18", other.is_none(), || other.unwrap_or_default());
    }

    pub(super) fn watch_request(&mut self, process: usize, key: usize, carried: &Carried) {
        let Job::Send(job) = &carried.job else { return };
        let uri = job.request().uri().to_string();
        let known = addresses(self.setup.provider).contains(&&*uri);
        self.expect("I24", known, || format!("a request goes to {uri}"));
        let is_code = job.purpose() == Purpose::CodeExchange || parameter(job.request(), "code").is_some();
        self.expect("I23", !is_code, || "a code is sent by the machine".to_owned());
        if job.purpose() == Purpose::Revocation {
            return;
        }
        let now = self.local(process).boot;
        let (closed, told) = (self.processes[process].callers[key].closed, self.processes[process].told);
        for until in [closed, told].into_iter().flatten() {
            self.expect("I20", until <= now, || format!("key {key} was closed until {until:?}"));
        }
        if let Some(refresh_token) = parameter(job.request(), "refresh_token") {
            self.watch_refresh_token(process, key, &refresh_token);
            self.watch_repetition(process, key, &refresh_token);
        }
    }

    /// The refresh token that is sent is the one the machine has got last.
    fn watch_refresh_token(&mut self, process: usize, key: usize, sent: &str) {
        let Some(known) = self.processes[process].callers[key].refresh_token.clone() else { return };
        for invariant in ["I28", "I29"] {
            self.expect(invariant, known == sent, || format!("{sent} was sent, {known} is the newest"));
        }
    }

    /// A refresh token is not used twice, unless the first time certainly failed or nothing is left to lose.
    fn watch_repetition(&mut self, process: usize, key: usize, sent: &str) {
        let now = self.now.boot;
        let own = self.processes[process].incarnation;
        // A marker tells when it is over by the wall clock, which shows something else after a step.
        let begun = self.policy.exchange_deadline().saturating_add(WRITING_AHEAD);
        let is_as_written = |exchange: &Exchange| {
            self.stepped_at.is_none_or(|stepped| stepped < exchange.deadline.saturating_sub(begun))
        };
        let is_under_way = |exchange: &Exchange| {
            let is_open = matches!(exchange.end, Ended::UnderWay | Ended::Lost);
            let is_known = match exchange.process == process {
                true => exchange.incarnation == own || is_as_written(exchange),
                // Other processes know nothing of the deadline once the claim is over.
                false => is_as_written(exchange) && exchange.lease > now,
            };
            is_open && exchange.deadline > now && is_known
        };
        let earlier: Vec<&Exchange> = self.exchanges.with(sent).collect();
        let under_way = earlier.iter().any(|exchange| is_under_way(exchange));
        let in_doubt = earlier.last().is_some_and(|last| last.end != Ended::Clearly);
        let in_hand = self.in_hand(process, key);
        self.expect("I19", !under_way, || format!("{sent} is sent twice at once"));
        if in_doubt {
            self.tally.sent_again += 1;
            // What was over when that was decided may have come back with a clock that was set back since.
            let just_stepped =
                self.stepped_at.is_some_and(|stepped| now.saturating_sub(stepped) < WRITING_AHEAD);
            let is_over = in_hand.is_none() || just_stepped;
            let may_repeat = is_over && self.setup.provider != Provider::NoReplay;
            self.expect("I19", may_repeat, || format!("{sent} is sent again, with {in_hand:?} in hand"));
        }
    }

    /// No more requests in a minute than the provider allows, and ten for one key.
    pub(super) fn watch_budget(&mut self, process: usize) {
        let limit = if self.setup.provider == Provider::OfficeRnd { 4 } else { 600 };
        let own = &self.processes[process];
        let Some(&(last, key)) = own.sent.back() else { return };
        let recent = || own.sent.iter().filter(|(at, _)| last.saturating_sub(*at) <= MINUTE);
        let (all, of_key) = (recent().count(), recent().filter(|(_, other)| *other == key).count());
        self.tally.worst_minute = self.tally.worst_minute.max(all as u64);
        self.tally.worst_minute_of_all = self.tally.worst_minute_of_all.max(self.minute.sent(self.now.boot));
        self.expect("I21", all <= limit, || format!("{all} requests in a minute"));
        let in_limit = key.is_none() || of_key <= 10;
        self.expect("I21", in_limit, || format!("{of_key} requests of one key in a minute"));
    }

    /// The generation whose refusal has begun the flight under way.
    pub(super) fn forced_generation(&self, process: usize, key: usize) -> Option<Generation> {
        let own = &self.processes[process];
        let status = own.accounts.status(&self.keys[key], self.clock(process))?;
        status.token.filter(|_| own.callers[key].is_forcing).map(|token| token.generation())
    }

    /// Notes for each key whether a flight that began now would be forced.
    pub(super) fn note_forcing(&mut self, process: usize) {
        let now = self.clock(process);
        for (name, key) in self.keys.clone().iter().zip(0..) {
            let status = self.processes[process].accounts.status(name, now);
            if status.as_ref().is_some_and(|status| !status.in_flight) {
                self.processes[process].callers[key].is_forcing =
                    status.is_some_and(|status| status.row == Row::RefusedRenewing);
            }
        }
    }

    /// Keeping warm looks at keys that are due, and begins something for the last of them: what took too long for one
    /// that was looked at is waited for no more.
    pub(super) fn note_tended(&mut self, process: usize, job: Option<&Job>) {
        let (now, local) = (self.clock(process), self.local(process));
        for (name, key) in self.keys.clone().iter().zip(0..) {
            let own = &mut self.processes[process];
            let is_begun = job.is_some_and(|job| job.ticket().key() == name);
            let is_idle = own.accounts.status(name, now).is_none_or(|status| !status.in_flight);
            if is_begun || is_idle {
                own.asked_about(key, local);
            }
        }
    }

    /// A renewal that a refusal caused was answered.
    pub(super) fn watch_forced(&mut self, process: usize, key: usize, generation: Generation) {
        let now = self.local(process).boot;
        let forced = &mut self.processes[process].callers[key].forced;
        let last = forced.iter().rev().find(|(other, _)| *other == generation).map(|(_, at)| *at);
        // Older ones are a minute ago for certain.
        forced.drain(..forced.len().saturating_sub(32));
        forced.push((generation, now));
        let rare = last.is_none_or(|last| now >= last.saturating_add(MINUTE));
        self.expect("I22", rare, || format!("refusals of {generation:?} were answered at {last:?} and now"));
    }

    pub(super) fn exchange_ended(
        &mut self,
        exchange: Option<usize>,
        reply: &Reply,
        response: Option<&Response<Vec<u8>>>,
    ) {
        let Some(exchange) = self.exchanges.get_mut(exchange) else { return };
        let is_clear = match (reply, response) {
            (Reply::Fault(kind, _), _) => *kind == FaultKind::NotSent,
            (Reply::Broken(Breakage::NoAccessToken | Breakage::UnsafeAccessToken), _) => true,
            (Reply::Broken(_), Some(response)) => response.status() != 200,
            (_, Some(response)) => {
                let own =
                    response.headers().get("content-type").is_some_and(|kind| kind == "application/json");
                response.status().as_u16() < 500 || own && !response.body().is_empty()
            }
            (_, None) => false,
        };
        exchange.end = if is_clear { Ended::Clearly } else { Ended::InDoubt };
    }

    pub(super) fn watch_lost(&mut self, exchange: Option<usize>) {
        if let Some(exchange) = self.exchanges.get_mut(exchange) {
            exchange.end = Ended::Lost;
        }
    }
}

/// Whether a job is none of a flight's.
fn is_beside(job: &Job) -> bool {
    match job {
        Job::Release(_) => true,
        Job::Send(job) => job.purpose() == Purpose::Revocation,
        Job::Load(_) | Job::Claim(_) | Job::Save(_) => false,
    }
}

/// Where requests may go.
fn addresses(provider: Provider) -> &'static [&'static str] {
    match provider {
        Provider::Standard | Provider::NoReplay => {
            &["https://server.example.com/token", "https://server.example.com/revoke"]
        }
        Provider::OfficeRnd => &["https://identity.officernd.com/oauth/token"],
        Provider::Octorate => &[
            "https://api.octorate.com/connect/rest/v1/identity/apilogin",
            "https://api.octorate.com/connect/rest/v1/identity/refresh",
        ],
    }
}
