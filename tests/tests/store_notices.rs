//! Change notices of PostgreSQL and Redis. The clock stands still, so a process reads the store again only after a notice.

#![cfg(all(unix, feature = "adapters"))]
#![expect(clippy::print_stdout, reason = "a test that is left out says so")]

use std::any::Any;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use octo_auth_blocking::{TokenManager, TokenSource};
use octo_auth_core::{Imported, Now, RecordBytes, RecordName, Saved, Secret, Store, TokenSpec};
use octo_auth_engines::{Postgres, Proxy, Redis};
use octo_auth_store_postgres::Options;
use octo_auth_store_postgres::blocking::PostgresStore;
use octo_auth_system::Clock;
use octo_auth_tests::file_store::process::client;
use octo_auth_tests::fleet::opened;
use octo_auth_tests::moment;
use octo_auth_tests::registration::sound;
use octo_auth_tests::rotation::RotatingServer;

/// Longer than a notice takes.
const LONG: Duration = Duration::from_secs(30);

/// A server of records behind a proxy.
struct Server {
    _server: Box<dyn Any>,
    proxy: Proxy,
    /// The address without the proxy, and through it.
    addresses: [String; 2],
}

fn servers() -> Vec<Server> {
    if !Postgres::is_installed() || !Redis::is_installed() {
        println!("skipped: it needs PostgreSQL and Redis");
        return Vec::new();
    }
    let (postgres, redis) = (sound(Postgres::start()), sound(Redis::start()));
    let store = sound(PostgresStore::connect(sound(postgres.url().parse()), Options::default()));
    sound(store.migrate());
    let proxies = [postgres.port(), redis.port()].map(|port| sound(Proxy::start(port)));
    let addresses = [
        [postgres.port(), proxies[0].port()].map(|port| postgres.url_at(port)),
        [redis.port(), proxies[1].port()].map(|port| format!("redis://127.0.0.1:{port}/")),
    ];
    let servers: [Box<dyn Any>; 2] = [Box::new(postgres), Box::new(redis)];
    let servers = servers.into_iter().zip(proxies).zip(addresses);
    servers.map(|((server, proxy), addresses)| Server { _server: server, proxy, addresses }).collect()
}

/// A clock that a test moves.
#[derive(Clone)]
struct Still(Arc<Mutex<Now>>);

impl Still {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(moment::start())))
    }

    fn pass(&self, time: Duration) {
        let mut now = sound(self.0.lock());
        *now = Now { wall: now.wall.saturating_add(time), boot: now.boot + time };
    }
}

impl Clock for Still {
    fn now(&self) -> Now {
        *sound(self.0.lock())
    }
}

/// A process with the account `inn`, and the notices that its store receives.
struct Process {
    account: TokenSource,
    store: Arc<dyn Store>,
    notices: Receiver<RecordName>,
}

impl Process {
    fn start(address: &str, url: &str, clock: &Still) -> Self {
        let store = opened(address);
        let manager = TokenManager::builder(client(url)).store(store.clone()).clock(clock.clone());
        let account = sound(sound(manager.build()).tokens(TokenSpec::account("inn")));
        // The listener of the manager is called before this one.
        let (sender, notices) = channel();
        let sender = Mutex::new(sender);
        assert!(store.changes(Arc::new(move |name: &RecordName| {
            let _ = sound(sender.lock()).send(name.clone());
        })));
        Self { account, store, notices }
    }

    fn sign_in(&self, refresh_token: &str) {
        sound(self.account.import(Imported::RefreshToken(Secret::from(refresh_token))));
    }

    /// Returns its access token, or `None` if it is signed out, after all reading of the store that asking for it begins.
    fn token(&self) -> Option<String> {
        let _ = self.account.get();
        while self.account.status().is_some_and(|status| status.in_flight) {
            thread::yield_now();
        }
        self.account.get().ok().map(|token| token.access_token().expose().to_owned())
    }

    /// Asks for its token after each notice, until it is the expected one.
    fn hears_of(&self, expected: Option<&str>) {
        while self.token().as_deref() != expected {
            sound(self.notices.recv_timeout(LONG));
        }
    }

    /// Writes other records until another process hears of one.
    fn is_heard_by(&self, other: &Self) {
        while other.notices.try_recv().is_ok() {}
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let heard = (0..300).any(|_| {
            let number = COUNT.fetch_add(1, Ordering::Relaxed);
            let name = format!("auth.example.client.0123456789abcdef.account.{number}.{}", "0".repeat(32));
            let (name, content) = (sound(RecordName::parse(&name)), RecordBytes::from(&b"a"[..]));
            assert!(matches!(sound(self.store.compare_and_swap(&name, None, &content)), Saved::Done(_)));
            other.notices.recv_timeout(Duration::from_millis(100)).is_ok()
        });
        assert!(heard, "no notice comes");
    }
}

/// Returns two processes that hear each other and have the first token, and that token.
fn signed_in(server: &Server, provider: &RotatingServer, clock: &Still) -> ([Process; 2], Option<String>) {
    let url = format!("http://{}", provider.address());
    let [one, two] = server.addresses.clone().map(|address| Process::start(&address, &url, clock));
    one.is_heard_by(&two);
    one.sign_in(&provider.sign_in("inn"));
    let first = one.token();
    assert!(first.is_some());
    two.hears_of(first.as_deref());
    ([one, two], first)
}

#[test]
fn a_new_token_a_sign_out_and_a_sign_in_of_one_process_reach_another_by_their_notices_alone() {
    for server in servers() {
        let (provider, clock) = (RotatingServer::start(), Still::new());
        let ([one, two], first) = signed_in(&server, &provider, &clock);
        one.account.sign_out();
        two.hears_of(None);
        one.sign_in(&provider.sign_in("inn-again"));
        let second = one.token();
        assert!(second.is_some() && second != first);
        two.hears_of(second.as_deref());
        assert_eq!([provider.renewals("inn"), provider.renewals("inn-again")], [Some(1), Some(1)]);
    }
}

#[test]
fn a_process_whose_connection_was_cut_adopts_what_was_written_meanwhile_and_hears_again() {
    for server in servers() {
        let (provider, clock) = (RotatingServer::start(), Still::new());
        let ([one, two], first) = signed_in(&server, &provider, &clock);
        server.proxy.cut_all();
        one.sign_in(&provider.sign_in("inn-again"));
        let second = one.token();
        assert!(second.is_some() && second != first);
        // Whether the notice was lost or not, the process reads the store at least once a minute.
        clock.pass(Duration::from_secs(60));
        assert_eq!(two.token(), second);
        one.is_heard_by(&two);
        one.account.sign_out();
        two.hears_of(None);
    }
}
