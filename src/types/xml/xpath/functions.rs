//! XPath's core functions.

use std::collections::HashMap;

use super::{At, Context, Expr, Found, failed};
use crate::error::Result;
use crate::limits::{memory, session as limits};

impl Context<'_> {
    pub(super) fn call(&self, name: &str, args: &[Expr], at: At) -> Result<Found> {
        let arity = args.len();
        let value = |index: usize| match args.get(index) {
            Some(arg) => self.evaluate(arg, at),
            // What most functions take if they are given nothing.
            None => Ok(Found::Nodes(vec![at.node])),
        };
        let text = |index: usize| value(index)?.to_text(self.tree);
        let number = |index: usize| value(index)?.to_number(self.tree);
        let first_node = || match value(0)? {
            Found::Nodes(nodes) => Ok(nodes.first().map(|node| self.tree.node(*node))),
            _ => Err(failed("Invalid type")),
        };
        Ok(match (name, arity) {
            ("last", 0) => Found::Number(at.size as f64),
            ("position", 0) => Found::Number(at.position as f64),
            ("count", 1) => match value(0)? {
                Found::Nodes(nodes) => Found::Number(nodes.len() as f64),
                _ => return Err(failed("Invalid type")),
            },
            ("sum", 1) => match value(0)? {
                Found::Nodes(nodes) => {
                    let mut sum = 0.0;
                    for node in nodes {
                        sum += super::number(&self.tree.text(node)?);
                    }
                    Found::Number(sum)
                }
                _ => return Err(failed("Invalid type")),
            },
            ("name", 0 | 1) => Found::Text(first_node()?.map_or(String::new(), |node| node.name.clone())),
            ("local-name", 0 | 1) => Found::Text(first_node()?.map_or(String::new(), |node| node.parts().1.to_owned())),
            ("namespace-uri", 0 | 1) => Found::Text(first_node()?.map_or(String::new(), |node| node.uri.clone())),
            ("string", 0 | 1) => Found::Text(text(0)?),
            ("concat", 2..) => {
                let mut all = String::new();
                for index in 0..arity {
                    let part = text(index)?;
                    memory::room(all.len(), part.len())?;
                    all.push_str(&part);
                }
                Found::Text(all)
            }
            ("starts-with", 2) => Found::Bool(text(0)?.starts_with(&text(1)?)),
            ("contains", 2) => Found::Bool(text(0)?.contains(&text(1)?)),
            ("substring-before", 2) => {
                Found::Text(text(0)?.split_once(&text(1)?).map_or(String::new(), |(before, _)| before.to_owned()))
            }
            ("substring-after", 2) => {
                Found::Text(text(0)?.split_once(&text(1)?).map_or(String::new(), |(_, after)| after.to_owned()))
            }
            ("substring", 2 | 3) => {
                let start = round(number(1)?);
                let end = if arity == 3 { start + round(number(2)?) } else { f64::INFINITY };
                let is_in = |place: usize| (place as f64) >= start && (place as f64) < end;
                let text = text(0)?;
                Found::Text(text.chars().zip(1..).filter(|(_, place)| is_in(*place)).map(|(c, _)| c).collect())
            }
            ("string-length", 0 | 1) => Found::Number(text(0)?.chars().count() as f64),
            ("normalize-space", 0 | 1) => {
                let text = text(0)?;
                let words: Vec<&str> = text.split([' ', '\t', '\r', '\n']).filter(|word| !word.is_empty()).collect();
                Found::Text(words.join(" "))
            }
            ("translate", 3) => {
                let (whole, from, to) = (text(0)?, text(1)?, text(2)?);
                limits::begin(whole.len() + from.len() + to.len())?;
                let mut becomes = HashMap::new();
                let mut given = to.chars();
                for c in from.chars() {
                    let to = given.next();
                    becomes.entry(c).or_insert(to);
                }
                let changed = |c: char| becomes.get(&c).copied().unwrap_or(Some(c));
                Found::Text(whole.chars().filter_map(changed).collect())
            }
            ("boolean", 1) => Found::Bool(value(0)?.to_bool()),
            ("not", 1) => Found::Bool(!value(0)?.to_bool()),
            ("true", 0) => Found::Bool(true),
            ("false", 0) => Found::Bool(false),
            ("lang", 1) => Found::Bool(self.speaks(at.node, &text(0)?)),
            ("number", 0 | 1) => Found::Number(number(0)?),
            ("floor", 1) => Found::Number(number(0)?.floor()),
            ("ceiling", 1) => Found::Number(number(0)?.ceil()),
            ("round", 1) => Found::Number(round(number(0)?)),
            ("id", 1) => return Err(crate::error::Error::unsupported("XPath's id()")),
            (
                "last" | "position" | "count" | "sum" | "name" | "local-name" | "namespace-uri" | "string" | "concat",
                _,
            )
            | ("starts-with" | "contains" | "substring-before" | "substring-after" | "substring", _)
            | ("string-length" | "normalize-space" | "translate" | "boolean" | "not" | "true" | "false", _)
            | ("lang" | "number" | "floor" | "ceiling" | "round" | "id", _) => {
                return Err(failed("Invalid number of arguments"));
            }
            _ => return Err(failed("Unregistered function")),
        })
    }

    /// Whether the language of a node (xml:lang) is that one or a kind of it.
    fn speaks(&self, node: usize, language: &str) -> bool {
        let mut at = node;
        loop {
            let attributes = self.tree.node(at).attributes.iter().map(|index| self.tree.node(*index));
            if let Some(own) = attributes.into_iter().find(|attribute| attribute.name == "xml:lang") {
                let prefix = own.value.get(..language.len());
                return prefix.is_some_and(|prefix| prefix.eq_ignore_ascii_case(language))
                    && own.value.get(language.len()..).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'));
            }
            if at == 0 {
                return false;
            }
            at = self.tree.node(at).parent;
        }
    }
}

/// Halves go up.
fn round(value: f64) -> f64 {
    if value.is_finite() { (value + 0.5).floor() } else { value }
}
