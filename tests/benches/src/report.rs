//! The report: what is compared with what, which library is ahead, and every figure, as a page without scripts.

mod plot;

use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::COMPARISONS;
use crate::comparison::{Comparison, Group, Growth, Kind, Row, number};
use crate::machine::Machine;
use crate::month::Month;

/// The page of the manual with the accepted report.
const MANUAL: &str = "crates/octo-auth-core/src/manual/performance.md";

const STYLE: &str = "\
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 0 auto; padding: 1rem; color: CanvasText; background: Canvas; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.25rem; margin-top: 2.5rem; } h3 { font-size: 1rem; margin-bottom: .25rem; }
table { border-collapse: collapse; font-size: .9rem; } th, td { text-align: left; padding: .25rem .6rem .25rem 0; border-bottom: 1px solid #8a8f9866; vertical-align: top; }
td.number, th.number { text-align: right; } a { color: LinkText; }
";

/// Renders the page from the results in the folder. Returns the comparisons that it shows.
pub(crate) fn render(folder: &Path, machine: &Machine, month: &Month) -> Result<Vec<Comparison>> {
    let mut comparisons = Vec::new();
    for (name, _) in COMPARISONS {
        // A comparison that was not part of this run is shown with its last results.
        if let Ok(text) = fs::read_to_string(folder.join(format!("{name}.json"))) {
            comparisons.push(
                serde_json::from_str(&text).with_context(|| format!("{name}.json is of another release"))?,
            );
        }
    }
    let content = content(&comparisons, machine, month)?;
    let page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>octo-auth: how fast it is</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n<h1>How fast octo-auth is, beside others</h1>\n{content}</body>\n</html>\n"
    );
    let place = folder.join("report");
    fs::create_dir_all(&place).with_context(|| format!("cannot make {}", place.display()))?;
    fs::write(place.join("index.html"), page)?;
    println!("the report is target/bench/report/index.html");
    Ok(comparisons)
}

/// Writes the report into the manual.
pub(crate) fn accept(root: &Path, shown: &[Comparison], machine: &Machine, month: &Month) -> Result<()> {
    let text = "<!-- Written by `cargo xtask bench --accept`. -->\n\nHow fast octo-auth is, beside the least that the work can cost and beside other libraries.\n\n";
    fs::write(root.join(MANUAL), format!("{text}{}", content(shown, machine, month)?))
        .with_context(|| format!("cannot write {MANUAL}"))?;
    println!("it is also the page {MANUAL}");
    Ok(())
}

/// Returns the page's content without an empty line, so that markdown treats it as one piece of HTML.
fn content(comparisons: &[Comparison], machine: &Machine, month: &Month) -> Result<String> {
    let mut text = String::from("<div class=\"octo-auth-benchmarks\">\n");
    summary(&mut text, comparisons)?;
    for comparison in comparisons {
        section(&mut text, comparison)?;
    }
    fleet(&mut text, month)?;
    origin(&mut text, machine)?;
    text += "</div>\n";
    Ok(text)
}

/// Writes one line for each comparison: which library wins.
fn summary(text: &mut String, comparisons: &[Comparison]) -> Result<()> {
    let legend = [Kind::Ours, Kind::Peer, Kind::Plain, Kind::Floor]
        .map(|kind| swatch(plot::colour(kind), plot::kind_name(kind)));
    writeln!(
        text,
        "<p>{}. Short bars win. All figures of a plot are from one run, in turns.</p>",
        legend.join(" &nbsp; ")
    )?;
    writeln!(
        text,
        "<table><thead><tr><th>what</th><th class=\"number\">octo-auth</th><th>best other library</th><th>octo-auth needs</th></tr></thead><tbody>"
    )?;
    for comparison in comparisons {
        for group in comparison.groups.iter().filter(|group| group.is_plotted) {
            let (Some(ours), Some(peer)) = (group.best(Kind::Ours), group.best(Kind::Peer)) else { continue };
            let link = format!("<a href=\"#bench-{}\">{}</a>", comparison.name, escaped(&group.title));
            let unit = escaped(&group.unit);
            writeln!(
                text,
                "<tr><td>{link}</td><td class=\"number\">{} {unit}</td><td>{}: {} {unit}</td><td><b>{}</b></td></tr>",
                number(ours.value),
                escaped(&peer.name),
                number(peer.value),
                verdict(ours, peer)
            )?;
        }
    }
    writeln!(text, "</tbody></table>")?;
    let targets: Vec<_> = comparisons.iter().flat_map(Comparison::targets).collect();
    let met = targets.iter().filter(|target| target.is_met()).count();
    writeln!(text, "<p>Targets: {met} of {} are met; each is listed below.</p>", targets.len())?;
    Ok(())
}

/// Compares ours with the best peer in words.
fn verdict(ours: &Row, peer: &Row) -> String {
    match peer.value / ours.value {
        ratio if ratio >= 1.995 => format!("{ratio:.1} times less"),
        ratio if ratio > 1.02 => format!("{:.0} % less", 100.0 * (1.0 - 1.0 / ratio)),
        ratio if ratio < 0.98 => format!("{:.0} % more", 100.0 * (1.0 / ratio - 1.0)),
        _ => "as much".to_owned(),
    }
}

fn section(text: &mut String, comparison: &Comparison) -> Result<()> {
    writeln!(text, "<h2 id=\"bench-{}\">{}</h2>", comparison.name, escaped(&comparison.title))?;
    writeln!(text, "<p>{}</p>", escaped(&comparison.about))?;
    for group in comparison.groups.iter().filter(|group| group.is_plotted) {
        writeln!(text, "<h3>{}</h3>", escaped(&group.title))?;
        writeln!(text, "<div style=\"max-width:34rem\">{}</div>", plot::bars(group)?)?;
    }
    for growth in comparison.growths.iter().filter(|growth| !growth.plotted.is_empty()) {
        grown(text, growth)?;
    }
    writeln!(text, "<details><summary>All figures and targets</summary>")?;
    for growth in &comparison.growths {
        growth_table(text, growth)?;
    }
    for group in &comparison.groups {
        table(text, group)?;
    }
    writeln!(text, "<ul>")?;
    for target in comparison.targets() {
        let verdict = if target.is_met() { "met" } else { "<b>missed</b>" };
        let (seen, limit) = (number(target.seen), number(target.limit));
        writeln!(text, "<li>{verdict}: {} ({seen}, limit {limit})</li>", escaped(&target.text))?;
    }
    for (name, reason) in &comparison.left_out {
        writeln!(text, "<li>not measured: {}: {}</li>", escaped(name), escaped(reason))?;
    }
    writeln!(text, "</ul></details>")?;
    Ok(())
}

/// The plot of a growth with its legend.
fn grown(text: &mut String, growth: &Growth) -> Result<()> {
    let lines = growth.lines.iter().filter(|line| growth.plotted.contains(&line.name));
    let legend = lines.zip(plot::LINES).map(|(line, colour)| swatch(colour, &escaped(&line.name)));
    let limit = growth.limit.map(|limit| format!("dashed: target, {} {}", number(limit), growth.unit));
    let legend: Vec<String> = legend.chain(limit).collect();
    let (title, unit) = (escaped(&growth.title), escaped(&growth.unit));
    writeln!(text, "<h3>{title}, {unit}, by the number of accounts</h3>")?;
    writeln!(text, "<p>{}</p>", legend.join(" &nbsp; "))?;
    writeln!(text, "<div style=\"max-width:34rem\">{}</div>", plot::growth(growth)?)?;
    Ok(())
}

fn growth_table(text: &mut String, growth: &Growth) -> Result<()> {
    let number_cell = |tag: &str, value: f64| format!("<{tag} class=\"number\">{}</{tag}>", number(value));
    let sizes: String = growth.sizes.iter().map(|size| number_cell("th", *size as f64)).collect();
    let title = format!("{}, {}", escaped(&growth.title), escaped(&growth.unit));
    writeln!(
        text,
        "<div style=\"overflow-x:auto\"><table><thead><tr><th>{title}</th>{sizes}</tr></thead><tbody>"
    )?;
    for line in &growth.lines {
        let values: String = line.values.iter().map(|value| number_cell("td", *value)).collect();
        writeln!(text, "<tr><td>{}</td>{values}</tr>", escaped(&line.name))?;
    }
    writeln!(text, "</tbody></table></div>")?;
    Ok(())
}

fn table(text: &mut String, group: &Group) -> Result<()> {
    let best = [Kind::Floor, Kind::Peer].map(|kind| group.best(kind).map_or(f64::NAN, |row| row.value));
    writeln!(
        text,
        "<div style=\"overflow-x:auto\"><table><thead><tr><th>{}</th><th class=\"number\">{}</th>\
         <th class=\"number\">x floor</th><th class=\"number\">x best peer</th><th class=\"number\">allocations</th></tr></thead><tbody>",
        escaped(&group.title),
        escaped(&group.unit)
    )?;
    for row in &group.rows {
        let ratios = best.map(|best| number(row.value / best));
        let name = escaped(&row.name);
        let name = if row.kind == Kind::Ours { format!("<b>{name}</b>") } else { name };
        let allocations = row.allocations.map_or("-".to_owned(), |count| format!("{count:.1}"));
        let cells = [number(row.value), ratios[0].clone(), ratios[1].clone(), allocations];
        let cells = cells.map(|cell| format!("<td class=\"number\">{cell}</td>"));
        writeln!(text, "<tr><td>{name}</td>{}</tr>", cells.concat())?;
    }
    writeln!(text, "</tbody></table></div>")?;
    Ok(())
}

fn fleet(text: &mut String, month: &Month) -> Result<()> {
    let Month { accounts, days, budget, seed, lines } = month;
    writeln!(text, "<h2 id=\"bench-month\">When do the requests of a fleet reach the server?</h2>")?;
    writeln!(
        text,
        "<p>{accounts} accounts sign in at the same moment, their tokens live for one hour, and the server is down for two \
         hours on the tenth day: {days} days, simulated with the seed {seed}. Shown is the busiest second of each two hours. \
         Without jitter all accounts ask in the same second, for ever. The budget is {budget} requests in any minute.</p>"
    )?;
    let legend = lines.iter().zip(plot::MONTH).map(|(line, colour)| swatch(colour, &escaped(&line.name)));
    writeln!(text, "<p>{}</p>", legend.collect::<Vec<_>>().join(" &nbsp; "))?;
    writeln!(text, "<div style=\"max-width:34rem\">{}</div>", plot::month(month)?)?;
    writeln!(
        text,
        "<table><thead><tr><th></th><th class=\"number\">requests</th><th class=\"number\">busiest second</th><th class=\"number\">busiest minute</th></tr></thead><tbody>"
    )?;
    for line in lines {
        let counts = [line.requests as f64, f64::from(line.busiest_second), f64::from(line.busiest_minute)];
        let cells = counts.map(|count| format!("<td class=\"number\">{}</td>", number(count)));
        writeln!(text, "<tr><td>{}</td>{}</tr>", escaped(&line.name), cells.concat())?;
    }
    writeln!(text, "</tbody></table>")?;
    Ok(())
}

/// Writes the machine and the versions of the measurement.
fn origin(text: &mut String, machine: &Machine) -> Result<()> {
    let Machine { cpu, cores, system, compiler, commit, date, seed, is_quick, versions } = machine;
    let versions = versions.iter().map(|(name, version)| format!("{name} {version}"));
    writeln!(text, "<h2 id=\"bench-origin\">How it was measured</h2>")?;
    writeln!(
        text,
        "<p>{date}, commit {commit}, {cpu}, {cores} cores, {system}, {compiler}, release with thin LTO, seed {seed}. \
         {}Medians of rounds in which everyone takes turns, after one round to warm up; a counting allocator counts the \
         allocations of one piece of work. Absolute times depend on the machine; what counts are the ratios.</p>",
        if *is_quick { "A quick run, which is too short for close races. " } else { "" }
    )?;
    writeln!(text, "<p>{}.</p>", versions.collect::<Vec<_>>().join(", "))?;
    Ok(())
}

fn swatch(plotters::style::RGBColor(red, green, blue): plotters::style::RGBColor, name: &str) -> String {
    let colour = format!("#{red:02X}{green:02X}{blue:02X}");
    format!(
        "<span style=\"white-space:nowrap\"><span style=\"display:inline-block;width:.8em;height:.8em;background:{colour}\"></span> {name}</span>"
    )
}

/// Escapes text for HTML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
