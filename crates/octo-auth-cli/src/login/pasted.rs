//! The callback, pasted by a person from the browser's address bar.

use std::io::{self, BufRead, IsTerminal, Read};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Instant;

use octo_auth_core::{AuthorizationCode, PendingAuthorization};
use octo_auth_system::{Clock, SystemClock};
use zeroize::Zeroizing;

use super::ended::{rejected, too_late};
use crate::failure::{Exit, Failure};
use crate::output::tell;
use crate::status::in_words;

/// The longest line that is read, in bytes: one more than the longest callback.
const LONGEST: u64 = 16 * 1024 + 1;

/// The remedy for a pasted text that is not the callback, while the sign-in waits.
const COPY_AGAIN: &str = "copy the whole address from the browser's bar; this sign-in still waits for it";

/// A line of standard input without its line end; `None` at the end of input.
type Line = io::Result<Option<Zeroizing<Vec<u8>>>>;

/// Explains what the person has to do after the click.
pub(super) fn explain(redirect_uri: &str, lifetime: u32) {
    tell(&format!(
        "After that the browser goes to {redirect_uri} and may say that it cannot open the page. That is expected.\n\
         Copy the whole address from the browser's bar at once: the code in it lives {lifetime} s after your click.\n\
         This program cannot see the click, so it does not count those seconds."
    ));
}

/// Asks for the address until one is the callback of this sign-in.
///
/// # Errors
///
/// Returns a [`Failure`] if a callback ends the sign-in without a code, or if none arrives until the deadline.
pub(super) fn callback(
    mut pending: PendingAuthorization,
    redirect_uri: &str,
    deadline: Instant,
) -> Result<AuthorizationCode, Failure> {
    let lines = lines();
    loop {
        let is_terminal = io::stdin().is_terminal();
        let left = deadline.saturating_duration_since(Instant::now());
        // The prompt is not rewritten: that would disturb the text that is being pasted.
        tell(&if is_terminal {
            format!("Paste the address here and press Enter (this program waits {}):", in_words(left))
        } else {
            "The address is read from standard input.".to_owned()
        });
        let line = match lines.recv_timeout(left) {
            Ok(line) => line.map_err(|error| unread("cannot be read").because_of(Some(&error)))?,
            Err(RecvTimeoutError::Timeout) => return Err(too_late()),
            Err(RecvTimeoutError::Disconnected) => None,
        };
        let line = line.ok_or_else(|| unread("ended before an address was pasted"))?;
        let text = std::str::from_utf8(&line).map_err(|_| unread("holds a line that is not UTF-8"))?;
        let address = address(text, redirect_uri);
        if address.is_empty() {
            continue;
        }
        match pending.receive(&address, SystemClock.now()) {
            Ok(code) => return Ok(code),
            Err(error) => {
                let failure = rejected(&error.error);
                match error.pending.filter(|_| is_terminal) {
                    // The person may have copied only a part.
                    Some(waiting) => pending = *waiting,
                    None => return Err(failure),
                }
                tell(&failure.with_remedy(COPY_AGAIN).to_string());
            }
        }
    }
}

/// Returns the pasted text without surrounding quotes, spaces and invisible characters, and with the scheme that some
/// browsers omit when copying.
fn address(text: &str, redirect_uri: &str) -> Zeroizing<String> {
    // An address has only these characters (RFC 3986), so others around it do not belong to it.
    let mut text = text.trim_matches(|character: char| !character.is_ascii_graphic());
    // The marks of bracketed paste, without the escape characters that were in front of them.
    text = text.strip_prefix("[200~").unwrap_or(text);
    text = text.strip_suffix("\u{1b}[201~").unwrap_or(text);
    for (open, close) in [('"', '"'), ('\'', '\''), ('`', '`'), ('<', '>')] {
        let inner = text.strip_prefix(open).and_then(|text| text.strip_suffix(close));
        text = inner.unwrap_or(text).trim();
    }
    let is_address_without_scheme = text.split_once('?').is_some_and(|(before, _)| {
        !before.is_empty() && !before.starts_with('/') && !before.contains("://") && !before.contains('=')
    });
    let (scheme, _) = redirect_uri.split_once("://").unwrap_or_default();
    let mut address = Zeroizing::new(String::with_capacity(scheme.len() + "://".len() + text.len()));
    if is_address_without_scheme {
        address.push_str(scheme);
        address.push_str("://");
    }
    address.push_str(text);
    address
}

/// Reads standard input on a separate thread, because a read cannot be cancelled.
fn lines() -> Receiver<Line> {
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        loop {
            let line = line(&mut io::stdin().lock());
            let is_last = !matches!(line, Ok(Some(_)));
            if sender.send(line).is_err() || is_last {
                return;
            }
        }
    });
    lines
}

/// Reads one line. A line that is longer than a callback is cut; parsing the callback then reports that it is too long.
fn line(input: &mut impl BufRead) -> Line {
    let mut line = Zeroizing::new(Vec::with_capacity(LONGEST as usize));
    let count = input.take(LONGEST).read_until(b'\n', &mut line)?;
    Ok((count > 0).then_some(line))
}

fn unread(problem: &str) -> Failure {
    Failure::new(Exit::SignIn, format!("standard input {problem}; nothing was exchanged"))
        .with_remedy("run octo-auth login at a terminal, or pass the address on standard input")
}
