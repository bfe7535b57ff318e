//! Waterfall: from the base value to one prediction, a step a feature.

use super::feature::{Contribution, Steps, largest};
use crate::axis::Axis;
use crate::ink::Ink;
use crate::number::{number, signed};
use crate::page::Page;
use crate::scale::{Format, Scale, extent, padded};
use crate::scene::{Anchor, Label, Mark, Rect, Shape};
use crate::text;
use crate::words::{self, Word};

/// Lays it out below what is on the page.
pub(super) fn draw(row: &Steps, page: &mut Page) {
    let (steps, left_out) = largest(&row.contributions, row.rows_max, page.language);
    if left_out > 0 {
        page.notes.push(words::left_out(left_out, page.language));
    }
    // Where each step ends, from the base on.
    let mut ends = vec![row.base];
    for step in &steps {
        ends.push(ends[ends.len() - 1] + step.value);
    }
    let Some(found) = extent(ends.iter().copied()) else {
        page.nothing();
        return;
    };
    let values = padded(Some(found), 0.0);
    let size = page.small();
    let widths = |up: bool| {
        let of = steps.iter().filter(|step| (step.value >= 0.0) == up);
        of.map(|step| text::width(&signed(step.value), size, false)).fold(size * 1.5, f64::max)
    };
    let (base, prediction) = (row.base, ends[ends.len() - 1]);
    let total_room =
        [base, prediction].map(|value| text::width(&number(value), page.em, true) + page.em * 0.7);
    let before = widths(false) + size * 0.5;
    let after = (widths(true) + size * 0.5).max(total_room[0]).max(total_room[1]);
    let base_name = page.word(Word::BaseValue).to_owned();
    let prediction_name = page.word(Word::Prediction).to_owned();
    let labels: Vec<String> = steps.iter().map(Contribution::label).collect();
    let names = std::iter::once(&base_name).chain(&labels).chain(std::iter::once(&prediction_name));
    let rows = page.rows(names.map(String::as_str), page.em * 2.0, 0.0);
    let plot = rows.plot;
    let scale = Scale::new(values, (plot.x + before, (plot.right() - after).max(plot.x + before + 10.0)));
    page.x_axis(scale, Axis { label: &row.axis, values, format: Format::Number }, plot, true);
    let thickness = (rows.height * 0.6).round();
    total(page, &rows.room(0), scale, base, Ink::Muted);
    for (index, step) in steps.iter().enumerate() {
        let (from, to) = (scale.at(ends[index]), scale.at(ends[index + 1]));
        let y = (rows.middle(index + 1) - thickness / 2.0).round();
        let link = Shape::Hair((from, y - rows.height + thickness), (from, y));
        page.scene.mark(Mark::new(link, Ink::Axis));
        page.scene.mark(arrow(from, to, y, thickness, Ink::effect(step.value)).tip(step.tip()));
        let (x, anchor) =
            if step.value < 0.0 { (to - size * 0.4, Anchor::End) } else { (to + size * 0.4, Anchor::Start) };
        let at = (x, y + thickness / 2.0 + size * 0.35);
        let label = Label::new(&signed(step.value), at, anchor, size, Ink::effect_text(step.value));
        page.label_between(plot.x, label, page.right);
    }
    let last = steps.len() + 1;
    let x = scale.at(prediction);
    let link = Shape::Hair(
        (x, rows.middle(last) - rows.height + thickness / 2.0),
        (x, rows.middle(last) - thickness / 2.0),
    );
    page.scene.mark(Mark::new(link, Ink::Axis));
    total(page, &rows.room(last), scale, prediction, Ink::Text);
}

/// A dot with its number: where the steps begin and where they end.
fn total(page: &mut Page, room: &Rect, scale: Scale, value: f64, ink: Ink) {
    let size = page.em;
    let (x, middle) = (scale.at(value), room.y + room.h / 2.0);
    page.scene.mark(Mark::new(Shape::Dots(size * 0.35, vec![(x, middle)]), ink).tip(number(value)));
    let label =
        Label::new(&number(value), (x + size * 0.6, middle + size * 0.35), Anchor::Start, size, ink).bold();
    page.label_between(room.x, label, page.right);
}

/// A bar with a point at the end that it leads to.
pub(super) fn arrow(from: f64, to: f64, y: f64, thickness: f64, ink: Ink) -> Mark {
    let (from, to) = (from.round(), to.round());
    if (to - from).abs() < 2.0 {
        let rect = Rect { x: from.min(to), y, w: 2.0, h: thickness };
        return Mark::new(Shape::Rect(rect), ink);
    }
    let tip = (thickness * 0.3).min((to - from).abs()) * (to - from).signum();
    let points = vec![
        (from, y),
        (to - tip, y),
        (to, y + thickness / 2.0),
        (to - tip, y + thickness),
        (from, y + thickness),
    ];
    Mark::new(Shape::Area(points), ink)
}
