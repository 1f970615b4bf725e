//! CREATE TABLE, its columns and constraints, CREATE TABLE AS.
//!
//! Specification: sql-createtable.html, transformColumnDefinition and transformConstraintAttrs in parse_utilcmd.c.

use super::options::{check_access_method, check_tablespace, parameters};
use super::{Defined, Definer, ddl, relation_name};
use crate::error::{Error, Result};
use crate::sql::ddl::{
    BoundDefinition, ColumnDefinition, ConstraintDefinition, ConstraintDefinitionKind, CreateTable, CreateTableAs, Ddl,
    Exclusion, IdentityDefinition, KeySource, LikeClause, OnCommit, Parameter,
};
use crate::sql::syntax::ast::definition::{
    ColumnDef, Constraint, ConstraintAttribute, ConstraintKind, CreateStmt, CreateTableAsStmt, ForeignKey, KeyAction,
    KeyConstraint, MatchType, OnCommitAction, PartitionBound, PartitionBoundSpec, TableElement, TableLikeClause,
    TableLikeOption,
};
use crate::sql::syntax::ast::expression::TypeName;
use crate::sql::syntax::ast::query::{IntoClause, Persistence, SelectStmt};
use crate::sql::syntax::ast::statement::{ObjectType, Stmt};
use crate::sql::syntax::grammar::locations::expr_location;

impl Definer<'_> {
    pub(super) fn create_table(self, create: &CreateStmt) -> Defined {
        let refused =
            [(create.foreign.is_some(), "CREATE FOREIGN TABLE"), (create.of_type.is_some(), "CREATE TABLE OF")];
        if let Some((_, what)) = refused.iter().find(|(given, _)| *given) {
            return Err(Error::unsupported(*what));
        }
        check_access_method(create.access_method.as_ref())?;
        check_tablespace(create.tablespace.as_ref())?;
        let mut table = CreateTable {
            name: relation_name(&create.relation),
            temporary: create.relation.persistence == Persistence::Temporary,
            unlogged: create.relation.persistence == Persistence::Unlogged,
            on_commit: on_commit(create.on_commit),
            if_not_exists: create.if_not_exists,
            columns: Vec::new(),
            constraints: Vec::new(),
            like: Vec::new(),
            parameters: self.table_parameters(&create.options)?,
            parents: create.inherits.iter().map(relation_name).collect(),
            bound: create.partition_bound.as_ref().map(|bound| self.partition_bound(bound)),
            partition_by: create
                .partition_spec
                .as_ref()
                .map(|spec| (spec.clone(), spec.params.iter().map(|part| self.place(part.location)).collect())),
        };
        for element in &create.elements {
            match element {
                TableElement::Column(column) => {
                    table.columns.push(self.column_definition(column, &create.relation.relation)?);
                }
                TableElement::Like(like) => table.like.push(like_clause(like, table.columns.len())),
                TableElement::Constraint(constraint) => table.constraints.push(self.table_constraint(constraint)?),
            }
        }
        ddl(Ddl::CreateTable(Box::new(table)), "CREATE TABLE")
    }

    pub(super) fn create_table_as(self, create: &CreateTableAsStmt) -> Defined {
        let materialized = create.object_type == ObjectType::MatView;
        match &*create.query {
            Stmt::Select(query) => {
                let (mut table, tag) = self.table_of(&create.into, query, create.if_not_exists)?;
                table.materialized = materialized;
                let tag = if materialized && tag != "SELECT" { "CREATE MATERIALIZED VIEW" } else { tag };
                ddl(Ddl::CreateTableAs(Box::new(table)), tag)
            }
            Stmt::Execute(_) => Err(Error::unsupported("CREATE TABLE AS EXECUTE")),
            _ => Err(Error::unsupported("CREATE TABLE AS over a statement that changes data")),
        }
    }

    /// A table made from a query: CREATE TABLE AS, and SELECT INTO.
    pub(super) fn table_as(self, into: &IntoClause, query: &SelectStmt) -> Defined {
        let (create, tag) = self.table_of(into, query, false)?;
        ddl(Ddl::CreateTableAs(Box::new(create)), tag)
    }

    fn table_of(
        self,
        into: &IntoClause,
        query: &SelectStmt,
        if_not_exists: bool,
    ) -> Result<(CreateTableAs, &'static str)> {
        check_access_method(into.access_method.as_ref())?;
        check_tablespace(into.tablespace.as_ref())?;
        let create = CreateTableAs {
            name: relation_name(&into.relation),
            temporary: into.relation.persistence == Persistence::Temporary,
            unlogged: into.relation.persistence == Persistence::Unlogged,
            on_commit: on_commit(into.on_commit),
            if_not_exists,
            columns: into.columns.clone(),
            query: Box::new(query.clone()),
            materialized: false,
            with_data: !into.skip_data,
            parameters: self.table_parameters(&into.options)?,
        };
        Ok((create, if into.skip_data { "CREATE TABLE AS" } else { "SELECT" }))
    }

    // ----- columns

    /// A column of `table`, its constraints sorted out.
    pub(super) fn column_definition(self, def: &ColumnDef, table: &str) -> Result<ColumnDefinition> {
        // In PARTITION OF the parent has it.
        let no_type = TypeName {
            names: Vec::new(),
            setof: false,
            pct_type: false,
            typmods: Vec::new(),
            array_bounds: Vec::new(),
            location: def.location,
        };
        let type_name = def.type_name.as_ref().unwrap_or(&no_type);
        let collation = def.collation.as_ref().map(|c| self.collation(&c.name, c.location));
        if !def.fdw_options.is_empty() {
            return Err(Error::unsupported("OPTIONS of a column"));
        }
        let mut column = ColumnDefinition {
            name: def.name.clone(),
            data_type: type_name.clone(),
            collation,
            compression: def.compression.clone(),
            not_null: false,
            default: None,
            generated: None,
            identity: None,
            constraints: Vec::new(),
        };
        let mut nullability = None;
        for (index, constraint) in def.constraints.iter().enumerate() {
            let behind = def.constraints.get(index + 1..).unwrap_or_default();
            self.column_constraint(constraint, behind, &mut column, &mut nullability, table)?;
            self.check_conflicts(constraint, &column, table)?;
        }
        self.check_attributes(&def.constraints)?;
        column.not_null = nullability == Some(true);
        Ok(column)
    }

    fn column_constraint(
        self,
        constraint: &Constraint,
        behind: &[Constraint],
        column: &mut ColumnDefinition,
        nullability: &mut Option<bool>,
        table: &str,
    ) -> Result<()> {
        let of_column = |what: &str| format!("{what} for column \"{}\" of table \"{table}\"", column.name);
        let mut set_nullability = |not_null: bool| {
            if nullability.is_some_and(|known| known != not_null) {
                let message = of_column("conflicting NULL/NOT NULL declarations");
                return Err(self.syntax_error(message, constraint.location));
            }
            *nullability = Some(not_null);
            Ok(())
        };
        let own = || vec![column.name.clone()];
        let kind = match &constraint.kind {
            ConstraintKind::Null => return set_nullability(false),
            ConstraintKind::NotNull => return set_nullability(true),
            ConstraintKind::Attribute(_) => return Ok(()),
            ConstraintKind::Default(default) => {
                if column.default.is_some() {
                    let message = of_column("multiple default values specified");
                    return Err(self.syntax_error(message, constraint.location));
                }
                column.default = Some(default.clone());
                return Ok(());
            }
            ConstraintKind::Identity { always, options } => {
                if column.identity.is_some() {
                    let message = of_column("multiple identity specifications");
                    return Err(self.syntax_error(message, constraint.location));
                }
                set_nullability(true)?;
                let settings = self.sequence_settings(options)?;
                column.identity = Some(IdentityDefinition { always: *always, settings });
                return Ok(());
            }
            ConstraintKind::Generated(expr) => {
                if column.generated.is_some() {
                    let message = of_column("multiple generation clauses specified");
                    return Err(self.syntax_error(message, constraint.location));
                }
                column.generated = Some(expr.clone());
                return Ok(());
            }
            // PRIMARY KEY beside NULL is no conflict to PostgreSQL 15.
            ConstraintKind::Primary(key) => {
                ConstraintDefinitionKind::PrimaryKey(KeySource::Columns(own(), key.including.clone()))
            }
            ConstraintKind::Unique { key, .. } => {
                ConstraintDefinitionKind::Unique(KeySource::Columns(own(), key.including.clone()))
            }
            ConstraintKind::Check(expr) => ConstraintDefinitionKind::Check(expr.clone()),
            ConstraintKind::Foreign(key) => foreign_key(key, own())?,
            ConstraintKind::Exclusion { .. } => self.exclusion(&constraint.kind)?,
        };
        let (deferrable, initially_deferred) = attributes(behind);
        column.constraints.push(ConstraintDefinition {
            name: constraint.name.clone(),
            kind,
            deferrable,
            initially_deferred,
            not_valid: constraint.not_valid,
            no_inherit: constraint.no_inherit,
            nulls_not_distinct: nulls_not_distinct(constraint),
            parameters: key_parameters(constraint)?,
        });
        Ok(())
    }

    /// Of a default, an identity and a generation expression a column has one.
    fn check_conflicts(self, constraint: &Constraint, column: &ColumnDefinition, table: &str) -> Result<()> {
        let given = (column.default.is_some(), column.identity.is_some(), column.generated.is_some());
        let both = match given {
            (true, true, _) => "both default and identity",
            (true, _, true) => "both default and generation expression",
            (_, true, true) => "both identity and generation expression",
            _ => return Ok(()),
        };
        let message = format!("{both} specified for column \"{}\" of table \"{table}\"", column.name);
        Err(self.syntax_error(message, constraint.location))
    }

    /// DEFERRABLE and INITIALLY … stand behind a constraint that can have them, each once (transformConstraintAttrs).
    fn check_attributes(self, constraints: &[Constraint]) -> Result<()> {
        use ConstraintAttribute::*;
        let mut takes = false;
        let (mut deferrability, mut initially) = (None, None);
        for constraint in constraints {
            let ConstraintKind::Attribute(attribute) = &constraint.kind else {
                takes = matches!(
                    constraint.kind,
                    ConstraintKind::Primary(_)
                        | ConstraintKind::Unique { .. }
                        | ConstraintKind::Exclusion { .. }
                        | ConstraintKind::Foreign(_)
                );
                (deferrability, initially) = (None, None);
                continue;
            };
            let wrong = match attribute {
                Deferrable | NotDeferrable if !takes => {
                    if *attribute == Deferrable {
                        "misplaced DEFERRABLE clause"
                    } else {
                        "misplaced NOT DEFERRABLE clause"
                    }
                }
                InitiallyDeferred if !takes => "misplaced INITIALLY DEFERRED clause",
                InitiallyImmediate if !takes => "misplaced INITIALLY IMMEDIATE clause",
                Deferrable | NotDeferrable if deferrability.is_some() => {
                    "multiple DEFERRABLE/NOT DEFERRABLE clauses not allowed"
                }
                InitiallyDeferred | InitiallyImmediate if initially.is_some() => {
                    "multiple INITIALLY IMMEDIATE/DEFERRED clauses not allowed"
                }
                _ => "",
            };
            if !wrong.is_empty() {
                return Err(self.syntax_error(wrong, constraint.location));
            }
            match attribute {
                Deferrable | NotDeferrable => deferrability = Some(*attribute),
                InitiallyDeferred | InitiallyImmediate => initially = Some(*attribute),
            }
            if deferrability == Some(NotDeferrable) && initially == Some(InitiallyDeferred) {
                let message = "constraint declared INITIALLY DEFERRED must be DEFERRABLE";
                return Err(self.syntax_error(message, constraint.location));
            }
        }
        Ok(())
    }

    /// FOR VALUES …, DEFAULT
    pub(super) fn partition_bound(self, spec: &PartitionBoundSpec) -> BoundDefinition {
        let places = match &spec.bound {
            PartitionBound::Default | PartitionBound::Hash { .. } => Vec::new(),
            PartitionBound::List(values) => values.iter().map(expr_location).collect(),
            PartitionBound::Range { lower, upper } => lower.iter().chain(upper).map(expr_location).collect(),
        };
        BoundDefinition {
            bound: spec.bound.clone(),
            place: self.place(spec.location),
            places: places.into_iter().map(|location| self.place(location)).collect(),
        }
    }

    // ----- constraints

    /// A constraint as in CREATE TABLE's list and after ADD.
    pub(super) fn table_constraint(self, constraint: &Constraint) -> Result<ConstraintDefinition> {
        let kind = match &constraint.kind {
            ConstraintKind::Primary(key) => ConstraintDefinitionKind::PrimaryKey(key_source(key)),
            ConstraintKind::Unique { key, .. } => ConstraintDefinitionKind::Unique(key_source(key)),
            ConstraintKind::Check(expr) => ConstraintDefinitionKind::Check(expr.clone()),
            ConstraintKind::Foreign(key) => foreign_key(key, key.columns.clone())?,
            ConstraintKind::Exclusion { .. } => self.exclusion(&constraint.kind)?,
            _ => return Err(Error::internal("a column's constraint in a table's place")),
        };
        let initially_deferred = constraint.initially_deferred.unwrap_or(false);
        Ok(ConstraintDefinition {
            name: constraint.name.clone(),
            kind,
            deferrable: constraint.deferrable.unwrap_or(initially_deferred),
            initially_deferred,
            not_valid: constraint.not_valid,
            no_inherit: constraint.no_inherit,
            nulls_not_distinct: nulls_not_distinct(constraint),
            parameters: key_parameters(constraint)?,
        })
    }

    fn exclusion(self, kind: &ConstraintKind) -> Result<ConstraintDefinitionKind> {
        let ConstraintKind::Exclusion { access_method, elements, key, where_clause } = kind else {
            return Err(Error::internal("an exclusion constraint"));
        };
        let elements = elements.iter().map(|(element, operator)| Ok((self.index_key(element)?, self.name(operator)?)));
        Ok(ConstraintDefinitionKind::Exclusion(Box::new(Exclusion {
            method: access_method.clone().unwrap_or_else(|| "btree".to_owned()),
            elements: elements.collect::<Result<_>>()?,
            included: key.including.clone(),
            predicate: where_clause.clone(),
        })))
    }
}

fn nulls_not_distinct(constraint: &Constraint) -> bool {
    matches!(constraint.kind, ConstraintKind::Unique { nulls_not_distinct: true, .. })
}

fn key_parameters(constraint: &Constraint) -> Result<Vec<Parameter>> {
    match &constraint.kind {
        ConstraintKind::Primary(key) | ConstraintKind::Unique { key, .. } | ConstraintKind::Exclusion { key, .. } => {
            parameters(&key.options)
        }
        _ => Ok(Vec::new()),
    }
}

/// The attributes that stand directly behind a column's constraint: deferrable, initially deferred.
fn attributes(behind: &[Constraint]) -> (bool, bool) {
    let (mut deferrable, mut deferred) = (false, false);
    for constraint in behind {
        match &constraint.kind {
            ConstraintKind::Attribute(ConstraintAttribute::Deferrable) => deferrable = true,
            ConstraintKind::Attribute(ConstraintAttribute::InitiallyDeferred) => (deferrable, deferred) = (true, true),
            ConstraintKind::Attribute(_) => {}
            _ => break,
        }
    }
    (deferrable, deferred)
}

fn key_source(key: &KeyConstraint) -> KeySource {
    match &key.index {
        Some(index) => KeySource::Index(index.clone()),
        None => KeySource::Columns(key.columns.clone(), key.including.clone()),
    }
}

fn foreign_key(key: &ForeignKey, columns: Vec<String>) -> Result<ConstraintDefinitionKind> {
    match key.match_type {
        MatchType::Simple | MatchType::Full => {}
        MatchType::Partial => return Err(Error::unsupported("MATCH PARTIAL")),
    }
    Ok(ConstraintDefinitionKind::ForeignKey {
        columns,
        table: relation_name(&key.table),
        referenced: key.references.clone(),
        on_update: action_letter(key.on_update),
        on_delete: action_letter(key.on_delete),
        set_columns: key.delete_set_columns.clone(),
        match_full: key.match_type == MatchType::Full,
    })
}

/// pg_constraint.confdeltype and confupdtype.
fn action_letter(action: KeyAction) -> u8 {
    match action {
        KeyAction::NoAction => b'a',
        KeyAction::Restrict => b'r',
        KeyAction::Cascade => b'c',
        KeyAction::SetNull => b'n',
        KeyAction::SetDefault => b'd',
    }
}

fn on_commit(action: OnCommitAction) -> OnCommit {
    match action {
        OnCommitAction::Noop | OnCommitAction::PreserveRows => OnCommit::PreserveRows,
        OnCommitAction::DeleteRows => OnCommit::DeleteRows,
        OnCommitAction::Drop => OnCommit::Drop,
    }
}

fn like_clause(like: &TableLikeClause, position: usize) -> LikeClause {
    let mut clause = LikeClause {
        source: relation_name(&like.relation),
        position,
        defaults: false,
        constraints: false,
        indexes: false,
        identity: false,
        generated: false,
        comments: false,
        storage: false,
        compression: false,
    };
    for (including, option) in &like.options {
        let all = *option == TableLikeOption::All;
        for (of, flag) in [
            (TableLikeOption::Defaults, &mut clause.defaults),
            (TableLikeOption::Constraints, &mut clause.constraints),
            (TableLikeOption::Indexes, &mut clause.indexes),
            (TableLikeOption::Identity, &mut clause.identity),
            (TableLikeOption::Generated, &mut clause.generated),
            (TableLikeOption::Comments, &mut clause.comments),
            (TableLikeOption::Storage, &mut clause.storage),
            (TableLikeOption::Compression, &mut clause.compression),
        ] {
            if all || *option == of {
                *flag = *including;
            }
        }
    }
    clause
}
