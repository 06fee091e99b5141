//! What the variables hold.

use std::sync::Arc;

use parking_lot::RwLock;

use super::definitions::{Domain, Rule, Scope, Variable, canonical, find, list};
use super::settings::Settings;
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::types::{Charset, Collation, Datum, SqlMode, TimeZone};

/// The text of each variable, in the order of [`list`]. Sessions share the node's.
type Texts = Arc<Vec<Arc<str>>>;

/// A value that was clipped into its variable's range: what SHOW WARNINGS says.
pub(crate) type Clipped = Option<String>;

fn defaults() -> Texts {
    Arc::new(list().iter().map(|variable| Arc::from(variable.default)).collect())
}

/// The position of a variable; error 1193 if there is none.
pub(crate) fn position(name: &str) -> SqlResult<usize> {
    find(canonical(name)).ok_or_else(|| {
        SqlError::new(errno::UNKNOWN_SYSTEM_VARIABLE, format!("Unknown system variable '{name}'"))
    })
}

/// The value of a text as `@@name` yields it.
fn datum(variable: &Variable, text: &str) -> Datum {
    match variable.domain {
        Domain::Switch => Datum::from(text == "ON"),
        Domain::Integer(0.., _) => Datum::UInt(text.parse().unwrap_or(0)),
        Domain::Integer(..) => Datum::Int(text.parse().unwrap_or(0)),
        Domain::Number => Datum::Float(text.parse().unwrap_or(0.0)),
        // character_set_results of results that are sent as they are.
        Domain::Charset if text.is_empty() => Datum::Null,
        _ => Datum::from(text),
    }
}

/// The node's values. They live as long as the process.
#[derive(Debug)]
pub struct GlobalVariables {
    /// What a new session starts with, decoded too.
    values: RwLock<(Texts, Settings)>,
}

impl Default for GlobalVariables {
    fn default() -> GlobalVariables {
        GlobalVariables::of(defaults())
    }
}

/// What statements need of the values.
fn settings(texts: &Texts) -> Settings {
    let mut settings = Settings::default();
    for (variable, text) in list().iter().zip(texts.iter()) {
        variable.apply(text, &mut settings);
    }
    settings
}

impl GlobalVariables {
    fn of(texts: Texts) -> GlobalVariables {
        let settings = settings(&texts);
        GlobalVariables { values: RwLock::new((texts, settings)) }
    }

    /// The defaults, with what the node's configuration says: pairs of names and values. An unknown name is passed over.
    pub fn new(configured: &[(&str, String)]) -> GlobalVariables {
        let mut texts = defaults();
        let all = Arc::make_mut(&mut texts);
        for (name, value) in configured {
            if let Some(position) = find(name) {
                all[position] = value.as_str().into();
            }
        }
        GlobalVariables::of(texts)
    }

    /// The text of a variable by its name.
    pub fn value(&self, name: &str) -> Option<Arc<str>> {
        find(name).map(|position| self.text(position))
    }

    /// The text of a variable by its position.
    pub fn text(&self, position: usize) -> Arc<str> {
        self.values.read().0[position].clone()
    }

    /// Sets a value; `None` is DEFAULT.
    pub(crate) fn set(&self, name: &str, value: Option<&Datum>) -> SqlResult<Clipped> {
        let position = position(name)?;
        let variable = &list()[position];
        if variable.scope == Scope::Session {
            return Err(SqlError::new(
                errno::VAR_IS_LOCAL_ONLY,
                format!(
                    "Variable '{name}' is a SESSION variable and can't be used with SET GLOBAL"
                ),
            ));
        }
        let (text, clipped) = check(variable, value, variable.default)?;
        let mut values = self.values.write();
        Arc::make_mut(&mut values.0)[position] = text;
        values.1 = settings(&values.0);
        Ok(clipped)
    }
}

/// A session's values.
#[derive(Clone, Debug)]
pub struct SessionVariables {
    /// The node's when the session began.
    node: Texts,
    /// Those that have another value since, by position.
    own: Vec<(usize, Arc<str>)>,
    /// What statements need of them.
    pub settings: Settings,
}

impl SessionVariables {
    /// A new session's: the node's values.
    pub fn new(global: &GlobalVariables) -> SessionVariables {
        let (node, settings) = global.values.read().clone();
        SessionVariables { node, own: Vec::new(), settings }
    }

    /// The text of a variable by its position; a global one's is the caller's to find.
    pub fn text(&self, position: usize) -> &Arc<str> {
        match self.own.iter().find(|(own, _)| *own == position) {
            Some((_, text)) => text,
            None => &self.node[position],
        }
    }

    fn keep(&mut self, position: usize, text: Arc<str>) {
        match self.own.iter_mut().find(|(own, _)| *own == position) {
            Some((_, kept)) => *kept = text,
            None => self.own.push((position, text)),
        }
    }

    /// Sets a value; `None` is DEFAULT, which is the node's value.
    pub(crate) fn set(
        &mut self,
        name: &str,
        value: Option<&Datum>,
        global: &GlobalVariables,
    ) -> SqlResult<Clipped> {
        let position = position(name)?;
        let variable = &list()[position];
        if !matches!(variable.rule, Rule::ReadOnly) && variable.scope == Scope::Global {
            return Err(SqlError::new(
                errno::VAR_IS_GLOBAL_ONLY,
                format!("Variable '{name}' is a GLOBAL variable and should be set with SET GLOBAL"),
            ));
        }
        if matches!(variable.rule, Rule::SessionReadOnly(_)) {
            let text = format!(
                "SESSION variable '{name}' is read-only. Use SET GLOBAL to assign the value"
            );
            return Err(SqlError::new(errno::VARIABLE_IS_READONLY, text));
        }
        let default = match variable.scope {
            Scope::Both => global.text(position),
            Scope::Global | Scope::Session => variable.default.into(),
        };
        let (text, clipped) = check(variable, value, &default)?;
        self.put(position, text);
        Ok(clipped)
    }

    fn put(&mut self, position: usize, text: Arc<str>) {
        let name = list()[position].name;
        list()[position].apply(&text, &mut self.settings);
        self.keep(position, text);
        self.follow(name);
    }

    /// Stores a value that is known to be right.
    pub(crate) fn put_text(&mut self, name: &str, text: impl Into<Arc<str>>) {
        if let Some(position) = find(canonical(name)) {
            let text = text.into();
            list()[position].apply(&text, &mut self.settings);
            self.keep(position, text);
        }
    }

    /// Character sets and collations go in pairs.
    fn follow(&mut self, name: &str) {
        let paired = |charset: &str| Collation::of_charset(charset).unwrap_or_default().name();
        let text = find(name).map(|position| self.text(position).clone()).unwrap_or_default();
        let of_collation =
            |name: &str| Collation::by_name(name).map_or("utf8mb4", Collation::charset);
        match name {
            "character_set_connection" => self.put_text("collation_connection", paired(&text)),
            "character_set_server" => self.put_text("collation_server", paired(&text)),
            "character_set_database" => self.put_text("collation_database", paired(&text)),
            "collation_connection" => {
                self.put_text("character_set_connection", of_collation(&text));
            }
            "collation_server" => self.put_text("character_set_server", of_collation(&text)),
            "collation_database" => self.put_text("character_set_database", of_collation(&text)),
            "max_join_size" => {
                let any = text.parse() == Ok(u64::MAX);
                self.put_text("sql_big_selects", if any { "ON" } else { "OFF" });
            }
            _ => {}
        }
    }

    /// SET NAMES; `None` is the default.
    pub(crate) fn set_names(
        &mut self,
        charset: Option<&str>,
        collation: Option<&str>,
    ) -> SqlResult<()> {
        let charset = charset.unwrap_or("utf8mb4");
        let set = Charset::by_name(charset)?;
        let collation = match collation {
            None => set.default_collation(),
            Some(name) => Collation::of_both(charset, name)?,
        };
        speakable("character_set_client", set)?;
        for name in ["character_set_client", "character_set_connection", "character_set_results"] {
            self.put_text(name, set.name());
        }
        self.put_text("collation_connection", collation.name());
        Ok(())
    }

    /// The value of `@@name` by position, for a variable with a session value.
    pub(crate) fn datum(&self, position: usize) -> Datum {
        datum(&list()[position], self.text(position))
    }
}

impl GlobalVariables {
    /// The value of `@@global.name` by position.
    pub(crate) fn datum(&self, position: usize) -> Datum {
        datum(&list()[position], &self.text(position))
    }
}

/// The text to keep of a value, or why it cannot be set.
fn check(
    variable: &Variable,
    value: Option<&Datum>,
    default: &str,
) -> SqlResult<(Arc<str>, Clipped)> {
    if matches!(variable.rule, Rule::ReadOnly) {
        return Err(SqlError::new(
            errno::VAR_IS_READ_ONLY,
            format!("Variable '{}' is a read only variable", variable.name),
        ));
    }
    let Some(value) = value else { return Ok((default.into(), None)) };
    let (text, clipped) = decode(variable, value)?;
    if let Rule::Only(others) = variable.rule {
        let known = text.eq_ignore_ascii_case(variable.default)
            || others.iter().any(|other| text.eq_ignore_ascii_case(other));
        if !known {
            return Err(SqlError::unsupported(format!("{} = {text}", variable.name)));
        }
    }
    Ok((text.into(), clipped))
}

fn wrong_value(variable: &Variable, value: &str) -> SqlError {
    SqlError::new(
        errno::WRONG_VALUE_FOR_VAR,
        format!("Variable '{}' can't be set to the value of '{value}'", variable.name),
    )
}

fn wrong_type(variable: &Variable) -> SqlError {
    SqlError::new(
        errno::WRONG_TYPE_FOR_VAR,
        format!("Incorrect argument type to variable '{}'", variable.name),
    )
}

fn decode(variable: &Variable, value: &Datum) -> SqlResult<(String, Clipped)> {
    let text = || value.to_text();
    if value.is_null() {
        // character_set_results = NULL: results are sent as they are.
        return match variable.name {
            "character_set_results" => Ok((String::new(), None)),
            _ => Err(wrong_value(variable, "NULL")),
        };
    }
    Ok((
        match variable.domain {
            Domain::Switch => switch(variable, value)?,
            Domain::Integer(low, high) => return integer(variable, value, low, high),
            Domain::Number if matches!(value, Datum::Bytes(_)) => {
                return Err(wrong_type(variable));
            }
            Domain::Number => number(variable, &text())?,
            Domain::Word(words) => word(variable, value, words)?,
            Domain::Text => text(),
            Domain::Modes if value.as_count() == Some(0) => String::new(),
            Domain::Modes => modes(&text())?.to_string(),
            Domain::Zone => TimeZone::parse(&text())?.to_string(),
            Domain::Charset => {
                let set = Charset::by_name(&text())?;
                if variable.name == "character_set_client" {
                    speakable(variable.name, set)?;
                }
                set.name().to_owned()
            }
            Domain::Collation => Collation::by_name(&text())?.name().to_owned(),
            Domain::Isolation => isolation(variable, &text())?,
        },
        None,
    ))
}

/// Error 1231 for a character set that no client can speak: ASCII is something else in it.
fn speakable(variable: &str, set: Charset) -> SqlResult<()> {
    if set.may_be_spoken() {
        return Ok(());
    }
    Err(SqlError::new(
        errno::WRONG_VALUE_FOR_VAR,
        format!("Variable '{variable}' can't be set to the value of '{}'", set.name()),
    ))
}

/// `sql_mode`, without the mode that would change what statements mean and does not.
fn modes(text: &str) -> SqlResult<SqlMode> {
    let mode = SqlMode::parse(text)?;
    if mode.contains(SqlMode::PAD_CHAR_TO_FULL_LENGTH) {
        return Err(SqlError::unsupported("sql_mode = PAD_CHAR_TO_FULL_LENGTH"));
    }
    Ok(mode)
}

fn switch(variable: &Variable, value: &Datum) -> SqlResult<String> {
    if !matches!(value, Datum::Bytes(_) | Datum::Int(_) | Datum::UInt(_)) {
        return Err(wrong_type(variable));
    }
    let text = value.to_text();
    let on = match text.to_ascii_lowercase().as_str() {
        "on" | "true" | "1" => true,
        "off" | "false" | "0" => false,
        _ => return Err(wrong_value(variable, &text)),
    };
    Ok(if on { "ON" } else { "OFF" }.to_owned())
}

fn integer(
    variable: &Variable,
    value: &Datum,
    low: i64,
    high: u64,
) -> SqlResult<(String, Clipped)> {
    let number = match value {
        Datum::Int(number) => i128::from(*number),
        Datum::UInt(number) => i128::from(*number),
        Datum::Null
        | Datum::Float(_)
        | Datum::Decimal(_)
        | Datum::Bytes(_)
        | Datum::Time(_)
        | Datum::Duration(_)
        | Datum::Member(_)
        | Datum::Json(_) => return Err(wrong_type(variable)),
    };
    let clipped = number.clamp(i128::from(low), i128::from(high));
    let warning = (clipped != number)
        .then(|| format!("Truncated incorrect {} value: '{number}'", variable.name));
    Ok((clipped.to_string(), warning))
}

fn number(variable: &Variable, text: &str) -> SqlResult<String> {
    match text.parse::<f64>() {
        Ok(number) if number >= 0.0 && number.is_finite() => Ok(format!("{number:.6}")),
        _ => Err(wrong_value(variable, text)),
    }
}

fn word(variable: &Variable, value: &Datum, words: &[&str]) -> SqlResult<String> {
    let text = value.to_text();
    let found = if let Datum::Int(position) = value {
        usize::try_from(*position).ok().and_then(|n| words.get(n))
    } else {
        words.iter().find(|word| word.eq_ignore_ascii_case(&text))
    };
    found.map(|word| (*word).to_owned()).ok_or_else(|| wrong_value(variable, &text))
}

fn isolation(variable: &Variable, text: &str) -> SqlResult<String> {
    let level = text.to_ascii_uppercase().replace(' ', "-");
    match level.as_str() {
        "REPEATABLE-READ" | "READ-COMMITTED" | "READ-UNCOMMITTED" | "SERIALIZABLE" => Ok(level),
        _ => Err(wrong_value(variable, text)),
    }
}
