//! A computer on which the commands of a page are run, and the comparison of what they write.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use octo_auth_emulator::Browser;

use crate::emulate::Running;
use crate::program::{program, set_mode};

/// The address of the emulator on the pages.
const EMULATOR: &str = "http://127.0.0.1:4000";

/// The program as a page runs it from a copy of the repository.
const FROM_SOURCE: &str = "cargo run -p octo-auth-cli -- ";

/// A computer with `octo-auth` and cargo installed, an empty home directory, and a running emulator.
pub(crate) struct Computer {
    emulator: Running,
    home: PathBuf,
}

impl Computer {
    /// Creates the computer. The name is unique among the tests that run concurrently.
    pub(crate) fn new(name: &str) -> Self {
        // Not below the workspace, because cargo would make a new package a member of it.
        let home = std::env::temp_dir().join(format!("octo-auth-{name}-{}", std::process::id()));
        fs::create_dir_all(&home).expect("a folder");
        Self { emulator: Running::start(), home }
    }

    /// Writes the settings file.
    pub(crate) fn configure(&self, settings: &str) {
        let folder = self.home.join(".config/octo-auth");
        fs::create_dir_all(&folder).expect("a folder");
        let file = folder.join("config.toml");
        fs::write(&file, settings.replace(EMULATOR, self.emulator.url())).expect("a file");
        set_mode(&file, 0o600);
    }

    /// Runs a shell line in the home directory, which must succeed, and returns its output. A browser opens the page that a
    /// sign-in shows, grants access, and follows the redirect.
    pub(crate) fn run(&self, line: &str) -> String {
        let mut shell = Command::new("sh");
        shell.args(["-c", &line.replace(EMULATOR, self.emulator.url()).replace(FROM_SOURCE, "octo-auth ")]);
        // The settings that `program` removes are removed here too.
        for (name, value) in program(&[]).get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        let folder = |program| Path::new(program).parent().expect("a folder").display();
        let path = std::env::var("PATH").unwrap_or_default();
        let path = format!("{}:{}:{path}", folder(env!("CARGO_BIN_EXE_octo-auth")), folder(env!("CARGO")));
        shell.env("HOME", &self.home).env("PATH", path).current_dir(&self.home);
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

/// Returns the part that is the same in every run: a word with a digit may be random or a time, unless it is part of a
/// command.
pub(crate) fn lasting(session: &str) -> String {
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
