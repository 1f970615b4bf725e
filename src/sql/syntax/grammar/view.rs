//! CREATE VIEW, CREATE and REFRESH MATERIALIZED VIEW.
//!
//! Owns: ViewStmt, CreateMatViewStmt, RefreshMatViewStmt, and how a recursive view becomes an ordinary one. Must not
//! know: queries. Specification: gram.y.

use crate::error::Result;
use crate::sql::syntax::ast::definition::{
    CreateTableAsStmt, OnCommitAction, RefreshMatViewStmt, ViewCheckOption, ViewStmt,
};
use crate::sql::syntax::ast::expression::{ColumnRef, Expr, Field};
use crate::sql::syntax::ast::location::Location;
use crate::sql::syntax::ast::query::{
    CommonTableExpr, CteMaterialize, FromItem, IntoClause, LimitOption, Persistence, RangeVar, ResTarget, SelectBody,
    SelectStmt, SimpleSelect, WithClause,
};
use crate::sql::syntax::ast::statement::{ObjectType, Stmt};
use crate::sql::syntax::keywords::Keyword as K;
use crate::sql::syntax::parser::Parser;

impl Parser<'_> {
    /// What follows CREATE [OR REPLACE] OptTemp: [RECURSIVE] VIEW …
    pub(super) fn view_stmt(&mut self, replace: bool, persistence: Persistence) -> Result<Stmt> {
        let recursive = self.eat(K::Recursive);
        self.expect(K::View)?;
        let view = RangeVar { persistence, ..self.qualified_name()? };
        let columns = if recursive { self.column_list()? } else { self.opt_column_list()? };
        let options = self.opt_reloptions()?;
        self.expect(K::As)?;
        let mut query = self.select_stmt()?;
        let location = self.location();
        let check_option = self.opt_check_option()?;
        if recursive {
            if check_option != ViewCheckOption::None {
                return Err(self.refused(location, "WITH CHECK OPTION not supported on recursive views"));
            }
            query = recursive_view_select(&view.relation, &columns, query);
        }
        Ok(Stmt::View(Box::new(ViewStmt { view, columns, query, replace, options, check_option })))
    }

    fn opt_check_option(&mut self) -> Result<ViewCheckOption> {
        if !self.eat(K::With) {
            return Ok(ViewCheckOption::None);
        }
        let local = self.eat(K::Local);
        if !local {
            self.eat(K::Cascaded);
        }
        self.expect_all(&[K::Check, K::Option])?;
        Ok(if local { ViewCheckOption::Local } else { ViewCheckOption::Cascaded })
    }

    /// What follows CREATE [UNLOGGED] MATERIALIZED VIEW.
    pub(super) fn create_mat_view_stmt(&mut self, persistence: Persistence) -> Result<Stmt> {
        let if_not_exists = self.opt_if_not_exists()?;
        let mut into = IntoClause {
            relation: RangeVar { persistence, ..self.qualified_name()? },
            columns: self.opt_column_list()?,
            access_method: self.optional(K::Using, Self::col_id)?,
            options: self.opt_reloptions()?,
            on_commit: OnCommitAction::Noop,
            tablespace: self.opt_table_space()?,
            skip_data: false,
        };
        self.expect(K::As)?;
        let query = Box::new(Stmt::Select(Box::new(self.select_stmt()?)));
        into.skip_data = !self.opt_with_data()?;
        let stmt = CreateTableAsStmt { query, into, object_type: ObjectType::MatView, if_not_exists };
        Ok(Stmt::CreateTableAs(Box::new(stmt)))
    }

    pub(super) fn refresh_mat_view_stmt(&mut self) -> Result<Stmt> {
        self.expect_all(&[K::Refresh, K::Materialized, K::View])?;
        let concurrent = self.eat(K::Concurrently);
        let relation = self.qualified_name()?;
        let skip_data = !self.opt_with_data()?;
        Ok(Stmt::RefreshMatView(RefreshMatViewStmt { relation, concurrent, skip_data }))
    }
}

/// A query without clauses around its body.
fn query(with: Option<WithClause>, select: SimpleSelect) -> SelectStmt {
    SelectStmt {
        with,
        body: SelectBody::Select(Box::new(select)),
        sort: Vec::new(),
        limit_offset: None,
        limit_count: None,
        limit_option: LimitOption::Count,
        locking: Vec::new(),
        location: Location::UNKNOWN,
    }
}

/// makeRecursiveViewSelect: WITH RECURSIVE name (columns) AS (query) SELECT columns FROM name.
fn recursive_view_select(name: &str, columns: &[String], body: SelectStmt) -> SelectStmt {
    let location = Location::UNKNOWN;
    let cte = CommonTableExpr {
        name: name.to_owned(),
        columns: columns.to_vec(),
        materialized: CteMaterialize::Default,
        query: Box::new(Stmt::Select(Box::new(body))),
        search: None,
        cycle: None,
        location,
    };
    let target = |column: &String| ResTarget {
        name: None,
        indirection: Vec::new(),
        value: Some(Expr::ColumnRef(ColumnRef { fields: vec![Field::Name(column.clone())], location })),
        location,
    };
    let from = RangeVar {
        catalog: None,
        schema: None,
        relation: name.to_owned(),
        inherit: true,
        persistence: Persistence::Permanent,
        alias: None,
        location,
    };
    let with = WithClause { recursive: true, ctes: vec![cte], location };
    let select = SimpleSelect {
        targets: columns.iter().map(target).collect(),
        from: vec![FromItem::Relation(from)],
        ..SimpleSelect::default()
    };
    query(Some(with), select)
}
