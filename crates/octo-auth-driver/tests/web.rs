//! Sign-ins of a web application in a sealed cookie of the browser.

#![cfg(feature = "sealed-cookie")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use http::header::{COOKIE, LOCATION, SET_COOKIE};
use http::{HeaderMap, HeaderValue, Response};
use octo_auth_core::provider::web::{self, SignedIn, WebSignInError};
use octo_auth_core::{AuthorizationCode, Client, Diagnostic, Entropy, Now, Profile};
use octo_auth_driver::web::{CookieKey, CookieKeys, Found, SignIns};
use octo_auth_testkit::moment;
use octo_auth_testkit::registration::{CLIENT_SECRET, octorate};

const REDIRECT_URI: &str = "https://app.example/callback";

fn key(id: &str, byte: u8) -> CookieKey {
    CookieKey::new(id, [byte; 32]).unwrap()
}

/// A process of the application, with these keys.
fn replica(keys: CookieKeys) -> SignIns<()> {
    SignIns::in_cookie(keys, REDIRECT_URI)
}

fn usual() -> SignIns<()> {
    replica(CookieKeys::new(key("2026", 1)))
}

/// A browser that was sent to the provider, with its cookie and the query of its later callback.
struct Browser {
    cookie: String,
    query: String,
}

impl Browser {
    fn begins(replica: &SignIns<()>, account: &str, number: u8) -> Self {
        let entropy = Some(Entropy::from_bytes([number; 64]));
        let begun = replica.begin(&octorate(), account, entropy, moment::start()).unwrap();
        assert!(begun.to_store.is_none());
        Self { cookie: cookie(&begun.response), query: format!("code=c0de&state={}", state(&begun.response)) }
    }

    fn headers(&self) -> HeaderMap {
        HeaderMap::from_iter([(COOKIE, HeaderValue::from_str(&self.cookie).unwrap())])
    }

    /// Sends the callback.
    fn ends(&self, replica: &SignIns<()>, now: Now) -> Result<(AuthorizationCode, SignedIn), WebSignInError> {
        self.ends_at(replica, &octorate(), now)
    }

    fn ends_at(
        &self,
        replica: &SignIns<()>,
        client: &Client,
        now: Now,
    ) -> Result<(AuthorizationCode, SignedIn), WebSignInError> {
        let Found::InCookie(pending) = replica.find(client, &self.query, &self.headers())? else {
            panic!("there is no store")
        };
        web::receive(pending, &self.query, now)
    }
}

/// The cookie that a browser sends back.
fn cookie(response: &Response<String>) -> String {
    response.headers()[SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned()
}

fn state(response: &Response<String>) -> String {
    let page = response.headers()[LOCATION].to_str().unwrap();
    page.split("state=").nth(1).unwrap().split('&').next().unwrap().to_owned()
}

fn refusal(ended: Result<(AuthorizationCode, SignedIn), WebSignInError>) -> (String, String) {
    let error = ended.unwrap_err();
    (error.code().into_owned(), error.to_string())
}

#[test]
fn the_browser_that_began_completes_the_sign_in_and_the_cookie_shows_no_secret() {
    let replicas = [usual(), usual()];
    let browser = Browser::begins(&replicas[0], "aurora", 1);
    let state = browser.query.split("state=").nth(1).unwrap();
    assert!(!browser.cookie.contains(state) && !browser.cookie.contains("aurora"), "{}", browser.cookie);
    assert!(browser.cookie.starts_with("__Host-octo-auth-"), "{}", browser.cookie);
    assert!(browser.cookie.len() < 800, "{} bytes", browser.cookie.len());
    // Another replica has the same key.
    let (code, signed_in) = browser.ends(&replicas[1], moment::after(30)).unwrap();
    assert_eq!((signed_in.account.as_str(), code.account()), ("aurora", Some("aurora")));
    assert!(code.exchange(&octorate(), moment::after(31)).is_ok());
}

#[test]
fn a_callback_in_another_browser_has_no_code_even_if_that_browser_signs_in_itself() {
    let replica = usual();
    let attacker = Browser::begins(&replica, "evil", 1);
    let victim = Browser::begins(&replica, "aurora", 2);
    for cookie in ["", "theme=dark", &victim.cookie] {
        let tricked = Browser { cookie: cookie.to_owned(), query: attacker.query.clone() };
        assert_eq!(refusal(tricked.ends(&replica, moment::start())).0, "other_browser");
    }
    // The sealed sign-in of the victim, under the name of the attacker's cookie.
    let (name, _) = attacker.cookie.split_once('=').unwrap();
    let (_, value) = victim.cookie.split_once('=').unwrap();
    let forged = Browser { cookie: format!("{name}={value}"), query: attacker.query.clone() };
    assert_eq!(refusal(forged.ends(&replica, moment::start())).0, "cookie_not_opened");
    assert!(victim.ends(&replica, moment::start()).is_ok());
}

#[test]
fn a_cookie_with_any_changed_character_does_not_open() {
    let replica = usual();
    let browser = Browser::begins(&replica, "aurora", 1);
    let begin = browser.cookie.find('=').unwrap() + 1;
    for place in begin..browser.cookie.len() {
        let mut changed = browser.cookie.clone().into_bytes();
        changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
        let cookie = String::from_utf8(changed).unwrap();
        let ended = Browser { cookie, query: browser.query.clone() }.ends(&replica, moment::start());
        assert_eq!(refusal(ended).0, "cookie_not_opened", "at {place}");
    }
    for value in ["", ".", "2026.", "2026.AAAA", "2026.AAAAAAAAAAAAAAAAAAAAAAAAAAAA", "no dot", "2026.%%"] {
        let cookie = format!("{}{value}", &browser.cookie[..begin]);
        let ended = Browser { cookie, query: browser.query.clone() }.ends(&replica, moment::start());
        assert_eq!(refusal(ended).0, "cookie_not_opened", "{value}");
    }
    assert!(browser.ends(&replica, moment::start()).is_ok(), "the right one still opens");
}

#[test]
fn a_cookie_of_an_hour_ago_yields_no_code() {
    let replica = usual();
    let (old, young) = (Browser::begins(&replica, "aurora", 1), Browser::begins(&replica, "aurora", 2));
    assert_eq!(refusal(old.ends(&replica, moment::after(3600))).0, "sign_in_too_old");
    assert!(young.ends(&replica, moment::after(3599)).is_ok());
}

#[test]
fn after_a_rotation_the_old_key_opens_and_once_it_is_gone_the_error_names_it() {
    let old = Browser::begins(&usual(), "aurora", 1);
    let rotated = replica(CookieKeys::new(key("2027", 2)).and_read(key("2026", 1)));
    assert!(old.ends(&rotated, moment::start()).is_ok());
    let new = Browser::begins(&rotated, "aurora", 2);
    assert!(new.cookie.contains("=2027."), "{}", new.cookie);
    let (code, text) = refusal(new.ends(&usual(), moment::start()));
    assert_eq!(code, "cookie_not_opened");
    assert!(text.contains("is sealed with the key `2027`, which was not given"), "{text}");
    let same_id = replica(CookieKeys::new(key("2026", 9)));
    let (_, text) = refusal(old.ends(&same_id, moment::start()));
    assert!(text.contains("does not open with the key `2026`"), "{text}");
}

#[test]
fn two_tabs_end_in_any_order_and_each_callback_counts_once() {
    let replica = usual();
    let tabs = [Browser::begins(&replica, "aurora", 1), Browser::begins(&replica, "bellevue", 2)];
    let cookie = format!("{}; {}", tabs[0].cookie, tabs[1].cookie);
    let tabs = tabs.map(|tab| Browser { cookie: cookie.clone(), ..tab });
    for (tab, account) in [(&tabs[1], "bellevue"), (&tabs[0], "aurora")] {
        let clone = replica.clone();
        assert_eq!(tab.ends(&clone, moment::start()).unwrap().1.account, account);
        assert_eq!(refusal(tab.ends(&replica, moment::start())).0, "sign_in_not_waiting");
    }
}

#[test]
fn a_sign_in_of_another_client_is_refused() {
    let replica = usual();
    let browser = Browser::begins(&replica, "aurora", 1);
    let other = Client::new(Profile::octorate(), "client-2", CLIENT_SECRET).unwrap();
    assert_eq!(refusal(browser.ends_at(&replica, &other, moment::start())).0, "cookie_not_opened");
}

#[test]
fn a_sign_in_that_does_not_fit_into_a_cookie_is_refused_before_the_user_leaves() {
    let replica = usual();
    let begin = |length: usize| {
        let entropy = Some(Entropy::from_bytes([1; 64]));
        replica.begin(&octorate(), &"a".repeat(length), entropy, moment::start()).map(|begun| begun.response)
    };
    assert!(cookie(&begin(2000).unwrap()).len() <= 4096);
    let error = begin(4000).unwrap_err();
    assert_eq!((error.code().as_ref(), error.status().as_u16()), ("value_malformed", 500));
    assert!(error.to_string().contains("4096 bytes"), "{error}");
}

#[test]
fn no_secret_is_shown() {
    let replica = usual();
    let browser = Browser::begins(&replica, "aurora", 1);
    let found = replica.find(&octorate(), &browser.query, &browser.headers()).unwrap();
    let state = browser.query.split("state=").nth(1).unwrap();
    for text in [format!("{replica:?}"), format!("{found:?}")] {
        assert!(!text.contains(state) && !text.contains("0101") && !text.contains("1, 1"), "{text}");
    }
}
