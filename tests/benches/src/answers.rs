//! Parsing a token answer.

use std::hint::black_box;
use std::time::Duration;

use anyhow::{Result, ensure};
use http::Response;
use oauth2::basic::BasicTokenResponse;
use octo_auth_async::{Client, Exchange, Now, Profile, Scopes, Secret, Timestamp, TokenSet};
use serde::Deserialize;

use crate::Options;
use crate::comparison::{Comparison, Group, Kind, Row};
use crate::turns::{Way, measure, own_cpu};

/// The time of all operations: 2026-01-01.
const NOW: Now = Now { wall: Timestamp::from_unix_seconds(1_767_225_600), boot: Duration::from_secs(1000) };

/// The name of the floor.
const FLOOR: &str = "floor: serde_json, borrowed";

/// The members of a clean answer, borrowed, without any check.
#[derive(Deserialize)]
#[allow(dead_code, reason = "reading it is what is measured")]
struct Borrowed<'a> {
    access_token: &'a str,
    refresh_token: Option<&'a str>,
    #[serde(alias = "type")]
    token_type: Option<&'a str>,
    expires_in: Option<u64>,
    #[serde(rename = "expireDate")]
    expire_date: Option<&'a str>,
    scope: Option<&'a str>,
}

/// The same with owned texts.
#[derive(Deserialize)]
#[allow(dead_code, reason = "reading it is what is measured")]
struct Owned {
    access_token: String,
    refresh_token: Option<String>,
    #[serde(alias = "type")]
    token_type: Option<String>,
    expires_in: Option<u64>,
    #[serde(rename = "expireDate")]
    expire_date: Option<String>,
    scope: Option<String>,
}

/// A clean answer, and the exchange that parses it.
struct Sample {
    response: Response<Vec<u8>>,
    exchange: Box<dyn Fn() -> Result<Exchange<TokenSet>>>,
}

pub(crate) fn compare(options: &Options) -> Result<Comparison> {
    let (rounds, pieces) = (options.choose(31, 7), options.choose(20_000, 2000));
    let [octorate, octotable, officernd] = providers()?;
    let group = |name: &str, sample: &Sample| {
        let length = sample.response.body().len();
        let rows = sample.rows(rounds, pieces);
        Group::new(&format!("an answer of {name}, {length} bytes"), "ns", rows)
            .plotted()
            .at_most(1.5, FLOOR)
            .ahead_of_peers(1.8)
            .allocating(3.0)
    };
    let (small, large) = (of_officernd(500)?, of_officernd(8000)?);
    let growth = small.growth(&large, options.choose(21, 5), pieces / 10);
    Ok(Comparison {
        name: "answers".to_owned(),
        title: "What does it cost to read a token answer?".to_owned(),
        about: "From the bytes of the body to a token. octo-auth also looks for duplicates and other spellings, checks each \
            value, builds the header value, keeps unknown members, and lists what departs from the document. The floor \
            reads six members as borrowed text, and checks nothing. Less is better."
            .to_owned(),
        groups: vec![
            group("OfficeRND", &officernd),
            group("Octorate", &octorate),
            group("Octotable", &octotable),
            Group::new("16 times the token: growth of the time", "x", growth).within(16.0),
        ],
        growths: Vec::new(),
        left_out: vec![
            ("oauth2, Octorate and Octotable".to_owned(), "it refuses an answer without `token_type`".to_owned()),
            ("the others".to_owned(), "they read answers only behind a request".to_owned()),
        ],
    })
}

/// Returns an answer of each built-in provider, as in its document.
fn providers() -> Result<[Sample; 3]> {
    let token = "a1".repeat(64);
    let octorate = Client::new(Profile::octorate(), "client-id", "client-secret")?;
    let octotable = Client::new(Profile::octotable(), "client-id", "client-secret")?;
    let (refresh, next) = (Secret::from("the refresh token before"), "b2".repeat(32));
    Ok([
        Sample::new(
            format!(
                r#"{{"access_token":"{token}","refresh_token":"{next}","expireDate":"2026-01-02T00:00:00.000Z"}}"#
            ),
            move || Ok(octorate.refresh(&refresh)?),
        )?,
        Sample::new(
            format!(r#"{{"access_token":"{token}","expires_in":86400,"type":"Bearer"}}"#),
            move || Ok(octotable.client_credentials(&Scopes::none())?),
        )?,
        of_officernd(128)?,
    ])
}

/// Returns an answer of OfficeRND whose access token has this length.
fn of_officernd(length: usize) -> Result<Sample> {
    let client = Client::new(Profile::officernd(), "client-id", "client-secret")?;
    let scopes = Scopes::parse("flex.community.members.read flex.billing.fees.read")?;
    let token = "a".repeat(length);
    let body =
        format!(r#"{{"access_token":"{token}","token_type":"Bearer","expires_in":3599,"scope":"{scopes}"}}"#);
    Sample::new(body, move || Ok(client.client_credentials(&scopes)?))
}

impl Sample {
    fn new(body: String, exchange: impl Fn() -> Result<Exchange<TokenSet>> + 'static) -> Result<Self> {
        let head = Response::builder()
            .header("date", "Thu, 01 Jan 2026 00:00:00 GMT")
            .header("content-type", "application/json;charset=UTF-8")
            .header("content-length", body.len())
            .header("cache-control", "no-store")
            .header("pragma", "no-cache")
            .header("server", "nginx");
        let sample = Self { response: head.body(body.into_bytes())?, exchange: Box::new(exchange) };
        let answer = (sample.exchange)()?.read(&sample.response, NOW, NOW)?;
        ensure!(answer.deviations.is_empty(), "the answer is not clean: {:?}", answer.deviations);
        Ok(sample)
    }

    fn rows(&self, rounds: usize, pieces: u32) -> Vec<Row> {
        let body = self.response.body();
        let plain = |name, kind, read: fn(&[u8]) -> bool| {
            Way::repeated(name, kind, pieces, move |pieces| {
                (0..pieces).for_each(|_| assert!(read(black_box(body)), "no answer"));
            })
        };
        let mut ways = vec![
            plain(FLOOR, Kind::Floor, |body| black_box(serde_json::from_slice::<Borrowed<'_>>(body)).is_ok()),
            plain("serde_json, owned", Kind::Plain, |body| {
                black_box(serde_json::from_slice::<Owned>(body)).is_ok()
            }),
            self.ours(pieces),
        ];
        // In the same way as it parses the body of each answer.
        let by_oauth2 = |body: &[u8]| {
            let reader = &mut serde_json::Deserializer::from_slice(body);
            let answer: Result<BasicTokenResponse, _> = serde_path_to_error::deserialize(reader);
            black_box(answer).is_ok()
        };
        if by_oauth2(body) {
            ways.push(plain("oauth2 5.0", Kind::Peer, by_oauth2));
        }
        measure(rounds, ways)
    }

    /// Measures octo-auth. An answer consumes its exchange, so the time for building and wiping one is subtracted.
    fn ours(&self, pieces: u32) -> Way<'_> {
        let build = || (self.exchange)().ok();
        let read = |exchange: Option<Exchange<TokenSet>>| {
            let answer = exchange.map(|exchange| exchange.read(black_box(&self.response), NOW, NOW));
            assert!(black_box(answer).is_some_and(|answer| answer.is_ok()), "no answer");
        };
        let mut first = Some(build());
        let counted = allocation_counter::measure(|| first.take().into_iter().for_each(read));
        let mut way = Way::new("octo-auth", Kind::Ours, move || {
            let begun = own_cpu();
            (0..pieces).for_each(|_| read(build()));
            let built = own_cpu();
            (0..pieces).for_each(|_| drop(black_box(build())));
            ((built - begun) - (own_cpu() - built)) / f64::from(pieces)
        });
        way.allocations = Some(counted.count_total as f64);
        way
    }

    /// Measures by which factor the larger answer takes longer, in turns.
    fn growth(&self, larger: &Self, rounds: usize, pieces: u32) -> Vec<Row> {
        let rows = measure(rounds, vec![self.ours(pieces), larger.ours(pieces)]);
        let value =
            rows.last().map_or(f64::NAN, |row| row.value) / rows.first().map_or(f64::NAN, |row| row.value);
        vec![Row { name: "octo-auth".to_owned(), kind: Kind::Ours, value, allocations: None }]
    }
}
