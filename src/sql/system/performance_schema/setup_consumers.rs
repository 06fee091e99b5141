//! `performance_schema.setup_consumers`: what is collected: digests, and nothing else.

use crate::sql::system::table::table;

/// MySQL's, and whether there is anything of the kind.
const CONSUMERS: [(&str, bool); 15] = [
    ("events_stages_current", false),
    ("events_stages_history", false),
    ("events_stages_history_long", false),
    ("events_statements_current", false),
    ("events_statements_history", false),
    ("events_statements_history_long", false),
    ("events_transactions_current", false),
    ("events_transactions_history", false),
    ("events_transactions_history_long", false),
    ("events_waits_current", false),
    ("events_waits_history", false),
    ("events_waits_history_long", false),
    ("global_instrumentation", true),
    ("thread_instrumentation", true),
    ("statements_digest", true),
];

table! {
    "setup_consumers": |_asked| for (name, enabled) in CONSUMERS;
    NAME: Varchar(64) NOT NULL = name;
    ENABLED: Varchar(3) NOT NULL = if enabled { "YES" } else { "NO" };
}
