//! The command-line program and the web example, as built.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use octo_auth_emulator::{Emulator, generic, octorate};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};

/// The programs under test, in the build folder.
pub(crate) struct Programs {
    pub(crate) folder: PathBuf,
    /// Where the tokens of the sign-ins are stored.
    pub(crate) stores: PathBuf,
}

/// A running `octo-auth login` that waits for a person.
pub(crate) struct Login {
    child: Child,
    lines: Lines<BufReader<ChildStderr>>,
    told: String,
    /// The address that it shows.
    pub(crate) page: String,
}

impl Programs {
    /// Starts a sign-in of an account at the standard server.
    pub(crate) async fn at_the_server(&self, emulator: &Emulator, account: &str, uri: &str) -> Result<Login> {
        let base = emulator.base("auth.example");
        let mut command = self.login(account, generic::DEMO_CLIENT_ID, generic::DEMO_CLIENT_SECRET);
        command
            .args(["--redirect-uri", uri, "--scope", generic::SCOPES[0]])
            .env("OCTO_AUTH_TOKEN_URL", format!("{base}/token"))
            .env("OCTO_AUTH_AUTHORIZATION_URL", format!("{base}/authorize"));
        Login::start(command).await
    }

    /// Starts a sign-in of an account at Octorate.
    pub(crate) async fn at_octorate(&self, emulator: &Emulator, account: &str) -> Result<Login> {
        let mut command = self.login(account, octorate::DEMO_CLIENT_ID, octorate::DEMO_CLIENT_SECRET);
        command.args(["--provider", "octorate", "--base-url", &emulator.url()]);
        Login::start(command).await
    }

    fn login(&self, account: &str, id: &str, secret: &str) -> Command {
        let mut command = Command::new(self.folder.join("octo-auth"));
        command
            .args(["login", "--no-browser", "--wait", "300", "--account", account, "--store"])
            .arg(self.stores.join(account))
            .env("OCTO_AUTH_ALLOW_HTTP_LOOPBACK", "true")
            .env("OCTO_AUTH_CLIENT_ID", id)
            .env("OCTO_AUTH_CLIENT_SECRET", secret)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }
}

impl Login {
    async fn start(mut command: Command) -> Result<Self> {
        let mut child = command.spawn().context("octo-auth cannot be started")?;
        let lines = BufReader::new(child.stderr.take().context("no standard error")?).lines();
        let mut login = Self { child, lines, told: String::new(), page: String::new() };
        while login.page.is_empty() {
            let line = login.lines.next_line().await?;
            let line = line.with_context(|| format!("it ended before it showed a page: {}", login.told))?;
            login.told.push_str(&format!("{line}\n"));
            if line.starts_with("  http") {
                login.page = line.trim().to_owned();
            }
        }
        Ok(login)
    }

    /// Pastes an address, as a person does at a terminal.
    pub(crate) async fn paste(&mut self, address: &str) -> Result<()> {
        let mut input = self.child.stdin.take().context("no standard input")?;
        Ok(input.write_all(format!("{address}\n").as_bytes()).await?)
    }

    /// Waits for the program to end and checks its exit code. Returns its output.
    pub(crate) async fn ends(mut self, code: i32) -> Result<String> {
        while let Some(line) = self.lines.next_line().await? {
            self.told.push_str(&format!("{line}\n"));
        }
        let output = self.child.wait_with_output().await?;
        let told = format!("{}{}", self.told, String::from_utf8_lossy(&output.stdout));
        ensure!(output.status.code() == Some(code), "{} instead of {code}: {told}", output.status);
        Ok(told)
    }
}

/// The web example: its process, and the addresses of its replicas.
pub(crate) async fn hotel_web(folder: &Path) -> Result<(Child, Vec<String>)> {
    let mut command = Command::new(folder.join("examples/hotel_web"));
    let mut child = command.stdout(Stdio::piped()).kill_on_drop(true).spawn().context("no hotel_web")?;
    let mut lines = BufReader::new(child.stdout.take().context("no output")?).lines();
    loop {
        let line = lines.next_line().await?.context("hotel_web ended")?;
        if let Some(addresses) = line.strip_prefix("Open ") {
            let words = addresses.split([' ', ',']).filter(|word| word.starts_with("http"));
            return Ok((child, words.map(|word| word.trim_end_matches('.').to_owned()).collect()));
        }
    }
}
