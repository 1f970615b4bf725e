//! xml: whether a text is well formed.
//!
//! Owns: [`validate`], [`is_content`], [`is_document`]. Must not know: storage, the wire. What is declared in a document's
//! own type (entities, defaults) is not read: a text that has one is not held to the entities that it names, as a
//! namespace is not, whose prefix PostgreSQL only warns of. Specification: datatype-xml.html; xml.c in PostgreSQL 15, XML
//! 1.0.

pub mod tree;
pub mod xpath;

use crate::error::{Error, Result, SqlState};
use crate::limits::session as limits;

/// 2200N for what is neither a document nor a part of one.
pub fn validate(text: &str) -> Result<()> {
    limits::work(text.len())?;
    if is_content(text) {
        return Ok(());
    }
    Err(Error::new(SqlState(*b"2200N"), "invalid XML content"))
}

/// Whether it is what an element may contain, or a document.
pub fn is_content(text: &str) -> bool {
    Reader::new(text).read().is_some()
}

/// Whether it is one element, with at most comments and instructions around it.
pub fn is_document(text: &str) -> bool {
    Reader::new(text).read().is_some_and(|seen| seen.roots == 1 && !seen.outside)
}

/// What stands at the outermost level.
#[derive(Clone, Copy, Default)]
struct Seen {
    roots: usize,
    /// Text, or a section of it.
    outside: bool,
}

struct Reader<'t> {
    rest: &'t str,
    /// The elements that are open.
    open: Vec<&'t str>,
    seen: Seen,
    /// There is a document type, in which anything may be declared.
    typed: bool,
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

fn starts_name(c: char) -> bool {
    c.is_alphabetic() || c == '_' || c == ':'
}

fn is_in_name(c: char) -> bool {
    starts_name(c) || c.is_numeric() || matches!(c, '-' | '.' | '\u{b7}') || ('\u{300}'..='\u{36f}').contains(&c)
}

/// Char
fn is_char(c: char) -> bool {
    !matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

impl<'t> Reader<'t> {
    fn new(text: &'t str) -> Self {
        Reader { rest: text, open: Vec::new(), seen: Seen::default(), typed: false }
    }

    /// The whole text; `None` if it is not well formed.
    fn read(mut self) -> Option<Seen> {
        if let Some(after) = self.rest.strip_prefix("<?xml").filter(|after| after.starts_with(is_space)) {
            let (declaration, rest) = after.split_once("?>")?;
            if !is_declaration(declaration) {
                return None;
            }
            self.rest = rest;
        }
        while !self.rest.is_empty() {
            self.part()?;
        }
        // With a document type it is a document.
        let fits = !self.typed || self.seen.roots == 1 && !self.seen.outside;
        (self.open.is_empty() && fits).then_some(self.seen)
    }

    fn part(&mut self) -> Option<()> {
        if let Some(rest) = self.rest.strip_prefix("<!--") {
            let (comment, rest) = rest.split_once("--")?;
            self.rest = rest.strip_prefix('>')?;
            return comment.chars().all(is_char).then_some(());
        }
        if let Some(rest) = self.rest.strip_prefix("<![CDATA[") {
            let (data, rest) = rest.split_once("]]>")?;
            self.seen.outside |= self.open.is_empty();
            self.rest = rest;
            return data.chars().all(is_char).then_some(());
        }
        if let Some(rest) = self.rest.strip_prefix("<!DOCTYPE") {
            if self.typed || self.seen.roots > 0 || self.seen.outside || !self.open.is_empty() {
                return None;
            }
            self.typed = true;
            return self.document_type(rest);
        }
        if let Some(rest) = self.rest.strip_prefix("<?") {
            let (instruction, rest) = rest.split_once("?>")?;
            self.rest = rest;
            let end = instruction.find(is_space).unwrap_or(instruction.len());
            let target = instruction.get(..end)?;
            let named = is_name(target) && !target.eq_ignore_ascii_case("xml");
            return (named && instruction.chars().all(is_char)).then_some(());
        }
        if let Some(rest) = self.rest.strip_prefix("</") {
            self.rest = rest;
            let name = self.name()?;
            self.spaces();
            self.rest = self.rest.strip_prefix('>')?;
            return (self.open.pop()? == name).then_some(());
        }
        if let Some(rest) = self.rest.strip_prefix('<') {
            self.rest = rest;
            return self.element();
        }
        let end = self.rest.find('<').unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        self.seen.outside |= self.open.is_empty() && text.contains(|c| !is_space(c));
        (!text.contains("]]>") && self.is_text(text)).then_some(())
    }

    /// Behind the first angle.
    fn element(&mut self) -> Option<()> {
        let name = self.name()?;
        if self.open.is_empty() {
            self.seen.roots += 1;
        }
        let mut attributes: Vec<&str> = Vec::new();
        loop {
            let spaced = self.spaces();
            if let Some(rest) = self.rest.strip_prefix("/>") {
                self.rest = rest;
                return Some(());
            }
            if let Some(rest) = self.rest.strip_prefix('>') {
                self.rest = rest;
                self.open.push(name);
                return Some(());
            }
            if !spaced {
                return None;
            }
            let attribute = self.name()?;
            if attributes.contains(&attribute) {
                return None;
            }
            attributes.push(attribute);
            self.spaces();
            self.rest = self.rest.strip_prefix('=')?;
            self.spaces();
            let quote = self.rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
            let (value, rest) = self.rest.get(1..)?.split_once(quote)?;
            self.rest = rest;
            if value.contains('<') || !self.is_text(value) {
                return None;
            }
        }
    }

    /// <!DOCTYPE … [ … ]>, of which only the end is looked for.
    fn document_type(&mut self, rest: &'t str) -> Option<()> {
        if !rest.starts_with(is_space) {
            return None;
        }
        self.rest = tree::behind_type(rest)?;
        Some(())
    }

    /// Character data, with references.
    fn is_text(&self, text: &str) -> bool {
        let mut parts = text.split('&');
        let plain = |part: &str| part.chars().all(is_char);
        parts.next().is_none_or(plain)
            && parts.all(|part| {
                part.split_once(';').is_some_and(|(reference, after)| self.is_reference(reference) && plain(after))
            })
    }

    fn is_reference(&self, reference: &str) -> bool {
        let of_number = |digits: &str, base: u32| {
            let number = u32::from_str_radix(digits, base).ok().filter(|_| !digits.starts_with('+'));
            number.and_then(char::from_u32).is_some_and(is_char)
        };
        match reference.strip_prefix('#') {
            Some(number) => match number.strip_prefix('x') {
                Some(digits) => of_number(digits, 16),
                None => of_number(number, 10),
            },
            None => matches!(reference, "lt" | "gt" | "amp" | "quot" | "apos") || self.typed && is_name(reference),
        }
    }

    fn name(&mut self) -> Option<&'t str> {
        let end = self.rest.find(|c| !is_in_name(c)).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        is_name(name).then_some(name)
    }

    /// Whether there are some.
    fn spaces(&mut self) -> bool {
        let rest = self.rest.trim_start_matches(is_space);
        let some = rest.len() < self.rest.len();
        self.rest = rest;
        some
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(starts_name) && text.chars().all(is_in_name)
}

/// What stands between <?xml and ?>: the version, maybe an encoding, maybe whether it stands alone.
fn is_declaration(text: &str) -> bool {
    let mut rest = text;
    for (name, is_needed) in [("version", true), ("encoding", false), ("standalone", false)] {
        let trimmed = rest.trim_start_matches(is_space);
        let Some(after) = trimmed.strip_prefix(name) else {
            if is_needed {
                return false;
            }
            continue;
        };
        let value =
            after.trim_start_matches(is_space).strip_prefix('=').map(|after| after.trim_start_matches(is_space));
        let quoted = value.and_then(|value| {
            let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
            value.get(1..)?.split_once(quote)
        });
        let Some((value, after)) = quoted else { return false };
        let fits = match name {
            "version" => value.starts_with("1."),
            "standalone" => matches!(value, "yes" | "no"),
            _ => value.starts_with(|c: char| c.is_ascii_alphabetic()),
        };
        if !fits {
            return false;
        }
        rest = after;
    }
    rest.trim_start_matches(is_space).is_empty()
}

/// What <?xml … ?> says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Declaration {
    pub version: Option<String>,
    pub standalone: Option<bool>,
}

/// A text's declaration, if it has one, and what is behind it (parse_xml_decl).
pub fn split_declaration(text: &str) -> (Declaration, &str) {
    let declared = text.strip_prefix("<?xml").filter(|after| after.starts_with(is_space));
    let Some((inside, rest)) = declared.and_then(|after| after.split_once("?>")) else {
        return (Declaration::default(), text);
    };
    let value = |name: &str| {
        let after = inside.split_once(name)?.1.trim_start_matches(is_space).strip_prefix('=')?;
        let after = after.trim_start_matches(is_space);
        let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        Some(after.get(1..)?.split_once(quote)?.0.to_owned())
    };
    let standalone = value("standalone").map(|value| value == "yes");
    (Declaration { version: value("version"), standalone }, rest)
}

impl Declaration {
    /// As it is written; nothing if it says nothing (print_xml_decl).
    pub fn to_text(&self) -> String {
        const DEFAULT: &str = "1.0";
        let version = self.version.as_deref().unwrap_or(DEFAULT);
        match self.standalone {
            None if version == DEFAULT => String::new(),
            None => format!("<?xml version=\"{version}\"?>"),
            Some(yes) => {
                format!("<?xml version=\"{version}\" standalone=\"{}\"?>", if yes { "yes" } else { "no" })
            }
        }
    }
}

/// A value as it leaves: without the encoding that it came in (xml_out).
pub fn shown(text: &str) -> String {
    let (declaration, rest) = split_declaration(text);
    let declared = declaration.to_text();
    if declared.is_empty() && rest.len() < text.len() {
        return rest.strip_prefix('\n').unwrap_or(rest).to_owned();
    }
    declared + rest
}

/// A name of SQL as xml can have it (map_sql_identifier_to_xml_name); that of a column is escaped wholly.
pub fn name_of_identifier(name: &str, fully: bool) -> String {
    let mut mapped = String::with_capacity(name.len());
    let mut rest = name.chars();
    let mut first = true;
    while let Some(c) = rest.next() {
        let code = u32::from(c);
        let is_xml = || name.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("xml"));
        match c {
            ':' if first || fully => mapped.push_str("_x003A_"),
            '_' if rest.as_str().starts_with('x') => mapped.push_str("_x005F_"),
            'x' | 'X' if fully && first && is_xml() => mapped.push_str(&format!("_x{code:04X}_")),
            c if first && !(starts_name(c)) || !is_in_name(c) => mapped.push_str(&format!("_x{code:04X}_")),
            c => mapped.push(c),
        }
        first = false;
    }
    mapped
}

/// escape_xml
pub fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\r' => out.push_str("&#x0d;"),
            c => out.push(c),
        }
    }
}

/// An attribute's value as libxml2 writes it.
pub fn escape_attribute(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\r' | '\t' => out.push_str(&format!("&#{};", u32::from(c))),
            c if !c.is_ascii() => out.push_str(&format!("&#x{:X};", u32::from(c))),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Recorded from PostgreSQL 15: xml_is_well_formed_content() and xml_is_well_formed_document().
    #[test]
    fn verdicts_are_postgresqls() {
        for (text, content, document) in [
            ("<a/>", true, true),
            ("<a", false, false),
            ("x", true, false),
            ("<a>1</a><b/>", true, false),
            ("<a b='1' b='2'/>", false, false),
            ("<a b=1/>", false, false),
            ("<a>&amp;&#65;&#x41;</a>", true, true),
            ("<a>&nbsp;</a>", false, false),
            ("<a></b>", false, false),
            ("<?xml version=\"1.0\"?><a/>", true, true),
            ("<!-- c --><a/><!-- d -->", true, true),
            ("<!-- a -- b --><a/>", false, false),
            ("<a><![CDATA[<x>]]></a>", true, true),
            ("<!DOCTYPE a><a/>", true, true),
            ("", true, false),
            ("<1/>", false, false),
            ("<?pi x?><a/>", true, true),
            ("<a:b xmlns:a='u'/>", true, true),
        ] {
            assert_eq!((is_content(text), is_document(text)), (content, document), "{text}");
        }
    }
}
