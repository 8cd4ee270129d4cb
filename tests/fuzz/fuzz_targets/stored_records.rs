//! Arbitrary bytes as the stored record of a token spec, and as the request log.
#![no_main]

use libfuzzer_sys::fuzz_target;
use octo_auth_core::{Imported, TokenSpec, RecordBytes, RecordName, Scopes, Secret, Storage};
use octo_auth_fuzz::{CLIENT_SECRET, Machine, Store, client};

/// The fourth profile: standard servers.
const STANDARD: u8 = 3;

fuzz_target!(|data: &[u8]| {
    let [choice, bytes @ ..] = data else { return };
    let storage = if choice & 8 == 0 { Storage::SingleProcess } else { Storage::MultiProcess };
    let client_grant = TokenSpec::client_credentials(&Scopes::none());
    match (choice / 2) % 4 {
        0 | 1 => of_key(&TokenSpec::account("hotel"), *choice, bytes, storage),
        2 => of_key(&client_grant, *choice, bytes, storage),
        _ => request_log(*choice, bytes, storage),
    }
});

/// Checks that a readable record is written again unchanged, and that an unreadable record is not touched.
fn of_key(key: &TokenSpec, choice: u8, bytes: &[u8], storage: Storage) {
    let name = RecordName::new(&client(STANDARD), key);
    let planted = content(&name, choice, bytes);
    let mut first = asked(key, &name, planted.clone(), storage);
    if !is_read(&first, key) {
        write_everything(&mut first, key);
        assert_eq!(first.store.content(&name), Some(&planted), "an unusable record was overwritten");
        return;
    }
    let known = known(&first, key);
    renew(&mut first, key);
    let written = first.store.content(&name).expect("a record does not vanish").clone();
    let mut second = asked(key, &name, written.clone(), storage);
    assert!(is_read(&second, key), "what was written cannot be read");
    assert_eq!(self::known(&second, key), known, "what was written says something else");
    renew(&mut second, key);
    let again = second.store.content(&name).expect("a record does not vanish");
    // Each attempt has a different number.
    let has_attempt = String::from_utf8_lossy(written.as_ref()).contains("attempt");
    assert!(has_attempt || *again == written, "what is written twice differs");
}

/// Checks that an unreadable log has no effect, and that counting continues from a readable one.
fn request_log(choice: u8, bytes: &[u8], storage: Storage) {
    // OfficeRND documents a request limit, so its requests are logged.
    let (client, key) = (client(2), TokenSpec::client_credentials(&Scopes::parse("flex.read").expect("a scope")));
    let name = RecordName::requests(&client);
    let store = Store::holding(name.clone(), content(&name, choice, bytes));
    let mut machine = Machine::started(client, storage, store);
    for _ in 0..3 {
        machine.ask(&key);
        machine.pass_a_minute();
    }
}

/// Returns the bytes, or a record with the right identity and the bytes as its other members.
fn content(name: &RecordName, choice: u8, bytes: &[u8]) -> RecordBytes {
    if choice % 2 == 0 {
        return RecordBytes::from(bytes);
    }
    let url = if name.as_str().contains("officernd") {
        "https://identity.officernd.com/oauth/token"
    } else {
        "https://auth.example/token"
    };
    let identity = format!(r#"{{"v":1,"name":"{name}","issuer":"{url}","client_id":"the-client","#);
    RecordBytes::from([identity.as_bytes(), bytes, b"}"].concat())
}

/// Starts a machine that has read this record.
fn asked(key: &TokenSpec, name: &RecordName, content: RecordBytes, storage: Storage) -> Machine {
    let store = Store::holding(name.clone(), content);
    let mut machine = Machine::started(client(STANDARD), storage, store);
    machine.ask(key);
    let shown = machine.manager.explain(key, machine.now);
    assert!(!shown.contains(CLIENT_SECRET), "an explanation shows a secret");
    machine
}

fn is_read(machine: &Machine, key: &TokenSpec) -> bool {
    machine.manager.status(key, machine.now).is_some_and(|status| status.is_read)
}

/// Returns what a machine knows about a token.
fn known(machine: &Machine, key: &TokenSpec) -> Option<String> {
    let token = machine.manager.status(key, machine.now)?.token?;
    let tokens = token.tokens();
    assert!(token.authorization().is_sensitive());
    Some(format!(
        "{} {:?} {:?} {:?} {:?} {:?}",
        tokens.access_token().expose(),
        token.generation(),
        tokens.issued_at(),
        tokens.lifetime(),
        tokens.renew_after(),
        tokens.scopes(),
    ))
}

/// Makes the machine refresh the token. It writes the attempt ahead, and withdraws it because no request reaches the
/// server.
fn renew(machine: &mut Machine, key: &TokenSpec) {
    let status = machine.manager.status(key, machine.now);
    if let Some(token) = status.and_then(|status| status.token) {
        machine.manager.refused(key, token.generation(), machine.now);
    }
    machine.ask(key);
}

/// Does everything with a token spec that could write its record.
fn write_everything(machine: &mut Machine, key: &TokenSpec) {
    machine.pass_a_minute();
    machine.ask(key);
    let imported = Imported::RefreshToken(Secret::new("kQ7-another-refresh-token"));
    if let Ok(job) = machine.manager.import(key, imported, machine.now) {
        machine.carry(job);
    }
    machine.ask(key);
    let job = machine.manager.sign_out(key, machine.now);
    machine.carry(job);
    for job in machine.manager.save_all(machine.now) {
        machine.carry(Some(job));
    }
}
