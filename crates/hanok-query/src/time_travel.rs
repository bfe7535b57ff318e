//! `table FOR VERSION AS OF n` and `table FOR TIMESTAMP AS OF '…'`.
//!
//! The planner knows no versions, so the clause is moved into the table's name before parsing: `raw.t FOR VERSION AS OF
//! 3` becomes `raw."t@version=3"`, which no real name can be, and the catalog takes it apart again. Working on tokens
//! keeps strings and comments untouched.

use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer, Word};
use hanok_lake::AsOf;

use crate::QueryError;

const VERSION_MARK: &str = "@version=";
const TIMESTAMP_MARK: &str = "@timestamp=";

/// Rewrites the clauses of `sql`. Text without any is returned as it is.
pub(crate) fn rewrite(sql: &str) -> Result<String, QueryError> {
    if !sql.to_ascii_uppercase().contains(" OF") {
        return Ok(sql.to_owned());
    }
    let mut tokens = Tokenizer::new(&GenericDialect {}, sql)
        .tokenize()
        .map_err(|error| QueryError::Invalid { reason: error.to_string() })?;
    let mut at = 0;
    while at < tokens.len() {
        if let Some(clause) = clause_at(&tokens, at)? {
            let table = (0..at).rev().find(|&i| !matches!(tokens[i], Token::Whitespace(_)));
            let Some(Token::Word(word)) = table.map(|i| &mut tokens[i]) else {
                return Err(QueryError::Invalid { reason: "`AS OF` must follow a table's name".to_owned() });
            };
            let name =
                if word.quote_style.is_some() { word.value.clone() } else { word.value.to_lowercase() };
            *word = Word {
                value: format!("{name}{}", clause.mark),
                quote_style: Some('"'),
                keyword: datafusion::sql::sqlparser::keywords::Keyword::NoKeyword,
            };
            tokens.drain(at..clause.end);
        } else {
            at += 1;
        }
    }
    Ok(tokens.iter().map(ToString::to_string).collect())
}

struct Clause {
    mark: String,
    end: usize,
}

/// The clause that begins at token `at`, if one does.
fn clause_at(tokens: &[Token], at: usize) -> Result<Option<Clause>, QueryError> {
    let mut rest =
        tokens.iter().enumerate().skip(at).filter(|(_, token)| !matches!(token, Token::Whitespace(_)));
    let mut word = |allowed: &[&'static str]| -> Option<&'static str> {
        match rest.next() {
            Some((_, Token::Word(word))) if word.quote_style.is_none() => {
                allowed.iter().copied().find(|text| word.value.eq_ignore_ascii_case(text))
            }
            _ => None,
        }
    };
    if word(&["FOR"]).is_none() {
        return Ok(None);
    }
    let Some(what) = word(&["VERSION", "SYSTEM_VERSION", "TIMESTAMP", "SYSTEM_TIME"]) else {
        return Ok(None);
    };
    if word(&["AS"]).is_none() || word(&["OF"]).is_none() {
        return Ok(None);
    }
    let mark = match (what, rest.next()) {
        ("VERSION" | "SYSTEM_VERSION", Some((end, Token::Number(number, _)))) => {
            Clause { mark: format!("{VERSION_MARK}{number}"), end: end + 1 }
        }
        ("TIMESTAMP" | "SYSTEM_TIME", Some((end, Token::SingleQuotedString(text)))) => {
            Clause { mark: format!("{TIMESTAMP_MARK}{text}"), end: end + 1 }
        }
        _ => {
            return Err(QueryError::Invalid {
                reason: "after `FOR VERSION AS OF` comes a number, after `FOR TIMESTAMP AS OF` a quoted time"
                    .to_owned(),
            });
        }
    };
    Ok(Some(mark))
}

/// Takes a name apart: the table, and the moment asked for.
pub(crate) fn split(name: &str) -> Result<(&str, Option<AsOf>), String> {
    if let Some((table, version)) = name.split_once(VERSION_MARK) {
        let version = version.parse().map_err(|_| format!("`{version}` is not a version number"))?;
        return Ok((table, Some(AsOf::Version(version))));
    }
    if let Some((table, text)) = name.split_once(TIMESTAMP_MARK) {
        let instant = arrow::compute::kernels::cast_utils::string_to_timestamp_nanos(text)
            .map_err(|_| format!("`{text}` is not a time such as 2026-01-31T09:00:00Z"))?;
        return Ok((table, Some(AsOf::Timestamp(instant.div_euclid(1000)))));
    }
    Ok((name, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clauses_move_into_the_name() {
        let sql = "select * from raw.t for version as of 3 as x join Raw.U FOR TIMESTAMP AS OF '2026-01-31' u on true";
        let rewritten = rewrite(sql).unwrap();
        assert_eq!(
            rewritten,
            "select * from raw.\"t@version=3\" as x join Raw.\"u@timestamp=2026-01-31\" u on true"
        );
    }

    #[test]
    fn strings_comments_and_other_fors_stay() {
        for sql in [
            "select ' for version as of 3'",
            "select 1 -- t for version as of 3",
            "select substring('abc' from 1 for 2) as of",
        ] {
            assert_eq!(rewrite(sql).unwrap(), sql);
        }
        assert!(rewrite("select * from t for version as of 'x'").is_err());
        assert!(rewrite("select * from t for version as of ").is_err());
    }

    #[test]
    fn names_come_apart() {
        assert_eq!(split("t").unwrap(), ("t", None));
        assert_eq!(split("t@version=12").unwrap(), ("t", Some(AsOf::Version(12))));
        assert_eq!(
            split("t@timestamp=1970-01-01T00:00:01Z").unwrap(),
            ("t", Some(AsOf::Timestamp(1_000_000)))
        );
        assert!(split("t@version=-1").is_err());
    }
}
