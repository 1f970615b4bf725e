//! Texts that follow a rename: views, defaults, checks and index keys name relations, columns and types, and are printed
//! anew from what they meant before.
//!
//! Must not know: how a text is printed (`sql::ruleutils`).

use std::sync::Arc;

use super::Change;
use crate::catalog::definitions::Names;
use crate::catalog::policy::Policy;
use crate::catalog::schema::{CatalogSnapshot, ConstraintKind, Relation, RelationKind, Uses};
use crate::error::{Error, Result};
use crate::sql::planner::PlanContext;
use crate::sql::ruleutils::{self, Relabel, Style};
use crate::sql::stored::{self, Origin};
use crate::sql::syntax::parse;
use crate::types::pg_type::Oid;

/// What was renamed.
#[derive(Clone, Copy)]
pub(super) enum Renamed<'r> {
    Relation(Oid),
    Column(Oid, i16),
    /// A type, of which no text says that it names it.
    Type,
    /// A function or an operator.
    Routine(Oid),
    Label(Relabel<'r>),
}

impl Renamed<'_> {
    fn concerns(self, uses: &Uses) -> bool {
        match self {
            Renamed::Relation(oid) => uses.columns.iter().any(|(relation, _)| *relation == oid),
            Renamed::Column(oid, number) => uses.columns.contains(&(oid, number)),
            Renamed::Routine(oid) => uses.routines.contains(&oid),
            Renamed::Type | Renamed::Label(_) => true,
        }
    }

    fn label(&self) -> Option<Relabel<'_>> {
        match self {
            Renamed::Label(label) => Some(*label),
            _ => None,
        }
    }
}

impl Change<'_> {
    /// Rewrites what other relations keep after a rename; `before` is the catalog in which the texts were right.
    pub(super) fn follow(&mut self, before: &Arc<CatalogSnapshot>, renamed: Renamed<'_>) -> Result<()> {
        for relation in self.sorted_relations() {
            let done = matches!(renamed, Renamed::Column(oid, _) if oid == relation.oid);
            if done || !relation.declared || relation.kind == RelationKind::System {
                continue;
            }
            let mut changed = Relation::clone(&relation);
            self.follow_in(&mut changed, before, renamed)?;
            let same_texts = changed.view_query == relation.view_query
                && changed.options.row_security == relation.options.row_security
                && changed.options.statistics == relation.options.statistics
                && changed.columns.iter().zip(&relation.columns).all(|(a, b)| a.default == b.default);
            let same_in_sqlite = sqlite_texts(&changed) == sqlite_texts(&relation);
            if !same_in_sqlite && matches!(renamed, Renamed::Label(_)) {
                let message =
                    format!("renaming a value of an enum that a constraint or index of \"{}\" uses", relation.name);
                return Err(Error::unsupported(message));
            }
            if !same_texts || !same_in_sqlite {
                self.put_relation(changed)?;
            }
        }
        Ok(())
    }

    /// Rewrites a relation's own texts.
    pub(super) fn follow_in(
        &self,
        changed: &mut Relation,
        before: &Arc<CatalogSnapshot>,
        renamed: Renamed<'_>,
    ) -> Result<()> {
        let search_path = stored::search_path();
        let names = Names { catalog: &self.catalog, search_path: &search_path };
        let context = PlanContext { catalog: before, ..self.context };
        let now = changed.clone();
        let was = before.relations.get(&changed.oid).map_or_else(|| changed.clone(), |was| Relation::clone(was));
        let own = matches!(renamed, Renamed::Type | Renamed::Label(_) | Renamed::Routine(_))
            || matches!(renamed, Renamed::Column(oid, _) if oid == changed.oid);
        let always = own && !matches!(renamed, Renamed::Routine(_));
        if let Some(text) = &mut changed.view_query
            && (always || renamed.concerns(&was.options.uses))
        {
            *text = self.renamed_query(text, &now, &names, context, renamed)?;
        }
        let text = |text: &str, over: bool| {
            let relations = if over { (Some(&was), Some(&now)) } else { (None, None) };
            ruleutils::renamed_expression(text, relations, &names, context, renamed.label())
        };
        for column in &mut changed.columns {
            if let Some(default) = &mut column.default
                && (own && column.generated || renamed.concerns(&column.options.uses))
            {
                *default = text(default, column.generated)?;
            }
        }
        for policy in &mut changed.options.row_security.policies {
            if !own && !renamed.concerns(&policy.uses) {
                continue;
            }
            let mut followed = Policy::clone(policy);
            for kept in followed.using.iter_mut().chain(&mut followed.with_check) {
                *kept = text(kept, true)?;
            }
            *policy = Arc::new(followed);
        }
        if !own {
            return Ok(());
        }
        for constraint in &mut changed.constraints {
            if let ConstraintKind::Check(check) = &mut constraint.kind {
                *check = text(check, true)?;
            }
        }
        for key in changed.options.inheritance.key.iter_mut().flat_map(|key| &mut key.columns) {
            if let Some(expression) = &mut key.expression {
                *expression = text(expression, true)?;
            }
        }
        for trigger in &mut changed.options.triggers {
            if let Some(condition) = &trigger.condition {
                let relations = (&was, &now);
                let text = ruleutils::renamed_condition(condition, relations, &names, context, renamed.label())?;
                Arc::make_mut(trigger).condition = Some(text);
            }
        }
        for kept in changed.options.statistics.iter_mut().flat_map(|own| &mut own.expressions) {
            *kept = text(kept, true)?;
        }
        for index in &mut changed.indexes {
            for kept in index.keys.iter_mut().filter_map(|key| key.expression.as_mut()).chain(&mut index.predicate) {
                *kept = text(kept, true)?;
            }
        }
        Ok(())
    }

    fn renamed_query(
        &self,
        text: &str,
        view: &Relation,
        names: &Names<'_>,
        before: PlanContext<'_>,
        renamed: Renamed<'_>,
    ) -> Result<String> {
        let columns: Vec<String> = view.columns.iter().map(|column| column.name.clone()).collect();
        let printed = || {
            let query = ruleutils::printable_query(&parse::query(text)?, Origin::Stored, before)?;
            let text = ruleutils::query_text(&query, names, &columns, Style::VIEW, renamed.label())?;
            let again = ruleutils::printable_query(&parse::query(&text)?, Origin::Stored, self.planning())?;
            let again = ruleutils::query_text(&again, names, &columns, Style::VIEW, None)?;
            Ok::<_, Error>(Some(text).filter(|text| *text == again))
        };
        printed().ok().flatten().ok_or_else(|| {
            let what = match renamed {
                Renamed::Relation(_) => "a relation",
                Renamed::Column(..) => "a column",
                Renamed::Type => "a type",
                Renamed::Routine(_) => "a function",
                Renamed::Label(_) => "a value of an enum",
            };
            Error::unsupported(format!("renaming {what} that view \"{}\" uses", view.name))
        })
    }
}

/// The texts that are in SQLite's side of a table as well.
fn sqlite_texts(relation: &Relation) -> Vec<&str> {
    let checks = relation.constraints.iter().filter_map(|constraint| match &constraint.kind {
        ConstraintKind::Check(text) => Some(text.as_str()),
        _ => None,
    });
    let indexes = relation.indexes.iter().flat_map(|index| {
        index.keys.iter().filter_map(|key| key.expression.as_deref()).chain(index.predicate.as_deref())
    });
    let generated = relation.columns.iter().filter(|column| column.generated).filter_map(|c| c.default.as_deref());
    checks.chain(indexes).chain(generated).collect()
}
