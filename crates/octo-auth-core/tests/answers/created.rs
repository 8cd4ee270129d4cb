//! Answers that are not tokens: created clients and properties, the API configuration, introspection.

#![expect(clippy::unwrap_used, reason = "what a test builds on is sound, or the test fails")]

use octo_auth_core::{
    Answer, ApiConfiguration, Client, CreatedClient, CreatedProperty, Deviation, ExchangeError,
    Introspection, NewClient, Profile, Scopes, Secret, Timestamp,
};
use octo_auth_testkit::outcome;
use octo_auth_testkit::registration::{CLIENT_ID, CLIENT_SECRET, admin_token, octorate, standard};
use octo_auth_testkit::response::{json, read, with};

/// The response of "How to create clients".
const CREATED: &str = r#"{
    "data": [
        {
            "client_id": "public_8956990355e6df036-b5ff-48cd-b8be-b3d93fb752",
            "client_secret": "12404a0a-9cbf-4b40-82cc-32296e92c515",
            "id": 124,
            "username": "yourcompany100@demo.com",
            "password": "yourCompany123!",
            "properties": [
                {"enabled": true, "id": 999641, "name": "Your Company SPA", "position": {}, "sandbox": true}
            ],
            "redirect_uri": "http://your-webdite:80/main-page"
        }
    ]
}"#;

fn created_client(status: u16, body: &str) -> Result<Answer<CreatedClient>, ExchangeError> {
    let client = NewClient {
        redirect_uri: "http://localhost:8183/main-page".to_owned(),
        name: "Your Company SPA".to_owned(),
        username: "yourcompany100@demo.com".to_owned(),
        password: Secret::from("yourCompany123!"),
        email: "yourcompany1@demo.com".to_owned(),
        description: None,
        website: None,
        phone: None,
        position: None,
    };
    read(client.exchange(&Profile::octotable()).unwrap(), &json(status, body))
}

#[test]
fn a_created_client_is_read_with_every_success_status() {
    for status in [200, 201, 202] {
        let Answer { value, deviations, .. } = created_client(status, CREATED).unwrap();
        assert_eq!(value.client_id, "public_8956990355e6df036-b5ff-48cd-b8be-b3d93fb752");
        assert_eq!(value.client_secret.expose(), "12404a0a-9cbf-4b40-82cc-32296e92c515");
        assert_eq!(value.id.as_deref(), Some("124"));
        assert_eq!(value.username.as_deref(), Some("yourcompany100@demo.com"));
        assert_eq!(value.password.as_ref().map(Secret::expose), Some("yourCompany123!"));
        assert_eq!(value.redirect_uri.as_deref(), Some("http://your-webdite:80/main-page"));
        let [property] = &value.properties[..] else { panic!("{value:?}") };
        assert_eq!((property.id.as_str(), property.sandbox), ("999641", Some(true)));
        assert_eq!(property.name.as_deref(), Some("Your Company SPA"));
        assert_eq!(deviations, []);
    }
}

#[test]
fn a_created_client_needs_only_an_id_and_a_secret() {
    let small =
        created_client(201, r#"{"data":[{"client_id":"c","client_secret":"s","id":null,"properties":7}]}"#);
    let small = small.unwrap().value;
    assert_eq!((small.client_id.as_str(), small.id, small.properties.len()), ("c", None, 0));
    for body in [
        r#"{"data":[]}"#,
        r#"{"data":{}}"#,
        r#"{}"#,
        r#"{"data":[{"client_id":"c"}]}"#,
        r#"{"data":[{"client_id":"","client_secret":"s"}]}"#,
        r#"{"data":[{"client_id":"c","client_secret":7}]}"#,
    ] {
        let error = created_client(201, body).unwrap_err();
        assert_eq!(outcome::of_error(&error), "member_missing, cooldown, provider", "{body}");
    }
    let taken = created_client(409, r#"{"success":false,"error":{"code":"USERNAME_TAKEN","message":"m"}}"#);
    assert_eq!(taken.unwrap_err().code(), "provider:USERNAME_TAKEN");
}

fn created_property(status: u16, body: &str) -> Result<Answer<CreatedProperty>, ExchangeError> {
    read(
        octorate().create_property(&admin_token(octorate().profile(), "admin"), "{}").unwrap(),
        &json(status, body),
    )
}

#[test]
fn a_created_property_is_read_in_both_spellings_and_with_every_success_status() {
    for (status, word) in [(200, "CREATED_ACCOMMODATION"), (201, "created")] {
        let body = format!(r#"{{"status":"{word}","id":"16997","refresh_token":"ffd7ML"}}"#);
        let Answer { value, deviations, .. } = created_property(status, &body).unwrap();
        assert_eq!((value.status.as_str(), value.id.as_str()), (word, "16997"));
        assert_eq!(value.refresh_token.expose(), "ffd7ML");
        assert!(value.properties.is_empty() && deviations.is_empty());
    }
}

#[test]
fn a_network_names_every_property_that_shares_the_refresh_token() {
    let body = r#"{"status":"created","id":323218,"refresh_token":"ffd7ML","refresh_properties":["142322",282380,"323218"]}"#;
    let created = created_property(200, body).unwrap().value;
    assert_eq!(created.properties, ["142322", "282380", "323218"]);
    assert_eq!(created.id, "323218");
}

#[test]
fn a_property_without_a_refresh_token_or_with_another_status_is_not_created() {
    for (body, member) in [
        (r#"{"status":"created","id":"1"}"#, "refresh_token"),
        (r#"{"status":"created","id":"1","refresh_token":null}"#, "refresh_token"),
        (r#"{"status":"created","refresh_token":"r"}"#, "id"),
        (r#"{"status":"pending","id":"1","refresh_token":"r"}"#, "status"),
        (r#"{"id":"1","refresh_token":"r"}"#, "status"),
    ] {
        let error = created_property(200, body).unwrap_err();
        assert_eq!(outcome::of_error(&error).split(',').next(), Some("member_missing"), "{body}");
        assert!(error.to_string().contains(&format!("member {member}")), "{error}");
    }
}

/// The refresh token may be the only one for the property, whatever is wrong with the rest of the answer.
#[test]
fn a_refresh_token_in_an_unusable_answer_of_property_creation_is_kept() {
    for body in [
        r#"{"status":"pending","id":"1","refresh_token":"ffd7ML"}"#,
        r#"{"status":"created","refresh_token":"ffd7ML"}"#,
    ] {
        let error = created_property(200, body).unwrap_err();
        assert_eq!(error.salvaged_refresh_token().map(Secret::expose), Some("ffd7ML"), "{body}");
    }
}

#[test]
fn an_existing_property_is_named_if_its_id_is_harmless() {
    for (body, text) in [
        (r#"{"status":"existing","id":"219642"}"#, "with the id 219642 (HTTP 412)"),
        (r#"{"status":"existing","id":219642}"#, "with the id 219642 (HTTP 412)"),
        (r#"{"status":"existing"}"#, "the property is there already (HTTP 412)"),
        (r#"{"status":"existing","id":"\u001b[2J"}"#, "the property is there already (HTTP 412)"),
    ] {
        let error = created_property(412, body).unwrap_err();
        assert_eq!(outcome::of_error(&error), "property_exists, cooldown, configuration", "{body}");
        assert!(error.to_string().ends_with(text), "{error}");
    }
    assert_eq!(created_property(412, r#"{"status":"else"}"#).unwrap_err().code(), "http:412");
    assert_eq!(created_property(409, r#"{"status":"existing"}"#).unwrap_err().code(), "http:409");
}

fn configuration(body: &str) -> ApiConfiguration {
    let exchange = octorate().api_configuration(&admin_token(octorate().profile(), "admin")).unwrap();
    read(exchange, &json(200, body)).unwrap().value
}

#[test]
fn the_consent_page_is_found_in_every_plausible_form() {
    let page = "https://backoffice.example/octobook/identity/oauth.xhtml";
    for pages in [
        format!(r#"["https://other.example/login","{page}"]"#),
        format!(
            r#"[{{"description":"Where you should redirect the user to ask for grant","url":"{page}"}}]"#
        ),
        format!(r#"{{"Octorate Identity page":"{page}"}}"#),
        format!(r#"{{"identity":{{"href":"{page}","title":"t"}}}}"#),
        format!(r#"["{page}?client_id=x#top"]"#),
    ] {
        let read = configuration(&format!(r#"{{"environment":"SANDBOX","authorizationPages":{pages}}}"#));
        let url = read.identity_page().map(|found| found.url.split('?').next());
        assert_eq!(url, Some(Some(page)), "{pages}");
    }
}

#[test]
fn the_description_of_a_page_is_kept() {
    let said = configuration(
        r#"{"authorizationPages":[{"name":"Octorate Identity page","url":"https://a.example/x"}]}"#,
    );
    assert_eq!(said.authorization_pages[0].description, "Octorate Identity page");
    assert!(!said.authorization_pages[0].asks_for_grant);
}

#[test]
fn environment_and_redirect_uris_are_read_byte_for_byte() {
    let read = configuration(
        r#"{"environment":"PRODUCTION","redirectUri":["https://localhost","https://localhost/"],"active":true,"quotaLimit":7}"#,
    );
    assert_eq!(read.environment.as_deref(), Some("PRODUCTION"));
    assert_eq!(read.redirect_uris, ["https://localhost", "https://localhost/"]);
    assert_eq!(read.identity_page(), None);
}

#[test]
fn a_configuration_with_odd_members_is_still_a_configuration() {
    for body in [r#"{}"#, r#"{"environment":7,"redirectUri":null,"authorizationPages":[null,7,{"a":[]},""]}"#]
    {
        let read = configuration(body);
        assert_eq!(
            (read.environment, read.redirect_uris.len(), read.authorization_pages.len()),
            (None, 0, 0)
        );
    }
    let single = configuration(r#"{"redirectUri":"https://localhost"}"#);
    assert_eq!(single.environment, None);
}

#[test]
fn replacing_the_redirect_uris_succeeds_with_any_success_and_reports_a_refusal() {
    let exchange =
        || octorate().replace_redirect_uris(&admin_token(octorate().profile(), "admin"), None).unwrap();
    for response in [with(200, &[], ""), with(204, &[], ""), json(200, r#"{"environment":"SANDBOX"}"#)] {
        assert!(read(exchange(), &response).is_ok());
    }
    let refused =
        read(exchange(), &json(403, r#"{"type":"ApiSecurityException","message":"m"}"#)).unwrap_err();
    assert_eq!(refused.code(), "provider:ApiSecurityException");
}

fn introspected(body: &str) -> Result<Answer<Introspection>, ExchangeError> {
    read(standard().introspect(&Secret::from("mF_9.B5f-4.1JqM")).unwrap(), &json(200, body))
}

/// The example of RFC 7662 section 2.2.
#[test]
fn an_introspection_is_read_as_the_rfc_shows_it() {
    let body = r#"{"active":true,"client_id":"l238j323ds-23ij4","username":"jdoe","scope":"read write dolphin","sub":"Z5O3upPC88QrAjx00dis","aud":"https://protected.example.net/resource","iss":"https://server.example.com/","exp":1419356238,"iat":1419350238,"extension_field":"twenty-seven"}"#;
    let Answer { value, deviations, .. } = introspected(body).unwrap();
    assert_eq!(deviations, []);
    assert!(value.active);
    assert_eq!(value.scopes, Some(Scopes::parse("read write dolphin").unwrap()));
    assert_eq!(value.client_id.as_deref(), Some("l238j323ds-23ij4"));
    assert_eq!(value.username.as_deref(), Some("jdoe"));
    assert_eq!(value.subject.as_deref(), Some("Z5O3upPC88QrAjx00dis"));
    assert_eq!(value.expires_at, Some(Timestamp::from_unix_seconds(1_419_356_238)));
    assert_eq!(value.issued_at, Some(Timestamp::from_unix_seconds(1_419_350_238)));
}

#[test]
fn an_introspection_must_say_whether_the_token_is_active() {
    assert!(!introspected(r#"{"active":false}"#).unwrap().value.active);
    let odd = introspected(r#"{"active":true,"exp":"soon","scope":7,"iat":1e99}"#).unwrap().value;
    assert_eq!((odd.active, odd.expires_at, odd.scopes, odd.issued_at), (true, None, None, None));
    for body in ["{}", r#"{"active":"true"}"#, r#"{"active":1}"#, r#"{"active":null}"#] {
        assert_eq!(introspected(body).unwrap_err().code(), "member_missing", "{body}");
    }
}

#[test]
fn deviations_of_the_envelope_are_reported_for_every_kind_of_answer() {
    let exchange = standard().introspect(&Secret::from("mF_9.B5f-4.1JqM")).unwrap();
    let answer = read(exchange, &with(203, &[("content-type", "text/plain")], r#"{"active":true}"#)).unwrap();
    assert_eq!(answer.deviations, [Deviation::StatusNot200, Deviation::MediaTypeText]);
}

#[test]
fn the_refresh_token_of_a_created_property_is_kept_under_any_of_its_names() {
    let profile = octorate().profile().clone().edit(|document| {
        document.created_property.iter_mut().for_each(|rules| rules.refresh_token = "network_token".into());
    });
    let client = Client::new(profile.unwrap(), CLIENT_ID, CLIENT_SECRET).unwrap();
    let admin = admin_token(client.profile(), "admin");
    let body = r#"{"status":"pending","id":"1","network_token":"ffd7ML","refresh_token":"other"}"#;
    let error = read(client.create_property(&admin, "{}").unwrap(), &json(200, body)).unwrap_err();
    assert_eq!(error.salvaged_refresh_token().map(Secret::expose), Some("ffd7ML"));
}

#[test]
fn debug_of_a_created_property_omits_its_refresh_token() {
    let body = r#"{"status":"created","id":"16997","refresh_token":"ffd7ML"}"#;
    let shown = format!("{:?}", created_property(200, body).unwrap().value);
    assert!(shown.contains("16997") && shown.contains("created") && !shown.contains("ffd7ML"), "{shown}");
}

#[test]
fn an_id_is_a_text_or_an_integer_of_at_most_20_digits() {
    let id = |raw: &str| {
        let body = format!(r#"{{"data":[{{"client_id":"c","client_secret":"s","id":{raw}}}]}}"#);
        created_client(201, &body).unwrap().value.id
    };
    for (raw, wanted) in [
        ("7", Some("7")),
        (r#""seven""#, Some("seven")),
        ("12345678901234567890", Some("12345678901234567890")),
        ("123456789012345678901", None),
        ("-7", None),
        ("7.5", None),
        ("true", None),
    ] {
        assert_eq!(id(raw).as_deref(), wanted, "{raw}");
    }
}
