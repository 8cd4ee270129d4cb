//! `WWW-Authenticate`: which schemes a server asks for (RFC 9110 section 11.6.1, RFC 6750 section 3).

use http::HeaderMap;
use http::header::WWW_AUTHENTICATE;

/// How many bytes of one header are examined.
const LOOKED_AT: usize = 8192;

/// The schemes that certainly ask for another credential than the access token.
const OTHER_CREDENTIALS: [&str; 4] = ["basic", "digest", "negotiate", "ntlm"];

/// The schemes whose error codes are those of RFC 6750 section 3.1: bearer, and DPoP (RFC 9449 section 7.1).
const TOKEN_CODES: [&str; 2] = ["bearer", "dpop"];

/// What the challenges of an answer say about the access token.
#[derive(Debug, Default)]
pub(super) struct Challenges {
    /// Whether one of them has a scheme of [`OTHER_CREDENTIALS`].
    has_other_credential: bool,
    /// Whether one of them has any other scheme: bearer, or a vendor's own.
    has_token_scheme: bool,
    /// Whether one of them, with any scheme, has the error `invalid_token`.
    says_invalid_token: bool,
    /// The `error` of the first challenge with a scheme of [`TOKEN_CODES`] that has one.
    token_error: Option<String>,
}

impl Challenges {
    /// Parses all challenges of an answer.
    pub(super) fn read(headers: &HeaderMap) -> Self {
        let mut found = Self::default();
        for value in headers.get_all(WWW_AUTHENTICATE) {
            let bytes = value.as_bytes();
            let rest = &bytes[..bytes.len().min(LOOKED_AT)];
            Scan { rest, scheme: b"", may_be_token68: false, found: &mut found }.run();
        }
        found
    }

    /// Returns whether they ask for another credential than the access token, so that another token does not
    /// help.
    pub(super) fn ask_for_another_credential(&self) -> bool {
        self.has_other_credential && !self.has_token_scheme && !self.says_invalid_token
    }

    /// Returns whether a challenge with a scheme of [`TOKEN_CODES`] has this error code.
    pub(super) fn have_token_error(&self, code: &str) -> bool {
        self.token_error.as_deref() == Some(code)
    }
}

/// A scanner of one header. It skips a quoted string as a whole.
struct Scan<'a, 'f> {
    rest: &'a [u8],
    /// The scheme of the current challenge.
    scheme: &'a [u8],
    /// Whether only the scheme of the challenge was read, so that a `token68` may follow.
    may_be_token68: bool,
    found: &'f mut Challenges,
}

impl<'a> Scan<'a, '_> {
    fn run(&mut self) {
        while let Some(first) = self.rest.first() {
            if !is_token_byte(*first) {
                self.may_be_token68 &= *first != b',';
                self.rest = if *first == b'"' { quoted(self.rest).1 } else { &self.rest[1..] };
                continue;
            }
            let name = self.token();
            let after = self.rest.trim_ascii_start();
            let is_token68 = std::mem::take(&mut self.may_be_token68);
            match after.strip_prefix(b"=") {
                Some(value) => {
                    self.rest = value.trim_ascii_start();
                    self.parameter(name);
                }
                None if is_token68 => {}
                None => self.scheme(name),
            }
        }
    }

    fn scheme(&mut self, name: &'a [u8]) {
        (self.scheme, self.may_be_token68) = (name, true);
        if OTHER_CREDENTIALS.iter().any(|own| name.eq_ignore_ascii_case(own.as_bytes())) {
            self.found.has_other_credential = true;
        } else {
            self.found.has_token_scheme = true;
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
        if !name.eq_ignore_ascii_case(b"error") {
            return;
        }
        self.found.says_invalid_token |= value == b"invalid_token";
        let is_own = TOKEN_CODES.iter().any(|own| self.scheme.eq_ignore_ascii_case(own.as_bytes()));
        if is_own && self.found.token_error.is_none() {
            self.found.token_error = Some(String::from_utf8_lossy(value).into_owned());
        }
    }

    fn token(&mut self) -> &'a [u8] {
        let end = self.rest.iter().position(|byte| !is_token_byte(*byte)).unwrap_or(self.rest.len());
        let (token, rest) = self.rest.split_at(end);
        self.rest = rest;
        token
    }
}

/// Returns the content of a quoted string and the rest after it. An unterminated string reaches to the end.
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
