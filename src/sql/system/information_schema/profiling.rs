//! `information_schema.PROFILING`: nothing is profiled; see STATEMENTS_SUMMARY and EXPLAIN ANALYZE.

use crate::sql::system::table::table;

table! {
    "PROFILING" is empty;
    QUERY_ID: Int NOT NULL;
    SEQ: Int NOT NULL;
    STATE: Varchar(30) NOT NULL;
    DURATION: Double NOT NULL;
    CPU_USER: Double;
    CPU_SYSTEM: Double;
    CONTEXT_VOLUNTARY: Int;
    CONTEXT_INVOLUNTARY: Int;
    BLOCK_OPS_IN: Int;
    BLOCK_OPS_OUT: Int;
    MESSAGES_SENT: Int;
    MESSAGES_RECEIVED: Int;
    PAGE_FAULTS_MAJOR: Int;
    PAGE_FAULTS_MINOR: Int;
    SWAPS: Int;
    SOURCE_FUNCTION: Varchar(30);
    SOURCE_FILE: Varchar(20);
    SOURCE_LINE: Int;
}
