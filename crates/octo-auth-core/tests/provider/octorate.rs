//! Octorate's administration calls, and the calls that sign an account in.

use octo_auth_core::provider::octorate;
use octo_auth_core::{CallError, OnboardingError, Remedy, Secret, Storage, TokenSpec};
use octo_auth_testkit::machine::{InMemoryStore, Machine, ServerReply};
use octo_auth_testkit::registration::octorate as registration;
use octo_auth_testkit::response::json;

use crate::{Driven, drive};

const PROPERTY: &str = r#"{"name":"The Inn","email":"inn@example.com"}"#;
const EXPIRED: &str = r#"{"type":"ApiLoginExpired","message":"Expired Token"}"#;

fn inn() -> TokenSpec {
    octorate::property("inn")
}

fn created(refresh_token: &str) -> http::Response<Vec<u8>> {
    let body = format!(
        r#"{{"status":"created","id":"7","refreshToken":"{refresh_token}","refresh_token":"{refresh_token}"}}"#
    );
    json(200, &body)
}

/// Creates a property of the account `inn`.
fn create(
    world: &mut Machine,
    responses: impl IntoIterator<Item = http::Response<Vec<u8>>>,
) -> Driven<octo_auth_core::CreatedProperty, OnboardingError> {
    let call = octorate::create_property(world.manager.client().clone(), PROPERTY);
    drive(world, (&octorate::admin(), &inn()), call, responses)
}

#[test]
fn a_created_property_begins_its_account_after_the_record_was_read() {
    let mut world = Machine::new(registration());
    let Driven { steps, result } = create(&mut world, [created("RT-inn")]);
    assert_eq!(steps, ["read", "token", "send Bearer AT1", "import: done"]);
    assert_eq!(result.unwrap().value.id, "7");
    assert_eq!(world.got(&inn()), "AT2");
    assert_eq!(world.asked.last().unwrap().refresh_token(), Some("RT-inn"));
}

#[test]
fn a_creation_with_an_expired_token_is_repeated_with_another() {
    let mut world = Machine::new(registration());
    let Driven { steps, result } = create(&mut world, [json(403, EXPIRED), created("RT-inn")]);
    let expected = ["read", "token", "send Bearer AT1", "report", "token", "send Bearer AT2", "import: done"];
    assert_eq!(steps, expected);
    assert!(result.is_ok());
}

#[test]
fn an_occupied_account_is_unchanged_and_the_error_has_the_new_tokens() {
    let mut world = Machine::new(registration());
    world.sign_in(&inn(), "RT0");
    let Driven { steps, result } = create(&mut world, [created("RT-inn")]);
    assert_eq!(steps.last().unwrap(), "import: no place");
    let OnboardingError::Occupied { property, .. } = result.unwrap_err() else { panic!("another error") };
    assert_eq!(property.as_deref(), Some("7"));
    assert!(world.asked.iter().all(|asked| asked.refresh_token() != Some("RT-inn")));
}

#[test]
fn nothing_is_created_for_an_account_whose_record_cannot_be_read() {
    let store = InMemoryStore::default();
    let mut world = Machine::with_store(registration(), Storage::SingleProcess, &store, 1);
    store.set_down(true);
    let Driven { steps, result } = create(&mut world, []);
    assert_eq!(steps, ["read"]);
    let error = result.unwrap_err();
    assert!(matches!(&error, OnboardingError::Call(CallError::Token(_))), "{error}");
    assert_eq!(error.code(), "store_unavailable");
}

#[test]
fn a_configuration_refused_twice_is_not_read_a_third_time() {
    let mut world = Machine::new(registration());
    let call = octorate::configuration(world.manager.client().clone());
    let admin = octorate::admin();
    let Driven { steps, result } =
        drive(&mut world, (&admin, &admin), call, [json(403, EXPIRED), json(403, EXPIRED)]);
    assert_eq!(steps, ["token", "send Bearer AT1", "report", "token", "send Bearer AT2", "report"]);
    assert_eq!(result.unwrap_err().remedy(), Remedy::RenewToken);
}

#[test]
fn a_refusal_without_another_token_has_the_remedy_of_the_failed_renewal() {
    let mut world = Machine::new(registration());
    let admin = octorate::admin();
    world.got(&admin);
    world.endpoint.always(|_| ServerReply::error(401, "invalid_client"));
    let call = octorate::configuration(world.manager.client().clone());
    let Driven { steps, result } = drive(&mut world, (&admin, &admin), call, [json(403, EXPIRED)]);
    let error = result.unwrap_err();
    assert_eq!(steps, ["token", "send Bearer AT1", "report", "token"]);
    assert_eq!(error.code(), "provider:ApiLoginExpired", "the provider's own answer");
    assert_eq!(error.remedy(), Remedy::FixConfiguration, "that of the renewal");
    assert!(error.to_string().contains("invalid_client"), "{error}");
}

#[test]
fn a_migration_needs_no_token_and_begins_the_account() {
    let mut world = Machine::new(registration());
    let key = Secret::from("old-key");
    let call = octorate::migrate(&world.manager.client().clone(), &key, "100001");
    let answer = json(
        200,
        r#"{"access_token":"AT-m","refresh_token":"RT-m","token_type":"Bearer","expires_in":3600}"#,
    );
    let Driven { steps, result } = drive(&mut world, (&inn(), &inn()), call, [answer]);
    assert_eq!((steps[0].as_str(), steps.last().unwrap().as_str()), ("read", "import: done"));
    assert!(result.is_ok());
    assert_eq!(world.got(&inn()), "AT-m");
}

#[test]
fn a_failed_migration_returns_the_error_of_its_exchange_even_if_its_tokens_have_no_place() {
    let mut world = Machine::new(registration());
    world.sign_in(&inn(), "RT0");
    let call = octorate::migrate(&world.manager.client().clone(), &Secret::from("old-key"), "100001");
    let answer = json(200, r#"{"refresh_token":"RT-m"}"#);
    let Driven { steps, result } = drive(&mut world, (&inn(), &inn()), call, [answer]);
    assert_eq!(steps.last().unwrap(), "import: no place");
    assert_eq!(result.unwrap_err().code(), "access_token_missing");
}
