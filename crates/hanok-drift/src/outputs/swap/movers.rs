//! Rows whose prediction moves far.

use hashbrown::HashMap;

use super::{Attributions, Inputs, Mover, Options};
use crate::outputs::rows::{Rows, chosen, same_task};
use crate::outputs::{OutputsError, Predictions, Task};

/// The rows that move the farthest, the farthest first: those to explain before [`super::swap`] is to say why.
pub fn movers(models: [Predictions; 2], count: usize) -> Result<Vec<u32>, OutputsError> {
    same_task(models)?;
    let (found, expected) = (models[1].rows(), models[0].rows());
    if found != expected {
        return Err(OutputsError::Lengths { what: "the second model's predictions", found, expected });
    }
    let rows = Rows::new(models, None);
    let farthest = farthest(&differences(&rows), count);
    Ok(farthest.into_iter().map(|row| rows.place(row) as u32).collect())
}

/// The second model's predictions less the first's; of several classes the total variation distance.
pub(super) fn differences(rows: &Rows<2>) -> Vec<f64> {
    let [first, second] = rows.values.each_ref().map(|values| values.as_ref());
    if rows.kind.task() != Task::Multiclass {
        return first.iter().zip(second).map(|(first, second)| second - first).collect();
    }
    let width = rows.kind.width();
    let distance = |(first, second): (&[f64], &[f64])| {
        0.5 * first.iter().zip(second).map(|(first, second)| (first - second).abs()).sum::<f64>()
    };
    first.chunks_exact(width).zip(second.chunks_exact(width)).map(distance).collect()
}

/// Places of the largest differences that are not 0, by size and then by place.
fn farthest(differences: &[f64], count: usize) -> Vec<usize> {
    let mut places: Vec<usize> = (0..differences.len()).filter(|place| differences[*place] != 0.0).collect();
    let farther =
        |a: &usize, b: &usize| differences[*b].abs().total_cmp(&differences[*a].abs()).then(a.cmp(b));
    if count < places.len() {
        places.select_nth_unstable_by(count, farther);
        places.truncate(count);
    }
    places.sort_unstable_by(farther);
    places
}

pub(super) fn list(inputs: &Inputs, rows: &Rows<2>, differences: &[f64], options: &Options) -> Vec<Mover> {
    let explained: HashMap<u32, usize> = inputs
        .attributions
        .iter()
        .flat_map(|found| found.rows.iter().enumerate().map(|(place, row)| (*row, place)))
        .collect();
    let width = rows.kind.width();
    let mover = |row: usize| {
        let place = rows.place(row);
        let [first, second] = rows.values.each_ref().map(|values| &values[row * width..(row + 1) * width]);
        let classes = [chosen(first), chosen(second)];
        let features = match (inputs.attributions, explained.get(&(place as u32))) {
            (Some(found), Some(explained)) => reasons(&found, *explained, options.mover_features),
            _ => Vec::new(),
        };
        Mover {
            row: place as u64,
            predictions: [first[classes[0]], second[classes[1]]],
            classes: match rows.kind {
                Predictions::Numbers(_) => None,
                Predictions::Probabilities(_) => {
                    let class = |value: f64| u8::from(value >= options.performance.threshold).to_string();
                    Some([class(first[0]), class(second[0])])
                }
                Predictions::Classes { names, .. } => Some(classes.map(|class| names[class].clone())),
            },
            delta: differences[row],
            label: inputs.labels.map(|labels| labels[place]).filter(|label| !label.is_nan()),
            features,
        }
    };
    farthest(differences, options.movers).into_iter().map(mover).collect()
}

/// The features whose attributions differ the most.
fn reasons(found: &Attributions, row: usize, count: usize) -> Vec<(String, [f64; 2])> {
    let mut all: Vec<(String, [f64; 2])> = Vec::new();
    let mut at: HashMap<&str, usize> = HashMap::new();
    for side in [0, 1] {
        let names = found.features[side];
        for (name, value) in names.iter().zip(&found.values[side][row * names.len()..]) {
            let place = *at.entry(name).or_insert_with(|| {
                all.push((name.clone(), [0.0; 2]));
                all.len() - 1
            });
            all[place].1[side] = *value;
        }
    }
    let size = |(_, [first, second]): &(String, [f64; 2])| (second - first).abs();
    all.sort_by(|a, b| size(b).total_cmp(&size(a)));
    all.truncate(count);
    all
}
