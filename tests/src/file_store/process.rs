//! A process with the core's machine on a store, with a manual clock and a separate HTTP client.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use octo_auth_core::profile::Replay;
use octo_auth_core::{
    AccessToken, Client, Delivery, Entropy, Imported, Job, Now, Policy, Profile, RecordName, Report, Secret,
    SendJob, Storage, Store, StoreError, TokenError, TokenManager, TokenSet, TokenSpec, TransportError,
    Verdict,
};
use octo_auth_emulator::generic::{DEMO_CLIENT_ID, DEMO_CLIENT_SECRET};

use crate::moment;
use crate::registration::sound;

/// The limit of successive jobs.
const MOST_JOBS: usize = 32;

/// The process, with the account `inn`.
pub struct Process {
    manager: TokenManager,
    store: Arc<dyn Store>,
    now: Now,
    /// A job that waits for another process. It continues when the next token is asked for.
    waiting: Option<Job>,
    /// The last error of a store call.
    pub failed: Option<StoreError>,
}

/// Returns the client that all processes use.
#[must_use]
pub fn client(url: &str) -> Client {
    let profile = sound(Profile::rfc6749(&format!("{url}/token")));
    sound(Client::new(profile, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET))
}

/// Returns the client for a server that accepts no refresh token twice, so that none is sent again in doubt.
#[must_use]
pub fn strict_client(url: &str) -> Client {
    let profile = client(url).profile().clone().edit(|document| {
        document.refresh.iter_mut().for_each(|refresh| refresh.replay = Replay::Never);
    });
    sound(Client::new(sound(profile), DEMO_CLIENT_ID, DEMO_CLIENT_SECRET))
}

fn account() -> TokenSpec {
    TokenSpec::account("inn")
}

/// Returns the name of the account's record.
#[must_use]
pub fn record(url: &str) -> RecordName {
    RecordName::new(&client(url), &account())
}

impl Process {
    /// Starts a process on a store. Each process needs a different seed.
    #[must_use]
    pub fn start(store: impl Store + 'static, url: &str, seed: u8) -> Self {
        Self::with_policy(store, url, seed, Policy::default())
    }

    /// Starts a process with a policy.
    #[must_use]
    pub fn with_policy(store: impl Store + 'static, url: &str, seed: u8, policy: Policy) -> Self {
        let entropy = Entropy::from_bytes([seed; 64]);
        let manager = TokenManager::new(client(url), policy, Storage::MultiProcess, &entropy);
        Self { manager, store: Arc::new(store), now: moment::start(), waiting: None, failed: None }
    }

    /// Advances its clocks.
    pub fn pass(&mut self, time: Duration) {
        self.now = Now { wall: self.now.wall.saturating_add(time), boot: self.now.boot + time };
    }

    /// Signs the account in.
    pub fn sign_in(&mut self, refresh_token: &str) {
        let imported = Imported::RefreshToken(Secret::from(refresh_token));
        let job = sound(self.manager.import(&account(), imported, self.now));
        self.carry(job);
    }

    /// Signs the account in with tokens that live an hour.
    pub fn import(&mut self, access_token: &str, refresh_token: &str) {
        let profile = self.manager.client().profile();
        let access_token =
            sound(AccessToken::new(access_token).ok_or("a token that cannot stand in a header"));
        let (hour, refresh_token) = (Some(Duration::from_secs(3600)), Some(Secret::from(refresh_token)));
        let tokens = TokenSet::restore(profile, access_token, self.now.wall, hour, refresh_token);
        let job = sound(self.manager.import(&account(), tokens.into(), self.now));
        self.carry(job);
    }

    /// Saves everything that is unsaved.
    pub fn save_all(&mut self) {
        for job in self.manager.save_all(self.now) {
            self.carry(Some(job));
        }
    }

    /// Returns the access token.
    ///
    /// # Errors
    ///
    /// Returns the error that a caller gets.
    pub fn get(&mut self) -> Result<String, TokenError> {
        self.get_for(&account())
    }

    /// Returns the access token of a token spec.
    ///
    /// # Errors
    ///
    /// Returns the error that a caller gets.
    pub fn get_for(&mut self, key: &TokenSpec) -> Result<String, TokenError> {
        let waiting = self.waiting.take();
        self.carry(waiting);
        for _ in 0..16 {
            let decision = match self.waiting {
                Some(_) => self.manager.decide_at_deadline(key, self.now),
                None => self.manager.decide(key, self.now),
            };
            match decision.verdict {
                Verdict::Use(token) => return Ok(token.access_token().expose().to_owned()),
                Verdict::UseAndRun(token, job) => {
                    self.carry(Some(job));
                    return Ok(token.access_token().expose().to_owned());
                }
                Verdict::Run(job) => self.carry(Some(job)),
                Verdict::GiveUp(failure) => return Err(failure),
                _ => self.pass(Duration::from_secs(1)),
            }
        }
        panic!("{}", self.manager.explain(key, self.now));
    }

    fn carry(&mut self, mut job: Option<Job>) {
        for _ in 0..MOST_JOBS {
            let Some(next) = job else { return };
            let report = self.carried(next);
            job = self.manager.report(report, self.now);
        }
        self.waiting = job;
    }

    fn carried(&mut self, job: Job) -> Report {
        match job {
            Job::Load(job) => {
                self.pass(job.wait());
                let loaded = self.store.load(job.name());
                job.loaded(self.noted(loaded))
            }
            Job::Claim(job) => {
                let claimed = self.store.claim(job.name(), job.owner(), job.ttl());
                job.claimed(self.noted(claimed))
            }
            Job::Save(job) => {
                let saved = self.store.compare_and_swap(job.name(), job.expected(), job.content());
                job.saved(self.noted(saved))
            }
            Job::Release(job) => {
                let released = self.store.release(job.name(), job.owner());
                let _ = self.noted(released);
                job.released()
            }
            Job::Send(job) => self.sent(job),
        }
    }

    fn noted<R>(&mut self, result: Result<R, StoreError>) -> Result<R, StoreError> {
        self.failed = result.as_ref().err().cloned().or(self.failed.take());
        result
    }

    fn sent(&self, job: SendJob) -> Report {
        match exchanged(job.request()) {
            Ok(response) => job.answered(&response, self.now, self.now),
            Err(_) => {
                job.failed(TransportError::not_answered("the connection failed", Delivery::Unknown), self.now)
            }
        }
    }
}

/// Sends a request over a separate connection and reads the whole answer.
fn exchanged(request: &http::Request<octo_auth_core::Body>) -> std::io::Result<http::Response<Vec<u8>>> {
    let authority = request.uri().authority().map(ToString::to_string).unwrap_or_default();
    let mut connection = TcpStream::connect(&authority)?;
    let mut text = format!("{} {} HTTP/1.1\r\nhost: {authority}\r\n", request.method(), request.uri().path());
    for (name, value) in request.headers() {
        text.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap_or_default()));
    }
    let body = request.body().as_ref();
    text.push_str(&format!("content-length: {}\r\nconnection: close\r\n\r\n", body.len()));
    connection.write_all(&[text.as_bytes(), body].concat())?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(500);
    let mut response = http::Response::builder().status(status);
    for (name, value) in head.lines().skip(1).filter_map(|line| line.split_once(": ")) {
        response = response.header(name, value);
    }
    response.body(body.as_bytes().to_vec()).map_err(std::io::Error::other)
}
