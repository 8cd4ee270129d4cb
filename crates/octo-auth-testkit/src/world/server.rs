//! The token server of a simulated world: it issues tokens, replaces refresh tokens and knows which are valid.
//!
//! It reads the spec from the request itself. A request with another spec's scopes or refresh token therefore gets
//! that spec's token.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use http::{Request, Response};
use octo_auth_core::Body;

use super::plan::{Breakage, ErrorReply, RefreshMember, Reply, Rotation, TokenReply};
use crate::response::{json, with};

/// How long a replaced refresh token still returns its successor, if there is a grace period.
const GRACE: Duration = Duration::from_secs(30);

/// The server.
#[derive(Debug)]
pub(super) struct Server {
    rotation: Rotation,
    scopes: [&'static str; 2],
    families: Vec<Family>,
    /// The family of each refresh token, and until when a replaced one still returns its successor.
    issued: HashMap<String, (usize, Option<Duration>)>,
    /// The successor of each refresh token.
    successors: HashMap<String, String>,
    /// The last access token of each spec.
    last: HashMap<usize, String>,
    serial: u32,
    /// The refresh tokens that the server has refused with `invalid_grant`.
    pub(super) refused: HashSet<String>,
    /// A replaced refresh token that has just been used again.
    pub(super) reused: Option<Reused>,
    /// The ends of grace periods, the next one first.
    grace_ends: VecDeque<Duration>,
    /// The number of changes.
    pub(super) changes: u64,
}

/// A token family: all tokens from one sign-in.
#[derive(Debug)]
struct Family {
    key: usize,
    live: String,
    revoked: bool,
}

/// The reuse of a replaced refresh token, which has ended its family.
#[derive(Debug)]
pub(super) struct Reused {
    pub(super) refresh_token: String,
    /// Whether the family was the newest of its spec.
    pub(super) was_in_use: bool,
}

/// The tokens that the server issued for a request.
#[derive(Debug, Clone, Default)]
pub(super) struct IssuedTokens {
    /// The issued access token.
    pub(super) access_token: Option<String>,
    /// The issued refresh token.
    pub(super) refresh_token: Option<String>,
}

impl Server {
    pub(super) fn new(rotation: Rotation, scopes: [&'static str; 2]) -> Self {
        Self {
            rotation,
            scopes,
            families: Vec::new(),
            issued: HashMap::new(),
            successors: HashMap::new(),
            last: HashMap::new(),
            serial: 0,
            refused: HashSet::new(),
            reused: None,
            grace_ends: VecDeque::new(),
            changes: 0,
        }
    }

    /// Signs a user in. Returns the refresh token of a new family.
    pub(super) fn sign_in(&mut self, key: usize) -> String {
        let live = self.next("rt", key);
        self.issued.insert(live.clone(), (self.families.len(), None));
        self.families.push(Family { key, live: live.clone(), revoked: false });
        live
    }

    /// Returns the number of the sign-in that a refresh token comes from.
    pub(super) fn sign_in_of(&self, refresh_token: &str) -> Option<usize> {
        self.issued.get(refresh_token).map(|(family, _)| *family)
    }

    /// Returns a new access token for a sign-in.
    pub(super) fn access_token(&mut self, key: usize) -> String {
        let token = self.next("at", key);
        self.last.insert(key, token.clone());
        token
    }

    /// Ends all families of a spec.
    pub(super) fn withdraw(&mut self, key: usize) {
        self.changes += 1;
        self.families.iter_mut().filter(|family| family.key == key).for_each(|family| family.revoked = true);
    }

    /// Advances time. Each end of a grace period counts as a change.
    pub(super) fn pass(&mut self, now: Duration) {
        while self.grace_ends.front().is_some_and(|end| *end <= now) {
            self.grace_ends.pop_front();
            self.changes += 1;
        }
    }

    /// Returns whether a refresh token is still accepted, or `None` if its family has ended.
    pub(super) fn takes(&self, refresh_token: &str, now: Duration) -> Option<bool> {
        let (family, until) = self.issued.get(refresh_token)?;
        let family = self.families.get(*family)?;
        let in_grace = self.rotation == Rotation::Grace && until.is_some_and(|until| until > now);
        (!family.revoked).then(|| family.live == refresh_token || in_grace)
    }

    /// Returns the successor of a refresh token.
    pub(super) fn successor(&self, refresh_token: &str) -> Option<&str> {
        self.successors.get(refresh_token).map(String::as_str)
    }

    /// Ends the family of a revoked refresh token. Returns its valid refresh token, unless the family had ended
    /// before.
    pub(super) fn revoke(&mut self, request: &Request<Body>) -> Option<String> {
        let token = parameter(request, "token").unwrap_or_default();
        let (family, _) = *self.issued.get(&token)?;
        let family = self.families.get_mut(family)?;
        self.changes += 1;
        let was_good = !std::mem::replace(&mut family.revoked, true);
        was_good.then(|| family.live.clone())
    }

    /// Processes a request as the reply says. Returns the response, if one is sent.
    pub(super) fn take(
        &mut self,
        request: &Request<Body>,
        reply: &Reply,
        now: Duration,
    ) -> (IssuedTokens, Option<Response<Vec<u8>>>) {
        let granting = match reply {
            Reply::Token(reply) => Some(*reply),
            Reply::Broken(_) | Reply::Gateway { done: true, .. } | Reply::Fault(_, true) => Some(GRANT),
            Reply::Refusal(_) | Reply::Gateway { done: false, .. } | Reply::Fault(_, false) => None,
        };
        let outcome = granting.map(|granting| self.grant(request, granting, now));
        let outcome = match outcome {
            Some(Err(())) => return self.refuse(request, reply),
            Some(Ok(outcome)) => outcome,
            None => IssuedTokens::default(),
        };
        let response = match reply {
            Reply::Token(reply) => Some(token_answer(*reply, &outcome)),
            Reply::Broken(breakage) => Some(broken_answer(*breakage, &outcome)),
            Reply::Refusal(refusal) => {
                if refusal.code == Some("invalid_grant") {
                    self.refused.extend(parameter(request, "refresh_token"));
                }
                Some(refusal_answer(*refusal))
            }
            Reply::Gateway { status, retry_after, .. } => Some(gateway_answer(*status, *retry_after)),
            Reply::Fault(..) => None,
        };
        (outcome, response)
    }

    /// Refuses a refresh token as dead, unless the answer cannot arrive.
    fn refuse(
        &mut self,
        request: &Request<Body>,
        reply: &Reply,
    ) -> (IssuedTokens, Option<Response<Vec<u8>>>) {
        let response = match reply {
            Reply::Gateway { status, retry_after, .. } => Some(gateway_answer(*status, *retry_after)),
            Reply::Fault(..) => None,
            Reply::Token(_) | Reply::Broken(_) | Reply::Refusal(_) => {
                self.refused.extend(parameter(request, "refresh_token"));
                Some(json(400, r#"{"error":"invalid_grant"}"#))
            }
        };
        (IssuedTokens::default(), response)
    }

    /// Issues the requested tokens, or returns an error if the refresh token is dead.
    fn grant(
        &mut self,
        request: &Request<Body>,
        reply: TokenReply,
        now: Duration,
    ) -> Result<IssuedTokens, ()> {
        let (key, refresh_token) = match parameter(request, "refresh_token") {
            Some(sent) => self.refresh(&sent, reply.refresh, now)?,
            None => (self.key_of_client_grant(request), None),
        };
        let known = self.last.get(&key).filter(|_| reply.again).cloned();
        let access_token = known.unwrap_or_else(|| self.access_token(key));
        Ok(IssuedTokens { access_token: Some(access_token), refresh_token })
    }

    fn refresh(
        &mut self,
        sent: &str,
        member: RefreshMember,
        now: Duration,
    ) -> Result<(usize, Option<String>), ()> {
        let (rotation, number) = (self.rotation, self.serial + 1);
        let (place, until) = *self.issued.get(sent).ok_or(())?;
        let family = self.families.get_mut(place).ok_or(())?;
        let key = family.key;
        if family.revoked {
            return Err(());
        }
        if family.live != sent {
            let in_grace = until.is_some_and(|until| until > now);
            if rotation == Rotation::Grace && in_grace {
                return Ok((key, Some(family.live.clone())));
            }
            family.revoked = true;
            self.changes += 1;
            let was_in_use = !self.families[place + 1..].iter().any(|newer| newer.key == key);
            self.reused = Some(Reused { refresh_token: sent.to_owned(), was_in_use });
            return Err(());
        }
        if member != RefreshMember::Given {
            return Ok((key, None));
        }
        if rotation == Rotation::None {
            return Ok((key, Some(sent.to_owned())));
        }
        let successor = name("rt", key, number);
        let replaced = std::mem::replace(&mut family.live, successor.clone());
        self.successors.insert(replaced.clone(), successor.clone());
        let grace_ends = now.saturating_add(GRACE);
        self.issued.insert(replaced, (place, Some(grace_ends)));
        if rotation == Rotation::Grace {
            self.grace_ends.push_back(grace_ends);
        }
        self.issued.insert(successor.clone(), (place, None));
        self.serial = number;
        self.changes += 1;
        Ok((key, Some(successor)))
    }

    fn key_of_client_grant(&self, request: &Request<Body>) -> usize {
        let scope = parameter(request, "scope").unwrap_or_default();
        self.scopes.iter().position(|known| *known == scope).unwrap_or(0)
    }

    fn next(&mut self, what: &str, key: usize) -> String {
        self.serial += 1;
        name(what, key, self.serial)
    }
}

/// The tokens that the server issues if its answer does not arrive as intended.
const GRANT: TokenReply =
    TokenReply { lifetime: Some(3600), hint: None, again: false, refresh: RefreshMember::Given };

/// Returns the name of a token: its kind, its spec and a unique number.
fn name(what: &str, key: usize, number: u32) -> String {
    format!("{what}-{key}-{number}")
}

/// Returns the spec for which a token was issued, according to its name.
pub(super) fn key_of(token: &str) -> Option<usize> {
    token.split('-').nth(1)?.parse().ok()
}

/// Returns a parameter of a request's form. The values here need no decoding.
pub(super) fn parameter(request: &Request<Body>, name: &str) -> Option<String> {
    let body = std::str::from_utf8(request.body().as_ref()).ok()?;
    let pairs = body.split('&').filter_map(|pair| pair.split_once('='));
    pairs.into_iter().find(|(found, _)| *found == name).map(|(_, value)| value.to_owned())
}

fn token_answer(reply: TokenReply, outcome: &IssuedTokens) -> Response<Vec<u8>> {
    let mut members = vec![
        format!(r#""access_token":"{}""#, outcome.access_token.as_deref().unwrap_or_default()),
        r#""token_type":"Bearer""#.to_owned(),
    ];
    members.extend(reply.lifetime.map(|seconds| format!(r#""expires_in":{seconds}"#)));
    members.extend(reply.hint.map(|seconds| format!(r#""refresh_in":{seconds}"#)));
    members.extend(refresh_member(reply.refresh, outcome));
    json(200, &format!("{{{}}}", members.join(",")))
}

fn refresh_member(member: RefreshMember, outcome: &IssuedTokens) -> Option<String> {
    let odd = ["null", "7", "\"\"", "{}", "true", "[\"rt-0-0\"]"];
    match (member, &outcome.refresh_token) {
        (_, Some(token)) => Some(format!(r#""refresh_token":"{token}""#)),
        (RefreshMember::Odd(which), None) => {
            Some(format!(r#""refresh_token":{}"#, odd[usize::from(which) % odd.len()]))
        }
        (RefreshMember::Given | RefreshMember::Absent, None) => None,
    }
}

fn broken_answer(breakage: Breakage, outcome: &IssuedTokens) -> Response<Vec<u8>> {
    let refresh = refresh_member(RefreshMember::Given, outcome).unwrap_or_else(|| r#""other":1"#.to_owned());
    match breakage {
        Breakage::NoAccessToken => json(200, &format!(r#"{{"token_type":"Bearer",{refresh}}}"#)),
        Breakage::UnsafeAccessToken => {
            let body = format!(r#"{{"access_token":"un\nsafe é","token_type":"Bearer",{refresh}}}"#);
            json(200, &body)
        }
        Breakage::Page => with(200, &[("content-type", "text/html")], "<p>sign in</p>"),
        Breakage::Cut => json(200, r#"{"access_token":"cut-off","token_type":"Bearer","expires_in":36"#),
        Breakage::Empty => json(200, ""),
    }
}

fn refusal_answer(refusal: ErrorReply) -> Response<Vec<u8>> {
    let token =
        if refusal.holds_a_token { r#","access_token":"from-an-error","token_type":"Bearer""# } else { "" };
    let body = refusal.code.map(|code| format!(r#"{{"error":"{code}"{token}}}"#));
    let body =
        body.unwrap_or_else(|| if token.is_empty() { String::new() } else { format!("{{{}}}", &token[1..]) });
    let after = refusal.retry_after.map(|seconds| seconds.to_string());
    let mut headers = vec![("content-type", "application/json")];
    headers.extend(after.as_deref().map(|seconds| ("retry-after", seconds)));
    if (300..400).contains(&refusal.status) {
        headers.push(("location", "https://elsewhere.example/token"));
    }
    with(refusal.status, &headers, body)
}

fn gateway_answer(status: u16, retry_after: Option<u16>) -> Response<Vec<u8>> {
    let after = retry_after.map(|seconds| seconds.to_string());
    let mut headers = vec![("content-type", "text/html")];
    headers.extend(after.as_deref().map(|seconds| ("retry-after", seconds)));
    with(status, &headers, "<p>bad gateway</p>")
}
