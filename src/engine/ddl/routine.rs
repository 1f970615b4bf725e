//! CREATE, ALTER and DROP of functions and procedures.
//!
//! Must not know: how they run (`engine::routines`). Specification: sql-createfunction.html and its kin; functioncmds.c,
//! pg_proc.c, parse_func.c (LookupFuncWithArgs).

mod aggregate;
mod attributes;
pub(super) mod definition;
mod lookup;

pub(super) use lookup::written;

use std::sync::Arc;

use super::Change;
use crate::catalog::composite::row_type_oid;
use crate::catalog::definitions::Names;
use crate::catalog::routines::{
    Body, Effects, Language, PG_PROC, Parameter, ParameterMode, Routine, RoutineKind, Volatility, is_compatible,
    is_polymorphic,
};
use crate::catalog::schema::RelationKind;
use crate::catalog::schema::Uses;
use crate::catalog::store;
use crate::engine::ddl::drop::Object;
use crate::engine::ddl::follow::Renamed;
use crate::engine::routines;
use crate::error::{Error, Result, SqlState};
use crate::sql::ddl::{CreateFunctionStmt, DataType, Expr, Name, ObjectType, ObjectWithArgs, RoutineChange};
use crate::sql::ruleutils::Unknown;
use crate::sql::stored;
use crate::sql::syntax::ast::definition::{DefArg, DefElem};
use crate::sql::syntax::ast::routine::{FunctionParameter, FunctionParameterMode, RoutineBody};
use crate::sql::syntax::print;
use crate::types::pg_type::{Oid, type_info};

/// 42P13
fn invalid(message: impl Into<String>) -> Error {
    Error::new(SqlState::INVALID_FUNCTION_DEFINITION, message.into())
}

/// An option that can be written once.
pub(super) fn option<'o>(options: &'o [DefElem], name: &str) -> Result<Option<&'o DefElem>> {
    let mut found = options.iter().filter(|option| option.name == name);
    let first = found.next();
    match found.next() {
        Some(_) => Err(Error::new(SqlState::SYNTAX_ERROR, "conflicting or redundant options")),
        None => Ok(first),
    }
}

impl Change<'_> {
    pub(super) fn create_routine(&mut self, create: &CreateFunctionStmt) -> Result<()> {
        let name = routine_name(&create.name)?;
        let is_temporary = name.schema.as_deref() == Some("pg_temp");
        let schema = self.creation_schema(&name, is_temporary)?;
        if is_temporary {
            self.ensure_temporary()?;
        }
        let options = create.options.as_slice();
        let language = self.language(create)?;
        for unsupported in ["transform", "window", "support"] {
            if option(options, unsupported)?.is_some() {
                if create.is_procedure && unsupported == "window" {
                    return Err(invalid("invalid attribute in procedure definition"));
                }
                return Err(Error::unsupported(format!("{} of a function", unsupported.to_uppercase())));
            }
        }
        let kind = if create.is_procedure { RoutineKind::Procedure } else { RoutineKind::Function };
        let parameters = self.routine_parameters(create, language)?;
        let (returns, returns_set) = self.routine_result(create, &parameters)?;
        if create.body.is_some() && parameters.iter().any(|p| p.mode.is_input() && is_polymorphic(p.type_oid)) {
            return Err(invalid("SQL function with unquoted function body cannot have polymorphic arguments"));
        }
        check_polymorphic(&parameters, returns)?;
        let mut routine = Routine {
            oid: Oid::INVALID,
            schema,
            name: name.name.clone(),
            kind,
            language,
            parameters,
            returns,
            returns_set,
            volatility: Volatility::default(),
            strict: false,
            security_definer: false,
            leakproof: false,
            parallel: b'u',
            cost: 100.0,
            rows: if returns_set { 1000.0 } else { 0.0 },
            settings: Vec::new(),
            body: Body::Text(String::new()),
            effects: Effects::default(),
            uses: Uses::default(),
            aggregate: None,
        };
        routine.body = match (&create.body, body_of(create, language)?) {
            (Some(RoutineBody::Return(value)), Body::Parsed(_)) => {
                let parameters = stored::parameter_relation(&routine, &self.catalog);
                let unknown = Unknown::Of(routine.returns);
                Body::Parsed(format!("RETURN {}", self.printed(value, Some(&parameters), unknown)))
            }
            (_, body) => body,
        };
        self.set_attributes(&mut routine, options)?;
        let existing = self.catalog.routine(&routine.schema, &routine.name, &routine.input_types()).cloned();
        routine.oid = match &existing {
            None => self.new_oid()?,
            Some(existing) => {
                self.check_replaceable(existing, &routine, create.replace)?;
                existing.oid
            }
        };
        let checks = self.context.settings.current("check_function_bodies").as_deref() != Some("off");
        let mut notices = Vec::new();
        // It may call itself.
        self.put_routine(routine.clone())?;
        routine.effects = routines::validate(&routine, self.planning(), checks, &mut notices)?;
        self.notices.append(&mut notices);
        routine.uses = routines::uses(&routine, self.planning())?;
        self.put_routine(routine)
    }

    pub(super) fn put_routine(&mut self, routine: Routine) -> Result<()> {
        self.sqlite(store::put_routine(self.connection, &routine))?;
        self.catalog_mut().put_routine(Arc::new(routine));
        Ok(())
    }

    pub(super) fn remove_routine(&mut self, oid: Oid) -> Result<()> {
        if let Some(routine) = self.catalog.routines.get(&oid).cloned() {
            self.sqlite(store::remove_routine(self.connection, &routine))?;
        }
        let catalog = self.catalog_mut();
        catalog.remove_routine(oid);
        catalog.remove_comments(oid);
        Ok(())
    }

    fn language(&self, create: &CreateFunctionStmt) -> Result<Language> {
        let written = match option(&create.options, "language")?.map(|option| &option.arg) {
            Some(Some(DefArg::String(name))) => name.to_lowercase(),
            _ if create.body.is_some() => "sql".to_owned(),
            _ => return Err(invalid("no language specified")),
        };
        match written.as_str() {
            "sql" => Ok(Language::Sql),
            "plpgsql" => Ok(Language::PlPgSql),
            "c" | "internal" => Err(Error::unsupported(format!("LANGUAGE {written}"))),
            _ => {
                let message = format!("language \"{written}\" does not exist");
                Err(Error::new(SqlState::UNDEFINED_OBJECT, message))
            }
        }
    }

    // ----- types

    /// A type as functions name one: also that of a table's rows, and that of a column.
    pub(super) fn routine_type(&mut self, data_type: &DataType) -> Result<Oid> {
        if data_type.pct_type {
            return self.column_type(data_type);
        }
        let plain = DataType { setof: false, ..data_type.clone() };
        let error = match self.resolve_type(&plain) {
            Ok(resolved) => return Ok(resolved.oid),
            Err(error) if error.code() == SqlState::UNDEFINED_OBJECT => error,
            Err(error) => return Err(error),
        };
        let relation = routine_name(&data_type.names).ok().and_then(|name| self.find(&name));
        match relation.filter(|r| matches!(r.kind, RelationKind::Table | RelationKind::View)) {
            Some(relation) if data_type.array_bounds.is_empty() => Ok(row_type_oid(&relation)),
            Some(_) => Err(Error::unsupported("an array of a table's rows in a function's signature")),
            None => Err(error),
        }
    }

    /// table.column%TYPE
    fn column_type(&mut self, data_type: &DataType) -> Result<Oid> {
        let Some((column, table)) = data_type.names.split_last() else {
            return Err(Error::internal("a type without a name"));
        };
        if table.is_empty() {
            let message = format!("improper %TYPE reference (too few dotted names): {}", data_type.names.join("."));
            return Err(Error::new(SqlState::SYNTAX_ERROR, message));
        }
        let relation = self.relation(&routine_name(table)?)?;
        let Some(found) = relation.column(column) else {
            let message = format!("column \"{column}\" of relation \"{}\" does not exist", relation.name);
            return Err(Error::new(SqlState::UNDEFINED_COLUMN, message));
        };
        let type_oid = found.type_oid;
        let shown = format!("{}%TYPE", data_type.names.join("."));
        let converted = self.shown_type(type_oid);
        self.notice(SqlState::SUCCESSFUL_COMPLETION, format!("type reference {shown} converted to {converted}"));
        Ok(type_oid)
    }

    pub(super) fn shown_type(&self, oid: Oid) -> String {
        Names { catalog: &self.catalog, search_path: &self.search_path }.format_type(oid, None)
    }

    /// interpret_function_parameter_list
    fn routine_parameters(&mut self, create: &CreateFunctionStmt, language: Language) -> Result<Vec<Parameter>> {
        let mut parameters: Vec<Parameter> = Vec::new();
        let mut has_default = false;
        for written in &create.parameters {
            let mode = mode_of(written.mode);
            if written.type_name.setof {
                return Err(invalid(format!("{}s cannot accept set arguments", noun(create.is_procedure))));
            }
            let found = self.routine_type(&written.type_name);
            let type_oid = found.map_err(|error| match error.code() == SqlState::UNDEFINED_OBJECT {
                true => {
                    let message = format!("type {} does not exist", written.type_name.names.join("."));
                    Error::new(SqlState::UNDEFINED_OBJECT, message)
                }
                false => error,
            })?;
            if language == Language::Sql && mode.is_input() && is_refused_pseudo(type_oid) {
                let message = format!("SQL functions cannot have arguments of type {}", self.shown_type(type_oid));
                return Err(invalid(message));
            }
            let variadic = parameters.iter().any(|known| known.mode == ParameterMode::Variadic);
            if variadic && (mode.is_input() || create.is_procedure && mode == ParameterMode::Out) {
                return Err(invalid(if create.is_procedure {
                    "VARIADIC parameter must be the last parameter"
                } else {
                    "VARIADIC parameter must be the last input parameter"
                }));
            }
            if mode == ParameterMode::Variadic && !self.is_array(type_oid) {
                return Err(invalid("VARIADIC parameter must be an array"));
            }
            let name = written.name.clone().unwrap_or_default();
            check_name(&parameters, &name, mode)?;
            let default = match &written.default {
                Some(_) if !mode.is_input() => return Err(invalid("only input parameters can have default values")),
                Some(default) => {
                    has_default = true;
                    Some(self.parameter_default(default, type_oid)?)
                }
                None if has_default && mode.is_input() => {
                    return Err(invalid("input parameters after one with a default value must also have defaults"));
                }
                None if has_default && create.is_procedure && mode == ParameterMode::Out => {
                    return Err(invalid("procedure OUT parameters cannot appear after one with a default value"));
                }
                None => None,
            };
            parameters.push(Parameter { name, mode, type_oid, default });
        }
        Ok(parameters)
    }

    fn is_array(&self, oid: Oid) -> bool {
        matches!(oid, Oid::ANYARRAY | Oid::ANY)
            || oid == Oid(5078)
            || type_info(oid).is_some_and(|info| info.is_array())
            || self.catalog.types.values().any(|user| user.array == oid)
    }

    fn parameter_default(&self, default: &Expr, type_oid: Oid) -> Result<String> {
        let polymorphic = type_info(type_oid).is_some_and(|info| info.kind == b'p');
        if polymorphic {
            return Ok(self.printed(default, None, Unknown::Text));
        }
        let kept = self.default_expression(default, "", (type_oid, -1))?;
        Ok(kept.unwrap_or_else(|| format!("NULL::{}", self.shown_type(type_oid))))
    }

    /// prorettype and proretset.
    fn routine_result(&mut self, create: &CreateFunctionStmt, parameters: &[Parameter]) -> Result<(Oid, bool)> {
        let outputs: Vec<&Parameter> = parameters.iter().filter(|p| p.mode.is_output()).collect();
        if create.is_procedure {
            return Ok((if outputs.is_empty() { Oid::VOID } else { Oid::RECORD }, false));
        }
        let required = match outputs.as_slice() {
            [] => None,
            [only] => Some(only.type_oid),
            _ => Some(Oid::RECORD),
        };
        let Some(written) = &create.return_type else {
            return match required {
                Some(required) => Ok((required, false)),
                None => Err(invalid("function result type must be specified")),
            };
        };
        let returns = self.routine_type(written)?;
        match required {
            Some(required) if required != returns => {
                let required = self.shown_type(required);
                Err(invalid(format!("function result type must be {required} because of OUT parameters")))
            }
            _ => Ok((returns, written.setof)),
        }
    }

    // ----- replacing

    fn check_replaceable(&self, old: &Routine, new: &Routine, replace: bool) -> Result<()> {
        if !replace {
            let message = format!("function \"{}\" already exists with same argument types", new.name);
            return Err(Error::new(SqlState::DUPLICATE_FUNCTION, message));
        }
        if !self.catalog.owns(&self.holder(), PG_PROC, old.oid) {
            let message = format!("must be owner of {} {}", old.noun(), old.name);
            return Err(crate::engine::identity::denied(message));
        }
        if old.kind != new.kind {
            let detail = match old.kind {
                RoutineKind::Aggregate => format!("\"{}\" is an aggregate function.", old.name),
                _ => format!("\"{}\" is a {}.", old.name, old.noun()),
            };
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, "cannot change routine kind").with_detail(detail));
        }
        let hint = format!("Use DROP {} {} first.", old.noun().to_uppercase(), self.routine_signature(old));
        if old.returns != new.returns || old.returns_set != new.returns_set {
            let message = match old.is_procedure() {
                true => "cannot change whether a procedure has output parameters",
                false => "cannot change return type of existing function",
            };
            return Err(invalid(message).with_hint(hint));
        }
        let row = |routine: &Routine| -> Vec<(String, Oid)> {
            routine.outputs().map(|output| (output.name.clone(), output.type_oid)).collect()
        };
        if old.returns == Oid::RECORD && row(old) != row(new) {
            return Err(invalid("cannot change return type of existing function")
                .with_detail("Row type defined by OUT parameters is different.")
                .with_hint(hint));
        }
        for (old, new) in old.inputs().zip(new.inputs()) {
            if !old.name.is_empty() && old.name != new.name {
                let message = format!("cannot change name of input parameter \"{}\"", old.name);
                return Err(invalid(message).with_hint(hint));
            }
        }
        let defaults = |routine: &Routine| routine.inputs().filter(|input| input.default.is_some()).count();
        if defaults(new) < defaults(old) {
            return Err(invalid("cannot remove parameter defaults from existing function").with_hint(hint));
        }
        Ok(())
    }

    // ----- ALTER … RENAME, SET SCHEMA, OWNER; DROP; COMMENT

    pub(super) fn change_routine(
        &mut self,
        kind: ObjectType,
        object: &ObjectWithArgs,
        change: &RoutineChange,
    ) -> Result<()> {
        let routine = self.named_routine(kind, object)?;
        self.require_routine_owner(&routine)?;
        match change {
            RoutineChange::Owner(owner) => {
                let owner = self.role(owner)?;
                self.change_routine_owner(&routine, owner)
            }
            RoutineChange::Rename(to) => self.move_routine(&routine, routine.schema.clone(), to.clone()),
            RoutineChange::SetSchema(schema) => {
                let schema = self.existing_schema(schema)?.name.clone();
                match schema == routine.schema {
                    true => Ok(()),
                    false => self.move_routine(&routine, schema, routine.name.clone()),
                }
            }
        }
    }

    pub(super) fn move_routine(&mut self, routine: &Routine, schema: String, name: String) -> Result<()> {
        if self.catalog.routine(&schema, &name, &routine.input_types()).is_some() {
            let moved = Routine { name, ..routine.clone() };
            let message =
                format!("function {} already exists in schema \"{schema}\"", self.listed_signature(&moved, ", "));
            return Err(Error::new(SqlState::DUPLICATE_FUNCTION, message));
        }
        let before = Arc::clone(&self.catalog);
        self.put_routine(Routine { schema, name, ..routine.clone() })?;
        self.follow(&before, Renamed::Routine(routine.oid))
    }

    pub(super) fn drop_routines(
        &mut self,
        kind: ObjectType,
        objects: &[ObjectWithArgs],
        (if_exists, cascade): (bool, bool),
    ) -> Result<()> {
        let mut dropped = Vec::new();
        for object in objects {
            match self.named_routine(kind, object) {
                Ok(routine) => {
                    self.require_routine_owner(&routine)?;
                    if kind == ObjectType::Function && routine.is_aggregate() {
                        let message = format!("\"{}\" is an aggregate function", routine.name);
                        let hint = "Use DROP AGGREGATE to drop aggregate functions.";
                        return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message).with_hint(hint));
                    }
                    dropped.push(Object::Routine(routine.oid));
                }
                Err(error) if if_exists && is_missing(&error) => {
                    let missing = self.missing_routine(kind, object, &error);
                    self.notice(SqlState::SUCCESSFUL_COMPLETION, format!("{missing}, skipping"));
                }
                Err(error) => return Err(error),
            }
        }
        self.drop_objects(&dropped, cascade)
    }

    pub(super) fn require_routine_owner(&self, routine: &Routine) -> Result<()> {
        match self.catalog.owns(&self.holder(), PG_PROC, routine.oid) {
            true => Ok(()),
            false => {
                let message = format!("must be owner of {} {}", routine.noun(), routine.name);
                Err(crate::engine::identity::denied(message))
            }
        }
    }
}

fn is_missing(error: &Error) -> bool {
    matches!(error.code(), SqlState::UNDEFINED_FUNCTION | SqlState::UNDEFINED_OBJECT | SqlState::INVALID_SCHEMA_NAME)
}

pub(super) fn noun(is_procedure: bool) -> &'static str {
    if is_procedure { "procedure" } else { "function" }
}

/// A possibly qualified name; a database's in front is ignored.
pub(super) fn routine_name(parts: &[String]) -> Result<Name> {
    match parts {
        [name] => Ok(Name::plain(name)),
        [schema, name] | [_, schema, name] => Ok(Name { schema: Some(schema.clone()), name: name.clone() }),
        _ => {
            let message = format!("improper qualified name (too many dotted names): {}", parts.join("."));
            Err(Error::new(SqlState::SYNTAX_ERROR, message))
        }
    }
}

pub(super) fn mode_of(mode: FunctionParameterMode) -> ParameterMode {
    match mode {
        FunctionParameterMode::Default | FunctionParameterMode::In => ParameterMode::In,
        FunctionParameterMode::Out => ParameterMode::Out,
        FunctionParameterMode::InOut => ParameterMode::InOut,
        FunctionParameterMode::Variadic => ParameterMode::Variadic,
        FunctionParameterMode::Table => ParameterMode::Table,
    }
}

/// No two inputs and no two outputs have one name.
fn check_name(parameters: &[Parameter], name: &str, mode: ParameterMode) -> Result<()> {
    let pure_input = |mode| matches!(mode, ParameterMode::In | ParameterMode::Variadic);
    let pure_output = |mode| matches!(mode, ParameterMode::Out | ParameterMode::Table);
    let clashes = |known: &&Parameter| {
        !name.is_empty()
            && known.name == name
            && !(pure_input(mode) && pure_output(known.mode) || pure_input(known.mode) && pure_output(mode))
    };
    match parameters.iter().find(clashes) {
        Some(_) => Err(invalid(format!("parameter name \"{name}\" used more than once"))),
        None => Ok(()),
    }
}

/// Pseudo-types that functions in SQL do not take.
fn is_refused_pseudo(oid: Oid) -> bool {
    type_info(oid).is_some_and(|info| info.kind == b'p') && !is_polymorphic(oid)
}

/// A polymorphic result needs a polymorphic argument to follow from.
fn check_polymorphic(parameters: &[Parameter], returns: Oid) -> Result<()> {
    let results = parameters.iter().filter(|p| p.mode.is_output()).map(|p| p.type_oid).chain([returns]);
    for result in results.filter(|oid| is_polymorphic(*oid)) {
        let family = is_compatible(result);
        let ranges = [3831, 4537, 5080, 4538];
        let is_range = ranges.contains(&result.0);
        let follows = |p: &&Parameter| {
            p.mode.is_input()
                && is_polymorphic(p.type_oid)
                && is_compatible(p.type_oid) == family
                && (!is_range || ranges.contains(&p.type_oid.0))
        };
        if !parameters.iter().any(|p| follows(&p)) {
            let name = type_info(result).map_or("", |info| info.sql_name);
            let needed = match family {
                true if is_range => "anycompatiblerange or anycompatiblemultirange",
                false if is_range => "anyrange or anymultirange",
                true => {
                    "anycompatible, anycompatiblearray, anycompatiblenonarray, anycompatiblerange, or \
                         anycompatiblemultirange"
                }
                false => "anyelement, anyarray, anynonarray, anyenum, anyrange, or anymultirange",
            };
            return Err(invalid("cannot determine result data type")
                .with_detail(format!("A result of type {name} requires at least one input of type {needed}.")));
        }
    }
    Ok(())
}

fn body_of(create: &CreateFunctionStmt, language: Language) -> Result<Body> {
    let text = match option(&create.options, "as")?.map(|option| &option.arg) {
        Some(Some(DefArg::Strings(strings))) => Some(strings),
        _ => None,
    };
    match (text, &create.body) {
        (Some(_), Some(_)) => Err(invalid("duplicate function body specified")),
        (None, None) => Err(invalid("no function body specified")),
        (None, Some(_)) if language != Language::Sql => {
            Err(invalid("inline SQL function body only valid for language SQL"))
        }
        (None, Some(RoutineBody::Return(value))) => Ok(Body::Parsed(format!("RETURN {}", print::expression(value)))),
        (None, Some(RoutineBody::Atomic(statements))) => {
            let mut text = "BEGIN ATOMIC\n".to_owned();
            for statement in statements {
                let printed =
                    print::statement(statement).ok_or_else(|| Error::unsupported("this statement in BEGIN ATOMIC"))?;
                text.push_str(&format!(" {printed};\n"));
            }
            text.push_str("END");
            Ok(Body::Parsed(text))
        }
        (Some(strings), None) => match strings.as_slice() {
            [text] => Ok(Body::Text(text.clone())),
            _ => Err(invalid(format!("only one AS item needed for language \"{}\"", language.name()))),
        },
    }
}

/// The parameters of a written list that a call gives values for.
pub(super) fn given(parameters: &[FunctionParameter]) -> impl Iterator<Item = &FunctionParameter> {
    parameters.iter().filter(|parameter| mode_of(parameter.mode).is_input())
}
