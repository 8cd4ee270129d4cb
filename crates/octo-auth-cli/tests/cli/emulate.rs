//! `octo-auth emulate`: its output at the start, its output for requests, and a port that is in use.

use std::io::{BufRead, BufReader, Lines};
use std::net::TcpListener;
use std::process::{Child, ChildStdout};

use octo_auth_emulator::{Browser, HOSTS, generic, octorate, octotable, officernd};

use crate::program::{program, run, run_as};

/// A running emulator. Dropping it stops it.
pub(crate) struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    welcome: Vec<String>,
}

impl Running {
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    fn with(arguments: &[&str]) -> Self {
        let arguments = [&["emulate", "--port", "0"], arguments].concat();
        let mut child = program(&arguments).spawn().expect("the program starts");
        let stdout = child.stdout.take().expect("standard output is piped");
        let mut lines = BufReader::new(stdout).lines();
        let mut welcome: Vec<String> = Vec::new();
        while welcome.last().is_none_or(|line| line != "What it is asked:") {
            welcome.push(lines.next().expect("more lines").expect("UTF-8"));
        }
        Self { child, lines, welcome }
    }

    pub(crate) fn url(&self) -> &str {
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

/// Each setting has an effect that a client can see.
#[test]
fn redirect_uris_lifetimes_faults_and_clocks_are_set_by_arguments() {
    let mut running = Running::with(&[
        "--redirect-uri",
        "octorate=https://hotel.example/callback",
        "--lifetime",
        "rfc6749=77",
        "--fault",
        "auth.example/token=1x503",
        "--frozen-at",
        "1700000000",
        "--date-skew",
        "-3600",
    ]);
    let url = running.url().to_owned();
    let page = |redirect_uri: &str| {
        let path = "admin.octorate.com/octobook/identity/oauth.xhtml";
        let id = octorate::DEMO_CLIENT_ID;
        let address = format!("{url}/{path}?client_id={id}&redirect_uri={redirect_uri}&state=s");
        Browser::new().open(&address).expect("a page").status
    };
    assert_eq!(page("https%3A%2F%2Fhotel.example%2Fcallback"), 200);
    assert_eq!(page("https%3A%2F%2Flocalhost"), 200, "the own one stays");
    assert_eq!(page("https%3A%2F%2Fother.example%2F"), 400);
    for status in [503, 200] {
        let answer = token_request(&url);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        if status == 200 {
            assert!(answer.contains("\"expires_in\":77"), "{answer}");
            // One hour before the time of the frozen clock.
            assert!(answer.to_lowercase().contains("date: tue, 14 nov 2023 21:13:20 gmt"), "{answer}");
        }
    }
    assert!(running.next_line().starts_with("GET admin.octorate.com"));
}

#[test]
fn the_same_is_ordered_by_a_file_and_arguments_hold_over_it() {
    let file = File::new(
        "port = 1\n\
         redirect-uri = [\n  \"octorate=https://hotel.example/callback\",\n]\n\
         lifetime = [\"rfc6749=77\", \"octorate=120\"]\n\
         fault = [\"auth.example/token=1x503\"]\n\
         frozen-at = 1700000000\n\
         date-skew = 60\n",
    );
    let mut running =
        Running::with(&["--config", file.path(), "--lifetime", "rfc6749=88", "--date-skew", "-3600"]);
    let url = running.url().to_owned();
    let path = "admin.octorate.com/octobook/identity/oauth.xhtml";
    let (id, uri) = (octorate::DEMO_CLIENT_ID, "https%3A%2F%2Fhotel.example%2Fcallback");
    let address = format!("{url}/{path}?client_id={id}&redirect_uri={uri}&state=s");
    assert_eq!(Browser::new().open(&address).expect("a page").status, 200);
    assert!(token_request(&url).starts_with("HTTP/1.1 503 "));
    let answer = token_request(&url);
    assert!(answer.contains("\"expires_in\":88"), "{answer}");
    assert!(answer.to_lowercase().contains("date: tue, 14 nov 2023 21:13:20 gmt"), "{answer}");
    assert!(running.next_line().starts_with("GET admin.octorate.com"));
}

#[test]
fn a_file_that_cannot_be_used_is_refused_with_its_line_and_without_its_values() {
    for (text, says) in [
        ("port = 0\nlifetimes = []\n", "line 2: unknown field `lifetimes`, expected one of `port`"),
        ("port = \"hunter2\"\n", "line 1: the value does not fit: it must be u16"),
        ("port = 70000\n", "line 1: the value does not fit: it must be u16"),
        ("frozen-at = -1\n", "line 1: the number is not in its range, from 0 to 253402300799"),
        ("\ndate-skew = 9999999999\n", "line 2: the number is not in its range"),
        (
            "fault = [\n  \"auth.example=lost\",\n  \"auth.example=hunter2\",\n]\n",
            "line 3: the fault is none of closed",
        ),
        ("lifetime = [\"octorate=0\"]\n", "line 1: write a number of seconds from 1"),
        ("redirect-uri = [\"octorate=http://hunter2.example/\"]\n", "line 1: Octorate takes https only"),
        ("redirect-uri = \"octorate=hunter2\"\n", "line 1: the value does not fit: it must be a sequence"),
        ("port = 1\nport = 2\n", "line 2: duplicate key"),
        ("port\n", "line 1: "),
    ] {
        let file = File::new(text);
        let ran = run(&["emulate", "--config", file.path()]);
        assert!(!ran.err.contains("hunter2"), "{ran:?}");
        ran.failed(3, &[says, "what to do: see octo-auth emulate --help"]);
    }
    run(&["emulate", "--config", "/nowhere/emulator.toml"])
        .failed(3, &["/nowhere/emulator.toml", "No such file"]);
}

/// A file of settings. Dropping it removes the file.
struct File(std::path::PathBuf);

impl File {
    fn new(text: &str) -> Self {
        static NUMBER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let name = format!("octo-auth-emulator-{}-{number}.toml", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, text).expect("a file");
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("UTF-8")
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Returns the raw answer of the standard server to client credentials.
fn token_request(url: &str) -> String {
    let authority = url.strip_prefix("http://").expect("http");
    let (id, secret) = (generic::DEMO_CLIENT_ID, generic::DEMO_CLIENT_SECRET);
    let fields = [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)];
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let mut stream = std::net::TcpStream::connect(authority).expect("the emulator listens");
    let request = format!(
        "POST /auth.example/token HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    std::io::Write::write_all(&mut stream, request.as_bytes()).expect("the emulator reads");
    let mut answer = String::new();
    std::io::Read::read_to_string(&mut stream, &mut answer).expect("an answer in UTF-8");
    answer
}

#[test]
fn an_argument_that_orders_nothing_known_is_refused_with_what_to_write() {
    for (argument, value, says) in [
        ("--redirect-uri", "octorate", "there is no = in it"),
        ("--redirect-uri", "acme=https://a.example/", "write octorate, octotable, officernd or rfc6749"),
        ("--redirect-uri", "octorate=http://a.example/", "https only"),
        ("--redirect-uri", "octotable=https://a.example/", "no page that redirects"),
        ("--lifetime", "octorate=0", "a number of seconds from 1"),
        ("--fault", "evil.example=lost", "write an emulated host"),
        ("--fault", "auth.example=sometimes", "none of closed, lost, cut"),
        ("--fault", "auth.example=manyxlost", "a number before the x"),
        ("--frozen-at", "-1", "from 0 to 253402300799"),
    ] {
        let ran = run(&["emulate", &format!("{argument}={value}")]);
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(ran.err.contains(says), "{says:?} is missing in {ran:?}");
    }
}
