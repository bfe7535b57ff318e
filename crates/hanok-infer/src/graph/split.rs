//! Trees behind functions of single features, such as scalers: a graph and an ensemble.
//!
//! What is known of a feature is known of a function of it, so that such trees are explained by their inside: the values of the trees'
//! columns are those of the features.

use hanok_models::Ensemble;

use super::operator::Operator;
use super::{Graph, Step, VALUES_MAX};

/// By column of a value, the column of the input that it is a function of; none for values of which that is not so, and constants.
type Sources = Option<Vec<usize>>;

impl Graph {
    /// Takes a graph apart that is an ensemble of trees whose columns are functions of one feature each, in the features' order: into the
    /// trees and the graph before them, whose rows they take. The trees' outputs are then those that `hanok_models` has; the whole graph
    /// may have another one for the first of two classes. Any other graph is given back.
    pub fn split_trees(mut self) -> Result<(Ensemble, Graph), Graph> {
        let Some(at) = self.last_trees() else { return Err(self) };
        let (Operator::Trees(trees), [Some(before), ..]) =
            (&self.operators[at].operator, self.operators[at].inputs.as_slice())
        else {
            return Err(self);
        };
        let (ensemble, before) = (Ensemble::clone(&trees.ensemble), *before);
        let columns: Option<usize> = self.inputs.iter().map(|input| input.columns).sum();
        let is_in_order = |sources: &Vec<usize>| sources.iter().copied().eq(0..columns.unwrap_or(0));
        if !self.sources(before, at).is_some_and(|sources| is_in_order(&sources)) {
            return Err(self);
        }
        let names = match self.inputs.as_slice() {
            [_] => Vec::new(),
            inputs => inputs.iter().map(|input| input.name.clone()).collect(),
        };
        let Some(ensemble) = ensemble.with_features(names, columns.unwrap_or(0)) else { return Err(self) };
        self.operators.truncate(at);
        self.output = before;
        Ok((ensemble, self))
    }

    /// The trees that the output is, as they are.
    fn last_trees(&self) -> Option<usize> {
        let mut slot = self.output;
        // Every step goes to an operator that stands before.
        for (at, step) in self.operators.iter().enumerate().rev() {
            if step.output != slot {
                continue;
            }
            match step.operator {
                Operator::Trees(_) => return Some(at),
                Operator::Same | Operator::Cast { .. } | Operator::Reshape => {
                    slot = (*step.inputs.first()?)?;
                }
                _ => return None,
            }
        }
        None
    }

    /// The sources of a value, which the first `steps` operators compute; none either where they would be more than the numbers of a row
    /// may be.
    fn sources(&self, slot: usize, steps: usize) -> Sources {
        let mut all: Vec<Sources> = vec![None; self.constants.len()];
        let mut start = 0;
        for input in &self.inputs {
            let width = input.columns?;
            all[input.slot] = Some((start..start + width).collect());
            start += width;
        }
        let mut kept = start;
        for step in &self.operators[..steps] {
            all[step.output] = self.sources_of(step, &all, VALUES_MAX.checked_sub(kept)?);
            kept += all[step.output].as_ref().map_or(0, Vec::len);
        }
        all[slot].take()
    }

    /// Of an operator's output, at most so many.
    fn sources_of(&self, step: &Step, all: &[Sources], limit: usize) -> Sources {
        let slot = |at: usize| step.inputs.get(at).copied().flatten();
        let known = |at: usize| all[slot(at)?].as_ref();
        let sources = |at: usize| known(at).filter(|sources| sources.len() <= limit).cloned();
        let constant = |at: usize| self.constants[slot(at)?].as_ref();
        match &step.operator {
            Operator::Same
            | Operator::Cast { .. }
            | Operator::Each(_)
            | Operator::Clip { .. }
            | Operator::Scaler { .. }
            | Operator::Imputer { .. }
            | Operator::BatchNormalization { .. } => sources(0),
            Operator::Pair(_) => {
                let (sources, constant) = match (sources(0), sources(1)) {
                    (Some(sources), None) => (sources, constant(1)?),
                    (None, Some(sources)) => (sources, constant(0)?),
                    _ => return None,
                };
                let width = constant.row()?.len();
                (width == 1 || width == sources.len()).then_some(sources)
            }
            Operator::Concat => {
                let parts = (0..step.inputs.len()).map(known).collect::<Option<Vec<_>>>()?;
                let width = parts.iter().fold(0_usize, |width, part| width.saturating_add(part.len()));
                (width <= limit).then(|| parts.into_iter().flatten().copied().collect())
            }
            Operator::Columns => {
                let (sources, which) = (known(0)?, constant(1).filter(|which| which.data.len() <= limit)?);
                let width = sources.len() as f64;
                let column =
                    |at: &f64| sources.get((if *at < 0.0 { at + width } else { *at }) as usize).copied();
                which.data.iter().map(column).collect()
            }
            _ => None,
        }
    }
}
