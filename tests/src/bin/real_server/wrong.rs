//! All possible errors of a request, and their remedies.

use octo_auth_core::profile::{ClientAuthentication, Profile};
use octo_auth_core::{Client, ExchangeError, PendingAuthorization, Remedy};
use octo_auth_tests::registration::sound;

use super::Stage;
use super::server::{SECRET, scopes};

/// Checks the code and the remedy of an error, and that it shows no secret.
#[track_caller]
fn refused<T>(outcome: Result<T, ExchangeError>, code: &str, remedy: &Remedy) {
    let Err(error) = outcome else { panic!("{code} was expected, and it went well") };
    assert_eq!((&*error.code(), &error.remedy()), (code, remedy), "{error}");
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains(SECRET), "{shown}");
}

pub(crate) fn clients(stage: &Stage<'_>) {
    for authentication in [ClientAuthentication::Basic, ClientAuthentication::Body] {
        let own = if authentication == ClientAuthentication::Basic { "basic" } else { "post" };
        for (id, secret) in [(own, "wrong"), ("unknown", SECRET)] {
            let client = sound(Client::new(stage.server.profile(authentication), id, secret));
            let outcome = stage.adapter.run(sound(client.client_credentials(&scopes("api:read"))));
            refused(outcome, "oauth:invalid_client", &Remedy::FixConfiguration);
            let tokens = stage.signed_in(&stage.server.client("basic"), "openid");
            let refresh_token = sound(tokens.refresh_token().ok_or("no refresh token"));
            let outcome = stage.adapter.run(sound(client.refresh(refresh_token)));
            refused(outcome, "oauth:invalid_client", &Remedy::FixConfiguration);
        }
    }
    // A refresh token is bound to the client to which it was issued (RFC 6749 section 6).
    let tokens = stage.signed_in(&stage.server.client("basic"), "openid");
    let refresh_token = sound(tokens.refresh_token().ok_or("no refresh token"));
    let outcome = stage.adapter.run(sound(stage.server.client("post").refresh(refresh_token)));
    refused(outcome, "oauth:invalid_grant", &Remedy::SignInAgain);
}

pub(crate) fn codes(stage: &Stage<'_>) {
    let client = stage.server.client("basic");
    let now = stage.adapter.now();
    let (_, pending) = stage.page(&client, "openid");
    let state = pending.state().expose().to_owned();
    let code = sound(pending.receive(&format!("?code=unknown&state={state}"), now));
    refused(stage.redeemed(code, &client), "oauth:invalid_grant", &Remedy::SignInAgain);

    let (page, pending) = stage.page(&client, "openid");
    let again = sound(PendingAuthorization::from_json(pending.to_json().expose()).ok_or("a stored sign-in"));
    let callback = stage.server.visit(&page, false);
    let first = sound(stage.redeemed(sound(pending.receive(&callback, now)), &client));
    let second = stage.redeemed(sound(again.receive(&callback, now)), &client);
    refused(second, "oauth:invalid_grant", &Remedy::SignInAgain);
    // RFC 6749 section 4.1.2: the tokens of the first exchange are revoked.
    let refresh_token = sound(first.refresh_token().ok_or("no refresh token"));
    let outcome = stage.adapter.run(sound(client.refresh(refresh_token)));
    refused(outcome, "oauth:invalid_grant", &Remedy::SignInAgain);

    let (page, pending) = stage.page(&client, "openid");
    let mut stored: serde_json::Value = sound(serde_json::from_str(pending.to_json().expose()));
    stored["code_verifier"] = "x".repeat(43).into();
    let pending = sound(PendingAuthorization::from_json(&stored.to_string()).ok_or("a stored sign-in"));
    let code = sound(pending.receive(&stage.server.visit(&page, false), now));
    refused(stage.redeemed(code, &client), "oauth:invalid_grant", &Remedy::SignInAgain);
}

pub(crate) fn pages(stage: &Stage<'_>) {
    let client = stage.server.client("basic");
    let now = stage.adapter.now();
    let (page, pending) = stage.page(&client, "openid");
    let refusal = stage.server.visit(&page, true);
    let Err(rejected) = pending.receive(&refusal, now) else { panic!("{refusal}") };
    assert_eq!(
        (&*rejected.error.code(), rejected.error.remedy()),
        ("oauth:access_denied", Remedy::SignInAgain)
    );
    assert!(rejected.to_string().contains("The person said <no>"), "{rejected}");
    assert!(rejected.pending.is_none());

    let (page, pending) = stage.page(&client, "openid api:admin");
    let refusal = stage.server.visit(&page, false);
    let Err(rejected) = pending.receive(&refusal, now) else { panic!("{refusal}") };
    assert_eq!(rejected.error.code(), "oauth:invalid_scope");

    let (page, pending) = stage.page(&client, "openid");
    let (_, other) = stage.page(&client, "openid");
    let callback = stage.server.visit(&page, false);
    let Err(rejected) = other.receive(&callback, now) else { panic!("the callback of another sign-in") };
    assert_eq!(rejected.error.code(), "state_mismatch");
    assert!(rejected.pending.is_some() && pending.receive(&callback, now).is_ok());
}

pub(crate) fn scopes_and_addresses(stage: &Stage<'_>) {
    let client = stage.server.client("basic");
    let outcome = stage.adapter.run(sound(client.client_credentials(&scopes("api:admin"))));
    refused(outcome, "oauth:invalid_scope", &Remedy::FixConfiguration);
    // The server omits an unknown scope from the granted ones, and the answer reports that.
    let exchange = sound(client.client_credentials(&scopes("api:read api:nothing")));
    let answer = sound(stage.adapter.run(exchange));
    assert_eq!(answer.value.scopes().map(ToString::to_string), Some("api:read".to_owned()));
    assert!(!answer.deviations.is_empty());
    for path in ["/tokens", "/me/token"] {
        let profile = sound(Profile::rfc6749(&stage.server.at(path)));
        let client = sound(Client::new(profile, "basic", SECRET));
        let outcome = stage.adapter.run(sound(client.client_credentials(&scopes("api:read"))));
        let Err(error) = outcome else { panic!("{path} answers") };
        assert_eq!(
            (error.status().map(|status| status.as_u16()), error.remedy()),
            (Some(404), Remedy::FixConfiguration)
        );
    }
    // The one call that the server does not permit to this client.
    let public = stage.server.client("public");
    assert_eq!(
        public.client_credentials(&scopes("api:read")).map(drop).map_err(|error| error.code()),
        Err("client_secret_missing")
    );
}
