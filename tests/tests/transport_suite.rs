//! The contract of every transport, tested with those of both adapters and with faulty ones: each fault must be
//! reported.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use async_trait::async_trait;
use http::header::{CONTENT_ENCODING, COOKIE, HeaderValue, LOCATION, RETRY_AFTER, SET_COOKIE};
use http::{Request, Response};
use octo_auth_async::ReqwestTransport;
use octo_auth_blocking::UreqTransport;
use octo_auth_core::{ANSWER_LIMIT, Body, Delivery, Scopes, TransportError};
use octo_auth_testkit::{async_, blocking};
use octo_auth_tests::registration::{sound, standard};

/// A runtime for the asynchronous suite.
fn runtime() -> tokio::runtime::Runtime {
    sound(tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build())
}

#[test]
fn the_transport_over_reqwest_owes_nothing() {
    let transport = ReqwestTransport::new().unwrap();
    assert_eq!(runtime().block_on(async_::transport::check(&transport)).failures(), []);
}

#[test]
fn a_runtime_of_one_thread_does_as_well() {
    let alone = sound(tokio::runtime::Builder::new_current_thread().enable_all().build());
    let transport = ReqwestTransport::new().unwrap();
    assert_eq!(alone.block_on(async_::transport::check(&transport)).failures(), []);
}

#[test]
fn the_transport_over_ureq_owes_nothing() {
    let transport = UreqTransport::new().unwrap();
    assert_eq!(blocking::transport::check(&transport).failures(), []);
}

#[test]
fn a_scripted_transport_says_what_it_was_told_to_and_remembers_what_it_was_asked() {
    let body = r#"{"access_token":"AT1","token_type":"Bearer","expires_in":60}"#;
    let script = blocking::ScriptedTransport::new().fault(TransportError::timed_out("slow")).json(200, body);
    let asking = || standard().client_credentials(&sound(Scopes::parse("a b"))).unwrap();
    let runner = octo_auth_blocking::Runner::with_transport(script.clone());
    assert_eq!(runner.run(asking()).unwrap_err().code(), "timeout");
    let runner = octo_auth_async::Runner::with_transport(script.clone());
    let granted = runtime().block_on(runner.run(asking())).unwrap().value;
    assert_eq!(granted.access_token().expose(), "AT1");
    let at_its_end = runtime().block_on(runner.run(asking())).unwrap_err();
    assert_eq!(at_its_end.code(), "not_sent");
    let asked = script.asked();
    assert_eq!(asked.len(), 3);
    assert_eq!((asked[1].number, asked[1].parameter("scope").as_deref()), (2, Some("a b")));
    assert_eq!(asked[1].uri, "https://server.example.com/token");
    let always =
        script.always(|asked| Err(TransportError::unknown(if asked.number > 3 { "more" } else { "less" })));
    let runner = octo_auth_blocking::Runner::with_transport(always);
    assert_eq!(runner.run(asking()).unwrap_err().code(), "maybe_processed");
}

/// The fault of a transport, and the check that must report it.
const WRONGS: [(&str, &str); 25] = [
    ("sends one header of a name", "a_request_arrives_as_it_is"),
    ("tidies paths", "a_request_arrives_as_it_is"),
    ("encodes forms again", "a_form_arrives_as_it_is"),
    ("sends a body with everything", "a_request_without_a_body_has_none"),
    ("says for whom it sends", "no_header_is_added"),
    ("tries again", "a_request_is_sent_once"),
    ("keeps cookies", "a_cookie_is_not_kept"),
    ("takes refusals for faults", "a_status_is_passed_on"),
    ("takes refusals for successes", "a_status_is_passed_on"),
    ("drops what it does not know", "headers_are_passed_on"),
    ("keeps one header of a name", "a_repeated_header_stays_repeated"),
    ("takes bodies for text", "a_body_is_passed_on_byte_by_byte"),
    ("hides the compression", "a_compressed_body_stays_compressed"),
    ("follows redirects", "a_redirect_is_not_followed"),
    ("has a smaller limit", "an_answer_of_the_limit_is_whole"),
    ("knows one limit", "an_answer_of_a_raised_limit_is_whole"),
    ("hides that it has cut", "an_answer_above_the_limit_is_cut"),
    ("notes no framing", "an_end_by_the_connection_is_noted"),
    ("is never sure", "a_refused_connection_is_not_sent"),
    ("is always sure", "a_closed_connection_is_in_doubt"),
    ("is always sure", "a_reset_connection_is_in_doubt"),
    ("takes halves", "a_broken_answer_is_in_doubt"),
    ("is always sure", "no_http_is_in_doubt"),
    ("is always sure", "silence_ends_at_the_deadline"),
    ("shows the body", "a_fault_shows_no_secret"),
];

#[test]
fn each_check_of_a_transport_fails_where_it_is_owed_and_in_both_colours() {
    let right = blocking::transport::check(&UreqTransport::new().unwrap());
    let named: BTreeSet<_> = WRONGS.iter().map(|(_, check)| *check).collect();
    assert_eq!(named, right.checks().iter().copied().collect(), "every check has a transport that fails it");
    let names: BTreeSet<_> = WRONGS.iter().map(|(wrong, _)| *wrong).collect();
    thread::scope(|scope| {
        for wrong in names {
            scope.spawn(move || {
                let asynchronous = runtime().block_on(async_::transport::check(&Wrong::new(wrong)));
                for report in [blocking::transport::check(&Wrong::new(wrong)), asynchronous] {
                    let failed: Vec<_> = report.failures().iter().map(|failure| failure.check).collect();
                    for (_, check) in WRONGS.iter().filter(|(own, _)| *own == wrong) {
                        assert!(failed.contains(check), "one that {wrong} fails {failed:?}");
                    }
                }
            });
        }
    });
}

/// A transport over ureq with one fault.
struct Wrong {
    inner: UreqTransport,
    wrong: &'static str,
    cookie: Mutex<Option<HeaderValue>>,
}

impl Wrong {
    fn new(wrong: &'static str) -> Self {
        Self { inner: sound(UreqTransport::new()), wrong, cookie: Mutex::default() }
    }

    fn does(&self, wrong: &str) -> bool {
        self.wrong == wrong
    }

    fn once(&self, request: &Request<Body>, deadline: Duration) -> Result<Response<Body>, TransportError> {
        octo_auth_blocking::Transport::send(&self.inner, request, deadline)
    }

    fn send(&self, request: &Request<Body>, deadline: Duration) -> Result<Response<Body>, TransportError> {
        let request = self.spoilt(request);
        let got = self.once(&request, deadline);
        let again = self.does("tries again") && got.as_ref().is_ok_and(|response| response.status() == 503);
        let got = if again { self.once(&request, deadline) } else { got };
        match got {
            Ok(response) => self.spoil(request, response, deadline),
            Err(fault) => self.spoil_fault(&request, fault),
        }
    }

    fn spoilt(&self, request: &Request<Body>) -> Request<Body> {
        let mut request = request.clone();
        match self.wrong {
            "sends one header of a name" => {
                let headers = request.headers_mut();
                let last: Vec<_> =
                    headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
                last.into_iter().for_each(|(name, value)| drop(headers.insert(name, value)));
            }
            "tidies paths" => {
                let tidy = request.uri().to_string().replace("%7E", "~");
                *request.uri_mut() = sound(tidy.parse());
            }
            "encodes forms again" => {
                let text = String::from_utf8_lossy(request.body().as_ref()).replace("%20", "+");
                *request.body_mut() = Body::from(&*text);
            }
            "sends a body with everything" if request.body().is_empty() => {
                *request.method_mut() = http::Method::POST;
                *request.body_mut() = Body::from("{}");
            }
            "says for whom it sends" => {
                request.headers_mut().insert("x-forwarded-for", HeaderValue::from_static("192.0.2.1"));
            }
            "knows one limit" => request.extensions_mut().clear(),
            "keeps cookies" => {
                let cookie = self.cookie.lock().unwrap_or_else(PoisonError::into_inner).clone();
                cookie.and_then(|cookie| request.headers_mut().insert(COOKIE, cookie));
            }
            _ => {}
        }
        request
    }

    fn spoil(
        &self,
        mut request: Request<Body>,
        mut response: Response<Body>,
        deadline: Duration,
    ) -> Result<Response<Body>, TransportError> {
        let is_refusal = response.status().as_u16() >= 400;
        let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        let bytes = response.body().as_ref().to_vec();
        match (self.wrong, location) {
            ("takes refusals for faults", _) if is_refusal => {
                return Err(TransportError::unknown("the status"));
            }
            ("takes refusals for successes", _) => *response.status_mut() = http::StatusCode::OK,
            ("follows redirects", Some(location)) => {
                *request.uri_mut() = sound(location.parse());
                return self.once(&request, deadline);
            }
            ("keeps cookies", _) => {
                let cookie = response.headers().get(SET_COOKIE).cloned();
                *self.cookie.lock().unwrap_or_else(PoisonError::into_inner) = cookie;
            }
            ("drops what it does not know", _) => drop(response.headers_mut().remove(RETRY_AFTER)),
            ("keeps one header of a name", _) => {
                let headers = response.headers_mut();
                let last: Vec<_> =
                    headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
                last.into_iter().for_each(|(name, value)| drop(headers.insert(name, value)));
            }
            ("takes bodies for text", _) => {
                *response.body_mut() = Body::from(&*String::from_utf8_lossy(&bytes));
            }
            ("hides the compression", _) => drop(response.headers_mut().remove(CONTENT_ENCODING)),
            ("has a smaller limit", _) => *response.body_mut() = cut(bytes, ANSWER_LIMIT - 1),
            ("hides that it has cut", _) => *response.body_mut() = cut(bytes, ANSWER_LIMIT),
            ("notes no framing", _) => response.extensions_mut().clear(),
            _ => {}
        }
        Ok(response)
    }

    fn spoil_fault(
        &self,
        request: &Request<Body>,
        fault: TransportError,
    ) -> Result<Response<Body>, TransportError> {
        let is_open = fault.delivery() == Delivery::Unknown;
        match self.wrong {
            "is never sure" => Err(TransportError::unknown("something went wrong")),
            "is always sure" if is_open => Err(TransportError::not_sent("something went wrong")),
            "takes halves" if is_open => Ok(Response::new(Body::from("{\"access_token\":"))),
            "shows the body" => {
                Err(fault.with_source(String::from_utf8_lossy(request.body().as_ref()).into_owned()))
            }
            _ => Err(fault),
        }
    }
}

fn cut(mut bytes: Vec<u8>, limit: usize) -> Body {
    bytes.truncate(limit);
    Body::new(bytes)
}

impl octo_auth_blocking::Transport for Wrong {
    fn send(&self, request: &Request<Body>, deadline: Duration) -> Result<Response<Body>, TransportError> {
        Self::send(self, request, deadline)
    }
}

#[async_trait]
impl octo_auth_async::Transport for Wrong {
    async fn send(
        &self,
        request: &Request<Body>,
        deadline: Duration,
    ) -> Result<Response<Body>, TransportError> {
        Self::send(self, request, deadline)
    }
}
