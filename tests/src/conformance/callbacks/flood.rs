//! Many connections that send nothing, and the memory that they cost a listener.

use std::net::{SocketAddr, TcpStream};

use super::Lack;

const FILES: Lack = Lack::Needs("a higher limit of open files");
const MEMORY: Lack = Lack::Needs("an operating system that tells the memory of a process in /proc");

/// Opens this count of idle connections.
pub(super) fn idle(address: SocketAddr, count: usize) -> Result<Vec<TcpStream>, Lack> {
    raise_limit(count)?;
    (0..count).map(|_| TcpStream::connect(address).map_err(|_| FILES)).collect()
}

/// Raises the limit of open files, which a process may do up to the hard limit.
#[cfg(unix)]
fn raise_limit(count: usize) -> Result<(), Lack> {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let wanted = u64::try_from(count)? + 512;
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= wanted) {
        return Ok(());
    }
    limit.current = Some(limit.maximum.map_or(wanted, |maximum| maximum.min(wanted)));
    setrlimit(Resource::Nofile, limit).map_err(|_| FILES)
}

#[cfg(not(unix))]
fn raise_limit(_: usize) -> Result<(), Lack> {
    Ok(())
}

/// Returns the memory of this process in mebibytes.
pub(super) fn memory() -> Result<f64, Lack> {
    let status = std::fs::read_to_string("/proc/self/status").map_err(|_| MEMORY)?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or(MEMORY)?;
    let kibibytes: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kibibytes / 1024.0)
}
