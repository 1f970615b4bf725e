//! A document as a tree, for XPath.
//!
//! Owns: [`Tree`]: its nodes stand in document order. What is parsed was found well formed before. Entities that a document
//! type declares are not there: 0A000. Specification: XML 1.0, Namespaces in XML 1.0, the data model of XPath 1.0; libxml2
//! for how a part is written.

use crate::error::{Error, Result, SqlState};
use crate::limits::{memory, session as limits, stack};
use crate::types::xml::{escape, escape_attribute, is_document, is_space, split_declaration};

/// What a node takes besides its bytes.
const NODE: usize = 160;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Document,
    Element,
    Attribute,
    Text,
    /// Text that stood in <![CDATA[…]]>.
    Section,
    Comment,
    Instruction,
}

#[derive(Debug)]
pub struct Node {
    pub kind: Kind,
    pub parent: usize,
    /// As it is written, with a prefix.
    pub name: String,
    /// The namespace of an element or attribute; empty: none.
    pub uri: String,
    /// Of attributes, texts, comments and instructions.
    pub value: String,
    pub attributes: Vec<usize>,
    pub children: Vec<usize>,
    /// The namespaces that an element declares, by prefix; the default one's is empty.
    declared: Vec<(String, String)>,
}

#[derive(Debug)]
pub struct Tree(Vec<Node>);

fn not_a_document() -> Error {
    Error::new(SqlState(*b"2200M"), "could not parse XML document")
}

impl Node {
    /// The prefix, which may be empty, and the name behind it.
    pub fn parts(&self) -> (&str, &str) {
        self.name.split_once(':').unwrap_or(("", &self.name))
    }
}

/// Text with its references replaced.
fn resolved(text: &str) -> Result<String> {
    let mut out = String::with_capacity(text.len());
    let mut parts = text.split('&');
    let plain = |part: &str, out: &mut String| out.push_str(&part.replace("\r\n", "\n").replace('\r', "\n"));
    plain(parts.next().unwrap_or(""), &mut out);
    for part in parts {
        let (reference, rest) = part.split_once(';').ok_or_else(not_a_document)?;
        let number = reference.strip_prefix('#').and_then(|number| match number.strip_prefix('x') {
            Some(digits) => u32::from_str_radix(digits, 16).ok(),
            None => number.parse().ok(),
        });
        out.push(match (reference, number) {
            (_, Some(number)) => char::from_u32(number).ok_or_else(not_a_document)?,
            ("lt", _) => '<',
            ("gt", _) => '>',
            ("amp", _) => '&',
            ("quot", _) => '"',
            ("apos", _) => '\'',
            _ => return Err(Error::unsupported("an entity that a document type declares")),
        });
        plain(rest, &mut out);
    }
    Ok(out)
}

impl Tree {
    /// The document that a value of xml is; 2200M if it is none.
    pub fn parse(text: &str) -> Result<Self> {
        limits::begin(text.len())?;
        if !is_document(text) {
            return Err(not_a_document());
        }
        memory::reserve(text.len() + text.matches(['<', '=']).count().saturating_mul(NODE))?;
        let mut tree = Tree(Vec::new());
        tree.add(Kind::Document, 0, String::new(), String::new());
        let mut rest = split_declaration(text).1;
        let mut open = 0;
        while let Some(first) = rest.chars().next() {
            limits::work(16)?;
            if first != '<' {
                let end = rest.find('<').unwrap_or(rest.len());
                let (text, behind) = rest.split_at(end);
                if open != 0 {
                    let value = resolved(text)?;
                    tree.add(Kind::Text, open, String::new(), value);
                }
                rest = behind;
            } else if let Some(inside) = rest.strip_prefix("<!--") {
                let (value, behind) = inside.split_once("-->").ok_or_else(not_a_document)?;
                tree.add(Kind::Comment, open, String::new(), value.to_owned());
                rest = behind;
            } else if let Some(inside) = rest.strip_prefix("<![CDATA[") {
                let (value, behind) = inside.split_once("]]>").ok_or_else(not_a_document)?;
                tree.add(Kind::Section, open, String::new(), value.to_owned());
                rest = behind;
            } else if let Some(inside) = rest.strip_prefix("<?") {
                let (value, behind) = inside.split_once("?>").ok_or_else(not_a_document)?;
                let (name, value) = value.split_once(is_space).unwrap_or((value, ""));
                tree.add(Kind::Instruction, open, name.to_owned(), value.trim_start_matches(is_space).to_owned());
                rest = behind;
            } else if rest.starts_with("<!") {
                rest = behind_type(rest).unwrap_or("");
            } else if let Some(inside) = rest.strip_prefix("</") {
                open = tree.node(open).parent;
                rest = inside.split_once('>').ok_or_else(not_a_document)?.1;
            } else {
                let (element, closed, behind) = tree.element(open, rest.get(1..).unwrap_or(""))?;
                if !closed {
                    open = element;
                }
                rest = behind;
            }
        }
        Ok(tree)
    }

    pub fn node(&self, index: usize) -> &Node {
        // An index is always a node's; the document is there.
        self.0.get(index).unwrap_or(&NOTHING)
    }

    fn add(&mut self, kind: Kind, parent: usize, name: String, value: String) -> usize {
        let index = self.0.len();
        let (uri, attributes, children, declared) = (String::new(), Vec::new(), Vec::new(), Vec::new());
        self.0.push(Node { kind, parent, name, uri, value, attributes, children, declared });
        if let Some(parent) = self.0.get_mut(parent).filter(|_| index > 0) {
            let siblings = if kind == Kind::Attribute { &mut parent.attributes } else { &mut parent.children };
            siblings.push(index);
        }
        index
    }

    /// Behind the first angle: the element, whether it ends there, and what is behind it.
    fn element<'t>(&mut self, parent: usize, text: &'t str) -> Result<(usize, bool, &'t str)> {
        let ends_name = |c: char| is_space(c) || matches!(c, '/' | '>' | '=');
        let (name, mut rest) = text.split_at(text.find(ends_name).ok_or_else(not_a_document)?);
        let index = self.add(Kind::Element, parent, name.to_owned(), String::new());
        let closed = loop {
            rest = rest.trim_start_matches(is_space);
            if let Some(behind) = rest.strip_prefix("/>") {
                rest = behind;
                break true;
            }
            if let Some(behind) = rest.strip_prefix('>') {
                rest = behind;
                break false;
            }
            let (name, behind) = rest.split_at(rest.find(ends_name).ok_or_else(not_a_document)?);
            let value = behind.trim_start_matches(is_space).strip_prefix('=').ok_or_else(not_a_document)?;
            let value = value.trim_start_matches(is_space);
            let quote = value.chars().next().ok_or_else(not_a_document)?;
            let (value, behind) = value.get(1..).and_then(|v| v.split_once(quote)).ok_or_else(not_a_document)?;
            rest = behind;
            let value = resolved(&value.replace("\r\n", " ").replace(['\r', '\n', '\t'], " "))?;
            let prefix = if name == "xmlns" { Some("") } else { name.strip_prefix("xmlns:") };
            match prefix {
                Some(prefix) if value.contains('<') => {
                    let detail = format!("xmlns:{prefix}: '{value}' is not a valid URI");
                    return Err(not_a_document().with_detail(detail));
                }
                Some(prefix) => {
                    if let Some(node) = self.0.get_mut(index) {
                        node.declared.push((prefix.to_owned(), value));
                    }
                }
                None => {
                    self.add(Kind::Attribute, index, name.to_owned(), value);
                }
            }
        };
        let attributes = self.node(index).attributes.clone();
        for of in std::iter::once(index).chain(attributes) {
            let prefix = self.node(of).parts().0.to_owned();
            // Attributes without a prefix are in no namespace.
            let uri = if of != index && prefix.is_empty() { Some("") } else { self.uri(index, &prefix) };
            let uri = uri.ok_or_else(not_a_document)?.to_owned();
            if let Some(node) = self.0.get_mut(of) {
                node.uri = uri;
            }
        }
        Ok((index, closed, rest))
    }

    /// The namespace of a prefix at an element; `None` if there is none.
    pub fn uri(&self, element: usize, prefix: &str) -> Option<&str> {
        let mut at = element;
        loop {
            let node = self.node(at);
            if let Some((_, uri)) = node.declared.iter().find(|(of, _)| of == prefix) {
                return Some(uri);
            }
            if at == 0 {
                return match prefix {
                    "" => Some(""),
                    "xml" => Some("http://www.w3.org/XML/1998/namespace"),
                    _ => None,
                };
            }
            at = node.parent;
        }
    }

    /// The string-value of a node.
    pub fn text(&self, index: usize) -> Result<String> {
        let node = self.node(index);
        if !matches!(node.kind, Kind::Document | Kind::Element) {
            limits::work(node.value.len())?;
            return Ok(node.value.clone());
        }
        let mut out = String::new();
        let mut waiting: Vec<usize> = node.children.iter().rev().copied().collect();
        while let Some(index) = waiting.pop() {
            let node = self.node(index);
            limits::work(8 + node.value.len())?;
            match node.kind {
                Kind::Text | Kind::Section => out.push_str(&node.value),
                Kind::Element => waiting.extend(node.children.iter().rev()),
                _ => {}
            }
        }
        Ok(out)
    }

    /// A node as a value of xml: of an attribute or a text what it says, anything else as libxml2 writes it, with the
    /// namespaces that it takes from above.
    pub fn to_xml(&self, index: usize) -> Result<String> {
        let node = self.node(index);
        let mut out = String::new();
        match node.kind {
            Kind::Attribute | Kind::Text | Kind::Section => escape(&node.value, &mut out),
            _ => self.write(index, index, &mut out)?,
        }
        Ok(out)
    }

    /// The prefixes below `top` whose namespaces are declared above it, in the order of their use.
    fn foreign(&self, top: usize) -> Vec<(String, String)> {
        let mut found: Vec<(String, String)> = Vec::new();
        let mut waiting = vec![top];
        while let Some(index) = waiting.pop() {
            let node = self.node(index);
            for of in std::iter::once(&index).chain(&node.attributes) {
                let of = self.node(*of);
                let prefix = of.parts().0;
                if of.uri.is_empty() || prefix == "xml" || found.iter().any(|(known, _)| known == prefix) {
                    continue;
                }
                let mut at = index;
                let declared = loop {
                    let above = self.node(at);
                    if above.declared.iter().any(|(known, _)| known == prefix) {
                        break true;
                    }
                    if at == top {
                        break false;
                    }
                    at = above.parent;
                };
                if !declared {
                    found.push((prefix.to_owned(), of.uri.clone()));
                }
            }
            waiting.extend(node.children.iter().rev().filter(|child| self.node(**child).kind == Kind::Element));
        }
        found
    }

    fn write(&self, index: usize, top: usize, out: &mut String) -> Result<()> {
        stack::check()?;
        let node = self.node(index);
        limits::work(16 + node.value.len())?;
        memory::room(out.len(), node.value.len())?;
        match node.kind {
            Kind::Document => {
                return node.children.iter().try_for_each(|child| {
                    self.write(*child, *child, out)?;
                    out.push('\n');
                    Ok(())
                });
            }
            Kind::Text | Kind::Attribute => escape_text(&node.value, out),
            Kind::Section => out.extend(["<![CDATA[", &node.value, "]]>"]),
            Kind::Comment => out.extend(["<!--", &node.value, "-->"]),
            Kind::Instruction if node.value.is_empty() => out.extend(["<?", &node.name, "?>"]),
            Kind::Instruction => out.extend(["<?", &node.name, " ", &node.value, "?>"]),
            Kind::Element => {
                out.extend(["<", &node.name]);
                let foreign = if index == top { self.foreign(top) } else { Vec::new() };
                for (prefix, uri) in node.declared.iter().chain(&foreign) {
                    out.push_str(if prefix.is_empty() { " xmlns" } else { " xmlns:" });
                    out.extend([prefix, "=\""]);
                    escape_attribute(uri, out);
                    out.push('"');
                }
                for attribute in &node.attributes {
                    let attribute = self.node(*attribute);
                    out.extend([" ", &attribute.name, "=\""]);
                    escape_attribute(&attribute.value, out);
                    out.push('"');
                }
                if node.children.is_empty() {
                    out.push_str("/>");
                    return Ok(());
                }
                out.push('>');
                node.children.iter().try_for_each(|child| self.write(*child, top, out))?;
                out.extend(["</", &node.name, ">"]);
            }
        }
        Ok(())
    }
}

static NOTHING: Node = Node {
    kind: Kind::Document,
    parent: 0,
    name: String::new(),
    uri: String::new(),
    value: String::new(),
    attributes: Vec::new(),
    children: Vec::new(),
    declared: Vec::new(),
};

fn escape_text(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\r' => out.push_str("&#13;"),
            c => out.push(c),
        }
    }
}

/// What is behind <!DOCTYPE … [ … ]>, of which only the end is looked for.
pub(super) fn behind_type(text: &str) -> Option<&str> {
    let (mut inside, mut quote) = (false, None);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), c) if open == c => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '[') => inside = true,
            (None, ']') => inside = false,
            (None, '>') if !inside => return text.get(at + 1..),
            _ => {}
        }
    }
    None
}
