//! DO.
//!
//! Specification: sql-do.html, ExecuteDoStmt in functioncmds.c.

use crate::error::{Error, Result, SqlState};
use crate::sql::syntax::ast::definition::{DefArg, DefElem};
use crate::sql::utility::Utility;

pub(super) fn block<'s>(args: &[DefElem]) -> Result<Utility<'s>> {
    let (mut body, mut language) = (None, None);
    for arg in args {
        let place = match arg.name.as_str() {
            "as" => &mut body,
            _ => &mut language,
        };
        let text = match &arg.arg {
            Some(DefArg::String(text)) => text.clone(),
            Some(DefArg::Strings(texts)) => texts.concat(),
            _ => return Err(Error::internal("an option of DO without a text")),
        };
        if place.replace(text).is_some() {
            return Err(Error::new(SqlState::SYNTAX_ERROR, "conflicting or redundant options"));
        }
    }
    let Some(body) = body else { return Err(Error::new(SqlState::SYNTAX_ERROR, "no inline code specified")) };
    match language.as_deref().unwrap_or("plpgsql").to_lowercase().as_str() {
        "plpgsql" => Ok(Utility::Do(body)),
        language @ ("sql" | "c" | "internal") => {
            let message = format!("language \"{language}\" does not support inline code execution");
            Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message))
        }
        language => {
            let message = format!("language \"{language}\" does not exist");
            Err(Error::new(SqlState::UNDEFINED_OBJECT, message))
        }
    }
}
