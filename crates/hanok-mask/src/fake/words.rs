//! Fake companies and texts without sense.

use crate::key::{Draws, Random};

const BRANDS: &[&str] = &[
    "한올",
    "가온",
    "누리",
    "다솜",
    "라온",
    "마루",
    "보람",
    "새론",
    "아라",
    "예그린",
    "온누리",
    "자람",
    "차오름",
    "큰솔",
    "터전",
    "푸름",
    "해든",
    "이든",
    "시나브로",
    "여울",
];
const TRADES: &[&str] =
    &["식품", "전자", "물산", "건설", "소프트", "상사", "테크", "산업", "출판", "운수", "제과", "화학"];
const ENGLISH_BRANDS: &[&str] = &[
    "Acorn",
    "Beacon",
    "Cobalt",
    "Driftwood",
    "Ember",
    "Fathom",
    "Granite",
    "Harbour",
    "Indigo",
    "Juniper",
    "Keystone",
    "Lumen",
    "Meadow",
    "Northstar",
    "Orchard",
    "Pinnacle",
];
const ENGLISH_TRADES: &[&str] = &[
    "Foods",
    "Systems",
    "Trading",
    "Works",
    "Logistics",
    "Textiles",
    "Partners",
    "Labs",
    "Printing",
    "Tools",
];

const WORDS: &[&str] = &[
    "바람",
    "나무",
    "구름",
    "강물",
    "아침",
    "저녁",
    "노래",
    "마을",
    "하늘",
    "바다",
    "조용한",
    "푸른",
    "작은",
    "오래된",
    "따뜻한",
    "걷다",
    "흐르다",
    "쉬다",
    "머물다",
    "다시",
    "천천히",
    "함께",
    "언제나",
    "그리고",
    "모래",
    "별빛",
    "들판",
    "창문",
    "계단",
    "시계",
];
const LATIN: &[&str] = &[
    "lorem",
    "ipsum",
    "dolor",
    "sit",
    "amet",
    "consectetur",
    "adipiscing",
    "elit",
    "sed",
    "do",
    "eiusmod",
    "tempor",
    "incididunt",
    "ut",
    "labore",
    "et",
    "dolore",
    "magna",
    "aliqua",
    "enim",
    "minim",
    "veniam",
    "quis",
    "nostrud",
];

pub(super) fn company(draws: &mut Draws, korean: bool, out: &mut String) {
    if korean {
        out.push_str("주식회사 ");
        out.push_str(draws.pick(BRANDS));
        out.push_str(draws.pick(BRANDS));
        out.push_str(draws.pick(TRADES));
    } else {
        out.push_str(draws.pick(ENGLISH_BRANDS));
        out.push(' ');
        out.push_str(draws.pick(ENGLISH_BRANDS));
        out.push(' ');
        out.push_str(draws.pick(ENGLISH_TRADES));
        out.push_str(" Ltd");
    }
}

/// Words of 2^k to 2^(k+1) − 1 characters together, as the original has.
pub(super) fn text(draws: &mut Draws, korean: bool, chars: usize, out: &mut String) {
    let least = 1 << chars.max(1).ilog2();
    let length = least + draws.below(least as u64) as usize;
    let words = if korean { WORDS } else { LATIN };
    let mut written = 0;
    while written < length {
        if written > 0 && written + 1 < length {
            out.push(' ');
            written += 1;
        }
        for char in draws.pick(words).chars().take(length - written) {
            out.push(char);
            written += 1;
        }
    }
}
