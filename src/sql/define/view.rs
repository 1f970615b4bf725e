//! CREATE VIEW.
//!
//! Specification: sql-createview.html, reloptions.c.

use super::{Defined, Definer, ddl, relation_name};
use crate::error::{Error, Result, SqlState};
use crate::sql::ddl::{CreateView, Ddl};
use crate::sql::syntax::ast::definition::{DefArg, DefElem, ViewCheckOption, ViewStmt};
use crate::sql::syntax::ast::query::Persistence;

impl Definer<'_> {
    pub(super) fn create_view(self, view: &ViewStmt) -> Defined {
        let mut parameters = view_parameters(&view.options)?;
        match view.check_option {
            ViewCheckOption::None => {}
            ViewCheckOption::Local => parameters.push("check_option=local".to_owned()),
            ViewCheckOption::Cascaded => parameters.push("check_option=cascaded".to_owned()),
        }
        let create = CreateView {
            name: relation_name(&view.view),
            or_replace: view.replace,
            temporary: view.view.persistence == Persistence::Temporary,
            columns: view.columns.clone(),
            query: Box::new(view.query.clone()),
            parameters,
        };
        ddl(Ddl::CreateView(Box::new(create)), "CREATE VIEW")
    }
}

/// A view's WITH (…), each as "name=value".
pub(super) fn view_parameters(options: &[DefElem]) -> Result<Vec<String>> {
    let mut parameters = Vec::new();
    for option in options {
        let value = option_text(option);
        let known = match option.name.as_str() {
            "check_option" if !["local", "cascaded"].contains(&value.as_str()) => {
                let message = "invalid value for enum option \"check_option\": ".to_owned() + &value;
                let error = Error::new(SqlState::INVALID_PARAMETER_VALUE, message);
                return Err(error.with_detail("Valid values are \"local\" and \"cascaded\"."));
            }
            "security_barrier" | "security_invoker" if !is_boolean(&value) => {
                let message = format!("invalid value for boolean option \"{}\": {value}", option.name);
                return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
            }
            name => ["check_option", "security_barrier", "security_invoker"].contains(&name),
        };
        if !known || option.namespace.is_some() {
            let message = format!("unrecognized parameter \"{}\"", option.name);
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
        }
        parameters.push(format!("{}={value}", option.name));
    }
    Ok(parameters)
}

/// An option's value as text; one that is only named is true.
fn option_text(option: &DefElem) -> String {
    match &option.arg {
        None => "true".to_owned(),
        Some(DefArg::String(text) | DefArg::Float(text)) => text.clone(),
        Some(DefArg::Integer(number)) => number.to_string(),
        Some(DefArg::Boolean(value)) => value.to_string(),
        Some(DefArg::TypeName(name)) => name.names.join("."),
        Some(DefArg::Name(name)) => name.join("."),
        Some(_) => String::new(),
    }
}

/// Whether a text is a boolean's, as parse_bool() reads it.
fn is_boolean(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let words = ["true", "false", "yes", "no"];
    let begins = |word: &&str| !text.is_empty() && word.starts_with(&text);
    words.iter().any(begins) || ["on", "off", "of", "1", "0"].contains(&text.as_str())
}
