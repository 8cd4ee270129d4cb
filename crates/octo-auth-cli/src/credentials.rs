//! Client id and client secret, from the environment, a file or standard input.
//!
//! The rules kept here: a message names the place and the line, never what stands there; a file that others can read or
//! change is not read. What was read is wiped when dropped.

use std::fs::File;
use std::io::{IsTerminal, Read};
use std::path::Path;

use octo_auth_core::Secret;
use zeroize::Zeroizing;

use crate::failure::{Exit, Failure, shown};
use crate::output;

const CLIENT_ID: &str = "OCTO_AUTH_CLIENT_ID";
const CLIENT_SECRET: &str = "OCTO_AUTH_CLIENT_SECRET";

const WHERE_THEY_GO: &str = "set OCTO_AUTH_CLIENT_ID and OCTO_AUTH_CLIENT_SECRET, or name a file with the lines \
    client_id=... and client_secret=... by --credentials FILE (- for standard input)";

const CONTROL: &str = "a control character, perhaps a trailing line break";

/// The longest text credentials are read from, in bytes.
const LONGEST: u64 = 64 * 1024;

/// What a client is registered with.
pub(crate) struct Credentials {
    pub(crate) client_id: String,
    pub(crate) client_secret: Secret,
    /// Where they came from, in words.
    pub(crate) source: String,
}

/// Reads credentials from a file, from standard input for `-`, or from the environment.
///
/// # Errors
///
/// A [`Failure`] that says where something is missing or cannot be read.
pub(crate) fn read(source: Option<&Path>) -> Result<Credentials, Failure> {
    match source {
        None => from_environment(),
        Some(path) if path.as_os_str() == "-" => {
            let input = std::io::stdin();
            if input.is_terminal() {
                output::tell("type client_id=... and client_secret=..., then Ctrl-D");
            }
            parse(&text(input.lock(), "standard input")?, "standard input")
        }
        Some(path) => {
            let place = format!("the credentials file {}", shown(path.display()));
            let file = File::open(path).map_err(|error| unreadable(&place, &error))?;
            #[cfg(unix)]
            refuse_shared(&file, path, &place)?;
            parse(&text(file, &place)?, &place)
        }
    }
}

/// Refuses an open file with a secret that users other than its owner can read or change. Windows inherits a folder's
/// permissions, and is not asked.
#[cfg(unix)]
pub(crate) fn refuse_shared(file: &File, path: &Path, place: &str) -> Result<(), Failure> {
    use std::os::unix::fs::{FileTypeExt, PermissionsExt};
    let metadata = file.metadata().map_err(|error| unreadable(place, &error))?;
    let mode = metadata.permissions().mode() & 0o777;
    // A terminal, which its owner shares with those who write messages to it, keeps nothing.
    let keeps = metadata.is_file() || metadata.file_type().is_fifo();
    if !keeps || mode & 0o066 == 0 {
        return Ok(());
    }
    let message = format!("{place} can be read or changed by other users of this machine (mode {mode:04o})");
    let remedy = format!("run: chmod 600 {}; replace the secret if others may have seen it", quoted(path));
    Err(Failure::new(Exit::Configuration, message).with_remedy(remedy))
}

/// A path as one word of a shell.
#[cfg(unix)]
fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-+@%".contains(letter);
    if text.chars().all(is_plain) && !text.starts_with('-') {
        return text.into_owned();
    }
    if shown(&text) == text {
        return format!("-- '{}'", text.replace('\'', r"'\''"));
    }
    let escaped = text.chars().map(|letter| match letter {
        '\'' | '\\' => format!("\\{letter}"),
        _ if shown(letter) != letter.to_string() => format!("\\U{:08x}", u32::from(letter)),
        _ => letter.to_string(),
    });
    format!("-- $'{}'", escaped.collect::<String>())
}

fn from_environment() -> Result<Credentials, Failure> {
    Ok(Credentials {
        client_id: variable(CLIENT_ID)?,
        client_secret: Secret::new(variable(CLIENT_SECRET)?),
        source: "the environment".to_owned(),
    })
}

fn variable(name: &str) -> Result<String, Failure> {
    use std::env::VarError;
    match std::env::var(name) {
        Ok(value) if value.contains(char::is_control) => {
            drop(Secret::new(value));
            Err(configuration(format!("the environment variable {name} holds {CONTROL}")))
        }
        Ok(value) if !value.is_empty() => Ok(value),
        Ok(_) => Err(configuration(format!("the environment variable {name} is empty"))),
        Err(VarError::NotPresent) => {
            Err(configuration(format!("the environment variable {name} is not set")))
        }
        // The error would show the value.
        Err(VarError::NotUnicode(_)) => {
            Err(configuration(format!("the environment variable {name} is not UTF-8")))
        }
    }
}

fn text(reader: impl Read, place: &str) -> Result<Zeroizing<String>, Failure> {
    let mut text = Zeroizing::new(String::new());
    reader.take(LONGEST + 1).read_to_string(&mut text).map_err(|error| unreadable(place, &error))?;
    if text.len() as u64 > LONGEST {
        return Err(configuration(format!("{place} is longer than 64 KiB and holds no credentials")));
    }
    Ok(text)
}

/// Reads `name=value` lines; white space around both parts is dropped, and a value in quotes is refused.
fn parse(text: &str, place: &str) -> Result<Credentials, Failure> {
    let (mut client_id, mut client_secret) = (None, None);
    for (number, line) in (1..).zip(text.trim_start_matches('\u{feff}').lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let wrong = |problem: &str| configuration(format!("{place}, line {number}: {problem}"));
        let (name, value) = line.split_once('=').ok_or_else(|| wrong("there is no = in it"))?;
        let slot = match bare(name) {
            "client_id" | CLIENT_ID => &mut client_id,
            "client_secret" | CLIENT_SECRET => &mut client_secret,
            _ => return Err(wrong("it is neither client_id= nor client_secret=")),
        };
        let value = value.trim();
        if is_quoted(value) {
            return Err(wrong("the value is in quotes, which would count as a part of it: leave them out"));
        }
        if value.contains(char::is_control) {
            return Err(wrong(&format!("the value holds {CONTROL}")));
        }
        if slot.replace(Secret::new(value)).is_some() {
            return Err(wrong("the name stands there a second time"));
        }
    }
    let found = |slot: Option<Secret>, name: &str| {
        slot.filter(|value| !value.expose().is_empty())
            .ok_or_else(|| configuration(format!("{place} has no {name}")))
    };
    Ok(Credentials {
        client_id: found(client_id, "client_id")?.expose().to_owned(),
        client_secret: found(client_secret, "client_secret")?,
        source: place.to_owned(),
    })
}

/// The name of a line as a shell reads it, without `export`.
fn bare(name: &str) -> &str {
    let name = name.trim();
    match name.strip_prefix("export") {
        Some(rest) if rest.starts_with(char::is_whitespace) => rest.trim_start(),
        _ => name,
    }
}

/// Whether a value begins and ends with the same quote, which a shell would take away.
fn is_quoted(value: &str) -> bool {
    value.len() > 1 && ['"', '\''].iter().any(|&quote| value.starts_with(quote) && value.ends_with(quote))
}

fn configuration(message: String) -> Failure {
    Failure::new(Exit::Configuration, message).with_remedy(WHERE_THEY_GO)
}

fn unreadable(place: &str, error: &std::io::Error) -> Failure {
    configuration(format!("{place} cannot be read")).because_of(Some(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        match parse(text, "the file") {
            Ok(_) => panic!("{text:?} was accepted"),
            Err(failure) => failure.to_string(),
        }
    }

    #[test]
    fn lines_may_be_spaced_commented_and_in_any_order() {
        let text = "\u{feff}# Octorate\r\n\r\nclient_secret = a=b#c \r\n client_id=me\r\n";
        let credentials = parse(text, "the file").expect("credentials");
        assert_eq!(credentials.client_id, "me");
        assert_eq!(credentials.client_secret.expose(), "a=b#c");
    }

    #[test]
    fn lines_may_be_those_of_a_shell_with_the_names_of_the_environment() {
        for text in [
            "export client_id=me\nexport\tclient_secret=it's",
            "OCTO_AUTH_CLIENT_ID=me\nexport OCTO_AUTH_CLIENT_SECRET=it's",
        ] {
            let credentials = parse(text, "the file").expect("credentials");
            assert_eq!((&*credentials.client_id, &*credentials.source), ("me", "the file"));
            assert_eq!(credentials.client_secret.expose(), "it's");
        }
    }

    #[test]
    fn a_wrong_line_is_named_by_its_number_and_not_shown() {
        for (text, says) in [
            ("client_id=me\nhunter2", "line 2: there is no ="),
            ("client_id=me\nsecret=hunter2", "line 2: it is neither"),
            ("client_secret=hunter2\nclient_secret=hunter2", "line 2: the name stands"),
            ("client_id=me\nOCTO_AUTH_CLIENT_ID=hunter2", "line 2: the name stands"),
            ("exportclient_id=hunter2", "line 1: it is neither"),
            ("client_id=me\nclient_secret=\"hunter2\"", "line 2: the value is in quotes"),
            ("client_id='hunter2'", "line 1: the value is in quotes"),
            ("client_id=me\nclient_secret=hun\tter2", "line 2: the value holds a control character"),
            ("client_secret=hunter2", "has no client_id"),
            ("client_id=me\nclient_secret=", "has no client_secret"),
            ("", "has no client_id"),
        ] {
            let refusal = refusal(text);
            assert!(refusal.contains(says), "{text:?}: {refusal}");
            assert!(!refusal.contains("hunter2"), "{refusal}");
        }
    }
}
