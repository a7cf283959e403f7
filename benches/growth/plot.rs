//! Draws lines of a table as SVG, in colours that can be read on white and on black.

use crate::sheet::{Sheet, with_commas};
use std::fmt::Write as _;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 78.0;
const RIGHT: f64 = 40.0;
const TOP: f64 = 70.0;
const BOTTOM: f64 = 52.0;
/// Of text and axes.
const INK: &str = "#7d858d";
/// Of the lines, each with dashes of its own.
const STYLES: [(&str, &str); 3] = [("#3987e5", ""), ("#d95926", "7 4"), ("#199e70", "2 4")];
/// Up to so many points of a line are marked.
const MARKED: usize = 20;
const TICKS: f64 = 6.0;

/// How numbers are laid out along an axis.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Scale {
    Linear,
    Log,
}

#[derive(Clone, Copy)]
pub(super) struct Axis {
    /// What is counted, and in which unit.
    pub(super) label: &'static str,
    pub(super) scale: Scale,
}

/// Columns of a table against its first one.
pub(super) struct Plot {
    pub(super) file: &'static str,
    pub(super) sheet: &'static str,
    pub(super) title: &'static str,
    pub(super) x: Axis,
    pub(super) y: Axis,
    /// The columns, and what they are called.
    pub(super) lines: &'static [(usize, &'static str)],
}

/// The numbers that an axis shows.
struct Range {
    scale: Scale,
    from: f64,
    to: f64,
    ticks: Vec<f64>,
}

impl Range {
    /// Round numbers around these, from zero on where that is possible.
    fn around(scale: Scale, numbers: &[f64]) -> Self {
        let numbers = numbers
            .iter()
            .copied()
            .filter(|number| scale == Scale::Linear || *number > 0.0);
        let (least, most) = numbers.fold((f64::MAX, f64::MIN_POSITIVE), |(least, most), number| {
            (least.min(number), most.max(number))
        });
        match scale {
            Scale::Linear => {
                let step = round_step(most / TICKS);
                let to = (most / step).ceil() * step;
                Self {
                    scale,
                    from: 0.0,
                    to,
                    ticks: series(0.0, to * 1.001, |tick| tick + step),
                }
            }
            Scale::Log => {
                let from = 10_f64.powf(least.min(most).log10().floor());
                let to = 10_f64.powf(most.log10().ceil()).max(from * 10.0);
                Self {
                    scale,
                    from,
                    to,
                    ticks: series(from, to * 1.001, |tick| tick * 10.0),
                }
            }
        }
    }

    /// Where a number stands, from 0 to 1.
    fn place(&self, number: f64) -> f64 {
        match self.scale {
            Scale::Linear => (number - self.from) / (self.to - self.from),
            Scale::Log => (number / self.from).log10() / (self.to / self.from).log10(),
        }
    }
}

fn series(first: f64, last: f64, next: impl Fn(f64) -> f64) -> Vec<f64> {
    std::iter::successors(Some(first), |tick| Some(next(*tick)))
        .take_while(|tick| *tick <= last)
        .collect()
}

/// 1, 2 or 5 times a power of ten, and not less than this.
fn round_step(least: f64) -> f64 {
    let power = 10_f64.powf(least.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|times| times * power);
    let fitting = steps.into_iter().find(|step| *step >= least * 0.999);
    fitting.unwrap_or(power * 10.0)
}

fn label(number: f64) -> String {
    let text = format!("{number:.3}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    with_commas(text)
}

impl Plot {
    pub(super) fn draw(&self, sheet: &Sheet) -> String {
        let lines: Vec<Vec<(f64, f64)>> = self
            .lines
            .iter()
            .map(|(column, _)| points(sheet, *column))
            .collect();
        let all = || lines.iter().flatten();
        let x = Range::around(self.x.scale, &all().map(|it| it.0).collect::<Vec<_>>());
        let y = Range::around(self.y.scale, &all().map(|it| it.1).collect::<Vec<_>>());
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
             font-family=\"-apple-system, 'Segoe UI', Helvetica, Arial, sans-serif\" font-size=\"13\" fill=\"{INK}\">\n\
             <title>{}</title>\n<text x=\"{LEFT}\" y=\"22\" font-size=\"16\" font-weight=\"600\">{}</text>\n",
            self.title, self.title
        );
        self.axes(&mut svg, &x, &y);
        for ((line, (_, name)), (place, style)) in
            lines.iter().zip(self.lines).zip((0_u8..).zip(STYLES))
        {
            legend(&mut svg, LEFT + 230.0 * f64::from(place), name, style);
            curve(&mut svg, line, &x, &y, style);
        }
        svg + "</svg>\n"
    }

    fn axes(&self, svg: &mut String, x: &Range, y: &Range) {
        let bottom = HEIGHT - BOTTOM;
        for tick in &y.ticks {
            let at = down(y, *tick);
            let _always = writeln!(
                svg,
                "<line x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{at:.1}\" y2=\"{at:.1}\" stroke=\"{INK}\" stroke-opacity=\"0.28\"/>\n\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                WIDTH - RIGHT,
                LEFT - 8.0,
                at + 4.5,
                label(*tick)
            );
        }
        for tick in &x.ticks {
            let at = across(x, *tick);
            let _always = writeln!(
                svg,
                "<line x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{bottom}\" y2=\"{:.1}\" stroke=\"{INK}\"/>\n\
                 <text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                bottom + 5.0,
                bottom + 20.0,
                label(*tick)
            );
        }
        let middle = f64::midpoint(LEFT, WIDTH - RIGHT);
        let half = f64::midpoint(TOP, bottom);
        let _always = writeln!(
            svg,
            "<line x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{bottom}\" y2=\"{bottom}\" stroke=\"{INK}\"/>\n\
             <text x=\"{middle:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>\n\
             <text transform=\"translate(16 {half:.1}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
            WIDTH - RIGHT,
            HEIGHT - 12.0,
            self.x.label,
            self.y.label
        );
    }
}

/// The rows that have a number in this column.
fn points(sheet: &Sheet, column: usize) -> Vec<(f64, f64)> {
    let point = |row: &Vec<String>| {
        let x = row.first()?.parse().ok()?;
        Some((x, row.get(column)?.parse().ok()?))
    };
    sheet.rows.iter().filter_map(point).collect()
}

fn across(range: &Range, number: f64) -> f64 {
    LEFT + range.place(number) * (WIDTH - LEFT - RIGHT)
}

fn down(range: &Range, number: f64) -> f64 {
    let bottom = HEIGHT - BOTTOM;
    bottom - range.place(number) * (bottom - TOP)
}

fn legend(svg: &mut String, at: f64, name: &str, (colour, dashes): (&str, &str)) {
    let _always = writeln!(
        svg,
        "<line x1=\"{at:.1}\" x2=\"{:.1}\" y1=\"46\" y2=\"46\" stroke=\"{colour}\" stroke-width=\"2.5\" stroke-dasharray=\"{dashes}\"/>\n\
         <text x=\"{:.1}\" y=\"50.5\">{name}</text>",
        at + 30.0,
        at + 38.0
    );
}

fn curve(
    svg: &mut String,
    line: &[(f64, f64)],
    x: &Range,
    y: &Range,
    (colour, dashes): (&str, &str),
) {
    let is_shown =
        |point: &&(f64, f64)| x.scale == Scale::Linear && y.scale == Scale::Linear || point.0 > 0.0;
    let places: Vec<(f64, f64)> = line
        .iter()
        .filter(is_shown)
        .map(|point| (across(x, point.0), down(y, point.1)))
        .collect();
    let path: Vec<String> = places
        .iter()
        .map(|(x, y)| format!("{x:.1},{y:.1}"))
        .collect();
    let _always = writeln!(
        svg,
        "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2.5\" stroke-dasharray=\"{dashes}\"/>",
        path.join(" ")
    );
    if places.len() <= MARKED {
        for (x, y) in places {
            let _always = writeln!(
                svg,
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\" fill=\"{colour}\"/>"
            );
        }
    }
}
