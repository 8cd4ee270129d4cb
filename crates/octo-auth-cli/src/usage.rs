//! Parses the command line without ever repeating its content.
//!
//! The rule of this module: a value that a person typed may be a secret in the wrong place, so no message shows one.
//! The messages of `clap` would show values; they are written again from the kind of the error.

use std::error::Error;
use std::ffi::OsString;

use clap::Parser;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::arguments::{Arguments, Command, Malformed};
use crate::failure::{Exit, Failure};

/// Names of arguments with which people try to pass credentials.
const CREDENTIAL_ARGUMENTS: [&str; 6] =
    ["--client-secret", "--client-id", "--secret", "--password", "--client", "--token"];

const NO_SECRETS_HERE: &str = "credentials are not taken from the command line, where other users of this \
    machine and the shell's history would see them; the value was ignored and should be replaced if it is real";

const WHERE_SECRETS_GO: &str = "set OCTO_AUTH_CLIENT_ID and OCTO_AUTH_CLIENT_SECRET, or name a file with \
    --credentials FILE, or pass them on standard input with --credentials -";

/// Why there is no command to run.
pub(crate) enum Refused {
    /// Help or the version was requested, or the command was missing.
    Help(Box<clap::Error>),
    /// The command line is wrong.
    Wrong(Failure),
}

/// Reads the command line.
pub(crate) fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, Refused> {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    if let Some(name) = arguments.iter().skip(1).find_map(|argument| credential_argument(argument)) {
        let message = format!("{name} is no argument: {NO_SECRETS_HERE}");
        return Err(Refused::Wrong(Failure::new(Exit::Usage, message).with_remedy(WHERE_SECRETS_GO)));
    }
    match Arguments::try_parse_from(&arguments) {
        Ok(arguments) => Ok(arguments.command),
        Err(error) => match error.kind() {
            ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => Err(Refused::Help(Box::new(error))),
            _ => Err(Refused::Wrong(explain(&error, &arguments))),
        },
    }
}

impl Refused {
    /// Prints the requested help. Anything else is a usage error.
    pub(crate) fn into_exit(self) -> Result<Exit, Failure> {
        match self {
            Self::Wrong(failure) => Err(failure),
            Self::Help(error) => {
                // If the reader of the help has closed the output, there is nothing left to report.
                let _ = error.print();
                Ok(if error.use_stderr() { Exit::Usage } else { Exit::Done })
            }
        }
    }
}

fn credential_argument(argument: &OsString) -> Option<&'static str> {
    let text = argument.to_string_lossy().replace('_', "-").to_ascii_lowercase();
    let name = text.split('=').next()?;
    CREDENTIAL_ARGUMENTS.into_iter().find(|known| *known == name)
}

/// Describes the error from its kind and the names in it, never from what was typed.
fn explain(error: &clap::Error, typed: &[OsString]) -> Failure {
    let argument = text(error, ContextKind::InvalidArg).unwrap_or_default();
    let message = match error.kind() {
        ErrorKind::InvalidSubcommand => "there is no such command".to_owned(),
        ErrorKind::MissingSubcommand => "a command is missing".to_owned(),
        ErrorKind::MissingRequiredArgument => format!("an argument is missing: {argument}"),
        ErrorKind::InvalidValue if argument.is_empty() => "a value is not one of those possible".to_owned(),
        ErrorKind::InvalidValue => match text(error, ContextKind::ValidValue) {
            Some(values) => format!("the value of {argument} is not one of: {values}"),
            None => format!("the value of {argument} is missing"),
        },
        ErrorKind::ValueValidation => match range(&argument) {
            Some(range) => format!("the value of {argument} is no whole number in its range, {range}"),
            None if argument == "<ADDR>" => {
                format!("the value of {argument} is no IPv4 or IPv6 address, such as 192.0.2.7")
            }
            None => match error.source().and_then(|source| source.downcast_ref::<Malformed>()) {
                Some(problem) => format!("the value of {argument} cannot be read: {problem}"),
                None => format!("the value of {argument} cannot be read"),
            },
        },
        ErrorKind::InvalidUtf8 => "an argument is not UTF-8".to_owned(),
        ErrorKind::ArgumentConflict => match text(error, ContextKind::PriorArg) {
            Some(other) if other != argument => {
                // The order of the parser may differ from the order that was typed.
                let (first, second) = if argument < other { (argument, other) } else { (other, argument) };
                format!("{} cannot be combined with {}", bare(&first), bare(&second))
            }
            _ => format!("{argument} is given twice"),
        },
        ErrorKind::UnknownArgument => match place(&argument, typed) {
            Some(place) => format!("the argument in place {place} is not known"),
            None => "there is an argument that is not known".to_owned(),
        },
        _ => "the command line cannot be read".to_owned(),
    };
    let suggestion = [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand]
        .into_iter()
        .find_map(|kind| text(error, kind))
        .map(|name| format!("; was it to be {name}?"))
        .unwrap_or_default();
    Failure::new(Exit::Usage, message + &suggestion)
        .with_remedy("see octo-auth --help, or --help behind a command")
}

/// Returns an argument without the name of its value.
fn bare(argument: &str) -> &str {
    argument.split(' ').next().unwrap_or(argument)
}

/// Returns the range of a numeric argument.
fn range(argument: &str) -> Option<&'static str> {
    let ranges = [
        ("--date-skew", "from -315360000 to 315360000"),
        ("--deadline", "from 1 to 3600"),
        ("--frozen-at", "from 0 to 253402300799"),
        ("--port", "from 0 to 65535"),
        ("--status", "from 100 to 599"),
        ("--wait", "from 1 to 3600"),
    ];
    ranges.into_iter().find(|(name, _)| argument.starts_with(name)).map(|(_, range)| range)
}

/// Returns the position of an argument on the command line, counted from one after the program's name.
fn place(argument: &str, typed: &[OsString]) -> Option<usize> {
    let place = typed.iter().skip(1).position(|typed| typed.to_string_lossy().starts_with(argument));
    place.filter(|_| !argument.is_empty()).map(|place| place + 1)
}

/// Returns the text of one part of the error, with several values joined.
fn text(error: &clap::Error, kind: ContextKind) -> Option<String> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text.clone()),
        ContextValue::Strings(texts) if !texts.is_empty() => Some(texts.join(", ")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(arguments: &[&str]) -> String {
        let all = ["octo-auth"].iter().chain(arguments).map(OsString::from);
        match read(all) {
            Err(Refused::Wrong(failure)) => failure.to_string(),
            Err(Refused::Help(_)) => "help".to_owned(),
            Ok(command) => panic!("{command:?} was accepted"),
        }
    }

    #[test]
    fn no_message_repeats_what_was_typed() {
        for arguments in [
            &["token", "--provider", "octorate", "hunter2"][..],
            &["token", "--provider", "hunter2"],
            &["token", "--provider", "octorate", "--hunter2"],
            &["token", "--provider", "octorate", "--hunter2=x"],
            &["token", "--provider", "octorate", "-shunter2"],
            &["token", "--provider=octorate", "--deadline=hunter2"],
            &["token", "--provider=octorate", "--header=hunter2"],
            &["token", "--provider", "octorate", "--client-secret", "hunter2"],
            &["token", "--provider", "octorate", "--client_secret=hunter2"],
            &["emulate", "--port", "hunter2"],
            &["hunter2"],
        ] {
            let message = refusal(arguments);
            assert!(!message.contains("hunter2"), "{arguments:?}: {message}");
            assert!(message != "help" && message.len() > 20, "{arguments:?}: {message}");
        }
    }

    #[test]
    fn a_slip_is_answered_with_a_suggestion() {
        assert!(refusal(&["demoo"]).contains("demo"));
        assert!(refusal(&["token", "--provider", "octorate", "--scopes", "x"]).contains("--scope"));
        assert!(refusal(&["token", "--provider", "octo"]).contains("octorate, octotable"));
        assert!(refusal(&["token", "--provider", "octorate", "--frob"]).contains("in place 4 is not known"));
    }
}
