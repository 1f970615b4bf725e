//! Functions, aggregates, operators, triggers, rules, casts and the like; how objects are named.

use super::Printer;
use crate::sql::syntax::ast::definition::{DefArg, DefElem};
use crate::sql::syntax::ast::expression::TypeName;
use crate::sql::syntax::ast::routine::*;
use crate::sql::syntax::ast::statement::{ObjectRef, ObjectType};

impl Printer {
    // ----- functions

    pub(super) fn create_function(&mut self, stmt: &CreateFunctionStmt) {
        self.put("CREATE ");
        self.word(stmt.replace, "OR REPLACE ");
        self.put(if stmt.is_procedure { "PROCEDURE " } else { "FUNCTION " });
        self.any_name(&stmt.name);
        let is_column = |p: &&FunctionParameter| p.mode == FunctionParameterMode::Table;
        let columns: Vec<&FunctionParameter> = stmt.parameters.iter().filter(is_column).collect();
        let parameters: Vec<&FunctionParameter> = stmt.parameters.iter().filter(|p| !is_column(p)).collect();
        self.parens(|p| p.list(&parameters, ", ", |p, parameter| p.parameter(parameter)));
        if !columns.is_empty() {
            self.put(" RETURNS TABLE ");
            self.parens(|p| p.list(&columns, ", ", |p, column| p.parameter(column)));
        } else if let Some(return_type) = &stmt.return_type {
            self.put(" RETURNS ");
            self.type_name(return_type);
        }
        self.function_options(&stmt.options);
        match &stmt.body {
            None => {}
            Some(RoutineBody::Return(expr)) => self.clause(" RETURN ", Some(expr)),
            Some(RoutineBody::Atomic(statements)) => {
                self.put(" BEGIN ATOMIC ");
                for statement in statements {
                    self.statement(statement);
                    self.put("; ");
                }
                self.put("END");
            }
        }
    }

    fn parameter(&mut self, parameter: &FunctionParameter) {
        self.put(match parameter.mode {
            FunctionParameterMode::Default | FunctionParameterMode::Table => "",
            FunctionParameterMode::In => "IN ",
            FunctionParameterMode::Out => "OUT ",
            FunctionParameterMode::InOut => "INOUT ",
            FunctionParameterMode::Variadic => "VARIADIC ",
        });
        if let Some(name) = &parameter.name {
            self.name(name);
            self.put(" ");
        }
        self.type_name(&parameter.type_name);
        self.clause(" DEFAULT ", parameter.default.as_ref());
    }

    fn parameters(&mut self, parameters: &[FunctionParameter]) {
        self.list(parameters, ", ", |p, parameter| p.parameter(parameter));
    }

    fn function_options(&mut self, options: &[DefElem]) {
        for option in options {
            self.put(" ");
            self.function_option(option);
        }
    }

    fn function_option(&mut self, option: &DefElem) {
        let Some(arg) = &option.arg else { return self.unknown() };
        match (option.name.as_str(), arg) {
            ("as", DefArg::Strings(strings)) => {
                self.put("AS ");
                self.strings(strings);
            }
            ("language", DefArg::String(language)) => self.with_string("LANGUAGE ", Some(language)),
            ("transform", DefArg::Types(types)) => {
                self.put("TRANSFORM ");
                self.list(types, ", ", |p, type_name| {
                    p.put("FOR TYPE ");
                    p.type_name(type_name);
                });
            }
            ("window", DefArg::Boolean(true)) => self.put("WINDOW"),
            ("strict", DefArg::Boolean(true)) => self.put("STRICT"),
            ("strict", DefArg::Boolean(false)) => self.put("CALLED ON NULL INPUT"),
            ("volatility", DefArg::String(word)) => self.put(&word.to_ascii_uppercase()),
            ("security", DefArg::Boolean(true)) => self.put("SECURITY DEFINER"),
            ("security", DefArg::Boolean(false)) => self.put("SECURITY INVOKER"),
            ("leakproof", DefArg::Boolean(true)) => self.put("LEAKPROOF"),
            ("leakproof", DefArg::Boolean(false)) => self.put("NOT LEAKPROOF"),
            ("cost" | "rows", DefArg::Integer(number)) => self.put(&format!("{} {number}", option.name)),
            ("cost" | "rows", DefArg::Float(number)) => self.put(&format!("{} {number}", option.name)),
            ("support", DefArg::Name(name)) => {
                self.put("SUPPORT ");
                self.any_name(name);
            }
            ("parallel", DefArg::String(name)) => self.named("PARALLEL ", Some(name)),
            ("set", DefArg::Set(set)) => self.variable_set(set, ""),
            _ => self.unknown(),
        }
    }

    pub(super) fn alter_function(&mut self, stmt: &AlterFunctionStmt) {
        self.put("ALTER ");
        self.object_type(stmt.object_type);
        self.put(" ");
        self.object_with_args(stmt.object_type, &stmt.function);
        self.function_options(&stmt.actions);
    }

    // ----- how objects are named

    pub(super) fn object_with_args(&mut self, kind: ObjectType, object: &ObjectWithArgs) {
        let parameters = object.parameters.as_slice();
        if kind == ObjectType::Operator {
            self.any_operator(&object.name);
            if !object.args_unspecified {
                self.put(" ");
                self.parens(|p| p.list(&object.args, ", ", |p, arg| p.operand_type(arg.as_ref())));
            }
            return;
        }
        self.any_name(&object.name);
        match object.ordered_from {
            _ if object.args_unspecified => {}
            None if kind == ObjectType::Aggregate && parameters.is_empty() => self.put("(*)"),
            None => self.parens(|p| p.parameters(parameters)),
            Some(from) => {
                let (direct, ordered) = parameters.split_at_checked(from).unwrap_or((parameters, &[]));
                // Of two VARIADIC arguments of the same type the second is the first.
                let ordered = if ordered.is_empty() { direct.last().map(std::slice::from_ref) } else { Some(ordered) };
                self.ordered_parameters(direct, ordered);
            }
        }
    }

    fn ordered_parameters(&mut self, direct: &[FunctionParameter], ordered: Option<&[FunctionParameter]>) {
        self.parens(|p| {
            p.parameters(direct);
            if let Some(ordered) = ordered {
                p.put(" ORDER BY ");
                p.parameters(ordered);
            }
        });
    }

    fn operand_type(&mut self, arg: Option<&TypeName>) {
        match arg {
            Some(type_name) => self.type_name(type_name),
            None => self.put("NONE"),
        }
    }

    pub(super) fn object_ref(&mut self, kind: ObjectType, object: &ObjectRef) {
        match object {
            ObjectRef::Name(name) => match (kind, name.as_slice()) {
                (
                    ObjectType::Policy | ObjectType::Rule | ObjectType::Trigger | ObjectType::TabConstraint,
                    [relation @ .., own],
                ) => {
                    self.name(own);
                    self.put(" ON ");
                    self.any_name(relation);
                }
                _ => self.any_name(name),
            },
            ObjectRef::Type(type_name) => self.type_name(type_name),
            ObjectRef::DomainConstraint { domain, name } => {
                self.name(name);
                self.put(" ON DOMAIN ");
                self.any_name(&domain.names);
            }
            ObjectRef::Function(function) => self.object_with_args(kind, function),
            ObjectRef::Cast { source, target } => self.cast(source, target),
            ObjectRef::OpClass { name, access_method } => {
                self.any_name(name);
                self.named(" USING ", Some(access_method));
            }
            ObjectRef::Transform { type_name, language } => {
                self.put("FOR ");
                self.type_name(type_name);
                self.named(" LANGUAGE ", Some(language));
            }
            ObjectRef::LargeObject(oid) => self.put(oid),
        }
    }

    /// (source AS target)
    fn cast(&mut self, source: &TypeName, target: &TypeName) {
        self.parens(|p| {
            p.type_name(source);
            p.put(" AS ");
            p.type_name(target);
        });
    }

    /// The words for a kind of object.
    pub(super) fn object_type(&mut self, kind: ObjectType) {
        self.put(object_words(kind));
    }

    // ----- aggregates, operators, text search, collations

    pub(super) fn define(&mut self, stmt: &DefineStmt) {
        self.put("CREATE ");
        self.word(stmt.replace, "OR REPLACE ");
        self.object_type(stmt.kind);
        self.put(" ");
        self.word(stmt.if_not_exists, "IF NOT EXISTS ");
        match stmt.kind {
            ObjectType::Operator => self.any_operator(&stmt.name),
            _ => self.any_name(&stmt.name),
        }
        match &stmt.args {
            None => {}
            Some(AggregateArgs { direct, ordered: None }) if direct.is_empty() => self.put("(*)"),
            Some(args) => self.ordered_parameters(&args.direct, args.ordered.as_deref()),
        }
        self.put(" ");
        match stmt.definition.as_slice() {
            [] => {}
            [DefElem { name, arg: Some(DefArg::Name(from)), .. }] if name == "from" => {
                self.put("FROM ");
                self.any_name(from);
            }
            definition if stmt.oldstyle => self.old_definition(definition),
            definition => self.definition(definition),
        }
    }

    pub(super) fn create_op_class(&mut self, stmt: &CreateOpClassStmt) {
        self.put("CREATE OPERATOR CLASS ");
        self.any_name(&stmt.name);
        self.word(stmt.is_default, " DEFAULT");
        self.put(" FOR TYPE ");
        self.type_name(&stmt.data_type);
        self.named(" USING ", Some(&stmt.access_method));
        self.named_any(" FAMILY ", stmt.family.as_ref());
        self.put(" AS ");
        self.list(&stmt.items, ", ", |p, item| p.op_class_item(item));
    }

    pub(super) fn alter_op_family(&mut self, stmt: &AlterOpFamilyStmt) {
        self.put("ALTER OPERATOR FAMILY ");
        self.any_name(&stmt.name);
        self.named(" USING ", Some(&stmt.access_method));
        self.put(if stmt.is_drop { " DROP " } else { " ADD " });
        self.list(&stmt.items, ", ", |p, item| p.op_class_item(item));
    }

    fn op_class_item(&mut self, item: &OpClassItem) {
        let types = |p: &mut Self, types: &[TypeName]| {
            p.parens(|p| p.list(types, ", ", |p, type_name| p.type_name(type_name)));
        };
        match item {
            OpClassItem::Operator { number, operator, order_family, recheck } => {
                self.put(&format!("OPERATOR {number} "));
                self.object_with_args(ObjectType::Operator, operator);
                self.named_any(" FOR ORDER BY ", order_family.as_ref());
                self.word(*recheck, " RECHECK");
            }
            OpClassItem::Function { number, function, class_args } => {
                self.put(&format!("FUNCTION {number} "));
                if !class_args.is_empty() {
                    types(self, class_args);
                    self.put(" ");
                }
                self.object_with_args(ObjectType::Function, function);
            }
            OpClassItem::Storage(type_name) => {
                self.put("STORAGE ");
                self.type_name(type_name);
            }
            OpClassItem::DropOperator { number, args } => {
                self.put(&format!("OPERATOR {number} "));
                types(self, args);
            }
            OpClassItem::DropFunction { number, args } => {
                self.put(&format!("FUNCTION {number} "));
                types(self, args);
            }
        }
    }

    // ----- triggers and rules

    pub(super) fn create_trigger(&mut self, stmt: &CreateTrigStmt) {
        self.put("CREATE ");
        self.word(stmt.replace, "OR REPLACE ");
        self.word(stmt.is_constraint, "CONSTRAINT ");
        self.named("TRIGGER ", Some(&stmt.name));
        self.put(match stmt.timing {
            TriggerTiming::Before => " BEFORE ",
            TriggerTiming::After => " AFTER ",
            TriggerTiming::InsteadOf => " INSTEAD OF ",
        });
        self.list(&stmt.events, " OR ", |p, event| match event {
            TriggerEvent::Insert => p.put("INSERT"),
            TriggerEvent::Delete => p.put("DELETE"),
            TriggerEvent::Truncate => p.put("TRUNCATE"),
            TriggerEvent::Update(columns) => {
                p.put("UPDATE");
                p.word(!columns.is_empty(), " OF ");
                p.name_list(columns);
            }
        });
        self.put(" ON ");
        self.relation(&stmt.relation);
        if let Some(relation) = &stmt.constraint_relation {
            self.put(" FROM ");
            self.relation(relation);
        }
        self.word(stmt.deferrable, " DEFERRABLE");
        self.word(stmt.initially_deferred, " INITIALLY DEFERRED");
        self.word(!stmt.transitions.is_empty(), " REFERENCING");
        for transition in &stmt.transitions {
            self.put(if transition.is_new { " NEW " } else { " OLD " });
            self.put(if transition.is_table { "TABLE AS " } else { "ROW AS " });
            self.name(&transition.name);
        }
        self.put(if stmt.row { " FOR EACH ROW" } else { " FOR EACH STATEMENT" });
        self.opt_in_parens(" WHEN ", stmt.when.as_ref());
        self.put(" EXECUTE FUNCTION ");
        self.any_name(&stmt.function);
        self.parens(|p| p.strings(&stmt.args));
    }

    pub(super) fn create_event_trigger(&mut self, stmt: &CreateEventTrigStmt) {
        self.named("CREATE EVENT TRIGGER ", Some(&stmt.name));
        self.named(" ON ", Some(&stmt.event));
        for (index, (filter, values)) in stmt.when.iter().enumerate() {
            self.named(if index == 0 { " WHEN " } else { " AND " }, Some(filter));
            self.put(" IN ");
            self.parens(|p| p.strings(values));
        }
        self.put(" EXECUTE FUNCTION ");
        self.any_name(&stmt.function);
        self.put("()");
    }

    pub(super) fn create_rule(&mut self, stmt: &RuleStmt) {
        self.put("CREATE ");
        self.word(stmt.replace, "OR REPLACE ");
        self.named("RULE ", Some(&stmt.name));
        self.put(match stmt.event {
            RuleEvent::Select => " AS ON SELECT TO ",
            RuleEvent::Update => " AS ON UPDATE TO ",
            RuleEvent::Delete => " AS ON DELETE TO ",
            RuleEvent::Insert => " AS ON INSERT TO ",
        });
        self.relation(&stmt.relation);
        self.clause(" WHERE ", stmt.where_clause.as_ref());
        self.put(if stmt.instead { " DO INSTEAD " } else { " DO ALSO " });
        if stmt.actions.is_empty() {
            return self.put("NOTHING");
        }
        // With a semicolon the parentheses are not the query's own.
        self.parens(|p| {
            for action in &stmt.actions {
                p.statement(action);
                p.put("; ");
            }
        });
    }

    // ----- casts, transforms, languages

    pub(super) fn create_cast(&mut self, stmt: &CreateCastStmt) {
        self.put("CREATE CAST ");
        self.cast(&stmt.source, &stmt.target);
        match &stmt.function {
            Some(function) => {
                self.put(" WITH FUNCTION ");
                self.object_with_args(ObjectType::Function, function);
            }
            None => self.put(if stmt.inout { " WITH INOUT" } else { " WITHOUT FUNCTION" }),
        }
        self.put(match stmt.context {
            CastContext::Implicit => " AS IMPLICIT",
            CastContext::Assignment => " AS ASSIGNMENT",
            CastContext::Explicit => "",
        });
    }

    pub(super) fn create_transform(&mut self, stmt: &CreateTransformStmt) {
        self.put("CREATE ");
        self.word(stmt.replace, "OR REPLACE ");
        self.put("TRANSFORM FOR ");
        self.type_name(&stmt.type_name);
        self.named(" LANGUAGE ", Some(&stmt.language));
        self.put(" ");
        self.parens(|p| {
            if let Some(function) = &stmt.from_sql {
                p.put("FROM SQL WITH FUNCTION ");
                p.object_with_args(ObjectType::Function, function);
            }
            p.word(stmt.from_sql.is_some() && stmt.to_sql.is_some(), ", ");
            if let Some(function) = &stmt.to_sql {
                p.put("TO SQL WITH FUNCTION ");
                p.object_with_args(ObjectType::Function, function);
            }
        });
    }

    pub(super) fn create_conversion(&mut self, stmt: &CreateConversionStmt) {
        self.put(if stmt.is_default { "CREATE DEFAULT CONVERSION " } else { "CREATE CONVERSION " });
        self.any_name(&stmt.name);
        self.with_string(" FOR ", Some(&stmt.for_encoding));
        self.with_string(" TO ", Some(&stmt.to_encoding));
        self.named_any(" FROM ", Some(&stmt.function));
    }

    pub(super) fn create_language(&mut self, stmt: &CreatePLangStmt) {
        self.put("CREATE ");
        self.word(stmt.replace, "OR REPLACE ");
        self.word(stmt.trusted, "TRUSTED ");
        self.named("LANGUAGE ", Some(&stmt.name));
        self.named_any(" HANDLER ", stmt.handler.as_ref());
        self.named_any(" INLINE ", stmt.inline.as_ref());
        self.named_any(" VALIDATOR ", stmt.validator.as_ref());
    }
}

/// The words that say what kind of object follows.
pub fn object_words(kind: ObjectType) -> &'static str {
    match kind {
        ObjectType::AccessMethod => "ACCESS METHOD",
        ObjectType::Aggregate => "AGGREGATE",
        ObjectType::Attribute => "ATTRIBUTE",
        ObjectType::Cast => "CAST",
        ObjectType::Column => "COLUMN",
        ObjectType::Collation => "COLLATION",
        ObjectType::Conversion => "CONVERSION",
        ObjectType::Database => "DATABASE",
        ObjectType::Domain => "DOMAIN",
        ObjectType::DomConstraint | ObjectType::TabConstraint => "CONSTRAINT",
        ObjectType::EventTrigger => "EVENT TRIGGER",
        ObjectType::Extension => "EXTENSION",
        ObjectType::Fdw => "FOREIGN DATA WRAPPER",
        ObjectType::ForeignServer => "SERVER",
        ObjectType::ForeignTable => "FOREIGN TABLE",
        ObjectType::Function => "FUNCTION",
        ObjectType::Index => "INDEX",
        ObjectType::Language => "LANGUAGE",
        ObjectType::LargeObject => "LARGE OBJECT",
        ObjectType::MatView => "MATERIALIZED VIEW",
        ObjectType::OpClass => "OPERATOR CLASS",
        ObjectType::Operator => "OPERATOR",
        ObjectType::OpFamily => "OPERATOR FAMILY",
        ObjectType::ParameterAcl => "PARAMETER",
        ObjectType::Policy => "POLICY",
        ObjectType::Procedure => "PROCEDURE",
        ObjectType::Publication => "PUBLICATION",
        ObjectType::Role => "ROLE",
        ObjectType::Routine => "ROUTINE",
        ObjectType::Rule => "RULE",
        ObjectType::Schema => "SCHEMA",
        ObjectType::Sequence => "SEQUENCE",
        ObjectType::Subscription => "SUBSCRIPTION",
        ObjectType::StatisticExt => "STATISTICS",
        ObjectType::Table => "TABLE",
        ObjectType::Tablespace => "TABLESPACE",
        ObjectType::Transform => "TRANSFORM",
        ObjectType::Trigger => "TRIGGER",
        ObjectType::TsConfiguration => "TEXT SEARCH CONFIGURATION",
        ObjectType::TsDictionary => "TEXT SEARCH DICTIONARY",
        ObjectType::TsParser => "TEXT SEARCH PARSER",
        ObjectType::TsTemplate => "TEXT SEARCH TEMPLATE",
        ObjectType::Type => "TYPE",
        ObjectType::View => "VIEW",
    }
}
