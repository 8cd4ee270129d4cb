//! The descriptions of errors and values: stable words, remedies, and texts for people.

#![expect(clippy::unwrap_used, reason = "what a test builds on is sound, or the test fails")]

use std::sync::Arc;
use std::time::Duration;

use octo_auth_core::allowlist::{Allowlist, CallerError, RuleOptions, Rules, parse};
use octo_auth_core::profile::{BaseUrl, Placeholder, Template};
use octo_auth_core::{
    ApiError, CallError, CallbackError, Claimed, Deviation, ExchangeError, Imported, OnboardingError,
    Profile, RecordBytes, RecordName, Remedy, RequestError, Saved, Secret, Storage, Store, StoreError,
    Stored, TokenError, TokenSpec, Version,
};
use octo_auth_tests::machine::{Machine, ServerReply, hotel};
use octo_auth_tests::registration::standard;
use octo_auth_tests::reply::{json, read};

fn request_error() -> RequestError {
    RequestError::Secret { what: "refresh token" }
}

/// Returns the error of an account that is not signed in.
fn failure() -> TokenError {
    Machine::new(standard()).get(&hotel()).unwrap_err()
}

fn exchange_error() -> ExchangeError {
    let exchange = standard().client_credentials(&octo_auth_core::Scopes::default()).unwrap();
    read(exchange, &json(400, r#"{"error":"invalid_scope"}"#)).unwrap_err()
}

#[test]
fn an_error_of_a_call_has_the_word_and_the_remedy_of_its_cause() {
    let (failure, request) = (failure(), request_error());
    let token = CallError::from(failure.clone());
    assert_eq!((token.code(), token.remedy()), (failure.code(), failure.remedy()));
    let unsent = CallError::from(request_error());
    assert_eq!((&*unsent.code(), unsent.remedy()), (request.code(), request.remedy()));
    let unrepeatable = CallError::Unrepeatable { status: 401 };
    assert_eq!(unrepeatable.code(), "unrepeatable");
    assert_eq!(unrepeatable.remedy(), Remedy::TryLater { after: Duration::ZERO });
    let call = ApiError::from(CallError::Unrepeatable { status: 401 });
    assert_eq!((call.code(), call.remedy()), (unrepeatable.code(), unrepeatable.remedy()));
    let (exchange, error) = (ApiError::from(exchange_error()), exchange_error());
    assert_eq!((exchange.code(), exchange.remedy()), (error.code(), error.remedy()));
}

#[test]
fn an_error_of_an_onboarding_has_the_word_and_the_remedy_of_its_cause() {
    let of_failure = OnboardingError::from(failure());
    assert_eq!((of_failure.code(), of_failure.remedy()), (failure().code(), failure().remedy()));
    let of_request = OnboardingError::from(request_error());
    assert_eq!(
        (&*of_request.code(), of_request.remedy()),
        (request_error().code(), request_error().remedy())
    );
    let of_callback = OnboardingError::from(CallbackError::TooLong);
    assert_eq!(of_callback.code(), CallbackError::TooLong.code());
    assert_eq!(of_callback.remedy(), CallbackError::TooLong.remedy());
    let of_exchange = OnboardingError::from(exchange_error());
    assert_eq!(
        (of_exchange.code(), of_exchange.remedy()),
        (exchange_error().code(), exchange_error().remedy())
    );
    let (account, reason) = ("hotel".to_owned(), request_error());
    let brought = Box::new(Imported::RefreshToken(Secret::from("RT0")));
    let unfit = OnboardingError::Unfit { account: account.clone(), brought: brought.clone(), reason };
    assert_eq!((&*unfit.code(), unfit.remedy()), (request_error().code(), request_error().remedy()));
    let occupied = OnboardingError::Occupied { account, brought, property: None };
    assert_eq!((&*occupied.code(), occupied.remedy()), ("account_occupied", Remedy::FixConfiguration));
    let of_property = occupied.with_property("16997");
    assert!(matches!(&of_property, OnboardingError::Occupied { property: Some(id), .. } if id == "16997"));
    let other = OnboardingError::from(CallbackError::TooLong).with_property("16997");
    assert!(matches!(other, OnboardingError::Callback(CallbackError::TooLong)), "it has no property");
}

#[test]
fn a_callback_says_who_must_act() {
    for (error, remedy) in [
        (CallbackError::OtherClient, Remedy::FixConfiguration),
        (CallbackError::RedirectUriMismatch, Remedy::FixConfiguration),
        (CallbackError::ImplicitResponse, Remedy::AskProvider),
        (CallbackError::IssuerMissing, Remedy::AskProvider),
        (CallbackError::CodeMissing, Remedy::SignInAgain),
        (CallbackError::Request(request_error()), request_error().remedy()),
    ] {
        assert_eq!(error.remedy(), remedy, "{error}");
        assert!(!error.code().is_empty());
    }
}

#[test]
fn a_failure_of_the_adapters_says_what_to_do_where_they_are_used() {
    let none = TokenError::no_runtime(&TokenSpec::account("hotel"));
    assert_eq!((&*none.code(), none.remedy()), ("no_runtime", Remedy::FixConfiguration));
    assert!(none.to_string().contains("call from inside one"), "{none}");
    let stall = TokenError::would_block_runtime(&TokenSpec::account("hotel"));
    assert_eq!((&*stall.code(), stall.remedy()), ("would_block_runtime", Remedy::FixConfiguration));
    assert!(stall.to_string().contains("use the async adapter"), "{stall}");
}

#[test]
fn a_key_that_is_closed_names_what_closed_it() {
    let told = |said: ServerReply| {
        let mut world = Machine::new(standard());
        world.sign_in(&hotel(), "RT0");
        world.endpoint.then(said);
        world.got(&hotel());
        world.get(&hotel()).unwrap_err().to_string()
    };
    assert!(told(ServerReply::Lost).contains("its outcome is unknown"));
    assert!(told(ServerReply::token("AT1", 0)).contains("had expired when it arrived"));
}

#[test]
fn the_change_from_one_list_to_another_is_told_in_lines() {
    let list = |blocks: &[&str]| Allowlist::new(blocks.iter().map(|block| parse(block).unwrap()));
    let (old, new) = (list(&["10.0.0.0/8", "192.0.2.0/24"]), list(&["10.0.0.0/8", "2001:db8::/32"]));
    let change = old.difference(&new);
    assert_eq!(change.to_string(), "+ 2001:db8::/32\n- 192.0.2.0/24");
    assert!(!change.is_empty());
    let none = old.difference(&old);
    assert!(none.is_empty() && none.to_string().is_empty());
    assert!(list(&[]).is_empty() && !old.is_empty());
}

#[test]
fn an_explanation_names_ten_rules_at_most_and_says_what_is_lacking() {
    let explain = |lines: &[String], address: &str| {
        let rules = Rules::from_list(lines, RuleOptions::default()).unwrap();
        rules.explain(address.parse().unwrap()).to_string()
    };
    let nested: Vec<String> = (13..=24).map(|length| format!("10.0.0.0/{length}")).collect();
    let permitted = explain(&nested, "10.0.0.1");
    assert!(permitted.starts_with("permitted\n  by ") && permitted.ends_with("and by 2 rules more"));
    assert!(explain(&nested, "2001:db8::1").contains("no rule is of the family"));
    assert!(explain(&[], "10.0.0.1").contains("the list is empty"));
    let near = explain(&["10.0.0.0/24".to_owned(), "10.0.1.2/32".to_owned()], "10.0.1.0");
    assert!(near.contains("1 address away") && near.contains("2 addresses away"), "{near}");
}

#[test]
fn who_is_calling_is_not_known_for_one_of_four_reasons() {
    let all = [CallerError::Missing, CallerError::Malformed, CallerError::Hidden, CallerError::TooLong];
    let words = ["caller_missing", "caller_malformed", "caller_hidden", "caller_too_long"];
    assert_eq!(all.map(CallerError::code), words);
}

#[test]
fn addresses_of_a_profile_are_shown_as_they_were_written() {
    let base: BaseUrl = "https://API.example.com:443/rest".parse().unwrap();
    assert_eq!(base.to_string(), base.as_str());
    assert_eq!(base.origin(), "https://api.example.com");
    let template: Template = "Bearer {token}".parse().unwrap();
    assert_eq!((template.to_string().as_str(), template.as_str()), ("Bearer {token}", "Bearer {token}"));
    assert_eq!(
        (template.parts(), template.role()),
        (("Bearer ", Some(Placeholder::Token), ""), Some(Placeholder::Token))
    );
    let fixed: Template = "1".parse().unwrap();
    assert_eq!((fixed.parts(), fixed.role()), (("1", None, ""), None));
}

#[test]
fn an_error_of_a_profile_says_where_it_is_and_what_is_wrong() {
    let error = Profile::octorate().via_gateway("ftp://gateway.example.com").unwrap_err();
    assert_eq!(error.code(), "profile_url");
    let text = error.to_string();
    assert!(text.contains("field `hosts`") && text.contains("its scheme is `ftp`: use https"), "{text}");
    let error = Profile::from_toml("name = ").unwrap_err();
    assert_eq!(error.code(), "profile_syntax");
    assert!(error.to_string().contains("line 1"), "{error}");
}

#[test]
fn a_deviation_has_a_word_and_a_sentence() {
    assert_eq!(Deviation::AgeInvalid.code(), "age_invalid");
    assert_eq!(Deviation::AgeInvalid.to_string(), "The Age header cannot be read");
}

/// A store of one process, without claims and change notices.
struct Simple;

impl Store for Simple {
    fn storage(&self) -> Storage {
        Storage::SingleProcess
    }

    fn load(&self, _: &RecordName) -> Result<Option<Stored>, StoreError> {
        Ok(None)
    }

    fn compare_and_swap(
        &self,
        _: &RecordName,
        _: Option<Version>,
        _: &RecordBytes,
    ) -> Result<Saved, StoreError> {
        Err(StoreError::new("it keeps nothing"))
    }

    fn list(&self, _: &str) -> Result<Vec<RecordName>, StoreError> {
        Ok(Vec::new())
    }
}

#[test]
fn a_store_that_says_nothing_of_claims_grants_them_and_cannot_notify() {
    let name = RecordName::new(&standard(), &hotel());
    let claimed = Simple.claim(&name, "owner", Duration::from_secs(90));
    assert!(matches!(claimed, Ok(Claimed::Granted)));
    Simple.release(&name, "owner").unwrap();
    assert!(!Simple.changes(Arc::new(|_| ())));
}
