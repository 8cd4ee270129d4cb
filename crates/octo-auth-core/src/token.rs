//! Tokens as values: what a token answer granted, and its validity period.
//!
//! A [`TokenSet`] is a snapshot. It has no clock and never changes. Octorate's administration tokens have
//! their own type, [`AdminToken`], so that one cannot be used in place of a property's token.

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

/// The longest accepted lifetime of a token, ten years. A longer one is treated as a mistake of the server
/// and shortened to this.
pub const LONGEST_LIFETIME: Duration = Duration::from_secs(315_360_000);

/// The longest accepted access token, in bytes.
pub(crate) const LONGEST_TOKEN: usize = 65_536;

/// The text before an access token in its header (RFC 6750 section 2.1). Both are stored as one text.
const BEARER: &str = "Bearer ";

/// An access token that can be sent in a header: visible ASCII, at most 64 KiB.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessToken(Secret);

impl AccessToken {
    /// Returns the token if it consists of visible ASCII characters and is at most 64 KiB long; `None`
    /// otherwise.
    #[must_use]
    pub fn new(token: impl Into<Secret>) -> Option<Self> {
        let token = token.into();
        let text = token.expose();
        let sound = !text.is_empty()
            && text.len() <= LONGEST_TOKEN
            && all_bytes(text, |byte| byte.is_ascii_graphic());
        sound.then(|| Self(Secret::after(BEARER, text)))
    }

    /// Returns the token's text. Do not print, log or keep it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// Returns the token as a secret.
    #[must_use]
    pub fn as_secret(&self) -> &Secret {
        &self.0
    }

    /// Returns the value of the `Authorization` header (RFC 6750 section 2.1), marked sensitive and wiped
    /// when dropped.
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
    /// Returns the value of the header that carries the token of an API call
    /// ([`Profile::token_header_name`]), marked sensitive and wiped when dropped.
    #[must_use]
    pub fn token_header_value(&self, token: &AccessToken) -> HeaderValue {
        let Some(header) = &self.document().token_header else { return token.authorization() };
        let (before, _, after) = header.value.parts();
        let text = Zeroizing::new([before, token.expose(), after].concat());
        sensitive_header(&text).unwrap_or_else(|| token.authorization())
    }
}

/// Returns a header value whose bytes are wiped when the last clone is dropped; `None` if the text cannot be
/// a header value.
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

/// The tokens that a token answer granted (RFC 6749 section 5.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenSet {
    pub(crate) access_token: AccessToken,
    /// The issuer; see [`Profile::issuer`].
    pub(crate) issuer: Arc<str>,
    pub(crate) issued_at: Timestamp,
    pub(crate) lifetime: Option<Duration>,
    pub(crate) renew_after: Option<Duration>,
    pub(crate) refresh_token: Option<Secret>,
    pub(crate) scopes: Option<Scopes>,
    pub(crate) kept: KeptMembers,
}

impl TokenSet {
    /// Returns tokens that were kept elsewhere, of the provider that the profile describes.
    ///
    /// `issued_at` and `lifetime` are the values of [`TokenSet::issued_at`] and [`TokenSet::lifetime`] from
    /// when the tokens were kept.
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

    /// Returns the access token.
    #[must_use]
    pub fn access_token(&self) -> &AccessToken {
        &self.access_token
    }

    /// Returns the value of the `Authorization` header, marked sensitive.
    #[must_use]
    pub fn authorization(&self) -> HeaderValue {
        self.access_token.authorization()
    }

    /// Returns when the token was issued: the moment its request was sent, which is never after the server's
    /// own moment of issue.
    #[must_use]
    pub fn issued_at(&self) -> Timestamp {
        self.issued_at
    }

    /// Returns the token's lifetime, counted from [`TokenSet::issued_at`]. It is `None` if the server did not
    /// send one, which does not mean "for ever". It is zero if the token had expired when it arrived.
    #[must_use]
    pub fn lifetime(&self) -> Option<Duration> {
        self.lifetime
    }

    /// Returns when the token expires by our own wall clock; `None` if the server did not send a lifetime.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.lifetime.map(|lifetime| self.issued_at.saturating_add(lifetime))
    }

    /// Returns the server's hint when to renew, counted from [`TokenSet::issued_at`].
    #[must_use]
    pub fn renew_after(&self) -> Option<Duration> {
        self.renew_after
    }

    /// Returns the refresh token of the answer. If the answer of a refresh has none, keep the one you have.
    #[must_use]
    pub fn refresh_token(&self) -> Option<&Secret> {
        self.refresh_token.as_ref()
    }

    /// Returns the granted scopes. `None` means that the server did not send any; the requested scopes were
    /// granted then.
    #[must_use]
    pub fn scopes(&self) -> Option<&Scopes> {
        self.scopes.as_ref()
    }

    /// Returns a member of the token answer that the profile keeps and does not mark secret, such as
    /// `instance_url`. The result is its text, or its JSON if it is not a string. It is `None` if the answer
    /// did not have the member.
    ///
    /// If the answer of a renewal omits a member, its value from the previous answer is kept.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&str> {
        self.kept.get(name).filter(|member| !member.is_secret).map(|member| member.value.expose())
    }

    /// Returns a member of the token answer that the profile keeps and marks secret, such as `id_token`;
    /// otherwise like [`TokenSet::member`].
    #[must_use]
    pub fn secret_member(&self, name: &str) -> Option<&Secret> {
        self.kept.get(name).filter(|member| member.is_secret).map(|member| &member.value)
    }

    /// Returns a string claim of the ID token (OpenID Connect Core section 2), such as `nonce` or `sub`. The
    /// profile must keep the member `id_token`.
    ///
    /// The signature is not verified: the ID token came from the token endpoint over TLS, where section
    /// 3.1.3.7 does not require it. Compare `nonce` with the one of the authorization request
    /// ([`Client::with_authorization_parameter`](crate::Client::with_authorization_parameter)), and `iss` and
    /// `aud` with the values you expect. A renewal may keep the ID token of the sign-in.
    #[must_use]
    pub fn id_token_claim(&self, name: &str) -> Option<String> {
        let id_token = &self.kept.get("id_token")?.value;
        let payload = id_token.expose().split('.').nth(1)?;
        let claims = Zeroizing::new(URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?);
        Members::read(std::str::from_utf8(&claims).ok()?, &[name]).ok()?.value(0)?.text()
    }
}

/// An administration token, issued by Octorate's ApiLogin.
///
/// It creates properties and configures the application. It cannot be used in place of a property's token:
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
    /// Returns an administration token that was kept elsewhere, as [`TokenSet::restore`] does.
    #[must_use]
    pub fn restore(
        profile: &Profile,
        access_token: AccessToken,
        issued_at: Timestamp,
        lifetime: Option<Duration>,
    ) -> Self {
        Self(TokenSet::restore(profile, access_token, issued_at, lifetime, None))
    }

    /// Returns the access token.
    #[must_use]
    pub fn access_token(&self) -> &AccessToken {
        self.0.access_token()
    }

    /// Returns when the token was issued: the moment its request was sent.
    #[must_use]
    pub fn issued_at(&self) -> Timestamp {
        self.0.issued_at()
    }

    /// Returns the token's lifetime; `None` if the server did not send one.
    #[must_use]
    pub fn lifetime(&self) -> Option<Duration> {
        self.0.lifetime()
    }

    /// Returns when the token expires by our own wall clock; `None` if the server did not send a lifetime.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.0.expires_at()
    }

    /// Converts the token for calls from an IP address on Octorate's allowlist. From there this token also
    /// opens property data ("Authentication Process", case 3). From any other address Octorate refuses those
    /// calls with `403 errNoResourcesForIdentity`.
    #[must_use]
    pub fn for_ip_authentication(self) -> TokenSet {
        self.0
    }
}
