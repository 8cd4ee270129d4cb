//! A simulated month of a fleet: the times at which its token requests reach the endpoint.
//!
//! The machine of octo-auth-core refreshes the tokens of all accounts ahead; nothing is sent. The seed determines the
//! month on every machine.

use std::time::Duration;

use anyhow::Result;
use octo_auth_core::Policy;
use serde::{Deserialize, Serialize};

use crate::Options;
use crate::comparison::number;
use crate::fleet::{Fleet, LIFETIME, Reply};

/// The accounts, which all sign in at the start.
const ACCOUNTS: usize = 500;

/// The outage of the server, in seconds since the start: two hours on the tenth day.
const OUTAGE: std::ops::Range<u64> = 777_600..784_800;

/// The budget of requests in a minute.
const BUDGET: u32 = 30;

/// A naive client refreshes this long before the expiry, and retries after this duration, in seconds.
const CARELESS: (u64, u64) = (300, 10);

/// One day in seconds, and the part of it that is one point of the picture.
const DAY: u64 = 86_400;
const POINT: u64 = 7200;

/// The duration of a request.
const ANSWER: Duration = Duration::from_millis(200);

/// The month of each strategy.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Month {
    pub(crate) accounts: usize,
    pub(crate) days: u64,
    pub(crate) budget: u32,
    pub(crate) seed: u64,
    pub(crate) lines: Vec<Line>,
}

/// The requests of one strategy.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) requests: u64,
    pub(crate) busiest_second: u32,
    pub(crate) busiest_minute: u32,
    /// The requests in the busiest second of each two hours.
    pub(crate) peaks: Vec<u32>,
}

/// Simulates all strategies.
pub(crate) fn simulate(options: &Options) -> Result<Month> {
    let days = options.choose(30, 11);
    let budget = Policy::default().with_request_limit(BUDGET)?;
    let lines = vec![
        Line::new("no jitter, no budget", &careless(days)),
        Line::new("octo-auth, jitter", &fleet(options.seed, Policy::default(), days)?),
        Line::new("octo-auth, jitter and budget", &fleet(options.seed, budget, days)?),
    ];
    Ok(Month { accounts: ACCOUNTS, days, budget: BUDGET, seed: options.seed, lines })
}

impl Month {
    pub(crate) fn print(&self) {
        println!(
            "\n== a month of {} accounts, simulated: {} days, seed {}",
            self.accounts, self.days, self.seed
        );
        println!("{:<32} {:>10} {:>15} {:>15}", "", "requests", "busiest second", "busiest minute");
        for line in &self.lines {
            let [second, minute] =
                [line.busiest_second, line.busiest_minute].map(|count| number(f64::from(count)));
            println!("{:<32} {:>10} {second:>15} {minute:>15}", line.name, number(line.requests as f64));
        }
    }
}

impl Line {
    /// Sums up the requests of each second.
    fn new(name: &str, seconds: &[u32]) -> Self {
        let most = |seconds: &[u32]| seconds.iter().copied().max().unwrap_or(0);
        Self {
            name: name.to_owned(),
            requests: seconds.iter().map(|count| u64::from(*count)).sum(),
            busiest_second: most(seconds),
            busiest_minute: busiest_minute(seconds),
            peaks: seconds.chunks(POINT as usize).map(most).collect(),
        }
    }
}

/// Returns the largest count of requests in any sixty seconds, not only in whole minutes of a clock.
pub(crate) fn busiest_minute(seconds: &[u32]) -> u32 {
    let (mut minute, mut busiest) = (0, 0);
    for (at, count) in seconds.iter().enumerate() {
        minute += count;
        if at >= 60 {
            minute -= seconds[at - 60];
        }
        busiest = busiest.max(minute);
    }
    busiest
}

/// Returns the requests of each second if every account refreshes a fixed duration before the expiry, and retries after
/// a fixed duration.
fn careless(days: u64) -> Vec<u32> {
    let mut seconds = vec![0; (days * DAY) as usize];
    let mut at = LIFETIME - CARELESS.0;
    while let Some(count) = seconds.get_mut(at as usize) {
        *count += ACCOUNTS as u32;
        at += if OUTAGE.contains(&at) { CARELESS.1 } else { LIFETIME - CARELESS.0 };
    }
    seconds
}

/// Returns the requests of each second with the machine of octo-auth-core.
fn fleet(seed: u64, policy: Policy, days: u64) -> Result<Vec<u32>> {
    let server = |_, at: Duration| {
        if OUTAGE.contains(&at.as_secs()) { Reply::Down } else { Reply::Token(ANSWER) }
    };
    let mut fleet = Fleet::new(ACCOUNTS, seed, policy, None, server)?;
    fleet.live(Duration::from_secs(days * DAY))?;
    Ok(fleet.seconds)
}
