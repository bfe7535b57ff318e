//! Running a project: models in the order of the graph, as many at once as there are workers, then the tests.

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use futures::FutureExt as _;
use hanok_error::Report;
use hanok_query::Session;
use tokio::task::JoinSet;

use crate::data_tests::{Severity, TestTarget};
use crate::project::Project;
use crate::schedule::Schedule;
use crate::warehouse::{self, NodeError};

/// How to run.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// The models to build, from [`Project::select`], and whose tests to run. Tests of sources run only when all models
    /// are selected.
    pub models: Vec<usize>,
    /// Models or tests at once; at least 1. Each query has threads of its own besides.
    pub workers: usize,
    /// Whether to run the tests.
    pub tests: bool,
}

/// What runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Node {
    /// The model with this index in the project.
    Model(usize),
    /// The test with this index in the project.
    Test(usize),
}

/// How a node ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeStatus {
    /// The model is built; the test passed.
    Success,
    /// The test found rows, but is only to warn.
    Warned,
    /// The model could not be built; the test found rows or could not run.
    Failed,
    /// Not run, because something that it needs failed.
    Skipped,
}

/// What became of a node.
#[derive(Debug, Clone)]
pub struct NodeResult {
    /// Which.
    pub node: Node,
    /// Name of the model or of the test.
    pub name: String,
    /// How it ended.
    pub status: NodeStatus,
    /// Wall time; 0 when it was skipped.
    pub seconds: f64,
    /// Rows written, for tables; rows that break the rule, for tests.
    pub rows: Option<u64>,
    /// Why it failed, warned or was skipped.
    pub message: Option<String>,
    /// The coded form of a failure, with its place.
    pub report: Option<Report>,
}

/// What happens, as it happens. For progress bars.
#[derive(Debug)]
pub enum Event<'a> {
    /// Once, at the beginning.
    Planned {
        /// Models that will be built, unless others fail.
        models: usize,
        /// Tests that will run.
        tests: usize,
    },
    /// A node starts.
    Started {
        /// Which.
        node: Node,
        /// Its name.
        name: &'a str,
    },
    /// A node ended, or was skipped without having started.
    Finished(&'a NodeResult),
}

/// A finished run.
#[derive(Debug, Clone, Default)]
pub struct RunSummary {
    /// Every selected model and test once: the models, then the tests, each in the order of the project.
    pub results: Vec<NodeResult>,
    /// Wall time of everything.
    pub seconds: f64,
}

impl RunSummary {
    /// How many models ended in `status`.
    pub fn models(&self, status: NodeStatus) -> usize {
        self.count(|node| matches!(node, Node::Model(_)), status)
    }

    /// How many tests ended in `status`.
    pub fn tests(&self, status: NodeStatus) -> usize {
        self.count(|node| matches!(node, Node::Test(_)), status)
    }

    fn count(&self, kind: fn(Node) -> bool, status: NodeStatus) -> usize {
        self.results.iter().filter(|result| kind(result.node) && result.status == status).count()
    }

    /// Whether nothing failed and nothing was skipped. Warnings do not count.
    pub fn is_success(&self) -> bool {
        self.results.iter().all(|result| matches!(result.status, NodeStatus::Success | NodeStatus::Warned))
    }
}

/// Builds the selected models and runs their tests. A failure is a result, not an error: whatever does not depend on it
/// goes on. Each table is replaced in one commit or not at all; dropping the future between abandons what is under way.
pub async fn run(
    project: &Arc<Project>,
    session: &Session,
    options: &RunOptions,
    on_event: &mut (dyn FnMut(Event<'_>) + Send),
) -> RunSummary {
    let started = Instant::now();
    let selected: BTreeSet<usize> =
        options.models.iter().copied().filter(|&node| node < project.models.len()).collect();
    let tests = if options.tests { selected_tests(project, &selected) } else { Vec::new() };
    on_event(Event::Planned { models: selected.len(), tests: tests.len() });
    let mut runner = Runner {
        project: project.clone(),
        session: session.clone(),
        workers: options.workers.max(1),
        tasks: JoinSet::new(),
        results: Vec::new(),
        unbuilt: BTreeSet::new(),
        on_event,
    };
    runner.models(Schedule::new(&project.graph, &selected.into_iter().collect::<Vec<_>>())).await;
    runner.tests(tests).await;
    // They ended in any order; a reader and a diff want the project's.
    let mut results = runner.results;
    results.sort_by_key(|result| match result.node {
        Node::Model(at) => (0, at),
        Node::Test(at) => (1, at),
    });
    RunSummary { results, seconds: started.elapsed().as_secs_f64() }
}

fn selected_tests(project: &Project, selected: &BTreeSet<usize>) -> Vec<usize> {
    let all = selected.len() == project.models.len();
    (0..project.tests.len())
        .filter(|&at| match &project.tests[at].target {
            TestTarget::Model(model) => selected.contains(model),
            TestTarget::Source(_) => all,
        })
        .collect()
}

/// A task's end: which node, how long it took, its rows or its failure.
type TaskEnd = (Node, f64, Result<Option<u64>, NodeError>);

struct Runner<'a> {
    project: Arc<Project>,
    session: Session,
    workers: usize,
    tasks: JoinSet<TaskEnd>,
    results: Vec<NodeResult>,
    /// Models that failed or were skipped.
    unbuilt: BTreeSet<usize>,
    on_event: &'a mut (dyn FnMut(Event<'_>) + Send),
}

impl Runner<'_> {
    async fn models(&mut self, mut schedule: Schedule) {
        loop {
            while self.tasks.len() < self.workers
                && let Some(model) = schedule.next()
            {
                self.start(Node::Model(model));
            }
            let Some((node, seconds, outcome)) = self.next_end().await else { break };
            let Node::Model(model) = node else { continue };
            let built = outcome.is_ok();
            self.finish(node, seconds, outcome);
            if built {
                schedule.succeed(model);
                continue;
            }
            self.unbuilt.insert(model);
            let reason = format!("the model `{}` failed", self.project.models[model].name);
            for skipped in schedule.fail(model) {
                self.unbuilt.insert(skipped);
                self.skip(Node::Model(skipped), &reason);
            }
        }
    }

    async fn tests(&mut self, tests: Vec<usize>) {
        let mut waiting = tests.into_iter();
        loop {
            while self.tasks.len() < self.workers
                && let Some(test) = waiting.next()
            {
                let missing =
                    self.project.tests[test].models.iter().find(|model| self.unbuilt.contains(model));
                match missing {
                    Some(&model) => {
                        let reason = format!("the model `{}` was not built", self.project.models[model].name);
                        self.skip(Node::Test(test), &reason);
                    }
                    None => self.start(Node::Test(test)),
                }
            }
            let Some((node, seconds, outcome)) = self.next_end().await else { break };
            self.finish(node, seconds, outcome);
        }
    }

    fn start(&mut self, node: Node) {
        (self.on_event)(Event::Started { node, name: name(&self.project, node) });
        let (project, session) = (self.project.clone(), self.session.clone());
        self.tasks.spawn(async move {
            let started = Instant::now();
            let work = async {
                match node {
                    Node::Model(model) => warehouse::build(&session, &project.models[model]).await,
                    Node::Test(test) => warehouse::count(&session, &project.tests[test]).await.map(Some),
                }
            };
            // A panic in the engine must not take the other models with it.
            let outcome = AssertUnwindSafe(work).catch_unwind().await.unwrap_or(Err(NodeError::Stopped));
            (node, started.elapsed().as_secs_f64(), outcome)
        });
    }

    async fn next_end(&mut self) -> Option<TaskEnd> {
        loop {
            match self.tasks.join_next().await? {
                Ok(end) => return Some(end),
                // Tasks catch their panics, and nobody but the dropping of this set aborts them.
                Err(error) => tracing::error!(%error, "a worker was lost"),
            }
        }
    }

    fn finish(&mut self, node: Node, seconds: f64, outcome: Result<Option<u64>, NodeError>) {
        let mut result = NodeResult {
            node,
            name: name(&self.project, node).to_owned(),
            status: NodeStatus::Success,
            seconds,
            rows: None,
            message: None,
            report: None,
        };
        let mut failed = |status, error: &NodeError| {
            let report = Report::new(error);
            result.status = status;
            result.message = Some(report.message.clone());
            result.report = Some(report);
        };
        match (node, outcome) {
            (_, Err(error)) => failed(NodeStatus::Failed, &error),
            (Node::Test(at), Ok(Some(failures))) if failures > 0 => {
                let test = &self.project.tests[at];
                let status = match test.severity {
                    Severity::Error => NodeStatus::Failed,
                    Severity::Warn => NodeStatus::Warned,
                };
                failed(status, &NodeError::Rows { failures, place: test.place.clone() });
                result.rows = Some(failures);
            }
            (_, Ok(rows)) => result.rows = rows,
        }
        self.push(result);
    }

    fn skip(&mut self, node: Node, reason: &str) {
        self.push(NodeResult {
            node,
            name: name(&self.project, node).to_owned(),
            status: NodeStatus::Skipped,
            seconds: 0.0,
            rows: None,
            message: Some(reason.to_owned()),
            report: None,
        });
    }

    fn push(&mut self, result: NodeResult) {
        (self.on_event)(Event::Finished(&result));
        self.results.push(result);
    }
}

fn name(project: &Project, node: Node) -> &str {
    match node {
        Node::Model(model) => &project.models[model].name,
        Node::Test(test) => &project.tests[test].name,
    }
}
