//! What the session knows.

use std::sync::atomic::Ordering;

use super::Call;
use crate::common::{SqlError, SqlResult};
use crate::sql::expr::{Function, VariableScope};
use crate::sql::types::Datum;

impl Call<'_> {
    pub(super) fn info(&self) -> SqlResult<Datum> {
        use Function as F;
        let ctx = self.ctx;
        Ok(match self.function {
            F::GetUserVar => {
                let name = self.keyword(0)?;
                ctx.vars.user_var(&name).map_or(Datum::Null, |(value, _)| value)
            }
            F::SetUserVar => {
                let name = self.keyword(0)?;
                let value = self.value(1)?;
                let value = value.into_user_variable(self.arg_type(1));
                let field_type = self.arg_type(1).of_user_variable();
                ctx.vars.set_user_var(&name, value.clone(), field_type)?;
                value
            }
            F::GetSystemVar => {
                let scope = match self.keyword(1)?.as_str() {
                    "global" => VariableScope::Global,
                    "session" => VariableScope::Session,
                    _ => VariableScope::Default,
                };
                ctx.vars.system_var(&self.keyword(0)?, scope)?
            }
            F::Version => Datum::from(ctx.version.as_str()),
            F::TidbVersion => Datum::from(ctx.version.as_str()),
            F::Database => Datum::from(ctx.current_db.as_deref()),
            F::User => Datum::from(ctx.user.as_str()),
            F::CurrentUser => Datum::from(ctx.current_user.as_str()),
            F::ConnectionId => Datum::UInt(ctx.connection_id),
            F::LastInsertId if self.args.is_empty() => {
                Datum::UInt(ctx.last_insert_id.load(Ordering::Relaxed))
            }
            F::LastInsertId => {
                let value = self.value(0)?;
                let id = if value.is_null() { 0 } else { value.to_u64(ctx)? };
                ctx.last_insert_id.store(id, Ordering::Relaxed);
                ctx.last_insert_id_set.store(id, Ordering::Relaxed);
                if value.is_null() { Datum::Null } else { Datum::UInt(id) }
            }
            function if function.is_named_lock() => {
                let name = function.name().to_uppercase();
                return Err(SqlError::unsupported(format!(
                    "{name}() anywhere but in a SELECT without tables, SET and DO"
                )));
            }
            F::RowCount => Datum::Int(ctx.row_count),
            F::FoundRows => Datum::UInt(ctx.found_rows),
            F::Uuid => Datum::from(self.uuid()),
            F::Charset => Datum::from(self.described().charset()),
            _ => Datum::from(self.described().name()),
        })
    }

    /// The collation of the argument; of what is no string, binary.
    fn described(&self) -> crate::sql::types::Collation {
        let arg = self.arg_type(0);
        if arg.kind.is_string() { arg.collation } else { crate::sql::types::Collation::Binary }
    }

    /// A random UUID (version 4) from the statement's generator.
    fn uuid(&self) -> String {
        let (high, low) = (self.ctx.next_random(), self.ctx.next_random());
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
}
