//! What stored texts refer to: views' queries, defaults, index keys and predicates. It is found out when a text is stored,
//! and for files of older versions when they are read; `catalog::dependencies` is made from it.

use std::sync::Arc;

use crate::catalog::schema::{CatalogSnapshot, ConstraintKind, Index, Relation, RelationKind, Uses};
use crate::settings::Settings;
use crate::sql::planner::PlanContext;
use crate::sql::regclass::named_relations;
use crate::sql::stored::{self, Origin, Target, describe_query, relation_expression};
use crate::sql::syntax::parse;
use crate::types::pg_type::Oid;

/// Finds out what the texts of a relation refer to. Those that were there before have not changed their meaning.
pub(super) fn set(relation: &mut Relation, before: Option<&Relation>, context: PlanContext<'_>) {
    if let Some(query) = &relation.view_query {
        let same = before.filter(|before| before.view_query.as_ref() == Some(query));
        relation.options.uses = same.map_or_else(|| of_view(query, context), |before| before.options.uses.clone());
    }
    let table = relation.clone();
    for column in &mut relation.columns {
        let was = before.and_then(|before| before.column_by_number(column.number));
        column.options.uses = match (&column.default, was.filter(|was| was.default == column.default)) {
            (None, _) => Uses::default(),
            (Some(_), Some(was)) => was.options.uses.clone(),
            (Some(text), None) => of_expression(text, Some(&table).filter(|_| column.generated), context),
        };
    }
    for constraint in &mut relation.constraints {
        let known = before.and_then(|before| before.constraints.iter().find(|c| c.oid == constraint.oid));
        constraint.options.uses = match (constraint.check(), known.filter(|known| known.check() == constraint.check()))
        {
            (None, _) => Uses::default(),
            (Some(_), Some(known)) => known.options.uses.clone(),
            (Some(text), None) => {
                let routines = of_expression(text, Some(&table), context).routines;
                Uses { routines, ..Uses::default() }
            }
        };
    }
    for index in &mut relation.indexes {
        index.options.uses = of_index(index, &table, context);
    }
}

/// The catalog of a file of which an older version did not say it.
pub(crate) fn complete(catalog: CatalogSnapshot) -> CatalogSnapshot {
    let unsaid = |relation: &&Arc<Relation>| {
        let is_empty = |uses: &Uses| *uses == Uses::default();
        let has_text = |index: &Index| index.predicate.is_some() || index.keys.iter().any(|k| k.expression.is_some());
        relation.view_query.is_some() && is_empty(&relation.options.uses)
            || relation.columns.iter().any(|c| c.default.is_some() && is_empty(&c.options.uses))
            || relation.indexes.iter().any(|i| has_text(i) && is_empty(&i.options.uses))
    };
    let incomplete: Vec<Arc<Relation>> = catalog
        .relations
        .values()
        .filter(|r| r.declared && r.kind != RelationKind::System)
        .filter(unsaid)
        .cloned()
        .collect();
    if incomplete.is_empty() {
        return catalog;
    }
    let settings = Settings::default();
    let read = Arc::new(catalog);
    let mut completed = CatalogSnapshot::clone(&read);
    for relation in incomplete {
        let mut relation = Relation::clone(&relation);
        set(&mut relation, None, stored::context(&read, &settings));
        completed.put_relation(Arc::new(relation));
    }
    completed
}

fn of_view(text: &str, context: PlanContext<'_>) -> Uses {
    let used = stored::view_dependencies(text, context);
    let whole = used.relations.iter().filter(|oid| used.columns.iter().all(|(relation, _)| relation != *oid));
    let mut columns: Vec<(Oid, i16)> = used.columns.iter().copied().chain(whole.map(|oid| (*oid, 0))).collect();
    columns.sort_unstable();
    let tables = used.relations.iter().filter_map(|oid| context.catalog.relations.get(oid));
    let keys = tables.filter(|table| needs_key(text, table, context));
    let constraints = keys.filter_map(|table| table.primary_key()).map(|key| key.oid).collect();
    Uses { columns, constraints, routines: used.routines.iter().copied().collect() }
}

/// Whether a view reads columns of a table that are not grouped, which the primary key allows.
fn needs_key(text: &str, table: &Relation, context: PlanContext<'_>) -> bool {
    if table.primary_key().is_none() {
        return false;
    }
    let mut without = CatalogSnapshot::clone(context.catalog);
    let mut keyless = table.clone();
    keyless.constraints.retain(|c| !matches!(c.kind, ConstraintKind::PrimaryKey));
    without.put_relation(Arc::new(keyless));
    let without = Arc::new(without);
    let fits = |catalog| {
        let context = PlanContext { catalog, ..context };
        parse::query(text).and_then(|query| describe_query(&query, Origin::Stored, context)).is_ok()
    };
    fits(context.catalog) && !fits(&without)
}

fn of_index(index: &Index, table: &Relation, context: PlanContext<'_>) -> Uses {
    let texts = index.keys.iter().filter_map(|key| key.expression.as_deref()).chain(index.predicate.as_deref());
    let mut uses = Uses::default();
    for text in texts {
        let used = of_expression(text, Some(table), context);
        uses.columns.extend(used.columns);
        uses.routines.extend(used.routines);
    }
    uses.routines.sort_unstable();
    uses.routines.dedup();
    uses.columns.sort_unstable();
    uses.columns.dedup();
    uses
}

/// The columns of the relation and the relations themselves that an expression refers to.
fn of_expression(text: &str, relation: Option<&Relation>, context: PlanContext<'_>) -> Uses {
    let Ok(expression) = parse::expression(text) else { return Uses::default() };
    let analysed = relation_expression(&expression, relation, (Origin::Stored, Target::Any), context);
    let analysed = analysed.ok().and_then(Result::ok);
    let routines = analysed.as_ref().map(|e| e.routines.clone()).unwrap_or_default();
    let own = analysed.filter(|_| relation.is_some());
    let oid = relation.map_or(Oid::INVALID, |relation| relation.oid);
    let mut columns: Vec<(Oid, i16)> = own.iter().flat_map(|e| &e.columns).map(|number| (oid, *number)).collect();
    for (schema, name) in named_relations(&expression) {
        let found = match &schema {
            Some(schema) => context.catalog.relation(schema, &name),
            None => context.catalog.find_relation(&stored::search_path(), &name),
        };
        columns.extend(found.map(|relation| (relation.oid, 0)));
    }
    columns.sort_unstable();
    columns.dedup();
    Uses { columns, constraints: Vec::new(), routines }
}
