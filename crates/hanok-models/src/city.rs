//! CityHash64 of version 1.0 (G. Pike and J. Alakuijala, 2011), by which CatBoost knows categories: the low half of the hash of their text.

const K0: u64 = 0xc3a5_c85c_97cb_3127;
const K1: u64 = 0xb492_b66f_be98_f273;
const K2: u64 = 0x9ae1_6a3b_2f90_404f;
const K3: u64 = 0xc949_d7c7_509e_6557;

/// What CatBoost knows a category by.
pub(crate) fn category(text: &[u8]) -> u32 {
    hash(text) as u32
}

fn hash(text: &[u8]) -> u64 {
    match text.len() {
        0..=16 => up_to_16(text),
        17..=32 => up_to_32(text),
        33..=64 => up_to_64(text),
        _ => longer(text),
    }
}

/// The little-endian word at a place; the callers' lengths see to it that there is one.
fn word(text: &[u8], at: usize) -> u64 {
    text.get(at..at + 8).and_then(|bytes| bytes.first_chunk()).map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

fn half(text: &[u8], at: usize) -> u64 {
    let half = text.get(at..at + 4).and_then(|bytes| bytes.first_chunk());
    half.map_or(0, |bytes| u64::from(u32::from_le_bytes(*bytes)))
}

fn fold(value: u64) -> u64 {
    value ^ (value >> 47)
}

/// Two words to one.
fn join(low: u64, high: u64) -> u64 {
    const FACTOR: u64 = 0x9ddf_ea08_eb38_2d69;
    let first = fold((low ^ high).wrapping_mul(FACTOR));
    fold((high ^ first).wrapping_mul(FACTOR)).wrapping_mul(FACTOR)
}

fn up_to_16(text: &[u8]) -> u64 {
    let length = text.len() as u64;
    match text {
        [] => K2,
        [first, ..] if length < 4 => {
            let (middle, last) = (text[text.len() / 2], text[text.len() - 1]);
            let low = u64::from(*first) + (u64::from(middle) << 8);
            let high = length + (u64::from(last) << 2);
            fold(low.wrapping_mul(K2) ^ high.wrapping_mul(K3)).wrapping_mul(K2)
        }
        _ if length <= 8 => join(length + (half(text, 0) << 3), half(text, text.len() - 4)),
        _ => {
            let last = word(text, text.len() - 8);
            join(word(text, 0), last.wrapping_add(length).rotate_right(length as u32)) ^ last
        }
    }
}

fn up_to_32(text: &[u8]) -> u64 {
    let end = text.len();
    let a = word(text, 0).wrapping_mul(K1);
    let b = word(text, 8);
    let c = word(text, end - 8).wrapping_mul(K2);
    let d = word(text, end - 16).wrapping_mul(K0);
    let low = a.wrapping_sub(b).rotate_right(43).wrapping_add(c.rotate_right(30)).wrapping_add(d);
    let high = a.wrapping_add((b ^ K3).rotate_right(20)).wrapping_sub(c).wrapping_add(end as u64);
    join(low, high)
}

fn up_to_64(text: &[u8]) -> u64 {
    let end = text.len();
    // The first and the last 32 bytes, each to two words.
    let part = |start: u64, words: [u64; 3]| {
        let [second, third, fourth] = words;
        let mut sum = start;
        let mut mix = sum.wrapping_add(fourth).rotate_right(52);
        let mut turned = sum.rotate_right(37);
        sum = sum.wrapping_add(second);
        turned = turned.wrapping_add(sum.rotate_right(7));
        sum = sum.wrapping_add(third);
        mix = mix.wrapping_add(sum.rotate_right(31)).wrapping_add(turned);
        (sum.wrapping_add(fourth), mix)
    };
    let start = word(text, end - 16).wrapping_add(end as u64).wrapping_mul(K0).wrapping_add(word(text, 0));
    let (a, b) = part(start, [word(text, 8), word(text, 16), word(text, 24)]);
    let start = word(text, 16).wrapping_add(word(text, end - 32));
    let (c, d) = part(start, [word(text, end - 24), word(text, end - 16), word(text, end - 8)]);
    let mixed = fold(a.wrapping_add(d).wrapping_mul(K2).wrapping_add(c.wrapping_add(b).wrapping_mul(K0)));
    fold(mixed.wrapping_mul(K0).wrapping_add(b)).wrapping_mul(K2)
}

/// 32 bytes and two words to two words.
fn quick(text: &[u8], at: usize, a: u64, b: u64) -> (u64, u64) {
    let first = a.wrapping_add(word(text, at));
    let last = word(text, at + 24);
    let mixed = b.wrapping_add(first).wrapping_add(last).rotate_right(21);
    let sum = first.wrapping_add(word(text, at + 8)).wrapping_add(word(text, at + 16));
    (sum.wrapping_add(last), mixed.wrapping_add(sum.rotate_right(44)).wrapping_add(first))
}

#[expect(clippy::many_single_char_names, reason = "these are the names that the algorithm is known by")]
fn longer(text: &[u8]) -> u64 {
    let end = text.len();
    let mut x = word(text, 0);
    let mut y = word(text, end - 16) ^ K1;
    let mut z = word(text, end - 56) ^ K0;
    let mut v = quick(text, end - 64, end as u64, y);
    let mut w = quick(text, end - 32, (end as u64).wrapping_mul(K1), K0);
    z = z.wrapping_add(fold(v.1).wrapping_mul(K1));
    x = z.wrapping_add(x).rotate_right(39).wrapping_mul(K1);
    y = y.rotate_right(33).wrapping_mul(K1);
    for at in (0..(end - 1) / 64 * 64).step_by(64) {
        x = x.wrapping_add(y).wrapping_add(v.0).wrapping_add(word(text, at + 16));
        x = x.rotate_right(37).wrapping_mul(K1) ^ w.1;
        y = y.wrapping_add(v.1).wrapping_add(word(text, at + 48));
        y = y.rotate_right(42).wrapping_mul(K1) ^ v.0;
        z = (z ^ w.0).rotate_right(33);
        v = quick(text, at, v.1.wrapping_mul(K1), x.wrapping_add(w.0));
        w = quick(text, at + 32, z.wrapping_add(w.1), y);
        (x, z) = (z, x);
    }
    let low = join(v.0, w.0).wrapping_add(fold(y).wrapping_mul(K1)).wrapping_add(z);
    join(low, join(v.1, w.1).wrapping_add(x))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hashes from CatBoost's own models: the values of one-hot features, whose texts have 1 to 200 bytes.
    #[test]
    fn hashes_are_catboosts() {
        let all = [
            ("h", 0x4030_d187),
            ("87", 0x8136_4805),
            ("e19", 0xbc53_51ef),
            ("58c9", 0xeb6c_0f89),
            ("a5i7h", 0xe69d_0c48),
            ("g57752e", 0x8d08_e039),
            ("he62acf8", 0x77f5_319f),
            ("bjai59232", 0x6bbc_de09),
            ("84e1dbe5gi3j", 0xf665_cd22),
            ("362817838h0ai9f", 0x76ac_2fbe),
            ("0788dg8ijdc55c1c", 0x08f8_c47b),
            ("3eaj33db99b2807i6", 0x44d8_ae69),
            ("hbjacd97bg3j9ieb001e2246", 0xf9d6_2488),
            ("297d96i3hj3i6j70a380a298eb04119", 0xb169_24ea),
            ("i5a8ba1i4j890f1f019ij2da8ej6hih0", 0x55dd_4daa),
            ("f3dd900h4fc0g84ihdb6g08fi0c918e3j", 0xba74_a251),
            ("6i413j383b3ega59637hb46j70hc8jdhbb6g38ba", 0x5b31_7490),
            ("5df6jha673b9d0ei75b1hgd7dfhiea582bihi9663b50abebdbc5bc6650f0c12", 0xa55a_8a3e),
            ("28j1ig03de7a2c8fb14972b93b150334ahg7i8c3h3ea017id4d62d087d8a5eh2", 0x15da_dded),
            ("b6c8d2fa0dad5j8jcb866hd7d7b708fchfh492i192173c26h3f38865e2efd5564", 0xb971_c1db),
            (
                "8feige860h7j3988igjai52gf81h05e359g487a5c2b4hhcgihgief9bifb0f3ccdcijb1480aa00325cg852e70dic3d46id611",
                0x095d_ac56,
            ),
            (
                "4jid0876d561bj8fef14dd7e0937jf45jfcdf77821dii2beb56ih610247c15dei8dd8dfg832e89e2g76f8fgi1ja432078j56j5a9gadh5f64gg6gb64d8jee4c9",
                0x0125_c6f6,
            ),
            (
                "ba19h6c57a0001ec9bc0gcg3h50db3cgf255c73g5ja4424f4bi1146192hagi1e47gfgaf826faed9f45fba2403bbh2b25ahhd25gf09d1d9bji4j5h7ia010cb3c8",
                0x1aa1_3848,
            ),
            (
                "9adacaf6b5bg60g5051b2j92cjf3d627072f271f134h451if6925befa4cd0h9b9b4401acg2d08jd4cghbee8adhjgh7636907g4f9cbd9adgicd42h9d51294dj942",
                0x1133_e386,
            ),
            (
                "gd7a4jc01g5c713c96gh1b0h34cig0fgg94731g935358bjafdaej66b5bggi53b14gjed4j34cge5j21f3j4567h1jja411jh6aae6e7afbag4117b5fhai30b97d4jih53i0ba3bf8he3607eiafba5b44696316fjfce7d3144ii4j6e80e6b35h489ia0897d5ei",
                0x2d58_63ec,
            ),
        ];
        for (text, expected) in all {
            assert_eq!(category(text.as_bytes()), expected, "{text}");
        }
        assert_eq!(hash(b""), K2);
    }
}
