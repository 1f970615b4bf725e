//! System information functions over the catalog: definitions, visibility, comments, format_type.
//!
//! They read the catalog of the statement that runs. An object that does not exist gives NULL, as in PostgreSQL, where
//! a query may see an OID that has just been dropped. Specification: functions-info.html, ruleutils.c.

use super::{Args, Definition, Output, object_ids};
use crate::catalog::composite::relation_of;
use crate::catalog::definitions::{Names, Shown, quote_identifier};
use crate::catalog::members::member;
use crate::catalog::partition_constraint;
use crate::catalog::policy::PG_POLICY;
use crate::catalog::qualify::qualified;
use crate::catalog::routine_text::{self, Arguments, routine_of};
use crate::catalog::routines::{Body, PG_PROC, Routine};
use crate::catalog::schema::{Constraint, IndexKey, Relation, RelationKind};
use crate::catalog::statistics::ExtendedStatistics;
use crate::catalog::tables::constraints::{
    PG_ATTRDEF, PG_AUTHID, PG_CLASS, PG_CONSTRAINT, PG_DATABASE, PG_LANGUAGE, PG_NAMESPACE, PG_REWRITE, PG_TRIGGER,
    PG_TYPE, domain_constraint_oid, referenced,
};
use crate::catalog::tables::descriptions;
use crate::catalog::tables::procs::{Proc, proc};
use crate::catalog::tables::recorded::{Recording, recording};
use crate::catalog::tables::relations;
use crate::catalog::tables::triggers;
use crate::catalog::tables::types::user_types;
use crate::engine::partitioning::key_name;
use crate::error::{Error, Result, SqlState};
use crate::sql::ruleutils::{self, Style};
use crate::sql::stored;
use crate::types::pg_type::{Oid, Scalar, type_info};

/// The functions of this area.
#[rustfmt::skip]
pub(super) static FUNCTIONS: &[Definition] = &[
    Definition::stable("pg_format_type", 2, format_type).called_on_null(),
    Definition::stable("pg_get_constraintdef", 1, constraint_definition),
    Definition::stable("pg_get_constraintdef", 2, constraint_definition),
    Definition::stable("pg_get_indexdef", 1, index_definition),
    Definition::stable("pg_get_indexdef", 3, index_definition),
    Definition::stable("pg_get_viewdef", 1, |a| view_definition(a, Style::VIEW)),
    Definition::stable("pg_get_viewdef", 2, |a| {
        let style = if flag(a, 1)? { Style::PRETTY } else { Style::VIEW };
        view_definition(a, style)
    }),
    Definition::stable("pg_get_viewdef_wrapped", 2, |a| {
        let wrap = a.int4(1)?;
        view_definition(a, Style { wrap, ..Style::PRETTY })
    }),
    Definition::stable("pg_get_triggerdef", 1, trigger_definition),
    Definition::stable("pg_get_triggerdef", 2, trigger_definition),
    Definition::stable("pg_get_ruledef", 1, rule_definition),
    Definition::stable("pg_get_ruledef", 2, rule_definition),
    Definition::stable("pg_get_expr", 2, expression),
    Definition::stable("pg_get_expr", 3, expression),
    Definition::stable("pg_get_partkeydef", 1, partition_key),
    Definition::stable("pg_get_statisticsobjdef", 1, |args| statistics_text(args, ExtendedStatistics::definition)),
    Definition::stable("pg_get_statisticsobjdef_columns", 1, |args| statistics_text(args, |own, table, _, shown| own.column_list(table, shown))),
    Definition::stable("pg_get_statisticsobjdef_expressions", 1, |a| {
        let oid = oid(a, 0)?;
        with_names(a, |names| {
            let found = names.catalog.extended_statistics().find(|(_, own)| own.oid == oid);
            Ok(found.and_then(|(_, own)| own.expression_list(names)).into())
        })
    }),
    Definition::stable("pg_get_partition_constraintdef", 1, partition_condition),
    Definition::stable("pg_partition_root", 1, partition_root),
    Definition::stable("pg_get_serial_sequence", 2, serial_sequence),
    Definition::stable("pg_get_function_arguments", 1, |a| function_text(a, |p, n| p.arguments(n, Arguments::WithDefaults), |n, r| Some(n.routine_arguments(r, Arguments::WithDefaults)))),
    Definition::stable("pg_get_function_identity_arguments", 1, |a| function_text(a, |p, n| p.arguments(n, Arguments::Identity), |n, r| Some(n.routine_arguments(r, Arguments::Identity)))),
    Definition::stable("pg_get_function_result", 1, |a| function_text(a, |p, n| p.result(n).unwrap_or_default(), |n, r| n.routine_result(r))),
    Definition::stable("pg_get_function_arg_default", 2, argument_default),
    Definition::stable("pg_get_function_sqlbody", 1, |a| {
        let oid = oid(a, 0)?;
        with_style(a, Style::VIEW, |names, shown| match routine_of(names, oid) {
            Some(routine) => Ok(body_text(routine, names, shown).into()),
            None => Ok(proc(oid).and_then(Proc::sql_body).into()),
        })
    }),
    Definition::stable("pg_get_functiondef", 1, function_definition),
    Definition::stable("pg_get_replica_identity_index", 1, replica_identity),
    Definition::stable("pg_table_is_visible", 1, table_is_visible),
    Definition::stable("pg_type_is_visible", 1, type_is_visible),
    Definition::stable("pg_function_is_visible", 1, |a| {
        let oid = oid(a, 0)?;
        with_names(a, |n| {
            let own = routine_of(n, oid).map(|r| n.routine_is_visible(r));
            Ok(own.or(proc(oid).map(|_| object_is_visible(n, oid))).into())
        })
    }),
    Definition::stable("pg_object_is_visible", 1, |a| {
        let oid = oid(a, 0)?;
        with_names(a, |names| Ok(object_is_visible(names, oid).into()))
    }),
    Definition::stable("pg_obj_description", 1, |a| description(a, None)),
    Definition::stable("pg_obj_description", 2, |a| description(a, Some(class_of(&a.text(1)?)))),
    Definition::stable("pg_shobj_description", 2, shared_description),
    Definition::stable("pg_col_description", 2, column_description),
    Definition::stable("pg_to_regclass", 1, |a| object(a, Scalar::RegClass)),
    Definition::stable("pg_to_regtype", 1, |a| object(a, Scalar::RegType)),
    Definition::stable("pg_to_regprocedure", 1, |a| object(a, Scalar::RegProcedure)),
    Definition::stable("pg_array_names", 2, |a| {
        let info = a.cached(0, || super::elements::find_type(&a.text(0)?))?;
        Ok(object_ids::array_of_names(info.repr.scalar, &a.text(1)?, a.slot())?.into())
    }),
    Definition::stable("pg_array_ids", 2, |a| {
        let info = a.cached(0, || super::elements::find_type(&a.text(0)?))?;
        Ok(object_ids::array_of_ids(info.repr.scalar, &a.text(1)?, a.slot())?.into())
    }),
    Definition::stable("pg_to_regproc", 1, |a| object(a, Scalar::RegProc)),
    Definition::stable("pg_to_regoper", 1, |a| object(a, Scalar::RegOper)),
    Definition::stable("pg_to_regoperator", 1, |a| object(a, Scalar::RegOperator)),
    Definition::stable("pg_to_regcollation", 1, |a| object(a, Scalar::RegCollation)),
    Definition::stable("pg_to_regnamespace", 1, |a| object(a, Scalar::RegNamespace)),
    Definition::stable("pg_to_regrole", 1, |a| object(a, Scalar::RegRole)),
    Definition::stable("pg_relation_is_updatable", 2, |a| Ok(changes(a, None)?.into())),
    Definition::stable("pg_column_is_updatable", 3, |a| {
        let column = a.int(1)?;
        Ok((column > 0 && changes(a, Some(column))? & COLUMN_CHANGE == COLUMN_CHANGE).into())
    }),
    Definition::stable("pg_relation_is_publishable", 1, |a| Ok(is_user_table(a)?.into())),
    Definition::stable("pg_index_column_has_property", 3, index_column_property),
    Definition::stable("pg_sequence_last_value", 1, sequence_last_value),
    Definition::stable("pg_sqlite_name", 1, sqlite_name),
    Definition::stable("pg_describe_object", 3, describe_object),
];

/// INSERT, UPDATE and DELETE, as bits of pg_relation_is_updatable.
const EVERY_CHANGE: i64 = 1 << 3 | COLUMN_CHANGE;
/// UPDATE and DELETE, which make a column updatable.
const COLUMN_CHANGE: i64 = 1 << 2 | DELETE;
const DELETE: i64 = 1 << 4;

fn oid(args: &Args<'_>, index: usize) -> Result<Oid> {
    Ok(Oid(u32::try_from(args.int(index)?).unwrap_or_default()))
}

/// An optional bool argument; false when it is not given.
fn flag(args: &Args<'_>, index: usize) -> Result<bool> {
    if args.is_null(index) { Ok(false) } else { args.bool(index) }
}

/// Calls `body` with the names as the session sees them.
fn with_names(args: &Args<'_>, body: impl FnOnce(&Names<'_>) -> Result<Output>) -> Result<Output> {
    args.slot().with_session(|session| {
        let search_path = session.settings.search_path();
        body(&Names { catalog: &session.catalog, search_path: &search_path })
    })
}

fn format_type(args: &Args<'_>) -> Result<Output> {
    if args.is_null(0) {
        return Ok(Output::NULL);
    }
    let typmod = if args.is_null(1) { None } else { Some(args.int4(1)?) };
    with_names(args, |names| Ok(names.format_type(oid(args, 0)?, typmod).into()))
}

/// The table and the constraint with that OID.
fn find_constraint<'a>(names: &Names<'a>, oid: Oid) -> Option<(&'a Relation, &'a Constraint)> {
    let relations = names.catalog.relations.values();
    relations.into_iter().find_map(|r| r.constraints.iter().find(|c| c.oid == oid).map(|c| (r.as_ref(), c)))
}

fn constraint_definition(args: &Args<'_>) -> Result<Output> {
    let (oid, pretty) = (oid(args, 0)?, flag(args, 1)?);
    with_printer(args, pretty, |names, shown| {
        if let Some((relation, constraint)) = find_constraint(names, oid) {
            return Ok(names.constraint(relation, constraint, shown).into());
        }
        Ok(domain_check(names, oid, shown).into())
    })
}

/// What statistics of that OID are told as.
fn statistics_text(
    args: &Args<'_>,
    told: fn(&ExtendedStatistics, &Relation, &Names<'_>, Shown<'_>) -> String,
) -> Result<Output> {
    let oid = oid(args, 0)?;
    with_style(args, Style::PRETTY, |names, shown| {
        let found = names.catalog.extended_statistics().find(|(_, own)| own.oid == oid);
        Ok(found.map(|(table, own)| told(own, table, names, shown)).into())
    })
}

fn trigger_definition(args: &Args<'_>) -> Result<Output> {
    let (oid, pretty) = (oid(args, 0)?, flag(args, 1)?);
    args.slot().with_session(|session| {
        let search_path = session.settings.search_path();
        let names = Names { catalog: &session.catalog, search_path: &search_path };
        let context = stored::context(&session.catalog, &session.settings);
        let style = if pretty { Style::PRETTY } else { Style::VIEW };
        let shown = |text: &str, relation: &Relation| {
            let printed = ruleutils::stored_condition(text, relation, &names, context, style);
            printed.unwrap_or_else(|| qualified(text, &names).into_owned())
        };
        let of = |r: &std::sync::Arc<Relation>| {
            let trigger = r.options.triggers.iter().find(|trigger| trigger.oid == oid)?;
            Some(triggers::definition(&names, r, trigger, pretty, &shown))
        };
        Ok(names.catalog.relations.values().find_map(of).into())
    })
}

fn domain_check(names: &Names<'_>, oid: Oid, pretty: Option<Shown<'_>>) -> Option<String> {
    use crate::catalog::definitions::check;
    use crate::catalog::schema::{DomainCheck, UserTypeKind};
    user_types(names.catalog).into_iter().find_map(|user| {
        let UserTypeKind::Domain { base, typmod, checks, .. } = &user.kind else { return None };
        let mut numbered = checks.iter().zip(1u32..);
        let (DomainCheck { expression, not_valid, .. }, _) =
            numbered.find(|&(_, n)| domain_constraint_oid(user.oid, n) == oid)?;
        let text = match pretty {
            Some(shown) => {
                format!("CHECK ({})", shown(expression, &stored::value_relation(*base, *typmod, names.catalog)))
            }
            None => check(&qualified(expression, names)),
        };
        Some(if *not_valid { text + " NOT VALID" } else { text })
    })
}

/// pg_get_indexdef(index) and pg_get_indexdef(index, column, pretty); column 0 is all of it.
fn index_definition(args: &Args<'_>) -> Result<Output> {
    let column = if args.len() > 1 { args.int(1)? } else { 0 };
    let (oid, pretty) = (oid(args, 0)?, flag(args, 2)?);
    with_printer(args, pretty, |names, shown| {
        let Some((table, index)) = names.catalog.index(oid) else { return Ok(Output::NULL) };
        if column == 0 {
            return Ok(names.index(table, index, shown).into());
        }
        let included = index.included.iter().copied().map(IndexKey::of_column);
        let keys: Vec<IndexKey> = index.keys.iter().cloned().chain(included).collect();
        let key = usize::try_from(column - 1).ok().and_then(|c| keys.get(c));
        Ok(key.map_or_else(String::new, |k| names.index_key(table, k, shown)).into())
    })
}

/// The relation an argument means: its OID, or its name as text.
fn relation_argument(args: &Args<'_>, index: usize) -> Result<Oid> {
    match args.raw(index) {
        rusqlite::types::ValueRef::Text(_) => relation_named(args, &args.text(index)?),
        _ => oid(args, index),
    }
}

/// The relation of that name; 42P01 if there is none.
pub(super) fn relation_named(args: &Args<'_>, name: &str) -> Result<Oid> {
    match object_ids::input(Scalar::RegClass, name, args.slot())? {
        Output::Value(rusqlite::types::Value::Integer(oid)) => Ok(Oid(u32::try_from(oid).unwrap_or_default())),
        _ => Ok(Oid::INVALID),
    }
}

fn view_definition(args: &Args<'_>, style: Style) -> Result<Output> {
    let oid = relation_argument(args, 0)?;
    args.slot().with_session(|session| {
        let search_path = session.settings.search_path();
        let names = Names { catalog: &session.catalog, search_path: &search_path };
        let context = stored::context(&session.catalog, &session.settings);
        let view = names.catalog.relations.get(&oid);
        Ok(view.and_then(|view| ruleutils::view_definition(view, &names, context, style)).into())
    })
}

/// The only rules there are: those behind views.
fn rule_definition(args: &Args<'_>) -> Result<Output> {
    use crate::catalog::tables::constraints::rule_oid;
    let oid = oid(args, 0)?;
    with_names(args, |names| {
        let view = names.catalog.relations.values().find(|r| r.view_query.is_some() && rule_oid(r.oid) == oid);
        Ok(view
            .and_then(|v| v.view_definition().map(|query| (v, query)))
            .map(|(v, query)| {
                let name = format!("{}.{}", quote_identifier(&v.schema), quote_identifier(&v.name));
                format!("CREATE RULE \"_RETURN\" AS\n    ON SELECT TO {name} DO INSTEAD {query}")
            })
            .into())
    })
}

/// PARTITION BY's words behind those two.
fn partition_key(args: &Args<'_>) -> Result<Output> {
    let oid = oid(args, 0)?;
    with_names(args, |names| {
        let relation = names.catalog.relations.get(&oid);
        let found = relation.and_then(|r| r.options.inheritance.key.as_ref().map(|key| (r, key)));
        let Some((relation, key)) = found else { return Ok(Output::NULL) };
        let columns = key.columns.iter().map(|column| {
            let mut text = key_name(&column.text(relation));
            if let Some(collation) = &column.collation {
                text.push_str(&format!(" COLLATE {}", names.collation(names.catalog.collation_oid(collation))));
            }
            text
        });
        let columns: Vec<String> = columns.collect();
        Ok(format!("{} ({})", key.strategy.name().to_uppercase(), columns.join(", ")).into())
    })
}

fn partition_condition(args: &Args<'_>) -> Result<Output> {
    let oid = oid(args, 0)?;
    with_names(args, |names| {
        let relation = names.catalog.relations.get(&oid);
        Ok(relation.and_then(|relation| partition_constraint::text(names, relation)).into())
    })
}

/// The topmost table of a tree of partitions, or the topmost index.
fn partition_root(args: &Args<'_>) -> Result<Output> {
    let oid = oid(args, 0)?;
    with_names(args, |names| {
        let tree = super::partitions::above(names.catalog, oid);
        Ok(tree.last().map(|oid| i64::from(oid.0)).into())
    })
}

/// pg_get_expr(expression, relation, pretty): expressions are kept as text.
fn expression(args: &Args<'_>) -> Result<Output> {
    let text = args.text(0)?;
    let relation = oid(args, 1)?;
    let style = if flag(args, 2)? { Style::PRETTY } else { Style::VIEW };
    with_style(args, style, |names, shown| {
        let relation = names.catalog.relations.get(&relation);
        Ok(relation.map_or_else(|| qualified(&text, names).into_owned(), |relation| shown(&text, relation)).into())
    })
}

/// Calls `body` with the names as the session sees them and, if expressions are to be pretty, what shows them so.
fn with_printer(
    args: &Args<'_>,
    pretty: bool,
    body: impl FnOnce(&Names<'_>, Option<Shown<'_>>) -> Result<Output>,
) -> Result<Output> {
    with_style(args, if pretty { Style::PRETTY } else { Style::VIEW }, |names, shown| {
        // Kept texts name what is in public without it; what extensions bring there cannot be told from the words.
        let in_public = names.catalog.extensions.iter().any(|extension| extension.schema == "public");
        let is_hidden = in_public && !names.search_path.iter().any(|schema| schema == "public");
        body(names, (pretty || is_hidden).then_some(shown))
    })
}

/// Calls `body` with the names as the session sees them and what shows expressions.
fn with_style(
    args: &Args<'_>,
    style: Style,
    body: impl FnOnce(&Names<'_>, Shown<'_>) -> Result<Output>,
) -> Result<Output> {
    args.slot().with_session(|session| {
        let search_path = session.settings.search_path();
        let names = Names { catalog: &session.catalog, search_path: &search_path };
        let context = stored::context(&session.catalog, &session.settings);
        let shown = |text: &str, relation: &Relation| {
            let printed = ruleutils::stored_expression(text, Some(relation), &names, context, style);
            printed.unwrap_or_else(|| qualified(text, &names).into_owned())
        };
        body(&names, &shown)
    })
}

/// pg_get_serial_sequence(table, column): the sequence that the column owns.
fn serial_sequence(args: &Args<'_>) -> Result<Output> {
    let table = relation_named(args, &args.text(0)?)?;
    let column = args.text(1)?;
    with_names(args, |names| {
        let Some(relation) = names.catalog.relations.get(&table) else { return Ok(Output::NULL) };
        let Some(column) = relation.column(&column) else {
            let message = format!("column \"{column}\" of relation \"{}\" does not exist", relation.name);
            return Err(Error::new(SqlState::UNDEFINED_COLUMN, message));
        };
        let owner = Some((table, column.number));
        let owned = |r: &&std::sync::Arc<Relation>| r.sequence.is_some_and(|s| s.owned_by == owner);
        let sequence = names.catalog.relations.values().filter(owned).min_by_key(|r| r.oid);
        Ok(sequence.map(|s| format!("{}.{}", quote_identifier(&s.schema), quote_identifier(&s.name))).into())
    })
}

/// The index over the primary key: what REPLICA IDENTITY DEFAULT means.
fn replica_identity(args: &Args<'_>) -> Result<Output> {
    let table = oid(args, 0)?;
    with_names(args, |names| {
        let relation = names.catalog.relations.get(&table);
        let key = relation.and_then(|r| r.indexes.iter().find(|i| i.primary));
        Ok(key.map(|i| i64::from(i.oid.0)).into())
    })
}

fn table_is_visible(args: &Args<'_>) -> Result<Output> {
    let oid = oid(args, 0)?;
    with_names(args, |names| Ok(names.catalog.relations.get(&oid).map(|r| names.relation_is_visible(r)).into()))
}

/// Whether an operator, an operator class or family, statistics, an extension's function is what its bare name means.
/// Everything else of the kind is pg_catalog's.
fn object_is_visible(names: &Names<'_>, oid: Oid) -> bool {
    let catalog = names.catalog;
    let first = |schema: &str, has: &dyn Fn(&str) -> bool| {
        names.search_path.iter().find(|own| *own == schema || has(own)).is_some_and(|found| found == schema)
    };
    if let Some(operator) = catalog.operators.get(&oid) {
        let same = |schema: &str| {
            catalog.operators.values().any(|other| {
                (other.schema.as_str(), &other.name, other.left, other.right)
                    == (schema, &operator.name, operator.left, operator.right)
            })
        };
        return first(&operator.schema, &same);
    }
    if let Some((_, own)) = catalog.extended_statistics().find(|(_, own)| own.oid == oid) {
        let same = |schema: &str| {
            catalog.extended_statistics().any(|(_, other)| other.schema == schema && other.name == own.name)
        };
        return first(&own.schema, &same);
    }
    let created = member(oid).and_then(|member| catalog.extensions.iter().find(|e| e.name == member.extension));
    created.is_none_or(|created| names.search_path.contains(&created.schema))
}

fn type_is_visible(args: &Args<'_>) -> Result<Output> {
    use crate::catalog::tables::types::{array_name, recorded_name};
    let oid = oid(args, 0)?;
    with_names(args, |names| {
        if let Some(info) = type_info(oid) {
            let schema = names.extension_type(info.name).unwrap_or("pg_catalog");
            return Ok(names.type_is_visible(schema, info.name).into());
        }
        if let Some((schema, _)) = recorded_name(oid) {
            return Ok((schema == "pg_catalog" || names.search_path.iter().any(|s| s == schema)).into());
        }
        if let Some((relation, _)) = relation_of(names.catalog, oid) {
            return Ok(names.relation_is_visible(relation).into());
        }
        let Some(user) = names.catalog.user_type(oid) else { return Ok(Output::NULL) };
        let found = names.type_is_visible(&user.schema, &user.name);
        // An array type is found where its element is.
        let name = if user.oid == oid { user.name.clone() } else { array_name(&user.name) };
        Ok((found || names.type_is_visible(&user.schema, &name)).into())
    })
}

/// The OID of a catalog, by name.
fn class_of(name: &str) -> Oid {
    relations::find("pg_catalog", name).map_or(Oid::INVALID, |r| r.relation.oid)
}

/// A comment on a whole object; without a catalog, on any object with that OID.
fn description(args: &Args<'_>, class: Option<Oid>) -> Result<Output> {
    let object = oid(args, 0)?;
    with_names(args, |names| {
        let own = names.catalog.comments.iter();
        let mut own =
            own.filter(|&(&(c, o, part), _)| o == object && part == 0 && class.is_none_or(|wanted| wanted == c));
        if let Some((_, text)) = own.next() {
            return Ok(Some(text.clone()).filter(|text| !text.is_empty()).into());
        }
        Ok(descriptions::recorded(object, class).map(str::to_owned).into())
    })
}

/// shobj_description: databases and roles have comments that all databases share.
fn shared_description(args: &Args<'_>) -> Result<Output> {
    let database = oid(args, 0)?;
    match class_of(&args.text(1)?) {
        PG_DATABASE => {}
        PG_AUTHID => {
            return args
                .slot()
                .with_session(|session| Ok(session.roles().get(database).and_then(|role| role.comment).into()));
        }
        _ => return Ok(Output::NULL),
    }
    let comment = args.slot().with_session(|session| {
        let facts = session.cluster_facts();
        Ok(session.cluster.comment_on(&facts, database))
    })?;
    Ok(comment.into())
}

fn column_description(args: &Args<'_>) -> Result<Output> {
    let (table, column) = (oid(args, 0)?, args.int4(1)?);
    with_names(args, |names| {
        let comment = names.catalog.comments.get(&(PG_CLASS, table, column)).filter(|_| column != 0);
        Ok(comment.cloned().into())
    })
}

/// to_reg…: like the type's input, but NULL for what does not exist, and numbers mean nothing.
fn object(args: &Args<'_>, scalar: Scalar) -> Result<Output> {
    let text = args.text(0)?;
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(Output::NULL);
    }
    match object_ids::input(scalar, &text, args.slot()) {
        Err(error) if error.code() == SqlState::INVALID_NAME => Err(error),
        Err(_) => Ok(Output::NULL),
        found => found,
    }
}

/// What is told of a function: of one of the server's own, or of a user's.
fn function_text(
    args: &Args<'_>,
    own: fn(&Proc, &Names<'_>) -> String,
    users: fn(&Names<'_>, &Routine) -> Option<String>,
) -> Result<Output> {
    let oid = oid(args, 0)?;
    with_names(args, |names| {
        let text = match routine_of(names, oid) {
            Some(routine) => users(names, routine),
            None => proc(oid).map(|proc| own(proc, names)).filter(|text| !text.is_empty() || proc(oid).is_some()),
        };
        Ok(text.into())
    })
}

/// pg_get_function_arg_default(function, number among all arguments)
fn argument_default(args: &Args<'_>) -> Result<Output> {
    let (oid, number) = (oid(args, 0)?, args.int(1)?);
    with_names(args, |names| {
        let place = usize::try_from(number - 1).ok();
        let parameter = routine_of(names, oid).and_then(|routine| routine.parameters.get(place?));
        let default = match parameter {
            Some(parameter) => parameter.default.clone(),
            None => proc(oid).and_then(|own| own.default(place?)),
        };
        Ok(default.into())
    })
}

/// pg_get_functiondef
/// A body in SQL's own syntax. What RETURN gives is shown as the session sees names.
fn body_text(routine: &Routine, names: &Names<'_>, shown: Shown<'_>) -> Option<String> {
    let Body::Parsed(text) = &routine.body else { return None };
    Some(match text.strip_prefix("RETURN ") {
        Some(value) => format!("RETURN {}", shown(value, &stored::parameter_relation(routine, names.catalog))),
        None => text.clone(),
    })
}

fn function_definition(args: &Args<'_>) -> Result<Output> {
    let oid = oid(args, 0)?;
    with_style(args, Style::VIEW, |names, shown| match (routine_of(names, oid), proc(oid)) {
        (Some(routine), _) if routine.is_aggregate() => {
            let message = format!("\"{}\" is an aggregate function", routine.name);
            Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message))
        }
        (Some(routine), _) => {
            let definition = routine_text::Definition::of(routine);
            Ok(match body_text(routine, names, shown) {
                Some(body) => {
                    names.routine_definition(&Routine { body: Body::Parsed(body), ..routine.clone() }, &definition)
                }
                None => names.routine_definition(routine, &definition),
            }
            .into())
        }
        (None, Some(own)) if own.is_aggregate() => {
            let message = format!("\"{}\" is an aggregate function", own.name);
            Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message))
        }
        (None, Some(own)) => Ok(own.definition(names).into()),
        (None, None) => Ok(Output::NULL),
    })
}

/// Whether the relation of the first argument is a table of a user's.
fn is_user_table(args: &Args<'_>) -> Result<bool> {
    let oid = oid(args, 0)?;
    args.slot().with_session(|s| Ok(s.catalog.relations.get(&oid).is_some_and(|r| r.kind == RelationKind::Table)))
}

/// What can be done to a relation, or to one of its columns (relation_is_updatable() in rewriteHandler.c).
fn changes(args: &Args<'_>, column: Option<i64>) -> Result<i64> {
    let oid = oid(args, 0)?;
    args.slot().with_session(|session| {
        let Some(relation) = session.catalog.relations.get(&oid) else { return Ok(0) };
        let columns = match relation.kind {
            RelationKind::Table if relation.is_materialized() => return Ok(0),
            RelationKind::Table => return Ok(EVERY_CHANGE),
            RelationKind::View => {
                stored::updatable_columns(relation, stored::context(&session.catalog, &session.settings))
            }
            _ => return Ok(0),
        };
        let Ok(Ok(columns)) = columns else { return Ok(0) };
        let writable = match column {
            Some(column) => columns.iter().any(|number| i64::from(*number) == column),
            None => !columns.is_empty(),
        };
        Ok(if writable { EVERY_CHANGE } else { DELETE })
    })
}

/// pg_index_column_has_property(index, column, property) for b-trees.
fn index_column_property(args: &Args<'_>) -> Result<Output> {
    let (oid, column, property) = (oid(args, 0)?, args.int(1)?, args.text(2)?);
    with_names(args, |names| {
        let index = names.catalog.index(oid).map(|(_, index)| index);
        let key = index.and_then(|i| usize::try_from(column - 1).ok().and_then(|c| i.keys.get(c)));
        let Some(key) = key else { return Ok(Output::NULL) };
        Ok(match property.to_ascii_lowercase().as_str() {
            "asc" => Some(!key.descending),
            "desc" => Some(key.descending),
            "nulls_first" => Some(key.nulls_first),
            "nulls_last" => Some(!key.nulls_first),
            "orderable" | "returnable" | "search_array" | "search_nulls" => Some(true),
            "distance_orderable" => Some(false),
            _ => None,
        }
        .into())
    })
}

/// pg_sequence_last_value: NULL until nextval has been called.
fn sequence_last_value(args: &Args<'_>) -> Result<Output> {
    let state = args.slot().sequences().state(oid(args, 0)?);
    Ok(state.filter(|s| s.is_called).map(|s| s.last_value).into())
}

/// pg_describe_object(catalog, object, column).
fn describe_object(args: &Args<'_>) -> Result<Output> {
    let (class, object, part) = (oid(args, 0)?, oid(args, 1)?, args.int(2)?);
    with_names(args, |names| {
        let part = i16::try_from(part).unwrap_or(0);
        if let Some(found) = referenced(names.catalog, (class, object, part)) {
            return Ok(names.describe(found).into());
        }
        let text = match (class, member(object)) {
            (_, Some(member)) if member.class == class => Some(member.description.to_owned()),
            (PG_TYPE, _) => Some(format!("type {}", names.format_type(object, None))).filter(|t| !t.ends_with("???")),
            (PG_PROC, _) => proc(object).map(|proc| format!("function {}", proc.signature(names))),
            (PG_LANGUAGE, _) => {
                let mut lines = Recording::new(recording!("pg_language")).lines();
                let found = lines.find(|line| line.number("oid") == i64::from(object.0));
                found.map(|line| format!("language {}", line.text("lanname")))
            }
            (PG_CLASS | PG_CONSTRAINT | PG_NAMESPACE | PG_ATTRDEF | PG_TRIGGER | PG_REWRITE | PG_POLICY, _) => None,
            _ => return Err(Error::unsupported(format!("pg_describe_object for catalog {class}"))),
        };
        Ok(text.into())
    })
}

/// What a relation is called inside SQLite; for the functions that measure it.
fn sqlite_name(args: &Args<'_>) -> Result<Output> {
    let oid = oid(args, 0)?;
    args.slot().with_session(|s| Ok(s.catalog.relations.get(&oid).map(|r| r.sqlite_name.clone()).into()))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::super::ContextSlot;
    use super::super::tests::assert_values_in;
    use crate::catalog::tables::sample::sample;
    use crate::engine::context::SessionContext;
    use crate::settings::Settings;

    /// A session over the sample database.
    fn slot() -> ContextSlot {
        let slot = ContextSlot::default();
        let session = SessionContext {
            backend_pid: 7,
            ..SessionContext::new(Settings::default(), "postgres", "postgres", sample().0)
        };
        slot.enter(Arc::new(Mutex::new(session)), None);
        slot
    }

    #[test]
    fn objects_are_described_as_postgresql_describes_them() {
        assert_values_in(
            slot(),
            &[
                ("pg_format_type(1043, 24)", "character varying(20)"),
                ("pg_format_type(20020, NULL)", "mood"),
                ("pg_format_type(20021, -1)", "mood[]"),
                ("pg_format_type(NULL, NULL)", "NULL"),
                ("pg_get_constraintdef(20002)", "PRIMARY KEY (id)"),
                ("pg_get_constraintdef(20003)", "CHECK ((balance >= (0)::numeric))"),
                ("pg_get_constraintdef(20003, 1)", "CHECK (balance >= 0::numeric)"),
                ("pg_get_constraintdef(20012)", "FOREIGN KEY (person) REFERENCES people(id) ON DELETE CASCADE"),
                ("pg_get_constraintdef(1)", "NULL"),
                ("pg_get_indexdef(20004)", "CREATE UNIQUE INDEX people_pkey ON public.people USING btree (id)"),
                (
                    "pg_get_indexdef(20005, 0, 1)",
                    "CREATE UNIQUE INDEX people_name ON people USING btree (lower(name::text) DESC)",
                ),
                ("pg_get_indexdef(20005, 1, 0)", "lower(name)"),
                ("pg_get_indexdef(20005, 2, 0)", ""),
                ("pg_get_viewdef(20013)", " SELECT people.id\n   FROM people;"),
                ("pg_get_serial_sequence('People', 'id')", "public.people_id_seq"),
                ("pg_get_serial_sequence('people', 'name')", "NULL"),
                ("pg_get_serial_sequence('people', 'x')", "42703 column \"x\" of relation \"people\" does not exist"),
                ("pg_table_is_visible(20001)", "1"),
                ("pg_table_is_visible(20004)", "1"),
                ("pg_table_is_visible(1)", "NULL"),
                ("pg_type_is_visible(23)", "1"),
                ("pg_obj_description(20001, 'pg_class')", "People"),
                ("pg_obj_description(2200, 'pg_namespace')", "standard public schema"),
                ("pg_shobj_description(5, 'pg_database')", "default administrative connection database"),
                ("pg_to_regclass('people')", "20001"),
                ("pg_to_regclass('1259')", "NULL"),
                ("pg_to_regclass('nobody')", "NULL"),
                ("pg_get_function_arguments(3058)", "VARIADIC \"any\""),
                ("pg_get_function_result(3058)", "text"),
            ],
        );
    }

    #[test]
    fn privileges_are_the_superusers() {
        assert_values_in(
            slot(),
            &[
                ("pg_has_table_privilege('people', 'select, insert')", "1"),
                ("pg_has_table_privilege('pg_monitor', 'people', 'SELECT')", "0"),
                ("pg_has_table_privilege('people', 'fly')", "22023 unrecognized privilege type: \"fly\""),
                ("pg_has_table_privilege('x', 'people', 'SELECT')", "42704 role \"x\" does not exist"),
                ("pg_has_table_privilege('x', 'SELECT')", "42P01 relation \"x\" does not exist"),
                ("pg_has_schema_privilege('pg_monitor', 'public', 'USAGE')", "1"),
                ("pg_has_schema_privilege('pg_monitor', 'public', 'CREATE')", "0"),
                ("pg_has_database_privilege('postgres', 'CONNECT')", "1"),
                ("pg_get_userbyid(10)", "postgres"),
                ("pg_get_userbyid(77)", "unknown (OID=77)"),
                ("pg_encoding_to_char(6)", "UTF8"),
                ("pg_char_to_encoding('latin1')", "8"),
                ("pg_acldefault('d', 10)", "[\"=Tc/postgres\",\"postgres=CTc/postgres\"]"),
                ("pg_size_bytes('1.5 GB')", "1610612736"),
            ],
        );
    }
}
