//! The join inside DataFusion plans.

use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch, TimestampMicrosecondArray};
use datafusion::catalog::MemTable;
use datafusion::physical_expr::expressions::{BinaryExpr, col, lit};
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::{ExecutionPlan, collect, displayable};
use datafusion::prelude::SessionContext;
use hanok_pit::{
    EntityFrame, FeatureSource, JoinOptions, PlanSource, PointInTimeJoinExec, ValueColumn, View, join,
};

use crate::fixture::{Layout, local, parquet_bytes};

fn rows(keys: Vec<i64>, times: Vec<i64>, values: Option<Vec<i64>>) -> RecordBatch {
    let mut columns: Vec<(&str, arrow::array::ArrayRef)> = vec![
        ("k", Arc::new(Int64Array::from(keys))),
        ("ts", Arc::new(TimestampMicrosecondArray::from(times).with_timezone("UTC"))),
    ];
    if let Some(values) = values {
        columns.push(("x", Arc::new(Int64Array::from(values))));
    }
    RecordBatch::try_from_iter(columns).unwrap()
}

#[test]
fn the_operator_composes_with_a_filter_above_and_below() {
    let folder = tempfile::tempdir().unwrap();
    let features = rows(vec![1, 1, 2, 3], vec![5, 15, 5, 5], Some(vec![10, 11, 20, 30]));
    let view = View {
        name: "v".to_owned(),
        source: FeatureSource::Files(vec![local(
            folder.path(),
            "f",
            &parquet_bytes(&features, Layout::default()),
        )]),
        keys: vec![("k".to_owned(), "k".to_owned())],
        timestamp: "ts".to_owned(),
        created: None,
        ttl_us: Some(100),
        values: vec![ValueColumn { source: "x".to_owned(), output: "x".to_owned(), target: None }],
        as_known_at: false,
    };
    for runtime in [
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap(),
        tokio::runtime::Builder::new_current_thread().build().unwrap(),
    ] {
        runtime.block_on(async {
            let context = SessionContext::new();
            let partitions = vec![
                vec![rows(vec![1, 9], vec![10, 10], None), rows(vec![2], vec![10], None)],
                vec![rows(vec![1, 3], vec![20, 4], None)],
            ];
            let table = MemTable::try_new(partitions[0][0].schema(), partitions).unwrap();
            context.register_table("entity", Arc::new(table)).unwrap();
            let entity = context.sql("SELECT k, ts FROM entity WHERE k < 5").await.unwrap();
            let entity = entity.create_physical_plan().await.unwrap();
            let join = PointInTimeJoinExec::try_new(
                entity,
                "ts".to_owned(),
                vec![view.clone()],
                JoinOptions::default(),
            );
            let join = Arc::new(join.unwrap());
            let text = displayable(join.as_ref()).one_line().to_string();
            assert_eq!(text.trim(), "PointInTimeJoinExec: timestamp=ts, views=[v]");

            let all = collect(Arc::clone(&join) as Arc<dyn ExecutionPlan>, context.task_ctx()).await.unwrap();
            let all = arrow::compute::concat_batches(&join.schema(), &all).unwrap();
            assert_eq!(all.column(2).as_ref(), &Int64Array::from(vec![Some(10), Some(20), Some(11), None]));

            let schema = join.schema();
            let over = BinaryExpr::new(
                col("x", &schema).unwrap(),
                datafusion::logical_expr::Operator::Gt,
                lit(10_i64),
            );
            let filter: Arc<dyn ExecutionPlan> = Arc::new(FilterExec::try_new(Arc::new(over), join).unwrap());
            let some = collect(Arc::clone(&filter), context.task_ctx()).await.unwrap();
            let some = arrow::compute::concat_batches(&filter.schema(), &some).unwrap();
            assert_eq!(some.column(2).as_ref(), &Int64Array::from(vec![20, 11]));
        });
    }
}

#[test]
fn a_query_is_a_feature_source_and_is_run_again_for_each_part() {
    for runtime in [
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap(),
        tokio::runtime::Builder::new_current_thread().build().unwrap(),
    ] {
        let out = runtime.block_on(async {
            let context = SessionContext::new();
            let features = rows(vec![1, 1, 2, 2], vec![5, 15, 5, 6], Some(vec![10, 11, 20, 21]));
            let table = MemTable::try_new(
                features.schema(),
                vec![vec![features.slice(0, 2)], vec![features.slice(2, 2)]],
            );
            context.register_table("features", Arc::new(table.unwrap())).unwrap();
            let query = "SELECT k, max(ts) AS ts, max(x) * 2 AS double FROM features GROUP BY k";
            let plan = context.sql(query).await.unwrap().create_physical_plan().await.unwrap();
            let source = PlanSource::new(plan, context.task_ctx(), tokio::runtime::Handle::current());
            let view = View {
                name: "v".to_owned(),
                source: FeatureSource::Batches(Arc::new(source)),
                keys: vec![("k".to_owned(), "k".to_owned())],
                timestamp: "ts".to_owned(),
                created: None,
                ttl_us: None,
                values: vec![ValueColumn {
                    source: "double".to_owned(),
                    output: "d".to_owned(),
                    target: None,
                }],
                as_known_at: false,
            };
            let batch = rows(vec![2, 1, 3, 1], vec![6, 15, 100, 14], None);
            let entity =
                EntityFrame { schema: batch.schema(), batches: vec![batch], timestamp: "ts".to_owned() };
            tokio::task::spawn_blocking(move || {
                let options = JoinOptions { memory_max_bytes: Some(100), ..JoinOptions::default() };
                let joined = join(entity, vec![view], &options).unwrap();
                assert!(joined.stats().parts > 1);
                crate::fixture::collect(joined)
            })
            .await
            .unwrap()
        });
        assert_eq!(out.column(2).as_ref(), &Int64Array::from(vec![Some(42), Some(22), None, None]));
    }
}

#[test]
fn an_error_inside_the_operator_reaches_the_reader() {
    let folder = tempfile::tempdir().unwrap();
    let features = rows(vec![1], vec![5], Some(vec![10]));
    let file = local(folder.path(), "f", &parquet_bytes(&features, Layout::default()));
    let path = file.local.clone().unwrap();
    let view = View {
        name: "v".to_owned(),
        source: FeatureSource::Files(vec![file]),
        keys: vec![("k".to_owned(), "k".to_owned())],
        timestamp: "ts".to_owned(),
        created: None,
        ttl_us: None,
        values: vec![ValueColumn { source: "x".to_owned(), output: "x".to_owned(), target: None }],
        as_known_at: false,
    };
    tokio::runtime::Builder::new_multi_thread().build().unwrap().block_on(async {
        let context = SessionContext::new();
        let entity =
            context.read_batch(rows(vec![1], vec![10], None)).unwrap().create_physical_plan().await.unwrap();
        let join = PointInTimeJoinExec::try_new(entity, "ts".to_owned(), vec![view], JoinOptions::default())
            .unwrap();
        std::fs::remove_file(path).unwrap();
        let error = collect(Arc::new(join), context.task_ctx()).await.unwrap_err();
        assert!(error.to_string().contains("cannot be read"), "{error}");
    });
}
