//! Conditions: true, false or unknown, which is `None`.
//!
//! Specification: executeBoolItem, executePredicate and compareItems in PostgreSQL 15's jsonpath_exec.c.

use std::cmp::Ordering;

use super::execute::{Executor, Found, Item, Status};
use super::{Chain, Comparison, LikeRegex, Step, moments};
use crate::error::{Error, Result};
use crate::limits::session as limits;
use crate::limits::stack;
use crate::types::json::JsonValue;
use crate::types::numeric_wire;

/// What comparing two items costs.
const PAIR: usize = 32;

impl<'v> Executor<'v> {
    /// A truth as an item, null for unknown, goes to the rest of the chain (appendBoolResult).
    pub(super) fn next_truth(&mut self, rest: &'v [Step], truth: Option<bool>, found: Found<'_, 'v>) -> Result<Status> {
        let value = match truth {
            Some(true) => &JsonValue::Bool(true),
            Some(false) => &JsonValue::Bool(false),
            None => &JsonValue::Null,
        };
        self.next(rest, Item::Json(value), found)
    }

    /// Whether a condition holds for an item (executeBoolItem).
    pub(super) fn truth(&mut self, condition: &'v Step, item: Item<'v>) -> Result<Option<bool>> {
        stack::check()?;
        match condition {
            Step::And(left, right) => {
                let left = self.truth_of(left, item)?;
                if left == Some(false) {
                    return Ok(left);
                }
                let right = self.truth_of(right, item)?;
                Ok(if right == Some(true) { left } else { right })
            }
            Step::Or(left, right) => {
                let left = self.truth_of(left, item)?;
                if left == Some(true) {
                    return Ok(left);
                }
                let right = self.truth_of(right, item)?;
                Ok(if right == Some(false) { left } else { right })
            }
            Step::Not(operand) => Ok(self.truth_of(operand, item)?.map(|truth| !truth)),
            Step::IsUnknown(operand) => Ok(Some(self.truth_of(operand, item)?.is_none())),
            Step::Comparison(operator, left, right) => {
                let operator = *operator;
                self.any_pair(item, left, Some((right, true)), |executor, left, right| {
                    executor.compare(operator, left, right)
                })
            }
            Step::StartsWith(whole, initial) => {
                self.any_pair(item, whole, Some((initial, false)), |_, whole, initial| Ok(starts_with(whole, initial)))
            }
            Step::LikeRegex(like) => {
                self.any_pair(item, &like.subject, None, |_, subject, _| matches_regex(like, subject))
            }
            Step::Exists(operand) => self.anything(operand, item),
            _ => Err(Error::internal("a jsonpath condition that is none")),
        }
    }

    fn truth_of(&mut self, chain: &'v Chain, item: Item<'v>) -> Result<Option<bool>> {
        match chain.as_slice() {
            [condition] => self.truth(condition, item),
            _ => Err(Error::internal("a jsonpath condition with a next item")),
        }
    }

    fn anything(&mut self, operand: &'v Chain, item: Item<'v>) -> Result<Option<bool>> {
        if self.lax {
            return Ok(match self.quiet_operand(operand, item, false, None)? {
                Status::Ok => Some(true),
                Status::NotFound => Some(false),
                Status::Error => None,
            });
        }
        let mut found = Vec::new();
        let status = self.quiet_operand(operand, item, false, Some(&mut found))?;
        Ok(Some(!found.is_empty()).filter(|_| status != Status::Error))
    }

    /// Whether any item of the left sequence and any of the right one, if there is one, meet the condition. In strict
    /// mode all pairs are looked at: one that cannot be decided makes the whole unknown (executePredicate).
    fn any_pair(
        &mut self,
        item: Item<'v>,
        left: &'v Chain,
        right: Option<(&'v Chain, bool)>,
        holds: impl Fn(&mut Self, Item<'v>, Item<'v>) -> Result<Option<bool>>,
    ) -> Result<Option<bool>> {
        let (mut lefts, mut rights) = (Vec::new(), Vec::new());
        if self.quiet_operand(left, item, true, Some(&mut lefts))? == Status::Error {
            return Ok(None);
        }
        match right {
            Some((right, unwrap)) => {
                if self.quiet_operand(right, item, unwrap, Some(&mut rights))? == Status::Error {
                    return Ok(None);
                }
            }
            None => rights.push(item),
        }
        let (mut unknown, mut found) = (false, false);
        for left in lefts {
            for right in &rights {
                limits::work(PAIR)?;
                match (holds(self, left, *right)?, self.lax) {
                    (None, false) => return Ok(None),
                    (None, true) => unknown = true,
                    (Some(true), true) => return Ok(Some(true)),
                    (Some(true), false) => found = true,
                    (Some(false), _) => {}
                }
            }
        }
        Ok(if found {
            Some(true)
        } else if unknown {
            None
        } else {
            Some(false)
        })
    }

    /// Whether a comparison holds (compareItems).
    fn compare(&mut self, operator: Comparison, left: Item<'v>, right: Item<'v>) -> Result<Option<bool>> {
        use JsonValue::{Bool, Null, Number, Text};
        let order = match (left, right) {
            (Item::Json(Null), Item::Json(Null)) => Ordering::Equal,
            (Item::Json(Null), _) | (_, Item::Json(Null)) => return Ok(Some(operator == Comparison::NotEqual)),
            (Item::Json(Bool(left)), Item::Json(Bool(right))) => left.cmp(right),
            (Item::Json(Number(left)), Item::Json(Number(right))) => numeric_wire::compare_text(left, right),
            (Item::Json(Text(left)), Item::Json(Text(right))) => left.cmp(right),
            (Item::Moment(left), Item::Moment(right)) => {
                match moments::compare(left, right, self.arguments.zoned, self.arguments.settings)? {
                    Some(order) => order,
                    None => return Ok(None),
                }
            }
            _ => return Ok(None),
        };
        Ok(Some(match operator {
            Comparison::Equal => order.is_eq(),
            Comparison::NotEqual => order.is_ne(),
            Comparison::Less => order.is_lt(),
            Comparison::Greater => order.is_gt(),
            Comparison::LessOrEqual => order.is_le(),
            Comparison::GreaterOrEqual => order.is_ge(),
        }))
    }
}

fn starts_with(whole: Item<'_>, initial: Item<'_>) -> Option<bool> {
    match (whole, initial) {
        (Item::Json(JsonValue::Text(whole)), Item::Json(JsonValue::Text(initial))) => Some(whole.starts_with(initial)),
        _ => None,
    }
}

fn matches_regex(like: &LikeRegex, subject: Item<'_>) -> Result<Option<bool>> {
    let Item::Json(JsonValue::Text(text)) = subject else { return Ok(None) };
    limits::work(text.len())?;
    Ok(Some(like.compiled.is_match(text)?))
}
