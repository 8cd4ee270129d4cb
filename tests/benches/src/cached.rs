//! A cached token.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use arc_swap::ArcSwap;
use http::HeaderValue;
use octo_auth_async::{
    AccessToken, Client, Imported, Profile, TokenError, TokenManager, TokenSet, TokenSource, TokenSpec,
};
use octo_auth_system::{Clock, SystemClock};
use tokio::runtime::Runtime;

use crate::Options;
use crate::comparison::{Comparison, Group, Kind, Row};
use crate::peers::{Aws, Azure, Google, Yup};
use crate::server::{Origin, Server, TOKEN};
use crate::turns::{Way, at_once, cpu, measure};

/// The count of concurrent tasks.
const TASKS: u32 = 64;

/// The minimal implementation of each way.
struct Floor {
    snapshot: ArcSwap<(HeaderValue, Instant)>,
}

impl Floor {
    #[inline(never)]
    fn header(&self) -> HeaderValue {
        let snapshot = self.snapshot.load();
        assert!(Instant::now() < snapshot.1);
        snapshot.0.clone()
    }

    async fn header_awaited(&self) -> HeaderValue {
        self.header()
    }

    #[inline(never)]
    fn borrowed(&self) -> usize {
        let snapshot = self.snapshot.load();
        assert!(SystemClock.boot() > Duration::ZERO);
        snapshot.0.len()
    }
}

/// All libraries, each with a token of one day.
struct Everyone {
    runtime: Runtime,
    floor: Arc<Floor>,
    ours: TokenSource,
    blocking: octo_auth_blocking::TokenSource,
    aws: Aws,
    azure: Azure,
    google: Google,
    yup: Yup,
}

/// A function that gets the header this count of times.
type Run<'a> = Box<dyn Fn(u32) + Sync + 'a>;

pub(crate) fn compare(options: &Options) -> Result<Comparison> {
    let everyone = Everyone::new()?;
    // Some of the peers require a runtime even if the token is cached.
    let _context = everyone.runtime.enter();
    let (rounds, calls) = (options.choose(31, 5), options.choose(200_000, 20_000));
    let alone = Group::new("header value, one thread", "ns of CPU", everyone.header(rounds, calls, 1));
    let contended = Group::new("header value, 8 threads", "ns of CPU", everyone.header(rounds, calls, 8));
    let in_place = everyone.in_place(rounds, calls, 1);
    let in_place_contended = everyone.in_place(rounds, calls, 8);
    let awaited =
        Group::new("header value, 64 tasks on 2 threads", "ns of CPU", everyone.tasks(rounds, calls));
    Ok(Comparison {
        name: "cached".to_owned(),
        title: "What does a token cost that is already there?".to_owned(),
        about: "The value of the Authorization header of a valid token, 256 bytes long. The floor loads a snapshot \
            (arc-swap), reads one clock and clones the header value; awaited, it does this in an async function, and the \
            value is moved once more, out of the future. Less is better."
            .to_owned(),
        groups: vec![
            by_color(alone.plotted()).ahead_of_peers(2.8).allocating(0.0),
            by_color(contended.plotted()).ahead_of_peers(1.0),
            awaited.at_most(1.1, "floor, awaited"),
            Group::new("read in place, one thread", "ns of CPU", in_place).at_most(1.1, "floor").allocating(0.0),
            Group::new("read in place, 8 threads", "ns of CPU", in_place_contended).at_most(1.1, "floor"),
        ],
        growths: Vec::new(),
        left_out: vec![
            ("oauth2".to_owned(), "it keeps no tokens".to_owned()),
            ("gcloud-auth".to_owned(), "the cryptography that it has to be built with is 30 crates more".to_owned()),
        ],
    })
}

impl Everyone {
    fn new() -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let profile = Profile::rfc6749("https://login.example/token")?;
        let token = AccessToken::new("a".repeat(TOKEN)).context("no token")?;
        let day = Duration::from_secs(86_400);
        let tokens = TokenSet::restore(&profile, token, SystemClock.now().wall, Some(day), None);
        let client = Client::new(profile, "id", "secret")?;
        let ours = TokenManager::new(client.clone())?.tokens(TokenSpec::account("hotel 17"))?;
        let blocking =
            octo_auth_blocking::TokenManager::new(client)?.tokens(TokenSpec::account("hotel 17"))?;
        blocking.import(Imported::Tokens(tokens.clone()))?;
        let snapshot = ArcSwap::from_pointee((tokens.authorization(), Instant::now() + day));
        let floor = Arc::new(Floor { snapshot });
        let (origin, server) = (Origin::new(Duration::ZERO), Server::plain(Duration::ZERO)?);
        let file = std::env::temp_dir().join(format!("octo-auth-bench-{}", std::process::id()));
        let peers = runtime.block_on(async {
            ours.import(Imported::Tokens(tokens)).await?;
            let (aws, azure) = (Aws::new(&origin)?, Azure::new(&origin)?);
            let (google, yup) = (Google::new(&server)?, Yup::new(&server, &file).await?);
            aws.header().await?;
            azure.header().await?;
            google.header().await?;
            yup.header().await?;
            anyhow::Ok((aws, azure, google, yup))
        });
        let (aws, azure, google, yup) = peers?;
        Ok(Self { runtime, floor, ours, blocking, aws, azure, google, yup })
    }

    /// Returns the ways to the header value, floor first.
    fn ways(&self) -> Vec<(&'static str, Kind, Run<'_>)> {
        let Self { floor, ours, blocking, aws, azure, google, yup, .. } = self;
        vec![
            ("floor", Kind::Floor, repeated(move || Ok::<_, TokenError>(floor.header()))),
            (
                "floor, awaited",
                Kind::Floor,
                repeated(move || Ok::<_, TokenError>(at_once(floor.header_awaited()))),
            ),
            ("octo-auth, async", Kind::Ours, repeated(move || at_once(ours.header()))),
            ("octo-auth, blocking", Kind::Ours, repeated(move || blocking.header())),
            ("google-cloud-auth", Kind::Peer, repeated(move || at_once(google.header()))),
            ("yup-oauth2", Kind::Peer, repeated(move || at_once(yup.header()))),
            ("azure_identity", Kind::Peer, repeated(move || at_once(azure.header()))),
            ("aws-smithy-runtime", Kind::Peer, repeated(move || at_once(aws.header()))),
        ]
    }

    fn header(&self, rounds: usize, calls: u32, threads: u32) -> Vec<Row> {
        let ways = self.ways();
        // yup-oauth2's storage blocks one of two threads that ask concurrently.
        let runs = ways.iter().filter(|(name, ..)| threads == 1 || *name != "yup-oauth2");
        measure(rounds, runs.map(|(name, kind, run)| self.way(name, *kind, run, calls, threads)).collect())
    }

    fn in_place(&self, rounds: usize, calls: u32, threads: u32) -> Vec<Row> {
        let Self { floor, ours, blocking, .. } = self;
        let runs: [(_, _, Run<'_>); 3] = [
            ("floor", Kind::Floor, repeated(move || Ok::<_, TokenError>(floor.borrowed()))),
            ("octo-auth, async", Kind::Ours, repeated(move || at_once(ours.with_header(HeaderValue::len)))),
            ("octo-auth, blocking", Kind::Ours, repeated(move || blocking.with_header(HeaderValue::len))),
        ];
        measure(
            rounds,
            runs.iter().map(|(name, kind, run)| self.way(name, *kind, run, calls, threads)).collect(),
        )
    }

    fn way<'a>(&self, name: &str, kind: Kind, run: &'a Run<'_>, calls: u32, threads: u32) -> Way<'a> {
        if threads == 1 {
            return Way::repeated(name, kind, calls, run);
        }
        let (handle, each) = (self.runtime.handle().clone(), calls / threads);
        Way::new(name, kind, move || {
            let begun = cpu();
            std::thread::scope(|scope| {
                for _ in 0..threads {
                    scope.spawn(|| {
                        let _context = handle.enter();
                        run(each);
                    });
                }
            });
            (cpu() - begun) / f64::from(each * threads)
        })
    }

    /// Measures 64 tasks on the runtime, each with its share of the calls.
    fn tasks(&self, rounds: usize, calls: u32) -> Vec<Row> {
        let share = calls / TASKS;
        let (floor, ours) = (&self.floor, &self.ours);
        let by_floor = Way::new("floor, awaited", Kind::Floor, move || {
            self.time(share, |share| {
                let floor = floor.clone();
                async move {
                    for _ in 0..share {
                        drop(black_box(floor.header_awaited().await));
                    }
                }
            })
        });
        let by_ours = Way::new("octo-auth, async", Kind::Ours, move || {
            self.time(share, |share| {
                let ours = ours.clone();
                async move {
                    for _ in 0..share {
                        assert!(black_box(ours.header().await).is_ok(), "no token");
                    }
                }
            })
        });
        measure(rounds, vec![by_floor, by_ours])
    }

    /// Returns the CPU time of one call in nanoseconds, if each task makes its share.
    fn time<F: Future<Output = ()> + Send + 'static>(&self, share: u32, task: impl Fn(u32) -> F) -> f64 {
        let begun = cpu();
        self.runtime.block_on(async {
            let tasks: Vec<_> = (0..TASKS).map(|_| tokio::spawn(task(share))).collect();
            for task in tasks {
                assert!(task.await.is_ok(), "a task failed");
            }
        });
        (cpu() - begun) / f64::from(share * TASKS)
    }
}

/// Sets the bound of each adapter: its floor returns the header in the same way, directly or through a future.
fn by_color(group: Group) -> Group {
    group.beside("octo-auth, blocking", 1.1, "floor").beside("octo-auth, async", 1.1, "floor, awaited")
}

/// Repeats a function that must return a value each time.
fn repeated<'a, T, E>(way: impl Fn() -> Result<T, E> + Sync + 'a) -> Run<'a> {
    Box::new(move |calls| (0..calls).for_each(|_| assert!(black_box(way()).is_ok(), "no token")))
}
