//! Callbacks: a code is returned once, soon after the start, and only for its own sign-in.

use std::time::Duration;

use octo_auth_core::profile::{ClientAuthentication, Profile};
use octo_auth_core::{
    CallbackError, Client, Now, PendingAuthorization, Purpose, RejectedCallback, Remedy, Scopes,
};
use octo_auth_testkit::registration::{
    CLIENT_ID, CLIENT_SECRET, entropy, octorate, officernd, standard, standard_profile,
};
use octo_auth_testkit::{moment, wire};

/// The `state` of every sign-in here.
const STATE: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

/// Returns a sign-in at Octorate with this redirect URI.
fn sign_in(redirect_uri: &str) -> PendingAuthorization {
    octorate().authorize(redirect_uri, &Scopes::none(), entropy(), moment::start()).unwrap().1
}

/// Returns a sign-in at a standard server that names its issuer in every callback (RFC 9207).
fn sign_in_with_issuer() -> PendingAuthorization {
    let profile = standard_profile(ClientAuthentication::Body).with_issuer("https://server.example.com");
    let client = Client::new(profile.unwrap(), CLIENT_ID, CLIENT_SECRET).unwrap();
    client.authorize("https://client.example.com/cb", &Scopes::none(), entropy(), moment::start()).unwrap().1
}

fn rejected(pending: PendingAuthorization, callback: &str) -> RejectedCallback {
    match pending.receive(callback, moment::start()) {
        Err(rejected) => rejected,
        Ok(code) => panic!("{callback} was taken: {code:?}"),
    }
}

#[test]
fn the_whole_url_or_only_its_query_yields_the_code() {
    for callback in [
        format!("https://localhost/back?code=c0de&state={STATE}"),
        format!("  https://localhost/back?state={STATE}&code=c%30de\n"),
        format!("?code=c0de&state={STATE}"),
        format!("code=c0de&state={STATE}&"),
        format!("https://localhost/back?code=c0de&state={STATE}#_=_"),
        format!("/back?code=c0de&state={STATE}"),
        format!("url=https://a.example/?b&state={STATE}&code=c0de"),
    ] {
        let code = sign_in("https://localhost/back").receive(&callback, moment::start()).unwrap();
        let exchange = code.exchange(&octorate(), moment::after(1)).unwrap();
        assert_eq!(exchange.purpose(), Purpose::CodeExchange);
        assert!(wire::body(&exchange).ends_with("&code=c0de"), "{callback}");
    }
}

#[test]
fn a_plus_in_a_callback_is_a_space_and_an_escape_is_its_byte() {
    let callback = format!("?code=a+b%2Bc%2F&state={STATE}");
    let code = sign_in("https://localhost").receive(&callback, moment::start()).unwrap();
    let exchange = code.exchange(&octorate(), moment::start()).unwrap();
    assert!(wire::body(&exchange).ends_with("&code=a+b%2Bc%2F"));
}

#[test]
fn a_callback_without_the_state_returns_the_sign_in_which_still_works() {
    let long = format!("?code=c&state={STATE}&pad={}", "p".repeat(16 * 1024));
    for (callback, code) in [
        ("?code=evil&state=forged".to_owned(), "state_mismatch"),
        (format!("?code=evil&state={STATE}x"), "state_mismatch"),
        ("?code=evil".to_owned(), "state_missing"),
        ("?code=evil&state=".to_owned(), "state_missing"),
        ("c0de".to_owned(), "state_missing"),
        (String::new(), "state_missing"),
        ("?error=access_denied".to_owned(), "state_missing"),
        (format!("?code=a&code=b&state={STATE}"), "duplicate_parameter"),
        (format!("?code=a&state={STATE}&state=forged"), "duplicate_parameter"),
        (format!("?code=a%2&state={STATE}"), "callback_malformed"),
        (format!("?code=a%ff&state={STATE}"), "callback_malformed"),
        (format!("https://evil.example/?code=c&state={STATE}"), "redirect_uri_mismatch"),
        (format!("https://localhost/other?code=c&state={STATE}"), "redirect_uri_mismatch"),
        (format!("/other?code=c&state={STATE}"), "redirect_uri_mismatch"),
        (format!("//localhost/?code=c&state={STATE}"), "redirect_uri_mismatch"),
        (format!("localhost:80/?code=c&state={STATE}"), "redirect_uri_mismatch"),
        ("/other".to_owned(), "redirect_uri_mismatch"),
        ("https://localhost".to_owned(), "state_missing"),
        ("/".to_owned(), "state_missing"),
        (format!("http://localhost?code=c&state={STATE}"), "redirect_uri_mismatch"),
        ("https://localhost#access_token=evil".to_owned(), "implicit_response"),
        (long, "input_too_long"),
    ] {
        let rejected = rejected(sign_in("https://localhost"), &callback);
        assert_eq!(rejected.error.code(), code, "{callback:.60}");
        let pending = rejected.pending.unwrap_or_else(|| panic!("{callback:.60} ended the sign-in"));
        assert!(pending.receive(&format!("?code=c0de&state={STATE}"), moment::start()).is_ok());
    }
}

#[test]
fn a_callback_with_the_state_but_no_code_ends_the_sign_in() {
    for (query, code) in [
        ("", "code_missing"),
        ("&code=", "code_missing"),
        ("&code=a%00b", "code_malformed"),
        ("&code=%C3%A9", "code_malformed"),
        ("&error=access_denied", "oauth:access_denied"),
        ("&error=access_denied&code=c0de", "oauth:access_denied"),
        ("&error=a%20b", "oauth_malformed"),
        ("&error=", "oauth_malformed"),
        ("#access_token=evil", "implicit_response"),
        ("&code=c&access_token=evil", "implicit_response"),
    ] {
        let rejected = rejected(sign_in("https://localhost"), &format!("?state={STATE}{query}"));
        assert_eq!(rejected.error.code(), code, "{query}");
        assert!(rejected.pending.is_none(), "{query}");
    }
}

#[test]
fn a_refusal_shows_the_providers_words_without_state_and_control_characters() {
    let text = format!("The%20user%1B%5B2J%20said%20no%20to%20{STATE}");
    let rejected = rejected(
        sign_in("https://localhost"),
        &format!("?error=access_denied&error_description={text}&state={STATE}"),
    );
    assert_eq!(rejected.error.remedy(), Remedy::SignInAgain);
    let CallbackError::Refused { code, message } = rejected.error else { panic!("{rejected:?}") };
    assert_eq!(code.as_str(), "access_denied");
    assert_eq!(message.unwrap().as_str(), "The user [2J said no to ***");
}

#[test]
fn a_refused_callback_says_by_its_code_who_must_act() {
    for (code, remedy) in [
        ("invalid_request", Remedy::FixConfiguration),
        ("invalid_scope", Remedy::FixConfiguration),
        ("invalid_target", Remedy::FixConfiguration),
        ("unauthorized_client", Remedy::FixConfiguration),
        ("unsupported_response_type", Remedy::FixConfiguration),
        ("request_not_supported", Remedy::FixConfiguration),
        ("invalid_request_uri", Remedy::FixConfiguration),
        ("server_error", Remedy::TryLater { after: Duration::ZERO }),
        ("temporarily_unavailable", Remedy::TryLater { after: Duration::ZERO }),
        ("access_denied", Remedy::SignInAgain),
        ("login_required", Remedy::SignInAgain),
        ("odd_word", Remedy::SignInAgain),
    ] {
        let rejected = rejected(sign_in("https://localhost"), &format!("?error={code}&state={STATE}"));
        assert_eq!((rejected.code(), rejected.remedy()), (format!("oauth:{code}").into(), remedy));
        assert_eq!(rejected.error.remedy(), remedy, "{code}");
    }
}

#[test]
fn an_issuer_mismatch_is_a_configuration_error_with_both_issuers() {
    for (iss, shown) in [
        ("https%3A%2F%2Fserver.example.com%2F", r#""https://server.example.com/""#),
        ("https%3A%2F%2Fevil.example%1B%5B2J", r#""https://evil.example [2J""#),
        ("", r#""""#),
        (STATE, r#""***""#),
    ] {
        let rejected = rejected(sign_in_with_issuer(), &format!("?code=c0de&state={STATE}&iss={iss}"));
        assert_eq!((rejected.code().as_ref(), rejected.remedy()), ("iss_mismatch", Remedy::FixConfiguration));
        let text = rejected.to_string();
        assert!(text.contains(&format!("names the issuer {shown} where")), "{text}");
        assert!(text.contains(r#"the profile has "https://server.example.com""#), "{text}");
    }
}

#[test]
fn a_server_that_names_its_issuer_must_name_it_in_every_callback() {
    let callback = |iss: &str| format!("?code=c0de&state={STATE}{iss}");
    for (iss, code) in [
        ("", "iss_missing"),
        ("&iss=https%3A%2F%2Fevil.example", "iss_mismatch"),
        ("&iss=https%3A%2F%2Fserver.example.com%2F", "iss_mismatch"),
        ("&error=access_denied", "iss_missing"),
    ] {
        let rejected = rejected(sign_in_with_issuer(), &callback(iss));
        assert_eq!(rejected.error.code(), code, "{iss}");
    }
    let named = callback("&iss=https%3A%2F%2Fserver.example.com");
    assert!(sign_in_with_issuer().receive(&named, moment::start()).is_ok());
    // A server without a configured issuer may send one (RFC 9207 section 2.4).
    assert!(sign_in("https://localhost").receive(&callback("&iss=x"), moment::start()).is_ok());
}

/// A server that does not announce the parameter may still send it. It is then compared (RFC 9207).
#[test]
fn an_optional_issuer_may_be_absent_but_not_different() {
    let sign_in = || {
        let profile = standard_profile(ClientAuthentication::Body).with_optional_issuer("https://as.example");
        let client = Client::new(profile.unwrap(), CLIENT_ID, CLIENT_SECRET).unwrap();
        let scopes = Scopes::none();
        client.authorize("https://client.example.com/cb", &scopes, entropy(), moment::start()).unwrap().1
    };
    let stored = || PendingAuthorization::from_json(sign_in().to_json().expose()).unwrap();
    for pending in [&sign_in as &dyn Fn() -> PendingAuthorization, &stored] {
        for (iss, error) in [
            ("", None),
            ("&iss=https%3A%2F%2Fas.example", None),
            ("&iss=https%3A%2F%2Fas.example%2F", Some("iss_mismatch")),
            ("&iss=HTTPS%3A%2F%2FAS.example", Some("iss_mismatch")),
            ("&iss=", Some("iss_mismatch")),
            (
                "&iss=https%3A%2F%2Fevil.example&error=access_denied&error_description=w0rds",
                Some("iss_mismatch"),
            ),
        ] {
            let received = pending().receive(&format!("?code=c&state={STATE}{iss}"), moment::start());
            let rejected = received.err();
            assert_eq!(rejected.as_ref().map(RejectedCallback::code).as_deref(), error, "{iss}");
            assert!(!rejected.is_some_and(|rejected| rejected.to_string().contains("w0rds")), "{iss}");
        }
    }
}

/// A second issuer could be that of another server (mix-up, RFC 9207 section 2.4).
#[test]
fn a_repeated_issuer_is_refused() {
    let iss = "&iss=https%3A%2F%2Fserver.example.com";
    let rejected = rejected(sign_in_with_issuer(), &format!("?code=c&state={STATE}{iss}{iss}"));
    assert_eq!(rejected.error, CallbackError::Duplicate { name: "iss" });
}

#[test]
fn a_code_is_good_for_less_than_sixty_seconds_by_both_clocks() {
    let code = || {
        let callback = format!("?code=c0de&state={STATE}");
        sign_in("https://localhost").receive(&callback, moment::start()).unwrap()
    };
    let start = moment::start();
    let by_wall = |seconds| Now { wall: moment::after(seconds).wall, boot: start.boot };
    let by_boot = |seconds| Now { wall: start.wall, boot: moment::after(seconds).boot };
    for now in [moment::after(59), by_wall(59), by_boot(59)] {
        assert!(code().exchange(&octorate(), now).is_ok());
    }
    for now in [moment::after(60), by_wall(60), by_boot(60), by_wall(3600)] {
        let error = code().exchange(&octorate(), now).unwrap_err();
        assert_eq!((error.code().as_ref(), error.remedy()), ("code_too_old", Remedy::SignInAgain));
    }
    // A wall clock that was set back neither hides an old code nor makes a young code old.
    let set_back =
        Now { wall: start.wall.saturating_sub(Duration::from_secs(3600)), boot: moment::after(61).boot };
    assert_eq!(code().exchange(&octorate(), set_back).unwrap_err().code(), "code_too_old");
    let young = Now { boot: moment::after(1).boot, ..set_back };
    assert!(code().exchange(&octorate(), young).is_ok());
}

#[test]
fn at_other_servers_a_code_lives_at_most_ten_minutes() {
    let code = || {
        let (_, pending) =
            standard().authorize("https://localhost", &Scopes::none(), entropy(), moment::start()).unwrap();
        pending.receive(&format!("?code=c0de&state={STATE}"), moment::start()).unwrap()
    };
    assert!(code().exchange(&standard(), moment::after(599)).is_ok());
    let error = code().exchange(&standard(), moment::after(600)).unwrap_err();
    assert_eq!(error, CallbackError::CodeTooOld { age_seconds: 600, lifetime_seconds: 600 });
}

#[test]
fn a_code_is_redeemed_only_by_the_client_that_asked_for_it() {
    let code = || {
        let callback = format!("?code=c0de&state={STATE}");
        sign_in("https://localhost").receive(&callback, moment::start()).unwrap()
    };
    let other_id = Client::new(Profile::octorate(), "client-2", CLIENT_SECRET).unwrap();
    let other_provider = Client::new(Profile::officernd(), CLIENT_ID, CLIENT_SECRET).unwrap();
    for client in [other_id, other_provider] {
        let error = code().exchange(&client, moment::start()).unwrap_err();
        assert_eq!(error, CallbackError::OtherClient);
    }
}

/// All standard servers have the same profile except for their addresses (mix-up, RFC 9207 section 1).
#[test]
fn a_code_and_its_verifier_go_only_to_the_server_of_the_sign_in() {
    let at = |token_url: &str| {
        let profile = Profile::rfc6749(token_url)
            .and_then(|profile| profile.with_authorization_url("https://honest.example/authorize"));
        Client::new(profile.unwrap(), CLIENT_ID, CLIENT_SECRET).unwrap()
    };
    let own = "https://honest.example/token?tenant=a";
    let sign_in =
        || at(own).authorize("https://localhost", &Scopes::none(), entropy(), moment::start()).unwrap().1;
    let stored = || PendingAuthorization::from_json(sign_in().to_json().expose()).unwrap();
    for pending in [&sign_in as &dyn Fn() -> PendingAuthorization, &stored] {
        let code = || pending().receive(&format!("?code=c&state={STATE}"), moment::start()).unwrap();
        assert!(code().exchange(&at(own), moment::start()).is_ok());
        for other in [
            "https://evil.example/token?tenant=a",
            "https://honest.example/token?tenant=b",
            "https://honest.example/token",
        ] {
            let error = code().exchange(&at(other), moment::start()).unwrap_err();
            assert_eq!(error, CallbackError::OtherClient, "{other}");
        }
    }
}

#[test]
fn a_sign_in_survives_its_journey_through_a_session_store() {
    let scopes = Scopes::parse("openid email").unwrap();
    let redirect_uri = "https://client.example.com/cb?a=\"b\\";
    let redirect_uri = &redirect_uri.replace(['"', '\\'], "~");
    let body = |pending: PendingAuthorization| {
        let callback = format!("?code=c0de&state={STATE}");
        wire::sent(
            &pending
                .receive(&callback, moment::start())
                .unwrap()
                .exchange(&standard(), moment::start())
                .unwrap(),
        )
    };
    let (_, first) = standard().authorize(redirect_uri, &scopes, entropy(), moment::start()).unwrap();
    let (_, second) = standard().authorize(redirect_uri, &scopes, entropy(), moment::start()).unwrap();
    let json = second.to_json();
    let again = PendingAuthorization::from_json(json.expose()).unwrap();
    assert_eq!(again.state().expose(), STATE);
    assert_eq!(again.to_json(), json);
    let sent = body(again);
    assert!(sent.contains("code_verifier=ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8"), "{sent}");
    assert_eq!(sent, body(first));
}

#[test]
fn a_stored_sign_in_with_arbitrary_texts_is_read_as_it_was_written() {
    let odd = "\u{1}\u{1b}\"\\\n\u{e9}".repeat(20);
    let members = ["token_endpoint", "client_id", "redirect_uri", "issuer", "state", "code_verifier"];
    let mut stored: serde_json::Value = members.map(|name| (name, odd.as_str())).into_iter().collect();
    stored["scope"] = "a b".into();
    stored["begun_ms"] = "1767225600000".into();
    stored["issuer_optional"] = "true".into();
    stored["account"] = odd.as_str().into();
    let pending = PendingAuthorization::from_json(&stored.to_string()).unwrap();
    let again: serde_json::Value = serde_json::from_str(pending.to_json().expose()).unwrap();
    assert_eq!(again, stored);
}

#[test]
fn a_stored_sign_in_keeps_its_issuer() {
    let again = PendingAuthorization::from_json(sign_in_with_issuer().to_json().expose()).unwrap();
    let rejected = rejected(again, &format!("?code=c0de&state={STATE}&iss=https%3A%2F%2Fevil.example"));
    assert_eq!(rejected.error.code(), "iss_mismatch");
}

/// Without the verifier, an attacker with only the code can exchange it (RFC 7636 section 1).
#[test]
fn a_stored_sign_in_without_its_verifier_is_refused_where_the_profile_demands_pkce() {
    let without_verifier = |client: &Client, verifier: serde_json::Value| {
        let (_, pending) =
            client.authorize("https://localhost", &Scopes::none(), entropy(), moment::start()).unwrap();
        let mut stored: serde_json::Value = serde_json::from_str(pending.to_json().expose()).unwrap();
        stored["code_verifier"] = verifier;
        let pending = PendingAuthorization::from_json(&stored.to_string()).unwrap();
        pending.receive(&format!("?code=c0de&state={STATE}"), moment::start()).unwrap()
    };
    for verifier in [serde_json::Value::Null, "".into()] {
        let code = without_verifier(&standard(), verifier.clone());
        let error = code.exchange(&standard(), moment::start()).unwrap_err();
        assert_eq!((error.code(), error.remedy()), ("verifier_missing".into(), Remedy::SignInAgain));
        let code = without_verifier(&octorate(), verifier);
        assert!(code.exchange(&octorate(), moment::start()).is_ok(), "Octorate knows no PKCE");
    }
}

#[test]
fn a_sign_in_yields_no_code_after_an_hour() {
    let stored = || PendingAuthorization::from_json(sign_in("https://localhost").to_json().expose()).unwrap();
    let callback = format!("?code=c0de&state={STATE}");
    let refusal = format!("?error=access_denied&state={STATE}");
    for pending in [&stored as &dyn Fn() -> PendingAuthorization, &|| sign_in("https://localhost")] {
        assert_eq!(pending().age(moment::after(90)), Duration::from_secs(90));
        assert_eq!(pending().age(moment::start()), Duration::ZERO);
        assert!(pending().receive(&callback, moment::after(3599)).is_ok());
        let rejected = pending().receive(&callback, moment::after(3600)).unwrap_err();
        assert_eq!(rejected.error, CallbackError::SignInTooOld { age_seconds: 3600 });
        assert_eq!(
            (rejected.error.code(), rejected.error.remedy()),
            ("sign_in_too_old".into(), Remedy::SignInAgain)
        );
        assert!(rejected.pending.is_none(), "it is over");
        let refused = pending().receive(&refusal, moment::after(3600)).unwrap_err();
        assert_eq!(refused.error.code(), "oauth:access_denied", "the refusal says more");
        let start = moment::start();
        let set_back = Now { wall: start.wall.saturating_sub(Duration::from_secs(7200)), ..start };
        assert_eq!(pending().age(set_back), Duration::ZERO);
    }
}

#[test]
fn an_issuer_that_was_not_configured_is_among_the_other_parameters() {
    let callback = format!("?a=1&iss=https%3A%2F%2Fserver.example&code=c0de&state={STATE}&b=2");
    let names = |pending: PendingAuthorization, callback: &str| {
        let code = pending.receive(callback, moment::start()).unwrap();
        code.other_parameters().iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>()
    };
    assert_eq!(names(sign_in("https://localhost"), &callback), ["a=1", "iss=https://server.example", "b=2"]);
    let own = format!("?a=1&iss=https%3A%2F%2Fserver.example.com&code=c0de&state={STATE}&b=2");
    assert_eq!(names(sign_in_with_issuer(), &own), ["a=1", "b=2"]);
    let twice = rejected(sign_in("https://localhost"), &format!("{callback}&iss=x"));
    assert_eq!(twice.error, CallbackError::Duplicate { name: "iss" });
}

#[test]
fn invalid_text_is_not_read_as_a_stored_sign_in() {
    let whole = sign_in("https://localhost").to_json();
    for broken in [
        "{}".to_owned(),
        "null".to_owned(),
        whole.expose().replace(STATE, ""),
        whole.expose().replace("\"redirect_uri\"", "\"redirect\""),
        whole.expose().replace("\"token_endpoint\"", "\"provider\""),
        whole.expose().replace("\"begun_ms\"", "\"begun\""),
        whole.expose().replace("\"begun_ms\":\"", "\"begun_ms\":\"x"),
        whole.expose().replace(&format!("\"{STATE}\""), "7"),
    ] {
        assert!(PendingAuthorization::from_json(&broken).is_none(), "{broken}");
    }
}

#[test]
fn officernds_own_parameters_are_kept_for_the_caller() {
    let scopes = Scopes::parse("a").unwrap();
    let (_, pending) =
        officernd().authorize("http://127.0.0.1:3000", &scopes, entropy(), moment::start()).unwrap();
    let callback = format!("http://127.0.0.1:3000/?code=c&state={STATE}&org_slug=acme&integrationId=&x");
    let code = pending.receive(&callback, moment::start()).unwrap();
    let others: Vec<_> = code.other_parameters().iter().map(|(name, value)| (&**name, &**value)).collect();
    assert_eq!(others, [("org_slug", "acme"), ("integrationId", ""), ("x", "")]);
}

#[test]
fn the_slash_a_browser_adds_to_an_empty_path_is_ignored_and_not_sent() {
    let callback = format!("https://localhost/?code=c0de&state={STATE}");
    for (redirect_uri, encoded) in [
        ("https://localhost", "https%3A%2F%2Flocalhost"),
        ("https://localhost/", "https%3A%2F%2Flocalhost%2F"),
    ] {
        let code = sign_in(redirect_uri).receive(&callback, moment::start()).unwrap();
        let body = wire::body(&code.exchange(&octorate(), moment::start()).unwrap());
        assert!(body.contains(&format!("redirect_uri={encoded}&")), "{body}");
    }
    let path =
        rejected(sign_in("https://localhost/back"), &format!("https://localhost/back/?code=c&state={STATE}"));
    assert_eq!(path.error, CallbackError::RedirectUriMismatch);
    let bare = rejected(sign_in("https://localhost/"), &format!("https://localhost/x?code=c&state={STATE}"));
    assert_eq!(bare.error, CallbackError::RedirectUriMismatch);
}

/// Scheme and host are case-insensitive, and a browser writes both in lower case (RFC 3986 section 6.2.2.1). It also
/// omits the default port of the scheme.
#[test]
fn other_rewrites_of_a_browser_in_a_url_are_ignored() {
    for (registered, shown) in [
        ("https://App.Example.com/cb", "https://app.example.com/cb"),
        ("HTTPS://app.example.com/cb", "https://app.example.com/cb"),
        ("https://app.example.com:443/cb", "https://app.example.com/cb"),
    ] {
        let received = sign_in(registered).receive(&format!("{shown}?code=c&state={STATE}"), moment::start());
        assert!(received.is_ok(), "{registered} {shown}");
    }
}

#[test]
fn a_private_scheme_is_a_redirect_uri_and_has_a_path() {
    for redirect_uri in ["com.example.app:/cb", "com.example.app://host/cb"] {
        let sign_in = || {
            standard()
                .authorize(redirect_uri, &Scopes::none(), entropy(), moment::start())
                .map(|(_, pending)| pending)
        };
        for address in [redirect_uri, "/cb", ""] {
            let callback = format!("{address}?code=c&state={STATE}");
            assert!(sign_in().unwrap().receive(&callback, moment::start()).is_ok(), "{callback}");
        }
        for address in ["com.example.app:/other", "com.example.evil:/cb", "/other"] {
            let rejected = rejected(sign_in().unwrap(), &format!("{address}?code=c&state={STATE}"));
            assert_eq!(rejected.error, CallbackError::RedirectUriMismatch, "{address}");
            assert!(rejected.pending.is_some(), "{address}");
        }
    }
}

#[test]
fn a_redirect_uri_with_a_query_of_its_own_gets_it_back() {
    let callback = format!("https://localhost/cb?tenant=a&code=c0de&state={STATE}");
    let code = sign_in("https://localhost/cb?tenant=a").receive(&callback, moment::start()).unwrap();
    assert_eq!(code.other_parameters(), [("tenant".to_owned(), "a".to_owned())]);
}
