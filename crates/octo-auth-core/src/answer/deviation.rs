//! [`Deviation`]: what was tolerated while reading an answer.

use std::fmt;

/// Declares the deviations: a variant, its stable word, and the sentence that is both its text and its doc.
macro_rules! deviations {
    ($($variant:ident $code:literal $sentence:literal)*) => {
        /// A deviation of an answer from the provider's profile, tolerated while reading it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Deviation {
            $(#[doc = $sentence] $variant,)*
        }

        impl Deviation {
            /// Returns the deviation's stable word.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self {
                    $(Self::$variant => $code,)*
                }
            }
        }

        /// Writes a sentence for people.
        impl fmt::Display for Deviation {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self {
                    $(Self::$variant => $sentence,)*
                })
            }
        }
    };
}

deviations! {
    AccessTokenLong "access_token_long"
        "The access token is longer than 8 KiB, a common header limit"
    AgeInvalid "age_invalid"
        "The Age header cannot be read"
    AgeNonzero "age_nonzero"
        "The answer came out of a cache, which shortens the lifetime"
    AliasMember "alias_member"
        "A member came under a tolerated name"
    AssumedUtc "assumed_utc"
        "A date without a zone was taken as UTC"
    BeforeEpoch "before_epoch"
        "A date lies before 1970"
    Bom "bom"
        "The body begins with a byte order mark"
    CacheableTokenResponse "cacheable_token_response"
        "The answer allows caches to store it"
    ExpiresAtClamped "expires_at_clamped"
        "The stored token expires more than ten years after its issue, which was shortened to that"
    IssuedInFuture "issued_in_future"
        "The stored token was issued after now: the clock of the machine that stored it, or of this one, is wrong"
    Clamped "clamped"
        "An expiry more than ten years away was shortened to that"
    CloseDelimited "close_delimited"
        "The answer has no length and ends with its connection, so that a cut one cannot be told from a whole one"
    ClockSkew "clock_skew"
        "The server's clock differs from ours by more than a minute"
    ContentEncodingInvalid "content_encoding_invalid"
        "The Content-Encoding names no coding, and the body was read as it is"
    DuplicateMemberSame "duplicate_member_same"
        "A member stands twice with the same value"
    EpochMillis "epoch_millis"
        "An expiry came as milliseconds since 1970"
    EpochSeconds "epoch_seconds"
        "An expiry came as seconds since 1970"
    EpochZero "epoch_zero"
        "An expiry is zero"
    ExpireDateInvalid "expire_date_invalid"
        "The expiry date cannot be read"
    ExpireDateMissing "expire_date_missing"
        "The documented expiry date is absent"
    ExpiredOnArrival "expired_on_arrival"
        "The token had expired when it arrived"
    ExpiresInClamped "expires_in_clamped"
        "A lifetime of more than ten years was shortened to that"
    ExpiresInInvalid "expires_in_invalid"
        "The lifetime cannot be read"
    ExpiresInNegative "expires_in_negative"
        "The lifetime is negative"
    ExpiresInString "expires_in_string"
        "The lifetime is a number written as text"
    ExpiryConflict "expiry_conflict"
        "Lifetime and expiry date disagree; the earlier counts"
    FormAnswer "form_answer"
        "The body is a form where JSON was due"
    InvalidUtf8Ignored "invalid_utf8_ignored"
        "Bytes that are not UTF-8 stand in a member that is not used"
    LeapSecond "leap_second"
        "A date holds a leap second"
    MediaTypeMissing "media_type_missing"
        "There is no Content-Type"
    MediaTypeSuffix "media_type_suffix"
        "The media type is a relative of JSON"
    MediaTypeText "media_type_text"
        "The media type is text though the body is JSON"
    MemberNotKept "member_not_kept"
        "A member that the profile keeps is longer than 16 KiB and was left out"
    OffsetBasic "offset_basic"
        "The offset of a date is written without a colon"
    RefreshInIgnored "refresh_in_ignored"
        "The hint when to renew cannot be used"
    RefreshTokenEmpty "refresh_token_empty"
        "The refresh token is empty; the stored one stays"
    RefreshTokenLong "refresh_token_long"
        "The refresh token is longer than 8 KiB"
    RefreshTokenMalformed "refresh_token_malformed"
        "The refresh token is no text; the stored one stays"
    RefreshTokenNull "refresh_token_null"
        "The refresh token is null; the stored one stays"
    RefreshTokenOdd "refresh_token_odd"
        "The refresh token holds unusual characters"
    RefreshTokenUnexpected "refresh_token_unexpected"
        "A refresh token came where none is due and is not used"
    RetryAfterCapped "retry_after_capped"
        "A Retry-After of more than an hour was shortened to that"
    RetryAfterInvalid "retry_after_invalid"
        "The Retry-After header cannot be read"
    ScopeArray "scope_array"
        "The scope came as an array"
    ScopeMalformed "scope_malformed"
        "The scope cannot be read"
    ScopeNarrowed "scope_narrowed"
        "Less was granted than asked for"
    ScopeWidened "scope_widened"
        "More was granted than asked for"
    SecondsMissing "seconds_missing"
        "A date has no seconds"
    ServerDateImplausible "server_date_implausible"
        "The server's clock is more than a day off and was not used"
    SpaceSeparator "space_separator"
        "A space separates date and time"
    StatusNot200 "status_not_200"
        "The status is a success but not 200"
    TokenTypeAssumedBearer "token_type_assumed_bearer"
        "There is no token type and bearer was assumed"
    ZoneSuffix "zone_suffix"
        "A zone name follows a date"
}
