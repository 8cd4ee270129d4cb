//! The program's side of a sign-in at a listener.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::Duration;

use octo_auth_core::{AuthorizationCode, CallbackError};
use tokio::sync::oneshot;

use crate::page::Page;

/// The result of the callback.
pub(crate) type Outcome = Result<Box<AuthorizationCode>, Box<CallbackError>>;

/// A sign-in that waits at a listener. Dropping it closes the port; a browser that still waits gets [`Page::Failed`].
#[derive(Debug)]
pub struct Waiting {
    outcome: Receiver<Outcome>,
    answer: Option<oneshot::Sender<Page>>,
    thread: Option<JoinHandle<()>>,
}

impl Waiting {
    pub(crate) fn new(
        outcome: Receiver<Outcome>,
        answer: oneshot::Sender<Page>,
        thread: JoinHandle<()>,
    ) -> Self {
        Self { outcome, answer: Some(answer), thread: Some(thread) }
    }

    /// Waits for the callback, at most for this duration. Returns `None` if it has not arrived.
    ///
    /// Returns a code at most once. The browser waits for its page until [`Self::finish`], so exchange the code first.
    ///
    /// # Errors
    ///
    /// Returns the [`CallbackError`] that ended the sign-in. The browser already has its page then.
    pub fn callback(&mut self, duration: Duration) -> Result<Option<AuthorizationCode>, CallbackError> {
        match self.outcome.recv_timeout(duration) {
            Ok(Ok(code)) => Ok(Some(*code)),
            Ok(Err(error)) => Err(*error),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Ok(None),
        }
    }

    /// Closes the port and shows the browser how the sign-in ended. Returns after the page was sent.
    pub fn finish(mut self, page: Page) {
        self.end(page);
    }

    fn end(&mut self, page: Page) {
        if let Some(answer) = self.answer.take() {
            // If this fails the thread has ended, and with it the browser's connection.
            let _ = answer.send(page);
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.end(Page::Failed);
    }
}
