//! Client id and client secret, from a file or standard input.
//!
//! The rules of this module: a message names the place and the line, never its content. A file that other users can
//! read or change is not read. The content is wiped when dropped.

use std::fs::File;
use std::io::{IsTerminal, Read};
use std::path::Path;

use octo_auth_config::{Origin, Settings, shared_mode};
use zeroize::Zeroizing;

use crate::failure::{self, Exit, Failure, shown};
use crate::output;

/// The longest text with credentials, in bytes.
const LONGEST: u64 = 64 * 1024;

/// Reads the credentials from a file, or from standard input for `-`, and adds them to the settings.
///
/// # Errors
///
/// Returns a [`Failure`] that names the place where something is missing or unreadable.
pub(crate) fn read(source: &Path, settings: Settings) -> Result<Settings, Failure> {
    if source.as_os_str() == "-" {
        let input = std::io::stdin();
        if input.is_terminal() {
            output::tell("type client_id=... and client_secret=..., then Ctrl-D");
        }
        let place = "standard input";
        return parse(&text(input.lock(), place)?, place, place, settings);
    }
    let name = shown(source.display());
    let place = format!("the credentials file {name}");
    let file = File::open(source).map_err(|error| unreadable(&place, &error))?;
    refuse_shared(&file, source, &place)?;
    parse(&text(file, &place)?, &place, &name, settings)
}

/// Refuses an open file with a secret that other users can read or change.
pub(crate) fn refuse_shared(file: &File, path: &Path, place: &str) -> Result<(), Failure> {
    let Some(mode) = shared_mode(file).map_err(|error| unreadable(place, &error))? else { return Ok(()) };
    let message = format!("{place} can be read or changed by other users of this machine (mode {mode:04o})");
    let remedy = format!("run: chmod 600 {}; replace the secret if others may have seen it", quoted(path));
    Err(Failure::new(Exit::Configuration, message).with_remedy(remedy))
}

/// Quotes a path as one word of a shell.
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

fn text(reader: impl Read, place: &str) -> Result<Zeroizing<String>, Failure> {
    let mut text = Zeroizing::new(String::new());
    reader.take(LONGEST + 1).read_to_string(&mut text).map_err(|error| unreadable(place, &error))?;
    if text.len() as u64 > LONGEST {
        return Err(configuration(format!("{place} is longer than 64 KiB and holds no credentials")));
    }
    Ok(text)
}

/// Parses `name=value` lines. White space around both parts is removed, and a quoted value is refused.
fn parse(text: &str, place: &str, name: &str, mut settings: Settings) -> Result<Settings, Failure> {
    let mut found = [("client_id", false), ("client_secret", false)];
    for (number, line) in (1..).zip(text.trim_start_matches('\u{feff}').lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let wrong = |problem: &str| configuration(format!("{place}, line {number}: {problem}"));
        let (written, value) = line.split_once('=').ok_or_else(|| wrong("there is no = in it"))?;
        let slot = match bare(written) {
            "client_id" | "OCTO_AUTH_CLIENT_ID" => &mut found[0],
            "client_secret" | "OCTO_AUTH_CLIENT_SECRET" => &mut found[1],
            _ => return Err(wrong("it is neither client_id= nor client_secret=")),
        };
        let value = value.trim();
        if is_quoted(value) {
            return Err(wrong("the value is in quotes, which would count as a part of it: leave them out"));
        }
        if std::mem::replace(&mut slot.1, true) {
            return Err(wrong("the name stands there a second time"));
        }
        settings = settings.with(slot.0, value, Origin::File { file: name.to_owned(), line: number })?;
    }
    match found.iter().find(|(_, is_found)| !is_found) {
        Some((missing, _)) => Err(configuration(format!("{place} has no {missing}"))),
        None => Ok(settings),
    }
}

/// Returns the name of a line without `export`, which a shell permits.
fn bare(name: &str) -> &str {
    let name = name.trim();
    match name.strip_prefix("export") {
        Some(rest) if rest.starts_with(char::is_whitespace) => rest.trim_start(),
        _ => name,
    }
}

/// Whether a value begins and ends with the same quote, which a shell would remove.
fn is_quoted(value: &str) -> bool {
    value.len() > 1 && ['"', '\''].iter().any(|&quote| value.starts_with(quote) && value.ends_with(quote))
}

fn configuration(message: String) -> Failure {
    Failure::new(Exit::Configuration, message).with_remedy(failure::WHERE_CREDENTIALS_GO)
}

fn unreadable(place: &str, error: &std::io::Error) -> Failure {
    configuration(format!("{place} cannot be read")).because_of(Some(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Settings, Failure> {
        let none = Settings::read(Some(("none", "profile = 'octotable'")), []).expect("settings");
        parse(text, "the file", "the file", none)
    }

    #[track_caller]
    fn reads(text: &str, secret: &str) {
        let settings = parsed(text).expect("credentials");
        assert_eq!(settings.get("client_id"), Some("me"));
        let read = settings.secret().expect("settings").expect("a secret");
        assert_eq!(read.expose(), secret);
    }

    #[test]
    fn lines_may_be_spaced_commented_and_in_any_order() {
        reads("\u{feff}# Octorate\r\n\r\nclient_secret = a=b#c \r\n client_id=me\r\n", "a=b#c");
    }

    #[test]
    fn lines_may_be_those_of_a_shell_with_the_names_of_the_environment() {
        reads("export client_id=me\nexport\tclient_secret=it's", "it's");
        reads("OCTO_AUTH_CLIENT_ID=me\nexport OCTO_AUTH_CLIENT_SECRET=it's", "it's");
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
            ("client_id=me\nclient_secret=hun\tter2", "line 2: `client_secret` holds a control character"),
            ("client_secret=hunter2", "has no client_id"),
            ("client_id=me\nclient_secret=", "line 2: `client_secret` is empty"),
            ("client_id=me", "has no client_secret"),
            ("", "has no client_id"),
        ] {
            let refusal = parsed(text).expect_err("a refusal").to_string();
            assert!(refusal.contains(says), "{text:?}: {refusal}");
            assert!(!refusal.contains("hunter2"), "{refusal}");
        }
    }
}
