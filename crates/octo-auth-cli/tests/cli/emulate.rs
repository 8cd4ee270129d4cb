//! `octo-auth emulate`: what it says at the start, what it shows of requests, and a port that is in use.

use std::io::{BufRead, BufReader, Lines};
use std::net::TcpListener;
use std::process::{Child, ChildStdout};

use octo_auth_emulator::{Browser, HOSTS, generic, octorate, octotable, officernd};

use crate::program::{program, run, run_as};

/// A running emulator; it is stopped when it is dropped.
struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    welcome: Vec<String>,
}

impl Running {
    fn start() -> Self {
        let mut child = program(&["emulate", "--port", "0"]).spawn().expect("the program starts");
        let stdout = child.stdout.take().expect("standard output is piped");
        let mut lines = BufReader::new(stdout).lines();
        let mut welcome: Vec<String> = Vec::new();
        while welcome.last().is_none_or(|line| line != "What it is asked:") {
            welcome.push(lines.next().expect("more lines").expect("UTF-8"));
        }
        Self { child, lines, welcome }
    }

    fn url(&self) -> &str {
        let line = self.welcome[0].strip_prefix("The emulator listens at ").expect("the address first");
        line.split(". ").next().expect("a sentence")
    }

    fn next_line(&mut self) -> String {
        self.lines.next().expect("more lines").expect("UTF-8")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().expect("the program runs");
        self.child.wait().expect("the program ends");
    }
}

#[test]
fn it_tells_addresses_credentials_and_requests_that_work() {
    let running = Running::start();
    let welcome = running.welcome.join("\n");
    for part in [
        &format!("{}/admin.octorate.com", running.url()) as &str,
        &format!("curl -s {}/api.octorate.com/connect/rest/v1/identity/apilogin", running.url()),
        &format!("curl -s {}/api.octotable.com/octotable-auth/api/v2/oauth2/token", running.url()),
        &format!("curl -s {}/identity.officernd.com/oauth/token", running.url()),
        &format!("curl -s {}/auth.example/token", running.url()),
        octorate::DEMO_CLIENT_SECRET,
        octotable::DEMO_CLIENT_SECRET,
        officernd::DEMO_CLIENT_SECRET,
        generic::DEMO_CLIENT_SECRET,
    ] {
        assert!(welcome.contains(part), "{part} is missing in\n{welcome}");
    }
    for host in HOSTS {
        assert!(welcome.contains(&format!("https://{host} ")), "{host}");
    }
}

#[test]
fn a_person_signs_in_at_every_page_it_names() {
    let running = Running::start();
    let pages: Vec<&String> = running.welcome.iter().filter(|line| line.contains("redirect_uri=")).collect();
    let callback = format!("{}/callback?code=", running.url());
    let addresses = ["https://localhost?code=", &callback, &callback];
    assert_eq!(pages.len(), addresses.len());
    for (page, address) in pages.iter().zip(addresses) {
        let page = Browser::new().open(page.trim()).expect("a page");
        let back = page.grant().expect("a redirect");
        assert!(back.starts_with(address) && back.contains("state=demo-state"), "{back}");
    }
}

#[test]
fn it_shows_each_request_as_it_comes_with_secrets_masked() {
    let mut running = Running::start();
    let url = running.url().to_owned();
    for secret in [octotable::DEMO_CLIENT_SECRET, "wrong"] {
        let arguments = ["token", "--provider", "octotable", "--base-url", &url];
        let ran = run_as(octotable::DEMO_CLIENT_ID, secret, &arguments);
        let (code, status) = if secret == "wrong" { (3, 401) } else { (0, 200) };
        assert_eq!(ran.code, Some(code), "{ran:?}");
        let line = running.next_line();
        assert!(line.starts_with("POST api.octotable.com/octotable-auth/api/v2/oauth2/token "), "{line}");
        assert!(line.ends_with(&format!("client_secret=*** -> {status}")), "{line}");
    }
}

#[test]
fn a_port_that_is_in_use_is_one_clear_message() {
    let holder = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = holder.local_addr().expect("an address").port().to_string();
    run(&["emulate", "--port", &port]).failed(3, &[&format!("port {port}"), "in use", "choose another port"]);
}
