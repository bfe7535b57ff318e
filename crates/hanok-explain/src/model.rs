//! A model of any kind: what it takes, and what it answers.

use std::thread;

use arrow::array::RecordBatch;
use hanok_infer::{Endpoint, EndpointOptions, Graph, GraphError, Protocol};
use hanok_models::{Ensemble, Link, Match, Predictor, ReadError, Table};

use crate::columns::ColumnsError;
use crate::explanation::{ModelIdentity, OutputKind};
use crate::predict::RunError;

/// Rows of a graph that are worth a thread.
const THREAD_ROWS: usize = 256;

/// A model that is ready to predict and to be explained.
#[derive(Debug)]
pub struct Model {
    /// Which one.
    pub identity: ModelIdentity,
    /// What it is.
    pub form: Form,
}

/// The kinds of models.
#[derive(Debug)]
pub enum Form {
    /// Trees or a linear model, whose inside is known: explained by it.
    Ensemble(Ensemble),
    /// Trees behind functions of single features, such as scalers; the same of what the graph makes of rows.
    Prepared(Ensemble, Graph),
    /// Any other ONNX graph, known by its answers.
    Graph(Graph),
    /// A server that predicts, known by its answers.
    Endpoint {
        /// Its address.
        url: String,
        /// What it speaks.
        protocol: Protocol,
    },
}

/// A model file is neither of the kinds.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FormError {
    /// No format of trees or linear models.
    #[error(transparent)]
    Ensemble(#[from] ReadError),
    /// An ONNX model that cannot be computed.
    #[error(transparent)]
    Graph(#[from] GraphError),
}

impl Form {
    /// Reads a model file: trees or a linear model, or any other ONNX graph.
    pub(crate) fn read(bytes: &[u8]) -> Result<Form, FormError> {
        match hanok_models::read(bytes) {
            Ok(ensemble) => Ok(Form::Ensemble(ensemble)),
            // ONNX models begin with the field `ir_version`. What is damaged as trees is damaged as a graph.
            Err(ReadError::Unsupported { .. } | ReadError::Part { .. }) if bytes.first() == Some(&8) => {
                Ok(match Graph::read(bytes)?.split_trees() {
                    Ok((ensemble, graph)) => Form::Prepared(ensemble, graph),
                    Err(graph) => Form::Graph(graph),
                })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Library and version that wrote it, for people.
    pub(crate) fn format(&self) -> String {
        match self {
            Form::Ensemble(ensemble) => ensemble.source().to_owned(),
            Form::Prepared(_, graph) | Form::Graph(graph) => match graph.source() {
                "" => "ONNX graph".to_owned(),
                source => format!("ONNX graph of {source}"),
            },
            Form::Endpoint { protocol, .. } => format!("endpoint, protocol {protocol}"),
        }
    }

    /// Names of the features, in order; none if it knows none.
    pub(crate) fn feature_names(&self) -> Vec<String> {
        match self {
            Form::Ensemble(ensemble) | Form::Prepared(ensemble, _) => ensemble.feature_names().to_vec(),
            Form::Graph(graph) => graph.feature_names(),
            Form::Endpoint { .. } => Vec::new(),
        }
    }

    /// How many features it takes, if it says so.
    pub(crate) fn features(&self) -> Option<usize> {
        match self {
            Form::Ensemble(ensemble) | Form::Prepared(ensemble, _) => Some(ensemble.features()),
            Form::Graph(graph) => graph.features(),
            Form::Endpoint { .. } => None,
        }
    }

    /// How many outputs it has, as far as that is known without asking it: a graph is given a row of zeros.
    pub(crate) fn outputs(&self) -> usize {
        match self {
            Form::Ensemble(ensemble) | Form::Prepared(ensemble, _) => ensemble.outputs(),
            Form::Graph(graph) => {
                let zeros = vec![0.0; self.features().unwrap_or(0)];
                graph.predict(&zeros, zeros.len()).map_or(0, |outputs| outputs.len())
            }
            Form::Endpoint { .. } => 0,
        }
    }

    /// The features of rows, given their columns in order.
    pub(crate) fn table(&self, features: &RecordBatch) -> Result<Table, ColumnsError> {
        match self {
            Form::Ensemble(ensemble) => Ok(Table::new(ensemble, features, Match::Position)?),
            Form::Prepared(ensemble, graph) => {
                let (rows, width) = (Table::of_numbers(features)?.to_rows(), ensemble.features());
                Ok(Table::from_rows(&graph.predict(&rows, width)?, width))
            }
            Form::Graph(_) | Form::Endpoint { .. } => Ok(Table::of_numbers(features)?),
        }
    }

    /// The trees or the linear model that it is, as far as its inside is known.
    pub(crate) fn ensemble(&self) -> Option<&Ensemble> {
        match self {
            Form::Ensemble(ensemble) | Form::Prepared(ensemble, _) => Some(ensemble),
            Form::Graph(_) | Form::Endpoint { .. } => None,
        }
    }
}

impl Model {
    /// The trees or the linear model that it is.
    pub fn ensemble(&self) -> Option<&Ensemble> {
        self.form.ensemble()
    }

    /// How many outputs it has; one of a server, which nobody has asked yet.
    pub(crate) fn outputs(&self) -> usize {
        self.form.outputs().max(1)
    }

    /// From what it adds up to what it predicts; models that are known by their answers predict what they answer.
    pub(crate) fn link(&self) -> Link {
        self.ensemble().map_or(Link::Identity, Ensemble::link)
    }
}

/// A model that is ready to answer for rows of features of these names.
#[derive(Debug)]
pub(crate) struct Answers<'a> {
    way: Way<'a>,
    features: usize,
    threads: usize,
}

#[derive(Debug)]
enum Way<'a> {
    Ensemble(&'a Ensemble, Box<Predictor<'a>>),
    Graph(&'a Graph),
    Endpoint(Box<Endpoint>),
}

impl<'a> Answers<'a> {
    /// Prepares a model. Nothing is sent yet to an endpoint.
    pub(crate) fn new(model: &'a Model, names: &[String], threads: usize) -> Result<Self, RunError> {
        let way = match &model.form {
            Form::Ensemble(ensemble) | Form::Prepared(ensemble, _) => {
                Way::Ensemble(ensemble, Box::new(Predictor::new(ensemble)))
            }
            Form::Graph(graph) => Way::Graph(graph),
            Form::Endpoint { url, protocol } => {
                let options = EndpointOptions { protocol: *protocol, ..EndpointOptions::default() };
                Way::Endpoint(Box::new(Endpoint::new(url, names.to_vec(), options)?))
            }
        };
        Ok(Self { way, features: names.len(), threads })
    }

    /// Whether each request goes to a server.
    pub(crate) fn are_far(&self) -> bool {
        matches!(self.way, Way::Endpoint(_))
    }

    /// Raw values, before the link: by row, all outputs.
    pub(crate) fn raw(&self, table: &Table) -> Result<Vec<f64>, RunError> {
        match &self.way {
            Way::Ensemble(_, predictor) => Ok(predictor.raw(table, self.threads)?),
            Way::Graph(graph) => self.graph(graph, &table.to_rows()),
            Way::Endpoint(endpoint) => Ok(endpoint.predict(&table.to_rows())?),
        }
    }

    /// Predictions: by row, all outputs.
    pub(crate) fn predict(&self, table: &Table) -> Result<Vec<f64>, RunError> {
        match &self.way {
            Way::Ensemble(_, predictor) => Ok(predictor.predict(table, self.threads)?),
            Way::Graph(_) | Way::Endpoint(_) => self.raw(table),
        }
    }

    /// From raw values to predictions.
    pub(crate) fn apply_link(&self, raw: &[f64], outputs: usize) -> Vec<f64> {
        let mut predictions = raw.to_vec();
        if let Way::Ensemble(ensemble, _) = &self.way {
            predictions.chunks_mut(outputs.max(1)).for_each(|row| ensemble.apply_link(row));
        }
        predictions
    }

    /// What is explained of plain rows.
    pub(crate) fn of_rows(&self, rows: &[f64], output: OutputKind) -> Result<Vec<f64>, RunError> {
        let table = Table::from_rows(rows, self.features);
        if output == OutputKind::Raw { self.raw(&table) } else { self.predict(&table) }
    }

    fn graph(&self, graph: &Graph, rows: &[f64]) -> Result<Vec<f64>, RunError> {
        let count = rows.len() / self.features.max(1);
        let part = count.div_ceil(self.threads.max(1)).max(THREAD_ROWS) * self.features.max(1);
        if rows.len() <= part {
            return Ok(graph.predict(rows, self.features)?);
        }
        let parts = thread::scope(|scope| {
            let work = |rows| scope.spawn(move || graph.predict(rows, self.features));
            let threads: Vec<_> = rows.chunks(part).map(work).collect();
            threads
                .into_iter()
                .map(|thread| match thread.join() {
                    Ok(done) => done,
                    Err(panic) => std::panic::resume_unwind(panic),
                })
                .collect::<Result<Vec<_>, _>>()
        });
        Ok(parts?.concat())
    }
}
