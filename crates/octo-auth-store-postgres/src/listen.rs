//! Change notices: a thread with a connection that listens.
//!
//! After each start of the connection the thread reads the names of the records written meanwhile, so a gap loses no
//! notice. Notices are only hints: processes also poll a shared store from time to time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use octo_auth_core::{ChangeListener, RecordName};
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep;
use tokio_postgres::types::Type;

use crate::pool::PoolError;
use crate::schema::Schema;
use crate::target::Target;

/// The first pause before a reconnection. It doubles up to the longest one.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How long before a gap a change may have been written that was not visible at that time.
const MARGIN: Duration = Duration::from_secs(2);

/// The change notices of a store: its listeners, and the thread that calls them. The first listener starts the thread.
pub(crate) struct Listening {
    /// `None` if no connection can listen.
    target: Option<Target>,
    schema: Schema,
    listeners: Arc<Mutex<Vec<ChangeListener>>>,
    /// Dropping it ends the thread.
    end: Mutex<Option<oneshot::Sender<()>>>,
}

impl Listening {
    pub(crate) fn new(target: Option<Target>, schema: Schema) -> Self {
        Self { target, schema, listeners: Arc::default(), end: Mutex::default() }
    }

    /// Adds a listener. Returns whether notices will come.
    pub(crate) fn add(&self, listener: ChangeListener) -> bool {
        let Some(target) = &self.target else { return false };
        lock(&self.listeners).push(listener);
        let mut end = lock(&self.end);
        if end.is_none() {
            let (ender, ended) = oneshot::channel();
            let (target, schema, listeners) = (target.clone(), self.schema.clone(), self.listeners.clone());
            let hearing = Hearing { target, schema, listeners, since: Instant::now() };
            let thread = thread::Builder::new().name("octo-auth-listen".to_owned());
            *end = thread.spawn(move || hearing.run(ended)).ok().map(|_| ender);
        }
        end.is_some()
    }
}

/// The thread that listens.
struct Hearing {
    target: Target,
    schema: Schema,
    listeners: Arc<Mutex<Vec<ChangeListener>>>,
    /// All changes up to this time are known.
    since: Instant,
}

impl Hearing {
    fn run(mut self, mut ended: oneshot::Receiver<()>) {
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
    async fn hear(&mut self, pause: &mut Duration) -> Result<(), PoolError> {
        let (heard, mut payloads) = mpsc::unbounded_channel();
        let client = self.target.connect(Some(heard)).await?;
        client.batch_execute(&format!(r#"LISTEN "{}""#, self.schema.channel())).await?;
        let gap = (self.since.elapsed() + MARGIN).as_secs_f64();
        let missed = format!(
            r#"SELECT name FROM "{}".record WHERE written > statement_timestamp() - $1 * interval '1 second'"#,
            self.schema.as_str()
        );
        for row in client.query_typed(&missed, &[(&gap, Type::FLOAT8)]).await? {
            self.tell(row.try_get(0)?);
        }
        *pause = FIRST_PAUSE;
        while let Some(payload) = payloads.recv().await {
            self.tell(&payload);
            self.since = Instant::now();
        }
        Ok(())
    }

    fn tell(&self, name: &str) {
        let Ok(name) = RecordName::parse(name) else { return };
        let listeners = lock(&self.listeners).clone();
        listeners.iter().for_each(|listener| listener(&name));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
