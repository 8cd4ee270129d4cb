//! Reads whole files and standard input up to a limit, so that an endless device or pipe does not fill the memory.

use std::io::{self, Read};

/// The limit in bytes. A list of a million rules is shorter.
const LONGEST: u64 = 64 * 1024 * 1024;

/// The initial capacity: room for a certificate with its key. A growing buffer would leave a copy of the key behind.
const ROOM: usize = 64 * 1024;

/// Reads everything.
///
/// # Errors
///
/// Returns the error of the reader, or an error if there are more than 64 MiB.
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
/// Returns the errors of [`bytes`], or an error if the text is not UTF-8.
pub(crate) fn text(reader: impl Read) -> io::Result<String> {
    String::from_utf8(bytes(reader)?).map_err(|_| io::Error::other("it is not UTF-8"))
}
