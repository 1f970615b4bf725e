//! Columns and constraints of tables and domains.
//!
//! Owns: columnDef, ColQualList, TableConstraint, ConstraintAttributeSpec, TableFuncElementList. Must not know: the
//! statements that they stand in. Specification: gram.y.

use crate::error::{Result, SqlState};
use crate::sql::syntax::ast::definition::{
    ColumnDef, Constraint, ConstraintAttribute, ConstraintKind, ForeignKey, IndexElem, KeyAction, KeyConstraint,
    MatchType,
};
use crate::sql::syntax::ast::expression::{AnyName, CollateClause, Expr};
use crate::sql::syntax::ast::location::Location;
use crate::sql::syntax::ast::query::RangeVar;
use crate::sql::syntax::keywords::Keyword as K;
use crate::sql::syntax::lexer::TokenKind;
use crate::sql::syntax::parser::Parser;

/// gram.y's CAS bits.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ConstraintAttributes {
    pub not_deferrable: bool,
    pub deferrable: bool,
    pub initially_immediate: bool,
    pub initially_deferred: bool,
    pub not_valid: bool,
    pub no_inherit: bool,
}

/// Which of them a constraint may have.
#[derive(Clone, Copy)]
pub(super) struct AllowedAttributes {
    pub deferrable: bool,
    pub not_valid: bool,
    pub no_inherit: bool,
}

impl AllowedAttributes {
    const CHECK: Self = AllowedAttributes { deferrable: false, not_valid: true, no_inherit: true };
    const KEY: Self = AllowedAttributes { deferrable: true, not_valid: false, no_inherit: false };
    const FOREIGN_KEY: Self = AllowedAttributes { deferrable: true, not_valid: true, no_inherit: false };
    /// Of ALTER CONSTRAINT and constraint triggers.
    pub(super) const TIMING: Self = Self::KEY;
}

impl ConstraintAttributes {
    /// What was said of DEFERRABLE; INITIALLY DEFERRED implies it.
    pub(super) fn is_deferrable(self) -> Option<bool> {
        match (self.deferrable || self.initially_deferred, self.not_deferrable) {
            (true, _) => Some(true),
            (false, true) => Some(false),
            (false, false) => None,
        }
    }

    pub(super) fn is_initially_deferred(self) -> Option<bool> {
        match (self.initially_deferred, self.initially_immediate) {
            (true, _) => Some(true),
            (false, true) => Some(false),
            (false, false) => None,
        }
    }
}

fn constraint(kind: ConstraintKind, location: Location) -> Constraint {
    Constraint {
        name: None,
        kind,
        deferrable: None,
        initially_deferred: None,
        not_valid: false,
        no_inherit: false,
        location,
    }
}

/// What REFERENCES says behind the columns.
struct KeyActions {
    on_update: KeyAction,
    on_delete: KeyAction,
    delete_set_columns: Vec<String>,
}

impl Parser<'_> {
    // ----- columns

    /// columnDef
    pub(super) fn column_def(&mut self) -> Result<ColumnDef> {
        let location = self.location();
        let name = self.col_id()?;
        let type_name = Some(self.type_name()?);
        let compression = if self.at(K::Compression) { self.column_compression()? } else { None };
        let fdw_options = self.create_generic_options()?;
        let (constraints, collation) = self.col_qual_list()?;
        Ok(ColumnDef { name, type_name, compression, collation, constraints, fdw_options, location })
    }

    /// columnOptions: a column whose type is known.
    pub(super) fn column_options(&mut self) -> Result<ColumnDef> {
        let location = self.location();
        let name = self.col_id()?;
        if self.eat(K::With) {
            self.expect(K::Options)?;
        }
        let (constraints, collation) = self.col_qual_list()?;
        Ok(ColumnDef {
            name,
            type_name: None,
            compression: None,
            collation,
            constraints,
            fdw_options: Vec::new(),
            location,
        })
    }

    /// column_compression; DEFAULT is the method "default".
    pub(super) fn column_compression(&mut self) -> Result<Option<String>> {
        self.expect(K::Compression)?;
        if self.eat(K::Default) { Ok(Some("default".to_owned())) } else { self.col_id().map(Some) }
    }

    /// TableFuncElement: name type [COLLATE name]
    pub(super) fn table_func_element(&mut self) -> Result<ColumnDef> {
        let location = self.location();
        let name = self.col_id()?;
        let type_name = Some(self.type_name()?);
        let collation = self.opt_collate_clause()?;
        Ok(ColumnDef {
            name,
            type_name,
            compression: None,
            collation,
            constraints: Vec::new(),
            fdw_options: Vec::new(),
            location,
        })
    }

    /// TableFuncElementList: what stands between the parentheses of AS (a int, b text).
    pub(super) fn column_def_list(&mut self) -> Result<Vec<ColumnDef>> {
        self.comma_list(Self::table_func_element)
    }

    /// COLLATE name, if it comes next.
    pub(super) fn opt_collate_clause(&mut self) -> Result<Option<CollateClause>> {
        let location = self.location();
        self.optional(K::Collate, |p| Ok(CollateClause { arg: None, name: p.any_name()?, location }))
    }

    /// ColQualList: constraints, and the one COLLATE among them.
    pub(super) fn col_qual_list(&mut self) -> Result<(Vec<Constraint>, Option<CollateClause>)> {
        let (mut constraints, mut collation, mut second) = (Vec::new(), None, None);
        loop {
            let location = self.location();
            if let Some(clause) = self.opt_collate_clause()? {
                if collation.is_none() {
                    collation = Some(clause);
                } else if second.is_none() {
                    second = Some(location);
                }
            } else if self.eat(K::Constraint) {
                let name = Some(self.col_id()?);
                let Some(kind) = self.col_constraint_elem(location)? else { return Err(self.unexpected()) };
                constraints.push(Constraint { name, ..kind });
            } else if let Some(attribute) = self.constraint_attr()? {
                constraints.push(constraint(ConstraintKind::Attribute(attribute), location));
            } else if let Some(element) = self.col_constraint_elem(location)? {
                constraints.push(element);
            } else {
                break;
            }
        }
        match second {
            Some(location) => Err(self.syntax_error_at(location, "multiple COLLATE clauses not allowed")),
            None => Ok((constraints, collation)),
        }
    }

    /// ConstraintAttr
    fn constraint_attr(&mut self) -> Result<Option<ConstraintAttribute>> {
        if self.eat(K::Deferrable) {
            return Ok(Some(ConstraintAttribute::Deferrable));
        }
        if self.eat_all(&[K::Not, K::Deferrable]) {
            return Ok(Some(ConstraintAttribute::NotDeferrable));
        }
        if !self.eat(K::Initially) {
            return Ok(None);
        }
        if self.eat(K::Deferred) {
            return Ok(Some(ConstraintAttribute::InitiallyDeferred));
        }
        self.expect(K::Immediate)?;
        Ok(Some(ConstraintAttribute::InitiallyImmediate))
    }

    /// ColConstraintElem, if one comes next.
    fn col_constraint_elem(&mut self, location: Location) -> Result<Option<Constraint>> {
        let TokenKind::Keyword(keyword) = self.peek() else { return Ok(None) };
        if !matches!(
            keyword,
            K::Not | K::Null | K::Unique | K::Primary | K::Check | K::Default | K::Generated | K::References
        ) {
            return Ok(None);
        }
        self.advance();
        let mut no_inherit = false;
        let kind = match keyword {
            K::Not => {
                self.expect(K::Null)?;
                ConstraintKind::NotNull
            }
            K::Null => ConstraintKind::Null,
            K::Unique => {
                let nulls_not_distinct = self.opt_unique_null_treatment()?;
                ConstraintKind::Unique { nulls_not_distinct, key: self.column_key()? }
            }
            K::Primary => {
                self.expect(K::Key)?;
                ConstraintKind::Primary(self.column_key()?)
            }
            K::Check => {
                let expr = self.parens(Self::a_expr)?;
                if self.eat(K::No) {
                    self.expect(K::Inherit)?;
                    no_inherit = true;
                }
                ConstraintKind::Check(expr)
            }
            K::Default => ConstraintKind::Default(self.b_expr()?),
            K::Generated => self.generated()?,
            _ => self.references(Vec::new())?,
        };
        Ok(Some(Constraint { no_inherit, ..constraint(kind, location) }))
    }

    /// What follows UNIQUE and PRIMARY KEY of a column.
    fn column_key(&mut self) -> Result<KeyConstraint> {
        Ok(KeyConstraint {
            options: self.opt_definition()?,
            tablespace: self.opt_cons_table_space()?,
            ..KeyConstraint::default()
        })
    }

    /// What follows GENERATED in a column's definition.
    fn generated(&mut self) -> Result<ConstraintKind> {
        let when = self.location();
        let always = self.generated_when()?;
        self.expect(K::As)?;
        if self.eat(K::Identity) {
            return Ok(ConstraintKind::Identity { always, options: self.opt_parenthesized_seq_opt_list()? });
        }
        let expr = self.parens(Self::a_expr)?;
        self.expect(K::Stored)?;
        if !always {
            return Err(self.syntax_error_at(when, "for a generated column, GENERATED ALWAYS must be specified"));
        }
        Ok(ConstraintKind::Generated(expr))
    }

    /// generated_when: whether ALWAYS.
    pub(super) fn generated_when(&mut self) -> Result<bool> {
        if self.eat(K::Always) {
            return Ok(true);
        }
        self.expect_all(&[K::By, K::Default])?;
        Ok(false)
    }

    /// opt_unique_null_treatment: whether NULLS NOT DISTINCT.
    pub(super) fn opt_unique_null_treatment(&mut self) -> Result<bool> {
        if !self.eat(K::Nulls) {
            return Ok(false);
        }
        let not = self.eat(K::Not);
        self.expect(K::Distinct)?;
        Ok(not)
    }

    /// OptConsTableSpace
    fn opt_cons_table_space(&mut self) -> Result<Option<String>> {
        self.optional(K::Using, |p| {
            p.expect_all(&[K::Index, K::Tablespace])?;
            p.col_id()
        })
    }

    // ----- constraints of tables

    /// Whether the next tokens begin a TableConstraint.
    pub(super) fn at_table_constraint(&self) -> bool {
        // EXCLUDE is also a column's name.
        self.at_any(&[K::Constraint, K::Check, K::Unique, K::Primary, K::Foreign])
            || self.at(K::Exclude) && (self.keyword_at(1, K::Using) || self.symbol_at(1, b'('))
    }

    /// TableConstraint
    pub(super) fn table_constraint(&mut self) -> Result<Constraint> {
        let location = self.location();
        let name = self.optional(K::Constraint, Self::col_id)?;
        Ok(Constraint { name, ..self.constraint_elem(location)? })
    }

    /// ConstraintElem
    fn constraint_elem(&mut self, location: Location) -> Result<Constraint> {
        let (kind, allowed, word) = if self.eat(K::Check) {
            (ConstraintKind::Check(self.parens(Self::a_expr)?), AllowedAttributes::CHECK, "CHECK")
        } else if self.eat(K::Unique) {
            // UNIQUE USING INDEX has no NULLS [NOT] DISTINCT.
            let nulls_not_distinct = self.opt_unique_null_treatment_of_columns()?;
            let key = self.table_key(nulls_not_distinct.is_none())?;
            let kind = ConstraintKind::Unique { nulls_not_distinct: nulls_not_distinct == Some(true), key };
            (kind, AllowedAttributes::KEY, "UNIQUE")
        } else if self.eat(K::Primary) {
            self.expect(K::Key)?;
            (ConstraintKind::Primary(self.table_key(true)?), AllowedAttributes::KEY, "PRIMARY KEY")
        } else if self.eat(K::Exclude) {
            (self.exclusion()?, AllowedAttributes::KEY, "EXCLUDE")
        } else {
            self.expect_all(&[K::Foreign, K::Key])?;
            let columns = self.column_list()?;
            self.expect(K::References)?;
            (self.references(columns)?, AllowedAttributes::FOREIGN_KEY, "FOREIGN KEY")
        };
        let attributes = self.constraint_attribute_spec()?;
        self.check_constraint_attributes(attributes, word, allowed)?;
        Ok(Constraint {
            deferrable: attributes.is_deferrable(),
            initially_deferred: attributes.is_initially_deferred(),
            not_valid: attributes.not_valid,
            no_inherit: attributes.no_inherit,
            ..constraint(kind, location)
        })
    }

    fn opt_unique_null_treatment_of_columns(&mut self) -> Result<Option<bool>> {
        if self.at(K::Nulls) { self.opt_unique_null_treatment().map(Some) } else { Ok(None) }
    }

    /// What follows UNIQUE and PRIMARY KEY of a table.
    fn table_key(&mut self, existing_index: bool) -> Result<KeyConstraint> {
        if existing_index && self.eat(K::Using) {
            self.expect(K::Index)?;
            return Ok(KeyConstraint { index: Some(self.col_id()?), ..KeyConstraint::default() });
        }
        let columns = self.column_list()?;
        Ok(KeyConstraint { columns, ..self.key_storage()? })
    }

    /// opt_c_include opt_definition OptConsTableSpace
    fn key_storage(&mut self) -> Result<KeyConstraint> {
        let including = if self.eat(K::Include) { self.column_list()? } else { Vec::new() };
        Ok(KeyConstraint { including, ..self.column_key()? })
    }

    /// What follows EXCLUDE.
    fn exclusion(&mut self) -> Result<ConstraintKind> {
        let access_method = self.optional(K::Using, Self::col_id)?;
        let elements = self.parens_list(Self::exclusion_constraint_elem)?;
        let key = self.key_storage()?;
        let where_clause = self.opt_where_clause()?;
        Ok(ConstraintKind::Exclusion { access_method, elements, key, where_clause })
    }

    fn exclusion_constraint_elem(&mut self) -> Result<(IndexElem, AnyName)> {
        let element = self.index_elem()?;
        self.expect(K::With)?;
        if self.at(K::Operator) && self.symbol_at(1, b'(') {
            self.advance();
            return Ok((element, self.parens(Self::any_operator)?));
        }
        Ok((element, self.any_operator()?))
    }

    /// OptWhereClause: [WHERE (expr)]
    pub(super) fn opt_where_clause(&mut self) -> Result<Option<Expr>> {
        self.optional(K::Where, |p| p.parens(Self::a_expr))
    }

    // ----- REFERENCES

    /// What follows REFERENCES.
    fn references(&mut self, columns: Vec<String>) -> Result<ConstraintKind> {
        let table: RangeVar = self.qualified_name()?;
        let references = self.opt_column_list()?;
        let match_type = self.key_match()?;
        let actions = self.key_actions()?;
        Ok(ConstraintKind::Foreign(ForeignKey {
            columns,
            table,
            references,
            match_type,
            on_update: actions.on_update,
            on_delete: actions.on_delete,
            delete_set_columns: actions.delete_set_columns,
        }))
    }

    fn key_match(&mut self) -> Result<MatchType> {
        let location = self.location();
        if !self.eat(K::Match) {
            return Ok(MatchType::Simple);
        }
        if self.eat(K::Full) {
            Ok(MatchType::Full)
        } else if self.eat(K::Partial) {
            Err(self.refused(location, "MATCH PARTIAL not yet implemented"))
        } else {
            self.expect(K::Simple)?;
            Ok(MatchType::Simple)
        }
    }

    /// key_actions: ON UPDATE and ON DELETE, each once.
    fn key_actions(&mut self) -> Result<KeyActions> {
        let (mut update, mut delete) = (None, None);
        while self.at(K::On) {
            let location = self.location();
            self.advance();
            if update.is_none() && self.eat(K::Update) {
                let (action, columns) = self.key_action()?;
                if !columns.is_empty() {
                    let word = if action == KeyAction::SetNull { "SET NULL" } else { "SET DEFAULT" };
                    let message = format!("a column list with {word} is only supported for ON DELETE actions");
                    return Err(self.refused(location, message));
                }
                update = Some(action);
            } else if delete.is_none() {
                self.expect(K::Delete)?;
                delete = Some(self.key_action()?);
            } else {
                return Err(self.unexpected());
            }
        }
        let (on_delete, delete_set_columns) = delete.unwrap_or_default();
        Ok(KeyActions { on_update: update.unwrap_or_default(), on_delete, delete_set_columns })
    }

    fn key_action(&mut self) -> Result<(KeyAction, Vec<String>)> {
        if self.eat(K::No) {
            self.expect(K::Action)?;
            return Ok((KeyAction::NoAction, Vec::new()));
        }
        if self.eat(K::Restrict) {
            return Ok((KeyAction::Restrict, Vec::new()));
        }
        if self.eat(K::Cascade) {
            return Ok((KeyAction::Cascade, Vec::new()));
        }
        self.expect(K::Set)?;
        let action = if self.eat(K::Null) {
            KeyAction::SetNull
        } else {
            self.expect(K::Default)?;
            KeyAction::SetDefault
        };
        Ok((action, self.opt_column_list()?))
    }

    // ----- attributes

    /// ConstraintAttributeSpec
    pub(super) fn constraint_attribute_spec(&mut self) -> Result<ConstraintAttributes> {
        let mut all = ConstraintAttributes::default();
        loop {
            let location = self.location();
            if self.eat(K::Not) {
                if self.eat(K::Deferrable) {
                    all.not_deferrable = true;
                } else {
                    self.expect(K::Valid)?;
                    all.not_valid = true;
                }
            } else if self.eat(K::Deferrable) {
                all.deferrable = true;
            } else if self.eat(K::Initially) {
                if self.eat(K::Immediate) {
                    all.initially_immediate = true;
                } else {
                    self.expect(K::Deferred)?;
                    all.initially_deferred = true;
                }
            } else if self.eat(K::No) {
                self.expect(K::Inherit)?;
                all.no_inherit = true;
            } else {
                return Ok(all);
            }
            if all.not_deferrable && all.initially_deferred {
                let message = "constraint declared INITIALLY DEFERRED must be DEFERRABLE";
                return Err(self.syntax_error_at(location, message));
            }
            if all.not_deferrable && all.deferrable || all.initially_immediate && all.initially_deferred {
                return Err(self.syntax_error_at(location, "conflicting constraint properties"));
            }
        }
    }

    /// processCASbits: refuses what this kind of constraint cannot be. gram.y knows no position for it, as its list
    /// begins with nothing.
    pub(super) fn check_constraint_attributes(
        &self,
        attributes: ConstraintAttributes,
        word: &str,
        allowed: AllowedAttributes,
    ) -> Result<()> {
        let refused = |what: &str| {
            let message = format!("{word} constraints cannot be marked {what}");
            Err(self.error_at(Location::UNKNOWN, SqlState::FEATURE_NOT_SUPPORTED, message))
        };
        if (attributes.deferrable || attributes.initially_deferred) && !allowed.deferrable {
            return refused("DEFERRABLE");
        }
        if attributes.not_valid && !allowed.not_valid {
            return refused("NOT VALID");
        }
        if attributes.no_inherit && !allowed.no_inherit {
            return refused("NO INHERIT");
        }
        Ok(())
    }
}
