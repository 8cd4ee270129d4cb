//! What answers and stores bring: whether each keeps what is promised of refresh tokens.

use std::time::Duration;

use http::Response;
use octo_auth_core::{Fingerprint, Job, Record, Row, SaveJob, Secret};

use super::World;
use super::carriage::Answered;
use super::counting::saving;
use super::plan::{Breakage, Reply, Rotation};

impl World {
    /// A key was begun anew by a sign-in or a sign-out.
    pub(super) fn begun_anew(&mut self, process: usize, key: usize, signed_out: bool) {
        self.books.forgotten(key);
        for own in &mut self.processes {
            own.callers[key].hand = None;
            own.callers[key].is_signed_out &= signed_out;
        }
        let callers = &mut self.processes[process].callers[key];
        callers.closed = None;
        callers.forced.clear();
        callers.refused.clear();
        callers.is_forcing = false;
        callers.is_signed_out = signed_out;
        callers.is_dead = false;
        callers.refresh_token = None;
        callers.lineage.clear();
        callers.begun += 1;
        callers.decisions += 1;
        callers.last_read = None;
        callers.has_signed_out = signed_out;
        callers.is_decided_here = true;
        self.tombstones.remove(&key);
        if signed_out {
            self.sign_ins_ended.insert(key, self.server.sign_ins());
        }
        match signed_out {
            true => self.signed_out.insert(key),
            false => self.signed_out.remove(&key),
        };
    }

    /// After a sign-in nothing is dead.
    pub(super) fn watch_adoption(&mut self, process: usize, key: usize, refresh_token: Option<&str>) {
        let token = refresh_token.map(str::to_owned);
        self.books.refresh_tokens.extend(token.clone());
        let callers = &mut self.processes[process].callers[key];
        callers.lineage.extend(token.clone());
        callers.refresh_token = token;
        let status = self.processes[process].accounts.status(&self.keys[key], self.clock(process));
        let row = status.as_ref().map(|status| status.row);
        let needed = status.is_none_or(|status| status.sign_in_needed) && refresh_token.is_some();
        self.expect("I33", !needed && row != Some(Row::Final), || format!("after a sign-in: {row:?}"));
    }

    /// After a sign-out nothing but that is written.
    pub(super) fn watch_record(&mut self, process: usize, key: usize, job: &SaveJob) {
        if self.processes[process].callers[key].is_signed_out {
            let record = job.record();
            let empty = record.signed_out && record.token.is_none() && record.refresh_token.is_none();
            self.expect("I36", empty, || "a record is written after the sign-out".to_owned());
        }
    }

    pub(super) fn watch_signed_out(&mut self, process: usize, key: usize) {
        let (now, name) = (self.clock(process), self.keys[key].clone());
        let published = self.processes[process].accounts.published(&name, now).is_some();
        self.expect("I36", !published, || "something is published after the sign-out".to_owned());
    }

    /// What an answer is about to bring is put into the books.
    pub(super) fn before_answer(&mut self, answered: &Answered<'_>, response: Option<&Response<Vec<u8>>>) {
        let Answered { process, key, since, reply, outcome, sent, is_late, .. } = answered;
        let identity = (*process, self.processes[*process].incarnation);
        let arrived = response.is_some_and(|response| response.status() == 200);
        let (Reply::Token(reply), true, Some(token)) = (reply, arrived, &outcome.access_token) else {
            return;
        };
        let lifetime = reply.lifetime.map(Duration::from_secs);
        let good = self.books.surely_serves(token, identity, since.boot, self.local(*process));
        self.processes[*process].callers[*key].last_read = None;
        let callers = &self.processes[*process].callers[*key];
        let certain = !is_late && (sent.is_none() || *sent == callers.refresh_token);
        self.books.granted(token, identity, *since, self.local(*process), lifetime, certain);
        let serves = self.books.surely_serves(token, identity, since.boot, self.local(*process));
        // One that has expired on arrival leaves what is in hand where it is.
        if serves || good || reply.again {
            self.processes.iter_mut().for_each(|own| own.callers[*key].hand = None);
        }
    }

    pub(super) fn after_answer(
        &mut self,
        answered: &Answered<'_>,
        response: Option<&Response<Vec<u8>>>,
        next: Option<&Job>,
    ) {
        let Answered { process, key, since, forced, sent, reply, outcome, is_late, begun, exchange, .. } =
            answered;
        let (process, key, now) = (*process, *key, self.local(*process).boot);
        let status = response.map(|response| response.status().as_u16());
        let succeeded = matches!((reply, status), (Reply::Token(_), Some(200)));
        let rejected =
            status.is_some_and(|status| (400..500).contains(&status) && ![408, 425, 429].contains(&status));
        let callers = &self.processes[process].callers;
        let is_present = !is_late
            && callers[key].begun == *begun
            && now < since.boot.saturating_add(self.policy.exchange_deadline());
        // A rejection says nothing of the refresh token that a late answer to an earlier use has brought.
        let is_overtaken = sent.as_ref().is_some_and(|sent| {
            self.exchanges
                .with(sent)
                .any(|earlier| earlier.successor.is_some() && earlier.delivered.is_some())
        });
        let is_answered = succeeded || rejected && !is_overtaken;
        if let Some(generation) = forced.filter(|_| is_answered && is_present) {
            self.watch_forced(process, key, generation);
        }
        if succeeded {
            self.processes[process].told = None;
            self.processes[process].reopened();
        } else if let Some(told) = told(reply, status).filter(|_| is_present) {
            let until = Some(now.saturating_add(told));
            self.processes[process].told = self.processes[process].told.max(until);
        }
        if brought(reply, status) {
            self.delivered(*exchange);
            if *is_late {
                // The one before was in doubt, which had closed the key.
                self.processes[process].callers[key].closed = None;
            }
        }
        if let Some(sent) = sent {
            let brought = brought(reply, status).then(|| outcome.refresh_token.clone()).flatten();
            self.processes[process].callers[key].lacked_refresh_token = succeeded && brought.is_none();
            self.watch_successor(process, key, sent, brought, next);
            let is_invalid = rejected && self.server.refused.contains(sent);
            if is_invalid {
                self.watch_invalid(answered, sent, next);
            }
        }
    }

    /// A refresh token that came is kept; where none came, the one there was is kept.
    fn watch_successor(
        &mut self,
        process: usize,
        key: usize,
        sent: &str,
        brought: Option<String>,
        next: Option<&Job>,
    ) {
        let callers = &mut self.processes[process].callers[key];
        if callers.is_signed_out {
            return;
        }
        let came = brought.is_some();
        self.books.refresh_tokens.extend(brought.clone());
        match (&callers.refresh_token, brought) {
            (Some(known), Some(brought)) if known == sent => {
                callers.lineage.insert(brought.clone(), ());
                callers.refresh_token = Some(brought);
                callers.is_dead = false;
            }
            (Some(_), None) => {}
            (_, brought) => {
                callers.lineage.extend(brought);
                callers.refresh_token = None;
            }
        }
        let (Some(known), Some(Job::Save(job))) = (callers.refresh_token.clone(), next) else { return };
        let kept = job.record().refresh_token.as_ref().is_some_and(|token| token.expose() == known);
        let invariant = if came { "I28" } else { "I29" };
        self.expect(invariant, kept, || format!("{known} is not in the record that is saved"));
    }

    /// A refresh token that is dead ends itself and no other.
    fn watch_invalid(&mut self, answered: &Answered<'_>, sent: &str, next: Option<&Job>) {
        let Answered { process, key, was_dead, .. } = *answered;
        let callers = &mut self.processes[process].callers[key];
        callers.was_refused = true;
        callers.is_dead |= callers.lineage.contains(sent) || callers.refresh_token.is_none();
        let Some(known) = callers.refresh_token.clone().filter(|known| known != sent) else { return };
        let was_dead = was_dead || self.server.refused.contains(&known);
        let needed = self.needs_sign_in(process, key);
        let marked = matches!(next, Some(Job::Save(job)) if job.record().terminal.is_some());
        self.expect("I32", was_dead || !needed && !marked, || {
            format!("{sent} was refused, and {known} ended")
        });
    }

    /// Whether a machine says that a user must sign in.
    pub(super) fn needs_sign_in(&self, process: usize, key: usize) -> bool {
        let status = self.processes[process].accounts.status(&self.keys[key], self.clock(process));
        status.is_some_and(|status| status.sign_in_needed)
    }

    /// What the store holds was read. Of what its machine waits for no more, that hears nothing.
    pub(super) fn took_over(&mut self, process: usize, key: usize, is_heard_of: bool) {
        if !is_heard_of {
            return;
        }
        self.books.forgotten(key);
        let now = self.local(process).boot;
        let record = self.shelf.record(&self.keys[key]);
        let held = self.processes[process].accounts.status(&self.keys[key], self.clock(process));
        let held = held.and_then(|status| status.token);
        if let Some(token) = record.and_then(|record| record.token.as_ref()) {
            // It is trusted for its lifetime from now on, unless it was known before; what a sibling was told of its end
            // since then is read along.
            // So is one that was given up here for another since.
            let text = token.access_token().expose();
            let answer = self.books.answer_of(text, token.issued_at());
            let own = &mut self.processes[process];
            let is_held =
                own.callers[key].last_read.replace(text.to_owned()).is_some_and(|held| held == text);
            // The machine knows more of what it holds and was told of last.
            let knows_more = held.is_some_and(|held| held.access_token().expose() == text)
                && self.books.was_told_last(text, (process, own.incarnation));
            let is_new_here = own.first_served.get(text).is_none_or(|(_, known)| *known < answer);
            if is_new_here {
                own.first_served.insert(text.to_owned(), (now, answer));
            }
            if (is_new_here || !is_held) && !knows_more {
                own.trusted.insert(text.to_owned(), now);
            }
        }
        let refresh_token = record.and_then(|record| record.refresh_token.clone());
        let is_dead = record.is_some_and(|record| record.terminal.is_some());
        let callers = &mut self.processes[process].callers[key];
        callers.is_outdated = false;
        callers.hand.take_if(|hand| !record.is_some_and(|record| holds(record, hand)));
        callers.closed = None;
        callers.refresh_token = None;
        callers.begun += 1;
        if !callers.is_decided_here {
            callers.is_signed_out = self.tombstones.contains(&key);
            callers.has_signed_out = false;
        }
        callers.is_dead |= is_dead;
        callers.lineage.extend(refresh_token.map(|token| token.expose().to_owned()));
    }

    /// A machine was told that its record is stored; a sign-in that was made after so many others is not in it.
    pub(super) fn said_to_be_stored(&mut self, process: usize, key: usize, record: &Record, decisions: u64) {
        let callers = &mut self.processes[process].callers[key];
        callers.is_decided_here &= callers.decisions != decisions;
        // The store works again.
        callers.closed.take_if(|_| callers.is_closed_by_store);
        if record.signed_out && self.signed_out.contains(&key) {
            self.tombstones.insert(key);
        }
    }

    /// What a machine decided it holds no more: it is stored, or gave way to what is. Of what was decided elsewhere since
    /// it hears nothing by the end of a job it waits for no more.
    pub(super) fn decided_no_more(
        &mut self,
        process: usize,
        key: usize,
        (next, is_heard_of): (Option<&Job>, bool),
    ) {
        let status = self.processes[process].accounts.status(&self.keys[key], self.clock(process));
        let being_saved = self.processes[process].carried.iter().map(|carried| (carried.key, &carried.job));
        let being_saved = being_saved.chain(next.map(|next| (key, next)));
        let is_held = status.is_none_or(|status| status.unsaved)
            || being_saved.into_iter().any(|(own, job)| own == key && saving(job).is_some());
        let is_ended = self.shelf.record(&self.keys[key]).is_some_and(|record| record.signed_out);
        let callers = &mut self.processes[process].callers[key];
        // A sign-out gives way to another alone.
        if is_held || callers.is_signed_out && !is_ended || !std::mem::take(&mut callers.is_decided_here) {
            return;
        }
        if callers.is_signed_out {
            self.tombstones.insert(key);
        }
        if is_heard_of {
            callers.is_signed_out = self.tombstones.contains(&key);
        }
        callers.has_signed_out = false;
    }

    /// A record was stored.
    pub(super) fn watch_stored(
        &mut self,
        process: usize,
        key: usize,
        before: Option<&Record>,
        record: &Record,
    ) {
        self.watch_chain(before, record);
        for (own, other) in self.processes.iter_mut().zip(0..) {
            let callers = &mut own.callers[key];
            if other != process && !callers.hand.as_ref().is_some_and(|hand| holds(record, hand)) {
                callers.hand = None;
                callers.is_outdated = true;
            }
        }
        let had = before.is_some_and(|before| before.refresh_token.is_some());
        let has = record.refresh_token.is_some() || record.signed_out;
        if had {
            self.expect("I31", has, || "a stored refresh token was deleted".to_owned());
        }
        if let Some(refresh_token) = &record.refresh_token {
            let text = refresh_token.expose().to_owned();
            let known = self.books.refresh_tokens.contains(&text);
            self.expect("I29", known, || format!("{text} was stored, which nobody gave"));
            if record.terminal.is_some() {
                let refused = self.server.refused.contains(&text);
                self.expect("I32", refused, || format!("{text} was stored as dead, and was not refused"));
            }
            let was_dead = before.is_some_and(|before| before.terminal.is_some());
            let is_other = before.is_some_and(|before| before.refresh_token.as_ref() != Some(refresh_token));
            if was_dead && is_other && !self.server.refused.contains(&text) {
                self.expect("I33", record.terminal.is_none(), || {
                    format!("{text} is new, and stored as dead")
                });
            }
        }
    }

    /// Whenever a process dies now, the store has what is needed to go on, or says that it is in doubt.
    pub(super) fn look_at_store(&mut self) {
        // Only with a time of grace does time alone change what the server takes.
        let changes = (self.shelf.writes, self.server.changes);
        let is_same = std::mem::replace(&mut self.looked_at, changes) == changes;
        if is_same && self.setup.rotation != Rotation::Grace {
            return;
        }
        for key in 0..self.keys.len() {
            let Some(record) = self.shelf.record(&self.keys[key]) else { continue };
            let Some(refresh_token) = &record.refresh_token else { continue };
            let Some(is_taken) = self.server.takes(refresh_token.expose(), self.now.boot) else { continue };
            let is_sound = is_taken || record.terminal.is_some() || is_in_doubt(record, refresh_token);
            let text = refresh_token.clone();
            self.expect("I28", is_sound, || {
                let text = text.expose();
                format!("{text} is stored, which the server has replaced, and no marker says so")
            });
        }
    }
}

/// Whether a record holds an access token.
pub(super) fn holds(record: &Record, token: &str) -> bool {
    record.token.as_ref().is_some_and(|held| held.access_token().expose() == token)
}

fn is_in_doubt(record: &Record, refresh_token: &Secret) -> bool {
    record
        .pending
        .is_some_and(|pending| pending.ambiguous && pending.refresh_token == Fingerprint::of(refresh_token))
}

/// Whether the refresh token the server gave out arrived where it can be read.
fn brought(reply: &Reply, status: Option<u16>) -> bool {
    status == Some(200)
        && match reply {
            Reply::Token(_) => true,
            Reply::Broken(breakage) => {
                matches!(breakage, Breakage::NoAccessToken | Breakage::UnsafeAccessToken)
            }
            Reply::Refusal(_) | Reply::Gateway { .. } | Reply::Fault(..) => false,
        }
}

/// How long the server wants to be left alone.
fn told(reply: &Reply, status: Option<u16>) -> Option<Duration> {
    let after = match reply {
        Reply::Refusal(refusal) => refusal.retry_after,
        Reply::Gateway { retry_after, .. } => *retry_after,
        Reply::Token(_) | Reply::Broken(_) | Reply::Fault(..) => None,
    }?;
    let passing = status.is_some_and(|status| status >= 500 || [408, 425, 429].contains(&status));
    passing.then(|| Duration::from_secs(after.into()).min(Duration::from_secs(3600)))
}
