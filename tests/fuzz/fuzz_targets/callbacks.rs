//! Arbitrary texts as the callback of a sign-in, and as a stored sign-in.
#![no_main]

use libfuzzer_sys::fuzz_target;
use octo_auth_core::{Entropy, PendingAuthorization, Scopes};
use octo_auth_fuzz::{NOW, client, shows_a_secret};

fuzz_target!(|data: (u8, &str)| {
    let (choice, text) = data;
    let client = client(choice);
    let _ = PendingAuthorization::from_json(text).map(|pending| pending.to_json());
    let entropy = Entropy::from_bytes([7; 64]);
    let redirect_uri = "https://app.example/callback";
    let Ok((_, pending)) = client.authorize(redirect_uri, &Scopes::none(), entropy, NOW) else { return };
    let state = pending.state().expose().to_owned();
    // The fuzzer cannot guess the state: `STATE` stands for it.
    match pending.receive(&text.replace("STATE", &state), NOW) {
        Ok(code) => {
            assert!(!format!("{code:?}").contains(&state), "Debug shows the state");
            let exchange = code.exchange(&client, NOW).expect("a fresh code of the same client");
            assert!(!shows_a_secret(&format!("{exchange:?}")), "Debug shows a secret");
        }
        Err(rejected) => {
            let shown = format!("{rejected} {rejected:?} {}", rejected.error.code());
            assert!(!shown.contains(&state), "an error shows the state");
            assert!(!rejected.to_string().contains(char::is_control), "an error shows a control character");
        }
    }
});
