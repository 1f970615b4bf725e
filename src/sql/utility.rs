//! Utility statements that are not about objects: transactions, variables, PREPARE, COPY, EXPLAIN, maintenance.
//!
//! Owns: [`statement`] and [`Utility`]: PostgreSQL's grammar of these statements over tokens, since most of them are
//! not the parser crate's. Schema changes are in `parse_ddl`. Specification: sql-commands.html, gram.y.

use sqlparser::tokenizer::{Token, TokenWithSpan};

use crate::error::{Error, Result, SqlState};
use crate::sql::parse;
use crate::sql::parse_ddl::fold;
use crate::sql::plan::{
    BeginMode, CopyDirection, CopyFormat, CopyHeader, CursorCommand, CursorOptions, DiscardTarget, FetchCount,
    FetchDirection, IsolationLevel, PreparedCommand, SessionCommand, Tag, TransactionCommand, TransactionModes,
    VariableCommand,
};

/// A parsed utility statement.
#[derive(Clone, Debug)]
pub enum Utility<'t> {
    Transaction(TransactionCommand, &'static str),
    Variable(VariableCommand, &'static str),
    /// PREPARE's parameter types as text.
    Prepare {
        name: String,
        types: Vec<String>,
        query: &'t str,
    },
    Prepared(PreparedCommand, &'static str),
    Session(SessionCommand, &'static str),
    Maintenance(Vec<Maintenance>, &'static str),
    /// DECLARE with its query.
    Declare {
        name: String,
        options: CursorOptions,
        query: &'t str,
    },
    /// FETCH, MOVE and CLOSE.
    Cursor(CursorCommand, Tag),
    /// The explained statement.
    Explain {
        statement: &'t str,
    },
    Copy(CopyStatement<'t>),
    /// LOCK TABLE names; `write` if the mode conflicts with writers.
    Lock {
        tables: Vec<(Option<String>, String)>,
        write: bool,
        nowait: bool,
    },
}

/// VACUUM, ANALYZE and CHECKPOINT, with the table if one was named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Maintenance {
    Vacuum,
    Analyze(Option<(Option<String>, String)>),
    Checkpoint,
}

/// COPY before its names are looked up.
#[derive(Clone, Debug)]
pub struct CopyStatement<'t> {
    pub source: CopySource<'t>,
    pub direction: CopyDirection,
    pub options: CopyWords,
}

#[derive(Clone, Debug)]
pub enum CopySource<'t> {
    Table { schema: Option<String>, table: String, columns: Vec<String> },
    Query(&'t str),
}

/// COPY's options as written.
#[derive(Clone, Debug, Default)]
pub struct CopyWords {
    pub format: Option<CopyFormat>,
    pub delimiter: Option<String>,
    pub null: Option<String>,
    pub header: Option<CopyHeader>,
    pub quote: Option<String>,
    pub escape: Option<String>,
    /// `None` inside is `*`.
    pub force_quote: Option<Option<Vec<String>>>,
    pub force_not_null: Option<Vec<String>>,
    pub force_null: Option<Vec<String>>,
}

/// Parses a statement if its first word is one of those that belong here.
pub fn statement(text: &str) -> Option<Result<Utility<'_>>> {
    let end = text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(text.len());
    let first = text.get(..end)?.to_ascii_uppercase();
    type Rule = for<'t> fn(&mut Cursor<'t>) -> Result<Utility<'t>>;
    let rule: Rule = match first.as_str() {
        "BEGIN" => begin,
        "START" => start_transaction,
        "COMMIT" | "END" => commit,
        "ROLLBACK" | "ABORT" => rollback,
        "SAVEPOINT" => |c| Ok(Utility::Transaction(TransactionCommand::Savepoint(c.name()?), "SAVEPOINT")),
        "RELEASE" => |c| {
            c.keyword("SAVEPOINT");
            Ok(Utility::Transaction(TransactionCommand::Release(c.name()?), "RELEASE"))
        },
        "SET" => set,
        "RESET" => reset,
        "SHOW" => show,
        "DISCARD" => discard,
        "DEALLOCATE" => deallocate,
        "PREPARE" => prepare,
        "EXECUTE" => execute,
        "LOCK" => lock,
        "VACUUM" => vacuum,
        "ANALYZE" | "ANALYSE" => analyze,
        "CHECKPOINT" => |_| Ok(Utility::Maintenance(vec![Maintenance::Checkpoint], "CHECKPOINT")),
        "EXPLAIN" => explain,
        "COPY" => copy,
        "DECLARE" => declare,
        "FETCH" => |c| fetch(c, false),
        "MOVE" => |c| fetch(c, true),
        "CLOSE" => |c| {
            let name = if c.keyword("ALL") { None } else { Some(c.name()?) };
            Ok(Utility::Cursor(CursorCommand::Close(name), Tag::Fixed("CLOSE CURSOR")))
        },
        "LISTEN" => |c| Ok(Utility::Session(SessionCommand::Listen(c.name()?), "LISTEN")),
        "UNLISTEN" => |c| {
            let channel = if c.accept(&Token::Mul) { None } else { Some(c.name()?) };
            Ok(Utility::Session(SessionCommand::Unlisten(channel), "UNLISTEN"))
        },
        "NOTIFY" => |c| {
            let channel = c.name()?;
            let payload = if c.accept(&Token::Comma) { c.string()? } else { String::new() };
            Ok(Utility::Session(SessionCommand::Notify { channel, payload }, "NOTIFY"))
        },
        "DO" => |_| Err(Error::unsupported("DO")),
        "CALL" => |_| Err(Error::unsupported("CALL")),
        "LOAD" => |_| Err(Error::unsupported("LOAD")),
        "MERGE" => |_| Err(Error::unsupported("MERGE")),
        _ => return None,
    };
    Some(Cursor::new(text).and_then(|mut cursor| {
        cursor.at = 1;
        let parsed = rule(&mut cursor)?;
        cursor.end()?;
        Ok(parsed)
    }))
}

/// The statement's tokens.
struct Cursor<'t> {
    text: &'t str,
    tokens: Vec<TokenWithSpan>,
    at: usize,
}

impl<'t> Cursor<'t> {
    fn new(text: &'t str) -> Result<Self> {
        Ok(Cursor { text, tokens: parse::tokens(text)?, at: 0 })
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|t| &t.token)
    }

    fn unexpected(&self) -> Error {
        parse::unexpected(self.text, self.tokens.get(self.at))
    }

    fn end(&self) -> Result<()> {
        if self.at < self.tokens.len() { Err(self.unexpected()) } else { Ok(()) }
    }

    /// Whether the next token is this keyword, unquoted.
    fn looking_at(&self, keyword: &str) -> bool {
        matches!(self.peek(), Some(Token::Word(w)) if w.quote_style.is_none() && w.value.eq_ignore_ascii_case(keyword))
    }

    /// Consumes the keyword if it is next.
    fn keyword(&mut self, keyword: &str) -> bool {
        let found = self.looking_at(keyword);
        self.at += usize::from(found);
        found
    }

    fn keywords(&mut self, keywords: &[&str]) -> bool {
        let start = self.at;
        if keywords.iter().all(|k| self.keyword(k)) {
            return true;
        }
        self.at = start;
        false
    }

    fn require(&mut self, keyword: &str) -> Result<()> {
        if self.keyword(keyword) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn accept(&mut self, token: &Token) -> bool {
        let found = self.peek() == Some(token);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, token: &Token) -> Result<()> {
        if self.accept(token) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// An identifier, folded.
    fn name(&mut self) -> Result<String> {
        match self.peek() {
            Some(Token::Word(word)) if word.value.is_empty() => {
                let message = r#"zero-length delimited identifier at or near """""#;
                Err(Error::new(SqlState::SYNTAX_ERROR, message).with_position(self.position()))
            }
            Some(Token::Word(word)) => {
                let name = fold(&word.value, word.quote_style.is_some());
                self.at += 1;
                Ok(name)
            }
            _ => Err(self.unexpected()),
        }
    }

    fn names(&mut self) -> Result<Vec<String>> {
        let mut names = vec![self.name()?];
        while self.accept(&Token::Comma) {
            names.push(self.name()?);
        }
        Ok(names)
    }

    fn qualified_name(&mut self) -> Result<(Option<String>, String)> {
        let first = self.name()?;
        if self.accept(&Token::Period) {
            return Ok((Some(first), self.name()?));
        }
        Ok((None, first))
    }

    fn string(&mut self) -> Result<String> {
        let text = match self.peek() {
            Some(Token::SingleQuotedString(s) | Token::EscapedStringLiteral(s)) => s.clone(),
            _ => return Err(self.unexpected()),
        };
        self.at += 1;
        Ok(text)
    }

    /// Byte offset of the next token.
    fn offset(&self) -> usize {
        let token = self.tokens.get(self.at);
        token.and_then(|t| parse::byte_offset(self.text, t.span.start)).unwrap_or(self.text.len())
    }

    /// The next token's place as errors tell it: characters, from 1.
    fn position(&self) -> u32 {
        self.text.get(..self.offset()).map_or(0, |text| text.chars().count()) as u32 + 1
    }

    /// The text from the next token to the end; consumes it.
    fn rest(&mut self) -> &'t str {
        let rest = self.text.get(self.offset()..).unwrap_or("");
        self.at = self.tokens.len();
        rest
    }

    /// The text up to the parenthesis that closes the one before the next token; consumes both.
    fn parenthesised(&mut self) -> Result<&'t str> {
        let start = self.offset();
        let mut depth = 1;
        while let Some(token) = self.peek() {
            match token {
                Token::LParen => depth += 1,
                Token::RParen => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                let text = self.text.get(start..self.offset()).unwrap_or("");
                self.at += 1;
                return Ok(text);
            }
            self.at += 1;
        }
        Err(self.unexpected())
    }
}

// ----- transactions

fn begin<'t>(c: &mut Cursor<'t>) -> Result<Utility<'t>> {
    let begin =
        [("DEFERRED", BeginMode::Deferred), ("IMMEDIATE", BeginMode::Immediate), ("EXCLUSIVE", BeginMode::Exclusive)]
            .into_iter()
            .find(|(word, _)| c.keyword(word))
            .map(|(_, mode)| mode);
    let _ = c.keyword("WORK") || c.keyword("TRANSACTION");
    let modes = TransactionModes { begin, ..modes(c)? };
    Ok(Utility::Transaction(TransactionCommand::Begin(modes), "BEGIN"))
}

fn start_transaction<'t>(c: &mut Cursor<'t>) -> Result<Utility<'t>> {
    c.require("TRANSACTION")?;
    Ok(Utility::Transaction(TransactionCommand::Begin(modes(c)?), "START TRANSACTION"))
}

/// ISOLATION LEVEL …, READ ONLY / WRITE, [NOT] DEFERRABLE; commas between them may be left out.
fn modes(c: &mut Cursor<'_>) -> Result<TransactionModes> {
    let mut modes = TransactionModes::default();
    loop {
        if c.keywords(&["ISOLATION", "LEVEL"]) {
            modes.isolation = Some(isolation_level(c)?);
        } else if c.keywords(&["READ", "ONLY"]) {
            modes.read_only = Some(true);
        } else if c.keywords(&["READ", "WRITE"]) {
            modes.read_only = Some(false);
        } else if c.keyword("DEFERRABLE") {
            modes.deferrable = Some(true);
        } else if c.keywords(&["NOT", "DEFERRABLE"]) {
            modes.deferrable = Some(false);
        } else {
            return Ok(modes);
        }
        c.accept(&Token::Comma);
    }
}

fn isolation_level(c: &mut Cursor<'_>) -> Result<IsolationLevel> {
    if c.keywords(&["READ", "UNCOMMITTED"]) {
        Ok(IsolationLevel::ReadUncommitted)
    } else if c.keywords(&["READ", "COMMITTED"]) {
        Ok(IsolationLevel::ReadCommitted)
    } else if c.keywords(&["REPEATABLE", "READ"]) {
        Ok(IsolationLevel::RepeatableRead)
    } else if c.keyword("SERIALIZABLE") {
        Ok(IsolationLevel::Serializable)
    } else {
        Err(c.unexpected())
    }
}

fn chain(c: &mut Cursor<'_>) -> Result<bool> {
    let _ = c.keyword("WORK") || c.keyword("TRANSACTION");
    if c.keywords(&["AND", "NO", "CHAIN"]) {
        return Ok(false);
    }
    Ok(c.keywords(&["AND", "CHAIN"]))
}

fn commit<'t>(c: &mut Cursor<'t>) -> Result<Utility<'t>> {
    if c.looking_at("PREPARED") {
        return Err(Error::unsupported("two-phase commit"));
    }
    Ok(Utility::Transaction(TransactionCommand::Commit { chain: chain(c)? }, "COMMIT"))
}

fn rollback<'t>(c: &mut Cursor<'t>) -> Result<Utility<'t>> {
    if c.looking_at("PREPARED") {
        return Err(Error::unsupported("two-phase commit"));
    }
    let start = c.at;
    let _ = c.keyword("WORK") || c.keyword("TRANSACTION");
    if c.keyword("TO") {
        c.keyword("SAVEPOINT");
        return Ok(Utility::Transaction(TransactionCommand::RollbackTo(c.name()?), "ROLLBACK"));
    }
    c.at = start;
    Ok(Utility::Transaction(TransactionCommand::Rollback { chain: chain(c)? }, "ROLLBACK"))
}

// ----- variables

fn set<'t>(c: &mut Cursor<'t>) -> Result<Utility<'t>> {
    if c.keyword("CONSTRAINTS") {
        let names = if c.keyword("ALL") {
            None
        } else {
            let mut names = vec![c.qualified_name()?];
            while c.accept(&Token::Comma) {
                names.push(c.qualified_name()?);
            }
            Some(names)
        };
        let deferred = c.keyword("DEFERRED");
        if !deferred {
            c.require("IMMEDIATE")?;
        }
        return Ok(Utility::Transaction(TransactionCommand::SetConstraints { names, deferred }, "SET CONSTRAINTS"));
    }
    if c.keywords(&["SESSION", "CHARACTERISTICS", "AS", "TRANSACTION"]) {
        return Ok(Utility::Transaction(TransactionCommand::SetCharacteristics(modes(c)?), "SET"));
    }
    if c.keyword("TRANSACTION") {
        if c.looking_at("SNAPSHOT") {
            return Err(Error::unsupported("SET TRANSACTION SNAPSHOT"));
        }
        return Ok(Utility::Transaction(TransactionCommand::SetTransaction(modes(c)?), "SET"));
    }
    let local = c.keyword("LOCAL");
    if !local {
        c.keyword("SESSION");
    }
    let (name, value) = assignment(c)?;
    Ok(Utility::Variable(VariableCommand::Set { name, value, local }, "SET"))
}

/// name { = | TO } value, and the special spellings.
fn assignment(c: &mut Cursor<'_>) -> Result<(String, Option<String>)> {
    if c.keywords(&["TIME", "ZONE"]) {
        let local = c.keyword("LOCAL") || c.keyword("DEFAULT");
        let value = if local { None } else { Some(time_zone(c)?) };
        return Ok(("timezone".to_owned(), value));
    }
    if c.keyword("NAMES") {
        let default = c.at >= c.tokens.len() || c.keyword("DEFAULT");
        return Ok(("client_encoding".to_owned(), if default { None } else { Some(c.string()?) }));
    }
    if c.keywords(&["AUTHORIZATION"]) {
        let value = if c.keyword("DEFAULT") { None } else { Some(value(c)?) };
        return Ok(("session_authorization".to_owned(), value));
    }
    if c.keyword("ROLE") {
        return Ok(("role".to_owned(), Some(value(c)?)));
    }
    let mut name = c.name()?;
    while c.accept(&Token::Period) {
        name = format!("{name}.{}", c.name()?);
    }
    if !c.accept(&Token::Eq) {
        c.require("TO")?;
    }
    if c.keyword("DEFAULT") {
        return Ok((name, None));
    }
    let mut values = vec![list_value(c, &name)?];
    while c.accept(&Token::Comma) {
        values.push(list_value(c, &name)?);
    }
    Ok((name, Some(values.join(", "))))
}

fn time_zone(c: &mut Cursor<'_>) -> Result<String> {
    if c.keyword("INTERVAL") {
        return Err(Error::unsupported("SET TIME ZONE INTERVAL"));
    }
    value(c)
}

/// One value; in lists of identifiers a quoted one keeps its quotes where it needs them.
fn list_value(c: &mut Cursor<'_>, variable: &str) -> Result<String> {
    let text = value(c)?;
    let plain = text.chars().all(|ch| ch.is_ascii_lowercase() || ch.is_ascii_digit() || ch == '_')
        && text.chars().next().is_some_and(|ch| !ch.is_ascii_digit());
    if variable == "search_path" && !plain {
        return Ok(format!("\"{}\"", text.replace('"', "\"\"")));
    }
    Ok(text)
}

/// A word, string or number as text.
fn value(c: &mut Cursor<'_>) -> Result<String> {
    let sign = if c.accept(&Token::Minus) {
        "-"
    } else {
        c.accept(&Token::Plus);
        ""
    };
    let text = match c.peek() {
        Some(Token::SingleQuotedString(s) | Token::EscapedStringLiteral(s)) => s.clone(),
        Some(Token::Number(n, _)) => format!("{sign}{n}"),
        Some(Token::Word(w)) => fold(&w.value, w.quote_style.is_some()),
        _ => return Err(c.unexpected()),
    };
    c.at += 1;
    Ok(text)
}

/// The variable's name, the special spellings included.
fn variable_name(c: &mut Cursor<'_>) -> Result<String> {
    if c.keywords(&["TIME", "ZONE"]) {
        return Ok("timezone".to_owned());
    }
    if c.keywords(&["TRANSACTION", "ISOLATION", "LEVEL"]) {
        return Ok("transaction_isolation".to_owned());
    }
    if c.keywords(&["SESSION", "AUTHORIZATION"]) {
        return Ok("session_authorization".to_owned());
    }
    let mut name = c.name()?;
    while c.accept(&Token::Period) {
        name = format!("{name}.{}", c.name()?);
    }
    Ok(name)
}

fn reset<'t>(c: &mut Cursor<'t>) -> Result<Utility<'t>> {
    let command =
        if c.keyword("ALL") { VariableCommand::ResetAll } else { VariableCommand::Reset { name: variable_name(c)? } };
    Ok(Utility::Variable(command, "RESET"))
}

fn show<'t>(c: &mut Cursor<'t>) -> Result<Utility<'t>> {
    let command =
        if c.keyword("ALL") { VariableCommand::ShowAll } else { VariableCommand::Show { name: variable_name(c)? } };
    Ok(Utility::Variable(command, "SHOW"))
}

// ----- the session's own things

fn discard<'t>(c: &mut Cursor<'t>) -> Result<Utility<'t>> {
    let targets = [
        ("ALL", DiscardTarget::All, "DISCARD ALL"),
        ("PLANS", DiscardTarget::Plans, "DISCARD PLANS"),
        ("SEQUENCES", DiscardTarget::Sequences, "DISCARD SEQUENCES"),
        ("TEMP", DiscardTarget::Temp, "DISCARD TEMP"),
        ("TEMPORARY", DiscardTarget::Temp, "DISCARD TEMP"),
    ];
    match targets.into_iter().find(|(word, ..)| c.keyword(word)) {
        Some((_, target, tag)) => Ok(Utility::Session(SessionCommand::Discard(target), tag)),
        None => Err(c.unexpected()),
    }
}

fn deallocate<'t>(c: &mut Cursor<'t>) -> Result<Utility<'t>> {
    c.keyword("PREPARE");
    if c.keyword("ALL") {
        return Ok(Utility::Prepared(PreparedCommand::DeallocateAll, "DEALLOCATE ALL"));
    }
    Ok(Utility::Prepared(PreparedCommand::Deallocate { name: c.name()? }, "DEALLOCATE"))
}

fn prepare<'t>(c: &mut Cursor<'t>) -> Result<Utility<'t>> {
    if c.looking_at("TRANSACTION") {
        return Err(Error::unsupported("two-phase commit"));
    }
    let name = c.name()?;
    let mut types = Vec::new();
    if c.accept(&Token::LParen) {
        types = split_commas(c.parenthesised()?);
    }
    c.require("AS")?;
    Ok(Utility::Prepare { name, types, query: c.rest() })
}

fn execute<'t>(c: &mut Cursor<'t>) -> Result<Utility<'t>> {
    let name = c.name()?;
    let mut arguments = Vec::new();
    if c.accept(&Token::LParen) {
        arguments = split_commas(c.parenthesised()?);
    }
    Ok(Utility::Prepared(PreparedCommand::Execute { name, arguments }, "EXECUTE"))
}

/// Splits at commas outside of parentheses, brackets and quotes.
fn split_commas(text: &str) -> Vec<String> {
    let Ok(tokens) = parse::tokens(text) else { return vec![text.to_owned()] };
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0, 0);
    for token in &tokens {
        match token.token {
            Token::LParen | Token::LBracket => depth += 1,
            Token::RParen | Token::RBracket => depth -= 1,
            Token::Comma if depth == 0 => {
                let at = parse::byte_offset(text, token.span.start).unwrap_or(text.len());
                parts.push(text.get(start..at).unwrap_or("").trim().to_owned());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text.get(start..).unwrap_or("").trim().to_owned());
    parts
}

/// The lock modes that let others write (explicit-locking.html).
const SHARED_WITH_WRITERS: &[&str] = &["access share", "row share", "row exclusive"];

fn lock<'t>(c: &mut Cursor<'t>) -> Result<Utility<'t>> {
    c.keyword("TABLE");
    c.keyword("ONLY");
    let mut tables = vec![c.qualified_name()?];
    while c.accept(&Token::Comma) {
        tables.push(c.qualified_name()?);
    }
    let mut mode = Vec::new();
    if c.keyword("IN") {
        while !c.looking_at("MODE") {
            mode.push(c.name()?.to_lowercase());
        }
        c.require("MODE")?;
    }
    let nowait = c.keyword("NOWAIT");
    let mode = mode.join(" ");
    Ok(Utility::Lock { tables, write: !SHARED_WITH_WRITERS.contains(&mode.as_str()), nowait })
}

// ----- maintenance

/// Parenthesised options, whose effect SQLite has or needs not.
fn skip_options(c: &mut Cursor<'_>) -> Result<()> {
    if c.accept(&Token::LParen) {
        c.parenthesised()?;
    }
    Ok(())
}

fn vacuum<'t>(c: &mut Cursor<'t>) -> Result<Utility<'t>> {
    skip_options(c)?;
    let mut steps = vec![Maintenance::Vacuum];
    while ["FULL", "FREEZE", "VERBOSE"].iter().any(|word| c.keyword(word)) {}
    let analyze = c.keyword("ANALYZE") || c.keyword("ANALYSE");
    let tables = analyzed_tables(c)?;
    if analyze {
        steps.extend(tables);
    }
    Ok(Utility::Maintenance(steps, "VACUUM"))
}

fn analyze<'t>(c: &mut Cursor<'t>) -> Result<Utility<'t>> {
    skip_options(c)?;
    c.keyword("VERBOSE");
    Ok(Utility::Maintenance(analyzed_tables(c)?, "ANALYZE"))
}

fn analyzed_tables(c: &mut Cursor<'_>) -> Result<Vec<Maintenance>> {
    if c.peek().is_none() {
        return Ok(vec![Maintenance::Analyze(None)]);
    }
    let mut steps = Vec::new();
    loop {
        steps.push(Maintenance::Analyze(Some(c.qualified_name()?)));
        if c.accept(&Token::LParen) {
            c.parenthesised()?;
        }
        if !c.accept(&Token::Comma) {
            return Ok(steps);
        }
    }
}

fn explain<'t>(c: &mut Cursor<'t>) -> Result<Utility<'t>> {
    if c.accept(&Token::LParen) {
        let options = c.parenthesised()?.to_ascii_uppercase();
        if options.contains("ANALYZE") {
            return Err(Error::unsupported("EXPLAIN ANALYZE"));
        }
        if options.contains("FORMAT") && !options.contains("TEXT") {
            return Err(Error::unsupported("EXPLAIN in a format other than text"));
        }
    }
    if c.keyword("ANALYZE") || c.keyword("ANALYSE") {
        return Err(Error::unsupported("EXPLAIN ANALYZE"));
    }
    c.keyword("VERBOSE");
    Ok(Utility::Explain { statement: c.rest() })
}

// ----- cursors

fn declare<'t>(c: &mut Cursor<'t>) -> Result<Utility<'t>> {
    let name = c.name()?;
    let mut options = CursorOptions::default();
    loop {
        if c.keyword("BINARY") {
            options.binary = true;
        } else if c.keywords(&["NO", "SCROLL"]) {
            options.scroll = Some(false);
        } else if c.keyword("SCROLL") {
            options.scroll = Some(true);
        } else if !c.keyword("INSENSITIVE") && !c.keyword("ASENSITIVE") {
            break;
        }
    }
    c.require("CURSOR")?;
    if c.keywords(&["WITH", "HOLD"]) {
        options.hold = true;
    } else {
        c.keywords(&["WITHOUT", "HOLD"]);
    }
    c.require("FOR")?;
    let is_query = ["SELECT", "VALUES", "WITH", "TABLE"].iter().any(|word| c.looking_at(word));
    if !is_query && c.peek() != Some(&Token::LParen) {
        return Err(c.unexpected());
    }
    Ok(Utility::Declare { name, options, query: c.rest() })
}

fn fetch<'t>(c: &mut Cursor<'t>, moves: bool) -> Result<Utility<'t>> {
    let direction = direction(c)?;
    let _ = c.keyword("FROM") || c.keyword("IN");
    let (name, tag) = (c.name()?, if moves { Tag::Move } else { Tag::Fetch });
    Ok(Utility::Cursor(CursorCommand::Fetch { name, direction, moves }, tag))
}

/// fetch_args of gram.y; a word of it may also be the cursor's name.
fn direction(c: &mut Cursor<'_>) -> Result<FetchDirection> {
    let one = FetchCount::Rows(1);
    if c.at + 1 == c.tokens.len() {
        return Ok(FetchDirection::Forward(one));
    }
    if c.keyword("NEXT") {
        Ok(FetchDirection::Forward(one))
    } else if c.keyword("PRIOR") {
        Ok(FetchDirection::Backward(one))
    } else if c.keyword("FIRST") {
        Ok(FetchDirection::Absolute(1))
    } else if c.keyword("LAST") {
        Ok(FetchDirection::Absolute(-1))
    } else if c.keyword("ABSOLUTE") {
        Ok(FetchDirection::Absolute(signed(c)?))
    } else if c.keyword("RELATIVE") {
        Ok(FetchDirection::Relative(signed(c)?))
    } else if c.keyword("ALL") {
        Ok(FetchDirection::Forward(FetchCount::All))
    } else if c.keyword("FORWARD") {
        counted(c, FetchDirection::Forward, FetchDirection::Backward)
    } else if c.keyword("BACKWARD") {
        counted(c, FetchDirection::Backward, FetchDirection::Forward)
    } else if matches!(c.peek(), Some(Token::Number(..) | Token::Minus | Token::Plus)) {
        counted(c, FetchDirection::Forward, FetchDirection::Backward)
    } else {
        Ok(FetchDirection::Forward(one))
    }
}

/// The number behind FORWARD and BACKWARD; a negative one turns round.
fn counted(
    c: &mut Cursor<'_>,
    way: fn(FetchCount) -> FetchDirection,
    back: fn(FetchCount) -> FetchDirection,
) -> Result<FetchDirection> {
    if c.keyword("ALL") {
        return Ok(way(FetchCount::All));
    }
    if !matches!(c.peek(), Some(Token::Number(..) | Token::Minus | Token::Plus)) {
        return Ok(way(FetchCount::Rows(1)));
    }
    let count = signed(c)?;
    Ok(if count < 0 {
        back(FetchCount::Rows(count.unsigned_abs()))
    } else {
        way(FetchCount::Rows(count.unsigned_abs()))
    })
}

/// An integer of four bytes, as the grammar has them.
fn signed(c: &mut Cursor<'_>) -> Result<i64> {
    let negative = c.accept(&Token::Minus);
    if !negative {
        c.accept(&Token::Plus);
    }
    let count = match c.peek() {
        Some(Token::Number(digits, _)) => digits.parse::<i32>().ok(),
        _ => None,
    };
    let count = count.ok_or_else(|| c.unexpected())?;
    c.at += 1;
    Ok(if negative { -i64::from(count) } else { i64::from(count) })
}

// ----- COPY

fn copy<'t>(c: &mut Cursor<'t>) -> Result<Utility<'t>> {
    let binary = c.keyword("BINARY");
    let source = if c.accept(&Token::LParen) {
        CopySource::Query(c.parenthesised()?)
    } else {
        let (schema, table) = c.qualified_name()?;
        let mut columns = Vec::new();
        if c.accept(&Token::LParen) {
            columns = c.names()?;
            c.expect(&Token::RParen)?;
        }
        CopySource::Table { schema, table, columns }
    };
    let direction = if c.keyword("FROM") {
        CopyDirection::From
    } else {
        c.require("TO")?;
        CopyDirection::To
    };
    if matches!((&source, direction), (CopySource::Query(_), CopyDirection::From)) {
        return Err(c.unexpected());
    }
    if c.keyword("PROGRAM") || matches!(c.peek(), Some(Token::SingleQuotedString(_))) {
        return Err(Error::unsupported("COPY to and from files and programs of the server")
            .with_hint("psql's \\copy command also works for anyone."));
    }
    let (wanted, other) = match direction {
        CopyDirection::From => ("STDIN", "STDOUT"),
        CopyDirection::To => ("STDOUT", "STDIN"),
    };
    if !c.keyword(wanted) && !c.keyword(other) {
        return Err(c.unexpected());
    }
    let mut options = CopyWords::default();
    if binary {
        options.format = Some(CopyFormat::Binary);
    }
    copy_options(c, &mut options)?;
    if c.looking_at("WHERE") {
        return Err(Error::unsupported("COPY FROM … WHERE"));
    }
    Ok(Utility::Copy(CopyStatement { source, direction, options }))
}

fn copy_options(c: &mut Cursor<'_>, options: &mut CopyWords) -> Result<()> {
    c.keyword("WITH");
    if c.accept(&Token::LParen) {
        loop {
            copy_option(c, options)?;
            if !c.accept(&Token::Comma) {
                return c.expect(&Token::RParen);
            }
        }
    }
    while c.peek().is_some() && !c.looking_at("WHERE") {
        old_copy_option(c, options)?;
    }
    Ok(())
}

fn copy_option(c: &mut Cursor<'_>, options: &mut CopyWords) -> Result<()> {
    let position = c.position();
    let name = c.name()?;
    match name.as_str() {
        "format" => {
            let format = value(c)?;
            options.format = Some(match format.as_str() {
                "text" => CopyFormat::Text,
                "csv" => CopyFormat::Csv,
                "binary" => CopyFormat::Binary,
                _ => {
                    let message = format!("COPY format \"{format}\" not recognized");
                    return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message).with_position(position));
                }
            });
        }
        "delimiter" => options.delimiter = Some(c.string()?),
        "null" => options.null = Some(c.string()?),
        "quote" => options.quote = Some(c.string()?),
        "escape" => options.escape = Some(c.string()?),
        "freeze" => {
            boolean(c)?;
        }
        "header" => options.header = Some(header(c)?),
        "force_quote" => {
            options.force_quote = Some(if c.accept(&Token::Mul) { None } else { Some(name_list(c)?) });
        }
        "force_not_null" => options.force_not_null = Some(name_list(c)?),
        "force_null" => options.force_null = Some(name_list(c)?),
        "encoding" => encoding(c)?,
        _ => {
            let message = format!("option \"{name}\" not recognized");
            return Err(Error::new(SqlState::SYNTAX_ERROR, message).with_position(position));
        }
    }
    Ok(())
}

/// The option list of before PostgreSQL 9.0.
fn old_copy_option(c: &mut Cursor<'_>, options: &mut CopyWords) -> Result<()> {
    if c.keyword("BINARY") {
        options.format = Some(CopyFormat::Binary);
    } else if c.keyword("CSV") {
        options.format = Some(CopyFormat::Csv);
    } else if c.keyword("HEADER") {
        options.header = Some(CopyHeader::Yes);
    } else if c.keyword("DELIMITER") || c.keyword("DELIMITERS") {
        c.keyword("AS");
        options.delimiter = Some(c.string()?);
    } else if c.keyword("NULL") {
        c.keyword("AS");
        options.null = Some(c.string()?);
    } else if c.keyword("QUOTE") {
        c.keyword("AS");
        options.quote = Some(c.string()?);
    } else if c.keyword("ESCAPE") {
        c.keyword("AS");
        options.escape = Some(c.string()?);
    } else if c.keywords(&["FORCE", "QUOTE"]) {
        options.force_quote = Some(if c.accept(&Token::Mul) { None } else { Some(c.names()?) });
    } else if c.keywords(&["FORCE", "NOT", "NULL"]) {
        options.force_not_null = Some(c.names()?);
    } else if c.keywords(&["FORCE", "NULL"]) {
        options.force_null = Some(c.names()?);
    } else if c.keyword("ENCODING") {
        encoding(c)?;
    } else if !c.keyword("FREEZE") {
        return Err(c.unexpected());
    }
    Ok(())
}

fn name_list(c: &mut Cursor<'_>) -> Result<Vec<String>> {
    c.expect(&Token::LParen)?;
    let names = c.names()?;
    c.expect(&Token::RParen)?;
    Ok(names)
}

/// A boolean option; without a value it is true.
fn boolean(c: &mut Cursor<'_>) -> Result<bool> {
    if !matches!(c.peek(), Some(Token::Word(_) | Token::Number(..) | Token::SingleQuotedString(_))) {
        return Ok(true);
    }
    let text = value(c)?;
    match text.to_ascii_lowercase().as_str() {
        "true" | "on" | "1" => Ok(true),
        "false" | "off" | "0" => Ok(false),
        _ => Err(Error::new(SqlState::SYNTAX_ERROR, "option requires a Boolean value")),
    }
}

fn header(c: &mut Cursor<'_>) -> Result<CopyHeader> {
    if c.keyword("MATCH") {
        return Ok(CopyHeader::Match);
    }
    let on =
        boolean(c).map_err(|_| Error::new(SqlState::SYNTAX_ERROR, "header requires a Boolean value or \"match\""))?;
    Ok(if on { CopyHeader::Yes } else { CopyHeader::No })
}

fn encoding(c: &mut Cursor<'_>) -> Result<()> {
    let name = c.string()?;
    match name.to_ascii_lowercase().replace(['-', '_'], "").as_str() {
        "utf8" | "unicode" => Ok(()),
        _ => Err(Error::unsupported(format!("COPY in encoding \"{name}\""))),
    }
}
