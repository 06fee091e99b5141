//! Aggregation: DataFusion groups, our accumulators count.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, BooleanArray};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion_common::{Result, ScalarValue};
use datafusion_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion_expr::{
    Accumulator as DfAccumulator, AggregateUDF, AggregateUDFImpl, EmitTo, GroupsAccumulator,
    Signature, Volatility,
};
use datafusion_physical_expr::aggregate::{AggregateExprBuilder, AggregateFunctionExpr};
use datafusion_physical_expr::expressions::Column;
use datafusion_physical_expr_common::physical_expr::PhysicalExpr;
use datafusion_physical_plan::ExecutionPlan;
use datafusion_physical_plan::aggregates::{AggregateExec, AggregateMode, PhysicalGroupBy};
use datafusion_physical_plan::projection::ProjectionExec;

use super::batch::{Reader, column};
use super::sort_key::comparable;
use crate::common::{SqlError, SqlResult};
use crate::sql::exec::{ExecContext, keys};
use crate::sql::expr::{
    Aggregate, AggregateKind, EvalContext, Expr, from_df_error, physical, to_df_error,
};
use crate::sql::functions::Accumulator;
use crate::sql::types::{FieldType, TypeKind};

/// Groups and aggregates. Output: the group expressions, then the aggregates.
///
/// A group expression that is a string under a collation is grouped by its sort key; the value shown is that of some row of the
/// group, found by one more aggregate.
pub(super) fn build(
    input: Arc<dyn ExecutionPlan>,
    group_by: &[Expr],
    aggregates: &[Aggregate],
    ctx: &ExecContext,
) -> SqlResult<Arc<dyn ExecutionPlan>> {
    if let Some(values) = distinct_values(aggregates) {
        return build_distinct(input, group_by, values, aggregates, ctx);
    }
    let mut groups = Vec::with_capacity(group_by.len());
    let mut shown = Vec::with_capacity(group_by.len());
    let mut all = Vec::with_capacity(aggregates.len());
    for (position, expr) in group_by.iter().enumerate() {
        groups.push((comparable(expr, &ctx.eval), format!("c{position}")));
        if keys::compares_as_bytes(expr.field_type()) {
            shown.push(position);
        } else {
            shown.push(group_by.len() + all.len());
            all.push(Aggregate::new(AggregateKind::AnyValue, vec![expr.clone()], false)?);
        }
    }
    let first_aggregate = group_by.len() + all.len();
    let in_order = all.is_empty();
    all.extend(aggregates.iter().cloned());
    let schema = input.schema();
    let mut functions = Vec::with_capacity(all.len());
    for (position, aggregate) in all.iter().enumerate() {
        let name = format!("c{}", group_by.len() + position);
        functions.push(function(aggregate, name, &schema, ctx).map_err(from_df_error)?);
    }
    let filters = vec![None; functions.len()];
    let exec = AggregateExec::try_new(
        AggregateMode::Single,
        PhysicalGroupBy::new_single(groups),
        functions,
        filters,
        input,
        schema,
    )
    .map_err(from_df_error)?;
    if in_order {
        return Ok(Arc::new(exec));
    }
    let output = exec.schema();
    let positions = shown.into_iter().chain(first_aggregate..first_aggregate + aggregates.len());
    let picked: Vec<(Arc<dyn PhysicalExpr>, String)> = positions
        .enumerate()
        .map(|(to, from)| {
            let column = Column::new(output.field(from).name(), from);
            (Arc::new(column) as Arc<dyn PhysicalExpr>, format!("c{to}"))
        })
        .collect();
    Ok(Arc::new(ProjectionExec::try_new(picked, Arc::new(exec)).map_err(from_df_error)?))
}

/// The values that all of the aggregates take each of once, if that is so and the order in which they come does not matter.
fn distinct_values(aggregates: &[Aggregate]) -> Option<&[Expr]> {
    let first = aggregates.first()?;
    let alike = |aggregate: &Aggregate| {
        aggregate.distinct
            && aggregate.args == first.args
            && !aggregate.kind.definition().has_separator
    };
    // -0 and 0 are one value here, and two groups there.
    let exact = first.args.iter().all(|arg| !arg.field_type().kind.is_float());
    (exact && aggregates.iter().all(alike)).then_some(&first.args)
}

/// Aggregates of different values: grouping finds those, which can be spilled, and one group's values need not fit into memory.
fn build_distinct(
    input: Arc<dyn ExecutionPlan>,
    group_by: &[Expr],
    values: &[Expr],
    aggregates: &[Aggregate],
    ctx: &ExecContext,
) -> SqlResult<Arc<dyn ExecutionPlan>> {
    let all: Vec<Expr> = group_by.iter().chain(values).cloned().collect();
    let column =
        |(position, expr): (usize, &Expr)| Expr::column(position, expr.field_type().clone());
    let mut groups: Vec<Expr> = all.iter().enumerate().map(column).collect();
    let input = build(input, &all, &[], ctx)?;
    let args = groups.split_off(group_by.len());
    let of_column = |aggregate: &Aggregate| Aggregate {
        args: args.clone(),
        distinct: false,
        ..aggregate.clone()
    };
    let aggregates: Vec<Aggregate> = aggregates.iter().map(of_column).collect();
    build(input, &groups, &aggregates, ctx)
}

fn function(
    aggregate: &Aggregate,
    name: String,
    schema: &arrow::datatypes::SchemaRef,
    ctx: &ExecContext,
) -> Result<Arc<AggregateFunctionExpr>> {
    let args = aggregate.args.iter().map(|arg| physical(arg, &ctx.eval)).collect();
    let function = MySqlAggregate {
        spec: Arc::new(Spec { aggregate: aggregate.clone(), eval: ctx.eval.clone() }),
        signature: Signature::variadic_any(Volatility::Volatile),
    };
    let built = AggregateExprBuilder::new(Arc::new(AggregateUDF::new_from_impl(function)), args)
        .schema(schema.clone())
        .alias(name)
        .build()?;
    Ok(Arc::new(built))
}

/// What an aggregate is, and what it is computed with.
#[derive(Debug)]
struct Spec {
    aggregate: Aggregate,
    eval: Arc<EvalContext>,
}

impl Spec {
    fn accumulator(&self) -> Accumulator {
        Accumulator::new(&self.aggregate)
    }

    fn readers<'a>(&'a self, values: &'a [ArrayRef]) -> Vec<Reader<'a>> {
        let args = values.iter().zip(&self.aggregate.args);
        args.map(|(array, arg)| Reader::new(array, arg.field_type())).collect()
    }

    /// The values of groups. Those for which there is no time any more stay.
    fn finish(&self, groups: &mut Vec<Accumulator>) -> Result<ArrayRef> {
        let mut left = std::mem::take(groups).into_iter();
        let mut values = Vec::with_capacity(left.len());
        while let Some(accumulator) = left.next() {
            if let Err(error) = self.eval.check_interrupted() {
                // Taking them apart may take longer than whoever ends the statement waits: that is for the one that drops the operator.
                *groups = left.collect();
                return Err(to_df_error(error));
            }
            values.push(accumulator.finish(&self.eval).map_err(to_df_error)?);
        }
        Ok(column(&self.data_type(), values.iter()))
    }

    /// Whether its states become larger with the rows they see.
    fn grows(&self) -> bool {
        self.aggregate.distinct
            || !self.aggregate.order.is_empty()
            || self.aggregate.kind.definition().gathers
            || self.aggregate.args.iter().any(|arg| grows_with_rows(arg.field_type()))
    }

    fn data_type(&self) -> DataType {
        let field_type: &FieldType = &self.aggregate.field_type;
        field_type.arrow_type()
    }
}

/// Whether values of this type have any length.
fn grows_with_rows(field_type: &FieldType) -> bool {
    field_type.kind.is_string() || field_type.kind == TypeKind::Json
}

/// A group's state on its way.
fn encode(accumulator: &Accumulator) -> Result<Vec<u8>> {
    accumulator.encode().map_err(to_df_error)
}

/// States that have arrived.
fn encoded(states: &[ArrayRef]) -> Result<&BinaryArray> {
    states
        .first()
        .and_then(|array| array.as_binary_opt())
        .ok_or_else(|| to_df_error(SqlError::internal("states of aggregates that are no bytes")))
}

/// One of MySQL's aggregates as DataFusion's.
#[derive(Debug)]
struct MySqlAggregate {
    spec: Arc<Spec>,
    signature: Signature,
}

impl PartialEq for MySqlAggregate {
    fn eq(&self, other: &MySqlAggregate) -> bool {
        Arc::ptr_eq(&self.spec, &other.spec)
    }
}

impl Eq for MySqlAggregate {}

impl Hash for MySqlAggregate {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.spec).hash(state);
    }
}

impl AggregateUDFImpl for MySqlAggregate {
    fn name(&self) -> &str {
        self.spec.aggregate.kind.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(self.spec.data_type())
    }

    fn accumulator(&self, _acc_args: AccumulatorArgs) -> Result<Box<dyn DfAccumulator>> {
        let accumulator = self.spec.accumulator();
        Ok(Box::new(OneGroup { spec: self.spec.clone(), accumulator }))
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        Ok(vec![Arc::new(Field::new(format!("{}[state]", args.name), DataType::Binary, true))])
    }

    fn groups_accumulator_supported(&self, _args: AccumulatorArgs) -> bool {
        true
    }

    fn create_groups_accumulator(
        &self,
        _args: AccumulatorArgs,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(ManyGroups { spec: self.spec.clone(), groups: Vec::new(), bytes: 0 }))
    }
}

/// An aggregate without GROUP BY.
#[derive(Debug)]
struct OneGroup {
    spec: Arc<Spec>,
    accumulator: Accumulator,
}

impl DfAccumulator for OneGroup {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let readers = self.spec.readers(values);
        let rows = values.first().map_or(0, |array| array.len());
        let mut args = Vec::with_capacity(readers.len());
        for row in 0..rows {
            args.clear();
            args.extend(readers.iter().map(|reader| reader.get(row)));
            self.accumulator.add(&args, &self.spec.eval).map_err(to_df_error)?;
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let accumulator = std::mem::replace(&mut self.accumulator, self.spec.accumulator());
        ScalarValue::try_from_array(&self.spec.finish(&mut vec![accumulator])?, 0)
    }

    fn size(&self) -> usize {
        self.accumulator.size()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let accumulator = std::mem::replace(&mut self.accumulator, self.spec.accumulator());
        Ok(vec![ScalarValue::Binary(Some(encode(&accumulator)?))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        for state in encoded(states)?.iter().flatten() {
            self.accumulator.merge(state, &self.spec.eval).map_err(to_df_error)?;
        }
        Ok(())
    }
}

/// An aggregate with GROUP BY: one accumulator for each group.
struct ManyGroups {
    spec: Arc<Spec>,
    groups: Vec<Accumulator>,
    bytes: usize,
}

impl ManyGroups {
    /// Accumulators for so many groups.
    fn make_room(&mut self, groups: usize) {
        let new = self.spec.accumulator();
        self.bytes += groups.saturating_sub(self.groups.len()) * new.size();
        self.groups.resize(groups, new);
    }
}

impl GroupsAccumulator for ManyGroups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.make_room(total_num_groups);
        let grows = self.spec.grows();
        let readers = self.spec.readers(values);
        let mut args = Vec::with_capacity(readers.len());
        for (row, group) in group_indices.iter().enumerate() {
            if opt_filter.is_some_and(|filter| !filter.is_valid(row) || !filter.value(row)) {
                continue;
            }
            args.clear();
            args.extend(readers.iter().map(|reader| reader.get(row)));
            let group = &mut self.groups[*group];
            let before = if grows { group.size() } else { 0 };
            group.add(&args, &self.spec.eval).map_err(to_df_error)?;
            if grows {
                self.bytes = (self.bytes + group.size()).saturating_sub(before);
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let mut groups = emit_to.take_needed(&mut self.groups);
        let values = self.spec.finish(&mut groups);
        if values.is_err() {
            self.groups.append(&mut groups);
        }
        self.bytes = self.groups.iter().map(Accumulator::size).sum();
        values
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let groups = emit_to.take_needed(&mut self.groups);
        self.bytes = self.groups.iter().map(Accumulator::size).sum();
        let states = groups.iter().map(encode).collect::<Result<Vec<Vec<u8>>>>()?;
        Ok(vec![Arc::new(BinaryArray::from_iter_values(states))])
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        total_num_groups: usize,
    ) -> Result<()> {
        self.make_room(total_num_groups);
        for (state, group) in encoded(values)?.iter().zip(group_indices) {
            let Some(state) = state else { continue };
            let group = &mut self.groups[*group];
            let before = group.size();
            group.merge(state, &self.spec.eval).map_err(to_df_error)?;
            self.bytes = (self.bytes + group.size()).saturating_sub(before);
        }
        Ok(())
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        opt_filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let rows = values.first().map_or(0, |array| array.len());
        let mut each = ManyGroups { spec: self.spec.clone(), groups: Vec::new(), bytes: 0 };
        let groups: Vec<usize> = (0..rows).collect();
        each.update_batch(values, &groups, opt_filter, rows)?;
        each.state(EmitTo::All)
    }

    fn size(&self) -> usize {
        self.bytes
    }
}
