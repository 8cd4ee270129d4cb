//! `octo-auth config`: the effective settings and the source of each, or all their errors.
//!
//! The rule of this module: a secret is never shown, and nothing is sent.

use std::path::Path;

use octo_auth_config::{SETTINGS, Setting, Settings};

use crate::arguments::ConfigRequest;
use crate::failure::{Exit, Failure, shown};
use crate::output::Output;

/// Shows the settings, or the names of all settings.
///
/// # Errors
///
/// Returns a [`Failure`] with every error of the file and the environment.
pub(crate) fn run(request: &ConfigRequest, output: &mut Output) -> Result<Exit, Failure> {
    match request {
        ConfigRequest::Show { config } => show(config.as_deref(), output),
        ConfigRequest::Names => names(output),
    }
}

fn show(config: Option<&Path>, output: &mut Output) -> Result<Exit, Failure> {
    let settings = Settings::load(config)?;
    let set: Vec<_> = settings
        .shown()
        .into_iter()
        .filter_map(|shown| Some((shown.name, shown.value?, shown.origin)))
        .collect();
    let width = set.iter().map(|(name, ..)| name.len()).max().unwrap_or_default();
    for (name, value, origin) in set {
        output.line(format_args!("{name:width$} = {}  # {origin}", shown(value)))?;
    }
    settings.check()?;
    Ok(Exit::Done)
}

fn names(output: &mut Output) -> Result<Exit, Failure> {
    let width = SETTINGS.iter().map(|setting| setting.name.len()).max().unwrap_or_default();
    for setting in SETTINGS {
        let Setting { name, meaning, .. } = setting;
        output.line(format_args!("{name:width$}  {}\n  {}", setting.variable(), meaning.replace('`', "")))?;
    }
    Ok(Exit::Done)
}
