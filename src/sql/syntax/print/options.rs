//! Options: definitions, relations' options, OPTIONS (…), those of utility statements and of sequences.
//!
//! Where a word and a string mean the same, the string is printed.

use super::Printer;
use crate::sql::syntax::ast::definition::{DefArg, DefElem, DefElemAction};

impl Printer {
    /// NumericOnly, or a string for a word.
    fn plain_value(&mut self, arg: &DefArg) {
        match arg {
            DefArg::Integer(number) => self.put(&number.to_string()),
            DefArg::Float(text) => self.put(text),
            DefArg::String(text) => self.string(text),
            _ => self.unknown(),
        }
    }

    fn def_arg(&mut self, arg: &DefArg) {
        match arg {
            DefArg::TypeName(type_name) => self.type_name(type_name),
            DefArg::Operator(name) => self.operator_in_schema(name),
            other => self.plain_value(other),
        }
    }

    /// OPERATOR(schema.op)
    pub(super) fn operator_in_schema(&mut self, name: &[String]) {
        self.put("OPERATOR(");
        self.any_operator(name);
        self.put(")");
    }

    /// schema.op
    pub(super) fn any_operator(&mut self, name: &[String]) {
        let Some((operator, schemas)) = name.split_last() else { return self.unknown() };
        for schema in schemas {
            self.name(schema);
            self.put(".");
        }
        self.put(operator);
    }

    fn def_elem(&mut self, option: &DefElem) {
        self.named("", option.namespace.as_ref());
        self.word(option.namespace.is_some(), ".");
        self.name(&option.name);
        if let Some(arg) = &option.arg {
            self.put(" = ");
            self.def_arg(arg);
        }
    }

    /// definition, reloptions
    pub(super) fn definition(&mut self, options: &[DefElem]) {
        self.parens(|p| p.list(options, ", ", |p, option| p.def_elem(option)));
    }

    /// The same of old aggregates, whose names are no keywords.
    pub(super) fn old_definition(&mut self, options: &[DefElem]) {
        self.parens(|p| {
            p.list(options, ", ", |p, option| {
                p.quoted(&option.name);
                p.put(" = ");
                match &option.arg {
                    Some(arg) => p.def_arg(arg),
                    None => p.unknown(),
                }
            });
        });
    }

    /// The same of operators and types, where NONE is no value.
    pub(super) fn operator_definition(&mut self, options: &[DefElem]) {
        self.parens(|p| {
            p.list(options, ", ", |p, option| {
                p.name(&option.name);
                p.put(" = ");
                match &option.arg {
                    Some(arg) => p.def_arg(arg),
                    None => p.put("NONE"),
                }
            });
        });
    }

    /// [ WITH (…)]
    pub(super) fn opt_definition(&mut self, options: &[DefElem]) {
        if !options.is_empty() {
            self.put(" WITH ");
            self.definition(options);
        }
    }

    /// [ OPTIONS (SET name 'value', …)]
    pub(super) fn generic_options(&mut self, options: &[DefElem]) {
        if options.is_empty() {
            return;
        }
        self.put(" OPTIONS ");
        self.parens(|p| {
            p.list(options, ", ", |p, option| {
                p.put(match option.action {
                    DefElemAction::Unspecified => "",
                    DefElemAction::Set => "SET ",
                    DefElemAction::Add => "ADD ",
                    DefElemAction::Drop => "DROP ",
                });
                // The three words are names as well.
                p.quoted(&option.name);
                if let Some(arg) = &option.arg {
                    p.put(" ");
                    p.plain_value(arg);
                }
            });
        });
    }

    /// [ (name value, …)] of VACUUM, EXPLAIN …
    pub(super) fn utility_options(&mut self, options: &[DefElem]) {
        if options.is_empty() {
            return;
        }
        self.put(" ");
        self.parens(|p| {
            p.list(options, ", ", |p, option| {
                p.name(&option.name);
                if let Some(arg) = &option.arg {
                    p.put(" ");
                    p.plain_value(arg);
                }
            });
        });
    }

    // ----- sequences

    /// Options of a sequence, each with a blank before it.
    pub(super) fn sequence_options(&mut self, options: &[DefElem]) {
        for option in options {
            self.put(" ");
            self.sequence_option(option);
        }
    }

    /// [ (…)] of an identity column.
    pub(super) fn identity_options(&mut self, options: &[DefElem]) {
        if !options.is_empty() {
            self.put(" ");
            self.parens(|p| p.list(options, " ", |p, option| p.sequence_option(option)));
        }
    }

    pub(super) fn sequence_option(&mut self, option: &DefElem) {
        match (option.name.as_str(), &option.arg) {
            ("as", Some(DefArg::TypeName(type_name))) => {
                self.put("AS ");
                self.type_name(type_name);
            }
            ("cycle", Some(DefArg::Boolean(cycle))) => self.put(if *cycle { "CYCLE" } else { "NO CYCLE" }),
            ("maxvalue", None) => self.put("NO MAXVALUE"),
            ("minvalue", None) => self.put("NO MINVALUE"),
            ("owned_by", Some(DefArg::Name(name))) => {
                self.put("OWNED BY ");
                self.any_name(name);
            }
            ("sequence_name", Some(DefArg::Name(name))) => {
                self.put("SEQUENCE NAME ");
                self.any_name(name);
            }
            ("logged", None) => self.put("LOGGED"),
            ("unlogged", None) => self.put("UNLOGGED"),
            ("restart", None) => self.put("RESTART"),
            ("cache" | "increment" | "maxvalue" | "minvalue" | "restart" | "start", Some(value)) => {
                self.put(&option.name.to_ascii_uppercase());
                self.put(" ");
                self.plain_value(value);
            }
            _ => self.unknown(),
        }
    }

    // ----- databases, COPY

    /// [ name value …] of CREATE and ALTER DATABASE.
    pub(super) fn database_options(&mut self, options: &[DefElem]) {
        for option in options {
            self.put(" ");
            self.quoted(&option.name);
            self.put(" = ");
            match &option.arg {
                Some(arg) => self.plain_value(arg),
                None => self.put("DEFAULT"),
            }
        }
    }

    /// COPY's, of old where a word alone is true.
    pub(super) fn copy_options(&mut self, options: &[DefElem]) {
        if options.iter().any(|option| matches!(option.arg, Some(DefArg::Boolean(_)))) {
            return self.list(options, "", |p, option| p.old_copy_option(option));
        }
        if options.is_empty() {
            return;
        }
        self.put(" WITH ");
        self.parens(|p| {
            p.list(options, ", ", |p, option| {
                p.name(&option.name);
                p.word(option.arg.is_some(), " ");
                match &option.arg {
                    None => {}
                    Some(DefArg::Star) => p.put("*"),
                    Some(DefArg::Names(names)) => {
                        p.parens(|p| p.list(names, ", ", |p, name| p.list(name, ".", |p, part| p.string(part))));
                    }
                    Some(arg) => p.plain_value(arg),
                }
            });
        });
    }

    fn old_copy_option(&mut self, option: &DefElem) {
        let words = match option.name.as_str() {
            "force_quote" => "FORCE QUOTE",
            "force_not_null" => "FORCE NOT NULL",
            "force_null" => "FORCE NULL",
            other => &other.to_ascii_uppercase(),
        };
        self.put(" ");
        match (words, &option.arg) {
            ("FORMAT", Some(DefArg::String(format))) if format == "csv" || format == "binary" => self.put(format),
            ("FREEZE" | "HEADER", Some(DefArg::Boolean(true))) => self.put(words),
            ("ENCODING" | "DELIMITER" | "NULL" | "QUOTE" | "ESCAPE", Some(DefArg::String(text))) => {
                self.put(words);
                self.put(" ");
                self.string(text);
            }
            ("FORCE QUOTE", Some(DefArg::Star)) => self.put("FORCE QUOTE *"),
            ("FORCE QUOTE" | "FORCE NOT NULL" | "FORCE NULL", Some(DefArg::Names(names))) => {
                self.put(words);
                self.put(" ");
                self.list(names, ", ", |p, name| p.any_name(name));
            }
            _ => self.unknown(),
        }
    }
}
