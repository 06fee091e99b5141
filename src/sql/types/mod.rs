//! MySQL's values and types.
//!
//! A [`Datum`] is one value, a [`FieldType`] says which SQL type it is a value of.

mod datum;
mod decimal;
mod field_type;
mod sql_mode;
mod time;
mod time_zone;

pub use datum::Datum;
pub use decimal::Decimal;
pub use field_type::{Collation, FieldType, TypeKind};
pub use sql_mode::SqlMode;
pub use time::{Duration, Time, TimeKind};
pub use time_zone::TimeZone;
