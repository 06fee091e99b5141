//! Aggregate functions: what they are and what type they yield.

use std::fmt;

use super::{Expr, TypeRules, collate};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::types::{Collation, FieldType, TypeKind};

/// Which aggregate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AggregateKind {
    /// COUNT. `COUNT(*)` counts the literal 1.
    Count,
    /// SUM.
    Sum,
    /// AVG.
    Avg,
    /// MIN.
    Min,
    /// MAX.
    Max,
    /// GROUP_CONCAT: the arguments joined, the last one is the separator.
    GroupConcat,
    /// BIT_AND.
    BitAnd,
    /// BIT_OR.
    BitOr,
    /// BIT_XOR.
    BitXor,
    /// ANY_VALUE, and what a column outside GROUP BY becomes when it depends on the group's key.
    AnyValue,
    /// STDDEV, STD and STDDEV_POP.
    StddevPop,
    /// STDDEV_SAMP.
    StddevSamp,
    /// VARIANCE and VAR_POP.
    VarPop,
    /// VAR_SAMP.
    VarSamp,
}

impl AggregateKind {
    /// The aggregate of that name, in any case.
    pub fn by_name(name: &str) -> Option<AggregateKind> {
        Some(match name.to_ascii_lowercase().as_str() {
            "count" => AggregateKind::Count,
            "sum" => AggregateKind::Sum,
            "avg" => AggregateKind::Avg,
            "min" => AggregateKind::Min,
            "max" => AggregateKind::Max,
            "group_concat" => AggregateKind::GroupConcat,
            "bit_and" => AggregateKind::BitAnd,
            "bit_or" => AggregateKind::BitOr,
            "bit_xor" => AggregateKind::BitXor,
            "any_value" => AggregateKind::AnyValue,
            "std" | "stddev" | "stddev_pop" => AggregateKind::StddevPop,
            "stddev_samp" => AggregateKind::StddevSamp,
            "variance" | "var_pop" => AggregateKind::VarPop,
            "var_samp" => AggregateKind::VarSamp,
            _ => return None,
        })
    }

    /// Whether it takes its argument as a number: there X'41' is 65.
    fn is_of_numbers(self) -> bool {
        use AggregateKind as K;
        !matches!(self, K::Count | K::Min | K::Max | K::GroupConcat | K::AnyValue)
    }

    /// Its name in SQL, in lower case.
    pub fn name(self) -> &'static str {
        match self {
            AggregateKind::Count => "count",
            AggregateKind::Sum => "sum",
            AggregateKind::Avg => "avg",
            AggregateKind::Min => "min",
            AggregateKind::Max => "max",
            AggregateKind::GroupConcat => "group_concat",
            AggregateKind::BitAnd => "bit_and",
            AggregateKind::BitOr => "bit_or",
            AggregateKind::BitXor => "bit_xor",
            AggregateKind::AnyValue => "any_value",
            AggregateKind::StddevPop => "stddev_pop",
            AggregateKind::StddevSamp => "stddev_samp",
            AggregateKind::VarPop => "var_pop",
            AggregateKind::VarSamp => "var_samp",
        }
    }
}

/// An aggregate of a query.
#[derive(Clone, Debug, PartialEq)]
pub struct Aggregate {
    /// Which.
    pub kind: AggregateKind,
    /// Over what, evaluated on the aggregation's input rows.
    pub args: Vec<Expr>,
    /// COUNT(DISTINCT …).
    pub distinct: bool,
    /// What it yields.
    pub field_type: FieldType,
}

impl Aggregate {
    /// An aggregate with the type MySQL gives it. A wrong number of arguments is error 1582.
    pub fn new(kind: AggregateKind, args: Vec<Expr>, distinct: bool) -> SqlResult<Aggregate> {
        Aggregate::by_rules(kind, args, distinct, &TypeRules::default())
    }

    /// The same with the type it has in a session.
    pub fn by_rules(
        kind: AggregateKind,
        args: Vec<Expr>,
        distinct: bool,
        rules: &TypeRules,
    ) -> SqlResult<Aggregate> {
        let fits = match kind {
            AggregateKind::Count => !args.is_empty() && (args.len() == 1 || distinct),
            AggregateKind::GroupConcat => args.len() >= 2,
            _ => args.len() == 1,
        };
        if !fits {
            return Err(SqlError::new(
                errno::WRONG_PARAMCOUNT_TO_NATIVE_FCT,
                format!(
                    "Incorrect parameter count in the call to native function '{}'",
                    kind.name()
                ),
            ));
        }
        let args: Vec<Expr> = match kind.is_of_numbers() {
            true => args.into_iter().map(Expr::as_number).collect(),
            false => args,
        };
        let field_type = result_type(kind, &args, rules)?;
        Ok(Aggregate { kind, args, distinct, field_type })
    }
}

fn result_type(kind: AggregateKind, args: &[Expr], rules: &TypeRules) -> SqlResult<FieldType> {
    let arg = args[0].field_type();
    Ok(match kind {
        AggregateKind::Count => FieldType { length: Some(21), ..FieldType::bigint().not_null() },
        AggregateKind::Sum | AggregateKind::Avg => {
            let (precision, scale) = match arg.kind {
                TypeKind::Decimal => arg.precision_scale(),
                kind if kind.is_integer() => (arg.decimal_digits(), 0),
                TypeKind::Null => (1, 0),
                // Times sum as numbers: 20240102030405.
                TypeKind::Date => (8, 0),
                TypeKind::DateTime | TypeKind::Timestamp => (14 + u32::from(arg.fsp()), arg.fsp()),
                TypeKind::Time => (7 + u32::from(arg.fsp()), arg.fsp()),
                _ => return Ok(FieldType::double()),
            };
            if kind == AggregateKind::Sum {
                FieldType::decimal((precision + 22).min(65), scale)
            } else {
                let more = rules.div_precision_increment.min(30 - scale);
                FieldType::decimal((precision + u32::from(more)).min(65), scale + more)
            }
        }
        AggregateKind::Min | AggregateKind::Max | AggregateKind::AnyValue => arg.clone().nullable(),
        AggregateKind::GroupConcat => {
            let binary = args.iter().any(|arg| arg.field_type().is_binary_string());
            let text = FieldType::new(TypeKind::Text);
            let strings = args.iter().any(|arg| arg.field_type().kind.is_string());
            text.collate(match (binary, strings) {
                (true, _) => Collation::Binary,
                (false, true) => collate::resolve(args, "group_concat")?,
                (false, false) => rules.collation,
            })
        }
        AggregateKind::BitAnd | AggregateKind::BitOr | AggregateKind::BitXor => {
            FieldType::bigint_unsigned().not_null()
        }
        AggregateKind::StddevPop
        | AggregateKind::StddevSamp
        | AggregateKind::VarPop
        | AggregateKind::VarSamp => FieldType::double(),
    })
}

impl fmt::Display for Aggregate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({}", self.kind.name(), if self.distinct { "distinct " } else { "" })?;
        for (position, arg) in self.args.iter().enumerate() {
            if position > 0 {
                f.write_str(", ")?;
            }
            write!(f, "{arg}")?;
        }
        f.write_str(")")
    }
}
