//! CREATE TABLE, its columns and constraints, CREATE TABLE AS.

use sqlparser::tokenizer::Token;

use super::{DdlParser, Utility};
use crate::catalog::tables::recorded::{Recording, recording};
use crate::error::{Error, Result, SqlState};
use crate::sql::ddl::{
    ColumnDefinition, ConstraintDefinition, ConstraintDefinitionKind, CreateTable, CreateTableAs, Ddl,
    IdentityDefinition, KeySource, LikeClause, Name, OnCommit, SequenceSettings,
};
use crate::sql::parse;

/// DEFERRABLE INITIALLY DEFERRED NOT VALID …
#[derive(Clone, Copy, Debug, Default)]
struct Attributes {
    deferrable: Option<bool>,
    initially_deferred: bool,
    not_valid: bool,
}

impl DdlParser<'_> {
    /// After CREATE … TABLE.
    pub(super) fn create_table(&mut self, temporary: bool) -> Result<(Utility, &'static str)> {
        let if_not_exists = self.if_not_exists();
        let name = self.name()?;
        if self.peek_is("PARTITION OF") {
            return Err(Error::unsupported("PARTITION OF"));
        }
        if self.peek_is("OF") {
            return Err(Error::unsupported("CREATE TABLE OF"));
        }
        if ["AS", "ON COMMIT"].iter().any(|w| self.peek_is(w)) || self.is_name_list() {
            let columns = if self.peek_token_is(&Token::LParen) { self.column_list()? } else { Vec::new() };
            return self.create_table_as(name, temporary, if_not_exists, columns);
        }
        let mut table = CreateTable {
            name,
            temporary,
            unlogged: false,
            on_commit: OnCommit::default(),
            if_not_exists,
            columns: Vec::new(),
            constraints: Vec::new(),
            like: Vec::new(),
        };
        if self.peek_token_is(&Token::LParen) {
            self.table_elements(&mut table)?;
        } else if !self.peek_is("USING") && !self.peek_is("WITH") {
            return Err(self.unexpected());
        }
        table.on_commit = self.table_options()?;
        if self.peek_is("AS") {
            return self.create_table_as(table.name, temporary, if_not_exists, Vec::new());
        }
        Ok((Utility::Ddl(Ddl::CreateTable(Box::new(table))), "CREATE TABLE"))
    }

    /// Whether `(a, b, …)` follows: the column names of CREATE TABLE AS have no types.
    fn is_name_list(&self) -> bool {
        self.peek_token_is(&Token::LParen)
            && matches!(self.parser.peek_nth_token_ref(1).token, Token::Word(_))
            && matches!(self.parser.peek_nth_token_ref(2).token, Token::Comma | Token::RParen)
    }

    fn create_table_as(
        &mut self,
        name: Name,
        temporary: bool,
        if_not_exists: bool,
        columns: Vec<String>,
    ) -> Result<(Utility, &'static str)> {
        let on_commit = self.table_options()?;
        self.expect("AS")?;
        if self.peek_is("EXECUTE") {
            return Err(Error::unsupported("CREATE TABLE AS EXECUTE"));
        }
        let query = self.query()?;
        let with_data = !self.accept("WITH NO DATA");
        if with_data {
            self.accept("WITH DATA");
        }
        let create =
            CreateTableAs { name, temporary, unlogged: false, on_commit, if_not_exists, columns, query, with_data };
        let tag = if with_data { "SELECT" } else { "CREATE TABLE AS" };
        Ok((Utility::Ddl(Ddl::CreateTableAs(Box::new(create))), tag))
    }

    fn table_elements(&mut self, table: &mut CreateTable) -> Result<()> {
        self.expect_token(&Token::LParen)?;
        if self.accept_token(&Token::RParen) {
            return Ok(());
        }
        loop {
            if self.accept("LIKE") {
                let like = self.like_clause(table.columns.len())?;
                table.like.push(like);
            } else if self.is_table_constraint() {
                let constraint = self.table_constraint()?;
                table.constraints.push(constraint);
            } else {
                let column = self.column_definition()?;
                table.columns.push(column);
            }
            if !self.accept_token(&Token::Comma) {
                return self.expect_token(&Token::RParen);
            }
        }
    }

    fn like_clause(&mut self, position: usize) -> Result<LikeClause> {
        let mut like = LikeClause {
            source: self.name()?,
            position,
            defaults: false,
            constraints: false,
            indexes: false,
            identity: false,
            generated: false,
        };
        loop {
            let including = if self.accept("INCLUDING") {
                true
            } else if self.accept("EXCLUDING") {
                false
            } else {
                return Ok(like);
            };
            let option = if self.accept("ALL") { "all".to_owned() } else { self.identifier()? };
            for (name, flag) in [
                ("defaults", &mut like.defaults),
                ("constraints", &mut like.constraints),
                ("indexes", &mut like.indexes),
                ("identity", &mut like.identity),
                ("generated", &mut like.generated),
            ] {
                if option == name || option == "all" {
                    *flag = including;
                }
            }
        }
    }

    /// INHERITS, PARTITION BY, USING, WITH, WITHOUT OIDS, ON COMMIT, TABLESPACE.
    fn table_options(&mut self) -> Result<OnCommit> {
        let mut on_commit = OnCommit::default();
        loop {
            if self.peek_is("INHERITS") {
                return Err(Error::unsupported("INHERITS"));
            } else if self.peek_is("PARTITION BY") {
                return Err(Error::unsupported("PARTITION BY"));
            } else if self.accept("USING") || self.accept("TABLESPACE") {
                self.identifier()?;
            } else if self.peek_is("WITH") && *self.token_after_with() == Token::LParen {
                self.expect("WITH")?;
                self.skip_parentheses()?;
            } else if self.accept("WITHOUT OIDS") {
            } else if self.accept("ON COMMIT PRESERVE ROWS") {
                on_commit = OnCommit::PreserveRows;
            } else if self.accept("ON COMMIT DELETE ROWS") {
                on_commit = OnCommit::DeleteRows;
            } else if self.accept("ON COMMIT DROP") {
                on_commit = OnCommit::Drop;
            } else {
                return Ok(on_commit);
            }
        }
    }

    fn token_after_with(&self) -> &Token {
        &self.parser.peek_nth_token_ref(1).token
    }

    fn is_table_constraint(&self) -> bool {
        ["CONSTRAINT", "PRIMARY KEY", "UNIQUE", "CHECK", "FOREIGN KEY"].iter().any(|w| self.peek_is(w))
            || (self.peek_is("EXCLUDE")
                && matches!(self.parser.peek_nth_token_ref(1), t if parse::is_word(Some(t), "USING") || t.token == Token::LParen))
    }

    pub(super) fn column_definition(&mut self) -> Result<ColumnDefinition> {
        let name = self.identifier()?;
        let data_type = self.data_type()?;
        let mut column = ColumnDefinition {
            name,
            data_type,
            not_null: false,
            default: None,
            generated: None,
            identity: None,
            constraints: Vec::new(),
        };
        while self.column_constraint(&mut column)? {}
        Ok(column)
    }

    /// One column constraint; false when there is none.
    fn column_constraint(&mut self, column: &mut ColumnDefinition) -> Result<bool> {
        let name = if self.accept("CONSTRAINT") { Some(self.identifier()?) } else { None };
        let own = || vec![column.name.clone()];
        let kind = if self.accept("NOT NULL") {
            column.not_null = true;
            return Ok(true);
        } else if self.accept("NULL") || self.accept("COLLATE") && self.collation()? {
            return Ok(true);
        } else if self.accept("DEFAULT") {
            let default = self.default_expression()?;
            if column.default.replace(default).is_some() {
                return Err(multiple("default values specified", &column.name));
            }
            return Ok(true);
        } else if self.accept("GENERATED") {
            self.generated(column)?;
            return Ok(true);
        } else if self.accept("STORAGE") || self.accept("COMPRESSION") {
            self.label()?;
            return Ok(true);
        } else if self.accept("PRIMARY KEY") {
            ConstraintDefinitionKind::PrimaryKey(KeySource::Columns(own(), self.index_parameters()?))
        } else if self.accept("UNIQUE") {
            self.nulls_distinct()?;
            ConstraintDefinitionKind::Unique(KeySource::Columns(own(), self.index_parameters()?))
        } else if self.accept("CHECK") {
            ConstraintDefinitionKind::Check(self.parenthesised_expression()?)
        } else if self.accept("REFERENCES") {
            let columns = own();
            self.references(columns)?
        } else if name.is_some() {
            return Err(self.unexpected());
        } else {
            return Ok(false);
        };
        let attributes = self.attributes()?;
        column.constraints.push(constraint(name, kind, attributes)?);
        Ok(true)
    }

    /// COLLATE name, past its first word: every collation there is orders by bytes.
    pub(super) fn collation(&mut self) -> Result<bool> {
        let keyword = self.parser.token_at(self.parser.index().saturating_sub(1)).span.start;
        let name = self.name()?;
        let mut known = Recording::new(recording!("pg_collation")).lines();
        if known.any(|line| line.text("collname") == name.name) {
            return Ok(true);
        }
        let message = format!("collation \"{name}\" for encoding \"UTF8\" does not exist");
        let error = Error::new(SqlState::UNDEFINED_OBJECT, message);
        Err(match parse::character(self.text, keyword) {
            Some(position) => error.with_position(position),
            None => error,
        })
    }

    fn generated(&mut self, column: &mut ColumnDefinition) -> Result<()> {
        let always = if self.accept("ALWAYS") {
            true
        } else {
            self.expect("BY DEFAULT")?;
            false
        };
        self.expect("AS")?;
        if self.accept("IDENTITY") {
            if column.identity.is_some() {
                return Err(multiple("identity specifications", &column.name));
            }
            column.not_null = true;
            column.identity = Some(IdentityDefinition { always, settings: self.parenthesised_settings()? });
            return Ok(());
        }
        if !always {
            return Err(self.unexpected());
        }
        column.generated = Some(self.parenthesised_expression()?);
        self.expect("STORED")
    }

    /// [( sequence options )]
    pub(super) fn parenthesised_settings(&mut self) -> Result<SequenceSettings> {
        if !self.accept_token(&Token::LParen) {
            return Ok(SequenceSettings::default());
        }
        let settings = self.sequence_settings()?;
        self.expect_token(&Token::RParen)?;
        Ok(settings)
    }

    fn nulls_distinct(&mut self) -> Result<()> {
        if self.accept("NULLS NOT DISTINCT") {
            return Err(Error::unsupported("NULLS NOT DISTINCT"));
        }
        self.accept("NULLS DISTINCT");
        Ok(())
    }

    /// [INCLUDE (…)]
    pub(super) fn included_columns(&mut self) -> Result<Vec<String>> {
        if !self.accept("INCLUDE") {
            return Ok(Vec::new());
        }
        if self.parser.peek_nth_token_ref(1).token == Token::LParen {
            return Err(Error::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                "expressions are not supported in included columns",
            ));
        }
        self.column_list()
    }

    /// [INCLUDE (…)] [WITH (…)] [USING INDEX TABLESPACE name]; gives the columns of INCLUDE.
    fn index_parameters(&mut self) -> Result<Vec<String>> {
        let included = self.included_columns()?;
        if self.peek_is("WITH") && *self.token_after_with() == Token::LParen {
            self.expect("WITH")?;
            self.skip_parentheses()?;
        }
        if self.accept("USING INDEX TABLESPACE") {
            self.identifier()?;
        }
        Ok(included)
    }

    /// [CONSTRAINT name] and the constraint, as in CREATE TABLE's list and after ADD.
    pub(super) fn table_constraint(&mut self) -> Result<ConstraintDefinition> {
        let name = if self.accept("CONSTRAINT") { Some(self.identifier()?) } else { None };
        let kind = if self.accept("PRIMARY KEY") {
            ConstraintDefinitionKind::PrimaryKey(self.key_source()?)
        } else if self.accept("UNIQUE") {
            self.nulls_distinct()?;
            ConstraintDefinitionKind::Unique(self.key_source()?)
        } else if self.accept("CHECK") {
            ConstraintDefinitionKind::Check(self.parenthesised_expression()?)
        } else if self.accept("FOREIGN KEY") {
            let columns = self.column_list()?;
            self.expect("REFERENCES")?;
            self.references(columns)?
        } else if self.accept("EXCLUDE") {
            return Err(Error::unsupported("EXCLUDE"));
        } else {
            return Err(self.unexpected());
        };
        let attributes = self.attributes()?;
        constraint(name, kind, attributes)
    }

    fn key_source(&mut self) -> Result<KeySource> {
        if self.accept("USING INDEX") {
            return Ok(KeySource::Index(self.identifier()?));
        }
        let columns = self.column_list()?;
        Ok(KeySource::Columns(columns, self.index_parameters()?))
    }

    /// After REFERENCES.
    fn references(&mut self, columns: Vec<String>) -> Result<ConstraintDefinitionKind> {
        let table = self.name()?;
        let referenced = if self.peek_token_is(&Token::LParen) { self.column_list()? } else { Vec::new() };
        if self.accept("MATCH FULL") {
            // The same as MATCH SIMPLE for one column.
            if columns.len() > 1 {
                return Err(Error::unsupported("MATCH FULL"));
            }
        } else if self.accept("MATCH PARTIAL") {
            return Err(Error::unsupported("MATCH PARTIAL"));
        } else {
            self.accept("MATCH SIMPLE");
        }
        let (mut on_update, mut on_delete) = (b'a', b'a');
        loop {
            if self.accept("ON DELETE") {
                on_delete = self.referential_action()?;
            } else if self.accept("ON UPDATE") {
                on_update = self.referential_action()?;
            } else {
                break;
            }
        }
        Ok(ConstraintDefinitionKind::ForeignKey { columns, table, referenced, on_update, on_delete })
    }

    fn referential_action(&mut self) -> Result<u8> {
        for (words, letter) in
            [("NO ACTION", b'a'), ("RESTRICT", b'r'), ("CASCADE", b'c'), ("SET NULL", b'n'), ("SET DEFAULT", b'd')]
        {
            if self.accept(words) {
                if self.peek_token_is(&Token::LParen) {
                    return Err(Error::unsupported("a column list after SET NULL or SET DEFAULT"));
                }
                return Ok(letter);
            }
        }
        Err(self.unexpected())
    }

    fn attributes(&mut self) -> Result<Attributes> {
        let mut attributes = Attributes::default();
        loop {
            if self.accept("NOT DEFERRABLE") {
                attributes.deferrable = Some(false);
            } else if self.accept("DEFERRABLE") {
                attributes.deferrable = Some(true);
            } else if self.accept("INITIALLY IMMEDIATE") {
                attributes.initially_deferred = false;
            } else if self.accept("INITIALLY DEFERRED") {
                if attributes.deferrable == Some(false) {
                    let message = "constraint declared INITIALLY DEFERRED must be DEFERRABLE";
                    return Err(Error::new(SqlState::SYNTAX_ERROR, message));
                }
                attributes.initially_deferred = true;
                attributes.deferrable = Some(true);
            } else if self.accept("NOT VALID") {
                attributes.not_valid = true;
            } else if !self.accept("NO INHERIT") {
                return Ok(attributes);
            }
        }
    }

    /// [[NOT] DEFERRABLE] [INITIALLY …], after ALTER CONSTRAINT.
    pub(super) fn deferral(&mut self) -> Result<(bool, bool)> {
        let attributes = self.attributes()?;
        Ok((attributes.deferrable.unwrap_or(false), attributes.initially_deferred))
    }
}

fn constraint(
    name: Option<String>,
    kind: ConstraintDefinitionKind,
    attributes: Attributes,
) -> Result<ConstraintDefinition> {
    let deferrable = attributes.deferrable.unwrap_or(false);
    if deferrable && matches!(kind, ConstraintDefinitionKind::Check(_)) {
        return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, "CHECK constraints cannot be marked DEFERRABLE"));
    }
    let not_valid = attributes.not_valid;
    Ok(ConstraintDefinition { name, kind, deferrable, initially_deferred: attributes.initially_deferred, not_valid })
}

fn multiple(what: &str, column: &str) -> Error {
    let message = format!("multiple {what} for column \"{column}\"");
    Error::new(SqlState::SYNTAX_ERROR, message)
}
