//! The session of the README, from a person's sign-in to the logout, must equal the program's real output.
//!
//! `OCTO_AUTH_RECORD=1 cargo test -p octo-auth-cli --test cli session` records it again.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use octo_auth_emulator::Browser;

use crate::emulate::Running;
use crate::program::{program, set_mode};

/// The markers around the session, and the line between the commands.
const BEGIN: &str = "<!-- session:start -->\n```console\n";
const END: &str = "```\n<!-- session:end -->";

/// The address of the emulator in the README.
const EMULATOR: &str = "http://127.0.0.1:4000";

/// A computer with `octo-auth` installed, the settings of the README, and a running emulator.
struct Computer {
    emulator: Running,
    home: PathBuf,
}

impl Computer {
    fn new(settings: &str) -> Self {
        let emulator = Running::start();
        let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("session-{}", std::process::id()));
        let folder = home.join(".config/octo-auth");
        fs::create_dir_all(&folder).expect("a folder");
        let file = folder.join("config.toml");
        fs::write(&file, settings.replace(EMULATOR, emulator.url())).expect("a file");
        set_mode(&file, 0o600);
        Self { emulator, home }
    }

    /// Runs a shell line. A browser opens the page that a sign-in shows, grants access, and follows the redirect.
    fn run(&self, line: &str) -> String {
        let mut shell = Command::new("sh");
        shell.args(["-c", &line.replace(EMULATOR, self.emulator.url())]);
        // The settings that `program` removes are removed here too.
        for (name, value) in program(&[]).get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        let program = Path::new(env!("CARGO_BIN_EXE_octo-auth")).parent().expect("a folder");
        let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap_or_default());
        shell.env("HOME", &self.home).env("PATH", path);
        let shell = shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = shell.spawn().expect("a shell");
        let mut errors = BufReader::new(child.stderr.take().expect("standard error is piped"));
        let mut written = String::new();
        while errors.read_line(&mut written).expect("UTF-8") > 0 {
            let line = written.lines().next_back().unwrap_or_default();
            if line.starts_with("Waiting at ") {
                let page = written.lines().find_map(|line| line.strip_prefix("  http")).expect("a page");
                let page = Browser::new().open(&format!("http{page}"));
                let back = page.and_then(|page| page.grant()).expect("a redirect");
                assert_eq!(Browser::new().open(&back).expect("the program listens").status, 200);
            }
        }
        let mut output = child.stdout.take().expect("standard output is piped");
        output.read_to_string(&mut written).expect("UTF-8");
        assert!(child.wait().expect("it ends").success(), "{line}: {written}");
        written.replace(self.emulator.url(), EMULATOR).replace(self.home.to_str().expect("UTF-8"), "~")
    }
}

impl Drop for Computer {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.home);
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "it says what it skips")]
fn the_session_of_the_readme_is_what_the_program_writes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let readme = fs::read_to_string(&path).expect("the README");
    let (before, rest) = readme.split_once(BEGIN).expect("the beginning of the session");
    let (session, after) = rest.split_once(END).expect("the end of the session");
    let settings =
        before.rsplit_once("```toml\n").expect("the settings").1.split("```").next().expect("their end");
    let commands: Vec<&str> = session.lines().filter_map(|line| line.strip_prefix("$ ")).collect();
    assert!(commands.len() >= 5, "{commands:?}");
    if commands.iter().any(|command| command.contains("curl "))
        && Command::new("curl").arg("-V").output().is_err()
    {
        println!("skipped: it needs curl");
        return;
    }
    let computer = Computer::new(settings);
    let recorded: String = commands.iter().map(|line| format!("$ {line}\n{}", computer.run(line))).collect();
    if std::env::var_os("OCTO_AUTH_RECORD").is_some() {
        fs::write(&path, format!("{before}{BEGIN}{recorded}{END}{after}"))
            .expect("the README can be written");
        return;
    }
    assert_eq!(
        lasting(&recorded),
        lasting(session),
        "the README shows another session; record it with OCTO_AUTH_RECORD=1"
    );
}

/// Returns the part that is the same in every run: a word with a digit may be random or a time, unless it is part of a
/// command.
fn lasting(session: &str) -> String {
    let of_line = |line: &str| {
        if line.starts_with("$ ") {
            return format!("{line}\n");
        }
        let mut words: Vec<String> = Vec::new();
        for word in line.split_whitespace() {
            let is_unit = matches!(word, "d" | "h" | "min" | "s");
            let is_after_number = words.last().is_some_and(|last| last == "#");
            match masked(word) {
                _ if is_unit && is_after_number => {}
                word if word == "#" && is_after_number => {}
                word => words.push(word),
            }
        }
        words.join(" ") + "\n"
    };
    session.lines().map(of_line).collect()
}

/// Returns the word with each part that contains a digit replaced by `#`.
fn masked(word: &str) -> String {
    let is_inside = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '%');
    let mut masked = String::new();
    let mut rest = word;
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|letter| is_inside(letter) != is_inside(first)).unwrap_or(rest.len());
        let (part, next) = rest.split_at(end);
        masked.push_str(if part.contains(|letter: char| letter.is_ascii_digit()) { "#" } else { part });
        rest = next;
    }
    masked
}
