//! GROUP_CONCAT.

use bytes::{BufMut, Bytes, BytesMut};

use super::AggregateDefinition;
use super::state::{Partial, State, convert, push_key, put_bytes, take, take_bytes};
use crate::common::{SqlResult, errno};
use crate::sql::expr::EvalContext;
use crate::sql::types::{Collation, Datum, FieldType, TypeKind};

pub(super) static GROUP_CONCAT: AggregateDefinition = AggregateDefinition {
    min: 2,
    max: usize::MAX,
    has_separator: true,
    ..AggregateDefinition::new(
        &["group_concat"],
        |typing| {
            let text = FieldType::new(TypeKind::Text);
            let is =
                |test: fn(&FieldType) -> bool| typing.args.iter().any(|arg| test(arg.field_type()));
            Ok(text.collate(if is(FieldType::is_binary_string) {
                Collation::Binary
            } else if is(|field_type| field_type.kind.is_textual()) {
                typing.collation(typing.args)?
            } else {
                typing.rules.collation
            }))
        },
        |aggregate| {
            State::Concat(Concat {
                text: None,
                separator: Bytes::new(),
                cut: false,
                rows: 0,
                is_binary: aggregate.field_type.is_binary_string(),
                order: aggregate.order.clone(),
                sorted: Vec::new(),
                sorted_bytes: 0,
            })
        },
        "The values joined, in the order of ORDER BY, with SEPARATOR between, cut at `group_concat_max_len`.",
    )
};

/// The text so far.
#[derive(Clone, Debug)]
pub(in crate::sql::functions) struct Concat {
    text: Option<BytesMut>,
    /// Of the last row.
    separator: Bytes,
    cut: bool,
    rows: u64,
    /// It may be cut anywhere; others between letters.
    is_binary: bool,
    /// ORDER BY: which keys are DESC.
    order: Vec<bool>,
    /// With ORDER BY, all rows: their keys, and their texts.
    sorted: Vec<(Vec<u8>, Bytes)>,
    /// Bytes that those hold.
    sorted_bytes: usize,
}

impl Concat {
    /// Appends the text of one row or more.
    fn append(&mut self, rows: u64, parts: &[Bytes], ctx: &EvalContext) {
        self.rows += rows;
        if self.cut {
            return;
        }
        let is_first = self.text.is_none();
        let buffer = self.text.get_or_insert_with(BytesMut::new);
        if !is_first {
            buffer.put_slice(&self.separator);
        }
        for part in parts {
            buffer.put_slice(part);
        }
        let limit = ctx.group_concat_max_len.min(ctx.max_allowed_packet);
        if buffer.len() > limit {
            let mut end = limit;
            while !self.is_binary && end > 0 && buffer[end] & 0xc0 == 0x80 {
                end -= 1;
            }
            buffer.truncate(end);
            self.cut = true;
            let row = self.rows;
            ctx.warn(errno::CUT_VALUE_GROUP_CONCAT, format!("Row {row} was cut by GROUP_CONCAT()"));
        }
    }

    /// Keeps a row until it is known where it stands.
    fn keep(&mut self, key: Vec<u8>, text: Bytes) {
        self.sorted_bytes += key.capacity() + text.len();
        self.sorted.push((key, text));
    }

    /// The key of a row with these values of ORDER BY.
    fn key(&self, values: &[Datum], types: &[FieldType]) -> SqlResult<Vec<u8>> {
        let mut key = Vec::new();
        for ((value, field_type), descending) in values.iter().zip(types).zip(&self.order) {
            let from = key.len();
            push_key(&mut key, value, field_type)?;
            if *descending {
                key[from..].iter_mut().for_each(|byte| *byte = !*byte);
            }
        }
        Ok(key)
    }
}

impl Partial for Concat {
    fn add(&mut self, args: &[Datum], types: &[FieldType], ctx: &EvalContext) -> SqlResult<()> {
        if self.cut {
            self.rows += 1;
            return Ok(());
        }
        let bytes = |value: &Datum| -> SqlResult<Bytes> {
            Ok(match value {
                Datum::Bytes(bytes) => bytes.clone(),
                other => convert(other, &FieldType::long_text(), ctx)?.to_bytes(),
            })
        };
        let Some((separator, rest)) = args.split_last() else { return Ok(()) };
        let (parts, keys) = rest.split_at(rest.len() - self.order.len());
        let key_types = &types[parts.len()..rest.len()];
        let parts = parts.iter().map(bytes).collect::<SqlResult<Vec<Bytes>>>()?;
        self.separator = bytes(separator)?;
        if self.order.is_empty() {
            self.append(1, &parts, ctx);
        } else {
            let key = self.key(keys, key_types)?;
            self.keep(key, Bytes::from(parts.concat()));
        }
        Ok(())
    }

    fn merge(&mut self, from: &mut &[u8], _: &[FieldType], ctx: &EvalContext) -> SqlResult<()> {
        let rows = u64::from_le_bytes(take(from)?);
        let [is_cut] = take(from)?;
        let separator = Bytes::copy_from_slice(take_bytes(from)?);
        let text = Bytes::copy_from_slice(take_bytes(from)?);
        if rows > 0 {
            self.separator = separator;
            self.append(rows, &[text], ctx);
            self.cut |= is_cut != 0;
        }
        while !from.is_empty() && !self.order.is_empty() {
            self.separator = Bytes::copy_from_slice(take_bytes(from)?);
            let key = take_bytes(from)?.to_vec();
            let text = Bytes::copy_from_slice(take_bytes(from)?);
            self.keep(key, text);
        }
        Ok(())
    }

    fn encode(&self, to: &mut Vec<u8>, _: &[FieldType]) -> SqlResult<()> {
        to.extend(self.rows.to_le_bytes());
        to.push(u8::from(self.cut));
        put_bytes(to, &self.separator);
        put_bytes(to, self.text.as_deref().unwrap_or_default());
        for (key, text) in &self.sorted {
            put_bytes(to, &self.separator);
            put_bytes(to, key);
            put_bytes(to, text);
        }
        Ok(())
    }

    fn finish(mut self, _: &FieldType, ctx: &EvalContext) -> SqlResult<Datum> {
        let mut sorted = std::mem::take(&mut self.sorted);
        sorted.sort_by(|a, b| a.0.cmp(&b.0));
        for (_, text) in sorted {
            ctx.check_interrupted()?;
            self.append(1, &[text], ctx);
        }
        Ok(self.text.map_or(Datum::Null, |text| Datum::Bytes(text.freeze())))
    }

    fn size(&self) -> usize {
        let kept = self.sorted.capacity() * size_of::<(Vec<u8>, Bytes)>() + self.sorted_bytes;
        self.text.as_ref().map_or(0, BytesMut::capacity) + kept
    }
}
