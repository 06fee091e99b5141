//! Texts where their bytes count: those of the character set they belong to, not those that they are kept as.

use super::Expr;
use crate::sql::functions::Definition;
use crate::sql::types::{Collation, FieldType};

/// The arguments of a call with the bytes of texts where the function reads bytes (HEX, LENGTH, MD5), and where a text is put
/// beside bytes.
pub(super) fn adapt(definition: &Definition, args: Vec<Expr>, result: &FieldType) -> Vec<Expr> {
    if !args.iter().any(is_foreign) {
        return args;
    }
    let beside_bytes = result.collation == Collation::Binary
        && args.iter().any(|arg| arg.field_type().is_binary_string());
    if !definition.reads_bytes && !beside_bytes {
        return args;
    }
    args.into_iter().map(|arg| if is_foreign(&arg) { bytes_of(arg) } else { arg }).collect()
}

/// Whether its bytes are others than those that it is kept as.
fn is_foreign(arg: &Expr) -> bool {
    let field_type = arg.field_type();
    field_type.kind.is_textual() && !field_type.collation.character_set().is_kept()
}

/// A text as bytes.
fn bytes_of(arg: Expr) -> Expr {
    let field_type = arg.field_type();
    let most = field_type.display_width().saturating_mul(field_type.character_bytes());
    let bytes = match most {
        0..=65_535 => FieldType::varbinary(most),
        _ => FieldType::long_text().collate(Collation::Binary),
    };
    Expr::cast(arg, bytes)
}
