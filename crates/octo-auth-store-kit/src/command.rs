//! Runs a command with a limit on the length of its output and on its duration.

use std::io::{self, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

/// The limit for the output, in bytes. A key is shorter.
const LONGEST: u64 = 4096;

/// The pause between two checks whether the command has ended.
const PAUSE: Duration = Duration::from_millis(5);

/// Why the output of a command cannot be used.
pub(crate) type Failed = (&'static str, Option<io::Error>);

/// Runs a command and returns its output. Kills a command that has not ended within `timeout`.
///
/// It stays in the process group of this program, so that it can ask for a password at the terminal.
pub(crate) fn output(command: &mut Command, timeout: Duration) -> Result<Zeroizing<Vec<u8>>, Failed> {
    let until = Instant::now() + timeout;
    let piped = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    let mut child = piped.spawn().map_err(|source| ("the command cannot be run", Some(source)))?;
    let (sender, printed) = mpsc::channel();
    if let Some(stdout) = child.stdout.take() {
        // A separate thread reads: a process that the command has started may keep the output open for ever.
        thread::spawn(move || {
            let mut text = Zeroizing::new(Vec::with_capacity(LONGEST as usize));
            let read = stdout.take(LONGEST).read_to_end(&mut text).map(|_| text);
            // The send fails if the timeout has passed and the receiver is gone.
            let _ = sender.send(read);
        });
    }
    let status =
        ended(&mut child, until).map_err(|source| ("the command cannot be waited for", Some(source)))?;
    let late = ("the command did not end in time, and was killed", None);
    match status {
        None => return Err(late),
        Some(status) if !status.success() => return Err(("the command failed", None)),
        Some(_) => {}
    }
    let printed = printed.recv_timeout(until.saturating_duration_since(Instant::now()).max(PAUSE));
    printed.map_err(|_| late)?.map_err(|source| ("the output cannot be read", Some(source)))
}

/// Waits for a process to end. Kills it and returns `None` if it has not ended by `until`.
fn ended(child: &mut Child, until: Instant) -> io::Result<Option<ExitStatus>> {
    loop {
        match child.try_wait()? {
            None if Instant::now() < until => thread::sleep(PAUSE),
            None => {
                child.kill()?;
                return child.wait().map(|_| None);
            }
            ended => return Ok(ended),
        }
    }
}
