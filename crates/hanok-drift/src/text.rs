//! What texts look like, without a language.

/// Buckets of tokens.
pub(crate) const TOKENS: usize = 64;
/// The longest pattern; what follows is cut.
const PATTERN_MAX: usize = 24;

/// The kinds of the characters, a run of one kind as one: `A` capitals, `a` small letters, `9` digits, `가` letters without case,
/// a space for spaces, punctuation as it is, `?` for the rest. Into `pattern`, which is emptied before.
pub(crate) fn pattern(text: &str, pattern: &mut String) {
    pattern.clear();
    let (mut last, mut count) = ('\0', 0);
    for character in text.chars() {
        let kind = match character {
            _ if character.is_numeric() => '9',
            _ if character.is_uppercase() => 'A',
            _ if character.is_lowercase() => 'a',
            _ if character.is_alphabetic() => '가',
            _ if character.is_whitespace() => ' ',
            _ if character.is_ascii_punctuation() => character,
            _ => '?',
        };
        if kind != last {
            count += 1;
            if count > PATTERN_MAX {
                break;
            }
            pattern.push(kind);
            last = kind;
        }
    }
}

/// The bucket of one pair of neighbouring characters; the text's own hash chooses which, so that rows stay independent and a test of
/// the buckets' counts holds. Works for scripts without spaces too.
pub(crate) fn token(text: &str, hash: u64) -> usize {
    let place = |characters: usize| (hash % characters.max(2).saturating_sub(1) as u64) as usize;
    let (first, second) = if text.is_ascii() {
        let bytes = text.as_bytes();
        let at = place(bytes.len());
        let byte = |at: usize| bytes.get(at).map_or(0, |byte| u64::from(*byte));
        (byte(at), byte(at + 1))
    } else {
        let mut pair = text.chars().skip(place(text.chars().count())).map(u64::from);
        (pair.next().unwrap_or(0), pair.next().unwrap_or(0))
    };
    (mixed(first << 32 | second) % TOKENS as u64) as usize
}

/// The same on every machine and in every version: FNV-1a with the finish of splitmix64.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    let sum = bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3));
    mixed(sum)
}

/// A number whose bits all depend on all bits of another (splitmix64).
pub(crate) fn mixed(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern_of(text: &str) -> String {
        let mut out = "before".to_owned();
        pattern(text, &mut out);
        out
    }

    #[test]
    fn patterns_are_runs_of_kinds() {
        for (text, expected) in [
            ("", ""),
            ("AB-1234", "A-9"),
            ("Jane Doe", "Aa Aa"),
            ("서울 강남구 12", "가 가 9"),
            ("a@b.kr", "a@a.a"),
            ("\0\u{1}", "?"),
        ] {
            assert_eq!(pattern_of(text), expected, "{text}");
        }
        assert_eq!(pattern_of(&"a1".repeat(100)).len(), PATTERN_MAX);
    }

    #[test]
    fn a_token_is_a_pair_of_neighbours() {
        let neighbours = |text: &str| {
            let characters: Vec<char> = text.chars().collect();
            characters.windows(2).map(|pair| token(&pair.iter().collect::<String>(), 0)).collect::<Vec<_>>()
        };
        for text in ["ab", "hello world", "대한민국", "x1y2z3"] {
            assert!(neighbours(text).contains(&token(text, hash(text.as_bytes()))), "{text}");
        }
        assert!(token("", 5) < TOKENS && token("가", 5) < TOKENS);
    }
}
