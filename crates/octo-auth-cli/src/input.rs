//! Whole files and standard input, up to a limit: a device or a pipe without an end does not fill the memory.

use std::io::{self, Read};

/// The most that is read, in bytes. A list of a million rules is shorter.
const LONGEST: u64 = 64 * 1024 * 1024;

/// Room for a certificate with its key, so that no half-read copy of a key is left behind by growing.
const ROOM: usize = 64 * 1024;

/// Reads everything.
///
/// # Errors
///
/// That of the reader, or one that says that there is more than 64 MiB.
pub(crate) fn bytes(reader: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(ROOM);
    reader.take(LONGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LONGEST {
        return Err(io::Error::other("it is longer than 64 MiB"));
    }
    Ok(bytes)
}

/// Reads everything as text.
///
/// # Errors
///
/// As [`bytes`], or one that says that the text is not UTF-8.
pub(crate) fn text(reader: impl Read) -> io::Result<String> {
    String::from_utf8(bytes(reader)?).map_err(|_| io::Error::other("it is not UTF-8"))
}
