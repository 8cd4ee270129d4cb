//! The errors of settings.

use std::fmt;
use std::path::PathBuf;

/// The error of settings that cannot be used. It contains every fault, each with its place and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    faults: Vec<Fault>,
}

/// One fault. It does not show the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The name of the setting as written in the file or as a variable.
    pub(crate) name: String,
    pub(crate) origin: Option<Origin>,
    pub(crate) problem: Problem,
}

/// The source of a value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Origin {
    /// A line of the file.
    File {
        /// The name of the file, as it was given.
        file: String,
        /// The line number, from 1.
        line: usize,
    },
    /// An environment variable.
    Environment(String),
    /// An argument of the program, such as `--provider`.
    Argument(String),
    /// A client in a store, under this name.
    Stored(String),
    /// The default value.
    Default,
}

/// What is wrong with a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// There is no setting with this name. Contains the name of a similar setting, if there is one.
    Unknown(Option<String>),
    /// The setting is required, but not set. Contains what to do.
    Missing(String),
    /// The value is empty.
    Empty,
    /// The value contains a control character.
    ControlCharacter,
    /// The value is not UTF-8.
    NotUtf8,
    /// The value has the wrong form. Contains the expected form.
    Form(String),
    /// The value cannot be used. Contains the reason.
    Value(String),
    /// Another setting sets the same. Contains its name.
    Twice(&'static str),
    /// Other users can read or change a file that contains a secret. Contains its path and mode.
    Permissions(PathBuf, u32),
    /// The file cannot be read. Contains the reason.
    Unreadable(String),
    /// The file is not valid TOML. Contains the reason.
    NotToml(String),
}

impl ConfigError {
    pub(crate) fn all(faults: Vec<Fault>) -> Result<(), Self> {
        if faults.is_empty() { Ok(()) } else { Err(Self { faults }) }
    }

    /// Returns all faults: first those of the file in order, then those of the environment.
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
    /// Returns the name of the setting as written in the file or as a variable.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the source of the value, or `None` if the setting is not set.
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
