//! Checks that the words documented for logs and metrics are those of the core.

#![expect(clippy::expect_used, reason = "a test that finds something else has failed")]

#[allow(dead_code, reason = "what is told is compared with the tables in the adapters' tests")]
#[path = "../../crates/octo-auth-async/tests/lifecycle/documented.rs"]
mod documented;

use std::collections::BTreeSet;

use documented::words;

/// The kinds of errors are open enums, so only the source contains a complete list.
const KIND: &str = include_str!("../../crates/octo-auth-core/src/error/kind.rs");
const CODES: &str = include_str!("../../crates/octo-auth-core/src/error/provider_text.rs");
const FAILURE: &str = include_str!("../../crates/octo-auth-core/src/failure.rs");
const PURPOSE: &str = include_str!("../../crates/octo-auth-core/src/exchange/purpose.rs");
const REMEDY: &str = include_str!("../../crates/octo-auth-core/src/error.rs");
const CAUSE: &str = include_str!("../../crates/octo-auth-core/src/key/cause.rs");
const STEP: &str = include_str!("../../crates/octo-auth-core/src/key/step.rs");

/// Returns the texts in the source between a beginning and the next end.
fn texts(source: &str, beginning: &str, end: &str) -> BTreeSet<String> {
    let (_, rest) = source.split_once(beginning).expect("the beginning");
    let (body, _) = rest.split_once(end).expect("the end");
    body.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Returns the words of a type in one of its functions.
fn words_in(source: &str, of: &str, function: &str) -> BTreeSet<String> {
    let (_, rest) = source.split_once(&format!("\nimpl {of} {{")).expect("the type");
    texts(rest, &format!("fn {function}("), "\n    }\n")
}

fn with(mut words: BTreeSet<String>, others: &[&str]) -> BTreeSet<String> {
    words.extend(others.iter().map(|word| (*word).to_owned()));
    words
}

#[test]
fn the_documented_words_are_those_of_the_core() {
    assert_eq!(words("`purpose`"), words_in(PURPOSE, "Purpose", "name"));
    assert_eq!(words("`cause`"), words_in(CAUSE, "RenewalCause", "word"));
    assert_eq!(with(words("`call`"), &["send"]), words_in(STEP, "Step", "word"));
    assert_eq!(words("`kind`"), words_in(FAILURE, "TokenErrorKind", "word"));
    assert_eq!(words("`remedy`"), words_in(REMEDY, "Remedy", "word"));
    let endings = words_in(STEP, "Ending<'_>", "word");
    assert_eq!(words("`outcome` of a call of the store"), endings);
    let mut errors = words_in(KIND, "ErrorKind", "word");
    errors.extend(texts(CODES, "const STANDARD_CODES", "];"));
    let mut requests = words("`outcome` of a request");
    requests.extend(["elsewhere", "store_failed"].map(str::to_owned));
    assert_eq!(requests, &errors | &endings);
    let callers = with(words_in(FAILURE, "TokenErrorKind", "word"), &["token", "suspect", "cancelled"]);
    assert_eq!(words("`outcome` of a caller"), callers);
}
