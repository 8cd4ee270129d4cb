//! Reports from the processes: the answers to callers, the waiting callers, and the events that subscribers received.

use std::time::Duration;

use octo_auth_core::{
    Change, Event, ExchangeError, Freshness, Generation, Now, Remedy, RequestError, Token, TokenError,
};

use super::log::Kind;
use super::{Environment, Inside, Named};
use crate::scenario::spell::spelt;

/// A shorter delay may be random, so it is not shown.
const SHOWN: Duration = Duration::from_secs(60);

impl Environment {
    /// Records that this number of callers begin to ask.
    pub fn set_out(&self, named: Named, key: &str, callers: usize) {
        let mut inside = self.enter();
        *inside.waiting.entry((named.place, key.to_owned())).or_default() += callers;
    }

    /// Records the answer to a caller.
    pub fn told(&self, named: Named, key: &str, told: &Result<Token, TokenError>) {
        let mut inside = self.enter();
        if !inside.is_present(named) {
            return;
        }
        let of = (named.place, key.to_owned());
        if let Some(waiting) = inside.waiting.get_mut(&of) {
            *waiting = waiting.saturating_sub(1);
        }
        let text = match told {
            Ok(token) => {
                let access_token = token.access_token().expose().to_owned();
                inside.generations.insert((named.place, access_token.clone()), token.generation());
                inside.last_told.insert(of, access_token);
                shown(token, inside.now)
            }
            Err(failure) => format!("no token ({}; {})", failure.code(), remedy(failure)),
        };
        inside.log.note(named.place, key, Kind::Told, text);
    }

    /// Returns the generation of `token`, or of the token that a caller received last.
    #[must_use]
    pub fn generation(&self, named: Named, key: &str, token: Option<&str>) -> Option<Generation> {
        let inside = self.lock();
        let last = inside.last_told.get(&(named.place, key.to_owned())).map(String::as_str);
        let token = token.or(last)?.to_owned();
        inside.generations.get(&(named.place, token)).copied()
    }

    /// Records that a process begins to wait for something other than a token.
    pub fn begin(&self) {
        self.enter().pending += 1;
    }

    /// Records that such a wait has ended.
    pub fn done(&self, named: Named) {
        let mut inside = self.enter();
        if inside.is_present(named) {
            inside.pending = inside.pending.saturating_sub(1);
        }
    }

    /// Records a message about a spec that is not an answer with a token.
    pub fn say(&self, named: Named, key: &str, said: &str) {
        let mut inside = self.enter();
        if inside.is_present(named) {
            inside.log.note(named.place, key, Kind::Told, said.to_owned());
        }
    }

    /// Records the error of a code exchange.
    pub fn redeemed_in_vain(&self, named: Named, key: &str, error: &ExchangeError) {
        self.say(named, key, &format!("no tokens for the code ({})", error.code()));
    }

    /// Records that tokens could not be imported for a spec.
    pub fn not_imported(&self, named: Named, key: &str, error: &RequestError) {
        self.say(named, key, &format!("not imported ({})", error.code()));
    }

    /// Records that a shutdown has ended.
    pub fn shut_down(&self, named: Named) {
        self.done(named);
        self.say(named, "everybody", "shut down");
    }

    /// Records that tokens are refreshed ahead from now on.
    pub fn refresh_ahead(&self) {
        self.enter().refreshed_ahead += 1;
    }

    /// Records that tokens are not refreshed ahead any more.
    pub fn let_cool(&self) {
        self.enter().refreshed_ahead = 0;
    }

    /// Records a change that a subscriber received.
    pub fn heard(&self, named: Named, change: &Change) {
        let mut inside = self.lock();
        let text = match &change.event {
            Event::Renewed(generation) => format!("renewed, generation {}", generation.number),
            Event::Setback(failure) => format!("setback, {}", failure.code()),
            Event::SignInNeeded(failure) => format!("sign-in needed, {}", failure.code()),
            Event::Unsaved(generation) => format!("generation {} is not saved yet", generation.number),
            Event::LostWrite(generation) => format!("generation {} is lost in the store", generation.number),
            other => format!("{other:?}"),
        };
        let key = self.setup().name_of(&change.spec);
        inside.log.note(named.place, &key, Kind::News, text);
    }
}

impl Inside {
    pub(super) fn is_present(&self, named: Named) -> bool {
        self.present.get(named.place) == Some(&named.number)
    }
}

fn shown(token: &Token, now: Now) -> String {
    let freshness = match token.validity().freshness(now) {
        Freshness::Fresh => "fresh",
        Freshness::Stale => "stale",
        Freshness::Expired => "expired",
    };
    let suspect = if token.is_suspect() { ", suspect" } else { "" };
    format!("{} ({freshness}{suspect})", token.access_token().expose())
}

/// Returns who must act, and when asking again makes sense.
fn remedy(failure: &TokenError) -> String {
    let again = match failure.retry_after() {
        Some(after) if after >= SHOWN => format!("again in {}", spelt(after)),
        Some(_) => "again soon".to_owned(),
        None => "not by waiting".to_owned(),
    };
    match failure.remedy() {
        Remedy::SignInAgain if failure.retry_after().is_none() => "sign in".to_owned(),
        Remedy::SignInAgain => format!("sign in, or {again}"),
        Remedy::RenewToken => "renew the token".to_owned(),
        Remedy::FixConfiguration if failure.retry_after().is_none() => "fix the configuration".to_owned(),
        Remedy::FixConfiguration => format!("fix the configuration, or {again}"),
        Remedy::AskProvider => format!("ask the provider, or {again}"),
        _ => again,
    }
}
