//! Types of columns.

use super::ast::{DataType, Expr, Literal};
use super::cursor::{Parser, TokenKind};
use super::dialect::Dialect;
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::types::SqlMode;

/// What may follow a type's name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// Nothing.
    Bare,
    /// (n).
    Length,
    /// (n) [UNSIGNED] [ZEROFILL].
    Integer,
    /// (m, d) [UNSIGNED] [ZEROFILL].
    Number,
    /// (n) and a character set.
    Text,
    /// ('a', 'b') and a character set.
    Members,
}

/// What SERIAL is until its column has become BIGINT UNSIGNED NOT NULL AUTO_INCREMENT UNIQUE.
pub(super) const SERIAL: &str = "serial";

/// MySQL's words for types, what they are called here, and their shape.
const TYPES: &[(&str, &str, Shape)] = &[
    ("tinyint", "tinyint", Shape::Integer),
    ("int1", "tinyint", Shape::Integer),
    ("smallint", "smallint", Shape::Integer),
    ("int2", "smallint", Shape::Integer),
    ("mediumint", "mediumint", Shape::Integer),
    ("middleint", "mediumint", Shape::Integer),
    ("int3", "mediumint", Shape::Integer),
    ("int", "int", Shape::Integer),
    ("integer", "int", Shape::Integer),
    ("int4", "int", Shape::Integer),
    ("bigint", "bigint", Shape::Integer),
    ("int8", "bigint", Shape::Integer),
    ("decimal", "decimal", Shape::Number),
    ("dec", "decimal", Shape::Number),
    ("numeric", "decimal", Shape::Number),
    ("fixed", "decimal", Shape::Number),
    ("float", "float", Shape::Number),
    ("float4", "float", Shape::Number),
    ("double", "double", Shape::Number),
    ("float8", "double", Shape::Number),
    ("real", "double", Shape::Number),
    ("char", "char", Shape::Text),
    ("character", "char", Shape::Text),
    ("nchar", "nchar", Shape::Text),
    ("varchar", "varchar", Shape::Text),
    ("varcharacter", "varchar", Shape::Text),
    ("nvarchar", "nvarchar", Shape::Text),
    ("tinytext", "tinytext", Shape::Text),
    ("text", "text", Shape::Text),
    ("mediumtext", "mediumtext", Shape::Text),
    ("longtext", "longtext", Shape::Text),
    ("long", "mediumtext", Shape::Text),
    ("binary", "binary", Shape::Length),
    ("varbinary", "varbinary", Shape::Length),
    ("tinyblob", "tinyblob", Shape::Bare),
    ("blob", "blob", Shape::Length),
    ("mediumblob", "mediumblob", Shape::Bare),
    ("longblob", "longblob", Shape::Bare),
    ("date", "date", Shape::Bare),
    ("datetime", "datetime", Shape::Length),
    ("timestamp", "timestamp", Shape::Length),
    ("time", "time", Shape::Length),
    ("year", "year", Shape::Length),
    ("bit", "bit", Shape::Length),
    ("json", "json", Shape::Bare),
    ("enum", "enum", Shape::Members),
    ("set", "set", Shape::Members),
];

/// MySQL's types of places and shapes, of which there are none here.
const SPATIAL: &[&str] = &[
    "GEOMETRY",
    "GEOMETRYCOLLECTION",
    "GEOMCOLLECTION",
    "POINT",
    "MULTIPOINT",
    "LINESTRING",
    "MULTILINESTRING",
    "POLYGON",
    "MULTIPOLYGON",
];

/// A type, as the catalog shows it.
pub fn parse_data_type(text: &str, column: &str) -> SqlResult<DataType> {
    let dialect = Dialect::new(SqlMode::default());
    Parser::new(text.as_bytes(), 0, &dialect).data_type(column)
}

impl Parser<'_> {
    /// A column's type; the column is named in errors.
    pub(super) fn data_type(&mut self, column: &str) -> SqlResult<DataType> {
        let token = self.peek();
        if let Some(spatial) = SPATIAL.iter().find(|name| self.at(name)) {
            return Err(SqlError::unsupported(spatial));
        }
        let mut word = self.lower_word()?;
        if word == "bool" || word == "boolean" {
            return Ok(DataType {
                name: "tinyint".to_owned(),
                length: Some(1),
                ..DataType::default()
            });
        }
        if word == "serial" {
            // The attributes that belong to it are the column's to add.
            return Ok(DataType { name: SERIAL.to_owned(), unsigned: true, ..DataType::default() });
        }
        if word == "real" && self.dialect.real_as_float {
            "float".clone_into(&mut word);
        }
        if word == "national" {
            word = match self.lower_word()?.as_str() {
                "char" | "character" => "nchar".to_owned(),
                "varchar" | "varcharacter" => "nvarchar".to_owned(),
                _ => return Err(self.syntax_error_at(token)),
            };
        }
        if matches!(word.as_str(), "char" | "character" | "nchar") && self.word("VARYING") {
            word = if word == "nchar" { "nvarchar".to_owned() } else { "varchar".to_owned() };
        }
        if word == "nchar" && self.word("VARCHAR") {
            "nvarchar".clone_into(&mut word);
        }
        if word == "long" && self.word("VARBINARY") {
            return Ok(DataType { name: "mediumblob".to_owned(), ..DataType::default() });
        }
        if word == "long" {
            self.word("VARCHAR");
        }
        if word == "double" {
            self.word("PRECISION");
        }
        let Some((_, name, shape)) = TYPES.iter().find(|(known, _, _)| *known == word) else {
            return Err(self.syntax_error_at(token));
        };
        let mut data_type = DataType { name: (*name).to_owned(), ..DataType::default() };
        self.type_arguments(column, &mut data_type, *shape)?;
        if data_type.length.is_none() && data_type.name.contains("var") {
            return Err(self.syntax_error());
        }
        self.type_attributes(&mut data_type, *shape)?;
        if let Some(base) = data_type.name.strip_prefix('n').filter(|base| base.ends_with("char")) {
            // NCHAR and NVARCHAR are of three bytes a character at most.
            data_type.charset = Some("utf8mb3".to_owned());
            data_type.name = base.to_owned();
        }
        Ok(data_type)
    }

    fn type_arguments(
        &mut self,
        column: &str,
        data_type: &mut DataType,
        shape: Shape,
    ) -> SqlResult<()> {
        match shape {
            Shape::Bare => {}
            Shape::Members => data_type.members = self.parenthesised(Parser::member)?,
            Shape::Length | Shape::Integer | Shape::Text => {
                data_type.length = self.optional_width(column)?;
            }
            Shape::Number => {
                if self.op("(") {
                    data_type.length = Some(self.width(column)?);
                    if self.op(",") {
                        data_type.decimals = Some(self.width(column)?);
                    }
                    self.expect_op(")")?;
                }
            }
        }
        Ok(())
    }

    /// The number in parentheses after a type's name; error 1439 if no type is so long.
    pub(super) fn optional_width(&mut self, column: &str) -> SqlResult<Option<u32>> {
        if !self.op("(") {
            return Ok(None);
        }
        let width = self.width(column)?;
        self.expect_op(")")?;
        Ok(Some(width))
    }

    /// A number after a type's name.
    pub(super) fn width(&mut self, column: &str) -> SqlResult<u32> {
        let token = self.peek();
        if token.kind == TokenKind::Integer {
            let text = std::str::from_utf8(self.text(token)).unwrap_or_default();
            if text.parse::<u32>().is_err() {
                return Err(SqlError::new(
                    errno::TOO_BIG_DISPLAYWIDTH,
                    format!(
                        "Display width out of range for column '{column}' (max = {})",
                        u32::MAX
                    ),
                ));
            }
        }
        self.small_integer()
    }

    /// A member of ENUM or SET: a string, or the bytes of one.
    fn member(&mut self) -> SqlResult<String> {
        let token = self.peek();
        match token.kind {
            TokenKind::Hex | TokenKind::Bit => match self.operand()? {
                Expr::Literal(Literal::Hex(bytes) | Literal::Bit(bytes)) => {
                    String::from_utf8(bytes).map_err(|_| self.syntax_error_at(token))
                }
                _ => Err(self.syntax_error_at(token)),
            },
            _ => self.string(),
        }
    }

    fn type_attributes(&mut self, data_type: &mut DataType, shape: Shape) -> SqlResult<()> {
        match shape {
            Shape::Integer | Shape::Number => loop {
                if self.word("UNSIGNED") {
                    data_type.unsigned = true;
                } else if self.word("ZEROFILL") {
                    data_type.unsigned = true;
                    data_type.zerofill = true;
                } else if !self.word("SIGNED") {
                    return Ok(());
                }
            },
            Shape::Text | Shape::Members => loop {
                if self.character_set()? {
                    data_type.charset = Some(self.word_or_string()?.to_lowercase());
                } else if self.word("COLLATE") {
                    data_type.collation = Some(self.word_or_string()?.to_lowercase());
                } else if self.word("BINARY") {
                    data_type.binary = true;
                } else if self.word("ASCII") {
                    data_type.charset = Some("latin1".to_owned());
                } else if self.word("UNICODE") {
                    data_type.charset = Some("ucs2".to_owned());
                } else if shape == Shape::Text && self.word("BYTE") {
                    data_type.charset = Some("binary".to_owned());
                } else {
                    return Ok(());
                }
            },
            Shape::Bare | Shape::Length => Ok(()),
        }
    }
}
