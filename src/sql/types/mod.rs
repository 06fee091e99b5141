//! MySQL's values and types.
//!
//! A [`Datum`] is one value, a [`FieldType`] says which SQL type it is a value of. Around them:
//!
//! - [`Decimal`], [`Time`], [`Duration`]: the values that Rust does not have, with MySQL's arithmetic.
//! - [`Collation`]: how strings compare; [`compare`]: how anything compares with anything.
//! - conversions: `Datum::to_…` convert as expressions do, with warnings; [`convert_for_column`] as INSERT and UPDATE do,
//!   with errors in strict mode.
//! - text, Arrow and bytes: [`write_text`] for the text protocol, [`DatumColumnBuilder`] and [`datum_from_array`] for
//!   record batches, [`codec`] for rows and index keys.
//!
//! A string is bytes beside a collation; that text is UTF-8 is checked where it is stored. `utf8mb4_bin`, the default,
//! pads the shorter of two strings with spaces. A JSON document is bytes as well ([`json`]).

mod charset;
pub mod codec;
mod collation;
mod column;
mod compare;
mod convert;
mod datum;
pub mod decimal;
mod describe;
mod environment;
mod field_type;
pub mod json;
mod kinds;
mod locale;
mod members;
mod padding;
mod sql_mode;
mod store;
#[cfg(test)]
mod tests;
mod text;
pub mod time;
mod time_zone;

pub use charset::{Charset, shown_bytes};
pub use collation::Collation;
pub use column::{DatumColumnBuilder, datum_from_array};
pub use compare::compare;
pub use convert::{time_kind, utf8};
pub use datum::Datum;
pub use decimal::Decimal;
pub use describe::flags;
pub use environment::{Environment, ValueContext, Warning, WarningLevel, WarningMark};
pub use field_type::{FieldType, TypeKind};
pub use kinds::{BinaryForm, Class};
pub use locale::NumberFormat;
pub use members::{Member, Members};
pub use sql_mode::SqlMode;
pub use store::{convert_between, convert_for_column};
pub use text::{float_text, write_text};
pub use time::{Duration, Interval, IntervalUnit, Time, TimeKind, TimeRules};
pub use time_zone::{TimeZone, time_zone_names};
