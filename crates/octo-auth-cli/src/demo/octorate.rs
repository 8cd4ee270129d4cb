//! Octorate: a property's tokens from the grant to the refresh, then administration and onboarding.

mod administration;
mod calls;
mod sign_in;

use std::time::Duration;

use http::Request;
use octo_auth_core::{Body, Client, Profile, Secret, TokenSet, TokenStatus};
use octo_auth_emulator::octorate::{DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, DEMO_PROPERTY, Expiry};

use super::passing::{check, granted};
use super::stage::Stage;
use super::stopped::Stopped;
use calls::{accommodations, reservations};

pub(super) fn play(stage: &mut Stage<'_>) -> Result<(), Stopped> {
    let profile = Profile::octorate().via_gateway(&stage.emulator().url())?;
    let client = Client::new(profile, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET)?;
    let tokens = sign_in::granted_by_the_owner(stage, &client)?;
    sign_in::refused(stage, &client)?;
    let renewed = renewal(stage, &client, &tokens)?;
    wrong_environment(stage, &client, &renewed)?;
    administration::play(stage, &client)?;
    // This comes last, because it moves the emulator's clock ahead of the machine's.
    sign_in::too_late(stage, &client)
}

/// Runs from the first call to the expired token and its refresh. Returns the new tokens.
fn renewal(stage: &mut Stage<'_>, client: &Client, tokens: &TokenSet) -> Result<TokenSet, Stopped> {
    stage.calls(
        "The access token opens the property",
        reservations(client, tokens, DEMO_PROPERTY)?,
        200,
        TokenStatus::Accepted,
    )?;
    let foreign = Request::get("https://elsewhere.example/accommodation").body(Body::empty())?;
    stage.prevented("The token goes to no other host", client.api_call(tokens, foreign), "foreign_host")?;
    stage.emulator().octorate().expire_access_tokens();
    stage.scene("Octorate lets all access tokens expire.");
    stage.calls(
        "An expired token is refused, with 403 in place of the usual 401",
        accommodations(client, tokens)?,
        403,
        TokenStatus::TokenRefused,
    )?;
    let refresh_token = tokens.refresh_token().cloned().unwrap_or_else(|| Secret::new(""));
    let renewed = stage.succeeds(
        "The refresh token gives a new access token, and stays good itself",
        client.refresh(&refresh_token)?,
        |answer| check(answer.value.refresh_token().is_none(), granted(&answer.value), "it was replaced"),
    )?;
    stage.calls(
        "The call is repeated with the new token",
        accommodations(client, &renewed)?,
        200,
        TokenStatus::Accepted,
    )?;
    stage.emulator().octorate().set_expiry(Expiry::Seconds);
    stage.scene("Octorate answers with `expires_in` alone, as one of its two documents says.");
    stage.succeeds(
        "An answer in the other documented form is read too",
        client.refresh(&refresh_token)?,
        |answer| {
            let told = answer.value.lifetime().is_some_and(|life| life > Duration::from_secs(80_000));
            check(told, granted(&answer.value), "the lifetime was not understood")
        },
    )?;
    stage.emulator().octorate().set_expiry(Expiry::Date);
    Ok(renewed)
}

/// Shows a refusal with the status of an expired token that means something else.
fn wrong_environment(stage: &mut Stage<'_>, client: &Client, tokens: &TokenSet) -> Result<(), Stopped> {
    stage.emulator().octorate().set_environment_mismatch(true);
    stage.scene("The application now belongs to another environment than the one it calls.");
    stage.calls(
        "A call in the wrong environment is refused with 403 too, and is no reason to renew the token",
        accommodations(client, tokens)?,
        403,
        TokenStatus::WrongEnvironment,
    )?;
    stage.emulator().octorate().set_environment_mismatch(false);
    Ok(())
}
