//! CREATE TABLE and CREATE TABLE AS.

use super::Change;
use super::column::WantedSequence;
use super::comment::{PG_CLASS, PG_CONSTRAINT};
use super::drop::Object;
use super::index::key_names;
use super::naming;
use super::parameters;
use super::sqlite::{self, quote};
use crate::catalog::definitions::quote_identifier;
use crate::catalog::definitions::regclass_name;
use crate::catalog::schema::{
    Column, ColumnOptions, ConstraintKind, Index, Relation, RelationKind, RelationOptions, sqlite_table_name,
    stored_column_name,
};
use crate::catalog::store;
use crate::error::{Error, Result, SqlState};
use crate::sql::ddl::{
    ColumnDefinition, ConstraintDefinition, ConstraintDefinitionKind, CreateTable, CreateTableAs, KeySource,
    LikeClause, Name, OnCommit, SequenceSettings,
};
use crate::types::pg_type::{Oid, Repr, Scalar};

/// PostgreSQL's limit, and SQLite's is 2000.
const MAX_COLUMNS: usize = 1600;

impl Change<'_> {
    pub(super) fn create_table(&mut self, create: &CreateTable) -> Result<()> {
        let Some(mut relation) =
            self.begin_table(&create.name, (create.temporary, create.unlogged), create.if_not_exists)?
        else {
            return Ok(());
        };
        parameters::set(&mut relation.options.parameters, &create.parameters, parameters::TABLE)?;
        let parents = self.parents_of(create, &relation)?;
        let wanted = match parents.is_empty() {
            true => self.add_columns(&mut relation, create)?,
            false => self.inherit_columns(&mut relation, create, &parents)?,
        };
        for sequence in wanted {
            self.own_sequence(&mut relation, sequence)?;
        }
        let definitions: Vec<&ColumnDefinition> = create.columns.iter().collect();
        self.set_expressions(&mut relation, &definitions)?;
        self.inherit_checks(&mut relation, &parents)?;
        let bound = match (&create.bound, parents.as_slice()) {
            (Some(spec), [parent]) => {
                let bound = self.partition_bound(parent, spec)?;
                self.check_new_bound(parent, &relation.name, (&bound, spec))?;
                Some(bound)
            }
            _ => None,
        };
        relation.options.inheritance.bound = bound;
        if let Some(spec) = &create.partition_by {
            relation.options.inheritance.key = Some(self.partition_key(&relation, spec)?);
        }
        let of_columns = create.columns.iter().flat_map(|c| &c.constraints);
        let definitions = super::passes::in_order(of_columns.chain(&create.constraints));
        // Keys' columns are looked up before any expression is.
        definitions.iter().try_for_each(|definition| super::constraint::check_key_columns(&relation, definition))?;
        for definition in &definitions {
            if !self.merge_check(&mut relation, definition)? {
                self.add_constraint(&mut relation, definition)?;
            }
        }
        // There are no rows that could not satisfy them.
        relation.constraints.iter_mut().for_each(|constraint| constraint.options.not_valid = false);
        for like in &create.like {
            self.copy_indexes(&mut relation, like)?;
            self.copy_comments(&relation, like)?;
        }
        let oid = relation.oid;
        relation.options.inheritance.parents = parents.iter().map(|parent| parent.oid).collect();
        if let (Some(_), [parent]) = (&create.bound, parents.as_slice()) {
            self.inherit_indexes(&mut relation, parent)?;
            self.inherit_foreign_keys(&mut relation, parent)?;
        }
        self.finish_table(relation)?;
        parents.iter().try_for_each(|parent| self.enter_child(parent.oid, oid))?;
        if let (Some(_), [parent]) = (&create.bound, parents.as_slice()) {
            self.add_trigger_parts(parent, oid, &parent.options.triggers, false)?;
        }
        self.note_on_commit(oid, create.on_commit)
    }

    /// The empty relation; `None` when it exists and that is all right.
    fn begin_table(
        &mut self,
        name: &Name,
        (temporary, unlogged): (bool, bool),
        if_not_exists: bool,
    ) -> Result<Option<Relation>> {
        let temporary = temporary || name.schema.as_deref() == Some("pg_temp");
        if temporary && unlogged {
            let message = "only temporary relations may be created in temporary schemas";
            return Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, message));
        }
        let schema = self.creation_schema(name, temporary)?;
        if if_not_exists && self.catalog.relation(&schema, &name.name).is_some() {
            let message = format!("relation \"{}\" already exists, skipping", name.name);
            self.notice(SqlState::DUPLICATE_TABLE, message);
            return Ok(None);
        }
        self.check_free(&schema, &name.name)?;
        if temporary {
            self.ensure_temporary()?;
        }
        Ok(Some(Relation {
            oid: self.new_oid()?,
            sqlite_name: self.free_sqlite_name(&schema, &name.name, temporary),
            name: name.name.clone(),
            schema,
            kind: RelationKind::Table,
            temporary,
            columns: Vec::new(),
            constraints: Vec::new(),
            indexes: Vec::new(),
            view_query: None,
            sequence: None,
            declared: true,
            options: RelationOptions { unlogged, ..RelationOptions::default() },
        }))
    }

    /// SQLite does not tell "Users" from "users": a table whose name is taken by another of different case gets
    /// a number behind its name there.
    pub(super) fn free_sqlite_name(&self, schema: &str, name: &str, temporary: bool) -> String {
        let database = if temporary { "temp" } else { "main" };
        // What SQLite cannot say it will say when the table is made.
        let taken = |candidate: &str| self.connection.table_exists(Some(database), candidate).unwrap_or(false);
        let wanted = sqlite_table_name(schema, name);
        let numbered = (2_u32..).map(|n| format!("{wanted}~{n}"));
        std::iter::once(wanted.clone()).chain(numbered).find(|candidate| !taken(candidate)).unwrap_or(wanted)
    }

    fn add_columns(&mut self, relation: &mut Relation, create: &CreateTable) -> Result<Vec<WantedSequence>> {
        let mut wanted = Vec::new();
        for (position, definition) in create.columns.iter().enumerate() {
            for like in create.like.iter().filter(|l| l.position == position) {
                wanted.extend(self.copy_columns(relation, like)?);
            }
            let (column, sequence) = self.new_column(definition, next_number(relation)?)?;
            push_column(relation, column)?;
            wanted.extend(sequence);
        }
        for like in create.like.iter().filter(|l| l.position >= create.columns.len()) {
            wanted.extend(self.copy_columns(relation, like)?);
        }
        Ok(wanted)
    }

    /// LIKE: the source's columns, and what INCLUDING asks for of their properties.
    pub(super) fn copy_columns(&mut self, relation: &mut Relation, like: &LikeClause) -> Result<Vec<WantedSequence>> {
        let source = self.relation(&like.source)?;
        let mut wanted = Vec::new();
        for column in &source.columns {
            let identity = column.identity.filter(|_| like.identity);
            let keeps = if column.generated { like.generated } else { like.defaults && column.identity.is_none() };
            let number = next_number(relation)?;
            push_column(
                relation,
                Column {
                    number,
                    default: column.default.clone().filter(|_| keeps),
                    identity,
                    generated: column.generated && like.generated,
                    rowid_alias: false,
                    options: copied_options(&column.options, like),
                    ..column.clone()
                },
            )?;
            if identity.is_some() {
                let settings = SequenceSettings::default();
                wanted.push(WantedSequence { column: column.name.clone(), type_oid: column.type_oid, settings });
            }
        }
        if like.constraints {
            for constraint in &source.constraints {
                let ConstraintKind::Check(_) = &constraint.kind else { continue };
                let numbers = constraint.columns.iter().filter_map(|&n| source.column_by_number(n));
                let columns = numbers.filter_map(|c| relation.column(&c.name)).map(|c| c.number).collect();
                let oid = self.new_oid()?;
                let copy = crate::catalog::schema::Constraint { oid, columns, ..constraint.clone() };
                relation.constraints.push(copy);
            }
        }
        Ok(wanted)
    }

    /// LIKE … INCLUDING COMMENTS: those of columns and checks.
    fn copy_comments(&mut self, relation: &Relation, like: &LikeClause) -> Result<()> {
        if !like.comments {
            return Ok(());
        }
        let source = self.relation(&like.source)?;
        let columns = source.columns.iter().filter_map(|from| {
            let to = relation.column(&from.name)?;
            Some(((PG_CLASS, source.oid, from.number.into()), (PG_CLASS, relation.oid, to.number.into())))
        });
        let checks = source.constraints.iter().filter_map(|from| {
            let to = relation.constraints.iter().find(|to| to.name == from.name && to.check() == from.check())?;
            Some(((PG_CONSTRAINT, from.oid, 0), (PG_CONSTRAINT, to.oid, 0)))
        });
        let keys: Vec<_> = columns.chain(checks).collect();
        for (from, to) in keys {
            if let Some(text) = self.catalog.comments.get(&from).cloned() {
                self.set_comment(to, Some(&text))?;
            }
        }
        Ok(())
    }

    /// LIKE … INCLUDING INDEXES: keys under new names, other indexes too.
    fn copy_indexes(&mut self, relation: &mut Relation, like: &LikeClause) -> Result<()> {
        if !like.indexes {
            return Ok(());
        }
        let source = self.relation(&like.source)?;
        for index in &source.indexes {
            let names = key_names(&source, index);
            if index.constraint.is_some() && !index.unique {
                return Err(Error::unsupported("LIKE … INCLUDING INDEXES of a table with an exclusion constraint"));
            }
            if index.constraint.is_some() {
                let columns = KeySource::Columns(names, column_names(&source, &index.included));
                let kind = if index.primary {
                    ConstraintDefinitionKind::PrimaryKey(columns)
                } else {
                    ConstraintDefinitionKind::Unique(columns)
                };
                let definition = ConstraintDefinition {
                    name: None,
                    kind,
                    deferrable: source.deferrable_key(index).is_some(),
                    initially_deferred: source.deferrable_key(index).is_some_and(|c| c.initially_deferred),
                    not_valid: false,
                    no_inherit: false,
                    nulls_not_distinct: index.options.nulls_not_distinct,
                    parameters: Vec::new(),
                };
                self.add_constraint(relation, &definition)?;
            } else {
                let included = column_names(&source, &index.included);
                self.copy_index(relation, &source, index, &super::index::with_included(names, included))?;
            }
        }
        Ok(())
    }

    /// The indexes of a partitioned table, as a partition has them.
    pub(super) fn inherit_indexes(&mut self, relation: &mut Relation, parent: &Relation) -> Result<()> {
        for index in &parent.indexes {
            self.inherit_index(relation, parent, index)?;
        }
        Ok(())
    }

    /// One of them.
    pub(super) fn inherit_index(&mut self, relation: &mut Relation, parent: &Relation, index: &Index) -> Result<()> {
        let names = key_names(parent, index);
        let constraint = index.constraint.and_then(|oid| parent.constraints.iter().find(|c| c.oid == oid));
        match constraint {
            Some(constraint) => {
                let columns = KeySource::Columns(names, column_names(parent, &index.included));
                let kind = match index.primary {
                    true => ConstraintDefinitionKind::PrimaryKey(columns),
                    false => ConstraintDefinitionKind::Unique(columns),
                };
                let definition = ConstraintDefinition {
                    name: None,
                    kind,
                    deferrable: constraint.deferrable,
                    initially_deferred: constraint.initially_deferred,
                    not_valid: false,
                    no_inherit: false,
                    nulls_not_distinct: index.options.nulls_not_distinct,
                    parameters: Vec::new(),
                };
                self.add_constraint(relation, &definition)?;
                if let Some(added) = relation.constraints.last_mut() {
                    added.options.inherited = 1;
                    added.options.not_local = true;
                    added.options.parent = Some(constraint.oid);
                }
            }
            None => {
                let included = column_names(parent, &index.included);
                self.copy_index(relation, parent, index, &super::index::with_included(names, included))?;
            }
        }
        if let Some(added) = relation.indexes.last_mut() {
            added.options.parent = Some(index.oid);
            added.options.invalid = false;
        }
        Ok(())
    }

    fn copy_index(&self, relation: &mut Relation, source: &Relation, index: &Index, names: &[String]) -> Result<()> {
        let taken = |name: &str| naming::is_taken(&self.catalog, relation, name);
        let name = naming::free_name(&relation.name, Some(&naming::joined(names)), "idx", taken);
        let mut copy = Index { oid: self.new_oid()?, name, ..index.clone() };
        for key in copy.keys.iter_mut().filter(|k| k.column != 0) {
            let column = source.column_by_number(key.column).and_then(|c| relation.column(&c.name));
            key.column = column.map_or(0, |c| c.number);
        }
        for number in &mut copy.included {
            let column = source.column_by_number(*number).and_then(|c| relation.column(&c.name));
            *number = column.map_or(0, |c| c.number);
        }
        relation.indexes.push(copy);
        Ok(())
    }

    /// Makes the table and its indexes in SQLite and writes its rows.
    fn finish_table(&mut self, relation: Relation) -> Result<()> {
        self.create_in_sqlite(&relation)?;
        self.put_relation(relation)
    }

    pub(super) fn create_in_sqlite(&self, relation: &Relation) -> Result<()> {
        self.execute(&self.create_table_sql(relation, &relation.sqlite_name)?)?;
        for index in relation.indexes.iter().filter(|i| sqlite::has_index(relation, i)) {
            self.execute(&self.create_index_sql(relation, index)?)?;
        }
        Ok(())
    }

    /// CREATE TABLE … AS: a table of the query's columns, filled with its rows.
    pub(super) fn create_table_as(&mut self, create: &CreateTableAs) -> Result<()> {
        let analysed = self.analysed_query(&create.query)?;
        let allowed = |session: &mut crate::engine::context::SessionContext| {
            session.check_permissions(&self.catalog, &analysed.permissions)
        };
        self.slot.with_session(allowed)?;
        let Some(mut relation) =
            self.begin_table(&create.name, (create.temporary, create.unlogged), create.if_not_exists)?
        else {
            return Ok(());
        };
        parameters::set(&mut relation.options.parameters, &create.parameters, parameters::TABLE)?;
        if create.columns.len() > analysed.columns.len() {
            return Err(Error::new(SqlState::SYNTAX_ERROR, "too many column names were specified"));
        }
        for (position, (own, type_oid, typmod)) in analysed.columns.iter().enumerate() {
            let name = create.columns.get(position).unwrap_or(own).clone();
            // An untyped literal is text by now.
            let type_oid = if *type_oid == Oid::UNKNOWN { Oid::TEXT } else { *type_oid };
            if type_oid == Oid::VOID || type_oid == Oid::RECORD {
                let message = format!("column \"{name}\" has pseudo-type record");
                return Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, message));
            }
            let number = next_number(&relation)?;
            push_column(
                &mut relation,
                Column::new(
                    number,
                    name,
                    (type_oid, *typmod),
                    self.catalog.repr(type_oid).unwrap_or(Repr::scalar(Scalar::Text)),
                ),
            )?;
        }
        self.collate_columns(&mut relation, &create.query)?;
        if create.materialized {
            relation.view_query = Some(self.stored_query(&create.query, &create.columns, &analysed)?);
            relation.options.unpopulated = !create.with_data;
        }
        self.create_in_sqlite(&relation)?;
        if create.with_data {
            let rows = self.fill(&relation, &analysed.sql)?;
            self.rows = u64::try_from(rows).ok();
        }
        let oid = relation.oid;
        self.put_relation(relation)?;
        self.note_on_commit(oid, create.on_commit)
    }

    /// Gives a table the rows of a query in SQLite's dialect.
    pub(super) fn fill(&self, relation: &Relation, query: &str) -> Result<usize> {
        let columns: Vec<String> = relation.columns.iter().map(|c| quote(c.stored_name())).collect();
        let target = sqlite::qualified(relation);
        self.execute(&format!("INSERT INTO {target} ({}) {query}", columns.join(", ")))
    }

    fn note_on_commit(&self, oid: Oid, action: OnCommit) -> Result<()> {
        if action == OnCommit::PreserveRows {
            return Ok(());
        }
        if !self.catalog.relations.get(&oid).is_some_and(|r| r.temporary) {
            let message = "ON COMMIT can only be used on temporary tables";
            return Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, message));
        }
        self.sqlite(store::put_on_commit(self.connection, oid, action == OnCommit::Drop))
    }

    /// ON COMMIT DROP and DELETE ROWS of this connection's temporary tables.
    pub(super) fn end_of_transaction(&mut self) -> Result<()> {
        let said = self.notices.len();
        for (oid, drop) in self.sqlite(store::on_commit(self.connection))? {
            let Some(table) = self.catalog.relations.get(&oid).cloned() else { continue };
            if drop {
                self.drop_objects(&[Object::Relation(oid)], true)?;
            } else {
                self.without_foreign_keys(|c| {
                    c.execute(&format!("DELETE FROM {}", sqlite::qualified(&table))).map(|_| ())
                })?;
            }
        }
        self.notices.truncate(said);
        Ok(())
    }

    /// For messages about a table in a schema.
    pub(super) fn display(&self, relation: &Relation) -> String {
        let visible = self.catalog.find_relation(&self.search_path, &relation.name);
        if visible.is_some_and(|r| r.oid == relation.oid) {
            quote_identifier(&relation.name)
        } else {
            regclass_name(relation)
        }
    }
}

/// A column's collation is always copied, statistics and parameters never.
fn copied_options(options: &ColumnOptions, like: &LikeClause) -> ColumnOptions {
    ColumnOptions {
        collation: options.collation.clone(),
        storage: options.storage.filter(|_| like.storage),
        compression: options.compression.filter(|_| like.compression),
        ..ColumnOptions::default()
    }
}

/// The attribute number of the next column.
pub(super) fn next_number(relation: &Relation) -> Result<i16> {
    let gone = relation.options.dropped.iter().map(|c| c.number);
    let last = relation.columns.iter().map(|c| c.number).chain(gone).max().unwrap_or(0);
    if relation.columns.len() >= MAX_COLUMNS {
        let message = format!("tables can have at most {MAX_COLUMNS} columns");
        return Err(Error::new(SqlState::TOO_MANY_COLUMNS, message));
    }
    last.checked_add(1).ok_or_else(|| Error::new(SqlState::TOO_MANY_COLUMNS, "too many columns"))
}

/// Adds a column: 42701 for a second one of that name.
pub(super) fn push_column(relation: &mut Relation, column: Column) -> Result<()> {
    const SYSTEM_COLUMNS: &[&str] = &["tableoid", "cmax", "xmax", "cmin", "xmin", "ctid"];
    let name = &column.name;
    if relation.column(name).is_some() {
        let message = format!("column \"{name}\" specified more than once");
        return Err(Error::new(SqlState::DUPLICATE_COLUMN, message));
    }
    if relation.kind != RelationKind::View && SYSTEM_COLUMNS.contains(&name.as_str()) {
        let message = format!("column name \"{name}\" conflicts with a system column name");
        return Err(Error::new(SqlState::DUPLICATE_COLUMN, message));
    }
    let stored_name = stored_column_name(relation, name, column.number);
    relation.columns.push(Column { options: ColumnOptions { stored_name, ..column.options }, ..column });
    Ok(())
}

fn column_names(relation: &Relation, numbers: &[i16]) -> Vec<String> {
    numbers.iter().filter_map(|number| relation.column_by_number(*number)).map(|column| column.name.clone()).collect()
}
