//! `octo-auth token`: sends one real exchange to the provider, and prints its token on standard output.
//!
//! The profile decides on the exchange: client credentials if the provider has them, otherwise ApiLogin.

use std::time::Duration;

use http::HeaderValue;
use http::header::AUTHORIZATION;
use octo_auth_blocking::Runner;
use octo_auth_core::{AccessToken, Answer, Client, ExchangeError, RequestError, Scopes, Timestamp, Token};

use crate::arguments::{ClientArguments, HeaderRequest, StoredArguments, TokenRequest};
use crate::client;
use crate::failure::{Exit, Failure};
use crate::output::{self, Output};
use crate::stored::{Absent, Stored};

/// Gets the token and prints it.
///
/// # Errors
///
/// Returns a [`Failure`] whose exit code says who must act.
pub(crate) fn run(request: &TokenRequest, output: &mut Output) -> Result<Exit, Failure> {
    let TokenRequest { client: of, stored, header, deadline } = request;
    let deadline = *deadline;
    if stored.store.directory.is_some() || stored.account.is_some() {
        return print_stored(of, stored, deadline, *header, output);
    }
    let settings = client::settings(of)?;
    let (client, scopes) = (settings.client()?, settings.scopes()?);
    let source = settings.origin("client_secret").or_else(|| settings.origin("client_secret_file"));
    let source = source.map(ToString::to_string).unwrap_or_default();
    let runner =
        Runner::with_transport(client::transport(&settings)?).with_deadline(Duration::from_secs(deadline));
    let (token, expires_at) = ask(&client, &scopes, &runner, &source)?;
    match expires_at {
        Some(instant) => note(&format!("the token expires at {instant}")),
        None => note("the provider did not tell when the token expires"),
    }
    print(&client, &token, &client.profile().token_header_value(&token), *header, output)
}

/// Prints the header with the token from the store.
///
/// # Errors
///
/// Returns the errors of [`run`].
pub(crate) fn header(request: &HeaderRequest, output: &mut Output) -> Result<Exit, Failure> {
    print_stored(&request.client, &request.stored, request.deadline, true, output)
}

fn print_stored(
    of: &ClientArguments,
    arguments: &StoredArguments,
    deadline: u64,
    is_header: bool,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let (client, token) = stored(of, arguments, deadline)?;
    print(&client, token.access_token(), token.authorization(), is_header, output)
}

/// Returns the stored token, refreshed if that is due, and the client. A refreshed token is stored.
///
/// # Errors
///
/// Returns a [`Failure`] if there is no token.
pub(crate) fn stored(
    of: &ClientArguments,
    arguments: &StoredArguments,
    deadline: u64,
) -> Result<(Client, Token), Failure> {
    // For the client itself this can be the first token.
    let absent = if arguments.account.is_some() { Absent::Refused } else { Absent::Created };
    let stored = Stored::open(of, arguments, absent)?;
    let manager = stored.manager()?;
    let token = manager.tokens(stored.key.clone())?.get_by(Duration::from_secs(deadline));
    let unfinished = manager.shutdown();
    if !unfinished.unsaved.is_empty() {
        let place = stored.shown_directory();
        // Without a token it may be a renewal that was not begun, because the record could not be written first.
        let what = if token.is_ok() { "the renewed token" } else { "a change" };
        output::tell(&format!("warning: {what} could not be stored in {place}, and is lost with this run"));
    }
    Ok((stored.client, token?))
}

/// Prints a token, or the header that contains it.
fn print(
    client: &Client,
    token: &AccessToken,
    value: &HeaderValue,
    is_header: bool,
    output: &mut Output,
) -> Result<Exit, Failure> {
    if !is_header {
        output.line(token.expose())?;
        return Ok(Exit::Done);
    }
    let name = client.profile().token_header_name();
    let name = if name == AUTHORIZATION { "Authorization" } else { name.as_str() };
    output.line(format_args!("{name}: {}", String::from_utf8_lossy(value.as_bytes())))?;
    Ok(Exit::Done)
}

fn ask(
    client: &Client,
    scopes: &Scopes,
    runner: &Runner,
    source: &str,
) -> Result<(AccessToken, Option<Timestamp>), Failure> {
    let calls = &client.profile().document().calls;
    if calls.client_credentials.is_some() || calls.api_login.is_none() {
        let value =
            noted(runner.run(client.client_credentials(scopes)?).map_err(|error| refused(error, source))?);
        return Ok((value.access_token().clone(), value.expires_at()));
    }
    if !scopes.is_empty() {
        return Err(RequestError::ScopeUnknown { provider: client.profile().title().to_owned() }.into());
    }
    let value = noted(runner.run(client.api_login()?).map_err(|error| refused(error, source))?);
    Ok((value.access_token().clone(), value.expires_at()))
}

/// Describes a failed exchange. If the credentials may be wrong, adds a hint about their source.
fn refused(error: ExchangeError, source: &str) -> Failure {
    let status = error.status().map(|status| status.as_u16());
    let doubtful = matches!(status, Some(401 | 403)) || error.code() == "oauth:invalid_client";
    let failure = Failure::from(error);
    if !doubtful {
        return failure;
    }
    failure.with_hint(format!("check client id and client secret (from {source}); quotes and spaces count"))
}

/// Returns the value of an answer, after reporting its tolerated deviations.
fn noted<T>(answer: Answer<T>) -> T {
    for deviation in &answer.deviations {
        note(&format!("tolerated: {deviation}"));
    }
    answer.value
}

fn note(text: &str) {
    output::tell(&format!("note: {text}"));
}
