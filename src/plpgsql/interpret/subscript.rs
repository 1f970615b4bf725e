//! Assignment into a value: a[1] := …, a[1:2] := …, r.f.g := ….
//!
//! Must not know: where the value is kept. Specification: transformAssignmentIndirection() and arraysubs.c.

use crate::error::{Error, Result, SqlState};
use crate::plpgsql::host::Member;
use crate::plpgsql::interpret::frame::Frame;
use crate::plpgsql::tree::{Expression, Place, Root, Step};
use crate::plpgsql::value::{DataType, Typed};
use crate::types::array_assign;
use crate::types::pg_type::Oid;
use crate::types::value::Value;

/// Subscripts of one array.
enum Subscripts {
    Element(Vec<i64>),
    Slice(Vec<(Option<i64>, Option<i64>)>),
}

impl<'a> Frame<'a> {
    /// Assigns to a part of a variable or field.
    pub fn assign_into(&mut self, target: &'a Place, value: &'a Expression) -> Result<()> {
        let new = self.evaluate(value)?;
        let current = self.direct(&target.root)?;
        let data_type = current.data_type;
        let variable = match &target.root {
            Root::Variable(number) | Root::Field(number, _) => &self.variable(*number)?.name,
        };
        let value = self.with_part(variable, current, &target.steps, new)?;
        self.assign(&target.root, Typed::new(data_type, value))
    }

    /// A value whose part at the end of the steps is another.
    fn with_part(&mut self, variable: &str, current: Typed, steps: &'a [Step], new: Typed) -> Result<Value> {
        match steps {
            [] => self.cast(new, &current.data_type),
            [Step::Field(name), rest @ ..] => self.with_field(variable, current, name, rest, new),
            _ => {
                let count = steps.iter().take_while(|step| !matches!(step, Step::Field(_))).count();
                let (subscripts, rest) = steps.split_at(count);
                self.with_elements(variable, current, subscripts, rest, new)
            }
        }
    }

    fn with_field(
        &mut self,
        variable: &str,
        current: Typed,
        name: &str,
        rest: &'a [Step],
        new: Typed,
    ) -> Result<Value> {
        let data_type = current.data_type;
        if !data_type.is_row() {
            let display = self.host.display(&data_type);
            let message = format!(
                "cannot assign to field \"{name}\" of column \"{variable}\" because its type {display} is not a composite type"
            );
            return Err(Error::new(SqlState::DATATYPE_MISMATCH, message).with_position(1));
        }
        let columns = match current.fields {
            Some(columns) => columns,
            None => self.host.columns(data_type.oid)?,
        };
        let mut values = match &current.value {
            Value::Null => vec![Value::Null; columns.len()],
            value => self.host.decompose(&columns, value)?,
        };
        let position = columns.iter().position(|column| column.name == name);
        let found = position.and_then(|position| Some((columns.get(position)?, values.get_mut(position)?)));
        let Some((column, slot)) = found else {
            let display = self.host.display(&data_type);
            let message = format!(
                "cannot assign to field \"{name}\" of column \"{variable}\" because there is no such column in data type {display}"
            );
            return Err(Error::new(SqlState::UNDEFINED_COLUMN, message).with_position(1));
        };
        let inner = Typed {
            data_type: column.data_type,
            value: std::mem::replace(slot, Value::Null),
            fields: column.fields.clone(),
        };
        let value = self.with_part(variable, inner, rest, new)?;
        if let Some(slot) = position.and_then(|position| values.get_mut(position)) {
            *slot = value;
        }
        self.host.compose(&columns, &values)
    }

    fn with_elements(
        &mut self,
        variable: &str,
        current: Typed,
        subscripts: &'a [Step],
        rest: &'a [Step],
        new: Typed,
    ) -> Result<Value> {
        let data_type = current.data_type;
        let Some(element) = data_type.repr.array_of else {
            let display = self.host.display(&data_type);
            if data_type.oid == Oid::JSONB {
                return match rest {
                    [Step::Field(name), rest @ ..] => self.with_field(variable, current, name, rest, new),
                    _ => self.with_member(current, subscripts, new),
                };
            }
            let message = format!("cannot subscript type {display} because it does not support subscripting");
            return Err(Error::new(SqlState::DATATYPE_MISMATCH, message).with_position(1));
        };
        let stored = match &current.value {
            Value::Text(stored) => Some(stored.as_str()),
            _ => None,
        };
        let scalar = data_type.repr.scalar;
        let text = match self.subscripts(subscripts)? {
            Subscripts::Element(at) => {
                let element = self.host.by_oid(element, data_type.typmod)?;
                let old = match (stored, rest) {
                    (Some(stored), [_, ..]) => array_assign::get_element(stored, scalar, &at)?,
                    _ => Value::Null,
                };
                let value = self.with_part(variable, Typed::new(element, old), rest, new)?;
                array_assign::set_element(stored, scalar, &at, value)?
            }
            Subscripts::Slice(_) if !rest.is_empty() => {
                return Err(Error::unsupported("assignment to a field of an array's slice"));
            }
            Subscripts::Slice(bounds) => {
                let array = DataType { kind: crate::plpgsql::value::TypeKind::Base, ..data_type };
                match self.cast(new, &array)? {
                    Value::Text(source) => array_assign::set_slice(stored, scalar, &bounds, &source)?,
                    // A NULL changes nothing.
                    _ => return Ok(current.value),
                }
            }
        };
        Ok(Value::Text(text))
    }

    /// A jsonb with something else at a path.
    fn with_member(&mut self, current: Typed, subscripts: &'a [Step], new: Typed) -> Result<Value> {
        let mut path = Vec::with_capacity(subscripts.len());
        for step in subscripts {
            let Step::Index(index) = step else {
                return Err(Error::new(SqlState::DATATYPE_MISMATCH, "jsonb subscript does not support slices"));
            };
            let subscript = self.evaluate(index)?;
            path.push(match (subscript.data_type.oid, subscript.value) {
                (_, Value::Null) => {
                    let message = "jsonb subscript in assignment must not be null";
                    return Err(Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, message));
                }
                (Oid::INT2 | Oid::INT4, Value::Integer(place)) => Member::Place(place),
                (_, Value::Text(name)) => Member::Name(name),
                _ => {
                    let display = self.host.display(&subscript.data_type);
                    let message = format!("subscript type {display} is not supported");
                    let hint = "jsonb subscript must be coercible to either integer or text.";
                    return Err(Error::new(SqlState::DATATYPE_MISMATCH, message).with_hint(hint).with_position(1));
                }
            });
        }
        let new = match self.cast(new, &current.data_type)? {
            Value::Text(new) => new,
            _ => "null".to_owned(),
        };
        let old = match &current.value {
            Value::Text(old) => Some(old.as_str()),
            _ => None,
        };
        self.host.assign_member(old, path, &new)
    }

    /// The values of subscripts. If one is a slice, a single one is from 1 on.
    fn subscripts(&mut self, steps: &'a [Step]) -> Result<Subscripts> {
        let mut bounds = Vec::with_capacity(steps.len());
        let is_slice = steps.iter().any(|step| matches!(step, Step::Slice(..)));
        for step in steps {
            bounds.push(match step {
                Step::Index(index) => (Some(1), Some(self.subscript(index)?)),
                Step::Slice(lower, upper) => {
                    let mut ends = [None, None];
                    for (end, given) in ends.iter_mut().zip([lower, upper]) {
                        if let Some(expression) = given {
                            *end = Some(self.subscript(expression)?);
                        }
                    }
                    let [lower, upper] = ends;
                    (lower, upper)
                }
                Step::Field(_) => continue,
            });
        }
        Ok(match is_slice {
            true => Subscripts::Slice(bounds),
            false => Subscripts::Element(bounds.into_iter().filter_map(|(_, index)| index).collect()),
        })
    }

    fn subscript(&mut self, expression: &Expression) -> Result<i64> {
        self.integer(expression)?.ok_or_else(|| {
            let message = "array subscript in assignment must not be null";
            Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, message)
        })
    }
}
