//! Sixteen processes that share accounts with a rotating refresh token each. Some of them are killed or stopped at arbitrary moments. If their
//! store is a server, its connections are also cut and it is restarted. In a fleet with an even seed the wall clocks of
//! the processes move by minutes. In one with an odd seed the server loses its last writes by a failover, or everything
//! by a flush.
//!
//! The server rotates each refresh token and revokes the family of one that is used twice. No family may be revoked. A
//! refresh token may be lost only if a process was killed while its request was in flight, which the record must say.

mod account;
mod member;
mod place;
mod recorded;

use std::fmt;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::thread;

use octo_auth_emulator::Emulator;
use octo_auth_emulator::generic::DEMO_CLIENT_ID;

pub(crate) use account::account;
pub use place::{Engine, opened};
pub use recorded::recorded;

use crate::file_store::Folder;
use account::{Account, name};
use member::Member;
use place::Place;

/// The processes that share the accounts.
const PROCESSES: usize = 16;

/// The accounts, whose tokens expire at the same time. A process that waits for another's renewal reads the record again
/// after half a second, so a round takes nearly a second, with one account or with many.
pub(crate) const ACCOUNTS: usize = 16;

/// Longer than the lifetime of an access token, in seconds.
const ROUND: u64 = 3700;

/// The counts of a fleet's events.
#[derive(Debug, Default)]
pub struct Story {
    /// The count of refreshes.
    pub rotations: u64,
    /// The count of killed processes.
    pub kills: usize,
    /// The count of processes that were stopped temporarily.
    pub stops: usize,
    /// How often all connections to the store were cut.
    pub cuts: usize,
    /// How often the server of the store was restarted.
    pub restarts: usize,
    /// How often the server lost its last writes, or all.
    pub losses: usize,
    /// How often a wall clock was moved.
    pub clocks: usize,
    /// The count of requests at the token endpoint.
    pub requests: usize,
    /// The count of answers with a token.
    pub tokens: usize,
    /// The count of answers with an error that asks to try again.
    pub later: usize,
    /// How often a kill lost a refresh token, so that a new sign-in was needed. The record said so.
    pub lost_in_doubt: usize,
    /// The count of token families that the server revoked because of a reuse.
    pub families_revoked: u64,
}

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rotations, kills, stops, cuts, restarts, losses, clocks, requests, .. } = self;
        let Self { tokens, later, lost_in_doubt, families_revoked, .. } = self;
        write!(
            f,
            "{rotations} rotations by {requests} requests, {kills} kills, {stops} stops, {cuts} cuts, {restarts} restarts, {losses} losses, {clocks} clocks moved: \
             {tokens} tokens, {later} times \"try again\", {lost_in_doubt} sign-ins after a kill during a request, {families_revoked} families revoked"
        )
    }
}

/// A generator of numbers from a seed: xorshift64*.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % limit
    }
}

/// The count of concurrent fleets, so that many rotations take less time.
const FLEETS: u64 = 4;

/// Runs several fleets until their tokens were refreshed this often in total, each with a separate folder, server and
/// seed. Returns the story of each, with its seed.
///
/// # Errors
///
/// Returns an error for an event that must not happen, with the seed of its fleet.
pub fn live_together(engine: Engine, rotations: u64, seed: u64) -> Result<Vec<(u64, Story)>, String> {
    thread::scope(|scope| {
        let seeds = seed..seed.saturating_add(FLEETS);
        let each = rotations.div_ceil(FLEETS);
        let fleets: Vec<_> =
            seeds.map(|seed| (seed, scope.spawn(move || live(engine, each, seed)))).collect();
        let ended = |_| Err("a fleet panicked".to_owned());
        let story = |(seed, fleet): (u64, thread::ScopedJoinHandle<'_, _>)| {
            let story: Result<Story, String> = fleet.join().unwrap_or_else(ended);
            story.map(|story| (seed, story)).map_err(|error| format!("seed {seed}: {error}"))
        };
        fleets.into_iter().map(story).collect()
    })
}

/// Runs a fleet until its tokens were refreshed this often in total. The seed decides which processes are killed and stopped, and
/// when.
///
/// # Errors
///
/// Returns an error for an event that must not happen.
pub fn live(engine: Engine, rotations: u64, seed: u64) -> Result<Story, String> {
    let mut fleet = Fleet::start(engine, seed)?;
    while fleet.story.rotations < rotations {
        fleet.round().map_err(|problem| format!("{problem}; {}", fleet.story))?;
    }
    Ok(fleet.story)
}

struct Fleet {
    emulator: Emulator,
    url: String,
    place: Place,
    folder: Folder,
    /// By how many seconds the clocks of all processes are ahead.
    clock: File,
    ahead: u64,
    members: Vec<Member>,
    accounts: Vec<Account>,
    chance: Chance,
    story: Story,
    /// Whether wall clocks move. A process whose clock is slow serves a token longer, and one whose clock is ahead
    /// of another's renews it earlier.
    moves_clocks: bool,
    /// Whether all processes have the last token of each account.
    is_even: bool,
}

impl Fleet {
    fn start(engine: Engine, seed: u64) -> Result<Self, String> {
        let emulator = Emulator::start().map_err(|error| error.to_string())?;
        let (url, folder, place) = (emulator.base("auth.example"), Folder::new(), Place::new(engine)?);
        fs::create_dir_all(folder.path()).map_err(|error| error.to_string())?;
        let clock = File::create(folder.path().join("ahead")).map_err(|error| error.to_string())?;
        let mut fleet = Self {
            emulator,
            url,
            place,
            folder,
            clock,
            ahead: 0,
            members: Vec::new(),
            accounts: Vec::new(),
            chance: Chance(seed.wrapping_mul(2).wrapping_add(1)),
            story: Story::default(),
            moves_clocks: seed.is_multiple_of(2),
            is_even: false,
        };
        fleet.move_clock()?;
        let members: Result<_, _> = (0..PROCESSES).map(|number| fleet.member(number)).collect();
        fleet.members = members?;
        fleet.accounts.resize_with(ACCOUNTS, Account::default);
        (0..ACCOUNTS).try_for_each(|account| fleet.sign_in(account))?;
        Ok(fleet)
    }

    fn member(&self, number: usize) -> Result<Member, String> {
        Member::start(&self.place.address(), &self.folder, &self.url, number)
    }

    fn move_clock(&mut self) -> Result<(), String> {
        self.place.end_claims()?;
        self.ahead += ROUND;
        self.clock.write_all_at(&self.ahead.to_ne_bytes(), 0).map_err(|error| error.to_string())
    }

    /// Signs an account in at the first process.
    fn sign_in(&mut self, account: usize) -> Result<(), String> {
        let granted = self.emulator.generic().grant_refresh_token(DEMO_CLIENT_ID, &["read"]);
        let granted = granted.map_err(|error| error.to_string())?;
        self.members[0].ask(&format!("{account} {granted}"));
        self.accounts[account].has_killed = false;
        match self.members[0].answer().as_deref() {
            Some("signed in") => Ok(()),
            other => Err(format!("a sign-in: {other:?}")),
        }
    }

    /// Lets the tokens expire and all processes ask for new ones. One of them may be disturbed meanwhile.
    fn round(&mut self) -> Result<(), String> {
        let [loses, flushes] = [20, 40].map(|most| self.chance.below(most) == 0);
        // What is lost must be in the memory of a process that goes on.
        let loses = loses && self.is_even && self.place.prepare_failover()?;
        self.move_clock()?;
        self.members.iter_mut().for_each(|member| member.ask("get"));
        self.disturb(loses)?;
        let mut told = Vec::new();
        for place in 0..self.members.len() {
            match self.members[place].answer() {
                Some(answer) => told.push(answer),
                None => self.members[place] = self.member(place)?,
            }
        }
        let told: Vec<Vec<&str>> = told.iter().map(|answer| answer.split('\t').collect()).collect();
        self.judge(&told)?;
        let is_token = |answer: &&str| answer.starts_with("token ");
        self.is_even = !self.moves_clocks && told.len() == PROCESSES && told.iter().flatten().all(is_token);
        if loses && self.is_even {
            self.place.fail_over()?;
            self.story.losses += 1;
        } else if self.is_even && flushes {
            self.story.losses += usize::from(self.place.flush()?);
        }
        Ok(())
    }

    /// Disturbs a process or the store, unless the round must stay quiet.
    fn disturb(&mut self, is_quiet: bool) -> Result<(), String> {
        let victim = usize::try_from(self.chance.below(PROCESSES as u64)).unwrap_or(0);
        let [before, for_so_long] = [6, 20].map(|most| self.chance.below(most));
        let seconds = i64::try_from(self.chance.below(1200)).unwrap_or(0) - 600;
        match self.chance.below(40) {
            _ if is_quiet => {}
            0..4 => {
                self.members[victim].disturb(&format!("sleep 0.00{before}; kill -KILL $0"));
                self.story.kills += 1;
                self.accounts.iter_mut().for_each(|account| account.has_killed = true);
            }
            4..8 => {
                let pause =
                    format!("sleep 0.00{before}; kill -STOP $0; sleep 0.0{for_so_long:02}; kill -CONT $0");
                self.members[victim].disturb(&pause);
                self.story.stops += 1;
            }
            8..12 => self.story.cuts += usize::from(self.place.cut()),
            12..16 if self.moves_clocks => {
                self.story.clocks += usize::from(self.members[victim].move_clock(seconds)?);
            }
            16 => self.story.restarts += usize::from(self.place.restart()?),
            _ => {}
        }
        Ok(())
    }

    /// Judges the answers of each process, one for each account.
    fn judge(&mut self, told: &[Vec<&str>]) -> Result<(), String> {
        let log = self.emulator.log();
        self.emulator.clear_log();
        self.story.requests += log.len();
        self.story.families_revoked = self.emulator.generic().families_revoked();
        // The server issues a new refresh token for each, so a generation takes one request.
        if let Some(refused) = log.iter().find(|request| request.status != 200) {
            return Err(format!("a request was refused: {refused}"));
        }
        if self.story.families_revoked > 0 {
            return Err("a refresh token was sent twice".to_owned());
        }
        let later = |answer: &&&str| answer.ends_with("try_later");
        self.story.later += told.iter().flatten().filter(later).count();
        for number in 0..ACCOUNTS {
            let told: Vec<&str> = told.iter().filter_map(|answers| answers.get(number).copied()).collect();
            let name = name(number);
            let requests = log.iter().filter(|request| request.form_value("audience") == Some(&name)).count();
            let account = &mut self.accounts[number];
            let judged = account.judge(&told, requests, self.story.kills, self.moves_clocks);
            let judged = judged.map_err(|problem| format!("{name}: {problem}"))?;
            self.story.rotations += judged.rotations;
            self.story.tokens += judged.tokens;
            if judged.is_lost {
                self.story.lost_in_doubt += 1;
                self.sign_in(number)?;
            }
        }
        Ok(())
    }
}
