//! Token answers (RFC 6749 section 5.1), with the variants of the providers.

use std::borrow::Cow;

use super::members::{Again, Members, Value};
use super::{Deviation, Opened, clock, errors, expiry, open_unread};
use crate::error::{ErrorKind, ExchangeError, ProviderText};
use crate::exchange::sealed::Read;
use crate::exchange::{Answer, Received};
use crate::profile::{AbsentTokenType, Names, TokenAnswer, Use};
use crate::reading::Reading;
use crate::scope::Scopes;
use crate::secret::Secret;
use crate::text::all_bytes;
use crate::token::{AccessToken, AdminToken, KeptMember, KeptMembers, LONGEST_KEPT, LONGEST_TOKEN, TokenSet};

/// The longest token that fits a header line of 8,190 bytes, the smallest limit of common servers.
const LONG: usize = 8190 - "authorization: Bearer ".len();

/// The longest token type that is shown, in characters. A longer one may be a misplaced secret.
const LONGEST_TYPE: usize = 32;

/// Members that are known to wrap a token answer.
const ENVELOPES: [&str; 4] = ["data", "result", "response", "token"];

impl Read for TokenSet {
    fn read(reading: &Reading, received: &Received<'_>) -> Result<Answer<Self>, ExchangeError> {
        let opened = open_unread(reading, received)?;
        let named = Named::read(&opened, reading.profile.names());
        if !named.as_ref().is_ok_and(Named::is_no_error) {
            errors::refuse_coded_body(reading, received, &opened.text, &opened.deviations)?;
        }
        let mut answer = Token { reading, received, deviations: opened.deviations.clone() };
        match named.and_then(|named| answer.read(&named, &opened)) {
            Ok(value) => Ok(Answer::new(value, answer.deviations)),
            Err(kind) => Err(reading.unusable(kind, received, answer.deviations)),
        }
    }
}

impl Read for AdminToken {
    fn read(reading: &Reading, received: &Received<'_>) -> Result<Answer<Self>, ExchangeError> {
        TokenSet::read(reading, received).map(|answer| answer.map(Self))
    }
}

/// A token answer while it is read.
struct Token<'r> {
    reading: &'r Reading,
    received: &'r Received<'r>,
    deviations: Vec<Deviation>,
}

/// The members of a token answer, by their use.
struct Named<'a> {
    members: Members<'a>,
    names: &'a Names,
}

impl<'a> Named<'a> {
    fn read(opened: &'a Opened<'_>, names: &'a Names) -> Result<Self, ErrorKind> {
        let read = Members::find(&opened.text, names.len(), |name| names.place(name));
        let wanted = names.places(Use::Error).start;
        Ok(Self { members: opened.sound(read, wanted)?, names })
    }

    /// Returns whether the answer has no member that begins an error.
    fn is_no_error(&self) -> bool {
        self.names.of_errors().iter().all(|place| self.members.value(*place).is_none())
    }

    /// Returns the present values of one use, the documented name first, each with the rank of its name.
    fn values(&self, of: Use) -> impl Iterator<Item = (usize, Value<'a>)> {
        let places = self.names.places(of).enumerate();
        places.filter_map(|(rank, place)| Some((rank, self.members.value(place)?)))
    }
}

impl Token<'_> {
    fn read(&mut self, named: &Named<'_>, opened: &Opened<'_>) -> Result<TokenSet, ErrorKind> {
        let rules = &self.reading.profile.document().token_answer;
        self.note_duplicates(named);
        let refresh_token = self.refresh_token(named);
        let access_token = self.access_token(named, opened)?;
        self.token_type(named, rules)?;
        let scopes = self.scopes(named);
        let kept = self.kept(named, rules);
        let received = self.received;
        clock::cacheable(received, &mut self.deviations);
        let (in_, at) = (self.one(named, Use::ExpiresIn), self.one(named, Use::ExpiresAt));
        let lifetime = expiry::lifetime(rules, in_, at, received, &mut self.deviations);
        let renew_after =
            expiry::renew_after(self.one(named, Use::RefreshIn), lifetime, received, &mut self.deviations);
        let issued_at = received.sent.wall;
        let issuer = self.reading.profile.issuer().clone();
        Ok(TokenSet { access_token, issuer, issued_at, lifetime, renew_after, refresh_token, scopes, kept })
    }

    /// Reports members that occur twice with the same value. Different values were rejected before.
    fn note_duplicates(&mut self, named: &Named<'_>) {
        let wanted = 0..named.names.places(Use::Error).start;
        let twice = wanted.filter(|place| named.members.again(*place) == Again::Same);
        self.deviations.extend(twice.map(|_| Deviation::DuplicateMemberSame));
    }

    /// Returns the value of a use, under the first name that has one. An empty value counts only if there is
    /// no other.
    fn one<'v>(&mut self, named: &Named<'v>, of: Use) -> Option<Value<'v>> {
        let filled = named.values(of).find(|(_, value)| !value.is_empty());
        let (rank, value) = filled.or_else(|| named.values(of).next())?;
        if rank > 0 {
            self.deviations.push(Deviation::AliasMember);
        }
        Some(value)
    }

    fn access_token(&mut self, named: &Named<'_>, opened: &Opened<'_>) -> Result<AccessToken, ErrorKind> {
        let mut tokens = named.values(Use::AccessToken).filter(|(_, value)| !matches!(value, Value::Null));
        let Some((rank, first)) = tokens.next() else {
            return Err(missing_or_enveloped(opened, &named.names.texts(Use::AccessToken)));
        };
        let token = first.borrowed_text().ok_or(ErrorKind::AccessTokenMalformed)?;
        if tokens.any(|(_, other)| other.borrowed_text().as_ref() != Some(&token)) {
            return Err(ErrorKind::MemberConflict);
        }
        if rank > 0 {
            self.deviations.push(Deviation::AliasMember);
        }
        match token.len() {
            0 => return Err(ErrorKind::AccessTokenMissing),
            length if length > LONGEST_TOKEN => return Err(ErrorKind::AccessTokenTooLong),
            length if length > LONG => self.deviations.push(Deviation::AccessTokenLong),
            _ => {}
        }
        AccessToken::new(Secret::new(token)).ok_or(ErrorKind::AccessTokenUnsafe)
    }

    fn token_type(&mut self, named: &Named<'_>, rules: &TokenAnswer) -> Result<(), ErrorKind> {
        let mut types = named.values(Use::TokenType).filter(|(_, value)| !matches!(value, Value::Null));
        let Some((rank, first)) = types.next() else {
            return match rules.token_type_absent {
                AbsentTokenType::Bearer => Ok(()),
                AbsentTokenType::TakenAsBearer => {
                    self.deviations.push(Deviation::TokenTypeAssumedBearer);
                    Ok(())
                }
                AbsentTokenType::Error => Err(ErrorKind::TokenTypeMissing),
            };
        };
        let first = first.borrowed_text().ok_or(ErrorKind::TokenTypeMalformed)?;
        for (_, other) in types {
            let other = other.borrowed_text().ok_or(ErrorKind::TokenTypeMalformed)?;
            if !other.eq_ignore_ascii_case(&first) {
                return Err(ErrorKind::MemberConflict);
            }
        }
        if rank > 0 {
            self.deviations.push(Deviation::AliasMember);
        }
        let is_bearer = |name: &str| first.eq_ignore_ascii_case(name);
        let named_so = is_bearer("bearer") || rules.bearer_names.iter().any(|name| is_bearer(name));
        if named_so { Ok(()) } else { Err(self.unsupported(named, &first)) }
    }

    /// Returns the error of a token type that is not bearer. It shows the type unless that may be a secret.
    fn unsupported(&self, named: &Named<'_>, token_type: &str) -> ErrorKind {
        let tokens = named.values(Use::AccessToken).chain(named.values(Use::RefreshToken));
        let tokens = tokens.filter_map(|(_, value)| value.text()).map(Secret::new);
        let secrets: Vec<Secret> = self.reading.secrets.iter().cloned().chain(tokens).collect();
        // A name of RFC 8693 section 3 is longer and is not a secret.
        let is_short = token_type.chars().count() <= LONGEST_TYPE
            || token_type.starts_with("urn:ietf:params:oauth:token-type:");
        let shown = ProviderText::new(token_type, &secrets).filter(|_| is_short);
        ErrorKind::TokenTypeUnsupported(shown)
    }

    /// Returns the members that the profile keeps. If a member cannot be kept, the token is still used.
    fn kept(&mut self, named: &Named<'_>, rules: &TokenAnswer) -> KeptMembers {
        let mut kept = Vec::new();
        for (place, value) in named.values(Use::Kept) {
            let (Some(rule), Some(value)) = (rules.keep.get(place), value.text_or_json()) else { continue };
            if value.len() > LONGEST_KEPT {
                self.deviations.push(Deviation::MemberNotKept);
                continue;
            }
            let (name, is_secret) = (rule.name.clone().into_owned(), rule.secret);
            kept.push(KeptMember { name, value: Secret::new(value), is_secret });
        }
        KeptMembers::new(kept)
    }

    /// Returns the refresh token of the answer. An unusable one affects neither the stored one nor the access
    /// token.
    fn refresh_token(&mut self, named: &Named<'_>) -> Option<Secret> {
        let value = self.one(named, Use::RefreshToken)?;
        let tolerated = match value {
            Value::Null => Err(Deviation::RefreshTokenNull),
            value => match value.borrowed_text() {
                None => Err(Deviation::RefreshTokenMalformed),
                Some(token) if token.is_empty() => Err(Deviation::RefreshTokenEmpty),
                Some(token) => Ok(Secret::new(token)),
            },
        };
        let token = match tolerated {
            Ok(_) if !self.reading.purpose.brings_a_refresh_token() => {
                self.deviations.push(Deviation::RefreshTokenUnexpected);
                return None;
            }
            Ok(token) => token,
            Err(deviation) => {
                self.deviations.push(deviation);
                return None;
            }
        };
        // The server returned the one that was sent: it has replaced nothing.
        if self.reading.has_sent(&token) {
            return None;
        }
        let text = token.expose();
        if !all_bytes(text, |byte| matches!(byte, 0x20..=0x7e)) {
            self.deviations.push(Deviation::RefreshTokenOdd);
        } else if text.len() > LONG {
            self.deviations.push(Deviation::RefreshTokenLong);
        }
        Some(token)
    }

    fn scopes(&mut self, named: &Named<'_>) -> Option<Scopes> {
        let value = self.one(named, Use::Scope)?;
        let words = match value {
            Value::Null => return None,
            Value::Array(_) => value.texts().map(|words| {
                self.deviations.push(Deviation::ScopeArray);
                Cow::Owned(words.join(" "))
            }),
            value => value.borrowed_text(),
        };
        // If the answer repeats the requested scopes word by word, no further check is needed.
        let asked = self.reading.scopes.as_ref();
        if let Some(asked) = asked.filter(|asked| words.as_deref() == Some(asked.as_str())) {
            return Some(asked.clone());
        }
        // RFC 6749 section 3.3 separates scopes by spaces. Other white space is not allowed in a scope.
        let spaced = words.filter(|text| !text.bytes().any(|byte| byte.is_ascii_control()));
        let Some(granted) = spaced.and_then(|text| Scopes::parse(&text).ok()) else {
            self.deviations.push(Deviation::ScopeMalformed);
            return None;
        };
        if let Some(asked) = asked {
            if !granted.covers(asked) {
                self.deviations.push(Deviation::ScopeNarrowed);
            }
            if !asked.covers(&granted) {
                self.deviations.push(Deviation::ScopeWidened);
            }
        }
        Some(granted)
    }
}

/// Distinguishes an answer without a token from one that has it inside another member.
fn missing_or_enveloped(opened: &Opened<'_>, tokens: &[&str]) -> ErrorKind {
    let Ok(envelopes) = Members::read(&opened.text, &ENVELOPES) else {
        return ErrorKind::AccessTokenMissing;
    };
    let inside = (0..ENVELOPES.len()).filter_map(|place| envelopes.value(place)).any(|value| match value {
        Value::Object(raw) => Members::read(raw, tokens).is_ok_and(|inner| {
            (0..tokens.len()).any(|place| matches!(inner.value(place), Some(Value::String(_))))
        }),
        _ => false,
    });
    if inside { ErrorKind::AccessTokenEnveloped } else { ErrorKind::AccessTokenMissing }
}
