//! A timeline: the tokens of one key in time, with who asked, what was sent, and what failed.
//!
//! When a token becomes stale and when it expires is computed by the core, with the least and the greatest jitter. What
//! callers were told in the trace has to agree with it, or nothing is drawn.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use octo_auth_core::{Now, Timestamp, Validity, ValidityTerms};

use super::svg::{Anchor, Canvas, spelt, width};
use super::trace::{Trace, What, time_of};

const LEFT: usize = 66;
const RIGHT: usize = 340;
const BAR: usize = 16;
/// The distance from one row to the next.
const ROW: usize = 30;
/// The numbers of seconds between two marks of the axis.
const STEPS: [u64; 11] = [10, 30, 60, 300, 600, 1800, 3600, 7200, 21_600, 43_200, 86_400];

/// The signs of a picture, and what they mean.
const SIGNS: [(&str, &str); 7] = [
    ("fresh", "fresh: served"),
    ("due", "becomes stale at a random moment"),
    ("stale", "stale: served, and a renewal is due"),
    ("expired", "expired: not served"),
    ("gone", "replaced by the next token"),
    ("sent", "a token request brings tokens"),
    ("failed", "a request fails, and the next one waits"),
];

/// What a key went through.
#[derive(Debug, Default)]
struct Life {
    tokens: Vec<Token>,
    asks: Vec<(u64, usize)>,
    requests: Vec<Request>,
}

/// An access token, and the moments of its life in seconds.
#[derive(Debug)]
struct Token {
    name: String,
    arrived: u64,
    /// Its renewal is due from a moment between these two.
    due: (u64, u64),
    served_until: u64,
    expires: u64,
}

/// A token request.
#[derive(Debug)]
struct Request {
    sent: u64,
    ended: Option<u64>,
    has_failed: bool,
    text: String,
}

/// Draws the tokens of a key.
pub(super) fn draw(trace: &Trace, key: &str) -> Result<String> {
    ensure!(!trace.has_lead, "a timeline cannot show a lead of its own: draw a scenario without `lead`");
    let life = Life::read(trace, key)?;
    let events = trace.events.iter().map(|event| event.at.time.as_secs());
    let last = events.chain(life.tokens.iter().map(|token| token.expires)).max().unwrap_or(0);
    // Some space behind the last token shows that it has expired.
    let end = last + last / 12 + 1;
    let mut sketch = Sketch { canvas: Canvas::default(), end, y: 4, used: BTreeSet::new() };
    sketch.asks(&life.asks);
    for (index, token) in life.tokens.iter().enumerate() {
        sketch.token(token, life.tokens.get(index + 1).map(|next| next.arrived));
    }
    sketch.requests(&life.requests);
    sketch.axis();
    sketch.legend(&life);
    let height = sketch.y;
    Ok(sketch.canvas.finish(height, &trace.title, &life.described()))
}

impl Life {
    fn read(trace: &Trace, key: &str) -> Result<Self> {
        let mut life = Self::default();
        for event in trace.events.iter().filter(|event| event.key == key) {
            let at = event.at.time.as_secs();
            match &event.what {
                What::Ask(count) => life.asks.push((at, *count)),
                What::Send(text) if !text.starts_with("revoke") => {
                    ensure!(!event.at.is_latest, "it is not known when `send {text}` happened");
                    let text = String::new();
                    life.requests.push(Request { sent: at, ended: None, has_failed: false, text });
                }
                What::Answer(text) if text != "none yet" && text != "done" => {
                    life.answer(at, event.at.is_latest, text)?;
                }
                What::Told(text) => {
                    ensure!(!event.at.is_latest, "it is not known when `told {text}` happened");
                    life.agrees(at, text)?;
                }
                _ => {}
            }
        }
        ensure!(!life.tokens.is_empty(), "no token of `{key}` arrives");
        Ok(life)
    }

    /// Ends the last request with this answer.
    fn answer(&mut self, at: u64, is_latest: bool, text: &str) -> Result<()> {
        let request =
            self.requests.last_mut().with_context(|| format!("nothing was sent before `answer {text}`"))?;
        let ended = match text.strip_prefix("none within ").and_then(time_of) {
            Some(time) => request.sent + time.as_secs(),
            None if is_latest => bail!("it is not known when `answer {text}` happened"),
            None => at,
        };
        request.ended = Some(ended);
        text.clone_into(&mut request.text);
        let Some((name, terms)) = text.split_once(" for ").filter(|_| text.starts_with(char::is_uppercase))
        else {
            request.has_failed = true;
            return Ok(());
        };
        let lifetime = time_of(terms.split(',').next().unwrap_or(terms))
            .with_context(|| format!("`answer {text}` has no lifetime"))?;
        self.tokens.push(Token::new(name, request.sent, ended, lifetime));
        Ok(())
    }

    /// Compares what a caller was told with the lives of the tokens.
    fn agrees(&self, at: u64, text: &str) -> Result<()> {
        let Some((name, state)) = text.split_once(" (") else { return Ok(()) };
        let Some(token) = self.tokens.iter().find(|token| token.name == name) else { return Ok(()) };
        let agrees = match state.split([',', ')']).next() {
            Some("fresh") => at < token.due.1,
            Some("stale") => at >= token.due.0 && at < token.served_until,
            _ => true,
        };
        ensure!(agrees, "`told {text}` at {} contradicts the life of the token: {token:?}", spelt(secs(at)));
        Ok(())
    }

    /// Returns the life in words.
    fn described(&self) -> String {
        let mut told = Vec::new();
        for (at, count) in &self.asks {
            let callers =
                if *count == 1 { "a caller asks".to_owned() } else { format!("{count} callers ask") };
            told.push((*at, 0, callers));
        }
        for request in &self.requests {
            told.push((request.sent, 1, "a token request is sent".to_owned()));
            if let Some(ended) = request.ended {
                let outcome = if request.has_failed { "the request fails" } else { "the answer arrives" };
                told.push((ended, 2, format!("{outcome}: {}", request.text)));
            }
        }
        for (index, token) in self.tokens.iter().enumerate() {
            let replaced = self.tokens.get(index + 1).filter(|next| next.arrived < token.served_until);
            let (name, last) = (&token.name, spelt(secs(token.due.1)));
            if replaced.is_none_or(|next| next.arrived > token.due.0) {
                told.push((
                    token.due.0,
                    3,
                    format!("{name} becomes stale from now on, by {last} at the latest"),
                ));
            }
            told.push(match replaced {
                Some(next) => (next.arrived, 4, format!("{} replaces {name}", next.name)),
                None => (token.served_until, 4, format!("{name} has expired and is not served")),
            });
        }
        told.sort();
        let told = told.into_iter().map(|(at, _, text)| format!("{}: {text}.", spelt(secs(at))));
        told.collect::<Vec<_>>().join(" ")
    }
}

impl Token {
    fn new(name: &str, issued: u64, arrived: u64, lifetime: Duration) -> Self {
        let of = |jitter| {
            let start = Now { wall: Timestamp::from_unix_seconds(0), boot: Duration::ZERO };
            Validity::new(
                start,
                &ValidityTerms { lifetime: Some(lifetime), jitter, ..ValidityTerms::default() },
            )
        };
        let age = |age: Option<Duration>| issued + age.unwrap_or(lifetime).as_secs();
        let due = (age(of(u32::MAX).renewal_due_age()), age(of(0).renewal_due_age()));
        let served_until = age(of(0).served_until_age());
        Self { name: name.to_owned(), arrived, due, served_until, expires: issued + lifetime.as_secs() }
    }
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The picture while it is drawn.
struct Sketch {
    canvas: Canvas,
    /// The last second of the axis.
    end: u64,
    y: usize,
    /// The parts that the picture has.
    used: BTreeSet<&'static str>,
}

impl Sketch {
    fn x(&self, seconds: u64) -> usize {
        let along = seconds.min(self.end) * u64::try_from(RIGHT - LEFT).unwrap_or(0) / self.end;
        LEFT + usize::try_from(along).unwrap_or(0)
    }

    /// Writes the name of a row at its left.
    fn name(&mut self, y: usize, name: &str) {
        self.canvas.text((2, y), Anchor::Start, "head", name);
    }

    /// Marks each moment at which callers ask, with their number if there are many.
    fn asks(&mut self, asks: &[(u64, usize)]) {
        let y = self.y + 14;
        self.name(y + 8, "asked");
        let mut numbered = 0;
        for (at, count) in asks {
            let x = self.x(*at);
            self.canvas.path(
                "line",
                &format!("M{x} {y}V{}M{} {}L{x} {}L{} {}", y + 12, x - 3, y + 8, y + 12, x + 3, y + 8),
            );
            let text = format!("{count}\u{d7}");
            if *count > 1 && x >= numbered {
                self.canvas.text((x, y - 3), Anchor::Middle, "soft", &text);
                numbered = x + width(&text);
            }
        }
        self.y = y + 20;
    }

    /// Draws the life of a token; when the next one arrives, it is replaced.
    fn token(&mut self, token: &Token, replaced: Option<u64>) {
        let y = self.y;
        self.name(y + 12, &token.name);
        let until = replaced.unwrap_or(u64::MAX);
        let parts = [
            ("fresh", token.arrived, token.due.0),
            ("due", token.due.0, token.due.1),
            ("stale", token.due.1, token.served_until),
        ];
        for (class, from, to) in parts {
            let (from, to) = (self.x(from.min(until)), self.x(to.min(until)));
            self.part(class, (from, y), to.saturating_sub(from), BAR);
        }
        let (class, from, to) = match replaced {
            Some(next) if next < token.expires => ("gone", next, token.expires),
            _ => ("expired", token.served_until, until.min(self.end)),
        };
        let (from, to) = (self.x(from), self.x(to));
        self.part(class, (from, y), to.saturating_sub(from), BAR);
        self.y += ROW - 6;
    }

    /// Draws a part of a life. The heights differ, so that no reader depends on the colours. A part too narrow to be seen is left
    /// out.
    fn part(&mut self, class: &'static str, (x, y): (usize, usize), width: usize, height: usize) {
        let (right, bottom, half) = (x + width, y + height, y + height / 2);
        let (top, top_right) = match class {
            "due" => (y, half),
            "stale" => (half, half),
            "expired" => (bottom - 2, bottom - 2),
            _ => (y, y),
        };
        if width > 2 {
            self.canvas.path(class, &format!("M{x} {bottom}V{top}L{right} {top_right}V{bottom}Z"));
            self.used.insert(class);
        }
    }

    /// Draws each token request from its beginning to its end, and the pause after one that failed.
    fn requests(&mut self, requests: &[Request]) {
        let y = self.y + 10;
        self.name(y + 4, "sent");
        for (index, request) in requests.iter().enumerate() {
            let (sent, ended) = (self.x(request.sent), self.x(request.ended.unwrap_or(self.end)));
            if ended > sent {
                self.canvas.path("net", &format!("M{sent} {y}H{ended}"));
            }
            if request.has_failed {
                let next = self.x(requests.get(index + 1).map_or(self.end, |next| next.sent));
                if next > ended + 10 {
                    self.canvas.path("bad dots", &format!("M{} {y}H{}", ended + 6, next - 6));
                }
                self.canvas.cross((ended, y));
            } else if request.ended.is_some() {
                self.canvas.path("net", &circle(ended, y));
            }
        }
        self.y = y + 16;
    }

    fn axis(&mut self) {
        let y = self.y;
        let step = STEPS.into_iter().find(|step| self.end / step <= 5).unwrap_or(self.end);
        let mut line = format!("M{LEFT} {y}H{RIGHT}");
        for mark in (0..=self.end / step).map(|count| count * step) {
            let x = self.x(mark);
            line.push_str(&format!("M{x} {y}V{}", y + 5));
            let text = if mark == 0 { "0".to_owned() } else { spelt(secs(mark)) };
            self.canvas.text((x, y + 18), Anchor::Middle, "soft", &text);
        }
        self.canvas.path("life", &line);
        self.y += 28;
    }

    /// Explains the signs that the picture has.
    fn legend(&mut self, life: &Life) {
        let has_failed = life.requests.iter().any(|request| request.has_failed);
        let used = self.used.clone();
        let is_shown = |sign: &str| sign == "sent" || (sign == "failed" && has_failed) || used.contains(sign);
        for (sign, text) in SIGNS.into_iter().filter(|(sign, _)| is_shown(sign)) {
            let y = self.y;
            match sign {
                "sent" => self.canvas.path("net", &circle(LEFT + 9, y + 6)),
                "failed" => {
                    self.canvas.cross((LEFT + 4, y + 6));
                    self.canvas.path("bad dots", &format!("M{} {}H{}", LEFT + 10, y + 6, LEFT + 19));
                }
                class => self.part(class, (LEFT, y), 18, 12),
            }
            self.canvas.text((LEFT + 26, y + 11), Anchor::Start, "", text);
            self.y += 18;
        }
        self.y += 2;
    }
}

fn circle(x: usize, y: usize) -> String {
    format!("M{} {y}a4 4 0 1 0 8 0a4 4 0 1 0 -8 0", x - 4)
}

#[cfg(test)]
mod tests {
    use super::{LEFT, SIGNS, draw};
    use crate::pictures::svg::{WIDTH, width};
    use crate::pictures::trace::Trace;

    const BEGUN: &str =
        "A title\n\n> ask inn 20 times\n  send inn: refresh R0\n  answer inn: A1 for 1h, R1\n";

    fn drawn(steps: &str) -> anyhow::Result<String> {
        draw(&Trace::read("x", &format!("{BEGUN}{steps}")).unwrap(), "inn")
    }

    #[test]
    fn a_token_of_an_hour_is_fresh_then_stale_and_ends_ten_seconds_early() {
        let picture = drawn("").unwrap();
        for told in [
            "0s: 20 callers ask.",
            "0s: the answer arrives: A1 for 1h, R1.",
            "43m: A1 becomes stale from now on, by 48m at the latest.",
            "59m50s: A1 has expired and is not served.",
        ] {
            assert!(picture.contains(told), "{told}: {picture}");
        }
        assert!(picture.contains(">20\u{d7}</text>"));
        assert!(picture.contains("class=\"fresh\"") && picture.contains("class=\"stale\""));
        assert!(!picture.contains("a request fails"));
    }

    #[test]
    fn a_failure_has_a_cross_and_a_pause_until_the_next_request() {
        let picture = drawn(
            "> pass 50m\n> ask inn\n  send inn: refresh R1\n  answer inn: none yet\n> pass 5m\n  answer inn: none within 1m\n> ask inn\n  send inn: refresh R1\n  answer inn: A2 for 1h\n",
        )
        .unwrap();
        assert!(picture.contains("51m: the request fails: none within 1m."));
        assert!(
            picture.contains("class=\"bad dots\"")
                && picture.contains("a request fails, and the next one waits")
        );
    }

    #[test]
    fn a_token_that_is_replaced_is_told_from_one_that_has_expired() {
        let alone = drawn("").unwrap();
        assert!(
            alone.contains(">expired: not served</text>")
                && !alone.contains(">replaced by the next token</text>")
        );
        let next = "> pass 50m\n> ask inn\n  send inn: refresh R1\n  answer inn: A2 for 1h\n";
        let replaced = drawn(next).unwrap();
        assert!(replaced.contains(">replaced by the next token</text>"));
        assert!(replaced.contains("50m: A2 replaces A1.") && !replaced.contains("A1 has expired"));
    }

    #[test]
    fn the_legend_fits_into_the_picture() {
        for (_, text) in SIGNS {
            assert!(LEFT + 26 + width(text) <= WIDTH, "{text}");
        }
    }

    #[test]
    fn a_trace_that_contradicts_the_life_of_its_token_is_not_drawn() {
        for steps in [
            "> pass 49m\n> ask inn\n  told inn: A1 (fresh)\n",
            "> pass 40m\n> ask inn\n  told inn: A1 (stale)\n",
        ] {
            assert!(drawn(steps).unwrap_err().to_string().contains("contradicts"), "{steps}");
        }
    }

    #[test]
    fn what_happens_at_an_unknown_moment_is_not_drawn() {
        let error = drawn("> pass 50m\n  send inn: refresh R1\n").unwrap_err();
        assert_eq!(error.to_string(), "it is not known when `send refresh R1` happened");
    }

    #[test]
    fn a_key_without_a_token_has_no_timeline() {
        let trace = Trace::read("x", BEGUN).unwrap();
        assert_eq!(draw(&trace, "pub").unwrap_err().to_string(), "no token of `pub` arrives");
    }
}
