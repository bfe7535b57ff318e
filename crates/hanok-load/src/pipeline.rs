//! One pass over a source's text files: a thread that reads and cuts, threads that parse, results in order.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use encoding_rs::Encoding;

use crate::chunk::{Chunk, Chunker, RowSyntax};
use crate::column::{Outcome, Parsed, Rows, parse, scan};
use crate::csv::{CsvBlock, Dialect, take_header};
use crate::error::ReadError;
use crate::input::{Part, SourceFile, visit_parts};
use crate::json::JsonBlock;
use crate::options::{Format, ReadOptions};
use crate::plan::{Plan, Registry};
use crate::reject::Reject;
use crate::types::Candidates;

/// The types of a file's first block are looked at before the first pass.
const HEAD_BYTES: usize = 256 << 10;

/// The files and how they are written.
pub(crate) struct TextSource {
    pub(crate) files: Vec<SourceFile>,
    pub(crate) format: Format,
    pub(crate) encoding: &'static Encoding,
    pub(crate) options: Arc<ReadOptions>,
}

/// A parsed or scanned block.
pub(crate) enum Done {
    Parsed {
        batch: arrow::array::RecordBatch,
        rejects: Vec<Reject>,
        no_float: Vec<usize>,
    },
    /// Types only.
    Types(Types),
}

/// What a block tells about types.
#[derive(Default)]
pub(crate) struct Types {
    pub(crate) file: String,
    /// By place in the plan.
    pub(crate) known: Vec<(usize, Candidates)>,
    pub(crate) new: Vec<(String, Candidates)>,
}

/// The next thing in order.
pub(crate) enum Step {
    Block(Done),
    /// The file at this place is through; so many bytes of text.
    FileEnd {
        file: usize,
        bytes: u64,
    },
}

enum Slot {
    Block(Receiver<Result<Done, ReadError>>),
    FileEnd { file: usize, bytes: u64 },
    Failed(ReadError),
}

struct Task {
    chunk: Chunk,
    from: usize,
    part: Arc<PartPlan>,
    reply: SyncSender<Result<Done, ReadError>>,
}

/// How one stream's fields map to the plan.
struct PartPlan {
    name: Arc<str>,
    kind: PartKind,
}

enum PartKind {
    Csv { dialect: Dialect, fields_len: usize, fields: Vec<Option<usize>> },
    Jsonl,
}

impl TextSource {
    fn syntax(&self, file: &SourceFile) -> RowSyntax {
        if self.format == Format::Jsonl {
            return RowSyntax { delimiter: b'\n', quote: None };
        }
        let name = file.name.to_ascii_lowercase();
        let tabs = [".tsv", ".tsv.gz", ".tsv.zip"].iter().any(|end| name.ends_with(end));
        let delimiter = self.options.csv.delimiter.unwrap_or(if tabs { b'\t' } else { b',' });
        RowSyntax { delimiter, quote: self.options.csv.quote }
    }

    fn extensions(&self) -> &'static [&'static str] {
        match self.format {
            Format::Jsonl => &["jsonl", "ndjson", "json"],
            _ => &["csv", "tsv", "txt"],
        }
    }

    fn visit(
        &self,
        file: &SourceFile,
        block_bytes: usize,
        visit: &mut dyn FnMut(&mut Chunker<'_>) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let syntax = self.syntax(file);
        visit_parts(file, self.encoding, self.extensions(), &mut |part: Part<'_>| {
            visit(&mut Chunker::new(part, syntax, block_bytes, &self.options.limits))
        })
    }

    /// Reads the header of a stream and how it maps to columns; gives the place of the data in the chunk. `column`
    /// finds the place of a name.
    fn part_plan(
        &self,
        file: &SourceFile,
        name: &Arc<str>,
        chunk: &Chunk,
        column: &mut dyn FnMut(&str) -> Result<usize, ReadError>,
    ) -> Result<(PartPlan, usize), ReadError> {
        if self.format == Format::Jsonl {
            return Ok((PartPlan { name: Arc::clone(name), kind: PartKind::Jsonl }, 0));
        }
        let dialect =
            Dialect::new(&self.options.csv, self.syntax(file).delimiter, self.options.limits.raw_bytes_max);
        let (names, from) = take_header(chunk, &self.options.csv, dialect.syntax.delimiter)
            .map_err(|reason| ReadError::Header { file: name.to_string(), reason })?;
        let mut fields = Vec::new();
        for (at, name) in names.iter().enumerate() {
            let place = column(name)?;
            if fields.len() <= place {
                fields.resize(place + 1, None);
            }
            fields[place] = Some(at);
        }
        let kind = PartKind::Csv { dialect, fields_len: names.len(), fields };
        Ok((PartPlan { name: Arc::clone(name), kind }, from))
    }

    /// Registers the columns of all files and what their first rows tell about types.
    pub(crate) fn look_at_heads(&self, registry: &mut Registry) -> Result<(), ReadError> {
        let head_bytes = HEAD_BYTES.min(self.options.limits.block_bytes);
        for file in &self.files {
            self.visit(file, head_bytes, &mut |chunker| {
                let Some(chunk) = chunker.next(Vec::new())? else { return Ok(()) };
                let name = Arc::clone(chunker.name());
                let mut column = |raw: &str| registry.column(raw, &name);
                let (part, from) = self.part_plan(file, &name, &chunk, &mut column)?;
                let plan = registry.plan()?;
                take_in(registry, &part.types(&chunk, from, &plan))
            })?;
        }
        Ok(())
    }

    /// Reads all files and hands out the blocks; ends early when nobody listens any more.
    fn read(
        &self,
        plan: &Plan,
        tasks: &SyncSender<Task>,
        slots: &SyncSender<Slot>,
        spares: &Receiver<Vec<u8>>,
    ) -> Result<(), ReadError> {
        let closed = |_| ReadError::Stopped;
        for (at, file) in self.files.iter().enumerate() {
            let mut bytes = 0;
            self.visit(file, self.options.limits.block_bytes, &mut |chunker| {
                let mut part: Option<Arc<PartPlan>> = None;
                while let Some(chunk) = chunker.next(spares.try_recv().unwrap_or_default())? {
                    let mut from = 0;
                    let part = match &part {
                        Some(part) => part,
                        None => {
                            let name = Arc::clone(chunker.name());
                            let (first, start) = self.part_plan(file, &name, &chunk, &mut |raw| {
                                plan.by_raw.get(raw).copied().ok_or_else(|| ReadError::Changed {
                                    file: name.to_string(),
                                    what: format!("it now has the column `{raw}`"),
                                })
                            })?;
                            from = start;
                            part.insert(Arc::new(first))
                        }
                    };
                    let (reply, result) = sync_channel(1);
                    slots.send(Slot::Block(result)).map_err(|_| ReadError::Stopped)?;
                    let task = Task { chunk, from, part: Arc::clone(part), reply };
                    tasks.send(task).map_err(|_| ReadError::Stopped)?;
                }
                bytes += chunker.bytes();
                Ok(())
            })?;
            slots.send(Slot::FileEnd { file: at, bytes }).map_err(closed)?;
        }
        Ok(())
    }
}

/// Merges a block's types into what is known.
pub(crate) fn take_in(registry: &mut Registry, types: &Types) -> Result<(), ReadError> {
    for (at, candidates) in &types.known {
        registry.learn(*at, *candidates);
    }
    for (raw, candidates) in &types.new {
        let at = registry.column(raw, &types.file)?;
        registry.learn_new(at, *candidates);
    }
    Ok(())
}

impl PartPlan {
    fn types(&self, chunk: &Chunk, from: usize, plan: &Plan) -> Types {
        let mut ignored = Vec::new();
        let file = self.name.to_string();
        match &self.kind {
            PartKind::Csv { dialect, fields_len, fields } => {
                let mut index = crate::csv::Index::default();
                let block = CsvBlock::new(
                    chunk,
                    from,
                    &self.name,
                    dialect,
                    *fields_len,
                    fields,
                    &mut index,
                    &mut ignored,
                );
                Types { file, known: scan(&block, plan), new: Vec::new() }
            }
            PartKind::Jsonl => {
                let block = JsonBlock::new(chunk, &self.name, plan, 0, &mut ignored);
                Types { file, known: scan(&block, plan), new: block.new_columns() }
            }
        }
    }

    fn parse(
        &self,
        chunk: &mut Chunk,
        from: usize,
        plan: &Plan,
        index: &mut crate::csv::Index,
        raw_bytes_max: usize,
    ) -> Result<Done, ReadError> {
        let mut rejects = std::mem::take(&mut chunk.rejects);
        let done = match &self.kind {
            PartKind::Csv { dialect, fields_len, fields } => {
                let block =
                    CsvBlock::new(chunk, from, &self.name, dialect, *fields_len, fields, index, &mut rejects);
                match parse(&block, plan)? {
                    Outcome::Parsed(parsed) => {
                        Some(self.parsed(parsed, rejects, &block, |row| block.raw(row)))
                    }
                    Outcome::Misfit => None,
                }
            }
            PartKind::Jsonl => {
                let block = JsonBlock::new(chunk, &self.name, plan, raw_bytes_max, &mut rejects);
                let new = block.new_columns();
                if !new.is_empty() {
                    let known = scan(&block, plan);
                    return Ok(Done::Types(Types { file: self.name.to_string(), known, new }));
                }
                match parse(&block, plan)? {
                    Outcome::Parsed(parsed) => {
                        Some(self.parsed(parsed, rejects, &block, |row| block.raw(row)))
                    }
                    Outcome::Misfit => None,
                }
            }
        };
        Ok(done.unwrap_or_else(|| Done::Types(self.types(chunk, from, plan))))
    }

    fn parsed(
        &self,
        parsed: Parsed,
        mut rejects: Vec<Reject>,
        block: &impl Rows,
        raw: impl Fn(usize) -> String,
    ) -> Done {
        if !parsed.refused.is_empty() {
            rejects.extend(parsed.refused.into_iter().map(|(row, reason)| Reject {
                file: Arc::clone(&self.name),
                line: block.line(row),
                reason,
                raw: raw(row),
            }));
            rejects.sort_by_key(|reject| reject.line);
        }
        Done::Parsed { batch: parsed.batch, rejects, no_float: parsed.no_float }
    }
}

/// A running pass.
pub(crate) struct Pass {
    slots: Option<Receiver<Slot>>,
    scan_only: Arc<AtomicBool>,
    threads: VecDeque<JoinHandle<()>>,
}

impl Pass {
    /// Starts the threads.
    pub(crate) fn start(source: &Arc<TextSource>, plan: &Arc<Plan>) -> Result<Self, ReadError> {
        let workers = source.options.limits.threads();
        let depth = workers * 2;
        let (tasks, task_queue) = sync_channel::<Task>(depth);
        let (slots, slot_queue) = sync_channel::<Slot>(depth);
        let (spare, spares) = sync_channel::<Vec<u8>>(depth);
        let scan_only = Arc::new(AtomicBool::new(false));
        let task_queue = Arc::new(Mutex::new(task_queue));
        let mut pass = Self { slots: Some(slot_queue), scan_only, threads: VecDeque::new() };
        for _ in 0..workers {
            let worker = Worker {
                tasks: Arc::clone(&task_queue),
                spare: spare.clone(),
                plan: Arc::clone(plan),
                scan_only: Arc::clone(&pass.scan_only),
                raw_bytes_max: source.options.limits.raw_bytes_max,
            };
            pass.spawn("hanok-parse", move || worker.run())?;
        }
        let (source, plan) = (Arc::clone(source), Arc::clone(plan));
        pass.spawn("hanok-read", move || {
            if let Err(error) = source.read(&plan, &tasks, &slots, &spares) {
                // Nobody listens any more: nobody to tell.
                _ = slots.send(Slot::Failed(error));
            }
        })?;
        Ok(pass)
    }

    fn spawn(&mut self, name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), ReadError> {
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(work);
        let thread = thread.map_err(|source| ReadError::Io { file: format!("thread {name}"), source })?;
        self.threads.push_back(thread);
        Ok(())
    }

    /// From now on blocks are looked at for their types only.
    pub(crate) fn scan_only(&self) {
        self.scan_only.store(true, Ordering::Relaxed);
    }

    /// The next step; none at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Step>, ReadError> {
        let Some(slots) = &self.slots else { return Ok(None) };
        match slots.recv() {
            Ok(Slot::Block(result)) => match result.recv() {
                Ok(done) => Ok(Some(Step::Block(done?))),
                Err(_) => Err(ReadError::Stopped),
            },
            Ok(Slot::FileEnd { file, bytes }) => Ok(Some(Step::FileEnd { file, bytes })),
            Ok(Slot::Failed(error)) => Err(error),
            Err(_) => {
                // A reader that ended in a panic must not look like the end of the files.
                self.slots = None;
                let panicked = self.threads.drain(..).any(|thread| thread.join().is_err());
                if panicked { Err(ReadError::Stopped) } else { Ok(None) }
            }
        }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        // Closed channels end the threads.
        self.slots = None;
        self.threads.drain(..).for_each(|thread| _ = thread.join());
    }
}

struct Worker {
    tasks: Arc<Mutex<Receiver<Task>>>,
    spare: SyncSender<Vec<u8>>,
    plan: Arc<Plan>,
    scan_only: Arc<AtomicBool>,
    raw_bytes_max: usize,
}

impl Worker {
    fn run(self) {
        let mut index = crate::csv::Index::default();
        loop {
            // A statement of its own, so that the lock is free while the block is parsed.
            let task = self.tasks.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(Task { mut chunk, from, part, reply }) = task else { return };
            let done = if self.scan_only.load(Ordering::Relaxed) {
                Ok(Done::Types(part.types(&chunk, from, &self.plan)))
            } else {
                part.parse(&mut chunk, from, &self.plan, &mut index, self.raw_bytes_max)
            };
            _ = reply.send(done);
            _ = self.spare.try_send(chunk.text);
        }
    }
}
