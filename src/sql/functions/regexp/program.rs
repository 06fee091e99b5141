//! A pattern as instructions.

use regex_syntax::hir::ClassUnicode;

use super::regex::too_big;
use super::tree::{Assertion, Look, Node, Parsed, Repeat};
use crate::common::SqlResult;

/// Bytes that the instructions of a pattern may take.
const PROGRAM_BYTES: usize = 1 << 20;

/// One step of a match. Numbers are positions in the program, or registers.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Takes one letter of a set.
    Take(Set),
    /// Takes so many letters of a set; gives them back one by one if that is greedy.
    TakeMany {
        set: Set,
        min: u32,
        max: u32,
        gives_back: bool,
    },
    Assert(Assertion),
    Jump(usize),
    /// Goes on at the next step; if that fails, there.
    Else(usize),
    /// Goes on there; if that fails, at the next step.
    Skip(usize),
    /// Keeps the place in a register.
    Place(usize),
    /// Goes back to a place.
    Return(usize),
    /// Fails if nothing was taken since the place.
    Moved(usize),
    /// Fails if the place is another.
    Here(usize),
    /// Keeps what there is to try in a register.
    Mark(usize),
    /// Forgets what there is to try since the mark.
    Cut(usize),
    /// Forgets it and fails.
    CutFail(usize),
    /// Tries what follows from so many letters before the place on.
    Behind {
        min: u32,
        max: u32,
    },
    /// Takes what a group has matched.
    Back {
        group: u32,
        ignore_case: bool,
    },
    Match,
}

/// The letters of a set.
#[derive(Clone, Debug)]
pub(super) enum Set {
    One(char),
    /// In order.
    Ranges(Box<[(char, char)]>),
}

impl Set {
    fn new(class: &ClassUnicode) -> Set {
        match class.ranges() {
            [only] if only.start() == only.end() => Set::One(only.start()),
            ranges => {
                Set::Ranges(ranges.iter().map(|range| (range.start(), range.end())).collect())
            }
        }
    }

    pub(super) fn has(&self, letter: char) -> bool {
        match self {
            Set::One(only) => *only == letter,
            Set::Ranges(ranges) => {
                let behind = ranges.partition_point(|(start, _)| *start <= letter);
                behind > 0 && letter <= ranges[behind - 1].1
            }
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Set::One(_) => 0,
            Set::Ranges(ranges) => ranges.len() * size_of::<(char, char)>(),
        }
    }
}

/// Two registers for each group, from 2 on; others after them.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) steps: Vec<Step>,
    pub(super) registers: usize,
    /// The whole match counted.
    pub(super) groups: usize,
    bytes: usize,
}

impl Program {
    pub(super) fn new(parsed: &Parsed) -> SqlResult<Program> {
        let groups = parsed.groups as usize + 1;
        let mut program = Program { steps: Vec::new(), registers: 2 * groups, groups, bytes: 0 };
        program.node(&parsed.node)?;
        program.add(Step::Match)?;
        Ok(program)
    }

    /// The letter that every match begins with, if there is only one.
    pub(super) fn first_letter(&self) -> Option<char> {
        let mut steps = self.steps.iter().skip_while(|step| matches!(step, Step::Place(_)));
        match steps.next() {
            Some(Step::Take(Set::One(letter))) => Some(*letter),
            Some(Step::TakeMany { set: Set::One(letter), min: 1.., .. }) => Some(*letter),
            _ => None,
        }
    }

    fn add(&mut self, step: Step) -> SqlResult<usize> {
        self.bytes += size_of::<Step>();
        if let Step::Take(set) | Step::TakeMany { set, .. } = &step {
            self.bytes += set.bytes();
        }
        if self.bytes > PROGRAM_BYTES {
            return Err(too_big());
        }
        self.steps.push(step);
        Ok(self.steps.len() - 1)
    }

    fn register(&mut self) -> usize {
        self.registers += 1;
        self.registers - 1
    }

    /// Where the next step will stand.
    fn here(&self) -> usize {
        self.steps.len()
    }

    fn node(&mut self, node: &Node) -> SqlResult<()> {
        match node {
            Node::Class(class) => {
                self.add(Step::Take(Set::new(class)))?;
            }
            Node::Assert(assertion) => {
                self.add(Step::Assert(*assertion))?;
            }
            Node::Concat(parts) => parts.iter().try_for_each(|part| self.node(part))?,
            Node::Either(branches) => self.either(branches)?,
            Node::Group(number, inner) => {
                self.add(Step::Place(2 * *number as usize))?;
                self.node(inner)?;
                self.add(Step::Place(2 * *number as usize + 1))?;
            }
            Node::Atomic(inner) => {
                let mark = self.register();
                self.add(Step::Mark(mark))?;
                self.node(inner)?;
                self.add(Step::Cut(mark))?;
            }
            Node::Repeat(repeat) => self.repeat(repeat)?,
            Node::Look(look) => self.look(look)?,
            Node::Back(group, ignore_case) => {
                self.add(Step::Back { group: *group, ignore_case: *ignore_case })?;
            }
        }
        Ok(())
    }

    fn either(&mut self, branches: &[Node]) -> SqlResult<()> {
        let mut ends = Vec::with_capacity(branches.len());
        let Some((last, others)) = branches.split_last() else { return Ok(()) };
        for branch in others {
            let choice = self.add(Step::Else(0))?;
            self.node(branch)?;
            ends.push(self.add(Step::Jump(0))?);
            self.steps[choice] = Step::Else(self.here());
        }
        self.node(last)?;
        let here = self.here();
        for end in ends {
            self.steps[end] = Step::Jump(here);
        }
        Ok(())
    }

    fn repeat(&mut self, repeat: &Repeat) -> SqlResult<()> {
        let Repeat { node, min, max, greedy } = repeat;
        if let Node::Class(class) = node
            && *greedy
        {
            let max = max.unwrap_or(u32::MAX);
            let gives_back = max > *min;
            self.add(Step::TakeMany { set: Set::new(class), min: *min, max, gives_back })?;
            return Ok(());
        }
        for _ in 0..*min {
            self.node(node)?;
        }
        let choice = |greedy: bool, to: usize| if greedy { Step::Else(to) } else { Step::Skip(to) };
        let Some(max) = max else {
            // An iteration that takes nothing would go on for ever.
            let empty = node.length().0 == 0;
            let place = self.register();
            let start = self.add(choice(*greedy, 0))?;
            if empty {
                self.add(Step::Place(place))?;
            }
            self.node(node)?;
            if empty {
                self.add(Step::Moved(place))?;
            }
            self.add(Step::Jump(start))?;
            self.steps[start] = choice(*greedy, self.here());
            return Ok(());
        };
        let mut choices = Vec::new();
        for _ in *min..*max {
            choices.push(self.add(choice(*greedy, 0))?);
            self.node(node)?;
        }
        let here = self.here();
        for at in choices {
            self.steps[at] = choice(*greedy, here);
        }
        Ok(())
    }

    fn look(&mut self, look: &Look) -> SqlResult<()> {
        let (mark, place) = (self.register(), self.register());
        self.add(Step::Mark(mark))?;
        self.add(Step::Place(place))?;
        let choice = if look.negated { Some(self.add(Step::Else(0))?) } else { None };
        if let Some((min, max)) = look.behind {
            self.add(Step::Behind { min, max })?;
        }
        self.node(&look.node)?;
        if look.behind.is_some() {
            self.add(Step::Here(place))?;
        }
        match choice {
            Some(choice) => {
                self.add(Step::CutFail(mark))?;
                self.steps[choice] = Step::Else(self.here());
            }
            None => {
                self.add(Step::Cut(mark))?;
                self.add(Step::Return(place))?;
            }
        }
        Ok(())
    }
}
