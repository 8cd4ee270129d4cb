//! The ways in which the server fails.

/// How the server fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// 400 with the OAuth code `unauthorized_client`.
    UnauthorizedClient,
    /// 400 with the OAuth code `invalid_request`.
    InvalidRequest,
    /// 404 with an HTML page.
    NotFound,
    /// 500 with the OAuth code `server_error`.
    ServerError,
    /// 502 with an HTML page, as from a gateway.
    BadGateway,
    /// No answer within the 60 s that an exchange may take.
    TimedOut,
    /// 429 without `Retry-After`.
    TooManyRequests,
    /// 429 with `Retry-After: 30`.
    RetryAfter,
    /// 400 with the OAuth code `invalid_grant`: the refresh token is dead.
    InvalidGrant,
    /// 502 with an HTML page for all accounts, for 30 minutes, beginning after 2 h 45 min. No account fails
    /// otherwise.
    Outage,
    /// Refused connections for all accounts, in the same period.
    Refused,
}

impl Kind {
    /// Returns all kinds. The kinds that concern all accounts come last.
    pub fn all() -> impl Iterator<Item = Self> {
        use Kind as K;
        let of_some = [
            K::UnauthorizedClient,
            K::InvalidRequest,
            K::NotFound,
            K::ServerError,
            K::BadGateway,
            K::TimedOut,
            K::TooManyRequests,
            K::RetryAfter,
            K::InvalidGrant,
        ];
        of_some.into_iter().chain([K::Outage, K::Refused])
    }

    /// Returns a name for a table, such as `502 page`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::UnauthorizedClient => "unauthorized_client",
            Self::InvalidRequest => "invalid_request",
            Self::NotFound => "404 page",
            Self::ServerError => "500 server_error",
            Self::BadGateway | Self::Outage => "502 page",
            Self::TimedOut => "time-out",
            Self::TooManyRequests => "429",
            Self::RetryAfter => "429, Retry-After: 30",
            Self::InvalidGrant => "invalid_grant",
            Self::Refused => "connection refused",
        }
    }

    /// Returns whether the kind concerns all accounts for a while, rather than the bad accounts all the time.
    #[must_use]
    pub fn is_of_all(self) -> bool {
        matches!(self, Self::Outage | Self::Refused)
    }
}
