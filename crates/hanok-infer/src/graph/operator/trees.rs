//! Ensembles of trees within a graph, which hanok-models computes.

use std::sync::Arc;

use hanok_models::onnx::{Message, trees};
use hanok_models::{Ensemble, Link, Predictor, ReadError as MessageError, Table};

use super::compute::check_size;
use super::{Attributes, ReadError};
use crate::graph::tensor::Matrix;

/// An ensemble that is ready to predict.
#[derive(Debug)]
pub(in crate::graph) struct Trees {
    pub(in crate::graph) ensemble: Arc<Ensemble>,
    predictor: Predictor<'static>,
    /// The first columns, which are tested.
    features: usize,
    outputs: usize,
    /// How the score of the first of two classes follows from that of the second one, if that is all the trees say.
    first: Option<First>,
    /// Whether the output is float, not double.
    pub(super) is_single: bool,
}

#[derive(Clone, Copy, Debug)]
enum First {
    /// 1 − score.
    Rest,
    /// −score.
    Negative,
}

impl Trees {
    pub(super) fn read(
        node: Message<'_>,
        kind: &str,
        output: usize,
        attributes: &Attributes<'_>,
        is_double: bool,
    ) -> Result<Trees, ReadError> {
        let is_classifier = kind == "TreeEnsembleClassifier";
        if output != usize::from(is_classifier) {
            return Err(ReadError::Unsupported(format!("the labels of `{kind}`")));
        }
        let ensemble = trees(node, is_double).map_err(|error| match error {
            MessageError::Unsupported { what, .. } => ReadError::Unsupported(what),
            error => error.into(),
        })?;
        let (features, outputs) = (ensemble.features(), ensemble.outputs());
        if features == 0 {
            return Err(ReadError::Unsupported("an ensemble that tests nothing".to_owned()));
        }
        let mut labels = attributes.integers("classlabels_int64s")?.len();
        labels = labels.max(attributes.texts("classlabels_strings")?.len());
        let first = if is_classifier && labels == 2 && outputs == 1 {
            // As onnxruntime has it: votes are shares, other scores are opposites.
            let are_shares = attributes.floats("class_weights")?.iter().all(|weight| *weight >= 0.0);
            let is_share = are_shares || ensemble.link() != Link::Identity;
            Some(if is_share { First::Rest } else { First::Negative })
        } else {
            None
        };
        let is_single = !is_double || kind != "TreeEnsemble";
        let ensemble = Arc::new(ensemble);
        let predictor = Predictor::new(Arc::clone(&ensemble));
        Ok(Trees { ensemble, predictor, features, outputs, first, is_single })
    }

    pub(super) fn compute(&self, input: &Matrix, limit: usize) -> Result<Matrix, String> {
        let (features, width) = (self.features, self.outputs + usize::from(self.first.is_some()));
        if input.width < features {
            return Err(format!("the trees test {features} columns, and there are {}", input.width));
        }
        check_size(input.rows, features.max(width), limit)?;
        let tested: Vec<f64> = input.lines().flat_map(|row| &row[..features]).copied().collect();
        let found = self.predictor.predict(&Table::from_rows(&tested, features), 1);
        let mut found = found.map_err(|error| error.to_string())?;
        if let Some(first) = self.first {
            let both = |score: &f64| match first {
                First::Rest => [1.0 - score, *score],
                First::Negative => [-score, *score],
            };
            found = found.iter().flat_map(both).collect();
        }
        Ok(Matrix::new(input.rows, width, found, self.is_single))
    }
}
