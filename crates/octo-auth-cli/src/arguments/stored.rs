//! Arguments of the commands about stored tokens.

use std::ffi::OsString;

use clap::Args;

use super::{ClientArguments, StoreArguments, StoredArguments};

pub(super) const IMPORT_EXAMPLE: &str = "\
The refresh token is one line on standard input. It is stored, with what the client is registered with: afterwards
octo-auth token --account NAME needs no settings. A client secret that came from the environment or from
client_secret_file is read there again; any other is stored beside the token. Files with certificates are read again
where they are.

An import never takes back what is newer: a refresh token that the account held before changes nothing, so that a
script may import its first one at each start.

Examples:
  octo-auth import --provider octorate --credentials octorate.env --account hotel-17 < refresh-token
  pass show hotel-17/refresh | octo-auth import --account hotel-17

Exit codes: 0 imported, or held already; 2 usage; 3 configuration; 5 it could not be stored.";

/// The arguments of `octo-auth import`.
#[derive(Debug, Args)]
pub(crate) struct ImportRequest {
    #[command(flatten)]
    pub(crate) client: ClientArguments,

    #[command(flatten)]
    pub(crate) stored: StoredArguments,
}

pub(super) const HEADER_EXAMPLE: &str = "\
Examples:
  octo-auth header --account hotel-17
  curl -H @<(octo-auth header --account hotel-17) https://api.example.com/reservations

Exit codes: 0 done, 2 usage, 3 configuration, 4 sign in again, 5 try later, 6 ask the provider.";

/// The arguments of `octo-auth header`.
#[derive(Debug, Args)]
pub(crate) struct HeaderRequest {
    #[command(flatten)]
    pub(crate) client: ClientArguments,

    #[command(flatten)]
    pub(crate) stored: StoredArguments,

    /// How long to wait for the token, in whole seconds from 1 to 3600; the unfinished refresh of a killed process takes 71
    #[arg(long, value_name = "SECONDS", default_value_t = 90, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) deadline: u64,
}

pub(super) const EXEC_EXAMPLE: &str = "\
The token stands in the environment of the program, and in no argument, where other users of the machine would see
it. The client secret and the key of the store are taken out of that environment. On Unix the program takes the place
of octo-auth: signals and the exit code are its own.

Examples:
  octo-auth exec --account hotel-17 -- ./nightly-import
  octo-auth exec --account hotel-17 --variable HOTEL_TOKEN -- node sync.js

Exit codes: that of the program; before it runs 2 usage, 3 configuration, 4 sign in again, 5 try later, 6 ask the
provider, 126 it cannot be run, 127 it is not found.";

/// The arguments of `octo-auth exec`.
#[derive(Debug, Args)]
pub(crate) struct ExecRequest {
    #[command(flatten)]
    pub(crate) client: ClientArguments,

    #[command(flatten)]
    pub(crate) stored: StoredArguments,

    /// The environment variable for the token
    #[arg(long, value_name = "NAME", default_value = "ACCESS_TOKEN")]
    pub(crate) variable: String,

    /// How long to wait for the token, in whole seconds from 1 to 3600; the unfinished refresh of a killed process takes 71
    #[arg(long, value_name = "SECONDS", default_value_t = 90, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) deadline: u64,

    /// The program and its arguments, after --
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

pub(super) const LOGOUT_EXAMPLE: &str = "\
The account is ended in the store. Where the provider takes back tokens (RFC 7009), the refresh token is taken back
there, and with it the access tokens. If that fails, the token is kept, and the next octo-auth logout of the account
tries again. It is one request, made at once: a limit of token requests neither counts it nor holds it back.

Examples:
  octo-auth logout --account hotel-17

Exit codes: 0 done, 2 usage, 3 configuration, 5 not taken back yet: try later, 6 ask the provider.";

/// The arguments of `octo-auth logout`.
#[derive(Debug, Args)]
pub(crate) struct LogoutRequest {
    #[command(flatten)]
    pub(crate) client: ClientArguments,

    #[command(flatten)]
    pub(crate) stored: StoredArguments,

    /// How long to wait for the provider, in whole seconds from 1 to 3600
    #[arg(long, value_name = "SECONDS", default_value_t = 90, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) deadline: u64,
}

pub(super) const STATUS_EXAMPLE: &str = "\
Nothing is sent and no token is changed. The states are: fresh; due, it is served and renewed with its next use;
expired, it is renewed with its next use; sign in, only a new sign-in or import brings a token; signed out;
unreadable, its record is damaged (see octo-auth store check); unknown, its client is not known.

Examples:
  octo-auth status
  octo-auth status --json

Exit codes: 0 done, 2 usage, 3 configuration.";

/// The arguments of `octo-auth status`.
#[derive(Debug, Args)]
pub(crate) struct StatusRequest {
    #[command(flatten)]
    pub(crate) client: ClientArguments,

    #[command(flatten)]
    pub(crate) store: StoreArguments,

    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}
