//! Plans of arbitrary worlds, and their events.

use octo_auth_core::Storage;
use proptest::prelude::*;
use proptest::sample::select;

use crate::world::{
    Breakage, ErrorReply, FaultKind, Generations, MOST_PROCESSES, Plan, PlanEvent, Provider, RefreshMember,
    Reply, Rotation, Setup, StoreEnd, TokenReply, Who,
};

/// The focus of a property: which events are frequent. The other events occur too, but less often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Focus {
    /// Everything.
    All,
    /// All specs equally.
    Keys,
    /// As many requests as possible.
    Requests,
    /// Refresh tokens in a store.
    Stored,
    /// Refresh tokens in a store that several processes share, without clock steps.
    Shared,
    /// Failures of the server and the network, at a provider that counts requests.
    Outage,
    /// Refusals by resource servers.
    Refused,
    /// Sign-ins and sign-outs while refresh tokens are refused.
    SignIns,
}

/// The probabilities of events.
struct Mix {
    providers: Vec<Provider>,
    storage: Vec<Storage>,
    /// The weights of the specs: the most frequent one, a second one, any.
    keys: (u32, u32, u32),
    /// The weights of some events, against ten for the ends of jobs.
    refusals: u32,
    clocks: u32,
    outside: u32,
    /// The weight of failures against eight for tokens.
    failing: u32,
    /// The weight of dead refresh tokens against eight for tokens.
    dead: u32,
    /// The probability that an answer contains the same access token again.
    again: f64,
    /// The weights of time steps: up to 2 s, to 70 s, to an hour, to weeks.
    passing: (u32, u32, u32, u32),
    /// The lifetimes of tokens in seconds.
    lives: Vec<u64>,
}

impl Mix {
    /// A mix of all events.
    fn all() -> Self {
        use Provider as P;
        Self {
            providers: vec![P::Standard, P::NoReplay, P::OfficeRnd, P::Octorate],
            storage: vec![Storage::None, Storage::SingleProcess, Storage::MultiProcess],
            keys: (4, 2, 1),
            refusals: 2,
            clocks: 1,
            outside: 1,
            failing: 4,
            dead: 1,
            again: 0.15,
            passing: (4, 3, 2, 1),
            lives: vec![0, 1, 59, 60, 299, 1440, 3599, 86_400, 315_360_000, u64::from(u32::MAX)],
        }
    }
}

impl Focus {
    /// All focuses.
    pub const ALL: [Self; 8] = [
        Self::All,
        Self::Keys,
        Self::Requests,
        Self::Stored,
        Self::Shared,
        Self::Outage,
        Self::Refused,
        Self::SignIns,
    ];

    fn mix(self) -> Mix {
        use Provider as P;
        let all = Mix::all();
        let refreshing = vec![P::Standard, P::Standard, P::Octorate, P::NoReplay];
        match self {
            Self::All => all,
            Self::Keys => Mix { keys: (1, 1, 20), passing: (8, 2, 1, 0), ..all },
            Self::Requests => Mix {
                providers: vec![P::OfficeRnd],
                keys: (1, 1, 20),
                outside: 12,
                failing: 1,
                passing: (12, 1, 0, 0),
                ..all
            },
            Self::Stored => Mix {
                providers: refreshing,
                storage: vec![Storage::SingleProcess, Storage::MultiProcess],
                ..all
            },
            Self::Shared => Mix {
                providers: refreshing,
                storage: vec![Storage::MultiProcess],
                clocks: 0,
                passing: (8, 3, 2, 0),
                lives: vec![299, 1440, 3599],
                ..all
            },
            Self::Outage => Mix {
                providers: vec![P::OfficeRnd, P::OfficeRnd, P::Standard, P::Octorate],
                failing: 12,
                ..all
            },
            Self::SignIns => Mix {
                providers: refreshing,
                keys: (16, 1, 1),
                outside: 8,
                failing: 2,
                dead: 8,
                passing: (8, 3, 1, 0),
                ..all
            },
            Self::Refused => Mix {
                keys: (16, 1, 1),
                refusals: 8,
                again: 0.5,
                passing: (4, 8, 1, 0),
                failing: 2,
                lives: vec![3600, 86_400],
                ..all
            },
        }
    }

    /// Returns the first events, after which the property has something to lose.
    fn beginning(self) -> Vec<PlanEvent> {
        let asked = Who { machine: 0, key: 2 };
        let served = |lifetime| PlanEvent::Drive(asked, Reply::token(lifetime), 0);
        match self {
            Self::Refused => vec![served(3600)],
            Self::All | Self::Stored | Self::Shared | Self::Outage => {
                vec![served(3600), PlanEvent::Pass(2_900_000)]
            }
            Self::Keys | Self::Requests | Self::SignIns => Vec::new(),
        }
    }
}

/// Generates plans with fewer than `fewer_than` events; a limit below two counts as two. Half of the plans also begin
/// with events that give the property something to lose.
pub fn plans(focus: Focus, fewer_than: usize) -> impl Strategy<Value = Plan> {
    let events = prop::collection::vec(events(focus), 1..fewer_than.max(2));
    (setups(focus), events, any::<bool>()).prop_map(move |(setup, events, begun)| {
        let beginning = if begun { focus.beginning() } else { Vec::new() };
        Plan { setup, events: beginning.into_iter().chain(events).collect() }
    })
}

/// Generates setups with any provider, store and rotation. A shared store usually has two processes.
pub fn setups(focus: Focus) -> impl Strategy<Value = Setup> {
    let Mix { providers, storage, .. } = focus.mix();
    let rotation = vec![Rotation::Strict, Rotation::Strict, Rotation::Grace, Rotation::None];
    let several = prop_oneof![3 => Just(2), 1 => 1..=MOST_PROCESSES];
    (select(providers), select(storage), several, select(rotation), any::<u64>()).prop_map(
        |(provider, storage, several, rotation, seed)| {
            let processes = if storage == Storage::MultiProcess { several } else { 1 };
            Setup { provider, storage, processes, rotation, seed }
        },
    )
}

/// Two of the specs are frequent, so that more events concern the same spec.
fn who(mix: &Mix) -> impl Strategy<Value = Who> + use<> {
    let (first, second, any) = mix.keys;
    let machine = prop_oneof![6 => Just(0_u8), 2 => Just(1_u8), 1 => 0..MOST_PROCESSES];
    let key = prop_oneof![first => Just(2_u8), second => Just(0_u8), any => 0..4_u8];
    (machine, key).prop_map(|(machine, key)| Who { machine, key })
}

/// Generates one event.
pub fn events(focus: Focus) -> BoxedStrategy<PlanEvent> {
    let mix = &focus.mix();
    let Mix { refusals, clocks, outside: seldom, .. } = *mix;
    let callers = prop_oneof![
        8 => who(mix).prop_map(PlanEvent::Ask),
        6 => (who(mix), replies_of(mix), 0..3000_u16).prop_map(|(who, reply, leg)| PlanEvent::Drive(who, reply, leg)),
        2 => who(mix).prop_map(PlanEvent::AskAtDeadline),
        2 => who(mix).prop_map(PlanEvent::Glance),
        1 => any::<u8>().prop_map(PlanEvent::Tend),
        refusals => (who(mix), select(vec![Generations::Last, Generations::Last, Generations::Earlier]))
            .prop_map(|(who, generations)| PlanEvent::Refuse(who, generations)),
    ];
    let carriers = prop_oneof![
        10 => (any::<u8>(), replies_of(mix), store_ends()).prop_map(|(which, reply, end)| PlanEvent::End(which, reply, end)),
        2 => any::<(u8, bool)>().prop_map(|(which, done)| PlanEvent::Lose(which, done)),
        1 => (any::<u8>(), replies_of(mix)).prop_map(|(which, reply)| PlanEvent::ArriveLate(which, reply)),
    ];
    let outside = prop_oneof![
        4 => (who(mix), prop::option::of(lifetimes_in_seconds()))
            .prop_map(|(who, lifetime)| PlanEvent::Adopt(who, lifetime)),
        1 => who(mix).prop_map(PlanEvent::SignOut),
        1 => who(mix).prop_map(PlanEvent::Seed),
        1 => any::<u8>().prop_map(PlanEvent::ReplaceClient),
        1 => any::<u8>().prop_map(PlanEvent::Admit),
        1 => any::<u8>().prop_map(PlanEvent::SaveAll),
        2 => any::<u8>().prop_map(PlanEvent::Crash),
        1 => any::<u8>().prop_map(PlanEvent::CrashWhileSaving),
        1 => select(vec![2_u8, 3]).prop_map(PlanEvent::Withdraw),
    ];
    let steps = prop_oneof![
        2 => (-8000..8000_i32).prop_map(PlanEvent::SetWall),
        1 => (-30..30_i32).prop_map(PlanEvent::SetWall),
        1 => (0..8_000_000_u32).prop_map(PlanEvent::BootAlone),
    ];
    prop_oneof![
        12 => callers,
        10 => carriers,
        8 => passing(mix).prop_map(PlanEvent::Pass),
        clocks => steps,
        seldom => outside,
    ]
    .boxed()
}

/// Generates a time step in milliseconds.
fn passing(mix: &Mix) -> impl Strategy<Value = u32> + use<> {
    let (seconds, minute, hour, weeks) = mix.passing;
    prop_oneof![
        seconds => 0..2000_u32,
        minute => 2000..70_000_u32,
        hour => 70_000..4_000_000_u32,
        weeks => any::<u32>(),
    ]
}

fn lifetimes_in_seconds() -> impl Strategy<Value = u32> {
    prop_oneof![select(vec![0, 1, 60, 299, 1440, 3600]), 0..100_000_u32]
}

fn lifetimes(mix: &Mix) -> impl Strategy<Value = Option<u64>> + use<> {
    prop_oneof![
        1 => Just(None),
        4 => select(mix.lives.clone()).prop_map(Some),
        2 => (0..10_000_u64).prop_map(Some),
    ]
}

fn store_ends() -> impl Strategy<Value = StoreEnd> {
    prop_oneof![
        12 => Just(StoreEnd::Works),
        2 => Just(StoreEnd::Fails),
        1 => Just(StoreEnd::FailsAfterwards),
        1 => Just(StoreEnd::IsLost),
    ]
}

/// Generates the outcome of a request: a token, a broken answer, a refusal, a gateway's page or no answer.
pub fn replies(focus: Focus) -> BoxedStrategy<Reply> {
    replies_of(&focus.mix())
}

fn replies_of(mix: &Mix) -> BoxedStrategy<Reply> {
    let Mix { failing, dead, .. } = *mix;
    let broken = select(vec![
        Breakage::NoAccessToken,
        Breakage::UnsafeAccessToken,
        Breakage::Page,
        Breakage::Cut,
        Breakage::Empty,
    ]);
    let kinds = vec![FaultKind::NotSent, FaultKind::TimedOut, FaultKind::BrokenOff, FaultKind::Malformed];
    let fault = (select(kinds), any::<bool>())
        .prop_map(|(kind, done)| Reply::Fault(kind, done && kind != FaultKind::NotSent));
    let gateway = (select(vec![500_u16, 502, 503, 504]), retry_after(), any::<bool>())
        .prop_map(|(status, retry_after, done)| Reply::Gateway { status, retry_after, done });
    prop_oneof![
        8 => token_replies(mix).prop_map(Reply::Token),
        dead => Just(Reply::refusal(400, Some("invalid_grant"))),
        failing => prop_oneof![
            1 => broken.prop_map(Reply::Broken),
            3 => refusals().prop_map(Reply::Refusal),
            2 => gateway,
            2 => fault,
        ],
    ]
    .boxed()
}

fn retry_after() -> impl Strategy<Value = Option<u16>> {
    prop_oneof![2 => Just(None), 1 => (0..5000_u16).prop_map(Some)]
}

fn token_replies(mix: &Mix) -> impl Strategy<Value = TokenReply> + use<> {
    let refresh = prop_oneof![
        6 => Just(RefreshMember::Given),
        1 => Just(RefreshMember::Absent),
        1 => any::<u8>().prop_map(RefreshMember::Odd),
    ];
    let again = prop::bool::weighted(mix.again);
    (lifetimes(mix), prop::option::weighted(0.2, 0..5000_u32), again, refresh)
        .prop_map(|(lifetime, hint, again, refresh)| TokenReply { lifetime, hint, again, refresh })
}

fn refusals() -> impl Strategy<Value = ErrorReply> {
    let known = vec![
        (400, Some("invalid_grant")),
        (401, Some("invalid_client")),
        (400, Some("invalid_scope")),
        (400, None),
        (401, None),
        (403, None),
        (404, None),
        (405, None),
        (302, None),
        (408, None),
        (425, None),
        (429, None),
        (429, Some("slow_down")),
        (503, None),
        (503, Some("temporarily_unavailable")),
        (500, Some("server_error")),
        (500, None),
        (502, None),
    ];
    (select(known), retry_after(), prop::bool::weighted(0.2)).prop_map(
        |((status, code), retry_after, holds_a_token)| ErrorReply {
            status,
            code,
            retry_after,
            holds_a_token,
        },
    )
}
