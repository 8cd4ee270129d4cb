//! The checks of the server.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use octo_auth_store_kit::Finding;
use redis::{Value, cmd};

use crate::engine::{Connections, Engine};
use crate::error::RedisStoreError;

/// The largest difference between the clocks of the server and of this process that is not reported.
const CLOCKS_APART: Duration = Duration::from_secs(5);

impl<C: Connections> Engine<C> {
    pub(crate) async fn doctor(&self) -> Result<Vec<Finding>, RedisStoreError> {
        let facts = self.facts().await?;
        let says = |fact: &str| facts.get(fact).map(String::as_str).unwrap_or_default();
        let mut findings = vec![eviction(says("maxmemory_policy"), says("maxmemory")), role(says("role"))];
        findings.extend(self.durability(&facts).await);
        findings.extend(self.replication(says("connected_slaves")).await);
        findings.extend(self.clock().await?);
        findings.sort_by_key(|finding| finding.severity);
        Ok(findings)
    }

    /// Returns the value of a setting; `None` if the user must not read it.
    async fn setting(&self, name: &str) -> Option<String> {
        let mut command = cmd("CONFIG");
        command.arg("GET").arg(name);
        let answer = self.send(&command, "").await.ok()?;
        let value = match answer {
            Value::Array(values) => values.into_iter().nth(1)?,
            Value::Map(pairs) => pairs.into_iter().next()?.1,
            _ => return None,
        };
        match value {
            Value::BulkString(text) => String::from_utf8(text).ok(),
            _ => None,
        }
    }

    async fn durability(&self, facts: &HashMap<String, String>) -> Option<Finding> {
        let has_log = facts.get("aof_enabled").map(String::as_str) == Some("1");
        if !has_log {
            let text = "the append-only file is off: a restart loses refresh tokens that were renewed since the last \
                        snapshot, which ends their consent; set `appendonly yes` and `appendfsync always`";
            return Some(Finding::refused("appendonly", text.to_owned()));
        }
        let sync = self.setting("appendfsync").await?;
        Some(match sync.as_str() {
            "always" => Finding::fine("appendfsync", "`appendfsync` is always".to_owned()),
            other => Finding::warning(
                "appendfsync",
                format!(
                    "`appendfsync` is {other}: a crash of the machine loses the last refresh tokens, which ends their \
                     consent; set it to always"
                ),
            ),
        })
    }

    async fn replication(&self, replicas: &str) -> Option<Finding> {
        if ["", "0"].contains(&replicas) {
            return None;
        }
        let least = self.setting("min-replicas-to-write").await.unwrap_or_default();
        Some(if ["", "0"].contains(&least.as_str()) {
            Finding::warning(
                "replication",
                format!(
                    "{replicas} replicas follow asynchronously: a failover loses the last refresh tokens; set \
                     `min-replicas-to-write` and `Options::wait`"
                ),
            )
        } else {
            Finding::fine("replication", format!("writes need {least} replicas, {replicas} follow"))
        })
    }

    async fn clock(&self) -> Result<Option<Finding>, RedisStoreError> {
        let asked = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let Value::Array(parts) = self.send(&cmd("TIME"), "").await? else { return Ok(None) };
        let Some(Value::BulkString(seconds)) = parts.first() else { return Ok(None) };
        let seconds = String::from_utf8_lossy(seconds).parse().unwrap_or_default();
        let apart = Duration::from_secs(seconds).abs_diff(asked);
        Ok(Some(if apart > CLOCKS_APART {
            Finding::warning(
                "clock",
                format!(
                    "the clocks of the server and of this computer are {} s apart: claims run by the server's, but times \
                     of tokens by those of the processes; synchronise them",
                    apart.as_secs()
                ),
            )
        } else {
            Finding::fine("clock", "the clocks of the server and of this computer agree".to_owned())
        }))
    }
}

fn eviction(policy: &str, limit: &str) -> Finding {
    let is_limited = !["", "0"].contains(&limit);
    if policy.starts_with("allkeys") {
        let text = format!(
            "`maxmemory-policy` is {policy}: any key is evicted when memory is short, refresh tokens too, which ends their \
             consent; set it to noeviction, or accept that by `Options::accept_eviction`"
        );
        return Finding::refused("maxmemory-policy", text);
    }
    let text = if is_limited { "writes fail when memory is short" } else { "memory has no limit" };
    Finding::fine("maxmemory-policy", format!("`maxmemory-policy` is {policy}: {text}"))
}

fn role(role: &str) -> Finding {
    match role {
        "slave" => Finding::refused("role", "the server is a replica: connect to the primary".to_owned()),
        _ => Finding::fine("role", "the server is a primary".to_owned()),
    }
}
