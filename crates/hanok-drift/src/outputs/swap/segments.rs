//! Where the models differ: by the values of columns.

use super::{Inputs, Opinions, Options, SegmentShift, Segmented, Segments};
use crate::outputs::Metric;
use crate::outputs::performance::{Model, difference};
use crate::outputs::rows::Rows;
use crate::verdict::benjamini_hochberg;

/// `rows` are the paired ones and, when there are labels, the labelled ones of these.
pub(super) fn compare(
    inputs: &Inputs,
    rows: &Rows<2>,
    labelled: Option<&Rows<2>>,
    differences: &[f64],
    opinions: &Opinions,
    metric: Metric,
    options: &Options,
) -> Vec<Segmented> {
    let one = |segments: &Segments| {
        let places = Divided::new(segments, rows);
        let judged = labelled.map(|labelled| (labelled, Divided::new(segments, labelled)));
        let kept = places.kept(options);
        let segment = |label: usize| {
            let places = places.of(label);
            let mean = |of: &dyn Fn(usize) -> f64| {
                places.iter().map(|place| of(*place as usize)).sum::<f64>() / places.len() as f64
            };
            let performance = judged.as_ref().map(|(labelled, divided)| {
                let rows = labelled.only(divided.of(label));
                let models = [0, 1].map(|side| Model::new(&rows, side, &options.performance));
                let measured = models.each_ref().map(|model| model.measure(metric));
                difference(metric, &models, measured.each_ref(), &options.performance)
            });
            SegmentShift {
                label: segments.labels[label].clone(),
                rows: places.len() as u64,
                delta: mean(&|place| differences[place]),
                delta_absolute: mean(&|place| differences[place].abs()),
                disagreement: mean(&|place| f64::from(u8::from(opinions.disagree[place]))),
                performance,
                p_adjusted: None,
                is_worse: false,
            }
        };
        let found: Vec<SegmentShift> = kept.into_iter().map(segment).collect();
        let listed: u64 = found.iter().map(|segment| segment.rows).sum();
        Segmented {
            column: segments.column.to_owned(),
            segments: found,
            other_rows: rows.len() as u64 - listed,
        }
    };
    let mut all: Vec<Segmented> = inputs.segments.iter().map(one).collect();
    adjust(&mut all, metric, options);
    all
}

/// p-values of all segments together, and which of them are worse.
fn adjust(all: &mut [Segmented], metric: Metric, options: &Options) {
    let p = |segment: &SegmentShift| segment.performance.as_ref()?.p;
    let found: Vec<f64> = all.iter().flat_map(|column| &column.segments).filter_map(p).collect();
    let mut adjusted = benjamini_hochberg(&found).into_iter();
    for segment in all.iter_mut().flat_map(|column| &mut column.segments) {
        let Some(performance) = segment.performance.as_ref().filter(|found| found.p.is_some()) else {
            continue;
        };
        segment.p_adjusted = adjusted.next();
        if let [Some(first), Some(second)] = performance.values {
            let is_sure = segment.p_adjusted.is_some_and(|p| p <= options.alpha);
            segment.is_worse = is_sure && metric.worse_by([first, second]) > options.margin(metric, first);
        }
    }
}

/// Rows by segment.
struct Divided {
    /// Where each segment's rows begin in `places`, and an end.
    starts: Vec<usize>,
    places: Vec<u32>,
}

impl Divided {
    fn new(segments: &Segments, rows: &Rows<2>) -> Divided {
        let label = |row: usize| segments.rows[rows.place(row)] as usize;
        let mut starts = vec![0; segments.labels.len() + 1];
        // A row without a value has a number that no count has.
        for row in 0..rows.len() {
            if let Some(count) = starts.get_mut(label(row).saturating_add(1)) {
                *count += 1;
            }
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let mut places = vec![0; starts[segments.labels.len()]];
        let mut next = starts.clone();
        for row in 0..rows.len() {
            if let Some(place) = next[..segments.labels.len()].get_mut(label(row)) {
                places[*place] = row as u32;
                *place += 1;
            }
        }
        Divided { starts, places }
    }

    fn of(&self, label: usize) -> &[u32] {
        &self.places[self.starts[label]..self.starts[label + 1]]
    }

    /// Segments with enough rows, those with the most first.
    fn kept(&self, options: &Options) -> Vec<usize> {
        let rows = |label: &usize| self.starts[*label + 1] - self.starts[*label];
        let fewest = options.segment_rows_min.max(1);
        let mut kept: Vec<usize> = (0..self.starts.len() - 1).filter(|label| rows(label) >= fewest).collect();
        kept.sort_by_key(|label| (std::cmp::Reverse(rows(label)), *label));
        kept.truncate(options.segments_max);
        kept
    }
}
