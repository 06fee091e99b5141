//! What the session knows, and what changes it.

use std::sync::atomic::Ordering;

use super::call::Call;
use super::definition::{Definition, Eval, Names, Nulls, Numbers, Text, TypeRule, Volatility};
use super::typing::{bigint, bigint_unsigned, long_text, name};
use crate::common::{SqlError, SqlResult};
use crate::sql::expr::{VariableScope, coercibility_of};
use crate::sql::types::{Collation, Datum, FieldType};

const fn of_session(
    names: Names,
    arity: (usize, usize),
    result: TypeRule,
    eval: Eval,
    summary: &'static str,
) -> Definition {
    Definition::function(names, arity, result, eval, summary).light()
}

pub(super) static GET_USER_VAR: Definition = Definition {
    text: Text::OfArguments,
    ..of_session(
        &["@"],
        (1, 1),
        long_text,
        |call| {
            let name = call.keyword(0)?;
            Ok(call.ctx.vars.user_var(&name).map_or(Datum::Null, |(value, _)| value))
        },
        "A variable of the session's own.",
    )
}
.form()
.volatility(Volatility::Row);
pub(super) static SET_USER_VAR: Definition = Definition {
    text: Text::OfArguments,
    ..of_session(
        &[":="],
        (2, 2),
        |typing| Ok(typing.of(1).of_user_variable()),
        set_user_var,
        "Sets a variable of the session's own to this value, and is the value.",
    )
}
.form()
.nulls(Nulls::OfArguments)
.volatility(Volatility::SideEffect);
pub(super) static GET_SYSTEM_VAR: Definition = Definition {
    text: Text::OfArguments,
    ..of_session(
        &["@@"],
        (2, 2),
        |_| Ok(FieldType::varchar(1024)),
        |call| {
            let scope = match call.keyword(1)?.as_str() {
                "global" => VariableScope::Global,
                "session" => VariableScope::Session,
                _ => VariableScope::Default,
            };
            call.ctx.vars.system_var(&call.keyword(0)?, scope)
        },
        "A system variable.",
    )
}
.form();

/// The session calls these before it computes anything: other nodes are asked.
const fn named_lock(
    names: Names,
    arity: (usize, usize),
    result: TypeRule,
    summary: &'static str,
) -> Definition {
    of_session(names, arity, result, not_here, summary).volatility(Volatility::SideEffect)
}

pub(super) static GET_LOCK: Definition = named_lock(
    &["get_lock"],
    (2, 2),
    bigint,
    "Takes the lock of this name, waiting so many seconds: 1, or 0 if others have it.",
);
pub(super) static RELEASE_LOCK: Definition =
    named_lock(&["release_lock"], (1, 1), bigint, "Gives the lock of this name back.");
pub(super) static RELEASE_ALL_LOCKS: Definition = named_lock(
    &["release_all_locks"],
    (0, 0),
    bigint_unsigned,
    "Gives all the session's named locks back: how many there were.",
);
pub(super) static IS_FREE_LOCK: Definition =
    named_lock(&["is_free_lock"], (1, 1), bigint, "Whether nobody has the lock of this name.");
pub(super) static IS_USED_LOCK: Definition = named_lock(
    &["is_used_lock"],
    (1, 1),
    bigint_unsigned,
    "The connection that has the lock of this name.",
);

pub(super) static FUNCTIONS: &[Definition] = &[
    of_session(
        &["version"],
        (0, 0),
        name,
        |call| Ok(Datum::from(call.ctx.version.as_str())),
        "The server's version.",
    )
    .nulls(Nulls::OfArguments),
    of_session(
        &["tidb_version"],
        (0, 0),
        |_| Ok(FieldType::varchar(1024)),
        |call| Ok(Datum::from(call.ctx.version.as_str())),
        "The server's version.",
    )
    .volatility(Volatility::Pure),
    of_session(
        &["database", "schema"],
        (0, 0),
        name,
        |call| Ok(Datum::from(call.ctx.current_db.as_deref())),
        "The database in use.",
    ),
    of_session(
        &["user", "session_user", "system_user"],
        (0, 0),
        name,
        |call| Ok(Datum::from(call.ctx.user.as_str())),
        "The user's name and host, as the client gave them.",
    )
    .nulls(Nulls::OfArguments),
    of_session(
        &["current_user"],
        (0, 0),
        name,
        |call| Ok(Datum::from(call.ctx.current_user.as_str())),
        "The account whose rights the session has.",
    ),
    of_session(
        &["connection_id"],
        (0, 0),
        bigint_unsigned,
        |call| Ok(Datum::UInt(call.ctx.connection_id)),
        "The number of the connection.",
    )
    .nulls(Nulls::OfArguments),
    of_session(
        &["last_insert_id"],
        (0, 1),
        bigint_unsigned,
        last_insert_id,
        "The first AUTO_INCREMENT value the last INSERT made; with an argument, that is remembered instead.",
    )
    .nulls(Nulls::OfArguments)
    .volatility(Volatility::SideEffect)
    .numbers(Numbers::All),
    of_session(
        &["row_count"],
        (0, 0),
        bigint,
        |call| Ok(Datum::Int(call.ctx.row_count)),
        "How many rows the statement before changed; -1 after a query.",
    )
    .nulls(Nulls::OfArguments)
    .volatility(Volatility::Row),
    of_session(
        &["found_rows"],
        (0, 0),
        bigint_unsigned,
        |call| Ok(Datum::UInt(call.ctx.found_rows)),
        "How many rows the query before found.",
    )
    .nulls(Nulls::OfArguments)
    .volatility(Volatility::Row),
    of_session(
        &["uuid"],
        (0, 0),
        |_| Ok(FieldType::varchar(36)),
        |call| Ok(Datum::from(uuid(call))),
        "A random UUID (version 4).",
    )
    .nulls(Nulls::OfArguments)
    .volatility(Volatility::Row),
    of_session(
        &["charset"],
        (1, 1),
        name,
        |call| Ok(Datum::from(described(call).charset())),
        "The character set of a text.",
    )
    .pure(),
    of_session(
        &["coercibility"],
        (1, 1),
        bigint,
        |call| Ok(Datum::Int(i64::from(coercibility_of(&call.args[0])))),
        "How little a text insists on its collation: 0 with COLLATE, 2 of a column, 4 of a literal, 6 of NULL.",
    )
    .nulls(Nulls::Never)
    .pure(),
    of_session(
        &["collation"],
        (1, 1),
        name,
        |call| Ok(Datum::from(described(call).name())),
        "The collation of a text.",
    )
    .pure(),
];

fn set_user_var(call: &Call<'_>) -> SqlResult<Datum> {
    let name = call.keyword(0)?;
    let value = call.value(1)?.into_user_variable(call.arg_type(1));
    call.ctx.vars.set_user_var(&name, value.clone(), call.arg_type(1).of_user_variable())?;
    Ok(value)
}

fn last_insert_id(call: &Call<'_>) -> SqlResult<Datum> {
    let ctx = call.ctx;
    if call.args.is_empty() {
        return Ok(Datum::UInt(ctx.last_insert_id.load(Ordering::Relaxed)));
    }
    let id = call.bits(0)?;
    ctx.last_insert_id.store(id.unwrap_or(0), Ordering::Relaxed);
    ctx.last_insert_id_set.store(id.unwrap_or(0), Ordering::Relaxed);
    Ok(id.map_or(Datum::Null, Datum::UInt))
}

fn not_here(call: &Call<'_>) -> SqlResult<Datum> {
    let name = call.definition.name().to_uppercase();
    Err(SqlError::unsupported(format!(
        "{name}() anywhere but in a SELECT without tables, SET and DO"
    )))
}

/// The collation of the argument; of what is no string, binary.
fn described(call: &Call<'_>) -> Collation {
    let arg = call.arg_type(0);
    if arg.kind.is_textual() { arg.collation } else { Collation::Binary }
}

/// A random UUID (version 4) from the statement's generator.
fn uuid(call: &Call<'_>) -> String {
    let (high, low) = (call.ctx.next_random(), call.ctx.next_random());
    let high = high & !0xF000 | 0x4000;
    let low = low & !(3 << 62) | 1 << 63;
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        high >> 16 & 0xFFFF,
        high & 0xFFFF,
        low >> 48,
        low & 0xFFFF_FFFF_FFFF
    )
}
