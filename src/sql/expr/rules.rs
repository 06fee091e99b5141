//! What of a session decides the types of its expressions.

use super::{Expr, Function};
use crate::common::SqlResult;
use crate::sql::types::{Collation, Datum, FieldType, SqlMode, TypeKind};

/// What of a session decides the types that constants and calls have. A plan holds for the rules it was made by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TypeRules {
    /// `div_precision_increment`.
    pub div_precision_increment: u8,
    /// NO_UNSIGNED_SUBTRACTION: a difference has a sign.
    pub signed_subtraction: bool,
    /// `collation_connection`: of literals, and of texts made of what is no text.
    pub collation: Collation,
}

impl Default for TypeRules {
    fn default() -> TypeRules {
        TypeRules {
            div_precision_increment: 4,
            signed_subtraction: false,
            collation: Collation::default(),
        }
    }
}

impl TypeRules {
    /// The rules of a session with these settings.
    pub fn new(sql_mode: SqlMode, div_precision_increment: u8, collation: Collation) -> TypeRules {
        let signed_subtraction = sql_mode.contains(SqlMode::NO_UNSIGNED_SUBTRACTION);
        TypeRules { div_precision_increment, signed_subtraction, collation }
    }

    /// A text constant.
    pub fn text(&self, text: &str) -> Expr {
        self.adopt(Expr::text(text))
    }

    /// The same in the connection's collation, if it is text.
    pub fn adopt(&self, mut expr: Expr) -> Expr {
        if let Expr::Literal { field_type, .. } | Expr::Parameter { field_type, .. } = &mut expr
            && is_text(field_type)
        {
            field_type.collation = self.collation;
        }
        expr
    }

    /// [`Expr::call`], with the type it has in this session.
    pub fn call(&self, function: Function, args: Vec<Expr>) -> SqlResult<Expr> {
        let mut call = Expr::call(function, args)?;
        let Expr::Call { args, field_type, .. } = &mut call else { return Ok(call) };
        match function {
            Function::Sub if self.signed_subtraction && field_type.kind.is_integer() => {
                field_type.unsigned = false;
            }
            Function::Div if field_type.kind == TypeKind::Decimal => {
                *field_type = FieldType {
                    not_null: field_type.not_null,
                    ..super::infer::quotient(
                        args[0].field_type(),
                        args[1].field_type(),
                        self.div_precision_increment,
                    )
                };
            }
            _ if is_text(field_type)
                && (!super::infer::takes_collation(function)
                    || !args.iter().any(brings_collation)) =>
            {
                field_type.collation = self.collation;
            }
            _ => {}
        }
        Ok(call)
    }
}

fn is_text(field_type: &FieldType) -> bool {
    field_type.kind.is_string() && field_type.collation != Collation::Binary
}

/// Whether an argument's collation is one for the call to take over; keywords like `'DAY'` are no text of the statement.
fn brings_collation(arg: &Expr) -> bool {
    let is_null = matches!(arg, Expr::Literal { value: Datum::Null, .. });
    arg.field_type().kind.is_string() && !is_null
}
