//! Fragments and environments as bytes.

use arrow::datatypes::i256;
use bytes::Bytes;
use prost::Message;

use super::{Fragment, RangeScan, Step};
use crate::common::{SqlError, SqlResult};
use crate::sql::expr::{Aggregate, AggregateKind, Expr, Function};
use crate::sql::plan::SortKey;
use crate::sql::table_codec::Wanted;
use crate::sql::types::json::Json;
use crate::sql::types::{
    Datum, Decimal, Duration, Environment, FieldType, Member, SqlMode, Time, TimeKind, TimeZone,
};
use crate::storage::proto::fragment as wire;

/// Something that is no fragment, or none of a version known here.
fn wrong(what: &str) -> SqlError {
    SqlError::internal(format!("a fragment of a query with a wrong {what}"))
}

impl Fragment {
    /// As bytes.
    pub fn encode(&self) -> SqlResult<Vec<u8>> {
        let mut types = Types::default();
        let steps = self.steps.iter().map(|step| types.step(step)).collect::<SqlResult<_>>()?;
        let columns = self
            .scan
            .columns
            .iter()
            .map(|column| types.column(column))
            .collect::<SqlResult<_>>()?;
        let range =
            |(start, end): &(Bytes, Bytes)| wire::Range { start: start.clone(), end: end.clone() };
        let ranges = self.scan.ranges.iter().map(range).collect();
        let scan = wire::Scan { ranges, reverse: self.scan.reverse, columns };
        let message = wire::Fragment { types: types.encoded, scan: Some(scan), steps };
        Ok(message.encode_to_vec())
    }

    /// What [`Fragment::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> SqlResult<Fragment> {
        let message = wire::Fragment::decode(bytes).map_err(SqlError::internal)?;
        let types = message.types.iter().map(|json| serde_json::from_slice(json));
        let types = Known(types.collect::<Result<_, _>>().map_err(SqlError::internal)?);
        let scan = message.scan.ok_or_else(|| wrong("scan"))?;
        let columns = scan.columns.into_iter().map(|column| types.column(column));
        let ranges = scan.ranges.into_iter().map(|range| (range.start, range.end)).collect();
        let scan = RangeScan {
            ranges,
            reverse: scan.reverse,
            columns: columns.collect::<SqlResult<_>>()?,
        };
        let steps = message.steps.into_iter().map(|step| types.step(step));
        let steps: Vec<Step> = steps.collect::<SqlResult<_>>()?;
        let (_, before) = steps.split_last().map_or((None, &[][..]), |(last, b)| (Some(last), b));
        if !before.iter().all(Step::is_by_row) {
            return Err(wrong("order of steps"));
        }
        Ok(Fragment { scan, steps })
    }
}

/// Types that have been written, each once.
#[derive(Default)]
struct Types {
    known: Vec<FieldType>,
    encoded: Vec<Bytes>,
}

impl Types {
    fn position(&mut self, field_type: &FieldType) -> SqlResult<u32> {
        let known = self.known.iter().position(|known| known == field_type);
        let position = match known {
            Some(position) => position,
            None => {
                let json = serde_json::to_vec(field_type).map_err(SqlError::internal)?;
                self.encoded.push(json.into());
                self.known.push(field_type.clone());
                self.known.len() - 1
            }
        };
        Ok(position as u32)
    }

    fn column(&mut self, column: &Wanted) -> SqlResult<wire::Column> {
        use wire::column::Column;
        let column = match column {
            Wanted::Handle { unsigned } => Column::Handle(wire::Handle { unsigned: *unsigned }),
            Wanted::Stored { id, field_type, origin } => Column::Stored(wire::Stored {
                id: *id,
                r#type: self.position(field_type)?,
                origin: origin.clone(),
            }),
        };
        Ok(wire::Column { column: Some(column) })
    }

    fn step(&mut self, step: &Step) -> SqlResult<wire::Step> {
        use wire::step::Step as Wire;
        let step = match step {
            Step::Filter(predicate) => Wire::Filter(self.expr(predicate)?),
            Step::Project(exprs) => {
                Wire::Projection(wire::Projection { exprs: self.exprs(exprs)? })
            }
            Step::Aggregate { group_by, aggregates } => {
                let group_by = self.exprs(group_by)?;
                let aggregates = aggregates.iter().map(|aggregate| self.aggregate(aggregate));
                let aggregates = aggregates.collect::<SqlResult<_>>()?;
                Wire::Aggregation(wire::Aggregation { group_by, aggregates })
            }
            Step::TopN { keys, limit } => {
                let mut written = Vec::with_capacity(keys.len());
                for SortKey { expr, descending } in keys {
                    let expr = Some(self.expr(expr)?);
                    written.push(wire::SortKey { expr, descending: *descending });
                }
                Wire::TopN(wire::TopN { keys: written, limit: *limit })
            }
            Step::Limit(limit) => Wire::Limit(*limit),
        };
        Ok(wire::Step { step: Some(step) })
    }

    fn aggregate(&mut self, aggregate: &Aggregate) -> SqlResult<wire::Aggregate> {
        Ok(wire::Aggregate {
            function: aggregate.kind.name().to_owned(),
            args: self.exprs(&aggregate.args)?,
            distinct: aggregate.distinct,
            order: aggregate.order.clone(),
            r#type: self.position(&aggregate.field_type)?,
        })
    }

    fn exprs(&mut self, exprs: &[Expr]) -> SqlResult<Vec<wire::Expr>> {
        exprs.iter().map(|expr| self.expr(expr)).collect()
    }

    fn expr(&mut self, expr: &Expr) -> SqlResult<wire::Expr> {
        let mut nodes = Vec::new();
        self.nodes(expr, &mut nodes)?;
        Ok(wire::Expr { nodes })
    }

    fn nodes(&mut self, expr: &Expr, to: &mut Vec<wire::Node>) -> SqlResult<()> {
        use wire::node::Node;
        let node = match expr {
            Expr::Column { index, .. } => Node::Column(*index as u32),
            Expr::Literal { value, .. } => Node::Literal(put_datum(value)),
            Expr::Parameter { .. } => return Err(wrong("parameter: it has no value")),
            Expr::Call { function, args, .. } => {
                for arg in args {
                    self.nodes(arg, to)?;
                }
                let function = function.wire_name().to_owned();
                Node::Call(wire::Call { function, args: args.len() as u32 })
            }
        };
        to.push(wire::Node { r#type: self.position(expr.field_type())?, node: Some(node) });
        Ok(())
    }
}

/// The types of a message, by position.
struct Known(Vec<FieldType>);

impl Known {
    fn get(&self, position: u32) -> SqlResult<FieldType> {
        self.0.get(position as usize).cloned().ok_or_else(|| wrong("type"))
    }

    fn column(&self, column: wire::Column) -> SqlResult<Wanted> {
        use wire::column::Column;
        match column.column.ok_or_else(|| wrong("column"))? {
            Column::Handle(wire::Handle { unsigned }) => Ok(Wanted::Handle { unsigned }),
            Column::Stored(wire::Stored { id, r#type, origin }) => {
                Ok(Wanted::Stored { id, field_type: self.get(r#type)?, origin })
            }
        }
    }

    fn step(&self, step: wire::Step) -> SqlResult<Step> {
        use wire::step::Step as Wire;
        Ok(match step.step.ok_or_else(|| wrong("step"))? {
            Wire::Filter(predicate) => Step::Filter(self.expr(predicate)?),
            Wire::Projection(projection) => Step::Project(self.exprs(projection.exprs)?),
            Wire::Aggregation(wire::Aggregation { group_by, aggregates }) => {
                let aggregates = aggregates.into_iter().map(|aggregate| self.aggregate(aggregate));
                Step::Aggregate {
                    group_by: self.exprs(group_by)?,
                    aggregates: aggregates.collect::<SqlResult<_>>()?,
                }
            }
            Wire::TopN(wire::TopN { keys, limit }) => {
                let key = |key: wire::SortKey| {
                    let expr = self.expr(key.expr.ok_or_else(|| wrong("key of an order"))?)?;
                    Ok(SortKey { expr, descending: key.descending })
                };
                Step::TopN { keys: keys.into_iter().map(key).collect::<SqlResult<_>>()?, limit }
            }
            Wire::Limit(limit) => Step::Limit(limit),
        })
    }

    fn aggregate(&self, aggregate: wire::Aggregate) -> SqlResult<Aggregate> {
        let kind = AggregateKind::by_name(&aggregate.function);
        Ok(Aggregate {
            kind: kind.ok_or_else(|| wrong("aggregate"))?,
            args: self.exprs(aggregate.args)?,
            distinct: aggregate.distinct,
            order: aggregate.order,
            field_type: self.get(aggregate.r#type)?,
        })
    }

    fn exprs(&self, exprs: Vec<wire::Expr>) -> SqlResult<Vec<Expr>> {
        exprs.into_iter().map(|expr| self.expr(expr)).collect()
    }

    fn expr(&self, expr: wire::Expr) -> SqlResult<Expr> {
        use wire::node::Node;
        let mut made: Vec<Expr> = Vec::new();
        for wire::Node { r#type, node } in expr.nodes {
            let field_type = self.get(r#type)?;
            let expr = match node.ok_or_else(|| wrong("expression"))? {
                Node::Column(index) => Expr::Column { index: index as usize, field_type },
                Node::Literal(value) => Expr::Literal { value: take_datum(value)?, field_type },
                Node::Call(wire::Call { function, args }) => {
                    let first = made.len().checked_sub(args as usize);
                    let args = made.split_off(first.ok_or_else(|| wrong("number of arguments"))?);
                    let found = Function::by_wire_name(&function);
                    let function = found.ok_or_else(|| wrong("function"))?;
                    function.check_arity(args.len(), function.name())?;
                    Expr::Call { function, args, field_type }
                }
            };
            made.push(expr);
        }
        let only = made.pop().filter(|_| made.is_empty());
        only.ok_or_else(|| wrong("expression"))
    }
}

fn put_datum(value: &Datum) -> wire::Datum {
    use wire::datum::Value;
    let value = match value {
        Datum::Null => None,
        Datum::Int(number) => Some(Value::Int(*number)),
        Datum::UInt(number) => Some(Value::Uint(*number)),
        Datum::Float(number) => Some(Value::Float(*number)),
        Datum::Decimal(Decimal { unscaled, scale }) => {
            let unscaled = Bytes::copy_from_slice(&unscaled.to_le_bytes());
            Some(Value::Decimal(wire::Decimal { unscaled, scale: u32::from(*scale) }))
        }
        Datum::Bytes(bytes) => Some(Value::Bytes(bytes.clone())),
        Datum::Time(Time { packed, kind, fsp }) => {
            let kind = match kind {
                TimeKind::Date => wire::TimeKind::Date,
                TimeKind::DateTime => wire::TimeKind::DateTime,
                TimeKind::Timestamp => wire::TimeKind::Timestamp,
            };
            Some(Value::Time(wire::Time {
                packed: *packed,
                kind: kind.into(),
                fsp: u32::from(*fsp),
            }))
        }
        Datum::Duration(Duration { micros, fsp }) => {
            Some(Value::Duration(wire::Duration { micros: *micros, fsp: u32::from(*fsp) }))
        }
        Datum::Member(Member { number, text }) => {
            Some(Value::Member(wire::Member { number: *number, text: text.clone() }))
        }
        Datum::Json(json) => Some(Value::Document(json.to_stored().into())),
    };
    wire::Datum { value }
}

fn take_datum(datum: wire::Datum) -> SqlResult<Datum> {
    use wire::datum::Value;
    let small = |number: u32| u8::try_from(number).map_err(|_large| wrong("value"));
    Ok(match datum.value {
        None => Datum::Null,
        Some(Value::Int(number)) => Datum::Int(number),
        Some(Value::Uint(number)) => Datum::UInt(number),
        Some(Value::Float(number)) => Datum::Float(number),
        Some(Value::Decimal(wire::Decimal { unscaled, scale })) => {
            let bytes: [u8; 32] = unscaled.as_ref().try_into().map_err(|_short| wrong("number"))?;
            Datum::Decimal(Decimal { unscaled: i256::from_le_bytes(bytes), scale: small(scale)? })
        }
        Some(Value::Bytes(bytes)) => Datum::Bytes(bytes),
        Some(Value::Time(wire::Time { packed, kind, fsp })) => {
            let kind = match wire::TimeKind::try_from(kind).map_err(|_new| wrong("time"))? {
                wire::TimeKind::Date => TimeKind::Date,
                wire::TimeKind::DateTime => TimeKind::DateTime,
                wire::TimeKind::Timestamp => TimeKind::Timestamp,
            };
            Datum::Time(Time { packed, kind, fsp: small(fsp)? })
        }
        Some(Value::Duration(wire::Duration { micros, fsp })) => {
            Datum::Duration(Duration { micros, fsp: small(fsp)? })
        }
        Some(Value::Member(wire::Member { number, text })) => {
            Datum::Member(Member { number, text })
        }
        Some(Value::Document(stored)) => {
            Datum::Json(Json::from_stored(&stored).ok_or_else(|| wrong("document"))?)
        }
    })
}

/// An environment as bytes.
pub fn encode_environment(environment: &Environment) -> Vec<u8> {
    let Environment {
        sql_mode,
        time_zone,
        now_unix_micros,
        writes,
        ignore,
        connection_id,
        user,
        current_user,
        current_db,
        version,
        found_rows,
        row_count,
        div_precision_increment,
        group_concat_max_len,
        max_allowed_packet,
    } = environment;
    let message = wire::Environment {
        sql_mode: sql_mode.to_string(),
        time_zone: time_zone.to_string(),
        now_unix_micros: *now_unix_micros,
        writes: *writes,
        ignore: *ignore,
        connection_id: *connection_id,
        user: user.clone(),
        current_user: current_user.clone(),
        current_db: current_db.clone(),
        version: version.clone(),
        found_rows: *found_rows,
        row_count: *row_count,
        div_precision_increment: u32::from(*div_precision_increment),
        group_concat_max_len: *group_concat_max_len as u64,
        max_allowed_packet: *max_allowed_packet as u64,
    };
    message.encode_to_vec()
}

/// What [`encode_environment`] wrote.
pub fn decode_environment(bytes: &[u8]) -> SqlResult<Environment> {
    let message = wire::Environment::decode(bytes).map_err(SqlError::internal)?;
    let digits = u8::try_from(message.div_precision_increment);
    let size = |bytes: u64| usize::try_from(bytes).map_err(|_large| wrong("environment"));
    Ok(Environment {
        sql_mode: SqlMode::parse(&message.sql_mode)?,
        time_zone: TimeZone::parse(&message.time_zone)?,
        now_unix_micros: message.now_unix_micros,
        writes: message.writes,
        ignore: message.ignore,
        connection_id: message.connection_id,
        user: message.user,
        current_user: message.current_user,
        current_db: message.current_db,
        version: message.version,
        found_rows: message.found_rows,
        row_count: message.row_count,
        div_precision_increment: digits.map_err(|_large| wrong("environment"))?,
        group_concat_max_len: size(message.group_concat_max_len)?,
        max_allowed_packet: size(message.max_allowed_packet)?,
    })
}
