//! A Redis that loses what it has confirmed. A process that has the lost tokens in memory writes them again, so no refresh
//! token is sent twice and no user must sign in again.

#![cfg(all(unix, feature = "adapters"))]
#![expect(clippy::print_stdout, reason = "a test that is left out says so")]

use std::time::Duration;

use octo_auth_engines::{Proxy, Redis};
use octo_auth_store_redis::Options;
use octo_auth_store_redis::blocking::RedisStore;
use octo_auth_tests::file_store::process::Process;
use octo_auth_tests::registration::sound;
use octo_auth_tests::rotation::RotatingServer;

/// Longer than an access token lives.
const LIFE: Duration = Duration::from_secs(3700);

/// Longer than a process serves a token without a look at the store.
const POLL: Duration = Duration::from_secs(61);

fn execute(server: &Redis, words: &[&str]) -> String {
    let mut connection = sound(sound(redis::Client::open(server.url())).get_connection());
    let mut command = redis::cmd(words[0]);
    let answer: redis::Value = sound(command.arg(&words[1..]).query(&mut connection));
    redis::from_redis_value(answer).unwrap_or_default()
}

/// Two processes that share an account, signed in, behind a proxy.
fn fleet(proxy: &Proxy, provider: &RotatingServer) -> [Process; 2] {
    let url = format!("http://{}", provider.address());
    let mut fleet = [1, 2].map(|seed| {
        let client = sound(redis::Client::open(format!("redis://127.0.0.1:{}/", proxy.port())));
        Process::start(sound(RedisStore::connect(client, Options::default())), &url, seed)
    });
    fleet[0].sign_in(&provider.sign_in("inn"));
    let first = sound(fleet[0].get());
    assert_eq!(sound(fleet[1].get()), first);
    fleet
}

#[test]
fn a_renewal_that_a_failover_lost_is_written_again_and_the_next_one_uses_its_refresh_token() {
    if !Redis::is_installed() {
        println!("skipped: it needs Redis");
        return;
    }
    let [primary, replica] = [sound(Redis::start()), sound(Redis::start())];
    let (proxy, provider) = (sound(Proxy::start(primary.port())), RotatingServer::start());
    let [mut one, mut two] = fleet(&proxy, &provider);
    execute(&primary, &["CONFIG", "SET", "repl-diskless-sync-delay", "0"]);
    execute(&replica, &["REPLICAOF", "127.0.0.1", &primary.port().to_string()]);
    while !execute(&replica, &["INFO", "replication"]).contains("master_link_status:up") {}
    // The replica is promoted without the renewal.
    execute(&replica, &["REPLICAOF", "NO", "ONE"]);
    one.pass(LIFE);
    let second = sound(one.get());
    drop(primary);
    proxy.redirect(replica.port());
    one.pass(POLL);
    // The first call over a connection that has ended fails, and the next one connects again.
    for _ in 0..2 {
        assert_eq!(sound(one.get()), second);
        one.pass(POLL);
    }
    two.pass(LIFE);
    assert_eq!(sound(two.get()), second);
    assert_eq!(provider.renewals("inn"), Some(2));
    two.pass(LIFE);
    let third = sound(two.get());
    assert!(third != second && provider.renewals("inn") == Some(3), "{third} after {second}");
}

#[test]
fn processes_that_have_the_tokens_in_memory_survive_a_flush_of_the_server() {
    if !Redis::is_installed() {
        println!("skipped: it needs Redis");
        return;
    }
    let server = sound(Redis::start());
    let (proxy, provider) = (sound(Proxy::start(server.port())), RotatingServer::start());
    let [mut one, mut two] = fleet(&proxy, &provider);
    for renewals in 2..4 {
        execute(&server, &["FLUSHALL"]);
        execute(&server, &["SCRIPT", "FLUSH"]);
        one.pass(LIFE);
        two.pass(LIFE);
        let next = sound(one.get());
        assert_eq!(sound(two.get()), next);
        assert_eq!(provider.renewals("inn"), Some(renewals));
    }
}
