//! Processes that share one registration with PostgreSQL or Redis.

#![cfg(all(unix, feature = "adapters"))]
#![expect(clippy::print_stdout, reason = "a test that is left out says so")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use octo_auth_core::{Policy, Scopes, Store, TokenSpec};
use octo_auth_engines::{Postgres, Redis};
use octo_auth_store_file::FileStore;
use octo_auth_store_postgres::blocking::{Pool, PostgresStore};
use octo_auth_store_postgres::{Options, Parameter, PoolError};
use octo_auth_store_redis::blocking::RedisStore;
use octo_auth_tests::file_store::Folder;
use octo_auth_tests::file_store::process::Process;
use octo_auth_tests::registration::sound;
use octo_auth_tests::rotation::RotatingServer;
use octo_auth_tests::socket::Socket;

/// A server of records, which ends when dropped, and a function that opens a store there for a process.
type Engine = (Box<dyn std::any::Any>, Box<dyn Fn() -> Arc<dyn Store>>);

/// Starts both servers. Their stores send no change notices, so processes find changes only when they poll.
fn engines() -> Vec<Engine> {
    if !Postgres::is_installed() || !Redis::is_installed() {
        println!("skipped: it needs PostgreSQL and Redis");
        return Vec::new();
    }
    let (postgres, redis) = (sound(Postgres::start()), sound(Redis::start()));
    let (database, url) = (postgres.url(), redis.url());
    let in_postgres = move || -> Arc<dyn Store> {
        let options = octo_auth_store_postgres::Options::default().without_notices();
        let store = sound(PostgresStore::connect(sound(database.parse()), options));
        sound(store.migrate());
        Arc::new(store)
    };
    let in_redis = move || -> Arc<dyn Store> {
        let client = sound(redis::Client::open(url.as_str()));
        Arc::new(sound(RedisStore::connect(client, octo_auth_store_redis::Options::default())))
    };
    vec![(Box::new(postgres), Box::new(in_postgres)), (Box::new(redis), Box::new(in_redis))]
}

/// The processes of the registration, each of which gets a different token.
const PROCESSES: u8 = 40;

/// The count of requests that the provider accepts in 60 s, like OfficeRND.
const LIMIT: usize = 5;

/// The step of all clocks.
const STEP: Duration = Duration::from_secs(11);

const TOKEN: &[u8] = br#"{"access_token":"at","token_type":"Bearer","expires_in":3600}"#;

#[test]
fn forty_processes_that_start_together_keep_the_limit_of_their_registration_and_all_are_served() {
    for (_server, open) in engines() {
        let provider = Socket::responding("200 OK", &["Content-Type: application/json"], TOKEN);
        let url = format!("http://{}", provider.address());
        let start = |seed| {
            let policy = sound(Policy::default().with_request_limit(LIMIT as u32));
            let key = TokenSpec::client_credentials(&sound(Scopes::parse(&format!("scope-{seed}"))));
            (Process::with_policy(open(), &url, seed, policy), key)
        };
        let mut waiting: Vec<(Process, TokenSpec)> = (1..=PROCESSES).map(start).collect();
        let mut sent: Vec<Duration> = Vec::new();
        let mut now = Duration::ZERO;
        while !waiting.is_empty() {
            assert!(now < Duration::from_secs(1200), "{} processes were not served", waiting.len());
            waiting.retain_mut(|(process, key)| process.get_for(key).is_err());
            sent.resize(provider.requests().len(), now);
            waiting.iter_mut().for_each(|(process, _)| process.pass(STEP));
            now += STEP;
        }
        assert_eq!(sent.len(), usize::from(PROCESSES));
        assert_limit(&sent);
    }
}

/// Asserts that no minute has more requests than the limit.
fn assert_limit(sent: &[Duration]) {
    for window in sent.windows(LIMIT + 1) {
        let apart = window[LIMIT] - window[0];
        assert!(apart >= Duration::from_secs(60), "{} requests in {apart:?}: {sent:?}", LIMIT + 1);
    }
}

#[test]
fn sixteen_processes_that_cron_starts_every_ten_minutes_on_one_directory_keep_the_limit() {
    const TEN_MINUTES: Duration = Duration::from_secs(600);
    let folder = Folder::new();
    let token = br#"{"access_token":"at","token_type":"Bearer","expires_in":300}"#;
    let provider = Socket::responding("200 OK", &["Content-Type: application/json"], token);
    let url = format!("http://{}", provider.address());
    let mut sent: Vec<Duration> = Vec::new();
    for run in 0..10_u8 {
        let mut now = TEN_MINUTES * u32::from(run);
        let start = |number: u8| {
            let policy = sound(Policy::default().with_request_limit(LIMIT as u32));
            let store: Arc<dyn Store> = Arc::new(sound(FileStore::open(folder.path())));
            let mut process = Process::with_policy(store, &url, 1 + 16 * run + number, policy);
            process.pass(now);
            (process, TokenSpec::client_credentials(&sound(Scopes::parse(&format!("scope-{number}")))))
        };
        let mut waiting: Vec<(Process, TokenSpec)> = (0..16).map(start).collect();
        while !waiting.is_empty() {
            assert!(now < TEN_MINUTES * u32::from(run + 1), "{} processes were not served", waiting.len());
            waiting.retain_mut(|(process, key)| process.get_for(key).is_err());
            sent.resize(provider.requests().len(), now);
            waiting.iter_mut().for_each(|(process, _)| process.pass(STEP));
            now += STEP;
        }
    }
    assert_eq!(sent.len(), 160, "each run renews each of the 16 tokens");
    assert_limit(&sent);
}

#[test]
fn without_a_notice_another_process_sees_a_new_token_and_a_new_sign_in_within_a_minute() {
    for (_server, open) in engines() {
        let provider = RotatingServer::start();
        let url = format!("http://{}", provider.address());
        let [mut one, mut two] = [1, 2].map(|seed| Process::start(open(), &url, seed));
        one.sign_in(&provider.sign_in("inn"));
        let first = sound(one.get());
        assert_eq!(sound(two.get()), first);
        one.pass(Duration::from_secs(3700));
        let second = sound(one.get());
        assert_ne!(second, first);
        // Its token has expired, and the store has a newer one: it sends nothing.
        two.pass(Duration::from_secs(3700));
        assert_eq!(sound(two.get()), second);
        assert_eq!(provider.renewals("inn"), Some(2));
        one.sign_in(&provider.sign_in("inn"));
        let third = sound(one.get());
        two.pass(Duration::from_secs(60));
        let seen = [sound(two.get()), sound(two.get())];
        assert_eq!(seen[1], third, "{seen:?} after {second}");
    }
}

/// The program's connection, with its statements counted.
struct Counted(Mutex<postgres::Client>, Arc<AtomicUsize>);

impl Pool for Counted {
    fn send(&self, statement: &str, parameters: &[Parameter<'_>]) -> Result<Vec<postgres::Row>, PoolError> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.send(statement, parameters)
    }
}

#[test]
fn a_renewal_takes_five_statements_and_a_token_in_memory_none() {
    if !Postgres::is_installed() {
        println!("skipped: it needs PostgreSQL");
        return;
    }
    let (server, provider) = (sound(Postgres::start()), RotatingServer::start());
    let client = sound(postgres::Client::connect(&server.url(), postgres::NoTls));
    let count = Arc::new(AtomicUsize::new(0));
    let store = sound(PostgresStore::over(Counted(Mutex::new(client), count.clone()), Options::default()));
    sound(store.migrate());
    let mut process = Process::start(store, &format!("http://{}", provider.address()), 1);
    process.sign_in(&provider.sign_in("inn"));
    sound(process.get());
    let statements = |process: &mut Process| {
        let before = count.load(Ordering::Relaxed);
        sound(process.get());
        count.load(Ordering::Relaxed) - before
    };
    assert_eq!(statements(&mut process), 0);
    process.pass(Duration::from_secs(3700));
    // A claim, a read, the mark of the request, its outcome, and the release.
    assert_eq!(statements(&mut process), 5);
}
