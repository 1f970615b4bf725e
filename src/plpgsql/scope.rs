//! Which names mean what where in a function (pl_funcs.c, plpgsql_ns_…).
//!
//! Owns: [`Names`], the chain of labels and variables in the order of their declaration; [`ScopeId`], a place in it.
//! A text sees what was declared before it. Must not know: types, tokens.

/// A place in the chain: everything from there back is visible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScopeId(Option<u32>);

/// What a label stands at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelKind {
    Block,
    Loop,
    /// A cursor's arguments.
    Other,
}

#[derive(Clone, Debug)]
enum Meaning {
    Label(LabelKind),
    /// The number of the variable; whether it is a record.
    Variable {
        number: u32,
        is_record: bool,
    },
}

#[derive(Clone, Debug)]
struct Item {
    name: String,
    meaning: Meaning,
    before: ScopeId,
}

/// All names of a function.
#[derive(Clone, Debug)]
pub struct Names {
    items: Vec<Item>,
    top: ScopeId,
}

/// A variable that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named {
    pub number: u32,
    pub is_record: bool,
    /// How many of the names it took: 2 if it was qualified with a label.
    pub taken: usize,
}

impl Default for Names {
    fn default() -> Self {
        Names { items: Vec::new(), top: ScopeId(None) }
    }
}

impl Names {
    /// What is visible now.
    pub fn top(&self) -> ScopeId {
        self.top
    }

    fn push(&mut self, name: &str, meaning: Meaning) {
        self.items.push(Item { name: name.to_owned(), meaning, before: self.top });
        self.top = ScopeId(Some(self.items.len() as u32 - 1));
    }

    /// A block, loop or list of arguments begins; it may have no label.
    pub fn begin(&mut self, label: Option<&str>, kind: LabelKind) {
        self.push(label.unwrap_or(""), Meaning::Label(kind));
    }

    /// The last one that began ends: what was declared in it is no longer visible.
    pub fn end(&mut self) {
        while let Some(item) = self.item(self.top) {
            let was_label = matches!(item.meaning, Meaning::Label(_));
            self.top = item.before;
            if was_label {
                return;
            }
        }
    }

    pub fn declare(&mut self, name: &str, number: u32, is_record: bool) {
        self.push(name, Meaning::Variable { number, is_record });
    }

    fn item(&self, scope: ScopeId) -> Option<&Item> {
        self.items.get(scope.0? as usize)
    }

    /// The variable that one to three names mean. If it took fewer than all, it is a record and the next name a field of it.
    pub fn lookup(&self, scope: ScopeId, names: &[&str]) -> Option<Named> {
        let mut level = scope;
        loop {
            let (found, label, outer) = self.level(level, names);
            if found.is_some() {
                return found;
            }
            let label = label?;
            if let Some((first, rest)) = names.split_first()
                && !rest.is_empty()
                && label.name == *first
                && let (Some(found), ..) = self.level(level, rest)
            {
                return Some(Named { taken: 2, ..found });
            }
            level = outer;
        }
    }

    /// Whether the name is declared since the last label.
    pub fn is_declared_here(&self, name: &str) -> bool {
        self.level(self.top, &[name]).0.is_some()
    }

    /// The variable of the first of the names in the items down to the next label; that label, and what is around it.
    fn level(&self, scope: ScopeId, names: &[&str]) -> (Option<Named>, Option<&Item>, ScopeId) {
        let mut at = scope;
        while let Some(item) = self.item(at) {
            match item.meaning {
                Meaning::Label(_) => return (None, Some(item), item.before),
                Meaning::Variable { number, is_record } => {
                    let matches = names.first().is_some_and(|name| *name == item.name);
                    if matches && (names.len() == 1 || is_record) {
                        return (Some(Named { number, is_record, taken: 1 }), None, at);
                    }
                }
            }
            at = item.before;
        }
        (None, None, at)
    }

    /// What the innermost label of this name stands at.
    pub fn label(&self, name: &str) -> Option<LabelKind> {
        self.labels().find(|(label, _)| *label == name).map(|(_, kind)| kind)
    }

    pub fn is_in_loop(&self) -> bool {
        self.labels().any(|(_, kind)| kind == LabelKind::Loop)
    }

    fn labels(&self) -> impl Iterator<Item = (&str, LabelKind)> {
        let items = std::iter::successors(self.item(self.top), |item| self.item(item.before));
        items.filter_map(|item| match item.meaning {
            Meaning::Label(kind) => Some((item.name.as_str(), kind)),
            Meaning::Variable { .. } => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_from_inside_out_and_by_label() {
        let mut names = Names::default();
        names.begin(Some("f"), LabelKind::Block);
        names.declare("a", 0, false);
        names.begin(Some("inner"), LabelKind::Block);
        names.declare("r", 1, true);
        let before = names.top();
        names.declare("a", 2, false);
        let found = |scope, path: &[&str]| names.lookup(scope, path).map(|named| (named.number, named.taken));
        let here = names.top();
        assert_eq!(found(here, &["a"]), Some((2, 1)));
        assert_eq!(found(before, &["a"]), Some((0, 1)), "declared later");
        assert_eq!(found(here, &["f", "a"]), Some((0, 2)));
        assert_eq!(found(here, &["a", "b"]), None, "a scalar has no fields");
        assert_eq!(found(here, &["r", "b"]), Some((1, 1)));
        assert_eq!(found(here, &["inner", "r", "b"]), Some((1, 2)));
        assert_eq!(found(here, &["inner", "a", "b"]), None);
        assert_eq!((names.label("inner"), names.is_in_loop()), (Some(LabelKind::Block), false));
        names.end();
        assert_eq!((names.label("inner"), names.is_declared_here("a")), (None, true));
    }
}
