//! A process of a fleet.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::file_store::Folder;
use crate::file_store::trace::Run;

/// A process that gets tokens from a store, and the file that moves its wall clock.
pub(super) struct Member {
    child: Child,
    asks: ChildStdin,
    says: BufReader<ChildStdout>,
    clock: PathBuf,
}

/// Returns the library that moves the wall clock of a process, if it is installed.
fn libfaketime() -> Option<PathBuf> {
    let folders = fs::read_dir("/usr/lib").ok()?;
    let library = |folder: PathBuf| folder.join("faketime/libfaketimeMT.so.1");
    folders.filter_map(|folder| Some(library(folder.ok()?.path()))).find(|file| file.is_file())
}

impl Member {
    /// Starts a process whose wall clock is right.
    pub(super) fn start(store: &str, folder: &Folder, url: &str, number: usize) -> Result<Self, String> {
        let ahead = folder.path().join("ahead").display().to_string();
        let clock = folder.path().join(format!("clock-{number}"));
        let mut command = Run::of(&["rotate", store, url, &ahead]).command()?;
        if let Some(library) = libfaketime() {
            // Only the wall clock moves. The process reads the file again after a second.
            command.env("LD_PRELOAD", library).env("FAKETIME_TIMESTAMP_FILE", &clock);
            command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1").env("FAKETIME_CACHE_DURATION", "1");
        }
        let failed = |error: std::io::Error| error.to_string();
        fs::write(&clock, "+0").map_err(failed)?;
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(failed)?;
        let asks = child.stdin.take().ok_or("no input")?;
        let says = BufReader::new(child.stdout.take().ok_or("no output")?);
        Ok(Self { child, asks, says, clock })
    }

    /// Moves its wall clock to this many seconds from the right time. Returns whether that is possible.
    pub(super) fn move_clock(&self, seconds: i64) -> Result<bool, String> {
        fs::write(&self.clock, format!("{seconds:+}")).map_err(|error| error.to_string())?;
        Ok(libfaketime().is_some())
    }

    pub(super) fn ask(&mut self, line: &str) {
        // A killed process is replaced when it does not answer.
        let _ = writeln!(self.asks, "{line}");
    }

    /// Returns the next line; `None` if the process was killed.
    pub(super) fn answer(&mut self) -> Option<String> {
        let mut line = String::new();
        self.says.read_line(&mut line).ok().filter(|length| *length > 0).map(|_| line.trim_end().to_owned())
    }

    /// Runs a shell command on the process, such as `kill -KILL $0` with its process id.
    pub(super) fn disturb(&self, script: &str) {
        let number = self.child.id().to_string();
        let _ = Command::new("sh").args(["-c", script, &number]).status();
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
