//! One request from arrival to answer, with the fault it meets on the way.
//!
//! A visit runs on a task of its own, so that a client that goes away stops nothing that the provider has begun.

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

/// A request that has arrived whole, or with a body that could not be read.
pub(super) struct Visit {
    pub(super) house: Arc<House>,
    pub(super) call: Call,
    /// The answer to a request whose body could not be read; it stands in for processing.
    pub(super) unreadable: Option<Reply>,
}

/// What the client gets.
enum Delivery {
    Answer(Reply),
    HalfAnswer(Reply),
    Nothing,
}

impl Visit {
    /// Answers the request; `None` when the connection is to be closed without an answer.
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

    /// The request is in the log before the test is told of it; its status follows when it is known.
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
