//! A standard server: client credentials in two ways, a public client with PKCE, revocation, introspection.

use http::Request;
use octo_auth_core::profile::{Api, ClientAuthentication};
use octo_auth_core::{
    ApiAnswer, Body, Client, Exchange, PendingAuthorization, Profile, Remedy, Scopes, TokenSet, TokenStatus,
    TokenTypeHint,
};
use octo_auth_emulator::BrowserPage;
use octo_auth_emulator::generic::{DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, DEMO_REDIRECT_URI, PUBLIC_CLIENT_ID};

use super::passing::{check, granted};
use super::stage::Stage;
use super::stopped::Stopped;

pub(super) fn play(stage: &mut Stage<'_>) -> Result<(), Stopped> {
    let base = stage.emulator().base("auth.example");
    let profile = profile(&base)?;
    let client = Client::new(profile.clone(), DEMO_CLIENT_ID, DEMO_CLIENT_SECRET)?;
    client_credentials(stage, &profile, &client)?;
    let public = Client::public(profile, PUBLIC_CLIENT_ID)?;
    let tokens = sign_in(stage, &public, &base)?;
    renewal(stage, &public, &tokens)?;
    end_of_a_token(stage, &client)
}

/// Returns the profile of a standard server: its addresses, and the hosts to which its tokens may be sent.
fn profile(base: &str) -> Result<Profile, Stopped> {
    let profile = Profile::rfc6749(&format!("{base}/token"))?
        .with_authorization_url(&format!("{base}/authorize"))?
        .with_revocation_url(&format!("{base}/revoke"))?
        .with_introspection_url(&format!("{base}/introspect"))?
        .with_issuer(base.to_owned())?;
    Ok(profile.edit(|document| {
        let hosts = document.hosts.iter().map(|host| host.name.clone()).collect();
        let source = "URL".into();
        document.api =
            Some(Api { hosts, required_headers: Vec::new().into(), remaining_header: None, source });
    })?)
}

fn client_credentials(stage: &mut Stage<'_>, profile: &Profile, client: &Client) -> Result<(), Stopped> {
    let scopes = Scopes::parse("read write")?;
    let tokens =
        stage.succeeds("Client credentials in the body", client.client_credentials(&scopes)?, |answer| {
            Ok(granted(&answer.value))
        })?;
    stage.calls("The token opens the resource", resource(client, &tokens)?, 200, TokenStatus::Accepted)?;
    let basic = profile.clone().with_client_authentication(ClientAuthentication::Basic)?;
    let by_header = Client::new(basic.clone(), DEMO_CLIENT_ID, DEMO_CLIENT_SECRET)?;
    stage.succeeds(
        "Client credentials by HTTP Basic, each part form-encoded before base64",
        by_header.client_credentials(&scopes)?,
        |answer| Ok(granted(&answer.value)),
    )?;
    let impostor = Client::new(basic, DEMO_CLIENT_ID, "not-the-secret")?;
    stage.refused(
        "A wrong secret is refused",
        impostor.client_credentials(&scopes)?,
        "oauth:invalid_client",
        Remedy::FixConfiguration,
    )?;
    stage.refused(
        "An unknown scope is refused",
        client.client_credentials(&Scopes::parse("everything")?)?,
        "oauth:invalid_scope",
        Remedy::FixConfiguration,
    )?;
    let for_audience = client.clone().with_parameter("audience", "https://api.example")?;
    stage.succeeds(
        "A parameter the server wants beside the standard ones is sent along",
        for_audience.client_credentials(&scopes)?,
        |answer| Ok(granted(&answer.value)),
    )?;
    stage
        .prevented(
            "Such a parameter cannot replace one of the request's own",
            client.clone().with_parameter("grant_type", "password"),
            "reserved_parameter",
        )
        .map(drop)
}

/// A public client: no secret, PKCE in its place, and the issuer in the callback.
fn sign_in(stage: &mut Stage<'_>, client: &Client, base: &str) -> Result<TokenSet, Stopped> {
    let scopes = Scopes::parse("read profile")?;
    let (page, pending) = client.authorize(DEMO_REDIRECT_URI, &scopes, stage.entropy()?, stage.now())?;
    let callback = stage.person(
        "A person grants a public client access, which has no secret",
        &page,
        BrowserPage::grant,
    )?;
    // A web application that has lost track does this: it reads the same sign-in from its store more than once.
    let copy = || PendingAuthorization::from_json(pending.to_json().expose()).ok_or(Stopped::AtStep);
    let (second, third) = (copy()?, copy()?);
    let encoded = base.replace(':', "%3A").replace('/', "%2F");
    let elsewhere = callback.replace(&encoded, "https%3A%2F%2Felsewhere.example");
    stage.prevented(
        "A callback that names another issuer is not taken",
        second.receive(&elsewhere, stage.now()),
        "iss_mismatch",
    )?;
    let code = stage.receives("The callback names this server as the issuer", pending, &callback, |_| {
        Ok("A code, and the issuer that was expected.".to_owned())
    })?;
    let exchange = code.exchange(client, stage.now())?;
    let tokens = stage.succeeds("The code and its verifier become tokens", exchange, |answer| {
        check(answer.value.refresh_token().is_some(), granted(&answer.value), "no refresh token came")
    })?;
    stage.calls("They open the resource", resource(client, &tokens)?, 200, TokenStatus::Accepted)?;
    let other = Client::new(client.profile().clone(), DEMO_CLIENT_ID, DEMO_CLIENT_SECRET)?;
    stage.prevented(
        "Another client cannot use this sign-in",
        third.receive(&callback, stage.now())?.exchange(&other, stage.now()),
        "other_client",
    )?;
    Ok(tokens)
}

fn renewal(stage: &mut Stage<'_>, client: &Client, tokens: &TokenSet) -> Result<(), Stopped> {
    let first = tokens.refresh_token().cloned().ok_or(Stopped::AtStep)?;
    let renewed =
        stage.succeeds("A refresh replaces the refresh token", client.refresh(&first)?, |answer| {
            let replaced = answer.value.refresh_token().is_some_and(|token| *token != first);
            check(replaced, granted(&answer.value), "the refresh token was not replaced")
        })?;
    let second = renewed.refresh_token().cloned().ok_or(Stopped::AtStep)?;
    stage.succeeds(
        "The person signs out: the grant is revoked",
        client.revoke(&second, TokenTypeHint::RefreshToken)?,
        |_| Ok("Done; the answer is the same for a token the server does not know.".to_owned()),
    )?;
    stage.calls(
        "Its access token went along",
        resource(client, &renewed)?,
        401,
        TokenStatus::TokenRefused,
    )?;
    stage.refused(
        "So did the refresh token",
        client.refresh(&second)?,
        "oauth:invalid_grant",
        Remedy::SignInAgain,
    )
}

fn end_of_a_token(stage: &mut Stage<'_>, client: &Client) -> Result<(), Stopped> {
    let exchange = client.client_credentials(&Scopes::parse("read")?)?;
    let tokens = stage.succeeds("One more token", exchange, |answer| Ok(granted(&answer.value)))?;
    let token = tokens.access_token().as_secret();
    stage.succeeds("Introspection says that it is active", client.introspect(token)?, |answer| {
        let whose = answer.value.client_id.as_deref().unwrap_or("no client");
        let scopes = answer.value.scopes.as_ref().map(ToString::to_string).unwrap_or_default();
        check(answer.value.active, format!("Active, of {whose}, for {scopes}."), "it is not active")
    })?;
    stage.succeeds("It is revoked", client.revoke(token, TokenTypeHint::AccessToken)?, |_| {
        Ok("Done.".to_owned())
    })?;
    stage.succeeds(
        "Introspection says that it is not active any more",
        client.introspect(token)?,
        |answer| {
            check(!answer.value.active, "Not active; the server does not say why.", "it is still active")
        },
    )?;
    stage.calls("The resource refuses it", resource(client, &tokens)?, 401, TokenStatus::TokenRefused)
}

/// The resource is beside the token endpoint.
fn resource(client: &Client, tokens: &TokenSet) -> Result<Exchange<ApiAnswer>, Stopped> {
    let profile = client.profile();
    let token_url =
        profile.document().calls.code.as_ref().map(|call| profile.call_url(call)).unwrap_or_default();
    let url = token_url.replace("/token", "/resource");
    Ok(client.api_call(tokens, Request::get(url).body(Body::empty())?)?)
}
