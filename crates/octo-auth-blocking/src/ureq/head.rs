//! The head of a response, made readable while it arrives.
//!
//! A control character in a header makes ureq refuse the whole response and hide its status, which is what the
//! core judges by. So it becomes a space, as RFC 9110 section 5.5 allows. Everything else stays as the server
//! wrote it: the status line, the body, and NUL, CR and LF, so that what is no HTTP is still refused. The end of
//! the head is where ureq's parser sees it; where that parser refuses, it does not matter what is seen here.

/// How far the heads of a response have been read: that of each interim answer (1xx), then the final one.
#[derive(Debug, Default)]
pub(super) struct Head {
    part: Part,
    /// The length of the line so far, without CR.
    length: usize,
    /// The digits of the status.
    status: [u8; 3],
}

/// What the next byte belongs to.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// A status line, or an empty line before it.
    #[default]
    StatusLine,
    /// A header, or the empty line that ends the head.
    Headers,
    /// What follows the final head.
    Rest,
}

impl Head {
    /// Reads on, and puts a space in the place of each control character inside a header. The answer is how many of
    /// the bytes belong to a head.
    pub(super) fn clean(&mut self, bytes: &mut [u8]) -> usize {
        for (at, byte) in bytes.iter_mut().enumerate() {
            match (self.part, *byte) {
                (Part::Rest, _) => return at,
                (_, b'\n') => self.end_line(),
                (_, b'\r') => {}
                (Part::StatusLine, other) => self.note_status(other),
                (Part::Headers, other) => {
                    self.length += 1;
                    if matches!(other, 0x01..=0x08 | 0x0b..=0x1f | 0x7f) {
                        *byte = b' ';
                    }
                }
            }
        }
        bytes.len()
    }

    /// Whether the final head has been read to its end.
    pub(super) fn is_over(&self) -> bool {
        self.part == Part::Rest
    }

    /// Reads a byte of the status line, where the status stands after `HTTP/1.1 `.
    fn note_status(&mut self, byte: u8) {
        if let Some(digit) = self.length.checked_sub(9).and_then(|place| self.status.get_mut(place)) {
            *digit = byte;
        }
        self.length += 1;
    }

    fn end_line(&mut self) {
        let is_empty = self.length == 0;
        // 101 ends HTTP on the connection, so no other head follows it.
        let is_interim = self.status[0] == b'1' && self.status != *b"101";
        self.part = match self.part {
            Part::StatusLine if !is_empty => Part::Headers,
            Part::Headers if is_empty && is_interim => Part::StatusLine,
            Part::Headers if is_empty => Part::Rest,
            unchanged => unchanged,
        };
        self.length = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::Head;

    const ANSWERS: [(&str, &str); 5] = [
        (
            "HTTP/1.1 302 -\r\nlocation: /\x1b[31m\r\nx: a\tb\x7f\u{e9}\r\n\r\n{\x1b\r\n\r\nx: \x1b}",
            "HTTP/1.1 302 -\r\nlocation: / [31m\r\nx: a\tb \u{e9}\r\n\r\n{\x1b\r\n\r\nx: \x1b}",
        ),
        (
            "\r\n\nHTTP/1.1 103 a\r\nx: \x01\r\n\r\n\r\nHTTP/1.0 100\n\nHTTP/1.1 200 b\nx:\x02\n\n\x03\n\x04",
            "\r\n\nHTTP/1.1 103 a\r\nx:  \r\n\r\n\r\nHTTP/1.0 100\n\nHTTP/1.1 200 b\nx: \n\n\x03\n\x04",
        ),
        (
            "HTTP/1.1 101 a\r\nx: \x01\r\n\r\nHTTP/1.1 200 b\r\nx: \x01\r\n\r\n",
            "HTTP/1.1 101 a\r\nx:  \r\n\r\nHTTP/1.1 200 b\r\nx: \x01\r\n\r\n",
        ),
        ("HTTP/1.1\x01200 \x1b\r\nx: \0\x0b\r y\r\n\r\n", "HTTP/1.1\x01200 \x1b\r\nx: \0 \r y\r\n\r\n"),
        ("HTTP/1.1 200\r\n\r\nx: \x01", "HTTP/1.1 200\r\n\r\nx: \x01"),
    ];

    #[test]
    fn control_characters_become_spaces_in_headers_alone() {
        for (written, expected) in ANSWERS {
            let mut bytes = written.as_bytes().to_vec();
            Head::default().clean(&mut bytes);
            assert_eq!(bytes.escape_ascii().to_string(), expected.as_bytes().escape_ascii().to_string());
        }
    }

    #[test]
    fn a_head_ends_with_an_empty_line_unless_it_is_interim() {
        let bodies =
            ["{\x1b\r\n\r\nx: \x1b}", "\x03\n\x04", "HTTP/1.1 200 b\r\nx: \x01\r\n\r\n", "", "x: \x01"];
        for ((written, _), body) in ANSWERS.into_iter().zip(bodies) {
            let length = Head::default().clean(&mut written.as_bytes().to_vec());
            assert_eq!(written[length..], *body);
        }
    }

    #[test]
    fn it_does_not_matter_where_reads_split_a_head() {
        for (written, expected) in ANSWERS {
            let whole = Head::default().clean(&mut written.as_bytes().to_vec());
            for size in 1..=written.len() {
                for start in 0..size {
                    let mut bytes = written.as_bytes().to_vec();
                    let (first, rest) = bytes.split_at_mut(start);
                    let mut head = Head::default();
                    let reads = [first].into_iter().chain(rest.chunks_mut(size));
                    let length: usize = reads.map(|read| head.clean(read)).sum();
                    let found = (&*bytes, length);
                    assert_eq!(found, (expected.as_bytes(), whole), "{start} bytes, then {size} at a time");
                }
            }
        }
    }
}
