//! Why a read or a command has no answer.

use super::super::engine;
use crate::storage::api::{KeyError, RequestError};

/// A result of MVCC.
pub type Result<T> = std::result::Result<T, Error>;

/// What stands between a request and its answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The keys forbid it; the client resolves, retries or gives up.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The engine failed; the operator is needed.
    #[error(transparent)]
    Engine(#[from] engine::Error),
}

impl From<Error> for RequestError {
    fn from(error: Error) -> RequestError {
        match error {
            Error::Key(error) => RequestError::Key(error),
            Error::Engine(error) => RequestError::Storage(error.to_string()),
        }
    }
}
