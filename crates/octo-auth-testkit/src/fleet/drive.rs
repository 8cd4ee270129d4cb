//! Plays the days of an episode: when callers ask, how long jobs take, and how they end.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::chance::Chance;
use super::weather::{Phase, Weather};
use crate::world::{Generations, JobKind, LastAnswer, PlanEvent, Who, World};

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// The deadline of a transport, in milliseconds.
const EXCHANGE_DEADLINE: u64 = 60 * SECOND;

/// The deadline of a caller, in milliseconds.
const CALLER_DEADLINE: u64 = 30 * SECOND;

/// An episode in progress.
pub(super) struct Drive {
    pub(super) world: World,
    /// All events so far.
    pub(super) events: Vec<PlanEvent>,
    chance: Chance,
    weather: Weather,
    /// Milliseconds since the beginning.
    clock: u64,
    agenda: BinaryHeap<Reverse<(u64, u64, Deed)>>,
    filed: u64,
    /// The number of the newest job on the agenda.
    newest: u64,
    /// The number of the newest job when each process was started.
    born: Vec<u64>,
    /// Until when each process does nothing, as if its machine were suspended.
    stalled: Vec<u64>,
    /// Until when a caller waits, by process and spec.
    waiting: Vec<Option<u64>>,
    /// The mean time between two calls, by process and spec.
    intervals: Vec<u64>,
}

/// An entry of the agenda.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Deed {
    /// A caller asks for a token, and will ask again later.
    Call(u8, u8),
    /// A waiting caller asks for the last time.
    LastCall(u8, u8),
    /// The refresh ahead of a process polls for tokens that are due.
    Tend(u8),
    /// A job of a process and spec ends, unless the process died since the job with this number began.
    Finish(u64, u8, u8),
    /// The answer to a request arrives, after its carrier was lost.
    ArriveLate(u8, u8),
    /// A process is started again.
    Restart(u8),
    /// A user signs in.
    SignIn(u8),
    /// Users that are asked to sign in do so.
    SignInWhereAsked,
    /// An operator changes something in the fleet, or something happens to its machines.
    Meddle,
}

impl Drive {
    pub(super) fn new(world: World, mut chance: Chance) -> Self {
        let (processes, keys) = (world.processes(), world.keys());
        let places = processes * keys;
        let interval = |_| chance.pick(10, &[20, 60, 240]) * MINUTE;
        let intervals = (0..places).map(interval).collect();
        let weather = Weather::new(&mut chance);
        let (born, stalled, waiting) = (vec![0; processes], vec![0; processes], vec![None; places]);
        let (events, agenda) = (Vec::new(), BinaryHeap::new());
        let (clock, filed, newest) = (0, 0, 0);
        let mut drive = Self {
            world,
            events,
            chance,
            weather,
            clock,
            agenda,
            filed,
            newest,
            born,
            stalled,
            waiting,
            intervals,
        };
        drive.begin();
        drive
    }

    fn begin(&mut self) {
        let (processes, keys) = (number(self.world.processes()), number(self.world.keys()));
        for process in 0..processes {
            for key in 0..keys {
                let at = self.chance.below(20 * MINUTE);
                self.file(at, Deed::Call(process, key));
            }
        }
        for process in (0..processes).step_by(4) {
            self.file(MINUTE, Deed::Tend(process));
        }
        self.file(HOUR, Deed::SignInWhereAsked);
        self.file(HOUR / 2, Deed::Meddle);
    }

    /// Plays `days` days, or fewer if an invariant is violated.
    pub(super) fn run(&mut self, days: u64) {
        while let Some(Reverse((at, _, deed))) = self.agenda.pop() {
            if at >= days * DAY || self.world.violation().is_some() {
                return;
            }
            if at > self.clock {
                self.pass(at - self.clock);
            }
            self.weather.pass(self.clock, &mut self.chance);
            self.carry_out(deed);
        }
    }

    /// Returns the number of days that have passed, including the present one.
    pub(super) fn days(&self) -> u64 {
        self.clock / DAY + 1
    }

    fn carry_out(&mut self, deed: Deed) {
        match deed {
            Deed::Call(process, key) => self.call(process, key),
            Deed::LastCall(process, key) => self.last_call(process, key),
            Deed::Tend(process) => self.poll_due(process),
            Deed::Finish(job, process, key) => self.finish(job, process, key),
            Deed::ArriveLate(process, key) => {
                let reply = self.weather.reply(&mut self.chance);
                self.happen(PlanEvent::LateOf(who(process, key), reply));
            }
            Deed::Restart(process) => {
                self.happen(PlanEvent::Crash(process));
                self.import_seeds(process);
            }
            Deed::SignIn(key) => self.sign_in(key),
            Deed::SignInWhereAsked => {
                for key in 0..number(self.world.keys()) {
                    if self.world.asks_for_sign_in(key) && self.chance.hits(4000) {
                        self.sign_in(key);
                    }
                }
                self.file(HOUR, Deed::SignInWhereAsked);
            }
            Deed::Meddle => {
                self.meddle();
                let next = self.chance.about(90 * MINUTE);
                self.file(next, Deed::Meddle);
            }
        }
    }

    /// Adds an entry to the agenda, `after` milliseconds from now.
    fn file(&mut self, after: u64, deed: Deed) {
        self.filed += 1;
        self.agenda.push(Reverse((self.clock + after, self.filed, deed)));
    }

    fn pass(&mut self, millis: u64) {
        self.clock += millis;
        let mut left = millis;
        while left > 0 {
            let step = u32::try_from(left).unwrap_or(u32::MAX);
            self.happen(PlanEvent::Pass(step));
            left -= u64::from(step);
        }
    }

    fn happen(&mut self, event: PlanEvent) {
        self.world.happen(&event);
        if let PlanEvent::Crash(process) | PlanEvent::CrashAfter(Who { machine: process, .. }) = &event {
            self.born.get_mut(usize::from(*process)).into_iter().for_each(|born| *born = self.newest);
        }
        self.events.push(event);
        for job in self.world.jobs_after(self.newest) {
            self.newest = self.newest.max(job.number);
            let takes = match job.kind {
                JobKind::Send => self.weather.answer_takes(&mut self.chance).min(EXCHANGE_DEADLINE),
                JobKind::Store => self.weather.store_takes(&mut self.chance),
            };
            let waits = u64::try_from(job.waits.as_millis()).unwrap_or(0);
            self.file(waits + takes, Deed::Finish(job.number, job.who.machine, job.who.key));
        }
    }

    /// Returns whether a process is stalled. If so, the entry is postponed to the end of the stall.
    fn is_stalled(&mut self, process: u8, deed: Deed) -> bool {
        let until = self.stalled.get(usize::from(process)).copied().unwrap_or(0);
        let is_stalled = until > self.clock;
        if is_stalled {
            self.file(until - self.clock, deed);
        }
        is_stalled
    }

    fn call(&mut self, process: u8, key: u8) {
        if self.is_stalled(process, Deed::Call(process, key)) {
            return;
        }
        for _ in 0..if self.chance.hits(300) { 4 } else { 1 } {
            if self.chance.hits(3000) {
                self.happen(PlanEvent::Glance(who(process, key)));
            }
            self.ask(process, key);
        }
        let is_refused = if self.weather.has(Phase::RefusedTokens) { 4000 } else { 15 };
        if self.chance.hits(is_refused) {
            let which = self.chance.pick(Generations::Last, &[Generations::Last, Generations::Earlier]);
            self.happen(PlanEvent::Refuse(who(process, key), which));
            self.ask(process, key);
        }
        let place = self.place(process, key);
        let next = self.chance.about(self.intervals.get(place).copied().unwrap_or(HOUR));
        self.file(next, Deed::Call(process, key));
    }

    fn ask(&mut self, process: u8, key: u8) {
        self.happen(PlanEvent::Ask(who(process, key)));
        let waits = matches!(self.world.told(), LastAnswer::Waits | LastAnswer::Runs);
        let place = self.place(process, key);
        let Some(waiting) = self.waiting.get_mut(place).filter(|waiting| waits && waiting.is_none()) else {
            return;
        };
        *waiting = Some(self.clock + CALLER_DEADLINE);
        self.file(CALLER_DEADLINE, Deed::LastCall(process, key));
    }

    fn last_call(&mut self, process: u8, key: u8) {
        let place = self.place(process, key);
        let Some(waiting) = self.waiting.get_mut(place) else { return };
        if waiting.take_if(|until| *until <= self.clock).is_some() {
            self.happen(PlanEvent::AskAtDeadline(who(process, key)));
        }
    }

    /// Lets a waiting caller ask again, because a flight may have ended.
    fn wake(&mut self, process: u8, key: u8) {
        let place = self.place(process, key);
        if self.world.is_carried(who(process, key)) {
            return;
        }
        if self.waiting.get_mut(place).and_then(Option::take).is_some() {
            self.ask(process, key);
        }
    }

    fn poll_due(&mut self, process: u8) {
        if self.is_stalled(process, Deed::Tend(process)) {
            return;
        }
        for _ in 0..self.world.keys() {
            let newest = self.newest;
            self.happen(PlanEvent::Tend(process));
            if self.newest == newest {
                break;
            }
        }
        let next = self.chance.between(5 * SECOND, 8 * MINUTE);
        self.file(next, Deed::Tend(process));
    }

    fn finish(&mut self, job: u64, machine: u8, key: u8) {
        let who = who(machine, key);
        let is_of_the_dead = self.born.get(usize::from(machine)).is_some_and(|born| job <= *born);
        if is_of_the_dead || self.is_stalled(machine, Deed::Finish(job, machine, key)) {
            return;
        }
        let Some(kind) = self.world.oldest_job(who) else { return };
        let dies = if self.weather.has(Phase::Crashes) { 600 } else { 2 };
        let is_lost = if self.weather.has(Phase::LostCarriers) { 2000 } else { 5 };
        if self.chance.hits(dies) {
            let before = self.chance.hits(3000);
            self.happen(if before { PlanEvent::Crash(machine) } else { PlanEvent::CrashAfter(who) });
        } else if self.chance.hits(is_lost) {
            let done = self.chance.hits(6000);
            self.happen(PlanEvent::LoseOf(who, done));
            if kind == JobKind::Send && self.chance.hits(7000) {
                let after = self.chance.about(20 * SECOND);
                self.file(after, Deed::ArriveLate(machine, key));
            }
        } else {
            let reply = self.weather.reply(&mut self.chance);
            let end = self.weather.store_end(&mut self.chance);
            self.happen(PlanEvent::EndOf(who, reply, end));
        }
        self.wake(machine, key);
    }

    /// Lets a process import the refresh tokens of its configuration, as at each start.
    fn import_seeds(&mut self, process: u8) {
        if self.chance.hits(7000) {
            (0..number(self.world.keys())).for_each(|key| self.happen(PlanEvent::Seed(who(process, key))));
        }
    }

    fn sign_in(&mut self, key: u8) {
        let process = self.some_process();
        let lifetime = self.chance.hits(4000).then(|| self.chance.pick(3600, &[0, 60, 1440, 86_400]));
        self.happen(PlanEvent::Adopt(who(process, key), lifetime));
    }

    /// Lets an operator change something in the fleet, or something happen to its machines.
    fn meddle(&mut self) {
        let process = self.some_process();
        let key = number(usize::try_from(self.chance.below(self.world.keys() as u64)).unwrap_or(0));
        match self.chance.below(17) {
            0 => {
                self.happen(PlanEvent::Crash(process));
                self.import_seeds(process);
            }
            1 => {
                self.happen(PlanEvent::SignOut(who(process, key)));
                let after = self.chance.about(2 * HOUR);
                self.file(after, Deed::SignIn(key));
            }
            2 => self.sign_in(key),
            3 if self.chance.hits(5000) => self.happen(PlanEvent::Withdraw(key)),
            4 | 5 => {
                (0..number(self.world.processes()))
                    .for_each(|own| self.happen(PlanEvent::ReplaceClient(own)));
            }
            6 => (0..self.chance.below(6)).for_each(|_| self.happen(PlanEvent::Admit(process))),
            7 => {
                self.happen(PlanEvent::ShutDown(process));
                self.happen(PlanEvent::SaveAll(process));
                let after = self.chance.between(SECOND, MINUTE);
                self.file(after, Deed::Restart(process));
            }
            8 | 9 if self.weather.has(Phase::ClockSteps) || self.chance.hits(1000) => self.step_clock(),
            10 => {
                let asleep = self.chance.about(40 * MINUTE);
                self.pass(asleep);
            }
            11 | 12 => {
                let until = self.clock + self.chance.about(5 * MINUTE);
                self.stalled.get_mut(usize::from(process)).into_iter().for_each(|own| *own = until);
            }
            13 => {
                // Many callers ask at once, as after a deployment.
                for own in 0..number(self.world.processes()) {
                    (0..number(self.world.keys())).for_each(|key| self.ask(own, key));
                }
            }
            14 => self.import_seeds(process),
            _ => {}
        }
    }

    fn step_clock(&mut self) {
        let seconds = self.chance.pick(5, &[60, 600, 3600, 8000]);
        let seconds = if self.chance.hits(5000) { seconds } else { -seconds };
        let event = match self.chance.hits(9500) {
            true => PlanEvent::SetWall(seconds),
            false => PlanEvent::BootAlone(seconds.unsigned_abs() * 1000),
        };
        self.happen(event);
    }

    fn some_process(&mut self) -> u8 {
        number(usize::try_from(self.chance.below(self.world.processes() as u64)).unwrap_or(0))
    }

    fn place(&self, process: u8, key: u8) -> usize {
        usize::from(process) * self.world.keys() + usize::from(key)
    }
}

fn who(machine: u8, key: u8) -> Who {
    Who { machine, key }
}

fn number(number: usize) -> u8 {
    u8::try_from(number).unwrap_or(u8::MAX)
}
