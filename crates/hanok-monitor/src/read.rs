//! Rows of a monitor: what is read of a table, view or query, and when.

use arrow::array::{Array as _, ArrayRef, AsArray as _, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type, SchemaRef, TimeUnit, TimestampMicrosecondType};
use hanok_drift::profile::TableProfile;
use hanok_lake::AsOf;
use hanok_query::Session;

use crate::definition::{Monitor, Rows};
use crate::error::MonitorError;
use crate::window::Span;

/// A name as it stands in SQL.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text as it stands in SQL.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The rows of a monitor on one branch, at one version where they are a table's: what is added to the table meanwhile does not
/// make columns differ in length.
pub(crate) struct Reading {
    session: Session,
    /// What stands after `from`.
    from: String,
    time: String,
    /// The columns.
    pub(crate) schema: SchemaRef,
    /// The version of the table; none of views and queries.
    pub(crate) version: Option<u64>,
}

/// Rows of a model, in the order of time; what is missing of predictions and labels is NaN.
#[derive(Debug, Default)]
pub(crate) struct Predicted {
    pub(crate) predictions: Vec<f64>,
    pub(crate) labels: Vec<f64>,
    /// The columns that errors are learnt from; none without such.
    pub(crate) features: Vec<RecordBatch>,
}

impl Reading {
    /// Opens a monitor's rows, or those of the table as it was.
    pub(crate) async fn open(
        session: &Session,
        monitor: &Monitor,
        as_of: Option<AsOf>,
    ) -> Result<Self, MonitorError> {
        let session = session.at_once().await?;
        let (from, version) = match &monitor.rows {
            Rows::Sql(sql) => (format!("({sql}) as monitored"), None),
            Rows::Table(name) => {
                let lake = session.lake();
                let table = match as_of {
                    Some(as_of) => Some(lake.table_as_of(name, as_of).await?),
                    None => lake.find(name).await?,
                };
                let version = table.and_then(|table| table.version());
                let pin = version.map(|version| format!(" for version as of {version}")).unwrap_or_default();
                let name = format!("{}.{}", quoted(name.schema.as_str()), quoted(name.table.as_str()));
                (format!("{name}{pin}"), version)
            }
        };
        let schema = session.sql(&format!("select * from {from} limit 0")).await?.schema();
        let Ok(time) = schema.field_with_name(&monitor.time) else {
            return Err(MonitorError::Column { monitor: monitor.name.clone(), column: monitor.time.clone() });
        };
        if !matches!(time.data_type(), DataType::Timestamp(..) | DataType::Date32 | DataType::Date64) {
            return Err(MonitorError::Time {
                monitor: monitor.name.clone(),
                column: monitor.time.clone(),
                data_type: Box::new(time.data_type().clone()),
            });
        }
        Ok(Self { time: quoted(&monitor.time), session, from, schema, version })
    }

    fn within(&self, span: Option<Span>) -> String {
        let Some(Span { start_us, end_us }) = span else { return String::new() };
        let time = &self.time;
        format!(" where {time} >= to_timestamp_micros({start_us}) and {time} < to_timestamp_micros({end_us})")
    }

    /// How many rows there are.
    pub(crate) async fn count(&self, span: Option<Span>) -> Result<u64, MonitorError> {
        let sql = format!("select count(*) from {}{}", self.from, self.within(span));
        let batches = self.session.sql(&sql).await?.collect().await?;
        let counts = batches.iter().map(|batch| cast(batch.column(0), &DataType::Int64));
        let counts = counts.collect::<Result<Vec<ArrayRef>, _>>()?;
        Ok(counts.iter().flat_map(|count| count.as_primitive::<Int64Type>().values()).sum::<i64>() as u64)
    }

    /// A column's values, in chunks; an empty one when there are none, so that the type is known.
    pub(crate) async fn column(&self, name: &str, span: Option<Span>) -> Result<Vec<ArrayRef>, MonitorError> {
        let sql = format!("select {} from {}{}", quoted(name), self.from, self.within(span));
        let stream = self.session.sql(&sql).await?;
        let schema = stream.schema();
        let mut chunks: Vec<ArrayRef> =
            stream.collect().await?.iter().map(|batch| batch.column(0).clone()).collect();
        if chunks.is_empty() {
            chunks
                .extend(schema.fields().iter().map(|field| arrow::array::new_empty_array(field.data_type())));
        }
        Ok(chunks)
    }

    /// A profile of columns.
    pub(crate) async fn profile(
        &self,
        names: &[String],
        span: Option<Span>,
        threads: usize,
    ) -> Result<TableProfile, MonitorError> {
        let names: Vec<_> = names.iter().map(|name| quoted(name)).collect();
        let sql = format!("select {} from {}{}", names.join(", "), self.from, self.within(span));
        let mut stream = self.session.sql(&sql).await?;
        let mut profile = TableProfile::new(&stream.schema())?;
        while let Some(batch) = stream.next().await? {
            let work = tokio::task::spawn_blocking(move || profile.update(&batch, threads).map(|()| profile));
            profile = work.await.map_err(|error| MonitorError::Worker(error.to_string()))??;
        }
        Ok(profile)
    }

    /// Predictions, labels and features, row by row in the order of time.
    pub(crate) async fn predicted(
        &self,
        [prediction, label]: [&str; 2],
        features: &[String],
        span: Option<Span>,
    ) -> Result<Predicted, MonitorError> {
        let numbers = [prediction, label].map(|name| format!("cast({} as double)", quoted(name)));
        let list: Vec<String> = numbers.into_iter().chain(features.iter().map(|name| quoted(name))).collect();
        let (list, within) = (list.join(", "), self.within(span));
        let sql = format!("select {list} from {}{within} order by {}", self.from, self.time);
        let mut stream = self.session.sql(&sql).await?;
        let mut read = Predicted::default();
        while let Some(batch) = stream.next().await? {
            for (values, column) in [&mut read.predictions, &mut read.labels].into_iter().zip(batch.columns())
            {
                let column = cast(column, &DataType::Float64)?;
                values.extend(
                    column.as_primitive::<Float64Type>().iter().map(|value| value.unwrap_or(f64::NAN)),
                );
            }
            if !features.is_empty() {
                read.features.push(batch.project(&(2..batch.num_columns()).collect::<Vec<_>>())?);
            }
        }
        Ok(read)
    }

    /// The time of the `offset`-th row from `from_us` on, counted from 0 in the order of time.
    pub(crate) async fn time_after(
        &self,
        from_us: Option<i64>,
        offset: u64,
    ) -> Result<Option<i64>, MonitorError> {
        let time = &self.time;
        let from = from_us.map(|us| format!(" and {time} >= to_timestamp_micros({us})")).unwrap_or_default();
        self.time_of(&format!(
            "select {time} from {} where {time} is not null{from} order by {time} limit 1 offset {offset}",
            self.from
        ))
        .await
    }

    /// The time of the `offset`-th row before `before_us`, counted from 0 backwards.
    pub(crate) async fn time_before(&self, before_us: i64, offset: u64) -> Result<Option<i64>, MonitorError> {
        let time = &self.time;
        self.time_of(&format!(
            "select {time} from {} where {time} < to_timestamp_micros({before_us}) order by {time} desc limit 1 offset {offset}",
            self.from
        ))
        .await
    }

    async fn time_of(&self, sql: &str) -> Result<Option<i64>, MonitorError> {
        for batch in self.session.sql(sql).await?.collect().await? {
            if batch.num_rows() > 0 {
                let times = cast(batch.column(0), &DataType::Timestamp(TimeUnit::Microsecond, None))?;
                return Ok(times
                    .is_valid(0)
                    .then(|| times.as_primitive::<TimestampMicrosecondType>().value(0)));
            }
        }
        Ok(None)
    }
}
