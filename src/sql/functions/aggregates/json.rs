//! JSON_ARRAYAGG and JSON_OBJECTAGG.

use super::state::{Partial, State, put_bytes, take_bytes};
use super::{Aggregate, AggregateDefinition};
use crate::common::{SqlError, SqlResult};
use crate::sql::expr::EvalContext;
use crate::sql::functions::json::{is_truth, part_of};
use crate::sql::types::json::{self, Json, JsonArrayState, JsonObjectState, Pulse};
use crate::sql::types::{Datum, FieldType};

pub(super) static JSON_ARRAYAGG: AggregateDefinition = AggregateDefinition {
    takes_nulls: true,
    gathers: true,
    ..AggregateDefinition::new(
        &["json_arrayagg"],
        |_| Ok(FieldType::json()),
        |aggregate| {
            State::JsonArray(JsonArray {
                elements: JsonArrayState::default(),
                is_truth: is_truth_at(aggregate, 0),
            })
        },
        "The values as elements of an array.",
    )
};

pub(super) static JSON_OBJECTAGG: AggregateDefinition = AggregateDefinition {
    min: 2,
    max: 2,
    takes_nulls: true,
    gathers: true,
    ..AggregateDefinition::new(
        &["json_objectagg"],
        |_| Ok(FieldType::json()),
        |aggregate| {
            State::JsonObject(JsonObject {
                members: JsonObjectState::default(),
                is_truth: is_truth_at(aggregate, 1),
            })
        },
        "The keys and values as members of an object.",
    )
};

/// Whether an argument is a truth value.
fn is_truth_at(aggregate: &Aggregate, position: usize) -> bool {
    aggregate.args.get(position).is_some_and(is_truth)
}

/// The elements so far.
#[derive(Clone, Debug)]
pub(in crate::sql::functions) struct JsonArray {
    elements: JsonArrayState,
    is_truth: bool,
}

/// The members so far.
#[derive(Clone, Debug)]
pub(in crate::sql::functions) struct JsonObject {
    members: JsonObjectState,
    is_truth: bool,
}

fn write(json: Option<Json>, to: &mut Vec<u8>) {
    let mut bytes = Vec::new();
    if let Some(json) = json {
        json.write_to(&mut bytes);
    }
    put_bytes(to, &bytes);
}

fn read(from: &mut &[u8]) -> SqlResult<Option<Json>> {
    let bytes = take_bytes(from)?;
    Ok(Json::from_stored(&bytes::Bytes::copy_from_slice(bytes)))
}

/// Without an end before its own: what aggregates end with is asked for when all rows are there.
fn at_once<T>(done: impl FnOnce(&mut Pulse<'_>) -> T) -> T {
    done(&mut Pulse::unwatched())
}

fn answer(json: Option<Json>) -> Datum {
    json.map_or(Datum::Null, Datum::Json)
}

impl Partial for JsonArray {
    fn add(&mut self, args: &[Datum], types: &[FieldType], _: &EvalContext) -> SqlResult<()> {
        if let ([value], [field_type]) = (args, types) {
            self.elements.push(part_of(value.clone(), field_type, self.is_truth));
        }
        Ok(())
    }

    fn merge(&mut self, from: &mut &[u8], _: &[FieldType], _: &EvalContext) -> SqlResult<()> {
        if let Some(json) = read(from)? {
            self.elements.merge(JsonArrayState::from_json(&json));
        }
        Ok(())
    }

    fn encode(&self, to: &mut Vec<u8>, _: &[FieldType]) -> SqlResult<()> {
        write(at_once(|pulse| self.elements.clone().finish(pulse))?, to);
        Ok(())
    }

    fn finish(self, _: &FieldType, _: &EvalContext) -> SqlResult<Datum> {
        at_once(|pulse| self.elements.finish(pulse)).map(answer)
    }

    fn size(&self) -> usize {
        self.elements.size()
    }
}

impl Partial for JsonObject {
    fn add(&mut self, args: &[Datum], types: &[FieldType], _: &EvalContext) -> SqlResult<()> {
        let ([key, value], [key_type, field_type]) = (args, types) else {
            return Err(SqlError::internal("a member is a key and a value"));
        };
        if key.is_null() {
            return Err(json::null_key());
        }
        let key = String::from_utf8_lossy(&key.to_bytes_as(key_type)).into_owned();
        let value = part_of(value.clone(), field_type, self.is_truth);
        self.members.push(key, value);
        Ok(())
    }

    fn merge(&mut self, from: &mut &[u8], _: &[FieldType], _: &EvalContext) -> SqlResult<()> {
        if let Some(json) = read(from)? {
            self.members.merge(JsonObjectState::from_json(&json));
        }
        Ok(())
    }

    fn encode(&self, to: &mut Vec<u8>, _: &[FieldType]) -> SqlResult<()> {
        write(at_once(|pulse| self.members.clone().finish(pulse))?, to);
        Ok(())
    }

    fn finish(self, _: &FieldType, _: &EvalContext) -> SqlResult<Datum> {
        at_once(|pulse| self.members.finish(pulse)).map(answer)
    }

    fn size(&self) -> usize {
        self.members.size()
    }
}
