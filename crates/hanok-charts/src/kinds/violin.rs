//! Violin: the distribution of each feature's contributions as a shape, with its quartiles.

use super::beeswarm::{Field, explain, field};
use super::feature::{Contributions, Feature, ranked, rows_of};
use crate::error::Result;
use crate::ink::Ink;
use crate::number::signed;
use crate::page::Page;
use crate::reduce::{density, quantile, shares, sorted};
use crate::scene::{Mark, Point, Rect, Shape};
use crate::words::Word;

/// Places across the field at which a shape is known.
const PLACES: usize = 121;

/// Lays it out below what is on the page.
pub(super) fn draw(all: &Contributions, page: &mut Page) -> Result<()> {
    let rows = rows_of(&all.features)?;
    let shown = ranked(&all.features, all.rows_max);
    let Some(field) = field(page, &all.axis, &shown, page.em * 2.6) else { return Ok(()) };
    for (line, (feature, _)) in shown.iter().enumerate() {
        draw_line(page, &field, line, feature);
    }
    page.sampled(rows, rows);
    explain(page, &all.features, &shown);
    Ok(())
}

fn draw_line(page: &mut Page, field: &Field, line: usize, feature: &Feature) {
    let sorted = sorted(&feature.values);
    let (Some(low), Some(median), Some(high)) =
        (quantile(&sorted, 0.25), quantile(&sorted, 0.5), quantile(&sorted, 0.75))
    else {
        return;
    };
    let (from, to) = field.scale.values;
    let heights = density(&sorted, from, to, PLACES);
    let half = field.rows.height * 0.44;
    let middle = field.rows.middle(line);
    let (colours, counts) = colours(feature, from, to);
    let step = (field.scale.pixels.1 - field.scale.pixels.0) / (PLACES - 1) as f64;
    let at = |place: usize| field.scale.pixels.0 + step * place as f64;
    // A little more than nothing wherever there are values, so that single rows can be seen.
    let half_at = |place: usize| {
        let seen = if counts[place] > 0.0 { 1.0 } else { 0.0 };
        let height = heights[place] * half;
        if height < 0.2 { seen } else { height.max(1.0) }
    };
    let ink = |place: usize| {
        if feature.inputs.is_empty() { Ink::Series(0) } else { Ink::ramp(Ink::Value, colours[place]) }
    };
    let mut place = 0;
    while place + 1 < PLACES {
        if half_at(place) == 0.0 && half_at(place + 1) == 0.0 {
            place += 1;
            continue;
        }
        let mut end = place + 1;
        while end + 1 < PLACES && ink(end) == ink(place) && half_at(end) > 0.0 {
            end += 1;
        }
        // One place further than its colour goes: no seam shows below the next part.
        let further = if end + 1 < PLACES && half_at(end + 1) > 0.0 { end + 1 } else { end };
        let upper = (place..=further).map(|p| (at(p), middle - half_at(p)));
        let lower = (place..=further).rev().map(|p| (at(p), middle + half_at(p)));
        let outline: Vec<Point> = upper.chain(lower).collect();
        page.scene.mark(Mark::new(Shape::Area(outline), ink(place)));
        place = end;
    }
    let (x, width) = (field.scale.at(low), field.scale.at(high) - field.scale.at(low));
    let quartiles = Rect { x, y: middle - 1.5, w: width.max(1.0), h: 3.0 };
    page.scene.mark(Mark::new(Shape::Rect(quartiles.crisp()), Ink::Text));
    page.scene
        .mark(Mark::new(Shape::Dots(page.em * 0.26, vec![(field.scale.at(median), middle)]), Ink::Text));
    page.scene
        .mark(Mark::new(Shape::Dots(page.em * 0.15, vec![(field.scale.at(median), middle)]), Ink::Surface));
    let tip = format!(
        "{}: {} {} (25%: {}, 75%: {})",
        feature.name,
        page.word(Word::Median),
        signed(median),
        signed(low),
        signed(high)
    );
    let room = field.rows.room(line).crisp();
    page.scene.mark(Mark::new(Shape::Rect(room), Ink::Surface).opacity(0.0).tip(tip));
}

/// The mean colour of the values around each place, and how many there are; places without any take the last before.
fn colours(feature: &Feature, from: f64, to: f64) -> (Vec<f64>, Vec<f64>) {
    let (mut sums, mut seen, mut counts) = (vec![0.0; PLACES], vec![0.0; PLACES], vec![0.0; PLACES]);
    let shares = shares(&feature.inputs);
    for (index, value) in feature.values.iter().enumerate().filter(|(_, value)| value.is_finite()) {
        let place = (((value - from) / (to - from)).clamp(0.0, 1.0) * (PLACES - 1) as f64).round() as usize;
        counts[place] += 1.0;
        if let Some(share) = shares.get(index).filter(|share| !share.is_nan()) {
            sums[place] += share;
            seen[place] += 1.0;
        }
    }
    let mut last = f64::NAN;
    let mut mean = |place: usize| {
        let range = place.saturating_sub(1)..(place + 2).min(PLACES);
        let n: f64 = seen[range.clone()].iter().sum();
        if n > 0.0 {
            last = sums[range].iter().sum::<f64>() / n;
        }
        last
    };
    let mut means: Vec<f64> = (0..PLACES).map(&mut mean).collect();
    let first = means.iter().copied().find(|mean| !mean.is_nan()).unwrap_or(f64::NAN);
    means.iter_mut().take_while(|mean| mean.is_nan()).for_each(|mean| *mean = first);
    (means, counts)
}
