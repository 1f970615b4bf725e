//! EXPLAIN: runs what asks SQLite for its plan, and with ANALYZE the statement itself.
//!
//! Must not know: what the answer looks like (`sql::explain`). Specification: sql-explain.html.

use std::time::{Duration, Instant};

use crate::engine::explaining::{Counted, plans_of, read_plan};
use crate::error::Error;
use crate::session::machine::{Outcome, StateMachine};
use crate::sql::explain::{self, Explain, Explained, Measured};
use crate::sql::plan::Action;
use crate::types::value::Value;

impl StateMachine {
    /// The rows of the answer.
    pub(super) async fn explain(
        &mut self,
        explained: &Explained,
        params: &[Value],
        literals: &[Value],
    ) -> Outcome<Vec<Vec<String>>> {
        let lines = match explained {
            Explained::Utility(options) => explain::report_utility(options),
            Explained::Statement(explain) => self.explain_statement(explain, params, literals).await?,
            Explained::Execute { name, arguments, words } => {
                let (_, params) = self.bind_prepared(name, arguments).await?;
                let prepared = self.current_statement(name)?;
                let text = format!("{words}{}", prepared.text);
                let types = prepared.planned.plan.params.iter().map(|param| param.oid).collect();
                let planned = self.prepare(&text, types)?.planned;
                let Action::Explain(Explained::Statement(explain)) = &planned.plan.action else {
                    return Err(Error::unsupported("EXPLAIN of this prepared statement").into());
                };
                if explain.options.analyze && planned.plan.lock_wait().is_some() {
                    self.lock_for(&planned).await?;
                }
                self.explain_statement(explain, &params, &planned.literals).await?
            }
        };
        Ok(lines.into_iter().map(|line| vec![line]).collect())
    }

    async fn explain_statement(
        &mut self,
        explain: &Explain,
        params: &[Value],
        literals: &[Value],
    ) -> Outcome<Vec<String>> {
        let started = Instant::now();
        let mut steps = Vec::new();
        for statement in plans_of(&explain.statement) {
            let mut cursor = self.open(&statement, params, literals).await?;
            steps.push(read_plan(&mut cursor)?);
        }
        let mut measured = Measured { planning: milliseconds(started.elapsed()), ..Measured::default() };
        if explain.options.settings {
            measured.settings = self.context().settings.explained();
        }
        if explain.options.analyze {
            self.session.queried = true;
            let started = Instant::now();
            let mut cursor = self.open(&explain.statement, params, literals).await?;
            let counted = Counted::of(&mut cursor, explain.gives_rows, started)?;
            drop(cursor);
            self.engine.settle().await?;
            counted.tell(&mut measured);
            measured.execution = milliseconds(started.elapsed());
        }
        Ok(explain::report(explain, &steps, &measured))
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
