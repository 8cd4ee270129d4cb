//! Settings of the emulator in a TOML file: the arguments of `octo-auth emulate`, with the same names.
//!
//! The rule of this module: an error names the line and the problem, and shows no value.

use std::fs::File;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use crate::arguments::{EmulateRequest, FROZEN_AT, Malformed, SKEW, fault, lifetime, redirect_uri};
use crate::failure::{Exit, Failure, shown};
use crate::input;

/// The content of the file.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Content {
    port: Option<u16>,
    #[serde(default)]
    redirect_uri: Vec<Spanned<String>>,
    #[serde(default)]
    lifetime: Vec<Spanned<String>>,
    #[serde(default)]
    fault: Vec<Spanned<String>>,
    frozen_at: Option<Spanned<i64>>,
    date_skew: Option<Spanned<i64>>,
}

/// Returns the arguments joined with the file. A single value of the arguments replaces that of the file; lists are
/// joined.
///
/// # Errors
///
/// Returns a [`Failure`] that names the file and the line.
pub(super) fn joined(request: &EmulateRequest) -> Result<EmulateRequest, Failure> {
    let mut joined = request.clone();
    let Some(path) = &request.config else { return Ok(joined) };
    let unread = |error| Failure::new(Exit::Configuration, "it cannot be read").because_of(Some(&error));
    let text =
        File::open(path).and_then(input::text).map_err(|error| unread(error).about(shown(path.display())))?;
    let of_line = |start: usize, problem: &str| wrong(path, &text, start, problem);
    let content: Content = toml::from_str(&text)
        .map_err(|error| of_line(error.span().unwrap_or_default().start, &without_value(error.message())))?;
    let place = |value: &Spanned<String>, Malformed(problem)| of_line(value.span().start, problem);
    for value in &content.redirect_uri {
        joined.redirect_uri.push(redirect_uri(value.as_ref()).map_err(|problem| place(value, problem))?);
    }
    for value in &content.lifetime {
        // The arguments come last, so they take precedence.
        let read = lifetime(value.as_ref()).map_err(|problem| place(value, problem))?;
        joined.lifetime.insert(joined.lifetime.len() - request.lifetime.len(), read);
    }
    for value in &content.fault {
        joined.fault.push(fault(value.as_ref()).map_err(|problem| place(value, problem))?);
    }
    let in_range = |value: Option<Spanned<i64>>, range: std::ops::RangeInclusive<i64>| {
        let Some(value) = value else { return Ok(None) };
        let problem = format!("the number is not in its range, from {} to {}", range.start(), range.end());
        let start = value.span().start;
        Some(value.into_inner())
            .filter(|number| range.contains(number))
            .map_or_else(|| Err(of_line(start, &problem)), |number| Ok(Some(number)))
    };
    joined.frozen_at = request.frozen_at.or(in_range(content.frozen_at, FROZEN_AT)?);
    joined.date_skew = request.date_skew.or(in_range(content.date_skew, SKEW)?);
    joined.port = request.port.or(content.port);
    Ok(joined)
}

fn wrong(path: &Path, text: &str, start: usize, problem: &str) -> Failure {
    let line = text.bytes().take(start).filter(|byte| *byte == b'\n').count() + 1;
    Failure::new(Exit::Configuration, format!("{}, line {line}: {problem}", shown(path.display())))
        .with_remedy(
            "see octo-auth emulate --help: the names in the file are those of the arguments, without --",
        )
}

/// Returns a message of the parser without the value that it shows. The name of an unknown field stays.
fn without_value(message: &str) -> String {
    match message.split_once(", expected ") {
        Some((what, expected)) if what.starts_with("invalid ") => {
            format!("the value does not fit: it must be {expected}")
        }
        _ => message.to_owned(),
    }
}
