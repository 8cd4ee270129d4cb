//! Plots as SVG in the colour of the page's text, readable in light and dark mode.

use anyhow::{Result, anyhow};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::comparison::{Group, Growth, Kind, number};
use crate::month::Month;

/// The width in units. Text has 12, so that a plot is readable on a phone.
const WIDTH: u32 = 340;

/// The height of one row of a bar chart: its text, its bar, and a gap.
const ROW: i32 = 32;

/// A marker colour that is replaced by the colour of the page's text.
const INK: RGBColor = RGBColor(1, 1, 1);

/// Bars longer than this many times the best peer (or ours) are cut.
const CUT: f64 = 4.0;

/// Returns the colour of a kind. Each is visible on white and on dark grey.
pub(crate) fn colour(kind: Kind) -> RGBColor {
    match kind {
        Kind::Floor => RGBColor(0x8a, 0x8f, 0x98),
        Kind::Plain => RGBColor(0x9a, 0x7b, 0xc0),
        Kind::Peer => RGBColor(0xd0, 0x75, 0x3a),
        Kind::Ours => RGBColor(0x2f, 0x8f, 0xe8),
    }
}

/// Returns the label of a kind.
pub(crate) fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Floor => "floor: the least it can cost",
        Kind::Plain => "no library",
        Kind::Peer => "other libraries",
        Kind::Ours => "octo-auth",
    }
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// A bar for each row, shortest first.
pub(crate) fn bars(group: &Group) -> Result<String> {
    let mut rows: Vec<_> = group.rows.iter().filter(|row| row.value.is_finite()).collect();
    rows.sort_by(|a, b| {
        a.value.total_cmp(&b.value).then((b.kind == Kind::Ours).cmp(&(a.kind == Kind::Ours)))
    });
    let most = rows.iter().map(|row| row.value).fold(0.0, f64::max);
    let best = |kind| group.best(kind).map_or(0.0, |row| row.value);
    let longest = most.min(CUT * best(Kind::Peer).max(best(Kind::Ours))).max(f64::MIN_POSITIVE);
    let label = format!("{}: {}", group.title, group.unit);
    draw(ROW as u32 * rows.len() as u32 + 2, &label, |area| {
        for (at, row) in rows.iter().enumerate() {
            let top = ROW * i32::try_from(at)?;
            let is_cut = row.value > longest;
            let value =
                format!("{} {}{}", number(row.value), group.unit, if is_cut { " (bar is cut)" } else { "" });
            text(area, &row.name, (0, top + 3), HPos::Left)?;
            text(area, &value, (i32::try_from(WIDTH)?, top + 3), HPos::Right)?;
            let end = (f64::from(WIDTH) * (row.value / longest).min(1.0)).max(2.0) as i32;
            rectangle(area, [(0, top + 17), (end, top + 27)], colour(row.kind))?;
        }
        Ok(())
    })
}

/// The colours of lines, in order.
pub(crate) const LINES: [RGBColor; 3] =
    [RGBColor(0x2f, 0x8f, 0xe8), RGBColor(0xd0, 0x75, 0x3a), RGBColor(0x3a, 0xa0, 0x6a)];

/// Plots the growth of a cost with the count of accounts, on logarithmic axes.
pub(crate) fn growth(growth: &Growth) -> Result<String> {
    let lines = || growth.lines.iter().filter(|line| growth.plotted.contains(&line.name));
    let values = || lines().flat_map(|line| &line.values).chain(&growth.limit).copied();
    let (least, most) = (values().fold(f64::MAX, f64::min), values().fold(0.0, f64::max));
    let sizes = || growth.sizes.iter().map(|size| *size as f64);
    let (first, last) = (sizes().fold(f64::MAX, f64::min), sizes().fold(0.0, f64::max));
    draw(190, &format!("{}: {}", growth.title, growth.unit), |area| {
        let mut chart = ChartBuilder::on(area)
            .margin_right(34)
            .margin_top(8)
            .x_label_area_size(22)
            .y_label_area_size(44)
            .build_cartesian_2d(
                (first..last * 1.001).log_scale(),
                // Whole powers of ten, so that the axis has labels.
                (10_f64.powf(least.log10().floor())..10_f64.powf(most.log10().ceil())).log_scale(),
            )
            .map_err(failed)?;
        chart
            .configure_mesh()
            .disable_mesh()
            .axis_style(INK)
            .label_style(("sans-serif", 12).into_font().color(&INK))
            .x_labels(4)
            .y_labels(4)
            .x_label_formatter(&|count| number(*count))
            .y_label_formatter(&|value| number(*value))
            .draw()
            .map_err(failed)?;
        if let Some(limit) = growth.limit {
            let ends = [(first, limit), (last, limit)];
            chart.draw_series(DashedLineSeries::new(ends, 4, 4, INK.stroke_width(1))).map_err(failed)?;
        }
        for (line, colour) in lines().zip(LINES) {
            let points = || sizes().zip(line.values.iter().copied());
            chart.draw_series(LineSeries::new(points(), colour.stroke_width(2))).map_err(failed)?;
            let dots = points().map(|point| Circle::new(point, 3, colour.filled()));
            chart.draw_series(dots).map_err(failed)?;
        }
        Ok(())
    })
}

/// Plots the requests in the busiest second of each two hours, on a logarithmic axis.
pub(crate) fn month(month: &Month) -> Result<String> {
    let label = "requests at the token endpoint in the busiest second of each two hours";
    let most = month.lines.iter().map(|line| line.busiest_second).max().unwrap_or(1);
    draw(230, label, |area| {
        let days = month.days as f64;
        let mut chart = ChartBuilder::on(area)
            .margin_right(20)
            .margin_top(8)
            .x_label_area_size(22)
            .y_label_area_size(34)
            .build_cartesian_2d(0.0..days, (0.8..f64::from(most) * 1.5).log_scale())
            .map_err(failed)?;
        chart
            .configure_mesh()
            .disable_mesh()
            .axis_style(INK)
            .label_style(("sans-serif", 12).into_font().color(&INK))
            .x_labels(6)
            .y_labels(4)
            .x_label_formatter(&|day| format!("day {day:.0}"))
            .y_label_formatter(&|count| format!("{count:.0}"))
            .draw()
            .map_err(failed)?;
        for (line, colour) in month.lines.iter().zip(MONTH) {
            let points = line.peaks.iter().enumerate();
            let points = points.map(|(at, peak)| (at as f64 / 12.0, f64::from((*peak).max(1))));
            chart.draw_series(LineSeries::new(points, colour.stroke_width(2))).map_err(failed)?;
        }
        Ok(())
    })
}

/// The colours of the month's lines, as in the legend.
pub(crate) const MONTH: [RGBColor; 3] = [LINES[1], LINES[0], LINES[2]];

/// Draws on an area of this height. Returns the SVG in one line.
fn draw(height: u32, label: &str, paint: impl FnOnce(&Area<'_>) -> Result<()>) -> Result<String> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
        paint(&area)?;
        area.present().map_err(failed)?;
    }
    let size = format!("width=\"{WIDTH}\" height=\"{height}\" ");
    let svg = svg.replace(&size, &format!("role=\"img\" aria-label=\"{}\" ", super::escaped(label)));
    let svg = svg.replace("#010101", "currentColor").replace("opacity=\"1\" ", "");
    let lines = svg.lines().filter(|line| !line.starts_with("<?xml")).map(str::trim);
    Ok(lines.collect::<Vec<_>>().concat())
}

/// Writes a text of size 12 below this point, to the right of it or to the left.
fn text(area: &Area<'_>, text: &str, at: (i32, i32), side: HPos) -> Result<()> {
    let style = ("sans-serif", 12).into_font().color(&INK).pos(Pos::new(side, VPos::Top));
    area.draw(&Text::new(text.to_owned(), at, style)).map_err(failed)
}

fn rectangle(area: &Area<'_>, corners: [(i32, i32); 2], colour: RGBColor) -> Result<()> {
    area.draw(&Rectangle::new(corners, colour.filled())).map_err(failed)
}

fn failed(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("cannot draw: {error}")
}
