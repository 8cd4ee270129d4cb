//! The execution of jobs: a caller begins them, they end as a plan says, the result is reported, and the next job
//! follows.

use std::sync::Arc;
use std::time::Duration;

use octo_auth_core::{
    ClaimJob, Claimed, Job, LoadJob, Purpose, Report, SaveJob, Saved, State, StoreError, Verdict, Version,
};

use super::World;
use super::defects::Defect;
use super::expectations::{Ended, Exchange};
use super::plan::{Generations, Reply, StoreEnd};
use super::process::Carried;
use super::server::parameter;
use super::trace::{self, told};
use crate::StoredRecord;

impl World {
    /// Asks as a caller. Returns the job to run, or `None`.
    pub(super) fn ask(&mut self, process: usize, key: usize) -> Option<Job> {
        let name = self.keys[self.key_asked(key)].clone();
        let in_hand = self.in_hand(process, key);
        let now = self.local(process);
        self.processes[process].asked(now);
        self.processes[process].expected[key].is_interrupted = false;
        let clock = self.clock_of_asking(process, key);
        let decision = self.processes[process].manager.decide(&name, clock);
        let decision = self.decision_told(process, key, decision);
        self.rows.insert(decision.state);
        self.note_told(&decision.verdict);
        self.note(|| format!("process {process} key {key}: {}", told(&decision.verdict, decision.state)));
        self.watch_decision(process, key, &decision, in_hand.as_ref());
        if let Some(token) = self.served_all_the_same(process, key, &decision.verdict) {
            self.watch_served(process, key, &token);
        }
        if matches!(decision.state, State::StaleInFlight | State::ExpiredInFlight) {
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

    /// Asks as a caller and runs the flight to its end.
    pub(super) fn drive(&mut self, process: usize, key: usize, reply: &Reply, leg: Duration) {
        let job = self.ask(process, key);
        let mut place = self.hand(process, job);
        while let Some(here) = place {
            let waits = match &self.processes[process].carried[here].job {
                Job::Load(job) => job.wait(),
                _ => Duration::ZERO,
            };
            self.pass(leg + waits);
            // Another process holds the claim, and its job does not proceed while this flight runs.
            if waits > Duration::ZERO {
                return;
            }
            place = self.end(process, here, reply, StoreEnd::Works);
        }
    }

    /// Takes a job into flight. Returns its place there.
    pub(super) fn hand(&mut self, process: usize, job: Option<Job>) -> Option<usize> {
        let job = job?;
        let key = self.keys.iter().position(|key| **key == **job.ticket().spec())?;
        self.jobs_begun += 1;
        let expected = &mut self.processes[process].expected[key];
        expected.is_interrupted = false;
        let (decisions, answers) = (expected.decisions.0, expected.answers);
        let (number, since) = (self.jobs_begun, self.local(process));
        let record = match &job {
            Job::Save(job) if !job.is_request_log() => Some(Arc::new(StoredRecord::of(job))),
            _ => None,
        };
        let (exchange, forced, on_its_way) = (None, None, None);
        let mut carried =
            Carried { number, job, record, key, since, exchange, forced, on_its_way, decisions, answers };
        self.watch_flights(process, &carried);
        if let Some(record) = carried.record.clone() {
            self.watch_record(process, key, &record);
        }
        if let Job::Send(job) = &carried.job {
            let is_renewal = job.purpose() != Purpose::Revocation;
            self.watch_request(process, key, job);
            self.processes[process].note_sent(since.boot, is_renewal.then_some(key));
            self.watch_budget(process);
            self.watch_budget_of_all(process, key);
            if is_renewal {
                let refresh_token = parameter(job.request(), "refresh_token");
                let deadline = self.now.boot.saturating_add(job.deadline());
                carried.forced = self.forced_generation(process, key, job);
                carried.exchange = Some(self.note_exchange(process, key, refresh_token, deadline));
            }
        }
        self.note(|| format!("process {process} key {key} carries {}", trace::carried(&carried.job)));
        if carried.record.as_ref().is_some_and(|record| self.saves_afterwards(record)) {
            return self.save_before_it_is_done(process, carried);
        }
        let carriage = &mut self.processes[process].carried;
        carriage.push(carried);
        Some(carriage.len() - 1)
    }

    fn note_exchange(
        &mut self,
        process: usize,
        key: usize,
        refresh_token: Option<String>,
        deadline: Duration,
    ) -> usize {
        self.stats.requests += 1;
        self.exchanges.begin(Exchange {
            process,
            incarnation: self.processes[process].incarnation,
            number: self.exchanges.count(),
            sign_in: self.sign_in(key, refresh_token.as_deref()),
            written_ahead: self.processes[process].expected[key].written_ahead,
            refresh_token,
            successor: None,
            delivered: None,
            deadline,
            end: Ended::UnderWay,
        })
    }

    /// Returns one of all jobs in flight.
    fn some_carried(&self, which: u8) -> Option<(usize, usize)> {
        let all = self.processes.iter().enumerate();
        let all = all.flat_map(|(process, own)| (0..own.carried.len()).map(move |place| (process, place)));
        let all: Vec<_> = all.collect();
        (!all.is_empty()).then(|| all[usize::from(which) % all.len()])
    }

    pub(super) fn end_some(&mut self, which: u8, reply: &Reply, end: StoreEnd) {
        if let Some((process, place)) = self.some_carried(which) {
            self.end(process, place, reply, end);
        }
    }

    /// Ends a job in flight. Returns the place of the next one.
    pub(super) fn end(
        &mut self,
        process: usize,
        place: usize,
        reply: &Reply,
        end: StoreEnd,
    ) -> Option<usize> {
        self.save_afterwards(process);
        let carried = self.processes[process].carried.remove(place);
        if matches!(carried.job, Job::Send(_)) {
            return self.answer(process, carried, reply);
        }
        self.stats.count_store_fault(end);
        let (key, is_in_time) = (carried.key, !carried.is_over(self.local(process)));
        if let Some(record) = &carried.record {
            self.save_ends(process, key, record, is_in_time && end == StoreEnd::Works);
        }
        if matches!(carried.job, Job::Load(_)) {
            self.processes[process].expected[key].asked_store = self.now.boot;
        }
        let report = match carried.job {
            job if end == StoreEnd::IsLost => job.abandon(),
            Job::Load(job) if end == StoreEnd::Works => return self.loaded(process, key, job, is_in_time),
            Job::Load(job) => job.loaded(Err(full())),
            Job::Claim(job) => self.claim(process, job, end),
            Job::Save(job) if job.is_request_log() => self.count(process, key, job, end),
            Job::Save(job) => {
                let record = carried.record.as_ref();
                self.save(process, key, job, record, (end, is_in_time, carried.decisions))
            }
            Job::Release(job) => {
                if end != StoreEnd::Fails {
                    self.store.leases.release(job.name(), job.owner());
                }
                job.released()
            }
            Job::Send(_) => return None,
        };
        self.report(process, key, report)
    }

    fn claim(&mut self, process: usize, job: ClaimJob, end: StoreEnd) -> Report {
        if end == StoreEnd::Fails {
            return job.claimed(Err(full()));
        }
        let claimed = self.claim_in_store(process, &job);
        job.claimed(if end == StoreEnd::Works { Ok(claimed) } else { Err(full()) })
    }

    fn claim_in_store(&mut self, process: usize, job: &ClaimJob) -> Claimed {
        self.processes[process].owner = job.owner().to_owned();
        self.store.leases.claim(job.name(), job.owner(), job.ttl(), self.now.boot)
    }

    fn loaded(&mut self, process: usize, key: usize, job: LoadJob, is_in_time: bool) -> Option<usize> {
        let told = self.stored_told(process, key);
        let record = self.store.record(&self.names[key]).cloned();
        let expected = &self.processes[process].expected[key];
        let is_first = !expected.is_begun && expected.decisions.0 == 0 && is_in_time;
        self.heard(process, key, is_in_time);
        let next = self.report_without_handing(process, key, job.loaded(Ok(told)));
        if let (true, Some(record)) = (is_first, record) {
            self.watch_first_reading(process, key, &record);
        }
        self.hand(process, next)
    }

    fn save(
        &mut self,
        process: usize,
        key: usize,
        job: SaveJob,
        record: Option<&Arc<StoredRecord>>,
        (end, is_in_time, decisions): (StoreEnd, bool, u64),
    ) -> Report {
        if end == StoreEnd::Fails && self.has(Defect::FailedSaveTakenForDone) {
            let version = Version(job.expected().map_or(0, |version| version.0) + 1);
            return job.saved(Ok(Saved::Done(version)));
        }
        if end == StoreEnd::Fails {
            return job.saved(Err(full()));
        }
        let saved = self.write(process, key, &job, record);
        if end == StoreEnd::FailsAfterwards {
            return job.saved(Err(broke_off()));
        }
        if matches!(saved, Saved::Done(_)) && is_in_time {
            let expected = &mut self.processes[process].expected[key];
            expected.decisions.1 = expected.decisions.1.max(decisions);
        }
        self.heard(process, key, is_in_time);
        job.saved(Ok(self.conflict_told(process, key, saved)))
    }

    /// Records that a process has read the store. Its knowledge is certain only if the result was in time.
    fn heard(&mut self, process: usize, key: usize, is_in_time: bool) {
        let (record, now) = (self.store.record(&self.names[key]).cloned(), self.local(process));
        let (writes, world_now) = (self.store.writes, self.now.boot);
        let expected = &mut self.processes[process].expected[key];
        (expected.is_begun, expected.asked_store) = (true, world_now);
        let stored = record.as_ref().map(|record| record.generation());
        expected.hand.take_if(|hand| Some(hand.generation()) != stored);
        if is_in_time {
            expected.known = writes;
        }
        let Some(record) = record else { return };
        if record.access_token().is_some() {
            expected.note_reading(record.generation(), is_in_time, now);
        }
        let refresh_token = record.refresh_token();
        match record.dead() {
            Some(_) => expected.dead = refresh_token.map(str::to_owned),
            None if is_in_time => drop(expected.dead.take_if(|dead| refresh_token != Some(&**dead))),
            None => {}
        }
        match expected.signed_out {
            Some(true) if !record.is_signed_out() => expected.signed_out = None,
            _ if record.is_signed_out() && is_in_time && !expected.is_decided() => {
                expected.signed_out = Some(true);
            }
            _ => {}
        }
    }

    /// Records the end of a save. The token of the record replaces the one in hand.
    fn save_ends(&mut self, process: usize, key: usize, record: &StoredRecord, is_done: bool) {
        let expected = &mut self.processes[process].expected[key];
        let is_other = |hand: &mut octo_auth_core::Token| hand.generation() != record.generation();
        expected.hand.take_if(|hand| record.access_token().is_some() && is_other(hand));
        if !is_done {
            let came = std::mem::take(&mut expected.came);
            let tokens = [record.access_token(), record.refresh_token()];
            expected.unsaved.extend(came.into_iter().chain(tokens.into_iter().flatten().map(str::to_owned)));
        }
        if record.attempt().is_some() {
            expected.written_ahead = self.store.writes;
        }
    }

    /// Writes a record to the store.
    pub(super) fn write(
        &mut self,
        process: usize,
        key: usize,
        job: &SaveJob,
        record: Option<&Arc<StoredRecord>>,
    ) -> Saved {
        let Some(own) = record else { return self.count_in_store(job) };
        let name = self.name_written(job.name());
        let (before, version) = (self.store.record(&name).cloned(), self.store.version(&name));
        let expected = self.version_compared(key, job.expected());
        let altered = self.altered(process, key, before.as_deref(), own);
        let content = altered.as_ref().map_or_else(|| job.content().clone(), StoredRecord::content);
        let record = altered.map_or_else(|| Arc::clone(own), Arc::new);
        let saved = self.store.compare_and_swap(&name, expected, &content, Some(Arc::clone(&record)));
        if let Saved::Done(_) = &saved {
            let made_from = job.expected();
            self.expect("I34", made_from == version, || {
                format!("a record made from {made_from:?} has taken the place of {version:?}")
            });
            self.expect("I02", name == self.names[key], || format!("key {key} was stored as {name}"));
            self.watch_stored(key, before.as_deref(), &record);
            if own.is_signed_out() {
                self.processes[process].expected[key].signed_out.iter_mut().for_each(|stored| *stored = true);
                // The family that the user has ended, whatever happened to the record on its way.
                let family =
                    before.filter(|before| !before.is_signed_out()).map(|before| before.generation().family);
                family.into_iter().for_each(|family| self.note_gone(key, family, true));
            }
        }
        saved
    }

    /// Reports a record as stored, and stores it later. This is a defect.
    fn save_before_it_is_done(&mut self, process: usize, carried: Carried) -> Option<usize> {
        let Carried { job: Job::Save(job), key, .. } = carried else { return None };
        self.processes[process].unwritten.push((key, job.expected(), job.content().clone()));
        let version = Version(job.expected().map_or(0, |version| version.0) + 1);
        self.report(process, key, job.saved(Ok(Saved::Done(version))))
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
        self.look_at_store();
        let now = self.clock(process);
        let process = &mut self.processes[process];
        process.reopened();
        let next = process.manager.report(report, now);
        // A count belongs to the request that follows it at once. If none does, a later one is not counted.
        process.expected[key].is_counted &= matches!(next, Some(Job::Send(_)));
        next
    }

    pub(super) fn lose_some(&mut self, which: u8, done: bool) {
        if let Some((process, place)) = self.some_carried(which) {
            self.lose(process, place, done);
        }
    }

    /// Loses the carrier of a job. `done` says whether the job was executed.
    fn lose(&mut self, process: usize, place: usize, done: bool) {
        let mut carried = self.processes[process].carried.remove(place);
        let (key, exchange, lost) = (carried.key, carried.exchange, carried.job.ticket().clone().lost());
        self.stats.fault("carriers lost");
        self.processes[process].expected[key].is_interrupted = true;
        if done {
            self.carry_out(process, &mut carried);
        }
        if let Some(record) = &carried.record {
            self.save_ends(process, key, record, false);
        }
        if let Some(exchange) = self.exchanges.get_mut(exchange) {
            exchange.end = Ended::Lost;
        }
        match carried.job {
            Job::Send(_) => self.processes[process].orphaned(carried),
            Job::Load(_) => self.processes[process].expected[key].asked_store = self.now.boot,
            Job::Claim(_) | Job::Save(_) | Job::Release(_) => {}
        }
        if !self.has(Defect::LostCarrierUnreported) {
            self.report(process, key, lost);
        }
    }

    /// Executes a job without a report. The answer to a request stays on its way.
    fn carry_out(&mut self, process: usize, carried: &mut Carried) {
        let is_over = carried.is_over(self.local(process));
        let Carried { job, key, record, exchange, on_its_way, .. } = carried;
        match job {
            Job::Send(job) if !is_over && exchange.is_some() => {
                let (outcome, response) = self.ask_server(*exchange, job.request(), &Reply::token(3600));
                *on_its_way = response.map(|response| (outcome, response));
            }
            Job::Claim(job) => {
                self.claim_in_store(process, job);
            }
            Job::Save(job) => {
                self.write(process, *key, job, record.as_ref());
            }
            Job::Release(job) => self.store.leases.release(job.name(), job.owner()),
            Job::Send(_) | Job::Load(_) => {}
        }
    }

    /// Returns the place of the oldest job in flight of a spec.
    fn oldest(&self, process: usize, key: usize) -> Option<usize> {
        self.processes[process].carried.iter().position(|carried| carried.key == key)
    }

    pub(super) fn end_of(&mut self, process: usize, key: usize, reply: &Reply, end: StoreEnd) {
        if let Some(place) = self.oldest(process, key) {
            self.end(process, place, reply, end);
        }
    }

    pub(super) fn lose_of(&mut self, process: usize, key: usize, done: bool) {
        if let Some(place) = self.oldest(process, key) {
            self.lose(process, place, done);
        }
    }

    /// Executes a job, and kills the process before it receives the result.
    pub(super) fn crash_after(&mut self, process: usize, key: usize) {
        if let Some(place) = self.oldest(process, key) {
            let mut carried = self.processes[process].carried.remove(place);
            self.carry_out(process, &mut carried);
        }
        self.crash(process);
    }

    pub(super) fn late_of(&mut self, process: usize, key: usize, reply: &Reply) {
        let place = self.processes[process].orphans.iter().position(|carried| carried.key == key);
        if let Some(place) = place {
            self.arrive(process, place, reply);
        }
    }

    pub(super) fn arrive_late(&mut self, which: u8, reply: &Reply) {
        let all = self.processes.iter().enumerate();
        let all = all.flat_map(|(process, own)| (0..own.orphans.len()).map(move |place| (process, place)));
        let all: Vec<_> = all.collect();
        if !all.is_empty() {
            let (process, place) = all[usize::from(which) % all.len()];
            self.arrive(process, place, reply);
        }
    }

    /// Delivers the answer to a request whose carrier was lost.
    fn arrive(&mut self, process: usize, place: usize, reply: &Reply) {
        self.stats.fault("late answers");
        let carried = self.processes[process].orphans.remove(place);
        self.answer(process, carried, reply);
    }

    pub(super) fn refuse(&mut self, process: usize, key: usize, which: Generations) {
        let (now, name) = (self.clock(process), self.keys[key].clone());
        let expected = &self.processes[process].expected[key];
        let current = expected.last.as_ref().map(octo_auth_core::Token::generation);
        let token = match which {
            Generations::Last => expected.last.as_ref(),
            Generations::Earlier => expected.earlier.as_ref(),
        };
        let Some(token) = token else { return };
        let (generation, text) = (token.generation(), token.access_token().expose().to_owned());
        let is_old = which == Generations::Earlier
            && current
                .is_some_and(|last| last.family == generation.family && last.number > generation.number);
        let before = is_old.then(|| self.processes[process].manager.explain(&name, now));
        self.stats.fault("tokens refused");
        let counted = current.filter(|_| self.has(Defect::RefusalNotScopedToGeneration));
        self.processes[process].manager.refused(&name, counted.unwrap_or(generation), now);
        if let Some(before) = before {
            let after = self.processes[process].manager.explain(&name, now);
            self.expect("I22", before == after, || format!("an old refusal changed {before} to {after}"));
        }
        // A machine ignores a refusal of a token that it does not hold.
        let status = self.processes[process].manager.status(&name, now);
        let held = status.and_then(|status| status.token).map(|token| token.generation());
        if held == Some(generation) {
            self.processes[process].expected[key].refused = Some((text, generation.family));
            self.processes[process].expected[key].refused_generations.insert(generation);
        }
        self.processes[process].expected[key].hand = None;
    }
}

/// Returns the error of a store that does not work.
pub(super) fn full() -> StoreError {
    StoreError::new("the disk is full")
}

/// Returns the error of a store that succeeded but could not report it.
pub(super) fn broke_off() -> StoreError {
    StoreError::new("the store broke off")
}
