//! CREATE of everything but tables, DROP, COMMENT, TRUNCATE.
//!
//! Specification: the statements' pages in sql-commands.html.

use super::alter::kind_words;
use super::options::{check_class_options, parameters};
use super::routine::drop_routines;
use super::{Defined, Definer, Definition, absent, ddl, definition, relation_name};
use crate::catalog::named::NamedKind;
use crate::error::{Error, Result, SqlState};
use crate::sql::ddl::{
    CollateName, CommentTarget, CreateDomain, CreateIndex, CreateView, Ddl, IndexKeyDefinition, IndexKeySource, Name,
    ObjectKind, ObjectWithArgs, Parameter,
};
use crate::sql::syntax::ast::definition::{
    CompositeTypeStmt, ConstraintKind, CreateDomainStmt, CreateEnumStmt, CreateSchemaStmt, CreateSeqStmt, DefArg,
    IndexElem, IndexKey, IndexStmt, ViewCheckOption, ViewStmt,
};
use crate::sql::syntax::ast::query::{Persistence, RangeVar, SortByDir, SortByNulls};
use crate::sql::syntax::ast::statement::{
    CommentStmt, CreateExtensionStmt, DropBehavior, DropStmt, ObjectRef, ObjectType,
};

impl Definer<'_> {
    pub(super) fn create_view(self, view: &ViewStmt) -> Defined {
        let mut parameters = parameters(&view.options)?;
        let option = match view.check_option {
            ViewCheckOption::None => None,
            ViewCheckOption::Local => Some("local"),
            ViewCheckOption::Cascaded => Some("cascaded"),
        };
        parameters.extend(option.map(|option| Parameter {
            namespace: None,
            name: "check_option".to_owned(),
            value: Some(option.to_owned()),
        }));
        let create = CreateView {
            name: relation_name(&view.view),
            or_replace: view.replace,
            temporary: view.view.persistence == Persistence::Temporary,
            columns: view.columns.clone(),
            query: Box::new(view.query.clone()),
            parameters,
        };
        ddl(Ddl::CreateView(Box::new(create)), "CREATE VIEW")
    }

    pub(super) fn create_index(self, index: &IndexStmt) -> Defined {
        super::options::check_tablespace(index.tablespace.as_ref())?;
        let included = index.including.iter().map(|element| match &element.key {
            IndexKey::Column(name) => Ok(name.clone()),
            IndexKey::Expr(_) => {
                let message = "expressions are not supported in included columns";
                Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message))
            }
        });
        let create = CreateIndex {
            name: index.name.clone(),
            table: relation_name(&index.relation),
            unique: index.unique,
            if_not_exists: index.if_not_exists,
            method: index.access_method.clone().unwrap_or_else(|| "btree".to_owned()),
            keys: index.params.iter().map(|element| self.index_key(element)).collect::<Result<_>>()?,
            included: included.collect::<Result<_>>()?,
            predicate: index.where_clause.clone(),
            nulls_not_distinct: index.nulls_not_distinct,
            parameters: parameters(&index.options)?,
            only: !index.relation.inherit,
            concurrently: index.concurrent,
        };
        ddl(Ddl::CreateIndex(Box::new(create)), "CREATE INDEX")
    }

    pub(super) fn index_key(self, element: &IndexElem) -> Result<IndexKeyDefinition> {
        if let Some(class) = element.opclass.as_deref() {
            check_class_options(class, &element.opclass_options)?;
        }
        let descending = element.ordering == SortByDir::Desc;
        Ok(IndexKeyDefinition {
            key: match &element.key {
                IndexKey::Column(name) => IndexKeySource::Column(name.clone()),
                IndexKey::Expr(expr) => IndexKeySource::Expression(expr.clone()),
            },
            collation: element.collation.as_ref().map(|name| CollateName { names: name.clone(), place: None }),
            operator_class: element.opclass.as_deref().map(|name| self.name(name)).transpose()?,
            descending,
            nulls_first: match element.nulls {
                SortByNulls::Default => descending,
                SortByNulls::First => true,
                SortByNulls::Last => false,
            },
        })
    }

    pub(super) fn create_sequence(self, create: &CreateSeqStmt) -> Defined {
        let mut settings = self.sequence_settings(&create.options)?;
        if create.sequence.persistence == Persistence::Unlogged {
            settings.unlogged = Some(true);
        }
        let sequence = Ddl::CreateSequence {
            name: relation_name(&create.sequence),
            temporary: create.sequence.persistence == Persistence::Temporary,
            if_not_exists: create.if_not_exists,
            settings: Box::new(settings),
        };
        ddl(sequence, "CREATE SEQUENCE")
    }

    pub(super) fn create_schema(self, create: &CreateSchemaStmt) -> Defined {
        let mut elements = Vec::new();
        for element in &create.elements {
            match definition(element, self.text).transpose()? {
                Some((Definition::Ddl(element), _)) => match &create.name {
                    Some(name) => elements.push(in_schema(element, name)?),
                    None => return Err(Error::unsupported("CREATE SCHEMA with schema elements and without a name")),
                },
                // Privileges are not kept.
                Some((Definition::Accepted, _)) => {}
                None => return Err(Error::internal("an element of a schema")),
            }
        }
        // transformCreateSchemaStmt
        elements.sort_by_key(|element| match element {
            Ddl::CreateSequence { .. } => 0,
            Ddl::CreateTable(_) => 1,
            Ddl::CreateView(_) => 2,
            _ => 3,
        });
        let (name, owner) = (create.name.clone(), create.authorization.clone());
        let create = Ddl::CreateSchema { name, owner, if_not_exists: create.if_not_exists, elements };
        ddl(create, "CREATE SCHEMA")
    }

    pub(super) fn create_enum(self, create: &CreateEnumStmt) -> Defined {
        let (name, labels) = (self.name(&create.name)?, create.labels.clone());
        ddl(Ddl::CreateEnum { name, labels }, "CREATE TYPE")
    }

    pub(super) fn create_composite(self, create: &CompositeTypeStmt) -> Defined {
        let name = self.name(&create.name)?;
        let columns = create.columns.iter().map(|column| self.column_definition(column, &name.name));
        let columns = columns.collect::<Result<_>>()?;
        ddl(Ddl::CreateComposite { name, columns }, "CREATE TYPE")
    }

    pub(super) fn create_domain(self, create: &CreateDomainStmt) -> Defined {
        let mut domain = CreateDomain {
            name: self.name(&create.name)?,
            base: create.type_name.clone(),
            default: None,
            not_null: false,
            collation: create.collation.as_ref().map(|c| CollateName { names: c.name.clone(), place: None }),
            checks: Vec::new(),
        };
        let mut nullability = None;
        for constraint in &create.constraints {
            match &constraint.kind {
                ConstraintKind::NotNull | ConstraintKind::Null => {
                    let not_null = constraint.kind == ConstraintKind::NotNull;
                    if nullability.replace(not_null).is_some_and(|known| known != not_null) {
                        return Err(self.syntax_error("conflicting NULL/NOT NULL constraints", constraint.location));
                    }
                    domain.not_null = not_null;
                }
                ConstraintKind::Default(default) => {
                    if domain.default.replace(default.clone()).is_some() {
                        return Err(self.syntax_error("multiple default expressions", constraint.location));
                    }
                }
                ConstraintKind::Check(check) => domain.checks.push((constraint.name.clone(), check.clone())),
                ConstraintKind::Unique { .. } => return Err(impossible("unique")),
                ConstraintKind::Primary(_) => return Err(impossible("primary key")),
                ConstraintKind::Exclusion { .. } => return Err(impossible("exclusion")),
                ConstraintKind::Foreign(_) => return Err(impossible("foreign key")),
                ConstraintKind::Attribute(_) => {
                    let message = "specifying constraint deferrability not supported for domains";
                    return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
                }
                ConstraintKind::Identity { .. } | ConstraintKind::Generated(_) => {
                    return Err(self.syntax_error("identity and generated are not for domains", constraint.location));
                }
            }
        }
        ddl(Ddl::CreateDomain(Box::new(domain)), "CREATE DOMAIN")
    }

    pub(super) fn create_extension(self, create: &CreateExtensionStmt) -> Defined {
        let (mut schema, mut version) = (None, None);
        for option in &create.options {
            let text = match &option.arg {
                Some(DefArg::String(text)) => Some(text.clone()),
                _ => None,
            };
            match option.name.as_str() {
                "schema" => schema = text,
                "new_version" => version = text,
                // What it needs is built in.
                "cascade" => {}
                other => return Err(Error::unsupported(format!("the option {other} of CREATE EXTENSION"))),
            }
        }
        let (name, if_not_exists) = (create.name.clone(), create.if_not_exists);
        ddl(Ddl::CreateExtension { name, schema, version, if_not_exists }, "CREATE EXTENSION")
    }

    pub(super) fn drop(self, drop: &DropStmt) -> Defined {
        let (kind, tag) = match drop.object_type {
            ObjectType::Function | ObjectType::Procedure | ObjectType::Routine | ObjectType::Aggregate => {
                return drop_routines(drop);
            }
            ObjectType::StatisticExt => {
                let names = drop.objects.iter().map(|object| match object {
                    ObjectRef::Name(name) => self.name(name),
                    _ => Err(Error::internal("statistics without a name")),
                });
                let names = names.collect::<Result<_>>()?;
                return ddl(Ddl::DropStatistics { names, if_exists: drop.missing_ok }, "DROP STATISTICS");
            }
            ObjectType::Operator => {
                let operators = drop.objects.iter().map(function_object).collect::<Result<_>>()?;
                let cascade = drop.behavior == DropBehavior::Cascade;
                let drop = Ddl::DropOperators { operators, if_exists: drop.missing_ok, cascade };
                return ddl(drop, "DROP OPERATOR");
            }
            ObjectType::Cast => {
                let Some(ObjectRef::Cast { source, target }) = drop.objects.first() else {
                    return Err(Error::internal("a cast without types"));
                };
                let (source, target) = (Box::new(source.clone()), Box::new(target.clone()));
                let cascade = drop.behavior == DropBehavior::Cascade;
                return ddl(Ddl::DropCast { source, target, if_exists: drop.missing_ok, cascade }, "DROP CAST");
            }
            ObjectType::Collation => return drop_named(NamedKind::Collation, drop),
            ObjectType::Table => (ObjectKind::Table, "DROP TABLE"),
            ObjectType::View => (ObjectKind::View, "DROP VIEW"),
            ObjectType::MatView => (ObjectKind::MaterializedView, "DROP MATERIALIZED VIEW"),
            ObjectType::Index => (ObjectKind::Index, "DROP INDEX"),
            ObjectType::Sequence => (ObjectKind::Sequence, "DROP SEQUENCE"),
            ObjectType::Schema => (ObjectKind::Schema, "DROP SCHEMA"),
            ObjectType::Type => (ObjectKind::Type, "DROP TYPE"),
            ObjectType::Domain => (ObjectKind::Domain, "DROP DOMAIN"),
            ObjectType::Trigger => return self.drop_trigger(drop),
            ObjectType::Policy => return self.drop_policy(drop),
            ObjectType::Extension => {
                let name = |object| self.object_name(object).map(|name| name.name);
                let names = drop.objects.iter().map(name).collect::<Result<_>>()?;
                let cascade = drop.behavior == DropBehavior::Cascade;
                return ddl(Ddl::DropExtension { names, if_exists: drop.missing_ok, cascade }, "DROP EXTENSION");
            }
            other => return absent(drop.missing_ok, dropped_tag(other)),
        };
        let names = drop.objects.iter().map(|object| self.object_name(object)).collect::<Result<_>>()?;
        let cascade = drop.behavior == DropBehavior::Cascade;
        let concurrently = drop.concurrent;
        let refused = [(drop.objects.len() > 1, "dropping multiple objects"), (cascade, "CASCADE")];
        if let Some((_, what)) = refused.iter().find(|(given, _)| concurrently && *given) {
            let message = format!("DROP INDEX CONCURRENTLY does not support {what}");
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        ddl(Ddl::Drop { kind, names, if_exists: drop.missing_ok, cascade, concurrently }, tag)
    }

    pub(super) fn comment(self, comment: &CommentStmt) -> Defined {
        let target = self.comment_target(comment)?;
        let text = comment.comment.clone().filter(|text| !text.is_empty());
        ddl(Ddl::Comment { target, text }, "COMMENT")
    }

    fn comment_target(self, comment: &CommentStmt) -> Result<CommentTarget> {
        let kind = match comment.object_type {
            ObjectType::Table => ObjectKind::Table,
            ObjectType::View => ObjectKind::View,
            ObjectType::MatView => ObjectKind::MaterializedView,
            ObjectType::Index => ObjectKind::Index,
            ObjectType::Sequence => ObjectKind::Sequence,
            ObjectType::Schema => ObjectKind::Schema,
            ObjectType::Type => ObjectKind::Type,
            ObjectType::Domain => ObjectKind::Domain,
            ObjectType::Column => {
                let (table, column) = self.part_of(&comment.object)?;
                return Ok(CommentTarget::Column { table, column });
            }
            ObjectType::TabConstraint => {
                let (table, constraint) = self.part_of(&comment.object)?;
                return Ok(CommentTarget::Constraint { table, constraint });
            }
            ObjectType::Trigger => {
                let (table, trigger) = self.trigger_of(&comment.object)?;
                return Ok(CommentTarget::Trigger { table, trigger });
            }
            ObjectType::Policy => {
                let (table, policy) = self.trigger_of(&comment.object)?;
                return Ok(CommentTarget::Policy { table, policy });
            }
            ObjectType::Function | ObjectType::Procedure | ObjectType::Routine | ObjectType::Aggregate => {
                let ObjectRef::Function(object) = &comment.object else {
                    return Err(Error::internal("a function without a name"));
                };
                return Ok(CommentTarget::Routine(comment.object_type, Box::new(object.clone())));
            }
            ObjectType::Operator => {
                return Ok(CommentTarget::Operator(Box::new(function_object(&comment.object)?)));
            }
            ObjectType::Cast => {
                let ObjectRef::Cast { source, target } = &comment.object else {
                    return Err(Error::internal("a cast without types"));
                };
                return Ok(CommentTarget::Cast(Box::new(source.clone()), Box::new(target.clone())));
            }
            ObjectType::DomConstraint => {
                let ObjectRef::DomainConstraint { domain, name } = &comment.object else {
                    return Err(Error::internal("a domain's constraint without a domain"));
                };
                let constraint = name.clone();
                return Ok(CommentTarget::DomainConstraint { domain: self.name(&domain.names)?, constraint });
            }
            other => return Ok(CommentTarget::Named(other, Box::new(comment.object.clone()))),
        };
        Ok(CommentTarget::Object { kind, name: self.object_name(&comment.object)? })
    }

    /// A relation and what is in it: [schema.]table.column.
    fn part_of(self, object: &ObjectRef) -> Result<(Name, String)> {
        match object {
            ObjectRef::Name(name) => match name.as_slice() {
                [_] | [] => Err(Error::new(SqlState::SYNTAX_ERROR, "column name must be qualified")),
                [table @ .., part] => Ok((self.name(table)?, part.clone())),
            },
            _ => Err(Error::internal("a part of an object without a name")),
        }
    }

    pub(super) fn truncate(self, relations: &[RangeVar], restart_identity: bool, behavior: DropBehavior) -> Defined {
        let tables = relations.iter().map(|relation| (relation_name(relation), !relation.inherit)).collect();
        let cascade = behavior == DropBehavior::Cascade;
        ddl(Ddl::Truncate { tables, restart_identity, cascade }, "TRUNCATE TABLE")
    }
}

fn drop_named(kind: NamedKind, drop: &DropStmt) -> Defined {
    let names = drop.objects.iter().map(|object| match object {
        ObjectRef::Name(name) => Ok(name.clone()),
        _ => Err(Error::internal("an object without a name")),
    });
    let (names, cascade) = (names.collect::<Result<_>>()?, drop.behavior == DropBehavior::Cascade);
    ddl(Ddl::DropNamed { kind, names, if_exists: drop.missing_ok, cascade }, dropped_tag(drop.object_type))
}

fn function_object(object: &ObjectRef) -> Result<ObjectWithArgs> {
    match object {
        ObjectRef::Function(object) => Ok(object.clone()),
        _ => Err(Error::internal("an operator without a name")),
    }
}

/// An element of CREATE SCHEMA: it is made in that schema, whatever the search path is.
fn in_schema(mut element: Ddl, schema: &str) -> Result<Ddl> {
    let name = match &mut element {
        Ddl::CreateSequence { name, .. } => name,
        Ddl::CreateTable(create) => &mut create.name,
        Ddl::CreateView(create) => &mut create.name,
        Ddl::CreateIndex(create) => &mut create.table,
        _ => return Err(Error::unsupported("this element of CREATE SCHEMA")),
    };
    match name.schema.replace(schema.to_owned()) {
        Some(other) if other != schema => {
            let message =
                format!("CREATE specifies a schema ({other}) different from the one being created ({schema})");
            Err(Error::new(SqlState::INVALID_SCHEMA_DEFINITION, message))
        }
        _ => Ok(element),
    }
}

fn impossible(what: &str) -> Error {
    Error::new(SqlState::SYNTAX_ERROR, format!("{what} constraints not possible for domains"))
}

/// The tag of dropping what cannot be made here.
fn dropped_tag(kind: ObjectType) -> &'static str {
    match kind {
        ObjectType::EventTrigger => "DROP EVENT TRIGGER",
        ObjectType::Rule => "DROP RULE",
        ObjectType::Extension => "DROP EXTENSION",
        ObjectType::Collation => "DROP COLLATION",
        ObjectType::Conversion => "DROP CONVERSION",
        ObjectType::OpClass => "DROP OPERATOR CLASS",
        ObjectType::OpFamily => "DROP OPERATOR FAMILY",
        ObjectType::Publication => "DROP PUBLICATION",
        ObjectType::ForeignTable => "DROP FOREIGN TABLE",
        ObjectType::Fdw => "DROP FOREIGN DATA WRAPPER",
        ObjectType::ForeignServer => "DROP SERVER",
        ObjectType::Language => "DROP LANGUAGE",
        ObjectType::AccessMethod => "DROP ACCESS METHOD",
        ObjectType::Transform => "DROP TRANSFORM",
        ObjectType::TsConfiguration => "DROP TEXT SEARCH CONFIGURATION",
        ObjectType::TsDictionary => "DROP TEXT SEARCH DICTIONARY",
        ObjectType::TsParser => "DROP TEXT SEARCH PARSER",
        ObjectType::TsTemplate => "DROP TEXT SEARCH TEMPLATE",
        other => kind_words(other),
    }
}
