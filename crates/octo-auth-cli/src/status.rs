//! `octo-auth status`: shows the status of each stored token.
//!
//! The rule of this module: nothing is sent and no record is written, so that every user who may read the directory can
//! use it.

use std::path::Path;
use std::time::Duration;

use octo_auth_core::{self as core, Freshness, Now, RecordName, Status, Store};
use octo_auth_store_file::{AdoptOnly, FileStore};
use octo_auth_system::{Clock, SystemClock};
use serde_json::{Value, json};

use crate::arguments::StatusRequest;
use crate::failure::{Exit, Failure, shown};
use crate::inventory::{self, Entry};
use crate::output::{self, Output};
use crate::revocation::{self, Revocations};
use crate::stored::Absent;
use crate::{client, stored};

/// The titles of the columns.
const TITLES: [&str; 6] = ["account", "provider", "state", "generation", "expires in", "renews in"];

/// The status of one token.
struct Row {
    account: String,
    provider: String,
    client_id: Option<String>,
    state: &'static str,
    generation: Option<String>,
    expires_in: Option<Duration>,
    renews_in: Option<Duration>,
    /// Why there is no token, or what happens next.
    why: Option<String>,
    /// The stable code of a failure.
    code: Option<String>,
    to_revoke: usize,
}

/// Prints the table.
///
/// # Errors
///
/// Returns a [`Failure`] if the directory cannot be read.
pub(crate) fn run(request: &StatusRequest, output: &mut Output) -> Result<Exit, Failure> {
    let settings = client::settings(&request.client)?;
    if stored::nothing_is_stored(&request.store, &settings)? {
        return print(request, &stored::directory(&request.store, &settings)?, None, &[], output);
    }
    let store = stored::open(&request.store, &settings, Absent::Refused)?;
    let now = SystemClock.now();
    let inventory = inventory::read(&store, &settings)?;
    for (label, failure) in &inventory.unusable {
        output::tell(&format!("warning: the registration {label}: {}", failure.in_one_line()));
    }
    let rows =
        inventory.records.iter().map(|entry| row(&store, entry, now)).collect::<Result<Vec<_>, _>>()?;
    print(request, store.directory(), store.adopt_only(), &rows, output)
}

fn print(
    request: &StatusRequest,
    directory: &Path,
    adopt_only: Option<AdoptOnly>,
    rows: &[Row],
    output: &mut Output,
) -> Result<Exit, Failure> {
    let adopt_only = adopt_only.map(|why| why.to_string());
    if request.json {
        let rows: Vec<Value> = rows.iter().map(Row::to_json).collect();
        let directory = directory.display().to_string();
        output.line(json!({"store": directory, "adopt_only": adopt_only, "tokens": rows}))?;
        return Ok(Exit::Done);
    }
    let directory = shown(directory.display());
    if let Some(why) = adopt_only {
        output::tell(&format!(
            "note: {directory} is adopt-only, because {why}: its tokens are used and not renewed"
        ));
    }
    if rows.is_empty() {
        output::tell(&format!(
            "{directory} holds no tokens; octo-auth login or octo-auth import begins an account"
        ));
        return Ok(Exit::Done);
    }
    table(rows, output)?;
    Ok(Exit::Done)
}

fn row(store: &FileStore, entry: &Entry, now: Now) -> Result<Row, Failure> {
    let to_revoke = to_revoke(store, &entry.name);
    let Some((client, key)) = &entry.of else {
        let host = entry.name.as_str().split('.').rev().skip(5).collect::<Vec<_>>();
        let host = host.into_iter().rev().collect::<Vec<_>>().join(".");
        return Ok(Row {
            account: entry.readable().to_owned(),
            provider: host,
            client_id: None,
            state: "unknown",
            generation: None,
            expires_in: None,
            renews_in: None,
            why: Some("no registration of it is stored: name its client by arguments or settings".to_owned()),
            code: None,
            to_revoke,
        });
    };
    let status = inventory::look(store, client, key)?;
    let token = status.token.as_ref();
    let left = |age: Option<Duration>| {
        let token = token?;
        Some(age?.saturating_sub(token.validity().age(now)))
    };
    let setback = status.setback.as_ref();
    Ok(Row {
        account: match key.is_client_grant() {
            true => format!("({key})"),
            false => key.account_name().to_owned(),
        },
        provider: client.profile().title().to_owned(),
        client_id: Some(client.client_id().to_owned()),
        state: state(&status),
        generation: token.map(|token| token.generation().to_string()),
        expires_in: left(token.and_then(|token| token.validity().served_until_age())),
        renews_in: left(token.and_then(|token| token.validity().renewal_due_age())),
        why: why(&status),
        code: setback.map(|setback| setback.code().into_owned()),
        to_revoke,
    })
}

fn state(status: &Status) -> &'static str {
    match status.state {
        core::State::SignedOut => "signed out",
        core::State::Unreadable => "unreadable",
        _ if status.sign_in_needed => "sign in",
        _ => match status.freshness {
            Freshness::Fresh => "fresh",
            Freshness::Stale => "due",
            Freshness::Expired => "expired",
        },
    }
}

fn why(status: &Status) -> Option<String> {
    let Some(setback) = &status.setback else {
        let is_fresh = status.freshness == Freshness::Fresh;
        return (!is_fresh).then(|| "it is renewed with its next use".to_owned());
    };
    let mut text = setback.to_string();
    let mut cause = std::error::Error::source(setback);
    while let Some(next) = cause {
        text = format!("{text}, because {next}");
        cause = next.source();
    }
    Some(text)
}

/// Returns the count of tokens that must still be revoked for the token spec of a record.
fn to_revoke(store: &FileStore, name: &RecordName) -> usize {
    let stored = Revocations::name(name).ok().and_then(|name| store.load(&name).ok().flatten());
    stored.map_or(0, |stored| revocation::count(&stored.content))
}

impl Row {
    fn to_json(&self) -> Value {
        let seconds = |duration: Option<Duration>| duration.map(|duration| duration.as_secs());
        json!({
            "account": self.account,
            "provider": self.provider,
            "client_id": self.client_id,
            "state": self.state,
            "generation": self.generation,
            "expires_in_s": seconds(self.expires_in),
            "renews_in_s": seconds(self.renews_in),
            "failure": self.code,
            "why": self.why,
            "to_revoke": self.to_revoke,
        })
    }

    fn cells(&self) -> [String; 6] {
        let cell = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        let time = |left: Option<Duration>| left.map_or("-".to_owned(), in_words);
        [
            shown(&self.account),
            shown(&self.provider),
            self.state.to_owned(),
            cell(&self.generation),
            time(self.expires_in),
            time(self.renews_in),
        ]
    }
}

/// Prints the rows in columns, and below each row the reason of its state.
fn table(rows: &[Row], output: &mut Output) -> Result<(), Failure> {
    let cells: Vec<[String; 6]> = rows.iter().map(Row::cells).collect();
    let titles = TITLES.map(str::to_owned);
    let width = |column: usize| {
        let all = cells.iter().chain([&titles]).map(|row| row[column].chars().count());
        all.max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..TITLES.len()).map(width).collect();
    let line = |row: &[String; 6]| {
        let padded: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        padded.join("  ").trim_end().to_owned()
    };
    output.line(line(&titles))?;
    for (row, cells) in rows.iter().zip(&cells) {
        output.line(line(cells))?;
        if let Some(why) = &row.why {
            output.line(format_args!("  {}", shown(why)))?;
        }
        if row.to_revoke > 0 {
            output.line(format_args!(
                "  {} of its tokens must still be revoked at the provider: octo-auth logout tries again",
                row.to_revoke
            ))?;
        }
    }
    Ok(())
}

/// Formats a duration in its two largest units, such as `2 h 05 min`.
pub(crate) fn in_words(left: Duration) -> String {
    let seconds = left.as_secs();
    let (days, hours, minutes) = (seconds / 86400, seconds / 3600, seconds / 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {:02} s", seconds % 60),
        (0, ..) => format!("{hours} h {:02} min", minutes % 60),
        _ => format!("{days} d {:02} h", hours % 24),
    }
}
