//! What sqlparser's tokens are to the rules.

use sqlparser::tokenizer::Token as SqlToken;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// A keyword or a name without quotes.
    Word,
    /// A name in quotes.
    QuotedName,
    /// A string.
    String,
    /// N'…'.
    NationalString,
    /// Digits.
    Integer,
    /// Digits with a point.
    Decimal,
    /// A number with an exponent.
    Float,
    /// X'…' or 0x….
    Hex,
    /// b'…' or 0b….
    Bit,
    /// @name.
    UserVariable,
    /// @@name, @@scope.name.
    SystemVariable,
    /// ?.
    Parameter,
    /// Punctuation.
    Op(&'static str),
    /// Something no statement can hold: a stray byte, a string without an end.
    Bad,
    /// The end of the text.
    End,
}

/// What sqlparser's token is to us.
pub(super) fn kind_of(token: &SqlToken) -> TokenKind {
    match token {
        SqlToken::EOF => TokenKind::End,
        SqlToken::Word(word) if word.quote_style.is_some() => TokenKind::QuotedName,
        SqlToken::Word(word) if word.value.starts_with("@@") => TokenKind::SystemVariable,
        SqlToken::Word(word) if word.value.starts_with('@') => TokenKind::UserVariable,
        SqlToken::Word(word) if is_bit_number(&word.value) => TokenKind::Bit,
        SqlToken::Word(_) => TokenKind::Word,
        SqlToken::Number(digits, _) if digits.contains(['e', 'E']) => TokenKind::Float,
        SqlToken::Number(digits, _) if digits.contains('.') => TokenKind::Decimal,
        SqlToken::Number(..) => TokenKind::Integer,
        SqlToken::SingleQuotedString(_) | SqlToken::DoubleQuotedString(_) => TokenKind::String,
        SqlToken::NationalStringLiteral(_) => TokenKind::NationalString,
        SqlToken::HexStringLiteral(_) => TokenKind::Hex,
        SqlToken::SingleQuotedByteStringLiteral(_) => TokenKind::Bit,
        SqlToken::Placeholder(_) => TokenKind::Parameter,
        _ => operator(token).map_or(TokenKind::Bad, TokenKind::Op),
    }
}

fn operator(token: &SqlToken) -> Option<&'static str> {
    Some(match token {
        SqlToken::LParen => "(",
        SqlToken::RParen => ")",
        SqlToken::Comma => ",",
        SqlToken::SemiColon => ";",
        SqlToken::Period => ".",
        SqlToken::Eq => "=",
        SqlToken::Assignment => ":=",
        SqlToken::Mul => "*",
        SqlToken::Plus => "+",
        SqlToken::Minus => "-",
        SqlToken::LBrace => "{",
        SqlToken::RBrace => "}",
        SqlToken::Spaceship => "<=>",
        SqlToken::Neq => "<>",
        SqlToken::Lt => "<",
        SqlToken::LtEq => "<=",
        SqlToken::Gt => ">",
        SqlToken::GtEq => ">=",
        SqlToken::Pipe => "|",
        SqlToken::Ampersand => "&",
        SqlToken::ShiftLeft => "<<",
        SqlToken::ShiftRight => ">>",
        SqlToken::Div => "/",
        SqlToken::Mod => "%",
        SqlToken::Caret => "^",
        SqlToken::Tilde => "~",
        SqlToken::ExclamationMark => "!",
        SqlToken::Overlap => "&&",
        SqlToken::StringConcat => "||",
        SqlToken::Arrow => "->",
        SqlToken::LongArrow => "->>",
        SqlToken::AtSign => "@",
        SqlToken::Colon => ":",
        _ => return None,
    })
}

/// 0b101, which sqlparser takes for a name that begins with a digit.
pub(super) fn is_bit_number(word: &str) -> bool {
    let digits = word.strip_prefix("0b").unwrap_or_default();
    !digits.is_empty() && digits.bytes().all(|digit| matches!(digit, b'0' | b'1'))
}
