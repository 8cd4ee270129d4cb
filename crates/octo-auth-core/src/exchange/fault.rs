//! What a transport reports when no response came.

use std::error::Error;
use std::fmt;

/// Why no response came. Never an HTTP status: a response of any status goes to `Exchange::finish`.
#[derive(Debug)]
pub struct Fault {
    delivery: Delivery,
    what: &'static str,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// Whether the server can have seen the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// No byte of the request can have reached the server.
    NotSent,
    /// The server may have processed the request.
    Unknown,
}

impl Fault {
    /// A request that certainly was not sent; `what` says why in a few words, such as `connection refused`.
    #[must_use]
    pub fn not_sent(what: &'static str) -> Self {
        Self { delivery: Delivery::NotSent, what, source: None }
    }

    /// A request that may have been processed; `what` says what happened, such as `no answer within 60 s`.
    #[must_use]
    pub fn unknown(what: &'static str) -> Self {
        Self { delivery: Delivery::Unknown, what, source: None }
    }

    /// This fault with its cause. The cause is shown to people: it must hold no header, body or query.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Whether the server can have seen the request.
    #[must_use]
    pub fn delivery(&self) -> Delivery {
        self.delivery
    }

    /// What happened, in a few words.
    #[must_use]
    pub fn what(&self) -> &'static str {
        self.what
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)
    }
}

impl Error for Fault {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}
