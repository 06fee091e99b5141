//! The rows of a partition, as far as they are there and still needed.

use std::collections::VecDeque;
use std::sync::Arc;

use super::sliding::Sliding;
use super::{Reserve, Row, Windows, held_bytes};
use crate::common::SqlResult;
use crate::sql::expr::{EvalContext, Expr, WindowFunction};
use crate::sql::functions::{Place, WindowKind, WindowValue};
use crate::sql::types::Datum;

/// Rows by their number in the partition. The first ones may be forgotten.
#[derive(Default)]
pub(super) struct Rows {
    first: usize,
    rows: VecDeque<Row>,
}

impl Rows {
    /// A row that is not forgotten.
    pub(super) fn get(&self, row: usize) -> &Row {
        &self.rows[row - self.first]
    }

    /// How many rows there are so far.
    pub(super) fn end(&self) -> usize {
        self.first + self.rows.len()
    }

    /// Forgets the rows before one: how many bytes they took.
    fn forget(&mut self, before: usize) -> usize {
        let mut bytes = 0;
        while self.first < before
            && let Some(row) = self.rows.pop_front()
        {
            bytes += held_bytes(&row);
            self.first += 1;
        }
        bytes
    }
}

/// A partition whose rows come in, and which of them is next.
pub(super) struct Partition {
    windows: Arc<Windows>,
    rows: Rows,
    /// Whether all of them have come.
    ended: bool,
    next: usize,
    /// The number of the group of peers that the next row is in, or the row before it, and where that begins.
    group: usize,
    group_start: usize,
    /// Where the groups behind it begin.
    next_groups: VecDeque<usize>,
    /// What the last row that came is ordered by.
    order: Vec<u8>,
    /// What is kept of the frames of each call that is an aggregate.
    aggregates: Vec<Option<Sliding>>,
    /// Bytes that were reserved for those.
    reserved: usize,
    freed: usize,
}

impl Partition {
    pub(super) fn new(windows: Arc<Windows>) -> Partition {
        let aggregates = windows.calls.iter().map(|_| None).collect();
        Partition {
            windows,
            rows: Rows::default(),
            ended: false,
            next: 0,
            group: 0,
            group_start: 0,
            next_groups: VecDeque::new(),
            order: Vec::new(),
            aggregates,
            reserved: 0,
            freed: 0,
        }
    }

    /// Whether no row has come.
    pub(super) fn is_empty(&self) -> bool {
        self.rows.end() == 0
    }

    /// Takes a row.
    pub(super) fn push(&mut self, row: Row, order: Vec<u8>) {
        if !self.is_empty() && order != self.order {
            self.next_groups.push_back(self.rows.end());
        }
        self.order = order;
        self.rows.rows.push_back(row);
    }

    /// No more rows come.
    pub(super) fn end(&mut self) {
        self.ended = true;
    }

    /// Whether all rows have come and been given.
    pub(super) fn is_over(&self) -> bool {
        self.ended && self.next == self.rows.end()
    }

    /// Whether there is a next row, and all that its values are of.
    pub(super) fn is_ready(&self) -> bool {
        if self.next == self.rows.end() || self.ended {
            return self.next < self.rows.end();
        }
        let Some(around) = self.windows.around else { return false };
        let has_peers = || self.next_groups.back().is_some_and(|start| *start > self.next);
        self.next.saturating_add(around.ahead) < self.rows.end()
            && (!around.peers_ahead || has_peers())
    }

    /// The next row with what is computed for it behind.
    pub(super) fn next_row(
        &mut self,
        ctx: &EvalContext,
        reserve: &mut Reserve<'_>,
    ) -> SqlResult<Row> {
        let row = self.next;
        while let Some(start) = self.next_groups.pop_front_if(|start| *start <= row) {
            (self.group, self.group_start) = (self.group + 1, start);
        }
        let end = self.next_groups.front().copied().unwrap_or_else(|| self.rows.end());
        let peers = self.group_start..end;
        let windows = self.windows.clone();
        let own = self.rows.get(row);
        let mut values = Vec::with_capacity(own.len() + windows.calls.len());
        values.extend_from_slice(own);
        for (number, (call, constant)) in
            windows.window.calls.iter().zip(&windows.calls).enumerate()
        {
            let frame = match &constant.bounds {
                Some(bounds) => bounds.frame(&self.rows, row, &peers, ctx)?,
                None => 0..self.rows.end(),
            };
            values.push(match &call.function {
                WindowFunction::Own { kind, args, .. } => {
                    let (rows, peers) = (self.rows.end(), peers.clone());
                    let place = Place { row, rows, peers, group: self.group, frame };
                    self.own(*kind, args, &place, constant.count, ctx)?
                }
                WindowFunction::Aggregate(aggregate) => {
                    let kept = &mut self.aggregates[number];
                    let kept = kept.get_or_insert_with(|| Sliding::new(aggregate, &call.frame));
                    let mut counted = |bytes: usize| {
                        reserve(bytes)?;
                        self.reserved += bytes;
                        Ok(())
                    };
                    kept.value(&self.rows, frame, ctx, &mut counted)?
                }
            });
        }
        self.next += 1;
        if let Some(around) = windows.around {
            let peers = if around.peers_behind { self.group_start } else { usize::MAX };
            self.freed += self.rows.forget(self.next.saturating_sub(around.behind).min(peers));
        }
        Ok(values)
    }

    fn own(
        &self,
        kind: WindowKind,
        args: &[Expr],
        place: &Place,
        count: u64,
        ctx: &EvalContext,
    ) -> SqlResult<Datum> {
        match (kind.definition().value, args) {
            (WindowValue::Of(value), _) => Ok(value(place, count)),
            (WindowValue::In(find), [value, rest @ ..]) => match (find(place, count), rest) {
                (Some(row), _) => value.eval(self.rows.get(row), ctx),
                (None, [_, default]) => default.eval(self.rows.get(place.row), ctx),
                (None, _) => Ok(Datum::Null),
            },
            (WindowValue::In(_), []) => Ok(Datum::Null),
        }
    }

    /// The bytes of rows that were forgotten since.
    pub(super) fn take_freed(&mut self) -> usize {
        std::mem::take(&mut self.freed)
    }

    /// All bytes that it holds, and that were forgotten.
    pub(super) fn into_bytes(mut self) -> usize {
        let end = self.rows.end();
        self.freed + self.reserved + self.rows.forget(end)
    }
}
