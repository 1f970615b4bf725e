//! A function's call from its arguments to what it gives.
//!
//! Owns: [`execute`]. Must not know: SQL, SQLite. Specification: plpgsql_exec_function(), plpgsql_exec_trigger().

use std::rc::Rc;
use std::sync::Arc;

use crate::error::{Error, Result, SqlState};
use crate::limits::stack;
use crate::plpgsql::call::{Call, Returned, Trigger, TriggerOperation, TriggerWhen};
use crate::plpgsql::context::{self, At, FunctionPlace};
use crate::plpgsql::function::{Function, RoutineKind, TriggerVariable};
use crate::plpgsql::host::Host;
use crate::plpgsql::interpret::block::Flow;
use crate::plpgsql::interpret::frame::Frame;
use crate::plpgsql::interpret::returning::Value as ReturnedValue;
use crate::plpgsql::tree::Kind;
use crate::plpgsql::value::{Record, Typed};
use crate::plpgsql::variables::Slot;
use crate::types::array::push_element;
use crate::types::pg_type::Scalar;
use crate::types::value::{Value, ValueRef};

/// Runs a function. An error comes with the CONTEXT down to it.
pub fn execute(function: &Function, call: &Call, host: &mut dyn Host) -> Result<Returned> {
    stack::check()?;
    let place = Rc::new(FunctionPlace::new(Arc::clone(&function.display)));
    let _entered = context::enter(Rc::clone(&place) as Rc<dyn context::Place>);
    let mut frame = Frame {
        function,
        call,
        host,
        slots: function.variables.iter().map(Slot::empty).collect(),
        place,
        processed: 0,
        error: None,
        is_placed: false,
        exit: None,
        returned: ReturnedValue::Null,
    };
    frame.call().map_err(|error| frame.placed(error))
}

impl Frame<'_> {
    fn call(&mut self) -> Result<Returned> {
        self.phase("during initialization of execution state");
        match (self.function.signature.kind, &self.call.trigger) {
            (RoutineKind::Trigger, Some(trigger)) => self.begin_trigger(trigger)?,
            (RoutineKind::Trigger, None) => {
                let message = "trigger functions can only be called as triggers";
                return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
            }
            (RoutineKind::EventTrigger, _) => self.begin_event(),
            _ => self.begin_call()?,
        }
        self.phase("during function entry");
        self.set_found(false);
        let body = &self.function.body;
        let flow = match &body.kind {
            Kind::Block(block) => self.block(block, body.line)?,
            _ => return Err(Error::internal("a body that is no block")),
        };
        self.place.set(0, At::Nothing);
        if flow != Flow::Return {
            let what = match self.function.signature.kind {
                RoutineKind::Trigger | RoutineKind::EventTrigger => "trigger procedure",
                _ => "function",
            };
            let message = format!("control reached end of {what} without RETURN");
            return Err(Error::new(SqlState::FUNCTION_EXECUTED_NO_RETURN_STATEMENT, message));
        }
        self.finish()
    }

    /// Stores the arguments.
    fn begin_call(&mut self) -> Result<()> {
        self.phase("while storing call arguments into local variables");
        for (number, argument) in self.function.arguments.iter().zip(&self.call.arguments) {
            let data_type = self.variable(*number)?.data_type;
            match data_type.is_row() {
                false => self.set(*number, argument.clone()),
                true if argument.is_null() => self.move_null(*number)?,
                true => {
                    let fields = self.variable(*number)?.columns.clone();
                    let record = self.record_of(Typed { data_type, value: argument.clone(), fields })?;
                    self.move_record(*number, record)?;
                }
            }
        }
        Ok(())
    }

    fn begin_event(&mut self) {
        let Some(variables) = &self.function.trigger else { return };
        let (event, tag) = self.call.event.as_ref().map_or(("", ""), |(event, tag)| (event, tag));
        for (what, number) in &variables.special {
            let value = if *what == TriggerVariable::Event { event } else { tag };
            self.set(*number, Value::Text(value.to_owned()));
        }
    }

    /// Stores NEW, OLD and what the body names of TG_….
    fn begin_trigger(&mut self, trigger: &Trigger) -> Result<()> {
        let variables =
            self.function.trigger.as_ref().ok_or_else(|| Error::internal("a trigger without its variables"))?;
        for (number, row) in [(variables.new, &trigger.new), (variables.old, &trigger.old)] {
            let record = row.as_ref().map(|values| Record {
                data_type: trigger.row_type,
                columns: Arc::clone(&trigger.columns),
                values: values.clone(),
            });
            if let Some(slot) = self.slots.get_mut(number as usize) {
                *slot = Slot::Record(record, Some(Arc::clone(&trigger.columns)));
            }
        }
        for (what, number) in &variables.special {
            let value = trigger_value(trigger, *what)?;
            self.set(*number, value);
        }
        Ok(())
    }
}

fn trigger_value(trigger: &Trigger, what: TriggerVariable) -> Result<Value> {
    let text = |text: &str| Value::Text(text.to_owned());
    Ok(match what {
        TriggerVariable::Name => text(&trigger.name),
        TriggerVariable::When => text(match trigger.when {
            TriggerWhen::Before => "BEFORE",
            TriggerWhen::After => "AFTER",
            TriggerWhen::InsteadOf => "INSTEAD OF",
        }),
        TriggerVariable::Level => text(if trigger.for_each_row { "ROW" } else { "STATEMENT" }),
        TriggerVariable::Operation => text(match trigger.operation {
            TriggerOperation::Insert => "INSERT",
            TriggerOperation::Update => "UPDATE",
            TriggerOperation::Delete => "DELETE",
            TriggerOperation::Truncate => "TRUNCATE",
        }),
        TriggerVariable::Relid => Value::Integer(i64::from(trigger.table.0)),
        TriggerVariable::TableName => text(&trigger.table_name),
        TriggerVariable::TableSchema => text(&trigger.schema_name),
        TriggerVariable::ArgumentCount => Value::Integer(trigger.arguments.len() as i64),
        TriggerVariable::Arguments if trigger.arguments.is_empty() => Value::Null,
        TriggerVariable::Arguments => {
            // PostgreSQL's begins at 0; arrays are stored from 1.
            let mut stored = String::from("[");
            for (index, argument) in trigger.arguments.iter().enumerate() {
                stored.push_str(if index > 0 { "," } else { "" });
                push_element(&mut stored, Scalar::Text, ValueRef::Text(argument))?;
            }
            stored.push(']');
            Value::Text(stored)
        }
        TriggerVariable::Event | TriggerVariable::Tag => Value::Null,
    })
}
