//! Arguments of `octo-auth doctor`.

use clap::Args;

use super::{ClientArguments, StoreArguments};

pub(super) const DOCTOR_EXAMPLE: &str = "\
It checks the configuration, the key of the store, the directory, each record and its lock, each client secret, the
proxy, whether the provider answers, and the difference between this computer's clock and the provider's. It also checks
that a save survives a crash: it starts processes that write below the directory, and kills them. No credentials are
sent, and no token is changed. If the default directory does not exist yet, its checks are skipped.

Examples:
  octo-auth doctor
  octo-auth doctor --json

Exit codes: 0 nothing failed, 2 usage, 3 correct what failed, 5 only the provider could not be reached.";

/// The arguments of `octo-auth doctor`.
#[derive(Debug, Args)]
pub(crate) struct DoctorRequest {
    #[command(flatten)]
    pub(crate) client: ClientArguments,

    #[command(flatten)]
    pub(crate) store: StoreArguments,

    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}
