//! Matching in time linear in the text.

use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::meta;
use regex_automata::nfa::thompson;
use regex_automata::{Input, MatchKind};
use regex_syntax::hir::{Class, Hir, Look as HirLook, Repetition};

use super::regex::{timeout, too_big};
use super::tree::{Assertion, Node, Parsed};
use crate::common::{SqlError, SqlResult};
use crate::sql::expr::EvalContext;

/// Bytes that a compiled pattern may take.
const PROGRAM_BYTES: usize = 1 << 20;
/// Bytes that the automaton built while matching may take.
const CACHE_BYTES: usize = 1 << 20;
/// A text of so many bytes is matched at once.
const SHORT: usize = 1 << 16;
/// Bytes of a longer one between two looks at whether the statement is to end.
const PIECE: usize = 1 << 14;
/// Letters of the text times size of the pattern: what a match that cannot be looked after costs at worst.
const MATCH_COST: u64 = 1 << 31;

/// A pattern as an automaton.
#[derive(Debug)]
pub(super) struct Linear {
    regex: meta::Regex,
    hir: Hir,
    /// About how many states it has.
    size: usize,
}

impl Linear {
    pub(super) fn new(parsed: &Parsed) -> SqlResult<Linear> {
        let hir = hir_of(&parsed.node)?;
        let config = meta::Config::new()
            .nfa_size_limit(Some(PROGRAM_BYTES))
            .onepass_size_limit(Some(PROGRAM_BYTES))
            .hybrid_cache_capacity(CACHE_BYTES)
            .which_captures(thompson::WhichCaptures::None);
        let built = meta::Builder::new().configure(config).build_from_hir(&hir);
        let regex = built.map_err(|_too_large| too_big())?;
        let size = regex.memory_usage() / 16;
        Ok(Linear { regex, hir, size })
    }

    pub(super) fn is_match(&self, text: &str, ctx: &EvalContext) -> SqlResult<bool> {
        ctx.check_interrupted()?;
        if text.len() <= SHORT {
            return Ok(self.regex.is_match(text));
        }
        if let Some(found) = self.step_by_step(text, ctx)? {
            return Ok(found);
        }
        if (text.len() as u64).saturating_mul(self.size as u64) > MATCH_COST {
            return Err(timeout());
        }
        Ok(self.regex.is_match(text))
    }

    /// The same letter by letter; `None` if the automaton cannot.
    fn step_by_step(&self, text: &str, ctx: &EvalContext) -> SqlResult<Option<bool>> {
        let nfa = thompson::Compiler::new()
            .configure(
                thompson::Config::new()
                    .nfa_size_limit(Some(PROGRAM_BYTES))
                    .which_captures(thompson::WhichCaptures::None),
            )
            .build_from_hir(&self.hir);
        let Ok(nfa) = nfa else { return Ok(None) };
        let config = DFA::config()
            .match_kind(MatchKind::All)
            .unicode_word_boundary(true)
            .cache_capacity(CACHE_BYTES)
            .skip_cache_capacity_check(true);
        let Ok(dfa) = DFA::builder().configure(config).build_from_nfa(nfa) else { return Ok(None) };
        let mut cache: Cache = dfa.create_cache();
        let Ok(mut state) = dfa.start_state_forward(&mut cache, &Input::new(text)) else {
            return Ok(None);
        };
        for piece in text.as_bytes().chunks(PIECE) {
            ctx.check_interrupted()?;
            for byte in piece {
                let Ok(next) = dfa.next_state(&mut cache, state, *byte) else { return Ok(None) };
                state = next;
                if state.is_tagged() {
                    if state.is_match() {
                        return Ok(Some(true));
                    }
                    if state.is_dead() {
                        return Ok(Some(false));
                    }
                    if state.is_quit() {
                        return Ok(None);
                    }
                }
            }
        }
        let end = dfa.next_eoi_state(&mut cache, state);
        Ok(end.ok().map(|state| state.is_match()))
    }
}

fn hir_of(node: &Node) -> SqlResult<Hir> {
    Ok(match node {
        Node::Class(class) => Hir::class(Class::Unicode(class.clone())),
        Node::Assert(assertion) => Hir::look(match assertion {
            Assertion::TextStart => HirLook::Start,
            // Whoever has a text that ends a line does not come here.
            Assertion::TextEnd | Assertion::TextEndLine => HirLook::End,
            Assertion::LineStart => HirLook::StartCRLF,
            Assertion::LineEnd => HirLook::EndCRLF,
            Assertion::WordEdge => HirLook::WordUnicode,
            Assertion::NoWordEdge => HirLook::WordUnicodeNegate,
        }),
        Node::Concat(parts) => Hir::concat(parts.iter().map(hir_of).collect::<SqlResult<_>>()?),
        Node::Either(parts) => {
            Hir::alternation(parts.iter().map(hir_of).collect::<SqlResult<_>>()?)
        }
        Node::Group(_, inner) => hir_of(inner)?,
        Node::Repeat(repeat) => Hir::repetition(Repetition {
            min: repeat.min,
            max: repeat.max,
            greedy: repeat.greedy,
            sub: Box::new(hir_of(&repeat.node)?),
        }),
        Node::Atomic(_) | Node::Look(_) | Node::Back(..) => {
            return Err(SqlError::internal("a pattern that must be tried out"));
        }
    })
}
