//! Identities, timestamps, error codes and the policy of trying again, which every floor shares.

mod error;
mod ids;
pub mod retry;
mod timestamp;

pub use error::{Conflict, ErrorClass, Fault, Signalled, SqlError, SqlResult, errno};
pub use ids::{LogIndex, PeerId, RegionId, StoreId, Term};
pub use timestamp::Timestamp;
