//! MySQL's values and types.

mod datum;
mod decimal;
mod field_type;
mod time;

pub use datum::Datum;
pub use decimal::Decimal;
pub use field_type::{Collation, FieldType, TypeKind};
pub use time::{Duration, Time, TimeKind};
