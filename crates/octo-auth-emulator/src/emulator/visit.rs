//! One request from its arrival to its answer, including the fault that strikes it.
//!
//! A visit runs on a separate task, so a client that disconnects does not stop the processing.

use std::sync::Arc;

use axum::body::Body;
use axum::http::Response;

use super::hosts::route;
use super::house::House;
use crate::call::Call;
use crate::clock::http_date;
use crate::faults::{Fault, Hold, Moment, Release, Strike, gateway_page};
use crate::log::CLOSED;
use crate::reply::Reply;

/// A request that has arrived completely, or whose body could not be read.
pub(super) struct Visit {
    pub(super) house: Arc<House>,
    pub(super) call: Call,
    /// The answer to a request whose body could not be read; the request is then not processed.
    pub(super) unreadable: Option<Reply>,
}

/// The answer that the client gets.
enum Delivery {
    Answer(Reply),
    HalfAnswer(Reply),
    Nothing,
}

impl Visit {
    /// Answers the request; `None` if the connection is to be closed without an answer.
    pub(super) async fn run(mut self) -> Option<Response<Body>> {
        let delivery = match self.house.faults.strike(&self.call) {
            None => self.record(|visit| Delivery::Answer(visit.process())),
            Some(Strike::Fault(Fault::Delay(wait))) => {
                let delivery = self.record(|visit| Delivery::Answer(visit.process()));
                tokio::time::sleep(wait).await;
                delivery
            }
            Some(Strike::Fault(fault)) => self.record(|visit| visit.struck(&fault)),
            Some(Strike::Hold(hold)) => self.hold(hold).await,
        };
        let date = self.house.clock.now().saturating_add(self.house.faults.date_skew_millis());
        match delivery {
            Delivery::Answer(reply) => Some(reply.into_response(&http_date(date))),
            Delivery::HalfAnswer(reply) => Some(reply.into_torn_response(&http_date(date))),
            Delivery::Nothing => None,
        }
    }

    fn process(&mut self) -> Reply {
        self.unreadable.take().unwrap_or_else(|| route(&self.house, &self.call))
    }

    fn struck(&mut self, fault: &Fault) -> Delivery {
        if *fault == Fault::ClosedUnprocessed {
            return Delivery::Nothing;
        }
        if let Some(reply) = fault.reply_unprocessed() {
            return Delivery::Answer(reply);
        }
        let reply = self.process();
        match fault {
            Fault::AnswerLost => Delivery::Nothing,
            Fault::AnswerCut => Delivery::HalfAnswer(reply),
            Fault::GatewayErrorAfterProcessing => Delivery::Answer(gateway_page(502)),
            _ => Delivery::Answer(reply),
        }
    }

    /// The request is logged before the test is notified of it. Its status is added later.
    async fn hold(&mut self, hold: Hold) -> Delivery {
        let now = self.house.clock.now();
        let reply = (hold.moment == Moment::Processed).then(|| self.process());
        let number = self.house.log.record(&self.call, reply.as_ref().map_or(CLOSED, Reply::status), now);
        let release = hold.wait().await;
        if release == Release::Close {
            self.house.log.amend(number, CLOSED);
            return Delivery::Nothing;
        }
        let reply = reply.unwrap_or_else(|| self.process());
        self.house.log.amend(number, reply.status());
        Delivery::Answer(reply)
    }

    fn record(&mut self, deliver: impl FnOnce(&mut Self) -> Delivery) -> Delivery {
        let now = self.house.clock.now();
        let delivery = deliver(self);
        let status = match &delivery {
            Delivery::Answer(reply) | Delivery::HalfAnswer(reply) => reply.status(),
            Delivery::Nothing => CLOSED,
        };
        self.house.log.record(&self.call, status, now);
        delivery
    }
}
