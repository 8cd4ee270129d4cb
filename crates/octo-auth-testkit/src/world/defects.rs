//! Known defects, inserted between the machine and the world, so that a simulation can show that it finds them.
//!
//! The machine itself has no switch for defects. Jobs, reports, decisions, clocks and records are altered on their
//! way. The machine and its carrier together then behave as a machine with the defect would.

use std::sync::Arc;
use std::time::Duration;

use http::Response;
use octo_auth_core::{
    Decision, Freshness, Imported, Job, Now, RecordName, Saved, Secret, State, Stored, Token, TransportError,
    Verdict, Version,
};
use serde_json::Value;

use super::World;
use super::checks_store::applied;
use super::plan::FaultKind;
use super::process::Carried;
use crate::StoredRecord;

/// Defines the list of defects and their documentation from the same sentences.
macro_rules! defects {
    ($($defect:ident, $name:literal, $sentence:literal;)*) => {
        /// A known defect.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Defect {
            $(#[doc = $sentence] $defect,)*
        }

        /// Each defect with its name and its description.
        const ALL: &[(Defect, &str, &str)] = &[$((Defect::$defect, $name, $sentence)),*];
    };
}

defects! {
    NoSingleFlight, "no-single-flight", "A caller that finds a renewal under way begins one more.";
    PublishBeforeSave, "publish-before-save", "A token is put in force before the store has it.";
    RefreshTokenDroppedOnAbsentField, "refresh-token-dropped-on-absent-field",
        "An answer without a refresh token takes the stored one away.";
    RefusalNotScopedToGeneration, "refusal-not-scoped-to-generation",
        "A refusal counts for the present token, whichever was refused.";
    JitterPerCall, "jitter-per-call",
        "The moment of renewal is drawn at each call instead of once for each token.";
    WallClockOnly, "wall-clock-only", "Everything is measured by the wall clock.";
    LeaseAsOnlyGuard, "lease-as-only-guard",
        "Writing does not compare versions: the lease alone is to keep others away.";
    ReloadSkipped, "reload-skipped", "The store is not read again under the claim.";
    AttemptTakenForOver, "attempt-taken-for-over",
        "The attempt of another process is taken for over while that waits for its answer.";
    MarkerNotWritten, "marker-not-written",
        "It is not written ahead that a refresh token is about to be used.";
    RetryAfterIgnored, "retry-after-ignored", "`Retry-After` is not read.";
    BudgetIgnored, "budget-ignored", "The provider's documented limit of requests is not known.";
    BudgetNotShared, "budget-not-shared", "Each process counts its requests alone.";
    LostCarrierUnreported, "lost-carrier-unreported", "The loss of a carrier is not reported.";
    LateAnswerDropped, "late-answer-dropped",
        "An answer that comes after its carrier was given up is thrown away.";
    DoubtTakenForUnsent, "doubt-taken-for-unsent",
        "A request that may have been processed is taken for one that was never sent.";
    FailedSaveTakenForDone, "failed-save-taken-for-done",
        "A save that failed is taken for one that was done.";
    TombstoneForgotten, "tombstone-forgotten", "A sign-out is not stored.";
    GuardIgnored, "guard-ignored",
        "A token is served until its very end, and beyond with a clock that is late.";
    LifetimeFromArrival, "lifetime-from-arrival",
        "A lifetime counts from the answer's arrival instead of the request.";
    RefreshTokenDeletedOnInvalidGrant, "refresh-token-deleted-on-invalid-grant",
        "`invalid_grant` deletes the refresh token from the store.";
    InvalidGrantNotScoped, "invalid-grant-not-scoped",
        "`invalid_grant` ends whichever refresh token the key has by then.";
    CallerErrorWhileValidToken, "caller-error-while-valid-token",
        "A caller is given the failure of a renewal though its token still works.";
    SuspectNotFlagged, "suspect-not-flagged", "A token that was refused is given out as good.";
    KeysMixedUp, "keys-mixed-up", "Two accounts are taken for one.";
    RedirectFollowed, "redirect-followed", "A redirect of a token request is followed.";
    OperationAppliedTwice, "operation-applied-twice",
        "A sign-in whose write was not heard of is applied once more.";
    OtherRegistrationsName, "other-registrations-name",
        "A record is written under the name of another registration.";
    SeedOverDescendant, "seed-over-descendant", "An imported seed takes the place of what descends from it.";
    BlameOfAll, "blame-of-all", "The failure of one account is held against all.";
    AppliedPrunedEarly, "applied-pruned-early", "What was applied is forgotten too early.";
    RenewalOfOtherFamily, "renewal-of-other-family", "A renewal is applied to another family.";
}

impl Defect {
    /// Returns all defects.
    pub fn all() -> impl Iterator<Item = Self> {
        ALL.iter().map(|(defect, ..)| *defect)
    }

    /// Returns the defect of this name, or `None`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        ALL.iter().find(|(_, known, _)| *known == name).map(|(defect, ..)| *defect)
    }

    /// Returns the name, such as `no-single-flight`.
    #[must_use]
    pub fn name(self) -> &'static str {
        ALL.iter().find(|(known, ..)| *known == self).map_or("", |(_, name, _)| name)
    }

    /// Returns the description in one sentence.
    #[must_use]
    pub fn explain(self) -> &'static str {
        ALL.iter().find(|(known, ..)| *known == self).map_or("", |(.., sentence)| sentence)
    }
}

/// The longest time by which jitter moves a renewal.
const JITTER: Duration = Duration::from_secs(300);

impl World {
    pub(super) fn has(&self, sabotage: Defect) -> bool {
        self.sabotage == Some(sabotage)
    }

    /// Returns the clocks that a machine reads.
    pub(super) fn clock(&self, process: usize) -> Now {
        let now = self.local(process);
        if !self.has(Defect::WallClockOnly) {
            return now;
        }
        let by = Duration::from_millis(self.wall_ahead.unsigned_abs());
        let boot = match self.wall_ahead {
            0.. => now.boot.saturating_add(by),
            _ => now.boot.saturating_sub(by),
        };
        Now { boot, ..now }
    }

    /// Returns the clocks that a machine reads when a caller asks.
    pub(super) fn clock_of_asking(&mut self, process: usize, key: usize) -> Now {
        let now = self.clock(process);
        if !self.has(Defect::JitterPerCall) {
            return now;
        }
        self.draws = self.draws.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        let later = JITTER * u32::try_from(self.draws >> 56).unwrap_or(0) / 256;
        let moved = Now { boot: now.boot.saturating_add(later), wall: now.wall.saturating_add(later) };
        let manager = &self.processes[process].manager;
        let is = |at: Now| manager.status(&self.keys[key], at).map(|status| (status.state, status.freshness));
        match (is(now), is(moved)) {
            (Some((State::Fresh, _)), Some((_, freshness))) if freshness != Freshness::Expired => moved,
            _ => now,
        }
    }

    /// Returns the spec that a machine is asked about.
    pub(super) fn key_asked(&self, key: usize) -> usize {
        if self.has(Defect::KeysMixedUp) && key == 3 { 2 } else { key }
    }

    /// Returns the decision that a caller receives instead of the machine's.
    pub(super) fn decision_told(&mut self, process: usize, key: usize, decision: Decision) -> Decision {
        let is_renewal = decision.state == State::ExpiredRenewing;
        let is_blamed = self.processes[process].blamed.is_some();
        if !self.has(Defect::BlameOfAll) || !is_renewal || is_blamed {
            return decision;
        }
        let now = self.clock(process);
        let others = (0..self.keys.len()).filter(|other| *other != key);
        let failed = others.filter_map(|other| {
            let status = self.processes[process].manager.status(&self.keys[other], now)?;
            status.setback.filter(|failure| failure.exchange_error().is_some() && !status.sign_in_needed)
        });
        let Some(failure) = failed.into_iter().next() else { return decision };
        if let Verdict::Run(job) = decision.verdict {
            self.processes[process]
                .manager
                .report(job.abandon(), now)
                .map(|next| self.hand(process, Some(next)));
        }
        let next_change = failure.retry_after().map(|after| now.boot.saturating_add(after));
        Decision { verdict: Verdict::GiveUp(failure), state: State::ExpiredBlocked, next_change }
    }

    /// Returns the token that a caller receives although the machine has none to serve, or `None`.
    pub(super) fn served_all_the_same(&self, process: usize, key: usize, verdict: &Verdict) -> Option<Token> {
        if !self.has(Defect::GuardIgnored) || matches!(verdict, Verdict::Use(_) | Verdict::UseAndRun(..)) {
            return None;
        }
        let own = &self.processes[process];
        let token = own.expected[key].last.as_ref()?;
        let (now, text) = (self.local(process), token.access_token().expose());
        let guard = Duration::from_secs(9);
        let before = Now { boot: now.boot.saturating_sub(guard), wall: now.wall.saturating_sub(guard) };
        let was_good = self.answers.may_serve(token, (process, own.incarnation), &[before], before);
        let expected = &own.expected[key];
        let is_gone = self.history[key].gone(token.generation().family).is_some();
        let is_wanted = !is_gone
            && expected.signed_out.is_none()
            && expected.refused.as_ref().is_none_or(|(refused, _)| refused != text);
        (was_good && is_wanted).then(|| token.clone())
    }

    /// Begins one more renewal while one is in flight.
    pub(super) fn send_again(&mut self, process: usize, key: usize) {
        if !self.has(Defect::NoSingleFlight) {
            return;
        }
        let is_renewal = |own: &Carried| own.key == key && matches!(own.job, Job::Send(_));
        if self.processes[process].carried.iter().any(is_renewal) {
            self.watch_one_flight(process, key, || "one more renewal".to_owned());
        }
    }

    /// Returns the times that a machine learns for a request: when it was sent and when its answer arrived.
    pub(super) fn moments_told(&self, process: usize, sent: Now) -> (Now, Now) {
        let now = self.clock(process);
        let passed = self.local(process).boot.saturating_sub(sent.boot);
        let sent = match self.sabotage {
            Some(Defect::LifetimeFromArrival) => now,
            Some(Defect::WallClockOnly) => Now { boot: now.boot.saturating_sub(passed), ..sent },
            _ => sent,
        };
        (sent, now)
    }

    /// Returns the response that a machine receives.
    pub(super) fn response_told(&self, response: Option<Response<Vec<u8>>>) -> Option<Response<Vec<u8>>> {
        let mut response = response?;
        if self.has(Defect::RetryAfterIgnored) {
            response.headers_mut().remove("retry-after");
        }
        if self.has(Defect::RedirectFollowed) && response.status().is_redirection() {
            let body = r#"{"access_token":"from-elsewhere","token_type":"Bearer","expires_in":3600}"#;
            return Some(crate::response::json(200, body));
        }
        Some(response)
    }

    /// Returns the `TransportError` that a machine receives.
    pub(super) fn fault_told(&self, kind: FaultKind) -> TransportError {
        (if self.has(Defect::DoubtTakenForUnsent) { FaultKind::NotSent } else { kind }).error()
    }

    /// Returns the form in which a seed is imported.
    pub(super) fn imported_as(&self, seed: &str) -> Imported {
        let seed = Secret::from(seed);
        if self.has(Defect::SeedOverDescendant) { Imported::RefreshToken(seed) } else { Imported::Seed(seed) }
    }

    /// Returns the name under which a record is written.
    pub(super) fn name_written(&self, name: &RecordName) -> RecordName {
        let other =
            self.has(Defect::OtherRegistrationsName).then(|| RecordName::parse(&format!("other.{name}")));
        other.and_then(Result::ok).unwrap_or_else(|| name.clone())
    }

    /// Returns the record that is written instead of the machine's, or `None`.
    pub(super) fn altered(
        &mut self,
        process: usize,
        key: usize,
        before: Option<&StoredRecord>,
        record: &StoredRecord,
    ) -> Option<StoredRecord> {
        self.sabotage?;
        let own = &mut self.processes[process];
        let state = &mut own.expected[key].defect;
        let known = before.map(applied).unwrap_or_default();
        let fresh = applied(record).into_iter().filter(|id| !known.contains(id));
        state.applied.extend(fresh.map(|(writer, _)| writer));
        let has_refresh_token = record.refresh_token().is_some();
        let own_record = || record.clone();
        match self.sabotage {
            Some(Defect::RefreshTokenDroppedOnAbsentField)
                if std::mem::take(&mut state.lacked_refresh_token) =>
            {
                Some(own_record().without("refresh_token"))
            }
            Some(Defect::MarkerNotWritten) => Some(own_record().without("attempt")),
            Some(Defect::TombstoneForgotten) if record.is_signed_out() => {
                let empty = || StoredRecord::empty(own.manager.client(), &self.keys[key]);
                Some(before.cloned().unwrap_or_else(empty))
            }
            Some(Defect::RefreshTokenDeletedOnInvalidGrant) if record.dead().is_some() => {
                Some(own_record().without("refresh_token").without("dead"))
            }
            Some(Defect::InvalidGrantNotScoped) if has_refresh_token && record.dead().is_none() => {
                std::mem::take(&mut state.was_refused).then(|| own_record().with("dead", true))
            }
            Some(Defect::AppliedPrunedEarly) => {
                let all = record.member("applied").and_then(Value::as_array)?;
                Some(own_record().with("applied", all[all.len().saturating_sub(2)..].to_vec()))
            }
            Some(Defect::RenewalOfOtherFamily) if has_refresh_token => {
                Some(own_record().with("refresh_token", state.brought.clone()?))
            }
            _ => None,
        }
    }

    /// Returns the version that the store must hold for a write to succeed.
    pub(super) fn version_compared(&self, key: usize, expected: Option<Version>) -> Option<Version> {
        match self.has(Defect::LeaseAsOnlyGuard) {
            true => self.store.version(&self.names[key]),
            false => expected,
        }
    }

    /// Returns the record that a machine receives when it reads: the stored one, or the one that it read before.
    pub(super) fn stored_told(&mut self, process: usize, key: usize) -> Option<Stored> {
        let stored = self.store.load(&self.names[key]);
        let stored = self.read_wrongly(process, key, stored);
        if !self.has(Defect::ReloadSkipped) {
            return stored;
        }
        self.processes[process].expected[key].defect.read.get_or_insert(stored).clone()
    }

    /// Returns the result that a machine receives for a write.
    pub(super) fn conflict_told(&self, process: usize, key: usize, saved: Saved) -> Saved {
        match saved {
            Saved::Conflict(stored) => Saved::Conflict(self.read_wrongly(process, key, stored)),
            done @ Saved::Done(_) => done,
        }
    }

    /// Returns the stored record as a machine reads it.
    fn read_wrongly(&self, process: usize, key: usize, stored: Option<Stored>) -> Option<Stored> {
        match self.sabotage {
            Some(Defect::OperationAppliedTwice) => self.forgetting(process, key, stored),
            Some(Defect::AttemptTakenForOver) => {
                let Stored { version, content } = stored?;
                let record = StoredRecord::read(&content)?;
                let Some(attempt) = record.attempt() else { return Some(Stored { version, content }) };
                let mut over = attempt.clone();
                over["deadline"] = over["begun"].clone();
                Some(Stored { version, content: record.with("attempt", over).content() })
            }
            _ => stored,
        }
    }

    /// Returns the stored record without the applied operations of a process.
    fn forgetting(&self, process: usize, key: usize, stored: Option<Stored>) -> Option<Stored> {
        let Stored { version, content } = stored?;
        let own = &self.processes[process].expected[key].defect.applied;
        let record = StoredRecord::read(&content)?;
        let is_of_other = |id: &&Value| {
            id.as_str().and_then(|id| id.split_once('-')).is_none_or(|(writer, _)| !own.contains(writer))
        };
        let kept: Option<Vec<Value>> = record
            .member("applied")
            .and_then(Value::as_array)
            .map(|all| all.iter().filter(is_of_other).cloned().collect());
        let record = match kept {
            Some(kept) => record.with("applied", kept),
            None => record,
        };
        Some(Stored { version, content: record.content() })
    }

    /// Returns whether a record is reported as stored before it is.
    pub(super) fn saves_afterwards(&self, record: &StoredRecord) -> bool {
        let is_renewed = record.access_token().is_some() && record.attempt().is_none();
        self.has(Defect::PublishBeforeSave) && is_renewed
    }

    /// Writes the records that were already reported as stored.
    pub(super) fn save_afterwards(&mut self, process: usize) {
        for (key, expected, content) in std::mem::take(&mut self.processes[process].unwritten) {
            let name = self.names[key].clone();
            let before = self.store.record(&name).cloned();
            let record = StoredRecord::read(&content).map(Arc::new);
            let saved = self.store.compare_and_swap(&name, expected, &content, record.clone());
            if let (Saved::Done(_), Some(record)) = (saved, record) {
                self.watch_stored(key, before.as_deref(), &record);
            }
        }
    }
}
