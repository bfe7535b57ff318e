//! A sample that is closed over foreign keys.
//!
//! Three kinds of rows are kept: those that the sample begins with (roots), those that refer to a kept row from below
//! (children, and theirs), and those that a kept row refers to (and so on). Children come only down from roots: a class
//! that comes along for a student does not bring its other students, and around a circle of references nothing is a
//! child. So the sample stays small, and still no reference dangles that did not dangle before.
//!
//! What is kept is known by keys, not by rows: for each table and each set of its columns that others refer to, two sets
//! of hashes, of the keys whose children come along and of those that are needed. Tables are read as streams, once on the
//! way down and once on the way up; only tables in a circle are held as hashes of their keys.

use std::collections::BTreeMap;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::error::ArrowError;
use hanok_lake::Table;
use hanok_mask::{Key, RowIds};
use hanok_query::Session;
use hanok_types::TableName;

use crate::design::{Design, Fate, TableDesign};
use crate::error::{Result, StagingError};
use crate::graph::groups;
use crate::keys::{Hasher, KeySet, NONE};
use crate::plan::Sample;
use crate::snapshot::Snapshot;

/// Why a row is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Why {
    /// The sample begins with it.
    Root,
    /// It refers to a row that is a root or a child.
    Child,
    /// A kept row refers to it.
    Referenced,
}

/// Which rows the sample begins with.
enum Roots {
    /// None of this table.
    None,
    All,
    /// Those whose keyed identity is below.
    Below(u64),
    Keys(KeySet),
}

/// Columns of a table that others refer to.
struct Slot {
    columns: Vec<String>,
    /// Keys whose children come along.
    down: KeySet,
    /// Keys that kept rows refer to.
    need: KeySet,
}

struct Edge {
    columns: Vec<String>,
    to: usize,
    slot: usize,
    /// Both tables are in a circle.
    is_circular: bool,
}

struct Node<'a> {
    name: &'a TableName,
    table: &'a Table,
    key: &'a [String],
    roots: Roots,
    edges: Vec<Edge>,
    slots: Vec<Slot>,
    /// Roots or children can be in it.
    is_down: bool,
}

/// The rows that a branch keeps of its masked tables.
pub(crate) struct Closure<'a> {
    session: &'a Session,
    key: &'a Key,
    hasher: Hasher,
    nodes: Vec<Node<'a>>,
    groups: Vec<Vec<usize>>,
    bytes_max: usize,
}

/// Hashes of the columns of a batch.
struct Hashed {
    is_root: Vec<bool>,
    edges: Vec<Vec<u64>>,
    slots: Vec<Vec<u64>>,
}

impl<'a> Closure<'a> {
    /// Finds the rows. `keys` are the samples that a plan lists, as texts, by table.
    ///
    /// # Errors
    /// [`StagingError::Memory`] when the sets of keys take more than `bytes_max`.
    pub(crate) async fn of(
        design: &'a Design,
        snapshot: &'a Snapshot,
        session: &'a Session,
        key: &'a Key,
        mut keys: BTreeMap<TableName, Vec<ArrayRef>>,
        bytes_max: usize,
    ) -> Result<Self> {
        let hasher = Hasher::default();
        let masked: Vec<(&TableName, &TableDesign)> = design.of(&Fate::Mask).collect();
        let mut nodes: Vec<Node<'_>> = Vec::new();
        for (name, table) in &masked {
            let Some(opened) = snapshot.tables.get(*name) else { continue };
            let roots = match &table.sample {
                None => Roots::None,
                Some(Sample::Rate(rate)) if *rate >= 1.0 => Roots::All,
                // A rate is below 1 here.
                Some(Sample::Rate(rate)) => Roots::Below((rate * 2f64.powi(64)) as u64),
                Some(_) => {
                    let columns = keys.remove(*name).unwrap_or_default();
                    Roots::Keys(
                        key_set(&hasher, columns, opened.table.schema()?.as_deref(), &table.key)
                            .map_err(rows_of(name))?,
                    )
                }
            };
            let (edges, slots) = (Vec::new(), Vec::new());
            nodes.push(Node {
                name,
                table: &opened.table,
                key: &table.key,
                roots,
                edges,
                slots,
                is_down: false,
            });
        }
        let groups = connect(&mut nodes, &masked);
        let mut closure = Self { session, key, hasher, nodes, groups, bytes_max };
        closure.settle_roots();
        closure.down().await?;
        closure.up().await?;
        Ok(closure)
    }

    /// Why each row of a batch of a table is kept; `None` for a row that is not. The batch has at least the columns of
    /// [`Closure::columns`].
    pub(crate) fn why(&self, name: &TableName, batch: &RecordBatch) -> Result<Vec<Option<Why>>> {
        let Some(node) = self.nodes.iter().find(|node| node.name == name) else { return Ok(Vec::new()) };
        if matches!(node.roots, Roots::All) {
            return Ok(vec![Some(Why::Root); batch.num_rows()]);
        }
        let hashed = self.hashed(node, batch, true)?;
        let why = |row: usize| {
            if hashed.is_root[row] {
                Some(Why::Root)
            } else if self.is_child(node, &hashed, row) {
                Some(Why::Child)
            } else {
                let needed =
                    node.slots.iter().zip(&hashed.slots).any(|(slot, of)| slot.need.contains(of[row]));
                needed.then_some(Why::Referenced)
            }
        };
        Ok((0..batch.num_rows()).map(why).collect())
    }

    /// The columns that tell whether a row is kept.
    pub(crate) fn columns(&self, name: &TableName) -> Vec<String> {
        let Some(node) = self.nodes.iter().find(|node| node.name == name) else { return Vec::new() };
        if matches!(node.roots, Roots::All) { Vec::new() } else { columns_of(node, true) }
    }

    /// A masked table without a sample that no reference joins with a sample is kept as a whole.
    fn settle_roots(&mut self) {
        let mut is_joined = vec![false; self.nodes.len()];
        let order: Vec<usize> = self.groups.iter().flatten().copied().collect();
        for at in &order {
            let node = &self.nodes[*at];
            let is_child = node.edges.iter().any(|edge| !edge.is_circular && self.nodes[edge.to].is_down);
            self.nodes[*at].is_down = is_child || !matches!(self.nodes[*at].roots, Roots::None);
            is_joined[*at] = self.nodes[*at].is_down;
        }
        let mut open: Vec<usize> = order.into_iter().filter(|at| is_joined[*at]).collect();
        while let Some(at) = open.pop() {
            for edge in &self.nodes[at].edges {
                if !std::mem::replace(&mut is_joined[edge.to], true) {
                    open.push(edge.to);
                }
            }
        }
        for (node, is_joined) in self.nodes.iter_mut().zip(is_joined) {
            if !is_joined {
                node.roots = Roots::All;
                node.is_down = true;
            }
        }
    }

    /// From the roots to their children, tables that are referred to first.
    async fn down(&mut self) -> Result<()> {
        for at in self.groups.concat() {
            let node = &self.nodes[at];
            if !node.is_down || (node.edges.is_empty() && node.slots.is_empty()) {
                continue;
            }
            let all = matches!(node.roots, Roots::All);
            let mut stream = self.session.scan(node.table, &columns_of(node, !all), &[], None).await?;
            while let Some(batch) = stream.next().await? {
                let hashed = self.hashed(&self.nodes[at], &batch, !all)?;
                let node = &self.nodes[at];
                let kept: Vec<usize> = (0..batch.num_rows())
                    .filter(|row| all || hashed.is_root[*row] || self.is_child(node, &hashed, *row))
                    .collect();
                for row in kept {
                    self.take(at, &hashed, row, true);
                }
                self.check(at)?;
            }
        }
        Ok(())
    }

    /// From kept rows to what they refer to, tables that refer first.
    async fn up(&mut self) -> Result<()> {
        for group in self.groups.clone().into_iter().rev() {
            let is_circular =
                group.iter().any(|at| self.nodes[*at].edges.iter().any(|edge| edge.is_circular));
            if is_circular {
                self.around(&group).await?;
                continue;
            }
            for at in group {
                let node = &self.nodes[at];
                let is_needed = node.slots.iter().any(|slot| !slot.need.is_empty());
                if node.edges.is_empty() || !is_needed || matches!(node.roots, Roots::All) {
                    continue;
                }
                let mut stream = self.session.scan(node.table, &columns_of(node, false), &[], None).await?;
                while let Some(batch) = stream.next().await? {
                    let hashed = self.hashed(&self.nodes[at], &batch, false)?;
                    for row in 0..batch.num_rows() {
                        let slots = self.nodes[at].slots.iter().zip(&hashed.slots);
                        if slots.into_iter().any(|(slot, of)| slot.need.contains(of[row])) {
                            self.take(at, &hashed, row, false);
                        }
                    }
                    self.check(at)?;
                }
            }
        }
        Ok(())
    }

    /// Tables in a circle: their keys are held in memory and followed row by row, so that a chain of any length takes as
    /// many steps as it has rows.
    async fn around(&mut self, group: &[usize]) -> Result<()> {
        let mut held: BTreeMap<usize, Held> = BTreeMap::new();
        for &at in group {
            let node = &self.nodes[at];
            let mut own = Held::new(node.edges.len(), node.slots.len());
            let mut stream = self.session.scan(node.table, &columns_of(node, false), &[], None).await?;
            while let Some(batch) = stream.next().await? {
                own.add(self.hashed(&self.nodes[at], &batch, false)?);
                let others: usize = held.values().map(Held::bytes).sum();
                if others + own.bytes() > self.bytes_max {
                    return Err(self.too_large(at));
                }
            }
            own.index();
            held.insert(at, own);
        }
        let mut open: Vec<(usize, usize)> = Vec::new();
        for (at, own) in &mut held {
            for row in 0..own.taken.len() {
                let slots = self.nodes[*at].slots.iter().zip(&own.hashed.slots);
                if slots.into_iter().any(|(slot, of)| slot.need.contains(of[row])) {
                    own.taken[row] = true;
                    open.push((*at, row));
                }
            }
        }
        while let Some((at, row)) = open.pop() {
            for edge in 0..self.nodes[at].edges.len() {
                let Edge { to, slot, .. } = self.nodes[at].edges[edge];
                let hash = held[&at].hashed.edges[edge][row];
                if !self.nodes[to].slots[slot].need.insert(hash) {
                    continue;
                }
                let Some(other) = held.get_mut(&to) else { continue };
                for next in other.rows_of(slot, hash) {
                    if !std::mem::replace(&mut other.taken[next], true) {
                        open.push((to, next));
                    }
                }
            }
        }
        group.iter().try_for_each(|at| self.check(*at))
    }

    /// Keeps a row: what it refers to is needed, and on the way down its children come along.
    fn take(&mut self, at: usize, hashed: &Hashed, row: usize, is_down: bool) {
        if is_down {
            for (slot, of) in self.nodes[at].slots.iter_mut().zip(&hashed.slots) {
                slot.down.insert(of[row]);
            }
        }
        for (edge, of) in hashed.edges.iter().enumerate() {
            let Edge { to, slot, .. } = self.nodes[at].edges[edge];
            let target = &mut self.nodes[to].slots[slot];
            if !target.down.contains(of[row]) {
                target.need.insert(of[row]);
            }
        }
    }

    fn is_child(&self, node: &Node<'_>, hashed: &Hashed, row: usize) -> bool {
        let mut edges = node.edges.iter().zip(&hashed.edges);
        edges.any(|(edge, of)| {
            !edge.is_circular && self.nodes[edge.to].slots[edge.slot].down.contains(of[row])
        })
    }

    fn hashed(&self, node: &Node<'_>, batch: &RecordBatch, roots: bool) -> Result<Hashed> {
        let hash = |columns: &[String]| self.hasher.rows(&pick(batch, columns)).map_err(rows_of(node.name));
        let is_root = if roots { self.roots(node, batch)? } else { Vec::new() };
        let edges = node.edges.iter().map(|edge| hash(&edge.columns)).collect::<Result<_>>()?;
        let slots = node.slots.iter().map(|slot| hash(&slot.columns)).collect::<Result<_>>()?;
        Ok(Hashed { is_root, edges, slots })
    }

    fn roots(&self, node: &Node<'_>, batch: &RecordBatch) -> Result<Vec<bool>> {
        Ok(match &node.roots {
            Roots::None => vec![false; batch.num_rows()],
            Roots::All => vec![true; batch.num_rows()],
            Roots::Below(below) => {
                let ids = RowIds::new(self.key, &pick(batch, node.key)).map_err(|source| {
                    StagingError::Mask { table: node.name.clone(), column: node.key.join(", "), source }
                })?;
                ids.leading().map(|leading| leading < *below).collect()
            }
            Roots::Keys(keys) => {
                let hashes = self.hasher.rows(&pick(batch, node.key)).map_err(rows_of(node.name))?;
                hashes.iter().map(|hash| keys.contains(*hash)).collect()
            }
        })
    }

    fn check(&self, at: usize) -> Result<()> {
        let slots = self.nodes.iter().flat_map(|node| &node.slots);
        let bytes: usize = slots.map(|slot| slot.down.bytes() + slot.need.bytes()).sum();
        if bytes > self.bytes_max { Err(self.too_large(at)) } else { Ok(()) }
    }

    fn too_large(&self, at: usize) -> StagingError {
        let table = self.nodes[at].name.clone();
        StagingError::Memory { what: "the keys of the sample", table, limit: self.bytes_max }
    }
}

/// Fills in edges and slots, and returns the groups of the tables.
fn connect(nodes: &mut [Node<'_>], masked: &[(&TableName, &TableDesign)]) -> Vec<Vec<usize>> {
    let place = |name: &TableName| masked.iter().position(|(other, _)| *other == name);
    let mut references: Vec<Vec<usize>> = vec![Vec::new(); nodes.len()];
    for (at, (_, table)) in masked.iter().enumerate() {
        for reference in &table.references {
            let Some(to) = place(&reference.table) else { continue };
            let slots = &mut nodes[to].slots;
            let slot = slots.iter().position(|slot| slot.columns == reference.key).unwrap_or_else(|| {
                let columns = reference.key.clone();
                slots.push(Slot { columns, down: KeySet::default(), need: KeySet::default() });
                slots.len() - 1
            });
            nodes[at].edges.push(Edge { columns: reference.columns.clone(), to, slot, is_circular: false });
            references[at].push(to);
        }
    }
    let groups = groups(&references);
    for group in &groups {
        for at in group {
            nodes[*at].edges.iter_mut().for_each(|edge| edge.is_circular = group.contains(&edge.to));
        }
    }
    groups
}

fn columns_of(node: &Node<'_>, roots: bool) -> Vec<String> {
    let mut columns: Vec<String> = Vec::new();
    let key = if roots && !matches!(node.roots, Roots::None | Roots::All) { node.key } else { &[] };
    let edges = node.edges.iter().flat_map(|edge| &edge.columns);
    for column in key.iter().chain(edges).chain(node.slots.iter().flat_map(|slot| &slot.columns)) {
        if !columns.contains(column) {
            columns.push(column.clone());
        }
    }
    columns
}

/// Columns of a batch by name. The design has checked that they are there.
pub(crate) fn pick(batch: &RecordBatch, columns: &[String]) -> Vec<ArrayRef> {
    columns.iter().filter_map(|column| batch.column_by_name(column).cloned()).collect()
}

pub(crate) fn rows_of(name: &TableName) -> impl Fn(ArrowError) -> StagingError + '_ {
    move |source| StagingError::Rows { table: name.clone(), source }
}

/// Keys that were given as other types, as the table has them. What is no value of the type is no key of it.
fn key_set(
    hasher: &Hasher,
    columns: Vec<ArrayRef>,
    schema: Option<&arrow::datatypes::Schema>,
    key: &[String],
) -> Result<KeySet, ArrowError> {
    let mut cast = Vec::new();
    for (column, name) in columns.iter().zip(key) {
        let data_type = schema
            .and_then(|schema| schema.field_with_name(name).ok())
            .map(|field| field.data_type().clone());
        let options = CastOptions { safe: true, ..CastOptions::default() };
        let data_type = data_type.unwrap_or_else(|| column.data_type().clone());
        cast.push(cast_with_options(column, &data_type, &options)?);
    }
    let mut set = KeySet::default();
    for hash in hasher.rows(&cast)? {
        set.insert(hash);
    }
    Ok(set)
}

/// Keys as a plan lists them, a column for each part.
pub(crate) fn listed(keys: &[String], parts: usize) -> Option<Vec<ArrayRef>> {
    let split: Vec<Vec<&str>> = keys
        .iter()
        .map(|key| if parts == 1 { vec![key.as_str()] } else { key.split(',').map(str::trim).collect() })
        .collect();
    if split.iter().any(|key| key.len() != parts) {
        return None;
    }
    let column = |part: usize| -> ArrayRef {
        std::sync::Arc::new(StringArray::from_iter_values(split.iter().map(|key| key[part])))
    };
    Some((0..parts).map(column).collect())
}

/// The hashes of a table in a circle.
struct Held {
    hashed: Hashed,
    taken: Vec<bool>,
    /// By slot: rows in the order of their hashes.
    sorted: Vec<Vec<(u64, u32)>>,
}

impl Held {
    fn new(edges: usize, slots: usize) -> Self {
        let hashed =
            Hashed { is_root: Vec::new(), edges: vec![Vec::new(); edges], slots: vec![Vec::new(); slots] };
        Self { hashed, taken: Vec::new(), sorted: Vec::new() }
    }

    fn add(&mut self, batch: Hashed) {
        let rows = batch.edges.iter().chain(&batch.slots).map(Vec::len).next().unwrap_or(0);
        self.taken.resize(self.taken.len() + rows, false);
        let both = self.hashed.edges.iter_mut().zip(batch.edges);
        for (all, own) in both.chain(self.hashed.slots.iter_mut().zip(batch.slots)) {
            all.extend(own);
        }
    }

    fn index(&mut self) {
        let sorted = |of: &Vec<u64>| {
            let rows = of.iter().zip(0u32..).filter(|(hash, _)| **hash != NONE);
            let mut rows: Vec<(u64, u32)> = rows.map(|(hash, row)| (*hash, row)).collect();
            rows.sort_unstable();
            rows
        };
        self.sorted = self.hashed.slots.iter().map(sorted).collect();
    }

    fn rows_of(&self, slot: usize, hash: u64) -> Vec<usize> {
        let sorted = &self.sorted[slot];
        let first = sorted.partition_point(|(found, _)| *found < hash);
        sorted[first..].iter().take_while(|(found, _)| *found == hash).map(|(_, row)| *row as usize).collect()
    }

    /// With the index that is made later.
    fn bytes(&self) -> usize {
        self.taken.len() * (1 + self.hashed.edges.len() * 8 + self.hashed.slots.len() * 24)
    }
}
