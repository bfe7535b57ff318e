//! Values of arguments: times, addresses, variables, entities.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs as _};
use std::time::Duration;

use hanok_engine::{AsOf, RowKey};
pub(crate) use hanok_types::parse_time;

/// One `--entity`: pairs of a join key and its value.
pub(crate) type EntityPart = Vec<(String, String)>;

/// `NAME=VALUE`, where the value is JSON when it reads as JSON and text otherwise.
pub(crate) fn parse_var(text: &str) -> Result<(String, serde_json::Value), String> {
    let (name, value) = text.split_once('=').ok_or("it must be NAME=VALUE")?;
    if !is_name(name) {
        return Err(format!("`{name}` is not a name"));
    }
    let value = serde_json::from_str(value).unwrap_or_else(|_| serde_json::Value::String(value.to_owned()));
    Ok((name.to_owned(), value))
}

/// `NAME=VALUE` with a number.
pub(crate) fn parse_gate(text: &str) -> Result<(String, f64), String> {
    let (name, value) = text.split_once('=').ok_or("it must be NAME=VALUE")?;
    let number = value.parse().ok().filter(|number: &f64| number.is_finite());
    Ok((name.trim().to_owned(), number.ok_or_else(|| format!("`{value}` is no number"))?))
}

/// `NAME=VALUE`.
pub(crate) fn parse_setting(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("it must be NAME=VALUE")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

/// What a branch begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ForkPoint {
    /// A branch or tag.
    pub(crate) branch: String,
    /// As it was then.
    pub(crate) as_of: Option<AsOf>,
}

/// `BRANCH`, `BRANCH@VERSION` or `BRANCH@TIME`.
pub(crate) fn parse_fork_point(text: &str) -> Result<ForkPoint, String> {
    let Some((branch, point)) = text.split_once('@') else {
        return Ok(ForkPoint { branch: text.to_owned(), as_of: None });
    };
    let as_of = match point.parse() {
        Ok(version) => AsOf::Version(version),
        Err(_) => AsOf::Timestamp(
            parse_time(point).map_err(|error| format!("after the @, {error}, or a version of one table"))?,
        ),
    };
    Ok(ForkPoint { branch: branch.to_owned(), as_of: Some(as_of) })
}

/// `90m`, `12h`, `7d`, `1d12h`.
pub(crate) fn parse_ttl(text: &str) -> Result<Duration, String> {
    match parse_age(text)? {
        Duration::ZERO => Err("it must be longer than nothing".to_owned()),
        ttl => Ok(ttl),
    }
}

/// As a time to live, or nothing: `0s`.
pub(crate) fn parse_age(text: &str) -> Result<Duration, String> {
    let us = hanok_types::parse_duration(text)?;
    Ok(Duration::from_micros(u64::try_from(us).map_err(|_| "it must not be negative".to_owned())?))
}

/// `HOST:PORT`, `:PORT` or `PORT`; the host is this machine's loopback when it is left out.
pub(crate) fn parse_address(text: &str) -> Result<SocketAddr, String> {
    if let Ok(port) = text.strip_prefix(':').unwrap_or(text).parse() {
        return Ok(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port));
    }
    let expected = "it must be HOST:PORT, such as 127.0.0.1:6566";
    let mut found = text.to_socket_addrs().map_err(|error| match error.kind() {
        std::io::ErrorKind::InvalidInput => expected.to_owned(),
        _ => format!("{expected} ({error})"),
    })?;
    found.next().ok_or_else(|| expected.to_owned())
}

/// `KEY=VALUE[,KEY=VALUE…]`. A comma belongs to the value unless a `KEY=` follows it.
pub(crate) fn parse_entity(text: &str) -> Result<EntityPart, String> {
    let mut pairs: EntityPart = Vec::new();
    for segment in text.split(',') {
        match segment.split_once('=') {
            Some((key, value)) if is_name(key.trim()) => {
                pairs.push((key.trim().to_owned(), value.to_owned()));
            }
            _ => match pairs.last_mut() {
                Some((_, value)) => {
                    value.push(',');
                    value.push_str(segment);
                }
                None => {
                    return Err("it must be KEY=VALUE, or KEY=VALUE,KEY=VALUE for a composite key".to_owned());
                }
            },
        }
    }
    Ok(pairs)
}

/// A row's number, or the values of columns that tell it apart: `KEY=VALUE[,KEY=VALUE…]`.
pub(crate) fn parse_row(text: &str) -> Result<RowKey, String> {
    match text.parse() {
        Ok(0) => Err("rows are counted from 1".to_owned()),
        Ok(number) => Ok(RowKey::Number(number)),
        Err(_) => parse_entity(text).map(RowKey::Values),
    }
}

/// The rows that several `--entity` mean: a key that the row has already begins the next row.
///
/// # Errors
/// Rows that differ in their keys, named for people.
pub(crate) fn entity_rows(parts: &[EntityPart]) -> Result<Vec<EntityPart>, String> {
    let mut rows: Vec<EntityPart> = Vec::new();
    for (key, value) in parts.iter().flatten() {
        match rows.last_mut() {
            Some(row) if row.iter().all(|(known, _)| known != key) => row.push((key.clone(), value.clone())),
            _ => rows.push(vec![(key.clone(), value.clone())]),
        }
    }
    let keys = |row: &EntityPart| {
        let mut keys: Vec<_> = row.iter().map(|(key, _)| key.clone()).collect();
        keys.sort_unstable();
        keys
    };
    let first = rows.first().map(keys).unwrap_or_default();
    match rows.iter().map(keys).position(|row| row != first) {
        None => Ok(rows),
        Some(at) => Err(format!(
            "entity {} has the keys {} and entity 1 has {}",
            at + 1,
            keys(&rows[at]).join(", "),
            first.join(", ")
        )),
    }
}

fn is_name(text: &str) -> bool {
    text.chars().next().is_some_and(|first| first.is_alphabetic() || first == '_')
        && text.chars().all(|c| c.is_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fork_points() {
        let point = |branch: &str, as_of| Ok(ForkPoint { branch: branch.to_owned(), as_of });
        assert_eq!(parse_fork_point("feature/x"), point("feature/x", None));
        assert_eq!(parse_fork_point("main@7"), point("main", Some(AsOf::Version(7))));
        let day = AsOf::Timestamp(1_359_590_400_000_000);
        assert_eq!(parse_fork_point("main@2013-01-31"), point("main", Some(day)));
        assert!(parse_fork_point("main@yesterday").is_err());
        assert_eq!(parse_ttl("7d"), Ok(Duration::from_hours(168)));
        assert!(parse_ttl("0").is_err() && parse_ttl("-1d").is_err() && parse_ttl("soon").is_err());
    }

    #[test]
    fn rows() {
        assert_eq!(parse_row("7"), Ok(RowKey::Number(7)));
        assert_eq!(parse_row("a=7,b=x"), Ok(RowKey::Values(pairs(&[("a", "7"), ("b", "x")]))));
        assert!(parse_row("0").is_err() && parse_row("x").is_err());
    }

    #[test]
    fn addresses() {
        let loopback = |port| Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        assert_eq!(parse_address("6566"), loopback(6566));
        assert_eq!(parse_address(":0"), loopback(0));
        assert_eq!(parse_address("127.0.0.1:80"), loopback(80));
        assert_eq!(parse_address("[::1]:80").unwrap().to_string(), "[::1]:80");
        for text in ["", "127.0.0.1", "127.0.0.1:70000", "a b:1"] {
            assert!(parse_address(text).is_err(), "{text}");
        }
    }

    #[test]
    fn variables_are_json_where_they_can_be() {
        assert_eq!(parse_var("month=2"), Ok(("month".to_owned(), serde_json::json!(2))));
        assert_eq!(parse_var("city=Seoul"), Ok(("city".to_owned(), serde_json::json!("Seoul"))));
        assert_eq!(parse_var("a==b"), Ok(("a".to_owned(), serde_json::json!("=b"))));
        assert!(parse_var("month").is_err());
        assert!(parse_var("1x=2").is_err());
    }

    fn entities(texts: &[&str]) -> Result<Vec<EntityPart>, String> {
        let parts: Vec<_> = texts.iter().map(|text| parse_entity(text).unwrap()).collect();
        entity_rows(&parts)
    }

    fn pairs(pairs: &[(&str, &str)]) -> EntityPart {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_key_that_comes_again_begins_the_next_row() {
        let route = pairs(&[("origin", "JFK"), ("dest", "LAX")]);
        assert_eq!(entities(&["origin=JFK,dest=LAX"]), Ok(vec![route.clone()]));
        assert_eq!(entities(&["origin=JFK", "dest=LAX"]), Ok(vec![route.clone()]));
        assert_eq!(entities(&["id=1", "id=2"]), Ok(vec![pairs(&[("id", "1")]), pairs(&[("id", "2")])]));
        let other = pairs(&[("dest", "IAH"), ("origin", "EWR")]);
        assert_eq!(entities(&["origin=JFK,dest=LAX", "dest=IAH,origin=EWR"]), Ok(vec![route, other]));
        assert!(entities(&["a=1,b=2", "a=3"]).unwrap_err().contains("entity 2"));
    }

    #[test]
    fn commas_may_be_part_of_a_value() {
        let expected = pairs(&[("name", "Kim, Minsu"), ("city", "Seoul")]);
        assert_eq!(parse_entity("name=Kim, Minsu,city=Seoul"), Ok(expected));
        assert!(parse_entity("JFK").is_err());
        assert_eq!(parse_entity("a="), Ok(pairs(&[("a", "")])));
    }
}
