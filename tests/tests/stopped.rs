//! A process that is stopped while an answer arrives, for longer than the deadline of its exchange, loses no consent.
//!
//! For a long run: `OCTO_AUTH_RENEWALS=1000 cargo test -p octo-auth-tests --test stopped`. A failed test prints its
//! seed.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "what a test builds on is sound, or the test fails")]

use std::env;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use octo_auth_core::{Imported, Now, Policy, Profile, Remedy, Secret, Token, TokenError, TokenSpec};
use octo_auth_system::{Clock, MemoryStore, SystemClock};
use octo_auth_tests::registration::{self, sound};
use octo_auth_tests::rotation::{LIFETIME, RotatingServer};

/// The shortest deadline that a policy permits.
const DEADLINE: Duration = Duration::from_secs(1);

/// The variable for the other process: its adapter, the address of the server, its refresh token and the count of
/// refreshes.
const ORDER: &str = "OCTO_AUTH_STOPPED";

/// The clocks of the machine, set ahead.
#[derive(Clone, Default)]
struct SetOn(Arc<AtomicU64>);

impl SetOn {
    fn by(&self, duration: Duration) {
        self.0.fetch_add(duration.as_secs() + 1, Ordering::SeqCst);
    }
}

impl Clock for SetOn {
    fn now(&self) -> Now {
        let (now, on) = (SystemClock.now(), Duration::from_secs(self.0.load(Ordering::SeqCst)));
        Now { wall: now.wall.saturating_add(on), boot: now.boot + on }
    }
}

/// Refreshes a token this count of times. Panics if a new sign-in is required.
fn renew(times: u32, clock: &SetOn, mut get: impl FnMut() -> Result<Token, TokenError>) {
    for _ in 0..times {
        clock.by(Duration::from_secs(LIFETIME.into()));
        while let Err(failure) = get() {
            assert_ne!(failure.remedy(), Remedy::SignInAgain, "{failure}");
            clock.by(failure.retry_after().unwrap_or_default());
        }
    }
}

/// The other process. Without its variable, this test does nothing.
#[test]
fn the_process_that_is_stopped() {
    let Ok(order) = env::var(ORDER) else { return };
    let order: Vec<&str> = order.split(' ').collect();
    let client = registration::with(sound(Profile::rfc6749(&format!("http://{}/token", order[1]))));
    let consent = Imported::RefreshToken(Secret::new(order[2]));
    let (times, clock, key) = (order[3].parse().unwrap(), SetOn::default(), TokenSpec::account("inn"));
    let policy = Policy::default().with_exchange_deadline(DEADLINE).unwrap();
    if order[0] == "async" {
        let builder = octo_auth_async::TokenManager::builder(client).clock(clock.clone()).policy(policy);
        let tokens = builder.store(MemoryStore::new()).build().unwrap().tokens(key).unwrap();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(tokens.import(consent)).unwrap();
        renew(times, &clock, || runtime.block_on(tokens.get()));
    } else {
        let builder = octo_auth_blocking::TokenManager::builder(client).clock(clock.clone()).policy(policy);
        let tokens = builder.store(MemoryStore::new()).build().unwrap().tokens(key).unwrap();
        tokens.import(consent).unwrap();
        renew(times, &clock, || tokens.get());
    }
}

/// Sends a signal to the process, if there is one.
fn signal(process: &Mutex<Option<Child>>, name: &str) {
    if let Some(child) = &*process.lock().unwrap() {
        assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
    }
}

/// Waits for the whole duration: the other process must stay stopped for longer than its deadline.
fn wait(duration: Duration) {
    let (_never, waiting) = channel::<()>();
    let _ = waiting.recv_timeout(duration);
}

/// Runs the other process to its end, and stops it at each answer for up to twice its deadline.
fn loses_no_consent(adapter: &str) {
    let times: u32 = env::var("OCTO_AUTH_RENEWALS").map_or(4, |times| times.parse().unwrap());
    let seed = SystemClock.now().boot.as_nanos() as u64 | 1;
    let (process, random) = (Arc::new(Mutex::new(None)), AtomicU64::new(seed));
    let stopped = process.clone();
    let server = RotatingServer::start_with(move || {
        // The first answer always stops it beyond its deadline, whatever the random number is.
        let next = random.load(Ordering::SeqCst).wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let is_first = random.swap(next, Ordering::SeqCst) == seed;
        let time =
            if is_first { DEADLINE * 2 } else { DEADLINE * 2 * u32::try_from(next >> 48).unwrap() / 65_536 };
        signal(&stopped, "-STOP");
        let stopped = stopped.clone();
        thread::spawn(move || {
            wait(time);
            signal(&stopped, "-CONT");
        });
    });
    let order = format!("{adapter} {} {} {times}", server.address(), server.sign_in("inn"));
    let child = Command::new(env::current_exe().unwrap())
        .args(["the_process_that_is_stopped", "--exact", "--nocapture"])
        .env(ORDER, order)
        .spawn()
        .unwrap();
    *process.lock().unwrap() = Some(child);
    let status = loop {
        if let Some(status) = process.lock().unwrap().as_mut().unwrap().try_wait().unwrap() {
            break status;
        }
        wait(Duration::from_millis(50));
    };
    *process.lock().unwrap() = None;
    assert!(status.success(), "{adapter}, seed {seed}: {status}");
    assert_eq!(server.renewals("inn"), Some(times), "{adapter}, seed {seed}");
}

#[test]
fn a_process_of_the_asynchronous_adapter_that_is_stopped_loses_no_consent() {
    loses_no_consent("async");
}

#[test]
fn a_process_of_the_blocking_adapter_that_is_stopped_loses_no_consent() {
    loses_no_consent("blocking");
}
