//! `octo-auth token` when something is wrong: one clear message, an exit code that says who must act, no secret.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpListener;
use std::thread;

use octo_auth_emulator::{Emulator, octorate, octotable, officernd};

#[cfg(unix)]
use crate::program::set_mode;
use crate::program::{CANARY, Ran, file, program, run, run_as, run_with_input};

/// Sends a token request to a standard server at this address.
fn ask(url: &str) -> Ran {
    let token_url = format!("{url}/token");
    run_as("me", CANARY, &["token", "--provider", "rfc6749", "--token-url", &token_url, "--deadline", "20"])
}

/// Returns a listener on loopback and its URL.
fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    (listener, url)
}

/// Starts a server that answers its first request with these bytes.
fn answering(response: String) -> String {
    let (listener, url) = listener();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let (mut request, mut part) = (Vec::new(), [0; 4096]);
        while !is_whole(&request) {
            let count = stream.read(&mut part).expect("a request");
            request.extend_from_slice(&part[..count]);
        }
        stream.write_all(response.as_bytes()).expect("a listener");
    });
    url
}

/// Whether a complete request has arrived. The secret is the last part of its body.
fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().expect("a length"))
    });
    body.len() >= length.unwrap_or(0)
}

fn response(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}")
}

#[test]
fn a_wrong_secret_is_a_matter_of_configuration() {
    let emulator = Emulator::start().expect("an emulator");
    let url = emulator.url();
    let ran =
        run_as(octotable::DEMO_CLIENT_ID, CANARY, &["token", "--provider", "octotable", "--base-url", &url]);
    ran.failed(
        3,
        &[
            "OctoTable",
            "client credentials",
            "UNAUTHORIZED",
            "what to do: correct the configuration",
            "hint: check client id and client secret (from the environment variable OCTO_AUTH_CLIENT_SECRET); quotes and spaces count",
        ],
    );
    assert_eq!(emulator.log().len(), 1);
    let text = format!("client_id={}\nclient_secret={CANARY}", octorate::DEMO_CLIENT_ID);
    let arguments = ["token", "--provider", "octorate", "--base-url", &url, "--credentials"];
    let with = |source: &str| run_with_input(&text, &[&arguments[..], &[source]].concat());
    with("-").failed(3, &["hint: check client id and client secret (from standard input, line 2)"]);
    with(&file("wrong.env", &text)).failed(3, &["hint: ", "wrong.env, line 2)"]);
}

#[test]
fn throttling_is_a_matter_of_time() {
    let emulator = Emulator::start().expect("an emulator");
    emulator.officernd().set_requests_per_minute(0);
    let arguments =
        ["token", "--provider", "officernd", "--scope", "officernd.api.read", "--base-url", &emulator.url()];
    let ran = run_as(officernd::DEMO_CLIENT_ID, CANARY, &arguments);
    ran.failed(5, &["429", "what to do: try again in"]);
    assert!(!ran.err.contains("hint: "), "{ran:?}");
}

#[test]
fn a_server_that_wants_a_person_asks_for_a_sign_in() {
    let body = r#"{"error":"interaction_required"}"#;
    let url = answering(response("400 Bad Request", "content-type: application/json\r\n", body));
    ask(&url).failed(4, &["interaction_required", "what to do: the user has to sign in again"]);
}

#[test]
fn a_client_without_a_grant_and_without_a_sign_in_is_a_configuration_error() {
    let body = r#"{"error":"invalid_grant"}"#;
    let url = answering(response("400 Bad Request", "content-type: application/json\r\n", body));
    ask(&url).failed(3, &["invalid_grant", "what to do: correct the configuration"]);
}

#[test]
fn an_unreachable_server_is_a_matter_of_time() {
    let (listener, url) = listener();
    drop(listener);
    ask(&url).failed(5, &["could not be sent: connection refused", "what to do: try again"]);
}

#[test]
fn a_server_that_hangs_is_given_up_at_the_deadline() {
    // The operating system completes the connection; the test never accepts it.
    let (_listener, url) = listener();
    let token_url = format!("{url}/token");
    let arguments = ["token", "--provider", "rfc6749", "--token-url", &token_url, "--deadline", "1"];
    run_as("me", CANARY, &arguments).failed(5, &["no answer within", "what to do: try again"]);
}

#[test]
fn an_answer_in_html_means_that_the_address_is_wrong() {
    let url = answering(response("200 OK", "content-type: text/html\r\n", "<html>Welcome</html>"));
    ask(&url).failed(3, &["not answered with JSON", "check the URL", "text/html"]);
}

#[test]
fn an_answer_without_a_token_is_a_matter_for_the_provider() {
    let body = r#"{"token_type":"bearer"}"#;
    let url = answering(response("200 OK", "content-type: application/json\r\n", body));
    ask(&url).failed(6, &["without an access token", "what to do: ask the provider"]);
}

#[test]
fn a_redirect_is_not_followed() {
    let (elsewhere, target) = listener();
    elsewhere.set_nonblocking(true).expect("a listener that does not wait");
    let location = format!("location: {target}/token?code=1\r\n");
    let url = answering(response("307 Temporary Redirect", &location, ""));
    ask(&url).failed(3, &["redirect, which is never followed", "correct the base URL"]);
    let second = elsewhere.accept().map(|_| ()).map_err(|error| error.kind());
    assert_eq!(second, Err(ErrorKind::WouldBlock));
}

#[test]
fn an_answer_that_shows_the_secret_again_is_masked() {
    let body = format!(r#"{{"error":"invalid_client","error_description":"unknown secret {CANARY}"}}"#);
    let url = answering(response("401 Unauthorized", "content-type: application/json\r\n", &body));
    ask(&url).failed(3, &["invalid_client", "unknown secret ***"]);
}

#[test]
fn plain_http_goes_to_this_machine_only() {
    for (name, value) in [
        ("--base-url", "http://gateway.example"),
        ("--base-url", "api=http://api.example"),
        ("--base-url", "http://192.0.2.1:8080"),
    ] {
        let ran = run_as("me", CANARY, &["token", "--provider", "octotable", name, value]);
        ran.failed(3, &[name, "unencrypted http", "use https"]);
    }
    let arguments = ["token", "--provider", "rfc6749", "--token-url", "http://login.example/token"];
    run_as("me", CANARY, &arguments).failed(3, &["--token-url", "unencrypted http"]);
}

#[test]
fn a_bad_url_is_named_with_what_is_wrong_about_it() {
    for (value, says) in [
        ("nonsense", "not an absolute URL"),
        ("ftp://api.example", "use https"),
        ("https://api.example/?x=1", "query"),
        ("https://api.example:99999", "port"),
        ("api=", "not an absolute URL"),
        (&format!("https://me:{CANARY}@api.example"), "user name or password"),
    ] {
        let ran = run_as("me", CANARY, &["token", "--provider", "octotable", "--base-url", value]);
        ran.failed(3, &["--base-url", says]);
        assert!(!ran.err.contains("profile") && !ran.err.contains("field"), "{ran:?}");
    }
    let ran =
        run_as("me", CANARY, &["token", "--provider", "octorate", "--base-url", "apu=https://x.example"]);
    ran.failed(3, &["--base-url", "api, admin"]);
}

#[test]
fn a_gateway_stands_alone_and_single_hosts_are_moved_one_by_one() {
    let gateway = "https://gateway.example";
    for beside in ["identity=https://identity.example", gateway] {
        for pair in [[gateway, beside], [beside, gateway]] {
            let arguments =
                ["token", "--provider", "officernd", "--base-url", pair[0], "--base-url", pair[1]];
            run_as("me", CANARY, &arguments)
                .failed(3, &["--base-url", "a gateway for all hosts", "give one gateway alone"]);
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_standard_output_that_is_full_is_told_with_what_to_do() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("a device that is full");
    let output = program(&["demo", "--json"]).stdout(full).output().expect("the program starts");
    let ran = Ran::from(output);
    ran.failed(3, &["standard output cannot be written to", "what to do: look where standard output goes"]);
}

#[test]
fn a_bad_profile_is_named_with_line_and_field() {
    let path = file("misspelt.toml", "name = \"acme\"\ntitel = \"Acme\"\n");
    let ran = run_as("me", CANARY, &["token", "--profile", &path]);
    ran.failed(3, &["misspelt.toml", "line 2", "`titel`", "what to do"]);
    let path = file("broken.toml", "name = \"acme\"\n[calls.client_credentials\nmethod = 1\n");
    run_as("me", CANARY, &["token", "--profile", &path]).failed(3, &["broken.toml", "line 2"]);
    run_as("me", CANARY, &["token", "--profile", "/nonexistent.toml"])
        .failed(3, &["cannot be read", "because"]);
}

#[test]
fn missing_credentials_are_named_by_where_they_should_be() {
    let token = ["token", "--provider", "octotable"];
    run(&token).failed(3, &["`client_id` is not set", "OCTO_AUTH_CLIENT_ID", "--credentials"]);
    run_as("me", "", &token).failed(3, &["`OCTO_AUTH_CLIENT_SECRET` is empty"]);
    run_as("me", &format!("{CANARY}\n"), &token).failed(
        3,
        &["`OCTO_AUTH_CLIENT_SECRET` holds a control character", "perhaps a line break at its end"],
    );
    let with = |source: &str| run_with_input("", &[&token[..], &["--credentials", source]].concat());
    with("-").failed(3, &["standard input has no client_id"]);
    with("/nonexistent").failed(3, &["/nonexistent cannot be read", "because"]);
    with(&file("half.env", &format!("client_secret={CANARY}"))).failed(3, &["half.env has no client_id"]);
    with(&file("odd.env", &format!("client_id=me\n{CANARY}"))).failed(3, &["odd.env, line 2"]);
    with(&file("quoted.env", &format!("client_id=me\nclient_secret='{CANARY}'")))
        .failed(3, &["quoted.env, line 2", "in quotes"]);
    with(&file("names.env", &format!("client_id=me\nsecret={CANARY}"))).failed(3, &["names.env, line 2"]);
}

#[test]
fn a_proxy_that_cannot_be_used_or_refuses_the_credentials_is_a_matter_of_configuration() {
    let asking = |proxy: String| {
        let token_url = "https://auth.invalid/token";
        let mut command = program(&["token", "--provider", "rfc6749", "--token-url", token_url]);
        command.env("OCTO_AUTH_CLIENT_ID", "me").env("OCTO_AUTH_CLIENT_SECRET", CANARY);
        Ran::from(command.env("HTTPS_PROXY", proxy).output().expect("the program starts"))
    };
    let encoded = CANARY.replace('%', "%25");
    asking(format!("ftp://me:{encoded}@proxy.invalid")).failed(3, &["HTTPS_PROXY", "the scheme is none of"]);
    let refusing = answering(response("407 Proxy Authentication Required", "", ""));
    let proxy = refusing.replace("http://", &format!("http://me:{encoded}@"));
    asking(proxy).failed(3, &["the proxy asks for other credentials", "correct the configuration"]);
}

#[test]
fn scopes_are_checked_before_anything_is_sent() {
    let emulator = Emulator::start().expect("an emulator");
    let url = emulator.url();
    let token = |provider: &str, scope: &[&str]| {
        let arguments = [&["token", "--provider", provider, "--base-url", &url][..], scope].concat();
        run_as("me", CANARY, &arguments)
    };
    token("officernd", &[]).failed(3, &["without a scope"]);
    token("officernd", &["--scope", "a\"b"]).failed(3, &["scope at position 1"]);
    token("octotable", &["--scope", "read"]).failed(3, &["knows no scopes"]);
    token("octorate", &["--scope", "read"]).failed(3, &["knows no scopes"]);
    assert!(emulator.log().is_empty());
}

#[test]
fn a_certificate_file_that_cannot_be_used_is_named() {
    let empty = file("no-certificate.pem", "nothing\n");
    let ask = |more: &[&str]| {
        let url = "https://login.example.com/token";
        let arguments = [&["token", "--provider", "rfc6749", "--token-url", url], more].concat();
        run_as("id", CANARY, &arguments)
    };
    ask(&["--root-certificates", &empty]).failed(3, &["no-certificate.pem", "holds no certificate"]);
    ask(&["--client-certificate", &empty]).failed(3, &["no-certificate.pem", "holds no certificate"]);
    ask(&["--root-certificates", "no-such.pem"]).failed(3, &["no-such.pem cannot be read", "because"]);
}

#[cfg(unix)]
#[test]
fn a_client_certificate_that_others_can_read_is_refused() {
    let path = file("shared-certificate.pem", "nothing\n");
    set_mode(&path, 0o644);
    let url = "https://login.example.com/token";
    let arguments = ["token", "--provider", "rfc6749", "--token-url", url, "--client-certificate", &path];
    let says = ["shared-certificate.pem can be read or changed by other users", "chmod 600"];
    run_as("id", CANARY, &arguments).failed(3, &says);
}

#[test]
fn what_a_user_has_named_is_shown_escaped() {
    const HOSTILE: &str = "no\nfi\u{1b}[2Jle";
    let profile = file("hostile_member.toml", "\"no\\nfi\\u001b[2Jle\" = 1\n");
    let token = |option: &'static str, value: &str| {
        ["token", "--provider", "octotable", option, value].map(str::to_owned).to_vec()
    };
    let profile_of = |path: &str| ["profile", "check", path].map(str::to_owned).to_vec();
    let list = ["ip", "check", "--rules", HOSTILE, "192.0.2.7"].map(str::to_owned).to_vec();
    for arguments in [token("--credentials", HOSTILE), profile_of(HOSTILE), profile_of(&profile), list] {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let mut command = program(&arguments);
        command.env("OCTO_AUTH_CLIENT_ID", "me").env("OCTO_AUTH_CLIENT_SECRET", CANARY);
        // Otherwise escape sequences are omitted for an output that is not a terminal.
        command.env("CLICOLOR_FORCE", "1");
        let ran = Ran::from(command.output().expect("the program starts"));
        assert!(ran.err.contains("no\\nfi\\u{1b}[2Jle"), "{arguments:?}: {ran:?}");
        assert!(!ran.err.contains("\u{1b}[2J"), "{arguments:?}: {ran:?}");
    }
}

#[test]
#[cfg(unix)]
fn an_input_without_end_is_refused() {
    let profile = file("bounded.toml", include_str!("../../../octo-auth-core/profiles/octotable.toml"));
    for arguments in [
        &["profile", "check", "/dev/zero"][..],
        &["profile", "try", &profile, "--answer", "/dev/zero"],
        &["ip", "check", "--rules", "/dev/zero", "192.0.2.7"],
        &["token", "--provider", "octotable", "--root-certificates", "/dev/zero"],
        &["token", "--provider", "octotable", "--credentials", "/dev/zero"],
    ] {
        let ran = run_as("me", CANARY, arguments);
        assert_eq!(ran.code, Some(3), "{arguments:?}: {ran:?}");
        assert!(ran.err.contains("longer than 64"), "{arguments:?}: {ran:?}");
    }
}
