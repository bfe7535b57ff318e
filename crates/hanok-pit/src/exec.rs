//! The join as a physical operator, so that it composes with plans.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{
    Boundedness, ChildrenPropertiesMode, EmissionType, ReplaceChildrenOptions,
};
use datafusion::physical_plan::stream::RecordBatchReceiverStream;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties, collect_partitioned,
};

use crate::error::PitError;
use crate::join::{join, joined_schema};
use crate::spec::{EntityFrame, JoinOptions, View};

/// Output batches that may wait for whoever reads them.
const BATCHES_WAITING_MAX: usize = 2;

/// Joins feature views to the rows of its input: the output is the input's columns, then the features; one row for each
/// input row. The input's partitions are taken one after the other, so that the order of rows is kept.
#[derive(Debug, Clone)]
pub struct PointInTimeJoinExec {
    input: Arc<dyn ExecutionPlan>,
    timestamp: String,
    views: Vec<View>,
    options: JoinOptions,
    properties: Arc<PlanProperties>,
}

impl PointInTimeJoinExec {
    /// Joins `views` to `input`, whose timestamp column is `timestamp`. Reads the footers of feature files, so call it
    /// where blocking is allowed.
    pub fn try_new(
        input: Arc<dyn ExecutionPlan>,
        timestamp: String,
        views: Vec<View>,
        options: JoinOptions,
    ) -> Result<Self, PitError> {
        let entity = EntityFrame { schema: input.schema(), batches: Vec::new(), timestamp };
        let schema = joined_schema(&entity, &views, &options)?;
        Ok(Self::with_schema(input, entity.timestamp, views, options, schema))
    }

    fn with_schema(
        input: Arc<dyn ExecutionPlan>,
        timestamp: String,
        views: Vec<View>,
        options: JoinOptions,
        schema: SchemaRef,
    ) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Final,
            Boundedness::Bounded,
        );
        Self { input, timestamp, views, options, properties: Arc::new(properties) }
    }
}

impl DisplayAs for PointInTimeJoinExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.views.iter().map(|view| view.name.as_str()).collect();
        write!(f, "PointInTimeJoinExec: timestamp={}, views=[{}]", self.timestamp, names.join(", "))
    }
}

impl ExecutionPlan for PointInTimeJoinExec {
    fn name(&self) -> &'static str {
        "PointInTimeJoinExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let [input] = <[_; 1]>::try_from(children)
            .map_err(|_| DataFusionError::Plan("a point-in-time join has one input".to_owned()))?;
        let (timestamp, views, options) = (self.timestamp.clone(), self.views.clone(), self.options.clone());
        if input.schema() == self.input.schema() {
            return Ok(Arc::new(Self::with_schema(input, timestamp, views, options, self.schema())));
        }
        let new = Self::try_new(input, timestamp, views, options).map_err(external)?;
        Ok(Arc::new(new))
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        if partition != 0 {
            return Err(DataFusionError::Internal(format!(
                "a point-in-time join has no partition {partition}"
            )));
        }
        let Self { input, timestamp, views, options, .. } = self.clone();
        let mut stream = RecordBatchReceiverStream::builder(self.schema(), BATCHES_WAITING_MAX);
        let send = stream.tx();
        stream.spawn(async move {
            let schema = input.schema();
            let memory = MemoryConsumer::new("PointInTimeJoinExec").register(context.memory_pool());
            let partitions = collect_partitioned(input, context).await?;
            let batches: Vec<_> =
                partitions.into_iter().flatten().filter(|batch| batch.num_rows() > 0).collect();
            memory.try_grow(batches.iter().map(|batch| batch.get_array_memory_size()).sum())?;
            let entity = EntityFrame { schema, batches, timestamp };
            let work = tokio::task::spawn_blocking(move || {
                let _memory = memory;
                let joined = match join(entity, views, &options) {
                    Ok(joined) => joined,
                    Err(error) => {
                        let _ = send.blocking_send(Err(external(error)));
                        return;
                    }
                };
                for batch in joined {
                    if send.blocking_send(batch.map_err(external)).is_err() {
                        return; // Nobody reads any more.
                    }
                }
            });
            work.await.map_err(|error| DataFusionError::External(Box::new(error)))
        });
        Ok(stream.build())
    }
}

fn external(error: PitError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}
