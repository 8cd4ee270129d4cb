//! The calls of the providers' clients, step by step, without I/O.

#![expect(clippy::unwrap_used, reason = "what a test builds on is sound, or the test fails")]

mod octorate;
mod web;
mod whole_calls;

use std::collections::VecDeque;

use http::Response;
use http::header::AUTHORIZATION;
use octo_auth_core::provider::ProviderCall;
use octo_auth_core::{Answer, CallError, ExchangeError, Reply, TokenSpec};
use octo_auth_testkit::machine::Machine;

/// The steps of a call, in order, and its result.
struct Driven<T, E> {
    steps: Vec<String>,
    result: Result<Answer<T>, E>,
}

/// Runs a call. These responses answer its requests in order.
fn drive<T: Reply, E: From<CallError> + From<ExchangeError>>(
    world: &mut Machine,
    (from, into): (&TokenSpec, &TokenSpec),
    mut call: ProviderCall<'_, T, E>,
    responses: impl IntoIterator<Item = Response<Vec<u8>>>,
) -> Driven<T, E> {
    let mut responses: VecDeque<_> = responses.into_iter().collect();
    let mut steps = Vec::new();
    loop {
        call = match call {
            ProviderCall::ReadRecord(next) => {
                let failure = world.get(into).err();
                steps.push("read".to_owned());
                next.after_reading(failure, world.manager.status(into, world.now))
            }
            ProviderCall::GetToken(wanted) => {
                let got = world.get(from);
                steps.push(got.as_ref().map_or("no token".to_owned(), |_| "token".to_owned()));
                wanted.got(got, || world.manager.status(from, world.now))
            }
            ProviderCall::Report(generation, next) => {
                world.manager.refused(from, generation, world.now);
                steps.push("report".to_owned());
                *next
            }
            ProviderCall::Run(exchange, sent) => {
                let header = exchange.request().headers().get(AUTHORIZATION).cloned();
                let shown = header.map_or("nothing".to_owned(), |value| value.to_str().unwrap().to_owned());
                steps.push(format!("send {shown}"));
                let outcome = exchange.read(&responses.pop_front().unwrap(), world.now, world.now);
                let import = sent.import();
                let placed = match import.brought_by(&outcome) {
                    Some(brought) => {
                        let placed =
                            world.manager.import_if_vacant(into, brought, import.replaces(), world.now);
                        steps.push(format!("import: {}", if placed.is_ok() { "done" } else { "no place" }));
                        placed.map(|job| world.carry(job))
                    }
                    None => Ok(()),
                };
                sent.answered(outcome, placed)
            }
            ProviderCall::Done(result) => {
                assert!(responses.is_empty(), "fewer requests than were answered: {steps:?}");
                return Driven { steps, result };
            }
        };
    }
}
