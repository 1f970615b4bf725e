//! The transcript language: a file is a list of exchanges, an exchange is what each connection sends and what it must
//! receive. Owns parsing and the rewriting of expectations; knows nothing of sockets or of message layouts.
//! The language is described in `CONTRIBUTING.md`, "Transcripts".

use std::fmt::Write as _;

/// One word of a sent line.
#[derive(Clone, Debug, PartialEq)]
pub enum Token {
    /// A bare word.
    Word(String),
    /// `'text'` or `x'hex'`.
    Bytes(Vec<u8>),
    /// `[a b c]`.
    List(Vec<Token>),
    /// `key=value`.
    Pair(String, Box<Token>),
}

/// A line of an exchange, in file order.
#[derive(Clone, Debug)]
pub enum Line {
    Comment(String),
    Send {
        conn: String,
        text: String,
    },
    /// What both servers answer, or what pgserver answers where they differ.
    Expect {
        conn: String,
        text: String,
    },
    /// What PostgreSQL answers in an exchange marked `# differs:`.
    ExpectPostgres {
        conn: String,
        text: String,
    },
}

/// The lines between two blank lines.
#[derive(Clone, Debug, Default)]
pub struct Exchange {
    pub first_line: usize,
    pub lines: Vec<Line>,
}

/// How to start the server for this file, from the comment `# auth: method user=… password=…`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Auth {
    pub method: String,
    pub user: String,
    pub password: String,
}

impl Default for Auth {
    fn default() -> Auth {
        Auth { method: "trust".into(), user: "postgres".into(), password: String::new() }
    }
}

#[derive(Clone, Debug, Default)]
pub struct Script {
    pub exchanges: Vec<Exchange>,
    pub auth: Auth,
}

impl Script {
    pub fn parse(source: &str) -> Result<Script, String> {
        let mut script = Script::default();
        let mut current = Exchange::default();
        for (index, line) in source.lines().enumerate() {
            if line.trim().is_empty() {
                if !current.lines.is_empty() {
                    script.exchanges.push(std::mem::take(&mut current));
                }
                continue;
            }
            if current.lines.is_empty() {
                current.first_line = index + 1;
            }
            let line =
                parse_line(line).ok_or_else(|| format!("line {}: neither '#', '>' nor '<': {line}", index + 1))?;
            if let Line::Comment(text) = &line
                && let Some(auth) = text.strip_prefix("# auth:")
            {
                script.auth = parse_auth(auth);
            }
            current.lines.push(line);
        }
        if !current.lines.is_empty() {
            script.exchanges.push(current);
        }
        Ok(script)
    }

    pub fn print(&self) -> String {
        let mut out = String::new();
        for (index, exchange) in self.exchanges.iter().enumerate() {
            if index > 0 {
                out.push('\n');
            }
            for line in &exchange.lines {
                let _ = match line {
                    Line::Comment(text) => writeln!(out, "{text}"),
                    Line::Send { conn, text } => writeln!(out, "{conn}> {text}"),
                    Line::Expect { conn, text } => writeln!(out, "{conn}< {text}"),
                    Line::ExpectPostgres { conn, text } => writeln!(out, "{conn}<pg {text}"),
                };
            }
        }
        out
    }
}

impl Exchange {
    /// The reason after `# differs:`, when pgserver answers this exchange otherwise on purpose.
    pub fn differs(&self) -> Option<&str> {
        self.lines.iter().find_map(|line| match line {
            Line::Comment(text) => text.strip_prefix("# differs:").map(str::trim),
            _ => None,
        })
    }

    /// Sent lines grouped by connection, in order of first appearance.
    pub fn sends(&self) -> Vec<(String, Vec<String>)> {
        let mut groups: Vec<(String, Vec<String>)> = Vec::new();
        for line in &self.lines {
            if let Line::Send { conn, text } = line {
                match groups.iter_mut().find(|(name, _)| name == conn) {
                    Some((_, texts)) => texts.push(text.clone()),
                    None => groups.push((conn.clone(), vec![text.clone()])),
                }
            }
        }
        groups
    }

    /// The lines expected from PostgreSQL or from pgserver.
    pub fn expected(&self, from_postgres: bool) -> Vec<String> {
        let both_forms = self.differs().is_some();
        let wanted = self.lines.iter().filter_map(|line| match line {
            Line::Expect { conn, text } if !(from_postgres && both_forms) => Some(format!("{conn}< {text}")),
            Line::ExpectPostgres { conn, text } if from_postgres => Some(format!("{conn}< {text}")),
            _ => None,
        });
        wanted.collect()
    }

    /// Replaces what PostgreSQL is expected to answer by what it did answer.
    pub fn rewrite(&mut self, answers: &[(String, String)]) {
        let both_forms = self.differs().is_some();
        let mut kept: Vec<Line> = std::mem::take(&mut self.lines);
        kept.retain(|line| match line {
            Line::Expect { .. } => both_forms,
            Line::ExpectPostgres { .. } => false,
            _ => true,
        });
        let at = kept.iter().position(|line| matches!(line, Line::Expect { .. })).unwrap_or(kept.len());
        let new = answers.iter().cloned().map(|(conn, text)| match both_forms {
            true => Line::ExpectPostgres { conn, text },
            false => Line::Expect { conn, text },
        });
        kept.splice(at..at, new);
        self.lines = kept;
    }
}

fn parse_line(line: &str) -> Option<Line> {
    if line.starts_with('#') {
        return Some(Line::Comment(line.trim_end().to_string()));
    }
    let at = line.find(['<', '>'])?;
    let (conn, rest) = line.split_at(at);
    if !conn.chars().all(|c| c.is_ascii_lowercase()) {
        return None;
    }
    let conn = conn.to_string();
    if let Some(text) = rest.strip_prefix("<pg ") {
        return Some(Line::ExpectPostgres { conn, text: text.to_string() });
    }
    if let Some(text) = rest.strip_prefix("< ") {
        return Some(Line::Expect { conn, text: text.to_string() });
    }
    rest.strip_prefix("> ").map(|text| Line::Send { conn, text: text.to_string() })
}

fn parse_auth(text: &str) -> Auth {
    let mut auth = Auth::default();
    for word in text.split_whitespace() {
        match word.split_once('=') {
            Some(("user", user)) => auth.user = user.to_string(),
            Some(("password", password)) => auth.password = password.to_string(),
            _ => auth.method = word.to_string(),
        }
    }
    auth
}

/// Splits a sent line into its words.
pub fn tokenize(text: &str) -> Result<Vec<Token>, String> {
    let mut chars = text.chars().peekable();
    let mut stack: Vec<Vec<Token>> = vec![Vec::new()];
    let mut key: Option<String> = None;
    let mut keys: Vec<Option<String>> = Vec::new();
    while let Some(&c) = chars.peek() {
        let token = match c {
            ' ' => {
                chars.next();
                continue;
            }
            '[' => {
                chars.next();
                keys.push(key.take());
                stack.push(Vec::new());
                continue;
            }
            ']' => {
                chars.next();
                let list = stack.pop().filter(|_| !stack.is_empty()).ok_or("']' without '['")?;
                key = keys.pop().flatten();
                Token::List(list)
            }
            '\'' => Token::Bytes(quoted(&mut chars)?),
            _ => {
                let mut word = String::new();
                while let Some(&c) = chars.peek()
                    && !matches!(c, ' ' | '[' | ']' | '\'' | '=')
                {
                    word.push(c);
                    chars.next();
                }
                match chars.peek() {
                    Some('\'') if word == "x" => Token::Bytes(from_hex(&quoted(&mut chars)?)?),
                    Some('=') => {
                        chars.next();
                        key = Some(word);
                        continue;
                    }
                    _ => Token::Word(word),
                }
            }
        };
        let token = match key.take() {
            Some(key) => Token::Pair(key, Box::new(token)),
            None => token,
        };
        stack.last_mut().ok_or("unbalanced ']'")?.push(token);
    }
    match stack.len() {
        1 => Ok(stack.remove(0)),
        _ => Err("'[' without ']'".into()),
    }
}

fn quoted(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<Vec<u8>, String> {
    chars.next();
    let mut out = Vec::new();
    loop {
        match chars.next().ok_or("a quote is not closed")? {
            '\'' => return Ok(out),
            '\\' => match chars.next().ok_or("a quote is not closed")? {
                'n' => out.push(b'\n'),
                't' => out.push(b'\t'),
                'r' => out.push(b'\r'),
                'x' => {
                    let digits: Vec<u8> = chars.by_ref().take(2).map(|c| c as u8).collect();
                    out.extend(from_hex(&digits)?);
                }
                c @ ('\\' | '\'') => out.push(c as u8),
                c => return Err(format!("unknown escape \\{c}")),
            },
            c => out.extend(c.encode_utf8(&mut [0; 4]).bytes()),
        }
    }
}

fn from_hex(digits: &[u8]) -> Result<Vec<u8>, String> {
    let text: String = digits.iter().map(|&b| b as char).filter(|c| *c != ' ').collect();
    if !text.len().is_multiple_of(2) {
        return Err(format!("odd number of hex digits in x'{text}'"));
    }
    let pairs = (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16));
    pairs.collect::<Result<_, _>>().map_err(|_| format!("not hex: {text}"))
}

/// Bytes as the language writes them: quoted when they are text, in hex otherwise.
pub fn show_text(bytes: &[u8]) -> String {
    let mut out = String::from("'");
    match std::str::from_utf8(bytes) {
        Ok(text) => {
            for c in text.chars() {
                match c {
                    '\n' => out.push_str("\\n"),
                    '\t' => out.push_str("\\t"),
                    '\r' => out.push_str("\\r"),
                    '\\' => out.push_str("\\\\"),
                    '\'' => out.push_str("\\'"),
                    c if (c as u32) < 32 || c as u32 == 127 => {
                        let _ = write!(out, "\\x{:02x}", c as u32);
                    }
                    c => out.push(c),
                }
            }
            out.push('\'');
            out
        }
        Err(_) => show_hex(bytes),
    }
}

pub fn show_hex(bytes: &[u8]) -> String {
    let mut out = String::from("x'");
    for byte in bytes {
        let _ = write!(out, "{byte:02x}");
    }
    out.push('\'');
    out
}
