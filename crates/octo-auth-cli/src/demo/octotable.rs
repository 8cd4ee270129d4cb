//! OctoTable: a client creates itself, gets a token, and names a property in every call.

use http::Request;
use octo_auth_core::profile::{AbsentTokenType, Encoding};
use octo_auth_core::{
    Body, Client, CreatedClient, Deviation, NewClient, Position, Profile, Remedy, Scopes, TokenSet,
    TokenStatus,
};

use octo_auth_emulator::octotable::{DEMO_CLIENT_ID, DEMO_CLIENT_SECRET};

use super::passing::{check, granted};
use super::stage::Stage;
use super::stopped::Stopped;

pub(super) fn play(stage: &mut Stage<'_>) -> Result<(), Stopped> {
    let profile = Profile::octotable().via_gateway(&stage.emulator().url())?;
    let created = creation(stage, &profile)?;
    let property = created.properties.first().map(|property| property.id.clone()).unwrap_or_default();
    let client_id = created.client_id.clone();
    let client = created.into_client(profile.clone())?;
    let tokens = stage.succeeds(
        "The new client gets a token",
        client.client_credentials(&Scopes::none())?,
        |answer| {
            check(answer.value.refresh_token().is_none(), granted(&answer.value), "a refresh token came")
        },
    )?;
    calls(stage, &client, &tokens, &property)?;
    refusals(stage, &profile, &client, &client_id)
}

fn creation(stage: &mut Stage<'_>, profile: &Profile) -> Result<CreatedClient, Stopped> {
    let wish = NewClient {
        redirect_uri: "https://booking.example/callback".to_owned(),
        name: "Trattoria Demo".to_owned(),
        username: "trattoria@booking.example".to_owned(),
        password: "a-password-for-the-sandbox".into(),
        email: "trattoria@booking.example".to_owned(),
        description: Some("A restaurant to try things with".to_owned()),
        website: Some("https://booking.example".to_owned()),
        phone: Some("+39 06 0000000".to_owned()),
        position: Some(Position {
            latitude: 41.9,
            longitude: 12.5,
            country: "IT".to_owned(),
            address: "Via Demo 1".to_owned(),
            city: "Roma".to_owned(),
            zip: "00100".to_owned(),
        }),
    };
    let created = stage.succeeds("A client is created without credentials", wish.exchange(profile)?, |answer| {
        let properties: Vec<&str> = answer.value.properties.iter().map(|one| one.id.as_str()).collect();
        let told = format!(
            "A client id, a client secret, and the sandbox property {}. Secret and password came in clear; \
             they are never shown.",
            properties.join(", ")
        );
        check(!properties.is_empty(), told, "no property came")
    })?;
    let same_name = NewClient { description: None, website: None, phone: None, position: None, ..wish };
    stage.refused(
        "The same user name cannot be taken twice",
        same_name.exchange(profile)?,
        "provider:CONFLICT",
        Remedy::FixConfiguration,
    )?;
    Ok(created)
}

fn calls(stage: &mut Stage<'_>, client: &Client, tokens: &TokenSet, property: &str) -> Result<(), Stopped> {
    let url = client.profile().host("api").map(|host| host.join("/octotable-pms/api/v2/services"));
    let url = url.unwrap_or_default();
    let request = Request::get(&url).header("Property", property).body(Body::empty())?;
    stage.calls(
        "The token and the Property header open the API",
        client.api_call(tokens, request)?,
        200,
        TokenStatus::Accepted,
    )?;
    let without = Request::get(&url).body(Body::empty())?;
    stage.prevented(
        "A call without the Property header is not even sent",
        client.api_call(tokens, without),
        "header_missing",
    )?;
    let foreign = Request::get("https://elsewhere.example/services").header("Property", property);
    stage.prevented(
        "The token goes to no other host",
        client.api_call(tokens, foreign.body(Body::empty())?),
        "foreign_host",
    )?;
    let other = Request::get(&url).header("Property", "1").body(Body::empty())?;
    stage.calls(
        "The property of another client is forbidden",
        client.api_call(tokens, other)?,
        403,
        TokenStatus::Forbidden,
    )?;
    stage.emulator().octotable().revoke_all_access_tokens();
    stage.scene("OctoTable forgets all access tokens.");
    let request = Request::get(&url).header("Property", property).body(Body::empty())?;
    stage.calls(
        "A token that was revoked is refused",
        client.api_call(tokens, request)?,
        401,
        TokenStatus::TokenRefused,
    )?;
    let again = stage.succeeds(
        "There is no refresh token; the client asks again",
        client.client_credentials(&Scopes::none())?,
        |answer| Ok(granted(&answer.value)),
    )?;
    let request = Request::get(&url).header("Property", property).body(Body::empty())?;
    stage.calls("The new token opens the API", client.api_call(&again, request)?, 200, TokenStatus::Accepted)
}

fn refusals(
    stage: &mut Stage<'_>,
    profile: &Profile,
    client: &Client,
    client_id: &str,
) -> Result<(), Stopped> {
    let impostor = Client::new(profile.clone(), client_id, "not-the-secret")?;
    stage.refused(
        "A wrong secret is refused",
        impostor.client_credentials(&Scopes::none())?,
        "provider:UNAUTHORIZED",
        Remedy::FixConfiguration,
    )?;
    stage.prevented(
        "OctoTable knows no scopes, so none is sent",
        client.client_credentials(&Scopes::parse("read")?),
        "scope_unknown",
    )?;
    wrong_profiles(stage, profile)
}

/// Shows the provider with one wrong line in its profile, which explains the content of the profile.
fn wrong_profiles(stage: &mut Stage<'_>, profile: &Profile) -> Result<(), Stopped> {
    let as_json = profile.clone().edit(|document| {
        if let Some(call) = &mut document.calls.client_credentials {
            call.encoding = Encoding::Json;
        }
    })?;
    stage.refused(
        "With a profile that says JSON, the token request is refused: the documents say form",
        demo_client(as_json)?.client_credentials(&Scopes::none())?,
        "http:415",
        Remedy::FixConfiguration,
    )?;
    let standard = profile.clone().edit(|document| {
        document.token_answer.token_type = vec!["token_type".into()].into();
        document.token_answer.token_type_absent = AbsentTokenType::Error;
    })?;
    stage.refused(
        "With a profile that waits for the standard's `token_type`, the answer cannot be used",
        demo_client(standard.clone())?.client_credentials(&Scopes::none())?,
        "token_type_missing",
        Remedy::FixConfiguration,
    )?;
    let lenient =
        standard.edit(|document| document.token_answer.token_type_absent = AbsentTokenType::TakenAsBearer)?;
    let exchange = demo_client(lenient)?.client_credentials(&Scopes::none())?;
    stage.succeeds("A profile may tolerate that, which is reported and not silent", exchange, |answer| {
        let reported = answer.deviations.contains(&Deviation::TokenTypeAssumedBearer);
        check(reported, granted(&answer.value), "the departure was not reported")
    })?;
    Ok(())
}

fn demo_client(profile: Profile) -> Result<Client, Stopped> {
    Ok(Client::new(profile, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET)?)
}
