//! The tables of `mysql` and `performance_schema` that tools read, made of what there is.

/// `mysql`: name and columns of each; see [`super::column`] for the types.
pub(super) const MYSQL: &[(&str, &str)] = &[
    (
        "user",
        "Host:v255! User:v32! Select_priv:v1! Insert_priv:v1! Update_priv:v1! Delete_priv:v1! Create_priv:v1! \
         Drop_priv:v1! Reload_priv:v1! Shutdown_priv:v1! Process_priv:v1! File_priv:v1! Grant_priv:v1! \
         References_priv:v1! Index_priv:v1! Alter_priv:v1! Show_db_priv:v1! Super_priv:v1! Create_tmp_table_priv:v1! \
         Lock_tables_priv:v1! Execute_priv:v1! Repl_slave_priv:v1! Repl_client_priv:v1! Create_view_priv:v1! \
         Show_view_priv:v1! Create_routine_priv:v1! Alter_routine_priv:v1! Create_user_priv:v1! Event_priv:v1! \
         Trigger_priv:v1! Create_tablespace_priv:v1! ssl_type:v9! ssl_cipher:blob! x509_issuer:blob! \
         x509_subject:blob! max_questions:uint! max_updates:uint! max_connections:uint! max_user_connections:uint! \
         plugin:v64! authentication_string:text password_expired:v1! password_last_changed:ts \
         password_lifetime:uint account_locked:v1! Create_role_priv:v1! Drop_role_priv:v1! \
         Password_reuse_history:uint Password_reuse_time:uint Password_require_current:v1 User_attributes:long",
    ),
    (
        "db",
        "Host:v255! Db:v64! User:v32! Select_priv:v1! Insert_priv:v1! Update_priv:v1! Delete_priv:v1! Create_priv:v1! \
         Drop_priv:v1! Grant_priv:v1! References_priv:v1! Index_priv:v1! Alter_priv:v1! Create_tmp_table_priv:v1! \
         Lock_tables_priv:v1! Create_view_priv:v1! Show_view_priv:v1! Create_routine_priv:v1! Alter_routine_priv:v1! \
         Execute_priv:v1! Event_priv:v1! Trigger_priv:v1!",
    ),
    (
        "tables_priv",
        "Host:v255! Db:v64! User:v32! Table_name:v64! Grantor:v288! Timestamp:ts! Table_priv:v130! Column_priv:v40!",
    ),
    (
        "columns_priv",
        "Host:v255! Db:v64! User:v32! Table_name:v64! Column_name:v64! Timestamp:ts! Column_priv:v40!",
    ),
    (
        "procs_priv",
        "Host:v255! Db:v64! User:v32! Routine_name:v64! Routine_type:v9! Grantor:v288! Proc_priv:v40! Timestamp:ts!",
    ),
    (
        "proxies_priv",
        "Host:v255! User:v32! Proxied_host:v255! Proxied_user:v32! With_grant:int! Grantor:v288! Timestamp:ts!",
    ),
    ("global_grants", "USER:v32! HOST:v255! PRIV:v32! WITH_GRANT_OPTION:v1!"),
    (
        "role_edges",
        "FROM_HOST:v255! FROM_USER:v32! TO_HOST:v255! TO_USER:v32! WITH_ADMIN_OPTION:v1!",
    ),
    ("default_roles", "HOST:v255! USER:v32! DEFAULT_ROLE_HOST:v255! DEFAULT_ROLE_USER:v32!"),
    (
        "slow_log",
        "start_time:ts6 user_host:medium! query_time:time! lock_time:time! rows_sent:uint! rows_examined:uint! db:v512! \
         last_insert_id:int! insert_id:int! server_id:uint! sql_text:blob! thread_id:ubig!",
    ),
    ("func", "name:v64! ret:int! dl:v128! type:v9!"),
    ("plugin", "name:v64! dl:v128!"),
    (
        "servers",
        "Server_name:v64! Host:v255! Db:v64! Username:v64! Password:v64! Port:int! Socket:v64! Wrapper:v64! Owner:v64!",
    ),
    ("time_zone", "Time_zone_id:uint! Use_leap_seconds:v1!"),
    ("time_zone_name", "Name:v64! Time_zone_id:uint!"),
    ("time_zone_leap_second", "Transition_time:big! Correction:int!"),
    ("time_zone_transition", "Time_zone_id:uint! Transition_time:big! Transition_type_id:uint!"),
    (
        "time_zone_transition_type",
        "Time_zone_id:uint! Transition_type_id:uint! Offset:int! Is_DST:uint! Abbreviation:v8!",
    ),
];

/// `performance_schema`.
pub(super) const PERFORMANCE_SCHEMA: &[(&str, &str)] = &[
    (
        "events_statements_summary_by_digest",
        "SCHEMA_NAME:v64 DIGEST:v64 DIGEST_TEXT:long COUNT_STAR:ubig! SUM_TIMER_WAIT:ubig! MIN_TIMER_WAIT:ubig! \
         AVG_TIMER_WAIT:ubig! MAX_TIMER_WAIT:ubig! SUM_ERRORS:ubig! SUM_WARNINGS:ubig! SUM_ROWS_AFFECTED:ubig! \
         SUM_ROWS_SENT:ubig! SUM_ROWS_EXAMINED:ubig! FIRST_SEEN:ts6 LAST_SEEN:ts6 QUANTILE_95:ubig! QUANTILE_99:ubig! \
         QUANTILE_999:ubig! QUERY_SAMPLE_TEXT:long",
    ),
    (
        "metadata_locks",
        "OBJECT_TYPE:v64! OBJECT_SCHEMA:v64 OBJECT_NAME:v64 COLUMN_NAME:v64 OBJECT_INSTANCE_BEGIN:ubig! LOCK_TYPE:v32! \
         LOCK_DURATION:v32! LOCK_STATUS:v32! SOURCE:v64 OWNER_THREAD_ID:ubig OWNER_EVENT_ID:ubig",
    ),
    ("global_status", "VARIABLE_NAME:v64! VARIABLE_VALUE:v1024"),
    ("session_status", "VARIABLE_NAME:v64! VARIABLE_VALUE:v1024"),
    ("global_variables", "VARIABLE_NAME:v64! VARIABLE_VALUE:v1024"),
    ("session_variables", "VARIABLE_NAME:v64! VARIABLE_VALUE:v1024"),
    ("processlist", "ID:ubig! USER:v32 HOST:v261 DB:v64 COMMAND:v16 TIME:big STATE:v64 INFO:long"),
];
