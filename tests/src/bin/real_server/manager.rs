//! The tokens of one account with either adapter, on a store of files and a clock that can be advanced.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::Request;
use octo_auth_core::{
    ApiAnswer, ApiError, Body, Client, Imported, Now, RequestError, Token, TokenError, TokenSpec,
};
use octo_auth_system::{Clock, SystemClock};
use octo_auth_tests::registration::sound;
use tokio::runtime::{Builder, Runtime};
use {octo_auth_async as asynchronous, octo_auth_blocking as blocking};

use super::files::Files;

/// The clocks of the machine, this count of seconds ahead.
#[derive(Clone, Default)]
pub(crate) struct Ahead(Arc<AtomicU64>);

impl Ahead {
    pub(crate) fn pass(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::Relaxed);
    }
}

impl Clock for Ahead {
    fn now(&self) -> Now {
        let now = SystemClock.now();
        let ahead = Duration::from_secs(self.0.load(Ordering::Relaxed));
        Now { wall: now.wall.saturating_add(ahead), boot: now.boot + ahead }
    }
}

pub(crate) struct Manager {
    colour: Colour,
    pub(crate) clock: Ahead,
}

enum Colour {
    Async(Runtime, asynchronous::TokenSource),
    Blocking(blocking::TokenSource),
}

impl Manager {
    /// Creates the manager of a program that starts with this store; it asks for the account `guest`.
    pub(crate) fn start(colour: &str, client: Client, store: &Path, clock: Ahead) -> Self {
        let (key, store) = (TokenSpec::account("guest"), Files::new(store));
        let colour = if colour == "async" {
            let runtime = sound(Builder::new_multi_thread().worker_threads(1).enable_all().build());
            let builder =
                asynchronous::TokenManager::builder(client).store(asynchronous::BlockingStore::new(store));
            let manager = sound(builder.clock(clock.clone()).build());
            Colour::Async(runtime, sound(manager.tokens(key)))
        } else {
            let manager =
                sound(blocking::TokenManager::builder(client).store(store).clock(clock.clone()).build());
            Colour::Blocking(sound(manager.tokens(key)))
        };
        Self { colour, clock }
    }

    pub(crate) fn import(&self, imported: impl Into<Imported>) -> Result<(), RequestError> {
        match &self.colour {
            Colour::Async(runtime, tokens) => runtime.block_on(tokens.import(imported)),
            Colour::Blocking(tokens) => tokens.import(imported),
        }
    }

    pub(crate) fn get(&self) -> Result<Token, TokenError> {
        match &self.colour {
            Colour::Async(runtime, tokens) => runtime.block_on(tokens.get()),
            Colour::Blocking(tokens) => tokens.get(),
        }
    }

    /// Returns the access token in plain text, or the error.
    pub(crate) fn text(&self) -> Result<String, TokenError> {
        self.get().map(|token| token.access_token().expose().to_owned())
    }

    pub(crate) fn sign_out(&self) {
        match &self.colour {
            Colour::Async(runtime, tokens) => runtime.block_on(tokens.sign_out()),
            Colour::Blocking(tokens) => tokens.sign_out(),
        }
    }

    pub(crate) fn explain(&self) -> String {
        match &self.colour {
            Colour::Async(_, tokens) => tokens.explain(),
            Colour::Blocking(tokens) => tokens.explain(),
        }
    }

    pub(crate) fn call(&self, url: &str) -> Result<ApiAnswer, ApiError> {
        let request = sound(Request::get(url).body(Body::empty()));
        let answer = match &self.colour {
            Colour::Async(runtime, tokens) => {
                runtime.block_on(asynchronous::ApiClient::new(tokens.clone()).call(&request))
            }
            Colour::Blocking(tokens) => blocking::ApiClient::new(tokens.clone()).call(&request),
        };
        answer.map(|answer| answer.value)
    }
}
