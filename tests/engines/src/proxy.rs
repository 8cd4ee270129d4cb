//! A local proxy that cuts connections.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

/// The time at which a connection is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Before the server receives the statement.
    BeforeStatement,
    /// After the server has answered the statement, before the client receives the answer.
    BeforeAnswer,
}

/// A proxy in front of a server.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    /// The text of the statement at which the next connection is cut, and the time of the cut.
    trap: Option<(String, Cut)>,
    connections: Vec<TcpStream>,
    /// The port of the server.
    to: u16,
    is_closed: bool,
}

impl Proxy {
    /// Starts a proxy in front of a local port.
    ///
    /// # Errors
    ///
    /// Returns an error if it cannot listen.
    pub fn start(to: u16) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Mutex::new(Shared { to, ..Shared::default() }));
        let own = shared.clone();
        thread::spawn(move || {
            for client in listener.incoming() {
                if lock(&own).is_closed {
                    return;
                }
                let _ = client.and_then(|client| forward(client, &own));
            }
        });
        Ok(Self { port, shared })
    }

    /// Returns its port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Cuts the connection that sends the next statement with this text.
    pub fn cut_at(&self, text: &str, cut: Cut) {
        lock(&self.shared).trap = Some((text.to_owned(), cut));
    }

    /// Returns whether the cut ordered by [`Proxy::cut_at`] has happened.
    #[must_use]
    pub fn has_cut(&self) -> bool {
        lock(&self.shared).trap.is_none()
    }

    /// Cuts all open connections. Later ones go to the server at another port.
    pub fn redirect(&self, to: u16) {
        let mut shared = lock(&self.shared);
        shared.to = to;
        shared.cut_all();
    }

    /// Cuts all open connections.
    pub fn cut_all(&self) {
        lock(&self.shared).cut_all();
    }
}

impl Shared {
    fn cut_all(&mut self) {
        for connection in self.connections.drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let mut shared = lock(&self.shared);
        shared.is_closed = true;
        shared.cut_all();
        drop(shared);
        // This wakes the thread that accepts connections.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn forward(client: TcpStream, shared: &Arc<Mutex<Shared>>) -> io::Result<()> {
    let to = lock(shared).to;
    let server = TcpStream::connect(("127.0.0.1", to))?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    lock(shared).connections.extend([client.try_clone()?, server.try_clone()?]);
    // Whether the client must not receive the next answer.
    let is_cut = Arc::new(Mutex::new(false));
    let (statements, answers) = ((client.try_clone()?, server.try_clone()?), (server, client));
    let (own, cuts) = (shared.clone(), is_cut.clone());
    thread::spawn(move || copy(statements, |bytes| own_turn(&own, &cuts, bytes)));
    thread::spawn(move || copy(answers, |_| !*lock(&is_cut)));
    Ok(())
}

/// Returns whether a statement is forwarded to the server.
fn own_turn(shared: &Mutex<Shared>, cuts: &Mutex<bool>, statement: &[u8]) -> bool {
    let trap = &mut lock(shared).trap;
    let is_it =
        |(text, _): &mut (String, Cut)| statement.windows(text.len()).any(|part| part == text.as_bytes());
    match trap.take_if(is_it) {
        None => true,
        Some((_, Cut::BeforeStatement)) => false,
        Some((_, Cut::BeforeAnswer)) => {
            *lock(cuts) = true;
            true
        }
    }
}

/// Copies until the connection ends, or until `goes_on` returns `false`, which cuts it in both directions.
fn copy((mut from, mut to): (TcpStream, TcpStream), goes_on: impl Fn(&[u8]) -> bool) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if !goes_on(&buffer[..length]) || to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    for end in [from, to] {
        let _ = end.shutdown(Shutdown::Both);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
