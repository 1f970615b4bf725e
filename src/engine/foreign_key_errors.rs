//! Which foreign key was violated: SQLite says only that one was.
//!
//! Owns: [`of_statement`], [`of_commit`]. Must not know: sessions. The statement is run once more under a savepoint with
//! the check put off, SQLite is asked which rows are wrong (`PRAGMA foreign_key_check`), and all of it is undone.
//! Only the tables that can be concerned are looked at, and not for longer than [`PATIENCE`].
//! Specification: ri_ReportViolation in ri_triggers.c.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::catalog::schema::{CatalogSnapshot, Constraint, ConstraintKind, ForeignKey, Relation};
use crate::engine::connection::{Control, Entered};
use crate::engine::constraint_errors::{Scene, column_names, key_text, show};
use crate::engine::context::SharedContext;
use crate::engine::functions::owned;
use crate::engine::key_checks;
use crate::engine::row_capture::{borrowed, quoted};
use crate::engine::statement::{RawStatement, Step};
use crate::error::{Error, SqlState};
use crate::types::pg_type::Oid;
use crate::types::value::Value;

/// How long the search may take; after it the error names no constraint.
const PATIENCE: Duration = Duration::from_millis(500);

/// One foreign key of the catalog.
#[derive(Clone, Copy)]
struct Reference<'a> {
    child: &'a Arc<Relation>,
    constraint: &'a Constraint,
    key: &'a ForeignKey,
}

/// A foreign key and the values of its columns in a row that violates it.
type Violation<'a> = (Reference<'a>, Vec<Value>);

/// The error of a statement that failed with SQLITE_CONSTRAINT_FOREIGNKEY.
pub(crate) fn of_statement(entered: &Entered<'_>, statement: &mut RawStatement, scene: &Scene<'_>) -> Error {
    let changed = changed_tables(&scene.catalog, scene.target);
    let candidates: Vec<Reference<'_>> = references(&scene.catalog)
        .filter(|r| changed.contains(&r.child.oid) || changed.contains(&r.key.relation))
        .filter(|r| fails_at_once(r))
        .collect();
    statement.reset();
    if let Some(error) = missing_parent(entered, &candidates, scene) {
        return error;
    }
    if entered.execute("SAVEPOINT violated").is_err() {
        return unnamed(scene, &candidates);
    }
    let moved = entered.slot().sequences().rewind();
    let found = rerun(entered, statement).and_then(|()| search(entered, &candidates, scene));
    entered.slot().sequences().replay(moved);
    statement.reset();
    // A failure here means that the transaction is gone, and with it what was to be undone.
    let _ = entered.execute("ROLLBACK TO violated; RELEASE violated");
    let _ = entered.control(Control::CheckForeignKeysNow);
    match found {
        // The statement has taken away a key that was there before it.
        Some((reference, values)) if has_parent(entered, reference, scene, &values) => {
            removed(reference, scene, &values)
        }
        Some((reference, values)) => missing(reference, scene, &values),
        None => unnamed(scene, &candidates),
    }
}

/// The tables whose rows a statement on `target` can change: those too that follow it by their foreign keys.
fn changed_tables(catalog: &CatalogSnapshot, target: Option<Oid>) -> BTreeSet<Oid> {
    let follows = |key: &ForeignKey| [key.on_update, key.on_delete].iter().any(|action| b"cnd".contains(action));
    let mut changed: BTreeSet<Oid> = target.into_iter().collect();
    let mut open: Vec<Oid> = changed.iter().copied().collect();
    while let Some(parent) = open.pop() {
        let children = references(catalog).filter(|r| r.key.relation == parent && follows(r.key));
        open.extend(children.map(|r| r.child.oid).filter(|child| changed.insert(*child)));
    }
    changed
}

/// Whether SQLite does not put the check off. RESTRICT never waits.
fn fails_at_once(reference: &Reference<'_>) -> bool {
    let restricts = reference.key.on_update == b'r' || reference.key.on_delete == b'r';
    restricts || !reference.constraint.initially_deferred
}

/// The error of a COMMIT (or SET CONSTRAINTS IMMEDIATE) that found deferred violations. The transaction is still open.
pub(crate) fn of_commit(entered: &Entered<'_>, context: &SharedContext) -> Error {
    let scene = Scene::of(context);
    let candidates: Vec<Reference<'_>> = references(&scene.catalog).collect();
    match search(entered, &candidates, &scene) {
        Some((reference, values)) => missing(reference, &scene, &values),
        None => unnamed(&scene, &candidates),
    }
}

/// Looks whether one of the foreign keys that are due is violated, for as long as it takes; by a statement that deletes,
/// or changes `target`, the row it refers to has gone.
pub(crate) fn of_due(
    entered: &Entered<'_>,
    context: &SharedContext,
    (deletes, target): (bool, Option<Oid>),
    due: &dyn Fn(&Constraint) -> bool,
) -> Result<(), Error> {
    let scene = Scene::of(context);
    let candidates: Vec<Reference<'_>> = references(&scene.catalog).filter(|r| due(r.constraint)).collect();
    match search_tables(entered, &candidates, &scene).map_err(crate::engine::error_map::from_rusqlite)? {
        // It has changed the referenced table alone.
        Some((reference, values))
            if deletes || target == Some(reference.key.relation) && target != Some(reference.child.oid) =>
        {
            Err(removed(reference, &scene, &values))
        }
        Some((reference, values)) => Err(missing(reference, &scene, &values)),
        None => Ok(()),
    }
}

fn references(catalog: &CatalogSnapshot) -> impl Iterator<Item = Reference<'_>> {
    let own = &catalog.server_keys().own;
    catalog.relations.values().flat_map(move |child| {
        let known = child.constraints.iter().filter(|constraint| !own.contains(&constraint.oid));
        known.filter_map(move |constraint| match &constraint.kind {
            ConstraintKind::ForeignKey(key) => Some(Reference { child, constraint, key }),
            _ => None,
        })
    })
}

/// The quick way for one new row whose values are known: is its parent there?
fn missing_parent(entered: &Entered<'_>, candidates: &[Reference<'_>], scene: &Scene<'_>) -> Option<Error> {
    candidates.iter().filter(|r| Some(r.child.oid) == scene.target).find_map(|reference| {
        let values: Vec<Value> =
            reference.constraint.columns.iter().map(|c| scene.value(*c).cloned()).collect::<Option<_>>()?;
        if values.iter().any(Value::is_null) {
            return None;
        }
        let found = find_parent(entered, *reference, scene, &values)?;
        (!found).then(|| missing(*reference, scene, &values))
    })
}

fn has_parent(entered: &Entered<'_>, reference: Reference<'_>, scene: &Scene<'_>, values: &[Value]) -> bool {
    !values.is_empty() && find_parent(entered, reference, scene, values) == Some(true)
}

/// Whether the other table has that key.
fn find_parent(entered: &Entered<'_>, reference: Reference<'_>, scene: &Scene<'_>, values: &[Value]) -> Option<bool> {
    let parent = scene.catalog.relations.get(&reference.key.relation)?;
    let conditions: Vec<String> =
        column_names(parent, &reference.key.columns).iter().map(|c| format!("{} = ?", quoted(c))).collect();
    let sql = format!("SELECT 1 FROM {} WHERE {}", quoted(&parent.sqlite_name), conditions.join(" AND "));
    let parameters = rusqlite::params_from_iter(values.iter().map(borrowed));
    entered.with(|database| database.prepare(&sql)?.exists(parameters)).ok()
}

fn rerun(entered: &Entered<'_>, statement: &mut RawStatement) -> Option<()> {
    entered.control(Control::DeferForeignKeys).ok()?;
    while statement.step().ok()? == Step::Row {}
    Some(())
}

/// The first violation among the tables of these foreign keys. Only reads, so ending it early undoes nothing.
fn search<'a>(entered: &Entered<'_>, candidates: &[Reference<'a>], scene: &Scene<'_>) -> Option<Violation<'a>> {
    entered.limit_time(Some(Instant::now() + PATIENCE));
    let found = search_tables(entered, candidates, scene);
    entered.limit_time(None);
    found.ok().flatten()
}

fn search_tables<'a>(
    entered: &Entered<'_>,
    candidates: &[Reference<'a>],
    scene: &Scene<'_>,
) -> rusqlite::Result<Option<Violation<'a>>> {
    let mut children: Vec<&'a Arc<Relation>> = candidates.iter().map(|r| r.child).collect();
    children.sort_by_key(|child| child.oid);
    children.dedup_by_key(|child| child.oid);
    for child in children {
        let own: Vec<Reference<'a>> = candidates.iter().filter(|r| r.child.oid == child.oid).copied().collect();
        if let Some(found) = entered.with(|database| first_violation(database, child, &own, &scene.catalog))? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// The first row that violates one of these foreign keys of its table, with the key's values.
fn first_violation<'a>(
    database: &rusqlite::Connection,
    child: &Relation,
    own: &[Reference<'a>],
    catalog: &CatalogSnapshot,
) -> rusqlite::Result<Option<Violation<'a>>> {
    let known = own_keys(database, child, own, catalog)?;
    let mut statement = database.prepare("SELECT rowid, fkid FROM pragma_foreign_key_check(?1)")?;
    let mut rows = statement.query([&child.sqlite_name])?;
    while let Some(row) = rows.next()? {
        let (row, id): (Option<i64>, i64) = (row.get(0)?, row.get(1)?);
        if let Some((_, reference)) = known.iter().find(|(key, _)| *key == id) {
            let columns = column_names(child, &reference.constraint.columns);
            return Ok(Some((*reference, row_values(database, child, row, &columns)?)));
        }
    }
    Ok(None)
}

/// The number SQLite gives each of these foreign keys.
fn own_keys<'a>(
    database: &rusqlite::Connection,
    child: &Relation,
    own: &[Reference<'a>],
    catalog: &CatalogSnapshot,
) -> rusqlite::Result<Vec<(i64, Reference<'a>)>> {
    let sql =
        "SELECT id, \"table\", json_group_array(\"from\" ORDER BY seq) FROM pragma_foreign_key_list(?1) GROUP BY id";
    let mut statement = database.prepare(sql)?;
    let mut rows = statement.query([&child.sqlite_name])?;
    let mut known = Vec::new();
    while let Some(row) = rows.next()? {
        let (id, table, columns): (i64, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let columns: Vec<String> = serde_json::from_str(&columns).unwrap_or_default();
        let is_it = |reference: &&Reference<'a>| {
            let parent = catalog.relations.get(&reference.key.relation);
            parent.is_some_and(|parent| parent.sqlite_name == table)
                && column_names(child, &reference.constraint.columns).iter().eq(columns.iter())
        };
        known.extend(own.iter().find(is_it).map(|reference| (id, *reference)));
    }
    Ok(known)
}

/// The key's values in the violating row; empty for a table without row ids.
fn row_values(
    database: &rusqlite::Connection,
    child: &Relation,
    row: Option<i64>,
    columns: &[&str],
) -> rusqlite::Result<Vec<Value>> {
    let Some(row) = row else { return Ok(Vec::new()) };
    let list: Vec<String> = columns.iter().map(|c| quoted(c)).collect();
    let sql = format!("SELECT {} FROM {} WHERE rowid = ?1", list.join(", "), quoted(&child.sqlite_name));
    database.query_row(&sql, [row], |row| (0..columns.len()).map(|i| Ok(owned(row.get_ref(i)?))).collect())
}

/// PostgreSQL's words for a key that has become another, or is gone, in the table referred to.
fn removed(reference: Reference<'_>, scene: &Scene<'_>, values: &[Value]) -> Error {
    // A partition's key is checked as that of the partitioned table.
    let above = |relation: &Relation, oid: Oid| relation.constraints.iter().any(|c| c.oid == oid);
    let mut whole: &Relation = reference.child;
    let mut part = reference.constraint.options.parent;
    while let Some(oid) = part {
        let Some(found) = scene.catalog.relations.values().find(|relation| above(relation, oid)) else { break };
        whole = found;
        part = whole.constraints.iter().find(|c| c.oid == oid).and_then(|c| c.options.parent);
    }
    let child = &whole.name;
    let parent = scene.catalog.relations.get(&reference.key.relation);
    let message = format!(
        "update or delete on table \"{}\" violates foreign key constraint \"{}\" on table \"{child}\"",
        parent.map_or("?", |p| p.name.as_str()),
        reference.constraint.name
    );
    let columns = parent.map(|p| column_names(p, &reference.key.columns)).unwrap_or_default();
    let detail = format!("is still referenced from table \"{child}\".");
    violation(reference, scene, (message, &columns), values, detail).with_schema(&whole.schema).with_table(child)
}

/// PostgreSQL's words for a row that refers to a key that is not there.
fn missing(reference: Reference<'_>, scene: &Scene<'_>, values: &[Value]) -> Error {
    let parent = scene.catalog.relations.get(&reference.key.relation).map_or("?", |p| p.name.as_str());
    key_checks::missing(reference.child, reference.constraint, parent, values, &scene.format)
}

fn violation(
    reference: Reference<'_>,
    scene: &Scene<'_>,
    (message, columns): (String, &[&str]),
    values: &[Value],
    state: String,
) -> Error {
    let child = reference.child;
    let shown: Option<Vec<String>> = reference
        .constraint
        .columns
        .iter()
        .zip(values)
        .map(|(number, value)| show(child.column_by_number(*number)?.repr, value, &scene.format))
        .collect();
    let shown = shown.filter(|shown| !shown.is_empty());
    let detail = shown.map(|shown| format!("Key {} {state}", key_text(columns, &shown)));
    key_checks::violation(child, &reference.constraint.name, message, detail)
}

/// When the search found nothing in time.
fn unnamed(scene: &Scene<'_>, candidates: &[Reference<'_>]) -> Error {
    if let [only] = candidates {
        let from_parent = scene.target == Some(only.key.relation) && scene.target != Some(only.child.oid);
        return if from_parent { removed(*only, scene, &[]) } else { missing(*only, scene, &[]) };
    }
    let message = match scene.target() {
        Some(table) => format!("insert, update or delete on table \"{}\" violates foreign key constraint", table.name),
        None => "a foreign key constraint is violated".to_owned(),
    };
    Error::new(SqlState::FOREIGN_KEY_VIOLATION, message)
}
