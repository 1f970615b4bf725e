//! RENAME and SET SCHEMA of relations, columns, constraints, types and schemas.

use std::sync::Arc;

use super::Change;
use super::constraint::check_constraint_name;
use super::drop::object_kind;
use super::follow::Renamed;
use super::rebuild::Sources;
use super::sqlite::{self, qualified, quote};
use crate::catalog::schema::{Relation, RelationKind, Schema, UserType, sqlite_name, stored_column_name};
use crate::catalog::store;
use crate::error::{Error, Result, SqlState};
use crate::sql::ddl::{Name, ObjectKind};
use crate::types::pg_type::Oid;

impl Change<'_> {
    pub(super) fn rename(&mut self, kind: ObjectKind, name: &Name, if_exists: bool, to: &str) -> Result<()> {
        match kind {
            ObjectKind::Schema => self.rename_schema(&name.name, to),
            ObjectKind::Type if self.find_type(name).is_none() && self.find_row_type(name).is_some() => {
                let relation = self.renamed_composite(name)?;
                let schema = relation.schema.clone();
                self.check_type_name(&schema, to)?;
                self.move_relation(&relation, &schema, to)
            }
            ObjectKind::Type | ObjectKind::Domain => {
                let mut user_type = self.user_type(name)?;
                self.check_type_name(&user_type.schema, to)?;
                let before = Arc::clone(&self.catalog);
                to.clone_into(&mut user_type.name);
                self.catalog_mut().remove_type(user_type.oid);
                self.put_type(user_type)?;
                self.follow(&before, Renamed::Type)
            }
            _ => {
                let Some(relation) = self.altered_relation(kind, name, if_exists)? else { return Ok(()) };
                let schema = relation.schema.clone();
                self.move_relation(&relation, &schema, to)
            }
        }
    }

    pub(super) fn set_schema(&mut self, kind: ObjectKind, name: &Name, if_exists: bool, schema: &str) -> Result<()> {
        self.existing_schema(schema)?;
        if kind == ObjectKind::Type && self.find_type(name).is_none() && self.find_row_type(name).is_some() {
            let relation = self.renamed_composite(name)?;
            self.check_type_name(schema, &relation.name)?;
            let own_name = relation.name.clone();
            return self.move_relation(&relation, schema, &own_name);
        }
        if matches!(kind, ObjectKind::Type | ObjectKind::Domain) {
            let user_type = self.user_type(name)?;
            self.check_type_name(schema, &user_type.name)?;
            return self.move_type(user_type, schema);
        }
        let Some(relation) = self.altered_relation(kind, name, if_exists)? else { return Ok(()) };
        if relation.schema == schema {
            return Ok(());
        }
        if self.catalog.relation(schema, &relation.name).is_some() {
            let message = format!("relation \"{}\" already exists in schema \"{schema}\"", relation.name);
            return Err(Error::new(SqlState::DUPLICATE_TABLE, message));
        }
        let own_name = relation.name.clone();
        self.move_relation(&relation, schema, &own_name)?;
        for sequence in self.sorted_relations() {
            if sequence.sequence.and_then(|s| s.owned_by).is_some_and(|(owner, _)| owner == relation.oid) {
                let name = sequence.name.clone();
                self.move_relation(&sequence, schema, &name)?;
            }
        }
        Ok(())
    }

    /// The composite type that ALTER TYPE names; 42809 for a table's row type.
    fn renamed_composite(&self, name: &Name) -> Result<Arc<Relation>> {
        self.find_composite(name).ok_or_else(|| {
            Error::new(SqlState::WRONG_OBJECT_TYPE, format!("{name} is a table's row type"))
                .with_hint("Use ALTER TABLE instead.")
        })
    }

    /// The relation that ALTER names. ALTER TABLE also reaches the others, as in PostgreSQL.
    pub(super) fn altered_relation(
        &mut self,
        kind: ObjectKind,
        name: &Name,
        if_exists: bool,
    ) -> Result<Option<Arc<Relation>>> {
        let Some(relation) = self.find(name) else {
            let message = format!("relation \"{name}\" does not exist");
            if if_exists {
                self.notice(SqlState::SUCCESSFUL_COMPLETION, format!("{message}, skipping"));
                return Ok(None);
            }
            return Err(Error::new(SqlState::UNDEFINED_TABLE, message));
        };
        let actual = object_kind(&relation).ok_or_else(|| super::system_relation(&relation.name))?;
        if actual != kind && kind != ObjectKind::Table {
            let article = if kind == ObjectKind::Index { "an" } else { "a" };
            let message = format!("\"{}\" is not {article} {}", relation.name, kind.noun());
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
        }
        Ok(Some(relation))
    }

    fn move_relation(&mut self, relation: &Relation, schema: &str, name: &str) -> Result<()> {
        self.check_free(schema, name)?;
        match relation.kind {
            RelationKind::Index => self.rename_index(relation.oid, name),
            RelationKind::Sequence => self.move_sequence(relation, schema, name),
            RelationKind::View | RelationKind::Composite => {
                let before = Arc::clone(&self.catalog);
                self.catalog_mut().remove_relation(relation.oid);
                let sqlite_name = sqlite_name(schema, name);
                self.put_relation(Relation {
                    schema: schema.to_owned(),
                    name: name.to_owned(),
                    sqlite_name,
                    ..relation.clone()
                })?;
                self.follow(&before, Renamed::Relation(relation.oid))
            }
            _ => self.move_table(relation, schema, name),
        }
    }

    /// SQLite renames the table in the foreign keys of others too.
    fn move_table(&mut self, relation: &Relation, schema: &str, name: &str) -> Result<()> {
        let relation = self.declared(relation)?;
        if schema != relation.schema
            && let Some(index) = relation.indexes.iter().find(|i| self.catalog.relation(schema, &i.name).is_some())
        {
            let message = format!("relation \"{}\" already exists in schema \"{schema}\"", index.name);
            return Err(Error::new(SqlState::DUPLICATE_TABLE, message));
        }
        let before = Arc::clone(&self.catalog);
        let moved = Relation {
            schema: schema.to_owned(),
            name: name.to_owned(),
            sqlite_name: self.free_sqlite_name(schema, name, relation.temporary),
            ..relation.clone()
        };
        if !moved.sqlite_name.eq_ignore_ascii_case(&relation.sqlite_name) || moved.sqlite_name != relation.sqlite_name {
            self.execute(&format!("ALTER TABLE {} RENAME TO {}", qualified(&relation), quote(&moved.sqlite_name)))?;
        }
        if moved.schema != relation.schema {
            // The indexes' names have the schema's in front.
            for index in relation.indexes.iter().filter(|i| sqlite::has_index(&relation, i)) {
                self.execute(&self.drop_index_sql(&relation, index))?;
                self.execute(&self.create_index_sql(&moved, index)?)?;
            }
        }
        self.catalog_mut().remove_relation(relation.oid);
        self.put_relation(moved)?;
        self.follow(&before, Renamed::Relation(relation.oid))
    }

    /// Stored defaults name the sequence.
    fn move_sequence(&mut self, relation: &Relation, schema: &str, name: &str) -> Result<()> {
        let moved = Relation {
            schema: schema.to_owned(),
            name: name.to_owned(),
            sqlite_name: sqlite_name(schema, name),
            ..relation.clone()
        };
        let before = Arc::clone(&self.catalog);
        self.catalog_mut().remove_relation(relation.oid);
        self.put_relation(moved)?;
        self.follow(&before, Renamed::Relation(relation.oid))
    }

    fn rename_index(&mut self, oid: Oid, to: &str) -> Result<()> {
        let Some((table, index)) = self.catalog.index(oid).map(|(t, i)| (t.clone(), i.clone())) else {
            return Err(Error::internal("index without a table"));
        };
        let mut changed = self.declared(&table)?;
        self.rename_index_of(&mut changed, oid, to)?;
        if let Some(constraint) = index.constraint {
            changed.constraints.iter_mut().filter(|c| c.oid == constraint).for_each(|c| to.clone_into(&mut c.name));
        }
        self.catalog_mut().remove_relation(table.oid);
        self.put_relation(changed)
    }

    /// SQLite cannot rename an index; it is made anew.
    fn rename_index_of(&self, table: &mut Relation, oid: Oid, to: &str) -> Result<()> {
        let Some(position) = table.indexes.iter().position(|i| i.oid == oid) else { return Ok(()) };
        let Some(before) = table.indexes.get(position).cloned() else { return Ok(()) };
        if let Some(index) = table.indexes.get_mut(position) {
            to.clone_into(&mut index.name);
        }
        let Some(after) = table.indexes.get(position) else { return Ok(()) };
        if !sqlite::has_index(table, after) {
            return Ok(());
        }
        self.execute(&self.drop_index_sql(table, &before))?;
        self.execute(&self.create_index_sql(table, after)?)?;
        Ok(())
    }

    pub(super) fn rename_column(&mut self, relation: &Relation, from: &str, to: &str) -> Result<()> {
        self.rename_own_column(relation, from, to)?;
        self.rename_in_members(relation, from, to)
    }

    /// Without the tables that inherit it.
    pub(super) fn rename_own_column(&mut self, relation: &Relation, from: &str, to: &str) -> Result<()> {
        let Some(column) = relation.column(from).cloned() else {
            return Err(Error::new(SqlState::UNDEFINED_COLUMN, format!("column \"{from}\" does not exist")));
        };
        if relation.columns.iter().any(|c| c.name == to) {
            let message = format!("column \"{to}\" of relation \"{}\" already exists", relation.name);
            return Err(Error::new(SqlState::DUPLICATE_COLUMN, message));
        }
        let before = Arc::clone(&self.catalog);
        let mut changed = match relation.kind {
            RelationKind::Table => self.declared(relation)?,
            _ => relation.clone(),
        };
        let stored_name = stored_column_name(relation, to, column.number);
        let stored = stored_name.clone().unwrap_or_else(|| to.to_owned());
        for own in changed.columns.iter_mut().filter(|c| c.number == column.number) {
            to.clone_into(&mut own.name);
            own.options.stored_name.clone_from(&stored_name);
        }
        let renamed = Renamed::Column(relation.oid, column.number);
        self.follow_in(&mut changed, &before, renamed)?;
        if relation.kind == RelationKind::Table {
            let table = qualified(relation);
            self.execute(&format!(
                "ALTER TABLE {table} RENAME COLUMN {} TO {}",
                quote(column.stored_name()),
                quote(&stored)
            ))?;
        }
        self.put_relation(changed)?;
        self.follow(&before, renamed)
    }

    pub(super) fn rename_constraint(&mut self, relation: &Relation, from: &str, to: &str) -> Result<()> {
        let Some(constraint) = relation.constraints.iter().find(|c| c.name == from).cloned() else {
            let message = format!("constraint \"{from}\" for table \"{}\" does not exist", relation.name);
            return Err(Error::new(SqlState::UNDEFINED_OBJECT, message));
        };
        check_constraint_name(relation, to)?;
        let before = self.declared(relation)?;
        let mut after = before.clone();
        after.constraints.iter_mut().filter(|c| c.oid == constraint.oid).for_each(|c| to.clone_into(&mut c.name));
        let index = after.indexes.iter().find(|i| i.constraint == Some(constraint.oid)).map(|i| i.oid);
        match index {
            Some(index) => {
                self.check_index_name(relation, to)?;
                self.rename_index_of(&mut after, index, to)?;
                self.catalog_mut().remove_relation(relation.oid);
                self.put_relation(after)
            }
            // SQLite reports the names of checks.
            None => self.rebuild(&before, after, &Sources::new()),
        }
    }

    fn rename_schema(&mut self, name: &str, to: &str) -> Result<()> {
        let oid = self.existing_schema(name)?.oid;
        if self.catalog.has_schema(to) {
            return Err(Error::new(SqlState::DUPLICATE_SCHEMA, format!("schema \"{to}\" already exists")));
        }
        super::user_type::check_schema_name(to)?;
        super::user_type::check_schema_name(name)?;
        if name == "public" {
            return Err(Error::unsupported("renaming the schema public"));
        }
        // An extension does not say what is its; stored expressions that name operators are not rewritten.
        if self.catalog.extensions.iter().any(|extension| extension.schema == name)
            || self.catalog.operators.values().any(|operator| operator.schema == name)
        {
            return Err(Error::unsupported("renaming a schema that extensions or operators are in"));
        }
        let schema = Schema { oid, name: to.to_owned() };
        self.sqlite(store::put_schema(self.connection, &schema))?;
        // Both names are there while what is in it moves.
        self.catalog_mut().schemas.push(schema);
        self.move_all(name, to)?;
        self.catalog_mut().schemas.retain(|schema| schema.name != name);
        Ok(())
    }

    /// Moves all that is in a schema to an empty one.
    fn move_all(&mut self, from: &str, to: &str) -> Result<()> {
        for relation in self.sorted_relations() {
            if relation.schema == from && relation.kind != RelationKind::Index {
                // As those moved before have made it.
                let Some(relation) = self.catalog.relations.get(&relation.oid).cloned() else { continue };
                self.move_relation(&relation, to, &relation.name)?;
            }
        }
        let types = self.catalog.types.values().filter(|user_type| user_type.schema == from);
        for user_type in types.map(|user_type| UserType::clone(user_type)).collect::<Vec<_>>() {
            self.move_type(user_type, to)?;
        }
        let routines = self.catalog.routines.values().filter(|routine| routine.schema == from);
        for oid in routines.map(|routine| routine.oid).collect::<Vec<_>>() {
            if let Some(routine) = self.catalog.routines.get(&oid).cloned() {
                self.move_routine(&routine, to.to_owned(), routine.name.clone())?;
            }
        }
        Ok(())
    }

    fn move_type(&mut self, mut user_type: UserType, schema: &str) -> Result<()> {
        let before = Arc::clone(&self.catalog);
        self.catalog_mut().remove_type(user_type.oid);
        schema.clone_into(&mut user_type.schema);
        self.put_type(user_type)?;
        self.follow(&before, Renamed::Type)
    }
}
