//! Predictions in the JSON of an answer.
//!
//! Numbers are taken as text and parsed by the standard library: serde_json's own f64 may be off in the last bit.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// The predictions of `rows` rows, as many outputs for each, or what is wrong with the answer.
pub(crate) fn predictions(body: &[u8], rows: usize) -> Result<Vec<f64>, String> {
    let answer: BTreeMap<String, &RawValue> =
        serde_json::from_slice(body).map_err(|error| format!("it is no JSON object: {error}"))?;
    let predictions = answer.get("predictions").and_then(|list| list_of(list));
    let predictions = predictions.ok_or("it has no list `predictions`")?;
    if predictions.len() != rows {
        return Err(format!("it has {} predictions for {rows} rows", predictions.len()));
    }
    let mut all = Vec::with_capacity(predictions.len());
    let mut outputs = None;
    for (row, prediction) in predictions.into_iter().enumerate() {
        let before = all.len();
        if let Some(values) = list_of(prediction) {
            for (output, value) in values.into_iter().enumerate() {
                let wrong = |kind| format!("`predictions[{row}][{output}]` is {kind}");
                all.push(number(value).map_err(wrong)?);
            }
        } else {
            all.push(number(prediction).map_err(|kind| format!("`predictions[{row}]` is {kind}"))?);
        }
        let found = all.len() - before;
        let expected = *outputs.get_or_insert(found);
        if found != expected || found == 0 {
            return Err(format!("`predictions[{row}]` has {found} outputs where the first has {expected}"));
        }
    }
    Ok(all)
}

fn list_of(value: &RawValue) -> Option<Vec<&RawValue>> {
    serde_json::from_str(value.get()).ok()
}

/// The number, or what stands there instead.
fn number(value: &RawValue) -> Result<f64, &'static str> {
    match value.get() {
        "true" => Ok(1.0),
        "false" => Ok(0.0),
        "null" => Err("null"),
        text if text.starts_with('"') => {
            Err("a text: let the server give probabilities or scores instead of labels")
        }
        text if text.starts_with('[') => Err("a list within a list"),
        text if text.starts_with('{') => Err("an object"),
        text => text.parse().ok().filter(|value: &f64| value.is_finite()).ok_or("beyond the range of f64"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_lists_and_booleans_are_predictions() {
        let read = |text: &str, rows| predictions(text.as_bytes(), rows);
        assert_eq!(read(r#"{"predictions": [1, 2.5], "outputs": ["y"]}"#, 2), Ok(vec![1.0, 2.5]));
        assert_eq!(read(r#"{"predictions": [[1e-3, 2], [3, 4]]}"#, 2), Ok(vec![1e-3, 2.0, 3.0, 4.0]));
        assert_eq!(read(r#"{"predictions": [true, false]}"#, 2), Ok(vec![1.0, 0.0]));
        assert_eq!(read(r#"{"predictions": []}"#, 0), Ok(vec![]));
        // A number of 17 digits that serde_json reads as its neighbour.
        assert_eq!(read(r#"{"predictions": [0.19844004278856286]}"#, 1), Ok(vec![0.198_440_042_788_562_86]));
    }

    #[test]
    fn the_place_that_is_wrong_is_named() {
        for (text, expected) in [
            ("[", "it is no JSON object"),
            ("[1]", "it is no JSON object"),
            (r#"{"predictions": 3}"#, "no list `predictions`"),
            (r#"{"predictions": [1]}"#, "1 predictions for 2 rows"),
            (r#"{"predictions": [1, "a"]}"#, "`predictions[1]` is a text"),
            (r#"{"predictions": [[1, null], [1, 2]]}"#, "`predictions[0][1]` is null"),
            (r#"{"predictions": [[1, 2], [1]]}"#, "`predictions[1]` has 1 outputs where the first has 2"),
            (r#"{"predictions": [[], []]}"#, "`predictions[0]` has 0 outputs"),
            (r#"{"predictions": [{"y": 1}, 2]}"#, "`predictions[0]` is an object"),
            (r#"{"predictions": [[[1]], 2]}"#, "`predictions[0][0]` is a list within a list"),
            (r#"{"predictions": [1, 1e999]}"#, "`predictions[1]` is beyond the range of f64"),
        ] {
            let problem = predictions(text.as_bytes(), 2).unwrap_err();
            assert!(problem.contains(expected), "{problem}");
        }
    }
}
