//! Records that are neither used nor overwritten: no machine can have written the content, or it belongs to another
//! account.

use octo_auth_core::{
    Client, Freshness, RecordBytes, RecordError, RecordName, Remedy, Storage, TokenErrorKind, TokenSpec,
};
use octo_auth_testkit::StoredRecord;
use octo_auth_testkit::machine::{InMemoryStore, Machine, ServerReply, hotel, scoped, service};
use octo_auth_testkit::moment;
use octo_auth_testkit::outcome::record_error;
use octo_auth_testkit::registration::{octotable, officernd, standard};
use serde_json::{Value, json};

use super::{signed_in, started};

/// Asserts that a machine refuses this content of an account's record with this code. It must neither serve nor
/// change the content, whatever the test does with the account.
fn is_refused(what: &str, content: impl AsRef<[u8]>, code: &str) {
    let content = RecordBytes::from(content.as_ref());
    for storage in [Storage::SingleProcess, Storage::MultiProcess] {
        let store = InMemoryStore::default();
        let mut world = Machine::with_store(standard(), storage, &store, 1);
        store.put(&world.name(&hotel()), content.clone());
        let failure = world.get(&hotel()).expect_err(what);
        assert_eq!(failure.kind(), TokenErrorKind::StoreUnavailable, "{what}");
        let error = record_error(&failure).expect(what);
        assert_eq!(error.code(), code, "{what}: {error}");
        assert_eq!(failure.remedy(), Remedy::FixConfiguration, "{what}: only a person can help");
        assert!(!error.to_string().contains(char::is_control), "{what}: {error:?}");
        is_left_alone(what, &mut world);
        assert_eq!(world.store.content(&world.name(&hotel())), Some(content.clone()), "{what}");
        assert_eq!(world.store.history(), [], "{what}: nothing was written");
    }
}

/// Does everything to an account that could write its record. Asserts that no stored token is served.
fn is_left_alone(what: &str, world: &mut Machine) {
    let is_stored = |got: String| got.contains("AT1");
    world.endpoint.always(|_| ServerReply::tokens("AT-other", 3600, "RT-other"));
    world.pass_seconds(60);
    assert!(!is_stored(world.got(&hotel())), "{what}");
    world.sign_in(&hotel(), "RT9");
    world.pass_seconds(60);
    assert!(!is_stored(world.got(&hotel())), "{what}");
    assert_eq!(world.requests(), 0, "{what}: a new refresh token could not be kept");
    world.sign_out(&hotel());
    for save in world.manager.save_all(world.now) {
        world.carry(Some(save));
    }
}

/// Returns the content of a record with a token, a refresh token and a renewal in doubt.
fn full_content() -> String {
    let (mut world, _) = signed_in();
    world.age(&hotel(), Freshness::Stale);
    let _lost = world.up_to_sending(&hotel());
    let content = world.store.content(&world.name(&hotel())).expect("a record");
    String::from_utf8(content.as_ref().to_vec()).expect("text")
}

fn full_record() -> StoredRecord {
    StoredRecord::read(&RecordBytes::from(full_content().into_bytes())).expect("a record")
}

#[test]
fn a_record_that_was_cut_off_anywhere_is_refused() {
    let content = full_content();
    for end in 0..content.len() {
        is_refused("cut off", &content[..end], "record_not_json");
    }
}

#[test]
fn content_that_is_not_a_utf8_object_is_refused() {
    let content = full_content();
    let broken = content.replacen("AT1", "AT\u{1}", 1).into_bytes();
    let broken: Vec<u8> = broken.into_iter().map(|byte| if byte == 1 { 0xff } else { byte }).collect();
    for (what, content) in [
        ("null", b"null".to_vec()),
        ("an array", format!("[{content}]").into_bytes()),
        ("a text", json!(content).to_string().into_bytes()),
        ("two objects", format!("{content}{content}").into_bytes()),
        ("a byte order mark", format!("\u{feff}{content}").into_bytes()),
        ("UTF-16", content.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("a zero byte after it", format!("{content}\0").into_bytes()),
        ("a comment", format!("{content}//").into_bytes()),
        ("a byte that is no UTF-8", broken),
    ] {
        is_refused(what, &content, "record_not_json");
    }
}

#[test]
fn deep_nesting_is_refused_only_in_a_member_that_is_read() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for (member, code) in [("attempt", "record_malformed"), ("v", "version_malformed")] {
        let name = format!("\"{member}\":");
        let without = full_record().without(member).content();
        let text = String::from_utf8_lossy(without.as_ref()).replacen('{', &format!("{{{name}{deep},"), 1);
        is_refused(member, text, code);
    }
    let mut world = started(&InMemoryStore::default());
    let text = full_content().replacen('{', &format!("{{\"later\":{deep},"), 1);
    world.store.put(&world.name(&hotel()), RecordBytes::from(text.into_bytes()));
    assert_eq!(world.got(&hotel()), "AT1");
}

#[test]
fn a_record_is_read_up_to_256_kib() {
    let limit = 256 * 1024;
    let padded = |size: usize| {
        let record = full_record().without("attempt");
        let rest = size - record.clone().with("pad", "").content().as_ref().len();
        record.with("pad", "x".repeat(rest)).content()
    };
    is_refused("one byte more", padded(limit + 1), "record_too_large");
    is_refused("300 KiB", padded(300 * 1024), "record_too_large");
    let mut world = started(&InMemoryStore::default());
    world.store.put(&world.name(&hotel()), padded(limit));
    assert_eq!(world.got(&hotel()), "AT1");
}

#[test]
fn a_repeated_member_is_refused_in_any_spelling() {
    let content = full_content();
    let members: Vec<String> = full_record().names().map(str::to_owned).collect();
    assert!(members.len() >= 14, "{members:?}");
    for member in members {
        let escaped: String = member.chars().map(|letter| format!("\\u{:04x}", u32::from(letter))).collect();
        for name in [&member, &escaped] {
            let twice = content.replacen('{', &format!("{{\"{name}\":null,"), 1);
            is_refused(&member, twice, "duplicate_member");
        }
    }
    let twice = content.replacen('{', r#"{"later":1,"later":1,"#, 1);
    is_refused("an unknown member", twice, "duplicate_member");
    let hostile = content.replacen('{', r#"{"\u001b[31m\n":1,"\u001b[31m\n":1,"#, 1);
    is_refused("a name with control characters", hostile, "duplicate_member");
    let within = content.replacen(r#""attempt":{"#, r#""attempt":{"number":7,"#, 1);
    is_refused("a member of the attempt", within, "duplicate_member");
}

#[test]
fn a_record_of_another_version_is_refused() {
    let record = full_record();
    is_refused("version 2", record.clone().with("v", 2).content(), "newer_version");
    is_refused("the last version", record.clone().with("v", u64::MAX).content(), "newer_version");
    for version in
        [json!(0), json!(-1), json!("1"), json!(1.0), json!(1.5), json!(true), json!([1]), json!(null)]
    {
        let content = record.clone().with("v", version.clone()).content();
        is_refused(&format!("version {version}"), content, "version_malformed");
    }
    is_refused("no version", record.without("v").content(), "version_malformed");
}

#[test]
fn a_record_of_another_registration_or_account_is_refused() {
    let record = full_record();
    let of = |client: Client, key: TokenSpec| {
        StoredRecord::empty(&client, &key).with("refresh_token", "RT1").content()
    };
    is_refused("another provider", of(octotable(), hotel()), "issuer_mismatch");
    is_refused("another account", of(standard(), TokenSpec::account("inn")), "scope_mismatch");
    is_refused("a client grant", of(standard(), service()), "scope_mismatch");
    for (member, code) in
        [("issuer", "issuer_mismatch"), ("client_id", "client_mismatch"), ("name", "scope_mismatch")]
    {
        let other = record.clone().with(member, "https://evil.example/token");
        is_refused(member, other.content(), code);
        is_refused(member, record.clone().without(member).content(), code);
    }
}

#[test]
fn a_member_with_a_value_that_no_release_writes_is_refused() {
    let huge = json!(1e308);
    let text = json!("1767225600000");
    let wrong: [(&str, &[Value], &str); 19] = [
        (
            "access_token",
            &[json!("two\r\nlines"), json!("é"), json!(" AT1"), json!("AT1\0")],
            "access_token_unsafe",
        ),
        ("access_token", &[json!(1), json!(["AT1"]), json!({})], "record_malformed"),
        ("token_type", &[json!("mac"), json!("DPoP"), json!("")], "token_type_unsupported"),
        ("expires_at", &[huge.clone(), text.clone(), json!(1.5), json!(u64::MAX)], "expires_at_invalid"),
        ("issued_at", &[huge.clone(), text.clone(), json!(u64::MAX), json!(null)], "record_malformed"),
        ("renew_after", &[huge.clone(), json!(-1), json!("1")], "record_malformed"),
        ("number", &[huge, json!(-1), json!(1.5), text], "record_malformed"),
        ("scope", &[json!("a\nb\u{7f}"), json!("é"), json!(["a"])], "record_malformed"),
        ("refresh_token", &[json!(1), json!(["RT1"])], "record_malformed"),
        (
            "family",
            &[json!("00"), json!("0".repeat(34)), json!("zz".repeat(16)), json!("é".repeat(16))],
            "record_malformed",
        ),
        ("parent", &[json!("00"), json!(0)], "record_malformed"),
        ("dead", &[json!("maybe"), json!(1)], "record_malformed"),
        ("in_doubt", &[json!("yes"), json!(0)], "record_malformed"),
        ("attempts", &[json!(-1), json!((1_u64 << 53) + 1), json!(u64::MAX)], "record_malformed"),
        ("pause", &[json!(1), json!({}), json!({"from": 1, "until": "later"})], "record_malformed"),
        (
            "applied",
            &[json!("a-1"), json!([1]), json!(["zz-1"]), json!(["0123456789abcdef"])],
            "record_malformed",
        ),
        ("used", &[json!({}), json!(["00"]), json!(["+1+2+3+4+5+6+7+8"])], "record_malformed"),
        ("seeds", &[json!({}), json!(["00"])], "record_malformed"),
        ("signed_out", &[json!("yes"), json!(1)], "record_malformed"),
    ];
    for (member, values, code) in wrong {
        for value in values {
            let content = full_record().with(member, value.clone()).content();
            is_refused(&format!("{member} = {value}"), content, code);
        }
    }
    let lone = full_content().replacen("AT1", "\\ud800", 1);
    is_refused("half a character", lone, "record_malformed");
}

#[test]
fn an_attempt_that_no_release_writes_is_refused() {
    let attempt = full_record().attempt().cloned().expect("an attempt");
    for (member, value) in [
        ("id", json!("RT1")),
        ("number", json!(-1)),
        ("number", json!(u64::MAX)),
        ("begun", json!("now")),
        ("deadline", json!(1e308)),
        ("id", Value::Null),
        ("number", Value::Null),
        ("begun", Value::Null),
        ("deadline", Value::Null),
    ] {
        let mut wrong = attempt.clone();
        wrong[member] = value.clone();
        let content = full_record().with("attempt", wrong).content();
        is_refused(&format!("attempt.{member} = {value}"), content, "record_malformed");
    }
    for wrong in [json!("begun"), json!([]), json!({})] {
        is_refused("no attempt", full_record().with("attempt", wrong).content(), "record_malformed");
    }
}

#[test]
fn an_odd_number_that_is_in_range_does_no_harm() {
    let now = moment::start();
    let year = 365 * 86_400_000_i64;
    for (issued_at, expires_at, lifetime) in [
        (now.wall.as_unix_millis(), i64::MAX, Some(3650 * 86_400)),
        (now.wall.as_unix_millis(), i64::MIN, Some(0)),
        (now.wall.as_unix_millis(), 0, Some(0)),
        (now.wall.as_unix_millis() + year, now.wall.as_unix_millis(), Some(0)),
        (i64::MIN, i64::MAX, Some(3650 * 86_400)),
        (i64::MAX, i64::MAX, Some(0)),
    ] {
        let record = full_record().without("attempt").without("renew_after");
        let record = record.with("issued_at", issued_at).with("expires_at", expires_at);
        let mut world = started(&InMemoryStore::default());
        world.put(&hotel(), &record);
        world.got(&hotel());
        let is_served = world.requests() == 0;
        assert_eq!(is_served, issued_at == now.wall.as_unix_millis() && lifetime > Some(0), "{record:?}");
        assert!(world.manager.explain(&hotel(), world.now).contains("account"));
    }
}

#[test]
fn a_client_grant_goes_on_without_a_record_that_it_cannot_use_and_does_not_overwrite_it() {
    let foreign = StoredRecord::empty(&octotable(), &service()).with("access_token", "AT-foreign");
    let of_an_account = StoredRecord::empty(&standard(), &hotel()).with("access_token", "AT-account");
    let planted = [
        RecordBytes::from(&b"{\"v\":2}"[..]),
        RecordBytes::from(&b"[["[..]),
        foreign.content(),
        of_an_account.content(),
    ];
    for planted in planted {
        for storage in [Storage::SingleProcess, Storage::MultiProcess] {
            let mut world = Machine::with_store(standard(), storage, &InMemoryStore::default(), 1);
            world.store.put(&world.name(&service()), planted.clone());
            for number in 1..4 {
                assert_eq!(world.got(&service()), format!("AT{number}"));
                world.age(&service(), Freshness::Expired);
                world.pass_seconds(60);
            }
            assert_eq!(world.store.content(&world.name(&service())), Some(planted.clone()));
            assert!(world.manager.status(&service(), world.now).expect("known").unsaved);
        }
    }
}

#[test]
fn an_account_works_again_once_its_record_is_repaired() {
    let (mut world, store) = signed_in();
    let good = world.stored(&hotel());
    let mut next = started(&store);
    store.put(&next.name(&hotel()), good.clone().with("v", 2).content());
    for _ in 0..5 {
        assert_eq!(next.got(&hotel()), "store_unavailable");
        next.pass_seconds(60);
    }
    next.put(&hotel(), &good);
    assert_eq!(next.got(&hotel()), "AT1");
    assert_eq!((next.requests(), world.got(&hotel()).as_str()), (0, "AT1"));
}

#[test]
fn a_request_log_that_cannot_be_used_is_left_as_it_is() {
    let log = RecordName::requests(&officernd());
    for content in [&b"{\"v\":2}"[..], b"[]", b"", br#"{"v":1,"v":1}"#] {
        let planted = RecordBytes::from(content);
        let mut world = Machine::with_store(officernd(), Storage::MultiProcess, &InMemoryStore::default(), 1);
        world.store.put(&log, planted.clone());
        for _ in 0..3 {
            let job = world.decide(&scoped("flex.read")).job;
            world.carry(job);
        }
        assert_eq!(world.store.content(&log), Some(planted));
    }
}

#[test]
fn a_record_that_becomes_unusable_while_a_machine_runs_is_not_overwritten() {
    for storage in [Storage::SingleProcess, Storage::MultiProcess] {
        let store = InMemoryStore::default();
        let mut world = Machine::with_store(standard(), storage, &store, 1);
        world.sign_in(&hotel(), "RT0");
        assert_eq!(world.got(&hotel()), "AT1");
        let planted = RecordBytes::from(world.stored(&hotel()).with("v", 2).content().as_ref());
        store.put(&world.name(&hotel()), planted.clone());
        world.age(&hotel(), Freshness::Expired);
        let failure = world.get(&hotel()).expect_err("a newer release has written the record");
        assert_eq!(record_error(&failure), Some(&RecordError::NewerVersion(2)));
        world.sign_out(&hotel());
        assert_eq!(store.content(&world.name(&hotel())), Some(planted));
    }
}
