//! The thread that listens, parses requests and answers them.

use std::future::IntoFuture;
use std::io;
use std::net::TcpListener;
use std::sync::{Arc, mpsc};

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::Response;
use tokio::sync::oneshot;

use super::house::House;
use super::line::{Caller, Exchange};
use super::visit::Visit;
use crate::call::Call;
use crate::reply::Reply;

/// The largest body a provider reads, in bytes.
const BODY_LIMIT: usize = 64 * 1024;

/// Serves until `stopped` resolves. Reports through `ready` whether it could start.
///
/// At the end it drops the runtime and with it every open connection, so an open connection delays nothing.
pub(super) fn run(
    house: Arc<House>,
    listener: TcpListener,
    stopped: oneshot::Receiver<()>,
    ready: &mpsc::Sender<io::Result<()>>,
) {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return report(ready, Err(error)),
    };
    runtime.block_on(async {
        let listener = match tokio::net::TcpListener::from_std(listener) {
            Ok(listener) => listener,
            Err(error) => return report(ready, Err(error)),
        };
        let service = Router::new().fallback(answer).with_state(house);
        let service = service.into_make_service_with_connect_info::<Caller>();
        tokio::spawn(axum::serve(Exchange(listener), service).into_future());
        report(ready, Ok(()));
        // Dropping the sender means stop, so both results of the wait mean the same.
        let _ = stopped.await;
    });
}

fn report(ready: &mpsc::Sender<io::Result<()>>, outcome: io::Result<()>) {
    // The starter always listens. If it has panicked, there is no receiver.
    let _ = ready.send(outcome);
}

async fn answer(
    State(house): State<Arc<House>>,
    ConnectInfo(caller): ConnectInfo<Caller>,
    request: Request,
) -> Response<Body> {
    let (head, body) = request.into_parts();
    let mut call = Call::new(head.method, &head.uri, head.headers, caller.address.ip(), &house.origin);
    let unreadable = match axum::body::to_bytes(body, BODY_LIMIT).await {
        Ok(bytes) => {
            call.body = bytes;
            None
        }
        Err(_) => Some(Reply::text(413, "The body is larger than 64 KiB, or it broke off.")),
    };
    let visit = Visit { house, call, unreadable };
    // A visit that panicked has no answer either.
    let answer = tokio::spawn(visit.run()).await.ok().flatten();
    answer.unwrap_or_else(|| {
        caller.cut();
        Response::default()
    })
}
