//! The tree of a plan: what SQLite says that it does, put together with what the statement is about.
//!
//! SQLite names the loops of a query in the order of their nesting, and beside them what it does with their rows; what
//! runs first stands before. Our aliases say which entry a loop is over.

use std::collections::{BTreeSet, HashMap};

use super::lines::{Line, Scan, forest};
use super::node::{Actual, Detail, Node};
use super::outline::{Change, EntryOutline, EntryShape, Outline, QueryOutline, Table};
use super::{Explain, Measured, Options, Step};
use crate::limits::stack;
use crate::sql::plan::Tag;

/// What a table has that was never analyzed, where SQLite assumes a million rows.
const UNKNOWN_ROWS: f64 = 1000.0;
/// cpu_tuple_cost, cpu_operator_cost.
const TUPLE_COST: f64 = 0.01;
const OPERATOR_COST: f64 = 0.0025;
/// DEFAULT_EQ_SEL, DEFAULT_INEQ_SEL.
const EQUAL: f64 = 0.005;
const UNEQUAL: f64 = 0.333_333_333;

/// What is done with a query's rows in memory of its own.
#[derive(Default)]
struct Sorted {
    group: bool,
    order: bool,
    last_terms: bool,
    distinct: bool,
}

struct Builder<'b> {
    outline: &'b Outline,
    options: &'b Options,
    used: BTreeSet<usize>,
    sub_plans: usize,
    producers: HashMap<&'b str, &'b Line<'b>>,
    /// Those that were shown.
    ctes: BTreeSet<u32>,
    /// The postings that are searched for rows.
    postings: BTreeSet<&'b str>,
}

/// The plan of a statement.
pub(super) fn plan(outline: &Outline, steps: &[Vec<Step>], options: &Options) -> Node {
    let forests: Vec<Vec<Line<'_>>> = steps.iter().map(|steps| forest(steps)).collect();
    let mut builder = Builder {
        outline,
        options,
        used: BTreeSet::new(),
        sub_plans: 0,
        producers: HashMap::new(),
        ctes: BTreeSet::new(),
        postings: BTreeSet::new(),
    };
    builder.statement(&forests)
}

impl<'b> Builder<'b> {
    fn statement(&mut self, forests: &'b [Vec<Line<'b>>]) -> Node {
        let outline = self.outline;
        let Some(change) = &outline.change else {
            let own = forests.last().map_or(&[][..], Vec::as_slice);
            let mut node = self.level(own, 0);
            let changes = outline.ctes.values().filter_map(|cte| Some((cte, cte.change.as_ref()?)));
            let changes: Vec<_> = changes.collect();
            for (place, (cte, change)) in changes.into_iter().enumerate() {
                let lines = forests.get(place).filter(|_| place + 1 < forests.len()).map_or(&[][..], Vec::as_slice);
                let below = self.level(lines, cte.query);
                let mut changed = self.changing(change, below);
                changed.relationship = "InitPlan";
                changed.sub_plan = Some(format!("CTE {}", cte.name));
                node.children.insert(0, changed);
            }
            return node;
        };
        // The rows are found by the first part that reads any of the statement's own tables.
        let reads = |lines: &Vec<Line<'_>>| lines.iter().any(|line| self.is_of_entry(line));
        let source = forests.iter().find(|lines| reads(lines)).or(forests.last());
        let below = self.level(source.map_or(&[], Vec::as_slice), 0);
        self.changing(change, below)
    }

    fn is_of_entry(&self, line: &Line<'_>) -> bool {
        let of_entry = |scan: Scan<'_>| self.entry(scan.name).is_some() || self.member(scan.name).is_some();
        Scan::of(line.detail).is_some_and(of_entry) || line.children.iter().any(|child| self.is_of_entry(child))
    }

    /// ModifyTable
    fn changing(&self, change: &Change, below: Node) -> Node {
        let mut node = Node::over("ModifyTable", below);
        node.label = change.operation.to_owned();
        node.head.push(("Operation", change.operation.to_owned()));
        self.name_table(&mut node, &change.table, &change.alias);
        node.output.clone_from(&change.returning);
        if let Some(resolution) = change.conflict {
            node.detail("Conflict Resolution", resolution);
        }
        if !change.gives_rows {
            (node.rows, node.width) = (0.0, 0);
        }
        node
    }

    fn entry(&self, alias: &str) -> Option<(u32, &'b EntryOutline)> {
        let number = alias.strip_prefix('t')?.parse().ok()?;
        self.outline.entries.get(&number).map(|entry| (number, entry))
    }

    fn member(&self, alias: &str) -> Option<&'b (u32, Table)> {
        let number: usize = alias.strip_prefix('u')?.parse().ok()?;
        self.outline.members.get(number.checked_sub(1)?)
    }

    fn query(&self, number: usize) -> Option<&'b QueryOutline> {
        self.outline.queries.get(number)
    }

    /// The query that a list of lines is of: that of its first loop, or the one in whose FROM that stands.
    fn query_of(&self, lines: &[Line<'_>]) -> Option<usize> {
        let scans = lines.iter().filter_map(|line| Scan::of(line.detail));
        let mut entries = scans.filter_map(|scan| self.entry(scan.name));
        let mut query = entries.next()?.1.query;
        while let Some(outline) = self.query(query) {
            match outline.parent {
                Some(parent) if outline.in_from => query = parent,
                _ => break,
            }
        }
        Some(query)
    }

    /// The members of a set operation, from the left.
    fn leaves(&self, query: usize) -> Vec<usize> {
        let own = (0..self.outline.queries.len()).filter(|number| {
            let outline = self.query(*number);
            outline.is_some_and(|outline| outline.parent == Some(query) && outline.in_from)
        });
        let mut leaves = Vec::new();
        for member in own {
            match self.query(member).is_some_and(|outline| outline.operator.is_some()) && stack::check().is_ok() {
                true => leaves.extend(self.leaves(member)),
                false => leaves.push(member),
            }
        }
        leaves
    }

    /// The node of a query whose lines these are.
    fn level(&mut self, lines: &'b [Line<'b>], query: usize) -> Node {
        if stack::check().is_err() {
            return Node::new("Result");
        }
        let (node, sorted, plans) = self.loops(lines, query);
        let mut node = match self.query(query) {
            Some(outline) if node.kind != "Recursive Union" => self.finish(node, outline, &sorted),
            _ => node,
        };
        node.add_sub_plans(plans);
        node
    }

    /// What reads a query's tables, and what is done with their rows.
    fn loops(&mut self, lines: &'b [Line<'b>], query: usize) -> (Node, Sorted, Vec<Node>) {
        let mut leaves = self.leaves(query).into_iter();
        let mut sorted = Sorted::default();
        let (mut joined, mut plans): (Option<Node>, Vec<Node>) = (None, Vec::new());
        let mut placed = BTreeSet::new();
        let mut recursion = Vec::new();
        self.postings.extend(lines.iter().filter_map(Line::postings));
        for line in lines.iter().filter(|line| line.postings().is_none()) {
            let detail = line.detail;
            if let Some(name) = detail.strip_prefix("CO-ROUTINE ").or_else(|| detail.strip_prefix("MATERIALIZE ")) {
                self.producers.insert(name, line);
            } else if let Some(scan) = Scan::of(detail) {
                if self.is_of_key(&scan) {
                    continue;
                }
                let inner = self.scan(&scan, line, &mut placed);
                joined = Some(match joined {
                    None => inner,
                    Some(outer) => self.join(outer, inner, &scan, &placed),
                });
            } else if detail == "MULTI-INDEX OR" {
                let inner = self.either(line, &mut placed);
                joined = Some(match joined {
                    None => inner,
                    Some(outer) => self.join(outer, inner, &Scan::default(), &placed),
                });
            } else if let Some(what) = detail.strip_prefix("USE TEMP B-TREE FOR ") {
                match what {
                    "GROUP BY" => sorted.group = true,
                    "ORDER BY" => sorted.order = true,
                    "DISTINCT" => sorted.distinct = true,
                    _ => sorted.last_terms = true,
                }
            } else if detail.contains("SUBQUERY ") && !detail.starts_with("REUSE") && detail != "LEFT-MOST SUBQUERY" {
                plans.push(self.sub_plan(line, detail.starts_with("CORRELATED")));
            } else if detail == "COMPOUND QUERY" {
                let (node, ..) = self.loops(&line.children, query);
                joined = Some(self.append(joined, node));
            } else if detail == "LEFT-MOST SUBQUERY" || detail == "LEFT" || detail == "RIGHT" {
                let leaf = leaves.next().unwrap_or(query);
                let node = self.level(&line.children, leaf);
                joined = Some(self.append(joined, node));
            } else if let Some(operator) = detail.strip_prefix("MERGE (") {
                let (node, ..) = self.loops(&line.children, query);
                leaves.next();
                leaves.next();
                joined = Some(self.set_operation(node, operator.trim_end_matches(')'), true));
            } else if let Some(operator) = ["UNION", "INTERSECT", "EXCEPT"].into_iter().find(|o| detail.starts_with(o))
            {
                let leaf = leaves.next().unwrap_or(query);
                let node = self.level(&line.children, leaf);
                let both = self.append(joined, node);
                joined = Some(match detail {
                    "UNION ALL" => both,
                    _ => self.set_operation(both, operator, false),
                });
            } else if detail == "SETUP" || detail == "RECURSIVE STEP" {
                let leaf = leaves.next().unwrap_or(query);
                recursion.push(self.level(&line.children, leaf));
            }
        }
        if !recursion.is_empty() {
            joined = Some(recursive_union(recursion));
        }
        (joined.unwrap_or_else(|| result(self.query(query))), sorted, plans)
    }

    /// What a query does with the rows of its FROM.
    fn finish(&self, mut node: Node, outline: &QueryOutline, sorted: &Sorted) -> Node {
        if !outline.one_time.is_empty() {
            if node.kind != "Result" {
                node = Node::over("Result", node);
            }
            node.detail("One-Time Filter", conjunction(&outline.one_time));
        }
        if outline.aggregates {
            if sorted.group && !outline.group_keys.is_empty() {
                node = sort(node, &outline.group_keys, "Sort");
            }
            node = aggregate(node, outline);
        }
        if outline.windows {
            node = Node::over("WindowAgg", node);
        }
        if outline.distinct {
            node = match sorted.distinct {
                true => hashed(node, &outline.output),
                false => Node::over("Unique", node),
            };
        }
        if sorted.order && !outline.sort_keys.is_empty() {
            node = sort(node, &outline.sort_keys, "Sort");
        } else if sorted.last_terms && !outline.sort_keys.is_empty() {
            node = sort(node, &outline.sort_keys, "Incremental Sort");
        }
        if outline.locks {
            node = Node::over("LockRows", node);
        }
        if outline.limited {
            node = Node::over("Limit", node);
        }
        node.output.clone_from(&outline.output);
        if outline.width > 0 {
            node.width = outline.width;
        }
        node
    }

    fn append(&self, left: Option<Node>, mut right: Node) -> Node {
        right.relationship = "Member";
        let Some(mut left) = left else { return right };
        if left.kind == "Append" {
            left.rows += right.rows;
            left.total += right.total;
            left.children.push(right);
            return left;
        }
        left.relationship = "Member";
        let mut node = Node::new("Append");
        (node.rows, node.width) = (left.rows + right.rows, left.width);
        (node.startup, node.total) = (left.startup, left.total + right.total);
        node.children = vec![left, right];
        node
    }

    fn set_operation(&self, both: Node, operator: &str, merged: bool) -> Node {
        match operator {
            "UNION ALL" => both,
            "UNION" if merged => Node::over("Unique", both),
            "UNION" => hashed(both, &[]),
            _ => {
                let (strategy, label) = if merged { ("Sorted", "SetOp") } else { ("Hashed", "HashSetOp") };
                let command = if operator == "EXCEPT" { "Except" } else { "Intersect" };
                let mut node = Node::over("SetOp", both);
                node.label = format!("{label} {command}");
                node.head.push(("Strategy", strategy.to_owned()));
                node.target.push(("Command", command.to_owned()));
                node
            }
        }
    }

    fn sub_plan(&mut self, line: &'b Line<'b>, correlated: bool) -> Node {
        let query = self.query_of(&line.children).unwrap_or(usize::MAX);
        let mut node = self.level(&line.children, query);
        self.sub_plans += 1;
        let number = self.sub_plans;
        let list = line.detail.contains("LIST SUBQUERY");
        (node.relationship, node.sub_plan) = match correlated || list {
            true => ("SubPlan", Some(format!("SubPlan {number}"))),
            false => ("InitPlan", Some(format!("InitPlan {number} (returns ${})", number - 1))),
        };
        node
    }

    /// A loop over a table, a sub-query, a function.
    fn scan(&mut self, scan: &Scan<'b>, line: &'b Line<'b>, placed: &mut BTreeSet<u32>) -> Node {
        if let Some((entry, table)) = self.member(scan.name) {
            placed.insert(*entry);
            return self.table_scan(scan, line.cost, *entry, table, &table.name);
        }
        let Some((number, entry)) = self.entry(scan.name) else { return self.unknown_scan(scan) };
        placed.insert(number);
        match &entry.kind {
            EntryShape::Table(table) => self.table_scan(scan, line.cost, number, table, &entry.alias),
            EntryShape::Function(names, calls) => {
                let mut node = Node::new("Function Scan");
                let name = names.first().cloned().unwrap_or_default();
                let shown = if names.len() == 1 { name.as_str() } else { "" };
                node.on = match shown {
                    "" => format!(" on {}", entry.alias),
                    name if name == entry.alias => format!(" on {name}"),
                    name => format!(" on {name} {}", entry.alias),
                };
                if self.options.verbose && !shown.is_empty() {
                    node.on = node.on.replacen(" on ", " on pg_catalog.", 1);
                }
                if !shown.is_empty() {
                    node.target.push(("Function Name", name));
                    if self.options.verbose {
                        node.target.push(("Schema", "pg_catalog".to_owned()));
                    }
                }
                node.target.push(("Alias", entry.alias.clone()));
                if self.options.verbose && !calls.is_empty() {
                    node.detail("Function Call", calls.join(", "));
                }
                (node.rows, node.width, node.total) = (100.0, 4, 1.0);
                self.filter(&mut node, number, &[]);
                node
            }
            EntryShape::Cte(id) => self.cte_scan(scan, *id, number, &entry.alias),
            EntryShape::Subquery(query) => {
                let below = match self.producers.remove(scan.name) {
                    Some(producer) => self.level(&producer.children, *query),
                    None => result(None),
                };
                let mut node = Node::over("Subquery Scan", below);
                node.on = format!(" on {}", entry.alias);
                node.target.push(("Alias", entry.alias.clone()));
                if let Some(child) = node.children.first_mut() {
                    child.relationship = "Subquery";
                }
                self.filter(&mut node, number, &[]);
                node
            }
        }
    }

    /// Whether it is one of a table that a foreign key makes SQLite look at.
    fn is_of_key(&self, scan: &Scan<'_>) -> bool {
        self.outline.change.is_some()
            && self.entry(scan.name).is_none()
            && self.member(scan.name).is_none()
            && !self.producers.contains_key(scan.name)
    }

    /// What SQLite has made itself, and kept rows.
    fn unknown_scan(&mut self, scan: &Scan<'b>) -> Node {
        if let Some(producer) = self.producers.remove(scan.name) {
            let query = self.query_of(&producer.children).unwrap_or(usize::MAX);
            // The query it is of finishes it.
            let lines = &producer.children;
            let own = lines.iter().any(|line| Scan::of(line.detail).is_some());
            return self.level(lines, if own { usize::MAX } else { query });
        }
        let tables = self.outline.entries.iter().filter_map(|(number, entry)| match &entry.kind {
            EntryShape::Table(table) if table.sqlite_name == scan.name => Some((*number, table, &entry.alias)),
            _ => None,
        });
        let tables: Vec<_> = tables.collect();
        match tables.first() {
            Some((number, table, alias)) => self.table_scan(scan, 216, *number, table, alias),
            None => result(None),
        }
    }

    fn cte_scan(&mut self, scan: &Scan<'b>, id: u32, number: u32, alias: &str) -> Node {
        let cte = self.outline.ctes.get(&id);
        let name = cte.map_or_else(String::new, |cte| cte.name.clone());
        let producer = format!("__pg_cte{id}");
        let known = self.producers.iter().find(|(known, _)| **known == producer).map(|(_, line)| *line);
        let working =
            known.is_none() && !self.ctes.contains(&id) && scan.name.starts_with('t') && self.is_recursive(id);
        let mut node = Node::new(if working { "WorkTable Scan" } else { "CTE Scan" });
        node.on = if name == alias { format!(" on {name}") } else { format!(" on {name} {alias}") };
        node.target.push(("CTE Name", name.clone()));
        node.target.push(("Alias", alias.to_owned()));
        (node.rows, node.width) = (UNKNOWN_ROWS, 4);
        if let (Some(line), Some(cte)) = (known, cte) {
            self.producers.retain(|known, _| **known != producer);
            let mut below = self.level(&line.children, cte.query);
            self.ctes.insert(id);
            below.relationship = "InitPlan";
            below.sub_plan = Some(format!("CTE {name}"));
            (node.rows, node.width, node.total) = (below.rows, below.width, below.total);
            node.children.push(below);
        }
        node.total += node.rows * 2.0 * TUPLE_COST;
        self.filter(&mut node, number, &[]);
        node
    }

    fn is_recursive(&self, id: u32) -> bool {
        let query = self.outline.ctes.get(&id).map(|cte| cte.query);
        query.and_then(|query| self.query(query)).is_some_and(|query| query.operator.is_some())
    }

    fn name_table(&self, node: &mut Node, table: &Table, alias: &str) {
        let name = match self.options.verbose {
            true => format!("{}.{}", table.schema, table.name),
            false => table.name.clone(),
        };
        node.on += &match alias == table.name {
            true => format!(" on {name}"),
            false => format!(" on {name} {alias}"),
        };
        node.target.push(("Relation Name", table.name.clone()));
        if self.options.verbose {
            node.target.push(("Schema", table.schema.clone()));
        }
        node.target.push(("Alias", alias.to_owned()));
    }

    fn table_scan(&mut self, scan: &Scan<'_>, cost: i64, entry: u32, table: &Table, alias: &str) -> Node {
        if scan.rowid
            && let Some((_, index)) = table.postings.iter().find(|(name, _)| self.postings.contains(name.as_str()))
        {
            return self.bitmap_scan(index, entry, table, alias);
        }
        let index = match (&table.key, scan.index) {
            (Some((key, _)), _) if scan.rowid => Some(key.clone()),
            (_, Some(index)) => Some(index.strip_prefix(&format!("{}.", table.schema)).unwrap_or(index).to_owned()),
            _ => None,
        };
        let mut node = Node::new(match (&index, scan.covering) {
            (None, _) => "Seq Scan",
            (Some(_), true) => "Index Only Scan",
            (Some(_), false) => "Index Scan",
        });
        if let Some(index) = &index {
            node.on = format!(" using {index}");
            node.target.push(("Scan Direction", "Forward".to_owned()));
            node.target.push(("Index Name", index.clone()));
        }
        self.name_table(&mut node, table, alias);
        let all = match (scan.search && !scan.automatic, table.is_virtual) {
            (false, false) => rows_of(cost, index.is_some()),
            _ => UNKNOWN_ROWS,
        };
        let unique = index.as_ref().and_then(|index| table.unique.iter().find(|(name, _)| name == index));
        let equal = scan.terms.iter().filter(|(_, equal)| *equal).count();
        let one = equal > 0 && (scan.rowid || unique.is_some_and(|(_, columns)| equal >= *columns));
        node.width = table.width;
        let terms: Vec<(String, bool)> = match index.is_some() {
            false => Vec::new(),
            true => scan
                .terms
                .iter()
                .map(|(column, equal)| match (*column, &table.key) {
                    ("rowid", Some((_, key))) => (key.clone(), *equal),
                    (column, _) => (column.to_owned(), *equal),
                })
                .collect(),
        };
        let matched: f64 = terms.iter().map(|(_, equal)| if *equal { EQUAL } else { UNEQUAL }).product();
        node.rows = if one { 1.0 } else { (all * matched).max(1.0).round() };
        node.total = match terms.is_empty() {
            true => all * TUPLE_COST + all * table.width as f64 / 8192.0,
            false => 4.0 + node.rows * 2.0 * TUPLE_COST,
        };
        let found = self.filter(&mut node, entry, &terms);
        if terms.is_empty() {
            node.total += all * OPERATOR_COST * found as f64;
        }
        node
    }

    /// The rows that an inverted index finds.
    fn bitmap_scan(&mut self, index: &str, entry: u32, table: &Table, alias: &str) -> Node {
        let mut found = Node::new("Bitmap Index Scan");
        found.on = format!(" on {index}");
        found.target.push(("Index Name", index.to_owned()));
        (found.rows, found.total) = (UNKNOWN_ROWS * EQUAL, 4.0);
        let mut node = Node::over("Bitmap Heap Scan", found);
        self.name_table(&mut node, table, alias);
        (node.width, node.total) = (table.width, node.total + node.rows * 2.0 * TUPLE_COST);
        self.filter(&mut node, entry, &[]);
        node
    }

    /// Puts the conditions over an entry's rows alone into its node. Those over columns that an index is searched for
    /// are the index's. How many there are.
    fn filter(&mut self, node: &mut Node, entry: u32, terms: &[(String, bool)]) -> usize {
        let (mut searched, mut filtered, mut selectivity) = (Vec::new(), Vec::new(), 1.0);
        for (place, condition) in self.outline.conditions.iter().enumerate() {
            if self.used.contains(&place) && self.outline.members.is_empty() || !condition.entries.contains(&entry) {
                continue;
            }
            let column = condition.columns.iter().find(|(of, column, equal)| {
                *of == entry && terms.iter().any(|(term, same)| term.eq_ignore_ascii_case(column) && same == equal)
            });
            if column.is_some() {
                searched.push(condition.text.clone());
            } else if condition.entries.len() == 1 {
                filtered.push(condition.text.clone());
                selectivity *= if condition.columns.iter().any(|(_, _, equal)| *equal) { EQUAL } else { UNEQUAL };
            } else {
                continue;
            }
            self.used.insert(place);
        }
        if !searched.is_empty() {
            node.detail("Index Cond", conjunction(&searched));
        }
        if !filtered.is_empty() {
            node.detail("Filter", conjunction(&filtered));
            node.rows = (node.rows * selectivity).max(1.0).round();
        }
        filtered.len()
    }

    fn join(&mut self, mut outer: Node, mut inner: Node, scan: &Scan<'_>, placed: &BTreeSet<u32>) -> Node {
        let (kind, words) = match (scan.left, scan.exists) {
            (true, _) => ("Left", " Left Join"),
            (_, true) => ("Semi", " Semi Join"),
            _ => ("Inner", ""),
        };
        let mut conditions = Vec::new();
        for (place, condition) in self.outline.conditions.iter().enumerate() {
            if condition.entries.len() > 1 && condition.entries.is_subset(placed) && self.used.insert(place) {
                conditions.push(condition.text.clone());
            }
        }
        outer.relationship = "Outer";
        // An index that is made for the statement is what a hash table is there.
        let hashed = scan.automatic && !conditions.is_empty();
        if hashed {
            inner = Node::over("Hash", inner);
        }
        inner.relationship = "Inner";
        let mut node = Node::new(if hashed { "Hash Join" } else { "Nested Loop" });
        node.label = match (hashed, words) {
            (true, "") => "Hash Join".to_owned(),
            (true, words) => format!("Hash{words}"),
            (false, words) => format!("Nested Loop{words}"),
        };
        node.target.push(("Join Type", kind.to_owned()));
        if !hashed || self.options.verbose {
            node.details.push(("Inner Unique", Detail::Flag(false)));
        }
        if !conditions.is_empty() {
            node.detail(if hashed { "Hash Cond" } else { "Join Filter" }, conjunction(&conditions));
        }
        let matches = if hashed { (inner.rows * EQUAL).max(1.0) } else { inner.rows };
        node.rows = (outer.rows * matches).max(1.0).round();
        node.width = outer.width + inner.width;
        node.startup = if hashed { inner.total } else { outer.startup };
        node.total = match hashed {
            true => outer.total + inner.total + node.rows * TUPLE_COST,
            false => outer.total + outer.rows * inner.total + node.rows * TUPLE_COST,
        };
        node.children = vec![outer, inner];
        node
    }

    /// MULTI-INDEX OR: what several indexes find.
    fn either(&mut self, line: &'b Line<'b>, placed: &mut BTreeSet<u32>) -> Node {
        let mut found: Option<(u32, &Table, &String)> = None;
        let mut bitmaps = Vec::new();
        for child in line.children.iter().flat_map(|index| &index.children) {
            let Some(scan) = Scan::of(child.detail) else { continue };
            let Some((number, entry)) = self.entry(scan.name) else { continue };
            let EntryShape::Table(table) = &entry.kind else { continue };
            found = Some((number, table, &entry.alias));
            let index = match (&table.key, scan.index) {
                (Some((key, _)), _) if scan.rowid => key.as_str(),
                (_, index) => index.unwrap_or_default(),
            };
            let mut bitmap = Node::new("Bitmap Index Scan");
            bitmap.on = format!(" on {index}");
            bitmap.target.push(("Index Name", index.to_owned()));
            (bitmap.relationship, bitmap.rows, bitmap.total) = ("Member", (UNKNOWN_ROWS * EQUAL).round(), 4.0);
            bitmaps.push(bitmap);
        }
        let Some((number, table, alias)) = found else { return result(None) };
        placed.insert(number);
        let mut either = Node::new("BitmapOr");
        either.relationship = "Outer";
        either.rows = bitmaps.iter().map(|bitmap| bitmap.rows).sum();
        either.total = bitmaps.iter().map(|bitmap| bitmap.total).sum();
        either.children = bitmaps;
        let mut node = Node::new("Bitmap Heap Scan");
        self.name_table(&mut node, table, alias);
        (node.rows, node.width, node.startup) = (either.rows, table.width, either.total);
        node.total = either.total + either.rows * 2.0 * TUPLE_COST;
        node.children.push(either);
        self.filter(&mut node, number, &[]);
        if let Some((name, _)) = node.details.iter_mut().find(|(name, _)| *name == "Filter") {
            *name = "Recheck Cond";
        }
        node
    }
}

/// A table's rows, by what reading all of them costs SQLite.
fn rows_of(cost: i64, by_index: bool) -> f64 {
    let rows = ((cost - 16) as f64 / 10.0).exp2().round();
    let assumed = if by_index { 600_000.0..2_000_000.0 } else { 1_000_000.0..1_100_000.0 };
    if rows < 1.0 || assumed.contains(&rows) { UNKNOWN_ROWS } else { rows }
}

fn conjunction(parts: &[String]) -> String {
    match parts {
        [only] => only.clone(),
        parts => format!("({})", parts.join(" AND ")),
    }
}

fn result(outline: Option<&QueryOutline>) -> Node {
    let values = outline.and_then(|outline| outline.values).filter(|rows| *rows > 1);
    let mut node = Node::new(if values.is_some() { "Values Scan" } else { "Result" });
    node.rows = values.map_or(1.0, |rows| rows as f64);
    if values.is_some() {
        node.on = " on \"*VALUES*\"".to_owned();
        node.target.push(("Alias", "*VALUES*".to_owned()));
    }
    node.width = outline.map_or(4, |outline| outline.width);
    node.total = node.rows * TUPLE_COST;
    node
}

fn sort(child: Node, keys: &[String], kind: &'static str) -> Node {
    let cost = child.rows * child.rows.max(2.0).log2() * OPERATOR_COST;
    let mut node = Node::over(kind, child);
    node.startup = node.total + cost;
    node.total = node.startup + node.rows * OPERATOR_COST;
    node.list("Sort Key", keys);
    node
}

fn aggregate(child: Node, outline: &QueryOutline) -> Node {
    let mut node = Node::over("Aggregate", child);
    let plain = outline.group_keys.is_empty() && !outline.grouping_sets;
    let strategy = match (outline.grouping_sets, plain) {
        (true, _) => ("Mixed", "MixedAggregate"),
        (_, true) => ("Plain", "Aggregate"),
        _ => ("Sorted", "GroupAggregate"),
    };
    node.label = strategy.1.to_owned();
    node.head.push(("Strategy", strategy.0.to_owned()));
    node.head.push(("Partial Mode", "Simple".to_owned()));
    node.list("Group Key", &outline.group_keys);
    if let Some(having) = &outline.having {
        node.detail("Filter", having.clone());
    }
    node.total += node.rows * TUPLE_COST;
    if plain {
        node.startup = node.total;
        node.total += TUPLE_COST;
    }
    node.rows = if plain { 1.0 } else { (node.rows / 5.0).clamp(1.0, 200.0).round() };
    node
}

/// What is told apart by a table in memory.
fn hashed(child: Node, keys: &[String]) -> Node {
    let mut node = Node::over("Aggregate", child);
    node.label = "HashAggregate".to_owned();
    node.head.push(("Strategy", "Hashed".to_owned()));
    node.head.push(("Partial Mode", "Simple".to_owned()));
    node.list("Group Key", keys);
    node.startup = node.total;
    node.total += node.rows * TUPLE_COST;
    node
}

fn recursive_union(parts: Vec<Node>) -> Node {
    let mut node = Node::new("Recursive Union");
    for (place, mut part) in parts.into_iter().enumerate() {
        part.relationship = if place == 0 { "Outer" } else { "Inner" };
        node.rows += part.rows * if place == 0 { 1.0 } else { 10.0 };
        node.total += part.total;
        node.width = node.width.max(part.width);
        node.children.push(part);
    }
    node
}

/// Says of the nodes of which it is known what running the statement has shown: the uppermost, and those whose rows it
/// only hands on.
pub(super) fn measure(plan: &mut Node, explain: &Explain, measured: &Measured) {
    let Some(rows) = measured.rows else { return };
    let mut actual = Actual { startup: measured.startup, total: measured.total, rows };
    plan.buffers = measured.buffers;
    let mut node = plan;
    loop {
        node.actual = Some(actual);
        let changes = node.kind == "ModifyTable";
        if changes && !explain.gives_rows {
            node.actual = Some(Actual { rows: 0, ..actual });
        }
        let hands_on = matches!(node.kind, "Sort" | "Incremental Sort" | "LockRows" | "WindowAgg");
        if !(hands_on || changes && explain.tag != Tag::Merge && explain.statement.before.is_empty()) {
            return;
        }
        if changes {
            actual.rows = measured.changes;
        }
        let Some(below) = node.children.iter_mut().find(|child| child.relationship == "Outer") else { return };
        node = below;
    }
}
