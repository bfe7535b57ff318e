//! From the query engine's message to the line of the template that it is about.

use crate::project::Model;

/// The line of the model's file that `message` is about, when the message says it or names something that stands in the
/// SQL.
pub(crate) fn line_of_message(model: &Model, message: &str) -> Option<u32> {
    if let Some((line, column)) = position(message) {
        return model.lines.line_at(&model.sql, line, column);
    }
    names(message).find_map(|name| model.lines.line(&model.sql, find_word(&model.sql, &name)?))
}

/// The parser's `Line: 3, Column: 14`.
fn position(message: &str) -> Option<(usize, usize)> {
    let (_, rest) = message.split_once("Line: ")?;
    let (line, rest) = rest.split_once(", Column: ")?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    Some((line.parse().ok()?, rest[..digits].parse().ok()?))
}

/// What the planner's messages name, the likeliest first: the word after "named", then everything in quotation marks;
/// of `catalog.schema.table` the last part.
fn names(message: &str) -> impl Iterator<Item = String> {
    let named = message.split_once(" named ").and_then(|(_, rest)| rest.split_whitespace().next());
    let first_line = message.lines().next().unwrap_or_default();
    let quoted = ['\'', '"', '`']
        .into_iter()
        .flat_map(move |quote| first_line.split(quote).skip(1).step_by(2).collect::<Vec<_>>());
    named
        .into_iter()
        .chain(quoted)
        .map(|name| {
            let name = name.trim_end_matches(['.', ',', ';']);
            let last = name.rsplit('.').next().unwrap_or(name);
            last.trim_matches(['"', '\'', '`']).to_owned()
        })
        .filter(|name| !name.is_empty())
}

/// Where `word` stands in `sql` as a whole word, in any case.
fn find_word(sql: &str, word: &str) -> Option<usize> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let mut at = 0;
    while at < sql.len() {
        let rest = &sql[at..];
        let first = rest.chars().next()?;
        let before = sql[..at].chars().next_back();
        // A name's lower-case form can have another length only outside ASCII, and such names are not folded.
        let here = rest.get(..word.len()).is_some_and(|found| found.eq_ignore_ascii_case(word));
        if here && !before.is_some_and(is_part) && !rest[word.len()..].chars().next().is_some_and(is_part) {
            return Some(at);
        }
        at += first.len_utf8();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_and_names_are_taken_from_messages() {
        assert_eq!(position("Expected: an expression, found: from at Line: 3, Column: 14"), Some((3, 14)));
        assert_eq!(position("Line: x, Column: 1"), None);
        let first = |message| names(message).next();
        assert_eq!(first("No field named o.amuont. Valid fields are o.amount."), Some("amuont".into()));
        assert_eq!(first("table 'hanok.main.stg_order' not found"), Some("stg_order".into()));
        assert_eq!(first("Invalid function 'cuont'.\nDid you mean 'count'?"), Some("cuont".into()));
        assert_eq!(first("memory is short"), None);
    }

    #[test]
    fn whole_words_are_found_in_any_case() {
        let sql = "select ids,\n id, 학생 from t";
        assert_eq!(find_word(sql, "ID"), Some(13));
        assert_eq!(find_word(sql, "학생"), Some(17));
        assert_eq!(find_word(sql, "x"), None);
        assert_eq!(find_word("", "x"), None);
    }
}
