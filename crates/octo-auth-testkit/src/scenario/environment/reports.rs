//! What the processes tell the world: what callers were told, who waits, what subscribers heard.

use std::time::Duration;

use octo_auth_core::{
    Change, Event, ExchangeError, Freshness, Generation, Now, Remedy, RequestError, Token, TokenError,
};

use super::log::Kind;
use super::{Environment, Inside, Named};
use crate::scenario::spell::spelt;

/// A pause of less may have been drawn at random, and is not shown.
const SHOWN: Duration = Duration::from_secs(60);

impl Environment {
    /// So many callers set out to ask.
    pub fn set_out(&self, named: Named, key: &str, callers: usize) {
        let mut inside = self.enter();
        *inside.waiting.entry((named.place, key.to_owned())).or_default() += callers;
    }

    /// A caller was told.
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

    /// The generation of the token that was told last, or of this one.
    #[must_use]
    pub fn generation(&self, named: Named, key: &str, token: Option<&str>) -> Option<Generation> {
        let inside = self.lock();
        let last = inside.last_told.get(&(named.place, key.to_owned())).map(String::as_str);
        let token = token.or(last)?.to_owned();
        inside.generations.get(&(named.place, token)).copied()
    }

    /// Somebody begins to wait for something else than a token.
    pub fn begin(&self) {
        self.enter().pending += 1;
    }

    /// Somebody has waited for something else than a token, to the end.
    pub fn done(&self, named: Named) {
        let mut inside = self.enter();
        if inside.is_present(named) {
            inside.pending = inside.pending.saturating_sub(1);
        }
    }

    /// Somebody was told something else than a token, about a key.
    pub fn say(&self, named: Named, key: &str, said: &str) {
        let mut inside = self.enter();
        if inside.is_present(named) {
            inside.log.note(named.place, key, Kind::Told, said.to_owned());
        }
    }

    /// What came of a code was said by an error, if it was not tokens.
    pub fn redeemed_in_vain(&self, named: Named, key: &str, error: &ExchangeError) {
        self.say(named, key, &format!("no tokens for the code ({})", error.code()));
    }

    /// A key could not begin anew with what it was given.
    pub fn not_imported(&self, named: Named, key: &str, error: &RequestError) {
        self.say(named, key, &format!("not imported ({})", error.code()));
    }

    /// A shutdown has ended.
    pub fn shut_down(&self, named: Named) {
        self.done(named);
        self.say(named, "everybody", "shut down");
    }

    /// Tokens are kept warm from now on.
    pub fn refresh_ahead(&self) {
        self.enter().refreshed_ahead += 1;
    }

    /// Nothing is kept warm any more.
    pub fn let_cool(&self) {
        self.enter().refreshed_ahead = 0;
    }

    /// A subscriber heard of a change.
    pub fn heard(&self, named: Named, change: &Change) {
        let mut inside = self.lock();
        let text = match &change.event {
            Event::Renewed(generation) => format!("renewed, generation {}", generation.number),
            Event::Setback(failure) => format!("setback, {}", failure.code()),
            Event::SignInNeeded(failure) => format!("sign-in needed, {}", failure.code()),
            Event::Unsaved(generation) => format!("generation {} is not saved yet", generation.number),
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

/// Who must act, and when asking again makes sense.
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
