//! Guesses from a column's name, in Korean and English.

use super::{Evidence, Guess, Personal};

/// English words that stand together in a name of that meaning. More telling rows first.
const ENGLISH: &[(Personal, f64, &[&str])] = &[
    (
        Personal::Secret,
        0.95,
        &["password", "passwd", "pwd", "secret", "access token", "refresh token", "api key"],
    ),
    (Personal::ResidentNumber, 0.95, &["rrn", "resident number", "resident registration", "ssn", "jumin"]),
    (Personal::Email, 0.95, &["email", "e mail", "mail address"]),
    (Personal::Phone, 0.95, &["phone", "telephone", "mobile", "cell", "tel", "fax", "hp no"]),
    (Personal::Document, 0.9, &["passport", "driver license", "driving licence", "license number"]),
    (Personal::Card, 0.9, &["card number", "card no", "credit card", "pan"]),
    (Personal::Account, 0.85, &["account number", "account no", "bank account", "iban"]),
    (
        Personal::Device,
        0.85,
        &["ip", "ip address", "ip addr", "mac address", "device id", "imei", "user agent"],
    ),
    (Personal::PostalCode, 0.8, &["zip", "zip code", "zipcode", "postal code", "postcode"]),
    (Personal::Address, 0.85, &["address", "addr", "street"]),
    (Personal::Birth, 0.9, &["birth", "birthday", "birthdate", "dob", "date of birth"]),
    (Personal::Birth, 0.6, &["age"]),
    (
        Personal::Name,
        0.9,
        &[
            "first name",
            "last name",
            "full name",
            "given name",
            "family name",
            "surname",
            "firstname",
            "lastname",
            "fullname",
            "student name",
            "teacher name",
            "patient name",
            "customer name",
            "user name kr",
            "person name",
            "guardian name",
            "parent name",
            "member name",
            "employee name",
            "author name",
        ],
    ),
    (Personal::Login, 0.75, &["username", "user name", "login", "login id", "nickname", "screen name"]),
    (
        Personal::PersonNumber,
        0.7,
        &[
            "student id",
            "student no",
            "student number",
            "patient id",
            "patient no",
            "member id",
            "member no",
            "customer id",
            "employee id",
            "employee no",
            "user id",
            "person id",
            "borrower id",
            "teacher id",
        ],
    ),
    (
        Personal::Sensitive,
        0.75,
        &[
            "diagnosis",
            "disease",
            "allergy",
            "allergies",
            "disability",
            "religion",
            "blood type",
            "medication",
            "ethnicity",
            "salary",
            "income",
            "gender",
            "sex",
        ],
    ),
    (Personal::FreeText, 0.5, &["memo", "note", "notes", "comment", "comments", "remark", "remarks"]),
    (Personal::Name, 0.5, &["name"]),
];

/// Korean names have no word boundaries: a part is enough.
const KOREAN: &[(Personal, f64, &[&str])] = &[
    (Personal::Secret, 0.95, &["비밀번호", "암호", "인증키"]),
    (Personal::ResidentNumber, 0.97, &["주민등록번호", "주민번호", "외국인등록번호"]),
    (Personal::Email, 0.95, &["이메일", "전자우편", "메일주소"]),
    (Personal::Phone, 0.95, &["전화", "휴대폰", "핸드폰", "연락처", "팩스"]),
    (Personal::Document, 0.9, &["여권번호", "운전면허", "면허번호"]),
    (Personal::Card, 0.9, &["카드번호"]),
    (Personal::Account, 0.9, &["계좌"]),
    (Personal::PostalCode, 0.8, &["우편번호"]),
    (Personal::Address, 0.9, &["주소", "거주지", "소재지"]),
    (Personal::Birth, 0.9, &["생년월일", "생일", "출생", "생년"]),
    (Personal::Birth, 0.6, &["나이", "연령"]),
    (
        Personal::Name,
        0.9,
        &["성명", "이름", "학생명", "교사명", "환자명", "고객명", "보호자명", "회원명", "직원명", "담임명"],
    ),
    (Personal::Login, 0.75, &["아이디", "별명", "닉네임"]),
    (Personal::PersonNumber, 0.8, &["학번", "사번", "교번", "회원번호", "환자번호", "수험번호", "학생번호"]),
    (
        Personal::Sensitive,
        0.8,
        &[
            "병명",
            "진단",
            "질병",
            "알레르기",
            "장애",
            "종교",
            "혈액형",
            "투약",
            "소득",
            "급여",
            "성별",
            "기초생활",
        ],
    ),
    (Personal::FreeText, 0.55, &["상담", "비고", "메모", "특이사항", "의견"]),
];

/// Words before `name` that make it the name of a thing.
const THINGS: &[&str] = &[
    "product",
    "item",
    "file",
    "table",
    "column",
    "menu",
    "food",
    "dish",
    "course",
    "class",
    "school",
    "city",
    "country",
    "airport",
    "airline",
    "carrier",
    "model",
    "event",
    "book",
    "category",
    "department",
    "dept",
    "team",
    "host",
    "domain",
    "brand",
    "company",
    "store",
    "shop",
    "subject",
    "room",
    "station",
    "feature",
    "source",
    "app",
];

/// The guess from a name such as `studentName`, `guardian_phone` or `보호자 연락처`.
pub fn by_name(column: &str) -> Option<Guess> {
    let words = words(column);
    let is_thing = words.iter().any(|word| THINGS.contains(&word.as_str()));
    let english = ENGLISH.iter().find(|(kind, _, names)| {
        !(is_thing && matches!(kind, Personal::Name)) && names.iter().any(|name| contains(&words, name))
    });
    let joined: String = column.split_whitespace().collect();
    let korean = KOREAN.iter().find(|(_, _, names)| names.iter().any(|name| joined.contains(name)));
    let (kind, confidence, _) = match (english, korean) {
        (Some(english), Some(korean)) => Some(if english.1 > korean.1 { english } else { korean }),
        (english, korean) => english.or(korean),
    }?;
    Some(Guess { kind: *kind, confidence: *confidence, evidence: Evidence::Name })
}

/// The words of a name, in small letters: at underscores, other punctuation, and capitals after small letters.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut before = ' ';
    for char in name.chars() {
        if char.is_alphanumeric() {
            let begins = !before.is_alphanumeric() || (before.is_lowercase() && char.is_uppercase());
            match words.last_mut().filter(|_| !begins) {
                Some(word) => word.extend(char.to_lowercase()),
                None => words.push(char.to_lowercase().collect()),
            }
        }
        before = char;
    }
    words
}

/// True when the words of `name` stand together in `words`.
fn contains(words: &[String], name: &str) -> bool {
    let wanted: Vec<&str> = name.split(' ').collect();
    words.windows(wanted.len()).any(|window| window.iter().zip(&wanted).all(|(word, wanted)| word == wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_personal_columns_are_known() {
        for (name, kind) in [
            ("student_name", Personal::Name),
            ("firstName", Personal::Name),
            ("이름", Personal::Name),
            ("학생 성명", Personal::Name),
            ("guardian_phone", Personal::Phone),
            ("보호자 연락처", Personal::Phone),
            ("EMAIL", Personal::Email),
            ("homeAddress", Personal::Address),
            ("도로명주소", Personal::Address),
            ("주민등록번호", Personal::ResidentNumber),
            ("학번", Personal::PersonNumber),
            ("student_id", Personal::PersonNumber),
            ("date_of_birth", Personal::Birth),
            ("생년월일", Personal::Birth),
            ("client_ip", Personal::Device),
            ("user_password", Personal::Secret),
            ("알레르기", Personal::Sensitive),
            ("상담내용", Personal::FreeText),
            ("name", Personal::Name),
        ] {
            assert_eq!(by_name(name).map(|guess| guess.kind), Some(kind), "{name}");
        }
    }

    #[test]
    fn names_of_things_are_not() {
        for name in [
            "product_name",
            "fileName",
            "amount",
            "flight_date",
            "menu",
            "airline_name",
            "carrier",
            "page",
            "message",
            "cellar",
            "hotel",
            "급식명",
            "수량",
            "shipping_cost",
        ] {
            assert_eq!(by_name(name), None, "{name}");
        }
    }
}
