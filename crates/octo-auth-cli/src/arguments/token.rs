//! Arguments of `octo-auth token`.

use clap::Args;

use super::{ClientArguments, StoredArguments};

pub(super) const TOKEN_EXAMPLE: &str = "\
With --account or --store, the token comes from the store and is renewed if that is due. Otherwise a new token is
requested each time, and not stored: octo-auth header and octo-auth exec store the token of the client itself.

The settings name the client (see octo-auth config show); arguments override them. The credentials come from the
settings, such as OCTO_AUTH_CLIENT_ID and OCTO_AUTH_CLIENT_SECRET, or from --credentials: a file or standard input with
the lines

  client_id=...
  client_secret=...

Empty lines and lines that begin with # are skipped. The names of the two variables are accepted too, also after
export. Values have no quotes. Credentials are never taken from an argument, which other users of the machine and the
shell's history would see. A file that those users can read or change is refused.

--base-url HOST=URL replaces the address of one host of the profile. It may be repeated for other hosts; for the same
host the last one counts. --base-url URL names a gateway for all hosts, at URL/api.octotable.com and so on, like the
emulator. It cannot be combined with another --base-url.

Examples:
  octo-auth token --provider officernd --scope flex.community.members.read
  octo-auth token --provider octorate --credentials octorate.env --header
  pass show octotable | octo-auth token --provider octotable --credentials -
  octo-auth token --provider rfc6749 --token-url https://login.example.com/oauth2/token
  octo-auth token --provider rfc6749 --token-url https://login.example.com/token --client-authentication basic
  octo-auth token --provider octotable --base-url http://127.0.0.1:4000

Exit codes: 0 done, 2 usage, 3 configuration, 4 sign in again, 5 try later, 6 ask the provider.";

/// The arguments of `octo-auth token`.
#[derive(Debug, Args)]
pub(crate) struct TokenRequest {
    #[command(flatten)]
    pub(crate) client: ClientArguments,

    #[command(flatten)]
    pub(crate) stored: StoredArguments,

    /// Print the whole header, such as `Authorization: Bearer ...`, instead of only the token
    #[arg(long)]
    pub(crate) header: bool,

    /// How long to wait for the answer, in whole seconds from 1 to 3600
    #[arg(long, value_name = "SECONDS", default_value_t = 90, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) deadline: u64,
}
