//! Arguments of `octo-auth store`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::client::path;
use super::{ClientArguments, StoreArguments};

pub(super) const STORE_EXAMPLES: &str = "\
With store.key, store.key_file, store.key_command or store.key_keyring set, what is stored is encrypted and
authenticated. To change the key, set the new one there and the old one as store.old_key..., run octo-auth store
rekey, and remove the old one. If rekey or migrate is interrupted, run it again.

Examples:
  octo-auth store check
  octo-auth store list
  octo-auth store recover NAME
  OCTO_AUTH_STORE_KEY_FILE=/etc/hotel/key-2027 OCTO_AUTH_STORE_OLD_KEY_FILE=/etc/hotel/key-2026 octo-auth store rekey
  OCTO_AUTH_STORE_KEY_KEYRING=hotel octo-auth store new-key
  octo-auth store migrate --to /var/lib/hotel/tokens

Exit codes: 0 done and sound, 2 usage, 3 something is damaged or was not done, 5 try later.";

/// The arguments of `octo-auth store`.
#[derive(Debug, Subcommand)]
pub(crate) enum StoreRequest {
    /// Print the names of all records
    #[command(after_help = STORE_EXAMPLES)]
    List(WholeStore),
    /// Read every record, and show the problem and the remedy of each damaged one
    #[command(after_help = STORE_EXAMPLES)]
    Check(WholeStore),
    /// Restore a damaged record from its previous state
    #[command(after_help = STORE_EXAMPLES)]
    Recover {
        #[command(flatten)]
        of: WholeStore,
        /// The name of the record, as printed by octo-auth store list
        #[arg(value_name = "NAME")]
        record: String,
    },
    /// Seal everything again with the key of the settings
    #[command(after_help = STORE_EXAMPLES)]
    Rekey(WholeStore),
    /// Store a random key in the keyring, under the name in store.key_keyring
    #[command(after_help = STORE_EXAMPLES)]
    NewKey(WholeStore),
    /// Move all records and registrations to another directory; first end the programs that use them
    #[command(after_help = STORE_EXAMPLES)]
    Migrate {
        #[command(flatten)]
        of: WholeStore,
        /// The other directory
        #[arg(long, value_name = "DIR", value_parser = path())]
        to: PathBuf,
    },
}

/// The directory, and the settings that describe its content.
#[derive(Debug, Args)]
pub(crate) struct WholeStore {
    #[command(flatten)]
    pub(crate) client: ClientArguments,

    #[command(flatten)]
    pub(crate) store: StoreArguments,
}

impl StoreRequest {
    /// Returns the directory.
    pub(crate) fn of(&self) -> &WholeStore {
        match self {
            Self::List(of)
            | Self::Check(of)
            | Self::Rekey(of)
            | Self::NewKey(of)
            | Self::Recover { of, .. }
            | Self::Migrate { of, .. } => of,
        }
    }
}
