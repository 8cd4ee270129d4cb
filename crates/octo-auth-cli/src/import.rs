//! `octo-auth import`: starts an account with a refresh token from elsewhere, unless the account already has tokens
//! refreshed from it.
//!
//! The rule of this module: the refresh token comes from standard input and is never shown.

use std::io::{IsTerminal, Read};
use std::time::Duration;

use octo_auth_core::{Imported, RecordName, Secret};
use zeroize::Zeroizing;

use crate::arguments::ImportRequest;
use crate::failure::{Exit, Failure};
use crate::output::{self, Output};
use crate::record;
use crate::stored::{Absent, Stored};

/// The longest refresh token, in bytes.
const LONGEST: u64 = 16 * 1024;

/// The limit of the wait for the save.
const SAVING: Duration = Duration::from_secs(10);

/// Imports the refresh token, and stores the registration of the client.
///
/// # Errors
///
/// Returns a [`Failure`] if standard input contains no refresh token, or if the token cannot be stored.
pub(crate) fn run(request: &ImportRequest, output: &mut Output) -> Result<Exit, Failure> {
    let stored = Stored::open(&request.client, &request.stored, Absent::Created)?;
    if stored.key.is_client_grant() {
        return Err(Failure::new(Exit::Usage, "an argument is missing: --account <NAME>")
            .with_remedy("name the account that the refresh token is of"));
    }
    stored.registrable()?;
    let name = RecordName::new(&stored.client, &stored.key);
    // An unreadable record is reported before any input is read.
    let family = || -> Result<Option<String>, Failure> {
        let read = record::read(&stored.store, &name)?;
        Ok(read.and_then(|record| record.family().map(str::to_owned)))
    };
    let before = family()?;
    let refresh_token = refresh_token()?;
    let manager = stored.manager()?;
    let tokens = manager.tokens(stored.key.clone())?;
    tokens.import(Imported::Seed(refresh_token))?;
    let unfinished = manager.shutdown_within(SAVING);
    if !unfinished.is_empty() {
        let message = format!("the refresh token is not stored in {}", stored.shown_directory());
        return Err(Failure::new(Exit::TryLater, message).with_hint(tokens.explain().replace('\n', "\n    ")));
    }
    stored.register()?;
    let key = &stored.key;
    match family()? == before {
        true => output.line(format_args!("{key}: unchanged; it has had this refresh token before"))?,
        false => output.line(format_args!("{key}: imported"))?,
    }
    Ok(Exit::Done)
}

/// Reads one line from standard input.
fn refresh_token() -> Result<Secret, Failure> {
    let wrong = |problem: &str| {
        Failure::new(Exit::Configuration, format!("standard input {problem}")).with_remedy(
            "pass the refresh token alone on standard input, such as: octo-auth import ... < FILE",
        )
    };
    let input = std::io::stdin();
    if input.is_terminal() {
        output::tell("paste the refresh token, then press Enter and Ctrl-D");
    }
    let mut text = Zeroizing::new(String::with_capacity(LONGEST as usize + 1));
    input
        .lock()
        .take(LONGEST + 1)
        .read_to_string(&mut text)
        .map_err(|error| wrong("cannot be read").because_of(Some(&error)))?;
    if text.len() as u64 > LONGEST {
        return Err(wrong("is longer than 16 KiB and holds no refresh token"));
    }
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.is_empty() {
        return Err(wrong("holds no refresh token"));
    }
    if line.contains(|letter: char| letter.is_control() || letter.is_whitespace()) {
        return Err(wrong("holds more than one word"));
    }
    Ok(Secret::from(line))
}
