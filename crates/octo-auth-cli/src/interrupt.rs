//! Ctrl-C while a token is renewed: what the provider answers is stored before the program ends.
//!
//! A provider that replaces refresh tokens has ended the old one with its answer; the new one is lost unless it is stored.

use octo_auth_blocking::Accounts;

use crate::failure::Failure;

/// Has SIGINT and SIGTERM finish what is under way first. A second signal ends the program at once.
///
/// # Errors
///
/// A [`Failure`] if the operating system does not let signals be caught.
#[cfg(unix)]
pub(crate) fn finish_first(accounts: &Accounts) -> Result<(), Failure> {
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::{flag, iterator::Signals};

    use crate::failure::Exit;
    use crate::output;

    let uncaught = |error: std::io::Error| {
        Failure::new(Exit::TryLater, "signals cannot be caught").because_of(Some(&error))
    };
    let is_second = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // In this order: the first signal only sets the flag.
        flag::register_conditional_shutdown(signal, 128 + signal, is_second.clone()).map_err(uncaught)?;
        flag::register(signal, is_second.clone()).map_err(uncaught)?;
    }
    let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(uncaught)?;
    let accounts = accounts.clone();
    std::thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            if !accounts.unfinished().is_empty() {
                output::tell("note: what the provider answers is stored first; Ctrl-C again ends at once");
            }
            accounts.shutdown();
            std::process::exit(128 + signal);
        }
    });
    Ok(())
}

/// Signals are those of Unix.
///
/// # Errors
///
/// None.
#[cfg(not(unix))]
pub(crate) fn finish_first(_: &Accounts) -> Result<(), Failure> {
    Ok(())
}
