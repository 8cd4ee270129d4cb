//! For the blocking colour of a store that is written once, over asynchronous libraries: a runtime on a thread of its own, and
//! waiting for what it does.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use tokio::runtime::{Builder, EnterGuard, Handle};
use tokio::sync::oneshot;

/// A runtime on a thread of its own, which ends with this value.
#[derive(Debug)]
pub struct BackgroundRuntime {
    handle: Handle,
    _end: oneshot::Sender<()>,
}

impl BackgroundRuntime {
    /// Starts a runtime on a thread of this name.
    ///
    /// # Errors
    ///
    /// Why the operating system starts no thread.
    pub fn start(name: &str) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (handle, (end, ended)) = (runtime.handle().clone(), oneshot::channel::<()>());
        let thread = thread::Builder::new().name(name.to_owned());
        thread.spawn(move || runtime.block_on(ended))?;
        Ok(Self { handle, _end: end })
    }

    /// Lets tasks that this thread starts, and times and sockets that it waits for, belong to this runtime.
    pub fn enter(&self) -> EnterGuard<'_> {
        self.handle.enter()
    }
}

/// Blocks the thread until a future has its output. Another thread brings that about, or the future blocks itself.
pub fn wait_for<T>(work: impl Future<Output = T>) -> T {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut work = pin!(work);
    loop {
        match work.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

/// Lets a thread go on.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
