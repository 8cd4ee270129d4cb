//! The output of the demo: as a story for people, or as one JSON object a line.
//!
//! People see each step once, with a mark for each adapter. If the adapters differ, both results are shown.

use anstyle::{AnsiColor, Style};
use serde_json::json;

use super::chapter::{Chapter, Play};
use super::stage::Step;
use crate::failure::Failure;
use crate::output::Output;

const INDENT: &str = "       ";

const TITLE: Style = Style::new().bold();
const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
const REQUEST: Style = AnsiColor::Cyan.on_default();
const ASIDE: Style = Style::new().dimmed();
const TOLERATED: Style = AnsiColor::Yellow.on_default();

/// The counts of the steps.
#[derive(Default)]
pub(super) struct Tally {
    steps: usize,
    failed: usize,
    refusals: usize,
    tolerated: usize,
}

impl Tally {
    pub(super) fn count(&mut self, step: &Step) {
        self.steps += 1;
        self.failed += usize::from(!step.ok);
        self.refusals += usize::from(step.refusal);
        self.tolerated += step.tolerated.len();
    }

    pub(super) fn failed(&self) -> usize {
        self.failed
    }

    pub(super) fn as_json(&self) -> String {
        format!(r#"{{"steps":{},"failed":{}}}"#, self.steps, self.failed)
    }

    pub(super) fn for_people(&self, width: usize) -> String {
        let Self { steps, failed, refusals, tolerated } = self;
        let style = if *failed == 0 { GOOD } else { BAD };
        let summary = format!("{style}{steps} steps, {failed} failed.{style:#}");
        let rest = format!(
            "In {refusals} of them something had to be refused; {tolerated} departures from the documents were \
             tolerated and reported. Next: `octo-auth emulate` keeps the emulator running for programs of your own."
        );
        format!("\n{summary}\n{}", paragraph(&rest, ("", ""), ASIDE, width))
    }
}

/// Prints the text before the first chapter.
pub(super) fn opening(output: &mut Output) -> Result<(), Failure> {
    let text = "Every flow of every provider, over real sockets, against the emulator that comes with octo-auth. \
        Each step is played twice, by the async adapter (reqwest) and by the blocking one (ureq), and has a mark for \
        each. Addresses are the providers' own; secrets are shown as ***.";
    let width = output.width();
    output.line(paragraph(text, ("", ""), Style::new(), width))
}

pub(super) fn for_people(chapter: &Chapter, plays: &[Play], output: &mut Output) -> Result<(), Failure> {
    output.line(format_args!("\n{TITLE}{}{TITLE:#}", chapter.title))?;
    let width = output.width();
    output.line(paragraph(chapter.about, ("", ""), ASIDE, width))?;
    let longest = plays.iter().map(|play| play.steps.len()).max().unwrap_or(0);
    for place in 0..longest {
        let here: Vec<(&str, &Step)> =
            plays.iter().filter_map(|play| Some((play.adapter, play.steps.get(place)?))).collect();
        let together = here.len() == plays.len() && here.iter().all(|(_, step)| step.ok);
        if let (true, Some((_, step))) = (together, here.first()) {
            let marks = format!("{GOOD}{}{GOOD:#}", "✓".repeat(plays.len()));
            output.line(format!("\n{}", told(step, &marks, "", width)))?;
            continue;
        }
        for (adapter, step) in here {
            let (style, mark) = if step.ok { (GOOD, "✓ ") } else { (BAD, "✗ ") };
            let marks = format!("{style}{mark}{style:#}");
            output.line(format!("\n{}", told(step, &marks, &format!(" ({adapter} adapter)"), width)))?;
        }
    }
    Ok(())
}

fn told(step: &Step, marks: &str, whose: &str, width: usize) -> String {
    const DEEPER: &str = "         ";
    let mut lines = Vec::new();
    if let Some(scene) = &step.scene {
        lines.push(paragraph(scene, (INDENT, INDENT), ASIDE, width));
    }
    lines.push(format!("  {marks}   {TITLE}{}{TITLE:#}{whose}", step.name));
    for request in &step.requests {
        let status = request.status.map(|status| format!("  → {status}")).unwrap_or_default();
        lines.push(paragraph(&format!("{request}{status}"), (INDENT, DEEPER), REQUEST, width));
        for carried in request.headers.iter().chain(&request.carried) {
            lines.push(paragraph(carried, (DEEPER, DEEPER), ASIDE, width));
        }
    }
    lines.extend(step.drawing.iter().map(|line| format!("{INDENT}{REQUEST}{line}{REQUEST:#}")));
    let style = if step.ok { Style::new() } else { BAD };
    lines.push(paragraph(&step.outcome, (INDENT, INDENT), style, width));
    for deviation in &step.tolerated {
        lines.push(paragraph(&format!("tolerated: {deviation}"), (INDENT, INDENT), TOLERATED, width));
    }
    lines.join("\n")
}

pub(super) fn as_json(chapter: &Chapter, plays: &[Play], output: &mut Output) -> Result<(), Failure> {
    for play in plays {
        for step in &play.steps {
            output.line(format_args!(
                r#"{{"provider":{},"step":{},"adapter":{},"ok":{},"detail":{}}}"#,
                json!(chapter.provider),
                json!(step.name),
                json!(play.adapter),
                step.ok,
                json!(detail(step)),
            ))?;
        }
    }
    Ok(())
}

fn detail(step: &Step) -> String {
    let requests = step.requests.iter().map(|request| match request.status {
        Some(status) => format!("{request} -> {status}. "),
        None => format!("{request}. "),
    });
    let tolerated = step.tolerated.iter().map(|deviation| format!(" Tolerated: {deviation}."));
    requests.chain([step.outcome.clone()]).chain(tolerated).collect()
}

/// Wraps text in lines of at most `widest` columns, at spaces, or after `&` and `,` if there is no space. The first
/// line and the others have separate indents.
fn paragraph(text: &str, (first, next): (&str, &str), style: Style, widest: usize) -> String {
    let mut lines = vec![String::from(first)];
    for (word, spaced) in words(text) {
        let (length, width) = (lines.len(), lines.last().map_or(0, |line| line.chars().count()));
        let begun = width > if length == 1 { first } else { next }.len();
        let room = width + usize::from(spaced && begun) + word.chars().count() <= widest;
        if begun && !room {
            lines.push(format!("{next}{word}"));
        } else if let Some(line) = lines.last_mut() {
            line.push_str(if spaced && begun { " " } else { "" });
            line.push_str(word);
        }
    }
    let styled = lines.iter().map(|line| format!("{style}{line}{style:#}"));
    styled.collect::<Vec<_>>().join("\n")
}

/// Returns the words of a text, each with whether a space precedes it.
fn words(text: &str) -> impl Iterator<Item = (&str, bool)> {
    text.split_whitespace()
        .flat_map(|word| word.split_inclusive(['&', ',']).enumerate().map(|(place, part)| (part, place == 0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_broken_at_spaces_and_between_parameters_and_nothing_is_lost() {
        let text = format!("{} {}", "word ".repeat(30), "name=value&".repeat(30));
        for width in [100, 60] {
            let told = paragraph(&text, ("  ", "    "), Style::new(), width);
            assert!(told.lines().all(|line| line.chars().count() <= width), "{told}");
            assert!(told.lines().skip(1).all(|line| line.starts_with("    ")), "{told}");
            let bare = |text: &str| text.split_whitespace().collect::<String>();
            assert_eq!(bare(&told), bare(&text));
        }
    }

    #[test]
    fn a_failed_step_is_told_for_each_adapter_and_counted() {
        let step = |ok| Step {
            name: "A step".to_owned(),
            ok,
            refusal: false,
            scene: None,
            requests: Vec::new(),
            outcome: "what came".to_owned(),
            tolerated: Vec::new(),
            drawing: Vec::new(),
        };
        let mut tally = Tally::default();
        tally.count(&step(true));
        tally.count(&step(false));
        assert_eq!(tally.as_json(), r#"{"steps":2,"failed":1}"#);
        assert!(told(&step(false), "✗ ", " (async adapter)", 100).contains("(async adapter)"));
    }
}
