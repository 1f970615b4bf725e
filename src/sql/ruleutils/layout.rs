//! Lines and indentation (appendContextKeyword).

use super::Printer;

/// PRETTYINDENT_STD
pub(super) const STD: i32 = 8;
/// PRETTYINDENT_JOIN
pub(super) const JOIN: i32 = 4;
/// PRETTYINDENT_VAR
pub(super) const VAR: i32 = 4;
/// PRETTYINDENT_LIMIT: what is deeper is indented less.
const LIMIT: i32 = 40;

impl Printer<'_> {
    /// A word that begins a line, where lines are.
    pub(super) fn keyword(&mut self, text: &str, before: i32, after: i32, plus: i32) {
        if !self.style.indent {
            return self.push(text);
        }
        self.indent += before;
        self.remove_spaces();
        self.out.push('\n');
        let amount = match self.indent < LIMIT {
            true => self.indent.max(0) + plus,
            false => (LIMIT + (self.indent - LIMIT) / (STD / 2)) % LIMIT + plus,
        };
        self.out.extend(std::iter::repeat_n(' ', usize::try_from(amount).unwrap_or(0)));
        self.push(text);
        self.indent = (self.indent + after).max(0);
    }

    /// removeStringInfoSpaces
    pub(super) fn remove_spaces(&mut self) {
        let length = self.out.trim_end_matches(' ').len();
        self.out.truncate(length);
    }

    /// What one more item would make of the current line, in bytes.
    pub(super) fn line_with(&self, item: &str) -> i32 {
        let line = self.out.rsplit('\n').next().unwrap_or_default();
        i32::try_from(line.len() + item.len()).unwrap_or(i32::MAX)
    }

    /// What is written by `run`, apart.
    pub(super) fn apart<T, E>(
        &mut self,
        run: impl FnOnce(&mut Self) -> std::result::Result<T, E>,
    ) -> std::result::Result<String, E> {
        let before = std::mem::take(&mut self.out);
        let result = run(self);
        let written = std::mem::replace(&mut self.out, before);
        result.map(|_| written)
    }
}
