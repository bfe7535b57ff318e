//! Force: one prediction as the balance of what raises and what lowers it, on one line, with a list of each side.

use super::feature::{Contribution, Steps, largest};
use super::waterfall::arrow;
use crate::axis::Axis;
use crate::ink::Ink;
use crate::number::signed;
use crate::page::Page;
use crate::scale::{Format, Scale, extent, padded};
use crate::scene::{Anchor, Label, Mark, Rect, Shape};
use crate::text;
use crate::words::{self, Word};

/// Lays it out below what is on the page.
pub(super) fn draw(row: &Steps, page: &mut Page) {
    let (all, left_out) = largest(&row.contributions, row.rows_max, page.language);
    if left_out > 0 {
        page.notes.push(words::left_out(left_out, page.language));
    }
    let (raise, lower): (Vec<_>, Vec<_>) =
        all.into_iter().filter(|one| one.value != 0.0).partition(|one| one.value > 0.0);
    let sum = |side: &[Contribution]| side.iter().map(|one| one.value).sum::<f64>();
    let prediction = row.base + sum(&raise) + sum(&lower);
    let ends = [prediction - sum(&raise), prediction - sum(&lower), row.base];
    let Some(found) = extent(ends).filter(|_| prediction.is_finite()) else {
        page.nothing();
        return;
    };
    let values = padded(Some(found), 0.02);
    let scale = Scale::new(values, (page.left, page.right.floor()));
    pointer(page, scale, Word::Prediction, prediction, Ink::Text);
    pointer(page, scale, Word::BaseValue, row.base, Ink::Muted);
    let thickness = (page.em * 2.4).round();
    let top = (page.y + page.em * 0.5).round();
    let bottom = top + thickness;
    for side in [&raise, &lower] {
        let mut end = prediction;
        for one in side {
            let start = end - one.value;
            segment(page, scale, (start, end), one, top, thickness);
            end = start;
        }
    }
    for (value, to) in [(prediction, bottom), (row.base, top)] {
        let at = scale.at(value);
        page.scene.mark(Mark::new(Shape::Hair((at, top - page.em * 0.5), (at, to)), Ink::Text));
    }
    let plot = Rect::between((page.left, top), (page.right.floor(), bottom));
    page.x_axis(scale, Axis { label: &row.axis, values, format: Format::Number }, plot, false);
    lists(page, &raise, &lower);
}

/// A number above the line, over its place.
fn pointer(page: &mut Page, scale: Scale, word: Word, value: f64, ink: Ink) {
    let size = page.em;
    page.y += size * 1.2;
    let text = words::with_number(word, value, page.language);
    let width = text::width(&text, size, true);
    let x = (scale.at(value) - width / 2.0).min(page.right - width).max(page.left);
    let mut label =
        Label::new(&text, (x, page.y.round()), Anchor::Start, size, ink).within(page.width() / 1.2);
    label.bold = ink == Ink::Text;
    page.scene.label(label);
    page.y += size * 0.3;
}

/// The arrow of one feature, with its number where there is room.
fn segment(
    page: &mut Page,
    scale: Scale,
    (start, end): (f64, f64),
    one: &Contribution,
    top: f64,
    thickness: f64,
) {
    let (from, to) = (scale.at(start), scale.at(end));
    let mark = arrow(from, to, top, thickness, Ink::effect(one.value)).tip(one.tip());
    page.scene.mark(mark);
    // A seam between neighbours.
    let tip = (thickness * 0.3).min((to - from).abs()) * (to - from).signum();
    let seam = vec![(to - tip, top), (to, top + thickness / 2.0), (to - tip, top + thickness)];
    page.scene.mark(Mark::new(Shape::Line(seam), Ink::Surface).stroke(1.5));
    let (size, text) = (page.small(), signed(one.value));
    if text::width(&text, size, false) + thickness * 0.8 < (to - from).abs() {
        let at = (f64::midpoint(from, to), top + thickness / 2.0 + size * 0.35);
        page.scene.label(Label::new(&text, at, Anchor::Middle, size, Ink::Surface).bold());
    }
}

/// Both sides by size, each in a column of its own.
fn lists(page: &mut Page, raise: &[Contribution], lower: &[Contribution]) {
    let size = page.small();
    let gap = size * 1.5;
    let needed = |one: &Contribution| {
        let widths = [one.label(), signed(one.value)].map(|text| text::width(&text, size, false));
        widths[0] + widths[1] + size * 1.5
    };
    let titles = [Word::Raises, Word::Lowers].map(|word| text::width(page.word(word), size, true));
    let column = raise.iter().chain(lower).map(needed).chain(titles).fold(0.0, f64::max);
    let column = column.min((page.width() - gap) / 2.0);
    page.y += size * 0.8;
    let top = page.y;
    let mut lowest = top;
    let sides = [
        (raise, Word::Raises, Ink::Raise, page.left),
        (lower, Word::Lowers, Ink::Lower, page.right - column),
    ];
    for (side, word, ink, x) in sides {
        let mut y = top + size * 1.2;
        let text_ink = if ink == Ink::Raise { Ink::RaiseText } else { Ink::LowerText };
        let title = page.word(word).to_owned();
        page.scene
            .label(Label::new(&title, (x, y.round()), Anchor::Start, size, text_ink).bold().within(column));
        for one in side {
            y += size * 1.5;
            let number = Label::new(&signed(one.value), (x + column, y.round()), Anchor::End, size, text_ink);
            let room = column - number.width() - size;
            let label = Label::new(&one.label(), (x, y.round()), Anchor::Start, size, Ink::Text);
            page.scene.label(label.shown_as(one.label_within(room, size)));
            page.scene.label(number);
        }
        lowest = lowest.max(y);
    }
    page.y = lowest + size * 0.5;
}
