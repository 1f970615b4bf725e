//! Received messages to lines. Owns the layout of backend messages and how transcripts print them.

use super::script::{show_hex, show_text};
use super::types::name_of;

/// A bounded reader over one message's body.
pub struct Body<'a>(&'a [u8]);

impl<'a> Body<'a> {
    pub fn new(bytes: &'a [u8]) -> Body<'a> {
        Body(bytes)
    }

    pub fn take(&mut self, n: usize) -> Result<&'a [u8], String> {
        if self.0.len() < n {
            return Err("message too short".into());
        }
        let (head, rest) = self.0.split_at(n);
        self.0 = rest;
        Ok(head)
    }

    pub fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }

    pub fn u8(&mut self) -> Result<u8, String> {
        Ok(self.take(1)?[0])
    }

    pub fn i16(&mut self) -> Result<i16, String> {
        self.take(2).map(|b| i16::from_be_bytes([b[0], b[1]]))
    }

    pub fn i32(&mut self) -> Result<i32, String> {
        self.take(4).map(|b| i32::from_be_bytes([b[0], b[1], b[2], b[3]]))
    }

    pub fn cstr(&mut self) -> Result<String, String> {
        let end = self.0.iter().position(|b| *b == 0).ok_or("string without its zero byte")?;
        let text = String::from_utf8(self.take(end)?.to_vec()).map_err(|_| "string is not UTF-8")?;
        self.take(1)?;
        Ok(text)
    }

    fn end(&self) -> Result<(), String> {
        match self.0.len() {
            0 => Ok(()),
            n => Err(format!("{n} bytes left over")),
        }
    }
}

/// Prints one message; `formats` are those of the rows being read, `binary_copy` whether copy data is binary.
pub fn show(tag: u8, bytes: &[u8], formats: &[i16], binary_copy: bool) -> String {
    let mut body = Body::new(bytes);
    let shown = show_body(tag, &mut body, formats, binary_copy);
    match shown.and_then(|text| body.end().map(|()| text)) {
        Ok(text) => text,
        Err(why) => format!("(malformed {} {}: {why})", tag as char, show_hex(bytes)),
    }
}

fn show_body(tag: u8, body: &mut Body<'_>, formats: &[i16], binary_copy: bool) -> Result<String, String> {
    Ok(match tag {
        b'1' => "ParseComplete".into(),
        b'2' => "BindComplete".into(),
        b'3' => "CloseComplete".into(),
        b'I' => "EmptyQueryResponse".into(),
        b'n' => "NoData".into(),
        b's' => "PortalSuspended".into(),
        b'c' => "CopyDone".into(),
        b'Z' => format!("ReadyForQuery {}", body.u8()? as char),
        b'C' => format!("CommandComplete {}", show_text(body.cstr()?.as_bytes())),
        b'S' => parameter_status(&body.cstr()?, &body.cstr()?),
        b'K' => {
            body.rest();
            "BackendKeyData".into()
        }
        b'A' => {
            body.i32()?;
            format!("NotificationResponse {} {}", body.cstr()?, show_text(body.cstr()?.as_bytes()))
        }
        b'T' => row_description(body)?,
        b'D' => data_row(body, formats)?,
        b't' => {
            let count = body.i16()?;
            let oids = (0..count).map(|_| body.i32().map(|oid| name_of(oid as u32))).collect::<Result<Vec<_>, _>>()?;
            format!("ParameterDescription [{}]", oids.join(" "))
        }
        b'E' => format!("ErrorResponse {}", error_fields(body)?),
        b'N' => format!("NoticeResponse {}", error_fields(body)?),
        b'G' => format!("CopyInResponse {}", copy_response(body)?),
        b'H' => format!("CopyOutResponse {}", copy_response(body)?),
        b'd' if binary_copy => format!("CopyData {}", show_hex(body.rest())),
        b'd' => format!("CopyData {}", show_text(body.rest())),
        b'v' => {
            let minor = body.i32()?;
            let count = body.i32()?;
            let names = (0..count).map(|_| body.cstr()).collect::<Result<Vec<_>, _>>()?;
            format!("NegotiateProtocolVersion {}.{} [{}]", minor >> 16, minor & 0xffff, names.join(" "))
        }
        b'V' => format!("FunctionCallResponse {}", show_hex(body.rest())),
        b'R' => authentication(body)?,
        other => format!("(message {:?} {})", other as char, show_hex(body.rest())),
    })
}

/// Values that are the server's own are not compared: `server_version` is configurable.
fn parameter_status(name: &str, value: &str) -> String {
    match name {
        "server_version" => "ParameterStatus server_version *".into(),
        _ => format!("ParameterStatus {name} {}", show_text(value.as_bytes())),
    }
}

fn authentication(body: &mut Body<'_>) -> Result<String, String> {
    Ok(match body.i32()? {
        0 => "AuthenticationOk".into(),
        3 => "AuthenticationCleartextPassword".into(),
        5 => {
            body.take(4)?;
            "AuthenticationMD5Password".into()
        }
        10 => {
            let mut mechanisms = Vec::new();
            loop {
                let name = body.cstr()?;
                if name.is_empty() {
                    break;
                }
                mechanisms.push(name);
            }
            format!("AuthenticationSASL [{}]", mechanisms.join(" "))
        }
        11 => {
            body.rest();
            "AuthenticationSASLContinue".into()
        }
        12 => {
            body.rest();
            "AuthenticationSASLFinal".into()
        }
        code => format!("Authentication {code} {}", show_hex(body.rest())),
    })
}

fn row_description(body: &mut Body<'_>) -> Result<String, String> {
    let mut out = String::from("RowDescription");
    for _ in 0..body.i16()? {
        let name = body.cstr()?;
        let table = body.i32()?;
        let attribute = body.i16()?;
        let oid = body.i32()? as u32;
        body.i16()?;
        let typmod = body.i32()?;
        let format = body.i16()?;
        let name = match name.contains([' ', '\'', ':']) || name.is_empty() {
            true => show_text(name.as_bytes()),
            false => name,
        };
        out.push_str(&format!(" {name}:{}", name_of(oid)));
        if typmod != -1 {
            out.push_str(&format!("/{typmod}"));
        }
        if table != 0 || attribute != 0 {
            out.push_str(&format!("@{attribute}"));
        }
        if format == 1 {
            out.push_str("=b");
        }
    }
    Ok(out)
}

fn data_row(body: &mut Body<'_>, formats: &[i16]) -> Result<String, String> {
    let mut out = String::from("DataRow");
    for index in 0..body.i16()? as usize {
        let format = match formats {
            [] => 0,
            [all] => *all,
            each => each.get(index).copied().unwrap_or(0),
        };
        out.push(' ');
        match body.i32()? {
            -1 => out.push_str("NULL"),
            length => {
                let value = body.take(length as usize)?;
                out.push_str(&if format == 1 { show_hex(value) } else { show_text(value) });
            }
        }
    }
    Ok(out)
}

fn copy_response(body: &mut Body<'_>) -> Result<String, String> {
    let letter = |code: i16| if code == 1 { "b" } else { "t" };
    let overall = letter(body.u8()? as i16);
    let count = body.i16()?;
    let columns = (0..count).map(|_| body.i16().map(letter)).collect::<Result<Vec<_>, _>>()?;
    Ok(format!("{overall} [{}]", columns.join(" ")))
}

/// The printed fields in their order; file, line and routine are the server's own business.
const FIELDS: &[(u8, &str)] = &[
    (b'P', "at"),
    (b'D', "detail"),
    (b'H', "hint"),
    (b's', "schema"),
    (b't', "table"),
    (b'c', "column"),
    (b'd', "datatype"),
    (b'n', "constraint"),
    (b'W', "where"),
    (b'p', "internal_at"),
    (b'q', "internal_query"),
];

fn error_fields(body: &mut Body<'_>) -> Result<String, String> {
    let mut fields = Vec::new();
    loop {
        match body.u8()? {
            0 => break,
            code => fields.push((code, body.cstr()?)),
        }
    }
    let get = |code: u8| fields.iter().find(|(known, _)| *known == code).map(|(_, value)| value.as_str());
    if get(b'S') != get(b'V') {
        return Err(format!("severities differ: {:?} {:?}", get(b'S'), get(b'V')));
    }
    let mut out = format!(
        "{} {} {}",
        get(b'V').unwrap_or("?"),
        get(b'C').unwrap_or("?"),
        show_text(get(b'M').unwrap_or("?").as_bytes())
    );
    for (code, name) in FIELDS {
        if let Some(value) = get(*code) {
            match *name {
                "at" | "internal_at" => out.push_str(&format!(" {name}={value}")),
                _ => out.push_str(&format!(" {name}={}", show_text(value.as_bytes()))),
            }
        }
    }
    Ok(out)
}
