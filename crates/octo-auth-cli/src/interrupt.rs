//! Ctrl-C during a refresh: the answer of the provider is stored before the program ends.
//!
//! A provider that rotates refresh tokens has ended the old one with its answer. The new one is lost unless it is
//! stored.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use octo_auth_blocking::TokenManager;

use crate::failure::Failure;

/// Whether a signal has arrived, once signals are caught.
static IS_ENDING: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// Returns unless a signal has arrived. In that case, another thread finishes the work in flight and ends the program
/// with the exit code of the signal.
pub(crate) fn leave_the_end() {
    while IS_ENDING.get().is_some_and(|is_ending| is_ending.load(Ordering::SeqCst)) {
        std::thread::park();
    }
}

/// Catches SIGINT, SIGTERM and SIGHUP and finishes the work in flight first. A second signal ends the program at once.
///
/// # Errors
///
/// Returns a [`Failure`] if the operating system cannot register the handlers.
#[cfg(unix)]
pub(crate) fn finish_first(manager: &TokenManager) -> Result<(), Failure> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::{flag, iterator::Signals};

    use crate::failure::Exit;
    use crate::output;

    const ENDING: [i32; 3] = [SIGHUP, SIGINT, SIGTERM];
    let uncaught = |error: std::io::Error| {
        Failure::new(Exit::TryLater, "signals cannot be caught").because_of(Some(&error))
    };
    // This comes before the flag that blocks main: the thread below must see each signal that sets the flag.
    let mut signals = Signals::new(ENDING).map_err(uncaught)?;
    let is_second = IS_ENDING.get_or_init(Arc::default);
    for signal in ENDING {
        // The order matters: the first signal must only set the flag.
        flag::register_conditional_shutdown(signal, 128 + signal, is_second.clone()).map_err(uncaught)?;
        flag::register(signal, is_second.clone()).map_err(uncaught)?;
    }
    let manager = manager.clone();
    std::thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            if !manager.unfinished().is_empty() {
                output::tell("note: what the provider answers is stored first; Ctrl-C again ends at once");
            }
            manager.shutdown();
            std::process::exit(128 + signal);
        }
    });
    Ok(())
}

/// Signals exist only on Unix.
///
/// # Errors
///
/// Never returns an error.
#[cfg(not(unix))]
pub(crate) fn finish_first(_: &TokenManager) -> Result<(), Failure> {
    Ok(())
}
