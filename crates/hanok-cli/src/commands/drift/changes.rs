//! What changed in a column, in words.

use hanok_drift::{Aspect, Column, Kind, Profile, Shape, Verdict, What};

use crate::render::fraction;

/// Categories that are named.
const NAMED_MAX: usize = 3;
/// Characters of a category.
const NAME_CHARS: usize = 24;

/// What its aspects that decide have seen, the worst first: `median 12 → 19; missing 1 % → 8 %`.
pub(super) fn of(column: &Column) -> String {
    if column.kinds[0] != column.kinds[1] {
        let [before, after] = column.kinds.map(kind);
        return format!("{before} → {after}");
    }
    let Some(worst) = column.worst() else { return "nothing to compare".to_owned() };
    let mut seen: Vec<&Aspect> = vec![worst];
    if worst.verdict == Verdict::Drifted {
        let other = |aspect: &&Aspect| aspect.verdict == Verdict::Drifted && aspect.what != worst.what;
        seen.extend(column.aspects.iter().find(other));
    }
    let words: Vec<String> =
        seen.into_iter().map(|aspect| aspect_of(column, aspect)).filter(|text| !text.is_empty()).collect();
    words.join("; ")
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Numbers => "numbers",
        Kind::Times => "times",
        Kind::Booleans => "booleans",
        Kind::Texts => "texts",
        Kind::Lists => "lists",
        Kind::Nothing => "no values",
    }
}

fn aspect_of(column: &Column, aspect: &Aspect) -> String {
    match aspect.what {
        What::Missing => {
            let [before, after] = column.profiles.each_ref().map(Profile::missing_rate);
            format!("missing {} → {}", percent(before), percent(after))
        }
        What::Values if column.kinds[0] == Kind::Numbers => moved(column, ""),
        What::Values => categories(column),
        What::Range => {
            let share = percent(aspect.effect.value);
            match column.profiles[0].range {
                Some([low, high]) if column.kinds[0] == Kind::Numbers => {
                    format!("{share} beyond {} to {}", fraction(low), fraction(high))
                }
                _ => format!("{share} out of range"),
            }
        }
        What::Length => moved(column, "length "),
        What::Pattern => "other kinds of characters".to_owned(),
        What::Token => "other pairs of characters".to_owned(),
        What::Element => "other elements".to_owned(),
        What::Direction => "direction of the vectors".to_owned(),
        What::Distance => "distance of the vectors from their centre".to_owned(),
        What::Hour => "other hours of the day".to_owned(),
        What::Weekday => "other days of the week".to_owned(),
    }
}

/// Of median, mean and deviation the first that moved.
fn moved(column: &Column, of: &str) -> String {
    let [before, after] = &column.profiles;
    let median = |profile: &Profile| profile.quantiles.map(|quantiles| quantiles[2]);
    let pairs = [
        ("median", median(before).zip(median(after))),
        ("mean", before.mean.zip(after.mean)),
        ("deviation", before.deviation.zip(after.deviation)),
    ];
    let is_other = |(_, pair): &(&str, Option<(f64, f64)>)| {
        pair.is_some_and(|(before, after)| short(before) != short(after))
    };
    let found = pairs.into_iter().find(is_other);
    found.map_or_else(String::new, |(name, pair)| {
        let (before, after) = pair.unwrap_or_default();
        format!("{of}{name} {} → {}", short(before), short(after))
    })
}

/// New or vanished categories where they say more than the one that moved the most.
fn categories(column: &Column) -> String {
    let most = match &column.shape {
        Some(Shape::Shares { labels, shares, .. }) => (0..labels.len())
            .map(|at| (labels[at].as_str(), shares[0][at], shares[1][at]))
            .max_by(|a, b| (a.1 - a.2).abs().total_cmp(&(b.1 - b.2).abs())),
        _ => None,
    };
    let step = most.map_or(0.0, |(_, before, after)| (before - after).abs());
    if let Some(found) = &column.categories {
        let list = |names: &[(String, u64)], count: usize| {
            let shown: Vec<String> = names.iter().take(NAMED_MAX).map(|(name, _)| cut(name)).collect();
            let more = if count > shown.len() {
                format!(" and {} more", count - shown.len())
            } else {
                String::new()
            };
            format!("{}{more}", shown.join(", "))
        };
        if found.new_share >= step && found.new_share >= found.vanished_share && found.new_count > 0 {
            return format!("new: {} ({})", list(&found.new, found.new_count), percent(found.new_share));
        }
        if found.vanished_share >= step && found.vanished_count > 0 {
            let names = list(&found.vanished, found.vanished_count);
            return format!("gone: {names} ({})", percent(found.vanished_share));
        }
    }
    most.map_or_else(String::new, |(name, before, after)| {
        format!("{} {} → {}", cut(name), percent(before), percent(after))
    })
}

/// A share: `8 %`, `0.4 %`.
pub(in super::super) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    match percent.abs() {
        0.0 => "0 %".to_owned(),
        small if small < 0.1 => "< 0.1 %".to_owned(),
        some if some < 10.0 => format!("{percent:.1} %"),
        _ => format!("{percent:.0} %"),
    }
}

/// A number to four digits.
pub(in super::super) fn short(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return value.to_string();
    }
    let magnitude = value.abs().log10().floor() as i32;
    if !(-4..9).contains(&magnitude) {
        return format!("{value:.3e}");
    }
    let digits = format!("{value:.*}", usize::try_from(3 - magnitude).unwrap_or(0));
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.').to_owned() } else { digits }
}

/// A name that does not fill the line, without what would move the cursor.
fn cut(name: &str) -> String {
    let mut text: String =
        name.chars().take(NAME_CHARS).map(|letter| if letter.is_control() { '␀' } else { letter }).collect();
    if name.chars().count() > NAME_CHARS {
        text.push('…');
    }
    if text.is_empty() { "\"\"".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        for (value, text) in [
            (12.0, "12"),
            (0.012_345, "0.01235"),
            (-3.456_789, "-3.457"),
            (123_456.7, "123457"),
            (1e12, "1.000e12"),
            (f64::INFINITY, "inf"),
        ] {
            assert_eq!(short(value), text);
        }
        assert_eq!([0.0, 0.0004, 0.0123, 0.5].map(percent), ["0 %", "< 0.1 %", "1.2 %", "50 %"]);
        assert_eq!(cut("a\0b"), "a␀b");
        assert_eq!(cut(""), "\"\"");
    }
}
