//! A server process that ends with this process.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

/// Starts a server, prints its process id, and ends it when standard input ends. Removes its folder then, even if this
/// process was killed. The word `keep` ends the server and keeps the folder.
const SUPERVISE: &str = r#"signal=$1 folder=$2; shift 2
"$@" </dev/null 2>&1 & server=$!
echo "$server"
read -r word
kill -"$signal" "$server"; kill -CONT "$server"; wait "$server"
[ "$word" = keep ] || rm -rf "$folder""#;

/// A folder. Dropping this value removes it.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// Creates an empty folder that belongs to the user of the servers.
    ///
    /// # Errors
    ///
    /// Returns an error if it cannot be created.
    pub fn new() -> io::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder =
            Self(std::env::temp_dir().join(format!("octo-auth-engine-{}-{number}", std::process::id())));
        fs::create_dir_all(folder.path())?;
        hand_over(folder.path())?;
        Ok(folder)
    }

    /// Writes a file that only the servers can read, and returns its path.
    pub(crate) fn write(&self, name: &str, text: &str) -> io::Result<String> {
        let path = self.path().join(name);
        fs::write(&path, text)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        hand_over(&path)?;
        Ok(path.display().to_string())
    }

    /// Returns its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    supervisor: Child,
    pid: u32,
}

impl Server {
    /// Starts a server and waits until it prints a line with this text. `signal` ends it.
    pub(crate) fn start(
        mut command: Vec<String>,
        folder: &Folder,
        signal: &str,
        ready: &str,
    ) -> io::Result<Self> {
        if user_of_servers().is_some() {
            let user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"];
            command.splice(0..0, user.map(str::to_owned));
        }
        let mut supervisor = Command::new("sh")
            .args(["-c", SUPERVISE, "sh", signal])
            .arg(folder.path())
            .args(&command)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let output = supervisor.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut output = BufReader::new(output);
        let mut line = String::new();
        output.read_line(&mut line)?;
        let pid = line.trim().parse().map_err(io::Error::other)?;
        let mut server = Self { supervisor, pid };
        let mut log = String::new();
        loop {
            line.clear();
            if output.read_line(&mut line)? == 0 {
                server.end();
                return Err(io::Error::other(format!("the server ended: {log}")));
            }
            if line.contains(ready) {
                break;
            }
            log.push_str(&line);
        }
        // A server blocks when the pipe of its output is full, so the output is read.
        thread::spawn(move || {
            let mut rest = Vec::new();
            let _ = output.read_to_end(&mut rest);
        });
        Ok(server)
    }

    /// Sends a signal, such as `STOP`.
    pub(crate) fn signal(&self, signal: &str) {
        let _ = Command::new("kill").args([&format!("-{signal}"), &self.pid.to_string()]).status();
    }

    /// Ends the server, waits for its end and keeps its folder.
    pub(crate) fn pause(&mut self) {
        if let Some(input) = &mut self.supervisor.stdin {
            let _ = input.write_all(b"keep\n");
        }
        self.end();
    }

    /// Ends the server and waits for its end.
    fn end(&mut self) {
        drop(self.supervisor.stdin.take());
        let _ = self.supervisor.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

/// Changes the owner of a file to the user of the servers.
fn hand_over(path: &Path) -> io::Result<()> {
    user_of_servers().map_or(Ok(()), |(user, group)| chown(path, Some(user), Some(group)))
}

/// Returns the user and group that run the servers, because servers refuse to run as root.
pub(crate) fn user_of_servers() -> Option<(u32, u32)> {
    let id = |what: &[&str]| {
        let output = Command::new("id").args(what).output().ok()?;
        String::from_utf8_lossy(&output.stdout).trim().parse::<u32>().ok()
    };
    (id(&["-u"]) == Some(0)).then(|| id(&["-u", "postgres"]).zip(id(&["-g", "postgres"]))).flatten()
}

/// Runs a command as the user of the servers and waits for its end.
pub(crate) fn run(command: &[&str]) -> io::Result<()> {
    let mut words = Vec::new();
    if user_of_servers().is_some() {
        words.extend(["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]);
    }
    words.extend(command);
    let output = Command::new(words[0]).args(&words[1..]).stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(io::Error::other(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr))))
}

/// Returns a local port that is currently free.
pub(crate) fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Returns the path of a program, if it is installed.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/bin", "/usr/sbin", "/usr/local/bin"].map(PathBuf::from);
    std::env::split_paths(&path).chain(system).map(|folder| folder.join(name)).find(|file| file.is_file())
}
