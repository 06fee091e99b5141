//! SQL without I/O: text to tree, tree to plan, plan to rows.

pub mod access;
pub mod accounts;
pub mod analyze;
pub mod catalog;
pub mod ddl;
pub mod digest;
pub mod exec;
pub mod expr;
pub mod fulltext;
pub mod functions;
pub mod kv;
pub mod parser;
pub mod plan;
pub mod program;
pub mod statement;
pub mod stats;
pub mod stored;
pub mod system;
pub mod table_codec;
pub mod types;
