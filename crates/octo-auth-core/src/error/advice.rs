//! Advice for a failure: the end of an error's text, which names the setting.

use super::failed::{Failed, Shape};
use super::kind::ErrorKind as K;
use crate::exchange::Purpose;
use crate::profile::ClientAuthentication;

impl Failed {
    /// Returns the advice; `None` if the text of the failure already says it, or if there is none.
    pub(super) fn advice(&self) -> Option<&'static str> {
        Some(match (&self.kind, self.kind.written_code()) {
            (K::TooLarge { .. }, _) if self.purpose == Purpose::ApiCall => {
                "`with_answer_limit` of the API client allows more, and the `Authorize` middleware hands on any length"
            }
            (_, Some("authorization_pending")) => {
                "the person has not decided yet (RFC 8628 section 3.5): ask again later"
            }
            (_, Some("slow_down")) => "it was asked too often (RFC 8628 section 3.5): ask again later",
            // The credentials may be correct, but sent in a way that the server ignores.
            (_, Some("invalid_client")) if !self.purpose.rests_on_a_token() => match self.authentication {
                ClientAuthentication::Body => {
                    "the credentials were sent in the body (`client_authentication` of the profile can be `basic`)"
                }
                ClientAuthentication::Basic | ClientAuthentication::BasicRaw => {
                    "the credentials were sent by HTTP Basic (`client_authentication` of the profile can be `body`)"
                }
            },
            _ if self.is_elsewhere() => "nothing answers at this address: check the base URL",
            _ if self.is_page() => {
                "a page came in the place of an answer: have the firewall or proxy let this program's address and \
                 `User-Agent` through, or check the base URL"
            }
            (_, Some("access_denied")) if self.purpose == Purpose::Refresh => {
                "a server that refuses early renewals is asked later with a shorter `Policy::with_lead`"
            }
            _ if !self.is_unexplained() => return None,
            (_, Some(_)) => {
                "if that means a dead refresh token, list the code in `refresh.dead_codes` of the profile"
            }
            _ if self.shape == Shape::Empty => {
                "if that means a dead refresh token, set `refresh.empty_refusal_is_dead` in the profile"
            }
            _ => return None,
        })
    }
}
