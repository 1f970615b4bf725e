//! CREATE, ALTER and DROP DATABASE, COMMENT ON DATABASE; CREATE, ALTER and DROP ROLE.
//!
//! Specification: sql-createdatabase.html and its kin, gram.y's CreatedbStmt, AlterDatabaseStmt, AlterRoleStmt.

use sqlparser::tokenizer::Token;

use crate::error::Result;
use crate::sql::database::{DatabaseCommand, DefElem, DefValue, RoleSpec, SettingChange};
use crate::sql::utility::Utility;
use crate::sql::utility::tokens::Cursor;
use crate::sql::utility::variable::assignment;

/// The words for a role.
const ROLE: &[&str] = &["ROLE", "USER", "GROUP"];

type Command<'t> = Result<Utility<'t>>;

/// The rule for a statement whose first words are these, if it is one of those that belong here.
pub(super) fn rule(first: &str, c: &Cursor<'_>) -> Option<for<'t> fn(&mut Cursor<'t>) -> Command<'t>> {
    let is_role = || ROLE.iter().any(|word| c.looking_at(word)) && !c.looking_beyond("MAPPING");
    match first {
        "CREATE" if c.looking_at("DATABASE") => Some(create),
        "ALTER" if c.looking_at("DATABASE") => Some(alter),
        "DROP" if c.looking_at("DATABASE") => Some(drop),
        "COMMENT" if c.looking_at("ON") && c.looking_beyond("DATABASE") => Some(comment),
        "CREATE" if is_role() => Some(create_role),
        "ALTER" if is_role() => Some(alter_role),
        "DROP" if is_role() => Some(drop_role),
        _ => None,
    }
}

fn create<'t>(c: &mut Cursor<'t>) -> Command<'t> {
    c.require("DATABASE")?;
    let name = c.name()?;
    Ok(Utility::Database(DatabaseCommand::Create { name, options: options(c)? }, "CREATE DATABASE"))
}

/// [WITH] name [=] value …
fn options(c: &mut Cursor<'_>) -> Result<Vec<DefElem>> {
    c.keyword("WITH");
    let mut options = Vec::new();
    while c.peek().is_some() {
        let position = c.position();
        let name = if c.keywords(&["CONNECTION", "LIMIT"]) { "connection_limit".to_owned() } else { c.name()? };
        c.accept(&Token::Eq);
        options.push(DefElem { name, value: value(c)?, position });
    }
    Ok(options)
}

fn value(c: &mut Cursor<'_>) -> Result<DefValue> {
    if c.keyword("DEFAULT") {
        return Ok(DefValue::Default);
    }
    let is_number = matches!(c.peek(), Some(Token::Number(..) | Token::Minus | Token::Plus));
    let text = c.value()?;
    Ok(if is_number { DefValue::Number(text) } else { DefValue::Text(text) })
}

fn alter<'t>(c: &mut Cursor<'t>) -> Command<'t> {
    c.require("DATABASE")?;
    let name = c.name()?;
    let command = if c.keywords(&["RENAME", "TO"]) {
        DatabaseCommand::Rename { name, to: c.name()? }
    } else if c.keywords(&["OWNER", "TO"]) {
        DatabaseCommand::Owner { name, owner: role(c)? }
    } else if c.keywords(&["REFRESH", "COLLATION", "VERSION"]) {
        DatabaseCommand::RefreshCollation { name }
    } else if c.looking_at("SET") && c.looking_beyond("TABLESPACE") {
        c.require("SET")?;
        let position = c.position();
        c.require("TABLESPACE")?;
        let option = DefElem { name: "tablespace".to_owned(), value: DefValue::Text(c.name()?), position };
        DatabaseCommand::Alter { name, options: vec![option] }
    } else if let Some(change) = setting(c)? {
        DatabaseCommand::Set { database: Some(name), role: None, change }
    } else {
        DatabaseCommand::Alter { name, options: options(c)? }
    };
    Ok(Utility::Database(command, "ALTER DATABASE"))
}

/// SET and RESET.
fn setting(c: &mut Cursor<'_>) -> Result<Option<SettingChange>> {
    if c.keyword("RESET") {
        let change = if c.keyword("ALL") {
            SettingChange::ResetAll
        } else if c.keywords(&["TIME", "ZONE"]) {
            SettingChange::Reset("timezone".to_owned())
        } else {
            SettingChange::Reset(variable(c)?)
        };
        return Ok(Some(change));
    }
    if !c.keyword("SET") {
        return Ok(None);
    }
    let start = c.at;
    if let Ok(name) = variable(c)
        && c.keywords(&["FROM", "CURRENT"])
    {
        return Ok(Some(SettingChange::FromCurrent(name)));
    }
    c.at = start;
    let (name, value) = assignment(c)?;
    Ok(Some(SettingChange::Set(name, value)))
}

fn variable(c: &mut Cursor<'_>) -> Result<String> {
    let mut name = c.name()?;
    while c.accept(&Token::Period) {
        name = format!("{name}.{}", c.name()?);
    }
    Ok(name)
}

fn drop<'t>(c: &mut Cursor<'t>) -> Command<'t> {
    c.require("DATABASE")?;
    let if_exists = c.keywords(&["IF", "EXISTS"]);
    let name = c.name()?;
    let with = c.keyword("WITH");
    let mut force = false;
    if with || c.peek().is_some() {
        c.expect(&Token::LParen)?;
        loop {
            c.require("FORCE")?;
            force = true;
            if !c.accept(&Token::Comma) {
                break;
            }
        }
        c.expect(&Token::RParen)?;
    }
    Ok(Utility::Database(DatabaseCommand::Drop { name, if_exists, force }, "DROP DATABASE"))
}

fn comment<'t>(c: &mut Cursor<'t>) -> Command<'t> {
    c.require("ON")?;
    c.require("DATABASE")?;
    let name = c.name()?;
    c.require("IS")?;
    let text = if c.keyword("NULL") { None } else { Some(c.string()?).filter(|text| !text.is_empty()) };
    Ok(Utility::Database(DatabaseCommand::Comment { name, text }, "COMMENT"))
}

/// RoleSpec
fn role(c: &mut Cursor<'_>) -> Result<RoleSpec> {
    let current = ["CURRENT_USER", "CURRENT_ROLE", "SESSION_USER"].iter().any(|word| c.keyword(word));
    if current { Ok(RoleSpec::Current) } else { Ok(RoleSpec::Named(c.name()?)) }
}

fn role_word(c: &mut Cursor<'_>) {
    let _ = ROLE.iter().any(|word| c.keyword(word));
}

fn create_role<'t>(c: &mut Cursor<'t>) -> Command<'t> {
    role_word(c);
    let name = c.name()?;
    role_options(c)?;
    Ok(Utility::Database(DatabaseCommand::CreateRole { name }, "CREATE ROLE"))
}

fn alter_role<'t>(c: &mut Cursor<'t>) -> Command<'t> {
    role_word(c);
    let role = if c.keyword("ALL") { None } else { Some(role(c)?) };
    let database = if c.keywords(&["IN", "DATABASE"]) { Some(c.name()?) } else { None };
    let command = match (setting(c)?, role) {
        (Some(change), role) => DatabaseCommand::Set { database, role, change },
        (None, Some(role)) if database.is_none() => DatabaseCommand::AlterRole { role, options: role_options(c)? },
        (None, _) => return Err(c.unexpected()),
    };
    Ok(Utility::Database(command, "ALTER ROLE"))
}

/// Options of a role: words, of which some take a value, RENAME TO and ADD and DROP USER among them.
fn role_options(c: &mut Cursor<'_>) -> Result<Vec<DefElem>> {
    c.keyword("WITH");
    let mut options = Vec::new();
    while c.peek().is_some() {
        let position = c.position();
        let (name, value) = if c.keywords(&["CONNECTION", "LIMIT"]) {
            ("connection limit".to_owned(), value(c)?)
        } else if c.keywords(&["VALID", "UNTIL"]) {
            ("valid until".to_owned(), DefValue::Text(c.string()?))
        } else if c.keyword("PASSWORD") || c.keywords(&["ENCRYPTED", "PASSWORD"]) {
            let value = if c.keyword("NULL") { DefValue::Default } else { DefValue::Text(c.string()?) };
            ("password".to_owned(), value)
        } else if let Some(word) = ["IN", "ROLE", "ADMIN", "USER", "SYSID", "RENAME", "ADD", "DROP"]
            .into_iter()
            .find(|word| c.looking_at(word))
        {
            c.rest();
            (word.to_ascii_lowercase(), DefValue::Default)
        } else {
            (c.name()?, DefValue::Default)
        };
        options.push(DefElem { name, value, position });
    }
    Ok(options)
}

fn drop_role<'t>(c: &mut Cursor<'t>) -> Command<'t> {
    role_word(c);
    let if_exists = c.keywords(&["IF", "EXISTS"]);
    let mut roles = vec![role(c)?];
    while c.accept(&Token::Comma) {
        roles.push(role(c)?);
    }
    Ok(Utility::Database(DatabaseCommand::DropRole { roles, if_exists }, "DROP ROLE"))
}
