//! Per slot, the best feature row so far; later, the winner of every entity row.

use crate::index::{EntityIndex, Window};
use crate::time::Micros;

/// The best feature row of a slot.
#[derive(Clone, Copy)]
#[repr(C, align(16))]
pub(crate) struct Best {
    pub event: i64,
    /// Row number + 1; 0: none yet.
    pub row: u64,
}

const NONE: Best = Best { event: i64::MIN, row: 0 };

/// How rows with equal event timestamps are told apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Order {
    /// There is no created timestamp: the larger row number wins.
    Row,
    /// By created timestamp, then row number; created timestamps are read later, for rows that tie.
    Deferred,
    /// By created timestamp, then row number; created timestamps come with the rows.
    Created,
}

/// Two rows of a slot with equal event timestamps whose order is not known yet: this one and the slot's best.
#[derive(Clone, Copy)]
pub(crate) struct Tie {
    pub slot: u32,
    pub event: i64,
    pub row: u64,
}

/// State of all slots of an index for one view, private to a thread until merged.
pub(crate) struct Slots {
    pub order: Order,
    pub best: Vec<Best>,
    /// Created timestamps of the best rows, once they are read along: empty before.
    created: Vec<i64>,
    pub ties: Vec<Tie>,
}

impl Slots {
    /// A created timestamp that has not been read.
    pub(crate) const UNKNOWN: i64 = i64::MAX;
    /// A created timestamp that is null: smaller than any other.
    pub(crate) const NULL: i64 = i64::MIN;

    pub(crate) fn new(slots: usize, order: Order) -> Self {
        let created = if order == Order::Created { vec![Self::UNKNOWN; slots] } else { Vec::new() };
        Self { order, best: vec![NONE; slots], created, ties: Vec::new() }
    }

    /// Created timestamps in the form slots compare. The two extreme values of 64 bits mean null and unknown, so
    /// real ones, the years -290,308 and 294,247, move by a microsecond.
    pub(crate) fn created_values(created: &Micros) -> Vec<i64> {
        let clamped = created.values.iter().map(|us| (*us).clamp(Self::NULL + 1, Self::UNKNOWN - 1));
        match &created.nulls {
            None => clamped.collect(),
            Some(nulls) => {
                clamped.zip(nulls).map(|(us, valid)| if valid { us } else { Self::NULL }).collect()
            }
        }
    }

    /// From now on created timestamps come with the rows.
    pub(crate) fn read_created_along(&mut self) {
        if self.order == Order::Deferred {
            self.order = Order::Created;
            self.created = vec![Self::UNKNOWN; self.best.len()];
        }
    }

    /// Takes the row if it is newer or has the larger number; without branches, whether it does is unpredictable.
    #[inline(always)]
    pub(crate) fn offer_row(&mut self, slot: u32, event: i64, row: u64) -> bool {
        let best = &mut self.best[slot as usize];
        let better = (event > best.event) | ((event == best.event) & (row > best.row));
        best.event = std::hint::select_unpredictable(better, event, best.event);
        best.row = std::hint::select_unpredictable(better, row, best.row);
        better
    }

    /// Takes the row if it is newer; remembers it if it ties.
    #[inline(always)]
    pub(crate) fn offer_deferred(&mut self, slot: u32, event: i64, row: u64) {
        let best = &mut self.best[slot as usize];
        if event == best.event && best.row != 0 {
            self.ties.push(Tie { slot, event, row });
            return;
        }
        let better = (event > best.event) | (best.row == 0);
        best.event = std::hint::select_unpredictable(better, event, best.event);
        best.row = std::hint::select_unpredictable(better, row, best.row);
    }

    /// Takes the row if (event, created, row) is larger; remembers it if that is not known yet.
    #[inline]
    pub(crate) fn offer_created(&mut self, slot: u32, event: i64, created: i64, row: u64) -> bool {
        let at = slot as usize;
        let best = &mut self.best[at];
        if event > best.event || best.row == 0 {
            *best = Best { event, row };
            if let Some(own) = self.created.get_mut(at) {
                *own = created;
            }
            return true;
        }
        if event < best.event {
            return false;
        }
        match self.created.get_mut(at) {
            Some(own) if *own != Self::UNKNOWN && created != Self::UNKNOWN => {
                let better = (created, row) > (*own, best.row);
                if better {
                    (*own, best.row) = (created, row);
                }
                better
            }
            _ => {
                self.ties.push(Tie { slot, event, row });
                false
            }
        }
    }

    /// Adds another thread's slots. The order of rows is total, so the order of merging does not matter.
    pub(crate) fn merge(&mut self, other: Self) {
        if other.order == Order::Created {
            self.read_created_along();
        }
        self.ties.extend(other.ties);
        for (at, best) in other.best.iter().enumerate().filter(|(_, best)| best.row != 0) {
            if self.order == Order::Row {
                self.offer_row(at as u32, best.event, best.row);
            } else {
                let created = other.created.get(at).copied().unwrap_or(Self::UNKNOWN);
                self.offer_created(at as u32, best.event, created, best.row);
            }
        }
    }

    /// Settles ties once created timestamps of the rows concerned are known.
    pub(crate) fn settle(&mut self, ties: &[Tie], created_of: impl Fn(u64) -> i64) {
        for tie in ties {
            let best = &mut self.best[tie.slot as usize];
            if (created_of(tie.row), tie.row) > (created_of(best.row), best.row) {
                best.row = tie.row;
            }
        }
    }

    /// Walks every group's slots in time order and reports each slot's winner, `None` where there is none or it is
    /// older than the ttl: `report(slot, slot whose best row wins)`.
    pub(crate) fn carry_forward(
        &self,
        index: &EntityIndex,
        window: Window,
        as_known_at: bool,
        mut report: impl FnMut(usize, Option<usize>),
    ) {
        for group in index.starts.windows(2) {
            let mut winner: Option<usize> = None;
            for slot in group[0] as usize..group[1] as usize {
                let best = self.best[slot];
                if best.row != 0 {
                    // Without `as_known_at` a later slot's rows are newer than all before; with it they need not be.
                    let older = as_known_at
                        && winner.is_some_and(|before| {
                            let b = self.best[before];
                            (b.event, self.created[before], b.row)
                                > (best.event, self.created[slot], best.row)
                        });
                    if !older {
                        winner = Some(slot);
                    }
                }
                let fresh = winner.filter(|at| window.fresh(self.best[*at].event, index.timestamps[slot]));
                report(slot, fresh);
            }
        }
    }
}
