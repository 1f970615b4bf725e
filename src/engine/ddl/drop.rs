//! DROP, with PostgreSQL's dependencies: what else goes, what stands in the way (dependency.c).

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Change;
use super::constraint;
use super::sqlite::{self, qualified};
use crate::catalog::definitions::{identity_of, regclass_name};
use crate::catalog::schema::{
    CatalogSnapshot, Constraint, ConstraintKind, Index, Relation, RelationKind, UserTypeKind,
};
use crate::catalog::store;
use crate::error::{Error, ErrorFields, Result, Severity, SqlState};
use crate::sql::analyze::stored::{Origin, describe_query};
use crate::sql::ddl::{Name, ObjectKind};
use crate::sql::planner::PlanContext;
use crate::sql::syntax::parse;
use crate::types::pg_type::Oid;

/// Something that can be dropped or that depends on something that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Object {
    Schema(Oid),
    Relation(Oid),
    Type(Oid),
    /// A constraint of a relation.
    Constraint(Oid, Oid),
    Column(Oid, i16),
    /// The default of a column.
    Default(Oid, i16),
}

/// One object that depends on another.
struct Dependent {
    object: Object,
    on: Object,
    /// It goes with the other without being asked about: an owned sequence.
    automatic: bool,
}

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
        let dependents = self.all_dependents(objects);
        self.report(objects, &dependents, cascade)?;
        // What depends goes before what it depends on.
        for dependent in dependents.iter().rev() {
            self.remove_object(dependent.object)?;
        }
        objects.iter().try_for_each(|object| self.remove_object(*object))
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
                found => found.map(|t| Object::Type(t.oid)),
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
        let actual = object_kind(relation.kind).ok_or_else(|| super::system_relation(&relation.name))?;
        if actual != kind {
            return Err(wrong_kind(&relation.name, kind, actual));
        }
        if actual == ObjectKind::Index
            && let Some((table, index)) = self.catalog.index(relation.oid)
            && let Some(constraint) = table.constraints.iter().find(|c| Some(c.oid) == index.constraint)
        {
            let owner = format!("constraint {} on table {}", constraint.name, self.display(table));
            let message = format!("cannot drop index {} because {owner} requires it", index.name);
            return Err(Error::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, message)
                .with_hint(format!("You can drop {owner} instead.")));
        }
        if let Some((table, column)) = identity_of(&self.catalog, relation) {
            let owner = format!("column {} of table {}", column.name, self.display(table));
            let message = format!("cannot drop sequence {} because {owner} requires it", self.display(relation));
            return Err(Error::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, message)
                .with_hint(format!("You can drop {owner} instead.")));
        }
        Ok(Object::Relation(relation.oid))
    }

    /// Everything that depends on these, directly or not, in the order it is found.
    fn all_dependents(&self, objects: &[Object]) -> Vec<Dependent> {
        let mut seen: BTreeSet<Object> = objects.iter().copied().collect();
        let mut found: Vec<Dependent> = Vec::new();
        let mut open: Vec<Object> = objects.to_vec();
        while !open.is_empty() {
            let mut next = Vec::new();
            for on in open {
                for (object, automatic) in self.dependents(on) {
                    // A part of something that goes as a whole.
                    let whole = match object {
                        Object::Constraint(r, _) | Object::Column(r, _) | Object::Default(r, _) => Object::Relation(r),
                        other => other,
                    };
                    let own_column = match object {
                        Object::Default(r, number) => Object::Column(r, number),
                        other => other,
                    };
                    if seen.contains(&whole) || seen.contains(&own_column) || !seen.insert(object) {
                        continue;
                    }
                    next.push(object);
                    found.push(Dependent { object, on, automatic });
                }
            }
            open = next;
        }
        found
    }

    /// What depends directly on an object.
    fn dependents(&self, on: Object) -> Vec<(Object, bool)> {
        let mut found = Vec::new();
        for relation in self.sorted_relations() {
            match on {
                Object::Schema(oid) => {
                    let name = self.catalog.schemas.iter().find(|s| s.oid == oid).map(|s| &s.name);
                    let whole = relation.kind != RelationKind::Index && relation_owner(&relation).is_none();
                    if Some(&relation.schema) == name && whole {
                        found.push((Object::Relation(relation.oid), false));
                    }
                }
                Object::Relation(oid) => self.dependents_on_relation(oid, &relation, &mut found),
                Object::Column(oid, number) => self.dependents_on_column(oid, number, &relation, &mut found),
                Object::Constraint(oid, constraint) => {
                    let Some(table) = self.catalog.relations.get(&oid) else { continue };
                    if let Some(index) = table.indexes.iter().find(|i| i.constraint == Some(constraint)) {
                        found.extend(foreign_keys_over(&relation, table, index));
                        if index.primary && self.view_needs_key(&relation, table) {
                            found.push((Object::Relation(relation.oid), false));
                        }
                    }
                }
                Object::Type(oid) => {
                    let array = self.catalog.types.get(&oid).map(|t| t.array);
                    let uses = |c: Oid| c == oid || Some(c) == array;
                    if relation.kind == RelationKind::Table {
                        // Users of the array type come first, as it depends on the type before they do.
                        let mut columns: Vec<_> = relation.columns.iter().filter(|c| uses(c.type_oid)).collect();
                        columns.sort_by_key(|c| c.type_oid == oid);
                        found.extend(columns.iter().map(|c| (Object::Column(relation.oid, c.number), false)));
                    }
                    if relation.kind == RelationKind::View && relation.columns.iter().any(|c| uses(c.type_oid)) {
                        found.push((Object::Relation(relation.oid), false));
                    }
                }
                Object::Default(..) => {}
            }
        }
        match on {
            Object::Schema(oid) => {
                let name = self.catalog.schemas.iter().find(|s| s.oid == oid).map(|s| s.name.clone());
                let types = self.catalog.types.values().filter(|t| Some(&t.schema) == name.as_ref());
                let mut types: Vec<Object> = types.map(|t| Object::Type(t.oid)).collect();
                types.sort_unstable();
                found.extend(types.into_iter().map(|t| (t, false)));
            }
            Object::Type(oid) => {
                let based = |k: &UserTypeKind| matches!(k, UserTypeKind::Domain { base, .. } if *base == oid);
                let mut domains: Vec<Object> =
                    self.catalog.types.values().filter(|t| based(&t.kind)).map(|t| Object::Type(t.oid)).collect();
                domains.sort_unstable();
                found.extend(domains.into_iter().map(|t| (t, false)));
            }
            _ => {}
        }
        found
    }

    fn dependents_on_relation(&self, on: Oid, relation: &Relation, found: &mut Vec<(Object, bool)>) {
        if relation.oid == on {
            return;
        }
        found.extend(foreign_keys_on(relation, on));
        if let Some((table, index)) = self.catalog.index(on) {
            found.extend(foreign_keys_over(relation, table, index));
        }
        if relation.sequence.and_then(|s| s.owned_by).is_some_and(|(owner, _)| owner == on) {
            found.push((Object::Relation(relation.oid), true));
        }
        if self.view_uses(relation, on, None) {
            found.push((Object::Relation(relation.oid), false));
        }
        let sequence = self.catalog.relations.get(&on).filter(|r| r.kind == RelationKind::Sequence);
        if let Some(sequence) = sequence {
            let name = format!("'{}'::regclass", regclass_name(sequence).replace('\'', "''"));
            let uses = relation.columns.iter().filter(|c| c.default.as_ref().is_some_and(|d| d.contains(&name)));
            found.extend(uses.map(|c| (Object::Default(relation.oid, c.number), false)));
        }
    }

    fn dependents_on_column(&self, on: Oid, number: i16, relation: &Relation, found: &mut Vec<(Object, bool)>) {
        if relation.oid != on {
            for (object, automatic) in foreign_keys_on(relation, on) {
                let Object::Constraint(_, oid) = object else { continue };
                let uses = |c: &Constraint| {
                    c.oid == oid && matches!(&c.kind, ConstraintKind::ForeignKey(k) if k.columns.contains(&number))
                };
                if relation.constraints.iter().any(uses) {
                    found.push((object, automatic));
                }
            }
        }
        if relation.sequence.and_then(|s| s.owned_by) == Some((on, number)) {
            found.push((Object::Relation(relation.oid), true));
        }
        if self.view_uses(relation, on, Some(number)) {
            found.push((Object::Relation(relation.oid), false));
        }
        if relation.oid == on {
            let name = relation.column_by_number(number).map(|c| c.name.clone()).unwrap_or_default();
            let generated = relation.columns.iter().filter(|c| c.generated && c.number != number);
            let uses = generated.filter(|c| self.text_columns(c.default.as_deref(), relation).contains(&name));
            found.extend(uses.map(|c| (Object::Column(on, c.number), false)));
        }
    }

    /// Whether a view reads a relation, or one of its columns.
    pub(super) fn view_uses(&self, view: &Relation, on: Oid, column: Option<i16>) -> bool {
        let Some(text) = view.view_query.as_deref() else { return false };
        let used = self.view_dependencies(text);
        match column {
            Some(number) => used.columns.contains(&(on, number)),
            None => used.relations.contains(&on),
        }
    }

    /// Whether a view reads columns of a table that are not grouped, which the primary key allows.
    fn view_needs_key(&self, view: &Relation, table: &Relation) -> bool {
        let Some(text) = view.view_query.as_deref() else { return false };
        if !self.view_uses(view, table.oid, None) {
            return false;
        }
        let mut without = CatalogSnapshot::clone(&self.catalog);
        let mut keyless = table.clone();
        keyless.constraints.retain(|c| !matches!(c.kind, ConstraintKind::PrimaryKey));
        without.put_relation(Arc::new(keyless));
        let without = Arc::new(without);
        let fits = |catalog| {
            let context = PlanContext { catalog, ..self.planning() };
            parse::query(text).and_then(|query| describe_query(&query, Origin::Stored, context)).is_ok()
        };
        fits(&self.catalog) && !fits(&without)
    }

    /// 2BP01 if something stands in the way; else the notices about what goes too.
    fn report(&mut self, objects: &[Object], dependents: &[Dependent], cascade: bool) -> Result<()> {
        let shown: Vec<&Dependent> = dependents.iter().filter(|d| !d.automatic).collect();
        if shown.is_empty() {
            return Ok(());
        }
        if !cascade {
            let lines: Vec<String> = shown
                .iter()
                .map(|d| format!("{} depends on {}", self.describe(d.object), self.describe_dependency(d)))
                .collect();
            let message = match objects {
                [only] => {
                    format!("cannot drop {} because other objects depend on it", self.describe(*only))
                }
                _ => "cannot drop desired object(s) because other objects depend on them".to_owned(),
            };
            return Err(Error::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, message)
                .with_detail(lines.join("\n"))
                .with_hint("Use DROP ... CASCADE to drop the dependent objects too."));
        }
        let lines: Vec<String> =
            shown.iter().map(|d| format!("drop cascades to {}", self.describe(d.object))).collect();
        match lines.as_slice() {
            [only] => self.notice(SqlState::SUCCESSFUL_COMPLETION, only.clone()),
            _ => {
                let message = format!("drop cascades to {} other objects", lines.len());
                let mut notice = ErrorFields::new(Severity::Notice, SqlState::SUCCESSFUL_COMPLETION, message);
                notice.detail = Some(lines.join("\n"));
                self.notices.push(notice);
            }
        }
        Ok(())
    }

    /// A foreign key depends on the key's index rather than on its constraint.
    fn describe_dependency(&self, dependent: &Dependent) -> String {
        match dependent.on {
            Object::Constraint(relation, constraint) if matches!(dependent.object, Object::Constraint(..)) => {
                let table = self.catalog.relations.get(&relation);
                let name = table.and_then(|t| t.constraints.iter().find(|c| c.oid == constraint)).map(|c| &c.name);
                format!("index {}", name.map_or("?", |n| n))
            }
            Object::Type(_) => match dependent.object {
                Object::Column(relation, number) => {
                    let column = self.catalog.relations.get(&relation).and_then(|r| r.column_by_number(number));
                    let type_oid = column.map_or(Oid::INVALID, |c| c.type_oid);
                    format!("type {}", super::column::type_display(&self.catalog, type_oid))
                }
                _ => self.describe(dependent.on),
            },
            on => self.describe(on),
        }
    }

    /// getObjectDescription
    fn describe(&self, object: Object) -> String {
        let table = |oid: Oid| self.catalog.relations.get(&oid).map_or_else(String::new, |r| self.display(r));
        let column = |oid: Oid, number: i16| {
            let relation = self.catalog.relations.get(&oid);
            relation.and_then(|r| r.column_by_number(number)).map_or_else(String::new, |c| c.name.clone())
        };
        match object {
            Object::Schema(oid) => {
                let name = self.catalog.schemas.iter().find(|s| s.oid == oid).map_or("", |s| s.name.as_str());
                format!("schema {name}")
            }
            Object::Relation(oid) => {
                let kind = self.catalog.relations.get(&oid).and_then(|r| object_kind(r.kind));
                format!("{} {}", kind.map_or("relation", ObjectKind::noun), table(oid))
            }
            Object::Type(oid) => format!("type {}", super::column::type_display(&self.catalog, oid)),
            Object::Constraint(relation, oid) => {
                let owner = self.catalog.relations.get(&relation);
                let name = owner.and_then(|r| r.constraints.iter().find(|c| c.oid == oid)).map(|c| c.name.clone());
                format!("constraint {} on table {}", name.unwrap_or_default(), table(relation))
            }
            Object::Column(relation, number) => {
                format!("column {} of table {}", column(relation, number), table(relation))
            }
            Object::Default(relation, number) => {
                format!("default value for column {} of table {}", column(relation, number), table(relation))
            }
        }
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
            Object::Type(oid) => {
                self.sqlite(store::remove_type(self.connection, oid))?;
                let catalog = self.catalog_mut();
                catalog.remove_type(oid);
                catalog.remove_comments(oid);
                Ok(())
            }
            Object::Constraint(relation, oid) => self.drop_constraint_by_oid(relation, oid),
            Object::Column(relation, number) => self.drop_column_by_number(relation, number),
            Object::Default(relation, number) => self.drop_default(relation, number),
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
        self.remove_relation(oid)
    }

    fn remove_index(&mut self, oid: Oid) -> Result<()> {
        let Some((table, index)) = self.catalog.index(oid).map(|(t, i)| (t.clone(), i.clone())) else { return Ok(()) };
        self.execute(&self.drop_index_sql(&table, &index))?;
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
        for (relation, number) in self.type_users(enum_oid, array) {
            let Some(table) = self.catalog.relations.get(&relation) else { continue };
            let Some(column) = table.column_by_number(number) else { continue };
            if column.type_oid == array {
                return Err(Error::unsupported("renaming a value of an enum that has array columns"));
            }
            let name = sqlite::quote(&column.name);
            let sql = format!("UPDATE {} SET {name} = ?1 WHERE {name} = ?2", qualified(table));
            self.sqlite(self.connection.execute(&sql, [to, from]))?;
        }
        Ok(())
    }
}

/// The table a sequence belongs to.
fn relation_owner(relation: &Relation) -> Option<Oid> {
    relation.sequence.and_then(|s| s.owned_by).map(|(owner, _)| owner)
}

/// A relation's foreign keys to another (or itself).
fn foreign_keys_on(relation: &Relation, on: Oid) -> Vec<(Object, bool)> {
    let refers = |c: &&Constraint| c.foreign_key().is_some_and(|key| key.relation == on);
    relation.constraints.iter().filter(refers).map(|c| (Object::Constraint(relation.oid, c.oid), false)).collect()
}

/// A relation's foreign keys that rest on that index of another (or itself): the oldest over their columns.
fn foreign_keys_over(relation: &Relation, table: &Relation, index: &Index) -> Vec<(Object, bool)> {
    let rests = |c: &&Constraint| {
        let key = c.foreign_key().filter(|key| key.relation == table.oid);
        key.and_then(|key| constraint::foreign_key_index(table, &key.columns)).is_some_and(|i| i.oid == index.oid)
    };
    relation.constraints.iter().filter(rests).map(|c| (Object::Constraint(relation.oid, c.oid), false)).collect()
}

pub(super) fn object_kind(kind: RelationKind) -> Option<ObjectKind> {
    match kind {
        RelationKind::Table => Some(ObjectKind::Table),
        RelationKind::View => Some(ObjectKind::View),
        RelationKind::Index => Some(ObjectKind::Index),
        RelationKind::Sequence => Some(ObjectKind::Sequence),
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
