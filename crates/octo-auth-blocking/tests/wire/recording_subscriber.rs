//! Records the log at trace level, and reconstructs the bytes on the wire from it.

use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use log::{LevelFilter, Log, Metadata, Record};

/// The log target of ureq's dump of the bytes on the wire, in rows of 16.
const WIRE: &str = "ureq_proto::util";

/// The recorded log.
#[derive(Default)]
pub(crate) struct Heard {
    /// The bytes of all rows in sequence, so that a text that spans two rows is found.
    wire: Vec<u8>,
    /// All log lines, unchanged.
    lines: String,
}

struct RecordingSubscriber {
    heard: Mutex<Heard>,
    turn: Mutex<()>,
}

static EAR: RecordingSubscriber = RecordingSubscriber {
    heard: Mutex::new(Heard { wire: Vec::new(), lines: String::new() }),
    turn: Mutex::new(()),
};

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Log for RecordingSubscriber {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let line = record.args().to_string();
        let mut heard = lock(&self.heard);
        if record.target() == WIRE {
            heard.wire.extend(bytes(&line));
        }
        heard.lines.push_str(&format!("{}: {line}\n", record.target()));
    }

    fn flush(&self) {}
}

/// Returns the bytes of a row: eight groups of two bytes in hexadecimal digits, with dashes for missing bytes.
fn bytes(row: &str) -> Vec<u8> {
    let digits: Vec<char> = row.chars().take(40).filter(|sign| *sign != ' ').collect();
    assert_eq!(digits.len(), 32, "the rows have another shape: {row}");
    let pairs = digits.chunks(2).map(|pair| pair.iter().collect::<String>());
    pairs.map_while(|pair| u8::from_str_radix(&pair, 16).ok()).collect()
}

/// Waits for its turn, so that no other test is recorded. The log is off meanwhile.
pub(crate) fn turn() -> MutexGuard<'static, ()> {
    lock(&EAR.turn)
}

/// Runs code whose log is not recorded.
pub(crate) fn unheard<R>(doing: impl FnOnce() -> R) -> R {
    let _turn = turn();
    doing()
}

/// Records the log while code runs.
pub(crate) fn hear(doing: impl FnOnce()) -> Heard {
    static LISTENING: Once = Once::new();
    let _turn = turn();
    LISTENING.call_once(|| log::set_logger(&EAR).expect("no other logger"));
    *lock(&EAR.heard) = Heard::default();
    log::set_max_level(LevelFilter::Trace);
    doing();
    log::set_max_level(LevelFilter::Off);
    std::mem::take(&mut *lock(&EAR.heard))
}

impl Heard {
    /// Returns whether the log contains a text, on the wire or in words.
    pub(crate) fn holds(&self, text: &str) -> bool {
        self.wire.windows(text.len()).any(|part| part == text.as_bytes()) || self.lines.contains(text)
    }

    /// Returns how often a text was on the wire.
    pub(crate) fn on_the_wire(&self, text: &str) -> usize {
        self.wire.windows(text.len()).filter(|part| *part == text.as_bytes()).count()
    }

    /// Returns the number of connections that ureq logged.
    pub(crate) fn connections(&self) -> usize {
        self.lines.matches("Connected TcpStream to ").count()
    }

    /// Returns the bytes on the wire as readable text.
    pub(crate) fn wire(&self) -> String {
        self.wire.escape_ascii().to_string()
    }
}
