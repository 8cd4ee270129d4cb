//! A process that is killed, between two refreshes and during one.

use std::io::{BufRead, BufReader, Write, stdin};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use octo_auth_core::Remedy;
use octo_auth_tests::registration::sound;

use super::Stage;
use super::manager::{Ahead, Manager};
use super::rotation::LIFETIME;
use super::server::{Server, client};

/// The client of the killed process.
const CLIENT: &str = "post";

/// The process: each line of its input advances its clock by this count of seconds, and is answered by a line with the
/// result.
pub(crate) fn renew(colour: &str, store: &Path, url: &str, ahead: &str) {
    let clock = Ahead::default();
    clock.pass(sound(ahead.parse()));
    let manager = Manager::start(colour, client(url, CLIENT), store, clock);
    for line in stdin().lines() {
        manager.clock.pass(sound(sound(line).parse()));
        match manager.text() {
            Ok(token) => println!("token {token}"),
            Err(failure) => println!("failed {} {}", failure.code(), failure.remedy()),
        }
    }
}

/// Such a process, as seen by the one that kills it.
struct Process {
    child: Child,
    asks: ChildStdin,
    says: BufReader<ChildStdout>,
}

impl Process {
    fn start(stage: &Stage<'_>, ahead: u64) -> Self {
        let mut child = sound(
            Command::new(sound(std::env::current_exe()))
                .args(["--renew", stage.adapter.name()])
                .arg(&stage.store)
                .args([stage.server.url(), &ahead.to_string()])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn(),
        );
        let asks = sound(child.stdin.take().ok_or("no input"));
        let says = BufReader::new(sound(child.stdout.take().ok_or("no output")));
        Self { child, asks, says }
    }

    fn ask(&mut self, seconds: u64) {
        sound(writeln!(self.asks, "{seconds}"));
    }

    fn asked(&mut self, seconds: u64) -> String {
        self.ask(seconds);
        let mut line = String::new();
        sound(self.says.read_line(&mut line));
        line.trim_end().to_owned()
    }

    /// Kills it with SIGKILL.
    fn kill(mut self) {
        sound(self.child.kill());
        sound(self.child.wait());
    }
}

impl Stage<'_> {
    /// Returns the same stage with another server.
    fn on<'s>(&'s self, server: &'s Server) -> Stage<'s> {
        Stage { folder: self.folder, server, adapter: self.adapter, store: self.store.clone() }
    }
}

/// Kills the server itself, which starts again without its memory.
pub(crate) fn forgetful(stage: &Stage<'_>) {
    let first = sound(Server::start(stage.folder));
    let port = sound(first.url().rsplit(':').next().ok_or("no port")).to_owned();
    let (client, clock) = (first.client(CLIENT), Ahead::default());
    let manager = stage.manager(&client, &clock);
    sound(manager.import(stage.on(&first).signed_in(&client, "openid")));
    drop(first);
    clock.pass(LIFETIME);
    let Err(failure) = manager.get() else { panic!("there is no server") };
    assert!(matches!(failure.remedy(), Remedy::TryLater { .. }), "{failure}");
    let second = sound(Server::start_at(stage.folder, &port));
    let told: Vec<String> = (0..10)
        .map(|_| {
            clock.pass(60);
            manager.text().map_or_else(|failure| failure.remedy().to_string(), |_| "a token".to_owned())
        })
        .collect();
    assert!(told.ends_with(&[Remedy::SignInAgain.to_string()]), "{told:?}");
    assert_eq!(second.count("grant.error"), 1, "it is sent once: {told:?}");
    sound(manager.import(stage.on(&second).signed_in(&client, "openid")));
    clock.pass(LIFETIME);
    assert!(manager.get().is_ok(), "{}", manager.explain());
}

pub(crate) fn killed(stage: &Stage<'_>) {
    let client = stage.server.client(CLIENT);
    let sign_in = |ahead: u64| {
        let clock = Ahead::default();
        clock.pass(ahead);
        sound(stage.manager(&client, &clock).import(stage.signed_in(&client, "openid")));
    };
    sign_in(0);
    let mut ahead = 0;
    for _ in 0..3 {
        let mut process = Process::start(stage, ahead);
        let token = process.asked(LIFETIME);
        ahead += LIFETIME;
        assert!(token.starts_with("token "), "{token}");
        process.kill();
        let mut process = Process::start(stage, ahead);
        assert_eq!(process.asked(0), token, "what was got before the end is there after it");
        process.kill();
    }
    assert_eq!((stage.server.count("refresh_token.consumed"), stage.server.count("grant.revoked")), (3, 0));

    // Killed after the server has rotated the refresh token, while its answer is on the way: no process has the new
    // one.
    stage.server.control("hold");
    let mut process = Process::start(stage, ahead);
    process.ask(LIFETIME);
    stage.server.control("held");
    process.kill();
    stage.server.control("release");
    ahead += LIFETIME;
    let mut process = Process::start(stage, ahead);
    let told: Vec<String> = (0..4).map(|_| process.asked(600)).collect();
    process.kill();
    let last = sound(told.last().ok_or("nothing was told"));
    assert!(told.iter().all(|line| line.starts_with("failed ")), "{told:?}");
    assert!(last.ends_with("the user has to sign in again"), "{told:?}");
    ahead += 4 * 600;
    sign_in(ahead);
    let mut process = Process::start(stage, ahead);
    let told = process.asked(LIFETIME);
    assert!(told.starts_with("token "), "a sign-in mends it: {told}");
    process.kill();
}
