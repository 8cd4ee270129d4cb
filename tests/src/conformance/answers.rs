//! Rows about answers of a token endpoint, parsed by the core alone.

use http::Response;
use serde_json::{Value, json};

use super::facts::{self, Facts};
use super::input::{self, Asked};
use super::row::Row;

/// Returns the facts of a row whose answer can be passed to the core directly; `None` for bytes on the wire.
pub(super) fn observe(row: &Row) -> Option<Result<Facts, String>> {
    Some(response(row)?.and_then(|response| finish(row, &response)))
}

/// Returns the row's answer of a token endpoint, if it can be passed to the core directly.
pub(super) fn response(row: &Row) -> Option<Result<Response<Vec<u8>>, String>> {
    if row.text("from").is_some() {
        return None;
    }
    if row.input.contains_key("field") {
        return Some(dated(row));
    }
    // A row that frames its body itself is about the wire. So is a row with a status that does not fit HTTP.
    let framed =
        input::headers(row).is_ok_and(|headers| headers.iter().any(|(name, _)| input::is_framing(name)));
    let plain =
        row.input.get("status").and_then(Value::as_u64).is_some_and(|status| (100..1000).contains(&status));
    (plain && !framed).then(|| answered(row))
}

fn answered(row: &Row) -> Result<Response<Vec<u8>>, String> {
    let status =
        row.input.get("status").and_then(Value::as_u64).and_then(|status| u16::try_from(status).ok());
    let mut response = Response::new(input::body(row)?);
    *response.status_mut() =
        status.and_then(|status| http::StatusCode::from_u16(status).ok()).ok_or("the status is none")?;
    for (name, value) in input::headers(row)? {
        let name = http::HeaderName::try_from(name).map_err(|error| error.to_string())?;
        let value = http::HeaderValue::from_bytes(value.as_bytes());
        // An invalid header never reaches the core; the layers with sockets test it.
        let Ok(value) = value else { continue };
        response.headers_mut().append(name, value);
    }
    Ok(response)
}

/// Returns an ApiLogin answer with this date as its absolute expiry.
fn dated(row: &Row) -> Result<Response<Vec<u8>>, String> {
    let field = row.text("field").unwrap_or_default();
    let generated = input::bytes(row, "value").unwrap_or_default();
    let value = match (row.input.get("value"), generated) {
        (_, Some(text)) => String::from_utf8(text).map_err(|error| error.to_string())?.into(),
        (Some(value), None) => value.clone(),
        (None, None) => return Err("the row has no value".to_owned()),
    };
    let body = json!({"access_token": "AT1", field: value}).to_string();
    let mut response = Response::builder().header("content-type", "application/json");
    if let Some(date) = row.text("server_date") {
        response = response.header("date", http_date(date));
    }
    response.body(body.into_bytes()).map_err(|error| error.to_string())
}

fn finish(row: &Row, response: &Response<Vec<u8>>) -> Result<Facts, String> {
    let now = input::now(row)?;
    Ok(match input::asked(row, None)? {
        Asked::Token(exchange) => facts::token(row, &exchange.read(response, now, now)),
        Asked::Admin(exchange) => facts::admin(row, &exchange.read(response, now, now)),
        Asked::Client(exchange) => facts::client(row, &exchange.read(response, now, now)),
    })
}

/// Converts a date of RFC 3339 to that of an HTTP header. An invalid date is sent unchanged.
fn http_date(date: &str) -> String {
    match humantime::parse_rfc3339(date) {
        Ok(instant) => httpdate::fmt_http_date(instant),
        Err(_) => date.to_owned(),
    }
}
