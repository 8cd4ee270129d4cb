//! Many callers of a token that is not cached yet.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use arc_swap::ArcSwapOption;
use async_trait::async_trait;
use http::{HeaderValue, Request, Response};
use octo_auth_async::{Body, Client, Profile, Scopes, TokenManager, TokenSpec, TransportError};
use tokio::runtime::Runtime;
use tokio::sync::Mutex;

use crate::Options;
use crate::comparison::{Comparison, Group, Kind, Row};
use crate::peers::{Aws, Azure, Google, Yup, bearer};
use crate::server::{Origin, Server};
use crate::turns::median;

/// The count of callers in tasks, and on threads.
const TASKS: usize = 10_000;
const THREADS: usize = 256;

/// The duration of the server's answer.
const DELAY: Duration = Duration::from_millis(20);

/// A wave of callers: the count of its requests, and its duration in milliseconds.
type Wave = (u64, f64);

/// A name, its kind, and a function that sends a wave.
type Sender<'a> = (&'static str, Kind, Box<dyn FnMut() -> Result<Wave> + 'a>);

pub(crate) fn compare(options: &Options) -> Result<Comparison> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let (origin, server) = (Origin::new(DELAY), Server::plain(DELAY)?);
    let file = std::env::temp_dir().join(format!("octo-auth-bench-{}", std::process::id()));
    let rounds = options.choose(9, 3);
    let [requests, times] = measure(rounds, senders(&runtime, &origin, &server, &file))?;
    let [blocking_requests, blocking_times] = measure(rounds, vec![threads(&origin)])?;
    Ok(Comparison {
        name: "stampede".to_owned(),
        title: "10,000 tasks ask for a token that is not there yet: how many requests are sent?".to_owned(),
        about: "The server answers after 20 ms. One request is enough for all callers. The floor is an arc-swap and a \
            mutex, written by hand. Less is better."
            .to_owned(),
        groups: vec![
            Group::new("requests for 10,000 tasks", "requests", requests).plotted().within(1.0).ahead_of_peers(1.0),
            Group::new("time until the last of 10,000 has its token", "ms", times).plotted().at_most(1.1, "floor"),
            Group::new("requests for 256 threads", "requests", blocking_requests).within(1.0),
            Group::new("time for 256 threads", "ms", blocking_times),
        ],
        growths: Vec::new(),
        left_out: vec![
            ("oauth2".to_owned(), "it keeps no tokens: each caller would send a request".to_owned()),
            ("gcloud-auth".to_owned(), "its constructor requests the first token".to_owned()),
        ],
    })
}

/// Sends waves in turns. Returns the medians of requests and of times.
fn measure(rounds: usize, mut senders: Vec<Sender<'_>>) -> Result<[Vec<Row>; 2]> {
    let mut waves = vec![(Vec::new(), Vec::new()); senders.len()];
    for _ in 0..=rounds {
        for ((name, _, send), (requests, times)) in senders.iter_mut().zip(&mut waves) {
            let (sent, took) = send().with_context(|| format!("a wave of {name}"))?;
            ensure!(sent > 0, "{name} sent nothing");
            requests.push(sent as f64);
            times.push(took);
        }
    }
    let row = |index: usize, value: f64| Row {
        name: senders[index].0.to_owned(),
        kind: senders[index].1,
        value,
        allocations: None,
    };
    let medians =
        waves.iter_mut().map(|(requests, times)| (median(&mut requests[1..]), median(&mut times[1..])));
    let (requests, times) =
        medians.enumerate().map(|(at, (sent, took))| (row(at, sent), row(at, took))).unzip();
    Ok([requests, times])
}

fn senders<'a>(
    runtime: &'a Runtime,
    origin: &'a Arc<Origin>,
    server: &'a Server,
    file: &'a Path,
) -> Vec<Sender<'a>> {
    let in_memory = move || origin.take_requests();
    let on_loopback = move || server.take_requests();
    let floor = move || {
        let (token, lock) = (ArcSwapOption::empty(), Mutex::new(()));
        Ok(Arc::new(Floor { origin: origin.clone(), token, lock }))
    };
    let ours = move || {
        let accounts = TokenManager::builder(client()?).transport(InMemory(origin.clone())).build()?;
        Ok(accounts.tokens(TokenSpec::client_credentials(&Scopes::none()))?)
    };
    let google = move || {
        let _context = runtime.enter();
        Google::new(server)
    };
    let aws = move || Ok(Arc::new(Aws::new(origin)?));
    let yup = move || runtime.block_on(Yup::new(server, file));
    use Kind::{Ours, Peer};
    let azure = move || Azure::new(origin);
    vec![
        sender(
            runtime,
            ("floor", Kind::Floor),
            in_memory,
            floor,
            |one| async move { Ok(one.header().await) },
        ),
        sender(
            runtime,
            ("octo-auth, async", Ours),
            in_memory,
            ours,
            |one| async move { Ok(one.header().await?) },
        ),
        sender(
            runtime,
            ("google-cloud-auth", Peer),
            on_loopback,
            google,
            |one| async move { one.header().await },
        ),
        sender(runtime, ("azure_identity", Peer), in_memory, azure, |one| async move { one.header().await }),
        sender(
            runtime,
            ("aws-smithy-runtime", Peer),
            in_memory,
            aws,
            |one| async move { one.header().await },
        ),
        sender(runtime, ("yup-oauth2", Peer), on_loopback, yup, |one| async move { one.header().await }),
    ]
}

/// Returns a sender whose waves each start with an empty cache.
fn sender<'a, T: Clone + 'a, F>(
    runtime: &'a Runtime,
    (name, kind): (&'static str, Kind),
    requests: impl Fn() -> u64 + 'a,
    empty: impl Fn() -> Result<T> + 'a,
    ask: impl Fn(T) -> F + 'a,
) -> Sender<'a>
where
    F: Future<Output = Result<HeaderValue>> + Send + 'static,
{
    let send = move || {
        let cache = empty()?;
        let took = wave(runtime, || ask(cache.clone()))?;
        Ok((requests(), took))
    };
    (name, kind, Box::new(send))
}

/// Makes all tasks ask concurrently. Returns the time in milliseconds until the last has its header.
fn wave<F>(runtime: &Runtime, ask: impl Fn() -> F) -> Result<f64>
where
    F: Future<Output = Result<HeaderValue>> + Send + 'static,
{
    let begun = Instant::now();
    runtime.block_on(async {
        let tasks: Vec<_> = (0..TASKS).map(|_| tokio::spawn(ask())).collect();
        for task in tasks {
            task.await??;
        }
        anyhow::Ok(())
    })?;
    Ok(begun.elapsed().as_secs_f64() * 1e3)
}

fn threads(origin: &Arc<Origin>) -> Sender<'_> {
    let send = move || {
        let accounts = octo_auth_blocking::TokenManager::builder(client()?)
            .transport(InMemory(origin.clone()))
            .build()?;
        let tokens = accounts.tokens(TokenSpec::client_credentials(&Scopes::none()))?;
        let begun = Instant::now();
        std::thread::scope(|scope| {
            let asked: Vec<_> = (0..THREADS).map(|_| scope.spawn(|| tokens.header().is_ok())).collect();
            let served =
                asked.into_iter().filter_map(|thread| thread.join().ok()).filter(|served| *served).count();
            ensure!(served == THREADS, "{served} of {THREADS} callers have a token");
            Ok(())
        })?;
        Ok((origin.take_requests(), begun.elapsed().as_secs_f64() * 1e3))
    };
    ("octo-auth, blocking", Kind::Ours, Box::new(send))
}

fn client() -> Result<Client> {
    Ok(Client::new(Profile::rfc6749("https://login.example/token")?, "id", "secret")?)
}

/// A hand-written cache.
struct Floor {
    origin: Arc<Origin>,
    token: ArcSwapOption<HeaderValue>,
    lock: Mutex<()>,
}

impl Floor {
    async fn header(&self) -> HeaderValue {
        if let Some(header) = &*self.token.load() {
            return HeaderValue::clone(header);
        }
        let _lock = self.lock.lock().await;
        if let Some(header) = &*self.token.load() {
            return HeaderValue::clone(header);
        }
        let header = bearer(&self.origin.answer().await);
        self.token.store(Some(Arc::new(header.clone())));
        header
    }
}

/// A transport that asks the origin.
pub(crate) struct InMemory(pub(crate) Arc<Origin>);

fn response(body: String) -> Result<Response<Body>, TransportError> {
    let response =
        Response::builder().header("content-type", "application/json").body(Body::new(body.into_bytes()));
    response.map_err(|error| TransportError::malformed("no response").with_source(error))
}

#[async_trait]
impl octo_auth_async::Transport for InMemory {
    async fn send(&self, _: &Request<Body>, _: Duration) -> Result<Response<Body>, TransportError> {
        response(self.0.answer().await)
    }
}

impl octo_auth_blocking::Transport for InMemory {
    fn send(&self, _: &Request<Body>, _: Duration) -> Result<Response<Body>, TransportError> {
        response(self.0.answer_blocking())
    }
}
