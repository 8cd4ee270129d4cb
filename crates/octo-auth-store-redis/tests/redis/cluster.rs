//! A cluster of two nodes.

use std::time::{Duration, Instant};

use octo_auth_core::Store;
use octo_auth_engines::Redis;
use octo_auth_store_redis::{Options, RedisStore, blocking};
use octo_auth_testkit::async_;
use redis::Value;

use crate::world::{client, code, execute, name, runtime};

/// Starts two nodes that share the slots, and waits until both know it.
fn cluster() -> [Redis; 2] {
    let node =
        || Redis::with_settings(&["--cluster-enabled", "yes", "--cluster-node-timeout", "2000"]).unwrap();
    let nodes = [node(), node()];
    for (node, slots) in nodes.iter().zip([["0", "8191"], ["8192", "16383"]]) {
        execute(node, &["CLUSTER", "ADDSLOTSRANGE", slots[0], slots[1]]);
    }
    execute(&nodes[0], &["CLUSTER", "SET-CONFIG-EPOCH", "1"]);
    execute(&nodes[1], &["CLUSTER", "SET-CONFIG-EPOCH", "2"]);
    execute(&nodes[0], &["CLUSTER", "MEET", "127.0.0.1", &nodes[1].port().to_string()]);
    let is_up = |node: &Redis| {
        let Value::BulkString(text) = execute(node, &["CLUSTER", "INFO"]) else { return false };
        let text = String::from_utf8_lossy(&text).into_owned();
        text.contains("cluster_state:ok")
            && text.contains("cluster_known_nodes:2")
            && text.contains("cluster_slots_ok:16384")
    };
    let end = Instant::now() + Duration::from_secs(30);
    while !nodes.iter().all(is_up) {
        assert!(Instant::now() < end, "the cluster does not come up");
    }
    nodes
}

#[test]
fn a_store_over_a_cluster_keeps_all_promises_and_a_single_connection_says_that_it_is_one() {
    if !Redis::is_installed() {
        println!("skipped: it needs Redis");
        return;
    }
    let nodes = cluster();
    runtime().block_on(async {
        let client = redis::cluster::ClusterClient::new(vec![nodes[0].url()]).unwrap();
        let open = |connection, options: Options| RedisStore::over(connection, options).unwrap();
        let store = open(client.get_async_connection().await.unwrap(), Options::default());
        let report = async_::store::check(&store).await;
        assert_eq!(report.failures(), [], "{report}");
        let listening = Options::default().listen(self::client(&nodes[0]));
        let other = open(client.get_async_connection().await.unwrap(), listening);
        let report = async_::store::check_handles(&other, &store).await;
        assert_eq!(report.failures(), [], "{report}");
    });
    let codes = nodes.each_ref().map(|node| {
        let single = blocking::RedisStore::connect(client(node), Options::default()).unwrap();
        single.load(&name("inn")).err().map(|error| code(&error))
    });
    assert!(codes == [None, Some("moved")] || codes == [Some("moved"), None], "{codes:?}");
}
