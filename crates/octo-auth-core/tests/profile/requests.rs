//! Requests, byte by byte as in the examples of the providers' documents.

use octo_auth_core::{Client, NewClient, Profile, Scopes, Secret, TokenTypeHint};
use octo_auth_testkit::registration::{
    admin_token, documented_client, entropy, octorate, officernd, property_token,
};
use octo_auth_testkit::{moment, wire};

/// The headers of every form request.
const FORM: &str = "accept: application/json\naccept-encoding: identity\n\
                    content-type: application/x-www-form-urlencoded\n";

/// The `state` from the entropy 0, 1, 2, …: its first 32 bytes in base64url without padding.
const STATE: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

fn form(url: &str, body: &str) -> String {
    format!("POST {url}\n{FORM}\n{body}\n")
}

mod at_octotable {
    use super::*;

    #[test]
    fn a_token_request_equals_the_curl_of_create_token() {
        let client = Client::new(Profile::octotable(), "your_client", "***").unwrap();
        let exchange = client.client_credentials(&Scopes::none()).unwrap();
        assert_eq!(
            wire::sent(&exchange),
            form(
                "https://api.octotable.com/octotable-auth/api/v2/oauth2/token",
                "grant_type=client_credentials&client_id=your_client&client_secret=***"
            )
        );
    }

    /// The request of "How to create clients", without white space.
    const CREATE_CLIENT: &str = concat!(
        r#"{"redirect_uri":"http://localhost:8183/main-page","sandbox_property":{"#,
        r#""name":"Your Company SPA","username":"yourcompany100@demo.com","password":"yourCompany123!","#,
        r#""description":"A financial institution specializing in global banking","#,
        r#""email":"yourcompany1@demo.com","website":"www.yourcmpany.com","phone":"+1234567890","#,
        r#""position":{"latitude":45.4442,"longitude":9.9900,"country":"IT","address":"Piazza, 33","#,
        r#""city":"Milan","zip":"20154"}}}"#
    );

    #[test]
    fn a_client_is_created_with_the_documented_object_in_the_documented_order() {
        let exchange = documented_client().exchange(&Profile::octotable()).unwrap();
        let body = CREATE_CLIENT.replace("9.9900", "9.99");
        assert_eq!(
            wire::sent(&exchange),
            format!(
                "POST https://api.octotable.com/octotable-pms/api/v2/api-account/oauth2/client\n\
                 accept: application/json\naccept-encoding: identity\ncontent-type: application/json\n\n{body}\n"
            )
        );
        let said: serde_json::Value = serde_json::from_str(CREATE_CLIENT).unwrap();
        let sent: serde_json::Value = serde_json::from_str(&wire::body(&exchange)).unwrap();
        assert_eq!(sent, said);
    }

    #[test]
    fn a_client_is_created_without_the_optional_fields_too() {
        let small = NewClient {
            description: None,
            website: None,
            phone: None,
            position: None,
            ..documented_client()
        };
        assert_eq!(
            wire::body(&small.exchange(&Profile::octotable()).unwrap()),
            r#"{"redirect_uri":"http://localhost:8183/main-page","sandbox_property":{"name":"Your Company SPA","username":"yourcompany100@demo.com","password":"yourCompany123!","email":"yourcompany1@demo.com"}}"#
        );
    }

    #[test]
    fn a_profile_can_ask_for_the_array_that_a_live_integration_sends() {
        let profile = Profile::octotable()
            .edit(|document| {
                if let Some(call) = &mut document.calls.create_client {
                    call.encoding = octo_auth_core::profile::Encoding::JsonArray;
                }
            })
            .unwrap();
        let body = CREATE_CLIENT.replace("9.9900", "9.99");
        assert_eq!(wire::body(&documented_client().exchange(&profile).unwrap()), format!("[{body}]"));
    }

    #[test]
    fn quotes_and_line_breaks_in_a_field_are_escaped() {
        let odd = NewClient { description: Some("a \"b\"\n\u{e9}\\".to_owned()), ..documented_client() };
        let body = wire::body(&odd.exchange(&Profile::octotable()).unwrap());
        let sent: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(sent["sandbox_property"]["description"], "a \"b\"\n\u{e9}\\");
        assert_eq!(sent["sandbox_property"]["position"]["zip"], "20154");
    }

    #[test]
    fn an_impossible_geographic_position_is_refused() {
        for (latitude, longitude) in [(90.1, 0.0), (0.0, -180.1), (f64::NAN, 0.0), (0.0, f64::INFINITY)] {
            let mut client = documented_client();
            if let Some(position) = &mut client.position {
                (position.latitude, position.longitude) = (latitude, longitude);
            }
            let refused = client.exchange(&Profile::octotable()).map(drop).unwrap_err();
            assert_eq!(refused.code(), "value_malformed", "{latitude} {longitude}");
        }
    }

    #[test]
    fn an_api_call_contains_token_and_property() {
        let client = Client::new(Profile::octotable(), "your_client", "***").unwrap();
        let url = "https://api.octotable.com/octotable-pms/api/v2/reservation";
        let request =
            http::Request::get(url).header("Property", "999641").body(octo_auth_core::Body::empty()).unwrap();
        let exchange =
            client.api_call(&property_token(client.profile(), "YOUR_ACCESS_TOKEN"), request).unwrap();
        assert_eq!(
            wire::sent(&exchange),
            format!("GET {url}\nauthorization: Bearer YOUR_ACCESS_TOKEN (sensitive)\nproperty: 999641\n\n\n")
        );
    }
}

mod at_octorate {
    use super::*;

    fn client() -> Client {
        Client::new(Profile::octorate(), "clientid", "yoursecret").unwrap()
    }

    /// Returns the authorization URL and the body of the code exchange for one redirect URI.
    fn both_steps(redirect_uri: &str) -> (String, String) {
        let (page, pending) =
            client().authorize(redirect_uri, &Scopes::none(), entropy(), moment::start()).unwrap();
        let code = pending.receive(&format!("?code=c0de&state={STATE}"), moment::start()).unwrap();
        let exchange = code.exchange(&client(), moment::start()).unwrap();
        (page, wire::sent(&exchange))
    }

    #[test]
    fn users_are_sent_to_the_identity_page_with_exactly_three_parameters() {
        let (page, _) = both_steps("https://localhost");
        assert_eq!(
            page,
            format!(
                "https://admin.octorate.com/octobook/identity/oauth.xhtml\
                 ?client_id=clientid&redirect_uri=https%3A%2F%2Flocalhost&state={STATE}"
            )
        );
    }

    #[test]
    fn a_code_is_exchanged_as_the_curl_of_step_2_does() {
        let (_, exchange) = both_steps("https://localhost");
        assert_eq!(
            exchange,
            form(
                "https://api.octorate.com/connect/rest/v1/identity/token",
                "client_secret=yoursecret&client_id=clientid&redirect_uri=https%3A%2F%2Flocalhost\
                 &grant_type=code&code=c0de"
            )
        );
    }

    #[test]
    fn a_redirect_uri_is_sent_byte_for_byte_in_both_steps() {
        for (redirect_uri, encoded) in [
            ("https://localhost", "https%3A%2F%2Flocalhost"),
            ("https://localhost/", "https%3A%2F%2Flocalhost%2F"),
            (
                "https://App.Example.com:443/a/../b?x=%7e",
                "https%3A%2F%2FApp.Example.com%3A443%2Fa%2F..%2Fb%3Fx%3D%257e",
            ),
        ] {
            let (page, exchange) = both_steps(redirect_uri);
            assert!(page.contains(&format!("&redirect_uri={encoded}&state=")), "{page}");
            assert!(exchange.contains(&format!("&redirect_uri={encoded}&grant_type=")), "{exchange}");
        }
    }

    #[test]
    fn a_refresh_goes_to_its_own_path_with_three_fields() {
        let exchange = client().refresh(&Secret::from("ffd74562fd6d401485d156db0e0810e6ML")).unwrap();
        assert_eq!(
            wire::sent(&exchange),
            form(
                "https://api.octorate.com/connect/rest/v1/identity/refresh",
                "client_id=clientid&client_secret=yoursecret&refresh_token=ffd74562fd6d401485d156db0e0810e6ML"
            )
        );
    }

    #[test]
    fn api_login_sends_client_id_and_secret_as_the_curl_of_flow_2_does() {
        assert_eq!(
            wire::sent(&client().api_login().unwrap()),
            form(
                "https://api.octorate.com/connect/rest/v1/identity/apilogin",
                "client_id=clientid&client_secret=yoursecret"
            )
        );
    }

    #[test]
    fn migration_sends_the_old_key_as_a_header_and_the_accommodation_as_a_field() {
        let exchange = client().migrate(&Secret::from("0ld-key"), "219642").unwrap();
        let headers = format!("{FORM}key: 0ld-key (sensitive)\n");
        assert_eq!(
            wire::sent(&exchange),
            format!(
                "POST https://api.octorate.com/connect/rest/v1/identity/migrate\n{headers}\naccommodation=219642\n"
            )
        );
    }

    const AS_ADMIN: &str =
        "accept: application/json\naccept-encoding: identity\nauthorization: Bearer admin (sensitive)\n";

    #[test]
    fn the_api_configuration_is_read_with_the_token_of_api_login() {
        assert_eq!(
            wire::sent(&client().api_configuration(&admin_token(client().profile(), "admin")).unwrap()),
            format!("GET https://api.octorate.com/connect/rest/v1/api/configuration\n{AS_ADMIN}\n\n")
        );
    }

    #[test]
    fn redirect_uris_are_replaced_as_a_whole_or_removed_by_null() {
        let admin = admin_token(octorate().profile(), "admin");
        for (uris, body) in [
            (
                Some(&["https://localhost", "https://localhost/"][..]),
                r#"{"redirectUri":["https://localhost","https://localhost/"]}"#,
            ),
            (Some(&[][..]), r#"{"redirectUri":[]}"#),
            (None, r#"{"redirectUri":null}"#),
        ] {
            assert_eq!(
                wire::sent(&client().replace_redirect_uris(&admin, uris).unwrap()),
                format!(
                    "PATCH https://api.octorate.com/connect/rest/v1/api/configuration\n\
                     {AS_ADMIN}content-type: application/json\n\n{body}\n"
                )
            );
        }
        let refused = client().replace_redirect_uris(&admin, Some(&["http://localhost"])).map(drop);
        assert_eq!(refused.unwrap_err().code(), "redirect_uri");
    }

    #[test]
    fn a_property_is_created_under_version_2_with_the_callers_json_unchanged() {
        let json = " {\"name\" : \"H\u{f4}tel\", \"networkName\": null}";
        assert_eq!(
            wire::sent(&client().create_property(&admin_token(client().profile(), "admin"), json).unwrap()),
            format!(
                "POST https://api.octorate.com/connect/rest/v2/accommodation\n\
                 {AS_ADMIN}content-type: application/json\n\n{json}\n"
            )
        );
        for wrong in ["", "[]", "{", "\"a\"", "{}{}", "null"] {
            let refused =
                client().create_property(&admin_token(client().profile(), "admin"), wrong).map(drop);
            assert_eq!(refused.unwrap_err().code(), "value_malformed", "{wrong}");
        }
    }
}

mod at_officernd {
    use super::*;

    fn client() -> Client {
        Client::new(Profile::officernd(), "{client_id}", "{client_secret}").unwrap()
    }

    #[test]
    fn a_token_request_has_the_four_fields_of_generating_a_token() {
        let exchange = client().client_credentials(&Scopes::parse(" officernd.api.write").unwrap()).unwrap();
        assert_eq!(
            wire::sent(&exchange),
            form(
                "https://identity.officernd.com/oauth/token",
                "client_id=%7Bclient_id%7D&client_secret=%7Bclient_secret%7D&grant_type=client_credentials\
                 &scope=officernd.api.write"
            )
        );
    }

    #[test]
    fn scopes_are_trimmed_split_at_white_space_and_joined_by_one_space() {
        let scopes =
            Scopes::from_list(["  officernd.api.read\t", "officernd.api.write\n officernd.api.read"]);
        let exchange = client().client_credentials(&scopes.unwrap()).unwrap();
        assert!(wire::body(&exchange).ends_with("&scope=officernd.api.read+officernd.api.write"));
    }

    #[test]
    fn a_user_signs_in_as_in_the_vendors_samples() {
        let client = officernd();
        let scopes = Scopes::parse("flex.community.members.read").unwrap();
        let (page, pending) =
            client.authorize("http://localhost:3000/cb", &scopes, entropy(), moment::start()).unwrap();
        assert_eq!(
            page,
            format!(
                "https://identity.officernd.com/oauth/authorize?response_type=code&client_id=client-1\
                 &redirect_uri=http%3A%2F%2Flocalhost%3A3000%2Fcb&scope=flex.community.members.read&state={STATE}"
            )
        );
        let code = pending.receive(&format!("?code=c0de&state={STATE}"), moment::start()).unwrap();
        assert_eq!(
            wire::sent(&code.exchange(&client, moment::start()).unwrap()),
            form(
                "https://identity.officernd.com/oauth/token",
                "client_id=client-1&client_secret=client-secret-1&grant_type=authorization_code&code=c0de\
                 &redirect_uri=http%3A%2F%2Flocalhost%3A3000%2Fcb"
            )
        );
    }

    #[test]
    fn a_refresh_carries_the_four_fields_of_the_vendors_older_sample() {
        assert_eq!(
            wire::sent(&officernd().refresh(&Secret::from("r3fresh")).unwrap()),
            form(
                "https://identity.officernd.com/oauth/token",
                "client_id=client-1&client_secret=client-secret-1&grant_type=refresh_token&refresh_token=r3fresh"
            )
        );
    }
}

#[test]
fn calls_a_provider_does_not_offer_are_refused_before_there_is_a_request() {
    let admin = admin_token(octorate().profile(), "admin");
    let token = Secret::from("token");
    let octotable = octo_auth_testkit::registration::octotable();
    let refusals = [
        octorate().client_credentials(&Scopes::none()).map(drop),
        octotable.refresh(&token).map(drop),
        octotable.api_login().map(drop),
        octotable.authorize("https://localhost", &Scopes::none(), entropy(), moment::start()).map(drop),
        octotable.revoke(&token, TokenTypeHint::AccessToken).map(drop),
        officernd().migrate(&token, "1").map(drop),
        officernd().introspect(&token).map(drop),
        officernd().create_property(&admin, "{}").map(drop),
        officernd().api_configuration(&admin).map(drop),
        officernd().replace_redirect_uris(&admin, None).map(drop),
    ];
    for refusal in refusals {
        assert_eq!(refusal.unwrap_err().code(), "not_offered");
    }
}

#[test]
fn invalid_values_are_refused_before_there_is_a_request() {
    let empty = Secret::from("");
    let broken = Secret::from("secret\n");
    let scoped = Scopes::parse("any").unwrap();
    let octotable = octo_auth_testkit::registration::octotable();
    let refusals = [
        (Client::new(Profile::octorate(), "id", "secret\n").map(drop), "secret_malformed"),
        (Client::new(Profile::octorate(), "id", "").map(drop), "secret_malformed"),
        (Client::new(Profile::octorate(), "", "secret").map(drop), "client_id"),
        (octorate().refresh(&empty).map(drop), "secret_malformed"),
        (octorate().migrate(&broken, "1").map(drop), "secret_malformed"),
        (octorate().migrate(&Secret::from("key"), "").map(drop), "value_malformed"),
        (octotable.client_credentials(&scoped).map(drop), "scope_unknown"),
        (officernd().client_credentials(&Scopes::none()).map(drop), "scope_missing"),
        (Scopes::parse("a \"b\"").map(drop), "scope_malformed"),
        (
            octorate().authorize("https://localhost", &scoped, entropy(), moment::start()).map(drop),
            "scope_unknown",
        ),
        (
            octorate()
                .authorize("https://localhost#a", &Scopes::none(), entropy(), moment::start())
                .map(drop),
            "redirect_uri",
        ),
        (
            octorate().authorize("localhost", &Scopes::none(), entropy(), moment::start()).map(drop),
            "redirect_uri",
        ),
    ];
    for (index, (refusal, code)) in refusals.into_iter().enumerate() {
        assert_eq!(refusal.unwrap_err().code(), code, "refusal {index}");
    }
}
