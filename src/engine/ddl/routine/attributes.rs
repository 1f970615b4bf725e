//! What is said of a function besides its signature and its body: volatility, SECURITY DEFINER, COST, SET …
//!
//! Specification: compute_function_attributes and AlterFunction in functioncmds.c.

use super::{Change, invalid, option};
use crate::catalog::routines::{Routine, Volatility};
use crate::error::{Error, Result, SqlState};
use crate::sql::ddl::AlterFunctionStmt;
use crate::sql::define::setting_value;
use crate::sql::syntax::ast::definition::{DefArg, DefElem};
use crate::sql::syntax::ast::statement::VariableSetKind;

impl Change<'_> {
    pub(in crate::engine::ddl) fn alter_routine(&mut self, alter: &AlterFunctionStmt) -> Result<()> {
        let routine = self.named_routine(alter.object_type, &alter.function)?;
        self.require_routine_owner(&routine)?;
        let mut routine = Routine::clone(&routine);
        self.set_attributes(&mut routine, &alter.actions)?;
        self.put_routine(routine)
    }

    pub(super) fn set_attributes(&self, routine: &mut Routine, options: &[DefElem]) -> Result<()> {
        for name in ["volatility", "strict", "security", "leakproof", "parallel", "cost", "rows"] {
            let Some(written) = option(options, name)? else { continue };
            if routine.is_procedure() && name != "security" {
                return Err(invalid("invalid attribute in procedure definition"));
            }
            match (name, &written.arg) {
                ("volatility", Some(DefArg::String(word))) => {
                    routine.volatility = Volatility::of_letter(word.get(..1).unwrap_or_default());
                }
                ("strict", Some(DefArg::Boolean(strict))) => routine.strict = *strict,
                ("security", Some(DefArg::Boolean(definer))) => routine.security_definer = *definer,
                ("leakproof", Some(DefArg::Boolean(leakproof))) => {
                    if *leakproof && !self.holder().superuser {
                        let message = "only superuser can define a leakproof function";
                        return Err(crate::engine::identity::denied(message));
                    }
                    routine.leakproof = *leakproof;
                }
                ("parallel", Some(DefArg::String(word))) => {
                    routine.parallel = match word.as_str() {
                        "safe" => b's',
                        "restricted" => b'r',
                        "unsafe" => b'u',
                        _ => {
                            let message = "parameter \"parallel\" must be SAFE, RESTRICTED, or UNSAFE";
                            return Err(Error::new(SqlState::SYNTAX_ERROR, message));
                        }
                    };
                }
                ("cost", Some(arg)) => routine.cost = positive(arg, "COST must be positive")?,
                (_, Some(arg)) => {
                    let rows = positive(arg, "ROWS must be positive")?;
                    if !routine.returns_set {
                        let message = "ROWS is not applicable when function does not return a set";
                        return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
                    }
                    routine.rows = rows;
                }
                _ => return Err(Error::internal("an attribute without a value")),
            }
        }
        options.iter().filter(|option| option.name == "set").try_for_each(|set| self.set_setting(routine, set))
    }

    /// SET name TO value, RESET name, RESET ALL.
    fn set_setting(&self, routine: &mut Routine, set: &DefElem) -> Result<()> {
        let Some(DefArg::Set(set)) = &set.arg else { return Err(Error::internal("a setting without a value")) };
        let settings = self.context.settings;
        let known = |name: &str| settings.name_for_later(name);
        let (name, value) = match &set.kind {
            VariableSetKind::ResetAll => {
                routine.settings.clear();
                return Ok(());
            }
            VariableSetKind::Reset { name } | VariableSetKind::Default { name } => (known(name)?, None),
            VariableSetKind::Value { name, args } => {
                let value = setting_value(name, args)?;
                settings.check_for_later(name, &value)?;
                (known(name)?, Some(value))
            }
            VariableSetKind::Current { name } => (known(name)?, Some(settings.show(name)?)),
            VariableSetKind::Snapshot(_) | VariableSetKind::Modes { .. } => {
                return Err(Error::unsupported("SET TRANSACTION of a function"));
            }
        };
        let place = routine.settings.iter().position(|(known, _)| *known == name);
        match (place.and_then(|place| routine.settings.get_mut(place)), value) {
            (Some(known), Some(value)) => known.1 = value,
            (None, Some(value)) => routine.settings.push((name, value)),
            (_, None) => routine.settings.retain(|(known, _)| *known != name),
        }
        Ok(())
    }
}

fn positive(arg: &DefArg, message: &'static str) -> Result<f64> {
    let number = match arg {
        DefArg::Integer(number) => f64::from(*number),
        DefArg::Float(text) => text.parse().unwrap_or(0.0),
        _ => 0.0,
    };
    match number > 0.0 {
        true => Ok(number),
        false => Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message)),
    }
}
