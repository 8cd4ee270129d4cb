//! Simulated days with failures of some of many accounts: the others must not be affected.

use std::time::Duration;

use anyhow::{Result, ensure};
use octo_auth_core::Policy;

use super::HOUR;
use crate::Options;
use crate::comparison::{Group, Kind, Row};
use crate::fleet::{Fleet, Reply};

/// The duration of a request, normally and for a slow tenant.
const ANSWER: Duration = Duration::from_millis(200);
const SLOW: Duration = Duration::from_secs(30);

/// The age in milliseconds from which a token of one hour is not served.
const SERVED: u32 = 3_590_000;

/// The results of a fleet's simulation.
struct Life {
    busiest_minute: f64,
    /// The fraction of tokens that were replaced only after their expiry.
    late: f64,
    /// The 99th percentile of the age of a token when the next one arrives, in seconds.
    p99: f64,
    /// The largest count of requests of one failing account.
    most: f64,
}

pub(super) fn groups(options: &Options) -> Result<Vec<Group>> {
    let all = options.choose(1_000_000, 20_000);
    let few = all / 10;
    let row = |name: &str, kind, value| Row { name: name.to_owned(), kind, value, allocations: None };
    // The provider permits 72 requests a minute for a thousand accounts, which need 17 on average.
    let policy = Policy::default().with_concurrency(4096)?;
    let live = |count, time, troubled, server: &mut dyn FnMut(usize, Duration) -> Reply| {
        let limit = u32::try_from(72 * count / 1000)?;
        live(Fleet::new(count, options.seed, policy.clone(), Some(limit), server)?, time, troubled)
    };
    let at_once = live(all, 2 * HOUR, 0, &mut |_, _| Reply::Token(ANSWER))?;
    let day = 24 * HOUR;
    let sound = live(few, day, 0, &mut |_, _| Reply::Token(ANSWER))?;
    let dead = few / 100;
    let with_dead = live(few, day, dead, &mut |account, _| {
        if account < dead { Reply::Dead } else { Reply::Token(ANSWER) }
    })?;
    let with_slow =
        live(few, day, 1, &mut |account, _| Reply::Token(if account == 0 { SLOW } else { ANSWER }))?;
    let number = |count: usize| crate::comparison::number(count as f64);
    let busiest = vec![row("octo-auth", Kind::Ours, at_once.busiest_minute)];
    let late = vec![row("octo-auth", Kind::Ours, 100.0 * at_once.late)];
    let p99 = vec![
        row("all are well", Kind::Plain, sound.p99),
        row(&format!("{} refresh tokens are dead", number(dead)), Kind::Ours, with_dead.p99),
        row("one account is answered after 30 s", Kind::Ours, with_slow.p99),
    ];
    let attempts = vec![row("octo-auth", Kind::Ours, with_dead.most)];
    Ok(vec![
        Group::new(
            &format!("{} tokens of one hour issued at once: busiest minute", number(all)),
            "requests",
            busiest,
        )
        .within(72.0 * all as f64 / 1000.0),
        Group::new("the same: tokens renewed after their end", "%", late).within(0.1),
        Group::new("attempts with a dead refresh token in 24 h, the most", "requests", attempts).within(2.0),
        Group::new(
            &format!("the others of {}: age that 99 % of their tokens do not reach", number(few)),
            "s",
            p99,
        )
        .at_most(1.001, "all are well"),
    ])
}

/// Simulates a fleet. The first accounts are the failing ones.
fn live(
    mut fleet: Fleet<impl FnMut(usize, Duration) -> Reply>,
    time: Duration,
    troubled: usize,
) -> Result<Life> {
    fleet.live(time)?;
    let mut ages = std::mem::take(&mut fleet.ages);
    ensure!(!ages.is_empty(), "no token was renewed");
    ages.sort_unstable();
    let late = ages.len() - ages.partition_point(|age| *age <= SERVED);
    Ok(Life {
        busiest_minute: f64::from(crate::month::busiest_minute(&fleet.seconds)),
        late: late as f64 / ages.len() as f64,
        p99: f64::from(ages[ages.len() * 99 / 100]) / 1000.0,
        most: fleet.requests[..troubled].iter().max().map_or(0.0, |most| f64::from(*most)),
    })
}
