//! The patterns of number templates, and what a template says of the number as a whole.
//!
//! Owns: [`Key`], [`Description`], [`prepare`]. The fields and the order of steps are those of NUMDesc_prepare in
//! PostgreSQL 15's formatting.c. Specification: functions-formatting.html#FUNCTIONS-FORMATTING-NUMERIC-TABLE.

use crate::error::{Error, Result, SqlState};
use crate::types::template::{Item, Kind, Node, OrdinalCase, parse};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Comma,
    Point,
    Zero,
    Nine,
    Blank,
    Currency,
    Decimal,
    Exponent,
    Fill,
    Group,
    Minus,
    Plus,
    Brackets,
    Roman {
        upper: bool,
    },
    SignHere,
    Sign,
    Ordinal(OrdinalCase),
    Shift,
    /// Patterns without effect (C, SP).
    Nothing,
}

static KEYWORDS: &[(&str, Key)] = &[
    (",", Key::Comma),
    (".", Key::Point),
    ("0", Key::Zero),
    ("9", Key::Nine),
    ("B", Key::Blank),
    ("C", Key::Nothing),
    ("D", Key::Decimal),
    ("EEEE", Key::Exponent),
    ("FM", Key::Fill),
    ("G", Key::Group),
    ("L", Key::Currency),
    ("MI", Key::Minus),
    ("PL", Key::Plus),
    ("PR", Key::Brackets),
    ("RN", Key::Roman { upper: true }),
    ("SG", Key::SignHere),
    ("SP", Key::Nothing),
    ("S", Key::Sign),
    ("TH", Key::Ordinal(OrdinalCase::Upper)),
    ("V", Key::Shift),
    ("b", Key::Blank),
    ("c", Key::Nothing),
    ("d", Key::Decimal),
    ("eeee", Key::Exponent),
    ("fm", Key::Fill),
    ("g", Key::Group),
    ("l", Key::Currency),
    ("mi", Key::Minus),
    ("pl", Key::Plus),
    ("pr", Key::Brackets),
    ("rn", Key::Roman { upper: false }),
    ("sg", Key::SignHere),
    ("sp", Key::Nothing),
    ("s", Key::Sign),
    ("th", Key::Ordinal(OrdinalCase::Lower)),
    ("v", Key::Shift),
];

/// Where S puts the sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SignPlace {
    Before,
    After,
}

/// What the template says of the number as a whole (NUMDesc).
#[derive(Debug, Default)]
pub(super) struct Description {
    /// Digits before and after the point.
    pub(super) pre: usize,
    pub(super) post: usize,
    pub(super) sign: Option<SignPlace>,
    /// Digits before an S that stands before the point.
    pub(super) pre_sign: usize,
    /// Digits after V.
    pub(super) shift: usize,
    pub(super) zero_start: usize,
    pub(super) zero_end: usize,
    pub(super) zero: bool,
    pub(super) blank: bool,
    pub(super) decimal: bool,
    pub(super) fill: bool,
    pub(super) minus: bool,
    pub(super) plus: bool,
    pub(super) brackets: bool,
    pub(super) roman: bool,
    pub(super) shifted: bool,
    pub(super) exponent: bool,
}

fn template_error(message: &'static str) -> Error {
    Error::new(SqlState::SYNTAX_ERROR, message)
}

impl Description {
    fn of(items: &[Item<Key>]) -> Result<Description> {
        let mut description = Description::default();
        for (node, _) in items {
            if let Node::Pattern { key, .. } = node {
                description.add(*key)?;
            }
        }
        Ok(description)
    }

    fn add(&mut self, key: Key) -> Result<()> {
        let error = |message| Err(template_error(message));
        if self.exponent && key != Key::Exponent {
            return error("\"EEEE\" must be the last pattern used");
        }
        match key {
            Key::Nine | Key::Zero => return self.add_digit(key),
            Key::Blank => self.blank |= self.pre == 0 && self.post == 0 && !self.zero,
            Key::Decimal | Key::Point => {
                if self.decimal {
                    return error("multiple decimal points");
                }
                if self.shifted {
                    return error("cannot use \"V\" and decimal point together");
                }
                self.decimal = true;
            }
            Key::Fill => self.fill = true,
            Key::Sign => return self.add_sign(),
            Key::Minus if self.sign.is_some() => return error("cannot use \"S\" and \"MI\" together"),
            Key::Minus => self.minus = true,
            Key::Plus if self.sign.is_some() => return error("cannot use \"S\" and \"PL\" together"),
            Key::Plus => self.plus = true,
            Key::SignHere if self.sign.is_some() => return error("cannot use \"S\" and \"SG\" together"),
            Key::SignHere => (self.minus, self.plus) = (true, true),
            Key::Brackets if self.sign.is_some() || self.plus || self.minus => {
                return error("cannot use \"PR\" and \"S\"/\"PL\"/\"MI\"/\"SG\" together");
            }
            Key::Brackets => self.brackets = true,
            Key::Roman { .. } => self.roman = true,
            Key::Shift if self.decimal => return error("cannot use \"V\" and decimal point together"),
            Key::Shift => self.shifted = true,
            Key::Exponent => return self.add_exponent(),
            Key::Comma | Key::Currency | Key::Group | Key::Ordinal(_) | Key::Nothing => {}
        }
        Ok(())
    }

    fn add_digit(&mut self, key: Key) -> Result<()> {
        if self.brackets {
            return Err(template_error(if key == Key::Nine {
                "\"9\" must be ahead of \"PR\""
            } else {
                "\"0\" must be ahead of \"PR\""
            }));
        }
        if key == Key::Zero && !self.zero && !self.decimal {
            self.zero = true;
            self.zero_start = self.pre;
        }
        match (key, self.decimal) {
            (Key::Nine, _) if self.shifted => {
                self.shift += 1;
                return Ok(());
            }
            (_, true) => self.post += 1,
            (_, false) => self.pre += 1,
        }
        if key == Key::Zero {
            self.zero_end = self.pre + self.post;
        }
        Ok(())
    }

    fn add_sign(&mut self) -> Result<()> {
        if self.sign.is_some() {
            return Err(template_error("cannot use \"S\" twice"));
        }
        if self.plus || self.minus || self.brackets {
            return Err(template_error("cannot use \"S\" and \"PL\"/\"MI\"/\"SG\"/\"PR\" together"));
        }
        if self.decimal {
            self.sign = Some(SignPlace::After);
        } else {
            self.sign = Some(SignPlace::Before);
            self.pre_sign = self.pre;
        }
        Ok(())
    }

    fn add_exponent(&mut self) -> Result<()> {
        if self.exponent {
            return Err(template_error("cannot use \"EEEE\" twice"));
        }
        let others = self.blank || self.fill || self.sign.is_some() || self.brackets || self.minus || self.plus;
        if others || self.roman || self.shifted {
            return Err(template_error("\"EEEE\" is incompatible with other formats")
                .with_detail("\"EEEE\" may only be used together with digit and decimal point patterns."));
        }
        self.exponent = true;
        Ok(())
    }
}

/// The longest a template may be before the number of its digits is out of hand.
const MAX_TEMPLATE: usize = 100_000;

pub(super) fn prepare(template: &str) -> Result<(Vec<Item<Key>>, Description)> {
    if template.len() > MAX_TEMPLATE {
        return Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, "template is too long"));
    }
    let items = parse(template, KEYWORDS, Kind::Number)?;
    let description = Description::of(&items)?;
    Ok((items, description))
}
