//! A person signs in: the address that the program shows is opened, and the callback arrives at a listener or by paste.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStderr, Command, Stdio};

use octo_auth_emulator::{Browser, generic, octorate};

use crate::program::{Ran, program};
use crate::stored::World;

/// A program that waits for a person.
struct SignIn {
    child: Child,
    errors: BufReader<ChildStderr>,
    /// The standard error output so far.
    told: String,
    page: String,
}

impl SignIn {
    /// Starts the program and reads the address of the page.
    fn start(mut program: Command) -> Self {
        let child = program.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY").spawn();
        let mut child = child.expect("the program starts");
        let errors = BufReader::new(child.stderr.take().expect("standard error is piped"));
        let mut sign_in = Self { child, errors, told: String::new(), page: String::new() };
        sign_in.page = sign_in.read_until("  http").trim().to_owned();
        sign_in
    }

    /// Reads until a line begins with `begin`, and returns it.
    fn read_until(&mut self, begin: &str) -> String {
        loop {
            let mut line = String::new();
            let count = self.errors.read_line(&mut line).expect("the program writes UTF-8");
            assert!(count > 0, "it ended before {begin:?}: {}", self.told);
            self.told.push_str(&line);
            if line.starts_with(begin) {
                return line;
            }
        }
    }

    fn paste(&mut self, address: &str) {
        let mut input = self.child.stdin.take().expect("standard input is piped");
        writeln!(input, "{address}").expect("the program reads");
    }

    fn end(mut self) -> Ran {
        self.errors.read_to_string(&mut self.told).expect("the program writes UTF-8");
        let output = self.child.wait_with_output().expect("the program ends");
        Ran { err: self.told, ..Ran::from(output) }
    }
}

/// Builds the command for a sign-in at the emulator's standard server.
fn at_the_standard_server(world: &World, arguments: &[&str]) -> Command {
    let mut program = program(&world.arguments(&[&["login"], arguments].concat()));
    let base = world.emulator.base("auth.example");
    program
        .env("OCTO_AUTH_TOKEN_URL", format!("{base}/token"))
        .env("OCTO_AUTH_AUTHORIZATION_URL", format!("{base}/authorize"))
        .env("OCTO_AUTH_ALLOW_HTTP_LOOPBACK", "true")
        .env("OCTO_AUTH_SCOPE", generic::SCOPES[0])
        .env("OCTO_AUTH_CLIENT_ID", generic::DEMO_CLIENT_ID)
        .env("OCTO_AUTH_CLIENT_SECRET", generic::DEMO_CLIENT_SECRET);
    program
}

fn at_octorate(world: &World) -> Command {
    let url = world.emulator.url();
    let arguments = ["login", "--provider", "octorate", "--base-url", &url];
    let mut program = program(&world.arguments(&arguments));
    program
        .env("OCTO_AUTH_ALLOW_HTTP_LOOPBACK", "true")
        .env("OCTO_AUTH_CLIENT_ID", octorate::DEMO_CLIENT_ID)
        .env("OCTO_AUTH_CLIENT_SECRET", octorate::DEMO_CLIENT_SECRET)
        .stdin(Stdio::piped());
    program
}

/// Returns what a browser gets at an address of this machine.
fn visit(address: &str) -> String {
    let (authority, target) =
        address.strip_prefix("http://").and_then(|rest| rest.split_once('/')).expect("http");
    let mut stream = TcpStream::connect(authority).expect("the program listens");
    let request = format!("GET /{target} HTTP/1.1\r\nHost: {authority}\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("the program reads");
    let mut page = String::new();
    stream.read_to_string(&mut page).expect("a page in UTF-8");
    page
}

/// Returns the count of token requests that the emulator has answered.
fn exchanges(world: &World) -> usize {
    world.emulator.log().iter().filter(|entry| entry.to_string().contains("&code=")).count()
}

/// Returns the value of a parameter of an address.
fn parameter(address: &str, name: &str) -> String {
    let query = address.split_once('?').expect("a query").1;
    let (_, rest) = query.split_once(&format!("{name}=")).expect("the parameter");
    rest.split('&').next().unwrap_or_default().to_owned()
}

#[test]
fn the_browser_brings_the_code_and_the_tokens_are_stored_for_later_starts() {
    let world = World::new();
    for uri in ["http://127.0.0.1:0/callback", "http://[::1]:0/callback", "http://localhost/callback"] {
        let before = exchanges(&world);
        let sign_in = SignIn::start(at_the_standard_server(&world, &["--redirect-uri", uri]));
        let callback = Browser::new().open(&sign_in.page).and_then(|page| page.grant()).expect("a redirect");
        let forged = callback.replace(&parameter(&callback, "state"), "forged");
        assert!(visit(&forged).starts_with("HTTP/1.1 400 "));
        let page = visit(&callback);
        assert!(page.starts_with("HTTP/1.1 200 ") && page.contains("You are signed in"), "{page}");
        let ran = sign_in.end();
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!(ran.out.starts_with("account \"inn 17\": signed in, and stored in "), "{ran:?}");
        let code = parameter(&callback, "code");
        assert!(!format!("{ran:?}{page}").contains(&code), "{ran:?}");
        ran.gave_nothing_away();
        assert_eq!(exchanges(&world), before + 1);
    }
    let token = world.run(&["token"]);
    assert_eq!(token.code, Some(0), "{token:?}");
    assert!(world.emulator.generic().is_live(token.out.trim_end()));
}

#[test]
fn at_octorate_the_address_is_pasted() {
    let world = World::new();
    let ways: [fn(&str) -> String; 7] = [
        // A browser shows the address with a trailing slash.
        |address| address.to_owned(),
        |address| format!("  \"{address}\" "),
        |address| format!("<{address}>"),
        // A browser may omit the scheme.
        |address| address.replace("https://", ""),
        |address| format!("'{}'", address.replace("https://", "")),
        // A file or a chat may add invisible characters.
        |address| format!("\u{feff}\u{201c}{address}\u{201d}\u{200b}"),
        // A terminal left in the mode of an ended editor marks what is pasted.
        |address| format!("\u{1b}[200~{address}\u{1b}[201~"),
    ];
    for (number, way) in ways.into_iter().enumerate() {
        let mut sign_in = SignIn::start(at_octorate(&world));
        let callback = Browser::new().open(&sign_in.page).and_then(|page| page.grant()).expect("a redirect");
        assert!(callback.starts_with("https://localhost?code="), "{callback}");
        sign_in.paste(&way(&callback.replace("localhost?", "localhost/?")));
        let ran = sign_in.end();
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!(ran.err.contains("Copy the whole address"), "{ran:?}");
        assert_eq!(exchanges(&world), number + 1);
    }
    let token = world.run(&["token"]);
    assert_eq!(token.code, Some(0), "{token:?}");
    assert_eq!(exchanges(&world), 7, "it is served from the store");
}

#[test]
fn a_refusal_has_an_exit_code_of_its_own_and_its_words_cannot_forge_a_line_or_a_page() {
    let world = World::new();
    let sign_in = SignIn::start(at_the_standard_server(&world, &[]));
    let callback = Browser::new().open(&sign_in.page).and_then(|page| page.refuse()).expect("a redirect");
    let words = "%3Cscript%3E%1b%5B2J%0Aerror:%20forged";
    let (address, state) = (callback.split('?').next().expect("an address"), parameter(&callback, "state"));
    let page = visit(&format!("{address}?error=access_denied&error_description={words}&state={state}"));
    assert!(page.contains("Access was not granted") && !page.contains("script"), "{page}");
    let ran = sign_in.end();
    assert_eq!(ran.code, Some(7), "{ran:?}");
    assert!(ran.err.contains("error: the sign-in was refused: access_denied"), "{ran:?}");
    assert!(ran.err.contains("what to do: run octo-auth login again"), "{ran:?}");
    ran.gave_nothing_away();
    assert_eq!(exchanges(&world), 0);
}

#[test]
fn without_a_terminal_and_a_browser_the_address_is_shown_and_the_program_ends() {
    let world = World::new();
    let mut program = at_octorate(&world);
    program.stdin(Stdio::null());
    let sign_in = SignIn::start(program);
    assert!(sign_in.page.contains("/octobook/identity/oauth.xhtml?client_id="), "{}", sign_in.page);
    let ran = sign_in.end();
    assert_eq!(ran.code, Some(4), "{ran:?}");
    assert!(
        ran.err.contains(
            "there is no browser that can be opened from here: open it yourself, in a browser on any"
        ),
        "{ran:?}"
    );
    assert!(ran.err.contains("standard input ended before an address was pasted"), "{ran:?}");

    let ran = SignIn::start(at_the_standard_server(&world, &["--wait", "1"])).end();
    assert_eq!(ran.code, Some(4), "{ran:?}");
    assert!(ran.err.contains("the sign-in did not end in time"), "{ran:?}");
    assert_eq!(exchanges(&world), 0);
}

#[test]
fn what_is_pasted_is_bounded_and_must_belong_to_the_sign_in() {
    let world = World::new();
    for (text, says) in [
        ("localhost:8080/?code=c&state=forged".to_owned(), "another address than the redirect URI"),
        ("c0de".to_owned(), "the callback has no state"),
        ("https://localhost/?code=c&state=forged".to_owned(), "is not the one of this sign-in"),
        ("localhost/?code=c&state=forged".to_owned(), "is not the one of this sign-in"),
        ("x".repeat(200_000), "longer than 16 KiB"),
    ] {
        let mut sign_in = SignIn::start(at_octorate(&world));
        let mut input = sign_in.child.stdin.take().expect("standard input is piped");
        // The program may have ended before the rest is written.
        let _ = writeln!(input, "{text}");
        drop(input);
        let ran = sign_in.end();
        let code = if says.contains("another address") { 3 } else { 4 };
        assert_eq!(ran.code, Some(code), "{ran:?}");
        assert!(ran.err.contains(says), "{ran:?}");
    }
    assert_eq!(exchanges(&world), 0);
}

#[test]
fn a_port_in_use_ends_the_command_before_a_page_is_shown() {
    let world = World::new();
    let other = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let uri = format!("http://{}/callback", other.local_addr().expect("an address"));
    let output =
        at_the_standard_server(&world, &["--redirect-uri", &uri]).output().expect("the program starts");
    Ran::from(output).failed(3, &["is in use by another program"]);
}

/// The provider has accepted the code, and its answer is on the way. Without the answer, the code is wasted.
#[test]
fn a_ctrl_c_during_the_exchange_ends_the_program_after_the_tokens_are_stored() {
    let world = World::new();
    let held = world.emulator.faults().on("auth.example", "/token").hold_next();
    let mut sign_in = SignIn::start(at_the_standard_server(&world, &[]));
    let callback = Browser::new().open(&sign_in.page).and_then(|page| page.grant()).expect("a redirect");
    let browser = std::thread::spawn(move || visit(&callback));
    assert!(held.arrived(), "the request");
    let killed = Command::new("kill").args(["-INT", &sign_in.child.id().to_string()]).status();
    assert!(killed.expect("kill").success());
    sign_in.read_until("note: what the provider answers is stored first");
    held.release();
    let ran = sign_in.end();
    assert_eq!(ran.code, Some(130), "{ran:?}");
    assert!(!browser.join().expect("the browser").contains("did not succeed"));
    let token = world.run(&["token"]);
    assert_eq!((token.code, exchanges(&world)), (Some(0), 1), "{token:?}");
}

/// The program that opens pages gets the address as one argument.
#[test]
fn the_browser_gets_the_address_as_one_argument() {
    let world = World::new();
    let folder = world.directory.with_extension("bin");
    std::fs::create_dir_all(&folder).expect("a folder");
    let seen = folder.join("seen");
    let script = format!(
        "#!/bin/sh\nprintf '%s %s' \"$#\" \"$1\" > '{0}.new' && mv '{0}.new' '{0}'\n",
        seen.display()
    );
    let opener = folder.join("xdg-open");
    std::fs::write(&opener, script).expect("a program");
    crate::program::set_mode(&opener, 0o755);
    let mut program = at_the_standard_server(&world, &["--wait", "2"]);
    let path = std::env::var("PATH").unwrap_or_default();
    let ran = program.env("DISPLAY", ":7").env("PATH", format!("{}:{path}", folder.display())).output();
    let ran = Ran::from(ran.expect("the program starts"));
    assert!(ran.err.contains("It was opened in the browser."), "{ran:?}");
    let page = ran.err.lines().find(|line| line.starts_with("  http")).expect("the address").trim();
    assert_eq!(std::fs::read_to_string(&seen).expect("it was started"), format!("1 {page}"));
    let _ = std::fs::remove_dir_all(&folder);
}

/// An unreadable registration cannot be replaced, and without it a later command cannot use the tokens.
#[test]
fn a_damaged_registration_is_found_before_the_page_is_shown_and_before_a_token_is_imported() {
    let world = World::new();
    world.import(&world.refresh_token());
    let only = |ending: &str| {
        let files = std::fs::read_dir(&world.directory).expect("a directory");
        let mut paths = files.map(|file| file.expect("a file").path());
        paths.find(|path| path.extension().is_some_and(|end| end == ending)).expect("a file")
    };
    std::fs::write(only("client"), "").expect("a damaged registration");
    let login = at_the_standard_server(&world, &["--wait", "1"]).stdin(Stdio::null()).output();
    let ran = Ran::from(login.expect("the program starts"));
    ran.failed(3, &[".client", "is empty. It was left as it is"]);
    assert!(!ran.err.contains("Open this page"), "{ran:?}");
    let before = std::fs::read(only("record")).expect("a record");
    let import = world.run_registered(&["import"], &world.refresh_token());
    import.failed(3, &[".client", "is empty. It was left as it is"]);
    assert_eq!(std::fs::read(only("record")).expect("a record"), before, "nothing was imported");
}

/// A full store is detected before a person is asked, and so before a code is used.
#[test]
fn a_store_without_room_is_found_before_the_page_is_shown() {
    let world = World::new();
    let login = at_the_standard_server(&world, &["--wait", "1"]);
    // A file may have 64 blocks of 512 or 1024 bytes. The signal is ignored, so that a longer write returns an error.
    let mut limited = Command::new("sh");
    limited
        .args(["-c", "trap '' XFSZ; ulimit -f 64; exec \"$0\" \"$@\""])
        .arg(login.get_program())
        .args(login.get_args());
    for (name, value) in login.get_envs() {
        match value {
            Some(value) => limited.env(name, value),
            None => limited.env_remove(name),
        };
    }
    limited.stdin(Stdio::null());
    let ran = Ran::from(limited.output().expect("the program starts"));
    ran.failed(5, &["does not take the tokens", "no code was spent"]);
    assert!(!ran.err.contains("Open this page"), "{ran:?}");
}
