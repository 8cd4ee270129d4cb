//! Arguments for the client, the store of its tokens, and the account.

use std::path::{Path, PathBuf};

use clap::builder::{PathBufValueParser, TypedValueParser};
use clap::{Args, ValueEnum};

use super::malformed::Malformed;

/// The client. The settings supply whatever the arguments omit.
#[derive(Debug, Args)]
pub(crate) struct ClientArguments {
    /// The file with the settings
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub(crate) config: Option<PathBuf>,

    /// The provider, by its built-in profile
    #[arg(long, conflicts_with = "profile")]
    pub(crate) provider: Option<Provider>,

    /// Your own profile, a TOML file in the format of the built-in ones
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub(crate) profile: Option<PathBuf>,

    /// The token endpoint of an RFC 6749 server
    #[arg(long, value_name = "URL")]
    pub(crate) token_url: Option<String>,

    /// How that server expects client id and client secret: in the body of the request, or by HTTP Basic
    #[arg(long, value_name = "WAY")]
    pub(crate) client_authentication: Option<Authentication>,

    /// Another base URL: HOST=URL for one host of the profile, or the URL of a gateway for all of them
    #[arg(long, value_name = "[HOST=]URL")]
    pub(crate) base_url: Vec<String>,

    /// A file with the credentials, or - for standard input; by default they come from the settings
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub(crate) credentials: Option<PathBuf>,

    /// A scope to request; may be repeated, and may contain several scopes separated by spaces
    #[arg(long, value_name = "SCOPE")]
    pub(crate) scope: Vec<String>,

    /// A PEM file with the certificate authorities to trust, instead of those of the operating system
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub(crate) root_certificates: Option<PathBuf>,

    /// A PEM file with a client certificate and its key, for a server that requires one
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub(crate) client_certificate: Option<PathBuf>,
}

/// The store of the tokens.
#[derive(Debug, Args)]
pub(crate) struct StoreArguments {
    /// The directory of the stored tokens; by default that of the setting store.path, or octo-auth in $XDG_STATE_HOME
    /// or ~/.local/state
    #[arg(id = "store", long = "store", value_name = "DIR", value_parser = path())]
    pub(crate) directory: Option<PathBuf>,
}

/// The store of the tokens, and the account.
#[derive(Debug, Args)]
pub(crate) struct StoredArguments {
    #[command(flatten)]
    pub(crate) store: StoreArguments,

    /// The account of the token; by default the token is that of the client itself
    #[arg(long, value_name = "NAME", value_parser = account)]
    pub(crate) account: Option<String>,
}

/// Reads the name of an account.
pub(super) fn account(text: &str) -> Result<String, Malformed> {
    if text.trim().is_empty() || text.len() > 200 || text.contains(char::is_control) {
        return Err(Malformed("write 1 to 200 bytes, without control characters and not only spaces"));
    }
    Ok(text.to_owned())
}

/// How a client authenticates itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Authentication {
    Body,
    Basic,
}

/// A provider with a built-in profile, or any server of the standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Provider {
    Octorate,
    Octotable,
    Officernd,
    Rfc6749,
}

impl Provider {
    /// Returns the name of the provider in the setting `profile`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Octorate => "octorate",
            Self::Octotable => "octotable",
            Self::Officernd => "officernd",
            Self::Rfc6749 => "rfc6749",
        }
    }
}

/// Parses a path. A `~/` at its beginning is replaced by the home directory, because a shell does not do so after a
/// `=`.
pub(super) fn path() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().map(|path| match (path.strip_prefix("~"), std::env::var_os("HOME")) {
        (Ok(below), Some(home)) if Path::new(&home).is_absolute() => Path::new(&home).join(below),
        _ => path,
    })
}
