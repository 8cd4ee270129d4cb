//! Rows about an address that a person copies from the browser's address bar.

use std::time::Duration;

use octo_auth_system::{Clock, SystemClock};
use serde_json::Value;

use super::super::facts::Facts;
use super::super::input;
use super::super::row::Row;
use super::{Lack, Stage, failed};

pub(super) fn observe(row: &Row) -> Result<Facts, Lack> {
    let stage = Stage::new(row)?;
    let redirect_uri = row.text("redirect_uri").ok_or("the row has no redirect_uri")?;
    let text = String::from_utf8(input::bytes(row, "text")?.ok_or("the row has no text")?)?;
    let mut facts = Facts::new();
    match stage.sign_in(row, redirect_uri)?.receive(&text, SystemClock.now()) {
        Err(rejected) => failed(&rejected.error, &mut facts),
        Ok(code) => {
            let late = row.input.get("seconds_after_issue").and_then(Value::as_u64).unwrap_or_default();
            stage.exchange(code, Duration::from_secs(late), &mut facts);
        }
    }
    stage.count_exchanges(&mut facts);
    Ok(facts)
}
