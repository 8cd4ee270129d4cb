//! The first decision about an account, and address lists.

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use ipnet::{IpNet, Ipv4Net};
use octo_auth_core::allowlist::{self, Allowlist};
use octo_auth_core::{
    Client, Entropy, Now, Policy, Profile, Scopes, Storage, Timestamp, TokenManager, TokenSpec, Verdict,
};

use crate::{Error, Round};

/// The time of all operations: 2026-01-01.
const NOW: Now = Now { wall: Timestamp::from_unix_seconds(1_767_225_600), boot: Duration::from_secs(1000) };

/// The count of addresses checked in one round.
const ADDRESSES: usize = 1 << 10;

/// Decides about a token for the first time, in a new registration each time.
pub(crate) fn cold(count: usize) -> Result<Round, Error> {
    let client = Client::new(Profile::rfc6749("https://login.example/token")?, "id", "secret")?;
    let key = TokenSpec::client_credentials(&Scopes::none());
    let registration = |_| {
        let entropy = Entropy::from_bytes([7; 64]);
        TokenManager::new(client.clone(), Policy::default(), Storage::None, &entropy)
    };
    let mut registrations: Vec<_> = (0..count).map(registration).collect();
    Ok(Box::new(move |number| {
        let decision = registrations.get_mut(number).map(|manager| manager.decide(&key, NOW));
        assert!(decision.is_some_and(|told| matches!(told.verdict, Verdict::Run(_))), "nothing to send");
    }))
}

pub(crate) fn few_rules(_: usize) -> Result<Round, Error> {
    lookup(16)
}

pub(crate) fn many_rules(_: usize) -> Result<Round, Error> {
    lookup(1000)
}

/// Parses one rule.
pub(crate) fn rule(_: usize) -> Result<Round, Error> {
    Ok(Box::new(|_| assert!(black_box(allowlist::parse(black_box("203.0.113.128/25"))).is_ok(), "no rule")))
}

/// Checks a list with addresses that it permits, and with others.
fn lookup(rules: u32) -> Result<Round, Error> {
    let mut chance = 7_u64;
    let networks = (0..rules).map(|_| Ipv4Net::new(address(&mut chance), 24).map(|net| net.trunc()));
    let networks: Vec<Ipv4Net> = networks.collect::<Result<_, _>>()?;
    let list: Allowlist = networks.iter().copied().map(IpNet::V4).collect();
    let mut asked: Vec<IpAddr> = networks.iter().map(|net| net.addr().into()).take(ADDRESSES / 2).collect();
    asked.resize_with(ADDRESSES, || address(&mut chance).into());
    let permitted = asked.iter().filter(|address| list.permits(**address)).count();
    assert!(permitted > 0 && permitted < ADDRESSES, "{permitted} addresses are permitted");
    Ok(Box::new(move |_| {
        let count = black_box(&asked).iter().filter(|address| list.permits(**address)).count();
        assert!(count == permitted, "another answer than before");
    }))
}

/// Returns the next address of SplitMix64.
fn address(state: &mut u64) -> Ipv4Addr {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let [.., a, b, c, d] = mixed.to_be_bytes();
    Ipv4Addr::new(a, b, c, d)
}
