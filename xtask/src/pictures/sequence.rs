//! A sequence: a column for the callers, each process, the store and the server, and an arrow for each request, answer,
//! read, write and claim. Time runs down, and each moment stands at the left.
//!
//! What subscribers hear is left out: it repeats what the callers and the server were told. A wait is shown once.

use super::svg::{Anchor, Canvas, LINE, WIDTH, spelt, width, wrapped};
use super::trace::{Event, Moment, Trace, What};

/// Where the columns begin. To the left of it stand the moments.
const LEFT: usize = 62;
const FIRST: usize = 84;
const LAST: usize = 334;
/// Where the first row begins, below the names of the columns.
const TOP: usize = 46;
/// The space that an arrow needs below its text.
const ARROW: usize = 14;

/// A column of the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Callers,
    Process(usize),
    Store,
    Server,
}

/// How a row looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    Plain,
    Network,
    Failure,
    /// It does not arrive.
    Lost,
}

/// A row of the picture.
#[derive(Debug)]
enum Row {
    Arrow {
        from: Column,
        to: Column,
        is_answer: bool,
        look: Look,
        text: String,
    },
    /// Something that happens in one column.
    Note {
        at: Column,
        look: Look,
        text: String,
    },
    Pass(String),
}

/// Draws the trace.
pub(super) fn draw(trace: &Trace) -> String {
    let rows = rows(trace);
    let mut sketch = Sketch::new(trace, &rows);
    let mut last = None;
    for (moment, row) in &rows {
        let is_new = !matches!(row, Row::Pass(_)) && last.replace(*moment) != Some(*moment);
        sketch.row(is_new.then(|| at(*moment)), row);
    }
    sketch.finish(&trace.title, &described(trace, &rows))
}

/// Says when a row happens.
fn at(moment: Moment) -> String {
    format!("{}{}", if moment.is_latest { "by " } else { "" }, spelt(moment.time))
}

/// Returns the rows of the trace.
fn rows(trace: &Trace) -> Vec<(Moment, Row)> {
    let mut rows: Vec<(Moment, Row)> = Vec::new();
    let mut waiting = vec![String::new(); trace.processes.len()];
    for event in &trace.events {
        let told = &mut waiting[event.place];
        match &event.what {
            What::Wait(text) if *told == *text => continue,
            What::Wait(text) => told.clone_from(text),
            What::Told(_) | What::Crash => told.clear(),
            _ => {}
        }
        if let Some(mut row) = row(event) {
            if trace.has_keys() && !event.key.is_empty() {
                row.name(&event.key);
            }
            rows.push((event.at, row));
        }
    }
    while matches!(rows.last(), Some((_, Row::Pass(_)))) {
        rows.pop();
    }
    rows
}

fn row(event: &Event) -> Option<Row> {
    let process = Column::Process(event.place);
    let arrow =
        |from, to, is_answer, look, text: String| Some(Row::Arrow { from, to, is_answer, look, text });
    let call = |to, look, text: String| arrow(process, to, false, look, text);
    let note = |at, look, text: &str| Some(Row::Note { at, look, text: text.to_owned() });
    match &event.what {
        What::Ask(1) => arrow(Column::Callers, process, false, Look::Plain, "ask".to_owned()),
        What::Ask(count) => {
            arrow(Column::Callers, process, false, Look::Plain, format!("{count} callers ask"))
        }
        What::Act(text) => arrow(Column::Callers, process, false, Look::Plain, text.clone()),
        What::Told(text) => arrow(process, Column::Callers, true, Look::Plain, text.clone()),
        What::Claim(None) => call(Column::Store, Look::Plain, "claim".to_owned()),
        What::Claim(Some(text)) => call(Column::Store, Look::Failure, format!("claim: {text}")),
        What::Release(None) => call(Column::Store, Look::Plain, "release".to_owned()),
        What::Release(Some(text)) => call(Column::Store, Look::Lost, format!("release: {text}")),
        What::Read(text) => arrow(Column::Store, process, true, Look::Plain, format!("read: {text}")),
        What::Write(text) => call(Column::Store, of_write(text), format!("write: {text}")),
        What::Send(text) => call(Column::Server, Look::Network, text.clone()),
        What::Answer(text) if text == "none yet" => note(Column::Server, Look::Plain, "no answer yet"),
        What::Answer(text) => {
            let shown = text.strip_prefix("none within ").map(|time| format!("no answer within {time}"));
            arrow(Column::Server, process, true, of_answer(text), shown.unwrap_or_else(|| text.clone()))
        }
        What::Wait(text) if text.starts_with("1 ") => note(process, Look::Plain, &format!("{text} waits")),
        What::Wait(text) => note(process, Look::Plain, &format!("{text} wait")),
        What::Crash => note(process, Look::Failure, "killed"),
        What::Start => note(process, Look::Plain, "starts again"),
        What::Store(text) => note(Column::Store, Look::Plain, text),
        What::Pass(text) => Some(Row::Pass(text.clone())),
        What::News(_) | What::Script => None,
    }
}

fn of_write(text: &str) -> Look {
    match text {
        "failed" | "no answer" => Look::Lost,
        text if text.contains("in vain") => Look::Failure,
        _ => Look::Plain,
    }
}

/// Judges an answer by its first sign: tokens begin with a capital letter, and a status with a digit.
fn of_answer(text: &str) -> Look {
    match text.chars().next() {
        Some('A'..='Z') => Look::Network,
        _ if text == "done" => Look::Network,
        Some('0'..='9') => Look::Failure,
        _ => Look::Lost,
    }
}

impl Row {
    /// Names the token that the row is about.
    fn name(&mut self, key: &str) {
        match self {
            Self::Arrow { text, .. } | Self::Note { text, .. } => *text = format!("{key}: {text}"),
            Self::Pass(_) => {}
        }
    }
}

/// Returns the rows in words.
fn described(trace: &Trace, rows: &[(Moment, Row)]) -> String {
    let name = |column: &Column| match column {
        Column::Callers => "caller".to_owned(),
        Column::Process(place) => format!("process {}", trace.processes[*place]).trim_end().to_owned(),
        Column::Store => "store".to_owned(),
        Column::Server => "server".to_owned(),
    };
    let told = rows.iter().map(|(moment, row)| match row {
        Row::Arrow { from, to, text, .. } => {
            format!("{}, {} to {}: {text}.", at(*moment), name(from), name(to))
        }
        Row::Note { at: column, text, .. } => format!("{}, {}: {text}.", at(*moment), name(column)),
        Row::Pass(text) => format!("{text}:"),
    });
    told.collect::<Vec<_>>().join(" ")
}

/// The picture while it is drawn.
struct Sketch {
    canvas: Canvas,
    columns: Vec<(Column, usize)>,
    y: usize,
    /// Where a text covers the line of a column: the place of the column, from and to.
    covered: Vec<(usize, usize, usize)>,
}

impl Sketch {
    /// Begins with the names of the columns that the rows use.
    fn new(trace: &Trace, rows: &[(Moment, Row)]) -> Self {
        let uses = |column: Column| {
            rows.iter().any(|(_, row)| match row {
                Row::Arrow { from, to, .. } => *from == column || *to == column,
                Row::Note { at, .. } => *at == column,
                Row::Pass(_) => false,
            })
        };
        let columns: Vec<Column> = std::iter::once(Column::Callers)
            .chain((0..trace.processes.len()).map(Column::Process))
            .chain([Column::Store, Column::Server])
            .filter(|column| uses(*column))
            .collect();
        let steps = columns.len().max(2) - 1;
        let place = |index: usize| FIRST + index * (LAST - FIRST) / steps;
        let columns: Vec<_> =
            columns.into_iter().enumerate().map(|(index, column)| (column, place(index))).collect();
        let mut canvas = Canvas::default();
        for (column, x) in &columns {
            let (above, name) = match column {
                Column::Callers => ("", "callers"),
                Column::Process(place) if trace.processes[*place].is_empty() => ("", "process"),
                Column::Process(place) => ("process", &*trace.processes[*place]),
                Column::Store => ("", "store"),
                Column::Server => ("", "server"),
            };
            if !above.is_empty() {
                canvas.text((*x, 14), Anchor::Middle, "head", above);
            }
            canvas.text((*x, 29), Anchor::Middle, "head", name);
        }
        Self { canvas, columns, y: TOP, covered: Vec::new() }
    }

    fn x(&self, column: Column) -> usize {
        self.columns.iter().find(|(other, _)| *other == column).map_or(FIRST, |(_, x)| *x)
    }

    fn row(&mut self, moment: Option<String>, row: &Row) {
        if let Some(moment) = moment {
            self.canvas.text((2, self.y + 11), Anchor::Start, "soft", &moment);
        }
        match row {
            Row::Arrow { from, to, is_answer, look, text } => {
                let (from, to) = (self.x(*from), self.x(*to));
                self.words(usize::midpoint(from, to), "", text);
                self.arrow(from, to, *is_answer, *look);
                self.y += ARROW;
            }
            Row::Note { at, look, text } => {
                let x = self.x(*at);
                self.words(x, if *look == Look::Plain { "soft" } else { "" }, text);
                if *look == Look::Failure {
                    self.canvas.cross((x, self.y + 6));
                    self.interrupted(x);
                    self.y += 8;
                } else {
                    self.resumed(x);
                }
                self.y += 6;
            }
            Row::Pass(text) => {
                let y = self.y + 5;
                self.canvas.path("life dots", &format!("M2 {y}H{WIDTH}"));
                self.y += 11;
                self.words(usize::midpoint(LEFT, WIDTH), "soft", text);
                self.y += 6;
            }
        }
    }

    /// Writes the text of a row around a place, within the picture.
    fn words(&mut self, around: usize, class: &str, text: &str) {
        for line in wrapped(text, WIDTH - LEFT) {
            let half = width(&line).div_ceil(2);
            let x = around.min(WIDTH.saturating_sub(half)).max(LEFT + half);
            self.canvas.text((x, self.y + 11), Anchor::Middle, class, &line);
            for (index, (_, column)) in self.columns.iter().enumerate() {
                if column.abs_diff(x) < half + 2 {
                    self.covered.push((index, self.y, self.y + LINE));
                }
            }
            self.y += LINE;
        }
    }

    /// Ends the line of a column, because its process is killed.
    fn interrupted(&mut self, x: usize) {
        let killed = self.columns.iter().position(|(_, column)| *column == x);
        self.covered.extend(killed.map(|index| (index, self.y, usize::MAX)));
    }

    /// Goes on with the line of a column that was interrupted.
    fn resumed(&mut self, x: usize) {
        for (index, _, end) in &mut self.covered {
            if self.columns[*index].1 == x && *end == usize::MAX {
                *end = self.y;
            }
        }
    }

    /// Draws an arrow below the text of its row.
    fn arrow(&mut self, from: usize, to: usize, is_answer: bool, look: Look) {
        let y = self.y + 4;
        let class = match look {
            Look::Plain => "line",
            Look::Network => "net",
            Look::Failure | Look::Lost => "bad",
        };
        let dashes = if is_answer { " back" } else { "" };
        if look == Look::Lost {
            let end = usize::midpoint(from, to);
            self.canvas.path(&format!("{class}{dashes}"), &format!("M{from} {y}H{end}"));
            self.canvas.cross((end, y));
            return;
        }
        self.canvas.path(&format!("{class}{dashes}"), &format!("M{from} {y}H{to}"));
        let back = if from < to { to - 6 } else { to + 6 };
        self.canvas.path(class, &format!("M{back} {}L{to} {y}L{back} {}", y - 4, y + 4));
    }

    /// Draws the lines of the columns where no text stands, and ends.
    fn finish(mut self, title: &str, description: &str) -> String {
        for (index, (_, x)) in self.columns.iter().enumerate() {
            let mut line = String::new();
            let mut from = TOP - 12;
            for (_, start, end) in self.covered.iter().filter(|(column, ..)| *column == index) {
                if *start > from {
                    line.push_str(&format!("M{x} {from}V{start}"));
                }
                from = from.max(*end);
            }
            if from < self.y {
                line.push_str(&format!("M{x} {from}V{}", self.y + 4));
            }
            self.canvas.path("life", &line);
        }
        self.canvas.finish(self.y + 8, title, description)
    }
}

#[cfg(test)]
mod tests {
    use super::draw;
    use crate::pictures::trace::Trace;

    fn drawn(steps: &str) -> String {
        draw(&Trace::read("x", &format!("A title\n\n{steps}")).unwrap())
    }

    /// The texts of a picture, from top to bottom.
    fn texts(picture: &str) -> Vec<&str> {
        let texts = picture.lines().filter(|line| line.starts_with("<text"));
        texts.filter_map(|line| line.split_once('>')?.1.strip_suffix("</text>")).collect()
    }

    #[test]
    fn a_renewal_stands_there_with_its_columns_its_texts_and_its_moment() {
        let picture = drawn(
            "> pass 50m\n> ask inn\n  write inn: R0 is in use\n  send inn: refresh R0\n  answer inn: A1 for 1h, R1\n  told inn: A1 (fresh)\n",
        );
        let expected = [
            "callers",
            "process",
            "store",
            "server",
            "50m later",
            "50m",
            "ask",
            "write: R0 is in use",
            "refresh R0",
            "A1 for 1h, R1",
            "A1 (fresh)",
        ];
        assert_eq!(texts(&picture), expected);
        assert!(picture.contains("<title id=\"title\">A title</title>"));
    }

    #[test]
    fn the_text_alternative_says_who_says_what_to_whom() {
        let picture = drawn(
            "processes: one, two\n\n> two: ask inn\n  two: read inn: A1\n  two: told inn: A1 (fresh)\n",
        );
        let told = "0s, caller to process two: ask. 0s, store to process two: read: A1. 0s, process two to caller: A1 (fresh).";
        assert!(picture.contains(&format!("<desc id=\"desc\">{told}</desc>")), "{picture}");
    }

    #[test]
    fn a_column_that_no_line_uses_is_left_out() {
        let picture = drawn("> ask service\n  send service: client credentials\n");
        assert_eq!(texts(&picture)[..3], ["callers", "process", "server"]);
    }

    #[test]
    fn a_wait_is_shown_once_until_the_caller_is_told() {
        let picture = drawn(
            "> ask inn\n  wait inn: 1 caller\n> pass 2s\n  wait inn: 1 caller\n  told inn: A1 (fresh)\n> ask inn\n  wait inn: 1 caller\n",
        );
        assert_eq!(texts(&picture).iter().filter(|text| **text == "1 caller waits").count(), 2);
    }

    #[test]
    fn what_does_not_arrive_has_a_cross_and_no_head() {
        let arrived = drawn("> ask inn\n  answer inn: A1 for 1h\n");
        let lost = drawn("> ask inn\n  answer inn: a broken connection\n");
        assert!(arrived.contains("class=\"net back\"") && !arrived.contains("class=\"bad"));
        assert!(lost.contains("class=\"bad back\"") && !lost.contains("class=\"net"));
    }

    #[test]
    fn the_line_of_a_killed_process_ends_and_goes_on_where_it_starts_again() {
        let killed = "> ask inn\n> crash\n> ask inn\n> ask inn\n";
        let lines = |picture: &str| {
            let life = picture.lines().filter(|line| line.starts_with("<path class=\"life\""));
            life.map(|line| line.matches('V').count()).nth(1)
        };
        assert_eq!(lines(&drawn(killed)), Some(1));
        assert_eq!(lines(&drawn(&killed.replacen("crash\n", "crash\n> start again\n", 1))), Some(2));
    }

    #[test]
    fn two_tokens_are_told_apart_by_their_names() {
        let picture = drawn("> ask inn\n  told inn: A1 (fresh)\n> ask pub\n  told pub: B1 (fresh)\n");
        assert!(texts(&picture).contains(&"inn: A1 (fresh)") && texts(&picture).contains(&"pub: ask"));
    }
}
