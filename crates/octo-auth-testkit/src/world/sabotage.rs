//! Known defects, switched into what lies between the machine and the world, so that a simulation can show that it
//! finds them.
//!
//! The rule kept here: the machine itself has no switch. Jobs, reports, decisions, clocks and records are altered on
//! their way, so that machine and carrier together behave as a machine with the defect would.

use std::time::Duration;

use http::Response;
use octo_auth_core::{
    Fault, Freshness, Job, Now, Record, Row, SaveJob, Saved, Stored, Terminal, Token, Verdict, Version,
};

use super::World;
use super::carriage::fault;
use super::plan::FaultKind;
use super::process::Carried;

/// A known defect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Sabotage {
    /// Whoever finds a renewal under way begins one more.
    NoSingleFlight,
    /// A token is put in force before the store has it.
    PublishBeforeSave,
    /// An answer without a refresh token takes the stored one away.
    RefreshTokenDroppedOnAbsentField,
    /// A refusal counts for the present token, whichever was refused.
    RefusalNotScopedToGeneration,
    /// The moment of renewal is drawn at each call instead of once for each token.
    JitterPerCall,
    /// Everything is measured by the wall clock.
    WallClockOnly,
    /// Writing does not compare versions: the lease alone is to keep others away.
    LeaseAsOnlyGuard,
    /// The store is not read again under the claim.
    ReloadSkipped,
    /// It is not written ahead that a refresh token is about to be used.
    MarkerNotWritten,
    /// `Retry-After` is not read.
    RetryAfterIgnored,
    /// The provider's documented limit of requests is not known.
    BudgetIgnored,
    /// Each process counts its requests alone.
    BudgetNotShared,
    /// A carrier that dies tells nobody.
    LostCarrierUnreported,
    /// An answer that comes after its carrier was given up is thrown away.
    LateAnswerDropped,
    /// A request that may have been processed is taken for one that was never sent.
    DoubtTakenForUnsent,
    /// A save that failed is taken for one that was done.
    FailedSaveTakenForDone,
    /// A sign-out is not stored.
    TombstoneForgotten,
    /// A token is served until its very end, and beyond with a clock that is late.
    GuardIgnored,
    /// A lifetime counts from the answer's arrival instead of the request.
    LifetimeFromArrival,
    /// `invalid_grant` deletes the refresh token from the store.
    RefreshTokenDeletedOnInvalidGrant,
    /// `invalid_grant` ends whichever refresh token the key has by then.
    InvalidGrantNotScoped,
    /// A caller is given the failure of a renewal though its token still works.
    CallerErrorWhileValidToken,
    /// A token that was refused is given out as good.
    SuspectNotFlagged,
    /// Two accounts are taken for one.
    KeysMixedUp,
    /// A redirect of a token request is followed.
    RedirectFollowed,
}

/// Each with its name and what it does.
const NAMES: [(Sabotage, &str, &str); 25] = {
    use Sabotage as S;
    [
        (S::NoSingleFlight, "no-single-flight", "whoever finds a renewal under way begins one more"),
        (S::PublishBeforeSave, "publish-before-save", "a token is put in force before the store has it"),
        (
            S::RefreshTokenDroppedOnAbsentField,
            "refresh-token-dropped-on-absent-field",
            "an answer without a refresh token takes the stored one away",
        ),
        (
            S::RefusalNotScopedToGeneration,
            "refusal-not-scoped-to-generation",
            "a refusal counts for the present token, whichever was refused",
        ),
        (S::JitterPerCall, "jitter-per-call", "the moment of renewal is drawn at each call"),
        (S::WallClockOnly, "wall-clock-only", "everything is measured by the wall clock"),
        (S::LeaseAsOnlyGuard, "lease-as-only-guard", "writing does not compare versions"),
        (S::ReloadSkipped, "reload-skipped", "the store is not read again under the claim"),
        (S::MarkerNotWritten, "marker-not-written", "it is not written ahead that a refresh token is used"),
        (S::RetryAfterIgnored, "retry-after-ignored", "`Retry-After` is not read"),
        (S::BudgetIgnored, "budget-ignored", "the documented limit of requests is not known"),
        (S::BudgetNotShared, "budget-not-shared", "each process counts its requests alone"),
        (S::LostCarrierUnreported, "lost-carrier-unreported", "a carrier that dies tells nobody"),
        (S::LateAnswerDropped, "late-answer-dropped", "an answer that comes late is thrown away"),
        (
            S::DoubtTakenForUnsent,
            "doubt-taken-for-unsent",
            "a request that may have been processed is taken for one that was never sent",
        ),
        (
            S::FailedSaveTakenForDone,
            "failed-save-taken-for-done",
            "a save that failed is taken for one that was done",
        ),
        (S::TombstoneForgotten, "tombstone-forgotten", "a sign-out is not stored"),
        (S::GuardIgnored, "guard-ignored", "a token is served until its very end"),
        (
            S::LifetimeFromArrival,
            "lifetime-from-arrival",
            "a lifetime counts from the answer's arrival instead of the request",
        ),
        (
            S::RefreshTokenDeletedOnInvalidGrant,
            "refresh-token-deleted-on-invalid-grant",
            "`invalid_grant` deletes the refresh token from the store",
        ),
        (
            S::InvalidGrantNotScoped,
            "invalid-grant-not-scoped",
            "`invalid_grant` ends whichever refresh token the key has by then",
        ),
        (
            S::CallerErrorWhileValidToken,
            "caller-error-while-valid-token",
            "a caller is given the failure of a renewal though its token still works",
        ),
        (S::SuspectNotFlagged, "suspect-not-flagged", "a token that was refused is given out as good"),
        (S::KeysMixedUp, "keys-mixed-up", "two accounts are taken for one"),
        (S::RedirectFollowed, "redirect-followed", "a redirect of a token request is followed"),
    ]
};

impl Sabotage {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        NAMES.into_iter().map(|(sabotage, ..)| sabotage)
    }

    /// The one of this name, if there is one.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        NAMES.into_iter().find(|(_, known, _)| *known == name).map(|(sabotage, ..)| sabotage)
    }

    /// Its name, such as `no-single-flight`.
    #[must_use]
    pub fn name(self) -> &'static str {
        NAMES.into_iter().find(|(known, ..)| *known == self).map_or("", |(_, name, _)| name)
    }

    /// What it does, in a sentence.
    #[must_use]
    pub fn explain(self) -> &'static str {
        NAMES.into_iter().find(|(known, ..)| *known == self).map_or("", |(.., sentence)| sentence)
    }
}

/// The longest that the moment of a renewal is moved by jitter.
const JITTER: Duration = Duration::from_secs(300);

impl World {
    pub(super) fn has(&self, sabotage: Sabotage) -> bool {
        self.sabotage == Some(sabotage)
    }

    /// The clocks a machine is handed.
    pub(super) fn clock(&self, process: usize) -> Now {
        let now = self.local(process);
        if !self.has(Sabotage::WallClockOnly) {
            return now;
        }
        let by = Duration::from_millis(self.wall_ahead.unsigned_abs());
        let boot = match self.wall_ahead {
            0.. => now.boot.saturating_add(by),
            _ => now.boot.saturating_sub(by),
        };
        Now { boot, ..now }
    }

    /// The clocks a machine is handed when a caller asks.
    pub(super) fn clock_of_asking(&mut self, process: usize, key: usize) -> Now {
        let now = self.clock(process);
        if !self.has(Sabotage::JitterPerCall) {
            return now;
        }
        self.draws = self.draws.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        let later = JITTER * u32::try_from(self.draws >> 56).unwrap_or(0) / 256;
        let moved = Now { boot: now.boot.saturating_add(later), wall: now.wall.saturating_add(later) };
        let accounts = &self.processes[process].accounts;
        let is = |at: Now| accounts.status(&self.keys[key], at).map(|status| (status.row, status.freshness));
        match (is(now), is(moved)) {
            (Some((Row::Fresh, _)), Some((_, freshness))) if freshness != Freshness::Expired => moved,
            _ => now,
        }
    }

    /// The key a machine is asked about.
    pub(super) fn key_asked(&self, key: usize) -> usize {
        if self.has(Sabotage::KeysMixedUp) && key == 3 { 2 } else { key }
    }

    /// What a caller is given where the machine has nothing to serve, if anything.
    pub(super) fn served_all_the_same(&self, process: usize, key: usize, verdict: &Verdict) -> Option<Token> {
        if !self.has(Sabotage::GuardIgnored) || matches!(verdict, Verdict::Use(_) | Verdict::UseAndRun(..)) {
            return None;
        }
        let own = &self.processes[process];
        let token = own.callers[key].last.as_ref()?;
        let (now, text) = (self.local(process), token.access_token().expose());
        let first = own.first_served.get(text).copied().unwrap_or_default();
        let guard = Duration::from_secs(9);
        let before = Now { boot: now.boot.saturating_sub(guard), wall: now.wall.saturating_sub(guard) };
        let was_good = self.books.may_serve(text, (process, own.incarnation), first, before);
        let known = (token.generation(), text.to_owned());
        let is_wanted = !own.callers[key].is_signed_out && !own.callers[key].refused.contains(&known);
        (was_good && is_wanted).then(|| token.clone())
    }

    /// Begins one more renewal where one is under way.
    pub(super) fn send_again(&mut self, process: usize, key: usize) {
        if !self.has(Sabotage::NoSingleFlight) {
            return;
        }
        let is_renewal = |own: &Carried| own.key == key && matches!(own.job, Job::Send(_));
        if self.processes[process].carried.iter().any(is_renewal) {
            self.watch_one_flight(process, key, || "one more renewal".to_owned());
        }
    }

    /// The moments a machine is told of a request: when it was sent and when its answer arrived.
    pub(super) fn moments_told(&self, process: usize, sent: Now) -> (Now, Now) {
        let now = self.clock(process);
        let passed = self.local(process).boot.saturating_sub(sent.boot);
        let sent = match self.sabotage {
            Some(Sabotage::LifetimeFromArrival) => now,
            Some(Sabotage::WallClockOnly) => Now { boot: now.boot.saturating_sub(passed), ..sent },
            _ => sent,
        };
        (sent, now)
    }

    /// The response that a machine is shown.
    pub(super) fn response_told(&self, response: Option<Response<Vec<u8>>>) -> Option<Response<Vec<u8>>> {
        let mut response = response?;
        if self.has(Sabotage::RetryAfterIgnored) {
            response.headers_mut().remove("retry-after");
        }
        if self.has(Sabotage::RedirectFollowed) && response.status().is_redirection() {
            let body = r#"{"access_token":"from-elsewhere","token_type":"Bearer","expires_in":3600}"#;
            return Some(crate::response::json(200, body));
        }
        Some(response)
    }

    /// The fault that a machine is told of.
    pub(super) fn fault_told(&self, kind: FaultKind) -> Fault {
        fault(if self.has(Sabotage::DoubtTakenForUnsent) { FaultKind::NotSent } else { kind })
    }

    /// The record that is written where a machine asks to write one.
    pub(super) fn altered(&mut self, process: usize, key: usize, record: &Record) -> Record {
        let mut record = record.clone();
        let callers = &mut self.processes[process].callers[key];
        match self.sabotage {
            Some(Sabotage::RefreshTokenDroppedOnAbsentField) if callers.lacked_refresh_token => {
                callers.lacked_refresh_token = false;
                record.refresh_token = None;
            }
            Some(Sabotage::MarkerNotWritten) => record.pending = None,
            Some(Sabotage::TombstoneForgotten) if record.signed_out => {
                record = self.shelf.record(&self.keys[key]).cloned().unwrap_or_default();
            }
            Some(Sabotage::RefreshTokenDeletedOnInvalidGrant) if record.terminal.is_some() => {
                (record.refresh_token, record.terminal) = (None, None);
            }
            Some(Sabotage::InvalidGrantNotScoped)
                if callers.was_refused && record.refresh_token.is_some() && record.terminal.is_none() =>
            {
                callers.was_refused = false;
                record.terminal = Some(Terminal::Refused);
            }
            _ => {}
        }
        record
    }

    /// The version that the store must hold for a machine to write.
    pub(super) fn version_compared(&self, key: usize, expected: Option<Version>) -> Option<Version> {
        match self.has(Sabotage::LeaseAsOnlyGuard) {
            true => self.shelf.version(&self.keys[key]),
            false => expected,
        }
    }

    /// What a machine is told that the store holds: that, or what was known already.
    pub(super) fn stored_told(&mut self, process: usize, key: usize) -> Option<Stored> {
        let stored = self.shelf.load(&self.keys[key]);
        let known = &mut self.processes[process].callers[key].read;
        match known {
            Some(known) if self.sabotage == Some(Sabotage::ReloadSkipped) => known.clone(),
            _ => {
                *known = Some(stored.clone());
                stored
            }
        }
    }

    /// Says that a record is stored before it is; whether it is so.
    pub(super) fn saves_afterwards(&self, job: &SaveJob) -> bool {
        let record = job.record();
        self.has(Sabotage::PublishBeforeSave) && record.token.is_some() && record.pending.is_none()
    }

    /// Writes what was said to be stored.
    pub(super) fn save_afterwards(&mut self, process: usize) {
        for (key, expected, record) in std::mem::take(&mut self.processes[process].unwritten) {
            let before = self.shelf.record(&self.keys[key]).cloned();
            let (name, begun) = (self.keys[key].clone(), self.exchanges.count());
            let saved = self.shelf.compare_and_swap(&name, expected, &record, begun);
            if matches!(saved, Saved::Done(_)) {
                self.watch_stored(process, key, before.as_ref(), &record);
            }
        }
    }
}

/// What a machine has read of a key.
pub(super) type Read = Option<Option<Stored>>;
