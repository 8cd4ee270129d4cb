//! The allocations for reading an answer: at most twice the largest permitted body, whatever its content is.
//!
//! This is the only test of its program, because the allocator counts for the whole process.

use http::{Response, StatusCode};
use octo_auth_core::{ANSWER_LIMIT, Profile, Secret};
use octo_auth_tests::{moment, registration};
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Builds a body of exactly the limit, from one unit repeated between a beginning and an end.
fn filled(beginning: &str, unit: &[u8], end: &str) -> Vec<u8> {
    let room = ANSWER_LIMIT - beginning.len() - end.len();
    let middle = unit.iter().copied().cycle().take(room / unit.len() * unit.len());
    beginning.bytes().chain(middle).chain(end.bytes()).collect()
}

#[test]
fn no_body_of_the_largest_size_makes_the_reading_allocate_more_than_twice_that_size() {
    let bodies = [
        ("one long string", filled("{\"access_token\":\"", b"A", "\"}")),
        ("one long escaped string", filled("{\"access_token\":\"", b"\\u0041", "\"}")),
        ("many members", filled("{\"a\":1", b",\"a\":1", "}")),
        ("one member again and again", filled("{\"expires_in\":1", b",\"expires_in\":1", "}")),
        ("deep nesting", filled("{\"x\":", b"[", "")),
        ("bytes that are not UTF-8", filled("{\"x\":\"", b"\xff", "\"}")),
        ("a long error text", filled("{\"error\":\"invalid_grant\",\"error_description\":\"", b"d", "\"}")),
        (
            "a long error text in escapes",
            filled("{\"error\":\"x\",\"error_description\":\"", b"\\u00e9", "\"}"),
        ),
        ("a long message of its own shape", filled("{\"type\":\"X\",\"message\":\"", b"\\n", "\"}")),
        ("one scope after another", filled("{\"access_token\":\"A\",\"scope\":\"", b"a ", "\"}")),
    ];
    let mut greedy = Vec::new();
    for status in [StatusCode::OK, StatusCode::BAD_REQUEST] {
        for (name, body) in &bodies {
            for profile in [Profile::octorate(), Profile::officernd()] {
                let client = registration::with(profile);
                let exchange =
                    client.refresh(&Secret::new("refresh-token")).map_err(|error| error.to_string());
                let mut response = Response::builder().header("content-type", "application/json");
                response = response.status(status);
                let Ok(response) = response.body(body.as_slice()) else { continue };
                let before = ALLOCATOR.current_usage();
                ALLOCATOR.reset_peak_usage();
                let read =
                    exchange.map(|exchange| exchange.read(&response, moment::start(), moment::start()));
                let used = ALLOCATOR.peak_usage() - before;
                drop(read);
                if used > 2 * ANSWER_LIMIT {
                    greedy.push(format!("{name}, {status}: {used} bytes"));
                }
            }
        }
    }
    assert_eq!(greedy, Vec::<String>::new());
}
