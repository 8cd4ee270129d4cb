//! `WWW-Authenticate`: which schemes a server asks for (RFC 9110 section 11.6.1, RFC 6750 section 3).

use http::HeaderMap;
use http::header::WWW_AUTHENTICATE;

/// How much of one header is looked at.
const LOOKED_AT: usize = 8192;

/// What the challenges of an answer say about a bearer token.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    /// There is no challenge.
    Absent,
    /// There are challenges, none of them for a bearer token.
    OtherScheme,
    /// There is a bearer challenge, with its `error` where it has one.
    Bearer { error: Option<String> },
}

/// Reads all challenges of an answer.
pub(super) fn read(headers: &HeaderMap) -> Challenge {
    let mut found = Challenge::Absent;
    for value in headers.get_all(WWW_AUTHENTICATE) {
        let bytes = value.as_bytes();
        let mut scan = Scan { rest: &bytes[..bytes.len().min(LOOKED_AT)], bearer: false, found };
        scan.run();
        found = scan.found;
    }
    found
}

/// A scan over one header; a quoted string is stepped over as a whole.
struct Scan<'a> {
    rest: &'a [u8],
    /// Whether the challenge being read is for a bearer token.
    bearer: bool,
    found: Challenge,
}

impl<'a> Scan<'a> {
    fn run(&mut self) {
        while let Some(first) = self.rest.first() {
            if !is_token_byte(*first) {
                self.rest = if *first == b'"' { quoted(self.rest).1 } else { &self.rest[1..] };
                continue;
            }
            let name = self.token();
            let after = self.rest.trim_ascii_start();
            match after.strip_prefix(b"=") {
                Some(value) => {
                    self.rest = value.trim_ascii_start();
                    self.parameter(name);
                }
                None => self.scheme(name),
            }
        }
    }

    fn scheme(&mut self, name: &[u8]) {
        self.bearer = name.eq_ignore_ascii_case(b"bearer");
        match (self.bearer, &self.found) {
            (true, Challenge::Bearer { .. }) => {}
            (true, _) => self.found = Challenge::Bearer { error: None },
            (false, Challenge::Absent) => self.found = Challenge::OtherScheme,
            (false, _) => {}
        }
    }

    fn parameter(&mut self, name: &[u8]) {
        let value = if self.rest.first() == Some(&b'"') {
            let (value, rest) = quoted(self.rest);
            self.rest = rest;
            value
        } else {
            self.token()
        };
        if let Challenge::Bearer { error: error @ None } = &mut self.found {
            if self.bearer && name.eq_ignore_ascii_case(b"error") {
                *error = Some(String::from_utf8_lossy(value).into_owned());
            }
        }
    }

    fn token(&mut self) -> &'a [u8] {
        let end = self.rest.iter().position(|byte| !is_token_byte(*byte)).unwrap_or(self.rest.len());
        let (token, rest) = self.rest.split_at(end);
        self.rest = rest;
        token
    }
}

/// The inside of a quoted string and what follows it; an unfinished one reaches to the end.
fn quoted(text: &[u8]) -> (&[u8], &[u8]) {
    let mut escaped = false;
    for (place, byte) in text.iter().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return (&text[1..place], &text[place + 1..]),
            _ => {}
        }
    }
    (&text[1..], &[])
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~/".contains(&byte)
}
