//! Compares the observed facts with the expectations of a row.

use std::collections::BTreeSet;

use serde_json::Value;

use super::facts::Facts;
use super::row::Row;
use super::{Verdict, failed};

/// Returns the verdict over all layers: at least one layer must judge each expectation, and each layer that knows it
/// must meet it.
pub(super) fn verdict(row: &Row, layers: Vec<(&'static str, Result<Facts, String>)>) -> Verdict {
    if layers.is_empty() {
        return failed("runner", "no layer can run this row".to_owned());
    }
    let mut judged = BTreeSet::new();
    for (layer, facts) in layers {
        let facts = match facts {
            Ok(facts) => facts,
            Err(difference) => return failed(layer, difference),
        };
        let mut differences = Vec::new();
        for (key, wanted) in &row.expect {
            let Some(rule) = rule(key) else {
                return failed("runner", format!("the expectation {key} is not known"));
            };
            let Some(fact) = facts.get(rule.fact) else { continue };
            judged.insert(key.as_str());
            if !(rule.met)(wanted, fact) {
                differences.push(format!("{key}: wanted {wanted}, saw {fact}"));
            }
        }
        for always in ["debug_contains_secret", "display_contains_secret"] {
            if facts.get(always) == Some(&Value::Bool(true)) && !row.expect.contains_key(always) {
                differences.push(format!("{always}, which no row allows"));
            }
        }
        if !differences.is_empty() {
            return failed(layer, differences.join("; "));
        }
    }
    match row.expect.keys().find(|key| !judged.contains(key.as_str())) {
        Some(key) => failed("runner", format!("no layer speaks to the expectation {key}")),
        None => Verdict::Passed,
    }
}

/// Returns the first expectation that the judge does not know, if the row's group is run.
pub(super) fn foreign_expectation(row: &Row) -> Option<&str> {
    row.expect.keys().map(String::as_str).find(|key| row.is_run() && rule(key).is_none())
}

/// How an expectation is judged: by which fact, and when it is met.
struct Rule {
    fact: &'static str,
    met: fn(&Value, &Value) -> bool,
}

/// Expectations that are met by an equal fact with the same name.
const EQUAL: [&str; 72] = [
    "access_token",
    "action",
    "alarm",
    "argv_items",
    "argv_items_for_url",
    "authorization",
    "auto_uses_copy",
    "cachedir_tag",
    "canonical",
    "cleans_tmp_older_than_s",
    "code",
    "complete",
    "contains_code",
    "contains_state",
    "cookies_stored",
    "debug_contains_secret",
    "display_contains_control",
    "display_contains_secret",
    "display_escaped",
    "distinct_keys",
    "error_uri",
    "exchange_requests",
    "expanded",
    "extra_preserved",
    "file_changed",
    "file_created",
    "grace_s",
    "http_status",
    "ip",
    "keeps_query",
    "keeps_waiting",
    "lifetime_s",
    "limit",
    "loopback_proxied",
    "marked",
    "marker_occurrences",
    "marker_occurrences_target",
    "mode",
    "other_file_changed",
    "other_clients_served",
    "ours",
    "page_contains_input",
    "path_escapes_dir",
    "persist",
    "port",
    "prints_secret",
    "proxy",
    "record_changed",
    "refresh",
    "replays_refresh_token",
    "requests",
    "requests_to_location",
    "retries_persist",
    "retry",
    "rules",
    "second",
    "seconds",
    "secret_in_output",
    "secret_len",
    "sent",
    "serve",
    "served_from_memory",
    "served_if_valid",
    "shell",
    "signal",
    "stored_deleted",
    "temp_prefix",
    "token_requests",
    "unpersisted",
    "uses",
    "warn_only",
    "winner",
];

/// Returns the rule of an expectation; `None` for an unknown one.
fn rule(key: &str) -> Option<Rule> {
    if let Some(fact) = EQUAL.iter().find(|fact| **fact == key) {
        return Some(Rule { fact, met: |wanted, fact| wanted == fact });
    }
    let at_most = |fact| Rule { fact, met: |wanted, fact| fact.as_f64() <= wanted.as_f64() };
    Some(match key {
        "outcome" => Rule { fact: "outcome", met: one_of },
        "kind" => Rule { fact: "kind", met: one_of },
        "headers" => Rule { fact: "headers", met: each_begins },
        // A remark for people about the outcome.
        "note" => Rule { fact: "outcome", met: |_, _| true },
        "max_memory_mb" => at_most("memory_mb"),
        "warn" => Rule { fact: "warn", met: same_set },
        "granted" => Rule { fact: "granted", met: same_set },
        "hint" => Rule { fact: "text", met: contained },
        "token_requests_max" => at_most("token_requests"),
        "soft_s" => at_most("soft_s"),
        "lifetime_cap_s" => at_most("lifetime_s"),
        "replays_max" => at_most("replays"),
        "never" => Rule { fact: "never", met: same_set },
        "lock_blocks_next_s" => at_most("lock_blocks_next_s"),
        "within_ms" => at_most("ms"),
        "names_field" => Rule { fact: "names_field", met: named },
        "key_set" => Rule { fact: "key_set", met: same_set },
        "effective_lead_max_fraction" => at_most("lead_fraction"),
        "shows" => Rule { fact: "shown", met: contained },
        "max_us" => at_most("us"),
        "max_read" => at_most("read"),
        "max_display" => at_most("display_chars"),
        "min_delay_s" => Rule { fact: "delay_s", met: |wanted, fact| fact.as_f64() >= wanted.as_f64() },
        _ => return None,
    })
}

/// Compares a variable with its name in capital letters.
fn named(wanted: &Value, fact: &Value) -> bool {
    let bare =
        |value: &Value| value.as_str().map(|name| name.trim_start_matches("OCTO_AUTH_").to_ascii_lowercase());
    wanted == fact || (bare(wanted).is_some() && bare(wanted) == bare(fact))
}

fn one_of(wanted: &Value, fact: &Value) -> bool {
    match wanted {
        Value::Array(any) => any.contains(fact),
        one => one == fact,
    }
}

fn same_set(wanted: &Value, fact: &Value) -> bool {
    let set = |value: &Value| -> Option<BTreeSet<String>> {
        value.as_array()?.iter().map(|word| word.as_str().map(str::to_owned)).collect()
    };
    set(wanted).is_some() && set(wanted) == set(fact)
}

/// Whether each wanted header exists, and its value begins with the wanted text.
fn each_begins(wanted: &Value, fact: &Value) -> bool {
    let (Some(wanted), Some(fields)) = (wanted.as_array(), fact.as_array()) else { return false };
    wanted.iter().all(|wanted| {
        let is_this = |field: &Value| {
            matches!((wanted.as_str(), field.as_str()), (Some(wanted), Some(field)) if field.starts_with(wanted))
        };
        fields.iter().any(is_this)
    })
}

fn contained(wanted: &Value, fact: &Value) -> bool {
    matches!((wanted.as_str(), fact.as_str()), (Some(wanted), Some(fact)) if fact.contains(wanted))
}
