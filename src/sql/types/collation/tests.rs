//! What collations make of texts, and properties that hold for each.

use std::cmp::Ordering::{self, Equal, Greater, Less};

use proptest::prelude::*;

use super::*;

fn order(collation: Collation, a: &str, b: &str) -> Ordering {
    collation.compare(a.as_bytes(), b.as_bytes())
}

/// Letters with and without accents, that are ignored, of several elements, beyond the basic plane, spaces and what is below them.
const LETTERS: [char; 24] = [
    'a',
    'A',
    'b',
    '\u{e4}',
    '\u{c4}',
    '\u{e9}',
    '\u{df}',
    's',
    '\u{e6}',
    ' ',
    '\t',
    '!',
    '\0',
    '\u{300}',
    '\u{ad}',
    '\u{3b1}',
    '\u{3ac}',
    '\u{430}',
    '\u{4e00}',
    '\u{ac00}',
    '\u{1f600}',
    '\u{fffd}',
    '?',
    '\u{20ac}',
];

fn text() -> impl Strategy<Value = String> {
    proptest::collection::vec(proptest::sample::select(LETTERS.to_vec()), 0..6)
        .prop_map(|letters| letters.into_iter().collect())
}

proptest! {
    #[test]
    fn keys_are_ordered_as_texts_in_every_collation(a in text(), b in text()) {
        for collation in Collation::ALL {
            let key = |text: &str| collation.sort_key(text.as_bytes()).into_owned();
            prop_assert_eq!(key(&a).cmp(&key(&b)), order(*collation, &a, &b), "{}", collation.name());
            collation.with_sort_key(a.as_bytes(), |short| assert_eq!(short, key(&a)));
            if collation.restores(a.as_bytes()) {
                prop_assert_eq!(collation.restore(key(&a)), a.as_bytes());
            }
        }
    }

    #[test]
    fn single_letters_are_folded_as_they_compare(
        a in proptest::sample::select(LETTERS.to_vec()),
        b in proptest::sample::select(LETTERS.to_vec()),
    ) {
        for collation in Collation::ALL {
            let same = order(*collation, &format!("x{a}x"), &format!("x{b}x")) == Equal;
            let folded = collation.fold(a) == collation.fold(b);
            prop_assert_eq!(same, folded, "{}: {:?} {:?}", collation.name(), a, b);
        }
    }

    #[test]
    fn texts_of_a_set_come_back_from_its_bytes(text in text()) {
        for set in Charset::ALL {
            let bounded = set.bounded(&text);
            prop_assert!(set.has(&bounded), "{}", set.name());
            let bytes = set.encode(bounded.as_bytes());
            prop_assert_eq!(set.decode(&bytes).map(String::from), Ok(bounded.to_string()), "{}", set.name());
            prop_assert_eq!(set.decode_lossy(&bytes), bounded.as_ref(), "{}", set.name());
        }
    }

    #[test]
    fn no_bytes_break_a_set(bytes in proptest::collection::vec(any::<u8>(), 0..8)) {
        for set in Charset::ALL {
            let text = set.decode_lossy(&bytes);
            prop_assert_eq!(set.decode(&bytes).is_ok_and(|decoded| decoded == text), set.decode(&bytes).is_ok());
        }
    }
}

#[test]
fn every_table_is_there() {
    for collation in Collation::ALL {
        assert_eq!(order(*collation, "a", "b"), Less, "{}", collation.name());
        assert_eq!(order(*collation, "b", "a"), Greater, "{}", collation.name());
        assert_eq!(order(*collation, "a ", "a") == Equal, collation.pads(), "{}", collation.name());
        let folded = order(*collation, "a", "A") == Equal;
        assert_eq!(folded, collation.ignores_case(), "{}", collation.name());
    }
    for set in Charset::ALL {
        assert_eq!(set.decode(&set.encode(b"az 09?")).as_deref(), Ok("az 09?"), "{}", set.name());
        assert_eq!(
            Collation::by_name(set.default_collation().name()).map(Collation::character_set),
            Ok(*set)
        );
        assert!(set.bin().is_of_codes() && set.bin().character_set() == *set, "{}", set.name());
    }
}

#[test]
fn numbers_and_names_belong_together() {
    let known: Vec<Collation> =
        Collation::ALL.iter().copied().filter(|one| *one != Collation::OldGeneralCi).collect();
    for collation in &known {
        assert_eq!(Collation::by_id(collation.id()), Some(*collation));
        assert_eq!(Collation::by_name(&collation.name().to_uppercase()), Ok(*collation));
        assert!(collation.name().starts_with(collation.charset()), "{}", collation.name());
    }
    assert_eq!(Collation::by_name("utf8_general_ci"), Ok(Collation::Utf8mb3GeneralCi));
    assert_eq!(
        Collation::by_name("utf8mb4_tr_0900_ai_ci").map_err(|error| error.code),
        Err(errno::NOT_SUPPORTED_YET)
    );
    assert_eq!(
        Collation::by_name("utf8mb4_klingon_ci").map_err(|error| error.code),
        Err(errno::UNKNOWN_COLLATION)
    );
    assert_eq!(
        Charset::by_name("klingon").map_err(|error| error.code),
        Err(errno::UNKNOWN_CHARACTER_SET)
    );
    let both = Collation::of_both("latin1", "utf8mb4_bin").map_err(|error| error.code);
    assert_eq!(both, Err(errno::COLLATION_CHARSET_MISMATCH));
}

#[test]
fn tables_of_before_keep_their_order() {
    let read = |name: &str| serde_json::from_str::<Collation>(&format!("\"{name}\"")).ok();
    assert_eq!(read("Utf8mb4GeneralCi"), Some(Collation::OldGeneralCi));
    assert_eq!(read("Utf8mb4Bin"), Some(Collation::Utf8mb4Bin));
    assert_eq!(read("utf8mb4_general_ci"), Some(Collation::Utf8mb4GeneralCi));
    // Greek letters with accents were others than those without.
    assert_ne!(order(Collation::OldGeneralCi, "\u{3ac}", "\u{3b1}"), Equal);
    assert_eq!(order(Collation::Utf8mb4GeneralCi, "\u{3ac}", "\u{3b1}"), Equal);
}

#[test]
fn letters_weigh_what_unicode_says() {
    let ai = Collation::Utf8mb4_0900AiCi;
    let weights = |collation: Collation, text: &str| -> String {
        collation.weight_string(text.as_bytes()).iter().map(|byte| format!("{byte:02X}")).collect()
    };
    assert_eq!(weights(ai, "aA\u{e4}"), "1C471C471C47");
    assert_eq!(weights(Collation::Utf8mb4_0900AsCs, "a"), "1C470000002000000002");
    assert_eq!(weights(Collation::Utf8mb4UnicodeCi, "a b"), "0E3302090E4A");
    assert_eq!(weights(Collation::Utf8mb4GeneralCi, "a\u{e9}"), "00410045");
    assert_eq!(weights(Collation::Latin1SwedishCi, "a\u{e9}"), "4145");
    for (a, b) in [("stra\u{df}e", "strasse"), ("\u{e6}", "ae"), ("\u{ac00}", "\u{1100}\u{1161}")] {
        assert_eq!(order(ai, a, b), Equal, "{a} {b}");
    }
    assert_eq!(order(Collation::Utf8mb4_0900AsCi, "resume", "r\u{e9}sum\u{e9}"), Less);
    assert_eq!(order(Collation::Utf8mb4_0900AsCi, "a", "A"), Equal);
    assert_eq!(order(Collation::Utf8mb4_0900AsCs, "a", "A"), Less);
    assert_eq!(order(ai, "\u{1f600}", "\u{1f601}"), Less);
    assert_eq!(order(Collation::Utf8mb4UnicodeCi, "\u{1f600}", "\u{1f601}"), Equal);
    // The letters of Swedish stand behind Z, those of German beside their bases.
    assert_eq!(order(Collation::Latin1SwedishCi, "\u{c4}", "z"), Greater);
    assert_eq!(order(Collation::Latin1German1Ci, "\u{c4}", "a"), Equal);
}

#[test]
fn letters_are_of_the_same_class_only_if_they_weigh_the_same() {
    for collation in
        [Collation::Utf8mb4_0900AiCi, Collation::Utf8mb4_0900AsCs, Collation::Utf8mb4UnicodeCi]
    {
        let mut classes = std::collections::HashMap::new();
        for letter in (0..0x2_0000).filter_map(char::from_u32) {
            // A syllable of Hangul is a class of its own, though it weighs what its parts do.
            let key = collation.sort_key(letter.to_string().as_bytes()).into_owned();
            let known = classes.entry(collation.fold(letter)).or_insert_with(|| key.clone());
            assert_eq!(*known, key, "{}: {letter:?}", collation.name());
        }
    }
}
