//! Sent lines to bytes. Owns the layout of frontend messages and what each owes in answer.

use super::script::Token;
use super::types::oid_of;

/// What a sent message leaves the server to answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Owed {
    /// A start-up packet: until an authentication request, ReadyForQuery or the end.
    Startup,
    /// One byte.
    Encryption,
    /// ReadyForQuery.
    Query,
    /// ReadyForQuery.
    Sync,
    /// Rows in these formats; nothing by itself, without Sync.
    Execute(Vec<i16>),
    /// The end of a COPY FROM STDIN, which the server reads between CopyInResponse and here.
    CopyEnd,
}

/// A token list with the fixed accessors the messages need.
pub struct Args {
    tokens: std::collections::VecDeque<Token>,
}

impl Args {
    pub fn new(tokens: &[Token]) -> Args {
        Args { tokens: tokens.iter().cloned().collect() }
    }

    /// The value of `key=`, wherever it stands.
    pub fn pair(&mut self, key: &str) -> Option<Token> {
        let at = self.tokens.iter().position(|token| matches!(token, Token::Pair(name, _) if name == key))?;
        match self.tokens.remove(at) {
            Some(Token::Pair(_, value)) => Some(*value),
            _ => None,
        }
    }

    pub fn word(&mut self) -> Option<String> {
        match self.tokens.front() {
            Some(Token::Word(_)) => match self.tokens.pop_front() {
                Some(Token::Word(word)) => Some(word),
                _ => None,
            },
            _ => None,
        }
    }

    pub fn bytes(&mut self) -> Option<Vec<u8>> {
        match self.tokens.front() {
            Some(Token::Bytes(_)) => match self.tokens.pop_front() {
                Some(Token::Bytes(bytes)) => Some(bytes),
                _ => None,
            },
            _ => None,
        }
    }

    pub fn list(&mut self) -> Option<Vec<Token>> {
        match self.tokens.front() {
            Some(Token::List(_)) => match self.tokens.pop_front() {
                Some(Token::List(list)) => Some(list),
                _ => None,
            },
            _ => None,
        }
    }

    pub fn pairs(&mut self) -> Vec<(String, Token)> {
        let drained = self.tokens.drain(..);
        let pairs = drained.filter_map(|token| match token {
            Token::Pair(key, value) => Some((key, *value)),
            _ => None,
        });
        pairs.collect()
    }

    pub fn end(&self) -> Result<(), String> {
        match self.tokens.is_empty() {
            true => Ok(()),
            false => Err(format!("left over: {:?}", self.tokens)),
        }
    }
}

/// Frames a body under a tag.
pub fn frame(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    out.extend((body.len() as u32 + 4).to_be_bytes());
    out.extend(body);
    out
}

fn startup_frame(code: u32, body: &[u8]) -> Vec<u8> {
    let mut out = (body.len() as u32 + 8).to_be_bytes().to_vec();
    out.extend(code.to_be_bytes());
    out.extend(body);
    out
}

fn cstr(bytes: &[u8]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    out.push(0);
    out
}

pub fn text_of(token: &Token) -> Result<Vec<u8>, String> {
    match token {
        Token::Word(word) => Ok(word.clone().into_bytes()),
        Token::Bytes(bytes) => Ok(bytes.clone()),
        other => Err(format!("expected a word or text, found {other:?}")),
    }
}

/// A start-up packet; `version` is `3.0` unless given.
pub fn startup(args: &mut Args) -> Result<Vec<u8>, String> {
    let version = match args.pair("version") {
        Some(token) => String::from_utf8_lossy(&text_of(&token)?).into_owned(),
        None => "3.0".into(),
    };
    let (major, minor) = version.split_once('.').ok_or("version=major.minor")?;
    let code =
        major.parse::<u32>().map_err(|e| e.to_string())? << 16 | minor.parse::<u32>().map_err(|e| e.to_string())?;
    let mut body = Vec::new();
    for (key, value) in args.pairs() {
        body.extend(cstr(key.as_bytes()));
        body.extend(cstr(&text_of(&value)?));
    }
    body.push(0);
    Ok(startup_frame(code, &body))
}

pub fn cancel(process: [u8; 4], secret: &[u8]) -> Vec<u8> {
    startup_frame(80_877_102, &[&process[..], secret].concat())
}

/// Encodes a message whose layout depends on nothing but its line; `None` when the line is not such a message.
pub fn encode(name: &str, args: &mut Args) -> Result<Option<Vec<u8>>, String> {
    let message = match name {
        "SSLRequest" => startup_frame(80_877_103, &[]),
        "GSSENCRequest" => startup_frame(80_877_104, &[]),
        "Query" => frame(b'Q', &cstr(&args.bytes().ok_or("Query 'sql'")?)),
        "Parse" => parse(args)?,
        "Describe" | "Close" => {
            let kind = args.word().ok_or("S or P")?;
            let target = args.word().unwrap_or_default();
            let tag = if name == "Describe" { b'D' } else { b'C' };
            frame(tag, &[kind.as_bytes(), &cstr(target.as_bytes())].concat())
        }
        "Sync" => frame(b'S', &[]),
        "Flush" => frame(b'H', &[]),
        "Terminate" => frame(b'X', &[]),
        "CopyData" => frame(b'd', &args.bytes().ok_or("CopyData 'bytes'")?),
        "CopyDone" => frame(b'c', &[]),
        "CopyFail" => frame(b'f', &cstr(&args.bytes().ok_or("CopyFail 'reason'")?)),
        "Password" => frame(b'p', &cstr(&args.bytes().ok_or("Password 'text'")?)),
        "FunctionCall" => frame(b'F', &args.bytes().ok_or("FunctionCall x'body'")?),
        "Raw" | "RawStartup" => {
            let mut out = Vec::new();
            while let Some(bytes) = args.bytes() {
                out.extend(bytes);
            }
            out
        }
        _ => return Ok(None),
    };
    Ok(Some(message))
}

fn parse(args: &mut Args) -> Result<Vec<u8>, String> {
    let name = args.word().unwrap_or_default();
    let sql = args.bytes().ok_or("Parse [name] 'sql' [types]")?;
    let types = args.list().unwrap_or_default();
    let mut body = cstr(name.as_bytes());
    body.extend(cstr(&sql));
    body.extend((types.len() as u16).to_be_bytes());
    for name in &types {
        body.extend(oid_of(&String::from_utf8_lossy(&text_of(name)?))?.to_be_bytes());
    }
    Ok(frame(b'P', &body))
}

fn formats(token: Option<Token>) -> Result<Vec<i16>, String> {
    let Some(token) = token else { return Ok(Vec::new()) };
    let Token::List(list) = token else { return Err("formats are a list".into()) };
    let code = |token: &Token| match token {
        Token::Word(word) if word == "t" => Ok(0),
        Token::Word(word) if word == "b" => Ok(1),
        Token::Word(word) => word.parse().map_err(|_| format!("format {word}")),
        other => Err(format!("format {other:?}")),
    };
    list.iter().map(code).collect()
}

/// `Bind [statement] [values] formats=[…] results=[…] portal=name`: the frame, the portal's name, its result formats.
pub fn bind(args: &mut Args) -> Result<(Vec<u8>, String, Vec<i16>), String> {
    let portal = match args.pair("portal") {
        Some(token) => String::from_utf8_lossy(&text_of(&token)?).into_owned(),
        None => String::new(),
    };
    let parameter_formats = formats(args.pair("formats"))?;
    let result_formats = formats(args.pair("results"))?;
    let statement = args.word().unwrap_or_default();
    let values = args.list().unwrap_or_default();
    let mut body = cstr(portal.as_bytes());
    body.extend(cstr(statement.as_bytes()));
    body.extend((parameter_formats.len() as u16).to_be_bytes());
    parameter_formats.iter().for_each(|code| body.extend(code.to_be_bytes()));
    body.extend((values.len() as u16).to_be_bytes());
    for value in &values {
        match value {
            Token::Word(word) if word == "NULL" => body.extend((-1i32).to_be_bytes()),
            value => {
                let bytes = text_of(value)?;
                body.extend((bytes.len() as u32).to_be_bytes());
                body.extend(bytes);
            }
        }
    }
    body.extend((result_formats.len() as u16).to_be_bytes());
    result_formats.iter().for_each(|code| body.extend(code.to_be_bytes()));
    Ok((frame(b'B', &body), portal, result_formats))
}

/// `Execute [portal] [max=n]`: the frame and the portal's name.
pub fn execute(args: &mut Args) -> Result<(Vec<u8>, String), String> {
    let max: u32 = match args.pair("max") {
        Some(token) => String::from_utf8_lossy(&text_of(&token)?).parse().map_err(|_| "max=number")?,
        None => 0,
    };
    let portal = args.word().unwrap_or_default();
    Ok((frame(b'E', &[&cstr(portal.as_bytes())[..], &max.to_be_bytes()].concat()), portal))
}
