//! A connection between ureq and the one ureq would use, which shows ureq of an exchange what it may see.
//!
//! ureq's parser takes no setting that would let it pass over a broken header, nor ureq one that would keep secrets out
//! of its log. So its own connection is wrapped: lookup, proxies, TLS and deadlines are ureq's. What comes in is copied,
//! the head through [`Head`] and the body through the veil; what goes out is written anew without the veil.
//!
//! The connection to a proxy is wrapped too, but has no veil, as nothing of the exchange is on it: once the proxy has
//! answered, it carries bytes as they are.

use std::fmt;
use std::sync::Arc;

use ureq::Error;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, DefaultConnector, LazyBuffers, NextTimeout, Transport,
};

use super::head::Head;
use super::outgoing::Sending;
use super::veil::Veil;

/// Makes the connections ureq makes, wrapped, for one exchange.
pub(super) fn connector(veil: &Arc<Veil>) -> impl Connector {
    DefaultConnector::default().chain(Wrapping { veil: Arc::clone(veil) })
}

struct Wrapping {
    veil: Arc<Veil>,
}

impl Connector<Box<dyn Transport>> for Wrapping {
    type Out = Wrapped;

    fn connect(
        &self,
        details: &ConnectionDetails,
        chained: Option<Box<dyn Transport>>,
    ) -> Result<Option<Wrapped>, Error> {
        let Some(connection) = chained else { return Ok(None) };
        let veil = self.veil.is_over(details.uri).then(|| Arc::clone(&self.veil));
        if let Some(veil) = &veil {
            veil.connected();
        }
        Ok(Some(Wrapped {
            connection,
            // The output buffer is the connection's own; this one is never written to.
            input: LazyBuffers::new(details.config.input_buffer_size(), 1),
            head: Head::default(),
            sending: Sending::default(),
            veil,
        }))
    }
}

impl fmt::Debug for Wrapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wrapping")
    }
}

/// A connection for one exchange, with a buffer for what has come in and may be seen.
struct Wrapped {
    connection: Box<dyn Transport>,
    input: LazyBuffers,
    head: Head,
    sending: Sending,
    veil: Option<Arc<Veil>>,
}

impl Transport for Wrapped {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        let Some(veil) = &self.veil else { return self.connection.transmit_output(amount, timeout) };
        let output = self.connection.buffers().output();
        let room = output.len();
        let sent = self.sending.unveil(&output[..amount], veil);
        for piece in sent.as_ref().chunks(room) {
            self.connection.buffers().output()[..piece.len()].copy_from_slice(piece);
            self.connection.transmit_output(piece.len(), timeout)?;
        }
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.connection.maybe_await_input(timeout)?;
        let arrived = self.connection.buffers();
        let free = self.input.input_append_buf();
        let amount = arrived.input().len().min(free.len());
        let shown = &mut free[..amount];
        shown.copy_from_slice(&arrived.input()[..amount]);
        let amount = match &self.veil {
            Some(veil) if self.head.is_over() => {
                veil.answer().veil(shown);
                amount
            }
            // What has come of the body stays where it is until ureq has read the head, which tells how it is framed.
            Some(_) => self.head.clean(shown),
            None => {
                self.head.clean(shown);
                amount
            }
        };
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
