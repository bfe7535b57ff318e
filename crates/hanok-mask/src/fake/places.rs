//! Fake postal addresses: provinces that exist, everything below them invented.

use crate::fake::contact::put_digits;
use crate::key::{Draws, Random};

const PROVINCES: &[&str] = &[
    "서울특별시",
    "부산광역시",
    "대구광역시",
    "인천광역시",
    "광주광역시",
    "대전광역시",
    "울산광역시",
    "경기도",
    "강원특별자치도",
    "충청북도",
    "충청남도",
    "전북특별자치도",
    "전라남도",
    "경상북도",
    "경상남도",
    "제주특별자치도",
];

const PLACES: &[&str] = &[
    "가람",
    "한별",
    "솔빛",
    "미르",
    "푸른내",
    "달빛",
    "새봄",
    "하늘샘",
    "은가비",
    "나래",
    "두루",
    "온새",
    "별하",
    "늘솔",
    "참빛",
    "도담",
];

const ROADS: &[&str] = &[
    "무지개숲",
    "구름다리",
    "고래등",
    "종이학",
    "은하수길목",
    "바람개비",
    "느티마루",
    "꿀벌",
    "반딧불이",
    "도토리",
    "물레방아",
    "솜사탕",
    "나무늘보",
    "초승달",
    "돌담마루",
    "파랑새둥지",
    "단풍고개",
    "첫눈",
    "호박꽃",
    "모래시계",
];

const STREETS: &[&str] = &[
    "Larkspur",
    "Copperleaf",
    "Windmill",
    "Bramble",
    "Thistle",
    "Lantern",
    "Foxglove",
    "Clockmaker",
    "Kettle",
    "Moonstone",
    "Paper Mill",
    "Heron",
    "Juniper",
    "Saffron",
    "Cobbler",
    "Puddle",
];

const TOWNS: &[&str] = &[
    "Fairhollow",
    "Norwick",
    "Eastmere",
    "Stonebrook",
    "Highfen",
    "Westerleigh",
    "Oakmarsh",
    "Claywell",
    "Ravensby",
    "Marlow Green",
    "Dunhaven",
    "Silverford",
];

fn number(draws: &mut Draws, bound: u64, out: &mut String) {
    let number = draws.below(bound) + 1;
    let mut digits = [0; 4];
    put_digits(&mut digits, number);
    out.extend(digits.map(char::from).into_iter().skip_while(|digit| *digit == '0'));
}

/// 경기도 한별시 구름다리로12번길 34, 105동 1203호
pub(super) fn korean(draws: &mut Draws, out: &mut String) {
    let province = draws.pick(PROVINCES);
    out.push_str(province);
    out.push(' ');
    out.push_str(draws.pick(PLACES));
    out.push_str(if province.ends_with('시') { "구 " } else { "시 " });
    out.push_str(draws.pick(ROADS));
    out.push('로');
    number(draws, 90, out);
    out.push_str("번길 ");
    number(draws, 200, out);
    if draws.below(2) == 0 {
        out.push_str(", ");
        number(draws, 120, out);
        out.push_str("동 ");
        number(draws, 2_500, out);
        out.push('호');
    }
}

/// 12 Lantern Lane, Norwick, ZZ 00123
pub(super) fn english(draws: &mut Draws, out: &mut String) {
    number(draws, 990, out);
    out.push(' ');
    out.push_str(draws.pick(STREETS));
    out.push_str(draws.pick(&[" Street", " Lane", " Road", " Avenue"]));
    out.push_str(", ");
    out.push_str(draws.pick(TOWNS));
    // No state has this abbreviation, no post office a code that low.
    out.push_str(", ZZ 00");
    let mut digits = [0; 3];
    put_digits(&mut digits, draws.below(500));
    out.extend(digits.map(char::from));
}
