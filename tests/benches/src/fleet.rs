//! Accounts of one registration whose tokens octo-auth-core refreshes ahead, in simulated time: nothing is sent.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result};
use http::Response;
use octo_auth_core::profile::TokenLimit;
use octo_auth_core::{
    AccessToken, Client, Entropy, Imported, Job, Now, Policy, Profile, RefreshAhead, Secret, SendJob,
    Storage, Timestamp, TokenManager, TokenSet, TokenSpec, TransportError,
};

use crate::chance::Chance;

/// The lifetime of each token in seconds.
pub(crate) const LIFETIME: u64 = 3600;

/// The reply of the token endpoint to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reply {
    /// A token after this duration.
    Token(Duration),
    /// The refresh token is dead.
    Dead,
    /// The endpoint cannot be reached.
    Down,
}

/// A request in flight, and its result.
struct UnderWay {
    job: SendJob,
    sent: Duration,
    reply: Reply,
}

/// Accounts, and an endpoint whose replies the function determines, from the account and the time since the start.
pub(crate) struct Fleet<S> {
    machine: TokenManager,
    server: S,
    under_way: BTreeMap<(Duration, u64), UnderWay>,
    /// The time at which the token of each account was requested.
    requested: Vec<Duration>,
    /// The age of each token when the next one arrived, in milliseconds.
    pub(crate) ages: Vec<u32>,
    /// The requests of each account, and of each second.
    pub(crate) requests: Vec<u32>,
    pub(crate) seconds: Vec<u32>,
    sent: u64,
}

impl<S: FnMut(usize, Duration) -> Reply> Fleet<S> {
    /// Creates accounts that have all signed in at the start. The provider documents a limit of requests a minute, or
    /// none.
    pub(crate) fn new(
        count: usize,
        seed: u64,
        policy: Policy,
        limit: Option<u32>,
        server: S,
    ) -> Result<Self> {
        let (mut chance, mut bytes) = (Chance::new(seed), [0; 64]);
        bytes.fill_with(|| chance.next() as u8);
        let limit = limit.map(|requests| TokenLimit {
            requests,
            per_seconds: 60,
            after_failure_seconds: 0,
            source: "".into(),
        });
        let profile = Profile::rfc6749("https://login.example/token")?;
        let profile = profile.edit(|document| document.token_limit = limit)?;
        let client = Client::new(profile.clone(), "id", "secret")?;
        let policy = policy.with_capacity(count)?;
        let mut machine = TokenManager::new(client, policy, Storage::None, &Entropy::from_bytes(bytes));
        for number in 0..count {
            let (token, refresh) =
                (AccessToken::new(format!("T{number}")), Secret::from(format!("R{number}")));
            let (token, start) = (token.context("no token")?, now(Duration::ZERO));
            let lifetime = Some(Duration::from_secs(LIFETIME));
            let tokens = TokenSet::restore(&profile, token, start.wall, lifetime, Some(refresh));
            let key = TokenSpec::account(&number.to_string());
            machine.step(start, |machine| machine.import(&key, Imported::Tokens(tokens), start)).0?;
        }
        Ok(Self {
            machine,
            server,
            under_way: BTreeMap::new(),
            requested: vec![Duration::ZERO; count],
            ages: Vec::new(),
            requests: vec![0; count],
            seconds: Vec::new(),
            sent: 0,
        })
    }

    /// Lets time pass.
    pub(crate) fn live(&mut self, end: Duration) -> Result<()> {
        self.seconds = vec![0; end.as_secs() as usize];
        let mut at = Duration::ZERO;
        while at < end {
            let again = self.begin(at)?;
            let answer = self.under_way.first_key_value().map(|((due, _), _)| *due);
            at = again.min(answer.unwrap_or(again));
            while let Some(entry) = self.under_way.first_entry().filter(|entry| entry.key().0 <= at) {
                let under_way = entry.remove();
                self.end(under_way, at)?;
            }
        }
        Ok(())
    }

    /// Starts the refreshes that are due. Returns the time of the next check.
    fn begin(&mut self, at: Duration) -> Result<Duration> {
        loop {
            let (due, _) = self.machine.step(now(at), |machine| machine.poll_due(RefreshAhead::All, now(at)));
            match due.job {
                Some(job) => self.carry(Some(job), at)?,
                None => return Ok(due.again.saturating_sub(now(Duration::ZERO).boot)),
            }
        }
    }

    fn carry(&mut self, mut job: Option<Job>, at: Duration) -> Result<()> {
        while let Some(next) = job.take() {
            match next {
                Job::Send(job) => {
                    self.sent += 1;
                    let account = account(job.spec())?;
                    self.requests[account] += 1;
                    *self.seconds.get_mut(at.as_secs() as usize).unwrap_or(&mut 0) += 1;
                    let reply = (self.server)(account, at);
                    let takes =
                        if let Reply::Token(takes) = reply { takes } else { Duration::from_millis(200) };
                    self.under_way.insert((at + takes, self.sent), UnderWay { job, sent: at, reply });
                }
                // There is no store.
                other => {
                    job = self.machine.step(now(at), |machine| machine.report(other.abandon(), now(at))).0
                }
            }
        }
        Ok(())
    }

    fn end(&mut self, UnderWay { job, sent, reply }: UnderWay, at: Duration) -> Result<()> {
        let number = self.sent;
        let (status, body) = match reply {
            Reply::Down => {
                return self.report(job.failed(TransportError::not_sent("the server is down"), now(at)), at);
            }
            Reply::Dead => (400, r#"{"error":"invalid_grant"}"#.to_owned()),
            Reply::Token(_) => {
                let account = account(job.spec())?;
                self.ages.push(u32::try_from(at.saturating_sub(self.requested[account]).as_millis())?);
                self.requested[account] = sent;
                let body = format!(
                    r#"{{"access_token":"T{number}","token_type":"Bearer","expires_in":{LIFETIME},"refresh_token":"R{number}"}}"#
                );
                (200, body)
            }
        };
        let response = Response::builder().status(status).header("content-type", "application/json");
        let report = job.answered(&response.body(body)?, now(sent), now(at));
        self.report(report, at)
    }

    fn report(&mut self, report: octo_auth_core::Report, at: Duration) -> Result<()> {
        let (next, _) = self.machine.step(now(at), |machine| machine.report(report, now(at)));
        self.carry(next, at)
    }
}

fn account(key: &TokenSpec) -> Result<usize> {
    Ok(key.account_name().parse()?)
}

/// Returns both clocks at a time after the start, which is 2026-01-01.
fn now(at: Duration) -> Now {
    let start = Timestamp::from_unix_seconds(1_767_225_600);
    Now { wall: start.saturating_add(at), boot: Duration::from_secs(1000) + at }
}
