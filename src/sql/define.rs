//! Statements about schema objects, from the tree as written to [`Ddl`]: what parse_utilcmd.c does before names are
//! looked up.
//!
//! Owns: [`definition`] and [`Definition`]. Must not know: the catalog. What is not supported is refused here by name.
//! Specification: sql-commands.html, parse_utilcmd.c.

mod alter;
mod maintenance;
mod object;
mod options;
mod policy;
mod routine;
mod table;
mod trigger;

use crate::catalog::named::NamedKind;
use crate::error::{Error, Result, SqlState};
use crate::sql::ddl::{Ddl, Name, StatisticsChange};
use crate::sql::syntax::ast::definition::DefArg;
use crate::sql::syntax::ast::location::Location;
use crate::sql::syntax::ast::query::{IntoClause, RangeVar, SelectStmt};
use crate::sql::syntax::ast::statement::{DropBehavior, ObjectType, Stmt};
use crate::sql::syntax::token_value::TokenValue;

/// What a statement about objects turned out to be.
#[derive(Clone, Debug)]
pub enum Definition {
    Ddl(Ddl),
    /// Accepted and without effect (GRANT, OWNER TO, …).
    Accepted,
}

/// A definition and its command tag.
pub type Defined = Result<(Definition, &'static str)>;

/// The statement's definition and its command tag; `None` if it is not about objects.
pub fn definition(stmt: &Stmt, text: &str) -> Option<Defined> {
    let definer = Definer { text };
    Some(match stmt {
        Stmt::Create(create) => definer.create_table(create),
        Stmt::CreateTableAs(create) => definer.create_table_as(create),
        Stmt::RefreshMatView(refresh) => {
            if refresh.concurrent && refresh.skip_data {
                let message = "CONCURRENTLY and WITH NO DATA options cannot be used together";
                return Some(Err(Error::new(SqlState::SYNTAX_ERROR, message)));
            }
            let name = relation_name(&refresh.relation);
            let (concurrently, with_data) = (refresh.concurrent, !refresh.skip_data);
            ddl(Ddl::RefreshMaterializedView { name, concurrently, with_data }, "REFRESH MATERIALIZED VIEW")
        }
        Stmt::Index(index) => definer.create_index(index),
        Stmt::View(view) => definer.create_view(view),
        Stmt::CreateSeq(create) => definer.create_sequence(create),
        Stmt::CreateSchema(create) => definer.create_schema(create),
        Stmt::CreateEnum(create) => definer.create_enum(create),
        Stmt::CreateRange(create) => ddl(Ddl::CreateRange(Box::new(create.clone())), "CREATE TYPE"),
        Stmt::CompositeType(create) => definer.create_composite(create),
        Stmt::CreateDomain(create) => definer.create_domain(create),
        Stmt::CreateExtension(create) => definer.create_extension(create),
        Stmt::CreateTrig(create) => definer.create_trigger(create),
        Stmt::CreateStats(create) => {
            let named = definer.name(&create.name);
            named.and_then(|name| ddl(Ddl::CreateStatistics(Box::new(create.clone()), name), "CREATE STATISTICS"))
        }
        Stmt::AlterStats(alter) => {
            let named = definer.name(&alter.name);
            named.and_then(|name| {
                ddl(Ddl::AlterStatistics(StatisticsChange::Target(alter.clone()), name), "ALTER STATISTICS")
            })
        }
        Stmt::CreatePolicy(create) => definer.create_policy(create),
        Stmt::AlterPolicy(alter) => definer.alter_policy(alter),
        Stmt::CreateFunction(create) => {
            if let Err(error) = definer.check_once(&create.options) {
                return Some(Err(error));
            }
            let tag = if create.is_procedure { "CREATE PROCEDURE" } else { "CREATE FUNCTION" };
            ddl(Ddl::CreateRoutine(create.clone()), tag)
        }
        Stmt::Define(define) if define.kind == ObjectType::Aggregate => {
            ddl(Ddl::CreateAggregate(define.clone()), "CREATE AGGREGATE")
        }
        Stmt::Define(define) if define.kind == ObjectType::Operator => {
            ddl(Ddl::CreateOperator(define.clone()), "CREATE OPERATOR")
        }
        Stmt::Define(define) if define.kind == ObjectType::Collation => {
            ddl(Ddl::CreateNamed(define.clone()), "CREATE COLLATION")
        }
        Stmt::AlterCollation { name } => {
            let change = Ddl::ChangeNamed { kind: NamedKind::Collation, name: name.clone(), change: None };
            ddl(change, "ALTER COLLATION")
        }
        Stmt::AlterOperator(alter) => {
            let (operator, options) = (Box::new(alter.operator.clone()), alter.options.clone());
            ddl(Ddl::AlterOperator { operator, options }, "ALTER OPERATOR")
        }
        Stmt::CreateCast(create) => ddl(Ddl::CreateCast(create.clone()), "CREATE CAST"),
        Stmt::AlterFunction(alter) => ddl(Ddl::AlterRoutine(alter.clone()), routine::altered_tag(alter.object_type)),
        Stmt::CreatePLang(create) => routine::create_language(create),
        Stmt::AlterTable(alter) => definer.alter_table(alter),
        Stmt::AlterSeq(alter) => definer.alter_sequence(alter),
        Stmt::AlterEnum(alter) => definer.alter_enum(alter),
        Stmt::AlterDomain(alter) => definer.alter_domain(alter),
        Stmt::Rename(rename) => definer.rename(rename),
        Stmt::AlterObjectSchema(alter) => definer.set_schema(alter),
        Stmt::AlterOwner(alter) => definer.alter_owner(alter),
        Stmt::Drop(drop) => definer.drop(drop),
        Stmt::DropTableSpace { missing_ok, .. } => absent(*missing_ok, "DROP TABLESPACE"),
        Stmt::DropSubscription { missing_ok, .. } => absent(*missing_ok, "DROP SUBSCRIPTION"),
        Stmt::DropUserMapping { missing_ok, .. } => absent(*missing_ok, "DROP USER MAPPING"),
        Stmt::Comment(comment) => definer.comment(comment),
        Stmt::Truncate { relations, restart_seqs, behavior } => definer.truncate(relations, *restart_seqs, *behavior),
        Stmt::Grant(grant) => ddl(Ddl::Grant(grant.clone()), if grant.is_grant { "GRANT" } else { "REVOKE" }),
        Stmt::AlterDefaultPrivileges(alter) => {
            ddl(Ddl::AlterDefaultPrivileges(alter.clone()), "ALTER DEFAULT PRIVILEGES")
        }
        Stmt::ReassignOwned { roles, new_role } => {
            ddl(Ddl::ReassignOwned { roles: roles.clone(), to: new_role.clone() }, "REASSIGN OWNED")
        }
        Stmt::DropOwned { roles, behavior } => {
            let cascade = *behavior == DropBehavior::Cascade;
            ddl(Ddl::DropOwned { roles: roles.clone(), cascade }, "DROP OWNED")
        }
        Stmt::SecLabel(label) => Err(no_label_provider(label.provider.as_deref())),
        Stmt::Load { file } => {
            // There are no libraries of code here.
            let message = format!("could not access file \"{file}\": No such file or directory");
            Err(Error::new(SqlState::UNDEFINED_FILE, message))
        }
        Stmt::Reindex(reindex) => maintenance::reindex(reindex, text),
        Stmt::Cluster(cluster) => maintenance::cluster(cluster, text),
        Stmt::AlterExtension(alter) => {
            let version = alter.options.iter().find_map(|option| match &option.arg {
                Some(DefArg::String(version)) => Some(version.clone()),
                _ => None,
            });
            ddl(Ddl::AlterExtension { name: alter.name.clone(), version }, "ALTER EXTENSION")
        }
        Stmt::AlterExtensionContents(alter) => {
            let what = if alter.add { "ADD" } else { "DROP" };
            ddl(Ddl::ChangeExtension { name: alter.name.clone(), what }, "ALTER EXTENSION")
        }
        other => Err(Error::unsupported(unsupported(other)?)),
    })
}

/// Providers of security labels are loaded modules, and there are none (ExecSecLabelStmt).
fn no_label_provider(named: Option<&str>) -> Error {
    let message = match named {
        Some(name) => format!("security label provider \"{name}\" is not loaded"),
        None => "no security label providers have been loaded".to_owned(),
    };
    Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
}

pub(crate) use alter::kind_words;

/// The value of SET as one text.
pub fn setting_value(name: &str, args: &[crate::sql::ddl::Expr]) -> Result<String> {
    crate::sql::utility::flattened(name, args)
}

/// SELECT INTO, as the CREATE TABLE AS that it is.
pub fn select_into(into: &IntoClause, query: &SelectStmt, text: &str) -> Defined {
    Definer { text }.table_as(into, query)
}

/// What a statement is called that is about objects which cannot be made here.
fn unsupported(stmt: &Stmt) -> Option<&'static str> {
    Some(match stmt {
        Stmt::Merge(_) => "MERGE",
        Stmt::AlterTableMoveAll(_) => "ALTER TABLE ALL IN TABLESPACE",
        Stmt::AlterType(_) => "ALTER TYPE … SET",
        Stmt::Define(define) => match define.kind {
            ObjectType::Type => "CREATE TYPE other than AS ENUM",
            _ => "CREATE TEXT SEARCH",
        },
        Stmt::CreateEventTrig(_) => "CREATE EVENT TRIGGER",
        Stmt::AlterEventTrig(_) => "ALTER EVENT TRIGGER",
        Stmt::Rule(_) => "CREATE RULE",
        Stmt::CreateOpClass(_) => "CREATE OPERATOR CLASS",
        Stmt::CreateOpFamily(_) => "CREATE OPERATOR FAMILY",
        Stmt::AlterOpFamily(_) => "ALTER OPERATOR FAMILY",
        Stmt::CreateTransform(_) => "CREATE TRANSFORM",
        Stmt::CreateConversion(_) => "CREATE CONVERSION",
        Stmt::CreateAm(_) => "CREATE ACCESS METHOD",
        Stmt::AlterTSConfiguration(_) | Stmt::AlterTSDictionary(_) => "ALTER TEXT SEARCH",
        Stmt::CreateForeign(_) => "a foreign data wrapper",
        Stmt::AlterForeign(_) => "a foreign data wrapper",
        Stmt::CreateUserMapping(_) => "CREATE USER MAPPING",
        Stmt::AlterUserMapping(_) => "ALTER USER MAPPING",
        Stmt::ImportForeignSchema(_) => "IMPORT FOREIGN SCHEMA",
        Stmt::CreatePublication(_) => "CREATE PUBLICATION",
        Stmt::AlterPublication(_) => "ALTER PUBLICATION",
        Stmt::CreateSubscription(_) => "CREATE SUBSCRIPTION",
        Stmt::AlterSubscription(_) => "ALTER SUBSCRIPTION",
        Stmt::CreateTableSpace { .. } => "CREATE TABLESPACE",
        Stmt::AlterTableSpaceOptions { .. } => "ALTER TABLESPACE",
        Stmt::AlterObjectDepends(_) => "DEPENDS ON EXTENSION",
        Stmt::AlterSystem(_) => "ALTER SYSTEM",
        _ => return None,
    })
}

/// Objects of the kinds that cannot be made here do not exist: IF EXISTS is true to its word, and without it the answer
/// is that the kind is not supported.
fn absent(missing_ok: bool, tag: &'static str) -> Defined {
    if missing_ok { Ok((Definition::Accepted, tag)) } else { Err(Error::unsupported(tag)) }
}

fn ddl(ddl: Ddl, tag: &'static str) -> Defined {
    Ok((Definition::Ddl(ddl), tag))
}

/// A relation's name; a database's in front is ignored, as PostgreSQL ignores its own.
fn relation_name(relation: &RangeVar) -> Name {
    Name { schema: relation.schema.clone(), name: relation.relation.clone() }
}

/// A statement's text, for the positions of errors in it.
#[derive(Clone, Copy)]
struct Definer<'t> {
    text: &'t str,
}

impl Definer<'_> {
    fn at(self, error: Error, location: Location) -> Error {
        TokenValue { text: self.text }.located(error, location)
    }

    /// A 42601 at a location.
    /// Where something stands, as clients count.
    fn place(self, location: Location) -> Option<u32> {
        self.at(Error::new(SqlState::SYNTAX_ERROR, ""), location).fields().position
    }

    fn syntax_error(self, message: impl Into<String>, location: Location) -> Error {
        self.at(Error::new(SqlState::SYNTAX_ERROR, message.into()), location)
    }

    /// A possibly qualified name; a database's in front is ignored, as PostgreSQL ignores its own.
    fn name(self, parts: &[String]) -> Result<Name> {
        match parts {
            [name] => Ok(Name::plain(name)),
            [schema, name] | [_, schema, name] => Ok(Name { schema: Some(schema.clone()), name: name.clone() }),
            _ => {
                let message = format!("improper qualified name (too many dotted names): {}", parts.join("."));
                Err(Error::new(SqlState::SYNTAX_ERROR, message))
            }
        }
    }
}
