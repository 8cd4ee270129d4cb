//! `octo-auth profile`: checks a profile, and shows what an answer means according to it.
//!
//! The rule of this module: nothing is sent, and no token of an answer is shown.

use std::fs::File;
use std::path::Path;

use http::Response;
use octo_auth_core::profile::{KeptMember, Profile};
use octo_auth_core::{
    AccessToken, AdminToken, Answer, ApiAnswer, Body, Client, Deviation, Entropy, Exchange, ExchangeError,
    Now, ProfileError, Reply, Scopes, Secret, TokenSet, TokenStatus,
};

mod answer;

use crate::arguments::{AnsweredCall, ProfileRequest, Trial};
use crate::failure::{Exit, Failure, shown};
use crate::input;
use crate::output::Output;

/// Checks a profile, or interprets an answer with it.
///
/// # Errors
///
/// Returns a [`Failure`] if the profile is invalid or a file cannot be read.
pub(crate) fn run(request: &ProfileRequest, output: &mut Output) -> Result<Exit, Failure> {
    match request {
        ProfileRequest::Check { profile } => check(&read(profile)?, output),
        ProfileRequest::Try(trial) => attempt(trial, output),
    }
}

/// Reads a profile from a file. The failure lists every error, one per line.
///
/// # Errors
///
/// Returns a [`Failure`] if the file cannot be read or the profile is invalid.
pub(crate) fn read(path: &Path) -> Result<Profile, Failure> {
    let place = format!("the profile {}", shown(path.display()));
    let text = File::open(path).and_then(input::text).map_err(|error| {
        Failure::new(Exit::Configuration, format!("{place} cannot be read"))
            .because_of(Some(&error))
            .with_remedy("name a TOML file that you may read")
    })?;
    Profile::from_toml(&text).map_err(|error| unsound(&error).about(place))
}

/// Lists every error, one per line.
fn unsound(error: &ProfileError) -> Failure {
    let faults = std::iter::once(error).chain(error.others());
    let lines: String = faults
        .map(|fault| {
            let line = fault.line().map(|line| format!("line {line}")).unwrap_or_default();
            let field =
                if fault.field().is_empty() { String::new() } else { format!("`{}`", shown(fault.field())) };
            let place: Vec<_> = [line, field].into_iter().filter(|part| !part.is_empty()).collect();
            format!("\n  {}: {}", place.join(", "), shown(fault.problem()))
        })
        .collect();
    Failure::new(Exit::Configuration, format!("it is not sound{lines}"))
        .with_remedy("correct every fault named")
}

fn check(profile: &Profile, output: &mut Output) -> Result<Exit, Failure> {
    output.line(format_args!("{} ({}) is sound", profile.title(), profile.name()))?;
    for (name, call) in profile.document().calls.iter() {
        output.line(format_args!("  {name}: {}", profile.call_url(call)))?;
    }
    for origin in profile.api_origins() {
        output.line(format_args!("  tokens may go to {origin}"))?;
    }
    Ok(Exit::Done)
}

/// Interprets an answer to a call that is never sent.
fn attempt(trial: &Trial, output: &mut Output) -> Result<Exit, Failure> {
    let profile = read(&trial.profile)?;
    let (answer, now) = answer::read(&trial.answer, trial.status)?;
    let client = Client::new(profile, "client-id", "client-secret")?;
    let scopes = Scopes::from_list(&trial.scope)?;
    let (calls, keep) = (&client.profile().document().calls, &*client.profile().document().token_answer.keep);
    let usual = match calls.client_credentials {
        Some(_) => AnsweredCall::ClientCredentials,
        None if calls.api_login.is_some() => AnsweredCall::ApiLogin,
        None => AnsweredCall::Refresh,
    };
    match trial.call.unwrap_or(usual) {
        AnsweredCall::ClientCredentials => {
            token(client.client_credentials(&scopes)?, &answer, (now, keep), output)
        }
        AnsweredCall::Refresh => {
            token(client.refresh(&Secret::new("refresh-token"))?, &answer, (now, keep), output)
        }
        AnsweredCall::Code => token(code_exchange(&client, &scopes, now)?, &answer, (now, keep), output),
        AnsweredCall::ApiLogin => match finished(client.api_login()?, &answer, now) {
            Ok(read) => granted(&read.map(AdminToken::for_ip_authentication), keep, output),
            Err(error) => refused(&error, output),
        },
        AnsweredCall::Api => match finished(api_call(&client, now)?, &answer, now) {
            Ok(answer) => called(answer.value, output),
            Err(error) => refused(&error, output),
        },
    }
}

fn code_exchange(client: &Client, scopes: &Scopes, now: Now) -> Result<Exchange<TokenSet>, Failure> {
    let page = "https://app.example/callback";
    // Nothing is sent, so the entropy need not be random.
    let (_, pending) = client.authorize(page, scopes, Entropy::from_bytes([0; 64]), now)?;
    let callback = format!("{page}?code=code&state={}", pending.state().expose());
    let issuer = client.profile().document().authorization.as_ref().and_then(|rules| rules.issuer.as_deref());
    let issuer = issuer.map(|issuer| {
        let value: String = form_urlencoded::byte_serialize(issuer.as_bytes()).collect();
        format!("&iss={value}")
    });
    let unread = |error: &dyn std::error::Error| Failure::of(Exit::Configuration, error);
    let code =
        pending.receive(&(callback + &issuer.unwrap_or_default()), now).map_err(|error| unread(&error))?;
    code.exchange(client, now).map_err(|error| unread(&error))
}

fn api_call(client: &Client, now: Now) -> Result<Exchange<ApiAnswer>, Failure> {
    let origin = client.profile().api_origins().next().ok_or_else(|| {
        Failure::new(Exit::Configuration, "the profile names no host that tokens may go to")
            .with_remedy("add it to `api.hosts`")
    })?;
    let token = AccessToken::new("access-token")
        .map(|token| TokenSet::restore(client.profile(), token, now.wall, None, None));
    let mut request = http::Request::get(format!("{origin}/")).body(Body::empty()).unwrap_or_default();
    for name in client.profile().document().api.iter().flat_map(|api| api.required_headers.iter()) {
        if let Ok(name) = http::HeaderName::try_from(&**name) {
            request.headers_mut().insert(name, http::HeaderValue::from_static("value"));
        }
    }
    match token {
        Some(token) => Ok(client.api_call(&token, request)?),
        None => unreachable!("the text is visible ASCII"),
    }
}

fn finished<T: Reply>(
    exchange: Exchange<T>,
    answer: &Response<Vec<u8>>,
    now: Now,
) -> Result<Answer<T>, ExchangeError> {
    exchange.read(answer, now, now)
}

fn token(
    exchange: Exchange<TokenSet>,
    answer: &Response<Vec<u8>>,
    (now, keep): (Now, &[KeptMember]),
    output: &mut Output,
) -> Result<Exit, Failure> {
    match finished(exchange, answer, now) {
        Ok(answer) => granted(&answer, keep, output),
        Err(error) => refused(&error, output),
    }
}

/// Shows what a token answer grants, without the tokens.
fn granted(answer: &Answer<TokenSet>, keep: &[KeptMember], output: &mut Output) -> Result<Exit, Failure> {
    let token = &answer.value;
    output.line("accepted")?;
    output.line(format_args!("  access token: {} characters", token.access_token().expose().len()))?;
    match token.lifetime() {
        Some(lifetime) => output.line(format_args!("  lifetime: {} s", lifetime.as_secs()))?,
        None => output.line("  lifetime: the answer does not tell")?,
    }
    let refresh_token = if token.refresh_token().is_some() { "there" } else { "none" };
    output.line(format_args!("  refresh token: {refresh_token}"))?;
    if let Some(scopes) = token.scopes() {
        output.line(format_args!("  scopes: {scopes}"))?;
    }
    for member in keep {
        match (token.member(&member.name), token.secret_member(&member.name)) {
            (Some(value), _) => output.line(format_args!("  {}: {}", member.name, value.escape_debug()))?,
            (None, Some(_)) => output.line(format_args!("  {}: there", member.name))?,
            (None, None) => output.line(format_args!("  {}: none", member.name))?,
        }
    }
    tolerated(&answer.deviations, output)?;
    Ok(Exit::Done)
}

fn refused(error: &ExchangeError, output: &mut Output) -> Result<Exit, Failure> {
    output.line("refused")?;
    details(error, output)
}

/// Shows what an answer of the API means for the token.
fn called(answer: ApiAnswer, output: &mut Output) -> Result<Exit, Failure> {
    output.line(match answer.meaning() {
        TokenStatus::Accepted => "accepted",
        TokenStatus::TokenRefused => "token refused: it is renewed, and the call is repeated once",
        TokenStatus::InsufficientScope => "scope missing: the token is good and lacks a scope",
        TokenStatus::Forbidden => "forbidden: the token is good and may not do this",
        TokenStatus::Quota { .. } => "quota: too many calls",
        TokenStatus::WrongEnvironment => "wrong environment: sandbox and production are mixed up",
        _ => "unrelated: the answer says nothing of the token",
    })?;
    match answer.error_for_status() {
        Ok(_) => Ok(Exit::Done),
        Err(error) => details(&error, output),
    }
}

fn details(error: &ExchangeError, output: &mut Output) -> Result<Exit, Failure> {
    output.line(format_args!("  code: {}", error.code()))?;
    output.line(format_args!("  message: {error}"))?;
    output.line(format_args!("  what to do: {}", error.remedy()))?;
    if error.salvaged_refresh_token().is_some() {
        output.line("  refresh token: there, and kept")?;
    }
    tolerated(error.deviations(), output)?;
    Ok(error.remedy().into())
}

fn tolerated(deviations: &[Deviation], output: &mut Output) -> Result<(), Failure> {
    deviations.iter().try_for_each(|deviation| output.line(format_args!("  tolerated: {deviation}")))
}
