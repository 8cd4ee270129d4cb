//! Secrets that must not be published: values of this process's environment, and private keys.

use std::fmt;

/// The endings of variable names whose values are secret.
const ENDINGS: [&str; 4] = ["TOKEN", "SECRET", "PASSWORD", "KEY"];

/// The shortest value to search for; shorter ones occur in many files.
const SHORTEST: usize = 8;

/// Secret values by the name of their variable.
pub(crate) struct Secrets {
    variables: Vec<(String, String)>,
}

/// A found secret, by its kind; its value is not shown.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Kind<'a> {
    Variable(&'a str),
    PrivateKey,
    File,
}

impl fmt::Display for Kind<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => write!(f, "the value of the variable {name}"),
            Self::PrivateKey => f.write_str("a private key"),
            Self::File => f.write_str("a file that is named like one of secrets"),
        }
    }
}

impl Secrets {
    /// Selects the secrets among these variables.
    pub(crate) fn new(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let is_secret = |(name, value): &(String, String)| {
            let name = name.to_ascii_uppercase();
            value.len() >= SHORTEST && ENDINGS.iter().any(|ending| name.ends_with(ending))
        };
        Self { variables: variables.into_iter().filter(is_secret).collect() }
    }

    /// Returns the secret that a file contains, if any.
    pub(crate) fn find(&self, file: &str, content: &[u8]) -> Option<Kind<'_>> {
        let has = |text: &[u8]| content.windows(text.len()).any(|part| part == text);
        let name = file.rsplit('/').next().unwrap_or(file);
        if name == ".env" || [".env", ".pem", ".p12"].iter().any(|ending| name.ends_with(ending)) {
            return Some(Kind::File);
        }
        if content.split(|byte| *byte == b'\n').any(is_key_line) {
            return Some(Kind::PrivateKey);
        }
        let variable = self.variables.iter().find(|(_, value)| has(value.as_bytes()));
        variable.map(|(name, _)| Kind::Variable(name))
    }
}

/// Whether a line begins a private key in PEM.
fn is_key_line(line: &[u8]) -> bool {
    let line = String::from_utf8_lossy(line);
    line.split_once("-----BEGIN ").is_some_and(|(_, rest)| rest.contains("PRIVATE KEY-----"))
}
