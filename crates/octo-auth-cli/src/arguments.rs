//! The command line as `clap` parses it. The text of its help is part of the interface.
//!
//! By design, no argument takes a secret.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

mod client;
mod doctor;
mod emulate;
mod login;
mod malformed;
mod store;
mod stored;
mod token;

pub(crate) use client::{Authentication, ClientArguments, Provider, StoreArguments, StoredArguments};
use doctor::DOCTOR_EXAMPLE;
pub(crate) use doctor::DoctorRequest;
use emulate::EMULATE_EXAMPLE;
pub(crate) use emulate::{
    EmulateRequest, Emulated, FROZEN_AT, OrderedFault, SKEW, fault, lifetime, redirect_uri,
};
use login::LOGIN_EXAMPLE;
pub(crate) use login::LoginRequest;
pub(crate) use malformed::Malformed;
use store::STORE_EXAMPLES;
pub(crate) use store::StoreRequest;
use stored::{EXEC_EXAMPLE, HEADER_EXAMPLE, IMPORT_EXAMPLE, LOGOUT_EXAMPLE, STATUS_EXAMPLE};
pub(crate) use stored::{ExecRequest, HeaderRequest, ImportRequest, LogoutRequest, StatusRequest};
use token::TOKEN_EXAMPLE;
pub(crate) use token::TokenRequest;

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  a step of the demo failed, an address is denied, or two lists differ
  2  the command line is wrong
  3  correct the configuration: credentials, profile, URL, scope, or a port that is in use
  4  a person has to sign in again
  5  try again later: unreachable, no answer in time, throttled
  6  ask the provider: its answer cannot be read
  7  the person refused access
  126, 127  the program of exec cannot be run, or is not found
  129, 130, 143  ended by SIGHUP, Ctrl-C or SIGTERM; what the provider had answered is stored

Colours appear on a terminal only, and never when NO_COLOR is set.";

const DEMO_EXAMPLE: &str = "\
Examples:
  octo-auth demo
  octo-auth demo --json | tail -n 1";

const PROFILE_EXAMPLES: &str = "\
An answer is a whole HTTP response, as curl -i writes it, or a JSON body alone. It is read as the answer of a call
that is never sent: what it would mean, who must act, and what would be tolerated. Its tokens are not shown.

Examples:
  octo-auth profile check acme.toml
  curl -i https://login.example.com/token -d ... > answer.txt
  octo-auth profile try acme.toml --answer answer.txt --call refresh
  curl -i https://login.example.com/token -d ... | octo-auth profile try acme.toml --answer -
  octo-auth profile try acme.toml --answer body.json --call api --status 403

Exit codes of check: 0 sound, 3 not sound. Those of try: 0 accepted, else who must act: 3 configuration, 4 sign in
again, 5 try later or renew the token, 6 ask the provider.";

const CONFIG_EXAMPLES: &str = "\
The settings come from one TOML file and from environment variables over it. The file is the one that --config or
OCTO_AUTH_CONFIG names, else octo-auth/config.toml in $XDG_CONFIG_HOME or ~/.config. Secrets are shown as [redacted].

Examples:
  octo-auth config show
  octo-auth config show --config hotel.toml
  octo-auth config names

Exit codes: 0 sound, 2 usage, 3 something is wrong with the settings.";

const IP_EXAMPLES: &str = "\
A list has one rule a line, an address or a block such as 192.0.2.0/24; what follows # is a comment. A list that
begins with [ is a JSON array of texts. An environment variable holds a list in one line, with commas or blanks
between its rules. A list with one bad rule is no list, and every bad rule is named.

Examples:
  octo-auth ip check 192.0.2.7 --rules allowlist.txt
  octo-auth ip explain 192.0.2.7 --rules allowlist.txt
  octo-auth ip check 192.0.2.7 --rules-env ALLOWED_CALLERS
  octo-auth ip minimal --rules allowlist.txt
  octo-auth ip minimal --rules our-egress.txt --egress --ipv4-only
  octo-auth ip diff allowlist.txt allowlist.new.txt

Exit codes: 0 permitted, or no difference; 1 denied, or a difference; 2 usage; 3 a list is wrong or cannot be read.";

const BOOK_EXAMPLES: &str = "\
Examples:
  octo-auth book
  octo-auth book cron_job | less
  octo-auth book errors | grep refresh_token_rejected
  octo-auth book --html manual.html

Exit codes: 0 done, 2 usage or no such chapter, 3 the file exists or cannot be written.";

/// Get and manage OAuth tokens of Octorate, OctoTable, OfficeRND and any RFC 6749 server
#[derive(Debug, Parser)]
#[command(name = "octo-auth", version, after_help = EXIT_CODES, disable_help_subcommand = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run every flow of every provider with both adapters, against the built-in emulator
    #[command(after_help = DEMO_EXAMPLE)]
    Demo {
        /// Print one JSON object a line for each step, and a last line with the counts of all and of failed steps
        #[arg(long)]
        json: bool,
    },
    /// Run the emulator of all providers on 127.0.0.1 until Ctrl-C, and show its requests
    #[command(after_help = EMULATE_EXAMPLE)]
    Emulate(EmulateRequest),
    /// Print an access token: of an account, or of the client itself (client credentials, ApiLogin at Octorate)
    #[command(after_help = TOKEN_EXAMPLE)]
    Token(TokenRequest),
    /// Check, list, recover, seal or move the stored records
    #[command(subcommand, after_help = STORE_EXAMPLES, disable_help_subcommand = true)]
    Store(StoreRequest),
    /// Check the configuration, the store, the proxy, the provider's address and the clock, and show the remedies
    #[command(after_help = DOCTOR_EXAMPLE)]
    Doctor(DoctorRequest),
    /// Write to a directory until this process is killed; started by doctor
    #[command(hide = true)]
    DoctorWriter { directory: PathBuf },
    /// Sign a person in with the browser, and store the tokens of the account
    #[command(after_help = LOGIN_EXAMPLE)]
    Login(LoginRequest),
    /// Start an account with an existing refresh token from standard input
    #[command(after_help = IMPORT_EXAMPLE)]
    Import(ImportRequest),
    /// Show the status of each stored token
    #[command(after_help = STATUS_EXAMPLE)]
    Status(StatusRequest),
    /// Print the header that carries the token of an account, such as `Authorization: Bearer ...`
    #[command(after_help = HEADER_EXAMPLE)]
    Header(HeaderRequest),
    /// Run a program with the token of an account in its environment
    #[command(after_help = EXEC_EXAMPLE)]
    Exec(ExecRequest),
    /// Sign an account out, and revoke its tokens at the provider
    #[command(after_help = LOGOUT_EXAMPLE)]
    Logout(LogoutRequest),
    /// Check your own profile, or show what an answer means according to it
    #[command(subcommand, after_help = PROFILE_EXAMPLES, disable_help_subcommand = true)]
    Profile(ProfileRequest),
    /// Show the effective settings of a program, their sources, and their errors
    #[command(subcommand, after_help = CONFIG_EXAMPLES, disable_help_subcommand = true)]
    Config(ConfigRequest),
    /// Check a list of addresses: which it permits and why, its shortest form, the effect of a change
    #[command(subcommand, after_help = IP_EXAMPLES, disable_help_subcommand = true)]
    Ip(IpRequest),
    /// Show the manual of this version, without a network
    #[command(after_help = BOOK_EXAMPLES)]
    Book(BookRequest),
}

/// The arguments of `octo-auth book`.
#[derive(Debug, Args)]
pub(crate) struct BookRequest {
    /// The chapter to print, in Markdown; by default the list of all chapters
    pub(crate) chapter: Option<String>,
    /// A new file for the whole manual as one HTML page
    #[arg(long, value_name = "FILE", conflicts_with = "chapter")]
    pub(crate) html: Option<PathBuf>,
}

/// The arguments of `octo-auth profile`.
#[derive(Debug, Subcommand)]
pub(crate) enum ProfileRequest {
    /// Print what a profile offers, or all its errors
    #[command(after_help = PROFILE_EXAMPLES)]
    Check {
        /// The profile, a TOML file
        #[arg(value_name = "FILE")]
        profile: PathBuf,
    },
    /// Print what an answer means according to a profile
    #[command(after_help = PROFILE_EXAMPLES)]
    Try(Trial),
}

/// The arguments of a trial: an answer, and the profile that interprets it.
#[derive(Debug, Args)]
pub(crate) struct Trial {
    /// The profile, a TOML file
    #[arg(value_name = "FILE")]
    pub(crate) profile: PathBuf,
    /// The answer: an HTTP response as `curl -i` writes it, or only a body; - for standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) answer: PathBuf,
    /// The call to which it is an answer; by default client credentials, or the first of ApiLogin and refresh in the
    /// profile
    #[arg(long)]
    pub(crate) call: Option<AnsweredCall>,
    /// The status of the answer; by default its own, or 200 for a body without a head
    #[arg(long, value_name = "STATUS", value_parser = clap::value_parser!(u16).range(100..=599))]
    pub(crate) status: Option<u16>,
    /// A requested scope; may be repeated, and may contain several scopes separated by spaces
    #[arg(long, value_name = "SCOPE")]
    pub(crate) scope: Vec<String>,
}

/// A call whose answer can be interpreted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum AnsweredCall {
    ClientCredentials,
    Code,
    Refresh,
    ApiLogin,
    Api,
}

/// The arguments of `octo-auth config`.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigRequest {
    /// Print each configured setting with its value and its source, or all errors
    #[command(after_help = CONFIG_EXAMPLES)]
    Show {
        /// The file with the settings
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Print the name of each setting, its environment variable and its meaning
    #[command(after_help = CONFIG_EXAMPLES)]
    Names,
}

/// The arguments of `octo-auth ip`.
#[derive(Debug, Subcommand)]
pub(crate) enum IpRequest {
    /// Print `permitted` or `denied`, and exit with 0 or 1
    #[command(after_help = IP_EXAMPLES)]
    Check(Question),
    /// Print which rules permit an address, or the nearest ones, and exit with 0 or 1
    #[command(after_help = IP_EXAMPLES)]
    Explain(Question),
    /// Print the shortest list that permits the same addresses
    #[command(after_help = IP_EXAMPLES)]
    Minimal {
        #[command(flatten)]
        rules: ListSource,
        #[command(flatten)]
        terms: ListTerms,
    },
    /// Print how many addresses each rule of a new list opens (+) and each rule of the old one closes (-), the largest
    /// effect first, and exit with 0 if nothing changes and 1 otherwise
    #[command(after_help = IP_EXAMPLES)]
    Diff {
        /// The current list, or - for standard input
        #[arg(value_name = "OLD")]
        old: PathBuf,
        /// The new list, or - for standard input
        #[arg(value_name = "NEW")]
        new: PathBuf,
        /// Print the opened and closed addresses in the fewest blocks, one a line, instead of by rules
        #[arg(long)]
        blocks: bool,
        #[command(flatten)]
        terms: ListTerms,
    },
}

/// An address and the list to check.
#[derive(Debug, Args)]
pub(crate) struct Question {
    /// The address of a caller
    #[arg(value_name = "ADDR")]
    pub(crate) address: IpAddr,
    #[command(flatten)]
    pub(crate) rules: ListSource,
    #[command(flatten)]
    pub(crate) terms: ListTerms,
}

/// The source of a list.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct ListSource {
    /// The list, or - for standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) rules: Option<PathBuf>,
    /// The environment variable that contains the list in one line, with commas or blanks between its rules
    #[arg(long, value_name = "NAME")]
    pub(crate) rules_env: Option<String>,
}

/// The rules that a list may contain.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct ListTerms {
    /// Permit rules that match every address or half the Internet, such as 0.0.0.0/0
    #[arg(long)]
    pub(crate) any: bool,
    /// Refuse IPv6, as Octorate's lists do
    #[arg(long)]
    pub(crate) ipv4_only: bool,
    /// Refuse addresses that a peer on the Internet never sees, such as 10.0.0.1; for a provider's list of the
    /// addresses from which you call
    #[arg(long)]
    pub(crate) egress: bool,
}
