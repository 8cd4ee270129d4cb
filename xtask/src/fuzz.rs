//! Fuzzing campaigns: seeds from the corpus, one target after the other.
//!
//! Requires the nightly toolchain and cargo-fuzz, which only this task needs. Without them, the smoke test is skipped
//! and prints so.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

/// The targets under `tests/fuzz/fuzz_targets`.
const TARGETS: [&str; 7] =
    ["token_answers", "error_answers", "headers", "dates", "callbacks", "addresses", "stored_records"];

/// The files of the corpus whose rows are seeds.
const SEEDS: [&str; 6] =
    ["token-responses", "headers-status", "dates-durations", "callback-urls", "cidr-ip", "store-contents"];

/// Whether this machine can fuzz.
pub(crate) fn is_possible() -> bool {
    let mut probe = Command::new("cargo");
    probe.args(["+nightly", "fuzz", "--version"]).stdout(Stdio::null()).stderr(Stdio::null());
    probe.status().is_ok_and(|status| status.success())
}

/// The seed of the fuzzer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seed {
    /// A new seed each time, printed by the fuzzer, so that each campaign explores more.
    New,
    /// A fixed seed, so that a result is the same on every machine.
    Fixed,
}

/// Fuzzes each target, or the named one, for this count of seconds. Returns whether nothing was found.
pub(crate) fn run(root: &Path, seconds: u64, seed_of: Seed, only: Option<&str>) -> Result<bool> {
    ensure!(is_possible(), "fuzzing needs `rustup toolchain install nightly` and `cargo install cargo-fuzz`");
    let known = only.is_none_or(|name| TARGETS.contains(&name));
    ensure!(known, "there is no such target; there are {}", TARGETS.join(", "));
    seed(root)?;
    let mut clean = true;
    for target in TARGETS.iter().filter(|target| only.is_none_or(|name| name == **target)) {
        println!("== fuzzing {target} for {seconds} s");
        let status = Command::new("cargo")
            .args(["+nightly", "fuzz", "run", "--fuzz-dir", "tests/fuzz", target, "--"])
            .arg(format!("-max_total_time={seconds}"))
            .arg(if seed_of == Seed::Fixed { "-seed=1" } else { "-seed=0" })
            .args(["-dict=tests/fuzz/dictionary", "-max_len=65536", "-timeout=10", "-print_final_stats=1"])
            .current_dir(root)
            .status()
            .context("cannot run cargo fuzz")?;
        println!("{target}: {}", if status.success() { "nothing found" } else { "a finding, see above" });
        clean &= status.success();
    }
    Ok(clean)
}

/// Writes the rows of the corpus as inputs of the matching targets.
fn seed(root: &Path) -> Result<()> {
    for file in SEEDS {
        let path = root.join(format!("tests/corpus/{file}.json"));
        let text = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let rows: Vec<Value> = serde_json::from_slice(&text).with_context(|| format!("{file} is no JSON"))?;
        for row in &rows {
            for (target, bytes) in inputs(row) {
                let folder: PathBuf = root.join("tests/fuzz/corpus").join(target);
                std::fs::create_dir_all(&folder)?;
                let id = row["id"].as_str().unwrap_or_default();
                std::fs::write(folder.join(id), bytes).with_context(|| format!("cannot write seed {id}"))?;
            }
        }
    }
    Ok(())
}

/// Returns a row as an input of each target, in the form that the target reads.
fn inputs(row: &Value) -> Vec<(&'static str, Vec<u8>)> {
    let input = &row["input"];
    let choice = match input["profile"].as_str() {
        Some("octorate") => 0,
        Some("octotable") => 1,
        Some("officernd") => 2,
        _ => 3,
    };
    let refresh = u8::from(input["grant"] == "refresh_token");
    let status = input["status"].as_u64().unwrap_or(200);
    let mut inputs = Vec::new();
    if let Some(body) = input["body"].as_str() {
        inputs.push(("token_answers", [&[choice, refresh], body.as_bytes()].concat()));
        let refused = u8::try_from(status.saturating_sub(300) / 2).unwrap_or(50);
        inputs.push(("error_answers", [&[choice, refresh, refused], body.as_bytes()].concat()));
    }
    let values: Vec<&str> =
        input["headers"].as_array().into_iter().flatten().filter_map(|header| header[1].as_str()).collect();
    if !values.is_empty() {
        inputs.push(("headers", [&[choice, 0], values.join("\n").as_bytes()].concat()));
    }
    if let Some(date) = input["value"].as_str() {
        inputs.push(("dates", date.as_bytes().to_vec()));
    }
    if let (Some(target), Some(state)) = (input["target"].as_str(), input["state"].as_str()) {
        let query = target.split_once('?').map_or("", |(_, query)| query).replace(state, "STATE");
        inputs.push(("callbacks", [&[choice], query.as_bytes()].concat()));
    }
    if let Some(record) = input["record"].as_object() {
        // The record already contains its identity.
        let identity = ["v", "issuer", "client_id"];
        let members = record.iter().filter(|(name, _)| !identity.contains(&name.as_str()));
        let members: Vec<String> = members.map(|(name, value)| format!("{}:{value}", json!(name))).collect();
        inputs.push(("stored_records", [&[1], members.join(",").as_bytes()].concat()));
    }
    inputs
        .extend(addresses(input).map(|(choice, text)| ("addresses", [&[choice], text.as_bytes()].concat())));
    inputs
}

/// Returns a row about addresses as an input: a rule, rules in lines, or a proxy header, and the byte for each kind.
fn addresses(input: &Value) -> Option<(u8, String)> {
    let lines = |key: &str, of: fn(&Value) -> Option<&str>| -> String {
        let texts = input[key].as_array().into_iter().flatten().filter_map(of);
        texts.collect::<Vec<_>>().join("\n")
    };
    match input["fn"].as_str()? {
        "parse_cidr" => Some((0, input["text"].as_str()?.to_owned())),
        "matches" => Some((1, lines("allow", Value::as_str))),
        _ => {
            let choice = if input["header"] == "forwarded" { 3 } else { 2 };
            Some((choice, lines("headers", |header| header[1].as_str())))
        }
    }
}
