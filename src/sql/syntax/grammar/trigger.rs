//! Triggers, event triggers, rules, policies.
//!
//! Owns: CreateTrigStmt, CreateEventTrigStmt, RuleStmt, CreatePolicyStmt, AlterPolicyStmt. Must not know: ENABLE and
//! DISABLE (`alter_table`, `alter`). Specification: gram.y.

use crate::error::{Error, Result};
use crate::sql::syntax::ast::definition::{AlterPolicyStmt, CreatePolicyStmt};
use crate::sql::syntax::ast::expression::{AnyName, Expr};
use crate::sql::syntax::ast::location::Location;
use crate::sql::syntax::ast::query::RangeVar;
use crate::sql::syntax::ast::routine::{
    CreateEventTrigStmt, CreateTrigStmt, RuleEvent, RuleStmt, TriggerEvent, TriggerTiming, TriggerTransition,
};
use crate::sql::syntax::ast::statement::{RoleSpec, RoleSpecType, Stmt};
use crate::sql::syntax::grammar::column::AllowedAttributes;
use crate::sql::syntax::keywords::Keyword as K;
use crate::sql::syntax::lexer::TokenKind;
use crate::sql::syntax::parser::Parser;

impl Parser<'_> {
    // ----- triggers

    /// What follows CREATE [OR REPLACE]: [CONSTRAINT] TRIGGER …
    pub(super) fn create_trig_stmt(&mut self, replace: bool) -> Result<Stmt> {
        let is_constraint = self.eat(K::Constraint);
        self.expect(K::Trigger)?;
        let name = self.col_id()?;
        let timing = self.trigger_action_time(is_constraint)?;
        let events = self.trigger_events()?;
        self.expect(K::On)?;
        let relation = self.qualified_name()?;
        let (mut constraint_relation, mut transitions, mut row) = (None, Vec::new(), true);
        let mut attributes = Default::default();
        if is_constraint {
            constraint_relation = self.optional(K::From, Self::qualified_name)?;
            attributes = self.constraint_attribute_spec()?;
            self.expect_all(&[K::For, K::Each, K::Row])?;
        } else {
            transitions = self.trigger_referencing()?;
            row = self.trigger_for_spec()?;
        }
        let when = self.optional(K::When, |p| p.parens(Self::a_expr))?;
        let (function, args) = self.trigger_function()?;
        if is_constraint && replace {
            let message = "CREATE OR REPLACE CONSTRAINT TRIGGER is not supported";
            return Err(self.refused(Location::UNKNOWN, message));
        }
        self.check_constraint_attributes(attributes, "TRIGGER", AllowedAttributes::TIMING)?;
        Ok(Stmt::CreateTrig(Box::new(CreateTrigStmt {
            replace,
            is_constraint,
            name,
            relation,
            function,
            args,
            row,
            timing,
            events,
            when,
            transitions,
            deferrable: attributes.is_deferrable() == Some(true),
            initially_deferred: attributes.initially_deferred,
            constraint_relation,
        })))
    }

    fn trigger_action_time(&mut self, is_constraint: bool) -> Result<TriggerTiming> {
        if !is_constraint && self.eat(K::Before) {
            return Ok(TriggerTiming::Before);
        }
        if !is_constraint && self.eat(K::Instead) {
            self.expect(K::Of)?;
            return Ok(TriggerTiming::InsteadOf);
        }
        self.expect(K::After)?;
        Ok(TriggerTiming::After)
    }

    /// TriggerEvents: each at most once.
    fn trigger_events(&mut self) -> Result<Vec<TriggerEvent>> {
        let mut events: Vec<TriggerEvent> = Vec::new();
        loop {
            const TWICE: &str = "duplicate trigger events specified";
            let mut twice: Error = self.error_here(TWICE);
            let event = if self.eat(K::Insert) {
                TriggerEvent::Insert
            } else if self.eat(K::Delete) {
                TriggerEvent::Delete
            } else if self.eat(K::Truncate) {
                TriggerEvent::Truncate
            } else {
                self.expect(K::Update)?;
                let columns = if self.eat(K::Of) { self.name_list()? } else { Vec::new() };
                // Where UPDATE ends is known from the token behind it, which the error names.
                twice = self.error_here(TWICE);
                TriggerEvent::Update(columns)
            };
            if events.iter().any(|known| std::mem::discriminant(known) == std::mem::discriminant(&event)) {
                return Err(twice);
            }
            events.push(event);
            if !self.eat(K::Or) {
                return Ok(events);
            }
        }
    }

    fn trigger_referencing(&mut self) -> Result<Vec<TriggerTransition>> {
        let mut transitions = Vec::new();
        if !self.eat(K::Referencing) {
            return Ok(transitions);
        }
        loop {
            let is_new = self.eat(K::New);
            if !is_new {
                self.expect(K::Old)?;
            }
            let is_table = self.eat(K::Table);
            if !is_table {
                self.expect(K::Row)?;
            }
            self.eat(K::As);
            transitions.push(TriggerTransition { name: self.col_id()?, is_new, is_table });
            if !self.at_any(&[K::New, K::Old]) {
                return Ok(transitions);
            }
        }
    }

    /// TriggerForSpec: whether FOR EACH ROW.
    fn trigger_for_spec(&mut self) -> Result<bool> {
        if !self.eat(K::For) {
            return Ok(false);
        }
        self.eat(K::Each);
        let row = self.eat(K::Row);
        if !row {
            self.expect(K::Statement)?;
        }
        Ok(row)
    }

    /// EXECUTE FUNCTION name (arguments)
    fn trigger_function(&mut self) -> Result<(AnyName, Vec<String>)> {
        let function = self.executed_function()?;
        let args =
            self.parens(|p| if p.at_symbol(b')') { Ok(Vec::new()) } else { p.comma_list(Self::trigger_func_arg) })?;
        Ok((function, args))
    }

    /// EXECUTE { FUNCTION | PROCEDURE } name
    fn executed_function(&mut self) -> Result<AnyName> {
        self.expect(K::Execute)?;
        if !self.eat(K::Procedure) {
            self.expect(K::Function)?;
        }
        self.func_name()
    }

    fn trigger_func_arg(&mut self) -> Result<String> {
        if self.is_iconst(0) {
            return Ok(self.iconst()?.to_string());
        }
        if matches!(self.peek(), TokenKind::Integer | TokenKind::Float) {
            let text = self.written().to_owned();
            self.advance();
            return Ok(text);
        }
        if self.is_sconst(0) { self.sconst() } else { self.col_label() }
    }

    /// What follows CREATE EVENT TRIGGER.
    pub(super) fn create_event_trig_stmt(&mut self) -> Result<Stmt> {
        let name = self.col_id()?;
        self.expect(K::On)?;
        let event = self.col_label()?;
        let mut when = Vec::new();
        if self.eat(K::When) {
            loop {
                let filter = self.col_id()?;
                self.expect(K::In)?;
                when.push((filter, self.parens_list(Self::sconst)?));
                if !self.eat(K::And) {
                    break;
                }
            }
        }
        let function = self.executed_function()?;
        self.parens(|_| Ok(()))?;
        Ok(Stmt::CreateEventTrig(CreateEventTrigStmt { name, event, when, function }))
    }

    // ----- rules

    /// What follows CREATE [OR REPLACE]: RULE …
    pub(super) fn rule_stmt(&mut self, replace: bool) -> Result<Stmt> {
        self.expect(K::Rule)?;
        let name = self.col_id()?;
        self.expect_all(&[K::As, K::On])?;
        let event = match self.peek() {
            TokenKind::Keyword(K::Select) => RuleEvent::Select,
            TokenKind::Keyword(K::Update) => RuleEvent::Update,
            TokenKind::Keyword(K::Delete) => RuleEvent::Delete,
            TokenKind::Keyword(K::Insert) => RuleEvent::Insert,
            _ => return Err(self.unexpected()),
        };
        self.advance();
        self.expect(K::To)?;
        let relation = self.qualified_name()?;
        let where_clause = self.where_clause()?;
        self.expect(K::Do)?;
        let instead = self.eat(K::Instead);
        if !instead {
            self.eat(K::Also);
        }
        let actions = self.rule_action_list()?;
        Ok(Stmt::Rule(Box::new(RuleStmt { relation, name, where_clause, event, instead, actions, replace })))
    }

    fn rule_action_list(&mut self) -> Result<Vec<Stmt>> {
        if self.eat(K::Nothing) {
            return Ok(Vec::new());
        }
        if !self.eat_symbol(b'(') {
            return Ok(vec![self.rule_action_stmt()?]);
        }
        let (mut actions, mut several) = (Vec::new(), false);
        loop {
            if !self.at_symbol(b';') && !self.at_symbol(b')') {
                actions.push(self.rule_action_stmt()?);
            }
            if !self.eat_symbol(b';') {
                break;
            }
            several = true;
        }
        self.expect_symbol(b')')?;
        // The parentheses may have been the only query's own.
        if !several && self.continues_select() && actions.len() == 1 {
            match actions.pop() {
                Some(Stmt::Select(select)) => {
                    actions.push(Stmt::Select(Box::new(self.select_after(*select)?)));
                }
                action => actions.extend(action),
            }
        }
        Ok(actions)
    }

    fn rule_action_stmt(&mut self) -> Result<Stmt> {
        if self.at(K::Notify) {
            return self.notify_stmt();
        }
        let unexpected = self.unexpected();
        match self.preparable_stmt()? {
            Stmt::Merge(_) => Err(unexpected),
            stmt => Ok(stmt),
        }
    }

    // ----- policies

    /// What follows CREATE POLICY.
    pub(super) fn create_policy_stmt(&mut self) -> Result<Stmt> {
        let name = self.col_id()?;
        self.expect(K::On)?;
        let table = self.qualified_name()?;
        let mut permissive = true;
        if self.eat(K::As) {
            let location = self.location();
            permissive = match self.ident()?.as_str() {
                "permissive" => true,
                "restrictive" => false,
                other => {
                    let message = format!("unrecognized row security option \"{other}\"");
                    let hint = "Only PERMISSIVE or RESTRICTIVE policies are supported currently.";
                    return Err(self.syntax_error_at(location, message).with_hint(hint));
                }
            };
        }
        let mut command = "all".to_owned();
        if self.eat(K::For) {
            let TokenKind::Keyword(keyword @ (K::All | K::Select | K::Insert | K::Update | K::Delete)) = self.peek()
            else {
                return Err(self.unexpected());
            };
            command = keyword.word().to_owned();
            self.advance();
        }
        let public = || vec![RoleSpec { role: RoleSpecType::Public, location: Location::UNKNOWN }];
        let roles = self.optional(K::To, Self::role_list)?.unwrap_or_else(public);
        let (using, with_check) = self.policy_exprs()?;
        Ok(Stmt::CreatePolicy(Box::new(CreatePolicyStmt {
            name,
            table,
            command,
            permissive,
            roles,
            using,
            with_check,
        })))
    }

    /// What follows ALTER POLICY name ON table, where that is not RENAME.
    pub(super) fn alter_policy_stmt(&mut self, name: String, table: RangeVar) -> Result<Stmt> {
        let roles = self.optional(K::To, Self::role_list)?;
        let (using, with_check) = self.policy_exprs()?;
        Ok(Stmt::AlterPolicy(Box::new(AlterPolicyStmt { name, table, roles, using, with_check })))
    }

    /// [USING (expr)] [WITH CHECK (expr)]
    fn policy_exprs(&mut self) -> Result<(Option<Expr>, Option<Expr>)> {
        let using = self.optional(K::Using, |p| p.parens(Self::a_expr))?;
        let with_check = self.optional(K::With, |p| {
            p.expect(K::Check)?;
            p.parens(Self::a_expr)
        })?;
        Ok((using, with_check))
    }
}
