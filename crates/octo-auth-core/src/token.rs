//! Tokens as values: what an answer granted, and from when to when.
//!
//! A [`TokenSet`] is a snapshot; it holds no clock and never changes. Tokens for administration at Octorate are
//! [`AdminToken`]s: another type, so that one cannot be used where a property's token is due.

mod kept;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::HeaderValue;
use zeroize::Zeroizing;

pub(crate) use kept::{KeptMember, KeptMembers, LONGEST_KEPT};

use crate::answer::members::Members;
use crate::profile::Profile;
use crate::scope::Scopes;
use crate::secret::Secret;
use crate::text::all_bytes;
use crate::time::Timestamp;

/// The longest lifetime a token is given, ten years: a longer one is a mistake, not a promise.
pub const LONGEST_LIFETIME: Duration = Duration::from_secs(315_360_000);

/// The longest access token that is taken, in bytes.
pub(crate) const LONGEST_TOKEN: usize = 65_536;

/// What stands before an access token in its header (RFC 6750 section 2.1); both share one text.
const BEARER: &str = "Bearer ";

/// An access token that can stand in a header: visible ASCII, at most 64 KiB.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessToken(Secret);

impl AccessToken {
    /// Takes a token made of visible ASCII characters, at most 64 KiB long; nothing otherwise.
    #[must_use]
    pub fn new(token: impl Into<Secret>) -> Option<Self> {
        let token = token.into();
        let text = token.expose();
        let sound = !text.is_empty()
            && text.len() <= LONGEST_TOKEN
            && all_bytes(text, |byte| byte.is_ascii_graphic());
        sound.then(|| Self(Secret::after(BEARER, text)))
    }

    /// Shows the token. It must not be printed, logged or kept.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// The token as a secret.
    #[must_use]
    pub fn as_secret(&self) -> &Secret {
        &self.0
    }

    /// The value of the `Authorization` header (RFC 6750 section 2.1), marked sensitive and wiped when dropped.
    #[must_use]
    pub fn authorization(&self) -> HeaderValue {
        let mut value = HeaderValue::from_maybe_shared(self.0.whole()).unwrap_or_else(|_| {
            unreachable!("an access token consists of visible ASCII characters, checked by its constructor")
        });
        value.set_sensitive(true);
        value
    }
}

impl Profile {
    /// Returns the value of the header that carries the token of an API call ([`Profile::token_header_name`]), marked sensitive and wiped when dropped.
    #[must_use]
    pub fn token_header_value(&self, token: &AccessToken) -> HeaderValue {
        let Some(header) = &self.document().token_header else { return token.authorization() };
        let (before, _, after) = header.value.parts();
        let text = Zeroizing::new([before, token.expose(), after].concat());
        sensitive_header(&text).unwrap_or_else(|| token.authorization())
    }
}

/// A header value over bytes that are wiped when the last clone is dropped; nothing if it cannot be a header.
pub(crate) fn sensitive_header(text: &str) -> Option<HeaderValue> {
    let bytes = Bytes::from_owner(Zeroizing::new(text.as_bytes().to_vec()));
    let mut value = HeaderValue::from_maybe_shared(bytes).ok()?;
    value.set_sensitive(true);
    Some(value)
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken(***)")
    }
}

/// What a token answer granted (RFC 6749 section 5.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenSet {
    pub(crate) access_token: AccessToken,
    /// Who issued it; see [`Profile::issuer`].
    pub(crate) issuer: Arc<str>,
    pub(crate) issued_at: Timestamp,
    pub(crate) lifetime: Option<Duration>,
    pub(crate) renew_after: Option<Duration>,
    pub(crate) refresh_token: Option<Secret>,
    pub(crate) scopes: Option<Scopes>,
    pub(crate) kept: KeptMembers,
}

impl TokenSet {
    /// A token that was kept elsewhere, of the provider the profile describes.
    ///
    /// `issued_at` and `lifetime` are what [`TokenSet::issued_at`] and [`TokenSet::lifetime`] said when it was kept.
    #[must_use]
    pub fn restore(
        profile: &Profile,
        access_token: AccessToken,
        issued_at: Timestamp,
        lifetime: Option<Duration>,
        refresh_token: Option<Secret>,
    ) -> Self {
        let (issuer, lifetime) =
            (profile.issuer().clone(), lifetime.map(|lifetime| lifetime.min(LONGEST_LIFETIME)));
        let (renew_after, scopes, kept) = (None, None, KeptMembers::default());
        Self { access_token, issuer, issued_at, lifetime, renew_after, refresh_token, scopes, kept }
    }

    /// The access token.
    #[must_use]
    pub fn access_token(&self) -> &AccessToken {
        &self.access_token
    }

    /// The value of the `Authorization` header, marked sensitive.
    #[must_use]
    pub fn authorization(&self) -> HeaderValue {
        self.access_token.authorization()
    }

    /// When the token was issued: the moment its request was sent, which is never after the server's own.
    #[must_use]
    pub fn issued_at(&self) -> Timestamp {
        self.issued_at
    }

    /// How long the token lives from [`TokenSet::issued_at`]; nothing if the server did not tell, which is not
    /// "for ever"; zero if it had expired when it arrived.
    #[must_use]
    pub fn lifetime(&self) -> Option<Duration> {
        self.lifetime
    }

    /// When the token expires by our own wall clock; nothing if the server did not tell.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.lifetime.map(|lifetime| self.issued_at.saturating_add(lifetime))
    }

    /// The server's hint when to renew, counted from [`TokenSet::issued_at`].
    #[must_use]
    pub fn renew_after(&self) -> Option<Duration> {
        self.renew_after
    }

    /// The refresh token of the answer. Nothing in the answer of a refresh means: keep the one you have.
    #[must_use]
    pub fn refresh_token(&self) -> Option<&Secret> {
        self.refresh_token.as_ref()
    }

    /// The scopes granted; nothing if the server did not tell, in which case those asked for were granted.
    #[must_use]
    pub fn scopes(&self) -> Option<&Scopes> {
        self.scopes.as_ref()
    }

    /// Returns a member of the token answer that the profile keeps and does not mark secret, such as `instance_url`: its
    /// text, or its JSON if it is no text. `None` for a member that did not come.
    ///
    /// A member that the answer of a renewal leaves out is the one of the answer before.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&str> {
        self.kept.get(name).filter(|member| !member.is_secret).map(|member| member.value.expose())
    }

    /// Returns a member of the token answer that the profile keeps and marks secret, such as `id_token`; as
    /// [`TokenSet::member`].
    #[must_use]
    pub fn secret_member(&self, name: &str) -> Option<&Secret> {
        self.kept.get(name).filter(|member| member.is_secret).map(|member| &member.value)
    }

    /// Returns a claim of the ID token (OpenID Connect Core section 2) that is text, such as `nonce` or `sub`. The profile
    /// must keep the member `id_token`.
    ///
    /// The signature is not verified: the ID token came from the token endpoint over TLS, where section 3.1.3.7 does not
    /// demand it. Compare `nonce` with the one of the sign-in
    /// ([`Client::with_authorization_parameter`](crate::Client::with_authorization_parameter)), and `iss` and `aud` with
    /// what you expect. A renewal may keep the ID token of the sign-in.
    #[must_use]
    pub fn id_token_claim(&self, name: &str) -> Option<String> {
        let id_token = &self.kept.get("id_token")?.value;
        let payload = id_token.expose().split('.').nth(1)?;
        let claims = Zeroizing::new(URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?);
        Members::read(std::str::from_utf8(&claims).ok()?, &[name]).ok()?.value(0)?.text()
    }
}

/// A token for administration: what Octorate's ApiLogin gives.
///
/// It creates properties and configures the application. It cannot stand where a property's token is due:
///
/// ```compile_fail
/// # fn misuse(client: &octo_auth_core::Client, admin: &octo_auth_core::AdminToken) {
/// let request = http::Request::get("https://api.octorate.com/connect/rest/v1/reservation/123")
///     .body(octo_auth_core::Body::empty())
///     .unwrap();
/// let exchange = client.api_call(admin, request); // expects a TokenSet
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdminToken(pub(crate) TokenSet);

impl AdminToken {
    /// A token for administration that was kept elsewhere; as [`TokenSet::restore`].
    #[must_use]
    pub fn restore(
        profile: &Profile,
        access_token: AccessToken,
        issued_at: Timestamp,
        lifetime: Option<Duration>,
    ) -> Self {
        Self(TokenSet::restore(profile, access_token, issued_at, lifetime, None))
    }

    /// The access token.
    #[must_use]
    pub fn access_token(&self) -> &AccessToken {
        self.0.access_token()
    }

    /// When the token was issued: the moment its request was sent.
    #[must_use]
    pub fn issued_at(&self) -> Timestamp {
        self.0.issued_at()
    }

    /// How long the token lives; nothing if the server did not tell.
    #[must_use]
    pub fn lifetime(&self) -> Option<Duration> {
        self.0.lifetime()
    }

    /// When the token expires by our own wall clock; nothing if the server did not tell.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.0.expires_at()
    }

    /// Declares that calls come from an address Octorate has on its list, for which this token also opens
    /// property data ("Authentication Process", case 3). From any other address those calls are refused with
    /// `403 errNoResourcesForIdentity`.
    #[must_use]
    pub fn for_ip_authentication(self) -> TokenSet {
        self.0
    }
}
