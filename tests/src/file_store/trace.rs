//! Runs a child under `strace`, which lists its system calls, and kills it or makes a call fail.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use super::Folder;

/// The names of files that a child looks up before and after its operation.
pub const MARKS: [&str; 2] = ["octo-auth-begin", "octo-auth-end"];

/// Shortens each `write` to at most `WRITE_AT_MOST` bytes.
const SHORT_WRITES: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>
ssize_t write(int fd, const void *bytes, size_t count) {
    ssize_t (*next)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
    size_t most = atoi(getenv("WRITE_AT_MOST"));
    return next(fd, bytes, count < most ? count : most);
}
"#;

/// The options of a child.
#[derive(Debug, Clone, Default)]
pub struct Run {
    arguments: Vec<String>,
    /// The injections of `strace`, such as `fsync:error=EIO:when=1`.
    injections: Vec<String>,
    umask: Option<String>,
    fsize: Option<u64>,
    write_at_most: Option<u64>,
}

/// A system call of a child.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Its name, such as `openat`.
    pub name: String,
    /// Its number among the calls of that name, from 1.
    pub ordinal: usize,
    /// The line of `strace`, with the paths of descriptors.
    pub line: String,
}

/// Returns the path of the child program; `None` if it was not built beside this one.
#[must_use]
pub fn program() -> Option<PathBuf> {
    let own = std::env::current_exe().ok()?;
    let above = own.ancestors().skip(1).take(2);
    above.map(|folder| folder.join("file_store")).find(|program| program.is_file())
}

/// Returns whether `strace` works here.
#[must_use]
pub fn is_possible() -> bool {
    let traced = Command::new("strace").args(["-o", "/dev/null", "true"]).stderr(Stdio::null()).status();
    traced.is_ok_and(|status| status.success())
}

impl Run {
    /// Creates a child with these arguments.
    #[must_use]
    pub fn of(arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        Self { arguments, ..Self::default() }
    }

    /// Injects an effect at a call, such as `error=EIO` or `signal=KILL`.
    #[must_use]
    pub fn at(mut self, call: &Call, effect: &str) -> Self {
        self.injections.push(format!("{}:{effect}:when={}", call.name, call.ordinal));
        self
    }

    /// Adds an injection in the syntax of `strace`.
    #[must_use]
    pub fn inject(mut self, injection: &str) -> Self {
        self.injections.push(injection.to_owned());
        self
    }

    /// Sets the umask.
    #[must_use]
    pub fn umask(mut self, umask: &str) -> Self {
        self.umask = Some(umask.to_owned());
        self
    }

    /// Limits the size of written files, in bytes.
    #[must_use]
    pub fn file_limit(mut self, bytes: u64) -> Self {
        self.fsize = Some(bytes);
        self
    }

    /// Limits each write to this count of bytes.
    #[must_use]
    pub fn short_writes(mut self, bytes: u64) -> Self {
        self.write_at_most = Some(bytes);
        self
    }

    /// Starts the child without `strace`.
    ///
    /// # Errors
    ///
    /// Returns an error if it cannot be started.
    pub fn command(&self) -> Result<Command, String> {
        let program = program().ok_or("the program file_store was not built")?;
        let mut command = Command::new("sh");
        let umask = self.umask.as_ref().map(|umask| format!("umask {umask}; ")).unwrap_or_default();
        let limit = self.fsize.map(|bytes| format!("prlimit --fsize={bytes} ")).unwrap_or_default();
        command.arg("-c").arg(format!("{umask}exec {limit}\"$0\" \"$@\"")).arg(program);
        command.arg("child").args(&self.arguments);
        Ok(command)
    }

    /// Runs the child and waits for its end.
    ///
    /// # Errors
    ///
    /// Returns an error if it cannot be started.
    pub fn run(&self) -> Result<Output, String> {
        self.command()?.output().map_err(|error| error.to_string())
    }

    /// Runs the child to its end and returns its facts.
    ///
    /// # Errors
    ///
    /// Returns an error if it cannot be started, was killed, or prints nothing.
    pub fn facts(&self) -> Result<Value, String> {
        facts(&self.run()?)
    }

    /// Runs the child under `strace`. Returns its output and its calls between the marks.
    ///
    /// # Errors
    ///
    /// Returns an error if it cannot be started.
    pub fn traced(&self) -> Result<(Output, Vec<Call>), String> {
        let folder = Folder::new();
        fs::create_dir_all(folder.path()).map_err(|error| error.to_string())?;
        let log = folder.path().join("calls");
        let mut command = Command::new("strace");
        command.args(["-y", "-s", "200", "-o"]).arg(&log);
        for injection in &self.injections {
            command.arg("-e").arg(format!("inject={injection}"));
        }
        if let Some(most) = self.write_at_most {
            let library = short_writes(folder.path())?;
            command.arg("-E").arg(format!("LD_PRELOAD={}", library.display()));
            command.arg("-E").arg(format!("WRITE_AT_MOST={most}"));
        }
        command.arg(program().ok_or("the program file_store was not built")?);
        command.arg("child").args(&self.arguments);
        let output = command.output().map_err(|error| error.to_string())?;
        let log = fs::read(&log).map_err(|error| error.to_string())?;
        Ok((output, between_marks(&String::from_utf8_lossy(&log))))
    }
}

/// Returns the report of a child.
///
/// # Errors
///
/// Returns an error if it was killed, or prints nothing.
pub fn facts(output: &Output) -> Result<Value, String> {
    serde_json::from_slice(&output.stdout).map_err(|_| {
        format!("the child ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr))
    })
}

/// Compiles the library of short writes.
fn short_writes(folder: &Path) -> Result<PathBuf, String> {
    let (source, library) = (folder.join("short.c"), folder.join("short.so"));
    fs::write(&source, SHORT_WRITES).map_err(|error| error.to_string())?;
    let compiled = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).status();
    match compiled {
        Ok(status) if status.success() => Ok(library),
        _ => Err("no C compiler".to_owned()),
    }
}

/// Parses the calls between the marks, or after the first mark.
fn between_marks(log: &str) -> Vec<Call> {
    let mut calls: Vec<Call> = Vec::new();
    let mut counts = std::collections::HashMap::<String, usize>::new();
    let mut is_begun = false;
    for line in log.lines() {
        let Some((name, _)) = line.split_once('(') else { continue };
        if !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_') {
            continue;
        }
        let count = counts.entry(name.to_owned()).or_default();
        *count += 1;
        if is_begun {
            calls.push(Call { name: name.to_owned(), ordinal: *count, line: line.to_owned() });
        }
        is_begun |= line.contains(MARKS[0]);
        if line.contains(MARKS[1]) {
            break;
        }
    }
    calls
}
