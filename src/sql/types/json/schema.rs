//! JSON Schema, draft 4: whether a document is as a schema says.

use super::read::{Container, JsonRef, View};
use super::value::{Members, Value};
use super::{MAX_DEPTH, Pulse, errors, number};
use crate::common::{SqlError, SqlResult};
use std::cmp::Ordering;

/// Whether a text matches a pattern.
pub type MatchesPattern<'a> = &'a dyn Fn(&str, &str) -> SqlResult<bool>;

/// Schemas in each other, references followed.
const MOST_SCHEMAS: usize = 2 * MAX_DEPTH;

/// Where a document is not as its schema says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The keyword that failed.
    pub keyword: &'static str,
    /// Where the schema says it.
    pub schema_location: String,
    /// Where the document is not so.
    pub document_location: String,
}

/// What came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaReport {
    /// The first failure; none for a valid document.
    pub failure: Option<Failure>,
}

impl SchemaReport {
    /// As JSON_SCHEMA_VALIDATION_REPORT says it.
    pub fn to_value(&self) -> Value {
        let Some(failure) = &self.failure else {
            return Value::Object(Members::from_any(vec![("valid".to_owned(), Value::Bool(true))]));
        };
        let Failure { keyword, schema_location, document_location } = failure;
        let reason = format!(
            "The JSON document location '{document_location}' failed requirement '{keyword}' at JSON Schema location '{schema_location}'"
        );
        let text = |key: &str, text: &str| (key.to_owned(), Value::from(text));
        Value::Object(Members::from_any(vec![
            ("valid".to_owned(), Value::Bool(false)),
            text("reason", &reason),
            text("schema-location", schema_location),
            text("document-location", document_location),
            text("schema-failed-keyword", keyword),
        ]))
    }
}

/// Looks whether a document is as a schema says. The schema is an object.
pub fn validate(
    schema: JsonRef<'_>,
    document: JsonRef<'_>,
    matches: MatchesPattern<'_>,
    pulse: &mut Pulse<'_>,
) -> SqlResult<SchemaReport> {
    let mut validator = Validator {
        root: schema,
        matches,
        pulse,
        schema_path: Vec::new(),
        document_path: Vec::new(),
        depth: 0,
    };
    Ok(SchemaReport { failure: validator.check(schema, document)? })
}

struct Validator<'s, 'm, 'b, 'p> {
    root: JsonRef<'s>,
    matches: MatchesPattern<'m>,
    pulse: &'b mut Pulse<'p>,
    schema_path: Vec<String>,
    document_path: Vec<String>,
    depth: usize,
}

type Checked = SqlResult<Option<Failure>>;

/// Goes on unless something failed.
macro_rules! all_of {
    ($($check:expr),* $(,)?) => {
        $(if let Some(failure) = $check? { return Ok(Some(failure)); })*
    };
}

impl<'s> Validator<'s, '_, '_, '_> {
    fn require(&self, holds: bool, keyword: &'static str) -> Checked {
        if holds {
            return Ok(None);
        }
        Ok(Some(Failure {
            keyword,
            schema_location: location(&self.schema_path),
            document_location: location(&self.document_path),
        }))
    }

    /// A part of the document by a part of the schema.
    fn below(
        &mut self,
        steps: &[&str],
        schema: JsonRef<'s>,
        token: Option<String>,
        document: JsonRef<'_>,
    ) -> Checked {
        let known = (self.schema_path.len(), self.document_path.len());
        self.schema_path.extend(steps.iter().map(|step| (*step).to_owned()));
        self.document_path.extend(token);
        let checked = self.check(schema, document);
        self.schema_path.truncate(known.0);
        self.document_path.truncate(known.1);
        checked
    }

    fn check(&mut self, schema: JsonRef<'s>, document: JsonRef<'_>) -> Checked {
        self.pulse.beat()?;
        let View::Object(schema) = schema.view() else { return Ok(None) };
        if self.depth >= MOST_SCHEMAS {
            return Err(errors::too_deep());
        }
        self.depth += 1;
        let checked = match self.reference(schema)? {
            Some((path, target)) => {
                let known = std::mem::replace(&mut self.schema_path, path);
                let checked = self.check(target, document);
                self.schema_path = known;
                checked
            }
            None => self.check_keywords(schema, document),
        };
        self.depth -= 1;
        checked
    }

    /// The schema that one refers to, and where it is.
    fn reference(&self, schema: Container<'s>) -> SqlResult<Option<(Vec<String>, JsonRef<'s>)>> {
        let Some(View::String(target)) = schema.find("$ref").map(|target| target.view()) else {
            return Ok(None);
        };
        let Some(pointer) = target.strip_prefix('#') else {
            return Err(SqlError::unsupported("references in JSON Schema"));
        };
        let mut here = self.root;
        let mut path = Vec::new();
        for token in pointer.split('/').skip(1) {
            let token = token.replace("~1", "/").replace("~0", "~");
            let next = match here.view() {
                View::Object(members) => members.find(&token),
                View::Array(elements) => {
                    let at = token.parse().ok().filter(|at| *at < elements.len());
                    at.map(|at| elements.get(at))
                }
                _ => None,
            };
            // A reference to nothing asks for nothing.
            let Some(next) = next else { return Ok(None) };
            here = next;
            path.push(token);
        }
        Ok(Some((path, here)))
    }

    fn check_keywords(&mut self, schema: Container<'s>, document: JsonRef<'_>) -> Checked {
        all_of!(self.check_type(schema, document));
        match document.view() {
            View::Object(members) => all_of!(self.check_object(schema, members)),
            View::Array(elements) => all_of!(self.check_array(schema, elements)),
            View::Int(_) | View::UInt(_) | View::Double(_) | View::Decimal(_) => {
                all_of!(self.check_number(schema, document.view()));
            }
            View::Null | View::Bool(_) => {}
            View::String(text) => all_of!(self.check_string(schema, text)),
            // As the text that it is printed as.
            View::Time(_) | View::Duration(_) | View::Opaque(_, _) => {
                let printed = document.to_text();
                all_of!(self.check_string(schema, printed.trim_matches('"')));
            }
        }
        if let Some(View::Array(values)) = schema.find("enum").map(|values| values.view()) {
            let is_one = values.values().any(|value| value.is_same(document));
            all_of!(self.require(is_one, "enum"));
        }
        self.check_combinations(schema, document)
    }

    fn check_type(&self, schema: Container<'s>, document: JsonRef<'_>) -> Checked {
        let is_of = |name: JsonRef<'_>| match name.view() {
            View::String(name) => has_type(document.view(), name),
            _ => false,
        };
        let holds = match schema.find("type") {
            None => true,
            Some(types) => match types.view() {
                View::Array(types) => types.values().any(is_of),
                View::String(_) => is_of(types),
                _ => true,
            },
        };
        self.require(holds, "type")
    }

    fn check_combinations(&mut self, schema: Container<'s>, document: JsonRef<'_>) -> Checked {
        let several = |keyword| match schema.find(keyword).map(|schemas| schemas.view()) {
            Some(View::Array(schemas)) => Some(schemas),
            _ => None,
        };
        for keyword in ["allOf", "anyOf", "oneOf"] {
            let Some(schemas) = several(keyword) else { continue };
            let mut holding = 0;
            for (at, schema) in schemas.values().enumerate() {
                let failure = self.below(&[keyword, &at.to_string()], schema, None, document)?;
                holding += usize::from(failure.is_none());
            }
            let holds = match keyword {
                "allOf" => holding == schemas.len(),
                "anyOf" => holding > 0,
                _ => holding == 1,
            };
            all_of!(self.require(holds, keyword));
        }
        if let Some(schema) = schema.find("not") {
            let failure = self.below(&["not"], schema, None, document)?;
            all_of!(self.require(failure.is_some(), "not"));
        }
        Ok(None)
    }

    fn check_string(&self, schema: Container<'s>, text: &str) -> Checked {
        let letters = text.chars().count() as u64;
        all_of!(
            self.require(
                count(schema, "minLength").is_none_or(|least| letters >= least),
                "minLength"
            ),
            self.require(
                count(schema, "maxLength").is_none_or(|most| letters <= most),
                "maxLength"
            ),
        );
        if let Some(View::String(pattern)) = schema.find("pattern").map(|pattern| pattern.view()) {
            all_of!(self.require((self.matches)(pattern, text)?, "pattern"));
        }
        Ok(None)
    }

    fn check_number(&self, schema: Container<'s>, value: View<'_>) -> Checked {
        let is_set = |keyword| {
            schema.find(keyword).is_some_and(|set| matches!(set.view(), View::Bool(true)))
        };
        let order =
            |keyword| schema.find(keyword).and_then(|limit| number::compare(value, limit.view()));
        let holds = match order("minimum") {
            Some(Ordering::Less) => false,
            Some(Ordering::Equal) => !is_set("exclusiveMinimum"),
            Some(Ordering::Greater) | None => true,
        };
        all_of!(self.require(holds, "minimum"));
        let holds = match order("maximum") {
            Some(Ordering::Greater) => false,
            Some(Ordering::Equal) => !is_set("exclusiveMaximum"),
            Some(Ordering::Less) | None => true,
        };
        all_of!(self.require(holds, "maximum"));
        if let Some(unit) = schema.find("multipleOf") {
            all_of!(self.require(is_multiple(value, unit.view()), "multipleOf"));
        }
        Ok(None)
    }

    fn check_array(&mut self, schema: Container<'s>, elements: Container<'_>) -> Checked {
        let items = schema.find("items").map(|items| items.view());
        let additional = schema.find("additionalItems");
        for (at, element) in elements.values().enumerate() {
            let place = at.to_string();
            let token = Some(place.clone());
            match items {
                Some(View::Object(_)) => {
                    let items = schema.find("items").expect("it is an object");
                    all_of!(self.below(&["items"], items, token, element));
                }
                Some(View::Array(items)) if at < items.len() => {
                    all_of!(self.below(&["items", &place], items.get(at), token, element));
                }
                Some(View::Array(_)) => match additional.map(|additional| additional.view()) {
                    Some(View::Bool(allowed)) => {
                        all_of!(self.require(allowed, "additionalItems"));
                    }
                    Some(View::Object(_)) => {
                        let additional = additional.expect("it is an object");
                        all_of!(self.below(&["additionalItems"], additional, token, element));
                    }
                    _ => {}
                },
                _ => {}
            }
        }
        let length = elements.len() as u64;
        all_of!(
            self.require(count(schema, "minItems").is_none_or(|least| length >= least), "minItems"),
            self.require(count(schema, "maxItems").is_none_or(|most| length <= most), "maxItems"),
        );
        let is_unique = schema.find("uniqueItems").map(|unique| unique.view());
        if matches!(is_unique, Some(View::Bool(true))) {
            all_of!(self.require(!has_doubles(elements), "uniqueItems"));
        }
        Ok(None)
    }

    fn check_object(&mut self, schema: Container<'s>, members: Container<'_>) -> Checked {
        for (at, member) in members.values().enumerate() {
            all_of!(self.check_member(schema, members.key(at), member));
        }
        if let Some(View::Array(required)) = schema.find("required").map(|keys| keys.view()) {
            let holds = required.values().all(|key| has_key(members, key));
            all_of!(self.require(holds, "required"));
        }
        let length = members.len() as u64;
        let (least, most) = (count(schema, "minProperties"), count(schema, "maxProperties"));
        all_of!(
            self.require(least.is_none_or(|least| length >= least), "minProperties"),
            self.require(most.is_none_or(|most| length <= most), "maxProperties"),
        );
        self.check_dependencies(schema, members)
    }

    fn check_member(&mut self, schema: Container<'s>, key: &str, member: JsonRef<'_>) -> Checked {
        let token = || Some(key.to_owned());
        let mut is_known = false;
        if let Some(View::Object(properties)) = schema.find("properties").map(|all| all.view())
            && let Some(property) = properties.find(key)
        {
            is_known = true;
            all_of!(self.below(&["properties", key], property, token(), member));
        }
        let patterns = schema.find("patternProperties").map(|all| all.view());
        if let Some(View::Object(patterns)) = patterns {
            for (at, property) in patterns.values().enumerate() {
                let pattern = patterns.key(at);
                if (self.matches)(pattern, key)? {
                    is_known = true;
                    let steps = ["patternProperties", pattern];
                    all_of!(self.below(&steps, property, token(), member));
                }
            }
        }
        if is_known {
            return Ok(None);
        }
        let Some(additional) = schema.find("additionalProperties") else { return Ok(None) };
        match additional.view() {
            View::Bool(false) => {
                self.document_path.extend(token());
                let failure = self.require(false, "additionalProperties");
                self.document_path.pop();
                failure
            }
            View::Object(_) => self.below(&["additionalProperties"], additional, token(), member),
            _ => Ok(None),
        }
    }

    fn check_dependencies(&mut self, schema: Container<'s>, members: Container<'_>) -> Checked {
        let Some(View::Object(dependencies)) =
            schema.find("dependencies").map(|dependencies| dependencies.view())
        else {
            return Ok(None);
        };
        for (at, needed) in dependencies.values().enumerate() {
            if members.find(dependencies.key(at)).is_none() {
                continue;
            }
            if let View::Array(needed) = needed.view() {
                let holds = needed.values().all(|key| has_key(members, key));
                all_of!(self.require(holds, "dependencies"));
            }
        }
        Ok(None)
    }
}

fn has_key(members: Container<'_>, key: JsonRef<'_>) -> bool {
    match key.view() {
        View::String(key) => members.find(key).is_some(),
        _ => true,
    }
}

fn has_type(value: View<'_>, name: &str) -> bool {
    match value {
        View::Null => name == "null",
        View::Bool(_) => name == "boolean",
        View::Int(_) | View::UInt(_) => matches!(name, "integer" | "number"),
        View::Double(_) | View::Decimal(_) => name == "number",
        View::String(_) | View::Time(_) | View::Duration(_) | View::Opaque(_, _) => {
            name == "string"
        }
        View::Array(_) => name == "array",
        View::Object(_) => name == "object",
    }
}

fn count(schema: Container<'_>, keyword: &str) -> Option<u64> {
    match schema.find(keyword)?.view() {
        View::Int(number) => u64::try_from(number).ok(),
        View::UInt(number) => Some(number),
        _ => None,
    }
}

fn is_multiple(value: View<'_>, unit: View<'_>) -> bool {
    let whole = |view: View<'_>| match view {
        View::Int(number) => Some(i128::from(number)),
        View::UInt(number) => Some(i128::from(number)),
        _ => None,
    };
    if let (Some(value), Some(unit)) = (whole(value), whole(unit)) {
        return unit == 0 || value % unit == 0;
    }
    let float = |view: View<'_>| match view {
        View::Double(number) => Some(number),
        View::Decimal(number) => Some(number.to_f64()),
        other => whole(other).map(|number| number as f64),
    };
    let (Some(value), Some(unit)) = (float(value), float(unit)) else { return true };
    let quotient = (value.abs() / unit.abs()).floor();
    unit == 0.0 || value.abs() - quotient * unit.abs() <= 0.0
}

fn has_doubles(elements: Container<'_>) -> bool {
    let mut sorted: Vec<JsonRef<'_>> = elements.values().collect();
    sorted.sort_by(|left, right| left.compare(*right));
    sorted.windows(2).any(|pair| pair[0].is_same(pair[1]))
}

/// `#/properties/a`, what is no letter or digit of an address in hexadecimal digits.
fn location(tokens: &[String]) -> String {
    let mut text = String::from("#");
    for token in tokens {
        text.push('/');
        for byte in token.replace('~', "~0").replace('/', "~1").bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&byte) {
                text.push(char::from(byte));
            } else {
                text.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    text
}
