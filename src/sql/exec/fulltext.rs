//! Searches in FULLTEXT indexes: the entries of the words that are asked for, and the texts of rows where words alone do not decide.

use ahash::AHashSet;
use bytes::Bytes;

use super::{ExecContext, keys};
use crate::common::{SqlError, SqlResult};
use crate::sql::catalog::{IndexInfo, TableInfo};
use crate::sql::expr::Expr;
use crate::sql::fulltext::{Phrase, Postings, Ranks, Search, SearchMode, Term};
use crate::sql::kv::ScanOptions;
use crate::sql::plan::FulltextSearch;
use crate::sql::table_codec::{self, RowReader};
use crate::sql::types::Datum;

/// Rows whose texts are read at a time.
const TEXTS: usize = 256;
/// Bytes that an entry takes in memory.
const POSTING_BYTES: usize = 24;
/// The rows whose words a search is expanded by.
const EXPANSION_ROWS: usize = 1_000;

/// What a search finds in a table of so many rows. `query` is its text, with all that it reads of others.
pub(super) async fn search(
    plan: &FulltextSearch,
    query: &Expr,
    rows: u64,
    ctx: &ExecContext,
) -> SqlResult<Bytes> {
    let value = query.eval(&[], &ctx.eval)?;
    if value.is_null() {
        return Ok(Bytes::new());
    }
    let text = value.to_bytes_as(query.field_type());
    let text = String::from_utf8_lossy(&text);
    let FulltextSearch { table, index, mode, .. } = plan;
    let Some(parser) = index.fulltext else {
        return Err(SqlError::internal("a search in an index without words"));
    };
    let collation = table_codec::word_collation(table, index);
    let mut reader = Reader { table, index, ctx, bytes: 0 };
    let mut search = Search::new(&text, *mode, parser, collation)?;
    let mut postings = reader.all_postings(&search.terms).await?;
    let phrases = reader.phrases(&search, &postings).await?;
    let ranks = Ranks::of(&search, &postings, &phrases, rows);
    if *mode != SearchMode::Expanded {
        return Ok(ranks.into_bytes());
    }
    let mut best = ranks.best_first();
    best.truncate(EXPANSION_ROWS);
    for handles in best.chunks(TEXTS) {
        let texts = reader.texts(handles).await?;
        search.expand(texts.iter().flat_map(|(_, texts)| texts).map(String::as_str));
    }
    let more = reader.all_postings(&search.terms[postings.len()..]).await?;
    postings.extend(more);
    Ok(Ranks::of(&search, &postings, &phrases, rows).into_bytes())
}

/// The handles that a search found, the best first.
pub(super) fn ranked(
    ranks: &Expr,
    unsigned: bool,
    limit: Option<u64>,
    ctx: &ExecContext,
) -> SqlResult<Vec<Vec<Datum>>> {
    let Datum::Bytes(bytes) = ranks.eval(&[], &ctx.eval)? else { return Ok(Vec::new()) };
    let mut handles = Ranks::from_bytes(bytes).best_first();
    if let Some(limit) = limit {
        handles.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    }
    let row = |handle| vec![table_codec::handle_datum(handle, unsigned)];
    Ok(handles.into_iter().map(row).collect())
}

/// Reads an index and its table.
struct Reader<'a> {
    table: &'a TableInfo,
    index: &'a IndexInfo,
    ctx: &'a ExecContext,
    /// What is held.
    bytes: usize,
}

impl Reader<'_> {
    async fn all_postings(&mut self, terms: &[Term]) -> SqlResult<Vec<Postings>> {
        let mut found = Vec::with_capacity(terms.len());
        for term in terms {
            found.push(self.postings(term).await?);
        }
        Ok(found)
    }

    /// The rows that have a word.
    async fn postings(&mut self, term: &Term) -> SqlResult<Postings> {
        let start = table_codec::word_prefix(self.table, self.index, term);
        let end = keys::prefix_end(&start);
        let options = ScanOptions { start, end, ..ScanOptions::default() };
        let mut scanner = self.ctx.txn.scan(options).await?;
        let mut postings = Postings::default();
        loop {
            let batch = scanner.next_batch().await?;
            if batch.is_empty() {
                return Ok(postings);
            }
            for pair in &batch {
                let (handle, count) = table_codec::word_posting(&pair.key, &pair.value)?;
                postings.add(handle, count);
            }
            self.bytes += batch.len() * POSTING_BYTES;
            if self.bytes > self.ctx.limits.memory_bytes {
                return Err(SqlError::over_memory());
            }
            self.ctx.pause().await?;
        }
    }

    /// The rows that have each phrase.
    async fn phrases(
        &self,
        search: &Search,
        postings: &[Postings],
    ) -> SqlResult<Vec<AHashSet<i64>>> {
        let mut found = Vec::with_capacity(search.phrases.len());
        for phrase in &search.phrases {
            found.push(self.phrase(search, phrase, postings).await?);
        }
        Ok(found)
    }

    async fn phrase(
        &self,
        search: &Search,
        phrase: &Phrase,
        postings: &[Postings],
    ) -> SqlResult<AHashSet<i64>> {
        let mut found = AHashSet::new();
        let lists = phrase.terms.iter().map(|term| &postings[*term].rows);
        let Some(fewest) = lists.clone().min_by_key(|rows| rows.len()) else { return Ok(found) };
        let has_all = |handle: &&i64| lists.clone().all(|rows| rows.contains_key(*handle));
        let mut handles: Vec<i64> = fewest.keys().filter(has_all).copied().collect();
        handles.sort_unstable();
        for handles in handles.chunks(TEXTS) {
            for (handle, texts) in self.texts(handles).await? {
                if search.has_phrase(phrase, texts.iter().map(String::as_str)) {
                    found.insert(handle);
                }
            }
            self.ctx.pause().await?;
        }
        Ok(found)
    }

    /// The texts of rows.
    async fn texts(&self, handles: &[i64]) -> SqlResult<Vec<(i64, Vec<String>)>> {
        let columns: Vec<usize> = self.index.columns.iter().map(|part| part.offset).collect();
        let reader = RowReader::new(self.table, &columns, &self.ctx.eval.time_zone);
        let key = |handle: &i64| table_codec::row_key(self.table.id, *handle);
        let values = self.ctx.txn.batch_get(handles.iter().map(key).collect()).await?;
        let mut found = Vec::with_capacity(handles.len());
        for (handle, value) in handles.iter().zip(values) {
            let Some(value) = value else { continue };
            let row = reader.read(*handle, &value)?;
            let texts = row.iter().filter_map(|value| {
                let Datum::Bytes(text) = value else { return None };
                Some(String::from_utf8_lossy(text).into_owned())
            });
            found.push((*handle, texts.collect()));
        }
        Ok(found)
    }
}
