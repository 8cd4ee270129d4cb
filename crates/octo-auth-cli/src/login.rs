//! `octo-auth login`: a person signs in with a browser, and the tokens of the account are stored.
//!
//! The rules of this module: the store must be proven writable before the code is used; the code is sent once; the
//! command reports success only after the tokens are stored. The callback and the code are never shown.

mod countdown;
mod ended;
mod pasted;
mod probe;

use std::time::{Duration, Instant};

use octo_auth_blocking::rfc6749::{Account, Rfc6749};
use octo_auth_core::profile::RedirectRule;
use octo_auth_core::{AuthorizationCode, PendingAuthorization, Profile, RecordName};
use octo_auth_login::{CallbackListener, Page, open_page};
use octo_auth_system::SystemClock;

use crate::arguments::{LoginRequest, StoreArguments, StoredArguments};
use crate::failure::{Exit, Failure};
use crate::output::{Output, tell};
use crate::record;
use crate::stored::{Absent, Stored};
use ended::{not_exchanged, not_listening, rejected, too_late};

/// The redirect URI of a provider that only accepts `https`: Octorate's default, at which no program listens.
const NOWHERE: &str = "https://localhost";

/// The default path of the listener.
const PATH: &str = "/callback";

/// The limit of the wait for the save after the exchange.
const SAVING: Duration = Duration::from_secs(10);

/// Signs a person in.
///
/// # Errors
///
/// Returns a [`Failure`] whose exit code says who must act; it is [`Exit::Refused`] if the person refused.
pub(crate) fn run(request: &LoginRequest, output: &mut Output) -> Result<Exit, Failure> {
    let directory = request.store.directory.clone();
    let whose =
        StoredArguments { store: StoreArguments { directory }, account: Some(request.account.clone()) };
    let stored = Stored::open(&request.client, &whose, Absent::Created)?;
    stored.registrable()?;
    // An unreadable record is reported before the person is asked for anything.
    record::read(&stored.store, &RecordName::new(&stored.client, &stored.key))?;
    probe::room(stored.store.directory())?;
    let manager = stored.manager()?;
    let server = Rfc6749::new(&manager);
    let account = server.account(stored.key.account_name())?;
    let deadline = Instant::now() + Duration::from_secs(request.wait);

    let (redirect_uri, scopes) = stored.consent()?;
    let way = Way::of(request.redirect_uri.as_deref().or(redirect_uri), stored.client.profile())?;
    let (page, pending) = server.authorize(&way.redirect_uri(), &scopes.to_string())?;
    let title = stored.client.profile().title().to_owned();
    tell(&format!("Open this page, sign in at {title} and grant access:\n\n  {page}\n"));
    if !request.no_browser {
        match open_page(&page) {
            Ok(()) => tell("It was opened in the browser."),
            Err(error) => tell(&format!("{error}: open it yourself{}.", way.place())),
        }
    }
    let keep = |code| kept(&account, code, || manager.shutdown_within(SAVING).is_empty(), &stored);
    match way {
        Way::Listen(listener) => listened(listener, pending, &title, deadline, keep)?,
        Way::Paste(uri) => {
            pasted::explain(&uri, lifetime(stored.client.profile()));
            keep(pasted::callback(pending, &uri, deadline)?)?;
        }
    }
    output.line(format_args!("{}: signed in, and stored in {}", stored.key, stored.shown_directory()))?;
    Ok(Exit::Done)
}

/// How the callback reaches this program.
enum Way {
    /// The browser sends it to a listener.
    Listen(CallbackListener),
    /// The person copies it from the browser's address bar.
    Paste(String),
}

impl Way {
    /// Chooses by the given redirect URI, or by what the provider accepts.
    fn of(named: Option<&str>, profile: &Profile) -> Result<Self, Failure> {
        let rules = profile.document().authorization.as_ref();
        let is_https = rules.is_some_and(|rules| rules.redirect_uri == RedirectRule::Https);
        let listener = match named {
            Some(uri) if !uri.starts_with("http://") => return Ok(Self::Paste(uri.to_owned())),
            Some(uri) => CallbackListener::bind(uri),
            None if is_https => return Ok(Self::Paste(NOWHERE.to_owned())),
            None => CallbackListener::bind_any(PATH),
        };
        listener.map(Self::Listen).map_err(|error| not_listening(&error))
    }

    /// Describes where the person may continue, as the end of a sentence.
    fn place(&self) -> &'static str {
        match self {
            Self::Listen(_) => ", in a browser on this machine",
            Self::Paste(_) => ", in a browser on any machine",
        }
    }

    fn redirect_uri(&self) -> String {
        match self {
            Self::Listen(listener) => listener.redirect_uri(),
            Self::Paste(uri) => uri.clone(),
        }
    }
}

/// Waits for the browser, and shows it how the sign-in ended.
fn listened(
    listener: CallbackListener,
    pending: PendingAuthorization,
    title: &str,
    deadline: Instant,
    keep: impl FnOnce(AuthorizationCode) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let uri = listener.redirect_uri();
    let mut waiting =
        listener.wait_for(pending, title, SystemClock).map_err(|error| not_listening(&error))?;
    let left = || deadline.saturating_duration_since(Instant::now());
    tell(&format!("Waiting at {uri} for the browser, for {} at most; Ctrl-C gives up.", minutes(left())));
    let poll = |step| waiting.callback(step).transpose();
    let received = countdown::wait(countdown::terminal(), left, poll).transpose();
    let code = received.map_err(|error| rejected(&error))?.ok_or_else(|| {
        too_late().with_hint(
            "a browser on another machine cannot reach this one: copy the address it could not open, and run \
             curl 'ADDRESS' here while octo-auth login waits",
        )
    })?;
    let outcome = keep(code);
    waiting.finish(if outcome.is_ok() { Page::SignedIn } else { Page::Failed });
    outcome
}

/// Exchanges the code once, and makes sure that the tokens are stored. The registration is stored first: without it, a
/// later command could not use the tokens.
fn kept(
    account: &Account,
    code: AuthorizationCode,
    is_stored: impl FnOnce() -> bool,
    stored: &Stored,
) -> Result<(), Failure> {
    stored.register()?;
    tell("The callback has arrived; its code is exchanged for tokens.");
    account.sign_in(code).map_err(|error| not_exchanged(&error))?;
    if is_stored() {
        return Ok(());
    }
    let message = format!("the tokens were received and could not be stored in {}", stored.shown_directory());
    Err(Failure::new(Exit::TryLater, message)
        .with_remedy("make room there, or correct what is named in the hint, and sign in again")
        .with_hint(account.tokens().explain().replace('\n', "\n    ")))
}

/// Returns the lifetime of a code, in seconds.
fn lifetime(profile: &Profile) -> u32 {
    profile.document().authorization.as_ref().map_or(0, |rules| rules.code_lifetime_seconds)
}

fn minutes(duration: Duration) -> String {
    match duration.as_secs().div_ceil(60).max(1) {
        1 => "one minute".to_owned(),
        minutes => format!("{minutes} minutes"),
    }
}
