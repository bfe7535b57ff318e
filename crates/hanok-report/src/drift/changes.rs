//! What changed in a column, in words.

use hanok_charts::number;
use hanok_drift::{Aspect, Column, Kind, Profile, Shape, Verdict, What};

use crate::effects::kind;
use crate::figures::{self, share};
use crate::markup::{name, text};
use crate::words::{Word, Words};

/// Seconds.
const DAY: f64 = 86_400.0;
/// Names that a sentence lists.
const LISTED: usize = 3;

/// HTML: what the aspect that decides has seen, e.g. `mean 12.6 → 21.7`. Empty when there is nothing to say beyond the effect.
pub(super) fn sentence(column: &Column, words: Words) -> String {
    if column.kinds[0] != column.kinds[1] {
        let [before, after] = column.kinds.map(|of| words.of(kind(of)));
        return arrow(before, after);
    }
    let Some(aspect) = column.worst() else { return words.of(Word::NoEffects).to_owned() };
    if aspect.verdict == Verdict::Undecided {
        let needed = number(aspect.effect.rows_needed);
        return words.choose(
            format!("Too few rows to tell: {needed} are needed on each side."),
            format!("판단에 필요한 행이 부족합니다: 각 쪽에 {needed}행 필요."),
        );
    }
    match aspect.what {
        What::Missing => {
            let [before, after] = column.profiles.each_ref().map(Profile::missing_rate);
            format!("{} {}", words.of(Word::Missing), arrow(&share(before), &share(after)))
        }
        What::Range => outside(column, aspect, words),
        What::Values if column.kinds[0] == Kind::Numbers => moments(column, words, ""),
        What::Values => categories(column, words),
        What::Length => moments(column, words, words.of(Word::Length)),
        What::Pattern if has_patterns(column) => categories(column, words),
        // Their shapes are not kept.
        what if aspect.verdict == Verdict::Drifted => words.of(crate::effects::what(what)).to_owned(),
        _ => String::new(),
    }
}

/// Whether the shape is that of a text's patterns.
pub(super) fn has_patterns(column: &Column) -> bool {
    column.kinds[0] == Kind::Texts && has(column, What::Pattern) && !has(column, What::Values)
}

pub(super) fn has(column: &Column, what: What) -> bool {
    column.aspects.iter().any(|aspect| aspect.what == what)
}

fn arrow(before: &str, after: &str) -> String {
    format!("<b>{before} → {after}</b>")
}

fn outside(column: &Column, aspect: &Aspect, words: Words) -> String {
    let part = format!("<b>{}</b>", share(aspect.effect.value));
    let Some([low, high]) = column.profiles[0].range else { return part };
    let is_clock = is_clock(column);
    let [low, high] = [low, high].map(|value| figures::value(value, column.kinds[0], is_clock));
    words.choose(
        format!("{part} beyond the reference’s range of {low} to {high}"),
        format!("기준 범위 {low} ~ {high} 밖의 값 {part}"),
    )
}

/// Mean or spread, whichever moved more.
fn moments(column: &Column, words: Words, of: &str) -> String {
    let [before, after] = &column.profiles;
    let (Some(means), Some(deviations)) =
        (before.mean.zip(after.mean), before.deviation.zip(after.deviation))
    else {
        return String::new();
    };
    // A mean is what one thinks of first.
    let is_mean = 2.0 * (means.1 - means.0).abs() >= (deviations.1 - deviations.0).abs();
    let (word, pair) = if is_mean { (Word::Mean, means) } else { (Word::Deviation, deviations) };
    let of = if of.is_empty() { String::new() } else { format!("{of}, ") };
    format!("{of}{} {}", words.of(word), arrow(&number(pair.0), &number(pair.1)))
}

/// A category as the reader knows it.
pub(super) fn label(column: &Column, label: &str, words: Words) -> String {
    match (column.kinds[0], label) {
        (Kind::Booleans, "true") => words.choose("true", "참").to_owned(),
        (Kind::Booleans, "false") => words.choose("false", "거짓").to_owned(),
        _ => label.to_owned(),
    }
}

/// New or vanished categories where they matter, else the category that moved the most.
fn categories(column: &Column, words: Words) -> String {
    let moved = match &column.shape {
        Some(Shape::Shares { labels, shares, .. }) => (0..labels.len())
            .map(|at| (labels[at].as_str(), shares[0][at], shares[1][at]))
            .max_by(|a, b| (a.1 - a.2).abs().total_cmp(&(b.1 - b.2).abs())),
        _ => None,
    };
    let step = moved.map_or(0.0, |(_, before, after)| (before - after).abs());
    if let Some(found) = &column.categories {
        let listed = |names: &[(String, u64)], count: usize| {
            let shown: Vec<_> = names.iter().take(LISTED).map(|(label, _)| name(label)).collect();
            let more = if count > shown.len() { ", …" } else { "" };
            format!("{}{more}", shown.join(", "))
        };
        if found.new_share > step && found.new_share >= found.vanished_share {
            let names = listed(&found.new, found.new_count);
            return format!("{} {names}: <b>{}</b>", words.of(Word::NewOnes), share(found.new_share));
        }
        if found.vanished_share > step {
            let names = listed(&found.vanished, found.vanished_count);
            return format!(
                "{} {names}: <b>{}</b>",
                words.of(Word::VanishedOnes),
                share(found.vanished_share)
            );
        }
    }
    match moved {
        Some((of, before, after)) => {
            format!("{}: {}", name(&label(column, of, words)), arrow(&share(before), &share(after)))
        }
        None => String::new(),
    }
}

/// Whether times are of the day, not of the world.
pub(super) fn is_clock(column: &Column) -> bool {
    let name = column.types[0].to_string();
    name.starts_with("Time32") || name.starts_with("Time64")
}

/// A range as `low – high`.
pub(super) fn range(column: &Column, side: usize) -> Option<String> {
    let is_clock = is_clock(column);
    let ends = column.profiles[side].range?;
    let is_days = !is_clock && ends[1] - ends[0] > 2.0 * DAY;
    let [low, high] = ends.map(|value| {
        let said = figures::value(value, kind_of_range(column), is_clock);
        // Of some days the hours do not matter.
        if is_days && column.kinds[0] == Kind::Times {
            said.split(' ').next().unwrap_or_default().to_owned()
        } else {
            said
        }
    });
    Some(text(&format!("{low} – {high}")))
}

/// A mean, of times a moment.
pub(super) fn mean(column: &Column, side: usize) -> Option<String> {
    let mean = column.profiles[side].mean?;
    Some(figures::value(mean, kind_of_range(column), is_clock(column)))
}

/// A standard deviation, of times in days or hours.
pub(super) fn deviation(column: &Column, side: usize, words: Words) -> Option<String> {
    let deviation = column.profiles[side].deviation?;
    Some(match column.kinds[0] {
        Kind::Times if is_clock(column) || deviation < DAY => {
            format!("{} {}", number(deviation / 3600.0), words.choose("h", "시간"))
        }
        Kind::Times => format!("{} {}", number(deviation / DAY), words.choose("days", "일")),
        _ => number(deviation),
    })
}

/// Ranges of texts and lists are those of their lengths.
fn kind_of_range(column: &Column) -> Kind {
    if column.kinds[0] == Kind::Times { Kind::Times } else { Kind::Numbers }
}
