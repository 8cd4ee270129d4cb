//! Checks of requests: flights, back-off, the request budget and addresses.

use std::time::Duration;

use octo_auth_core::{
    Generation, Job, Purpose, RenewalCause, Report, SaveJob, Saved, SendJob, State, Storage, Verdict, Version,
};

use super::World;
use super::checks_store::pause_of;
use super::defects::Defect;
use super::expectations::{Ended, Exchange, SignIn};
use super::history::AskedPause;
use super::job_execution::{broke_off, full};
use super::plan::{Provider, StoreEnd};
use super::process::{Carried, MINUTE};
use super::request_execution::Answered;
use super::server::parameter;
use crate::StoredRecord;

/// The longest time between the decision to renew and its request.
const DECIDED_BEFORE: Duration = Duration::from_secs(25);

/// How long after a step of the wall clock a record may count for less than it is. The wall clock is all that
/// processes share.
const SETTLED: Duration = Duration::from_secs(70);

/// The longest back-off that a server can ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

impl World {
    /// Checks that a spec has at most one flight.
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

    /// Checks that no renewal begins while callers receive a back-off error.
    pub(super) fn watch_beginning(&mut self, process: usize, key: usize) {
        let (now, until) = (self.local(process).boot, self.processes[process].expected[key].closed);
        self.expect("I20", until.is_none_or(|until| until <= now), || {
            format!("a renewal of key {key} begins, which was closed until {until:?}")
        });
    }

    /// Checks that a written record has the newest refresh token, and no tokens after a sign-out.
    pub(super) fn watch_record(&mut self, process: usize, key: usize, record: &StoredRecord) {
        let expected = &self.processes[process].expected[key];
        let (is_signed_out, text) =
            (expected.signed_out.is_some(), record.refresh_token().map(str::to_owned));
        let is_replaced = text.as_ref().is_some_and(|text| expected.replaced.contains(text));
        self.expect("I28", !is_replaced, || format!("{text:?} is saved, and its successor had come"));
        if is_signed_out {
            let is_empty = record.is_signed_out() && text.is_none() && record.access_token().is_none();
            self.expect("I36", is_empty, || "a record is written after the sign-out".to_owned());
        }
    }

    pub(super) fn watch_request(&mut self, process: usize, key: usize, job: &SendJob) {
        let uri = job.request().uri().to_string();
        let known = addresses(self.setup.provider).contains(&&*uri);
        self.expect("I24", known, || format!("a request goes to {uri}"));
        let is_code = job.purpose() == Purpose::CodeExchange || parameter(job.request(), "code").is_some();
        self.expect("I23", !is_code, || "a code is sent by the machine".to_owned());
        if job.purpose() == Purpose::Revocation {
            return;
        }
        let (now, expected) = (self.local(process).boot, &self.processes[process].expected[key]);
        let (asked, signed_out) = (expected.asked_to_wait, expected.signed_out);
        self.expect("I36", signed_out.is_none(), || format!("a request for key {key} after the sign-out"));
        let sent = parameter(job.request(), "refresh_token");
        let sign_in = self.sign_in(key, sent.as_deref());
        let pause = asked.filter(|(of, until)| *of == sign_in && *until > now);
        self.expect("I20", pause.is_none(), || format!("the server wants no request until {pause:?}"));
        self.watch_stored_pause(key, sent.as_deref());
        if let Some(refresh_token) = sent {
            self.watch_repetition(process, key, &refresh_token);
        }
    }

    /// Returns which sign-in a request with this refresh token concerns.
    pub(super) fn sign_in(&self, key: usize, refresh_token: Option<&str>) -> SignIn {
        let of_server = refresh_token.and_then(|token| self.server.sign_in_of(token));
        (of_server, self.history[key].decisions)
    }

    /// Checks that the back-off in a record (from `Retry-After`) is obeyed after a restart and by other processes. It
    /// ends at the earlier of its ends by the two clocks. A client grant goes on while the store cannot be read.
    fn watch_stored_pause(&mut self, key: usize, sent: Option<&str>) {
        let record = self.store.record(&self.names[key]).filter(|record| record.refresh_token() == sent);
        let Some(stored) = record.and_then(|record| pause_of(record)) else { return };
        let asked = self.history[key].pauses.get(&stored).copied();
        let Some(asked) = asked.filter(|_| !self.keys[key].is_client_grant()) else { return };
        let is_stepped = self.stepped_at.is_some_and(|stepped| stepped >= asked.at);
        let is_over = self.now.boot >= asked.end || self.now.wall.as_unix_millis() >= stored.1 || is_stepped;
        self.expect("I20", is_over, || format!("the record of key {key} asks for a pause: {asked:?}"));
    }

    /// Checks that a refresh token is sent again only if all earlier exchanges with it ended clearly, or have passed
    /// their deadline while no usable token is left to lose.
    fn watch_repetition(&mut self, process: usize, key: usize, sent: &str) {
        let now = self.now.boot;
        let is_under_way =
            |own: &&Exchange| matches!(own.end, Ended::UnderWay | Ended::Lost) && own.deadline > now;
        let under_way = self.exchanges.with(sent).any(|own| is_under_way(&own));
        self.expect("I19", !under_way, || format!("{sent} is sent twice at once"));
        let since = self.exchanges.with(sent).rev().take_while(|own| own.end != Ended::WithTokens);
        // Without a store, a restarted process cannot know of them.
        let incarnation = self.processes[process].incarnation;
        let is_known = |own: &Exchange| self.setup.storage != Storage::None || own.incarnation == incarnation;
        let in_doubt = since.into_iter().any(|own| own.end != Ended::Refused && is_known(own));
        if in_doubt {
            self.stats.sent_again += 1;
            let in_hand = self.in_hand(process, key);
            // A token that was expired at the decision may be valid again if the clock was set back since.
            let just_stepped =
                self.stepped_at.is_some_and(|stepped| now.saturating_sub(stepped) < DECIDED_BEFORE);
            let is_over = in_hand.is_none() || just_stepped;
            let may_repeat = is_over && self.setup.provider != Provider::NoReplay;
            self.expect("I19", may_repeat, || format!("{sent} is sent again, with {in_hand:?} in hand"));
        }
    }

    /// Checks that a process sends no more requests in a minute than the provider allows, and no more for one spec
    /// than ten, or than its tokens need.
    pub(super) fn watch_budget(&mut self, process: usize) {
        let limit = if self.setup.provider == Provider::OfficeRnd { 4 } else { 600 };
        let own = &self.processes[process];
        let Some(&(last, key)) = own.sent.back() else { return };
        let recent = || own.sent.iter().filter(|(at, _)| last.saturating_sub(*at) <= MINUTE);
        let (all, of_key) = (recent().count(), recent().filter(|(_, other)| *other == key).count());
        self.stats.worst_minute = self.stats.worst_minute.max(all as u64);
        self.stats.worst_minute_of_all = self.stats.worst_minute_of_all.max(self.minute.sent(self.now.boot));
        self.expect("I21", all <= limit, || format!("{all} requests in a minute"));
        let needed = || key.map_or(of_key, |key| self.answers.renewals_in_a_minute(key));
        let in_limit = of_key <= 10 || of_key <= needed();
        self.expect("I21", in_limit, || format!("{of_key} requests of one key in a minute"));
    }

    /// Checks that all processes together send no more requests in a minute than the provider allows. Each process
    /// counts alone what it sends while the store fails.
    pub(super) fn watch_budget_of_all(&mut self, process: usize, key: usize) {
        if !std::mem::take(&mut self.processes[process].expected[key].is_counted) {
            return;
        }
        let sent = self.counted.sent(self.now.boot);
        let is_settled =
            self.stepped_at.is_none_or(|stepped| self.now.boot.saturating_sub(stepped) > SETTLED);
        let is_shared = self.setup.storage == Storage::MultiProcess;
        if is_shared && self.setup.provider == Provider::OfficeRnd && is_settled {
            self.expect("I21", sent <= 4, || format!("{sent} requests of all processes in a minute"));
        }
    }

    /// Lets the store count a request.
    pub(super) fn count(&mut self, process: usize, key: usize, job: SaveJob, end: StoreEnd) -> Report {
        self.processes[process].expected[key].is_counted = false;
        if end == StoreEnd::Fails {
            return job.saved(Err(full()));
        }
        let saved = self.count_in_store(&job);
        if end == StoreEnd::FailsAfterwards {
            return job.saved(Err(broke_off()));
        }
        self.processes[process].expected[key].is_counted = matches!(saved, Saved::Done(_));
        job.saved(Ok(saved))
    }

    pub(super) fn count_in_store(&mut self, job: &SaveJob) -> Saved {
        if self.has(Defect::BudgetNotShared) {
            return Saved::Done(Version(job.expected().map_or(0, |version| version.0) + 1));
        }
        self.store.compare_and_swap(job.name(), job.expected(), job.content(), None)
    }

    /// Returns the generation whose refusal caused a request.
    pub(super) fn forced_generation(&self, process: usize, key: usize, job: &SendJob) -> Option<Generation> {
        let is_forced = job.cause() == Some(RenewalCause::Refused);
        let status = self.processes[process].manager.status(&self.keys[key], self.clock(process));
        status.filter(|_| is_forced)?.token.map(|token| token.generation())
    }

    /// Records what an answer means for refusals, back-off and blame.
    pub(super) fn watch_answered(&mut self, answered: &Answered<'_>, forced: Option<Generation>) {
        let (process, key, now) = (answered.process, answered.key, self.local(answered.process).boot);
        let documents_limit = self.setup.provider == Provider::OfficeRnd;
        let own = &mut self.processes[process];
        if answered.has_tokens() {
            own.blamed.take_if(|noted| *noted <= answered.since.boot);
            if !answered.is_late && !answered.is_overtaken {
                own.expected[key].has_failed = false;
            }
        } else {
            own.expected[key].has_failed = true;
            if answered.concerns_all(documents_limit) {
                own.blamed = Some(now);
            }
        }
        let is_of_earlier_sign_in = answered.decisions != own.expected[key].decisions.0;
        if let Some(seconds) = answered.retry_after().filter(|_| !is_of_earlier_sign_in) {
            let asked = Duration::from_secs(seconds.into()).min(LONGEST_PAUSE);
            let sign_in = self.exchanges.get(answered.exchange).map(|own| own.sign_in).unwrap_or_default();
            let (until, history) = (now.saturating_add(asked), &mut self.history[key]);
            let earlier = own.expected[key].asked_to_wait.filter(|(of, _)| *of == sign_in);
            let longest = earlier.map_or(until, |(_, own)| own.max(until));
            own.expected[key].asked_to_wait = Some((sign_in, longest));
            let (from, end) = (self.now.wall, self.now.boot.saturating_add(asked));
            let stored = (from.as_unix_millis(), from.saturating_add(asked).as_unix_millis());
            history.pauses.insert(stored, AskedPause { at: self.now.boot, end });
        }
        let is_forced = answered.has_tokens() && !answered.is_late && !answered.is_overtaken;
        if let Some(generation) = forced.filter(|_| is_forced) {
            self.watch_forced(process, key, generation);
        }
    }

    /// Checks an answered renewal that was caused by a refusal.
    fn watch_forced(&mut self, process: usize, key: usize, generation: Generation) {
        let now = self.local(process).boot;
        let forced = &mut self.processes[process].expected[key].forced;
        let last = forced.iter().rev().find(|(other, _)| *other == generation).map(|(_, at)| *at);
        forced.push((generation, now));
        let rare = last.is_none_or(|last| now >= last.saturating_add(MINUTE));
        self.expect("I22", rare, || format!("refusals of {generation:?} were answered at {last:?} and now"));
    }

    /// Returns whether a verdict begins a renewal.
    pub(super) fn begins_renewal(state: State, verdict: &Verdict) -> bool {
        let has_job = matches!(verdict, Verdict::Run(_) | Verdict::UseAndRun(..));
        has_job && matches!(state, State::StaleRenewing | State::ExpiredRenewing | State::RefusedRenewing)
    }
}

/// Returns whether a job is not part of a flight.
fn is_beside(job: &Job) -> bool {
    match job {
        Job::Release(_) => true,
        Job::Send(job) => job.purpose() == Purpose::Revocation,
        Job::Load(_) | Job::Claim(_) | Job::Save(_) => false,
    }
}

/// Returns the allowed request URIs.
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
