//! Columns of CREATE TABLE.

use crate::common::{SqlError, SqlResult, errno};
use crate::sql::types::FieldType;

/// DECIMAL(precision, scale) within MySQL's limits; `column` is named in the errors.
pub fn check_decimal(column: &str, precision: u32, scale: u32) -> SqlResult<FieldType> {
    if scale > 30 {
        return Err(SqlError::new(
            errno::TOO_BIG_SCALE,
            format!("Too big scale {scale} specified for column '{column}'. Maximum is 30."),
        ));
    }
    if precision > 65 {
        return Err(SqlError::new(
            errno::TOO_BIG_PRECISION,
            format!("Too-big precision {precision} specified for '{column}'. Maximum is 65."),
        ));
    }
    let precision = if precision == 0 { 10 } else { precision };
    if scale > precision {
        return Err(SqlError::new(
            errno::M_BIGGER_THAN_D,
            format!(
                "For float(M,D), double(M,D) or decimal(M,D), M must be >= D (column '{column}')."
            ),
        ));
    }
    Ok(FieldType::decimal(precision, scale as u8))
}
