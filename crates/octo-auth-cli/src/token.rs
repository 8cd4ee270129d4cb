//! `octo-auth token`: one real exchange with the provider, and its token on standard output.
//!
//! Which exchange it is stands in the profile: client credentials where the provider has them, else ApiLogin.

use std::fs::File;
use std::io;
use std::path::Path;
use std::time::Duration;

use http::header::AUTHORIZATION;
use octo_auth_blocking::{Runner, SetupError, UreqTransport};
use octo_auth_core::profile::ClientAuthentication;
use octo_auth_core::{
    AccessToken, Answer, Client, ExchangeError, Profile, ProfileError, Remedy, RequestError, Scopes,
    Timestamp,
};

use zeroize::Zeroizing;

use crate::arguments::{Authentication, Provider, TokenRequest};
use crate::credentials::{self, Credentials};
use crate::failure::{Exit, Failure, shown};
use crate::input;
use crate::output::{self, Output};
use crate::profile;

/// Gets the token and prints it.
///
/// # Errors
///
/// A [`Failure`] whose exit code says who must act.
pub(crate) fn run(request: &TokenRequest, output: &mut Output) -> Result<Exit, Failure> {
    let profile = addressed(chosen(request)?, &request.base_url)?;
    let scopes = Scopes::from_list(&request.scope)?;
    let Credentials { client_id, client_secret, source } = credentials::read(request.credentials.as_deref())?;
    let client = Client::new(profile, client_id, client_secret)?;
    let runner =
        Runner::with_transport(transport(request)?).with_deadline(Duration::from_secs(request.deadline));
    let (token, expires_at) = ask(&client, &scopes, &runner, &source)?;
    match expires_at {
        Some(instant) => note(&format!("the token expires at {instant}")),
        None => note("the provider did not tell when the token expires"),
    }
    if !request.header {
        output.line(token.expose())?;
        return Ok(Exit::Done);
    }
    let (name, value) = (client.profile().token_header_name(), client.profile().token_header_value(&token));
    let name = if name == AUTHORIZATION { "Authorization" } else { name.as_str() };
    output.line(format_args!("{name}: {}", String::from_utf8_lossy(value.as_bytes())))?;
    Ok(Exit::Done)
}

/// The transport with the certificates that are named.
fn transport(request: &TokenRequest) -> Result<UreqTransport, Failure> {
    let unusable = |error: SetupError| Failure::of(Exit::Configuration, &error);
    let mut transport = UreqTransport::new().map_err(unusable)?;
    if let Some(file) = &request.root_certificates {
        let named = transport.with_root_certificates(read(file, false)?);
        transport = named.map_err(|error| unusable(error).about(shown(file.display())))?;
    }
    if let Some(file) = &request.client_certificate {
        let named = transport.with_client_certificate(read(file, true)?);
        transport = named.map_err(|error| unusable(error).about(shown(file.display())))?;
    }
    Ok(transport)
}

/// Reads a PEM file; one with a key only if no other user can read it.
fn read(path: &Path, has_key: bool) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let place = shown(path.display());
    let unreadable = |error: io::Error| {
        Failure::new(Exit::Configuration, format!("{place} cannot be read"))
            .because_of(Some(&error))
            .with_remedy("name a PEM file that you may read")
    };
    let file = File::open(path).map_err(unreadable)?;
    #[cfg(not(unix))]
    let _ = has_key;
    #[cfg(unix)]
    if has_key {
        credentials::refuse_shared(&file, path, &place)?;
    }
    input::bytes(file).map(Zeroizing::new).map_err(unreadable)
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

/// A failed exchange; where the credentials may be at fault, with a hint where they came from.
fn refused(error: ExchangeError, source: &str) -> Failure {
    let status = error.status().map(|status| status.as_u16());
    let doubtful = matches!(status, Some(401 | 403)) || error.code() == "oauth:invalid_client";
    let failure = Failure::from(error);
    if !doubtful {
        return failure;
    }
    failure.with_hint(format!("check client id and client secret (from {source}); quotes and spaces count"))
}

/// The value of an answer, once what was tolerated in reading it has been told.
fn noted<T>(answer: Answer<T>) -> T {
    for deviation in &answer.deviations {
        note(&format!("tolerated: {deviation}"));
    }
    answer.value
}

fn note(text: &str) {
    output::tell(&format!("note: {text}"));
}

fn chosen(request: &TokenRequest) -> Result<Profile, Failure> {
    let chosen = match (&request.profile, request.provider) {
        (Some(path), _) => profile::read(path)?,
        (None, Some(Provider::Octotable)) => Profile::octotable(),
        (None, Some(Provider::Officernd)) => Profile::officernd(),
        (None, Some(Provider::Rfc6749)) => {
            let url = request.token_url.as_deref().unwrap_or_default();
            let profile = Profile::rfc6749(url).and_then(|profile| match request.client_authentication {
                Some(Authentication::Basic) => {
                    profile.with_client_authentication(ClientAuthentication::Basic)
                }
                Some(Authentication::Body) | None => Ok(profile),
            });
            return profile.map_err(|error| in_argument("--token-url", &error));
        }
        // The parser lets nothing through that has neither profile nor provider.
        (None, Some(Provider::Octorate) | None) => Profile::octorate(),
    };
    match request.token_url {
        None => Ok(chosen),
        Some(_) => Err(Failure::new(Exit::Usage, "--token-url goes with --provider rfc6749 only")
            .with_remedy("use --base-url to reach this provider at another address")),
    }
}

/// The profile with each `HOST=URL` in place of that host, or behind one gateway.
fn addressed(mut profile: Profile, base_urls: &[String]) -> Result<Profile, Failure> {
    let gateways = base_urls.iter().filter(|given| named(given).is_none()).count();
    if gateways > 0 && base_urls.len() > 1 {
        let message = "--base-url names a gateway for all hosts, and beside it something else";
        let remedy = "give one gateway alone, or HOST=URL once for each host that is elsewhere";
        return Err(Failure::new(Exit::Usage, message).with_remedy(remedy));
    }
    for given in base_urls {
        let hosts: Vec<&str> = profile.document().hosts.iter().map(|host| &*host.name).collect();
        let named = named(given);
        let remedy = match named {
            Some((name, _)) if !hosts.contains(&name) => {
                format!("write HOST=URL with one of these hosts: {}", hosts.join(", "))
            }
            _ => Remedy::FixConfiguration.to_string(),
        };
        let moved = match named {
            Some((name, url)) => profile.with_base(name, url),
            None => profile.behind(given),
        };
        profile = moved.map_err(|error| in_argument("--base-url", &error).with_remedy(remedy))?;
    }
    Ok(profile)
}

/// Name and URL of `HOST=URL`; nothing for the URL of a gateway, which may hold a `=` of its own.
fn named(given: &str) -> Option<(&str, &str)> {
    given.split_once('=').filter(|(name, _)| !name.contains([':', '/', '?', '#']))
}

/// What is wrong with a URL that was given as an argument: the fault without its place in a profile.
fn in_argument(name: &str, error: &ProfileError) -> Failure {
    Failure::new(Exit::Configuration, shown(error.problem()))
        .about(name)
        .with_remedy(Remedy::FixConfiguration.to_string())
}
