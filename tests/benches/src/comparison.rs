//! The results of a comparison: rows of floor, peers and ours, and the targets.

use serde::{Deserialize, Serialize};

/// The kind of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    /// The minimal implementation, hand-written and as short as possible.
    Floor,
    /// The same work with the HTTP client alone, or another way without a library.
    Plain,
    /// Another library.
    Peer,
    Ours,
}

/// One way to do the work, with its cost; less is better.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// The median, in the unit of the group.
    pub(crate) value: f64,
    /// Allocations per piece of work, if they were counted.
    pub(crate) allocations: Option<f64>,
}

/// Ways that were measured in turns and can be compared.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Group {
    pub(crate) title: String,
    pub(crate) unit: String,
    /// Whether the report contains a plot of it; the others are tables.
    pub(crate) is_plotted: bool,
    pub(crate) rows: Vec<Row>,
    pub(crate) targets: Vec<Target>,
}

/// A bound for our rows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Target {
    pub(crate) text: String,
    pub(crate) seen: f64,
    pub(crate) limit: f64,
}

/// How a cost grows with the number of accounts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Growth {
    pub(crate) title: String,
    pub(crate) unit: String,
    /// The lines of its plot, if it has one.
    pub(crate) plotted: Vec<String>,
    /// A bound shown in the plot.
    pub(crate) limit: Option<f64>,
    /// The counts of accounts at which each line was measured.
    pub(crate) sizes: Vec<usize>,
    pub(crate) lines: Vec<Line>,
    pub(crate) targets: Vec<Target>,
}

/// The costs of one operation, for each count of accounts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) values: Vec<f64>,
}

/// The results for one count of accounts.
pub(crate) type Measured = Vec<(&'static str, Kind, f64)>;

/// One comparison of the report.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Comparison {
    pub(crate) name: String,
    /// The question that its rows answer.
    pub(crate) title: String,
    /// The subject and the method of the measurement, in two or three sentences.
    pub(crate) about: String,
    pub(crate) groups: Vec<Group>,
    pub(crate) growths: Vec<Growth>,
    /// The libraries without a row, and the reasons.
    pub(crate) left_out: Vec<(String, String)>,
}

impl Target {
    pub(crate) fn is_met(&self) -> bool {
        self.seen <= self.limit
    }
}

impl Group {
    pub(crate) fn new(title: &str, unit: &str, rows: Vec<Row>) -> Self {
        Self { title: title.to_owned(), unit: unit.to_owned(), is_plotted: false, rows, targets: Vec::new() }
    }

    pub(crate) fn plotted(self) -> Self {
        Self { is_plotted: true, ..self }
    }

    /// Returns the row with the smallest value of a kind.
    pub(crate) fn best(&self, kind: Kind) -> Option<&Row> {
        let rows = self.rows.iter().filter(|row| row.kind == kind);
        rows.min_by(|a, b| a.value.total_cmp(&b.value))
    }

    pub(crate) fn value(&self, name: &str) -> Option<f64> {
        self.rows.iter().find(|row| row.name == name).map(|row| row.value)
    }

    /// Sets a bound for each of our rows, as a multiple of another row.
    pub(crate) fn at_most(mut self, factor: f64, of: &str) -> Self {
        let Some(limit) = self.value(of) else { return self };
        for row in self.rows.iter().filter(|row| row.kind == Kind::Ours) {
            let text = format!("{}: {}, at most {factor} x {of}", self.title, row.name);
            self.targets.push(Target { text, seen: row.value, limit: factor * limit });
        }
        self
    }

    /// Sets a bound for one row, as a multiple of another.
    pub(crate) fn beside(mut self, name: &str, factor: f64, of: &str) -> Self {
        if let (Some(seen), Some(limit)) = (self.value(name), self.value(of)) {
            let text = format!("{}: {name}, at most {factor} x {of}", self.title);
            self.targets.push(Target { text, seen, limit: factor * limit });
        }
        self
    }

    /// Sets a bound for each of our rows as a number.
    pub(crate) fn within(mut self, limit: f64) -> Self {
        for row in self.rows.iter().filter(|row| row.kind == Kind::Ours) {
            let text = format!("{}: {}, at most {limit} {}", self.title, row.name, self.unit);
            self.targets.push(Target { text, seen: row.value, limit });
        }
        self
    }

    /// Sets a bound for each of our rows, as a fraction of the best peer.
    pub(crate) fn ahead_of_peers(mut self, factor: f64) -> Self {
        let Some(best) = self.best(Kind::Peer).cloned() else { return self };
        for row in self.rows.iter().filter(|row| row.kind == Kind::Ours) {
            let text = match factor {
                1.0 => format!("{}: {}, at most as much as {}", self.title, row.name, best.name),
                factor => format!("{}: {}, {factor} times less than {}", self.title, row.name, best.name),
            };
            self.targets.push(Target { text, seen: row.value, limit: best.value / factor });
        }
        self
    }

    /// Sets a bound for the allocations of each of our rows.
    pub(crate) fn allocating(mut self, limit: f64) -> Self {
        for row in self.rows.iter().filter(|row| row.kind == Kind::Ours) {
            let text = format!("{}: allocations of {}", self.title, row.name);
            self.targets.push(Target { text, seen: row.allocations.unwrap_or(f64::INFINITY), limit });
        }
        self
    }

    fn print(&self) {
        let best = [Kind::Floor, Kind::Peer].map(|kind| self.best(kind).map_or(f64::NAN, |row| row.value));
        let heads = ["x floor", "x best peer", "allocations"];
        println!(
            "\n{} ({})\n{:<42} {:>12} {:>9} {:>12} {:>12}",
            self.title, self.unit, "", "median", heads[0], heads[1], heads[2]
        );
        for row in &self.rows {
            let [floor, peer] = best.map(|best| ratio(row.value / best));
            let allocations = row.allocations.map_or("-".to_owned(), |count| format!("{count:.1}"));
            let mark = if row.kind == Kind::Ours { '*' } else { ' ' };
            println!(
                "{mark} {:<40} {:>12} {floor:>9} {peer:>12} {allocations:>12}",
                row.name,
                number(row.value)
            );
        }
    }
}

impl Growth {
    pub(crate) fn new(title: &str, unit: &str) -> Self {
        let (title, unit) = (title.to_owned(), unit.to_owned());
        let (plotted, sizes, lines, targets) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { title, unit, plotted, limit: None, sizes, lines, targets }
    }

    /// Adds a plot of these lines, and of a bound.
    pub(crate) fn plotted<const N: usize>(self, lines: [&str; N], limit: Option<f64>) -> Self {
        Self { plotted: lines.map(str::to_owned).to_vec(), limit, ..self }
    }

    /// Adds the results for one more count of accounts.
    pub(crate) fn add(&mut self, size: usize, rows: Measured) {
        self.sizes.push(size);
        for (name, kind, value) in rows {
            match self.lines.iter_mut().find(|line| line.name == name) {
                Some(line) => line.values.push(value),
                None => self.lines.push(Line { name: name.to_owned(), kind, values: vec![value] }),
            }
        }
    }

    /// Sets a bound for each of our lines, at every count of accounts.
    pub(crate) fn within(self, limit: f64) -> Self {
        let ours = self.lines.iter().filter(|line| line.kind == Kind::Ours);
        let names: Vec<String> = ours.map(|line| line.name.clone()).collect();
        names.iter().fold(self, |growth, name| growth.line_within(name, limit))
    }

    /// Sets a bound for one line.
    pub(crate) fn line_within(mut self, name: &str, limit: f64) -> Self {
        let seen = self.line(name).iter().copied().fold(f64::NAN, f64::max);
        let text = format!("{}: {name}, at most {limit} {}", self.title, self.unit);
        self.targets.push(Target { text, seen, limit });
        self
    }

    /// Sets a bound for one line as a multiple of another.
    pub(crate) fn beside(mut self, name: &str, factor: f64, of: &str) -> Self {
        let ratios = self.line(name).iter().zip(self.line(of)).map(|(value, of)| value / of);
        let seen = ratios.fold(f64::NAN, f64::max);
        let text = format!("{}: {name}, at most {factor} x {of}", self.title);
        self.targets.push(Target { text, seen, limit: factor });
        self
    }

    /// Sets a bound for the growth of one line, from this count of accounts to the largest.
    pub(crate) fn flat(mut self, name: &str, from: usize, factor: f64) -> Self {
        let values = self.line(name);
        let first = self.sizes.iter().position(|size| *size == from).map(|at| values[at]);
        if let (Some(first), Some(last), Some(size)) = (first, values.last(), self.sizes.last()) {
            let [from, to] = [from, *size].map(|size| number(size as f64));
            let text = format!("{}: {name}, grows at most {factor} x from {from} to {to}", self.title);
            self.targets.push(Target { text, seen: last / first, limit: factor });
        }
        self
    }

    fn line(&self, name: &str) -> &[f64] {
        self.lines.iter().find(|line| line.name == name).map_or(&[], |line| &line.values)
    }

    fn print(&self) {
        let sizes = self.sizes.iter().map(|size| format!("{:>12}", number(*size as f64)));
        println!("\n{} ({})\n{:<42}{}", self.title, self.unit, "accounts", sizes.collect::<String>());
        for line in &self.lines {
            let mark = if line.kind == Kind::Ours { '*' } else { ' ' };
            let values = line.values.iter().map(|value| format!("{:>12}", number(*value)));
            println!("{mark} {:<40}{}", line.name, values.collect::<String>());
        }
    }
}

impl Comparison {
    pub(crate) fn targets(&self) -> impl Iterator<Item = &Target> {
        let growths = self.growths.iter().flat_map(|growth| &growth.targets);
        self.groups.iter().flat_map(|group| &group.targets).chain(growths)
    }

    /// Prints the tables and each target; `*` marks our rows.
    pub(crate) fn print(&self) {
        println!("\n== {}: {}", self.name, self.title);
        self.growths.iter().for_each(Growth::print);
        self.groups.iter().for_each(Group::print);
        println!();
        for target in self.targets() {
            let verdict = if target.is_met() { "met   " } else { "MISSED" };
            println!("{verdict}  {} ({}, limit {})", target.text, number(target.seen), number(target.limit));
        }
        for (name, reason) in &self.left_out {
            println!("left out  {name}: {reason}");
        }
    }
}

/// Formats a number with three significant digits.
pub(crate) fn number(value: f64) -> String {
    match value {
        value if !value.is_finite() => "-".to_owned(),
        value if value >= 1000.0 => {
            let digits = format!("{value:.0}");
            let groups = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy);
            groups.collect::<Vec<_>>().join(",")
        }
        value if value >= 100.0 || value.fract() == 0.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}

fn ratio(value: f64) -> String {
    if value.is_finite() { format!("{value:.2}") } else { "-".to_owned() }
}
