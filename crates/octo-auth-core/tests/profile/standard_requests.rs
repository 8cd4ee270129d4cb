//! Requests at a standard server, byte by byte as in the examples of the RFCs.

use octo_auth_core::profile::{ClientAuthentication, Profile};
use octo_auth_core::{Body, Client, Entropy, RequestError, Scopes, Secret, TokenTypeHint};
use octo_auth_testkit::registration::{self, answered, entropy, standard_profile};
use octo_auth_testkit::{moment, wire};

/// The headers of every form request.
const FORM: &str = "accept: application/json\naccept-encoding: identity\n\
                    content-type: application/x-www-form-urlencoded\n";

/// The `Authorization` header of RFC 6749 section 4.1.3 for `s6BhdRkqt3` with `gX1fBat3bV`.
const BASIC: &str = "authorization: Basic czZCaGRSa3F0MzpnWDFmQmF0M2JW (sensitive)\n";

fn form(url: &str, body: &str) -> String {
    format!("POST {url}\n{FORM}\n{body}\n")
}

/// Returns a form request with Basic authentication and the credentials of RFC 6749.
fn basic_form(url: &str, body: &str) -> String {
    let headers = FORM.replace("content-type", &format!("{BASIC}content-type"));
    format!("POST {url}\n{headers}\n{body}\n")
}

/// Returns the client of the examples in RFC 6749, RFC 7009 and RFC 7662.
fn standard(authentication: ClientAuthentication) -> Client {
    Client::new(standard_profile(authentication), "s6BhdRkqt3", "gX1fBat3bV").unwrap()
}

const TOKEN: &str = "https://server.example.com/token";

#[test]
fn client_credentials_are_those_of_section_4_4_2() {
    let exchange = standard(ClientAuthentication::Basic).client_credentials(&Scopes::none()).unwrap();
    assert_eq!(wire::sent(&exchange), basic_form(TOKEN, "grant_type=client_credentials"));
}

#[test]
fn a_refresh_with_credentials_in_the_body_is_that_of_section_2_3_1() {
    let profile = standard_profile(ClientAuthentication::Body);
    let client = Client::new(profile, "s6BhdRkqt3", "7Fjfp0ZBr1KtDRbnfVdmIw").unwrap();
    assert_eq!(
        wire::sent(&client.refresh(&Secret::from("tGzv3JOkF0XG5Qx2TlKWIA")).unwrap()),
        form(
            TOKEN,
            "grant_type=refresh_token&refresh_token=tGzv3JOkF0XG5Qx2TlKWIA\
             &client_id=s6BhdRkqt3&client_secret=7Fjfp0ZBr1KtDRbnfVdmIw"
        )
    );
}

#[test]
fn a_refresh_with_basic_is_that_of_section_6() {
    let exchange = standard(ClientAuthentication::Basic).refresh(&Secret::from("tGzv3JOkF0XG5Qx2TlKWIA"));
    let body = "grant_type=refresh_token&refresh_token=tGzv3JOkF0XG5Qx2TlKWIA";
    assert_eq!(wire::sent(&exchange.unwrap()), basic_form(TOKEN, body));
}

#[test]
fn basic_credentials_are_form_encoded_before_they_are_joined() {
    let profile = standard_profile(ClientAuthentication::Basic);
    let client = Client::new(profile, "my client:1", "p%+&=\u{fc}:~*").unwrap();
    let request = wire::sent(&client.client_credentials(&Scopes::none()).unwrap());
    // Base64 of `my+client%3A1:p%25%2B%26%3D%C3%BC%3A%7E*`.
    let header =
        "authorization: Basic bXkrY2xpZW50JTNBMTpwJTI1JTJCJTI2JTNEJUMzJUJDJTNBJTdFKg== (sensitive)\n";
    assert!(request.contains(header), "{request}");
}

#[test]
fn the_code_challenge_is_that_of_rfc_7636_appendix_b() {
    let octets = [
        116, 24, 223, 180, 151, 153, 224, 37, 79, 250, 96, 125, 216, 173, 187, 186, 22, 212, 37, 77, 105,
        214, 191, 240, 91, 88, 5, 88, 83, 132, 141, 121,
    ];
    let mut bytes = [0; 64];
    bytes[32..].copy_from_slice(&octets);
    let client = standard(ClientAuthentication::Basic);
    let scopes = Scopes::parse("openid email").unwrap();
    let redirect_uri = "https://client.example.com/cb";
    let (page, pending) =
        client.authorize(redirect_uri, &scopes, Entropy::from_bytes(bytes), moment::start()).unwrap();
    let state = "A".repeat(43);
    assert_eq!(
        page,
        format!(
            "https://server.example.com/authorize?response_type=code&client_id=s6BhdRkqt3\
             &redirect_uri=https%3A%2F%2Fclient.example.com%2Fcb&scope=openid+email&state={state}\
             &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256"
        )
    );
    let answer = format!("{redirect_uri}?code=SplxlOBeZQQYbYS6WxSbIA&state={state}");
    let exchange = pending.receive(&answer, moment::start()).unwrap().exchange(&client, moment::start());
    assert_eq!(
        wire::sent(&exchange.unwrap()),
        basic_form(
            TOKEN,
            "grant_type=authorization_code&code=SplxlOBeZQQYbYS6WxSbIA\
             &redirect_uri=https%3A%2F%2Fclient.example.com%2Fcb\
             &code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
        )
    );
}

#[test]
fn extra_parameters_keep_their_order_and_repetitions() {
    let client = standard(ClientAuthentication::Basic)
        .with_parameter("audience", "https://api.example.com/")
        .and_then(|client| client.with_parameter("resource", "https://cal.example.com/"))
        .and_then(|client| client.with_parameter("resource", "https://contacts.example.com/"))
        .unwrap();
    let extra = "&audience=https%3A%2F%2Fapi.example.com%2F&resource=https%3A%2F%2Fcal.example.com%2F\
                 &resource=https%3A%2F%2Fcontacts.example.com%2F";
    let scopes = Scopes::parse("calendar").unwrap();
    let granted = client.client_credentials(&scopes).unwrap();
    assert_eq!(wire::body(&granted), format!("grant_type=client_credentials&scope=calendar{extra}"));
    let renewed = client.refresh(&Secret::from("r")).unwrap();
    assert_eq!(wire::body(&renewed), format!("grant_type=refresh_token&refresh_token=r{extra}"));
    let revoked = client.revoke(&Secret::from("r"), TokenTypeHint::RefreshToken).unwrap();
    assert_eq!(wire::body(&revoked), "token=r&token_type_hint=refresh_token");
}

#[test]
fn an_extra_parameter_cannot_replace_one_of_the_calls_own() {
    for name in ["grant_type", "client_secret", "scope", "code_verifier", "refresh_token", "redirect_uri"] {
        let refused = standard(ClientAuthentication::Body).with_parameter(name, "x").map(drop).unwrap_err();
        assert_eq!(refused, RequestError::ReservedParameter { name: name.to_owned() });
    }
}

#[test]
fn a_revocation_is_that_of_rfc_7009_section_2_1() {
    let client = standard(ClientAuthentication::Basic);
    let token = Secret::from("45ghiukldjahdnhzdauz");
    let url = "https://server.example.com/revoke";
    for (hint, word) in
        [(TokenTypeHint::RefreshToken, "refresh_token"), (TokenTypeHint::AccessToken, "access_token")]
    {
        let body = format!("token=45ghiukldjahdnhzdauz&token_type_hint={word}");
        assert_eq!(wire::sent(&client.revoke(&token, hint).unwrap()), basic_form(url, &body));
    }
}

#[test]
fn an_introspection_is_that_of_rfc_7662_section_2_1() {
    let exchange = standard(ClientAuthentication::Basic).introspect(&Secret::from("mF_9.B5f-4.1JqM"));
    let url = "https://server.example.com/introspect";
    assert_eq!(wire::sent(&exchange.unwrap()), basic_form(url, "token=mF_9.B5f-4.1JqM"));
}

#[test]
fn a_public_client_names_itself_and_sends_no_secret() {
    for authentication in [ClientAuthentication::Basic, ClientAuthentication::Body] {
        let client = Client::public(standard_profile(authentication), "s6BhdRkqt3").unwrap();
        let renewed = client.refresh(&Secret::from("r")).unwrap();
        let body = "grant_type=refresh_token&refresh_token=r&client_id=s6BhdRkqt3";
        assert_eq!(wire::sent(&renewed), form(TOKEN, body));
        let refused = client.client_credentials(&Scopes::none()).map(drop).unwrap_err();
        assert_eq!(refused.code(), "client_secret_missing");
    }
}

#[test]
fn a_refresh_token_outside_ascii_is_percent_encoded_and_never_dropped() {
    let exchange = standard(ClientAuthentication::Basic).refresh(&Secret::from("r\u{e9}fresh+ 1")).unwrap();
    assert_eq!(wire::body(&exchange), "grant_type=refresh_token&refresh_token=r%C3%A9fresh%2B+1");
}

/// RFC 6749 section 3.2: the query of a token endpoint must be retained. A parameter goes into the body.
#[test]
fn the_query_of_an_endpoint_stays_in_its_url_byte_for_byte() {
    let profile = Profile::rfc6749("https://server.example.com/token?tenant=a%20b&x")
        .and_then(|profile| profile.with_revocation_url("https://server.example.com/revoke?tenant=a"))
        .and_then(|profile| profile.with_introspection_url("https://server.example.com/introspect?"));
    let client = registration::with(profile.unwrap());
    let url = |sent: String| sent.lines().next().map(str::to_owned).unwrap_or_default();
    let asked = client.client_credentials(&Scopes::none()).unwrap();
    assert_eq!(url(wire::sent(&asked)), "POST https://server.example.com/token?tenant=a%20b&x");
    let credentials = "client_id=client-1&client_secret=client-secret-1";
    assert_eq!(wire::body(&asked), format!("grant_type=client_credentials&{credentials}"));
    let renewed = client.refresh(&Secret::from("r")).unwrap();
    assert_eq!(url(wire::sent(&renewed)), "POST https://server.example.com/token?tenant=a%20b&x");
    let revoked = client.revoke(&Secret::from("t"), TokenTypeHint::AccessToken).unwrap();
    assert_eq!(url(wire::sent(&revoked)), "POST https://server.example.com/revoke?tenant=a");
    let asked = client.introspect(&Secret::from("t")).unwrap();
    assert_eq!(url(wire::sent(&asked)), "POST https://server.example.com/introspect");
}

#[test]
fn a_token_goes_only_to_the_hosts_added_to_a_profile() {
    let standard = standard_profile(ClientAuthentication::Body);
    let region = "https://region-7.example.com/api/v2";
    for (profile, added) in [(standard.clone(), false), (standard.with_api_host(region).unwrap(), true)] {
        let client = registration::with(profile);
        let answer = r#"{"access_token":"t","token_type":"Bearer","expires_in":3600}"#;
        let token = answered(client.client_credentials(&Scopes::none()).unwrap(), answer);
        let call = |url: &str| {
            let request = http::Request::get(url).body(Body::empty()).unwrap();
            client.api_call(&token, request).map(drop)
        };
        assert_eq!(call("https://region-7.example.com/api/v2/members").is_ok(), added);
        assert_eq!(call("https://server.example.com/").unwrap_err().code(), "foreign_host");
    }
}

/// The redirect URIs that a program on a user's machine may have (RFC 8252 section 7).
#[test]
fn a_redirect_uri_is_loopback_or_https_or_a_scheme_named_after_a_domain() {
    let begin = |redirect_uri: &str| {
        let client = standard(ClientAuthentication::Body);
        client.authorize(redirect_uri, &Scopes::none(), entropy(), moment::start()).map(drop)
    };
    for redirect_uri in [
        "http://LOCALHOST/cb",
        "http://localhost:3000",
        "http://127.0.0.1:51000/cb",
        "http://[::1]:51000/cb?a=@",
        "https://app.example/@cb",
        "com.example.app:/cb",
        "COM.example.app://cb",
    ] {
        assert_eq!(begin(redirect_uri), Ok(()), "{redirect_uri}");
    }
    for (redirect_uri, problem) in [
        ("http://localhost:x@evil.example/cb", "user name"),
        ("http://127.0.0.1@evil.example", "user name"),
        ("https://user:password@app.example/cb", "user name"),
        ("http://app.example/cb", "https"),
        ("http://localhost.evil.example/cb", "https"),
        ("http://[::1/cb", "https"),
        ("javascript:alert(1)", "dot"),
        ("data:text/html,x", "dot"),
        ("myapp://cb", "dot"),
    ] {
        let refused = begin(redirect_uri).unwrap_err();
        assert_eq!(refused.code(), "redirect_uri", "{redirect_uri}");
        assert!(refused.to_string().contains(problem), "{redirect_uri}: {refused}");
    }
}
