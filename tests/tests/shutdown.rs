//! A shutdown waits for the work in flight, for as long as that may take or as the caller permits, and returns what is
//! left.

#![expect(clippy::unwrap_used, reason = "what a test builds on is sound, or the test fails")]

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use async_trait::async_trait;
use http::{HeaderValue, Request, Response};
use octo_auth_core::{Body, Client, Imported, Profile, Secret, TokenSpec, TransportError};
use octo_auth_tests::registration::{self, sound};
use tokio::sync::Notify;
use tokio::time::advance;

fn client() -> Client {
    registration::with(sound(Profile::rfc6749("https://login.example.com/token")))
}

fn inn() -> TokenSpec {
    TokenSpec::account("inn")
}

fn consent() -> Imported {
    Imported::RefreshToken(Secret::new("rt-0"))
}

fn answer() -> Response<Body> {
    let mut response = Response::new(Body::from(
        r#"{"access_token":"at-1","token_type":"Bearer","expires_in":3600,"refresh_token":"rt-1"}"#,
    ));
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
    response
}

/// A transport that answers when it is notified.
struct Slow(Arc<Notify>);

#[async_trait]
impl octo_auth_async::Transport for Slow {
    async fn send(&self, _: &Request<Body>, _: Duration) -> Result<Response<Body>, TransportError> {
        self.0.notified().await;
        Ok(answer())
    }
}

#[tokio::test(start_paused = true)]
async fn the_asynchronous_adapter_waits_as_long_as_a_renewal_may_take_or_as_it_is_told() {
    let answers = Arc::new(Notify::new());
    let transport = Slow(answers.clone());
    let manager = octo_auth_async::TokenManager::builder(client()).transport(transport).build().unwrap();
    let tokens = manager.tokens(inn()).unwrap();
    tokens.import(consent()).await.unwrap();
    tokens.get_by(Duration::ZERO).await.unwrap_err();
    let unfinished = manager.shutdown_within(Duration::from_secs(5)).await;
    assert_eq!(unfinished.unanswered.iter().map(|key| (**key).clone()).collect::<Vec<_>>(), [inn()]);
    assert!(!unfinished.is_empty());
    let later = async {
        advance(Duration::from_secs(40)).await;
        answers.notify_one();
    };
    let (unfinished, ()) = tokio::join!(manager.shutdown(), later);
    assert!(unfinished.is_empty(), "{unfinished:?}");
    assert_eq!(tokens.get().await.unwrap().access_token().expose(), "at-1");
}

/// A transport that answers when the test says so.
struct Held {
    begun: Mutex<Sender<()>>,
    told: Mutex<Receiver<()>>,
}

impl octo_auth_blocking::Transport for Held {
    fn send(&self, _: &Request<Body>, _: Duration) -> Result<Response<Body>, TransportError> {
        self.begun.lock().unwrap().send(()).unwrap();
        self.told.lock().unwrap().recv().unwrap();
        Ok(answer())
    }
}

#[test]
fn the_blocking_adapter_waits_as_long_as_a_renewal_may_take_or_as_it_is_told() {
    let ((begin, begun), (tell, told)) = (channel(), channel());
    let transport = Held { begun: Mutex::new(begin), told: Mutex::new(told) };
    let manager = octo_auth_blocking::TokenManager::builder(client()).transport(transport).build().unwrap();
    let tokens = manager.tokens(inn()).unwrap();
    tokens.import(consent()).unwrap();
    tokens.get_by(Duration::ZERO).unwrap_err();
    begun.recv().unwrap();
    let unfinished = manager.shutdown_within(Duration::ZERO);
    assert_eq!(unfinished.unanswered.iter().map(|key| (**key).clone()).collect::<Vec<_>>(), [inn()]);
    let unfinished = thread::scope(|scope| {
        let ending = scope.spawn(|| manager.shutdown());
        tell.send(()).unwrap();
        ending.join().unwrap()
    });
    assert!(unfinished.is_empty(), "{unfinished:?}");
    assert_eq!(tokens.get().unwrap().access_token().expose(), "at-1");
}
