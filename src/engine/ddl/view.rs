//! CREATE VIEW, ALTER VIEW. A view is its query as text; it is no object of SQLite's.

use super::Change;
use super::alter::{changes_parameters, not_for};
use super::column::set_default;
use super::parameters;
use super::table::{next_number, push_column};
use crate::catalog::definitions::Names;
use crate::catalog::schema::{Column, Relation, RelationKind, sqlite_name};
use crate::error::{Error, Result, SqlState};
use crate::sql::collations::Collation;
use crate::sql::ddl::{AlterAction, CreateView, Query};
use crate::sql::ruleutils::{self, Style};
use crate::sql::stored::{self, DescribedQuery, NO_COLUMNS, Origin, describe_query, expand_stars, updatable_columns};
use crate::sql::syntax::{parse, print};
use crate::types::pg_type::{Oid, Repr, Scalar};

impl Change<'_> {
    pub(super) fn create_view(&mut self, create: &CreateView) -> Result<()> {
        let described = self.described_query(&create.query)?;
        let uses_temporary =
            described.used.relations.iter().any(|oid| self.catalog.relations.get(oid).is_some_and(|r| r.temporary));
        let temporary = create.temporary || uses_temporary;
        if temporary && !create.temporary {
            let message = format!("view \"{}\" will be a temporary view", create.name.name);
            self.notice(SqlState::SUCCESSFUL_COMPLETION, message);
        }
        if temporary {
            self.ensure_temporary()?;
        }
        let schema = self.creation_schema(&create.name, temporary)?;
        let name = create.name.name.clone();
        let before = self.catalog.relation(&schema, &name).cloned();
        if let Some(before) = &before {
            if !create.or_replace {
                return Err(Error::new(SqlState::DUPLICATE_TABLE, format!("relation \"{name}\" already exists")));
            }
            if before.kind != RelationKind::View {
                return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{name}\" is not a view")));
            }
        } else {
            self.check_free(&schema, &name)?;
        }
        let view_query = self.stored_query(&create.query, &create.columns, &described)?;
        let mut view = Relation {
            oid: match &before {
                Some(before) => before.oid,
                None => self.new_oid()?,
            },
            sqlite_name: sqlite_name(&schema, &name),
            schema,
            name,
            kind: RelationKind::View,
            temporary,
            columns: Vec::new(),
            constraints: Vec::new(),
            indexes: Vec::new(),
            view_query: Some(view_query),
            sequence: None,
            declared: true,
            options: Default::default(),
        };
        parameters::set(&mut view.options.parameters, &create.parameters, parameters::VIEW)?;
        self.view_columns(&mut view, &create.columns, &described)?;
        self.collate_columns(&mut view, &create.query)?;
        if let Some(before) = &before {
            self.check_replaced(before, &view)?;
            for (column, old) in view.columns.iter_mut().zip(&before.columns) {
                column.default.clone_from(&old.default);
            }
            view.options.triggers.clone_from(&before.options.triggers);
        }
        self.check_option(&view)?;
        self.put_relation(view)
    }

    /// WITH CHECK OPTION needs a view that can be written to; those below it are asked when it is.
    fn check_option(&self, view: &Relation) -> Result<()> {
        if view.check_option().is_none() {
            return Ok(());
        }
        let why = match updatable_columns(view, self.planning())? {
            Ok(columns) if columns.is_empty() => NO_COLUMNS,
            Err(refusal) if refusal.view == view.oid => refusal.why,
            _ => return Ok(()),
        };
        let message = "WITH CHECK OPTION is supported only on automatically updatable views";
        Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message).with_hint(why))
    }

    /// ALTER VIEW: defaults of its columns, and its WITH (…).
    pub(super) fn alter_view(&mut self, view: &Relation, actions: &[AlterAction]) -> Result<()> {
        let mut view = view.clone();
        for action in actions {
            match action {
                AlterAction::SetDefault { name, default } => {
                    if view.column(name).is_none() {
                        let message = format!("column \"{name}\" of relation \"{}\" does not exist", view.name);
                        return Err(Error::new(SqlState::UNDEFINED_COLUMN, message));
                    }
                    let text = match default {
                        Some(default) => self.default_text(&view, name, default)?,
                        None => None,
                    };
                    set_default(&mut view, name, text);
                }
                AlterAction::Storage(change) if changes_parameters(action) => self.change_storage(&mut view, change)?,
                AlterAction::Accept => {}
                other => return Err(not_for(&view, other)),
            }
        }
        self.check_option(&view)?;
        self.put_relation(view)
    }

    fn view_columns(&self, view: &mut Relation, names: &[String], described: &DescribedQuery) -> Result<()> {
        if names.len() > described.columns.len() {
            let message = "CREATE VIEW specifies more column names than columns";
            return Err(Error::new(SqlState::SYNTAX_ERROR, message));
        }
        for (position, (own, type_oid, typmod)) in described.columns.iter().enumerate() {
            let type_oid = if *type_oid == Oid::UNKNOWN { Oid::TEXT } else { *type_oid };
            if type_oid == Oid::RECORD {
                let name = names.get(position).unwrap_or(own);
                let message = format!("column \"{name}\" has pseudo-type record");
                return Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, message));
            }
            let number = next_number(view)?;
            push_column(
                view,
                Column::new(
                    number,
                    names.get(position).unwrap_or(own).clone(),
                    (type_oid, *typmod),
                    self.catalog.repr(type_oid).unwrap_or(Repr::scalar(Scalar::Text)),
                ),
            )?;
        }
        Ok(())
    }

    /// CREATE OR REPLACE VIEW may add columns at the end and change nothing else of them.
    fn check_replaced(&self, before: &Relation, after: &Relation) -> Result<()> {
        if after.columns.len() < before.columns.len() {
            return Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, "cannot drop columns from view"));
        }
        for (old, new) in before.columns.iter().zip(&after.columns) {
            if old.name != new.name {
                let message = format!("cannot change name of view column \"{}\" to \"{}\"", old.name, new.name);
                let hint = "Use ALTER VIEW ... RENAME COLUMN ... to change name of view column instead.";
                return Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, message).with_hint(hint));
            }
            if (old.type_oid, old.typmod) != (new.type_oid, new.typmod) {
                let message = format!(
                    "cannot change data type of view column \"{}\" from {} to {}",
                    old.name,
                    self.type_display(old.type_oid),
                    self.type_display(new.type_oid)
                );
                return Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, message));
            }
            if old.options.collation != new.options.collation {
                let shown = |column: &Column| column.options.collation.clone().unwrap_or_else(|| "default".to_owned());
                let message = format!(
                    "cannot change collation of view column \"{}\" from \"{}\" to \"{}\"",
                    old.name,
                    shown(old),
                    shown(new)
                );
                return Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, message));
            }
        }
        Ok(())
    }

    /// What the query's columns are collated by; nothing is known of one that cannot be printed. 42P22 for a column whose
    /// collation is not clear.
    pub(super) fn collate_columns(&self, relation: &mut Relation, query: &Query) -> Result<()> {
        let Ok(printable) = ruleutils::printable_query(query, Origin::Statement, self.planning()) else {
            return Ok(());
        };
        let collations = printable.collations(&self.catalog);
        for (column, collation) in relation.columns.iter_mut().zip(collations) {
            if matches!(collation, Collation::Conflict(..)) {
                let message = match relation.kind {
                    RelationKind::View => {
                        format!("could not determine which collation to use for view column \"{}\"", column.name)
                    }
                    _ => format!(
                        "no collation was derived for column \"{}\" with collatable type {}",
                        column.name,
                        self.type_display(column.type_oid)
                    ),
                };
                let hint = "Use the COLLATE clause to set the collation explicitly.";
                return Err(Error::new(SqlState::INDETERMINATE_COLLATION, message).with_hint(hint));
            }
            column.options.collation = collation.kept_beside(&self.catalog, column.type_oid);
        }
        Ok(())
    }

    /// The query's text as it is kept: `*` stands for the columns there are now, and every name means the same
    /// under the search path of stored text.
    pub(super) fn stored_query(&self, query: &Query, columns: &[String], described: &DescribedQuery) -> Result<String> {
        if let Some(text) = self.printed_query(query, columns, described) {
            return Ok(text);
        }
        let means_the_same = |text: &String| {
            let again = parse::query(text).and_then(|q| describe_query(&q, Origin::Stored, self.planning()));
            again.is_ok_and(|a| a.columns == described.columns && a.used.relations == described.used.relations)
        };
        // The list of columns would be ambiguous where two have one name.
        let texts = [print::query(&expand_stars(query, &described.columns)), print::query(query)];
        // Without one: an unqualified name of a schema that is only in the session's search path.
        texts.into_iter().find(means_the_same).ok_or_else(|| {
            Error::unsupported("a view over relations outside of schema public that are not written with their schema")
        })
    }

    /// The query as PostgreSQL prints it, if that is read as what it was printed from.
    fn printed_query(&self, query: &Query, columns: &[String], described: &DescribedQuery) -> Option<String> {
        let search_path = stored::search_path();
        let names = Names { catalog: &self.catalog, search_path: &search_path };
        let printable = ruleutils::printable_query(query, Origin::Statement, self.planning()).ok()?;
        let text = ruleutils::query_text(&printable, &names, &[], Style::VIEW, None).ok()?;
        let parsed = parse::query(&text).ok()?;
        let again = describe_query(&parsed, Origin::Stored, self.planning()).ok()?;
        let printed = ruleutils::printable_query(&parsed, Origin::Stored, self.planning()).ok()?;
        let same = ruleutils::query_text(&printed, &names, &[], Style::VIEW, None).is_ok_and(|printed| printed == text);
        if !same || again.columns != described.columns || again.used.relations != described.used.relations {
            return None;
        }
        let own = described.columns.iter().map(|(name, ..)| name);
        let all: Vec<String> = own.enumerate().map(|(n, own)| columns.get(n).unwrap_or(own).clone()).collect();
        ruleutils::query_text(&printable, &names, &all, Style::VIEW, None).ok()
    }
}
