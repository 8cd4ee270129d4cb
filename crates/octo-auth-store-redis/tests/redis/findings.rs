//! The findings of the doctor.

use octo_auth_engines::Redis;
use octo_auth_store_redis::{Finding, Severity};

use crate::world::{alone, execute, runtime, store, store_async};

fn worst(found: &[Finding]) -> Vec<(&'static str, Severity)> {
    let bad = found.iter().filter(|finding| finding.severity != Severity::Fine);
    bad.map(|finding| (finding.code, finding.severity)).collect()
}

#[test]
fn a_sound_server_has_no_finding_and_each_setting_that_loses_tokens_is_one() {
    if !Redis::is_installed() {
        println!("skipped: it needs Redis");
        return;
    }
    let sound = Redis::with_settings(&["--appendonly", "yes", "--appendfsync", "always"]).unwrap();
    assert_eq!(worst(&store(&sound, alone()).doctor().unwrap()), []);
    execute(&sound, &["CONFIG", "SET", "appendfsync", "everysec"]);
    assert_eq!(worst(&store(&sound, alone()).doctor().unwrap()), [("appendfsync", Severity::Warning)]);
    let bad = Redis::with_settings(&["--maxmemory-policy", "allkeys-lru"]).unwrap();
    execute(&bad, &["REPLICAOF", "127.0.0.1", "1"]);
    let found = runtime().block_on(async { store_async(&bad, alone()).doctor().await }).unwrap();
    let refused = ["maxmemory-policy", "role", "appendonly"].map(|code| (code, Severity::Refused));
    assert_eq!(worst(&found), refused);
}
