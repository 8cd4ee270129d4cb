//! A sparse registry on loopback: an index, uploads, downloads, and faults.
//!
//! It serves cargo like crates.io, keeps the uploads in memory, and logs each request with its token.

mod http;
mod upload;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result};
use serde_json::json;

use http::{Answer, Request};
use upload::Upload;
pub(crate) use upload::hex;

/// A fault of one upload.
#[derive(Debug, Clone)]
#[cfg_attr(not(test), expect(dead_code, reason = "the tests plant the others"))]
pub(crate) enum Fault {
    /// The connection ends without an answer, and nothing is stored.
    Cut,
    /// The connection ends without an answer, after the crate was stored.
    CutAfter,
    /// As `CutAfter`, and the index does not show the crate until it catches up.
    Late,
    /// The crate was stored, and the client gets no answer for as long as it waits. The sender reports it.
    Stuck(Sender<()>),
    /// The answer is 429 with this count of seconds in `Retry-After`.
    Throttle(u64),
    /// The answer is 403, as if the token had expired.
    Expired,
}

/// What a client gets.
enum Reply {
    Answer(Answer),
    /// The connection ends without an answer.
    Cut,
    /// The connection stays open without an answer until the client ends it.
    Stuck(Sender<()>),
}

/// A request in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) token: Option<String>,
}

#[derive(Default)]
struct State {
    token: String,
    /// Lines of the index by crate, and files by crate and version.
    index: BTreeMap<String, Vec<String>>,
    files: BTreeMap<(String, String), Vec<u8>>,
    /// The faults by the number of the upload, from 1.
    faults: BTreeMap<usize, Fault>,
    uploads: usize,
    /// The crates that the index does not show yet.
    late: BTreeSet<String>,
    log: Vec<Seen>,
}

/// A registry. Dropping it ends it.
pub(crate) struct Registry {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Registry {
    /// Starts an empty registry on a free port that accepts uploads with a token.
    pub(crate) fn start(token: &str, faults: impl IntoIterator<Item = (usize, Fault)>) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free on loopback")?;
        let address = listener.local_addr()?;
        let state =
            State { token: token.to_owned(), faults: faults.into_iter().collect(), ..State::default() };
        let state = Arc::new(Mutex::new(state));
        let ends = Arc::new(AtomicBool::new(false));
        let thread = thread::spawn({
            let (state, ends) = (Arc::clone(&state), Arc::clone(&ends));
            move || {
                for stream in listener.incoming().map_while(Result::ok) {
                    if ends.load(Ordering::SeqCst) {
                        return;
                    }
                    let state = Arc::clone(&state);
                    // A broken connection is the client's problem.
                    thread::spawn(move || serve(stream, address, &state).ok());
                }
            }
        });
        Ok(Self { address, state, ends, thread: Some(thread) })
    }

    /// Returns the URL of the index, in cargo's notation.
    pub(crate) fn index(&self) -> String {
        format!("sparse+http://{}/index/", self.address)
    }

    /// Returns the stored uploads, as `name version`, in any order.
    pub(crate) fn held(&self) -> Vec<String> {
        lock(&self.state).files.keys().map(|(name, version)| format!("{name} {version}")).collect()
    }

    /// Lets the index show each crate.
    #[cfg(test)]
    pub(crate) fn catch_up(&self) {
        lock(&self.state).late.clear();
    }

    pub(crate) fn log(&self) -> Vec<Seen> {
        lock(&self.state).log.clone()
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::SeqCst);
        // This wakes the listener.
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Answers the single request of a connection.
fn serve(mut stream: TcpStream, address: SocketAddr, state: &Mutex<State>) -> io::Result<()> {
    let request = Request::read(&mut stream)?;
    let reply = lock(state).answer(&request, address);
    match reply {
        Reply::Answer(answer) => answer.write(&mut stream),
        Reply::Cut => Ok(()),
        Reply::Stuck(report) => {
            // The receiver may be gone, which matters only to itself.
            let _ = report.send(());
            io::copy(&mut stream, &mut io::sink()).map(drop)
        }
    }
}

impl State {
    fn answer(&mut self, request: &Request, address: SocketAddr) -> Reply {
        let Request { method, path, token, .. } = request;
        self.log.push(Seen { method: method.clone(), path: path.clone(), token: token.clone() });
        if method == "PUT" && path == "/api/v1/crates/new" {
            return self.upload(request);
        }
        if path == "/index/config.json" {
            let config = json!({ "dl": format!("http://{address}/dl"), "api": format!("http://{address}") });
            return Reply::Answer(Answer::json(200, &config));
        }
        let found = path.strip_prefix("/index/").map_or_else(|| self.file(path), |path| self.lines(path));
        Reply::Answer(
            found.map_or_else(|| Answer::json(404, &json!({})), |content| Answer::new(200, content)),
        )
    }

    /// Returns the lines of a crate, whose name is the last segment of the path in the index.
    fn lines(&self, path: &str) -> Option<Vec<u8>> {
        let name = path.rsplit('/').next()?;
        let lines = self.index.get(name).filter(|_| !self.late.contains(name))?;
        Some(lines.iter().map(|line| format!("{line}\n")).collect::<String>().into_bytes())
    }

    /// Returns the file of a path `/dl/name/version/download`.
    fn file(&self, path: &str) -> Option<Vec<u8>> {
        let mut parts = path.strip_prefix("/dl/")?.split('/');
        self.files.get(&(parts.next()?.to_owned(), parts.next()?.to_owned())).cloned()
    }

    fn upload(&mut self, request: &Request) -> Reply {
        self.uploads += 1;
        let fault = self.faults.remove(&self.uploads);
        let refusal = |status, detail: &str| {
            Reply::Answer(Answer::json(status, &json!({ "errors": [{ "detail": detail }] })))
        };
        match fault {
            Some(Fault::Cut) => return Reply::Cut,
            Some(Fault::Throttle(seconds)) => {
                let answer = Answer::new(429, b"too many uploads".to_vec());
                return Reply::Answer(answer.with("retry-after", &seconds.to_string()));
            }
            Some(Fault::Expired) => return refusal(403, "the token has expired"),
            Some(Fault::CutAfter | Fault::Late | Fault::Stuck(_)) | None => {}
        }
        if request.token.as_ref() != Some(&self.token) {
            return refusal(403, "the token is not that of this registry");
        }
        let Some(upload) = Upload::read(&request.body) else {
            return refusal(400, "the upload cannot be read");
        };
        let Upload { name, version, line, file } = upload;
        let key = (name.clone(), version);
        if self.files.contains_key(&key) {
            // The sentence of crates.io.
            return refusal(400, &format!("crate version `{}` is already uploaded", key.1));
        }
        self.files.insert(key, file);
        self.index.entry(name.clone()).or_default().push(line);
        match fault {
            Some(Fault::Late) => {
                self.late.insert(name);
                Reply::Cut
            }
            Some(Fault::Stuck(report)) => Reply::Stuck(report),
            Some(_) => Reply::Cut,
            None => Reply::Answer(Answer::json(
                200,
                &json!({ "warnings": { "invalid_categories": [], "invalid_badges": [], "other": [] } }),
            )),
        }
    }
}
