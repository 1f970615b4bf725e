//! Where the functions stand that run on this thread: the lines of CONTEXT of what goes on.
//!
//! Owns: the stack of [`Place`]s, [`enter`], [`lines`]. A notice and GET DIAGNOSTICS … = PG_CONTEXT show them all; an error
//! collects them as it passes. Calls begin and end on one thread, without a suspension in between: a statement runs where its
//! session runs. Must not know: the interpreter.
//! Specification: plpgsql_exec_error_callback and _SPI_error_callback.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

/// Whatever has lines of CONTEXT, innermost first.
pub trait Place {
    fn lines(&self) -> Vec<String>;
}

thread_local! {
    static PLACES: RefCell<Vec<Rc<dyn Place>>> = const { RefCell::new(Vec::new()) };
}

/// Something runs until the result is dropped.
#[must_use]
pub fn enter(place: Rc<dyn Place>) -> Entered {
    PLACES.with_borrow_mut(|places| places.push(place));
    Entered(())
}

/// See [`enter`].
#[derive(Debug)]
pub struct Entered(());

impl Drop for Entered {
    fn drop(&mut self) {
        PLACES.with_borrow_mut(|places| places.pop());
    }
}

/// The whole CONTEXT, innermost line first.
pub fn lines() -> String {
    let places = PLACES.with_borrow(Clone::clone);
    places.iter().rev().flat_map(|place| place.lines()).collect::<Vec<String>>().join("\n")
}

/// The CONTEXT of what is around the innermost place.
pub(super) fn outer_lines() -> String {
    let places = PLACES.with_borrow(Clone::clone);
    places.iter().rev().skip(1).flat_map(|place| place.lines()).collect::<Vec<String>>().join("\n")
}

/// A line that stays as it is, such as `SQL function "f" statement 1`.
impl Place for String {
    fn lines(&self) -> Vec<String> {
        vec![self.clone()]
    }
}

/// Where a function stands.
#[derive(Debug)]
pub(super) struct FunctionPlace {
    display: Arc<str>,
    line: Cell<u32>,
    at: Cell<At>,
    /// The line of a query of it that runs now.
    query: RefCell<Option<Arc<str>>>,
}

/// What it does there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum At {
    /// A statement of this name.
    Statement(&'static str),
    /// Something else, in these words.
    Phase(&'static str),
    Nothing,
}

impl FunctionPlace {
    pub fn new(display: Arc<str>) -> Self {
        FunctionPlace { display, line: Cell::new(0), at: Cell::new(At::Nothing), query: RefCell::new(None) }
    }

    /// Goes to a place; tells where it was.
    #[inline]
    pub fn set(&self, line: u32, at: At) -> (u32, At) {
        (self.line.replace(line), self.at.replace(at))
    }

    /// A query begins or ends.
    pub fn set_query(&self, line: Option<Arc<str>>) {
        self.query.replace(line);
    }

    /// Its own line.
    pub fn line(&self) -> String {
        let function = &self.display;
        match (self.at.get(), self.line.get()) {
            (At::Phase(phase), 0) => format!("PL/pgSQL function {function} {phase}"),
            (At::Phase(phase), line) => format!("PL/pgSQL function {function} line {line} {phase}"),
            (At::Statement(name), line) if line > 0 => format!("PL/pgSQL function {function} line {line} at {name}"),
            _ => format!("PL/pgSQL function {function}"),
        }
    }
}

impl Place for FunctionPlace {
    fn lines(&self) -> Vec<String> {
        let query = self.query.borrow().as_ref().map(|line| line.to_string());
        query.into_iter().chain([self.line()]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_comes_first() {
        let outer = Rc::new(FunctionPlace::new(Arc::from("f(integer)")));
        outer.set(3, At::Statement("SQL statement"));
        outer.set_query(Some(Arc::from("SQL statement \"select g()\"")));
        let entered = enter(outer);
        let inner = Rc::new(FunctionPlace::new(Arc::from("g()")));
        inner.set(0, At::Phase("during function entry"));
        let within = enter(Rc::clone(&inner) as Rc<dyn Place>);
        let all = "PL/pgSQL function g() during function entry\nSQL statement \"select g()\"\n\
                   PL/pgSQL function f(integer) line 3 at SQL statement";
        assert_eq!(lines(), all);
        drop(within);
        drop(entered);
        assert_eq!(lines(), "");
    }
}
