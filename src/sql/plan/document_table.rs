//! JSON_VALUE, and JSON_TABLE in FROM.

use std::sync::Arc;

use super::binder::{Binder, Clause};
use super::logical::Logical;
use super::physical::{JoinKind, OutputColumn, PhysicalPlan, PlanNode};
use super::scope::{Scope, same_name};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::catalog::column_type;
use crate::sql::expr::{EvalContext, Expr, Function};
use crate::sql::functions::{DocumentColumn, DocumentTable, Fallback};
use crate::sql::parser::ast::{self, JsonColumn, OnResponse};
use crate::sql::types::json::{ColumnSource, Path, TableColumn, TablePath};
use crate::sql::types::{Collation, Datum, FieldType, convert_for_column};

/// As many rows a document is expected to hold.
const DOCUMENT_ROWS: f64 = 10.0;

/// How many NESTED PATHs a JSON_TABLE may have.
const MAX_NESTED: usize = 16;

impl Binder<'_> {
    /// JSON_VALUE.
    pub(super) fn json_value(
        &mut self,
        written: &ast::JsonValue,
        clause: &mut Clause<'_>,
    ) -> SqlResult<Expr> {
        let target = match &written.returning {
            None => FieldType::varchar(512).collate(Collation::Utf8mb4Bin),
            // A text is compared as documents are.
            Some(target) => super::bind_expr::cast_type(target, Collation::Utf8mb4Bin)?,
        };
        let mut args =
            vec![self.expr(&written.document, clause)?, self.expr(&written.path, clause)?];
        if let Some(Datum::Bytes(path)) = args[1].as_literal() {
            Path::parse(&String::from_utf8_lossy(path))?;
        }
        for response in [&written.on_empty, &written.on_error] {
            let (is_error, value) = match response {
                OnResponse::Null => (false, Datum::Null),
                OnResponse::Error => (true, Datum::Null),
                OnResponse::Default(written) => {
                    let value = self.constant_value(written)?;
                    (false, default_value(value, &target)?)
                }
            };
            args.push(Expr::literal(Datum::from(is_error)));
            args.push(Expr::Literal { value, field_type: target.clone().nullable() });
        }
        let function = Function::by_name("json_value", args.len())?;
        Expr::call_as(function, args, target.nullable())
    }

    fn constant_value(&mut self, written: &ast::Expr) -> SqlResult<Datum> {
        let bound = super::binder::fold(self.constant(written)?);
        bound.as_literal().cloned().ok_or_else(|| SqlError::unsupported("DEFAULT of no constant"))
    }

    /// The rows of a JSON_TABLE: of one document if it names no columns, otherwise of that of each row of what stands on its left.
    pub(super) fn document_rows(
        &mut self,
        written: &ast::JsonTable,
        left: &Scope,
    ) -> SqlResult<(Logical, Scope)> {
        let mut clause = Clause::plain(left, "a table function argument");
        let document = self.looking_left(|binder| binder.expr(&written.document, &mut clause))?;
        let mut build =
            Build { columns: Vec::new(), nested: 0, binder: self, alias: &written.alias };
        let rows = build.path(&written.path, &written.columns)?;
        let columns = build.columns;
        let shown = columns.iter().map(|column| OutputColumn {
            name: column.name.clone(),
            field_type: column.field_type.clone(),
            origin: None,
            key_flags: 0,
        });
        let scope = Scope::derived(&written.alias, shown.collect());
        let plan = Logical::Unnest {
            input: Box::new(Logical::Dual),
            document,
            table: Arc::new(DocumentTable { rows, columns }),
            kind: JoinKind::Inner,
            filter: None,
        };
        Ok((plan, scope))
    }
}

/// The default after DEFAULT as a value of a type. Error 1067 for what is none.
fn default_value(value: Datum, target: &FieldType) -> SqlResult<Datum> {
    let mut ctx = EvalContext::new();
    ctx.writes = true;
    convert_for_column(value, target, "json_value", 1, &ctx).map_err(|_| {
        SqlError::new(errno::INVALID_DEFAULT, "Invalid default value for 'json_value'")
    })
}

/// A JSON_TABLE being built.
struct Build<'b, 'a> {
    columns: Vec<DocumentColumn>,
    nested: usize,
    binder: &'b Binder<'a>,
    alias: &'b str,
}

impl Build<'_, '_> {
    fn path(&mut self, path: &str, columns: &[JsonColumn]) -> SqlResult<TablePath> {
        let mut table =
            TablePath { path: Path::parse(path)?, columns: Vec::new(), nested: Vec::new() };
        for column in columns {
            match column {
                JsonColumn::Nested { path, columns } => {
                    self.nested += 1;
                    if self.nested > MAX_NESTED {
                        return Err(SqlError::new(
                            errno::JT_MAX_NESTED_PATH,
                            format!(
                                "More than supported {MAX_NESTED} NESTED PATHs were found in JSON_TABLE '{}'",
                                self.alias
                            ),
                        ));
                    }
                    table.nested.push(self.path(path, columns)?);
                }
                column => {
                    let position = self.columns.len();
                    let source = self.column(column)?;
                    table.columns.push(TableColumn { position, source });
                }
            }
        }
        Ok(table)
    }

    /// What a column holds; its type and defaults are noted.
    fn column(&mut self, column: &JsonColumn) -> SqlResult<ColumnSource> {
        Ok(match column {
            JsonColumn::Ordinality(name) => {
                self.add(name, FieldType::int().unsigned())?;
                ColumnSource::Ordinality
            }
            JsonColumn::Exists { name, data_type, path } => {
                let source = ColumnSource::Exists(Path::parse(path)?);
                self.add_of(name, data_type)?;
                source
            }
            JsonColumn::Value { name, data_type, path, on_empty, on_error } => {
                let source = ColumnSource::Value(Path::parse(path)?);
                self.add_of(name, data_type)?;
                if let Some(mut column) = self.columns.pop() {
                    column.on_empty = fallback(&column, on_empty)?;
                    column.on_error = fallback(&column, on_error)?;
                    self.columns.push(column);
                }
                source
            }
            JsonColumn::Nested { .. } => return Err(SqlError::internal("a path is no column")),
        })
    }

    fn add_of(&mut self, name: &str, data_type: &ast::DataType) -> SqlResult<()> {
        let inherited = self.binder.planner.rules.collation;
        self.add(name, column_type(name, data_type, inherited)?)
    }

    fn add(&mut self, name: &str, field_type: FieldType) -> SqlResult<()> {
        if self.columns.iter().any(|column| same_name(&column.name, name)) {
            return Err(SqlError::new(
                errno::DUP_FIELDNAME,
                format!("Duplicate column name '{name}'"),
            ));
        }
        let (on_empty, on_error) = (Fallback::Null, Fallback::Null);
        self.columns.push(DocumentColumn { name: name.to_owned(), field_type, on_empty, on_error });
        Ok(())
    }
}

fn fallback(column: &DocumentColumn, written: &OnResponse) -> SqlResult<Fallback> {
    match written {
        OnResponse::Null => Ok(Fallback::Null),
        OnResponse::Error => Ok(Fallback::Error),
        OnResponse::Default(text) => match &**text {
            ast::Expr::Literal(ast::Literal::String(text, _)) => {
                column.default_of(&String::from_utf8_lossy(text), &EvalContext::new())
            }
            _ => Err(SqlError::internal("a default that is no text")),
        },
    }
}

/// The operator that gives the rows of documents.
pub(super) fn unnested(node: PlanNode) -> PhysicalPlan {
    let (mut schema, mut estimated_rows) = (Vec::new(), 0.0);
    if let PlanNode::Unnest { input, table, .. } = &node {
        schema.clone_from(&input.schema);
        schema.extend(table.columns.iter().map(|column| column.field_type.clone()));
        estimated_rows = input.estimated_rows * DOCUMENT_ROWS;
    }
    PhysicalPlan { node, schema, estimated_rows }
}

/// Whether it is a JSON_TABLE that reads columns of what has not been put below it.
fn reads_left(plan: &Logical) -> bool {
    match plan {
        Logical::Unnest { input, document, .. } => {
            matches!(**input, Logical::Dual) && !document.columns().is_empty()
        }
        _ => false,
    }
}

/// Puts a JSON_TABLE that reads columns on its left behind the rows they are of.
pub(super) fn behind(
    (outer, inner): (Logical, Logical),
    kind: JoinKind,
    conditions: Vec<Expr>,
    (swapped, alias): (bool, &str),
) -> SqlResult<Logical> {
    if swapped && reads_left(&outer) {
        return Err(SqlError::new(
            errno::TF_FORBIDDEN_JOIN_TYPE,
            format!("INNER or LEFT JOIN must be used for LATERAL references made by '{alias}'"),
        ));
    }
    if !reads_left(&inner) {
        return Ok(Logical::Join {
            left: Box::new(outer),
            right: Box::new(inner),
            kind,
            conditions,
            null_aware: false,
        });
    }
    let Logical::Unnest { document, table, .. } = inner else {
        return Err(SqlError::internal("a table of documents without one"));
    };
    let input = Box::new(outer);
    if kind == JoinKind::Inner {
        let plan = Logical::Unnest { input, document, table, kind, filter: None };
        return Ok(plan.filter(conditions));
    }
    let filter = Expr::conjunction(conditions);
    Ok(Logical::Unnest { input, document, table, kind, filter })
}
