//! The error of a command, for people and for scripts.
//!
//! The rule of this module: the exit code says who must act, like the remedies of the core. The text is one message,
//! its causes and the remedy, none of which contains a secret.

use std::error::Error;
use std::fmt;
use std::process::ExitCode;

use octo_auth_blocking::SetupError;
use octo_auth_config::{ConfigError, Problem};
use octo_auth_core::{Diagnostic, ExchangeError, ProfileError, Remedy, RequestError};
use octo_auth_emulator::StartError;
use octo_auth_store_file::{FileStoreError, SecretError};

const ANOTHER_PORT: &str =
    "choose another port with --port: those below 1024 often need a permission, and 0 takes a free one";

pub(crate) const WHERE_CREDENTIALS_GO: &str = "set OCTO_AUTH_CLIENT_ID and OCTO_AUTH_CLIENT_SECRET, or name a file with the lines \
    client_id=... and client_secret=... by --credentials FILE (- for standard input)";

/// The exit codes, as the help lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    Done = 0,
    /// A step of the demo failed, an address is denied, or two lists differ.
    No = 1,
    Usage = 2,
    Configuration = 3,
    SignIn = 4,
    TryLater = 5,
    AskProvider = 6,
    /// The person refused access.
    Refused = 7,
    /// The program of `exec` cannot be run; the code is that of a shell.
    NotRunnable = 126,
    /// The program of `exec` does not exist; the code is that of a shell.
    NotFound = 127,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl From<Remedy> for Exit {
    fn from(remedy: Remedy) -> Self {
        match remedy {
            Remedy::TryLater { .. } | Remedy::RenewToken => Self::TryLater,
            Remedy::SignInAgain => Self::SignIn,
            Remedy::FixConfiguration => Self::Configuration,
            _ => Self::AskProvider,
        }
    }
}

/// The error of a command.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    message: String,
    causes: Vec<String>,
    remedy: Option<String>,
    hint: Option<String>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), causes: Vec::new(), remedy: None, hint: None }
    }

    /// Creates a failure with the text and the causes of an error.
    pub(crate) fn of(exit: Exit, error: &dyn Error) -> Self {
        Self::new(exit, error.to_string()).because_of(error.source())
    }

    /// Adds a cause and its own causes. Omits text that the message already contains.
    pub(crate) fn because_of(mut self, cause: Option<&(dyn Error + 'static)>) -> Self {
        let mut next = cause;
        while let Some(cause) = next {
            let text = cause.to_string();
            if !self.message.contains(&text) && !self.causes.iter().any(|known| known.contains(&text)) {
                self.causes.push(text);
            }
            next = cause.source();
        }
        self
    }

    pub(crate) fn with_remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// Adds a hint where to look first, after the remedy.
    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Prefixes the message with the current operation.
    pub(crate) fn about(mut self, what: impl fmt::Display) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }

    /// Returns message and causes in one line.
    pub(crate) fn in_one_line(&self) -> String {
        let causes: String = self.causes.iter().map(|cause| format!(", because {cause}")).collect();
        format!("{}{causes}", self.message)
    }

    pub(crate) fn remedy(&self) -> Option<&str> {
        self.remedy.as_deref()
    }

    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }
}

/// Formats `error: …`, a line `because …` for each cause, a line with the remedy, and a hint.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)?;
        for cause in &self.causes {
            write!(f, "\n  because {cause}")?;
        }
        if let Some(remedy) = &self.remedy {
            write!(f, "\n  what to do: {remedy}")?;
        }
        match &self.hint {
            Some(hint) => write!(f, "\n  hint: {hint}"),
            None => Ok(()),
        }
    }
}

/// Formats a name or a path for output. Escapes characters that could hide, move or forge a line.
pub(crate) fn shown(text: impl fmt::Display) -> String {
    let is_harmful = |letter: char| {
        letter.is_control()
            || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let mut shown = String::new();
    for letter in text.to_string().chars() {
        if is_harmful(letter) {
            shown.extend(letter.escape_default());
        } else {
            shown.push(letter);
        }
    }
    shown
}

impl From<ExchangeError> for Failure {
    fn from(error: ExchangeError) -> Self {
        Self::of(error.remedy().into(), &error).with_remedy(error.remedy().to_string())
    }
}

impl From<RequestError> for Failure {
    fn from(error: RequestError) -> Self {
        let remedy = match &error {
            RequestError::ScopeMissing { .. } => "name a scope by --scope SCOPE".to_owned(),
            RequestError::ScopeUnknown { .. } => "leave out --scope".to_owned(),
            error => error.remedy().to_string(),
        };
        Self::of(error.remedy().into(), &error).with_remedy(remedy)
    }
}

/// Lists every error of the settings, one per line if there are several.
impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        let is_missing = |name: &str| {
            let missing = error.faults().iter().find(|fault| fault.name() == name);
            missing.is_some_and(|fault| matches!(fault.problem(), Problem::Missing(_)))
        };
        let remedy = if is_missing("client_id") || is_missing("client_secret") {
            WHERE_CREDENTIALS_GO
        } else if is_missing("profile") {
            "name a provider by --provider or --profile, or in the settings"
        } else {
            "correct every fault named; octo-auth config names lists the settings"
        };
        let message = match error.faults() {
            [fault] => shown(fault),
            faults => {
                let lines: String = faults.iter().map(|fault| format!("\n  {}", shown(fault))).collect();
                format!("the settings cannot be used{lines}")
            }
        };
        Self::new(Exit::Configuration, message).with_remedy(remedy)
    }
}

impl From<SetupError> for Failure {
    fn from(error: SetupError) -> Self {
        Self::of(Exit::Configuration, &error)
    }
}

/// The message contains the remedy, unless the operating system refused an operation.
impl From<&FileStoreError> for Failure {
    fn from(error: &FileStoreError) -> Self {
        let failure = Self::of(error.remedy().into(), error);
        match error {
            FileStoreError::Secret(SecretError::Unobtainable { .. }) => {
                failure.with_remedy("put the secret there, or say in the settings where it is")
            }
            FileStoreError::NoDirectory { path } => Self::new(
                failure.exit,
                format!("there is no directory {path:?}"),
            )
            .with_remedy(
                "name the right one by --store or store.path; octo-auth login and octo-auth import create it",
            ),
            FileStoreError::NoRecord { .. } => failure.with_remedy("octo-auth store list prints the names"),
            FileStoreError::Io { .. } => {
                failure.with_remedy("remove the cause, such as a full disk, and try again")
            }
            _ => failure,
        }
    }
}

impl From<FileStoreError> for Failure {
    fn from(error: FileStoreError) -> Self {
        Self::from(&error)
    }
}

impl From<SecretError> for Failure {
    fn from(error: SecretError) -> Self {
        Self::from(FileStoreError::from(error))
    }
}

/// A token that could not be obtained. Its message contains the remedy, or the store's message does.
impl From<octo_auth_core::TokenError> for Failure {
    fn from(failure: octo_auth_core::TokenError) -> Self {
        let of_the_store = failure.source().and_then(|source| source.downcast_ref::<FileStoreError>());
        let remedy = of_the_store.and_then(|error| Self::from(error).remedy);
        Self { remedy, ..Self::of(failure.remedy().into(), &failure) }
    }
}

impl From<ProfileError> for Failure {
    fn from(error: ProfileError) -> Self {
        Self::of(Exit::Configuration, &error).with_remedy(Remedy::FixConfiguration.to_string())
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        let (exit, remedy) = match error {
            // The message contains the remedy.
            StartError::PortInUse { .. } => return Self::of(Exit::Configuration, &error),
            StartError::Listen { .. } => (Exit::Configuration, ANOTHER_PORT),
            _ => (Exit::TryLater, "try again when the machine has less to do"),
        };
        Self::of(exit, &error).with_remedy(remedy)
    }
}
