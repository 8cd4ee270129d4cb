//! Change notices: a thread with a connection that listens.
//!
//! Notices that are published while the connection is down are lost. Processes also poll a shared store from time to
//! time.

use std::sync::mpsc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use futures_util::StreamExt;
use octo_auth_core::{ChangeListener, RecordName};
use redis::{Client, RedisResult};
use tokio::sync::oneshot;
use tokio::time::sleep;

/// The first pause before a reconnection. It doubles up to the longest one.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The limit of the first listener's wait for the connection.
const START: Duration = Duration::from_millis(500);

/// The change notices of a store: its listeners, and the thread that calls them. The first listener starts the thread.
pub(crate) struct Listening {
    /// `None` if no connection can listen.
    client: Option<Client>,
    channel: String,
    listeners: Arc<Mutex<Vec<ChangeListener>>>,
    /// Dropping it ends the thread.
    end: Mutex<Option<oneshot::Sender<()>>>,
}

impl Listening {
    pub(crate) fn new(client: Option<Client>, channel: String) -> Self {
        Self { client, channel, listeners: Arc::default(), end: Mutex::default() }
    }

    /// Adds a listener. Returns whether notices will come. The first listener waits up to half a second for the
    /// connection, because notices published earlier are lost.
    pub(crate) fn add(&self, listener: ChangeListener) -> bool {
        let Some(client) = &self.client else { return false };
        lock(&self.listeners).push(listener);
        let mut end = lock(&self.end);
        if end.is_none() {
            let (ender, ended) = oneshot::channel();
            let (started, begun) = mpsc::channel();
            let (client, channel, listeners) = (client.clone(), self.channel.clone(), self.listeners.clone());
            let hearing = Hearing { client, channel, listeners, started };
            let thread = thread::Builder::new().name("octo-auth-listen".to_owned());
            *end = thread.spawn(move || hearing.run(ended)).ok().map(|_| ender);
            let _ = begun.recv_timeout(START);
        }
        end.is_some()
    }
}

/// The thread that listens.
struct Hearing {
    client: Client,
    channel: String,
    listeners: Arc<Mutex<Vec<ChangeListener>>>,
    /// Receives a message when the connection listens.
    started: mpsc::Sender<()>,
}

impl Hearing {
    fn run(self, mut ended: oneshot::Receiver<()>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let Ok(runtime) = runtime else { return };
        runtime.block_on(async {
            let mut pause = FIRST_PAUSE;
            loop {
                tokio::select! {
                    _ = &mut ended => return,
                    // The error is ignored: every other connection gets the same one, and the calls of the store return
                    // it.
                    _ = self.hear(&mut pause) => {}
                }
                tokio::select! {
                    _ = &mut ended => return,
                    () = sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
                }
            }
        });
    }

    /// Listens until the connection ends.
    async fn hear(&self, pause: &mut Duration) -> RedisResult<()> {
        let mut connection = self.client.get_async_pubsub().await?;
        connection.subscribe(&self.channel).await?;
        let _ = self.started.send(());
        *pause = FIRST_PAUSE;
        let mut messages = connection.on_message();
        while let Some(message) = messages.next().await {
            if let Ok(name) = RecordName::parse(&String::from_utf8_lossy(message.get_payload_bytes())) {
                let listeners = lock(&self.listeners).clone();
                listeners.iter().for_each(|listener| listener(&name));
            }
        }
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
