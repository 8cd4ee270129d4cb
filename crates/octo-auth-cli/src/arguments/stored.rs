//! Arguments of the commands about stored tokens.

use clap::Args;

use super::{ClientArguments, StoredArguments};

pub(super) const IMPORT_EXAMPLE: &str = "\
The refresh token is one line on standard input. It is stored, with what the client is registered with: afterwards
octo-auth token --account NAME needs no settings. A client secret that came from the environment or from
client_secret_file is read there again; any other is stored beside the token.

An import never takes back what is newer: a refresh token that the account held before changes nothing, so that a
script may import its first one at each start.

Examples:
  octo-auth import --provider octorate --credentials octorate.env --account hotel-17 < refresh-token
  pass show hotel-17/refresh | octo-auth import --account hotel-17

Exit codes: 0 imported, or held already; 2 usage; 3 configuration; 5 it could not be stored.";

/// What `octo-auth import` is asked for.
#[derive(Debug, Args)]
pub(crate) struct ImportRequest {
    #[command(flatten)]
    pub(crate) client: ClientArguments,

    #[command(flatten)]
    pub(crate) stored: StoredArguments,
}
