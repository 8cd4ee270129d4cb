//! What is wrong with settings.

use std::fmt;
use std::path::PathBuf;

/// Settings that cannot be used: every fault, each with its place and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    faults: Vec<Fault>,
}

/// One fault. It shows no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The name as it was written, in the file or as a variable.
    pub(crate) name: String,
    pub(crate) origin: Option<Origin>,
    pub(crate) problem: Problem,
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Origin {
    /// A line of the file.
    File {
        /// The file, as it was named.
        file: String,
        /// The line, from 1.
        line: usize,
    },
    /// An environment variable.
    Environment(String),
    /// An argument of the program, such as `--provider`.
    Argument(String),
    /// A registration that a store holds, under this name.
    Stored(String),
    /// Neither: it is what holds without a value.
    Default,
}

/// What is wrong with a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// There is no setting of this name. The nearest one, if one is near.
    Unknown(Option<String>),
    /// It is needed, and set nowhere. What to do.
    Missing(String),
    /// It is empty.
    Empty,
    /// It holds a control character.
    ControlCharacter,
    /// It is not UTF-8.
    NotUtf8,
    /// The value is of another form.
    Form(String),
    /// The value cannot be used, and why.
    Value(String),
    /// Another setting says the same.
    Twice(&'static str),
    /// The file holds a secret, or is one, and others can read it. Its mode.
    Permissions(PathBuf, u32),
    /// The file cannot be read, and why.
    Unreadable(String),
    /// The file is no TOML, and why.
    NotToml(String),
}

impl ConfigError {
    pub(crate) fn all(faults: Vec<Fault>) -> Result<(), Self> {
        if faults.is_empty() { Ok(()) } else { Err(Self { faults }) }
    }

    /// Returns every fault, in the order of the file and then of the environment.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }
}

impl From<Fault> for ConfigError {
    fn from(fault: Fault) -> Self {
        Self { faults: vec![fault] }
    }
}

impl Fault {
    /// Returns the name of the setting as it was written, in the file or as a variable.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns where the value comes from; `None` if it is set nowhere.
    #[must_use]
    pub fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }

    /// Returns what is wrong.
    #[must_use]
    pub fn problem(&self) -> &Problem {
        &self.problem
    }
}

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.faults.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{fault}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(origin) = &self.origin {
            write!(f, "{origin}: ")?;
        }
        let name = self.name.escape_debug();
        match &self.problem {
            Problem::Unknown(Some(nearest)) => {
                write!(f, "there is no setting `{name}`: did you mean `{nearest}`?")
            }
            Problem::Unknown(None) => {
                write!(f, "there is no setting `{name}`: remove it, or see the list of settings")
            }
            Problem::Missing(remedy) => write!(f, "`{name}` is not set: {remedy}"),
            Problem::Empty => write!(f, "`{name}` is empty: give it a value, or remove it"),
            Problem::ControlCharacter => {
                write!(f, "`{name}` holds a control character, perhaps a line break at its end: remove it")
            }
            Problem::NotUtf8 => write!(f, "`{name}` is not UTF-8: write it again"),
            Problem::Form(expected) => write!(f, "`{name}` must be {expected}"),
            Problem::Value(why) => write!(f, "`{name}`: {why}"),
            Problem::Twice(other) => write!(f, "`{name}` is set, and `{other}` as well: keep one of them"),
            Problem::Permissions(path, mode) => write!(
                f,
                "`{name}`: other users of this computer can read or change {path:?} (mode {mode:04o}): run chmod 600, \
                 and replace the secret if others may have seen it"
            ),
            Problem::Unreadable(why) => write!(f, "`{name}` cannot be read: {why}"),
            Problem::NotToml(why) => write!(f, "`{name}` is not TOML: {why}"),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { file, line } => write!(f, "{}, line {line}", file.escape_debug()),
            Self::Environment(variable) => {
                write!(f, "the environment variable {}", variable.escape_debug())
            }
            Self::Argument(argument) => write!(f, "the argument {}", argument.escape_debug()),
            Self::Stored(name) => write!(f, "the stored registration of {}", name.escape_debug()),
            Self::Default => f.write_str("the default"),
        }
    }
}
