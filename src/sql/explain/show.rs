//! A plan in words: text, JSON, YAML, XML (explain.c's ExplainNode, ExplainProperty and ExplainOpenGroup).

use std::fmt::Write;

use super::node::{Buffers, Detail, Node};
use super::{Format, Measured, Options};

/// What is shown, as the rows of the answer.
pub(super) fn shown(node: Option<&Node>, options: &Options, measured: &Measured) -> Vec<String> {
    let Some(node) = node else { return utility(options.format) };
    let whole = whole(node, options, measured);
    match options.format {
        Format::Text => {
            let mut lines = Vec::new();
            text(node, 0, options, &mut lines);
            after_text(options, measured, &mut lines);
            lines
        }
        Format::Json => vec![json(&whole)],
        Format::Yaml => vec![yaml(&whole)],
        Format::Xml => vec![xml(&whole)],
    }
}

/// What has no plan.
fn utility(format: Format) -> Vec<String> {
    vec![
        match format {
            Format::Text => "Utility statements have no plan structure",
            Format::Json => "[\n  \"Utility Statement\"\n]",
            Format::Yaml => "- \"Utility Statement\"",
            Format::Xml => {
                "<explain xmlns=\"http://www.postgresql.org/2009/explain\">\n  <Utility-Statement />\n</explain>"
            }
        }
        .to_owned(),
    ]
}

fn text(node: &Node, mut indent: usize, options: &Options, lines: &mut Vec<String>) {
    if let Some(name) = &node.sub_plan {
        lines.push(format!("{}{name}", "  ".repeat(indent)));
        indent += 1;
    }
    let mut line = String::new();
    if indent > 0 {
        line = format!("{}->  ", "  ".repeat(indent));
        indent += 2;
    }
    line += &node.label;
    line += &node.on;
    // Writing to a String cannot fail.
    if options.costs {
        let (startup, total, rows, width) = (node.startup, node.total, node.rows, node.width);
        let _ = write!(line, "  (cost={startup:.2}..{total:.2} rows={rows:.0} width={width})");
    }
    if let Some(actual) = node.actual {
        let _ = match options.timing {
            true => {
                write!(line, " (actual time={:.3}..{:.3} rows={} loops=1)", actual.startup, actual.total, actual.rows)
            }
            false => write!(line, " (actual rows={} loops=1)", actual.rows),
        };
    }
    lines.push(line);
    indent += 1;
    let space = "  ".repeat(indent);
    if options.verbose && !node.output.is_empty() {
        lines.push(format!("{space}Output: {}", node.output.join(", ")));
    }
    for (name, detail) in &node.details {
        match detail {
            Detail::Text(text) => lines.push(format!("{space}{name}: {text}")),
            Detail::List(list) => lines.push(format!("{space}{name}: {}", list.join(", "))),
            Detail::Flag(_) => {}
        }
    }
    if let Some(Buffers { hit, read, written }) = node.buffers
        && options.buffers
        && hit + read + written > 0
    {
        let part = |name: &str, count: u64| if count > 0 { format!(" {name}={count}") } else { String::new() };
        let parts = [part("hit", hit), part("read", read), part("written", written)].concat();
        lines.push(format!("{space}Buffers: shared{parts}"));
    }
    node.children.iter().for_each(|child| text(child, indent, options, lines));
}

fn after_text(options: &Options, measured: &Measured, lines: &mut Vec<String>) {
    if options.settings && !measured.settings.is_empty() {
        let settings: Vec<String> =
            measured.settings.iter().map(|(name, value)| format!("{name} = '{value}'")).collect();
        lines.push(format!("Settings: {}", settings.join(", ")));
    }
    if options.summary {
        lines.push(format!("Planning Time: {:.3} ms", measured.planning));
        if options.analyze {
            lines.push(format!("Execution Time: {:.3} ms", measured.execution));
        }
    }
}

/// A value in a format for programs.
enum Value {
    Text(String),
    /// A number, true or false.
    Bare(String),
    List(Vec<String>),
    Group(Vec<(String, Value)>),
    /// Groups, and what each is called in XML.
    Groups(&'static str, Vec<Vec<(String, Value)>>),
}

/// The group "Query".
fn whole(node: &Node, options: &Options, measured: &Measured) -> Vec<(String, Value)> {
    let mut query = vec![("Plan".to_owned(), Value::Group(plan(node, options)))];
    if options.settings {
        let settings = measured.settings.iter().map(|(name, value)| (name.clone(), Value::Text(value.clone())));
        query.push(("Settings".to_owned(), Value::Group(settings.collect())));
    }
    if options.summary {
        query.push(("Planning Time".to_owned(), Value::Bare(format!("{:.3}", measured.planning))));
    }
    if options.analyze {
        query.push(("Triggers".to_owned(), Value::Groups("Trigger", Vec::new())));
        if options.summary {
            query.push(("Execution Time".to_owned(), Value::Bare(format!("{:.3}", measured.execution))));
        }
    }
    query
}

fn plan(node: &Node, options: &Options) -> Vec<(String, Value)> {
    let mut all: Vec<(String, Value)> = Vec::new();
    let mut put = |name: &str, value: Value| all.push((name.to_owned(), value));
    put("Node Type", Value::Text(node.kind.to_owned()));
    for (name, value) in &node.head {
        put(name, Value::Text(value.clone()));
    }
    if !node.relationship.is_empty() {
        put("Parent Relationship", Value::Text(node.relationship.to_owned()));
    }
    if let Some(name) = &node.sub_plan {
        put("Subplan Name", Value::Text(name.clone()));
    }
    put("Parallel Aware", Value::Bare("false".to_owned()));
    put("Async Capable", Value::Bare("false".to_owned()));
    for (name, value) in &node.target {
        put(name, Value::Text(value.clone()));
    }
    if options.costs {
        put("Startup Cost", Value::Bare(format!("{:.2}", node.startup)));
        put("Total Cost", Value::Bare(format!("{:.2}", node.total)));
        put("Plan Rows", Value::Bare(format!("{:.0}", node.rows)));
        put("Plan Width", Value::Bare(node.width.to_string()));
    }
    if let Some(actual) = node.actual {
        if options.timing {
            put("Actual Startup Time", Value::Bare(format!("{:.3}", actual.startup)));
            put("Actual Total Time", Value::Bare(format!("{:.3}", actual.total)));
        }
        put("Actual Rows", Value::Bare(actual.rows.to_string()));
        put("Actual Loops", Value::Bare("1".to_owned()));
    }
    if options.verbose && !node.output.is_empty() {
        put("Output", Value::List(node.output.clone()));
    }
    for (name, detail) in &node.details {
        put(
            name,
            match detail {
                Detail::Text(text) => Value::Text(text.clone()),
                Detail::List(list) => Value::List(list.clone()),
                Detail::Flag(flag) => Value::Bare(flag.to_string()),
            },
        );
    }
    if let Some(Buffers { hit, read, written }) = node.buffers
        && options.buffers
    {
        put("Shared Hit Blocks", Value::Bare(hit.to_string()));
        put("Shared Read Blocks", Value::Bare(read.to_string()));
        put("Shared Written Blocks", Value::Bare(written.to_string()));
    }
    if !node.children.is_empty() {
        put("Plans", Value::Groups("Plan", node.children.iter().map(|child| plan(child, options)).collect()));
    }
    all
}

/// A text in quotes (escape_json).
fn quoted(text: &str) -> String {
    serde_json::Value::String(text.to_owned()).to_string()
}

fn json(whole: &[(String, Value)]) -> String {
    let mut out = "[\n  {\n".to_owned();
    json_group(whole, 2, &mut out);
    out += "\n  }\n]";
    out
}

fn json_group(group: &[(String, Value)], indent: usize, out: &mut String) {
    for (place, (name, value)) in group.iter().enumerate() {
        if place > 0 {
            out.push_str(",\n");
        }
        let space = "  ".repeat(indent);
        let _ = write!(out, "{space}{}: ", quoted(name));
        match value {
            Value::Text(text) => out.push_str(&quoted(text)),
            Value::Bare(text) => out.push_str(text),
            Value::List(list) => {
                let list: Vec<String> = list.iter().map(|text| quoted(text)).collect();
                let _ = write!(out, "[{}]", list.join(", "));
            }
            Value::Group(group) => {
                out.push('{');
                if !group.is_empty() {
                    out.push('\n');
                    json_group(group, indent + 1, out);
                }
                let _ = write!(out, "\n{space}}}");
            }
            Value::Groups(_, groups) => {
                out.push('[');
                for (place, group) in groups.iter().enumerate() {
                    out.push_str(if place > 0 { ",\n" } else { "\n" });
                    let _ = writeln!(out, "{space}  {{");
                    json_group(group, indent + 2, out);
                    let _ = write!(out, "\n{space}  }}");
                }
                let _ = write!(out, "\n{space}]");
            }
        }
    }
}

fn yaml(whole: &[(String, Value)]) -> String {
    let mut out = "- ".to_owned();
    yaml_group(whole, 1, &mut out);
    out
}

/// The first line stands where the output is.
fn yaml_group(group: &[(String, Value)], indent: usize, out: &mut String) {
    for (place, (name, value)) in group.iter().enumerate() {
        if place > 0 {
            let _ = write!(out, "\n{}", "  ".repeat(indent));
        }
        match value {
            Value::Text(text) => {
                let _ = write!(out, "{name}: {}", quoted(text));
            }
            Value::Bare(text) => {
                let _ = write!(out, "{name}: {text}");
            }
            Value::List(list) => {
                let _ = write!(out, "{name}: ");
                for item in list {
                    let _ = write!(out, "\n{}- {}", "  ".repeat(indent + 1), quoted(item));
                }
            }
            Value::Group(group) => {
                let _ = write!(out, "{name}: ");
                if !group.is_empty() {
                    let _ = write!(out, "\n{}", "  ".repeat(indent + 1));
                }
                yaml_group(group, indent + 1, out);
            }
            Value::Groups(_, groups) => {
                let _ = write!(out, "{name}: ");
                for group in groups {
                    let _ = write!(out, "\n{}- ", "  ".repeat(indent + 1));
                    yaml_group(group, indent + 2, out);
                }
            }
        }
    }
}

fn xml(whole: &[(String, Value)]) -> String {
    let mut out = "<explain xmlns=\"http://www.postgresql.org/2009/explain\">\n  <Query>\n".to_owned();
    xml_group(whole, 2, &mut out);
    out += "  </Query>\n</explain>";
    out
}

fn xml_group(group: &[(String, Value)], indent: usize, out: &mut String) {
    let space = "  ".repeat(indent);
    for (name, value) in group {
        let tag = xml_tag(name);
        match value {
            Value::Text(text) | Value::Bare(text) => {
                let _ = writeln!(out, "{space}<{tag}>{}</{tag}>", xml_text(text));
            }
            Value::List(list) => {
                let _ = writeln!(out, "{space}<{tag}>");
                for item in list {
                    let _ = writeln!(out, "{space}  <Item>{}</Item>", xml_text(item));
                }
                let _ = writeln!(out, "{space}</{tag}>");
            }
            Value::Group(group) => {
                let _ = writeln!(out, "{space}<{tag}>");
                xml_group(group, indent + 1, out);
                let _ = writeln!(out, "{space}</{tag}>");
            }
            Value::Groups(of, groups) => {
                let _ = writeln!(out, "{space}<{tag}>");
                for group in groups {
                    let _ = writeln!(out, "{space}  <{of}>");
                    xml_group(group, indent + 2, out);
                    let _ = writeln!(out, "{space}  </{of}>");
                }
                let _ = writeln!(out, "{space}</{tag}>");
            }
        }
    }
}

/// ExplainXMLTag: what no name may have becomes a hyphen.
fn xml_tag(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' }).collect()
}

fn xml_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    crate::types::xml::escape(text, &mut out);
    out
}
