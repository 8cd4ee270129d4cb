//! Checks of content: any bytes come back unchanged.

use octo_auth_core::RecordBytes;

use super::operations::{holds, load, name, put};
use crate::suite::Shelf;
use crate::suite::found::{Found, expect};

/// The largest record that the core reads, in bytes.
const LARGEST: usize = 256 * 1024;

pub(super) async fn unknown_name(shelf: &impl Shelf) -> Found {
    let found = load(shelf, &name("unknown", 0)).await?;
    expect(found.is_none(), || "a record is stored under a name that was never used".to_owned())
}

pub(super) async fn whole(shelf: &impl Shelf) -> Found {
    let samples = samples();
    for (content, number) in samples.iter().zip(0..) {
        let name = name("whole", number);
        let version = put(shelf, &name, None, content).await?;
        holds(shelf, &name, version, content).await?;
    }
    // Later content contains no remains of earlier content.
    let (name, mut version) = (name("whole", 100), None);
    for content in samples.iter().chain(samples.iter().rev()) {
        let stored = put(shelf, &name, version, content).await?;
        holds(shelf, &name, stored, content).await?;
        version = Some(stored);
    }
    Ok(())
}

/// Returns content that a store may alter if it takes the bytes for text or for a format of its own.
fn samples() -> Vec<RecordBytes> {
    let every_byte: Vec<u8> = (0..=u8::MAX).collect();
    let large: Vec<u8> = every_byte.iter().rev().copied().cycle().take(LARGEST).collect();
    let samples: [&[u8]; 12] = [
        b"",
        b"\0",
        b"before\0after\0",
        b" \t with space around it \r\n",
        b"first\r\nsecond\nthird\r",
        b"{\"v\": 1, \"b\":1, \"a\":1.0}",
        b"' \" \\ \\x00 ; -- %s $1 ?1 :a",
        "\u{FEFF}e\u{301} \u{e9} \u{1F511}".as_bytes(),
        b"\xC3\x28 \xFF\xFE is not UTF-8",
        b"1.0",
        &every_byte,
        &large,
    ];
    samples.into_iter().map(RecordBytes::from).collect()
}
