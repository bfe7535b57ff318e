//! How wide text is, and how it is made to fit: cleaned, wrapped, shortened in the middle.
//!
//! No font is asked. Widths are those of the widest of the usual sans-serif fonts (for each letter the larger of Noto
//! Sans and DejaVu Sans; one em for Hangul, Han and whatever else is not known), so that a reader's font may leave a
//! little more room than planned, but does not run into a neighbour.

/// Advance widths of U+0020 to U+007E in thousandths of an em.
#[rustfmt::skip]
const ASCII: [u16; 95] = [
    318, 401, 460, 838, 636, 950, 780, 275, 390, 390, 551, 838, 318, 372, 318, 372, 636, 636, 636, 636, 636, 636, 636, 636,
    636, 636, 337, 337, 838, 838, 838, 531, 1000, 684, 686, 698, 770, 632, 575, 775, 752, 339, 295, 656, 557, 907, 760, 787,
    605, 787, 695, 635, 611, 732, 684, 989, 685, 611, 685, 390, 372, 390, 838, 500, 581, 613, 635, 550, 635, 615, 352, 635,
    634, 278, 278, 579, 278, 974, 634, 612, 635, 635, 413, 521, 392, 634, 592, 818, 592, 592, 525, 636, 551, 636, 838,
];

/// Bold text is at most this much wider.
const BOLD: f64 = 1.16;

/// What stands for the part of a text that was left out.
const ELLIPSIS: char = '…';

/// No text is longer, before anything is measured.
const CHARS_MAX: usize = 2000;

/// Width of a text in pixels at a font size, in a regular or bold weight.
pub(crate) fn width(text: &str, size: f64, bold: bool) -> f64 {
    let thousandths: u32 = text.chars().map(|c| u32::from(advance(c))).sum();
    f64::from(thousandths) / 1000.0 * size * if bold { BOLD } else { 1.0 }
}

/// The advance of one character in thousandths of an em.
fn advance(c: char) -> u16 {
    match u32::from(c) {
        code @ 0x20..=0x7e => ASCII[code as usize - 0x20],
        // Combining marks, vowels and finals of decomposed Hangul, joiners, selectors.
        0x300..=0x36f | 0x1160..=0x11ff | 0xd7b0..=0xd7ff | 0x200b..=0x200d | 0xfe00..=0xfe0f => 0,
        0xa9 | 0xae | 0xc6 | 0xe6 | 0x152 | 0x153 | 0x174 => 1070,
        0xa0 => 318,
        0x180..=0x24f | 0x1f00..=0x1fff => 1350,
        0x2a5 | 0x3e2 | 0x3e3 | 0x500..=0x52f | 0x2116 => 1100,
        0xa1..=0x17f => 860,
        0x370..=0x3ff => 934,
        0x400..=0x4ff => 1220,
        0x2010..=0x2013 | 0x2018..=0x201e | 0x2022 => 640,
        0x2030 | 0x2031 => 1735,
        0x2070..=0x209f => 625,
        0x2212 | 0x2264 | 0x2265 | 0x2248 => 838,
        0x1f000.. => 1400,
        0x2200..=0x22ff => 1430,
        _ => 1000,
    }
}

/// Text that every writer can carry: line ends and tabs as spaces, no control characters, nothing that changes the
/// direction of its surroundings, and no more than is ever shown.
pub(crate) fn clean(text: &str) -> String {
    let kept = text.chars().take(CHARS_MAX).filter_map(|c| match u32::from(c) {
        0x09 | 0x0a | 0x0d | 0x2028 | 0x2029 => Some(' '),
        0x200e | 0x200f | 0x202a..=0x202e | 0x2066..=0x2069 | 0xfeff => None,
        0x00..=0x1f | 0x7f..=0x9f | 0xfdd0..=0xfdef => Some('\u{fffd}'),
        code if code & 0xfffe == 0xfffe => Some('\u{fffd}'),
        _ => Some(c),
    });
    let mut text: String = kept.collect();
    text.truncate(text.trim_end().len());
    text
}

/// The text, or its beginning and end around an ellipsis, no wider than `limit`. Empty when not even the ellipsis fits.
pub(crate) fn shorten(text: &str, limit: f64, size: f64, bold: bool) -> String {
    if width(text, size, bold) <= limit {
        return text.to_owned();
    }
    let room = limit - width("…", size, bold);
    if room < 0.0 {
        return String::new();
    }
    let chars: Vec<char> = text.chars().collect();
    let of = |chars: &[char]| width(&chars.iter().collect::<String>(), size, bold);
    // The end of a name often tells it from its neighbours, its beginning says what it is: three parts to two.
    let mut head = 0;
    while head < chars.len() && of(&chars[..=head]) <= room * 0.6 {
        head += 1;
    }
    let left = room - of(&chars[..head]);
    let mut tail = chars.len();
    while tail > head && of(&chars[tail - 1..]) <= left {
        tail -= 1;
    }
    // A combining mark does not begin the end.
    while tail < chars.len() && advance(chars[tail]) == 0 {
        tail += 1;
    }
    let head: String = chars[..head].iter().collect();
    let tail: String = chars[tail..].iter().collect();
    format!("{}{ELLIPSIS}{}", head.trim_end(), tail.trim_start())
}

/// A text in at most `lines_max` lines no wider than `limit`, and whether all of it is there. Lines end after a space,
/// `_`, `.`, `/`, `-`, `,` or `:`, and anywhere if nothing else helps. (Korean is broken between words, too.)
pub(crate) fn wrap(text: &str, limit: f64, lines_max: usize, size: f64, bold: bool) -> (Vec<String>, bool) {
    let mut lines: Vec<String> = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() && lines.len() < lines_max.max(1) {
        let last = lines.len() + 1 >= lines_max;
        if last || width(rest, size, bold) <= limit {
            let line = shorten(rest, limit, size, bold);
            let whole = line == rest;
            if !line.is_empty() {
                lines.push(line);
            }
            return (lines, whole);
        }
        let end = break_before(rest, limit, size, bold);
        lines.push(rest[..end].trim_end().to_owned());
        rest = rest[end..].trim_start();
    }
    (lines, rest.is_empty())
}

/// Byte position of the best line end of a text that is wider than `limit`; at least one character.
fn break_before(text: &str, limit: f64, size: f64, bold: bool) -> usize {
    let scale = size / 1000.0 * if bold { BOLD } else { 1.0 };
    let (mut wide, mut any, mut good) = (0.0, 0, 0);
    let mut previous = None;
    for (at, c) in text.char_indices() {
        if wide <= limit {
            if advance(c) > 0 {
                any = at;
            }
            if previous.is_some_and(|previous| may_break(previous, c)) {
                good = at;
            }
        }
        wide += f64::from(advance(c)) * scale;
        previous = Some(c);
        if wide > limit && at > 0 {
            break;
        }
    }
    let first = text.char_indices().nth(1).map_or(text.len(), |(at, _)| at);
    // A break that leaves most of the line empty is worse than a break within a word.
    let end = if good * 3 >= any { good } else { any };
    end.max(first)
}

fn may_break(before: char, after: char) -> bool {
    matches!(before, ' ' | '_' | '.' | '/' | '-' | ',' | ':') && after != before && !after.is_ascii_digit()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn hangul_is_one_em_wide_and_bold_is_wider() {
        assert!((width("출발지연", 10.0, false) - 40.0).abs() < 1e-9);
        assert!(width("delay", 10.0, true) > width("delay", 10.0, false));
        // Decomposed syllables take the room of their first letter.
        assert!((width("\u{1112}\u{1161}\u{11ab}", 10.0, false) - 10.0).abs() < 1e-9);
    }

    #[test]
    fn names_are_shortened_in_the_middle() {
        let short = shorten("customer_lifetime_value_last_90_days", 120.0, 12.0, false);
        assert_eq!(short, "customer_…0_days");
        assert_eq!(shorten("short", 120.0, 12.0, false), "short");
        assert_eq!(shorten("wide", 3.0, 12.0, false), "");
    }

    #[test]
    fn lines_end_where_words_do() {
        let (lines, whole) = wrap("customer_lifetime_value_last_90_days", 130.0, 2, 12.0, false);
        assert_eq!((lines.join("|"), whole), ("customer_lifetime_|value_last_90_days".to_owned(), true));
        let (lines, whole) = wrap("최근 석 달 동안의 평균 출발 지연 시간", 120.0, 2, 12.0, false);
        assert_eq!(
            (lines, whole),
            (vec!["최근 석 달 동안의".to_owned(), "평균 출발 지연 시간".to_owned()], true)
        );
        assert_eq!(wrap("", 100.0, 2, 12.0, false), (vec![], true));
    }

    #[test]
    fn what_no_writer_can_carry_is_removed() {
        assert_eq!(clean("a\u{0}b\n\u{202e}c\u{ffff}"), "a\u{fffd}b c\u{fffd}");
        assert!(clean(&"x".repeat(10_000)).len() <= CHARS_MAX);
    }

    proptest! {
        #[test]
        fn nothing_is_wider_than_its_limit(text in "\\PC{0,60}", limit in 0.0..300.0_f64, lines in 1..4_usize) {
            prop_assert!(width(&shorten(&text, limit, 12.0, false), 12.0, false) <= limit + 1e-9);
            let (wrapped, whole) = wrap(&text, limit.max(24.0), lines, 12.0, true);
            prop_assert!(wrapped.len() <= lines);
            for line in &wrapped {
                prop_assert!(width(line, 12.0, true) <= limit.max(24.0) + 1e-9, "{line}");
            }
            if whole {
                let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
                prop_assert_eq!(letters(&wrapped.concat()), letters(&text));
            }
        }
    }
}
