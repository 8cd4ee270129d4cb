//! Compares what was observed with what must come of a row.

use std::collections::BTreeSet;

use serde_json::Value;

use super::facts::Facts;
use super::row::Row;
use super::{Verdict, failed};

/// The verdict over all layers: each expectation judged by at least one, met in every one that knows it.
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

/// The first expectation that means nothing to the judge, where the row is of a group that is run.
pub(super) fn foreign_expectation(row: &Row) -> Option<&str> {
    // Expectations of rows that are not run.
    let needs_more = ["argv_items_for_url", "file_created", "loopback_proxied", "mode", "port", "proxy"];
    let known = |key: &str| rule(key).is_some() || needs_more.contains(&key);
    row.expect.keys().map(String::as_str).find(|key| row.is_run() && !known(key))
}

/// How an expectation is judged: by which fact, and when it is met.
struct Rule {
    fact: &'static str,
    met: fn(&Value, &Value) -> bool,
}

/// The rule of an expectation; nothing for one that is not known.
fn rule(key: &str) -> Option<Rule> {
    let equal = |fact| Rule { fact, met: |wanted, fact| wanted == fact };
    let at_most = |fact| Rule { fact, met: |wanted, fact| fact.as_f64() <= wanted.as_f64() };
    Some(match key {
        "outcome" => Rule { fact: "outcome", met: one_of },
        "kind" => Rule { fact: "kind", met: one_of },
        "warn" => Rule { fact: "warn", met: same_set },
        "granted" => Rule { fact: "granted", met: same_set },
        "hint" => Rule { fact: "text", met: contained },
        "lifetime_s" => equal("lifetime_s"),
        "refresh" => equal("refresh"),
        "retry" => equal("retry"),
        "serve" => equal("serve"),
        "access_token" => equal("access_token"),
        "error_uri" => equal("error_uri"),
        "display_contains_secret" => equal("display_contains_secret"),
        "debug_contains_secret" => equal("debug_contains_secret"),
        "display_contains_control" => equal("display_contains_control"),
        "requests_to_location" => equal("requests_to_location"),
        "cookies_stored" => equal("cookies_stored"),
        "token_requests" => equal("token_requests"),
        "token_requests_max" => at_most("token_requests"),
        "soft_s" => at_most("soft_s"),
        "record_changed" => equal("record_changed"),
        "extra_preserved" => equal("extra_preserved"),
        "lifetime_cap_s" => at_most("lifetime_s"),
        "replays_refresh_token" => equal("replays_refresh_token"),
        "replays_max" => at_most("replays"),
        "requests" => equal("requests"),
        "winner" => equal("winner"),
        "ours" => equal("ours"),
        "stored_deleted" => equal("stored_deleted"),
        "marked" => equal("marked"),
        "persist" => equal("persist"),
        "unpersisted" => equal("unpersisted"),
        "retries_persist" => equal("retries_persist"),
        "alarm" => equal("alarm"),
        "grace_s" => equal("grace_s"),
        "seconds" => equal("seconds"),
        "names_field" => Rule { fact: "names_field", met: named },
        "prints_secret" => equal("prints_secret"),
        "secret_in_output" => equal("secret_in_output"),
        "keeps_query" => equal("keeps_query"),
        "authorization" => equal("authorization"),
        "secret_len" => equal("secret_len"),
        "sent" => equal("sent"),
        "key_set" => Rule { fact: "key_set", met: same_set },
        "rules" => equal("rules"),
        "effective_lead_max_fraction" => at_most("lead_fraction"),
        "shows" => Rule { fact: "shown", met: contained },
        "canonical" => equal("canonical"),
        "ip" => equal("ip"),
        "warn_only" => equal("warn_only"),
        "max_us" => at_most("us"),
        "max_read" => at_most("read"),
        "max_display" => at_most("display_chars"),
        "min_delay_s" => Rule { fact: "delay_s", met: |wanted, fact| fact.as_f64() >= wanted.as_f64() },
        _ => return None,
    })
}

/// A variable is named in capital letters.
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

fn contained(wanted: &Value, fact: &Value) -> bool {
    matches!((wanted.as_str(), fact.as_str()), (Some(wanted), Some(fact)) if fact.contains(wanted))
}
