//! CREATE CAST and DROP CAST.
//!
//! Specification: sql-createcast.html; CreateCast in functioncmds.c.

use super::Change;
use super::drop::Object;
use super::routine::written;
use crate::catalog::objects::UserCast;
use crate::catalog::privileges::{PG_CLASS, PG_TYPE};
use crate::catalog::schema::UserTypeKind;
use crate::catalog::store;
use crate::catalog::tables::procs;
use crate::engine::identity::denied;
use crate::error::{Error, Result, SqlState};
use crate::sql::ddl::{CreateCastStmt, DataType, ObjectWithArgs, WrittenCastContext};
use crate::sql::stored;
use crate::types::pg_type::{Oid, type_info};

fn invalid(message: impl Into<String>) -> Error {
    Error::new(SqlState::INVALID_OBJECT_DEFINITION, message.into())
}

/// What a cast is made by.
struct CastFunction {
    oid: Oid,
    types: Vec<Oid>,
    returns: Oid,
}

impl Change<'_> {
    pub(super) fn create_cast(&mut self, create: &CreateCastStmt) -> Result<()> {
        let (source, target) = (self.routine_type(&create.source)?, self.routine_type(&create.target)?);
        for (oid, which) in [(source, "source"), (target, "target")] {
            if type_info(oid).is_some_and(|info| info.kind == b'p') {
                let message = format!("{which} data type {} is a pseudo-type", self.shown_type(oid));
                return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
            }
        }
        if !self.owns_type(source) && !self.owns_type(target) {
            let (source, target) = (self.shown_type(source), self.shown_type(target));
            return Err(denied(format!("must be owner of type {source} or type {target}")));
        }
        for (oid, which) in [(source, "source"), (target, "target")] {
            if self.is_domain(oid) {
                let message = format!("cast will be ignored because the {which} data type is a domain");
                self.warn(SqlState::WRONG_OBJECT_TYPE, message);
                break;
            }
        }
        let (function, method) = match (&create.function, create.inout) {
            (Some(object), _) => (self.cast_function(object, source, target)?, b'f'),
            (None, true) => (Oid::INVALID, b'i'),
            (None, false) => {
                self.check_binary_cast(source, target)?;
                (Oid::INVALID, b'b')
            }
        };
        if source == target && self.count_of_arguments(function) < 2 {
            return Err(invalid("source data type and target data type are the same"));
        }
        let exists = self.catalog.cast(source, target).is_some() || procs::has_cast(source, target);
        if exists {
            let (source, target) = (self.shown_type(source), self.shown_type(target));
            let message = format!("cast from type {source} to type {target} already exists");
            return Err(Error::new(SqlState::DUPLICATE_OBJECT, message));
        }
        if source == target {
            return Err(Error::unsupported("a cast of a type to itself"));
        }
        let context = match create.context {
            WrittenCastContext::Implicit => b'i',
            WrittenCastContext::Assignment => b'a',
            WrittenCastContext::Explicit => b'e',
        };
        let cast = UserCast { oid: self.new_oid()?, source, target, function, context, method };
        self.sqlite(store::put_cast(self.connection, &cast))?;
        self.catalog_mut().casts.insert(cast.oid, cast);
        Ok(())
    }

    fn owns_type(&self, oid: Oid) -> bool {
        let holder = self.holder();
        let relation = crate::catalog::composite::row_relation(&self.catalog, oid);
        match relation {
            Some(relation) => self.catalog.owns(&holder, PG_CLASS, relation.oid),
            None => self.catalog.owns(&holder, PG_TYPE, oid),
        }
    }

    fn is_domain(&self, oid: Oid) -> bool {
        self.catalog.types.get(&oid).is_some_and(|found| matches!(found.kind, UserTypeKind::Domain { .. }))
    }

    fn count_of_arguments(&self, function: Oid) -> usize {
        match self.catalog.routines.get(&function) {
            Some(routine) => routine.inputs().count(),
            None => procs::proc(function).map_or(0, |proc| proc.argument_types().len()),
        }
    }

    fn cast_function(&mut self, object: &ObjectWithArgs, source: Oid, target: Oid) -> Result<Oid> {
        let function = self.named_function(object)?;
        let count = function.types.len();
        if !(1..=3).contains(&count) {
            return Err(invalid("cast function must take one to three arguments"));
        }
        let first = function.types.first().copied().unwrap_or_default();
        if !stored::is_binary_coercible(source, first, self.planning()) {
            let message = "argument of cast function must match or be binary-coercible from source data type";
            return Err(invalid(message));
        }
        for (place, oid, which, name) in [(1, Oid::INT4, "second", "integer"), (2, Oid::BOOL, "third", "boolean")] {
            if function.types.get(place).is_some_and(|given| *given != oid) {
                return Err(invalid(format!("{which} argument of cast function must be type {name}")));
            }
        }
        if !stored::is_binary_coercible(function.returns, target, self.planning()) {
            let message = "return data type of cast function must match or be binary-coercible to target data type";
            return Err(invalid(message));
        }
        self.require_execute(function.oid)?;
        Ok(function.oid)
    }

    /// The function that WITH FUNCTION names.
    fn named_function(&mut self, object: &ObjectWithArgs) -> Result<CastFunction> {
        use crate::sql::ddl::ObjectType;
        let error = match self.named_routine(ObjectType::Function, object) {
            Ok(routine) if routine.is_aggregate() => return Err(invalid("cast function must be a normal function")),
            Ok(routine) if routine.returns_set => return Err(invalid("cast function must not return a set")),
            Ok(routine) => {
                let (oid, types, returns) = (routine.oid, routine.input_types(), routine.returns);
                return Ok(CastFunction { oid, types, returns });
            }
            Err(error) => error,
        };
        let types = object.parameters.iter().map(|parameter| self.routine_type(&parameter.type_name));
        let types = types.collect::<Result<Vec<Oid>>>()?;
        let own = |name: &str| procs::procs_named(name).into_iter().find(|proc| proc.argument_types() == types);
        let own = match object.name.as_slice() {
            [name] => own(name),
            [schema, name] if schema == "pg_catalog" => own(name),
            _ => None,
        };
        let Some(own) = own.filter(|own| own.is_function()) else { return Err(error) };
        // It must be one that can be called.
        stored::support_function(&object.name, &types, self.planning())?;
        Ok(CastFunction { oid: own.oid, types, returns: own.returns() })
    }

    /// WITHOUT FUNCTION: values are stored alike.
    fn check_binary_cast(&self, source: Oid, target: Oid) -> Result<()> {
        if !self.holder().superuser {
            return Err(denied("must be superuser to create a cast WITHOUT FUNCTION"));
        }
        let facts = |oid: Oid| crate::catalog::tables::types::type_facts(&self.catalog, oid);
        let (from, to) = (facts(source), facts(target));
        if (from.len, from.by_value, from.align) != (to.len, to.by_value, to.align) {
            return Err(invalid("source and target data types are not physically compatible"));
        }
        let both = |of: &dyn Fn(Oid) -> bool| of(source) || of(target);
        let relation = |oid: Oid| crate::catalog::composite::row_relation(&self.catalog, oid).is_some();
        for (is_so, what) in [
            (both(&relation), "composite data types are not binary-compatible"),
            (both(&|oid| facts(oid).category == b'E'), "enum data types are not binary-compatible"),
            (both(&|oid| facts(oid).category == b'A'), "array data types are not binary-compatible"),
            (both(&|oid| self.is_domain(oid)), "domain data types must not be marked binary-compatible"),
        ] {
            if is_so {
                return Err(invalid(what));
            }
        }
        let scalar = |oid: Oid| self.catalog.repr(oid).map(|repr| repr.scalar);
        match scalar(source) == scalar(target) {
            true => Ok(()),
            false => Err(Error::unsupported("a cast WITHOUT FUNCTION between types that are stored differently")),
        }
    }

    pub(super) fn drop_cast(
        &mut self,
        source: &DataType,
        target: &DataType,
        (if_exists, cascade): (bool, bool),
    ) -> Result<()> {
        match self.named_cast(source, target) {
            Ok(oid) => self.drop_objects(&[Object::Cast(oid)], cascade),
            Err(error) if if_exists && super::operator::is_missing(&error) => {
                let (source, target) = (written(source), written(target));
                let message = format!("cast from type {source} to type {target} does not exist, skipping");
                self.notice(SqlState::SUCCESSFUL_COMPLETION, message);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// The user's cast between two types, which the role may change: 42704.
    pub(super) fn named_cast(&mut self, source: &DataType, target: &DataType) -> Result<Oid> {
        let (source, target) = (self.routine_type(source)?, self.routine_type(target)?);
        let shown = || (self.shown_type(source), self.shown_type(target));
        let found = self.catalog.cast(source, target).map(|cast| cast.oid);
        let Some(found) = found else {
            let (source, target) = shown();
            return Err(Error::new(
                SqlState::UNDEFINED_OBJECT,
                format!("cast from type {source} to type {target} does not exist"),
            ));
        };
        match self.owns_type(self.catalog.cast(source, target).map_or(source, |cast| cast.source))
            || self.owns_type(target)
        {
            true => Ok(found),
            false => {
                let (source, target) = shown();
                Err(denied(format!("must be owner of type {source} or type {target}")))
            }
        }
    }

    pub(super) fn remove_cast(&mut self, oid: Oid) -> Result<()> {
        self.sqlite(store::remove_object(self.connection, oid))?;
        let catalog = self.catalog_mut();
        catalog.casts.remove(&oid);
        catalog.remove_comments(oid);
        Ok(())
    }
}
