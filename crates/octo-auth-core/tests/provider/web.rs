//! Sign-ins of a web application: the cookie of each, and the records in which pending sign-ins are stored.

use http::header::{COOKIE, LOCATION, SET_COOKIE};
use http::{HeaderMap, HeaderValue};
use octo_auth_core::provider::web::{self, Change, WaitingSignIns, WebSignInError};
use octo_auth_core::{
    Client, Diagnostic, Entropy, PendingAuthorization, Profile, RecordBytes, Scopes, Stored, Version,
};
use octo_auth_testkit::moment;
use octo_auth_testkit::registration::{CLIENT_SECRET, octorate};

/// Returns a sign-in whose state is derived from this number.
fn sign_in(number: u8, account: &str) -> PendingAuthorization {
    let entropy = Entropy::from_bytes([number; 64]);
    let begun = octorate().authorize("https://app.example/cb", &Scopes::none(), entropy, moment::start());
    begun.unwrap().1.with_account(account)
}

/// Returns the cookie of a pending sign-in in a store.
fn cookie(pending: &PendingAuthorization) -> HeaderValue {
    web::cookie(pending.state(), pending.state().expose()).unwrap()
}

/// Returns the headers of a browser with the cookie of a sign-in, among others.
fn browser(pending: &PendingAuthorization) -> HeaderMap {
    let cookie = cookie(pending);
    let pair = cookie.to_str().unwrap().split(';').next().unwrap();
    HeaderMap::from_iter([(COOKIE, HeaderValue::from_str(&format!("theme=dark; {pair}; a=b")).unwrap())])
}

fn cookie_name(cookie: &HeaderValue) -> &str {
    cookie.to_str().unwrap().split('=').next().unwrap()
}

fn stored(content: RecordBytes) -> Stored {
    Stored { version: Version(7), content }
}

#[test]
fn the_cookie_is_host_only_and_http_only() {
    let pending = sign_in(1, "aurora");
    let cookie = cookie(&pending);
    let text = cookie.to_str().unwrap();
    assert!(text.starts_with("__Host-octo-auth-"), "{text}");
    assert!(text.ends_with("; Path=/; Max-Age=3600; Secure; HttpOnly; SameSite=Lax"), "{text}");
    assert!(!text.split('=').next().unwrap().contains(&pending.state().expose()[..8]), "{text}");
    assert!(!format!("{cookie:?}").contains(pending.state().expose()), "{cookie:?}");
    let other = sign_in(2, "aurora");
    let of_other = web::cookie(other.state(), "value").unwrap();
    assert_ne!(cookie_name(&of_other), cookie_name(&cookie), "each sign-in has its own");
    let query = format!("code=c&state={}", pending.state().expose());
    let (_, signed_in) = web::receive(Some(pending), &query, moment::start()).unwrap();
    let removed = signed_in.cookie.to_str().unwrap();
    assert!(
        removed.contains("=; Path=/; Max-Age=0; ") && removed.starts_with(cookie_name(&cookie)),
        "{removed}"
    );
}

#[test]
fn a_callback_counts_only_in_the_browser_with_its_cookie() {
    let (own, other) = (sign_in(1, "aurora"), sign_in(2, "aurora"));
    let query = format!("code=c0de&state={}", own.state().expose());
    assert_eq!(web::returned(&query, &browser(&own)).unwrap(), (own.state().clone(), own.state().expose()));
    let mut both = browser(&other);
    both.append(COOKIE, browser(&own).remove(COOKIE).unwrap());
    assert_eq!(web::returned(&query, &both).unwrap().0, *own.state());
    for headers in [HeaderMap::new(), browser(&other)] {
        let error = web::returned(&query, &headers).unwrap_err();
        assert!(matches!(error, WebSignInError::OtherBrowser), "{error:?}");
        assert_eq!((error.code().as_ref(), error.status().as_u16()), ("other_browser", 400));
    }
    for (query, code) in [
        ("code=c0de", "state_missing"),
        ("code=c0de&state=", "state_missing"),
        ("code=c0de&state=a&state=a", "duplicate_parameter"),
        ("code=c0de&state=%zz", "callback_malformed"),
        ("", "state_missing"),
    ] {
        let error = web::returned(query, &browser(&own)).unwrap_err();
        assert_eq!(error.code(), code, "{query}");
    }
}

/// A browser sends the cookies of the whole host in one field, in the bytes in which a page has set them.
#[test]
fn a_foreign_cookie_that_is_not_ascii_does_not_hide_the_cookie_of_the_sign_in() {
    let own = sign_in(1, "aurora");
    let query = format!("code=c&state={}", own.state().expose());
    for foreign in [&b"city=Z\xc3\xbcrich; "[..], b"city=Z\xfcrich; ", b"\xff\xfe;"] {
        let line = [foreign, browser(&own)[COOKIE].as_bytes(), b"; city=Z\xfcrich"].concat();
        let headers = HeaderMap::from_iter([(COOKIE, HeaderValue::from_bytes(&line).unwrap())]);
        let returned = web::returned(&query, &headers).unwrap();
        assert_eq!(returned, (own.state().clone(), own.state().expose()), "{}", foreign.escape_ascii());
    }
}

#[test]
fn a_sign_in_is_taken_once_and_knows_its_account_and_its_verifier() {
    let pending = sign_in(1, "aurora");
    let (client, state) = (octorate(), pending.state().clone());
    let mut record = WaitingSignIns::read(&client, &state, None).unwrap();
    assert_eq!(record.version(), None);
    record.add(&pending, moment::start());
    let written = stored(record.content());
    let mut read = WaitingSignIns::read(&client, &state, Some(&written)).unwrap();
    assert_eq!(read.version(), Some(Version(7)));
    assert_eq!(read.name(), &WaitingSignIns::record_name(&client, &state));
    assert!(read.take(sign_in(2, "aurora").state()).is_none());
    let taken = read.take(&state).unwrap();
    assert_eq!(taken.to_json(), pending.to_json());
    let code = taken.receive(&format!("?code=c&state={}", state.expose()), moment::start()).unwrap();
    assert_eq!(code.account(), Some("aurora"));
    let mut after = WaitingSignIns::read(&client, &state, Some(&stored(read.content()))).unwrap();
    assert!(after.take(&state).is_none());
}

/// Another replica writes between each read and write.
#[test]
fn a_change_is_retried_after_a_conflict_but_not_forever() {
    let (first, second) = (sign_in(1, "aurora"), sign_in(1, "bellevue"));
    let state = first.state().clone();
    let mut change = Change::add(&octorate(), first, moment::start());
    let (version, alone) = change.write(None).unwrap().unwrap();
    assert_eq!(version, None);
    let mut other = Change::add(&octorate(), second, moment::start());
    let others = stored(other.write(None).unwrap().unwrap().1);
    let (version, both) = change.write(Some(&others)).unwrap().unwrap();
    assert_eq!(version, Some(Version(7)));
    assert!(both.as_ref().len() > alone.as_ref().len());

    let mut take = Change::take(&octorate(), state.clone());
    assert!(take.write(Some(&others)).unwrap().is_some());
    assert!(take.write(None).unwrap().is_none(), "another replica has taken it; nothing is to be written");
    assert!(take.taken().is_none());

    let mut take = Change::take(&octorate(), state);
    for _ in 0..16 {
        assert!(take.write(Some(&others)).unwrap().is_some());
    }
    assert!(take.write(Some(&others)).unwrap_err().to_string().contains("changed all the time"));
}

#[test]
fn a_cookie_that_browsers_would_drop_is_an_error_that_says_what_to_do() {
    let pending = sign_in(1, "aurora");
    let room = 4096 - cookie_name(&cookie(&pending)).len();
    assert!(web::cookie(pending.state(), &"a".repeat(room)).is_ok());
    let error = web::cookie(pending.state(), &"a".repeat(room + 1)).unwrap_err().to_string();
    assert!(error.contains("4096 bytes") && error.contains("keep the sign-ins in a store"), "{error}");
}

#[test]
fn old_sign_ins_are_removed_and_a_record_holds_a_limited_number() {
    let first = sign_in(0, "aurora");
    let mut record = WaitingSignIns::read(&octorate(), first.state(), None).unwrap();
    record.add(&first, moment::start());
    let late = moment::after(3600);
    record.add(&sign_in(1, "aurora"), late);
    assert!(record.take(first.state()).is_none(), "it is an hour old");
    let limit = u8::try_from(WaitingSignIns::MOST).unwrap();
    for number in 2..=limit + 2 {
        record.add(&sign_in(number, &"a".repeat(2000)), moment::start());
    }
    assert!(record.take(sign_in(2, "aurora").state()).is_none(), "the oldest made room");
    assert!(record.take(sign_in(3, "aurora").state()).is_some());
    assert!(record.content().as_ref().len() < 256 * 1024, "{}", record.content().as_ref().len());
}

#[test]
fn a_record_of_another_client_or_a_damaged_one_is_an_error_and_is_not_overwritten() {
    let pending = sign_in(1, "aurora");
    let mut record = WaitingSignIns::read(&octorate(), pending.state(), None).unwrap();
    record.add(&pending, moment::start());
    let content = String::from_utf8(record.content().as_ref().to_vec()).unwrap();
    let read = |client: &Client, content: &str| {
        let stored = stored(content.as_bytes().into());
        WaitingSignIns::read(client, pending.state(), Some(&stored)).map(|_| ()).map_err(|error| error.code())
    };
    assert_eq!(read(&octorate(), &content), Ok(()));
    let other = Client::new(Profile::octorate(), "client-2", CLIENT_SECRET).unwrap();
    assert_eq!(read(&other, &content), Err("client_mismatch"));
    assert_eq!(read(&octorate(), &content.replace("begun_ms", "begun")), Err("record_malformed"));
    assert_eq!(read(&octorate(), &content[1..]), Err("record_not_json"));
    assert!(!format!("{record:?}").contains(pending.state().expose()), "{record:?}");
}

#[test]
fn a_redirect_is_not_cached_and_refuses_a_forged_header() {
    let cookie = cookie(&sign_in(1, "aurora"));
    let response = web::redirect("https://as.example/authorize?a=b", cookie.clone()).unwrap();
    assert_eq!(response.status(), 303);
    assert_eq!(response.headers()[LOCATION], "https://as.example/authorize?a=b");
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert_eq!(response.headers()[SET_COOKIE], cookie);
    assert!(web::redirect("/\r\nx: y", cookie).is_err());
}
