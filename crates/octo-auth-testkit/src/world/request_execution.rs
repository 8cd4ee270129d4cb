//! The ends of requests: what the server does, and what the process learns of it.

use http::{Request, Response};
use octo_auth_core::{Body, Job, Now, Purpose, TransportError};

use super::World;
use super::defects::Defect;
use super::expectations::{Answer, Ended};
use super::plan::{Breakage, FaultKind, Reply};
use super::process::Carried;
use super::server::{IssuedTokens, parameter};

/// No answer, and the server has done nothing.
const TIMED_OUT: Reply = Reply::Fault(FaultKind::TimedOut, false);

/// A request and its outcome.
pub(super) struct Answered<'r> {
    pub(super) process: usize,
    pub(super) key: usize,
    pub(super) since: Now,
    pub(super) reply: &'r Reply,
    pub(super) response: Option<Response<Vec<u8>>>,
    pub(super) outcome: IssuedTokens,
    /// The refresh token in the request.
    pub(super) refresh_token: Option<String>,
    pub(super) exchange: Option<usize>,
    /// Whether its carrier was already reported lost.
    pub(super) is_late: bool,
    /// The number of sign-ins and sign-outs in its process when it began.
    pub(super) decisions: u64,
    /// Whether a user has signed in or out since it began, or a late answer has arrived.
    pub(super) is_overtaken: bool,
}

impl Answered<'_> {
    fn status(&self) -> Option<u16> {
        self.response.as_ref().map(|response| response.status().as_u16())
    }

    /// Returns whether it has tokens.
    pub(super) fn has_tokens(&self) -> bool {
        matches!(self.reply, Reply::Token(_)) && self.status() == Some(200)
    }

    /// Returns the refresh token that can be read in the answer.
    fn brought(&self) -> Option<&String> {
        let is_readable = match self.reply {
            Reply::Token(_) => true,
            Reply::Broken(breakage) => {
                matches!(breakage, Breakage::NoAccessToken | Breakage::UnsafeAccessToken)
            }
            Reply::Refusal(_) | Reply::Gateway { .. } | Reply::Fault(..) => false,
        };
        self.outcome.refresh_token.as_ref().filter(|_| is_readable && self.status() == Some(200))
    }

    /// Returns how long the server wants no requests, in seconds. A redirect does not count: it asks for another
    /// address (RFC 9110 section 10.2.3).
    pub(super) fn retry_after(&self) -> Option<u16> {
        let after = match self.reply {
            Reply::Refusal(refusal) => refusal.retry_after,
            Reply::Gateway { retry_after, .. } => *retry_after,
            Reply::Token(_) | Reply::Broken(_) | Reply::Fault(..) => None,
        };
        let is_meant = self.status().is_some_and(|status| status != 302);
        after.filter(|after| *after > 0 && is_meant)
    }

    /// Returns whether the error concerns all specs: the request was not sent, or the client sends too many.
    pub(super) fn concerns_all(&self, documents_limit: bool) -> bool {
        let is_throttled = self.retry_after().is_some() || self.status() == Some(429);
        matches!(self.reply, Reply::Fault(FaultKind::NotSent, _)) || documents_limit && is_throttled
    }

    /// Returns what is then certain about the request.
    fn end(&self) -> Ended {
        let is_refused = match (self.reply, &self.response) {
            _ if self.has_tokens() || self.brought().is_some() => return Ended::WithTokens,
            (Reply::Fault(kind, _), _) => *kind == FaultKind::NotSent,
            (Reply::Broken(_), Some(response)) => response.status() != 200,
            (_, Some(response)) => {
                let own =
                    response.headers().get("content-type").is_some_and(|kind| kind == "application/json");
                response.status().as_u16() < 500 || own && !response.body().is_empty()
            }
            (_, None) => false,
        };
        if is_refused { Ended::Refused } else { Ended::InDoubt }
    }
}

impl World {
    /// Ends a request as the reply says.
    pub(super) fn answer(&mut self, process: usize, carried: Carried, reply: &Reply) -> Option<usize> {
        let is_over = carried.is_over(self.local(process));
        let Carried {
            job: Job::Send(job), key, since, exchange, forced, on_its_way, decisions, answers, ..
        } = carried
        else {
            return None;
        };
        if job.purpose() == Purpose::Revocation {
            self.revoke(key, job.request());
            return self.report(process, key, job.failed(TransportError::unknown("it is not read"), since));
        }
        let (reply, (outcome, response)) = match on_its_way {
            Some((outcome, response)) => (&Reply::token(3600), (outcome, Some(response))),
            // A transport abandons a request at its deadline. A server that has not begun it by then never does.
            None if is_over => (&TIMED_OUT, Default::default()),
            None => (reply, self.ask_server(exchange, job.request(), reply)),
        };
        self.stats.count_reply(reply, response.as_ref());
        let is_late = self.exchanges.get(exchange).is_some_and(|own| own.end == Ended::Lost);
        let expected = &self.processes[process].expected[key];
        let is_overtaken = (expected.decisions.0, expected.answers) != (decisions, answers);
        let refresh_token = parameter(job.request(), "refresh_token");
        let answered = Answered {
            process,
            key,
            since,
            reply,
            response,
            outcome,
            refresh_token,
            exchange,
            is_late,
            decisions,
            is_overtaken,
        };
        self.note_answer(&answered);
        if let (Reply::Fault(FaultKind::NotSent, _), Some(exchange)) = (reply, self.exchanges.get(exchange)) {
            let begun = exchange.deadline.saturating_sub(job.deadline());
            self.counted.forget(begun);
            self.processes[process].forget_sent(since.boot, key);
        }
        let (sent, now) = self.moments_told(process, since);
        let report = match (self.response_told(answered.response.clone()), reply) {
            (Some(response), _) => job.answered(&response, sent, now),
            (None, Reply::Fault(kind, _)) => job.failed(self.fault_told(*kind), sent),
            (None, _) => Job::Send(job).abandon(),
        };
        let next = match is_late && self.has(Defect::LateAnswerDropped) {
            true => None,
            false => self.report_without_handing(process, key, report),
        };
        self.watch_answered(&answered, forced);
        self.hand(process, next)
    }

    /// Sends a request to the server, and records what it did with the refresh token.
    pub(super) fn ask_server(
        &mut self,
        exchange: Option<usize>,
        request: &Request<Body>,
        reply: &Reply,
    ) -> (IssuedTokens, Option<Response<Vec<u8>>>) {
        let taken = self.server.take(request, reply, self.now.boot);
        if let Some(exchange) = self.exchanges.get_mut(exchange) {
            exchange.successor.clone_from(&taken.0.refresh_token);
        }
        if let Some(reused) = self.server.reused.take() {
            self.judge_loss(exchange, &reused);
        }
        taken
    }

    /// Records the content of an answer, before the process receives it.
    fn note_answer(&mut self, answered: &Answered<'_>) {
        let (process, key) = (answered.process, answered.key);
        let begun = self.exchanges.count();
        let end = answered.end();
        if let Some(exchange) = self.exchanges.get_mut(answered.exchange) {
            exchange.end = end;
            exchange.delivered = answered.brought().map(|_| begun);
        }
        let own = (process, self.processes[process].incarnation);
        if let (Some(token), Reply::Token(reply), true) =
            (&answered.outcome.access_token, answered.reply, answered.has_tokens())
        {
            let lifetime = reply.lifetime.map(std::time::Duration::from_secs);
            let answer = Answer { process: own, sent: answered.since, lifetime, is_sign_in: false };
            self.answers.add(token, answer);
            self.processes[process].expected[key].came.insert(token.clone());
        }
        let expected = &mut self.processes[process].expected[key];
        if answered.has_tokens() {
            expected.hand = None;
            expected.answers += 1;
        }
        let Some(sent) = &answered.refresh_token else { return };
        expected.defect.lacked_refresh_token = answered.has_tokens() && answered.brought().is_none();
        if let Some(brought) = answered.brought() {
            self.given.insert(brought.clone());
            expected.defect.brought = Some(brought.clone());
            if brought != sent {
                expected.replaced.insert(sent.clone());
            }
        }
        if answered.status() == Some(400) && self.server.refused.contains(sent) {
            expected.dead = Some(sent.clone());
            expected.defect.was_refused = true;
        }
    }
}
