//! What of a session decides the types of its expressions.

use super::{Expr, Function, adapt, hex, octets};
use crate::common::SqlResult;
use crate::sql::functions::{Definition, Nulls, Text, Typing};
use crate::sql::types::{Charset, Collation, Datum, FieldType, SqlMode};

/// What of a session decides the types that constants and calls have. A plan holds for the rules it was made by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TypeRules {
    /// `div_precision_increment`.
    pub div_precision_increment: u8,
    /// NO_UNSIGNED_SUBTRACTION: a difference has a sign.
    pub signed_subtraction: bool,
    /// `collation_connection`: of literals, and of texts made of what is no text.
    pub collation: Collation,
    /// `character_set_client`: of what stands between quotes.
    pub client: Charset,
}

impl Default for TypeRules {
    fn default() -> TypeRules {
        TypeRules {
            div_precision_increment: 4,
            signed_subtraction: false,
            collation: Collation::default(),
            client: Charset::Utf8mb4,
        }
    }
}

impl TypeRules {
    /// The rules of a session with these settings.
    pub fn new(sql_mode: SqlMode, div_precision_increment: u8, collation: Collation) -> TypeRules {
        let signed_subtraction = sql_mode.contains(SqlMode::NO_UNSIGNED_SUBTRACTION);
        TypeRules {
            div_precision_increment,
            signed_subtraction,
            collation,
            client: Charset::Utf8mb4,
        }
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
        let definition = function.definition();
        function.check_arity(args.len(), definition.name())?;
        let args = hex::adapt_hex(definition, args);
        let mut field_type = self.type_of(definition, &args)?;
        field_type.not_null = match definition.nulls {
            Nulls::Maybe => false,
            Nulls::OfArguments => args.iter().all(|arg| arg.field_type().not_null),
            Nulls::Never => true,
            Nulls::AsTyped => field_type.not_null,
        };
        let args = octets::adapt(definition, args, &field_type);
        let args = adapt::adapt_literals(function, args);
        Ok(Expr::Call { function, args, field_type })
    }

    fn type_of(&self, definition: &'static Definition, args: &[Expr]) -> SqlResult<FieldType> {
        let typing = Typing { name: definition.name(), args, rules: self };
        let mut field_type = (definition.result)(&typing)?;
        let is_brought = match definition.text {
            Text::OfArguments => args.iter().any(brings_collation),
            Text::OfConnection => false,
            Text::AsTyped => true,
        };
        if is_text(&field_type) && !is_brought {
            field_type.collation = self.collation;
        }
        Ok(field_type)
    }
}

fn is_text(field_type: &FieldType) -> bool {
    field_type.kind.is_textual() && field_type.collation != Collation::Binary
}

/// Whether an argument's collation is one for the call to take over; keywords like `'DAY'` are no text of the statement.
fn brings_collation(arg: &Expr) -> bool {
    let is_null = matches!(arg, Expr::Literal { value: Datum::Null, .. });
    arg.field_type().kind.is_textual() && !is_null
}
