//! What the error codes of the standards ask for, from a token endpoint or in a callback.

/// What an error code asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CodeMeaning {
    /// A setting, a credential or the request must be corrected.
    Configuration,
    /// The same request may succeed later.
    Later,
    /// The person refused, or must do something on the server's page.
    SignIn,
}

impl CodeMeaning {
    /// Returns the meaning of a code of RFC 6749 sections 4.1.2.1 and 5.2, RFC 7009 section 2.2.1, RFC 8628
    /// section 3.5, RFC 8707 section 2, RFC 9449 section 5 and OpenID Connect Core section 3.1.2.6; `None`
    /// for any other. `invalid_grant` is not among them: its meaning depends on the grant.
    pub(super) fn of(code: &str) -> Option<Self> {
        Some(match code {
            "invalid_client"
            | "invalid_dpop_proof"
            | "invalid_request"
            | "invalid_request_object"
            | "invalid_request_uri"
            | "invalid_scope"
            | "invalid_target"
            | "registration_not_supported"
            | "request_not_supported"
            | "request_uri_not_supported"
            | "unauthorized_client"
            | "unsupported_grant_type"
            | "unsupported_response_type"
            | "unsupported_token_type"
            | "use_dpop_nonce" => Self::Configuration,
            // The last one is common, but in no standard. The server itself does not know what is wrong.
            "authorization_pending"
            | "server_error"
            | "slow_down"
            | "temporarily_unavailable"
            | "unknown_error" => Self::Later,
            "access_denied"
            | "account_selection_required"
            | "consent_required"
            | "interaction_required"
            | "login_required" => Self::SignIn,
            _ => return None,
        })
    }
}
