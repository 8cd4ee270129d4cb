//! OfficeRND: scopes, five requests a minute, and the authorization code of the vendor's own samples.

use std::time::Duration;

use http::Request;
use octo_auth_core::{
    ApiAnswer, Body, Client, Exchange, PendingAuthorization, Profile, Remedy, Scopes, Secret, TokenSet,
    TokenStatus,
};
use octo_auth_emulator::BrowserPage;
use octo_auth_emulator::officernd::{
    DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, DEMO_ORGANIZATION, DEMO_REDIRECT_URI,
};

use super::passing::{check, granted};
use super::stage::Stage;
use super::stopped::Stopped;

const MINUTE: Duration = Duration::from_secs(60);
const MEMBERS: &str = "flex.community.members.read";

pub(super) fn play(stage: &mut Stage<'_>) -> Result<(), Stopped> {
    let profile = Profile::officernd().via_gateway(&stage.emulator().url())?;
    let client = Client::new(profile.clone(), DEMO_CLIENT_ID, DEMO_CLIENT_SECRET)?;
    five_a_minute(stage, &profile, &client)?;
    revocation(stage, &profile)?;
    let refresh_token = sign_in(stage, &client)?;
    renewal(stage, &client, &refresh_token)
}

/// Shows five requests, including failures, then the sixth, and the first after the minute.
fn five_a_minute(stage: &mut Stage<'_>, profile: &Profile, client: &Client) -> Result<(), Stopped> {
    let scopes = Scopes::parse(MEMBERS)?;
    let tokens = stage.succeeds("A token for one scope", client.client_credentials(&scopes)?, |answer| {
        check(answer.value.refresh_token().is_none(), granted(&answer.value), "a refresh token came")
    })?;
    stage.calls("It reads the members", members(client, &tokens)?, 200, TokenStatus::Accepted)?;
    stage.prevented(
        "OfficeRND refuses requests without a scope, so none is sent",
        client.client_credentials(&Scopes::none()),
        "scope_missing",
    )?;
    let several = Scopes::parse("  officernd.api.read\n officernd.api.write ")?;
    let both = client.client_credentials(&several)?;
    let reading = stage.succeeds("Several scopes are joined by one space", both, |answer| {
        let all = answer.value.scopes().is_some_and(|scopes| scopes.same_set(&several));
        check(all, granted(&answer.value), "other scopes were granted")
    })?;
    stage.calls("It reads the members too", members(client, &reading)?, 200, TokenStatus::Accepted)?;
    stage.refused(
        "A scope beyond the application's permissions is refused",
        client.client_credentials(&Scopes::parse("flex.billing.payments.create")?)?,
        "oauth:invalid_scope",
        Remedy::FixConfiguration,
    )?;
    let impostor = Client::new(profile.clone(), DEMO_CLIENT_ID, "not-the-secret")?;
    stage.refused(
        "A wrong secret is refused",
        impostor.client_credentials(&scopes)?,
        "oauth:invalid_client",
        Remedy::FixConfiguration,
    )?;
    let fifth = client.client_credentials(&scopes)?;
    stage.succeeds("The fifth request in this minute", fifth, |answer| Ok(granted(&answer.value)))?;
    stage.refused(
        "The sixth is refused; those that failed have counted",
        client.client_credentials(&scopes)?,
        "http:429",
        Remedy::TryLater { after: Duration::ZERO },
    )?;
    stage.wait(MINUTE);
    let next = client.client_credentials(&scopes)?;
    stage.succeeds("After a minute it is allowed again", next, |answer| Ok(granted(&answer.value)))?;
    Ok(())
}

/// Shows that deleting an application revokes its tokens.
fn revocation(stage: &mut Stage<'_>, profile: &Profile) -> Result<(), Stopped> {
    let scopes = Scopes::parse("officernd.api.read")?;
    let registered = stage.emulator().officernd().register("Reader", &["officernd.api.read"]);
    let reader = Client::new(profile.clone(), &*registered.client_id, &*registered.client_secret)?;
    stage.scene("A second application is registered, which may only read.");
    let tokens = stage.succeeds(
        "The second application gets a token",
        reader.client_credentials(&scopes)?,
        |answer| Ok(granted(&answer.value)),
    )?;
    stage.emulator().officernd().revoke_application(&registered.client_id);
    stage.scene("The second application is deleted.");
    stage.calls(
        "A token of a deleted application is refused",
        members(&reader, &tokens)?,
        401,
        TokenStatus::TokenRefused,
    )?;
    stage.refused(
        "It gets no other one",
        reader.client_credentials(&scopes)?,
        "oauth:invalid_client",
        Remedy::FixConfiguration,
    )
}

/// Runs the flow of the vendor's samples. Returns the refresh token.
fn sign_in(stage: &mut Stage<'_>, client: &Client) -> Result<Secret, Stopped> {
    let scopes = Scopes::parse("officernd.api.read")?;
    let (page, pending) = client.authorize(DEMO_REDIRECT_URI, &scopes, stage.entropy()?, stage.now())?;
    let callback = stage.person("An administrator grants access", &page, BrowserPage::grant)?;
    // A web application that has lost track does this: it reads the same sign-in from its store a second time.
    let copy = PendingAuthorization::from_json(pending.to_json().expose()).ok_or(Stopped::AtStep)?;
    let code = stage.receives(
        "The callback names the organisation beside the code",
        pending,
        &callback,
        |code| {
            let others: Vec<String> =
                code.other_parameters().iter().map(|(name, value)| format!("{name}={value}")).collect();
            let named = others.contains(&format!("org_slug={DEMO_ORGANIZATION}"));
            check(named, format!("A code, and {}.", others.join(" and ")), "the organisation is missing")
        },
    )?;
    let exchange = code.exchange(client, stage.now())?;
    let tokens = stage.succeeds("The code becomes tokens", exchange, |answer| Ok(granted(&answer.value)))?;
    stage.calls("They read the members", members(client, &tokens)?, 200, TokenStatus::Accepted)?;
    let used = copy.receive(&callback, stage.now())?.exchange(client, stage.now())?;
    stage.refused("The code works once", used, "oauth:invalid_grant", Remedy::SignInAgain)?;
    tokens.refresh_token().cloned().ok_or(Stopped::AtStep)
}

fn renewal(stage: &mut Stage<'_>, client: &Client, first: &Secret) -> Result<(), Stopped> {
    stage.wait(MINUTE);
    let renewed =
        stage.succeeds("A refresh replaces the refresh token", client.refresh(first)?, |answer| {
            let replaced = answer.value.refresh_token().is_some_and(|token| token != first);
            check(replaced, granted(&answer.value), "the refresh token was not replaced")
        })?;
    stage.refused(
        "The old refresh token has died",
        client.refresh(first)?,
        "oauth:invalid_grant",
        Remedy::SignInAgain,
    )?;
    let second = renewed.refresh_token().cloned().ok_or(Stopped::AtStep)?;
    let next = client.refresh(&second)?;
    stage.succeeds("The new one is good", next, |answer| Ok(granted(&answer.value)))?;
    let foreign = Request::get("https://elsewhere.example/members").body(Body::empty())?;
    stage
        .prevented("The token goes to no other host", client.api_call(&renewed, foreign), "foreign_host")
        .map(drop)
}

fn members(client: &Client, tokens: &TokenSet) -> Result<Exchange<ApiAnswer>, Stopped> {
    let path = format!("/api/v2/organizations/{DEMO_ORGANIZATION}/members");
    let url = client.profile().host("app").map(|host| host.join(&path)).unwrap_or_default();
    Ok(client.api_call(tokens, Request::get(url).body(Body::empty())?)?)
}
