//! Arguments of `octo-auth login`.

use clap::Args;

use super::{ClientArguments, StoreArguments};

pub(super) const LOGIN_EXAMPLE: &str = "\
The provider's page opens in the browser, or its address is shown where there is none. The answer comes back in one of
two ways, by the redirect URI that is registered with the provider:

  http://127.0.0.1, http://[::1] or http://localhost, with or without a port: this program listens there
  any other, such as Octorate's https://localhost: copy the address from the browser's bar and paste it here

Without --redirect-uri it is that of the settings, else https://localhost for a provider that takes https only, else
a free port of 127.0.0.1. That the store can be written is tried before the page is shown, the code is exchanged once,
and the command is done when the tokens are stored.

Examples:
  octo-auth login --provider octorate --credentials octorate.env --account hotel-17
  octo-auth login --provider officernd --scope flex.community.members.read --redirect-uri http://localhost:8400/callback
  octo-auth login --profile acme.toml --account ann --no-browser

Exit codes: 0 signed in and stored; 2 usage; 3 configuration; 4 sign in again: no answer came in time, or it brought no
code; 5 try later, or the store has no room; 6 ask the provider; 7 access was refused.";

/// The arguments of `octo-auth login`.
#[derive(Debug, Args)]
pub(crate) struct LoginRequest {
    #[command(flatten)]
    pub(crate) client: ClientArguments,

    #[command(flatten)]
    pub(crate) store: StoreArguments,

    /// The account to sign in, under a name of your choice such as the property's
    #[arg(long, value_name = "NAME", default_value = "default", value_parser = super::client::account)]
    pub(crate) account: String,

    /// The redirect URI, exactly as registered with the provider; port 0 takes a free one
    #[arg(long, value_name = "URI")]
    pub(crate) redirect_uri: Option<String>,

    /// Show the address of the page without opening a browser
    #[arg(long)]
    pub(crate) no_browser: bool,

    /// How long to wait for the person, in whole seconds from 1 to 3600
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) wait: u64,
}
