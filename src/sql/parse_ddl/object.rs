//! CREATE of everything but tables, DROP, COMMENT, TRUNCATE.

use sqlparser::ast::Expr;
use sqlparser::tokenizer::Token;

use super::{DdlParser, Utility};
use crate::error::{Error, Result, SqlState};
use crate::sql::ddl::{
    CommentTarget, CreateDomain, CreateIndex, CreateView, Ddl, IndexKeyDefinition, IndexKeySource, Name, ObjectKind,
    SequenceSettings,
};

/// What CREATE cannot make here, by its words; `OR REPLACE` has been taken.
const UNSUPPORTED_OBJECTS: &[&str] = &[
    "MATERIALIZED VIEW",
    "RECURSIVE VIEW",
    "FUNCTION",
    "PROCEDURE",
    "TRIGGER",
    "CONSTRAINT TRIGGER",
    "EVENT TRIGGER",
    "RULE",
    "AGGREGATE",
    "CAST",
    "COLLATION",
    "CONVERSION",
    "FOREIGN DATA WRAPPER",
    "FOREIGN TABLE",
    "LANGUAGE",
    "TRUSTED LANGUAGE",
    "OPERATOR CLASS",
    "OPERATOR FAMILY",
    "OPERATOR",
    "POLICY",
    "PUBLICATION",
    "SERVER",
    "STATISTICS",
    "SUBSCRIPTION",
    "TABLESPACE",
    "TEXT SEARCH",
    "TRANSFORM",
    "ACCESS METHOD",
];

impl DdlParser<'_> {
    /// After CREATE.
    pub(super) fn create(&mut self) -> Result<(Utility, &'static str)> {
        let or_replace = self.accept("OR REPLACE");
        if self.accept("GLOBAL") || self.accept("LOCAL") {
            // Meaningless in PostgreSQL too.
        }
        let temporary = self.accept("TEMPORARY") || self.accept("TEMP");
        if !temporary {
            self.accept("UNLOGGED");
        }
        if !or_replace && self.accept("TABLE") {
            return self.create_table(temporary);
        }
        if self.accept("VIEW") {
            return Ok((Utility::Ddl(self.create_view(or_replace, temporary)?), "CREATE VIEW"));
        }
        if self.accept("SEQUENCE") {
            let if_not_exists = self.if_not_exists();
            let (name, settings) = (self.name()?, Box::new(self.sequence_settings()?));
            let create = Ddl::CreateSequence { name, temporary, if_not_exists, settings };
            return Ok((Utility::Ddl(create), "CREATE SEQUENCE"));
        }
        for words in UNSUPPORTED_OBJECTS {
            if self.peek_is(words) {
                return Err(Error::unsupported(format!("CREATE {words}")));
            }
        }
        if temporary || or_replace {
            return Err(self.unexpected());
        }
        self.create_other()
    }

    fn create_other(&mut self) -> Result<(Utility, &'static str)> {
        let (ddl, tag) = if self.accept("UNIQUE INDEX") {
            (self.create_index(true)?, "CREATE INDEX")
        } else if self.accept("INDEX") {
            (self.create_index(false)?, "CREATE INDEX")
        } else if self.accept("SCHEMA") {
            (self.create_schema()?, "CREATE SCHEMA")
        } else if self.accept("TYPE") {
            (self.create_type()?, "CREATE TYPE")
        } else if self.accept("DOMAIN") {
            (self.create_domain()?, "CREATE DOMAIN")
        } else if self.accept("EXTENSION") {
            return self.create_extension();
        } else {
            return Err(self.unexpected());
        };
        Ok((Utility::Ddl(ddl), tag))
    }

    /// plpgsql is there in every database, by name; nothing else can be installed.
    fn create_extension(&mut self) -> Result<(Utility, &'static str)> {
        let if_not_exists = self.if_not_exists();
        let name = self.identifier()?;
        self.skip_statement();
        if name != "plpgsql" {
            return Err(Error::unsupported(format!("extension \"{name}\"")));
        }
        if !if_not_exists {
            let message = format!("extension \"{name}\" already exists");
            return Err(Error::new(SqlState::DUPLICATE_OBJECT, message));
        }
        Ok((Utility::Accepted, "CREATE EXTENSION"))
    }

    fn create_view(&mut self, or_replace: bool, temporary: bool) -> Result<Ddl> {
        let name = self.name()?;
        let columns = if self.peek_token_is(&Token::LParen) { self.column_list()? } else { Vec::new() };
        if self.accept("WITH") {
            self.skip_parentheses()?;
        }
        self.expect("AS")?;
        let query = self.query()?;
        if self.peek_is("WITH") {
            return Err(Error::unsupported("WITH CHECK OPTION"));
        }
        Ok(Ddl::CreateView(Box::new(CreateView { name, or_replace, temporary, columns, query })))
    }

    fn create_index(&mut self, unique: bool) -> Result<Ddl> {
        self.accept("CONCURRENTLY");
        let if_not_exists = self.if_not_exists();
        let name = if self.peek_is("ON") { None } else { Some(self.identifier()?) };
        self.expect("ON")?;
        self.accept("ONLY");
        let table = self.name()?;
        let method = if self.accept("USING") { self.identifier()? } else { "btree".to_owned() };
        self.expect_token(&Token::LParen)?;
        let mut keys = vec![self.index_key()?];
        while self.accept_token(&Token::Comma) {
            keys.push(self.index_key()?);
        }
        self.expect_token(&Token::RParen)?;
        let included = self.included_columns()?;
        if self.accept("NULLS NOT DISTINCT") {
            return Err(Error::unsupported("NULLS NOT DISTINCT"));
        }
        self.accept("NULLS DISTINCT");
        if self.accept("WITH") {
            self.skip_parentheses()?;
        }
        if self.accept("TABLESPACE") {
            self.identifier()?;
        }
        let predicate = if self.accept("WHERE") { Some(self.expression()?) } else { None };
        let index = CreateIndex { name, table, unique, if_not_exists, method, keys, included, predicate };
        Ok(Ddl::CreateIndex(Box::new(index)))
    }

    /// column | function(…) | (expression), then [COLLATE c] [opclass [(…)]] [ASC | DESC] [NULLS …]
    fn index_key(&mut self) -> Result<IndexKeyDefinition> {
        let is_call = self.parser.peek_nth_token_ref(1).token == Token::LParen
            || self.parser.peek_nth_token_ref(1).token == Token::Period;
        let key = if self.peek_token_is(&Token::LParen) {
            IndexKeySource::Expression(unwrap_nested(self.parenthesised_expression()?))
        } else if is_call || self.peek_identifier().is_none() {
            IndexKeySource::Expression(self.default_expression()?)
        } else {
            IndexKeySource::Column(self.identifier()?)
        };
        let collation = if self.accept("COLLATE") { Some(self.name()?) } else { None };
        let ends = ["ASC", "DESC", "NULLS"].iter().any(|w| self.peek_is(w)) || self.peek_identifier().is_none();
        let operator_class = if ends { None } else { Some(self.name()?) };
        if operator_class.is_some() && self.peek_token_is(&Token::LParen) {
            return Err(Error::unsupported("parameters of an operator class"));
        }
        let descending = self.accept("DESC");
        if !descending {
            self.accept("ASC");
        }
        let nulls_first = if self.accept("NULLS FIRST") { true } else { !self.accept("NULLS LAST") && descending };
        Ok(IndexKeyDefinition { key, collation, operator_class, descending, nulls_first })
    }

    fn create_schema(&mut self) -> Result<Ddl> {
        let if_not_exists = self.if_not_exists();
        let name = if self.peek_is("AUTHORIZATION") { None } else { Some(self.identifier()?) };
        let role = if self.accept("AUTHORIZATION") { Some(self.label()?) } else { None };
        let name = name.or(role).ok_or_else(|| self.unexpected())?;
        if self.peek_is("CREATE") || self.peek_is("GRANT") {
            return Err(Error::unsupported("CREATE SCHEMA with schema elements"));
        }
        Ok(Ddl::CreateSchema { name, if_not_exists })
    }

    fn create_type(&mut self) -> Result<Ddl> {
        let name = self.name()?;
        if !self.accept("AS ENUM") {
            let what = if self.peek_is("AS RANGE") { "CREATE TYPE AS RANGE" } else { "CREATE TYPE other than AS ENUM" };
            return Err(Error::unsupported(what));
        }
        self.expect_token(&Token::LParen)?;
        let mut labels = Vec::new();
        if !self.accept_token(&Token::RParen) {
            labels.push(self.string()?);
            while self.accept_token(&Token::Comma) {
                labels.push(self.string()?);
            }
            self.expect_token(&Token::RParen)?;
        }
        Ok(Ddl::CreateEnum { name, labels })
    }

    fn create_domain(&mut self) -> Result<Ddl> {
        let name = self.name()?;
        self.accept("AS");
        let base = self.data_type()?;
        let mut domain = CreateDomain { name, base, default: None, not_null: false, checks: Vec::new() };
        loop {
            let constraint = if self.accept("CONSTRAINT") { Some(self.identifier()?) } else { None };
            if self.accept("CHECK") {
                domain.checks.push((constraint, self.parenthesised_expression()?));
            } else if self.accept("NOT NULL") {
                domain.not_null = true;
            } else if self.accept("NULL") || self.accept("COLLATE") && self.collation()? {
            } else if self.accept("DEFAULT") {
                domain.default = Some(self.default_expression()?);
            } else if constraint.is_some() {
                return Err(self.unexpected());
            } else {
                return Ok(Ddl::CreateDomain(Box::new(domain)));
            }
        }
    }

    /// The options of CREATE SEQUENCE, ALTER SEQUENCE and identity columns, in any order.
    pub(super) fn sequence_settings(&mut self) -> Result<SequenceSettings> {
        let mut settings = SequenceSettings::default();
        loop {
            if self.accept("SEQUENCE NAME") {
                settings.name = Some(self.name()?);
            } else if self.accept("AS") {
                settings.data_type = Some(self.data_type()?);
            } else if self.accept("INCREMENT") {
                self.accept("BY");
                settings.increment = Some(self.integer()?);
            } else if self.accept("NO MINVALUE") {
                settings.min = Some(None);
            } else if self.accept("MINVALUE") {
                settings.min = Some(Some(self.integer()?));
            } else if self.accept("NO MAXVALUE") {
                settings.max = Some(None);
            } else if self.accept("MAXVALUE") {
                settings.max = Some(Some(self.integer()?));
            } else if self.accept("START") {
                self.accept("WITH");
                settings.start = Some(self.integer()?);
            } else if self.accept("RESTART") {
                settings.restart = Some(self.restart_value()?);
            } else if self.accept("CACHE") {
                settings.cache = Some(self.integer()?);
            } else if self.accept("NO CYCLE") {
                settings.cycle = Some(false);
            } else if self.accept("CYCLE") {
                settings.cycle = Some(true);
            } else if self.accept("OWNED BY NONE") {
                settings.owned_by = Some(None);
            } else if self.accept("OWNED BY") {
                settings.owned_by = Some(Some(self.column_name("OWNED BY")?));
            } else {
                return Ok(settings);
            }
        }
    }

    /// [[WITH] n]
    pub(super) fn restart_value(&mut self) -> Result<Option<i64>> {
        let with = self.accept("WITH");
        if with || matches!(self.parser.peek_token_ref().token, Token::Number(..) | Token::Minus) {
            return self.integer().map(Some);
        }
        Ok(None)
    }

    /// [schema.]table.column
    fn column_name(&mut self, what: &str) -> Result<(Name, String)> {
        let mut parts = self.dotted()?;
        let column = parts.pop().unwrap_or_default();
        if parts.is_empty() {
            let error = if what == "OWNED BY" {
                Error::new(SqlState::SYNTAX_ERROR, "invalid OWNED BY option")
                    .with_hint("Specify OWNED BY table.column or OWNED BY NONE.")
            } else {
                Error::new(SqlState::SYNTAX_ERROR, "column name must be qualified")
            };
            return Err(error);
        }
        Ok((self.name_of(&parts)?, column))
    }

    /// After DROP.
    pub(super) fn drop(&mut self) -> Result<(Utility, &'static str)> {
        for (words, kind, tag) in [
            ("TABLE", ObjectKind::Table, "DROP TABLE"),
            ("VIEW", ObjectKind::View, "DROP VIEW"),
            ("INDEX CONCURRENTLY", ObjectKind::Index, "DROP INDEX"),
            ("INDEX", ObjectKind::Index, "DROP INDEX"),
            ("SEQUENCE", ObjectKind::Sequence, "DROP SEQUENCE"),
            ("SCHEMA", ObjectKind::Schema, "DROP SCHEMA"),
            ("TYPE", ObjectKind::Type, "DROP TYPE"),
            ("DOMAIN", ObjectKind::Domain, "DROP DOMAIN"),
        ] {
            if self.accept(words) {
                let if_exists = self.if_exists();
                let names = self.names()?;
                let cascade = self.cascade();
                return Ok((Utility::Ddl(Ddl::Drop { kind, names, if_exists, cascade }), tag));
            }
        }
        if self.accept("OWNED BY") {
            self.skip_statement();
            return Ok((Utility::Accepted, "DROP OWNED"));
        }
        self.drop_absent()
    }

    /// Objects of the kinds that cannot be made here do not exist: IF EXISTS is true to its word, and without it the
    /// answer is that the kind is not supported.
    fn drop_absent(&mut self) -> Result<(Utility, &'static str)> {
        for (words, tag) in [
            ("MATERIALIZED VIEW", "DROP MATERIALIZED VIEW"),
            ("FUNCTION", "DROP FUNCTION"),
            ("PROCEDURE", "DROP PROCEDURE"),
            ("AGGREGATE", "DROP AGGREGATE"),
            ("TRIGGER", "DROP TRIGGER"),
            ("RULE", "DROP RULE"),
            ("EXTENSION", "DROP EXTENSION"),
            ("POLICY", "DROP POLICY"),
            ("CAST", "DROP CAST"),
            ("COLLATION", "DROP COLLATION"),
            ("OPERATOR", "DROP OPERATOR"),
            ("PUBLICATION", "DROP PUBLICATION"),
            ("FOREIGN TABLE", "DROP FOREIGN TABLE"),
            ("TABLESPACE", "DROP TABLESPACE"),
        ] {
            if self.accept(words) {
                if !self.if_exists() {
                    return Err(Error::unsupported(tag));
                }
                self.skip_statement();
                return Ok((Utility::Accepted, tag));
            }
        }
        Err(self.unexpected())
    }

    /// After COMMENT ON.
    pub(super) fn comment(&mut self) -> Result<Ddl> {
        let target = self.comment_target()?;
        self.expect("IS")?;
        let text = if self.accept("NULL") { None } else { Some(self.string()?) };
        Ok(Ddl::Comment { target, text: text.filter(|t| !t.is_empty()) })
    }

    fn comment_target(&mut self) -> Result<CommentTarget> {
        if self.accept("COLUMN") {
            let (table, column) = self.column_name("COLUMN")?;
            return Ok(CommentTarget::Column { table, column });
        }
        if self.accept("CONSTRAINT") {
            let constraint = self.identifier()?;
            self.expect("ON")?;
            if self.accept("DOMAIN") {
                self.name()?;
                return Ok(CommentTarget::Other);
            }
            return Ok(CommentTarget::Constraint { table: self.name()?, constraint });
        }
        for (words, kind) in [
            ("TABLE", ObjectKind::Table),
            ("VIEW", ObjectKind::View),
            ("INDEX", ObjectKind::Index),
            ("SEQUENCE", ObjectKind::Sequence),
            ("SCHEMA", ObjectKind::Schema),
            ("TYPE", ObjectKind::Type),
            ("DOMAIN", ObjectKind::Domain),
        ] {
            if self.accept(words) {
                return Ok(CommentTarget::Object { kind, name: self.name()? });
            }
        }
        while !self.peek_is("IS") && !self.peek_token_is(&Token::EOF) {
            self.parser.advance_token();
        }
        Ok(CommentTarget::Other)
    }

    /// After TRUNCATE.
    pub(super) fn truncate(&mut self) -> Result<Ddl> {
        self.accept("TABLE");
        let mut tables = Vec::new();
        loop {
            self.accept("ONLY");
            tables.push(self.name()?);
            self.accept_token(&Token::Mul);
            if !self.accept_token(&Token::Comma) {
                break;
            }
        }
        let restart_identity = self.accept("RESTART IDENTITY");
        if !restart_identity {
            self.accept("CONTINUE IDENTITY");
        }
        let cascade = self.cascade();
        Ok(Ddl::Truncate { tables, restart_identity, cascade })
    }
}

/// ((a + b)) and (a + b) are the same key.
fn unwrap_nested(expression: Expr) -> Expr {
    match expression {
        Expr::Nested(inner) => unwrap_nested(*inner),
        other => other,
    }
}
