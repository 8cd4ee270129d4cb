//! A cached token.

use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use async_trait::async_trait;
use http::{HeaderValue, Request, Response};
use octo_auth_core::{
    AccessToken, Body, Client, Imported, Now, Profile, TokenSet, TokenSpec, TransportError,
};
use octo_auth_system::{Clock, SystemClock};

use crate::{Error, Round};

/// The length of an access token in bytes.
const TOKEN: usize = 256;

pub(crate) fn header_async(_: usize) -> Result<Round, Error> {
    let tokens = async_tokens()?;
    Ok(Box::new(move |_| {
        let header = at_once(tokens.header());
        assert!(black_box(header).is_some_and(|header| header.is_ok()), "no token");
    }))
}

pub(crate) fn in_place_async(_: usize) -> Result<Round, Error> {
    let tokens = async_tokens()?;
    Ok(Box::new(move |_| {
        let length = at_once(tokens.with_header(HeaderValue::len));
        assert!(black_box(length).is_some_and(|length| length.is_ok()), "no token");
    }))
}

pub(crate) fn header_blocking(_: usize) -> Result<Round, Error> {
    let tokens = blocking_tokens()?;
    Ok(Box::new(move |_| assert!(black_box(tokens.header()).is_ok(), "no token")))
}

pub(crate) fn in_place_blocking(_: usize) -> Result<Round, Error> {
    let tokens = blocking_tokens()?;
    Ok(Box::new(move |_| assert!(black_box(tokens.with_header(HeaderValue::len)).is_ok(), "no token")))
}

fn client() -> Result<Client, Error> {
    Ok(Client::new(Profile::rfc6749("https://login.example/token")?, "id", "secret")?)
}

/// Returns a token with a lifetime of one day, issued now.
fn issued() -> Result<Imported, Error> {
    let token = AccessToken::new("a".repeat(TOKEN)).ok_or("no access token")?;
    let Now { wall, .. } = SystemClock.now();
    let (client, day) = (client()?, Duration::from_secs(86_400));
    Ok(Imported::Tokens(TokenSet::restore(client.profile(), token, wall, Some(day), None)))
}

fn async_tokens() -> Result<octo_auth_async::TokenSource, Error> {
    let manager = octo_auth_async::TokenManager::builder(client()?).transport(Unused).build()?;
    let tokens = manager.tokens(TokenSpec::account("hotel 17"))?;
    at_once(tokens.import(issued()?)).ok_or("an adoption without a store waits")??;
    Ok(tokens)
}

fn blocking_tokens() -> Result<octo_auth_blocking::TokenSource, Error> {
    let manager = octo_auth_blocking::TokenManager::builder(client()?).transport(Unused).build()?;
    let tokens = manager.tokens(TokenSpec::account("hotel 17"))?;
    tokens.import(issued()?)?;
    Ok(tokens)
}

/// Polls a future once; `None` if it waits.
fn at_once<F: Future>(future: F) -> Option<F::Output> {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(future).poll(&mut context) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

/// A transport that is never used.
struct Unused;

fn unused() -> TransportError {
    TransportError::not_sent("a benchmark of the cached token sends nothing")
}

#[async_trait]
impl octo_auth_async::Transport for Unused {
    async fn send(&self, _: &Request<Body>, _: Duration) -> Result<Response<Body>, TransportError> {
        Err(unused())
    }
}

impl octo_auth_blocking::Transport for Unused {
    fn send(&self, _: &Request<Body>, _: Duration) -> Result<Response<Body>, TransportError> {
        Err(unused())
    }
}
