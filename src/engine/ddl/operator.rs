//! CREATE, ALTER and DROP OPERATOR.
//!
//! Specification: sql-createoperator.html; operatorcmds.c, pg_operator.c, parse_oper.c.

use std::sync::Arc;

use super::Change;
use super::drop::Object;
use super::follow::Renamed;
use super::routine::definition::{boolean, qualified_name, type_name};
use super::routine::routine_name;
use crate::catalog::objects::{PG_OPERATOR, UserOperator};
use crate::catalog::store;
use crate::catalog::tables::{operators, procs};
use crate::engine::identity::denied;
use crate::error::{Error, Result, SqlState};
use crate::sql::ddl::{DataType, DefineStmt, ObjectWithArgs, RoutineChange};
use crate::sql::stored;
use crate::sql::syntax::ast::definition::DefElem;
use crate::types::pg_type::Oid;

/// What CREATE OPERATOR says.
#[derive(Default)]
struct Clauses {
    left: Option<DataType>,
    right: Option<DataType>,
    function: Option<Vec<String>>,
    commutator: Option<Vec<String>>,
    negator: Option<Vec<String>>,
    restrict: Option<Vec<String>>,
    join: Option<Vec<String>>,
    merges: bool,
    hashes: bool,
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(SqlState::INVALID_FUNCTION_DEFINITION, message.into())
}

impl Change<'_> {
    pub(super) fn create_operator(&mut self, define: &DefineStmt) -> Result<()> {
        let name = routine_name(&define.name)?;
        let schema = self.creation_schema(&name, false)?;
        let clauses = self.operator_clauses(&define.definition)?;
        let function = clauses.function.as_ref().ok_or_else(|| invalid("operator function must be specified"))?;
        let left = clauses.left.as_ref().map(|left| self.routine_type(left)).transpose()?.unwrap_or_default();
        let Some(right) = &clauses.right else {
            return Err(match clauses.left {
                None => invalid("operator argument types must be specified"),
                Some(_) => invalid("operator right argument type must be specified")
                    .with_detail("Postfix operators are not supported."),
            });
        };
        let right = self.routine_type(right)?;
        let types: Vec<Oid> = [left, right].into_iter().filter(|oid| *oid != Oid::INVALID).collect();
        let found = stored::support_function(function, &types, self.planning())?;
        if found.declared != types {
            let shown: Vec<String> = types.iter().map(|oid| self.shown_type(*oid)).collect();
            let message = format!("function {}({}) does not exist", function.join("."), shown.join(", "));
            return Err(Error::new(SqlState::UNDEFINED_FUNCTION, message));
        }
        self.require_execute(found.oid)?;
        let returns = self.declared_result(found.oid);
        let mut operator = UserOperator {
            oid: Oid::INVALID,
            schema,
            name: name.name.clone(),
            left,
            right,
            function: found.oid,
            result: returns,
            commutator: Oid::INVALID,
            negator: Oid::INVALID,
            restrict: self.estimator(clauses.restrict.as_deref(), "internal, oid, internal, integer")?,
            join: self.estimator(clauses.join.as_deref(), "internal, oid, internal, smallint, internal")?,
            merges: clauses.merges,
            hashes: clauses.hashes,
        };
        check_optimizer_clauses(&operator, &clauses)?;
        let existing = self.catalog.operator(&operator.schema, &operator.name, operator.operands()).cloned();
        operator.oid = match &existing {
            Some(existing) if !existing.is_shell() => {
                let message = format!("operator {} already exists", operator.name);
                return Err(Error::new(SqlState::DUPLICATE_FUNCTION, message));
            }
            Some(shell) => {
                if !self.catalog.owns(&self.holder(), PG_OPERATOR, shell.oid) {
                    return Err(denied(format!("must be owner of operator {}", shell.name)));
                }
                shell.oid
            }
            None => self.new_oid()?,
        };
        self.put_operator(operator.clone())?;
        self.own_operator(operator.oid)?;
        if let Some(commutator) = &clauses.commutator {
            operator.commutator = self.other_operator(commutator, [right, left], &operator, true)?;
        }
        if let Some(negator) = &clauses.negator {
            operator.negator = self.other_operator(negator, [left, right], &operator, false)?;
        }
        self.put_operator(operator.clone())?;
        self.link_back(&operator)
    }

    fn operator_clauses(&mut self, definition: &[DefElem]) -> Result<Clauses> {
        let mut clauses = Clauses::default();
        let operand = |option: &DefElem| match type_name(option)? {
            data_type if data_type.setof => Err(invalid("SETOF type not allowed for operator argument")),
            data_type => Ok(Some(data_type)),
        };
        for option in definition {
            match option.name.as_str() {
                "leftarg" => clauses.left = operand(option)?,
                "rightarg" => clauses.right = operand(option)?,
                "function" | "procedure" => clauses.function = Some(qualified_name(option)?),
                "commutator" => clauses.commutator = Some(qualified_name(option)?),
                "negator" => clauses.negator = Some(qualified_name(option)?),
                "restrict" => clauses.restrict = Some(qualified_name(option)?),
                "join" => clauses.join = Some(qualified_name(option)?),
                "hashes" => clauses.hashes = boolean(option)?,
                "merges" => clauses.merges = boolean(option)?,
                "sort1" | "sort2" | "ltcmp" | "gtcmp" => clauses.merges = true,
                other => {
                    self.warn(SqlState::SYNTAX_ERROR, format!("operator attribute \"{other}\" not recognized"));
                }
            }
        }
        Ok(clauses)
    }

    fn declared_result(&self, function: Oid) -> Oid {
        match self.catalog.routines.get(&function) {
            Some(routine) => routine.returns,
            None => procs::proc(function).map_or(Oid::INVALID, |proc| proc.returns()),
        }
    }

    /// A function that estimates how many rows an operator selects; they are kept only.
    fn estimator(&self, name: Option<&[String]>, arguments: &str) -> Result<Oid> {
        let Some(name) = name else { return Ok(Oid::INVALID) };
        let own = name.last().and_then(|name| procs::procs_named(name).into_iter().next());
        own.filter(|proc| proc.returns() == Oid::FLOAT8).map(|proc| proc.oid).ok_or_else(|| {
            let message = format!("function {}({arguments}) does not exist", name.join("."));
            Error::new(SqlState::UNDEFINED_FUNCTION, message)
        })
    }

    /// get_other_operator: the one named, or a shell of it.
    fn other_operator(
        &mut self,
        name: &[String],
        operands: [Oid; 2],
        of: &UserOperator,
        may_be_self: bool,
    ) -> Result<Oid> {
        let name = routine_name(name)?;
        if let Some(found) = self.find_operator(&name, operands) {
            if found == of.oid && !may_be_self {
                return Err(invalid("operator cannot be its own negator or sort operator"));
            }
            return Ok(found);
        }
        let schema = self.creation_schema(&name, false)?;
        let oid = self.new_oid()?;
        let [left, right] = operands;
        self.put_operator(UserOperator { oid, schema, name: name.name, left, right, ..UserOperator::default() })?;
        self.own_operator(oid)?;
        Ok(oid)
    }

    /// OperatorUpd: the other ones name this one, too.
    fn link_back(&mut self, operator: &UserOperator) -> Result<()> {
        if let Some(other) = self.catalog.operators.get(&operator.commutator).cloned()
            && other.oid != operator.oid
            && other.commutator == Oid::INVALID
        {
            self.put_operator(UserOperator { commutator: operator.oid, ..UserOperator::clone(&other) })?;
        }
        if let Some(other) = self.catalog.operators.get(&operator.negator).cloned()
            && other.negator == Oid::INVALID
        {
            self.put_operator(UserOperator { negator: operator.oid, ..UserOperator::clone(&other) })?;
        }
        Ok(())
    }

    fn put_operator(&mut self, operator: UserOperator) -> Result<()> {
        self.sqlite(store::put_operator(self.connection, &operator))?;
        self.catalog_mut().operators.insert(operator.oid, Arc::new(operator));
        Ok(())
    }

    fn own_operator(&mut self, oid: Oid) -> Result<()> {
        match self.holder().role {
            Oid::BOOTSTRAP_SUPERUSER => Ok(()),
            role => self.put_privileges((PG_OPERATOR, oid, 0), role, None),
        }
    }

    pub(super) fn remove_operator(&mut self, oid: Oid) -> Result<()> {
        self.sqlite(store::remove_object(self.connection, oid))?;
        let catalog = self.catalog_mut();
        catalog.operators.remove(&oid);
        catalog.remove_comments(oid);
        let linked = |operator: &&Arc<UserOperator>| operator.commutator == oid || operator.negator == oid;
        let linked: Vec<Arc<UserOperator>> = self.catalog.operators.values().filter(linked).cloned().collect();
        for other in linked {
            let mut other = UserOperator::clone(&other);
            other.commutator = if other.commutator == oid { Oid::INVALID } else { other.commutator };
            other.negator = if other.negator == oid { Oid::INVALID } else { other.negator };
            self.put_operator(other)?;
        }
        Ok(())
    }

    // ----- operators that statements name

    fn find_operator(&self, name: &crate::sql::ddl::Name, operands: [Oid; 2]) -> Option<Oid> {
        let [left, right] = operands;
        let own = || operators::operator(&name.name, left, right).map(|own| own.oid);
        let of = |schema: &str| self.catalog.operator(schema, &name.name, operands).map(|operator| operator.oid);
        match &name.schema {
            Some(schema) if schema == "pg_catalog" => own(),
            Some(schema) => of(schema),
            None => own().or_else(|| self.search_path.iter().find_map(|schema| of(schema))),
        }
    }

    /// LookupOperName: the operator for exactly these types, `Oid::INVALID` on the left for a prefix operator.
    pub(super) fn named_operator(&self, name: &[String], operands: [Oid; 2]) -> Result<Oid> {
        self.find_operator(&routine_name(name)?, operands).ok_or_else(|| {
            let [left, right] = operands;
            let left = if left == Oid::INVALID { String::new() } else { format!("{} ", self.shown_type(left)) };
            let message = format!("operator does not exist: {left}{} {}", name.join("."), self.shown_type(right));
            Error::new(SqlState::UNDEFINED_FUNCTION, message)
        })
    }

    /// LookupOperWithArgs
    pub(super) fn operator_with_args(&mut self, object: &ObjectWithArgs) -> Result<Oid> {
        let mut operands = [Oid::INVALID; 2];
        for (operand, written) in operands.iter_mut().zip(&object.args) {
            if let Some(written) = written {
                *operand = self.routine_type(written)?;
            }
        }
        self.named_operator(&object.name, operands)
    }

    /// One of the user's own, which the role may change.
    fn own_operator_of(&mut self, object: &ObjectWithArgs) -> Result<Arc<UserOperator>> {
        let oid = self.operator_with_args(object)?;
        let missing = || denied(format!("must be owner of operator {}", object.name.join(".")));
        let Some(operator) = self.catalog.operators.get(&oid).cloned() else {
            let name = object.name.join(".");
            return Err(match self.holder().superuser {
                true => Error::unsupported(format!("changing the system's operator {name}")),
                false => missing(),
            });
        };
        match self.catalog.owns(&self.holder(), PG_OPERATOR, oid) {
            true => Ok(operator),
            false => Err(missing()),
        }
    }

    pub(super) fn require_operator_owner(&mut self, object: &ObjectWithArgs) -> Result<Oid> {
        self.own_operator_of(object).map(|operator| operator.oid)
    }

    pub(super) fn drop_operators(
        &mut self,
        objects: &[ObjectWithArgs],
        (if_exists, cascade): (bool, bool),
    ) -> Result<()> {
        let mut dropped = Vec::new();
        for object in objects {
            if let Ok(oid) = self.operator_with_args(object)
                && self.holder().superuser
                && let Some(own) = operators::operator_by_oid(oid)
            {
                let shown = |oid: Oid| if oid == Oid::INVALID { "NONE".to_owned() } else { self.shown_type(oid) };
                let message = format!(
                    "cannot drop operator {}({},{}) because it is required by the database system",
                    own.name,
                    shown(own.left),
                    shown(own.right)
                );
                return Err(Error::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, message));
            }
            match self.own_operator_of(object) {
                Ok(operator) => dropped.push(Object::Operator(operator.oid)),
                Err(error) if if_exists && is_missing(&error) => {
                    let message = match error.code() {
                        SqlState::UNDEFINED_FUNCTION => {
                            format!("operator {} does not exist, skipping", object.name.join("."))
                        }
                        _ => format!("{}, skipping", error.message()),
                    };
                    self.notice(SqlState::SUCCESSFUL_COMPLETION, message);
                }
                Err(error) => return Err(error),
            }
        }
        self.drop_objects(&dropped, cascade)
    }

    pub(super) fn alter_operator(&mut self, object: &ObjectWithArgs, options: &[DefElem]) -> Result<()> {
        let operator = self.own_operator_of(object)?;
        let mut changed = UserOperator::clone(&operator);
        for option in options {
            let name = match option.arg {
                None => None,
                Some(_) => Some(qualified_name(option)?),
            };
            match option.name.as_str() {
                "restrict" => {
                    changed.restrict = self.estimator(name.as_deref(), "internal, oid, internal, integer")?;
                }
                "join" => {
                    changed.join = self.estimator(name.as_deref(), "internal, oid, internal, smallint, internal")?;
                }
                "leftarg" | "rightarg" | "function" | "procedure" | "commutator" | "negator" | "hashes" | "merges" => {
                    let message = format!("operator attribute \"{}\" cannot be changed", option.name);
                    return Err(Error::new(SqlState::SYNTAX_ERROR, message));
                }
                other => {
                    let message = format!("operator attribute \"{other}\" not recognized");
                    return Err(Error::new(SqlState::SYNTAX_ERROR, message));
                }
            }
        }
        let is_binary = changed.left != Oid::INVALID;
        if !is_binary && changed.join != Oid::INVALID {
            return Err(invalid("only binary operators can have join selectivity"));
        }
        if changed.result != Oid::BOOL && changed.restrict != Oid::INVALID {
            return Err(invalid("only boolean operators can have restriction selectivity"));
        }
        if changed.result != Oid::BOOL && changed.join != Oid::INVALID {
            return Err(invalid("only boolean operators can have join selectivity"));
        }
        self.put_operator(changed)
    }

    pub(super) fn change_operator(&mut self, object: &ObjectWithArgs, change: &RoutineChange) -> Result<()> {
        let operator = self.own_operator_of(object)?;
        match change {
            RoutineChange::Rename(_) => Err(Error::internal("an operator is not renamed")),
            RoutineChange::Owner(owner) => {
                let owner = self.role(owner)?;
                self.require_member(owner)?;
                self.put_privileges((PG_OPERATOR, operator.oid, 0), owner, None)
            }
            RoutineChange::SetSchema(schema) => {
                let schema = self.existing_schema(schema)?.name.clone();
                if schema == operator.schema {
                    return Ok(());
                }
                if self.catalog.operator(&schema, &operator.name, operator.operands()).is_some() {
                    let message = format!("operator {} already exists in schema \"{schema}\"", operator.name);
                    return Err(Error::new(SqlState::DUPLICATE_FUNCTION, message));
                }
                let before = Arc::clone(&self.catalog);
                self.put_operator(UserOperator { schema, ..UserOperator::clone(&operator) })?;
                self.follow(&before, Renamed::Routine(operator.oid))
            }
        }
    }
}

pub(super) fn is_missing(error: &Error) -> bool {
    matches!(error.code(), SqlState::UNDEFINED_FUNCTION | SqlState::UNDEFINED_OBJECT | SqlState::INVALID_SCHEMA_NAME)
}

/// What only operators of two operands, or those of truth, have (OperatorCreate).
fn check_optimizer_clauses(operator: &UserOperator, clauses: &Clauses) -> Result<()> {
    if operator.left == Oid::INVALID {
        for (is_given, what) in [
            (clauses.commutator.is_some(), "have commutators"),
            (operator.join != Oid::INVALID, "have join selectivity"),
            (clauses.merges, "merge join"),
            (clauses.hashes, "hash"),
        ] {
            if is_given {
                return Err(invalid(format!("only binary operators can {what}")));
            }
        }
    }
    if operator.result != Oid::BOOL {
        for (is_given, what) in [
            (clauses.negator.is_some(), "have negators"),
            (operator.restrict != Oid::INVALID, "have restriction selectivity"),
            (operator.join != Oid::INVALID, "have join selectivity"),
            (clauses.merges, "merge join"),
            (clauses.hashes, "hash"),
        ] {
            if is_given {
                return Err(invalid(format!("only boolean operators can {what}")));
            }
        }
    }
    Ok(())
}
