//! Records that hold everything a record can hold.

use octo_auth_core::{
    Attempt, Fingerprint, Generation, Lineage, Record, Scopes, Secret, Terminal, Timestamp, TokenSet,
};

use crate::{moment, registration, response};

/// A record that differs from all others by its number.
pub(super) fn record(number: u64) -> Record {
    Record {
        generation: Generation { lineage: Lineage::from_bytes([7; 16]), number },
        refresh_token: Some(Secret::from(format!("rt-{number}").as_str())),
        ..Record::default()
    }
}

/// Records of every kind.
pub(super) fn all() -> Result<Vec<Record>, String> {
    let begun = moment::start().wall;
    let pending = Attempt {
        refresh_token: Fingerprint::from_bytes([0x80; 32]),
        number: u32::MAX,
        begun,
        deadline: moment::after(75).wall,
        ambiguous: true,
        after_doubt: true,
    };
    let mut lineage = [0; 16];
    (0..).zip(&mut lineage).for_each(|(value, byte): (u8, &mut u8)| *byte = value.wrapping_mul(17));
    let full = Record {
        generation: Generation { lineage: Lineage::from_bytes(lineage), number: u64::MAX },
        token: Some(tokens()?),
        refresh_token: Some(Secret::from("rt/+=~%20\u{1F511} with ' \" \\ and a line\nbreak")),
        parent: Some(Fingerprint::from_bytes([0xFF; 32])),
        pending: Some(pending),
        terminal: Some(Terminal::Refused),
        signed_out: false,
        sent: Vec::new(),
    };
    let in_doubt = Record {
        pending: Some(Attempt { ambiguous: false, begun: Timestamp::from_unix_millis(-1), ..pending }),
        terminal: Some(Terminal::RefusedAfterDoubt),
        ..full.clone()
    };
    let signed_out = Record { generation: full.generation, signed_out: true, ..Record::default() };
    let sent = vec![begun, begun, Timestamp::from_unix_millis(-1), moment::after(5).wall];
    let requests = Record { sent, ..Record::default() };
    let long = Record { refresh_token: Some(Secret::from("r".repeat(8192).as_str())), ..record(1) };
    Ok(vec![Record::default(), record(0), long, full, in_doubt, signed_out, requests])
}

/// Tokens with everything that an answer can bring, as the core reads it.
fn tokens() -> Result<TokenSet, String> {
    let scopes = Scopes::parse("one two").map_err(|error| error.to_string())?;
    let asking = registration::standard().client_credentials(&scopes).map_err(|error| error.to_string())?;
    let body = r#"{"access_token":"at-~._-+/=","token_type":"Bearer","expires_in":3599,"refresh_in":1801,
        "scope":"one two"}"#;
    let (sent, received) = (moment::start(), moment::after(1));
    let answer = asking.finish(&response::json(200, body), sent, received);
    answer.map(|answer| answer.value).map_err(|error| error.to_string())
}
