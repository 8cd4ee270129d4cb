//! The emulator itself: start and stop, clock, log, pages.

use std::io::Read;
use std::net::TcpStream;
use std::time::Duration;

use octo_auth_emulator::{
    Browser, Emulator, RegisteredApp, StartError, generic, octorate, octotable, officernd,
};
use serde_json::json;
use ureq::http::Method;

use crate::wire::{
    START, bearer, frozen, get, parameter, post_form, post_form_with, send, send_json, with_query,
};

#[test]
fn a_port_in_use_is_named_with_what_to_do() {
    let first = frozen();
    let port = first.address().port();
    let error = Emulator::builder().port(port).start().expect_err("the port is taken");
    assert!(matches!(error, StartError::PortInUse { port: taken } if taken == port));
    let text = error.to_string();
    assert!(text.contains(&port.to_string()) && text.contains("choose another port"), "{text}");
}

#[test]
fn dropping_an_emulator_closes_the_connections_that_are_open() {
    let emulator = frozen();
    let mut open = TcpStream::connect(emulator.address()).expect("a connection");
    drop(emulator);
    assert!(matches!(open.read(&mut [0]), Ok(0) | Err(_)));
}

#[test]
fn it_answers_from_inside_another_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let emulator = Emulator::start().expect("a free port");
        assert_eq!(get(&emulator.url(), &[]).status, 200);
    });
}

#[test]
fn the_date_header_follows_the_clock() {
    let emulator = frozen();
    assert_eq!(emulator.now_unix_millis(), START);
    assert_eq!(get(&emulator.url(), &[]).header("date"), "Tue, 14 Nov 2023 22:13:20 GMT");
    emulator.advance(Duration::from_secs(86_400));
    assert_eq!(get(&emulator.url(), &[]).header("date"), "Wed, 15 Nov 2023 22:13:20 GMT");
}

#[test]
fn an_unknown_host_and_a_body_over_the_limit_are_refused() {
    let emulator = frozen();
    assert_eq!(get(&emulator.base("api.octocrate.com"), &[]).status, 404);
    let url = format!("{}/token", emulator.base("auth.example"));
    let form = ("content-type", "application/x-www-form-urlencoded");
    assert_eq!(send(&Method::POST, &url, &[form], &"a".repeat(64 * 1024 + 1)).status, 413);
    assert_eq!(emulator.log().last().map(|entry| entry.status), Some(413));
}

#[test]
fn the_log_tells_what_was_asked_in_order_and_can_be_cleared() {
    let emulator = frozen();
    let url = format!("{}/oauth/token", emulator.base("identity.officernd.com"));
    let form = [("grant_type", "client_credentials"), ("client_id", "c"), ("client_secret", "s")];
    post_form_with(&url, &form, &[("accept", "application/json")]);
    get(&format!("{}/api/v2/x", emulator.base("app.officernd.com")), &[]);
    let log = emulator.log();
    let line = "POST identity.officernd.com/oauth/token grant_type=client_credentials&client_id=c&client_secret=*** \
                -> 401";
    assert_eq!(log[0].to_string(), line);
    assert_eq!(log[0].header("accept"), Some("application/json"));
    assert_eq!(log[0].header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!((log[0].at_unix_millis, log[0].form_value("client_id")), (START, Some("c")));
    assert_eq!((log[1].method.as_str(), log[1].path.as_str(), log[1].status), ("GET", "/api/v2/x", 404));
    emulator.clear_log();
    assert!(emulator.log().is_empty());
}

#[test]
fn the_log_holds_no_secret_that_was_sent() {
    let emulator = frozen();
    let secret = "S3CRET";
    let names = [
        "client_secret",
        "code",
        "refresh_token",
        "access_token",
        "token",
        "password",
        "code_verifier",
        "assertion",
    ];
    let fields = names.map(|name| (name, secret));
    let headers = [("authorization", "Bearer S3CRET"), ("key", secret), ("property", "7")];
    let url = with_query(&format!("{}/token", emulator.base("auth.example")), &fields);
    post_form_with(&url, &fields, &headers);
    let body = json!([{ "sandbox_property": { "password": secret, "name": "n" }, "client_secret": { "x": secret } }]);
    send_json(&Method::POST, &emulator.base("api.octotable.com"), &body, &[("authorization", secret)]);
    let as_form = ("content-type", "application/x-www-form-urlencoded");
    send(&Method::POST, &url, &[as_form, ("authorization", "S3CRET twice")], &body.to_string());
    let log = emulator.log();
    for entry in &log {
        assert!(!format!("{entry} {entry:?}").contains(secret), "{entry:?}");
    }
    assert_eq!(log[0].header("authorization"), Some("Bearer ***"));
    assert_eq!((log[0].header("key"), log[0].header("property")), (Some("***"), Some("7")));
    assert_eq!(log[0].query_value("code"), Some("***"));
    assert_eq!(log[1].json.as_deref().map(|json| json.contains(r#""name":"n""#)), Some(true));
    assert_eq!(log[2].form, [("***".to_owned(), "***".to_owned())]);
}

#[test]
fn a_registration_hides_its_secret_in_debug() {
    let registration = RegisteredApp { client_id: "id".to_owned(), client_secret: "S3CRET".to_owned() };
    assert!(!format!("{registration:?}").contains("S3CRET"));
}

#[test]
fn a_consent_page_escapes_markup_and_its_form_survives_it() {
    let emulator = frozen();
    let evil = "\"><script>alert('1')</script>&amp;";
    let client = emulator.generic().register(evil);
    let redirect = "https://client.example/?a=\"><b>";
    emulator.generic().set_redirect_uris(&client.client_id, &[redirect]);
    let query = [
        ("response_type", "code"),
        ("client_id", client.client_id.as_str()),
        ("redirect_uri", redirect),
        ("state", evil),
    ];
    let url = with_query(&format!("{}/authorize", emulator.base("auth.example")), &query);
    let page = Browser::new().open(&url).expect("a page");
    assert!(!page.html.contains("<script") && !page.html.contains("<b>"), "{}", page.html);
    assert!(page.html.contains("&lt;script&gt;"));
    assert_eq!(parameter(&page.grant().expect("a redirect"), "state").as_deref(), Some(evil));
}

#[test]
fn a_button_of_an_error_page_cannot_be_pressed() {
    let emulator = frozen();
    let url = format!("{}/octobook/identity/oauth.xhtml", emulator.base("admin.octorate.com"));
    let page = Browser::new().open(&url).expect("a page");
    let error = page.grant().expect_err("no form").to_string();
    assert!(error.contains("status 400") && error.contains("client_id is missing"), "{error}");
    assert_eq!(post_form(&with_query(&url, &[("client_id", "x")]), &[("decision", "grant")]).status, 400);
}

#[test]
fn the_demo_registrations_work_at_their_token_endpoints() {
    let emulator = Emulator::start().expect("a free port");
    let form = |id, secret| {
        [
            ("grant_type", "client_credentials"),
            ("client_id", id),
            ("client_secret", secret),
            ("scope", "read"),
        ]
    };
    let octotable = format!("{}/octotable-auth/api/v2/oauth2/token", emulator.base("api.octotable.com"));
    let fields = form(octotable::DEMO_CLIENT_ID, octotable::DEMO_CLIENT_SECRET);
    assert_eq!(post_form(&octotable, &fields).status, 200);
    let generic = format!("{}/token", emulator.base("auth.example"));
    let fields = form(generic::DEMO_CLIENT_ID, generic::DEMO_CLIENT_SECRET);
    assert_eq!(post_form(&generic, &fields).status, 200);
    let octorate = format!("{}/connect/rest/v1/identity/apilogin", emulator.base("api.octorate.com"));
    let fields = form(octorate::DEMO_CLIENT_ID, octorate::DEMO_CLIENT_SECRET);
    let token = bearer(&post_form(&octorate, &fields).text("access_token"));
    let list = format!("{}/connect/rest/v1/accommodation", emulator.base("api.octorate.com"));
    assert_eq!(get(&list, &[("authorization", &token)]).status, 200);
    let mut fields = form(officernd::DEMO_CLIENT_ID, officernd::DEMO_CLIENT_SECRET);
    fields[3].1 = officernd::DEMO_PERMISSIONS[0];
    let officernd = format!("{}/oauth/token", emulator.base("identity.officernd.com"));
    assert_eq!(post_form(&officernd, &fields).status, 200);
}
