//! The connections of a listener: many concurrent ones on one thread, none of which can delay another.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::mpsc::Sender;
use std::task::Poll;
use std::time::Duration;

use octo_auth_system::Clock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, timeout, timeout_at};
use zeroize::Zeroizing;

use crate::page::Page;
use crate::request::Refusal;
use crate::sign_in::{SignIn, Visit};
use crate::waiting::Outcome;

/// The limit of connections that are sending a request, or receiving a page.
const MOST: usize = 64;

/// The bytes to read at once.
const CHUNK: usize = 4 * 1024;

/// How long a connection is read after its page was sent. Closing it with unread bytes could lose the page.
const LINGER: Duration = Duration::from_millis(500);

/// The sign-in of a listener, and how it is served.
pub(crate) struct Served<C> {
    pub(crate) sign_in: SignIn,
    pub(crate) provider: String,
    pub(crate) patience: Duration,
    pub(crate) clock: C,
}

/// A connection and what it has sent so far.
struct Arrived {
    stream: TcpStream,
    bytes: Zeroizing<Vec<u8>>,
    /// When its request must be complete.
    deadline: Instant,
    is_late: bool,
}

/// Serves connections until the program has chosen the last page.
pub(crate) async fn serve<C: Clock>(
    listeners: Vec<TcpListener>,
    mut served: Served<C>,
    found: &Sender<Outcome>,
    mut answered: oneshot::Receiver<Page>,
) {
    let mut reading = Bounded::default();
    let mut sending = Bounded::default();
    let mut browser = None;
    let page = loop {
        tokio::select! {
            page = &mut answered => break page.unwrap_or(Page::Failed),
            Some(arrived) = reading.next() => match served.visit(&arrived) {
                Visit::Incomplete => reading.spawn(read(arrived)),
                Visit::Page(page) => sending.spawn(send(arrived.stream, page.response(&served.provider))),
                Visit::Code(code) => {
                    browser = Some(arrived.stream);
                    let _ = found.send(Ok(code));
                }
                Visit::Ended(page, error) => {
                    sending.spawn(send(arrived.stream, page.response(&served.provider)));
                    let _ = found.send(Err(error));
                }
            },
            Some(()) = sending.next() => {}
            stream = accept(&listeners) => {
                let deadline = Instant::now() + served.patience;
                let arrived = Arrived { stream, bytes: Zeroizing::default(), deadline, is_late: false };
                reading.spawn(read(arrived));
            }
        }
    };
    drop((listeners, reading));
    if let Some(stream) = browser {
        sending.spawn(send(stream, page.response(&served.provider)));
    }
    while sending.next().await.is_some() {}
}

impl<C: Clock> Served<C> {
    fn visit(&mut self, arrived: &Arrived) -> Visit {
        match self.sign_in.visit(&arrived.bytes, self.clock.now()) {
            Visit::Incomplete if arrived.is_late => Visit::Page(Refusal::TooSlow.into()),
            visit => visit,
        }
    }
}

/// Accepts the next connection of any listener. After an error, such as too many open files, waits and tries again.
async fn accept(listeners: &[TcpListener]) -> TcpStream {
    loop {
        let accepted = poll_fn(|context| {
            let mut polls = listeners.iter().map(|listener| listener.poll_accept(context));
            polls.find(Poll::is_ready).unwrap_or(Poll::Pending)
        });
        match accepted.await {
            Ok((stream, _)) => return stream,
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

/// Reads the next piece of a request. Returns `None` if the client has left.
async fn read(mut arrived: Arrived) -> Option<Arrived> {
    arrived.bytes.reserve(CHUNK);
    let bytes: &mut Vec<u8> = &mut arrived.bytes;
    match timeout_at(arrived.deadline, arrived.stream.read_buf(bytes)).await {
        Ok(Ok(0) | Err(_)) => return None,
        Ok(Ok(_)) => {}
        Err(_) => arrived.is_late = true,
    }
    Some(arrived)
}

/// Sends a page and closes the connection.
async fn send(mut stream: TcpStream, response: Vec<u8>) -> Option<()> {
    let sent = async {
        stream.write_all(&response).await?;
        stream.shutdown().await?;
        let mut rest = [0; CHUNK];
        while stream.read(&mut rest).await? > 0 {}
        std::io::Result::Ok(())
    };
    // A client that neither reads nor closes is dropped.
    let _ = timeout(LINGER, sent).await;
    Some(())
}

/// A limited set of tasks. If it is full, the oldest task is aborted.
struct Bounded<T> {
    tasks: JoinSet<Option<T>>,
    handles: VecDeque<AbortHandle>,
}

impl<T> Default for Bounded<T> {
    fn default() -> Self {
        Self { tasks: JoinSet::new(), handles: VecDeque::new() }
    }
}

impl<T: Send + 'static> Bounded<T> {
    fn spawn(&mut self, task: impl Future<Output = Option<T>> + Send + 'static) {
        self.handles.retain(|handle| !handle.is_finished());
        if self.handles.len() >= MOST {
            if let Some(oldest) = self.handles.pop_front() {
                oldest.abort();
            }
        }
        self.handles.push_back(self.tasks.spawn(task));
    }

    /// Waits for the next result. Returns `None` if there are no tasks.
    async fn next(&mut self) -> Option<T> {
        loop {
            if let Some(result) = self.tasks.join_next().await?.ok().flatten() {
                return Some(result);
            }
        }
    }
}
