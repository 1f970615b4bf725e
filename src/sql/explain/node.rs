//! A plan's tree, as it is shown.

/// A node of a plan (Plan, as ExplainNode shows it).
#[derive(Clone, Debug, Default)]
pub struct Node {
    /// "Node Type"
    pub kind: &'static str,
    /// What it is called in a text.
    pub label: String,
    /// What follows that: the relation and its alias.
    pub on: String,
    /// Strategy, Partial Mode, Operation.
    pub head: Vec<(&'static str, String)>,
    /// What it reads or how it joins.
    pub target: Vec<(&'static str, String)>,
    pub details: Vec<(&'static str, Detail)>,
    pub output: Vec<String>,
    pub relationship: &'static str,
    pub sub_plan: Option<String>,
    pub startup: f64,
    pub total: f64,
    pub rows: f64,
    pub width: usize,
    pub actual: Option<Actual>,
    /// What the page cache was asked for, where that was counted.
    pub buffers: Option<Buffers>,
    pub children: Vec<Node>,
}

/// A property of a node.
#[derive(Clone, Debug)]
pub enum Detail {
    Text(String),
    List(Vec<String>),
    /// It is shown in formats for programs only.
    Flag(bool),
}

/// What running it has shown; milliseconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Actual {
    pub startup: f64,
    pub total: f64,
    pub rows: u64,
}

/// Pages of the connection's cache.
#[derive(Clone, Copy, Debug, Default)]
pub struct Buffers {
    pub hit: u64,
    pub read: u64,
    pub written: u64,
}

impl Node {
    pub fn new(kind: &'static str) -> Self {
        Node { kind, label: kind.to_owned(), ..Node::default() }
    }

    /// A node over another one, of whose rows it makes others.
    pub fn over(kind: &'static str, mut child: Node) -> Self {
        child.relationship = "Outer";
        Node {
            startup: child.startup,
            total: child.total,
            rows: child.rows,
            width: child.width,
            children: vec![child],
            ..Node::new(kind)
        }
    }

    pub fn detail(&mut self, name: &'static str, text: impl Into<String>) {
        self.details.push((name, Detail::Text(text.into())));
    }

    pub fn list(&mut self, name: &'static str, list: &[String]) {
        if !list.is_empty() {
            self.details.push((name, Detail::List(list.to_vec())));
        }
    }

    /// Sub-plans are shown before what the node reads.
    pub fn add_sub_plans(&mut self, plans: Vec<Node>) {
        self.children.splice(0..0, plans);
    }
}
