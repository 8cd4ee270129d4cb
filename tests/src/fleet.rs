//! Eight processes with one rotating refresh token. Some of them are killed or stopped at arbitrary moments. If their
//! store is a server, its connections are also cut and it is restarted.
//!
//! The server rotates each refresh token and revokes the family of one that is used twice. No family may be revoked. A
//! refresh token may be lost only if a process was killed while its request was in flight, which the record must say.

mod place;

use std::fmt;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::FileExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;

use octo_auth_emulator::Emulator;
use octo_auth_emulator::generic::DEMO_CLIENT_ID;

pub use place::{Engine, opened};

use crate::file_store::Folder;
use crate::file_store::trace::Run;
use place::Place;

/// The processes that share the token.
const PROCESSES: usize = 8;

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
        let Self { rotations, kills, stops, cuts, restarts, requests, .. } = self;
        let Self { tokens, later, lost_in_doubt, families_revoked, .. } = self;
        write!(
            f,
            "{rotations} rotations by {requests} requests, {kills} kills, {stops} stops, {cuts} cuts, {restarts} restarts: \
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

struct Member {
    child: Child,
    asks: ChildStdin,
    says: BufReader<ChildStdout>,
}

impl Member {
    fn start(store: &str, folder: &Folder, url: &str) -> Result<Self, String> {
        let ahead = folder.path().join("ahead").display().to_string();
        let mut command = Run::of(&["rotate", store, url, &ahead]).command()?;
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.map_err(|error| error.to_string())?;
        let asks = child.stdin.take().ok_or("no input")?;
        let says = BufReader::new(child.stdout.take().ok_or("no output")?);
        Ok(Self { child, asks, says })
    }

    fn ask(&mut self, line: &str) {
        // A killed process is replaced when it does not answer.
        let _ = writeln!(self.asks, "{line}");
    }

    /// Returns the next line; `None` if the process was killed.
    fn answer(&mut self) -> Option<String> {
        let mut line = String::new();
        self.says.read_line(&mut line).ok().filter(|length| *length > 0).map(|_| line.trim_end().to_owned())
    }

    /// Runs a shell command on the process, such as `kill -KILL $0` with its process id.
    fn disturb(&self, script: &str) {
        let number = self.child.id().to_string();
        let _ = Command::new("sh").args(["-c", script, &number]).status();
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The count of concurrent fleets, so that many rotations take less time.
const FLEETS: u64 = 8;

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

/// Runs a fleet until its token was refreshed this often. The seed decides which processes are killed and stopped, and
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
    chance: Chance,
    story: Story,
    /// The last token that a process reported.
    last: String,
    /// Whether a process was killed since the last sign-in.
    has_killed: bool,
    /// The count of rounds without a token since the last one.
    silent: u32,
}

impl Fleet {
    fn start(engine: Engine, seed: u64) -> Result<Self, String> {
        let emulator = Emulator::start().map_err(|error| error.to_string())?;
        let (url, folder, place) = (emulator.base("auth.example"), Folder::new(), Place::new(engine)?);
        fs::create_dir_all(folder.path()).map_err(|error| error.to_string())?;
        let clock = File::create(folder.path().join("ahead")).map_err(|error| error.to_string())?;
        let chance = Chance(seed.wrapping_mul(2).wrapping_add(1));
        let (ahead, members, story, last) = (0, Vec::new(), Story::default(), String::new());
        let mut fleet = Self {
            emulator,
            url,
            place,
            folder,
            clock,
            ahead,
            members,
            chance,
            story,
            last,
            has_killed: false,
            silent: 0,
        };
        fleet.move_clock()?;
        let members: Result<_, _> = (0..PROCESSES).map(|_| fleet.member()).collect();
        fleet.members = members?;
        fleet.sign_in(0)?;
        Ok(fleet)
    }

    fn member(&self) -> Result<Member, String> {
        Member::start(&self.place.address(), &self.folder, &self.url)
    }

    fn move_clock(&mut self) -> Result<(), String> {
        self.place.end_claims()?;
        self.ahead += ROUND;
        self.clock.write_all_at(&self.ahead.to_ne_bytes(), 0).map_err(|error| error.to_string())
    }

    fn sign_in(&mut self, member: usize) -> Result<(), String> {
        let granted = self.emulator.generic().grant_refresh_token(DEMO_CLIENT_ID, &["read"]);
        self.members[member].ask(&granted.map_err(|error| error.to_string())?);
        self.has_killed = false;
        match self.members[member].answer().as_deref() {
            Some("signed in") => Ok(()),
            other => Err(format!("a sign-in: {other:?}")),
        }
    }

    /// Lets the token expire and all processes ask for one. One of them may be disturbed meanwhile.
    fn round(&mut self) -> Result<(), String> {
        self.move_clock()?;
        self.members.iter_mut().for_each(|member| member.ask("get"));
        self.disturb()?;
        let mut told = Vec::new();
        for place in 0..self.members.len() {
            match self.members[place].answer() {
                Some(answer) => told.push(answer),
                None => self.members[place] = self.member()?,
            }
        }
        self.story.requests += self.emulator.log().len();
        self.emulator.clear_log();
        self.judge(&told)
    }

    fn disturb(&mut self) -> Result<(), String> {
        let victim = usize::try_from(self.chance.below(PROCESSES as u64)).unwrap_or(0);
        let [before, for_so_long] = [6, 20].map(|most| self.chance.below(most));
        match self.chance.below(10) {
            0 => {
                self.members[victim].disturb(&format!("sleep 0.00{before}; kill -KILL $0"));
                (self.story.kills, self.has_killed) = (self.story.kills + 1, true);
            }
            1 => {
                let pause =
                    format!("sleep 0.00{before}; kill -STOP $0; sleep 0.0{for_so_long:02}; kill -CONT $0");
                self.members[victim].disturb(&pause);
                self.story.stops += 1;
            }
            2 => self.story.cuts += usize::from(self.place.cut()),
            3 if self.chance.below(4) == 0 => self.story.restarts += usize::from(self.place.restart()?),
            _ => {}
        }
        Ok(())
    }

    fn judge(&mut self, told: &[String]) -> Result<(), String> {
        let tokens: Vec<&String> = told.iter().filter(|answer| answer.starts_with("token ")).collect();
        self.story.tokens += tokens.len();
        self.story.later += told.iter().filter(|answer| answer.ends_with("try_later")).count();
        self.silent += 1;
        if let Some(token) = tokens.first() {
            if tokens.iter().any(|other| other != token) {
                return Err(format!("two tokens in one round: {told:?}"));
            }
            self.story.rotations += u64::from(**token != self.last);
            (self.last, self.silent) = ((*token).clone(), 0);
        }
        if self.silent > 5 {
            return Err(format!("no token for {} rounds: {told:?}", self.silent));
        }
        self.story.families_revoked = self.emulator.generic().families_revoked();
        if self.story.families_revoked > 0 {
            return Err("a refresh token was sent twice".to_owned());
        }
        // Each request yields a token, except those of killed processes.
        let lost = self.story.requests as u64 - self.story.rotations.min(self.story.requests as u64);
        if lost > self.story.kills as u64 {
            return Err(format!("{lost} requests brought no token: {told:?}"));
        }
        if !told.iter().any(|answer| answer.ends_with("sign_in_again")) {
            return Ok(());
        }
        if !self.has_killed {
            return Err(format!("a refresh token is lost, and no process was killed: {told:?}"));
        }
        self.story.lost_in_doubt += 1;
        self.sign_in(0)
    }
}
