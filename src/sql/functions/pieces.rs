//! Long values are worked on in pieces, and between two of them it is looked whether the statement is to end.

use crate::common::SqlResult;
use crate::sql::expr::EvalContext;

/// Bytes of a piece: about a millisecond of whatever is done with them.
pub(super) const PIECE: usize = 1 << 18;
/// So far back from its end a piece looks for a blank to end after.
const LOOK_BACK: usize = 1 << 10;

/// The pieces of some bytes; all but the last have `size` bytes.
pub(super) fn pieces<'a>(
    bytes: &'a [u8],
    size: usize,
    ctx: &'a EvalContext,
) -> impl Iterator<Item = SqlResult<&'a [u8]>> {
    bytes.chunks(size).map(|piece| ctx.check_interrupted().map(|()| piece))
}

/// The pieces of a text. They end after blanks if they can: the case of a letter may hang on its neighbours.
pub(super) fn text_pieces<'a>(
    mut text: &'a str,
    ctx: &'a EvalContext,
) -> impl Iterator<Item = SqlResult<&'a str>> {
    std::iter::from_fn(move || {
        if text.is_empty() {
            return None;
        }
        let mut end = PIECE.min(text.len());
        while !text.is_char_boundary(end) {
            end += 1;
        }
        if end < text.len()
            && let Some(blank) =
                text.as_bytes()[end - LOOK_BACK..end].iter().rposition(|b| *b == b' ')
        {
            end = end - LOOK_BACK + blank + 1;
        }
        let (piece, rest) = text.split_at(end);
        text = rest;
        Some(ctx.check_interrupted().map(|()| piece))
    })
}

/// Appends `unit`, `count` times.
pub(super) fn fill(
    into: &mut Vec<u8>,
    unit: &[u8],
    count: usize,
    ctx: &EvalContext,
) -> SqlResult<()> {
    into.reserve_exact(unit.len() * count);
    let together = (PIECE / unit.len().max(1)).clamp(1, count.max(1));
    let piece = unit.repeat(together);
    for _ in 0..count / together {
        ctx.check_interrupted()?;
        into.extend_from_slice(&piece);
    }
    into.extend_from_slice(&piece[..count % together * unit.len()]);
    Ok(())
}
