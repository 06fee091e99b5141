//! Identities, timestamps and error codes that every floor shares.

mod error;
mod ids;
mod timestamp;

pub use error::{SqlError, SqlResult, errno};
pub use ids::{LogIndex, PeerId, RegionId, StoreId, Term};
pub use timestamp::Timestamp;
