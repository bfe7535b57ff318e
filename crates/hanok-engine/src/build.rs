//! Wiring of `hanok build`.

use std::sync::Arc;

use hanok_load::{Source, read_sources};
use hanok_transform::{
    Event as RunEvent, Node, NodeResult, NodeStatus, Project, ProjectInput, RunOptions, run,
};
use hanok_types::Id;

use crate::engine::BuildRequest;
use crate::report::{BuildReport, ModelReport, TestReport};
use crate::{Engine, EngineError, Event, Observer};

impl BuildReport {
    pub(crate) fn rows(&self) -> u64 {
        self.models.iter().filter_map(|model| model.rows).sum()
    }
}

pub(crate) async fn build(
    engine: &Engine,
    run_id: Id,
    request: &BuildRequest,
    observer: &Observer,
) -> Result<BuildReport, EngineError> {
    let project = Arc::new(read_project(engine, &read_sources(&engine.project.folder)?)?);
    let models = project.select(&request.models)?;
    // Each query has threads of its own; two models at once fill the gaps that planning and committing leave.
    let options = RunOptions { models, workers: engine.project.threads.value.max(2), tests: true };
    let mut on_event = |event: RunEvent<'_>| match event {
        RunEvent::Planned { .. } => {}
        RunEvent::Started { node, name } => {
            observer(Event::Started { what: kind(node), name, total: None });
        }
        RunEvent::Finished(result) => observer(Event::Finished {
            what: kind(result.node),
            name: &result.name,
            rows: result.rows.unwrap_or_default(),
            ok: result.status != NodeStatus::Failed,
        }),
    };
    let summary = run(&project, &engine.session, &options, &mut on_event).await;
    let mut report =
        BuildReport { run: run_id.to_string(), seconds: summary.seconds, ..BuildReport::default() };
    for result in summary.results {
        match result.node {
            Node::Model(at) => add_model(&mut report, &project, at, result),
            Node::Test(_) => add_test(&mut report, result),
        }
    }
    Ok(report)
}

/// The models, over the tables of these sources.
pub(crate) fn read_project(engine: &Engine, sources: &[Source]) -> Result<Project, EngineError> {
    let loaded = sources.iter().map(Source::table).collect::<Result<Vec<_>, _>>()?;
    Ok(Project::read(&ProjectInput::new(&engine.project, loaded))?)
}

fn kind(node: Node) -> &'static str {
    match node {
        Node::Model(_) => "model",
        Node::Test(_) => "test",
    }
}

fn message(result: &NodeResult) -> Option<String> {
    match &result.report {
        Some(report) => Some(match &report.place {
            Some(place) => format!("{place}: {} [{}]", report.message, report.code),
            None => format!("{} [{}]", report.message, report.code),
        }),
        None => result.message.clone(),
    }
}

fn add_model(report: &mut BuildReport, project: &Project, at: usize, result: NodeResult) {
    let status = match result.status {
        NodeStatus::Success | NodeStatus::Warned => "built",
        NodeStatus::Failed => "failed",
        NodeStatus::Skipped => "skipped",
    };
    if status == "built" {
        report.models_built += 1;
    } else {
        report.models_failed += 1;
    }
    let model = &project.models[at];
    report.models.push(ModelReport {
        message: message(&result),
        name: result.name,
        table: model.table.to_string(),
        materialized: model.config.materialized.to_string(),
        status: status.to_owned(),
        rows: result.rows,
        seconds: result.seconds,
    });
}

fn add_test(report: &mut BuildReport, result: NodeResult) {
    let status = match result.status {
        NodeStatus::Success => "passed",
        NodeStatus::Warned => "warned",
        NodeStatus::Failed => "failed",
        NodeStatus::Skipped => "skipped",
    };
    match result.status {
        NodeStatus::Success => report.tests_passed += 1,
        NodeStatus::Warned => report.tests_warned += 1,
        NodeStatus::Failed | NodeStatus::Skipped => report.tests_failed += 1,
    }
    report.tests.push(TestReport {
        message: message(&result),
        name: result.name,
        status: status.to_owned(),
        failures: result.rows.unwrap_or_default(),
        seconds: result.seconds,
    });
}
