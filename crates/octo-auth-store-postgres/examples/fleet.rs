//! Eight processes share one account through PostgreSQL or Redis. Its refresh token rotates, and the server revokes all
//! tokens if it is sent twice.
//!
//! ```sh
//! cargo run --package octo-auth-store-postgres --example fleet -- --postgres postgres://user@host/db
//! cargo run --package octo-auth-store-postgres --example fleet -- --redis redis://host/
//! ```
//!
//! The example starts the token server itself, advances its own clock by 20 hours, and prints what happened. It uses
//! the schema `octo_auth_example`, or keys that contain this name, and does not remove them.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::io::{BufRead, BufReader, Write, stdin};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use octo_auth_async::{Store, TokenManager};
use octo_auth_core::{
    Claimed, Client, Imported, Now, Profile, RecordBytes, RecordName, Saved, Secret, Storage, StoreError,
    Stored, TokenSpec, Version,
};
use octo_auth_emulator::Emulator;
use octo_auth_emulator::generic::{DEMO_CLIENT_ID, DEMO_CLIENT_SECRET};
use octo_auth_store_postgres::{Options, PostgresStore};
use octo_auth_store_redis::RedisStore;
use octo_auth_system::{Clock, SystemClock};

const PROCESSES: usize = 8;

/// The count of simulated hours. The access token expires after each.
const HOURS: u64 = 20;

type Failed = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failed> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["--postgres" | "--redis", url] => fleet(url).await,
        ["--process", url, tokens] => process(url, tokens).await,
        _ => Err("usage: fleet --postgres URL | --redis URL".into()),
    }
}

fn client(tokens: &str) -> Result<Client, Failed> {
    Ok(Client::new(Profile::rfc6749(tokens)?, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET)?)
}

/// Opens the store at a URL of either engine.
async fn opened(url: &str, conflicts: &Arc<AtomicU64>) -> Result<Counted, Failed> {
    let store: Box<dyn Store> = if url.starts_with("redis") {
        let options = octo_auth_store_redis::Options::default().prefix("octo_auth_example");
        Box::new(RedisStore::connect(redis::Client::open(url)?, options)?)
    } else {
        let options = Options::default().schema("octo_auth_example");
        let store = PostgresStore::connect(url.parse()?, options)?;
        store.migrate().await?;
        Box::new(store)
    };
    Ok(Counted { store, conflicts: conflicts.clone() })
}

async fn fleet(url: &str) -> Result<(), Failed> {
    let emulator = Emulator::start()?;
    let tokens = format!("{}/token", emulator.base("auth.example"));
    let store = opened(url, &Arc::default()).await?;
    let manager = TokenManager::builder(client(&tokens)?).store(store).build()?;
    let granted = emulator.generic().grant_refresh_token(DEMO_CLIENT_ID, &["read"])?;
    manager.tokens(TokenSpec::account("inn"))?.import(Imported::RefreshToken(Secret::from(granted))).await?;
    let mut processes: Vec<Process> =
        (0..PROCESSES).map(|_| Process::start(url, &tokens)).collect::<Result<_, _>>()?;
    let (mut conflicts, mut last, mut renewals) = (0, String::new(), 0);
    for _ in 0..HOURS {
        for process in &mut processes {
            writeln!(process.asks, "an hour later")?;
        }
        for process in &mut processes {
            let (token, met) = process.answer()?;
            renewals += u64::from(token != last);
            conflicts += met;
            last = token;
        }
    }
    let requests = emulator.log().iter().filter(|entry| entry.path.ends_with("/token")).count();
    let revoked = emulator.generic().families_revoked();
    println!(
        "{PROCESSES} processes, {HOURS} hours: {requests} requests, {renewals} renewals, {conflicts} conflicts"
    );
    println!("{revoked} token families revoked");
    Ok(())
}

/// A process of the fleet, as seen by the first one.
struct Process {
    child: Child,
    asks: ChildStdin,
    says: BufReader<ChildStdout>,
}

impl Process {
    fn start(url: &str, tokens: &str) -> Result<Self, Failed> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["--process", url, tokens]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let asks = child.stdin.take().ok_or("no input")?;
        let says = BufReader::new(child.stdout.take().ok_or("no output")?);
        Ok(Self { child, asks, says })
    }

    /// Returns the token it obtained, and the count of conflicts meanwhile.
    fn answer(&mut self) -> Result<(String, u64), Failed> {
        let mut line = String::new();
        self.says.read_line(&mut line)?;
        let (token, conflicts) = line.trim_end().split_once(' ').ok_or("a process has ended, see above")?;
        Ok((token.to_owned(), conflicts.parse()?))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs one process: for each line of its input an hour has passed, and it needs a token.
async fn process(url: &str, tokens: &str) -> Result<(), Failed> {
    let (hours, conflicts) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let store = opened(url, &conflicts).await?;
    let manager = TokenManager::builder(client(tokens)?).store(store).clock(Later(hours.clone())).build()?;
    let account = manager.tokens(TokenSpec::account("inn"))?;
    for line in stdin().lines() {
        line?;
        hours.fetch_add(1, Ordering::Relaxed);
        let token = account.get().await?;
        println!("{} {}", token.access_token().expose(), conflicts.swap(0, Ordering::Relaxed));
    }
    Ok(())
}

/// The machine's clocks, advanced by some hours.
struct Later(Arc<AtomicU64>);

impl Clock for Later {
    fn now(&self) -> Now {
        let (now, later) = (SystemClock.now(), Duration::from_secs(3700 * self.0.load(Ordering::Relaxed)));
        Now { wall: now.wall.saturating_add(later), boot: now.boot + later }
    }
}

/// The store, with its conflicts counted.
struct Counted {
    store: Box<dyn Store>,
    conflicts: Arc<AtomicU64>,
}

#[async_trait]
impl Store for Counted {
    fn storage(&self) -> Storage {
        self.store.storage()
    }

    async fn load(&self, name: &RecordName) -> Result<Option<Stored>, StoreError> {
        self.store.load(name).await
    }

    async fn compare_and_swap(
        &self,
        name: &RecordName,
        expected: Option<Version>,
        content: &RecordBytes,
    ) -> Result<Saved, StoreError> {
        let saved = self.store.compare_and_swap(name, expected, content).await?;
        self.conflicts.fetch_add(u64::from(matches!(saved, Saved::Conflict(_))), Ordering::Relaxed);
        Ok(saved)
    }

    async fn claim(&self, name: &RecordName, owner: &str, ttl: Duration) -> Result<Claimed, StoreError> {
        self.store.claim(name, owner, ttl).await
    }

    async fn release(&self, name: &RecordName, owner: &str) -> Result<(), StoreError> {
        self.store.release(name, owner).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<RecordName>, StoreError> {
        self.store.list(prefix).await
    }
}
