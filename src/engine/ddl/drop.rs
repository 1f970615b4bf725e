//! DROP, with PostgreSQL's dependencies: what else goes, what stands in the way (dependency.c).

use std::collections::BTreeSet;

use super::Change;
use super::sqlite::{self, qualified};
use crate::catalog::composite::row_type_oid;
use crate::catalog::definitions::Names;
pub(super) use crate::catalog::dependencies::Object;
use crate::catalog::dependencies::{Deletion, Graph, Target};
use crate::catalog::schema::{Relation, RelationKind, UserTypeKind};
use crate::catalog::store;
use crate::error::{Error, ErrorFields, Result, Severity, SqlState};
use crate::sql::ddl::{Name, ObjectKind};
use crate::types::pg_type::Oid;

/// The most dependent objects that a message names (MAX_REPORTED_DEPS).
const MOST_REPORTED: usize = 100;

impl Change<'_> {
    pub(super) fn drop(&mut self, kind: ObjectKind, names: &[Name], if_exists: bool, cascade: bool) -> Result<()> {
        let mut objects = Vec::new();
        for name in names {
            objects.extend(self.resolve_dropped(kind, name, if_exists)?);
        }
        self.drop_objects(&objects, cascade)
    }

    /// Drops these and, if they may be, all that depends on them.
    pub(super) fn drop_objects(&mut self, objects: &[Object], cascade: bool) -> Result<()> {
        let targets = match Graph::of(&self.catalog).deletion(objects)? {
            Deletion::Targets(targets) => targets,
            Deletion::Required { object, by } => {
                let owner = self.describe(by);
                let message = format!("cannot drop {} because {owner} requires it", self.describe(object));
                return Err(Error::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, message)
                    .with_hint(format!("You can drop {owner} instead.")));
            }
        };
        self.report(objects, &targets, cascade)?;
        let going: BTreeSet<Object> = targets.iter().map(|target| target.object).collect();
        self.dropping.clone_from(&going);
        let alone = targets.iter().map(|target| target.object).filter(|object| !self.goes_with(*object, &going));
        // What depends stands before what it depends on.
        alone.collect::<Vec<_>>().into_iter().try_for_each(|object| self.remove_object(object))
    }

    /// Whether something goes by itself when a relation, a column or a constraint does that goes too.
    fn goes_with(&self, object: Object, going: &BTreeSet<Object>) -> bool {
        let column_goes = |relation: Oid, columns: &[i16]| {
            going.contains(&Object::Relation(relation))
                || columns.iter().any(|column| going.contains(&Object::Column(relation, *column)))
        };
        match object {
            Object::Column(relation, _) | Object::Trigger(relation, _) | Object::Policy(relation, _) => {
                going.contains(&Object::Relation(relation))
            }
            Object::Default(relation, column) => column_goes(relation, &[column]),
            Object::Constraint(relation, oid) => {
                let table = self.catalog.relations.get(&relation);
                let found = table.and_then(|table| table.constraints.iter().find(|c| c.oid == oid));
                column_goes(relation, found.map_or(&[], |constraint| constraint.columns.as_slice()))
            }
            Object::Relation(oid) => self.catalog.index(oid).is_some_and(|(table, index)| {
                let uses = index.options.uses.columns.iter().map(|(_, column)| *column);
                let keys = index.keys.iter().map(|key| key.column).chain(index.included.iter().copied());
                column_goes(table.oid, &keys.chain(uses).filter(|column| *column != 0).collect::<Vec<_>>())
                    || index.constraint.is_some_and(|oid| going.contains(&Object::Constraint(table.oid, oid)))
            }),
            Object::Schema(_)
            | Object::Type(_)
            | Object::Rule(_)
            | Object::Routine(_)
            | Object::Extension(_)
            | Object::Member(_)
            | Object::Operator(_)
            | Object::Cast(_)
            | Object::Named(..)
            | Object::DomainConstraint(..) => false,
        }
    }

    fn resolve_dropped(&mut self, kind: ObjectKind, name: &Name, if_exists: bool) -> Result<Option<Object>> {
        let found = match kind {
            ObjectKind::Schema => {
                let schema = self.catalog.schemas.iter().find(|s| s.name == name.name);
                if schema.is_some_and(|s| s.oid < Oid::FIRST_NORMAL && s.name != "public") {
                    let message = format!("cannot drop schema {name} because it is required by the database system");
                    return Err(Error::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, message));
                }
                schema.map(|s| Object::Schema(s.oid))
            }
            ObjectKind::Type | ObjectKind::Domain => match self.find_type(name) {
                Some(found) if kind == ObjectKind::Domain && !matches!(found.kind, UserTypeKind::Domain { .. }) => {
                    return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{name}\" is not a domain")));
                }
                Some(found) => Some(Object::Type(found.oid)),
                None if let Some(oid) = self.find_extension_type(name) => Some(Object::Type(oid)),
                None => match self.find_row_type(name) {
                    Some(_) if kind == ObjectKind::Domain => {
                        return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{name}\" is not a domain")));
                    }
                    relation => relation.map(|relation| Object::Type(row_type_oid(&relation))),
                },
            },
            _ => match self.find(name) {
                Some(relation) => Some(self.droppable_relation(kind, &relation)?),
                None => None,
            },
        };
        if found.is_some() {
            return Ok(found);
        }
        let missing_schema = name.schema.as_ref().filter(|s| !self.catalog.has_schema(s));
        let (code, message) = match (missing_schema, kind) {
            (Some(schema), _) => (SqlState::INVALID_SCHEMA_NAME, format!("schema \"{schema}\" does not exist")),
            (None, ObjectKind::Schema) => (SqlState::INVALID_SCHEMA_NAME, format!("schema \"{name}\" does not exist")),
            (None, ObjectKind::Type | ObjectKind::Domain) => {
                (SqlState::UNDEFINED_OBJECT, format!("type \"{name}\" does not exist"))
            }
            (None, ObjectKind::Index) => {
                (SqlState::UNDEFINED_OBJECT, format!("index \"{}\" does not exist", name.name))
            }
            (None, _) => (SqlState::UNDEFINED_TABLE, format!("{} \"{}\" does not exist", kind.noun(), name.name)),
        };
        if !if_exists {
            return Err(Error::new(code, message));
        }
        self.notice(SqlState::SUCCESSFUL_COMPLETION, format!("{message}, skipping"));
        Ok(None)
    }

    fn droppable_relation(&self, kind: ObjectKind, relation: &Relation) -> Result<Object> {
        let actual = object_kind(relation).ok_or_else(|| super::system_relation(&relation.name))?;
        if actual != kind {
            return Err(wrong_kind(&relation.name, kind, actual));
        }
        Ok(Object::Relation(relation.oid))
    }

    /// Whether a view reads a relation, or one of its columns.
    pub(super) fn view_uses(&self, view: &Relation, on: Oid, column: Option<i16>) -> bool {
        let mut used = view.options.uses.columns.iter();
        used.any(|(relation, number)| *relation == on && column.is_none_or(|column| column == *number))
    }

    /// 2BP01 if something stands in the way; else the notices about what goes too.
    fn report(&mut self, objects: &[Object], targets: &[Target], cascade: bool) -> Result<()> {
        let in_order = targets.iter().rev();
        let shown: Vec<&Target> = in_order.filter(|t| !t.is_silent && !objects.contains(&t.object)).collect();
        let listed = |line: &dyn Fn(&Target) -> String| {
            let mut lines: Vec<String> = shown.iter().take(MOST_REPORTED).map(|target| line(target)).collect();
            if let Some(more) = shown.len().checked_sub(MOST_REPORTED).filter(|more| *more > 0) {
                let objects = if more == 1 { "object" } else { "objects" };
                lines.push(format!("and {more} other {objects} (see server log for list)"));
            }
            lines.join("\n")
        };
        if shown.is_empty() {
            return Ok(());
        }
        if !cascade {
            let depends = |target: &Target| {
                let dependee = target.dependee.map_or_else(String::new, |object| self.describe(object));
                format!("{} depends on {dependee}", self.describe(target.object))
            };
            let message = match objects {
                [only] => format!("cannot drop {} because other objects depend on it", self.describe(*only)),
                _ => "cannot drop desired object(s) because other objects depend on them".to_owned(),
            };
            return Err(Error::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, message)
                .with_detail(listed(&depends))
                .with_hint("Use DROP ... CASCADE to drop the dependent objects too."));
        }
        let cascades = |target: &Target| format!("drop cascades to {}", self.describe(target.object));
        match shown.as_slice() {
            [only] => self.notice(SqlState::SUCCESSFUL_COMPLETION, cascades(only)),
            _ => {
                let message = format!("drop cascades to {} other objects", shown.len());
                let mut notice = ErrorFields::new(Severity::Notice, SqlState::SUCCESSFUL_COMPLETION, message);
                notice.detail = Some(listed(&cascades));
                self.notices.push(notice);
            }
        }
        Ok(())
    }

    fn describe(&self, object: Object) -> String {
        Names { catalog: &self.catalog, search_path: &self.search_path }.describe(object)
    }

    fn remove_object(&mut self, object: Object) -> Result<()> {
        match object {
            Object::Schema(oid) => {
                self.sqlite(store::remove_schema(self.connection, oid))?;
                let catalog = self.catalog_mut();
                catalog.schemas.retain(|s| s.oid != oid);
                catalog.remove_comments(oid);
                Ok(())
            }
            Object::Relation(oid) => self.remove_whole_relation(oid),
            Object::Type(oid) if !self.catalog.types.contains_key(&oid) => Ok(()),
            Object::Type(oid) => {
                self.sqlite(store::remove_type(self.connection, oid))?;
                let catalog = self.catalog_mut();
                catalog.remove_type(oid);
                catalog.remove_comments(oid);
                Ok(())
            }
            Object::Routine(oid) => self.remove_routine(oid),
            Object::Extension(oid) => self.remove_extension(oid),
            Object::Member(_) => Ok(()),
            Object::Operator(oid) => self.remove_operator(oid),
            Object::Cast(oid) => self.remove_cast(oid),
            Object::Named(_, oid) => self.remove_named(oid),
            Object::Constraint(relation, oid) => self.drop_constraint_by_oid(relation, oid),
            Object::Trigger(relation, oid) => self.remove_trigger(relation, oid),
            Object::Policy(relation, oid) => self.remove_policy(relation, oid),
            Object::Column(relation, number) => self.drop_column_by_number(relation, number),
            Object::Default(relation, number) => self.drop_default(relation, number),
            // The view's, and what goes with its type.
            Object::Rule(_) | Object::DomainConstraint(..) => Ok(()),
        }
    }

    fn remove_whole_relation(&mut self, oid: Oid) -> Result<()> {
        let Some(relation) = self.catalog.relations.get(&oid).cloned() else { return Ok(()) };
        match relation.kind {
            RelationKind::Table => {
                self.check_not_pending(&relation, "DROP TABLE")?;
                self.without_foreign_keys(|c| c.execute(&format!("DROP TABLE {}", qualified(&relation))).map(|_| ()))?;
            }
            RelationKind::Index => return self.remove_index(oid),
            RelationKind::View if !relation.declared => {
                self.execute(&format!("DROP VIEW {}", qualified(&relation)))?;
            }
            _ => {}
        }
        self.remove_relation(oid)?;
        let parents = relation.options.inheritance.parents.iter();
        let staying: Vec<Oid> = parents.copied().filter(|p| !self.dropping.contains(&Object::Relation(*p))).collect();
        staying.into_iter().try_for_each(|parent| self.leave_parent(parent, oid))
    }

    fn remove_index(&mut self, oid: Oid) -> Result<()> {
        let Some((table, index)) = self.catalog.index(oid).map(|(t, i)| (t.clone(), i.clone())) else { return Ok(()) };
        if sqlite::has_index(&table, &index) {
            self.execute(&self.drop_index_sql(&table, &index))?;
        }
        self.forget_comments(oid)?;
        let mut changed = Relation::clone(&table);
        changed.indexes.retain(|i| i.oid != oid);
        if table.declared {
            return self.put_relation(changed);
        }
        self.put_foreign_relation(changed);
        Ok(())
    }

    /// Runs something while foreign keys are neither checked nor acted upon: SQLite's DROP TABLE would delete the
    /// rows one by one and cascade. PRAGMA foreign_keys does nothing inside a transaction, this switch does.
    pub(super) fn without_foreign_keys(&mut self, run: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        use rusqlite::config::DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY as ENABLE;
        let before = self.sqlite(self.connection.db_config(ENABLE))?;
        self.sqlite(self.connection.set_db_config(ENABLE, false))?;
        let result = run(self);
        self.sqlite(self.connection.set_db_config(ENABLE, before))?;
        result
    }

    /// The columns of tables that have a user type or its array.
    pub(super) fn type_users(&self, oid: Oid, array: Oid) -> impl Iterator<Item = (Oid, i16)> {
        let relations = self.sorted_relations();
        relations.into_iter().filter(|r| r.kind == RelationKind::Table).flat_map(move |r| {
            let uses: Vec<(Oid, i16)> = r
                .columns
                .iter()
                .filter(|c| c.type_oid == oid || c.type_oid == array)
                .map(|c| (r.oid, c.number))
                .collect();
            uses
        })
    }

    /// ALTER TYPE … RENAME VALUE: rows hold the label.
    pub(super) fn rewrite_label(&self, enum_oid: Oid, from: &str, to: &str) -> Result<()> {
        let array = self.catalog.types.get(&enum_oid).map_or(Oid::INVALID, |t| t.array);
        // Keys and what refers to them change one after the other.
        let deferred: i64 =
            self.sqlite(self.connection.query_row("PRAGMA defer_foreign_keys", [], |row| row.get(0)))?;
        self.sqlite(self.connection.execute_batch("PRAGMA defer_foreign_keys = ON"))?;
        let changed = self.rewrite_label_of((enum_oid, array), from, to);
        if deferred == 0 {
            self.sqlite(self.connection.execute_batch("PRAGMA defer_foreign_keys = OFF"))?;
        }
        changed
    }

    fn rewrite_label_of(&self, (enum_oid, array): (Oid, Oid), from: &str, to: &str) -> Result<()> {
        for (relation, number) in self.type_users(enum_oid, array) {
            let Some(table) = self.catalog.relations.get(&relation) else { continue };
            let Some(column) = table.column_by_number(number) else { continue };
            let name = sqlite::quote(column.stored_name());
            if column.type_oid == array {
                self.rewrite_label_in_arrays(table, &name, from, to)?;
                continue;
            }
            let sql = format!("UPDATE {} SET {name} = ?1 WHERE {name} = ?2", qualified(table));
            self.sqlite(self.connection.execute(&sql, [to, from]))?;
        }
        Ok(())
    }
}

impl Change<'_> {
    /// Arrays are JSON: each text that has the label is replaced by what it becomes.
    fn rewrite_label_in_arrays(&self, table: &Relation, column: &str, from: &str, to: &str) -> Result<()> {
        let label = serde_json::Value::from(from).to_string();
        let sql = format!("SELECT DISTINCT {column} FROM {} WHERE instr({column}, ?1) > 0", qualified(table));
        let texts: Vec<String> = self.sqlite((|| {
            let mut statement = self.connection.prepare(&sql)?;
            statement.query_map([&label], |row| row.get(0))?.collect()
        })())?;
        let sql = format!("UPDATE {} SET {column} = ?1 WHERE {column} = ?2", qualified(table));
        for text in texts {
            crate::limits::session::work(text.len())?;
            let Ok(mut array) = serde_json::from_str(&text) else { continue };
            relabel(&mut array, from, to);
            self.sqlite(self.connection.execute(&sql, [&array.to_string(), &text]))?;
        }
        Ok(())
    }
}

fn relabel(value: &mut serde_json::Value, from: &str, to: &str) {
    match value {
        serde_json::Value::String(label) if label == from => to.clone_into(label),
        serde_json::Value::Array(items) => items.iter_mut().for_each(|item| relabel(item, from, to)),
        serde_json::Value::Object(object) => object.values_mut().for_each(|item| relabel(item, from, to)),
        _ => {}
    }
}

pub(super) fn object_kind(relation: &Relation) -> Option<ObjectKind> {
    match relation.kind {
        RelationKind::Table if relation.is_materialized() => Some(ObjectKind::MaterializedView),
        RelationKind::Table => Some(ObjectKind::Table),
        RelationKind::View => Some(ObjectKind::View),
        RelationKind::Index => Some(ObjectKind::Index),
        RelationKind::Sequence => Some(ObjectKind::Sequence),
        RelationKind::Composite => Some(ObjectKind::Type),
        RelationKind::System => None,
    }
}

fn article(kind: ObjectKind) -> &'static str {
    if kind == ObjectKind::Index { "an" } else { "a" }
}

/// "v" is not a table. Use DROP VIEW to remove a view.
fn wrong_kind(name: &str, wanted: ObjectKind, actual: ObjectKind) -> Error {
    let message = format!("\"{name}\" is not {} {}", article(wanted), wanted.noun());
    let hint = format!("Use DROP {} to remove {} {}.", actual.noun().to_uppercase(), article(actual), actual.noun());
    Error::new(SqlState::WRONG_OBJECT_TYPE, message).with_hint(hint)
}
