//! `octo-auth token`: one real exchange with the provider, and its token on standard output.
//!
//! Which exchange it is stands in the profile: client credentials where the provider has them, else ApiLogin.

use std::path::Path;
use std::time::Duration;

use octo_auth_blocking::Runner;
use octo_auth_core::{AccessToken, Answer, Client, Profile, Remedy, RequestError, Scopes, Timestamp};

use crate::arguments::{Provider, TokenRequest};
use crate::credentials::{self, Credentials};
use crate::failure::{Exit, Failure};
use crate::output::{self, Output};

/// Gets the token and prints it.
///
/// # Errors
///
/// A [`Failure`] whose exit code says who must act.
pub(crate) fn run(request: &TokenRequest, output: &mut Output) -> Result<Exit, Failure> {
    let profile = addressed(profile(request)?, &request.base_url)?;
    let scopes = Scopes::from_list(&request.scope)?;
    let Credentials { client_id, client_secret } = credentials::read(request.credentials.as_deref())?;
    let client = Client::new(profile, client_id, client_secret)?;
    let runner = Runner::new()
        .map_err(|error| Failure::of(Exit::Configuration, &error))?
        .with_deadline(Duration::from_secs(request.deadline));
    let (token, expires_at) = ask(&client, &scopes, &runner)?;
    match expires_at {
        Some(instant) => note(&format!("the token expires at {instant}")),
        None => note("the provider did not tell when the token expires"),
    }
    let before = if request.header { "Authorization: Bearer " } else { "" };
    output.line(format_args!("{before}{}", token.expose()))?;
    Ok(Exit::Done)
}

fn ask(
    client: &Client,
    scopes: &Scopes,
    runner: &Runner,
) -> Result<(AccessToken, Option<Timestamp>), Failure> {
    let calls = &client.profile().document().calls;
    if calls.client_credentials.is_some() || calls.api_login.is_none() {
        let value = noted(runner.run(client.client_credentials(scopes)?)?);
        return Ok((value.access_token().clone(), value.expires_at()));
    }
    if !scopes.is_empty() {
        return Err(RequestError::ScopeUnknown { provider: client.profile().title().to_owned() }.into());
    }
    let value = noted(runner.run(client.api_login()?)?);
    Ok((value.access_token().clone(), value.expires_at()))
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

fn profile(request: &TokenRequest) -> Result<Profile, Failure> {
    let chosen = match (&request.profile, request.provider) {
        (Some(path), _) => read_profile(path)?,
        (None, Some(Provider::Octotable)) => Profile::octotable(),
        (None, Some(Provider::Officernd)) => Profile::officernd(),
        (None, Some(Provider::Rfc6749)) => {
            let url = request.token_url.as_deref().unwrap_or_default();
            return Profile::rfc6749(url).map_err(|error| Failure::from(error).about("--token-url"));
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

fn read_profile(path: &Path) -> Result<Profile, Failure> {
    let place = format!("the profile {}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::new(Exit::Configuration, format!("{place} cannot be read"))
            .because_of(Some(&error))
            .with_remedy("name a TOML file that you may read")
    })?;
    Profile::from_toml(&text).map_err(|error| Failure::from(error).about(place))
}

/// The profile with each `HOST=URL` in place of that host, and each other URL as a gateway before all hosts.
fn addressed(mut profile: Profile, base_urls: &[String]) -> Result<Profile, Failure> {
    for given in base_urls {
        let hosts: Vec<&str> = profile.document().hosts.iter().map(|host| &*host.name).collect();
        let named = given.split_once('=').filter(|(name, _)| !name.contains([':', '/', '?', '#']));
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
        profile = moved.map_err(|error| Failure::from(error).about("--base-url").with_remedy(remedy))?;
    }
    Ok(profile)
}
