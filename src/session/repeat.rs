//! Running a statement once more that has lost nothing but a race: it was a transaction of its own, another instance of
//! the server has committed first, and the client has been told nothing yet.
//!
//! Owns: [`Repeatable`], when a statement may be repeated. Must not know: how a race is lost (`engine::remote`).

use crate::debug_log::debug;
use crate::error::Result;
use crate::protocol::conn::OutputMark;
use crate::session::execute::{Completion, Describe};
use crate::session::machine::{Outcome, StateMachine, Stop};
use crate::session::state::{Portal, PortalState, TransactionStatus};
use crate::sql::plan::{Action, CursorOptions};

/// How often a statement is run again before its client hears of the race.
const REPEATS: u32 = 10;

/// A statement that can be run again as long as nothing of its answer has left.
pub(super) struct Repeatable {
    portal: Portal,
    max_rows: u32,
    describe: Describe,
    begin: OutputMark,
    /// Where the output ended after the statement's answer.
    end: OutputMark,
}

impl StateMachine {
    /// Before a portal is run: what it takes to run it again, if it is a transaction of its own that could lose a race.
    /// What comes as messages (COPY) is gone after the first time.
    pub(super) fn repeatable(&mut self, portal: &Portal, max_rows: u32, describe: Describe) -> Option<Repeatable> {
        let alone = self.session.status == TransactionStatus::Started && matches!(portal.state, PortalState::New);
        let kind = matches!(portal.planned.plan.action, Action::Sqlite(_) | Action::Ddl(_));
        if !alone || !kind || !self.engine.can_be_overtaken() {
            return None;
        }
        let begin = self.conn.mark();
        let portal = Portal {
            name: String::new(),
            text: portal.text.clone(),
            planned: portal.planned.clone(),
            params: portal.params.clone(),
            formats: portal.formats.clone(),
            state: PortalState::New,
            depth: 0,
            options: CursorOptions::default(),
            held: false,
            positioned: Default::default(),
            created: 0,
        };
        Some(Repeatable { portal, max_rows, describe, begin, end: begin })
    }

    /// The statement's answer has been written.
    pub(super) fn answered(&mut self, repeatable: Option<Repeatable>) {
        let end = self.conn.mark();
        self.repeatable = repeatable.map(|repeatable| Repeatable { end, ..repeatable });
    }

    /// Commits the transaction of the statement that was answered last; if that has lost a race, and nothing else, runs
    /// it again, which gives another completion.
    pub(super) async fn commit_or_repeat(&mut self) -> Outcome<Option<Completion>> {
        let repeatable = self.repeatable.take();
        let mut outcome = self.commit().await.map(|()| None);
        let Some(mut repeatable) = repeatable.filter(|repeatable| repeatable.end == self.conn.mark()) else {
            return outcome;
        };
        for _ in 0..REPEATS {
            let lost = matches!(&outcome, Err(Stop::Error(_))) && self.engine.is_overtaken();
            if !lost || !self.conn.rewind(repeatable.begin) {
                break;
            }
            outcome = Box::pin(self.repeat(&mut repeatable)).await;
        }
        outcome
    }

    async fn repeat(&mut self, repeatable: &mut Repeatable) -> Outcome<Option<Completion>> {
        debug!("session {}: lost a race, running the statement again", self.pid());
        self.context().notices.clear();
        let portal = &mut repeatable.portal;
        self.start_transaction(Some(&portal.text)).await?;
        portal.state = PortalState::New;
        portal.planned = self.plan_again(portal)?;
        let completion = self.run_portal(portal, repeatable.max_rows, repeatable.describe).await?;
        portal.state = PortalState::Done;
        self.commit().await?;
        Ok(Some(completion))
    }

    /// The statement's plan; another one if the schema has changed with what the others have committed.
    pub(super) fn plan_again(&self, portal: &Portal) -> Result<crate::sql::plan::Planned> {
        let types: Vec<_> = portal.planned.plan.params.iter().map(|param| param.oid).collect();
        let fresh = self.prepare(&portal.text, types)?;
        Ok(fresh.planned)
    }
}
