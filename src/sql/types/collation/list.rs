//! The collations there are, and those of MySQL's that there are not.

use serde::{Deserialize, Serialize};

use super::super::Charset;

/// What a collation's order is made of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Rules {
    /// Bytes.
    Bytes,
    /// Code points, nothing padded.
    Exact,
    /// Code points, padded.
    Points,
    /// A weight a character: its upper case without accents. Padded.
    General,
    /// The same as it was before the weights were MySQL's.
    OldGeneral,
    /// Unicode's algorithm with the weights of its version 4.0.0. Padded.
    Uca400,
    /// The same of 5.2.0.
    Uca520,
    /// The same of 9.0.0, so many levels, nothing padded.
    Uca900(u8),
    /// The codes of the character set, padded.
    Codes,
    /// A weight a character from a table, padded.
    Weights,
}

/// The collations, one a line: number in the protocol, name, character set, rules.
macro_rules! collations {
    ($($(#[$attr:meta])* $collation:ident = $id:literal, $name:literal, $set:ident, $rules:expr;)*) => {
        /// How strings compare. `Binary` is bytes, not characters.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[allow(missing_docs, non_camel_case_types, reason = "they are what their names say")]
        pub enum Collation { $($(#[$attr])* $collation),* }

        impl Collation {
            /// All of them, by number.
            pub const ALL: &[Collation] = &[$(Collation::$collation),*];

            /// Its name in SQL.
            pub const fn name(self) -> &'static str {
                match self { $(Collation::$collation => $name),* }
            }

            /// Its number in the protocol.
            pub const fn id(self) -> u16 {
                match self { $(Collation::$collation => $id),* }
            }

            /// The character set it belongs to.
            pub const fn character_set(self) -> Charset {
                match self { $(Collation::$collation => Charset::$set),* }
            }

            #[inline]
            pub(super) const fn rules(self) -> Rules {
                use Rules::*;
                match self { $(Collation::$collation => $rules),* }
            }
        }
    };
}

collations! {
    Big5ChineseCi = 1, "big5_chinese_ci", Big5, Weights;
    Dec8SwedishCi = 3, "dec8_swedish_ci", Dec8, Weights;
    Cp850GeneralCi = 4, "cp850_general_ci", Cp850, Weights;
    Latin1German1Ci = 5, "latin1_german1_ci", Latin1, Weights;
    Hp8EnglishCi = 6, "hp8_english_ci", Hp8, Weights;
    Koi8rGeneralCi = 7, "koi8r_general_ci", Koi8r, Weights;
    Latin1SwedishCi = 8, "latin1_swedish_ci", Latin1, Weights;
    Latin2GeneralCi = 9, "latin2_general_ci", Latin2, Weights;
    Swe7SwedishCi = 10, "swe7_swedish_ci", Swe7, Weights;
    AsciiGeneralCi = 11, "ascii_general_ci", Ascii, Weights;
    UjisJapaneseCi = 12, "ujis_japanese_ci", Ujis, Weights;
    SjisJapaneseCi = 13, "sjis_japanese_ci", Sjis, Weights;
    Cp1251BulgarianCi = 14, "cp1251_bulgarian_ci", Cp1251, Weights;
    Latin1DanishCi = 15, "latin1_danish_ci", Latin1, Weights;
    HebrewGeneralCi = 16, "hebrew_general_ci", Hebrew, Weights;
    EuckrKoreanCi = 19, "euckr_korean_ci", Euckr, Weights;
    Latin7EstonianCs = 20, "latin7_estonian_cs", Latin7, Weights;
    Latin2HungarianCi = 21, "latin2_hungarian_ci", Latin2, Weights;
    Koi8uGeneralCi = 22, "koi8u_general_ci", Koi8u, Weights;
    Cp1251UkrainianCi = 23, "cp1251_ukrainian_ci", Cp1251, Weights;
    Gb2312ChineseCi = 24, "gb2312_chinese_ci", Gb2312, Weights;
    GreekGeneralCi = 25, "greek_general_ci", Greek, Weights;
    Cp1250GeneralCi = 26, "cp1250_general_ci", Cp1250, Weights;
    Latin2CroatianCi = 27, "latin2_croatian_ci", Latin2, Weights;
    GbkChineseCi = 28, "gbk_chinese_ci", Gbk, Weights;
    Cp1257LithuanianCi = 29, "cp1257_lithuanian_ci", Cp1257, Weights;
    Latin5TurkishCi = 30, "latin5_turkish_ci", Latin5, Weights;
    Armscii8GeneralCi = 32, "armscii8_general_ci", Armscii8, Weights;
    Utf8mb3GeneralCi = 33, "utf8mb3_general_ci", Utf8mb3, General;
    Ucs2GeneralCi = 35, "ucs2_general_ci", Ucs2, General;
    Cp866GeneralCi = 36, "cp866_general_ci", Cp866, Weights;
    Keybcs2GeneralCi = 37, "keybcs2_general_ci", Keybcs2, Weights;
    MacceGeneralCi = 38, "macce_general_ci", Macce, Weights;
    MacromanGeneralCi = 39, "macroman_general_ci", Macroman, Weights;
    Cp852GeneralCi = 40, "cp852_general_ci", Cp852, Weights;
    Latin7GeneralCi = 41, "latin7_general_ci", Latin7, Weights;
    Latin7GeneralCs = 42, "latin7_general_cs", Latin7, Weights;
    MacceBin = 43, "macce_bin", Macce, Codes;
    Cp1250CroatianCi = 44, "cp1250_croatian_ci", Cp1250, Weights;
    // Tables of earlier versions have kept the other one by the plain name; their keys stay in order.
    #[serde(rename = "utf8mb4_general_ci")]
    Utf8mb4GeneralCi = 45, "utf8mb4_general_ci", Utf8mb4, General;
    #[default]
    Utf8mb4Bin = 46, "utf8mb4_bin", Utf8mb4, Points;
    Latin1Bin = 47, "latin1_bin", Latin1, Codes;
    Latin1GeneralCi = 48, "latin1_general_ci", Latin1, Weights;
    Latin1GeneralCs = 49, "latin1_general_cs", Latin1, Weights;
    Cp1251Bin = 50, "cp1251_bin", Cp1251, Codes;
    Cp1251GeneralCi = 51, "cp1251_general_ci", Cp1251, Weights;
    Cp1251GeneralCs = 52, "cp1251_general_cs", Cp1251, Weights;
    MacromanBin = 53, "macroman_bin", Macroman, Codes;
    Utf16GeneralCi = 54, "utf16_general_ci", Utf16, General;
    Utf16Bin = 55, "utf16_bin", Utf16, Points;
    Utf16leGeneralCi = 56, "utf16le_general_ci", Utf16le, General;
    Cp1256GeneralCi = 57, "cp1256_general_ci", Cp1256, Weights;
    Cp1257Bin = 58, "cp1257_bin", Cp1257, Codes;
    Cp1257GeneralCi = 59, "cp1257_general_ci", Cp1257, Weights;
    Utf32GeneralCi = 60, "utf32_general_ci", Utf32, General;
    Utf32Bin = 61, "utf32_bin", Utf32, Points;
    Utf16leBin = 62, "utf16le_bin", Utf16le, Points;
    Binary = 63, "binary", Binary, Bytes;
    Armscii8Bin = 64, "armscii8_bin", Armscii8, Codes;
    AsciiBin = 65, "ascii_bin", Ascii, Codes;
    Cp1250Bin = 66, "cp1250_bin", Cp1250, Codes;
    Cp1256Bin = 67, "cp1256_bin", Cp1256, Codes;
    Cp866Bin = 68, "cp866_bin", Cp866, Codes;
    Dec8Bin = 69, "dec8_bin", Dec8, Codes;
    GreekBin = 70, "greek_bin", Greek, Codes;
    HebrewBin = 71, "hebrew_bin", Hebrew, Codes;
    Hp8Bin = 72, "hp8_bin", Hp8, Codes;
    Keybcs2Bin = 73, "keybcs2_bin", Keybcs2, Codes;
    Koi8rBin = 74, "koi8r_bin", Koi8r, Codes;
    Koi8uBin = 75, "koi8u_bin", Koi8u, Codes;
    Latin2Bin = 77, "latin2_bin", Latin2, Codes;
    Latin5Bin = 78, "latin5_bin", Latin5, Codes;
    Latin7Bin = 79, "latin7_bin", Latin7, Codes;
    Cp850Bin = 80, "cp850_bin", Cp850, Codes;
    Cp852Bin = 81, "cp852_bin", Cp852, Codes;
    Swe7Bin = 82, "swe7_bin", Swe7, Codes;
    Utf8mb3Bin = 83, "utf8mb3_bin", Utf8mb3, Points;
    Big5Bin = 84, "big5_bin", Big5, Codes;
    EuckrBin = 85, "euckr_bin", Euckr, Codes;
    Gb2312Bin = 86, "gb2312_bin", Gb2312, Codes;
    GbkBin = 87, "gbk_bin", Gbk, Codes;
    SjisBin = 88, "sjis_bin", Sjis, Codes;
    Tis620Bin = 89, "tis620_bin", Tis620, Codes;
    Ucs2Bin = 90, "ucs2_bin", Ucs2, Points;
    UjisBin = 91, "ujis_bin", Ujis, Codes;
    Geostd8GeneralCi = 92, "geostd8_general_ci", Geostd8, Weights;
    Geostd8Bin = 93, "geostd8_bin", Geostd8, Codes;
    Latin1SpanishCi = 94, "latin1_spanish_ci", Latin1, Weights;
    Cp932JapaneseCi = 95, "cp932_japanese_ci", Cp932, Weights;
    Cp932Bin = 96, "cp932_bin", Cp932, Codes;
    EucjpmsJapaneseCi = 97, "eucjpms_japanese_ci", Eucjpms, Weights;
    EucjpmsBin = 98, "eucjpms_bin", Eucjpms, Codes;
    Cp1250PolishCi = 99, "cp1250_polish_ci", Cp1250, Weights;
    Utf16UnicodeCi = 101, "utf16_unicode_ci", Utf16, Uca400;
    Utf16Unicode520Ci = 123, "utf16_unicode_520_ci", Utf16, Uca520;
    Ucs2UnicodeCi = 128, "ucs2_unicode_ci", Ucs2, Uca400;
    Ucs2Unicode520Ci = 150, "ucs2_unicode_520_ci", Ucs2, Uca520;
    Utf32UnicodeCi = 160, "utf32_unicode_ci", Utf32, Uca400;
    Utf32Unicode520Ci = 182, "utf32_unicode_520_ci", Utf32, Uca520;
    Utf8mb3UnicodeCi = 192, "utf8mb3_unicode_ci", Utf8mb3, Uca400;
    Utf8mb3Unicode520Ci = 214, "utf8mb3_unicode_520_ci", Utf8mb3, Uca520;
    Utf8mb4UnicodeCi = 224, "utf8mb4_unicode_ci", Utf8mb4, Uca400;
    Utf8mb4Unicode520Ci = 246, "utf8mb4_unicode_520_ci", Utf8mb4, Uca520;
    Gb18030Bin = 249, "gb18030_bin", Gb18030, Codes;
    Utf8mb4_0900AiCi = 255, "utf8mb4_0900_ai_ci", Utf8mb4, Uca900(1);
    Utf8mb4_0900AsCs = 278, "utf8mb4_0900_as_cs", Utf8mb4, Uca900(3);
    Utf8mb4_0900AsCi = 305, "utf8mb4_0900_as_ci", Utf8mb4, Uca900(2);
    Utf8mb4_0900Bin = 309, "utf8mb4_0900_bin", Utf8mb4, Exact;
    #[serde(rename = "Utf8mb4GeneralCi")]
    OldGeneralCi = 45, "utf8mb4_general_ci", Utf8mb4, OldGeneral;
}

/// The languages of MySQL's collations by Unicode 4.0.0, of every set of Unicode's.
const LANGUAGES: [&str; 22] = [
    "icelandic",
    "latvian",
    "romanian",
    "slovenian",
    "polish",
    "estonian",
    "spanish",
    "swedish",
    "turkish",
    "czech",
    "danish",
    "lithuanian",
    "slovak",
    "spanish2",
    "roman",
    "persian",
    "esperanto",
    "hungarian",
    "sinhala",
    "german2",
    "croatian",
    "vietnamese",
];

/// The languages of those by Unicode 9.0.0.
const NEW_LANGUAGES: [&str; 29] = [
    "de_pb", "is", "lv", "ro", "sl", "pl", "et", "es", "sv", "tr", "cs", "da", "lt", "sk",
    "es_trad", "la", "eo", "hu", "hr", "vi", "ru", "bg", "bs", "gl", "mn_cyrl", "nb", "nn",
    "sr_latn", "ja",
];

/// Whether MySQL has a collation of that name (in lower case) that is none of ours.
pub(super) fn is_known_elsewhere(name: &str) -> bool {
    const OTHERS: [&str; 10] = [
        "latin2_czech_cs",
        "cp1250_czech_cs",
        "latin1_german2_ci",
        "tis620_thai_ci",
        "gb18030_chinese_ci",
        "gb18030_unicode_520_ci",
        "utf8mb3_tolower_ci",
        "utf8mb3_general_mysql500_ci",
        "ucs2_general_mysql500_ci",
        "utf8mb4_zh_0900_as_cs",
    ];
    if OTHERS.contains(&name) || name == "utf8mb4_ja_0900_as_cs_ks" {
        return true;
    }
    let Some((set, rest)) = name.split_once('_') else { return false };
    let old = rest.strip_suffix("_ci").is_some_and(|language| LANGUAGES.contains(&language));
    let new = rest.strip_suffix("_0900_ai_ci").or_else(|| rest.strip_suffix("_0900_as_cs"));
    let is_unicode = matches!(set, "utf8" | "utf8mb3" | "utf8mb4" | "ucs2" | "utf16" | "utf32");
    is_unicode && old
        || set == "utf8mb4" && new.is_some_and(|language| NEW_LANGUAGES.contains(&language))
}
