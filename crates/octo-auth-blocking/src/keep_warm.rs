//! Renews tokens before anybody has to wait for them.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle};

use octo_auth_core::Warm;

use crate::bell::Bell;
use crate::carrier::Office;

/// Keeps the tokens of a registration warm until it is dropped.
///
/// Its thread sleeps until the next renewal is due, or something changes, at most 30 s. It begins no renewal while
/// others wait for a thread to carry them. It ends by itself once the
/// [`Accounts`](crate::Accounts) and all their handles are gone or shut down.
#[must_use = "dropping it ends the keeping warm"]
pub struct KeepWarm {
    bell: Arc<Bell>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread works with. It keeps no registration alive.
struct Driver {
    office: Weak<Office>,
    bell: Arc<Bell>,
    is_over: Arc<AtomicBool>,
    which: Warm,
}

impl KeepWarm {
    pub(crate) fn new(office: &Arc<Office>, which: Warm) -> Self {
        let bell = office.desk.bell().clone();
        let is_over = Arc::new(AtomicBool::new(false));
        let driver =
            Driver { office: Arc::downgrade(office), bell: bell.clone(), is_over: is_over.clone(), which };
        let thread = thread::Builder::new().name("octo-auth-warm".to_owned());
        Self { bell, is_over, thread: thread.spawn(move || driver.run()).ok() }
    }

    /// Whether its thread runs. Without one, which the operating system may refuse, tokens are renewed when they are
    /// asked for, as if nothing kept them warm.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }
}

impl Driver {
    fn run(self) {
        while !self.is_over.load(Ordering::Acquire) {
            // Counted before the desk is looked at: what changes after that wakes.
            let rings = self.bell.count();
            let Some(office) = self.office.upgrade() else { return };
            let Some((job, at_most)) = office.desk.tend(self.which, office.crew.has_room()) else { return };
            if let Some(job) = job {
                office.carry(job);
                continue;
            }
            drop(office);
            if !self.is_over.load(Ordering::Acquire) {
                self.bell.wait_past(rings, at_most);
            }
        }
    }
}

impl fmt::Debug for KeepWarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeepWarm").field("is_running", &self.is_running()).finish()
    }
}

impl Drop for KeepWarm {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Release);
        self.bell.ring();
    }
}
