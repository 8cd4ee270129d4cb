//! Rows about the authorization endpoint: which are accepted, and what the browser's command gets.

use octo_auth_core::profile::{BaseUrlError, ProfileProblem};
use octo_auth_core::{Client, Entropy, Profile, ProfileError, Scopes};
use octo_auth_login::open_commands;
use octo_auth_system::{Clock, SystemClock};

use super::super::facts::Facts;
use super::super::row::Row;
use super::Lack;

pub(super) fn observe(row: &Row) -> Result<Facts, Lack> {
    let endpoint = row.text("authorization_endpoint").ok_or("the row has no endpoint")?;
    let mut facts = Facts::new();
    facts.insert("exchange_requests".into(), 0.into());
    match Profile::rfc6749("https://as.example/token")?.with_authorization_url(endpoint) {
        Err(error) => {
            facts.insert("outcome".into(), "failed".into());
            facts.insert("kind".into(), kind(&error).into());
        }
        Ok(profile) => opened(row, endpoint, profile, &mut facts)?,
    }
    Ok(facts)
}

fn kind(error: &ProfileError) -> &str {
    match error.problem() {
        ProfileProblem::Url(BaseUrlError::Scheme(_) | BaseUrlError::Unencrypted(_)) => "endpoint_scheme",
        ProfileProblem::Url(_) => "endpoint_invalid",
        ProfileProblem::Duplicate(_) => "endpoint_has_reserved_params",
        _ => error.code(),
    }
}

fn opened(row: &Row, endpoint: &str, profile: Profile, facts: &mut Facts) -> Result<(), Lack> {
    let client = Client::new(profile, "the-client", "the-secret-of-the-client")?;
    let entropy = Entropy::from_bytes([7; 64]);
    let redirect_uri = "http://127.0.0.1:51000/callback";
    let (page, _) = client.authorize(redirect_uri, &Scopes::none(), entropy, SystemClock.now())?;
    let outcome = if row.expected("outcome") == Some("url") { "url" } else { "opened" };
    facts.insert("outcome".into(), outcome.into());
    facts.insert("keeps_query".into(), page.starts_with(&format!("{endpoint}&")).into());
    let commands = open_commands(&page)?;
    // The arguments contain only the whole page, never a part of it.
    let items = commands.iter().map(|command| {
        let arguments = command.get_args().filter_map(|argument| argument.to_str());
        arguments.filter(|argument| argument.contains("as.example")).collect::<Vec<_>>()
    });
    let is_whole = items.clone().all(|items| items == [page.as_str()]);
    let most = items.map(|items| items.len()).max().unwrap_or_default();
    facts.insert("argv_items".into(), if is_whole { most } else { usize::MAX }.into());
    let shells = ["sh", "bash", "cmd", "powershell"];
    let is_shell = commands.iter().any(|command| shells.iter().any(|shell| command.get_program() == *shell));
    facts.insert("shell".into(), is_shell.into());
    Ok(())
}
