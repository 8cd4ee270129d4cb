//! Arguments of `octo-auth token`.

use clap::Args;

use super::{ClientArguments, StoredArguments};

pub(super) const TOKEN_EXAMPLE: &str = "\
Which client it is stands in the settings, as octo-auth config show prints them, and in arguments over them.
Credentials come from there, such as from OCTO_AUTH_CLIENT_ID and OCTO_AUTH_CLIENT_SECRET, or from a file or
standard input with the lines

  client_id=...
  client_secret=...

where empty lines and lines that begin with # count for nothing. The names of the two variables do as well,
with export before them or without, and values stand there without quotes. Credentials are never taken from
an argument, which other users of the machine and the shell's history would see; a file that those users can
read or change is refused.

With --base-url HOST=URL, one host of the profile is at another address; it may be given for several hosts,
and the last one counts for each. With --base-url URL, all hosts are behind that gateway, at URL/api.octotable.com
and so on, as the emulator has them. A gateway and anything else cannot be combined.

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
