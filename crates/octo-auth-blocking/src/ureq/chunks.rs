//! A chunked body whose content is veiled while it arrives, and whose framing is not.
//!
//! The framing is left to ureq to judge. It looks at nothing but the lines with the sizes of the chunks and where lines
//! end, so this is all that it is shown. Where it stops reading, what follows is lines: their ends are shown, so that
//! it finds the same mistake as without a veil.

/// The byte that stands for each byte that is not shown. It is none that frames a message.
pub(super) const STAR: u8 = b'*';

/// The longest line with a size that ureq reads.
const LONGEST_LINE: usize = 20;

/// How far a chunked body has been read.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    place: Place,
    line: SizeLine,
}

/// What the next byte belongs to.
#[derive(Debug, Default, Clone, Copy)]
enum Place {
    /// The line with the size of a chunk.
    #[default]
    Size,
    /// The end of that line, of which CR was seen.
    EndOfSize,
    /// So much of the content of a chunk.
    Content(usize),
    /// The line end behind a chunk.
    EndOfContent,
    /// The same, of which CR was seen.
    EndOfChunk,
    /// The trailers, or what follows a mistake.
    Lines,
}

/// The line with the size of a chunk, without its end.
#[derive(Debug, Default)]
struct SizeLine {
    size: Vec<u8>,
    length: usize,
    has_extension: bool,
}

impl Chunks {
    /// Reads on: hands out the content, and puts stars in its place.
    pub(super) fn veil(&mut self, bytes: &mut [u8], mut keep: impl FnMut(&[u8])) {
        let mut at = 0;
        while at < bytes.len() {
            let rest = &mut bytes[at..];
            at += if let Place::Content(left) = self.place {
                let here = left.min(rest.len());
                keep(&rest[..here]);
                rest[..here].fill(STAR);
                self.place = if here == left { Place::EndOfContent } else { Place::Content(left - here) };
                here
            } else {
                rest[0] = self.frame(rest[0]);
                1
            };
        }
    }

    /// Reads a byte of the framing; the answer is the byte that ureq is shown.
    fn frame(&mut self, byte: u8) -> u8 {
        let is_shown = matches!(self.place, Place::Size) && byte != b'\r' && self.line.read(byte);
        self.place = match (self.place, byte) {
            (Place::Size, b'\r') => Place::EndOfSize,
            (Place::EndOfSize, b'\n') => match std::mem::take(&mut self.line).size() {
                Some(size) if size > 0 => Place::Content(size),
                _ => Place::Lines,
            },
            (Place::EndOfContent, b'\r') => Place::EndOfChunk,
            (Place::Size, _) | (Place::EndOfChunk, b'\n') => Place::Size,
            _ => Place::Lines,
        };
        if is_shown || matches!(byte, b'\r' | b'\n') { byte } else { STAR }
    }
}

impl SizeLine {
    /// Reads a byte; the answer is whether ureq goes by it. An extension is only as long as it is.
    fn read(&mut self, byte: u8) -> bool {
        self.length = self.length.saturating_add(1);
        let matters = self.length <= LONGEST_LINE && !self.has_extension;
        self.has_extension |= byte == b';';
        if matters && !self.has_extension {
            self.size.push(byte);
        }
        matters
    }

    /// The size it names, if ureq reads one in it. In a line that is too long ureq sees none, so whether there would be
    /// one does not matter.
    fn size(&self) -> Option<usize> {
        let text = std::str::from_utf8(&self.size).ok()?;
        usize::from_str_radix(text.trim(), 16).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::Chunks;

    /// What arrives, what ureq is shown of it, and the content.
    const BODIES: [(&str, &str, &str); 13] = [
        ("5\r\nhello\r\n0\r\n\r\n", "5\r\n*****\r\n0\r\n\r\n", "hello"),
        ("1\r\nh\r\n4\r\nello\r\n0\r\n", "1\r\n*\r\n4\r\n****\r\n0\r\n", "hello"),
        ("6\r\n1\r\n2\r\n\r\n00\r\n\r\n", "6\r\n******\r\n00\r\n\r\n", "1\r\n2\r\n"),
        ("A;x=\"y\"\r\n0123456789\r\n", "A;*****\r\n**********\r\n", "0123456789"),
        ("0\r\nX: a\r\nY: b\r\n\r\n5\r\n", "0\r\n****\r\n****\r\n\r\n*\r\n", ""),
        // What ureq takes for a size though no standard does.
        (" +5\t\r\nhello\r\n\n5\r\nhello", " +5\t\r\n*****\r\n\n5\r\n*****", "hellohello"),
        // Mistakes: sizes that are none, are too long or too large, and line ends that are none.
        ("xyz\r\nhello\r\n", "xyz\r\n*****\r\n", ""),
        (";5\r\nhello", ";*\r\n*****", ""),
        ("000000000000000000005\r\nhello\r\n", "00000000000000000000*\r\n*****\r\n", ""),
        ("ffffffffffffffffff\r\nhello", "ffffffffffffffffff\r\n*****", ""),
        ("5\rhello\r\n", "5\r*****\r\n", ""),
        ("5\r\nhelloXY\r\n0\r\n\r\n", "5\r\n*******\r\n*\r\n\r\n", "hello"),
        ("5\r\nhello\rX\n0\r\n", "5\r\n*****\r*\n*\r\n", "hello"),
    ];

    #[test]
    fn the_content_is_veiled_and_the_framing_is_not() {
        for (arrived, shown, content) in BODIES {
            let (mut bytes, mut kept) = (arrived.as_bytes().to_vec(), Vec::new());
            Chunks::default().veil(&mut bytes, |content| kept.extend_from_slice(content));
            assert_eq!(bytes.escape_ascii().to_string(), shown.as_bytes().escape_ascii().to_string());
            assert_eq!(kept, content.as_bytes(), "{arrived:?}");
        }
    }

    #[test]
    fn it_does_not_matter_where_reads_split_a_body() {
        for (arrived, shown, content) in BODIES {
            for size in 1..=arrived.len() {
                for start in 0..size {
                    let (mut bytes, mut kept) = (arrived.as_bytes().to_vec(), Vec::new());
                    let (first, rest) = bytes.split_at_mut(start);
                    let mut chunks = Chunks::default();
                    for read in [first].into_iter().chain(rest.chunks_mut(size)) {
                        chunks.veil(read, |content| kept.extend_from_slice(content));
                    }
                    let found = (&*bytes, &*kept);
                    let expected = (shown.as_bytes(), content.as_bytes());
                    assert_eq!(found, expected, "{start} bytes, then {size} at a time");
                }
            }
        }
    }
}
