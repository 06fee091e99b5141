//! What becomes of the lists of error numbers: a constant each, their SQLSTATEs and their classes.

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

/// A line a number: its name, the number, its SQLSTATE and, of an operational one, its class.
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
pub(super) use errnos;
