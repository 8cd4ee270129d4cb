//! Reading a token answer: what the tolerant reading costs beside plain serde_json and beside `oauth2`.
//!
//! Medians of several rounds, the ways taking turns. With a word as argument one way alone is repeated, for a count of
//! instructions.

use std::hint::black_box;
use std::time::{Duration, Instant};

use http::Response;
use oauth2::basic::BasicTokenResponse;
use octo_auth_core::{
    Accounts, Body, Client, Entropy, Exchange, Job, Key, Now, Policy, Profile, RecordBytes, Saved, Scopes,
    Secret, Storage, Timestamp, TokenSet, Verdict, Version,
};
use serde::Deserialize;

/// How often each way is taken in a round.
const CALLS: u32 = 20_000;

/// How often a way is taken when its instructions are counted.
const INSTRUCTIONS: u32 = 1000;

/// How many rounds are measured.
const ROUNDS: usize = 31;

/// The most that a reading may cost, as a multiple of the floor.
const TARGET: f64 = 1.5;

/// The least that `oauth2` must cost, as a multiple of ours.
const LEAD: f64 = 1.8;

/// The most blocks of memory that a clean answer may take.
const ALLOCATIONS: u64 = 3;

type Failure = Box<dyn std::error::Error>;

/// The floor: the members of a clean answer, borrowed, with nothing checked.
#[derive(Deserialize)]
#[allow(dead_code, reason = "reading it is what is measured")]
struct Borrowed<'a> {
    access_token: &'a str,
    refresh_token: Option<&'a str>,
    #[serde(alias = "type")]
    token_type: Option<&'a str>,
    expires_in: Option<u64>,
    #[serde(rename = "expireDate")]
    expire_date: Option<&'a str>,
    scope: Option<&'a str>,
}

/// A clean answer of a provider, and the exchange that reads it.
struct Sample {
    name: &'static str,
    response: Response<Vec<u8>>,
    exchange: Box<dyn Fn() -> Exchange<TokenSet>>,
}

fn main() -> Result<(), Failure> {
    let samples = samples()?;
    if let Some(word) = std::env::args().nth(1) {
        count(&samples, &word);
        return Ok(());
    }
    let mut met = true;
    for sample in &samples {
        met &= sample.compare();
    }
    if !met {
        std::process::exit(1);
    }
    Ok(())
}

/// Repeats one way, for a count of its instructions: `renewal`, or the name of a sample, alone or after `floor-`.
fn count(samples: &[Sample], word: &str) {
    if word == "renewal" {
        let mut world = World::new();
        (0..INSTRUCTIONS).for_each(|_| world.renew());
    }
    for sample in samples {
        if word == format!("floor-{}", sample.name) {
            (0..INSTRUCTIONS).for_each(|_| sample.floor());
        }
        // The exchanges are built for `build-` too, whose instructions are to be subtracted.
        let exchanges = || (0..INSTRUCTIONS).map(|_| (sample.exchange)());
        if word == sample.name {
            exchanges().for_each(|exchange| sample.read(exchange));
        }
        if word == format!("build-{}", sample.name) {
            exchanges().for_each(|exchange| drop(black_box(exchange)));
        }
    }
}

impl Sample {
    fn new(
        name: &'static str,
        body: &str,
        exchange: impl Fn() -> Exchange<TokenSet> + 'static,
    ) -> Result<Self, Failure> {
        let head = Response::builder()
            .header("date", "Thu, 01 Jan 2026 00:00:01 GMT")
            .header("content-type", "application/json;charset=UTF-8")
            .header("content-length", body.len())
            .header("cache-control", "no-store")
            .header("pragma", "no-cache")
            .header("server", "nginx");
        Ok(Self { name, response: head.body(body.into())?, exchange: Box::new(exchange) })
    }

    #[inline(never)]
    fn floor(&self) {
        black_box(
            serde_json::from_slice::<Borrowed<'_>>(black_box(self.response.body())).expect("a clean answer"),
        );
    }

    #[inline(never)]
    fn read(&self, exchange: Exchange<TokenSet>) {
        let answer = exchange.finish(black_box(&self.response), sent(), received()).expect("a clean answer");
        assert!(answer.deviations.is_empty(), "{:?}", answer.deviations);
        black_box(&answer);
    }

    /// As `oauth2` reads it, where it can.
    #[inline(never)]
    fn peer(&self) -> bool {
        let mut reader = serde_json::Deserializer::from_slice(black_box(self.response.body()));
        let read: Result<BasicTokenResponse, _> = serde_path_to_error::deserialize(&mut reader);
        black_box(&read).is_ok()
    }

    /// Prints the ways side by side. Returns whether the targets are met.
    fn compare(&self) -> bool {
        let (mut floor, mut built, mut ours, mut peer) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            floor.push(timed(|| (0..CALLS).for_each(|_| self.floor())));
            // An answer uses its exchange up: what building one takes, and wiping it, is subtracted.
            let exchanges = || (0..CALLS).map(|_| (self.exchange)());
            built.push(timed(|| exchanges().for_each(|exchange| drop(black_box(exchange)))));
            ours.push(timed(|| exchanges().for_each(|exchange| self.read(exchange))));
            peer.push(timed(|| {
                (0..CALLS).for_each(|_| {
                    self.peer();
                });
            }));
        }
        let (floor, ours, peer) = (median(floor), median(ours) - median(built), median(peer));
        let exchange = (self.exchange)();
        let blocks = allocation_counter::measure(|| self.read(exchange)).count_total;
        let of_peer = allocation_counter::measure(|| {
            self.peer();
        })
        .count_total;
        println!("{}, {} bytes:", self.name, self.response.body().len());
        println!("  floor   {floor:7.0} ns");
        println!("  ours    {ours:7.0} ns   {:5.2} x floor   {blocks} allocations", ours / floor);
        let is_read = self.peer();
        let note = if is_read { "" } else { ", which it refuses" };
        println!("  oauth2  {peer:7.0} ns   {:5.2} x ours    {of_peer} allocations{note}", peer / ours);
        let met = ours <= TARGET * floor && blocks <= ALLOCATIONS && (!is_read || peer >= LEAD * ours);
        if !met {
            println!("  MISSED");
        }
        met
    }
}

fn samples() -> Result<Vec<Sample>, Failure> {
    let access_token = "a1".repeat(64);
    let octorate = Client::new(Profile::octorate(), "id", "secret")?;
    let octotable = Client::new(Profile::octotable(), "id", "secret")?;
    let officernd = Client::new(Profile::officernd(), "id", "secret")?;
    let scopes = Scopes::parse("flex.community.members.read flex.billing.fees.read")?;
    Ok(vec![
        Sample::new(
            "octorate",
            &format!(
                r#"{{"access_token":"{access_token}","refresh_token":"{}","expireDate":"2026-01-02T00:00:00.000Z"}}"#,
                "b2".repeat(32),
            ),
            move || octorate.refresh(&Secret::from("the refresh token before")).expect("a request"),
        )?,
        Sample::new(
            "octotable",
            &format!(r#"{{"access_token":"{access_token}","expires_in":86400,"type":"Bearer"}}"#),
            move || octotable.client_credentials(&Scopes::none()).expect("a request"),
        )?,
        Sample::new(
            "officernd",
            &format!(
                r#"{{"access_token":"{access_token}","token_type":"Bearer","expires_in":3599,"scope":"{scopes}"}}"#
            ),
            move || officernd.client_credentials(&scopes).expect("a request"),
        )?,
    ])
}

/// A machine with a private store and one signed-in account.
struct World {
    accounts: Accounts,
    key: Key,
    now: Now,
    version: u64,
    renewals: u32,
}

impl World {
    fn new() -> Self {
        let profile = Profile::rfc6749("https://login.example/token").expect("a profile");
        let client = Client::new(profile, "id", "secret").expect("a client");
        let entropy = Entropy::from_bytes([7; 64]);
        let accounts = Accounts::new(client, Policy::default(), Storage::SingleProcess, &entropy);
        let mut world = Self { accounts, key: Key::account("hotel"), now: sent(), version: 0, renewals: 0 };
        let first = world.accounts.decide(&world.key, world.now).verdict;
        world.carry(first);
        let brought = octo_auth_core::Adopted::RefreshToken(Secret::from("the first refresh token"));
        let mut next = world.accounts.adopt(&world.key, brought, world.now).expect("a sign-in");
        while let Some(job) = next {
            next = world.step(job);
        }
        world
    }

    /// One renewal, from the caller who needs another token to the one who gets it.
    #[inline(never)]
    fn renew(&mut self) {
        let later = Duration::from_secs(7200);
        self.now = Now { wall: self.now.wall.saturating_add(later), boot: self.now.boot + later };
        let verdict = self.accounts.decide(&self.key, self.now).verdict;
        self.carry(verdict);
        let served = self.accounts.decide(&self.key, self.now).verdict;
        assert!(matches!(served, Verdict::Use(_)), "{served:?}");
    }

    fn carry(&mut self, verdict: Verdict) {
        let mut next = match verdict {
            Verdict::UseAndRun(_, job) | Verdict::Run(job) => Some(job),
            _ => None,
        };
        while let Some(job) = next {
            next = self.step(job);
        }
    }

    fn step(&mut self, job: Job) -> Option<Job> {
        let report = match job {
            Job::Load(job) => job.loaded(Ok(None)),
            Job::Save(job) => {
                self.version += 1;
                let content: &RecordBytes = job.content();
                black_box(content);
                job.saved(Ok(Saved::Done(Version(self.version))))
            }
            Job::Send(job) => {
                self.renewals += 1;
                let body = format!(
                    r#"{{"access_token":"{:0128}","token_type":"Bearer","expires_in":3600,"refresh_token":"{:064}"}}"#,
                    self.renewals, self.renewals
                );
                let response = Response::builder()
                    .header("content-type", "application/json")
                    .header("cache-control", "no-store")
                    .body(Body::from(body.as_str()))
                    .expect("a response");
                job.answered(&response, self.now, self.now)
            }
            other => other.abandon(),
        };
        self.accounts.report(report, self.now)
    }
}

fn sent() -> Now {
    Now { wall: Timestamp::from_unix_seconds(1_767_225_600), boot: Duration::from_secs(1000) }
}

fn received() -> Now {
    Now { wall: Timestamp::from_unix_seconds(1_767_225_601), boot: Duration::from_secs(1001) }
}

fn timed(way: impl FnOnce()) -> f64 {
    let begun = Instant::now();
    way();
    (Instant::now() - begun).as_secs_f64() * 1e9 / f64::from(CALLS)
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
