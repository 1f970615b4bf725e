//! ALTER TABLE. All actions of a statement change one picture of the table; SQLite's table follows once at the end,
//! by its own ALTER TABLE where that is enough, else by a rebuild.

use std::borrow::Cow;

use super::Change;
use super::alter_members::Followed;
use super::column::{check_identity_type, identity_kind, set_default};
use super::drop::Object;
use super::passes::{self, Passes};
use super::rebuild::Sources;
use super::sqlite::{self, qualified};
use super::table::{next_number, push_column};
use crate::catalog::composite::row_type_oid;
use crate::catalog::definitions::nextval_text;
use crate::catalog::schema::{Column, Constraint, ConstraintKind, DroppedColumn, Identity, Relation, RelationKind};
use crate::catalog::trigger::Trigger;
use crate::debug_log::debug;
use crate::error::{Error, Result, SqlState};
use crate::sql::ddl::{
    AlterAction, ColumnDefinition, ConstraintDefinition, ConstraintDefinitionKind, DataType, Expr, IdentityDefinition,
    KeySource, Name, ObjectKind, SequenceSettings, StorageChange,
};
use crate::sql::ddl::{CollateName, RowSecurityChange, TriggerFiring};
use crate::types::pg_type::Oid;

/// The actions of one ALTER TABLE under way on one table.
pub(super) struct Alteration {
    /// The table as SQLite has it.
    before: Relation,
    pub(super) after: Relation,
    /// SQLite's table has to be made anew.
    pub(super) rebuild: bool,
    /// Columns that SQLite's ALTER TABLE can append.
    appended: Vec<i16>,
    sources: Sources,
    /// Indexes to make, unless a rebuild makes them all.
    pub(super) new_indexes: Vec<Oid>,
    /// Foreign keys and checks that the rows there are must satisfy.
    pub(super) to_check: Vec<Oid>,
    /// Constraints of a column that was added; their turn comes after all columns are there.
    pub(super) later: Vec<ConstraintDefinition>,
}

impl Change<'_> {
    pub(super) fn alter_table(
        &mut self,
        name: &Name,
        kind: ObjectKind,
        (if_exists, only): (bool, bool),
        actions: &[AlterAction],
    ) -> Result<()> {
        if kind == ObjectKind::Type {
            return self.alter_composite(name, actions);
        }
        let Some(relation) = self.altered_relation(kind, name, if_exists)? else { return Ok(()) };
        if relation.kind == RelationKind::Composite {
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{}\" is a composite type", relation.name))
                .with_hint("Use ALTER TYPE instead."));
        }
        self.check_with_members(&relation, actions, only)?;
        if let [AlterAction::RenameColumn { name, to }] = actions {
            return self.rename_column(&relation, name, to);
        }
        if let [AlterAction::RenameConstraint { name, to }] = actions {
            self.rename_check_in_members(&relation, name, to)?;
            return self.rename_constraint(&relation, name, to);
        }
        if let ([AlterAction::AttachPartition { name, .. }], RelationKind::Index) = (actions, relation.kind) {
            return self.attach_index(&relation, name);
        }
        if actions.iter().all(|a| matches!(a, AlterAction::Accept)) {
            return Ok(());
        }
        if relation.kind == RelationKind::Index {
            return self.alter_index(&relation, actions);
        }
        if relation.kind == RelationKind::View {
            return self.alter_view(&relation, actions);
        }
        if relation.is_materialized() {
            let allowed = |action: &&AlterAction| matches!(action, AlterAction::Storage(_) | AlterAction::Accept);
            if let Some(refused) = actions.iter().find(|action| !allowed(action)) {
                return Err(not_for(&relation, refused));
            }
        }
        if let (true, Some(action)) = (relation.kind != RelationKind::Table, actions.first()) {
            return Err(not_for(&relation, action));
        }
        self.check_not_pending(&relation, "ALTER TABLE")?;
        if let [action] = actions
            && self.tie(&relation, action)?
        {
            return Ok(());
        }
        let mut work = self.begin_alteration(&relation)?;
        let mut passes = Passes::of(actions);
        while let Some(action) = passes.next() {
            self.alter_action(&mut work, &action)?;
            passes.add_constraints(std::mem::take(&mut work.later));
        }
        self.finish_alteration(work)?;
        for action in actions.iter().filter(|_| !only) {
            if let AlterAction::SetTriggers { which, firing } = action {
                self.set_firing_below(&relation, which, *firing)?;
            }
        }
        match relation.options.inheritance.children.is_empty() {
            true => Ok(()),
            false => {
                let after = self.current(relation.oid)?;
                self.follow_members(Followed { root: relation.oid, before: &relation, after: &after, actions }, only)
            }
        }
    }

    fn alter_index(&mut self, index: &Relation, actions: &[AlterAction]) -> Result<()> {
        for action in actions {
            match action {
                AlterAction::Accept => {}
                AlterAction::Storage(change) => self.change_index_storage(index, change)?,
                other => {
                    let message = format!(
                        "ALTER action {} cannot be performed on relation \"{}\"",
                        action_name(other),
                        index.name
                    );
                    return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message)
                        .with_detail("This operation is not supported for indexes."));
                }
            }
        }
        Ok(())
    }

    pub(super) fn begin_alteration(&self, relation: &Relation) -> Result<Alteration> {
        let before = self.declared(relation)?;
        Ok(Alteration {
            after: before.clone(),
            before,
            rebuild: false,
            appended: Vec::new(),
            sources: Sources::new(),
            new_indexes: Vec::new(),
            to_check: Vec::new(),
            later: Vec::new(),
        })
    }

    /// Brings SQLite's table to the picture.
    pub(super) fn finish_alteration(&mut self, work: Alteration) -> Result<()> {
        let Alteration { before, after, mut rebuild, appended, sources, new_indexes, to_check, later: _ } = work;
        let oid = after.oid;
        for column in &after.columns {
            let was = before.column_by_number(column.number);
            if column.not_null && was.is_some_and(|c| !c.not_null) && !sources.contains_key(&column.number) {
                self.check_no_nulls(&before, was.map_or(&column.name, |c| &c.name))?;
            }
            rebuild |= was.is_some_and(|c| {
                c.not_null != column.not_null
                    || c.rowid_alias != column.rowid_alias
                    || sqlite::acted_default(&before, c) != sqlite::acted_default(&after, column)
            });
        }
        let redeclared = rebuild && sources.is_empty() && self.redeclare(&before, &after)?;
        if rebuild && !redeclared {
            self.rebuild(&before, after, &sources)?;
        } else {
            self.append_columns(&before, &after, &appended)?;
            for index in after.indexes.iter().filter(|i| new_indexes.contains(&i.oid)) {
                if sqlite::has_index(&after, index) {
                    self.create_index_in_sqlite(&after, index)?;
                }
            }
            self.put_relation(after)?;
        }
        let Some(table) = self.catalog.relations.get(&oid).cloned() else { return Ok(()) };
        for constraint in table.constraints.iter().filter(|c| to_check.contains(&c.oid)) {
            match &constraint.kind {
                ConstraintKind::ForeignKey(key) => self.check_foreign_key(&table, constraint, key)?,
                ConstraintKind::Check(text) => self.check_rows(&table, &constraint.name, text)?,
                ConstraintKind::Exclusion(_) => self.check_exclusion(&table, constraint)?,
                ConstraintKind::PrimaryKey | ConstraintKind::Unique => {}
            }
        }
        Ok(())
    }

    fn append_columns(&mut self, before: &Relation, after: &Relation, appended: &[i16]) -> Result<()> {
        if !appended.is_empty() && self.is_small(before)? {
            return self.recreate(before, after);
        }
        for column in appended.iter().filter_map(|number| after.column_by_number(*number)) {
            let sql = format!("ALTER TABLE {} ADD COLUMN {}", qualified(after), self.column_sql(after, column)?);
            self.execute(&sql)?;
        }
        Ok(())
    }

    /// Ends what has been done so far, so that an action that changes other objects too finds it done.
    pub(super) fn flush(&mut self, work: &mut Alteration) -> Result<()> {
        let next = self.begin_alteration(&work.after)?;
        let done = std::mem::replace(work, next);
        let oid = done.after.oid;
        self.finish_alteration(done)?;
        self.refresh(work, oid)
    }

    pub(super) fn refresh(&self, work: &mut Alteration, oid: Oid) -> Result<()> {
        let relation = self.catalog.relations.get(&oid).ok_or_else(|| Error::internal("altered table"))?;
        *work = self.begin_alteration(relation)?;
        Ok(())
    }

    fn alter_action(&mut self, work: &mut Alteration, action: &AlterAction) -> Result<()> {
        match action {
            AlterAction::AddColumn { definition, if_not_exists } => self.add_column(work, definition, *if_not_exists),
            AlterAction::DropColumn { name, if_exists, cascade } => {
                let Some(column) = self.existing_column(work, name, *if_exists)? else { return Ok(()) };
                self.flush(work)?;
                let oid = work.after.oid;
                self.drop_objects(&[Object::Column(oid, column.number)], *cascade)?;
                self.refresh(work, oid)
            }
            AlterAction::AlterType { name, data_type, collation, using } => {
                self.alter_type(work, name, (data_type, collation.as_ref()), using.as_ref())
            }
            AlterAction::SetDefault { name, default } => {
                let column = self.column_of(work, name)?;
                if column.generated {
                    let message =
                        format!("column \"{name}\" of relation \"{}\" is a generated column", work.after.name);
                    return Err(Error::new(SqlState::SYNTAX_ERROR, message));
                }
                if column.identity.is_some() {
                    let message =
                        format!("column \"{name}\" of relation \"{}\" is an identity column", work.after.name);
                    return Err(Error::new(SqlState::SYNTAX_ERROR, message));
                }
                let text = match default {
                    Some(default) => self.default_text(&work.after, name, default)?,
                    None => None,
                };
                set_default(&mut work.after, name, text);
                Ok(())
            }
            AlterAction::SetNotNull { name, not_null } => self.set_not_null(work, name, *not_null),
            AlterAction::AddIdentity { name, identity } => self.add_identity(work, name, identity),
            AlterAction::AlterIdentity { name, always, settings } => self.alter_identity(work, name, *always, settings),
            AlterAction::DropIdentity { name, if_exists } => self.drop_identity(work, name, *if_exists),
            AlterAction::DropExpression { name, if_exists } => self.drop_expression(work, name, *if_exists),
            AlterAction::AddConstraint(definition) => self.alter_add_constraint(work, definition),
            AlterAction::DropConstraint { name, if_exists, cascade } => {
                self.alter_drop_constraint(work, name, *if_exists, *cascade)
            }
            AlterAction::AlterConstraint { name, deferrable, initially_deferred } => {
                let table = work.after.name.clone();
                let Some(constraint) = work.after.constraints.iter_mut().find(|c| c.name == *name) else {
                    return Err(no_constraint(name, &table));
                };
                if !matches!(constraint.kind, ConstraintKind::ForeignKey(_)) {
                    let message =
                        format!("constraint \"{name}\" of relation \"{table}\" is not a foreign key constraint");
                    return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
                }
                constraint.deferrable = *deferrable;
                constraint.initially_deferred = *initially_deferred;
                work.rebuild = true;
                Ok(())
            }
            AlterAction::ValidateConstraint(name) => self.validate_constraint(work, name),
            AlterAction::RenameColumn { .. } | AlterAction::RenameConstraint { .. } => {
                Err(Error::new(SqlState::SYNTAX_ERROR, "syntax error at or near \"RENAME\""))
            }
            AlterAction::SetTriggers { which, firing } => super::trigger::set_firing(&mut work.after, which, *firing),
            AlterAction::RowSecurity(change) => super::policy::set_row_security(&mut work.after, *change),
            AlterAction::SetLogged(logged) => self.set_logged(work, *logged),
            AlterAction::Storage(change) => self.change_storage(&mut work.after, change),
            AlterAction::Inherit(_)
            | AlterAction::NoInherit(_)
            | AlterAction::AttachPartition { .. }
            | AlterAction::DetachPartition { .. } => {
                self.flush(work)?;
                let oid = work.after.oid;
                let relation = work.after.clone();
                self.tie(&relation, action)?;
                self.refresh(work, oid)
            }
            AlterAction::Accept => Ok(()),
        }
    }

    fn validate_constraint(&self, work: &mut Alteration, name: &str) -> Result<()> {
        let table = work.after.name.clone();
        let Some(constraint) = work.after.constraints.iter_mut().find(|c| c.name == name) else {
            return Err(no_constraint(name, &table));
        };
        if !matches!(constraint.kind, ConstraintKind::Check(_) | ConstraintKind::ForeignKey(_)) {
            let message =
                format!("constraint \"{name}\" of relation \"{table}\" is not a foreign key or check constraint");
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
        }
        if std::mem::take(&mut constraint.options.not_valid) {
            work.to_check.push(constraint.oid);
        }
        Ok(())
    }

    fn column_of(&self, work: &Alteration, name: &str) -> Result<Column> {
        work.after.column(name).cloned().ok_or_else(|| no_column(name, &work.after.name))
    }

    fn existing_column(&mut self, work: &Alteration, name: &str, if_exists: bool) -> Result<Option<Column>> {
        match self.column_of(work, name) {
            Ok(column) => Ok(Some(column)),
            Err(error) if if_exists => {
                self.notice(SqlState::SUCCESSFUL_COMPLETION, format!("{}, skipping", error.message()));
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn add_column(&mut self, work: &mut Alteration, definition: &ColumnDefinition, if_not_exists: bool) -> Result<()> {
        let name = &definition.name;
        if work.after.column(name).is_some() {
            let message = format!("column \"{name}\" of relation \"{}\" already exists", work.after.name);
            if if_not_exists {
                self.notice(SqlState::DUPLICATE_COLUMN, format!("{message}, skipping"));
                return Ok(());
            }
            return Err(Error::new(SqlState::DUPLICATE_COLUMN, message));
        }
        let (column, wanted) = self.new_column(definition, next_number(&work.after)?)?;
        self.refuse_itself(row_type_oid(&work.after), column.type_oid, &work.after.name)?;
        let number = column.number;
        let first_column = work.after.columns.is_empty();
        push_column(&mut work.after, column)?;
        if let Some(wanted) = wanted {
            self.own_sequence(&mut work.after, wanted)?;
        }
        self.set_expressions(&mut work.after, &[definition])?;
        work.later = passes::in_order(definition.constraints.iter()).into_iter().map(Cow::into_owned).collect();
        let Some(column) = work.after.column_by_number(number) else { return Ok(()) };
        if column.default.is_some() && !column.generated {
            work.sources.insert(number, self.default_sql(column)?);
        }
        let has_domain_rules = self.base_type(column.type_oid) != column.type_oid;
        // A primary key makes its columns NOT NULL, which SQLite cannot append.
        let is_key = work.later.iter().any(|c| matches!(c.kind, ConstraintDefinitionKind::PrimaryKey(_)));
        let not_null = column.not_null || is_key;
        if column.default.is_some() || not_null || column.generated || has_domain_rules || first_column {
            work.rebuild = true;
        } else {
            work.appended.push(number);
        }
        Ok(())
    }

    pub(super) fn alter_type(
        &mut self,
        work: &mut Alteration,
        name: &str,
        (data_type, collation): (&DataType, Option<&CollateName>),
        using: Option<&Expr>,
    ) -> Result<()> {
        let column = self.column_of(work, name)?;
        if column.generated {
            return Err(Error::unsupported("changing the type of a generated column"));
        }
        let resolved = self.resolve_type(data_type)?;
        self.refuse_itself(row_type_oid(&work.after), resolved.oid, &work.after.name)?;
        let before = work.before_columns();
        let source = self.converted(using, &column, &before, resolved)?;
        super::column::refuse_second_type(&before, &column)?;
        for view in self.sorted_relations() {
            if self.view_uses(&view, work.after.oid, Some(column.number)) {
                let detail = format!("rule _RETURN on view {} depends on column \"{name}\"", self.display(&view));
                let message = "cannot alter type of a column used by a view or rule";
                return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message).with_detail(detail));
            }
        }
        let own = (work.after.oid, column.number);
        let names_it =
            |t: &&std::sync::Arc<Trigger>| t.columns.contains(&column.number) || t.uses.columns.contains(&own);
        if let Some(trigger) = work.after.options.triggers.iter().find(names_it) {
            let table = self.display(&work.after);
            let detail = format!("trigger {} on table {table} depends on column \"{name}\"", trigger.name);
            let message = "cannot alter type of a column used in a trigger definition";
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message).with_detail(detail));
        }
        for generated in work.after.columns.iter().filter(|c| c.generated) {
            if self.text_columns(generated.default.as_deref(), &work.after).iter().any(|c| c == name) {
                let detail = format!("Column \"{name}\" is used by generated column \"{}\".", generated.name);
                let message = "cannot alter type of a column used by a generated column";
                return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message).with_detail(detail));
            }
        }
        self.refuse_row_users(&work.after)?;
        if column.identity.is_some() {
            check_identity_type(resolved.oid)?;
            let settings = SequenceSettings { data_type: Some(data_type.clone()), ..SequenceSettings::default() };
            self.alter_identity(work, name, None, &settings)?;
        }
        let same_key = column.rowid_alias;
        for changed in work.after.columns.iter_mut().filter(|c| c.number == column.number) {
            (changed.type_oid, changed.typmod, changed.repr) = (resolved.oid, resolved.typmod, resolved.repr);
            changed.options.collation = self.column_collation(collation, resolved.oid)?;
            (changed.options.storage, changed.options.compression) = (None, None);
            changed.rowid_alias = same_key && sqlite::fits_rowid(changed);
        }
        if let Some(default) = &column.default
            && column.identity.is_none()
        {
            // The default must still fit.
            let Some(changed) = work.after.column(name) else { return Ok(()) };
            self.default_sql(changed).map_err(|error| {
                let message = format!(
                    "default for column \"{name}\" cannot be cast automatically to type {}",
                    self.type_display(resolved.oid)
                );
                debug!("default {default}: {error}");
                Error::new(SqlState::DATATYPE_MISMATCH, message)
            })?;
        }
        self.recheck_keys(work, column.number)?;
        work.sources.insert(column.number, source);
        work.rebuild = true;
        Ok(())
    }

    /// Foreign keys over a column whose type changes must still compare alike on both sides.
    fn recheck_keys(&self, work: &Alteration, number: i16) -> Result<()> {
        for table in self.sorted_relations() {
            let table = if table.oid == work.after.oid { &work.after } else { &*table };
            for constraint in &table.constraints {
                let ConstraintKind::ForeignKey(key) = &constraint.kind else { continue };
                let parent = match self.catalog.relations.get(&key.relation) {
                    _ if key.relation == work.after.oid => &work.after,
                    Some(parent) => parent,
                    None => continue,
                };
                let touches = table.oid == work.after.oid && constraint.columns.contains(&number)
                    || parent.oid == work.after.oid && key.columns.contains(&number);
                if touches {
                    self.check_key_types(table, &constraint.columns, parent, &key.columns, &constraint.name)?;
                }
            }
        }
        Ok(())
    }

    fn set_not_null(&self, work: &mut Alteration, name: &str, not_null: bool) -> Result<()> {
        let column = self.column_of(work, name)?;
        if !not_null {
            if work.after.primary_key().is_some_and(|k| k.columns.contains(&column.number)) {
                let message = format!("column \"{name}\" is in a primary key");
                return Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, message));
            }
            if column.identity.is_some() {
                let message = format!("column \"{name}\" of relation \"{}\" is an identity column", work.after.name);
                return Err(Error::new(SqlState::SYNTAX_ERROR, message));
            }
        }
        work.after.columns.iter_mut().filter(|c| c.number == column.number).for_each(|c| c.not_null = not_null);
        Ok(())
    }

    fn add_identity(&mut self, work: &mut Alteration, name: &str, identity: &IdentityDefinition) -> Result<()> {
        let column = self.column_of(work, name)?;
        check_identity_type(column.type_oid)?;
        let table = &work.after.name;
        let problem = if column.identity.is_some() {
            Some(format!("column \"{name}\" of relation \"{table}\" is already an identity column"))
        } else if column.default.is_some() {
            Some(format!("column \"{name}\" of relation \"{table}\" already has a default value"))
        } else if !column.not_null {
            Some(format!(
                "column \"{name}\" of relation \"{table}\" must be declared NOT NULL before identity can be added"
            ))
        } else {
            None
        };
        if let Some(message) = problem {
            return Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message));
        }
        for column in work.after.columns.iter_mut().filter(|c| c.name == name) {
            column.identity = Some(identity_kind(identity));
        }
        let wanted = super::column::WantedSequence {
            column: name.to_owned(),
            type_oid: column.type_oid,
            settings: identity.settings.clone(),
        };
        self.own_sequence(&mut work.after, wanted)
    }

    /// A column that a parent has got.
    pub(super) fn append_column(&mut self, work: &mut Alteration, column: Column) -> Result<()> {
        let (number, needs_value) = (column.number, column.default.is_some() && !column.generated);
        let first_column = work.after.columns.is_empty();
        let has_domain_rules = self.base_type(column.type_oid) != column.type_oid;
        let rebuild = needs_value || column.not_null || column.generated || has_domain_rules || first_column;
        if needs_value {
            work.sources.insert(number, self.default_sql(&column)?);
        }
        push_column(&mut work.after, column)?;
        match rebuild {
            true => work.rebuild = true,
            false => work.appended.push(number),
        }
        Ok(())
    }

    /// The sequence of an identity column; 55000 if it is none.
    fn identity_sequence(&self, work: &Alteration, name: &str) -> Result<Relation> {
        let column = self.column_of(work, name)?;
        let owner = Some((work.after.oid, column.number));
        let own = |r: &Relation| {
            r.sequence.is_some_and(|s| s.owned_by == owner) && column.default.as_deref() == Some(&nextval_text(r))
        };
        let sequence = self.sorted_relations().into_iter().find(|r| own(r));
        match (column.identity, sequence) {
            (Some(_), Some(sequence)) => Ok(Relation::clone(&sequence)),
            _ => {
                let table = &work.after.name;
                let message = format!("column \"{name}\" of relation \"{table}\" is not an identity column");
                Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message))
            }
        }
    }

    fn alter_identity(
        &mut self,
        work: &mut Alteration,
        name: &str,
        always: Option<bool>,
        settings: &SequenceSettings,
    ) -> Result<()> {
        let sequence = self.identity_sequence(work, name)?;
        if let Some(always) = always {
            let kind = if always { Identity::Always } else { Identity::ByDefault };
            work.after.columns.iter_mut().filter(|c| c.name == name).for_each(|c| c.identity = Some(kind));
        }
        self.change_sequence(&sequence, settings)
    }

    fn drop_identity(&mut self, work: &mut Alteration, name: &str, if_exists: bool) -> Result<()> {
        match self.identity_sequence(work, name) {
            Ok(sequence) => {
                for column in work.after.columns.iter_mut().filter(|c| c.name == name) {
                    (column.identity, column.default) = (None, None);
                }
                self.remove_relation(sequence.oid)
            }
            Err(error) if if_exists && error.code() == SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE => {
                self.notice(SqlState::SUCCESSFUL_COMPLETION, format!("{}, skipping", error.message()));
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// The values stay, the rule goes.
    fn drop_expression(&mut self, work: &mut Alteration, name: &str, if_exists: bool) -> Result<()> {
        let column = self.column_of(work, name)?;
        if !column.generated {
            let table = &work.after.name;
            let message = format!("column \"{name}\" of relation \"{table}\" is not a stored generated column");
            if if_exists {
                self.notice(SqlState::SUCCESSFUL_COMPLETION, format!("{message}, skipping"));
                return Ok(());
            }
            return Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message));
        }
        for changed in work.after.columns.iter_mut().filter(|c| c.number == column.number) {
            (changed.generated, changed.default) = (false, None);
        }
        work.rebuild = true;
        Ok(())
    }

    fn alter_add_constraint(&mut self, work: &mut Alteration, definition: &ConstraintDefinition) -> Result<()> {
        if self.merge_check(&mut work.after, definition)? {
            return Ok(());
        }
        let known: Vec<Oid> = work.after.indexes.iter().map(|i| i.oid).collect();
        self.add_constraint(&mut work.after, definition)?;
        work.new_indexes.extend(work.after.indexes.iter().map(|i| i.oid).filter(|oid| !known.contains(oid)));
        match &definition.kind {
            ConstraintDefinitionKind::Check(_) | ConstraintDefinitionKind::ForeignKey { .. } => {
                work.rebuild = true;
                if !definition.not_valid {
                    work.to_check.extend(work.after.constraints.last().map(|c| c.oid));
                }
            }
            ConstraintDefinitionKind::Exclusion(_) => {
                work.to_check.extend(work.after.constraints.last().map(|c| c.oid));
            }
            ConstraintDefinitionKind::PrimaryKey(KeySource::Columns(..) | KeySource::Index(_))
            | ConstraintDefinitionKind::Unique(_) => {}
        }
        Ok(())
    }

    fn alter_drop_constraint(
        &mut self,
        work: &mut Alteration,
        name: &str,
        if_exists: bool,
        cascade: bool,
    ) -> Result<()> {
        let Some(constraint) = work.after.constraints.iter().find(|c| c.name == name).map(|c| c.oid) else {
            let error = no_constraint(name, &work.after.name);
            if if_exists {
                self.notice(SqlState::SUCCESSFUL_COMPLETION, format!("{}, skipping", error.message()));
                return Ok(());
            }
            return Err(error);
        };
        self.flush(work)?;
        let oid = work.after.oid;
        self.drop_objects(&[Object::Constraint(oid, constraint)], cascade)?;
        self.refresh(work, oid)
    }

    /// Removes a constraint that nothing depends on any more.
    pub(super) fn drop_constraint_by_oid(&mut self, relation: Oid, constraint: Oid) -> Result<()> {
        let Some(table) = self.catalog.relations.get(&relation).cloned() else { return Ok(()) };
        let mut work = self.begin_alteration(&table)?;
        let Some(position) = work.after.constraints.iter().position(|c| c.oid == constraint) else { return Ok(()) };
        let dropped: Constraint = work.after.constraints.remove(position);
        self.forget_comments(dropped.oid)?;
        if matches!(dropped.kind, ConstraintKind::Check(_) | ConstraintKind::ForeignKey(_)) {
            work.rebuild = true;
        }
        if let Some(index) = table.indexes.iter().find(|i| i.constraint == Some(constraint)) {
            if matches!(dropped.kind, ConstraintKind::Exclusion(_)) {
                if sqlite::has_index(&table, index) {
                    self.execute(&self.drop_index_sql(&table, index))?;
                }
            } else if !sqlite::has_index(&table, index) {
                work.after.columns.iter_mut().for_each(|c| c.rowid_alias = false);
                work.rebuild = true;
            } else {
                self.execute(&self.drop_index_sql(&table, index))?;
            }
            work.after.indexes.retain(|i| i.oid != index.oid);
        }
        self.finish_alteration(work)
    }

    /// A permanent table may refer to permanent ones only. The sequences that it owns follow.
    fn set_logged(&mut self, work: &mut Alteration, logged: bool) -> Result<()> {
        let table = &work.after;
        if table.temporary {
            let message = format!("cannot change logged status of table \"{}\" because it is temporary", table.name);
            return Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, message));
        }
        let refers = |child: &Relation, parent: &Relation| {
            let mut keys = child.constraints.iter();
            keys.find(|c| c.foreign_key().is_some_and(|key| key.relation == parent.oid)).map(|c| c.name.clone())
        };
        for other in self.sorted_relations().into_iter().filter(|other| other.oid != table.oid) {
            let (kind, reference, key) = match (logged, other.options.unlogged) {
                (true, true) => ("logged", "unlogged", refers(table, &other)),
                (false, false) => ("unlogged", "logged", refers(&other, table)),
                _ => continue,
            };
            let Some(key) = key else { continue };
            let message = format!(
                "could not change table \"{}\" to {kind} because it references {reference} table \"{}\"",
                table.name, other.name
            );
            return Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, message)
                .with_schema(&table.schema)
                .with_table(&table.name)
                .with_constraint(key));
        }
        let owner = table.oid;
        work.after.options.unlogged = !logged;
        let owned_by = |r: &Relation| r.sequence.as_ref().and_then(|s| s.owned_by).map(|(table, _)| table);
        for sequence in self.sorted_relations().into_iter().filter(|r| owned_by(r) == Some(owner)) {
            let mut sequence = sequence.as_ref().clone();
            sequence.options.unlogged = !logged;
            self.put_relation(sequence)?;
        }
        Ok(())
    }

    /// Removes the default of a column.
    pub(super) fn drop_default(&mut self, relation: Oid, number: i16) -> Result<()> {
        let Some(table) = self.catalog.relations.get(&relation).cloned() else { return Ok(()) };
        let mut work = self.begin_alteration(&table)?;
        work.after.columns.iter_mut().filter(|c| c.number == number).for_each(|c| c.default = None);
        self.finish_alteration(work)
    }

    /// Removes a column, and with it the constraints and indexes of its table that it is part of.
    pub(super) fn drop_column_by_number(&mut self, relation: Oid, number: i16) -> Result<()> {
        let Some(table) = self.catalog.relations.get(&relation).cloned() else { return Ok(()) };
        let Some(column) = table.column_by_number(number) else { return Ok(()) };
        let mut work = self.begin_alteration(&table)?;
        let uses = |text: &Option<String>| self.text_columns(text.as_deref(), &table).contains(&column.name);
        let dropped_indexes: Vec<Oid> = table
            .indexes
            .iter()
            .filter(|i| {
                i.included.contains(&number)
                    || i.keys.iter().any(|k| k.column == number || uses(&k.expression))
                    || uses(&i.predicate)
            })
            .map(|i| i.oid)
            .collect();
        let comment = (super::comment::PG_CLASS, relation, i32::from(number));
        self.set_comment(comment, None)?;
        work.after.indexes.retain(|i| !dropped_indexes.contains(&i.oid));
        let without_index = |c: &Constraint| {
            table.indexes.iter().any(|i| i.constraint == Some(c.oid) && dropped_indexes.contains(&i.oid))
        };
        work.after.constraints.retain(|c| !c.columns.contains(&number) && !without_index(c));
        work.after.columns.retain(|c| c.number != number);
        let (type_oid, typmod) = (column.type_oid, column.typmod);
        work.after.options.dropped.push(DroppedColumn { number, type_oid, typmod });
        work.after.options.statistics.retain(|own| self.keeps_statistics(own, &table, column));
        if table.kind == RelationKind::Composite {
            return self.put_relation(work.after);
        }
        work.rebuild = true;
        self.finish_alteration(work)
    }
}

impl Alteration {
    /// The rows as SQLite has them now, for expressions over old values.
    fn before_columns(&self) -> Relation {
        self.before.clone()
    }
}

fn no_column(name: &str, table: &str) -> Error {
    let message = format!("column \"{name}\" of relation \"{table}\" does not exist");
    Error::new(SqlState::UNDEFINED_COLUMN, message)
}

fn no_constraint(name: &str, table: &str) -> Error {
    let message = format!("constraint \"{name}\" of relation \"{table}\" does not exist");
    Error::new(SqlState::UNDEFINED_OBJECT, message)
}

/// 42809 for an action that relations of this kind do not have.
pub(super) fn not_for(relation: &Relation, action: &AlterAction) -> Error {
    let action = action_name(action);
    let message = format!("ALTER action {action} cannot be performed on relation \"{}\"", relation.name);
    let kinds = super::drop::object_kind(relation).map_or("relation", ObjectKind::noun);
    Error::new(SqlState::WRONG_OBJECT_TYPE, message)
        .with_detail(format!("This operation is not supported for {kinds}s."))
}

/// What messages call an action.
fn action_name(action: &AlterAction) -> &'static str {
    match action {
        AlterAction::AddColumn { .. } => "ADD COLUMN",
        AlterAction::DropColumn { .. } => "DROP COLUMN",
        AlterAction::AlterType { .. } => "ALTER COLUMN ... SET DATA TYPE",
        AlterAction::SetDefault { default: Some(_), .. } => "ALTER COLUMN ... SET DEFAULT",
        AlterAction::SetDefault { default: None, .. } => "ALTER COLUMN ... DROP DEFAULT",
        AlterAction::SetNotNull { not_null: true, .. } => "ALTER COLUMN ... SET NOT NULL",
        AlterAction::SetNotNull { not_null: false, .. } => "ALTER COLUMN ... DROP NOT NULL",
        AlterAction::AddIdentity { .. } => "ALTER COLUMN ... ADD IDENTITY",
        AlterAction::AlterIdentity { .. } => "ALTER COLUMN ... SET",
        AlterAction::DropIdentity { .. } => "ALTER COLUMN ... DROP IDENTITY",
        AlterAction::DropExpression { .. } => "ALTER COLUMN ... DROP EXPRESSION",
        AlterAction::AddConstraint(_) => "ADD CONSTRAINT",
        AlterAction::DropConstraint { .. } => "DROP CONSTRAINT",
        AlterAction::AlterConstraint { .. } => "ALTER CONSTRAINT",
        AlterAction::ValidateConstraint(_) => "VALIDATE CONSTRAINT",
        AlterAction::RenameColumn { .. } => "RENAME COLUMN",
        AlterAction::RenameConstraint { .. } => "RENAME CONSTRAINT",
        AlterAction::SetTriggers { firing: TriggerFiring::Disabled, .. } => "DISABLE TRIGGER",
        AlterAction::SetTriggers { .. } => "ENABLE TRIGGER",
        AlterAction::RowSecurity(RowSecurityChange::Enable) => "ENABLE ROW SECURITY",
        AlterAction::RowSecurity(RowSecurityChange::Disable) => "DISABLE ROW SECURITY",
        AlterAction::RowSecurity(RowSecurityChange::Force) => "FORCE ROW SECURITY",
        AlterAction::RowSecurity(RowSecurityChange::NoForce) => "NO FORCE ROW SECURITY",
        AlterAction::SetLogged(true) => "SET LOGGED",
        AlterAction::SetLogged(false) => "SET UNLOGGED",
        AlterAction::Storage(change) => change.action(),
        AlterAction::Inherit(_) => "INHERIT",
        AlterAction::NoInherit(_) => "NO INHERIT",
        AlterAction::AttachPartition { .. } => "ATTACH PARTITION",
        AlterAction::DetachPartition { .. } => "DETACH PARTITION",
        AlterAction::Accept => "SET",
    }
}

pub(super) fn changes_parameters(action: &AlterAction) -> bool {
    matches!(action, AlterAction::Storage(StorageChange::Set(_) | StorageChange::Reset(_)) | AlterAction::Accept)
}
