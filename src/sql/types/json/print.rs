//! Documents as text.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::read::{Container, JsonRef, View};
use super::{Json, Pulse};
use crate::common::SqlResult;
use crate::sql::types::float_text;

/// Spaces for a level.
const INDENT: usize = 2;

/// How elements are set apart.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    /// In one line.
    Line,
    /// Each in a line of its own.
    Pretty,
}

struct Printer<'o, 'a, 'p> {
    out: &'o mut String,
    style: Style,
    pulse: Option<&'a mut Pulse<'p>>,
}

impl JsonRef<'_> {
    /// Its text.
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        self.write_text(&mut out);
        out
    }

    /// Appends its text.
    pub fn write_text(&self, out: &mut String) {
        // Without a pulse nothing ends it early.
        let _ = Printer { out, style: Style::Line, pulse: None }.print(*self, 0);
    }

    /// Appends its text.
    pub fn print(&self, out: &mut String, pulse: &mut Pulse<'_>) -> SqlResult<()> {
        Printer { out, style: Style::Line, pulse: Some(pulse) }.print(*self, 0)
    }
}

impl Json {
    /// Its text in many lines, as JSON_PRETTY writes it.
    pub fn to_pretty_text(&self, pulse: &mut Pulse<'_>) -> SqlResult<String> {
        let mut out = String::new();
        Printer { out: &mut out, style: Style::Pretty, pulse: Some(pulse) }
            .print(self.as_ref(), 0)?;
        Ok(out)
    }
}

impl Printer<'_, '_, '_> {
    fn print(&mut self, value: JsonRef<'_>, depth: usize) -> SqlResult<()> {
        if let Some(pulse) = &mut self.pulse {
            pulse.beat()?;
        }
        match value.view() {
            View::Array(container) => self.elements(container, depth, ['[', ']']),
            View::Object(container) => self.elements(container, depth, ['{', '}']),
            scalar => {
                print_scalar(scalar, self.out);
                Ok(())
            }
        }
    }

    fn elements(
        &mut self,
        container: Container<'_>,
        depth: usize,
        [open, close]: [char; 2],
    ) -> SqlResult<()> {
        self.out.push(open);
        for (at, value) in container.values().enumerate() {
            if at > 0 {
                self.out.push_str(if self.style == Style::Line { ", " } else { "," });
            }
            self.new_line(depth + 1);
            if open == '{' {
                quote_into(container.key(at), self.out);
                self.out.push_str(": ");
            }
            self.print(value, depth + 1)?;
        }
        if !container.is_empty() {
            self.new_line(depth);
        }
        self.out.push(close);
        Ok(())
    }

    fn new_line(&mut self, depth: usize) {
        if self.style == Style::Pretty {
            self.out.push('\n');
            self.out.extend(std::iter::repeat_n(' ', depth * INDENT));
        }
    }
}

fn print_scalar(scalar: View<'_>, out: &mut String) {
    // Writing to a string cannot fail.
    let _ = match scalar {
        View::Null | View::Array(_) | View::Object(_) => out.write_str("null"),
        View::Bool(truth) => write!(out, "{truth}"),
        View::Int(number) => out.write_str(itoa::Buffer::new().format(number)),
        View::UInt(number) => out.write_str(itoa::Buffer::new().format(number)),
        View::Double(number) => out.write_str(&double_text(number)),
        View::Decimal(number) => write!(out, "{number}"),
        View::String(text) => {
            quote_into(text, out);
            Ok(())
        }
        View::Time(time) => write!(out, "\"{time}\""),
        View::Duration(duration) => write!(out, "\"{duration}\""),
        View::Opaque(of, bytes) => write!(out, "\"base64:type{of}:{}\"", STANDARD.encode(bytes)),
    };
}

/// A double: never the text of an integer.
pub(super) fn double_text(number: f64) -> String {
    let mut text = float_text(number, false);
    if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') {
        text.push_str(".0");
    }
    text
}

/// A text as a string of a document, in quotation marks.
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    quote_into(text, &mut out);
    out
}

pub(super) fn quote_into(text: &str, out: &mut String) {
    out.push('"');
    let mut rest = text;
    let special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..=0x1F);
    while let Some(at) = rest.bytes().position(|byte| special(&byte)) {
        out.push_str(&rest[..at]);
        match rest.as_bytes()[at] {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            0x08 => out.push_str("\\b"),
            0x0C => out.push_str("\\f"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            byte => {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{byte:04x}");
            }
        }
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
    out.push('"');
}
