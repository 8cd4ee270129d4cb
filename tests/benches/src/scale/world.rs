//! One registration, its clock, and an endpoint and a store that answer at once.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use http::Response;
use octo_auth_core::{
    AccessToken, Caller, Claimed, Client, Entropy, Imported, Job, Now, Policy, Profile, RefreshAhead, Saved,
    Secret, Storage, StoreError, Timestamp, TokenManager, TokenSet, TokenSpec, TransportError, Version,
    Waits,
};
use octo_auth_driver::{CallerAction, Due, JobGuard, KeyCell, Shared};
use octo_auth_system::Clock;
use rustix::time::{ClockId, clock_gettime};

/// A clock that a measurement moves, in milliseconds since its start.
#[derive(Default)]
pub(crate) struct HandClock(AtomicU64);

/// The longest of the calls that hold the lock, and their sum, in CPU time, which excludes other work of the machine.
#[derive(Default)]
pub(crate) struct Longest(Duration, Duration);

/// The behaviour of the token endpoint.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Up,
    Unreachable,
    GrantDead,
}

pub(crate) struct World {
    pub(crate) shared: Arc<Shared>,
    pub(crate) clock: Arc<HandClock>,
    pub(crate) endpoint: Endpoint,
    pub(crate) store_is_down: bool,
    pub(crate) requests: u64,
    versions: u64,
    profile: Profile,
}

impl Clock for HandClock {
    fn now(&self) -> Now {
        let passed = Duration::from_millis(self.0.load(Ordering::Relaxed));
        let wall = Timestamp::from_unix_seconds(1_790_000_000).saturating_add(passed);
        Now { wall, boot: Duration::from_secs(1000) + passed }
    }
}

impl HandClock {
    pub(crate) fn pass(&self, time: Duration) {
        let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.0.fetch_add(millis, Ordering::Relaxed);
    }
}

/// Returns the CPU time that this thread has used.
pub(crate) fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

impl Longest {
    /// Makes a call and measures it.
    pub(crate) fn of<R>(&mut self, call: impl FnOnce() -> R) -> R {
        let begun = cpu();
        let result = black_box(call());
        let took = cpu() - begun;
        (self.0, self.1) = (self.0.max(took), self.1 + took);
        result
    }

    /// Returns the time of the longest call.
    pub(crate) fn longest(&self) -> Duration {
        self.0
    }

    /// Returns the total time of all calls.
    pub(crate) fn sum(&self) -> Duration {
        self.1
    }
}

pub(crate) fn key(number: usize) -> TokenSpec {
    TokenSpec::account(&format!("hotel-{number:07}"))
}

impl World {
    pub(crate) fn new(storage: Storage, policy: Policy) -> Result<Self> {
        let profile = Profile::rfc6749("https://server.example.com/token")?;
        let client = Self::client(&profile)?;
        let machine = TokenManager::new(client, policy, storage, &Entropy::from_bytes([7; 64]));
        let clock = Arc::new(HandClock::default());
        let shared = Shared::new(machine, clock.clone());
        let (endpoint, store_is_down) = (Endpoint::Up, false);
        Ok(Self { shared, clock, endpoint, store_is_down, requests: 0, versions: 0, profile })
    }

    fn client(profile: &Profile) -> Result<Client> {
        Ok(Client::new(profile.clone(), "client-1", "client-secret")?)
    }

    /// Returns the client with another secret.
    pub(crate) fn other_client(&self) -> Result<Client> {
        Ok(Client::new(self.profile.clone(), "client-1", "another-secret")?)
    }

    pub(crate) fn tokens(&self, number: usize, lifetime: Duration) -> Result<TokenSet> {
        let token = AccessToken::new(format!("{number:0>256}")).context("no token")?;
        let refresh_token = Secret::from(format!("{number:0>34}"));
        let now = self.clock.now().wall;
        Ok(TokenSet::restore(&self.profile, token, now, Some(lifetime), Some(refresh_token)))
    }

    /// Signs accounts in; `lifetime` returns the lifetime of their tokens. Returns a handle of each.
    pub(crate) fn populate(
        &mut self,
        accounts: std::ops::Range<usize>,
        lifetime: impl Fn(usize) -> Duration,
        longest: &mut Longest,
    ) -> Result<Vec<Arc<KeyCell>>> {
        let mut cells = Vec::with_capacity(accounts.len());
        for number in accounts {
            let key = key(number);
            let imported = Imported::Tokens(self.tokens(number, lifetime(number))?);
            let cell = longest.of(|| self.shared.acquire(&key))?;
            let guard = longest.of(|| self.shared.import(&key, imported))?;
            guard.into_iter().for_each(|guard| self.run(guard, longest));
            cells.push(cell);
        }
        Ok(cells)
    }

    pub(crate) fn ask(&mut self, cell: &KeyCell, longest: &mut Longest) -> CallerAction {
        let boot = self.clock.now().boot;
        let mut caller = Caller::new(Waits::Until(boot));
        longest.of(|| self.shared.ask(cell, &mut caller))
    }

    /// Runs a request to its end.
    pub(crate) fn run(&mut self, mut guard: JobGuard, longest: &mut Longest) {
        while let Some((job, now)) = longest.of(|| guard.begin()) {
            let report = match job {
                Job::Save(job) if self.store_is_down => job.saved(Err(StoreError::new("down"))),
                Job::Save(job) => {
                    self.versions += 1;
                    job.saved(Ok(Saved::Done(Version(self.versions))))
                }
                Job::Load(job) => job.loaded(Ok(None)),
                Job::Claim(job) => job.claimed(Ok(Claimed::Granted)),
                Job::Release(job) => job.released(),
                Job::Send(job) => {
                    self.requests += 1;
                    let number = self.requests;
                    let (status, body) = match self.endpoint {
                        Endpoint::Unreachable => {
                            let report = job.failed(TransportError::not_sent("connection refused"), now);
                            longest.of(|| guard.report(report));
                            continue;
                        }
                        Endpoint::GrantDead => (400, r#"{"error":"invalid_grant"}"#.to_owned()),
                        Endpoint::Up => (
                            200,
                            format!(
                                r#"{{"access_token":"{number:1>256}","token_type":"bearer","expires_in":3600,"refresh_token":"{number:1>34}"}}"#
                            ),
                        ),
                    };
                    let response =
                        Response::builder().status(status).header("content-type", "application/json");
                    job.answered(&response.body(body).unwrap_or_default(), now, now)
                }
            };
            longest.of(|| guard.report(report));
        }
        longest.of(|| drop(guard));
    }

    /// Polls for due accounts until there are none. Returns the count.
    pub(crate) fn poll(&mut self, which: RefreshAhead, longest: &mut Longest) -> u64 {
        let mut count = 0;
        while let Due::Run(guard) = longest.of(|| self.shared.poll_due(which)) {
            count += 1;
            self.run(guard, longest);
        }
        count
    }
}

/// Returns a seeded permutation of this count of numbers.
pub(crate) fn shuffled(count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for place in (1..count).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        order.swap(place, usize::try_from((state >> 33) % (place as u64 + 1)).unwrap_or(0));
    }
    order
}
