//! The work of a child: one operation on a store, between two marks that `strace` sees, and then a report.

use std::fs;
use std::io::{Write, stdin, stdout};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use http::{Request, Response};
use octo_auth_blocking::{TokenManager, TokenSource, Transport};
use octo_auth_core::{
    Body, Client, Imported, Now, Profile, RecordBytes, RecordName, Saved, Scopes, Secret, Store, StoreError,
    TokenSpec, TransportError, Version,
};
use octo_auth_store_file::{FileStore, FileStoreError};
use octo_auth_system::{Clock, SystemClock};
use serde_json::{Value, json};

use super::process::{Process, record, strict_client};
use super::trace::MARKS;
use crate::fleet::{self, opened};
use crate::registration::sound;

/// The count of letters in the largest record that a child writes.
const LONG: usize = 20_000;

/// The duration of a claim.
pub const LEASE: Duration = Duration::from_secs(600);

/// The letters of a secret that is nowhere in plain text before it is assembled.
const HIDDEN: [u8; 32] = *b"LOOK-FOR-THIS-MARKER-IN-MEMORY--";

/// Does what the arguments say. Returns the report to print.
///
/// # Panics
///
/// Panics if the arguments are not those of a child.
#[must_use]
pub fn run(arguments: &[&str]) -> Value {
    match *arguments {
        ["save", folder, expected, letter] => save(&store(folder), expected.parse().ok(), letter),
        ["claim", folder, owner] => claim(&store(folder), owner),
        ["keep", folder] => keep(Path::new(folder)),
        ["renew", folder, url] => renew(folder, url),
        ["heap", folder] => heap(folder),
        ["panic", secret] => panicking(secret),
        ["count", folder, changes, how] => count(folder, changes, how),
        ["rotate", address, url, ahead] => rotate(address, url, ahead),
        _ => panic!("{arguments:?}"),
    }
}

/// Asks for a token with a transport that panics with all its data in the message. Returns the error.
fn panicking(secret: &str) -> Value {
    struct Panicking(Client);
    impl Transport for Panicking {
        fn send(&self, request: &Request<Body>, _: Duration) -> Result<Response<Body>, TransportError> {
            panic!("{request:?} {:?}", self.0)
        }
    }
    let profile = sound(Profile::rfc6749("https://as.example/token"));
    let client = sound(Client::new(profile, "me", secret));
    let manager = TokenManager::builder(client.clone()).transport(Panicking(client)).build();
    let tokens = sound(sound(manager).tokens(TokenSpec::client_credentials(&Scopes::none())));
    json!(tokens.get().map_err(|failure| format!("{failure} {failure:?}")).err())
}

/// Returns the name of the record that children save.
#[must_use]
pub fn name() -> RecordName {
    record("http://127.0.0.1:1")
}

/// Returns a long content of one repeated letter.
#[must_use]
pub fn content(letter: &str) -> RecordBytes {
    RecordBytes::from(letter.repeat(LONG).into_bytes())
}

/// Returns the result of a change, as facts.
#[must_use]
pub fn outcome(saved: &Result<Saved, StoreError>) -> Value {
    match saved {
        Ok(Saved::Done(version)) => json!({"outcome": "stored", "version": version.0}),
        Ok(Saved::Conflict(stored)) => {
            json!({"outcome": "conflict", "version": stored.as_ref().map(|stored| stored.version.0)})
        }
        Err(error) => failed(error),
    }
}

/// Returns an error as facts.
#[must_use]
pub fn failed(error: &StoreError) -> Value {
    let own = FileStoreError::of(error);
    let text = own.map_or_else(|| error.to_string(), ToString::to_string);
    json!({"outcome": "error", "kind": own.map(FileStoreError::code), "text": text})
}

fn store(folder: &str) -> FileStore {
    sound(FileStore::open(folder))
}

/// Leaves a mark in the trace of system calls.
fn mark(place: usize) {
    let _ = fs::metadata(MARKS[place]);
}

fn save(store: &FileStore, expected: Option<u64>, letter: &str) -> Value {
    let (name, content) = (name(), content(letter));
    mark(0);
    let saved = store.compare_and_swap(&name, expected.map(Version), &content);
    mark(1);
    outcome(&saved)
}

fn claim(store: &FileStore, owner: &str) -> Value {
    let name = name();
    mark(0);
    let claimed = store.claim(&name, owner, LEASE);
    mark(1);
    claimed.map_or_else(|error| failed(&error), |claimed| json!({"outcome": format!("{claimed:?}")}))
}

/// Tests a sign-in whose save fails in the store: what is served meanwhile, and whether it is saved later.
fn keep(folder: &Path) -> Value {
    let url = "http://127.0.0.1:1";
    let mut process = Process::start(sound(FileStore::open(folder)), url, 1);
    process.import("AT1", "RT1");
    let before = files(folder);
    mark(0);
    process.import("AT2", "RT2");
    mark(1);
    let failure = process.failed.take();
    let (is_changed, served) = (files(folder) != before, process.get());
    process.pass(Duration::from_secs(60));
    let _ = process.get();
    process.save_all();
    let mut other = Process::start(sound(FileStore::open(folder)), url, 2);
    let mut facts = failure.as_ref().map_or(json!({"outcome": "stored"}), failed);
    facts["file_changed"] = is_changed.into();
    facts["served_from_memory"] = (served.ok().as_deref() == Some("AT2")).into();
    facts["retries_persist"] = (other.get().ok().as_deref() == Some("AT2")).into();
    facts
}

/// Returns the records in a folder.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = sound(fs::read_dir(folder));
    let mut files: Vec<PathBuf> = entries.map(|entry| sound(entry).path()).collect();
    files.retain(|file| file.extension().is_some_and(|ending| ending == "record"));
    files.sort();
    files.into_iter().map(|file| (file.clone(), fs::read(&file).unwrap_or_default())).collect()
}

/// Refreshes an account that another process has signed in.
fn renew(folder: &str, url: &str) -> Value {
    let mut process = Process::start(store(folder), url, 3);
    mark(0);
    let got = process.get();
    mark(1);
    json!({"token": got.ok()})
}

/// Counts a secret in this process's memory after all values with it were dropped.
fn heap(folder: &str) -> Value {
    // Far from the ends, where other libraries keep a copy of a block.
    let mut text = Vec::with_capacity(8 * HIDDEN.len());
    for place in 0..8 * HIDDEN.len() {
        text.push(if (64..96).contains(&place) { HIDDEN[place - 64] ^ 0x20 } else { b'.' });
    }
    let (content, store, name) = (RecordBytes::from(text), store(folder), name());
    sound(store.compare_and_swap(&name, None, &content));
    let stored = sound(sound(store.load(&name)).ok_or("no record"));
    sound(store.compare_and_swap(&name, Some(stored.version), &content));
    let while_held = count_in_memory();
    drop((content, stored, store));
    json!({"while_held": while_held, "occurrences": count_in_memory()})
}

/// Counts the secret in the memory that this process can write.
fn count_in_memory() -> usize {
    use std::os::unix::fs::FileExt;
    let maps = sound(fs::read_to_string("/proc/self/maps"));
    let memory = sound(fs::File::open("/proc/self/mem"));
    let mut chunk = vec![0; 1 << 16];
    let mut count = 0;
    for line in maps.lines().filter(|line| line.contains(" rw")) {
        let (from, to) =
            line.split_once(' ').and_then(|(range, _)| range.split_once('-')).unwrap_or_default();
        let [mut at, to] = [from, to].map(|place| u64::from_str_radix(place, 16).unwrap_or(0));
        while at < to {
            let wanted = usize::try_from(to - at).unwrap_or(usize::MAX).min(chunk.len());
            let Ok(read) = memory.read_at(&mut chunk[..wanted], at) else { break };
            count += count_in(&chunk[..read]);
            chunk.fill(0);
            at += read as u64;
        }
    }
    count
}

fn count_in(bytes: &[u8]) -> usize {
    let is_secret = |part: &[u8]| part.iter().zip(HIDDEN).all(|(byte, hidden)| *byte == hidden ^ 0x20);
    bytes.windows(HIDDEN.len()).filter(|part| is_secret(part)).count()
}

/// The clocks of the machine, ahead by the count of seconds in a file, so that the clocks of all processes move
/// together.
#[derive(Clone)]
struct Ahead(Arc<fs::File>);

impl Clock for Ahead {
    fn now(&self) -> Now {
        use std::os::unix::fs::FileExt;
        let (now, mut seconds) = (SystemClock.now(), [0; 8]);
        sound(self.0.read_exact_at(&mut seconds, 0));
        let ahead = Duration::from_secs(u64::from_ne_bytes(seconds));
        Now { wall: now.wall.saturating_add(ahead), boot: now.boot + ahead }
    }
}

/// Answers each line of its input: `get` asks for a token of each account at the same time, any other line is the number
/// of an account and a refresh token for its sign-in.
fn rotate(address: &str, url: &str, ahead: &str) -> Value {
    let clock = Ahead(Arc::new(sound(fs::File::open(ahead))));
    let manager = TokenManager::builder(strict_client(url)).store(opened(address)).clock(clock);
    let manager = sound(manager.build());
    let accounts: Vec<TokenSource> =
        (0..fleet::ACCOUNTS).map(|number| sound(manager.tokens(fleet::account(number)))).collect();
    for line in stdin().lines() {
        let line = sound(line);
        let answer = match line.split_once(' ') {
            None => got(&accounts).join("\t"),
            Some((number, refresh_token)) => {
                let refresh_token = Imported::RefreshToken(Secret::from(refresh_token));
                let imported = accounts[sound(number.parse::<usize>())].import(refresh_token);
                imported.map_or_else(|error| format!("failed {error}"), |()| "signed in".to_owned())
            }
        };
        sound(writeln!(stdout(), "{answer}"));
    }
    Value::Null
}

/// Asks for a token of each account at the same time. Returns the answers when nothing is in flight any more: the fleet
/// then moves all clocks by an hour, and a request that is in flight for an hour counts as lost.
fn got(accounts: &[TokenSource]) -> Vec<String> {
    let got = |tokens: &TokenSource| {
        let got = match tokens.get() {
            Ok(token) => format!("token {}", token.access_token().expose()),
            Err(failure) => {
                let why = tokens.explain().replace('\n', " ");
                format!("failed {}: {why} {}", failure.code(), failure.remedy().word())
            }
        };
        while tokens.status().is_some_and(|status| status.in_flight) {
            thread::yield_now();
        }
        got
    };
    thread::scope(|scope| {
        let asked: Vec<_> = accounts.iter().map(|tokens| scope.spawn(move || got(tokens))).collect();
        asked.into_iter().map(|asked| asked.join().unwrap_or_else(|_| panic!("a caller panicked"))).collect()
    })
}

/// Changes a record this count of times, whatever its version is. Returns the count of successful changes.
fn count(folder: &str, changes: &str, how: &str) -> Value {
    let options = FileStore::options();
    let options = if how == "shared" { options.shared_by_computers() } else { options };
    let (store, name, changes) = (sound(options.open(folder)), name(), sound(changes.parse::<u32>()));
    let mut done = 0;
    while done < changes {
        let version = store.load(&name).ok().flatten().map(|stored| stored.version);
        done +=
            u32::from(matches!(store.compare_and_swap(&name, version, &content("a")), Ok(Saved::Done(_))));
    }
    json!({"done": done})
}
