//! Fake names of people.

use crate::key::{Draws, Random};

/// Surnames and their share in ten thousand, rounded from the population census of 2015.
const SURNAMES: &[(&str, u16)] = &[
    ("김", 2150),
    ("이", 1470),
    ("박", 840),
    ("최", 470),
    ("정", 433),
    ("강", 237),
    ("조", 212),
    ("윤", 205),
    ("장", 200),
    ("임", 166),
    ("한", 156),
    ("오", 154),
    ("서", 151),
    ("신", 149),
    ("권", 142),
    ("황", 140),
    ("안", 138),
    ("송", 137),
    ("전", 113),
    ("홍", 112),
    ("유", 97),
    ("고", 95),
    ("문", 93),
    ("양", 93),
    ("손", 92),
    ("배", 81),
    ("백", 77),
    ("허", 66),
    ("남", 56),
    ("심", 55),
    ("노", 51),
    ("하", 47),
    ("곽", 41),
    ("성", 40),
    ("차", 39),
    ("주", 39),
    ("우", 39),
    ("구", 39),
    ("민", 34),
    ("나", 32),
    ("진", 32),
    ("지", 31),
    ("엄", 29),
    ("채", 26),
    ("원", 26),
    ("천", 24),
    ("방", 19),
    ("공", 18),
    ("현", 18),
    ("함", 16),
    ("변", 15),
    ("염", 14),
    ("여", 12),
    ("추", 12),
    ("도", 11),
    ("소", 10),
    ("석", 9),
    ("선", 9),
    ("설", 8),
    ("마", 8),
    ("길", 8),
    ("연", 7),
    ("위", 6),
    ("표", 6),
];

const FIRST_SYLLABLES: &[&str] = &[
    "지", "민", "서", "하", "도", "예", "수", "준", "현", "유", "은", "재", "시", "주", "태", "건", "우",
    "채", "나", "다", "소", "영", "윤", "승", "동", "성", "상", "정", "진", "혜", "미", "경", "가", "연",
    "세", "아", "인", "규", "보", "선",
];

const SECOND_SYLLABLES: &[&str] = &[
    "우", "준", "윤", "서", "호", "민", "진", "현", "연", "아", "은", "원", "율", "빈", "영", "희", "수",
    "훈", "석", "환", "혁", "성", "찬", "용", "정", "경", "미", "나", "린", "주", "지", "안", "솔", "람",
    "재", "기", "철", "규", "태", "식",
];

const GIVEN_NAMES: &[&str] = &[
    "Ada", "Alan", "Alice", "Arthur", "Beth", "Brian", "Clara", "Colin", "Daisy", "David", "Edith", "Edward",
    "Ellen", "Emma", "Felix", "Fiona", "George", "Grace", "Hannah", "Henry", "Irene", "Isaac", "James",
    "Julia", "Karen", "Kevin", "Laura", "Leo", "Martin", "Mary", "Nina", "Noah", "Oliver", "Olivia", "Paul",
    "Rachel", "Robert", "Ruth", "Samuel", "Sarah", "Simon", "Sophie", "Thomas", "Tina", "Victor", "Violet",
    "Walter", "Zoe",
];

const FAMILY_NAMES: &[&str] = &[
    "Abbott", "Allen", "Baker", "Barnes", "Bennett", "Brooks", "Carter", "Clarke", "Cole", "Cooper", "Davis",
    "Dixon", "Edwards", "Ellis", "Fisher", "Foster", "Gibson", "Grant", "Green", "Hall", "Harris", "Hayes",
    "Hill", "Hughes", "Jackson", "Jenkins", "Kelly", "King", "Lawson", "Lewis", "Marsh", "Mason", "Miller",
    "Moore", "Nelson", "Owens", "Palmer", "Parker", "Quinn", "Reed", "Rogers", "Russell", "Scott", "Shaw",
    "Turner", "Walker", "Watson", "Young",
];

/// One slot a share, so that a surname is one draw.
pub(super) fn surname_slots() -> Vec<u8> {
    let shares = SURNAMES.iter().enumerate();
    shares.flat_map(|(at, (_, share))| std::iter::repeat_n(at as u8, usize::from(*share))).collect()
}

pub(super) fn korean(draws: &mut Draws, surnames: &[u8], out: &mut String) {
    out.push_str(SURNAMES[usize::from(draws.pick(surnames))].0);
    out.push_str(draws.pick(FIRST_SYLLABLES));
    out.push_str(draws.pick(SECOND_SYLLABLES));
}

pub(super) fn english(draws: &mut Draws, out: &mut String) {
    out.push_str(draws.pick(GIVEN_NAMES));
    out.push(' ');
    out.push_str(draws.pick(FAMILY_NAMES));
}

/// The five commonest surnames, with a half of all people.
pub(crate) const COMMON_SURNAMES: &[&str] = &["김", "이", "박", "최", "정"];

/// True when a text begins with a surname of the table.
pub(crate) fn has_surname(text: &str) -> bool {
    SURNAMES.iter().any(|(surname, _)| text.starts_with(surname))
}
