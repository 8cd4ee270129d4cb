//! Runs the program: arguments, environment and standard input in; exit code and both outputs out.

use std::io::{ErrorKind, Write};
use std::process::{Command, Output, Stdio};

/// Stands for a secret of the user. It must not appear in any output.
pub(crate) const CANARY: &str = "canary+s3cr3t%0815";

/// Settings of the machine that would change the tests.
const FOREIGN: [&str; 10] = [
    "ALL_PROXY",
    "CLICOLOR_FORCE",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_COLOR",
    "NO_PROXY",
    "all_proxy",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

/// The result of a run.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Returns the program, isolated from the machine's own settings, with empty standard input.
pub(crate) fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_octo-auth"));
    for name in FOREIGN {
        command.env_remove(name);
    }
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("OCTO_AUTH_"))
    {
        command.env_remove(name);
    }
    // Neither settings nor tokens of the user are read.
    for name in ["XDG_CONFIG_HOME", "XDG_STATE_HOME"] {
        command.env_remove(name);
    }
    command.env("HOME", concat!(env!("CARGO_TARGET_TMPDIR"), "/home"));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

pub(crate) fn run(arguments: &[&str]) -> Ran {
    Ran::from(program(arguments).output().expect("the program starts"))
}

/// Runs with credentials in the environment.
pub(crate) fn run_as(client_id: &str, client_secret: &str, arguments: &[&str]) -> Ran {
    let mut command = program(arguments);
    command.env("OCTO_AUTH_CLIENT_ID", client_id).env("OCTO_AUTH_CLIENT_SECRET", client_secret);
    Ran::from(command.output().expect("the program starts"))
}

/// Runs with a text on standard input.
pub(crate) fn run_with_input(input: &str, arguments: &[&str]) -> Ran {
    with_input(program(arguments), input)
}

/// Runs a prepared program with a text on standard input, which a program that rejects its arguments does not read.
pub(crate) fn with_input(mut program: Command, input: &str) -> Ran {
    let mut child = program.stdin(Stdio::piped()).spawn().expect("the program starts");
    let mut stdin = child.stdin.take().expect("standard input is piped");
    if let Err(error) = stdin.write_all(input.as_bytes()) {
        assert_eq!(error.kind(), ErrorKind::BrokenPipe, "{error}");
    }
    drop(stdin);
    Ran::from(child.wait_with_output().expect("the program ends"))
}

/// Writes a file for one test, which only its owner may read, and returns its path.
pub(crate) fn file(name: &str, text: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).expect("the temporary folder can be written to");
    #[cfg(unix)]
    set_mode(&path, 0o600);
    path.to_str().expect("a path in UTF-8").to_owned()
}

#[cfg(unix)]
pub(crate) fn set_mode(path: impl AsRef<std::path::Path>, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    let permissions = std::fs::Permissions::from_mode(mode);
    std::fs::set_permissions(path, permissions).expect("the file's owner may change its mode");
}

impl Ran {
    /// Checks that the run failed with this code and one message that contains all of these texts, and shows no secret.
    #[track_caller]
    pub(crate) fn failed(&self, code: i32, says: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert_eq!(self.out, "", "a failure prints nothing on standard output");
        assert_eq!(self.err.matches("error: ").count(), 1, "{self:?}");
        assert!(self.err.starts_with("error: "), "{self:?}");
        for part in says {
            assert!(self.err.contains(part), "{part:?} is missing in {self:?}");
        }
        self.gave_nothing_away();
    }

    /// Checks that neither output shows the secret, a panic, or a colour.
    #[track_caller]
    pub(crate) fn gave_nothing_away(&self) {
        for output in [&self.out, &self.err] {
            for forbidden in [CANARY, "panicked", "RUST_BACKTRACE", "\u{1b}"] {
                assert!(!output.contains(forbidden), "{forbidden:?} in {self:?}");
            }
        }
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("the program writes UTF-8");
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}
