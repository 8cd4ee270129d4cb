//! How jobs are carried: begun by a caller, ended as a plan says, reported, and the next one taken.

use std::time::Duration;

use octo_auth_core::{
    ClaimJob, Fault, Job, Purpose, Report, Row, SaveJob, Saved, StoreFault, Verdict, Version,
};

use super::World;
use super::books::{Ended, Exchange};
use super::counting::{counts, saving};
use super::plan::{FaultKind, Generations, Reply, StoreEnd};
use super::process::Carried;
use super::sabotage::Sabotage;
use super::server::Outcome;
use super::trace::told;
use super::watch_answers::holds;

impl World {
    /// A caller asks; the job to be carried out, if there is one.
    pub(super) fn ask(&mut self, process: usize, key: usize) -> Option<Job> {
        let name = self.keys[self.key_asked(key)].clone();
        let in_hand = self.in_hand(process, key);
        let now = self.local(process);
        self.processes[process].asked_about(key, now);
        let clock = self.clock_of_asking(process, key);
        let decision = self.processes[process].accounts.decide(&name, clock);
        self.rows.insert(decision.row);
        self.note_told(&decision.verdict);
        self.note(|| format!("process {process} key {key}: {}", told(&decision.verdict, decision.row)));
        self.watch_decision(process, key, &decision, in_hand.as_deref());
        if let Some(token) = self.served_all_the_same(process, key, &decision.verdict) {
            self.watch_served(process, key, &token);
        }
        if matches!(decision.row, Row::StaleInFlight | Row::ExpiredInFlight) {
            self.send_again(process, key);
        }
        match decision.verdict {
            Verdict::Use(token) => {
                self.watch_served(process, key, &token);
                None
            }
            Verdict::UseAndRun(token, job) => {
                self.watch_served(process, key, &token);
                Some(job)
            }
            Verdict::Run(job) => Some(job),
            Verdict::Wait { .. } | Verdict::GiveUp(_) => None,
        }
    }

    /// A caller asks and its flight is carried to its end.
    pub(super) fn drive(&mut self, process: usize, key: usize, reply: &Reply, leg: Duration) {
        let job = self.ask(process, key);
        let mut place = self.hand(process, job);
        while let Some(here) = place {
            let waits = match &self.processes[process].carried[here].job {
                Job::Load(job) => job.wait(),
                _ => Duration::ZERO,
            };
            self.pass(leg + waits);
            // Another process holds the claim, and nothing moves it while this flight is carried.
            if waits > Duration::ZERO {
                return;
            }
            place = self.end(process, here, reply, StoreEnd::Works);
        }
    }

    /// Takes a job into flight; its place there.
    pub(super) fn hand(&mut self, process: usize, job: Option<Job>) -> Option<usize> {
        let job = job?;
        let key = self.keys.iter().position(|key| key == job.ticket().key())?;
        let now = self.local(process);
        self.jobs_begun += 1;
        let mut carried = self.carried(process, key, job);
        self.watch_flights(process, &carried);
        if let Some(job) = saving(&carried.job) {
            self.watch_record(process, key, job);
            self.watch_expected(process, key, job);
        }
        if let Job::Send(job) = &carried.job {
            let is_renewal = job.purpose() != Purpose::Revocation;
            let refresh_token = super::server::parameter(job.request(), "refresh_token");
            let deadline = self.now.boot.saturating_add(job.deadline());
            self.watch_request(process, key, &carried);
            self.processes[process].note_sent(now.boot, is_renewal.then_some(key));
            self.watch_budget(process);
            self.watch_budget_of_all(process, key);
            if is_renewal {
                carried.forced = self.forced_generation(process, key);
                carried.exchange = Some(self.note_exchange(process, key, refresh_token, deadline));
            }
        }
        self.note(|| format!("process {process} key {key} carries {:?}", carried.job));
        if matches!(&carried.job, Job::Save(job) if self.saves_afterwards(job)) {
            return self.save_before_it_is_done(process, carried);
        }
        let carriage = &mut self.processes[process].carried;
        carriage.push(carried);
        Some(carriage.len() - 1)
    }

    /// A job as it is begun.
    fn carried(&self, process: usize, key: usize, job: Job) -> Carried {
        let callers = &self.processes[process].callers[key];
        Carried {
            number: self.jobs_begun,
            job,
            key,
            since: self.local(process),
            exchange: None,
            forced: None,
            begun: callers.begun,
            on_its_way: None,
            is_given_up: false,
            after_sign_out: callers.has_signed_out,
            decisions: callers.decisions,
        }
    }

    pub(super) fn end_some(&mut self, which: u8, reply: &Reply, end: StoreEnd) {
        let Some((process, place)) = self.some_carried(which) else { return };
        self.end(process, place, reply, end);
    }

    /// One of all jobs in flight.
    fn some_carried(&self, which: u8) -> Option<(usize, usize)> {
        let all = self.processes.iter().enumerate();
        let all = all.flat_map(|(process, own)| (0..own.carried.len()).map(move |place| (process, place)));
        let all: Vec<_> = all.collect();
        (!all.is_empty()).then(|| all[usize::from(which) % all.len()])
    }

    /// Ends a job in flight; the place of the next one.
    pub(super) fn end(
        &mut self,
        process: usize,
        place: usize,
        reply: &Reply,
        end: StoreEnd,
    ) -> Option<usize> {
        self.save_afterwards(process);
        let carried = self.processes[process].carried.remove(place);
        self.end_carried(process, carried, reply, end)
    }

    fn note_exchange(
        &mut self,
        process: usize,
        key: usize,
        refresh_token: Option<String>,
        deadline: Duration,
    ) -> usize {
        let (incarnation, number) = (self.processes[process].incarnation, self.exchanges.count());
        let (end, lease) = (Ended::UnderWay, self.shelf.leases.until(&self.keys[key]));
        let (successor, delivered) = (None, None);
        self.tally.requests += 1;
        self.exchanges.begin(Exchange {
            process,
            incarnation,
            number,
            successor,
            delivered,
            refresh_token,
            deadline,
            lease,
            end,
        })
    }

    fn end_carried(
        &mut self,
        process: usize,
        carried: Carried,
        reply: &Reply,
        end: StoreEnd,
    ) -> Option<usize> {
        if matches!(carried.job, Job::Send(_)) {
            return self.answer(process, carried, reply);
        }
        let is_in_time = !carried.is_over(self.local(process));
        self.count_store_fault(end);
        let Carried { job, key, is_given_up, decisions, .. } = carried;
        if let Some(job) = saving(&job) {
            self.save_ends(process, key, job, is_in_time);
        }
        if end == StoreEnd::IsLost {
            if let Some(job) = saving(&job) {
                self.note_unsaved(process, job);
            }
            return self.report(process, key, job.abandon());
        }
        let report = match job {
            Job::Load(job) if end == StoreEnd::Works => {
                let stored = self.stored_told(process, key);
                return self.loaded(process, key, job, stored, !is_given_up);
            }
            Job::Load(job) => job.loaded(Err(full())),
            Job::Claim(job) => self.claim(key, job, end),
            Job::Save(job) if counts(&job) => self.count(process, key, job, end),
            Job::Save(job) => {
                let report = self.save(process, key, job, (end, !is_given_up, decisions));
                let next = self.report_without_handing(process, key, report);
                self.decided_no_more(process, key, (next.as_ref(), !is_given_up));
                return self.hand(process, next);
            }
            Job::Release(job) => {
                if end != StoreEnd::Fails {
                    self.shelf.leases.release(&self.keys[key], job.owner());
                }
                job.released()
            }
            Job::Send(_) => return None,
        };
        self.report(process, key, report)
    }

    fn claim(&mut self, key: usize, job: ClaimJob, end: StoreEnd) -> Report {
        let name = &self.keys[key];
        if end == StoreEnd::Fails {
            return job.claimed(Err(full()));
        }
        let claimed = self.shelf.leases.claim(name, job.owner(), job.lasting(), self.now.boot);
        job.claimed(if end == StoreEnd::Works { Ok(claimed) } else { Err(full()) })
    }

    fn save(
        &mut self,
        process: usize,
        key: usize,
        job: SaveJob,
        (end, is_heard_of, decisions): (StoreEnd, bool, u64),
    ) -> Report {
        if end == StoreEnd::Fails && self.has(Sabotage::FailedSaveTakenForDone) {
            let version = Version(job.expected().map_or(0, |version| version.0) + 1);
            return job.saved(Ok(Saved::Done(version)));
        }
        if end == StoreEnd::Fails {
            self.note_unsaved(process, &job);
            return job.saved(Err(full()));
        }
        let saved = self.write(process, key, &job);
        self.note_version(process, key, &saved);
        if end == StoreEnd::FailsAfterwards {
            self.note_unsaved(process, &job);
            return job.saved(Err(broke_off()));
        }
        match &saved {
            Saved::Done(_) => self.said_to_be_stored(process, key, job.record(), decisions),
            Saved::Conflict(_) => self.took_over(process, key, is_heard_of),
        }
        job.saved(Ok(saved))
    }

    /// Whatever becomes of it, the record's token is in force then. One that ends late has failed before.
    fn save_ends(&mut self, process: usize, key: usize, job: &SaveJob, is_in_time: bool) {
        if !is_in_time {
            self.note_unsaved(process, job);
        }
        let (record, now) = (job.record(), self.local(process));
        let own = (process, self.processes[process].incarnation);
        let saved = record.token.as_ref().map(|set| set.access_token().expose());
        if saved.is_some_and(|token| !self.books.surely_serves(token, own, Duration::ZERO, now)) {
            // It was over by then, so that it was never put in force, nor is known of it what the answer told.
            self.books.forgotten(key);
        }
        self.put_in_force(process, key, job);
    }

    /// A record is saved or is not: its token takes the place of the one in hand.
    fn put_in_force(&mut self, process: usize, key: usize, job: &SaveJob) {
        let record = job.record();
        let callers = &mut self.processes[process].callers[key];
        callers.hand.take_if(|hand| record.token.is_some() && !holds(record, hand));
    }

    /// Has the store take a record.
    pub(super) fn write(&mut self, process: usize, key: usize, job: &SaveJob) -> Saved {
        if counts(job) {
            return self.count_in_store(job);
        }
        let name = self.keys[key].clone();
        let (before, version) = (self.shelf.record(&name).cloned(), self.shelf.version(&name));
        let expected = self.version_compared(key, job.expected());
        let record = self.altered(process, key, job.record());
        let saved = self.shelf.compare_and_swap(&name, expected, &record, self.exchanges.count());
        if let Saved::Done(_) = &saved {
            let made_from = job.expected();
            self.expect("I34", made_from == version, || {
                format!("a record made from {made_from:?} has taken the place of {version:?}")
            });
            let callers = &self.processes[process].callers[key];
            if callers.is_decided_here && !callers.is_signed_out && !job.record().signed_out {
                // A sign-in that could not be stored when it was made wins over what others have decided since; not so
                // what was on its way to the store when this process signed out.
                self.signed_out.remove(&key);
                self.tombstones.remove(&key);
            }
            self.watch_stored(process, key, before.as_ref(), &record);
        }
        saved
    }

    /// Says that a record is stored, and stores it later, as a sabotage.
    fn save_before_it_is_done(&mut self, process: usize, carried: Carried) -> Option<usize> {
        let Carried { job: Job::Save(job), key, .. } = carried else { return None };
        self.processes[process].unwritten.push((key, job.expected(), job.record().clone()));
        let version = Version(job.expected().map_or(0, |version| version.0) + 1);
        self.report(process, key, job.saved(Ok(Saved::Done(version))))
    }

    /// Ends a request as the reply says.
    fn answer(&mut self, process: usize, carried: Carried, reply: &Reply) -> Option<usize> {
        let is_over = carried.is_over(self.local(process));
        let Carried { job, key, since, exchange, forced, begun, on_its_way, after_sign_out, .. } = carried;
        let Job::Send(job) = job else { return None };
        if job.purpose() == Purpose::Revocation {
            self.revoke(key, job.request(), after_sign_out);
            return self.report(process, key, job.failed(Fault::unknown("nobody reads it"), since));
        }
        let sent = super::server::parameter(job.request(), "refresh_token");
        let (reply, (outcome, response)) = match on_its_way {
            Some((outcome, response)) => (&Reply::token(3600), (outcome, Some(response))),
            // A transport gives a request up in its time, and a server that has not begun it by then never does.
            None if is_over => (&TIMED_OUT, Default::default()),
            None => (reply, self.ask_server(exchange, job.request(), reply)),
        };
        self.count_reply(reply, response.as_ref());
        let is_late = self.exchanges.get(exchange).is_some_and(|own| own.end == Ended::Lost);
        let was_dead = self.needs_sign_in(process, key);
        let answered = Answered {
            process,
            key,
            since,
            forced,
            sent,
            reply,
            outcome,
            is_late,
            begun,
            exchange,
            was_dead,
        };
        self.exchange_ended(exchange, reply, response.as_ref());
        self.before_answer(&answered, response.as_ref());
        let (sent, now) = self.moments_told(process, since);
        let report = match (self.response_told(response.clone()), reply) {
            (Some(response), _) => job.answered(&response, sent, now),
            (None, Reply::Fault(kind, _)) => job.failed(self.fault_told(*kind), sent),
            (None, _) => Job::Send(job).abandon(),
        };
        let next = match is_late && self.has(Sabotage::LateAnswerDropped) {
            true => None,
            false => self.report_without_handing(process, key, report),
        };
        self.after_answer(&answered, response.as_ref(), next.as_ref());
        self.hand(process, next)
    }

    pub(super) fn report(&mut self, process: usize, key: usize, report: Report) -> Option<usize> {
        let next = self.report_without_handing(process, key, report);
        self.hand(process, next)
    }

    pub(super) fn report_without_handing(
        &mut self,
        process: usize,
        key: usize,
        report: Report,
    ) -> Option<Job> {
        self.processes[process].probe_ended(key);
        self.look_at_store();
        let now = self.clock(process);
        self.processes[process].accounts.report(report, now)
    }

    pub(super) fn lose_some(&mut self, which: u8, done: bool) {
        if let Some((process, place)) = self.some_carried(which) {
            self.lose(process, place, done);
        }
    }

    /// The carrier of a job is lost, the job having been carried out or not.
    pub(super) fn lose(&mut self, process: usize, place: usize, done: bool) {
        let mut carried = self.processes[process].carried.remove(place);
        let (key, exchange, lost) = (carried.key, carried.exchange, carried.job.ticket().clone().lost());
        self.tally.fault("carriers lost");
        if done {
            self.carry_out(process, &mut carried);
        }
        if let Job::Save(job) = &carried.job {
            self.note_unsaved(process, job);
            self.put_in_force(process, key, job);
        }
        self.watch_lost(exchange);
        if matches!(carried.job, Job::Send(_)) {
            self.processes[process].orphaned(carried);
        }
        if !self.has(Sabotage::LostCarrierUnreported) {
            self.report(process, key, lost);
        }
    }

    pub(super) fn arrive_late(&mut self, which: u8, reply: &Reply) {
        let all = self.processes.iter().enumerate();
        let all = all.flat_map(|(process, own)| (0..own.orphans.len()).map(move |place| (process, place)));
        let all: Vec<_> = all.collect();
        if all.is_empty() {
            return;
        }
        let (process, place) = all[usize::from(which) % all.len()];
        self.arrive(process, place, reply);
    }

    /// The answer of a request arrives whose carrier was lost.
    pub(super) fn arrive(&mut self, process: usize, place: usize, reply: &Reply) {
        self.tally.fault("late answers");
        let carried = self.processes[process].orphans.remove(place);
        self.answer(process, carried, reply);
    }

    pub(super) fn refuse(&mut self, process: usize, key: usize, which: Generations) {
        let (now, name) = (self.clock(process), self.keys[key].clone());
        let callers = &self.processes[process].callers[key];
        let current = callers.last.as_ref().map(octo_auth_core::Token::generation);
        let token = match which {
            Generations::Last => callers.last.as_ref(),
            Generations::Earlier => callers.earlier.as_ref(),
        };
        let Some(token) = token else { return };
        let (generation, text) = (token.generation(), token.access_token().expose().to_owned());
        let is_old = which == Generations::Earlier
            && current
                .is_some_and(|last| last.lineage == generation.lineage && last.number > generation.number);
        let before = is_old.then(|| self.processes[process].accounts.explain(&name, now));
        self.tally.fault("tokens refused");
        let counted = current.filter(|_| self.has(Sabotage::RefusalNotScopedToGeneration));
        self.processes[process].accounts.refused(&name, counted.unwrap_or(generation), now);
        if let Some(before) = before {
            let after = self.processes[process].accounts.explain(&name, now);
            self.expect("I22", before == after, || format!("an old refusal changed {before} to {after}"));
        }
        // Of one that it does not hold a machine remembers nothing.
        let status = self.processes[process].accounts.status(&name, now);
        let held = status.and_then(|status| status.token).map(|token| token.generation());
        if held == Some(generation) {
            self.processes[process].callers[key].refused.insert((generation, text), ());
        }
        self.processes[process].callers[key].hand = None;
    }
}

/// A request and what became of it.
pub(super) struct Answered<'r> {
    pub(super) process: usize,
    pub(super) key: usize,
    pub(super) since: octo_auth_core::Now,
    pub(super) forced: Option<octo_auth_core::Generation>,
    /// The refresh token it was sent with.
    pub(super) sent: Option<String>,
    pub(super) reply: &'r Reply,
    pub(super) outcome: Outcome,
    /// Its carrier was reported lost before.
    pub(super) is_late: bool,
    /// How often the key had been begun anew when it was sent.
    pub(super) begun: u64,
    /// Its place among the world's exchanges.
    pub(super) exchange: Option<usize>,
    /// A user had to sign in already before it ended.
    pub(super) was_dead: bool,
}

/// No answer, and nothing done.
const TIMED_OUT: Reply = Reply::Fault(FaultKind::TimedOut, false);

pub(super) fn full() -> StoreFault {
    StoreFault::new("the disk is full")
}

/// What a store says that has done what it was asked, and could not say so.
pub(super) fn broke_off() -> StoreFault {
    StoreFault::new("the store broke off")
}

pub(super) fn fault(kind: FaultKind) -> Fault {
    match kind {
        FaultKind::NotSent => Fault::not_sent("no connection"),
        FaultKind::TimedOut => Fault::timed_out("no answer in time"),
        FaultKind::BrokenOff => Fault::broken_off("the answer broke off"),
        FaultKind::Malformed => Fault::malformed("not HTTP"),
    }
}
