//! Checks of decisions: what callers receive.

use std::time::Duration;

use octo_auth_core::{
    Decision, Generation, Job, Now, State, Storage, Token, TokenError, TokenErrorKind, Verdict,
};

use super::World;
use super::defects::Defect;
use super::expectations::is_of;
use super::plan::Provider;
use super::process::MINUTE;

/// The longest duration of a flight's step beside the exchange: another process's claim, and the store calls.
const BESIDE_THE_EXCHANGE: Duration = Duration::from_secs(30);

impl World {
    /// Returns the token of a spec that the machine certainly holds and that is valid.
    pub(super) fn in_hand(&self, process: usize, key: usize) -> Option<Token> {
        let own = &self.processes[process];
        let token = own.expected[key].hand.as_ref()?;
        let now = self.local(process);
        // A token that could not be saved in time is in use nevertheless.
        let is_other = |record: &crate::StoredRecord| record.generation() != token.generation();
        let is_replaced =
            own.overdue_records(key, now).any(|record| record.access_token().is_some() && is_other(record));
        let read = own.expected[key].loaded.get(&token.generation()).map(|reading| &*reading.moments);
        let read = read.unwrap_or_default();
        let serves = self.answers.must_serve(token, (process, own.incarnation), read, now);
        (!is_replaced && serves).then(|| token.clone())
    }

    pub(super) fn watch_decision(
        &mut self,
        process: usize,
        key: usize,
        decision: &Decision,
        in_hand: Option<&Token>,
    ) {
        let (now, Decision { verdict, state, next_change }) = (self.clock(process), decision);
        let said = || format!("{state:?}: {verdict:?}");
        self.expect("I14", fits(*state, verdict), || format!("not a verdict of its state: {}", said()));
        if let Some(token) = in_hand {
            self.watch_with_token(process, token, *state, verdict);
        }
        let strictly_later = next_change.is_none_or(|next| next > now.boot);
        self.expect("I17b", strictly_later, || format!("{}, next change {next_change:?}", said()));
        match verdict {
            Verdict::GiveUp(failure) => self.watch_failure(process, key, *state, failure),
            Verdict::Wait { until } => {
                self.expect("I17b", *until > now.boot, || format!("wait until {until:?}"));
                let longest = self.policy.exchange_deadline().saturating_add(BESIDE_THE_EXCHANGE);
                let longest = now.boot.saturating_add(longest);
                self.expect("I26", *until <= longest, || format!("wait until {until:?}"));
                let is_carried = self.processes[process].carries(key);
                self.expect("I26", is_carried, || {
                    format!("a caller of key {key} waits for a job that does not exist")
                });
            }
            Verdict::Use(token) => self.watch_reread(process, key, token),
            Verdict::UseAndRun(..) | Verdict::Run(_) => {}
        }
        if Self::begins_renewal(*state, verdict) {
            self.watch_beginning(process, key);
        }
        if !matches!(verdict, Verdict::Run(_) | Verdict::UseAndRun(..)) {
            self.watch_until_next_change(process, key, *state, *next_change);
        }
    }

    /// Checks that a caller is served at once from a valid token, and that a young token causes no requests.
    fn watch_with_token(&mut self, process: usize, token: &Token, state: State, verdict: &Verdict) {
        let text = token.access_token().expose();
        let said = || format!("{text} is in hand, and there was {state:?}: {verdict:?}");
        let serves = matches!(verdict, Verdict::Use(_) | Verdict::UseAndRun(..));
        let is_altered = self.has(Defect::CallerErrorWhileValidToken) && state == State::StaleBlocked;
        let failed = matches!(verdict, Verdict::GiveUp(_)) || is_altered;
        self.stats.failed_with_token += u64::from(failed);
        self.expect("I04", !failed, said);
        self.expect("I03", serves || failed, said);
        let own = (process, self.processes[process].incarnation);
        if self.answers.is_young(token, own, self.local(process)) {
            let is_idle =
                matches!(verdict, Verdict::Use(_) | Verdict::UseAndRun(_, Job::Save(_) | Job::Load(_)));
            self.expect("I03", is_idle || failed, said);
        }
    }

    /// Checks an error for a caller: the time to ask again is later than now, and the error is the spec's own.
    fn watch_failure(&mut self, process: usize, key: usize, state: State, failure: &TokenError) {
        let after = failure.retry_after();
        let is_later = state != State::ExpiredBlocked || after.is_some_and(|after| after > Duration::ZERO);
        self.expect("I17b", is_later, || format!("closed for {after:?}"));
        let now = self.local(process);
        let own = &mut self.processes[process];
        let until =
            after.filter(|_| state == State::ExpiredBlocked).map(|after| now.boot.saturating_add(after));
        own.expected[key].closed = until;
        let is_to_blame = own.expected[key].has_failed || own.blamed.is_some();
        if failure.kind() == TokenErrorKind::BackingOff && failure.exchange_error().is_some() {
            self.expect("I47", is_to_blame, || format!("key {key} did not fail, and is told {failure}"));
        }
        let in_doubt = failure.kind() == TokenErrorKind::RefreshOutcomeUnknown
            && self.setup.provider == Provider::NoReplay;
        if !in_doubt
            && matches!(
                failure.kind(),
                TokenErrorKind::RefreshTokenRejected | TokenErrorKind::RefreshOutcomeUnknown
            )
        {
            let is_dead = self.processes[process].expected[key].dead.is_some();
            self.expect("I32", is_dead, || {
                format!("key {key} is told dead, and its refresh token was not refused")
            });
        }
    }

    /// Checks that the decision is the same until its next change, and for a second call now.
    fn watch_until_next_change(&mut self, process: usize, key: usize, state: State, next: Option<Duration>) {
        if self.has(Defect::BlameOfAll) {
            return;
        }
        let name = self.keys[self.key_asked(key)].clone();
        let (now, clock) = (self.clock(process), self.clock_of_asking(process, key));
        let again = self.processes[process].manager.decide(&name, clock);
        let same = again.state == state && again.next_change == next;
        self.expect("I15", same, || {
            format!("{state:?} {next:?} became {:?} {:?}", again.state, again.next_change)
        });
        if let Verdict::Run(job) | Verdict::UseAndRun(_, job) = again.verdict {
            self.hand(process, Some(job));
            return;
        }
        let last = next.unwrap_or_else(|| now.boot.saturating_add(Duration::from_secs(86_400)));
        let left = last.saturating_sub(now.boot);
        for later in [left / 2, left.saturating_sub(Duration::from_millis(1))] {
            let moment = Now { wall: now.wall.saturating_add(later), boot: now.boot.saturating_add(later) };
            let status = self.processes[process].manager.status(&name, moment);
            let then = status.map(|status| status.state);
            self.expect("I17b", then == Some(state), || {
                format!("{state:?} with the next change at {next:?} became {then:?} after {later:?}")
            });
        }
    }

    /// Checks a token that a caller received.
    pub(super) fn watch_served(&mut self, process: usize, key: usize, token: &Token) {
        let now = self.local(process);
        let (text, issued_at) = (token.access_token().expose().to_owned(), token.tokens().issued_at());
        let own = &mut self.processes[process];
        own.expected[key].note_reading(token.generation(), true, now);
        let read = own.expected[key].loaded.get(&token.generation()).map(|reading| &*reading.moments);
        let read = read.unwrap_or_default();
        let identity = (process, own.incarnation);
        let in_time = self.answers.may_serve(token, identity, read, now);
        self.expect("I01", in_time, || format!("{text} was served past its end"));
        self.expect("I02", is_of(&text, key), || format!("{text} was served for key {key}"));
        self.watch_header(token, &text);
        let known = self.answers.knows(&text);
        self.expect("I08", known, || format!("{text} was served, which no answer brought"));
        self.watch_saved(process, key, token);
        let is_signed_out = self.processes[process].expected[key].signed_out.is_some();
        self.expect("I36", !is_signed_out, || format!("{text} was served after the sign-out"));
        self.watch_generation(process, key, token);
        let known = self.processes[process].expected[key].known;
        let gone = self.history[key].gone(token.generation().family);
        self.expect("I48", gone.is_none_or(|gone| gone.writes > known), || {
            format!("{text} was served, whose family the process knows to be replaced or signed out")
        });
        self.watch_one_answer(key, token.generation(), &text, issued_at);
    }

    fn watch_header(&mut self, token: &Token, text: &str) {
        let header = token.authorization();
        let sound = text.bytes().all(|byte| byte.is_ascii_graphic())
            && header.is_sensitive()
            && *header == format!("Bearer {text}");
        self.expect("I05", sound, || format!("{text:?} was served as {header:?}"));
    }

    /// Checks that generations never go back, and that a refused one is flagged as suspect.
    fn watch_generation(&mut self, process: usize, key: usize, token: &Token) {
        let Generation { family, number } = token.generation();
        let text = token.access_token().expose();
        let is_client_grant = self.keys[key].is_client_grant();
        let expected = &mut self.processes[process].expected[key];
        let seen = expected.seen.get(&family).copied().unwrap_or_default();
        expected.seen.insert(family, seen.max(number));
        let is_left = expected.left.contains(&family);
        let refused = expected.refused.as_ref().filter(|(refused, _)| refused == text);
        let was_refused = refused.is_some_and(|(_, of)| *of == family || is_client_grant)
            || expected.refused_generations.contains(&token.generation());
        if expected.last.as_ref().is_none_or(|last| last.generation() != token.generation()) {
            expected.earlier = expected.last.replace(token.clone());
            let earlier = expected.earlier.as_ref().map(|earlier| earlier.generation().family);
            expected.left.extend(earlier.filter(|earlier| *earlier != family));
        }
        expected.hand = (!token.is_suspect() && !was_refused).then(|| token.clone());
        let is_flagged = token.is_suspect() && !self.has(Defect::SuspectNotFlagged);
        self.expect("I06", number >= seen, || format!("generation {number} was served after {seen}"));
        self.expect("I06", !is_left, || format!("family {family} was served after another one"));
        if was_refused {
            self.expect("I07", is_flagged, || format!("{:?} was refused", token.generation()));
        }
    }

    /// Checks that a token of an answer was stored before it was served, or is flagged.
    fn watch_saved(&mut self, process: usize, key: usize, token: &Token) {
        let (text, issued_at) = (token.access_token().expose(), token.tokens().issued_at());
        let is_sign_in = self.answers.of(text, issued_at).any(|answer| answer.is_sign_in);
        if self.setup.storage == Storage::None || is_sign_in {
            return;
        }
        let (now, own) = (self.local(process), &self.processes[process]);
        // Other processes may have stored a later token that is expired, while this one still works. They continue
        // from the later one.
        let own_generation = token.generation();
        let is_overtaken =
            self.store.record(&self.names[key]).map(|stored| stored.generation()).is_some_and(|stored| {
                let is_later =
                    stored.family == own_generation.family && stored.number > own_generation.number;
                is_later || self.keys[key].is_client_grant() && stored.family != own_generation.family
            });
        let is_stored = is_overtaken || self.history[key].has_stored(own_generation);
        let came = own.expected[key].came.contains(text);
        let is_overdue =
            own.overdue_records(key, now).any(|record| came || record.access_token() == Some(text));
        let status = own.manager.status(&self.keys[key], self.clock(process));
        let flagged = status.is_some_and(|status| status.unsaved || status.in_flight);
        let failed = own.expected[key].unsaved.contains(text) || is_overdue;
        self.expect("I30", is_stored || failed && flagged, || {
            format!("{text} was served: stored {is_stored}, saving failed {failed}, flagged {flagged}")
        });
    }

    /// Checks that a process which is asked looks once a minute for what another process has stored.
    fn watch_reread(&mut self, process: usize, key: usize, token: &Token) {
        let Some(gone) = self.history[key].gone(token.generation().family) else { return };
        let own = &self.processes[process];
        let since = gone.at.max(own.expected[key].asked_store);
        let is_new = self.now.boot <= since.saturating_add(MINUTE);

        let is_busy =
            token.is_suspect() || own.carries(key) || own.is_shut_down || own.expected[key].is_decided();
        self.expect("I48", is_new || is_busy || self.setup.storage != Storage::MultiProcess, || {
            format!("{} is served since {since:?}, and the store is not read", token.access_token().expose())
        });
    }

    /// Reads the token that a caller may use without asking.
    pub(super) fn glance(&mut self, process: usize, key: usize) {
        let (now, name) = (self.clock(process), self.keys[key].clone());
        let published = self.processes[process].manager.published(&name, now);
        if let Some(published) = published.filter(|published| published.serves(now)) {
            self.expect("I07", !published.token().is_suspect(), || "a suspect token is published".to_owned());
            self.watch_served(process, key, published.token());
            self.watch_reread(process, key, published.token());
            published.note_use();
        }
    }

    /// Asks as a caller whose deadline has passed. Checks that it receives a token or an error, and that nothing
    /// changes for others.
    pub(super) fn ask_at_deadline(&mut self, process: usize, key: usize) {
        let (now, local, name) = (self.clock(process), self.local(process), self.keys[key].clone());
        let own = &self.processes[process];
        let overdue = own.is_overdue(key, local) || own.manager.status(&name, now).is_none();
        let in_hand = self.in_hand(process, key);
        let own = &mut self.processes[process];
        own.asked(local);
        let before = own.manager.explain(&name, now);
        let decision = own.manager.decide_at_deadline(&name, now);
        let after = own.manager.explain(&name, now);
        self.rows.insert(decision.state);
        let verdict = &decision.verdict;
        let ended = matches!(verdict, Verdict::Use(_) | Verdict::GiveUp(_));
        self.expect("I26", ended, || format!("past its deadline a caller was told {verdict:?}"));
        let untouched = overdue || before == after;
        self.expect("I26", untouched, || format!("a caller past its deadline changed {before} to {after}"));
        if in_hand.is_some() {
            let failed = matches!(verdict, Verdict::GiveUp(_));
            self.stats.failed_with_token += u64::from(failed);
            self.expect("I04", !failed, || format!("with a token in hand a caller was told {verdict:?}"));
        }
        if let Verdict::Use(token) = decision.verdict {
            self.watch_served(process, key, &token);
        }
    }
}

/// Returns whether a verdict is possible in a state.
fn fits(state: State, verdict: &Verdict) -> bool {
    use Verdict as V;
    match state {
        State::SignedOut
        | State::Unreadable
        | State::ShuttingDown
        | State::ExpiredBlocked
        | State::RefreshTokenDead
        | State::NotSignedIn
        | State::NoKey => matches!(verdict, V::GiveUp(_)),
        State::Fresh | State::StaleInFlight | State::StaleBlocked | State::RefusedBlocked => {
            matches!(verdict, V::Use(_))
        }
        State::Rereading => matches!(verdict, V::UseAndRun(_, Job::Load(_))),
        State::Unsaved => matches!(verdict, V::UseAndRun(_, Job::Save(_)) | V::Run(Job::Save(_))),
        State::StaleRenewing => matches!(verdict, V::UseAndRun(..)),
        State::Unread => matches!(verdict, V::Run(Job::Load(_))),
        State::ExpiredRenewing | State::RefusedRenewing => matches!(verdict, V::Run(_)),
        State::Reading | State::ExpiredInFlight | State::RefusedInFlight => matches!(verdict, V::Wait { .. }),
        _ => false,
    }
}
