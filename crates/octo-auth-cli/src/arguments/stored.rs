//! Arguments of the commands about stored tokens.

use std::ffi::OsString;

use clap::Args;

use super::{ClientArguments, StoreArguments, StoredArguments};

pub(super) const IMPORT_EXAMPLE: &str = "\
The refresh token is one line on standard input. It is stored with the settings of its client, so later commands such
as octo-auth token --account NAME need no settings. A client secret from the environment or from client_secret_file is
not stored: later commands read it there again. Any other is stored beside the token. Certificates stay in their files.

A refresh token that the account has had before changes nothing, and never replaces a newer one. So a script may import
its first one at each start.

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

    /// How long to wait for the token, in whole seconds from 1 to 3600; if a process was killed during a refresh, the next waits for up to 71
    #[arg(long, value_name = "SECONDS", default_value_t = 90, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) deadline: u64,
}

pub(super) const EXEC_EXAMPLE: &str = "\
The token is in the environment of the program, and in no argument, which other users of the machine would see. The
client secret and the key of the store are removed from that environment. On Unix the program replaces octo-auth:
signals and the exit code are its own.

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

    /// How long to wait for the token, in whole seconds from 1 to 3600; if a process was killed during a refresh, the next waits for up to 71
    #[arg(long, value_name = "SECONDS", default_value_t = 90, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) deadline: u64,

    /// The program and its arguments, after --
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

pub(super) const LOGOUT_EXAMPLE: &str = "\
The account is signed out in the store. If the provider has an endpoint for it (RFC 7009), the refresh token is revoked
there, which ends the access tokens too. If that fails, the token is kept, and the next octo-auth logout of the account
tries again. The revocation is sent at once and does not count against a limit of token requests.

Examples:
  octo-auth logout --account hotel-17

Exit codes: 0 done, 2 usage, 3 configuration, 5 not revoked yet: try later, 6 ask the provider.";

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
Nothing is sent and no token is changed. Each process draws the time of a renewal at random, so `renews in` differs a
little from run to run. If the default directory does not exist yet, the table is empty. The states:

  fresh       the token is served
  due         the token is served, and its next use renews it
  expired     its next use renews it
  sign in     only a new sign-in or import brings a token
  signed out  by octo-auth logout
  unreadable  its record cannot be read: see octo-auth store check
  unknown     neither the store nor the settings name its client

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
