//! Arguments of `octo-auth doctor`.

use clap::Args;

use super::{ClientArguments, StoreArguments};

pub(super) const DOCTOR_EXAMPLE: &str = "\
It checks the configuration, the key of the store, the directory, each record, that each client secret can be had, that
a save survives the end of its process in the middle (processes are started and killed for that), the proxy, whether the
provider answers, and how far this computer's clock is from the provider's. No credentials are sent, and no token is changed.

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
