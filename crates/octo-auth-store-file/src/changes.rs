//! Change notices: on Linux the kernel reports which file was renamed to its place.
//!
//! A missed notice costs only a delay, because processes also poll a shared store from time to time. Notices are missed
//! on a network file system, or after an overflow.

use octo_auth_core::ChangeListener;

use crate::directory::Directory;

#[cfg(target_os = "linux")]
pub(crate) use watch::Changes;

/// The type for platforms without notices.
#[cfg(not(target_os = "linux"))]
#[derive(Default)]
pub(crate) struct Changes;

#[cfg(not(target_os = "linux"))]
impl Changes {
    pub(crate) fn listen(&self, _: &Directory, _: ChangeListener) -> bool {
        false
    }
}

#[cfg(target_os = "linux")]
mod watch {
    use std::mem::MaybeUninit;
    use std::os::fd::{AsRawFd, OwnedFd};
    use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
    use std::thread;

    use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
    use rustix::fs::inotify::{CreateFlags, Reader, WatchFlags, add_watch, init};
    use rustix::io::Errno;

    use super::{ChangeListener, Directory};
    use crate::file_name::{Kind, decode};

    /// The listeners of a store, and the thread that calls them. The first listener starts the thread.
    #[derive(Default)]
    pub(crate) struct Changes {
        listeners: Arc<Mutex<Vec<ChangeListener>>>,
        /// A write to it ends the thread; `None` if there is no thread.
        end: Mutex<Option<Arc<OwnedFd>>>,
    }

    impl Changes {
        /// Adds a listener. Returns whether notices will come.
        pub(crate) fn listen(&self, directory: &Directory, listener: ChangeListener) -> bool {
            let mut end = lock(&self.end);
            if end.is_none() {
                *end = self.start(directory).ok();
            }
            if end.is_some() {
                lock(&self.listeners).push(listener);
            }
            end.is_some()
        }

        fn start(&self, directory: &Directory) -> std::io::Result<Arc<OwnedFd>> {
            let notices = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
            // This is the open directory, even if its path leads elsewhere by now.
            let path = format!("/proc/self/fd/{}", directory.descriptor().as_raw_fd());
            add_watch(&notices, path, WatchFlags::MOVED_TO | WatchFlags::ONLYDIR)?;
            let end = Arc::new(eventfd(0, EventfdFlags::CLOEXEC)?);
            let (ending, listeners) = (end.clone(), self.listeners.clone());
            let thread = thread::Builder::new().name("octo-auth-watch".to_owned());
            thread.spawn(move || watch(&notices, &ending, &listeners))?;
            Ok(end)
        }
    }

    impl Drop for Changes {
        fn drop(&mut self) {
            if let Some(end) = &*lock(&self.end) {
                let _ = rustix::io::write(end, &1_u64.to_ne_bytes());
            }
        }
    }

    /// Calls the listeners until the thread is ended.
    fn watch(notices: &OwnedFd, end: &OwnedFd, listeners: &Mutex<Vec<ChangeListener>>) {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = Reader::new(notices, &mut buffer);
        loop {
            let mut waited = [PollFd::new(notices, PollFlags::IN), PollFd::new(end, PollFlags::IN)];
            match poll(&mut waited, None) {
                Err(Errno::INTR) => continue,
                Err(_) => return,
                Ok(_) if !waited[1].revents().is_empty() => return,
                Ok(_) => {}
            }
            while let Ok(notice) = reader.next() {
                let file = notice.file_name().map(std::ffi::CStr::to_bytes).unwrap_or_default();
                let Some(name) = decode(file, Kind::Record) else { continue };
                let listeners = lock(listeners).clone();
                listeners.iter().for_each(|listener| listener(&name));
            }
        }
    }

    fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
        mutex.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
