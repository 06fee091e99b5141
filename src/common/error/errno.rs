//! MySQL's error numbers, and TiDB's for what MySQL does not know.
//!
//! There are two lists, each in the order of the numbers:
//!
//! - *statement*: a statement is wrong, or what it names is not there. The same statement will fail again, and whoever wrote it has to
//!   change it. Clients read the number and the SQLSTATE, people the text, which is made where the error arises, in MySQL's words.
//! - *operational*: the cause is outside of the statement: another transaction, a disk, a node. These have a class that says what may be
//!   done about them ([`ErrorClass`]; who tries what again is decided in `common/retry.rs`), and a paragraph in `docs/errors.md`.
//!
//! A number has one name, and stands in one of the lists (tests hold both to it). The names are those of MySQL's `mysqld_error.h` without
//! their `ER_`, so whoever knows the one finds the other. The SQLSTATE is MySQL's too; `HY000` where it has no better.

use super::ErrorClass;

/// What is to be known of an error number.
#[derive(Clone, Copy, Debug)]
pub struct Operational {
    /// The number.
    pub code: u16,
    /// The name of its constant.
    pub name: &'static str,
    /// What may be done about it.
    pub class: ErrorClass,
}

macro_rules! errnos {
    (
        statement { $($name:ident = $code:literal, $state:literal;)* }
        operational { $($op:ident = $number:literal, $sqlstate:literal, $class:ident;)* }
    ) => {
        $(#[doc = concat!("Error ", $code, ", SQLSTATE ", $state, ".")] pub const $name: u16 = $code;)*
        $(#[doc = concat!("Error ", $number, ", SQLSTATE ", $sqlstate, ".")] pub const $op: u16 = $number;)*

        /// The SQLSTATE of a number; `HY000` where MySQL has none of its own.
        pub fn sqlstate(code: u16) -> &'static str {
            match code {
                $($code => $state,)*
                $($number => $sqlstate,)*
                _ => "HY000",
            }
        }

        /// What may be done about an error with this number.
        pub fn class(code: u16) -> ErrorClass {
            match code {
                $($number => ErrorClass::$class,)*
                _ => ErrorClass::Deterministic,
            }
        }

        /// The errors that have their cause outside of the statement: those an operator meets. `docs/errors.md` describes each.
        pub const OPERATIONAL: &[Operational] =
            &[$(Operational { code: $number, name: stringify!($op), class: ErrorClass::$class }),*];
    };
}

errnos! {
    statement {
        CANT_CREATE_FILE = 1, "HY000";
        CANT_GET_STAT = 13, "HY000";
        CANT_CREATE_DB = 1006, "HY000";
        DB_CREATE_EXISTS = 1007, "HY000";
        DB_DROP_EXISTS = 1008, "HY000";
        ILLEGAL_HA = 1031, "HY000";
        HANDSHAKE = 1043, "08S01";
        DB_ACCESS_DENIED = 1044, "42000";
        ACCESS_DENIED = 1045, "28000";
        NO_DB = 1046, "3D000";
        UNKNOWN_COM = 1047, "08S01";
        BAD_NULL = 1048, "23000";
        BAD_DB = 1049, "42000";
        TABLE_EXISTS = 1050, "42S01";
        BAD_TABLE = 1051, "42S02";
        NON_UNIQ = 1052, "23000";
        BAD_FIELD = 1054, "42S22";
        WRONG_FIELD_WITH_GROUP = 1055, "42000";
        WRONG_GROUP_FIELD = 1056, "42000";
        WRONG_VALUE_COUNT = 1058, "21S01";
        TOO_LONG_IDENT = 1059, "42000";
        DUP_FIELDNAME = 1060, "42S21";
        DUP_KEYNAME = 1061, "42000";
        DUP_ENTRY = 1062, "23000";
        WRONG_FIELD_SPEC = 1063, "42000";
        PARSE = 1064, "42000";
        EMPTY_QUERY = 1065, "42000";
        NONUNIQ_TABLE = 1066, "42000";
        INVALID_DEFAULT = 1067, "42000";
        MULTIPLE_PRI_KEY = 1068, "42000";
        TOO_MANY_KEYS = 1069, "42000";
        TOO_MANY_KEY_PARTS = 1070, "42000";
        TOO_LONG_KEY = 1071, "42000";
        KEY_COLUMN_DOES_NOT_EXIST = 1072, "42000";
        CANNOT_ADD_FOREIGN = 1215, "HY000";
        WRONG_FK_DEF = 1239, "42000";
        ROW_IS_REFERENCED_2 = 1451, "23000";
        NO_REFERENCED_ROW_2 = 1452, "23000";
        DROP_INDEX_FK = 1553, "HY000";
        TRUNCATE_ILLEGAL_FK = 1701, "42000";
        FOREIGN_DUPLICATE_KEY = 1761, "23000";
        FK_NO_INDEX_PARENT = 1822, "HY000";
        FK_CANNOT_OPEN_PARENT = 1824, "HY000";
        FK_DUP_NAME = 1826, "HY000";
        FK_COLUMN_CANNOT_DROP = 1828, "HY000";
        FK_COLUMN_CANNOT_DROP_CHILD = 1829, "HY000";
        FK_COLUMN_NOT_NULL = 1830, "HY000";
        FK_COLUMN_CANNOT_CHANGE = 1832, "HY000";
        FK_COLUMN_CANNOT_CHANGE_CHILD = 1833, "HY000";
        FK_DEPTH_EXCEEDED = 3008, "HY000";
        FK_CANNOT_DROP_PARENT = 3730, "HY000";
        FK_NO_COLUMN_PARENT = 3734, "HY000";
        FK_INCOMPATIBLE_COLUMNS = 3780, "HY000";
        MULTIPLE_CONSTRAINTS_WITH_SAME_NAME = 3939, "HY000";
        CONSTRAINT_NOT_FOUND = 3940, "HY000";
        ALTER_CONSTRAINT_ENFORCEMENT_NOT_SUPPORTED = 3941, "HY000";
        NON_BOOLEAN_EXPR_FOR_CHECK_CONSTRAINT = 3812, "HY000";
        COLUMN_CHECK_CONSTRAINT_REFERENCES_OTHER_COLUMN = 3813, "HY000";
        CHECK_CONSTRAINT_NAMED_FUNCTION_IS_NOT_ALLOWED = 3814, "HY000";
        CHECK_CONSTRAINT_FUNCTION_IS_NOT_ALLOWED = 3815, "HY000";
        CHECK_CONSTRAINT_VARIABLES = 3816, "HY000";
        CHECK_CONSTRAINT_ROW_VALUE = 3817, "HY000";
        CHECK_CONSTRAINT_REFERS_AUTO_INCREMENT_COLUMN = 3818, "HY000";
        CHECK_CONSTRAINT_VIOLATED = 3819, "HY000";
        CHECK_CONSTRAINT_REFERS_UNKNOWN_COLUMN = 3820, "HY000";
        CHECK_CONSTRAINT_NOT_FOUND = 3821, "HY000";
        CHECK_CONSTRAINT_DUP_NAME = 3822, "HY000";
        CHECK_CONSTRAINT_CLAUSE_USING_FK_REFER_ACTION_COLUMN = 3823, "HY000";
        DEPENDENT_BY_CHECK_CONSTRAINT = 3959, "HY000";
        TOO_BIG_FIELDLENGTH = 1074, "42000";
        WRONG_AUTO_KEY = 1075, "42000";
        WRONG_FIELD_TERMINATORS = 1083, "42000";
        FILE_EXISTS = 1086, "HY000";
        WRONG_SUB_KEY = 1089, "HY000";
        CANT_REMOVE_ALL_FIELDS = 1090, "42000";
        CANT_DROP_FIELD_OR_KEY = 1091, "42000";
        NO_SUCH_THREAD = 1094, "HY000";
        KILL_DENIED = 1095, "HY000";
        NO_TABLES_USED = 1096, "HY000";
        TOO_BIG_SET = 1097, "HY000";
        TABLE_NOT_LOCKED_FOR_WRITE = 1099, "HY000";
        TABLE_NOT_LOCKED = 1100, "HY000";
        BLOB_CANT_HAVE_DEFAULT = 1101, "42000";
        WRONG_DB_NAME = 1102, "42000";
        WRONG_TABLE_NAME = 1103, "42000";
        UNKNOWN_TABLE = 1109, "42S02";
        FIELD_SPECIFIED_TWICE = 1110, "42000";
        INVALID_GROUP_FUNC_USE = 1111, "HY000";
        TABLE_MUST_HAVE_COLUMNS = 1113, "42000";
        UNKNOWN_CHARACTER_SET = 1115, "42000";
        TOO_MANY_TABLES = 1116, "HY000";
        TOO_MANY_FIELDS = 1117, "HY000";
        WRONG_VALUE_COUNT_ON_ROW = 1136, "21S01";
        MIX_OF_GROUP_FUNC_AND_FIELDS = 1140, "42000";
        NONEXISTING_GRANT = 1141, "42000";
        NO_SUCH_TABLE = 1146, "42S02";
        UNSUPPORTED_EXTENSION = 1112, "42000";
        NET_PACKET_TOO_LARGE = 1153, "08S01";
        NET_PACKETS_OUT_OF_ORDER = 1156, "08S01";
        WRONG_COLUMN_NAME = 1166, "42000";
        BLOB_KEY_WITHOUT_LENGTH = 1170, "42000";
        PRIMARY_CANT_HAVE_NULL = 1171, "42000";
        TOO_MANY_ROWS = 1172, "42000";
        KEY_DOES_NOT_EXIST = 1176, "42000";
        LOCK_OR_ACTIVE_TRANSACTION = 1192, "HY000";
        UNKNOWN_SYSTEM_VARIABLE = 1193, "HY000";
        WRONG_ARGUMENTS = 1210, "HY000";
        WRONG_USAGE = 1221, "HY000";
        WRONG_NUMBER_OF_COLUMNS_IN_SELECT = 1222, "21000";
        VAR_IS_LOCAL_ONLY = 1228, "HY000";
        VAR_IS_GLOBAL_ONLY = 1229, "HY000";
        WRONG_VALUE_FOR_VAR = 1231, "42000";
        WRONG_TYPE_FOR_VAR = 1232, "42000";
        NOT_SUPPORTED_YET = 1235, "42000";
        VAR_IS_READ_ONLY = 1238, "HY000";
        OPERAND_COLUMNS = 1241, "21000";
        SUBQUERY_NO_1_ROW = 1242, "21000";
        UNKNOWN_STMT_HANDLER = 1243, "HY000";
        DERIVED_MUST_HAVE_ALIAS = 1248, "42000";
        COLLATION_CHARSET_MISMATCH = 1253, "42000";
        TOO_BIG_FOR_UNCOMPRESS = 1256, "HY000";
        ZLIB_Z_DATA_ERROR = 1259, "HY000";
        CUT_VALUE_GROUP_CONCAT = 1260, "HY000";
        WARN_TOO_FEW_RECORDS = 1261, "01000";
        WARN_TOO_MANY_RECORDS = 1262, "01000";
        WARN_NULL_TO_NOTNULL = 1263, "22004";
        WARN_DATA_OUT_OF_RANGE = 1264, "22003";
        INVALID_USE_OF_NULL = 1138, "22004";
        WARN_DATA_TRUNCATED = 1265, "01000";
        WARN_USING_OTHER_HANDLER = 1266, "HY000";
        OPTION_PREVENTS_STATEMENT = 1290, "HY000";
        INVALID_JSON_TEXT = 3140, "22032";
        INVALID_JSON_TEXT_IN_PARAM = 3141, "22032";
        INVALID_JSON_BINARY_DATA = 3142, "22032";
        INVALID_JSON_PATH = 3143, "42000";
        INVALID_JSON_CHARSET = 3144, "22032";
        INVALID_TYPE_FOR_JSON = 3146, "22032";
        INVALID_CAST_TO_JSON = 3147, "22032";
        INVALID_JSON_PATH_WILDCARD = 3149, "42000";
        JSON_VALUE_TOO_BIG = 3150, "22032";
        JSON_KEY_TOO_BIG = 3151, "22032";
        JSON_USED_AS_KEY = 3152, "42000";
        JSON_VACUOUS_PATH = 3153, "42000";
        JSON_BAD_ONE_OR_ALL_ARG = 3154, "42000";
        NUMERIC_JSON_VALUE_OUT_OF_RANGE = 3155, "22003";
        INVALID_JSON_VALUE_FOR_CAST = 3156, "22018";
        JSON_DOCUMENT_TOO_DEEP = 3157, "22032";
        JSON_DOCUMENT_NULL_KEY = 3158, "22032";
        INVALID_JSON_PATH_ARRAY_CELL = 3165, "42000";
        MISSING_JSON_TABLE_VALUE = 3665, "22035";
        WRONG_JSON_TABLE_VALUE = 3666, "2203F";
        TF_MUST_HAVE_ALIAS = 3667, "42000";
        TF_FORBIDDEN_JOIN_TYPE = 3668, "42000";
        JT_MAX_NESTED_PATH = 3670, "42000";
        JT_VALUE_OUT_OF_RANGE = 3669, "22003";
        INVALID_JSON_TYPE = 3853, "22032";
        MISSING_JSON_VALUE = 3966, "22035";
        CLIENT_LOCAL_FILES_DISABLED = 3948, "42000";
        MULTIPLE_JSON_VALUES = 3967, "22034";
        CANT_AGGREGATE_2COLLATIONS = 1267, "HY000";
        UNKNOWN_COLLATION = 1273, "HY000";
        WRONG_NAME_FOR_INDEX = 1280, "42000";
        UNKNOWN_STORAGE_ENGINE = 1286, "42000";
        NON_UPDATABLE_TABLE = 1288, "HY000";
        DUPLICATED_VALUE_IN_TYPE = 1291, "HY000";
        TRUNCATED_WRONG_VALUE = 1292, "22007";
        INVALID_ON_UPDATE = 1294, "HY000";
        UNSUPPORTED_PS = 1295, "HY000";
        UNKNOWN_TIME_ZONE = 1298, "HY000";
        INVALID_CHARACTER_STRING = 1300, "HY000";
        WARN_ALLOWED_PACKET_OVERFLOWED = 1301, "HY000";
        SP_DOES_NOT_EXIST = 1305, "42000";
        WRONG_OBJECT = 1347, "HY000";
        VIEW_WRONG_LIST = 1353, "HY000";
        NO_DEFAULT_FOR_FIELD = 1364, "HY000";
        DIVISION_BY_ZERO = 1365, "22012";
        TRUNCATED_WRONG_VALUE_FOR_FIELD = 1366, "HY000";
        ILLEGAL_VALUE_FOR_TYPE = 1367, "22007";
        PS_MANY_PARAM = 1390, "HY000";
        KEY_PART_0 = 1391, "HY000";
        CANNOT_USER = 1396, "HY000";
        SP_UNDECLARED_VAR = 1327, "42000";
        SP_FETCH_NO_DATA = 1329, "02000";
        DATA_TOO_LONG = 1406, "22001";
        WRONG_VALUE_FOR_TYPE = 1411, "HY000";
        TABLE_DEF_CHANGED = 1412, "HY000";
        STMT_HAS_NO_OPEN_CURSOR = 1421, "HY000";
        TOO_BIG_SCALE = 1425, "42000";
        TOO_BIG_PRECISION = 1426, "42000";
        M_BIGGER_THAN_D = 1427, "42000";
        TOO_BIG_DISPLAYWIDTH = 1439, "42000";
        DATETIME_FUNCTION_OVERFLOW = 1441, "22008";
        WRONG_STRING_LENGTH = 1470, "HY000";
        PLUGIN_IS_NOT_LOADED = 1524, "HY000";
        WRONG_VALUE = 1525, "HY000";
        CANT_EXECUTE_IN_TRANSACTION = 1568, "25001";
        WRONG_PARAMCOUNT_TO_NATIVE_FCT = 1582, "42000";
        WARN_OPTION_IGNORED = 1618, "HY000";
        VARIABLE_IS_READONLY = 1621, "HY000";
        TOO_LONG_TABLE_COMMENT = 1628, "HY000";
        TOO_LONG_FIELD_COMMENT = 1629, "HY000";
        UNKNOWN_LOCALE = 1649, "HY000";
        TOO_LONG_INDEX_COMMENT = 1688, "HY000";
        DATA_OUT_OF_RANGE = 1690, "22003";
        MULTI_UPDATE_KEY_CONFLICT = 1706, "HY000";
        READ_ONLY_TRANSACTION = 1792, "25006";
        TOO_BIG_SELECT = 1104, "42000";
        UPDATE_WITHOUT_KEY_IN_SAFE_MODE = 1175, "HY000";
        PASSWORD_FORMAT = 1827, "HY000";
        UNKNOWN_ALTER_ALGORITHM = 1800, "HY000";
        UNKNOWN_ALTER_LOCK = 1801, "HY000";
        INVALID_YEAR_COLUMN_LENGTH = 1818, "HY000";
        MALFORMED_PACKET = 1835, "HY000";
        ALTER_OPERATION_NOT_SUPPORTED = 1845, "0A000";
        ALTER_OPERATION_NOT_SUPPORTED_REASON = 1846, "0A000";
        AES_INVALID_IV = 1882, "HY000";
        INVALID_FIELD_SIZE = 3013, "42000";
        INVALID_ARGUMENT_FOR_LOGARITHM = 3020, "2201E";
        USER_LOCK_WRONG_NAME = 3057, "42000";
        USER_LOCK_DEADLOCK = 3058, "HY000";
        FIELD_IN_ORDER_NOT_SELECT = 3065, "HY000";
        SECURE_TRANSPORT_REQUIRED = 3159, "HY000";
        USER_DOES_NOT_EXIST = 3162, "HY000";
        USER_ALREADY_EXISTS = 3163, "HY000";
        INVALID_BITWISE_OPERANDS_SIZE = 3513, "HY000";
        INVALID_BITWISE_AGGREGATE_OPERANDS_SIZE = 3514, "HY000";
        PK_INDEX_CANT_BE_INVISIBLE = 3522, "HY000";
        CANT_USE_OPTION_HERE = 1234, "42000";
        UNRESOLVED_TABLE_LOCK = 3568, "HY000";
        DUPLICATE_TABLE_LOCK = 3569, "HY000";
        CTE_RECURSIVE_REQUIRES_UNION = 3573, "HY000";
        CTE_RECURSIVE_REQUIRES_NONRECURSIVE_FIRST = 3574, "HY000";
        CTE_RECURSIVE_FORBIDS_AGGREGATION = 3575, "HY000";
        CTE_RECURSIVE_FORBIDDEN_JOIN_ORDER = 3576, "HY000";
        CTE_RECURSIVE_REQUIRES_SINGLE_REFERENCE = 3577, "HY000";
        CTE_MAX_RECURSION_DEPTH = 3636, "HY000";
        WINDOW_NO_SUCH_WINDOW = 3579, "HY000";
        WINDOW_CIRCULARITY_IN_WINDOW_GRAPH = 3580, "HY000";
        WINDOW_NO_CHILD_PARTITIONING = 3581, "HY000";
        WINDOW_NO_INHERIT_FRAME = 3582, "HY000";
        WINDOW_NO_REDEFINE_ORDER_BY = 3583, "HY000";
        WINDOW_FRAME_START_ILLEGAL = 3584, "HY000";
        WINDOW_FRAME_END_ILLEGAL = 3585, "HY000";
        WINDOW_FRAME_ILLEGAL = 3586, "HY000";
        WINDOW_RANGE_FRAME_ORDER_TYPE = 3587, "HY000";
        WINDOW_RANGE_FRAME_TEMPORAL_TYPE = 3588, "HY000";
        WINDOW_RANGE_FRAME_NUMERIC_TYPE = 3589, "HY000";
        WINDOW_RANGE_BOUND_NOT_CONSTANT = 3590, "HY000";
        WINDOW_DUPLICATE_NAME = 3591, "HY000";
        WINDOW_ILLEGAL_ORDER_BY = 3592, "HY000";
        WINDOW_INVALID_WINDOW_FUNC_USE = 3593, "HY000";
        WINDOW_INVALID_WINDOW_FUNC_ALIAS_USE = 3594, "HY000";
        WINDOW_NESTED_WINDOW_FUNC_USE_IN_WINDOW_SPEC = 3595, "HY000";
        WINDOW_ROWS_INTERVAL_USE = 3596, "HY000";
        WINDOW_FUNCTION_IGNORES_FRAME = 3599, "HY000";
        FIELD_IN_GROUPING_NOT_GROUP_BY = 3602, "HY000";
        PARSE_ERROR_IN_DIGEST_FN = 3676, "HY000";
        REGEXP_ILLEGAL_ARGUMENT = 3685, "HY000";
        REGEXP_INDEX_OUTOFBOUNDS_ERROR = 3686, "HY000";
        REGEXP_RULE_SYNTAX = 3688, "HY000";
        REGEXP_BAD_ESCAPE_SEQUENCE = 3689, "HY000";
        REGEXP_UNIMPLEMENTED = 3690, "HY000";
        REGEXP_MISMATCHED_PAREN = 3691, "HY000";
        REGEXP_BAD_INTERVAL = 3692, "HY000";
        REGEXP_MAX_LT_MIN = 3693, "HY000";
        REGEXP_INVALID_BACK_REF = 3694, "HY000";
        REGEXP_LOOK_BEHIND_LIMIT = 3695, "HY000";
        REGEXP_MISSING_CLOSE_BRACKET = 3696, "HY000";
        REGEXP_INVALID_RANGE = 3697, "HY000";
        REGEXP_STACK_OVERFLOW = 3698, "HY000";
        REGEXP_TIME_OUT = 3699, "HY000";
        REGEXP_PATTERN_TOO_BIG = 3700, "HY000";
        WARN_LEGACY_SYNTAX_CONVERTED = 3005, "HY000";
        UNSUPPORTED_MAX_EXECUTION_TIME = 3125, "HY000";
        CONFLICTING_HINT = 3126, "HY000";
        UNRESOLVED_HINT_NAME = 3128, "HY000";
        NOT_HINT_UPDATABLE_VARIABLE = 3637, "HY000";
        REGEXP_INVALID_CAPTURE_GROUP_NAME = 3887, "HY000";
        REGEXP_INVALID_FLAG = 3900, "HY000";
    }
    operational {
        DISK_FULL = 1021, "HY000", DiskFull;
        CON_COUNT = 1040, "08004", Busy;
        OUT_OF_RESOURCES = 1041, "HY000", TooMuch;
        SERVER_SHUTDOWN = 1053, "08S01", Away;
        UNKNOWN = 1105, "HY000", Fatal;
        LOCK_WAIT_TIMEOUT = 1205, "HY000", WaitedOut;
        LOCK_DEADLOCK = 1213, "40001", GaveWay;
        QUERY_INTERRUPTED = 1317, "70100", Ended;
        STACK_OVERRUN = 1436, "HY000", TooMuch;
        MAX_PREPARED_STMT_COUNT_REACHED = 1461, "42000", TooMuch;
        AUTOINC_READ_FAILED = 1467, "HY000", TooMuch;
        QUERY_TIMEOUT = 3024, "HY000", Ended;
        CAPACITY_EXCEEDED = 3170, "HY000", TooMuch;
        LOCK_NOWAIT = 3572, "HY000", WaitedOut;
        TXN_TOO_LARGE = 8004, "HY000", TooMuch;
        ENTRY_TOO_LARGE = 8025, "HY000", TooMuch;
        INFO_SCHEMA_EXPIRED = 8027, "HY000", Away;
        INFO_SCHEMA_CHANGED = 8028, "HY000", OldSchema;
        MEMORY_EXCEED_FOR_QUERY = 8175, "HY000", TooMuch;
        UNDETERMINED_COMMIT = 8501, "HY000", Undetermined;
        PD_SERVER_TIMEOUT = 9001, "HY000", Away;
        SERVER_BUSY = 9003, "HY000", Busy;
        RESOLVE_LOCK_TIMEOUT = 9004, "HY000", Locked;
        REGION_UNAVAILABLE = 9005, "HY000", Away;
        WRITE_CONFLICT = 9007, "HY000", Conflict;
    }
}
