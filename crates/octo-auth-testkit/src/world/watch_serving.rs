//! What callers are told: whether each decision keeps what is promised of serving and deciding.

use std::time::Duration;

use octo_auth_core::{Decision, FailureKind, Generation, Job, Now, Row, Storage, Token, Verdict};

use super::World;
use super::plan::Provider;
use super::sabotage::Sabotage;

/// No step of a flight takes longer than an exchange, a sibling's claim, and what the store takes.
const BESIDE_THE_EXCHANGE: Duration = Duration::from_secs(30);

impl World {
    /// The access token of a key that is certainly in hand and good.
    pub(super) fn in_hand(&self, process: usize, key: usize) -> Option<String> {
        let own = &self.processes[process];
        let token = own.callers[key].hand.as_ref()?;
        // What is not saved in its time is in force all the same.
        let now = self.local(process);
        if own.carried.iter().any(|carried| carried.key == key && carried.has_replaced(token, now)) {
            return None;
        }
        let first = own.first_served.get(token).copied().unwrap_or_default().0;
        let first = own.trusted.get(token).map_or(first, |trusted| first.min(*trusted));
        let serves = self.books.surely_serves(token, (process, own.incarnation), first, self.local(process));
        serves.then(|| token.clone())
    }

    pub(super) fn watch_decision(
        &mut self,
        process: usize,
        key: usize,
        decision: &Decision,
        in_hand: Option<&str>,
    ) {
        let (now, Decision { verdict, row, next_change }) = (self.clock(process), decision);
        let said = || format!("{row:?}: {verdict:?}");
        self.expect("I14", fits(*row, verdict), || format!("not a verdict of its row: {}", said()));
        if let Some(token) = in_hand {
            let serves = matches!(verdict, Verdict::Use(_) | Verdict::UseAndRun(..));
            let failed = matches!(verdict, Verdict::GiveUp(_)) || self.fails_all_the_same(*row);
            self.tally.failed_with_token += u64::from(failed);
            self.expect("I04", !failed, || format!("{token} is in hand, and the caller was told {}", said()));
            self.expect("I03", serves || failed, || format!("{token} is in hand, and there was {}", said()));
            self.watch_young(process, token, verdict);
        }
        let strictly_later = next_change.is_none_or(|next| next > now.boot);
        self.expect("I17b", strictly_later, || format!("{}, next change {next_change:?}", said()));
        match verdict {
            Verdict::GiveUp(failure) => {
                let after = failure.retry_after();
                let is_later = *row != Row::Closed || after.is_some_and(|after| after > Duration::ZERO);
                self.expect("I17b", is_later, || format!("closed for {after:?}"));
                let now = self.local(process);
                self.processes[process].callers[key].closed =
                    after.filter(|_| *row == Row::Closed).map(|after| now.boot.saturating_add(after));
                self.processes[process].callers[key].is_closed_by_store =
                    failure.kind() == FailureKind::StoreUnavailable;
                self.watch_dead(process, key, failure.kind());
            }
            Verdict::Wait { until } => {
                self.expect("I17b", *until > now.boot, || format!("wait until {until:?}"));
                let longest = self.policy.exchange_deadline().saturating_add(BESIDE_THE_EXCHANGE);
                let longest = now.boot.saturating_add(longest);
                self.expect("I26", *until <= longest, || format!("wait until {until:?}"));
                self.watch_waiting(process, key);
            }
            Verdict::Use(_) | Verdict::UseAndRun(..) | Verdict::Run(_) => {}
        }
        if matches!(verdict, Verdict::Use(_) | Verdict::Wait { .. } | Verdict::GiveUp(_)) {
            self.watch_until_next_change(process, key, *row, *next_change);
        }
        if matches!(verdict, Verdict::Run(_) | Verdict::UseAndRun(..)) {
            self.processes[process].callers[key].is_forcing = *row == Row::RefusedRenewing;
        }
    }

    /// What a caller waits for is under way, or its time is over.
    fn watch_waiting(&mut self, process: usize, key: usize) {
        let own = &self.processes[process];
        let is_carried = own.carried.iter().any(|carried| carried.key == key);
        self.expect("I26", is_carried, || format!("a caller of key {key} waits for what nobody does"));
    }

    /// Whether a caller is given a failure in the place of its token, by a sabotage.
    fn fails_all_the_same(&self, row: Row) -> bool {
        self.has(Sabotage::CallerErrorWhileValidToken) && row == Row::StaleClosed
    }

    /// Young tokens cause no network.
    fn watch_young(&mut self, process: usize, token: &str, verdict: &Verdict) {
        let identity = (process, self.processes[process].incarnation);
        if !self.books.is_young(token, identity, self.local(process)) {
            return;
        }
        let idle = matches!(verdict, Verdict::Use(_) | Verdict::UseAndRun(_, Job::Save(_)));
        self.expect("I03", idle, || format!("{token} is young, and there was {verdict:?}"));
    }

    /// Until the next change the same holds at any moment, and again at this one.
    fn watch_until_next_change(&mut self, process: usize, key: usize, row: Row, next: Option<Duration>) {
        let name = self.keys[self.key_asked(key)].clone();
        let (now, clock) = (self.clock(process), self.clock_of_asking(process, key));
        let again = self.processes[process].accounts.decide(&name, clock);
        let same = again.row == row && again.next_change == next;
        self.expect("I15", same, || {
            format!("{row:?} {next:?} became {:?} {:?}", again.row, again.next_change)
        });
        if let Verdict::Run(job) | Verdict::UseAndRun(_, job) = again.verdict {
            self.hand(process, Some(job));
            return;
        }
        let last = next.unwrap_or_else(|| now.boot.saturating_add(Duration::from_secs(86_400)));
        let left = last.saturating_sub(now.boot);
        for later in [left / 2, left.saturating_sub(Duration::from_millis(1))] {
            let moment = Now { wall: now.wall.saturating_add(later), boot: now.boot.saturating_add(later) };
            let status = self.processes[process].accounts.status(&name, moment);
            let then = status.map(|status| status.row);
            self.expect("I17b", then == Some(row), || {
                format!("{row:?} with the next change at {next:?} became {then:?} after {later:?}")
            });
        }
    }

    /// A key is told dead only if its own refresh token was refused.
    fn watch_dead(&mut self, process: usize, key: usize, kind: FailureKind) {
        let in_doubt = kind == FailureKind::ConsentInDoubt && self.setup.provider == Provider::NoReplay;
        if in_doubt || !matches!(kind, FailureKind::ConsentLost | FailureKind::ConsentInDoubt) {
            return;
        }
        let is_dead = self.processes[process].callers[key].is_dead;
        self.expect("I32", is_dead, || {
            format!("key {key} is told dead, and its refresh token was not refused")
        });
    }

    /// A caller was given a token.
    pub(super) fn watch_served(&mut self, process: usize, key: usize, token: &Token) {
        let now = self.local(process);
        let text = token.access_token().expose().to_owned();
        let answer = self.books.last_answer(&text);
        let own = &mut self.processes[process];
        let first = own.trusted_since(&text, now.boot, answer);
        let identity = (process, own.incarnation);
        let in_time = self.books.may_serve(&text, identity, first, now);
        self.expect("I01", in_time, || format!("{text} was served past its end"));
        let owner = super::server::key_of(&text);
        self.expect("I02", owner == Some(key), || format!("{text} was served for key {key}"));
        self.watch_header(token, &text);
        let known = self.books.knows(&text);
        self.expect("I08", known, || format!("{text} was served, which no answer brought"));
        self.watch_saved(process, key, &text, token.generation());
        let signed_out = self.processes[process].callers[key].is_signed_out;
        self.expect("I36", !signed_out, || format!("{text} was served after the sign-out"));
        self.watch_generation(process, key, token);
    }

    fn watch_header(&mut self, token: &Token, text: &str) {
        let header = token.authorization();
        let sound = text.bytes().all(|byte| byte.is_ascii_graphic())
            && header.is_sensitive()
            && *header == format!("Bearer {text}");
        self.expect("I05", sound, || format!("{text:?} was served as {header:?}"));
    }

    /// Generations never go back, and a refused one is never given out as good.
    fn watch_generation(&mut self, process: usize, key: usize, token: &Token) {
        let Generation { lineage, number } = token.generation();
        let callers = &self.processes[process].callers[key];
        let seen = callers.seen.get(&lineage).copied().unwrap_or_default();
        let text = token.access_token().expose().to_owned();
        let was_refused = callers.refused.contains(&(token.generation(), text));
        let is_flagged = token.is_suspect() && !self.has(Sabotage::SuspectNotFlagged);
        let refused_as_good = was_refused && !is_flagged;
        self.expect("I06", number >= seen, || format!("generation {number} was served after {seen}"));
        if was_refused {
            self.expect("I07", !refused_as_good, || format!("{:?} was refused", token.generation()));
        }
        let callers = &mut self.processes[process].callers[key];
        callers.seen.insert(lineage, seen.max(number));
        if callers.last.as_ref().is_none_or(|last| last.generation() != token.generation()) {
            callers.earlier = callers.last.replace(token.clone());
        }
        let is_in_hand = !token.is_suspect() && !was_refused && !callers.is_outdated;
        callers.hand = is_in_hand.then(|| token.access_token().expose().to_owned());
    }

    /// A token of an answer was stored before it was served, or is flagged. Where a later one is stored, that is what
    /// others go on from: it may have been over before it was stored, while this one still works.
    fn watch_saved(&mut self, process: usize, key: usize, text: &str, generation: Generation) {
        if self.setup.storage == Storage::None || self.books.brought.contains(text) {
            return;
        }
        let (now, own) = (self.local(process), &self.processes[process]);
        let stored = self.shelf.record(&self.keys[key]).map(|record| record.generation);
        let is_overtaken = stored
            .is_some_and(|stored| stored.lineage == generation.lineage && stored.number > generation.number);
        let is_stored = is_overtaken || self.shelf.access_tokens.contains(text);
        let overdue = own.carried.iter().any(|carried| match &carried.job {
            Job::Save(job) => {
                let token = job.record().token.as_ref();
                token.is_some_and(|set| set.access_token().expose() == text)
                    && carried.since.boot.saturating_add(carried.may_take()) <= now.boot
            }
            _ => false,
        });
        let status = own.accounts.status(&self.keys[key], self.clock(process));
        let flagged = status.is_some_and(|status| status.unsaved || status.in_flight);
        let failed = own.unsaved.contains(text) || overdue;
        self.expect("I30", is_stored || failed && flagged, || {
            format!("{text} was served: stored {is_stored}, saving failed {failed}, flagged {flagged}")
        });
    }

    /// A caller looks at what it may serve without asking.
    pub(super) fn glance(&mut self, process: usize, key: usize) {
        let (now, name) = (self.clock(process), self.keys[key].clone());
        let published = self.processes[process].accounts.published(&name, now);
        if let Some(published) = published.filter(|published| published.serves(now)) {
            self.expect("I07", !published.token().is_suspect(), || "a suspect token is published".to_owned());
            self.watch_served(process, key, published.token());
            published.note_use();
        }
    }

    /// A caller asks whose time is over: it is given a token or a failure, and nothing is changed for others.
    pub(super) fn ask_at_deadline(&mut self, process: usize, key: usize) {
        let (now, name) = (self.clock(process), self.keys[key].clone());
        let own = &self.processes[process];
        let overdue = own.is_overdue(key, self.local(process)) || own.accounts.status(&name, now).is_none();
        let in_hand = self.in_hand(process, key);
        let local = self.local(process);
        let own = &mut self.processes[process];
        own.asked_about(key, local);
        let before = own.accounts.explain(&name, now);
        let decision = own.accounts.decide_at_deadline(&name, now);
        let after = own.accounts.explain(&name, now);
        self.rows.insert(decision.row);
        let verdict = &decision.verdict;
        let ended = matches!(verdict, Verdict::Use(_) | Verdict::GiveUp(_));
        self.expect("I26", ended, || format!("past its deadline a caller was told {verdict:?}"));
        let untouched = overdue || before == after;
        self.expect("I26", untouched, || format!("a caller past its deadline changed {before} to {after}"));
        if in_hand.is_some() {
            let failed = matches!(verdict, Verdict::GiveUp(_));
            self.tally.failed_with_token += u64::from(failed);
            self.expect("I04", !failed, || format!("with a token in hand a caller was told {verdict:?}"));
        }
        if let Verdict::Use(token) = decision.verdict {
            self.watch_served(process, key, &token);
        }
    }
}

/// Whether a row of the table has such a verdict.
fn fits(row: Row, verdict: &Verdict) -> bool {
    match row {
        Row::SignedOut
        | Row::Unreadable
        | Row::ShuttingDown
        | Row::Closed
        | Row::Final
        | Row::NotRenewable
        | Row::NoKey => matches!(verdict, Verdict::GiveUp(_)),
        Row::Fresh | Row::StaleInFlight | Row::StaleClosed | Row::RefusedClosed => {
            matches!(verdict, Verdict::Use(_))
        }
        Row::Unsaved => matches!(verdict, Verdict::UseAndRun(_, Job::Save(_)) | Verdict::Run(Job::Save(_))),
        Row::Renewing => matches!(verdict, Verdict::UseAndRun(..)),
        Row::Unread | Row::Expired | Row::RefusedRenewing => matches!(verdict, Verdict::Run(_)),
        Row::Reading | Row::ExpiredInFlight | Row::RefusedInFlight => matches!(verdict, Verdict::Wait { .. }),
        _ => false,
    }
}
