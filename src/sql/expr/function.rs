//! Every operator and function, with its name and how many arguments it takes.

use super::Expr;
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::types::Datum;

/// No upper limit of arguments.
const MANY: usize = usize::MAX;

/// Which part of the evaluator computes a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Arithmetic,
    Comparison,
    Control,
    Matching,
    Cast,
    Info,
    Text,
    TextEdit,
    TextEncode,
    Numeric,
    DateParts,
    Date,
}

macro_rules! functions {
    (
        operators { $($op_family:ident { $($op:ident $op_name:literal $op_min:literal $op_max:expr;)* })* }
        functions { $($family:ident { $($fun:ident $name:literal $min:literal $max:expr $(, $alias:literal)*;)* })* }
    ) => {
        /// An operator or a function.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Function {
            $($(#[doc = concat!("The operator `", $op_name, "`.")] $op,)*)*
            $($(#[doc = concat!("The function `", $name, "`.")] $fun,)*)*
        }

        impl Function {
            /// Its name as SQL writes it: `+`, `concat`.
            pub fn name(self) -> &'static str {
                match self {
                    $($(Function::$op => $op_name,)*)*
                    $($(Function::$fun => $name,)*)*
                }
            }

            /// How many arguments it takes, at least and at most.
            pub fn arity(self) -> (usize, usize) {
                match self {
                    $($(Function::$op => ($op_min, $op_max),)*)*
                    $($(Function::$fun => ($min, $max),)*)*
                }
            }

            /// Which part of the evaluator computes it.
            pub(super) fn family(self) -> Family {
                match self {
                    $($(Function::$op)|* => Family::$op_family,)*
                    $($(Function::$fun)|* => Family::$family,)*
                }
            }

            /// What `name(…)` calls, whatever the number of arguments.
            fn lookup(name: &str) -> Option<Function> {
                match name {
                    $($($name $(| $alias)* => Some(Function::$fun),)*)*
                    _ => None,
                }
            }
        }
    };
}

functions! {
    operators {
        Arithmetic {
            Add "+" 2 2;
            Sub "-" 2 2;
            Mul "*" 2 2;
            Div "/" 2 2;
            IntDiv "DIV" 2 2;
            Neg "neg" 1 1;
            BitAnd "&" 2 2;
            BitOr "|" 2 2;
            BitXor "^" 2 2;
            BitNot "~" 1 1;
            ShiftLeft "<<" 2 2;
            ShiftRight ">>" 2 2;
        }
        Comparison {
            Eq "=" 2 2;
            NullEq "<=>" 2 2;
            Ne "<>" 2 2;
            Lt "<" 2 2;
            Le "<=" 2 2;
            Gt ">" 2 2;
            Ge ">=" 2 2;
            In "in" 2 MANY;
            InRows "in" 3 MANY;
            Between "between" 3 3;
        }
        Control {
            And "and" 2 MANY;
            Or "or" 2 MANY;
            Xor "xor" 2 2;
            Not "not" 1 1;
            IsTrue "is true" 1 1;
            IsFalse "is false" 1 1;
            Case "case" 2 MANY;
        }
        Matching {
            Like "like" 2 3;
            Regexp "regexp" 2 2;
        }
        Cast {
            Cast "cast" 1 1;
            Collate "collate" 1 1;
            SortKey "sort_key" 1 1;
        }
        Info {
            GetUserVar "@" 1 1;
            SetUserVar ":=" 2 2;
            GetSystemVar "@@" 2 2;
        }
        TextEdit {
            TrimLeading "trim leading" 2 2;
            TrimTrailing "trim trailing" 2 2;
        }
        DateParts {
            Extract "extract" 2 2;
            TimestampDiff "timestampdiff" 3 3;
        }
        Date {
            DateAdd "date_add" 3 3;
            DateSub "date_sub" 3 3;
            TimestampAdd "timestampadd" 3 3;
        }
    }
    functions {
        Arithmetic {
            Mod "mod" 2 2;
            BitCount "bit_count" 1 1;
        }
        Comparison {
            NullIf "nullif" 2 2;
            Greatest "greatest" 2 MANY;
            Least "least" 2 MANY;
            Interval "interval" 2 MANY;
            Field "field" 2 MANY;
            Strcmp "strcmp" 2 2;
        }
        Control {
            IsNull "isnull" 1 1;
            If "if" 3 3;
            IfNull "ifnull" 2 2;
            Coalesce "coalesce" 1 MANY;
        }
        Matching {
            RegexpLike "regexp_like" 2 3;
        }
        Info {
            Version "version" 0 0;
            Database "database" 0 0, "schema";
            User "user" 0 0, "session_user", "system_user";
            CurrentUser "current_user" 0 0;
            ConnectionId "connection_id" 0 0;
            LastInsertId "last_insert_id" 0 1;
            RowCount "row_count" 0 0;
            FoundRows "found_rows" 0 0;
            GetLock "get_lock" 2 2;
            ReleaseLock "release_lock" 1 1;
            ReleaseAllLocks "release_all_locks" 0 0;
            IsFreeLock "is_free_lock" 1 1;
            IsUsedLock "is_used_lock" 1 1;
            Uuid "uuid" 0 0;
            Charset "charset" 1 1;
            Collation "collation" 1 1;
            TidbVersion "tidb_version" 0 0;
        }
        Text {
            Concat "concat" 1 MANY;
            ConcatWs "concat_ws" 2 MANY;
            Length "length" 1 1, "octet_length";
            BitLength "bit_length" 1 1;
            CharLength "char_length" 1 1, "character_length";
            Upper "upper" 1 1, "ucase";
            Lower "lower" 1 1, "lcase";
            Substring "substring" 2 3, "substr", "mid";
            SubstringIndex "substring_index" 3 3;
            Left "left" 2 2;
            Right "right" 2 2;
            Reverse "reverse" 1 1;
            Locate "locate" 2 3, "position";
            Instr "instr" 2 2;
            FindInSet "find_in_set" 2 2;
            Elt "elt" 2 MANY;
            MakeSet "make_set" 2 MANY;
        }
        TextEdit {
            Trim "trim" 1 2;
            LTrim "ltrim" 1 1;
            RTrim "rtrim" 1 1;
            Replace "replace" 3 3;
            Repeat "repeat" 2 2;
            LPad "lpad" 3 3;
            RPad "rpad" 3 3;
            Format "format" 2 3;
            Space "space" 1 1;
            Insert "insert" 4 4;
            Quote "quote" 1 1;
        }
        TextEncode {
            Hex "hex" 1 1;
            Unhex "unhex" 1 1;
            Ascii "ascii" 1 1;
            Ord "ord" 1 1;
            Char "char" 1 MANY;
            ToBase64 "to_base64" 1 1;
            FromBase64 "from_base64" 1 1;
            Sha1 "sha1" 1 1, "sha";
            Sha2 "sha2" 2 2;
            Crc32 "crc32" 1 1;
            Conv "conv" 3 3;
            Bin "bin" 1 1;
            Oct "oct" 1 1;
        }
        Numeric {
            Abs "abs" 1 1;
            Ceil "ceil" 1 1, "ceiling";
            Floor "floor" 1 1;
            Round "round" 1 2;
            Truncate "truncate" 2 2;
            Pow "pow" 2 2, "power";
            Sqrt "sqrt" 1 1;
            Exp "exp" 1 1;
            Ln "ln" 1 1;
            Log "log" 1 2;
            Log2 "log2" 1 1;
            Log10 "log10" 1 1;
            Sign "sign" 1 1;
            Rand "rand" 0 1;
            Pi "pi" 0 0;
            Sleep "sleep" 1 1;
            Degrees "degrees" 1 1;
            Radians "radians" 1 1;
            Sin "sin" 1 1;
            Cos "cos" 1 1;
            Tan "tan" 1 1;
            Cot "cot" 1 1;
            Asin "asin" 1 1;
            Acos "acos" 1 1;
            Atan "atan" 1 2, "atan2";
        }
        DateParts {
            Year "year" 1 1;
            Month "month" 1 1;
            Day "day" 1 1, "dayofmonth";
            DayOfWeek "dayofweek" 1 1;
            DayOfYear "dayofyear" 1 1;
            Weekday "weekday" 1 1;
            Week "week" 1 2;
            WeekOfYear "weekofyear" 1 1;
            YearWeek "yearweek" 1 2;
            Quarter "quarter" 1 1;
            Hour "hour" 1 1;
            Minute "minute" 1 1;
            Second "second" 1 1;
            Microsecond "microsecond" 1 1;
            DateDiff "datediff" 2 2;
            LastDay "last_day" 1 1;
            TimeToSec "time_to_sec" 1 1;
            ToDays "to_days" 1 1;
            ToSeconds "to_seconds" 1 1;
            DayName "dayname" 1 1;
            MonthName "monthname" 1 1;
            PeriodAdd "period_add" 2 2;
            PeriodDiff "period_diff" 2 2;
        }
        Date {
            Now "now" 0 1, "current_timestamp", "localtime", "localtimestamp";
            Sysdate "sysdate" 0 1;
            CurDate "curdate" 0 0, "current_date";
            CurTime "curtime" 0 1, "current_time";
            UtcTimestamp "utc_timestamp" 0 1;
            UtcDate "utc_date" 0 0;
            UtcTime "utc_time" 0 1;
            Date "date" 1 1;
            Time "time" 1 1;
            Timestamp "timestamp" 1 2;
            TimeDiff "timediff" 2 2;
            AddTime "addtime" 2 2;
            SubTime "subtime" 2 2;
            DateFormat "date_format" 2 2;
            TimeFormat "time_format" 2 2;
            StrToDate "str_to_date" 2 2;
            FromUnixtime "from_unixtime" 1 2;
            UnixTimestamp "unix_timestamp" 0 1;
            ConvertTz "convert_tz" 3 3;
            MakeDate "makedate" 2 2;
            MakeTime "maketime" 3 3;
            SecToTime "sec_to_time" 1 1;
            FromDays "from_days" 1 1;
        }
    }
}

impl Function {
    /// What `name(…)` with `count` arguments calls. No such function: error 1305; one of MySQL's that is not
    /// implemented: 1235; not with so many arguments: 1582.
    ///
    /// Operators with a syntax of their own (`CAST`, `DATE_ADD … INTERVAL`, `EXTRACT`, `TRIM(LEADING …)`) are not found
    /// by name, except that `ADDDATE(d, n)` and `SUBDATE(d, n)` are for the binder to turn into [`Function::DateAdd`].
    pub fn by_name(name: &str, count: usize) -> SqlResult<Function> {
        let lower = name.to_ascii_lowercase();
        let Some(function) = Function::lookup(&lower) else {
            if super::known::is_mysql_function(&lower) {
                return Err(SqlError::unsupported(format!("{}()", name.to_uppercase())));
            }
            return Err(SqlError::new(
                errno::SP_DOES_NOT_EXIST,
                format!("FUNCTION {name} does not exist"),
            ));
        };
        function.check_arity(count, name)?;
        Ok(function)
    }

    /// Error 1582 when it does not take `count` arguments.
    pub(super) fn check_arity(self, count: usize, name: &str) -> SqlResult<()> {
        let (min, max) = self.arity();
        if count < min || count > max {
            return Err(SqlError::new(
                errno::WRONG_PARAMCOUNT_TO_NATIVE_FCT,
                format!("Incorrect parameter count in the call to native function '{name}'"),
            ));
        }
        Ok(())
    }

    /// The row that `InRows` looks for, of its arguments.
    pub fn row_of(args: &[Expr]) -> &[Expr] {
        let width = match args.first() {
            Some(Expr::Literal { value: Datum::Int(width), .. }) => usize::try_from(*width).ok(),
            _ => None,
        };
        width.and_then(|width| args.get(1..=width)).unwrap_or_default()
    }

    /// Whether the same arguments give the same answer within one statement, so that it may be computed once.
    pub fn is_deterministic(self) -> bool {
        !self.is_named_lock()
            && !matches!(
                self,
                Function::Rand
                    | Function::Sleep
                    | Function::Sysdate
                    | Function::Uuid
                    | Function::GetUserVar
                    | Function::SetUserVar
                    | Function::LastInsertId
                    | Function::RowCount
                    | Function::FoundRows
            )
    }

    /// The function of this name, whatever the arguments it is called with.
    pub fn named(name: &str) -> Option<Function> {
        Function::lookup(&name.to_ascii_lowercase())
    }

    /// Whether it takes about as long whatever its arguments are: it makes no long strings, and searches none.
    pub fn is_light(self) -> bool {
        match self.family() {
            Family::Arithmetic
            | Family::Comparison
            | Family::Control
            | Family::Cast
            | Family::Info
            | Family::DateParts => true,
            Family::Numeric => self != Function::Sleep,
            Family::Date => {
                !matches!(self, Function::StrToDate | Function::DateFormat | Function::TimeFormat)
            }
            Family::Matching | Family::Text | Family::TextEdit | Family::TextEncode => false,
        }
    }

    /// Whether calling it changes the session, so that it must be called exactly as often as the statement says.
    pub fn has_side_effect(self) -> bool {
        self.is_named_lock()
            || matches!(self, Function::SetUserVar | Function::LastInsertId | Function::Sleep)
    }

    /// GET_LOCK and its kin, which the session calls before it computes anything.
    pub fn is_named_lock(self) -> bool {
        matches!(
            self,
            Function::GetLock
                | Function::ReleaseLock
                | Function::ReleaseAllLocks
                | Function::IsFreeLock
                | Function::IsUsedLock
        )
    }

    /// `=`, `<=>`, `<>`, `<`, `<=`, `>` and `>=`.
    pub fn is_comparison(self) -> bool {
        matches!(
            self,
            Function::Eq
                | Function::NullEq
                | Function::Ne
                | Function::Lt
                | Function::Le
                | Function::Gt
                | Function::Ge
        )
    }

    /// The comparison with its sides swapped: `a < b` is `b > a`.
    pub fn swap_sides(self) -> Option<Function> {
        Some(match self {
            Function::Eq => Function::Eq,
            Function::NullEq => Function::NullEq,
            Function::Ne => Function::Ne,
            Function::Lt => Function::Gt,
            Function::Le => Function::Ge,
            Function::Gt => Function::Lt,
            Function::Ge => Function::Le,
            _ => return None,
        })
    }
}
