//! The time that is left of a wait, on one line of a terminal.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use crate::status::in_words;

/// How often the line is rewritten.
const STEP: Duration = Duration::from_secs(1);

/// The width of the line, which covers any earlier text of it.
const WIDTH: usize = 24;

/// Returns standard error if it is a terminal.
pub(super) fn terminal() -> Option<io::Stderr> {
    Some(io::stderr()).filter(IsTerminal::is_terminal)
}

/// Polls until there is a result, or until no time is left. `poll` waits at most for its duration.
///
/// A terminal shows the time that is left, rewritten each second. Without a terminal nothing is written.
pub(super) fn wait<T>(
    mut terminal: Option<impl Write>,
    left: impl Fn() -> Duration,
    mut poll: impl FnMut(Duration) -> Option<T>,
) -> Option<T> {
    loop {
        let left = left();
        let mut step = left;
        if let Some(terminal) = &mut terminal {
            step = left.min(STEP);
            write(terminal, &format!("{} left", in_words(left)));
        }
        let result = poll(step);
        if result.is_some() || step == left {
            if let Some(terminal) = &mut terminal {
                write(terminal, "");
            }
            return result;
        }
    }
}

/// Rewrites the line, and returns to its beginning. If that fails, the sign-in continues without it.
fn write(terminal: &mut impl Write, text: &str) {
    let _ = write!(terminal, "{text:<WIDTH$}\r").and_then(|()| terminal.flush());
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// Waits 63 s for a result that arrives when this much time is left. Returns it with the durations of the polls.
    fn waited(terminal: Option<&mut Vec<u8>>, arrival: Duration) -> (Option<&'static str>, Vec<u64>) {
        let left = Cell::new(Duration::from_secs(63));
        let mut polls = Vec::new();
        let result = wait(
            terminal,
            || left.get(),
            |step| {
                polls.push(step.as_secs());
                let after = left.get().saturating_sub(step);
                left.set(after);
                (after <= arrival && !arrival.is_zero()).then_some("callback")
            },
        );
        (result, polls)
    }

    #[test]
    fn a_terminal_shows_the_time_left_each_second_and_an_empty_line_after_the_callback() {
        let mut shown = Vec::new();
        let (result, polls) = waited(Some(&mut shown), Duration::from_secs(58));
        assert_eq!((result, polls), (Some("callback"), vec![1; 5]));
        let shown = String::from_utf8(shown).expect("UTF-8");
        let lines: Vec<_> = shown.split_terminator('\r').map(str::trim_end).collect();
        let times =
            ["1 min 03 s left", "1 min 02 s left", "1 min 01 s left", "1 min 00 s left", "59 s left", ""];
        assert_eq!(lines, times);
        assert!(shown.split_terminator('\r').all(|line| line.len() == WIDTH), "{shown:?}");
    }

    #[test]
    fn the_wait_ends_when_no_time_is_left() {
        let mut shown = Vec::new();
        assert_eq!(waited(Some(&mut shown), Duration::ZERO), (None, vec![1; 63]));
    }

    #[test]
    fn without_a_terminal_the_wait_is_one_poll() {
        assert_eq!(waited(None, Duration::from_secs(58)), (Some("callback"), vec![63]));
        assert_eq!(waited(None, Duration::ZERO), (None, vec![63]));
    }
}
