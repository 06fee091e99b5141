//! Tests of the promises.
