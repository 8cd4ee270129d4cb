//! ApiLogin: the token for administration, what it may do and what not, onboarding, and migration.

use octo_auth_core::{AdminToken, Client, CreatedProperty, Profile, Remedy, Secret, TokenStatus};
use octo_auth_emulator::octorate::{
    DEMO_API_KEY, DEMO_CLIENT_ID, DEMO_EMAIL, DEMO_NETWORK, DEMO_PROPERTY, DEMO_REDIRECT_URI,
};

use super::calls::{accommodations, reservations};
use crate::demo::passing::{check, granted, span};
use crate::demo::stage::Stage;
use crate::demo::stopped::Stopped;

pub(super) fn play(stage: &mut Stage<'_>, client: &Client) -> Result<(), Stopped> {
    let profile: Profile = client.profile().clone();
    let impostor = Client::new(profile, DEMO_CLIENT_ID, "not-the-secret")?;
    stage.refused(
        "ApiLogin with a wrong secret is refused",
        impostor.api_login()?,
        "provider:ApiSecurityException",
        Remedy::FixConfiguration,
    )?;
    let admin =
        stage.succeeds("ApiLogin gives a token for administration", client.api_login()?, |answer| {
            let length = answer.value.access_token().expose().len();
            let lifetime = answer.value.lifetime().ok_or("no lifetime came")?;
            Ok(format!("A token of {length} characters for administration that lives {}.", span(lifetime)))
        })?;
    configuration(stage, client, &admin)?;
    wrong_kind(stage, client, &admin)?;
    onboarding(stage, client, &admin)?;
    migration(stage, client)
}

fn configuration(stage: &mut Stage<'_>, client: &Client, admin: &AdminToken) -> Result<(), Stopped> {
    stage.succeeds(
        "It reads the configuration of the application",
        client.api_configuration(admin)?,
        |answer| {
            let page = answer.value.identity_page().ok_or("the page that asks for a grant was not found")?;
            Ok(format!(
                "Environment {}, redirect URIs {}, and the page to send owners to ({}).",
                answer.value.environment.as_deref().unwrap_or("not told"),
                answer.value.redirect_uris.join(" "),
                page.description
            ))
        },
    )?;
    let uris = [DEMO_REDIRECT_URI, "https://app.example/octorate"];
    stage.succeeds(
        "It replaces the list of redirect URIs",
        client.replace_redirect_uris(admin, Some(&uris))?,
        |_| Ok("Done.".to_owned()),
    )?;
    stage.succeeds("The new list is in force", client.api_configuration(admin)?, |answer| {
        let list = &answer.value.redirect_uris;
        check(list == &uris, format!("Redirect URIs {}.", list.join(" ")), "the list is another")
    })?;
    Ok(())
}

/// Shows a token for administration in place of a property's token. The types prevent this; the one exception is for
/// addresses on Octorate's list.
fn wrong_kind(stage: &mut Stage<'_>, client: &Client, admin: &AdminToken) -> Result<(), Stopped> {
    let as_property = admin.clone().for_ip_authentication();
    stage.calls(
        "The token for administration does not open a property's data",
        reservations(client, &as_property, DEMO_PROPERTY)?,
        403,
        TokenStatus::Forbidden,
    )?;
    stage.emulator().octorate().allow_address(DEMO_CLIENT_ID, "127.0.0.0/8")?;
    stage.scene("Octorate puts the caller's address on its list.");
    stage.calls(
        "From an address on the list it does: IP authentication",
        reservations(client, &as_property, DEMO_PROPERTY)?,
        200,
        TokenStatus::Accepted,
    )
}

fn onboarding(stage: &mut Stage<'_>, client: &Client, admin: &AdminToken) -> Result<(), Stopped> {
    let alone = r#"{"name":"Pensione Demo","email":"owner@pensione.example"}"#;
    let created = stage
        .succeeds("A property is created", client.create_property(admin, alone)?, |a| Ok(told(&a.value)))?;
    imported(stage, client, &created, "Its refresh token is imported: the first access token")?;
    let joining =
        format!(r#"{{"name":"Annex Demo","email":"owner@annex.example","networkName":"{DEMO_NETWORK}"}}"#);
    let joined = stage.succeeds(
        "A property is created in a network, which spells its status otherwise",
        client.create_property(admin, &joining)?,
        |answer| check(answer.value.properties.len() > 1, told(&answer.value), "it covers one property only"),
    )?;
    imported(stage, client, &joined, "The network's refresh token now covers it too")?;
    let existing = format!(r#"{{"name":"Hotel Aurora","email":"{DEMO_EMAIL}"}}"#);
    stage.refused(
        "A property that is there already is not created twice",
        client.create_property(admin, &existing)?,
        "property_exists",
        Remedy::FixConfiguration,
    )?;
    stage
        .prevented(
            "What is no JSON object is not sent",
            client.create_property(admin, "[]"),
            "value_malformed",
        )
        .map(drop)
}

fn told(created: &CreatedProperty) -> String {
    let covers = if created.properties.is_empty() {
        String::new()
    } else {
        format!(" that covers {}", created.properties.join(", "))
    };
    format!("{}: property {}, and a refresh token{covers}.", created.status, created.id)
}

fn imported(
    stage: &mut Stage<'_>,
    client: &Client,
    created: &CreatedProperty,
    name: &str,
) -> Result<(), Stopped> {
    let refresh = client.refresh(&created.refresh_token)?;
    let tokens = stage.succeeds(name, refresh, |answer| Ok(granted(&answer.value)))?;
    stage.calls(
        &format!("It opens property {}", created.id),
        reservations(client, &tokens, &created.id)?,
        200,
        TokenStatus::Accepted,
    )
}

fn migration(stage: &mut Stage<'_>, client: &Client) -> Result<(), Stopped> {
    let key = Secret::new(DEMO_API_KEY);
    let migrate = client.migrate(&key, DEMO_PROPERTY)?;
    let tokens = stage.succeeds("A key of the old API is traded for tokens", migrate, |answer| {
        check(answer.value.refresh_token().is_some(), granted(&answer.value), "no refresh token came")
    })?;
    stage.calls("They open the property", accommodations(client, &tokens)?, 200, TokenStatus::Accepted)?;
    stage.refused(
        "That works once for each property",
        client.migrate(&key, DEMO_PROPERTY)?,
        "provider:ApiParamsExemption",
        Remedy::FixConfiguration,
    )
}
