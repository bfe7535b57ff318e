//! A plan as a feature source, for views whose rows come from a query.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::common::tree_node::TreeNode;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::execution_plan::reset_plan_states;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};
use futures::StreamExt;
use tokio::runtime::Handle;

use crate::error::PitError;
use crate::spec::{BatchIterator, BatchSource};

/// The rows of a physical plan, its partitions one after the other. Ties between rows with equal timestamps go to the later
/// one, so they are decided the same way every time only if the plan yields its rows in the same order every time.
#[derive(Debug, Clone)]
pub struct PlanSource {
    plan: Arc<dyn ExecutionPlan>,
    context: Arc<TaskContext>,
    runtime: Handle,
}

impl PlanSource {
    /// A source that runs `plan` on the runtime of `runtime`. The join must then run where blocking is allowed.
    pub fn new(plan: Arc<dyn ExecutionPlan>, context: Arc<TaskContext>, runtime: Handle) -> Self {
        Self { plan, context, runtime }
    }
}

impl BatchSource for PlanSource {
    fn schema(&self) -> SchemaRef {
        self.plan.schema()
    }

    /// Plans whose state cannot be reset are run once: those with filters that change while running, and recursion.
    fn rereadable(&self) -> bool {
        let kept = |plan: &Arc<dyn ExecutionPlan>| {
            Ok(!plan.dynamic_expressions_produced().is_empty() || plan.name() == "RecursiveQueryExec")
        };
        !self.plan.exists(kept).unwrap_or(true)
    }

    fn open(&self) -> Result<BatchIterator, PitError> {
        // Operators keep state once executed; a pass starts from a fresh copy.
        let plan = Arc::clone(&self.plan);
        let plan = if self.rereadable() { reset_plan_states(plan).map_err(failed)? } else { plan };
        let partitions = plan.output_partitioning().partition_count();
        Ok(Box::new(PlanBatches { source: self.clone(), plan, partitions, next: 0, stream: None }))
    }
}

struct PlanBatches {
    source: PlanSource,
    plan: Arc<dyn ExecutionPlan>,
    partitions: usize,
    next: usize,
    stream: Option<SendableRecordBatchStream>,
}

impl PlanBatches {
    fn next_batch(&mut self) -> Result<Option<RecordBatch>, PitError> {
        loop {
            if let Some(stream) = &mut self.stream {
                if let Some(batch) = self.source.runtime.block_on(stream.next()) {
                    return batch.map(Some).map_err(failed);
                }
                self.stream = None;
            }
            if self.next == self.partitions {
                return Ok(None);
            }
            let _entered = self.source.runtime.enter();
            let stream = self.plan.execute(self.next, Arc::clone(&self.source.context)).map_err(failed)?;
            self.next += 1;
            self.stream = Some(stream);
        }
    }
}

impl Iterator for PlanBatches {
    type Item = Result<RecordBatch, PitError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.next_batch().transpose();
        if matches!(next, Some(Err(_))) {
            (self.stream, self.next) = (None, self.partitions);
        }
        next
    }
}

fn failed(source: datafusion::error::DataFusionError) -> PitError {
    PitError::Source { place: "the query of a feature view".to_owned(), source: Box::new(source) }
}
