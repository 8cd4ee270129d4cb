//! A day in the life of a token: the program asks for the token of one account every minute of a simulated day.
//!
//! The emulator's clock and the program's move together, a minute at a time, so a day takes seconds. The demo draws
//! what happened in each minute. It checks each scene, also against the emulator's log.

mod clock;
mod session;

use std::time::Duration;

use octo_auth_core::{Body, Client, Imported, Profile, Remedy, TokenStatus};
use octo_auth_emulator::generic::{DEMO_CLIENT_ID, DEMO_CLIENT_SECRET};
use octo_auth_emulator::{Fault, Rotation};

pub(super) use clock::Simulated;
pub(super) use session::Session;

use super::passing::same_kind;
use super::stage::Stage;
use super::stopped::Stopped;

/// The begin of the day: 2026-01-01T00:00:00Z in milliseconds.
pub(super) const BEGINS: i64 = 1_767_225_600_000;

const MINUTE: Duration = Duration::from_secs(60);
const HOST: &str = "auth.example";
const TOKEN: &str = "/token";

/// The day so far.
struct Day<'s, 'a> {
    stage: &'s mut Stage<'a>,
    clock: Simulated,
    life: Session<'a>,
    minute: u32,
    scene: Scene,
}

/// What happened since the scene began.
#[derive(Default)]
struct Scene {
    begins: u32,
    marks: String,
    served: u32,
    failed: u32,
    renewed: u32,
    requests: u32,
    last_failure: Option<octo_auth_core::TokenError>,
}

pub(super) fn play(stage: &mut Stage<'_>) -> Result<(), Stopped> {
    let base = stage.emulator().base(HOST);
    let profile = Profile::rfc6749(&format!("{base}{TOKEN}"))?
        .with_revocation_url(&format!("{base}/revoke"))?
        .with_api_host(&base)?;
    let client = Client::new(profile, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET)?;
    let clock = Simulated::new(BEGINS);
    let life = stage.life(client.clone(), clock.clone())?;
    let granted = stage.emulator().generic().grant_refresh_token(DEMO_CLIENT_ID, &["read"])?;
    life.import(Imported::RefreshToken(granted.into()))?;
    let mut day = Day { stage, clock, life, minute: 0, scene: Scene::default() };
    day.quiet_hours(5, "Five quiet hours: tokens live one hour, refresh tokens are replaced each time")?;
    day.outage()?;
    day.lost_answer()?;
    day.revoked(&client, &base)?;
    day.clock_set_back()?;
    day.suspended()?;
    day.quiet_hours(6, "A quiet evening")?;
    day.signed_out()
}

impl Day<'_, '_> {
    fn quiet_hours(&mut self, hours: u32, name: &str) -> Result<(), Stopped> {
        self.minutes(60 * hours);
        let Scene { served, failed, renewed, requests, .. } = self.scene;
        // A token lives an hour and is refreshed after about three quarters of it.
        let ok = failed == 0
            && served == 60 * hours
            && (hours..2 * hours).contains(&renewed)
            && requests == renewed;
        self.ends(name, ok)
    }

    fn outage(&mut self) -> Result<(), Stopped> {
        self.until_renewal_is_due();
        let wait = Some(Duration::from_secs(120));
        let fault = Fault::TemporarilyUnavailable { status: 503, retry_after: wait };
        self.stage.emulator().faults().on(HOST, TOKEN).always(fault);
        self.minutes(10);
        self.stage.emulator().faults().clear();
        self.minutes(20);
        let Scene { failed, renewed, requests, .. } = self.scene;
        // At most one request every two minutes, as the server asked, then one that succeeds.
        let ok = failed == 0 && renewed == 1 && (2..=7).contains(&requests);
        self.ends("The provider is down for ten minutes, just as a refresh is due: no caller notices", ok)
    }

    fn lost_answer(&mut self) -> Result<(), Stopped> {
        self.stage.emulator().generic().set_rotation(Rotation::Grace(Duration::from_secs(3600)));
        self.until_renewal_is_due();
        self.stage.emulator().faults().on(HOST, TOKEN).next(1, Fault::AnswerLost);
        self.minutes(40);
        self.stage.emulator().generic().set_rotation(Rotation::Strict);
        let Scene { failed, renewed, requests, .. } = self.scene;
        let ok = failed == 0 && renewed == 1 && requests == 2;
        self.ends(
            "An answer is lost on its way: the old token is served to its end, then it is asked for again",
            ok,
        )
    }

    fn revoked(&mut self, client: &Client, base: &str) -> Result<(), Stopped> {
        self.minutes(3);
        self.stage.emulator().generic().revoke_all_access_tokens();
        let token = self.life.get()?;
        let request = http::Request::get(format!("{base}/resource")).body(Body::empty())?;
        let answer = self.stage.run(client.api_call(token.tokens(), request)?);
        let refused = answer.is_ok_and(|answer| answer.value.meaning() == TokenStatus::TokenRefused);
        (0..20).for_each(|_| self.life.refused(token.generation()));
        self.minutes(5);
        // Late reports that the old token was refused.
        (0..20).for_each(|_| self.life.refused(token.generation()));
        self.minutes(5);
        let Scene { failed, renewed, requests, .. } = self.scene;
        let ok = refused && failed == 0 && renewed == 1 && requests == 1;
        self.ends("The token is revoked; twenty callers report it, and twenty more too late: one renewal", ok)
    }

    fn clock_set_back(&mut self) -> Result<(), Stopped> {
        self.clock.step_wall(-2 * 3600);
        self.minutes(60);
        self.clock.step_wall(2 * 3600);
        let Scene { failed, renewed, .. } = self.scene;
        let ok = failed == 0 && (1..=3).contains(&renewed);
        self.ends("The wall clock is set back two hours, and corrected an hour later", ok)
    }

    fn suspended(&mut self) -> Result<(), Stopped> {
        (0..8 * 60).for_each(|_| self.pass_a_minute());
        self.begin_scene();
        self.minutes(10);
        let Scene { failed, renewed, requests, .. } = self.scene;
        let ok = failed == 0 && renewed == 1 && requests == 1;
        self.ends("The machine was suspended for eight hours: the first caller waits for one renewal", ok)
    }

    fn signed_out(&mut self) -> Result<(), Stopped> {
        self.life.sign_out();
        let log = self.stage.emulator().log();
        let revoked = log.iter().filter(|entry| entry.path == "/revoke" && entry.status == 200).count() == 1;
        self.minutes(30);
        let Scene { served, renewed, requests, .. } = self.scene;
        let failure = self.scene.last_failure.clone();
        let says = failure.is_some_and(|failure| same_kind(failure.remedy(), Remedy::SignInAgain));
        let untouched = self.stage.emulator().generic().families_revoked() == 0;
        let ok = served == 0 && renewed == 0 && requests == 0 && says && revoked && untouched;
        self.ends("The person signs out: the grant is revoked, and nothing is served or asked for", ok)
    }

    fn until_renewal_is_due(&mut self) {
        while !self.life.is_due() {
            self.ask();
            self.pass_a_minute();
        }
        self.begin_scene();
    }

    fn minutes(&mut self, count: u32) {
        for _ in 0..count {
            let mark = self.ask();
            self.scene.marks.push(mark);
            self.pass_a_minute();
        }
    }

    /// Asks for the token, waits until the resulting work has ended, and returns a mark for the result.
    fn ask(&mut self) -> char {
        let requests = self.stage.emulator().log().len();
        let before = self.life.generation();
        let got = self.life.get();
        self.life.settle();
        let asked = self.stage.emulator().log().len() - requests;
        self.scene.requests += u32::try_from(asked).unwrap_or(u32::MAX);
        let renewed = self.life.generation() != before && self.life.generation().is_some();
        self.scene.renewed += u32::from(renewed);
        match got {
            Err(failure) => {
                self.scene.failed += 1;
                self.scene.last_failure = Some(failure);
                '!'
            }
            Ok(_) => {
                self.scene.served += 1;
                if renewed {
                    'R'
                } else if asked > 0 {
                    'x'
                } else {
                    '·'
                }
            }
        }
    }

    fn pass_a_minute(&mut self) {
        self.minute += 1;
        self.clock.advance(MINUTE);
        self.stage.emulator().advance(MINUTE);
    }

    fn begin_scene(&mut self) {
        self.scene = Scene { begins: self.minute, ..Scene::default() };
    }

    fn ends(&mut self, name: &str, ok: bool) -> Result<(), Stopped> {
        let Scene { served, failed, renewed, requests, .. } = self.scene;
        let told = format!(
            "Served {served} times, failed {failed} times; {requests} requests, {renewed} new tokens."
        );
        let drawing = self.scene.drawn();
        self.begin_scene();
        self.stage.draws(name, if ok { Ok(told) } else { Err(told) }, drawing)
    }
}

impl Scene {
    /// Returns the marks, one line per hour, each with its start time.
    fn drawn(&self) -> Vec<String> {
        let marks: Vec<char> = self.marks.chars().collect();
        let hours = marks.chunks(60).zip(0..);
        let line = |(marks, hour): (&[char], u32)| {
            let minute = self.begins + 60 * hour;
            let marks: String = marks.iter().collect();
            format!("{:02}:{:02}  {marks}", minute / 60 % 24, minute % 60)
        };
        hours.map(line).collect()
    }
}
