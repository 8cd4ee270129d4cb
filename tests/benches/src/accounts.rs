//! Many accounts of one registration: memory, lookups, and finding those that are due.

use std::collections::{BTreeMap, HashMap};
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use http::HeaderValue;
use octo_auth_core::{
    AccessToken, Client, Entropy, Imported, Now, Policy, Profile, RefreshAhead, Secret, Storage, Timestamp,
    TokenManager, TokenSet, TokenSpec, Verdict,
};

use crate::Options;
use crate::chance::Chance;
use crate::comparison::{Comparison, Group, Kind, Row};
use crate::peers::{Aws, Azure, bearer};
use crate::server::{Origin, TOKEN};
use crate::turns::{Way, at_once, measure, own_cpu};

/// The length of a refresh token in bytes.
const REFRESH: usize = 34;

/// The start of the tokens' lifetime of one day: 2026-01-01.
const START: Now = Now { wall: Timestamp::from_unix_seconds(1_767_225_600), boot: Duration::from_secs(1000) };
const DAY: Duration = Duration::from_secs(86_400);

/// The minimum that an account needs.
struct Entry {
    header: HeaderValue,
    _refresh: Box<str>,
    until: Duration,
}

/// Our machine with its accounts.
struct Ours {
    machine: TokenManager,
    keys: Vec<TokenSpec>,
}

pub(crate) fn compare(options: &Options) -> Result<Comparison> {
    // Two of the peers require the clock of a runtime.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let _context = runtime.enter();
    let count = options.choose(1_000_000, 20_000);
    let (floor, floor_row) = weighed("floor: HashMap", Kind::Floor, count, || Ok(floor(count)))?;
    let (mut ours, ours_row) = weighed("octo-auth", Kind::Ours, count, || Ours::new(count))?;
    let peers = count / 10;
    let (aws, aws_row) = weighed("aws-smithy-runtime", Kind::Peer, peers, || aws(peers))?;
    let (_, azure_row) = weighed("azure_identity", Kind::Peer, 1000, || azure(1000))?;
    let memory = vec![floor_row, ours_row, aws_row, azure_row];
    let lookups = lookups(options, &floor, &mut ours, &aws)?;
    let due = due(options, &floor, &mut ours)?;
    let title = crate::comparison::number(count as f64);
    let [own, transports] = crate::registration::groups()?;
    Ok(Comparison {
        name: "accounts".to_owned(),
        title: format!("What does one of {title} accounts cost?"),
        about: format!(
            "{title} accounts with an access token of 256 bytes and a refresh token of {REFRESH}, all of one registration; \
             the peers with fewer, as their cost of one does not depend on the number (aws-smithy-runtime {peers}, \
             azure_identity 1,000: one credential each). The floor is a HashMap of header, refresh token and end. Less is \
             better."
        ),
        groups: vec![
            Group::new("memory of an account, all state included", "bytes", memory).plotted().within(600.0),
            Group::new("finding the token of an account", "ns", lookups).plotted().at_most(2.0, "slab"),
            Group::new("looking once for those that are due", "us", due).within(20.0),
            own,
            transports,
        ],
        growths: Vec::new(),
        left_out: vec![
            ("yup-oauth2".to_owned(), "one authenticator each, with an HTTP client of its own".to_owned()),
            (
                "google-cloud-auth, gcloud-auth".to_owned(),
                "one credential and one task or client each".to_owned(),
            ),
            ("oauth2".to_owned(), "it keeps no tokens".to_owned()),
        ],
    })
}

/// Builds accounts, and counts the bytes of each.
fn weighed<T>(name: &str, kind: Kind, count: usize, build: impl FnOnce() -> Result<T>) -> Result<(T, Row)> {
    let mut built = None;
    let mut build = Some(build);
    let info = allocation_counter::measure(|| built = build.take().map(|build| build()));
    let value = info.bytes_current as f64 / count as f64;
    let blocks = info.count_current as f64 / count as f64;
    let row = Row { name: name.to_owned(), kind, value, allocations: Some(blocks) };
    Ok((built.context("nothing was built")??, row))
}

fn token() -> String {
    "a".repeat(TOKEN)
}

fn floor(count: usize) -> HashMap<u64, Arc<Entry>> {
    let entry =
        || Entry { header: bearer(&token()), _refresh: "r".repeat(REFRESH).into(), until: START.boot + DAY };
    (0..count as u64).map(|number| (number, Arc::new(entry()))).collect()
}

impl Ours {
    fn new(count: usize) -> Result<Self> {
        let profile = Profile::rfc6749("https://login.example/token")?;
        let policy = Policy::default().with_capacity(count)?;
        let entropy = Entropy::from_bytes([7; 64]);
        let client = Client::new(profile.clone(), "id", "secret")?;
        let mut machine = TokenManager::new(client, policy, Storage::None, &entropy);
        let mut keys = Vec::with_capacity(count);
        for number in 0..count {
            let key = TokenSpec::account(&number.to_string());
            let access = AccessToken::new(token()).context("no token")?;
            let refresh = Some(Secret::from("r".repeat(REFRESH)));
            let tokens = TokenSet::restore(&profile, access, START.wall, Some(DAY), refresh);
            let (job, effects) =
                machine.step(START, |machine| machine.import(&key, Imported::Tokens(tokens), START));
            drop(effects);
            ensure!(job?.is_none(), "there is nothing to do without a store");
            keys.push(key);
        }
        Ok(Self { machine, keys })
    }
}

/// Builds one partition for each account.
fn aws(count: usize) -> Result<(Aws, Vec<aws_smithy_runtime_api::client::identity::SharedIdentityResolver>)> {
    let origin = Origin::new(Duration::ZERO);
    let cache = Aws::with_partitions(&origin, count)?;
    let accounts: Vec<_> = (0..count).map(|_| Aws::account(&origin)).collect();
    for account in &accounts {
        at_once(cache.identity(account))?;
    }
    Ok((cache, accounts))
}

/// Builds one credential for each account.
fn azure(count: usize) -> Result<Vec<Azure>> {
    let origin = Origin::new(Duration::ZERO);
    let credentials: Vec<_> = (0..count).map(|_| Azure::new(&origin)).collect::<Result<_>>()?;
    credentials.iter().try_for_each(|credential| at_once(credential.header()).map(drop))?;
    Ok(credentials)
}

/// Measures lookups of random accounts, in turns.
fn lookups(
    options: &Options,
    floor: &HashMap<u64, Arc<Entry>>,
    ours: &mut Ours,
    (aws, accounts): &(Aws, Vec<aws_smithy_runtime_api::client::identity::SharedIdentityResolver>),
) -> Result<Vec<Row>> {
    let (rounds, asked) = (options.choose(21, 5), options.choose(100_000, 10_000));
    let mut chance = Chance::new(options.seed);
    let mut numbers =
        |below: usize| -> Vec<usize> { (0..asked).map(|_| chance.below(below as u64) as usize).collect() };
    let (all, few) = (numbers(floor.len()), numbers(accounts.len()));
    let slab: Vec<Arc<Entry>> =
        (0..floor.len() as u64).filter_map(|number| floor.get(&number).cloned()).collect();
    let timed = |asked: usize, ask: &mut dyn FnMut(usize)| {
        let begun = own_cpu();
        (0..asked).for_each(ask);
        (own_cpu() - begun) / asked as f64
    };
    let now = Now {
        wall: START.wall.saturating_add(Duration::from_secs(60)),
        boot: START.boot + Duration::from_secs(60),
    };
    let ways = vec![
        Way::new("slab", Kind::Floor, || {
            timed(asked, &mut |at| {
                let entry = &slab[all[at]];
                assert!(entry.until > START.boot);
                drop(black_box(entry.header.clone()));
            })
        }),
        Way::new("floor: HashMap", Kind::Floor, || {
            timed(asked, &mut |at| {
                let header = floor.get(&(all[at] as u64)).map(|entry| entry.header.clone());
                assert!(black_box(header).is_some(), "no account");
            })
        }),
        Way::new("octo-auth", Kind::Ours, || {
            let Ours { machine, keys } = &mut *ours;
            timed(asked, &mut |at| {
                let verdict = machine.decide(&keys[all[at]], now).verdict;
                assert!(matches!(black_box(verdict), Verdict::Use(_)), "no token");
            })
        }),
        Way::new("aws-smithy-runtime", Kind::Peer, || {
            timed(asked, &mut |at| {
                assert!(black_box(at_once(aws.identity(&accounts[few[at]]))).is_ok(), "no token");
            })
        }),
    ];
    Ok(measure(rounds, ways))
}

/// Measures the search for due accounts, each second of a minute in which none is due.
fn due(options: &Options, floor: &HashMap<u64, Arc<Entry>>, ours: &mut Ours) -> Result<Vec<Row>> {
    let rounds = options.choose(11, 3);
    let mut slots: BTreeMap<Duration, Vec<u64>> = BTreeMap::new();
    for (number, entry) in floor {
        slots.entry(entry.until).or_default().push(*number);
    }
    let moment = |second: u32| START.boot + Duration::from_secs(u64::from(second));
    let at = |second: u32| {
        let wait = Duration::from_secs(u64::from(second));
        Now { wall: START.wall.saturating_add(wait), boot: START.boot + wait }
    };
    // The first search places every account.
    drop(ours.machine.poll_due(RefreshAhead::All, at(60)));
    let timed = |look: &mut dyn FnMut(u32)| {
        let begun = own_cpu();
        (61..121).for_each(look);
        (own_cpu() - begun) / 60.0 / 1000.0
    };
    let ways = vec![
        Way::new("floor: slots in a BTreeMap", Kind::Floor, || {
            timed(&mut |second| {
                assert!(black_box(slots.first_key_value()).is_some_and(|(due, _)| *due > moment(second)))
            })
        }),
        Way::new("scan of a HashMap", Kind::Plain, || {
            timed(&mut |second| {
                let due = floor.values().filter(|entry| entry.until <= moment(second)).count();
                assert!(black_box(due) == 0, "none is due");
            })
        }),
        Way::new("octo-auth", Kind::Ours, || {
            timed(&mut |second| {
                assert!(
                    black_box(ours.machine.poll_due(RefreshAhead::All, at(second))).job.is_none(),
                    "none is due"
                )
            })
        }),
    ];
    Ok(measure(rounds, ways))
}
