//! Support for the blocking form of a store that is written once, over asynchronous libraries: a runtime on a separate
//! thread, and a function that waits for a future.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use tokio::runtime::{Builder, EnterGuard, Handle};
use tokio::sync::oneshot;

/// A runtime on a separate thread. Dropping this value ends the runtime.
#[derive(Debug)]
pub struct BackgroundRuntime {
    handle: Handle,
    _end: oneshot::Sender<()>,
}

impl BackgroundRuntime {
    /// Starts a runtime on a thread with this name.
    ///
    /// # Errors
    ///
    /// Returns the error of the operating system if it cannot start a thread.
    pub fn start(name: &str) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (handle, (end, ended)) = (runtime.handle().clone(), oneshot::channel::<()>());
        let thread = thread::Builder::new().name(name.to_owned());
        thread.spawn(move || runtime.block_on(ended))?;
        Ok(Self { handle, _end: end })
    }

    /// Enters the runtime: tasks, timers and sockets that this thread creates belong to it until the guard is dropped.
    pub fn enter(&self) -> EnterGuard<'_> {
        self.handle.enter()
    }
}

/// Blocks the thread until the future is ready. Another thread must make it ready, or the future itself must block.
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

/// Wakes a thread.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
