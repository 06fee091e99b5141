//! GROUP_CONCAT.

use bytes::{BufMut, Bytes, BytesMut};

use super::AggregateDefinition;
use super::state::{Partial, State, convert, put_bytes, take, take_bytes};
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
        |_| State::Concat(Concat { text: None, separator: Bytes::new(), cut: false, rows: 0 }),
        "The values joined, with SEPARATOR between, cut at `group_concat_max_len`.",
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
            while end > 0 && buffer[end] & 0xc0 == 0x80 {
                end -= 1;
            }
            buffer.truncate(end);
            self.cut = true;
            let row = self.rows;
            ctx.warn(errno::CUT_VALUE_GROUP_CONCAT, format!("Row {row} was cut by GROUP_CONCAT()"));
        }
    }
}

impl Partial for Concat {
    fn add(&mut self, args: &[Datum], _: &[FieldType], ctx: &EvalContext) -> SqlResult<()> {
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
        let Some((separator, parts)) = args.split_last() else { return Ok(()) };
        let parts = parts.iter().map(bytes).collect::<SqlResult<Vec<Bytes>>>()?;
        self.separator = bytes(separator)?;
        self.append(1, &parts, ctx);
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
        Ok(())
    }

    fn encode(&self, to: &mut Vec<u8>, _: &[FieldType]) -> SqlResult<()> {
        to.extend(self.rows.to_le_bytes());
        to.push(u8::from(self.cut));
        put_bytes(to, &self.separator);
        put_bytes(to, self.text.as_deref().unwrap_or_default());
        Ok(())
    }

    fn finish(self, _: &FieldType) -> SqlResult<Datum> {
        Ok(self.text.map_or(Datum::Null, |text| Datum::Bytes(text.freeze())))
    }

    fn size(&self) -> usize {
        self.text.as_ref().map_or(0, BytesMut::capacity)
    }
}
