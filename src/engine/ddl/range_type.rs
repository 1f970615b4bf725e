//! CREATE TYPE … AS RANGE.
//!
//! A range type brings its multirange type and the functions that make both, which are functions in SQL here.
//! Specification: sql-createtype.html; DefineRange in typecmds.c.

use super::Change;
use super::routine::definition::{qualified_name, string, type_name};
use super::routine::routine_name;
use crate::catalog::definitions::quote_identifier;
use crate::catalog::objects::RangeFacts;
use crate::catalog::routines::{Body, Parameter, ParameterMode, Routine, Volatility};
use crate::catalog::schema::{UserType, UserTypeKind};
use crate::error::{Error, Result, SqlState};
use crate::sql::ddl::{CreateRangeStmt, Name};
use crate::sql::stored;
use crate::types::order::has_order;
use crate::types::pg_type::{Oid, type_info};

/// The text of a bound, quoted as the input of a range has it.
fn bound(place: usize) -> String {
    format!("coalesce('\"' || replace(replace(${place}::text, '\\', '\\\\'), '\"', '\"\"') || '\"', '')")
}

fn quoted(schema: &str, name: &str) -> String {
    format!("{}.{}", quote_identifier(schema), quote_identifier(name))
}

/// How many of the constructors make ranges; the others make multiranges.
const RANGE_CONSTRUCTORS: usize = 2;

/// The bodies of the constructors: of two bounds; with what they are; of no ranges, one, many.
fn bodies(range: &str, multirange: &str) -> [String; 5] {
    let (low, high) = (bound(1), bound(2));
    // That function knows what is wrong with the third argument.
    let flags = "coalesce(left($3, 1) || left('', lower(pg_catalog.int4range(null, null, $3))), left($3, 1))";
    [
        format!("SELECT ('[' || {low} || ',' || {high} || ')')::{range}"),
        format!("SELECT ({flags} || {low} || ',' || {high} || right($3, 1))::{range}"),
        format!("SELECT '{{}}'::{multirange}"),
        format!("SELECT ('{{' || $1::text || '}}')::{multirange}"),
        format!(
            "SELECT ('{{' || coalesce((SELECT string_agg(r::text, ',') FROM unnest($1) r), '') || '}}')::{multirange}"
        ),
    ]
}

fn parameter(type_oid: Oid, mode: ParameterMode) -> Parameter {
    Parameter { name: String::new(), mode, type_oid, default: None }
}

impl Change<'_> {
    pub(super) fn create_range(&mut self, create: &CreateRangeStmt) -> Result<()> {
        let (schema, name) = self.new_type(&routine_name(&create.name)?)?;
        let (mut subtype, mut difference, mut multirange, mut class) = (None, None, None, None);
        for option in &create.params {
            let is_second = |known: bool| match known {
                true => Err(Error::new(SqlState::SYNTAX_ERROR, "conflicting or redundant options")),
                false => Ok(()),
            };
            match option.name.as_str() {
                "subtype" => {
                    is_second(subtype.is_some())?;
                    subtype = Some(self.routine_type(&type_name(option)?)?);
                }
                "subtype_diff" => {
                    is_second(difference.is_some())?;
                    difference = Some(qualified_name(option)?);
                }
                "multirange_type_name" => {
                    is_second(multirange.is_some())?;
                    multirange = Some(routine_name(&qualified_name(option)?)?);
                }
                "subtype_opclass" => class = Some(string(option)?),
                "collation" if matches!(string(option)?.as_str(), "default" | "pg_catalog.default" | "C" | "POSIX") => {
                }
                "canonical" | "collation" => {
                    return Err(Error::unsupported(format!("{} of a range type", option.name.to_uppercase())));
                }
                other => {
                    let message = format!("type attribute \"{other}\" not recognized");
                    return Err(Error::new(SqlState::SYNTAX_ERROR, message));
                }
            }
        }
        let missing = || Error::new(SqlState::SYNTAX_ERROR, "type attribute \"subtype\" is required");
        let subtype = subtype.ok_or_else(missing)?;
        let Some(info) = type_info(subtype) else {
            return Err(Error::unsupported("a range over a type that is not PostgreSQL's"));
        };
        if info.kind == b'p' {
            let message = format!("range subtype cannot be {}", self.shown_type(subtype));
            return Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
        }
        if !has_order(subtype) {
            let message =
                format!("data type {} has no default operator class for access method \"btree\"", info.sql_name);
            return Err(Error::new(SqlState::UNDEFINED_OBJECT, message)
                .with_hint("You must specify an operator class for the range type or define a default operator class for the subtype."));
        }
        if info.is_array() {
            return Err(Error::unsupported("a range over arrays"));
        }
        let difference = match difference {
            None => Oid::INVALID,
            Some(function) => self.subtype_difference(&function, subtype)?,
        };
        let (multi_schema, multi_name) = match &multirange {
            Some(name) => self.new_type(name)?,
            None => {
                let made = multirange_name(&name);
                if let Err(error) = self.check_type_name(&schema, &made) {
                    let hint =
                        "You can manually specify a multirange type name using the \"multirange_type_name\" attribute.";
                    let detail = format!("Failed while creating a multirange type for type \"{name}\".");
                    return Err(error.with_detail(detail).with_hint(hint));
                }
                (schema.clone(), made)
            }
        };
        let (oid, array) = (self.new_oid()?, self.new_oid()?);
        let (multi_oid, multi_array) = (self.new_oid()?, self.new_oid()?);
        let facts =
            RangeFacts { subtype, multirange: multi_oid, difference, operator_class: class, constructors: Vec::new() };
        let range = UserType {
            oid,
            array,
            schema: schema.clone(),
            name: name.clone(),
            kind: UserTypeKind::Range(Box::new(facts.clone())),
        };
        self.put_type(range.clone())?;
        let kind = UserTypeKind::Multirange { range: oid, subtype };
        let (of_multi, named_multi) = (multi_schema.clone(), multi_name.clone());
        self.put_type(UserType { oid: multi_oid, array: multi_array, schema: multi_schema, name: multi_name, kind })?;
        let input = |oid| parameter(oid, ParameterMode::In);
        let parameters = [
            vec![input(subtype), input(subtype)],
            vec![input(subtype), input(subtype), input(Oid::TEXT)],
            Vec::new(),
            vec![input(oid)],
            vec![parameter(array, ParameterMode::Variadic)],
        ];
        let bodies = bodies(&quoted(&schema, &name), &quoted(&of_multi, &named_multi));
        let mut constructors = Vec::new();
        for (place, (parameters, body)) in parameters.into_iter().zip(bodies).enumerate() {
            let is_multi = place >= RANGE_CONSTRUCTORS;
            let (schema, name, returns) = match is_multi {
                true => (&of_multi, &named_multi, multi_oid),
                false => (&schema, &name, oid),
            };
            let name = Name { schema: Some(schema.clone()), name: name.clone() };
            let strict = is_multi && !parameters.is_empty();
            constructors.push(self.put_constructor(&name, (parameters, returns), body, strict)?);
        }
        let kind = UserTypeKind::Range(Box::new(RangeFacts { constructors, ..facts }));
        self.put_type(UserType { kind, ..range })
    }

    /// After a rename: the bodies name the types.
    pub(super) fn renew_constructors(&mut self) -> Result<()> {
        let mut changed = Vec::new();
        for user in self.catalog.types.values() {
            let UserTypeKind::Range(range) = &user.kind else { continue };
            let Some(multirange) = self.catalog.types.get(&range.multirange) else { continue };
            let names = [user, multirange].map(|named| quoted(&named.schema, &named.name));
            for (oid, body) in range.constructors.iter().zip(bodies(&names[0], &names[1])) {
                let body = Body::Text(body);
                let routine = self.catalog.routines.get(oid).filter(|routine| routine.body != body);
                changed.extend(routine.map(|routine| Routine { body, ..Routine::clone(routine) }));
            }
        }
        changed.into_iter().try_for_each(|routine| self.put_routine(routine))
    }

    fn put_constructor(
        &mut self,
        name: &Name,
        (parameters, returns): (Vec<Parameter>, Oid),
        body: String,
        strict: bool,
    ) -> Result<Oid> {
        let schema = name.schema.clone().unwrap_or_default();
        let types: Vec<Oid> = parameters.iter().map(|parameter| parameter.type_oid).collect();
        if self.catalog.routine(&schema, &name.name, &types).is_some() {
            let message = format!("function \"{}\" already exists with same argument types", name.name);
            return Err(Error::new(SqlState::DUPLICATE_FUNCTION, message));
        }
        let oid = self.new_oid()?;
        self.put_routine(Routine {
            schema,
            parameters,
            volatility: Volatility::Immutable,
            ..Routine::sql(oid, &name.name, returns, (body, strict))
        })?;
        Ok(oid)
    }

    fn subtype_difference(&self, name: &[String], subtype: Oid) -> Result<Oid> {
        let found = stored::support_function(name, &[subtype, subtype], self.planning())?;
        let shown = self.shown_type(subtype);
        let signature = || format!("{}({shown}, {shown})", name.join("."));
        if found.returns != Oid::FLOAT8 {
            let message = format!("range subtype diff function {} must return type double precision", signature());
            return Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, message));
        }
        if found.volatility != Volatility::Immutable {
            let message = format!("range subtype diff function {} must be immutable", signature());
            return Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, message));
        }
        self.require_execute(found.oid)?;
        Ok(found.oid)
    }
}

/// makeMultirangeTypeName
fn multirange_name(range: &str) -> String {
    let (name, suffix) = match range.find("range") {
        Some(place) => (format!("{}multi{}", &range[..place], &range[place..]), ""),
        None => (range.to_owned(), "_multirange"),
    };
    let mut end = name.len().min(63 - suffix.len());
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{suffix}", &name[..end])
}
