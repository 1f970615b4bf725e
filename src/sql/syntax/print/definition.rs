//! CREATE of tables, indexes, views, sequences, schemas, domains, types, policies, statistics.

use super::Printer;
use crate::sql::syntax::ast::definition::*;
use crate::sql::syntax::ast::expression::{CollateClause, Expr};
use crate::sql::syntax::ast::query::{IntoClause, Persistence, RangeVar, SortByDir};
use crate::sql::syntax::ast::statement::{ObjectType, RoleSpec, Stmt};

impl Printer {
    pub(super) fn persistence(&mut self, relation: &RangeVar) {
        self.put(match relation.persistence {
            Persistence::Permanent => "",
            Persistence::Temporary => "TEMPORARY ",
            Persistence::Unlogged => "UNLOGGED ",
        });
    }

    pub(super) fn relations(&mut self, relations: &[RangeVar]) {
        self.list(relations, ", ", |p, relation| p.relation(relation));
    }

    // ----- tables

    pub(super) fn create_table(&mut self, table: &CreateStmt) {
        self.put("CREATE ");
        self.persistence(&table.relation);
        self.word(table.foreign.is_some(), "FOREIGN ");
        self.put("TABLE ");
        self.word(table.if_not_exists, "IF NOT EXISTS ");
        self.relation(&table.relation);
        if let Some(bound) = &table.partition_bound {
            self.put(" PARTITION OF ");
            self.relations(&table.inherits);
            self.typed_elements(&table.elements);
            self.put(" ");
            self.partition_bound(bound);
        } else if let Some(of_type) = &table.of_type {
            self.put(" OF ");
            self.any_name(&of_type.names);
            self.typed_elements(&table.elements);
        } else {
            self.put(" ");
            self.parens(|p| p.list(&table.elements, ", ", |p, element| p.table_element(element)));
            if !table.inherits.is_empty() {
                self.put(" INHERITS ");
                self.parens(|p| p.relations(&table.inherits));
            }
        }
        if let Some(spec) = &table.partition_spec {
            self.partition_spec(spec);
        }
        self.named(" USING ", table.access_method.as_ref());
        self.opt_definition(&table.options);
        self.on_commit(table.on_commit);
        self.named(" TABLESPACE ", table.tablespace.as_ref());
        if let Some(foreign) = &table.foreign {
            self.named(" SERVER ", Some(&foreign.server));
            self.generic_options(&foreign.options);
        }
    }

    fn on_commit(&mut self, action: OnCommitAction) {
        self.put(match action {
            OnCommitAction::Noop => "",
            OnCommitAction::PreserveRows => " ON COMMIT PRESERVE ROWS",
            OnCommitAction::DeleteRows => " ON COMMIT DELETE ROWS",
            OnCommitAction::Drop => " ON COMMIT DROP",
        });
    }

    fn typed_elements(&mut self, elements: &[TableElement]) {
        if !elements.is_empty() {
            self.put(" ");
            self.parens(|p| p.list(elements, ", ", |p, element| p.table_element(element)));
        }
    }

    fn table_element(&mut self, element: &TableElement) {
        match element {
            TableElement::Column(column) => self.column_def(column),
            TableElement::Constraint(constraint) => self.constraint(constraint),
            TableElement::Like(like) => {
                self.put("LIKE ");
                self.relation(&like.relation);
                for (including, option) in &like.options {
                    self.put(if *including { " INCLUDING " } else { " EXCLUDING " });
                    self.put(match option {
                        TableLikeOption::Comments => "COMMENTS",
                        TableLikeOption::Compression => "COMPRESSION",
                        TableLikeOption::Constraints => "CONSTRAINTS",
                        TableLikeOption::Defaults => "DEFAULTS",
                        TableLikeOption::Generated => "GENERATED",
                        TableLikeOption::Identity => "IDENTITY",
                        TableLikeOption::Indexes => "INDEXES",
                        TableLikeOption::Statistics => "STATISTICS",
                        TableLikeOption::Storage => "STORAGE",
                        TableLikeOption::All => "ALL",
                    });
                }
            }
        }
    }

    pub(super) fn column_def(&mut self, column: &ColumnDef) {
        self.name(&column.name);
        match &column.type_name {
            Some(type_name) => {
                self.put(" ");
                self.type_name(type_name);
            }
            None => self.put(" WITH OPTIONS"),
        }
        self.named(" COMPRESSION ", column.compression.as_ref());
        self.generic_options(&column.fdw_options);
        self.collation(column.collation.as_ref());
        self.column_constraints(&column.constraints);
    }

    pub(super) fn collation(&mut self, collation: Option<&CollateClause>) {
        if let Some(collation) = collation {
            self.put(" COLLATE ");
            self.any_name(&collation.name);
        }
    }

    fn column_constraints(&mut self, constraints: &[Constraint]) {
        for constraint in constraints {
            self.put(" ");
            self.constraint(constraint);
        }
    }

    // ----- constraints

    /// Of a column or a table: the columns of keys tell them apart.
    pub(super) fn constraint(&mut self, constraint: &Constraint) {
        if let Some(name) = &constraint.name {
            self.named("CONSTRAINT ", Some(name));
            self.put(" ");
        }
        match &constraint.kind {
            ConstraintKind::Null => self.put("NULL"),
            ConstraintKind::NotNull => self.put("NOT NULL"),
            ConstraintKind::Default(expr) => self.in_parens("DEFAULT ", expr),
            ConstraintKind::Identity { always, options } => {
                self.generated_as(*always);
                self.identity_options(options);
            }
            ConstraintKind::Generated(expr) => {
                self.in_parens("GENERATED ALWAYS AS ", expr);
                self.put(" STORED");
            }
            ConstraintKind::Check(expr) => self.in_parens("CHECK ", expr),
            ConstraintKind::Primary(key) => {
                self.put("PRIMARY KEY");
                self.key(key);
            }
            ConstraintKind::Unique { nulls_not_distinct, key } => {
                self.put("UNIQUE");
                self.word(*nulls_not_distinct, " NULLS NOT DISTINCT");
                self.key(key);
            }
            ConstraintKind::Exclusion { access_method, elements, key, where_clause } => {
                self.put("EXCLUDE");
                self.named(" USING ", access_method.as_ref());
                self.put(" ");
                self.parens(|p| {
                    p.list(elements, ", ", |p, (element, operator)| {
                        p.index_elem(element);
                        p.put(" WITH ");
                        p.operator_in_schema(operator);
                    });
                });
                self.key(key);
                self.opt_in_parens(" WHERE ", where_clause.as_ref());
            }
            ConstraintKind::Foreign(key) => self.foreign_key(key),
            ConstraintKind::Attribute(attribute) => self.put(match attribute {
                ConstraintAttribute::Deferrable => "DEFERRABLE",
                ConstraintAttribute::NotDeferrable => "NOT DEFERRABLE",
                ConstraintAttribute::InitiallyDeferred => "INITIALLY DEFERRED",
                ConstraintAttribute::InitiallyImmediate => "INITIALLY IMMEDIATE",
            }),
        }
        self.timing(constraint.deferrable, constraint.initially_deferred);
        self.word(constraint.not_valid, " NOT VALID");
        self.word(constraint.no_inherit, " NO INHERIT");
    }

    /// What was said of DEFERRABLE and INITIALLY.
    pub(super) fn timing(&mut self, deferrable: Option<bool>, initially_deferred: Option<bool>) {
        self.put(match deferrable {
            None => "",
            Some(true) => " DEFERRABLE",
            Some(false) => " NOT DEFERRABLE",
        });
        self.put(match initially_deferred {
            None => "",
            Some(true) => " INITIALLY DEFERRED",
            Some(false) => " INITIALLY IMMEDIATE",
        });
    }

    /// GENERATED … AS IDENTITY
    pub(super) fn generated_as(&mut self, always: bool) {
        self.put(if always { "GENERATED ALWAYS AS IDENTITY" } else { "GENERATED BY DEFAULT AS IDENTITY" });
    }

    /// Words and (expr).
    pub(super) fn in_parens(&mut self, words: &str, expr: &Expr) {
        self.put(words);
        self.parens(|p| p.expr(expr));
    }

    pub(super) fn opt_in_parens(&mut self, words: &str, expr: Option<&Expr>) {
        if let Some(expr) = expr {
            self.in_parens(words, expr);
        }
    }

    fn key(&mut self, key: &KeyConstraint) {
        self.named(" USING INDEX ", key.index.as_ref());
        self.opt_names(&key.columns);
        if !key.including.is_empty() {
            self.put(" INCLUDE ");
            self.names(&key.including);
        }
        self.opt_definition(&key.options);
        self.named(" USING INDEX TABLESPACE ", key.tablespace.as_ref());
    }

    fn foreign_key(&mut self, key: &ForeignKey) {
        if !key.columns.is_empty() {
            self.put("FOREIGN KEY ");
            self.names(&key.columns);
            self.put(" ");
        }
        self.put("REFERENCES ");
        self.relation(&key.table);
        self.opt_names(&key.references);
        self.put(match key.match_type {
            MatchType::Simple => "",
            MatchType::Full => " MATCH FULL",
            MatchType::Partial => " MATCH PARTIAL",
        });
        self.key_action(" ON UPDATE ", key.on_update);
        self.key_action(" ON DELETE ", key.on_delete);
        self.opt_names(&key.delete_set_columns);
    }

    fn key_action(&mut self, words: &str, action: KeyAction) {
        let action = match action {
            KeyAction::NoAction => return,
            KeyAction::Restrict => "RESTRICT",
            KeyAction::Cascade => "CASCADE",
            KeyAction::SetNull => "SET NULL",
            KeyAction::SetDefault => "SET DEFAULT",
        };
        self.put(words);
        self.put(action);
    }

    // ----- partitions

    fn partition_spec(&mut self, spec: &PartitionSpec) {
        self.named(" PARTITION BY ", Some(&spec.strategy));
        self.put(" ");
        self.parens(|p| {
            p.list(&spec.params, ", ", |p, param| {
                p.index_key(&param.key);
                p.named_any(" COLLATE ", param.collation.as_ref());
                p.named_any(" ", param.opclass.as_ref());
            });
        });
    }

    pub(super) fn partition_bound(&mut self, spec: &PartitionBoundSpec) {
        match &spec.bound {
            PartitionBound::Default => self.put("DEFAULT"),
            PartitionBound::Hash { modulus, remainder } => {
                self.put(&format!("FOR VALUES WITH (MODULUS {modulus}, REMAINDER {remainder})"));
            }
            PartitionBound::List(values) => {
                self.put("FOR VALUES IN ");
                self.parens(|p| p.exprs(values));
            }
            PartitionBound::Range { lower, upper } => {
                self.put("FOR VALUES FROM ");
                self.parens(|p| p.exprs(lower));
                self.put(" TO ");
                self.parens(|p| p.exprs(upper));
            }
        }
    }

    // ----- indexes

    /// Words before a qualified name, if there is one.
    pub(super) fn named_any(&mut self, words: &str, name: Option<&Vec<String>>) {
        if let Some(name) = name {
            self.put(words);
            self.any_name(name);
        }
    }

    fn index_key(&mut self, key: &IndexKey) {
        match key {
            IndexKey::Column(name) => self.name(name),
            IndexKey::Expr(expr) => self.parens(|p| p.expr(expr)),
        }
    }

    pub(super) fn index_elem(&mut self, element: &IndexElem) {
        self.index_key(&element.key);
        self.named_any(" COLLATE ", element.collation.as_ref());
        self.named_any(" ", element.opclass.as_ref());
        if !element.opclass_options.is_empty() {
            self.put(" ");
            self.definition(&element.opclass_options);
        }
        self.put(match element.ordering {
            SortByDir::Asc => " ASC",
            SortByDir::Desc => " DESC",
            _ => "",
        });
        self.nulls(element.nulls);
    }

    pub(super) fn create_index(&mut self, index: &IndexStmt) {
        self.put("CREATE ");
        self.word(index.unique, "UNIQUE ");
        self.put("INDEX ");
        self.word(index.concurrent, "CONCURRENTLY ");
        self.word(index.if_not_exists, "IF NOT EXISTS ");
        self.named("", index.name.as_ref());
        self.put(" ON ");
        self.relation(&index.relation);
        self.named(" USING ", index.access_method.as_ref());
        self.put(" ");
        self.parens(|p| p.list(&index.params, ", ", |p, element| p.index_elem(element)));
        if !index.including.is_empty() {
            self.put(" INCLUDE ");
            self.parens(|p| p.list(&index.including, ", ", |p, element| p.index_elem(element)));
        }
        self.word(index.nulls_not_distinct, " NULLS NOT DISTINCT");
        self.opt_definition(&index.options);
        self.named(" TABLESPACE ", index.tablespace.as_ref());
        self.clause(" WHERE ", index.where_clause.as_ref());
    }

    pub(super) fn create_statistics(&mut self, stmt: &CreateStatsStmt) {
        self.put("CREATE STATISTICS ");
        self.word(stmt.if_not_exists, "IF NOT EXISTS ");
        self.any_name(&stmt.name);
        self.opt_names(&stmt.stat_types);
        self.put(" ON ");
        self.list(&stmt.exprs, ", ", |p, key| p.index_key(key));
        self.from(" FROM ", &stmt.relations);
    }

    // ----- views and tables from queries

    pub(super) fn create_view(&mut self, stmt: &ViewStmt) {
        self.put("CREATE ");
        self.word(stmt.replace, "OR REPLACE ");
        self.persistence(&stmt.view);
        self.put("VIEW ");
        self.relation(&stmt.view);
        self.opt_names(&stmt.columns);
        self.opt_definition(&stmt.options);
        self.put(" AS ");
        self.select(&stmt.query);
        self.put(match stmt.check_option {
            ViewCheckOption::None => "",
            ViewCheckOption::Local => " WITH LOCAL CHECK OPTION",
            ViewCheckOption::Cascaded => " WITH CASCADED CHECK OPTION",
        });
    }

    pub(super) fn create_table_as(&mut self, stmt: &CreateTableAsStmt) {
        let IntoClause { relation, columns, access_method, options, on_commit, tablespace, skip_data } = &stmt.into;
        self.put("CREATE ");
        self.persistence(relation);
        self.put(if stmt.object_type == ObjectType::MatView { "MATERIALIZED VIEW " } else { "TABLE " });
        self.word(stmt.if_not_exists, "IF NOT EXISTS ");
        self.relation(relation);
        self.opt_names(columns);
        self.named(" USING ", access_method.as_ref());
        self.opt_definition(options);
        self.on_commit(*on_commit);
        self.named(" TABLESPACE ", tablespace.as_ref());
        self.put(" AS ");
        self.statement(&stmt.query);
        self.word(*skip_data, " WITH NO DATA");
    }

    pub(super) fn refresh(&mut self, stmt: &RefreshMatViewStmt) {
        self.put("REFRESH MATERIALIZED VIEW ");
        self.word(stmt.concurrent, "CONCURRENTLY ");
        self.relation(&stmt.relation);
        self.word(stmt.skip_data, " WITH NO DATA");
    }

    // ----- sequences, schemas

    pub(super) fn create_sequence(&mut self, stmt: &CreateSeqStmt) {
        self.put("CREATE ");
        self.persistence(&stmt.sequence);
        self.put("SEQUENCE ");
        self.word(stmt.if_not_exists, "IF NOT EXISTS ");
        self.relation(&stmt.sequence);
        self.sequence_options(&stmt.options);
    }

    pub(super) fn create_schema(&mut self, stmt: &CreateSchemaStmt) {
        self.put("CREATE SCHEMA");
        self.word(stmt.if_not_exists, " IF NOT EXISTS");
        self.named(" ", stmt.name.as_ref());
        if let Some(role) = &stmt.authorization {
            self.put(" AUTHORIZATION ");
            self.role(role);
        }
        for element in &stmt.elements {
            self.put(" ");
            self.statement(element);
        }
    }

    // ----- domains and types

    pub(super) fn create_domain(&mut self, stmt: &CreateDomainStmt) {
        self.put("CREATE DOMAIN ");
        self.any_name(&stmt.name);
        self.put(" AS ");
        self.type_name(&stmt.type_name);
        self.collation(stmt.collation.as_ref());
        self.column_constraints(&stmt.constraints);
    }

    /// CREATE TYPE name AS …
    pub(super) fn create_type(&mut self, stmt: &Stmt) {
        let (name, kind) = match stmt {
            Stmt::CompositeType(stmt) => (&stmt.name, " AS "),
            Stmt::CreateEnum(stmt) => (&stmt.name, " AS ENUM "),
            Stmt::CreateRange(stmt) => (&stmt.name, " AS RANGE "),
            _ => return self.unknown(),
        };
        self.put("CREATE TYPE ");
        self.any_name(name);
        self.put(kind);
        match stmt {
            Stmt::CompositeType(stmt) => self.column_definitions(&stmt.columns),
            Stmt::CreateEnum(stmt) => self.parens(|p| p.strings(&stmt.labels)),
            Stmt::CreateRange(stmt) => self.definition(&stmt.params),
            _ => self.unknown(),
        }
    }

    /// 'a', 'b', …
    pub(super) fn strings(&mut self, strings: &[String]) {
        self.list(strings, ", ", |p, text| p.string(text));
    }

    // ----- policies

    pub(super) fn create_policy(&mut self, stmt: &CreatePolicyStmt) {
        self.named("CREATE POLICY ", Some(&stmt.name));
        self.put(" ON ");
        self.relation(&stmt.table);
        self.word(!stmt.permissive, " AS restrictive");
        self.put(" FOR ");
        self.put(&stmt.command);
        self.policy(Some(&stmt.roles), stmt.using.as_ref(), stmt.with_check.as_ref());
    }

    pub(super) fn policy(&mut self, roles: Option<&Vec<RoleSpec>>, using: Option<&Expr>, with_check: Option<&Expr>) {
        if let Some(roles) = roles {
            self.put(" TO ");
            self.roles(roles);
        }
        self.opt_in_parens(" USING ", using);
        self.opt_in_parens(" WITH CHECK ", with_check);
    }
}
