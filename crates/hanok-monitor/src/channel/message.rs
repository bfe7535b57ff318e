//! A mail's text: RFC 5322 headers, MIME with UTF-8 in base 64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};

/// Bytes of text in one encoded word of a header, whose 75 characters are a third longer.
const WORD_BYTES: usize = 42;
/// Characters of base 64 on a line of a body.
const LINE_CHARS: usize = 76;

/// Base 64 with padding (RFC 4648).
pub(super) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// A header's text as encoded words (RFC 2047), whatever it has in it.
fn encoded(text: &str) -> String {
    let mut words = Vec::new();
    let mut word = String::new();
    for character in text.chars().filter(|character| !character.is_control()) {
        if word.len() + character.len_utf8() > WORD_BYTES {
            words.push(std::mem::take(&mut word));
        }
        word.push(character);
    }
    words.push(word);
    let words = words.iter().map(|word| format!("=?UTF-8?B?{}?=", base64(word.as_bytes())));
    words.collect::<Vec<_>>().join("\r\n ")
}

/// A whole message, whose lines end in CR LF. No line of it begins with a dot.
pub(super) fn message(
    (from, to): (&str, &[String]),
    id: &str,
    subject: &str,
    text: &str,
    now: DateTime<Utc>,
) -> String {
    let domain = from.rsplit('@').next().unwrap_or("localhost");
    let body = base64(text.as_bytes());
    let lines = body.as_bytes().chunks(LINE_CHARS).map(|line| String::from_utf8_lossy(line));
    let headers = [
        format!("From: {from}"),
        format!("To: {}", to.join(",\r\n ")),
        format!("Subject: {}", encoded(subject)),
        format!("Date: {}", now.to_rfc2822()),
        format!("Message-ID: <{id}@{domain}>"),
        "Auto-Submitted: auto-generated".to_owned(),
        "MIME-Version: 1.0".to_owned(),
        "Content-Type: text/plain; charset=utf-8".to_owned(),
        "Content-Transfer-Encoding: base64".to_owned(),
        String::new(),
    ];
    headers.into_iter().chain(lines.map(std::borrow::Cow::into_owned)).map(|line| line + "\r\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_hold_any_text_and_no_other_header() {
        let subject = format!("출발: 경보 {}\r\nBcc: x@y.z", "가".repeat(40));
        let now = DateTime::from_timestamp(0, 0).unwrap();
        let to = ["b@example.com".to_owned(), "c@example.com".to_owned()];
        let text = message(("a@example.com", &to), "01", &subject, "본문\n.\n", now);
        assert!(!text.contains("Bcc"), "{text}");
        assert!(text.lines().all(|line| line.len() <= 78 && !line.starts_with('.')), "{text}");
        assert!(text.contains("To: b@example.com,\r\n c@example.com\r\nSubject: =?UTF-8?B?"));
        assert!(text.contains("Date: Thu, 1 Jan 1970 00:00:00 +0000\r\nMessage-ID: <01@example.com>\r\n"));
        assert!(text.ends_with(&format!("\r\n\r\n{}\r\n", base64("본문\n.\n".as_bytes()))));
    }
}
