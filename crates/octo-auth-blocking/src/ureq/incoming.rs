//! A connection on which the head of a response is cleaned before ureq parses it.
//!
//! ureq's parser takes no setting that would let it pass over a broken header, so its own connection is wrapped:
//! lookup, proxies, TLS and deadlines are ureq's, and what is sent goes straight into ureq's buffer. Only what
//! comes in is copied, through [`Head`]. The connection to a proxy is wrapped too; once the proxy has answered, it
//! carries bytes as they are.

use std::fmt;

use ureq::Error;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, DefaultConnector, LazyBuffers, NextTimeout, Transport,
};

use super::head::Head;

/// Makes the connections ureq makes, wrapped.
pub(super) fn connector() -> impl Connector {
    DefaultConnector::default().chain(Wrapping)
}

#[derive(Debug)]
struct Wrapping;

impl Connector<Box<dyn Transport>> for Wrapping {
    type Out = Wrapped;

    fn connect(
        &self,
        details: &ConnectionDetails,
        chained: Option<Box<dyn Transport>>,
    ) -> Result<Option<Wrapped>, Error> {
        // The output buffer is the connection's own; this one is never written to.
        let input = LazyBuffers::new(details.config.input_buffer_size(), 1);
        Ok(chained.map(|connection| Wrapped { connection, input, head: Head::default() }))
    }
}

/// A connection for one exchange, with a buffer for what has come in and was cleaned.
struct Wrapped {
    connection: Box<dyn Transport>,
    input: LazyBuffers,
    head: Head,
}

impl Transport for Wrapped {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.connection.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.connection.maybe_await_input(timeout)?;
        let arrived = self.connection.buffers();
        let free = self.input.input_append_buf();
        let amount = arrived.input().len().min(free.len());
        free[..amount].copy_from_slice(&arrived.input()[..amount]);
        self.head.clean(&mut free[..amount]);
        arrived.input_consume(amount);
        self.input.input_appended(amount);
        Ok(amount > 0)
    }

    fn is_open(&mut self) -> bool {
        self.connection.is_open()
    }

    fn is_tls(&self) -> bool {
        self.connection.is_tls()
    }
}

impl Buffers for Wrapped {
    fn output(&mut self) -> &mut [u8] {
        self.connection.buffers().output()
    }

    fn input(&self) -> &[u8] {
        self.input.input()
    }

    fn input_append_buf(&mut self) -> &mut [u8] {
        self.input.input_append_buf()
    }

    fn input_appended(&mut self, amount: usize) {
        self.input.input_appended(amount);
    }

    fn input_consume(&mut self, amount: usize) {
        self.input.input_consume(amount);
    }

    fn tmp_and_output(&mut self) -> (&mut [u8], &mut [u8]) {
        let (spare, _) = self.input.tmp_and_output();
        (spare, self.connection.buffers().output())
    }

    fn can_use_input(&self) -> bool {
        self.input.can_use_input()
    }
}

/// Shows the connection and nothing that was received.
impl fmt::Debug for Wrapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Wrapped").field(&self.connection).finish()
    }
}
