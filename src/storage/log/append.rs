//! What has become of an append: the rules, without input or output.
//!
//! Owns: [`Append`], [`Outcome`], [`Proof`]. Must not know: stores, time that passes. `log::append_io` drives it over a
//! real store, `log::simulation` over an imagined one.
//!
//! A batch is written under the next number of the log, if there is nothing yet. Its bytes never change from the first
//! attempt on: what is tried again is the same, so it does not matter which attempt arrived. There are three outcomes,
//! and none is ever guessed:
//!
//! | the store says | then |
//! |---|---|
//! | written | acknowledged, if the log cannot have moved past this number; else unknown |
//! | there is one already | read it: one's own is as good as "written"; another's means lost, if the log has not moved past this number; gone means unknown |
//! | anything else | the same bytes again, later, for as long as it takes |
//!
//! "Written" alone proves nothing: a store forgets deleted keys, so a writer that was suspended can write a number that
//! was used, folded into a segment and deleted long ago. The manifest's floor is raised before anything is deleted, and
//! never over an object younger than an hour by the store's clock. So a writer that knew less than ten minutes ago that
//! it was at the end of the log needs no second look; any other one reads the floor after the answer. A floor that has
//! passed the number does not mean "lost" either: the batch may have been written before, and be in a segment.

use std::time::Duration;

use crate::storage::log::clock::Moment;
use crate::storage::log::delta::{Id, Sequence};
use crate::storage::log::pace;
use crate::storage::log::retry::{Backoff, Pause};
use crate::storage::log::rule::Rule;

/// When a writer was last certain of being at the end of the log: the time at which the request was sent whose answer
/// showed it.
pub type Proof = Moment;

/// What has become of an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is in the log, for good.
    Acknowledged,
    /// It is not in the log and never will be: another writer's batch has its place.
    Lost,
    /// Nobody can tell any more.
    Unknown,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Write the batch if its key is absent.
    Put,
    /// Read the object under the batch's key.
    ReadBack,
    /// Read the manifest's floor.
    ReadFloor,
    /// Wait.
    Rest(Pause),
    /// There is nothing left to do.
    Done(Outcome),
}

/// What has come of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Of [`Step::Put`]: it was written.
    Written,
    /// Of [`Step::Put`]: the key exists.
    Exists,
    /// Of [`Step::ReadBack`]: the nonce of the batch that is there.
    Found(Id),
    /// Of [`Step::ReadBack`]: nothing is there, or nothing that can be read.
    Nothing,
    /// Of [`Step::ReadFloor`]; none if the manifest is gone or of another incarnation.
    Floor(Option<Sequence>),
    /// Of [`Step::Rest`].
    Rested,
    /// Of any request: no answer, or one that says to try again. Perhaps the store asked for a pause.
    Failed(Option<Duration>),
}

/// What to do once the floor is known not to have passed the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    Acknowledge,
    Lose,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Putting,
    ReadingBack,
    ReadingFloor(Then),
    Done,
}

/// One batch on its way into the log.
#[derive(Clone, Debug)]
pub struct Append {
    sequence: Sequence,
    nonce: Id,
    /// That the writer was at the end of the log, so that this number is the next.
    proof: Option<Proof>,
    first_sent: Option<Moment>,
    state: State,
    backoff: Backoff,
    #[cfg(debug_assertions)]
    pub(super) without: Option<Rule>,
}

impl Append {
    /// A batch that has not been sent.
    pub fn new(sequence: Sequence, nonce: Id, proof: Option<Proof>) -> Self {
        Append {
            sequence,
            nonce,
            proof,
            first_sent: None,
            state: State::Putting,
            backoff: Backoff::default(),
            #[cfg(debug_assertions)]
            without: Rule::left_out(),
        }
    }

    /// The first step.
    pub fn start(&mut self, now: Moment) -> Step {
        self.first_sent = Some(now);
        Step::Put
    }

    /// After an acknowledgement, what it proves: nobody can have been past the batch before it was first sent.
    pub fn proof_if_acknowledged(&self) -> Option<Proof> {
        self.first_sent
    }

    /// How often a request has failed.
    pub fn failures(&self) -> u32 {
        self.backoff.failures()
    }

    /// The next step after an answer that came now.
    pub fn step(&mut self, answer: Answer, now: Moment) -> Step {
        match (self.state, answer) {
            (State::Putting, Answer::Written) => self.unless_passed(Then::Acknowledge, now),
            (State::Putting, Answer::Exists) if self.is_without(Rule::RecogniseOneself) => self.done(Outcome::Lost),
            (State::Putting, Answer::Exists) => self.go(State::ReadingBack),
            (State::ReadingBack, Answer::Found(nonce)) => {
                let then = if nonce == self.nonce { Then::Acknowledge } else { Then::Lose };
                self.unless_passed(then, now)
            }
            (State::ReadingBack, Answer::Nothing) => self.done(Outcome::Unknown),
            (State::ReadingFloor(then), Answer::Floor(floor)) => match (floor, then) {
                (Some(floor), Then::Acknowledge) if floor < self.sequence => self.done(Outcome::Acknowledged),
                (Some(floor), Then::Lose) if floor < self.sequence => self.done(Outcome::Lost),
                _ if self.is_without(Rule::AdmitIgnorance) => self.done(Outcome::Lost),
                _ => self.done(Outcome::Unknown),
            },
            (_, Answer::Failed(asked)) => Step::Rest(self.backoff.after_failure(asked)),
            // After a rest the request is made again. An answer to another request than was made does not count.
            _ => self.go(self.state),
        }
    }

    /// The outcome that holds if the floor has not passed the number; it cannot have while the proof holds.
    fn unless_passed(&mut self, then: Then, now: Moment) -> Step {
        let holds = self.proof.is_some_and(|proof| now.is_within(pace::proof_holds(), proof));
        match then {
            Then::Acknowledge if holds || self.is_without(Rule::KnowTheFloor) => self.done(Outcome::Acknowledged),
            Then::Lose if holds => self.done(Outcome::Lost),
            _ => self.go(State::ReadingFloor(then)),
        }
    }

    fn go(&mut self, state: State) -> Step {
        self.state = state;
        match state {
            State::Putting => Step::Put,
            State::ReadingBack => Step::ReadBack,
            State::ReadingFloor(_) => Step::ReadFloor,
            State::Done => Step::Done(Outcome::Unknown),
        }
    }

    fn done(&mut self, outcome: Outcome) -> Step {
        self.state = State::Done;
        Step::Done(outcome)
    }

    #[cfg(debug_assertions)]
    fn is_without(&self, rule: Rule) -> bool {
        self.without == Some(rule)
    }

    #[cfg(not(debug_assertions))]
    fn is_without(&self, _: Rule) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::UNIX_EPOCH;

    const MINE: Id = Id([1; 16]);
    const ANOTHER: Id = Id([2; 16]);

    fn at(seconds: u64) -> Moment {
        let since = Duration::from_secs(seconds);
        Moment { since_boot: Some(since), wall: UNIX_EPOCH + since }
    }

    /// Feeds answers, each with its time; gives the steps.
    fn run(proof: Option<Proof>, answers: &[(Answer, u64)]) -> Vec<Step> {
        let mut append = Append::new(7, MINE, proof);
        let first = append.start(at(100));
        let rest = answers.iter().map(|(answer, time)| append.step(*answer, at(*time)));
        std::iter::once(first).chain(rest).collect()
    }

    fn outcome(proof: Option<Proof>, answers: &[(Answer, u64)]) -> Outcome {
        match run(proof, answers).last() {
            Some(Step::Done(outcome)) => *outcome,
            other => panic!("not done: {other:?}"),
        }
    }

    #[test]
    fn a_fresh_proof_saves_the_second_look() {
        let fresh = Some(at(90));
        assert_eq!(run(fresh, &[(Answer::Written, 101)]), [Step::Put, Step::Done(Outcome::Acknowledged)]);
        assert_eq!(run(fresh, &[(Answer::Written, 690)])[1], Step::ReadFloor, "ten minutes have passed at the answer");
        assert_eq!(run(None, &[(Answer::Written, 101)])[1], Step::ReadFloor);
        assert_eq!(run(Some(at(200)), &[(Answer::Written, 150)])[1], Step::ReadFloor, "the clock was set back");
    }

    #[test]
    fn the_floor_decides_without_one() {
        for (floor, expected) in [
            (Some(6), Outcome::Acknowledged),
            (Some(7), Outcome::Unknown),
            (Some(9), Outcome::Unknown),
            (None, Outcome::Unknown),
        ] {
            assert_eq!(outcome(None, &[(Answer::Written, 101), (Answer::Floor(floor), 102)]), expected);
        }
    }

    #[test]
    fn what_exists_is_read_before_anything_is_concluded() {
        let fresh = Some(at(90));
        let found = |nonce| outcome(fresh, &[(Answer::Exists, 101), (Answer::Found(nonce), 102)]);
        assert_eq!(found(MINE), Outcome::Acknowledged);
        assert_eq!(found(ANOTHER), Outcome::Lost);
        assert_eq!(outcome(fresh, &[(Answer::Exists, 101), (Answer::Nothing, 102)]), Outcome::Unknown);
        let looked = |nonce, floor| {
            let answers = [(Answer::Exists, 101), (Answer::Found(nonce), 102), (Answer::Floor(Some(floor)), 103)];
            outcome(None, &answers)
        };
        assert_eq!(looked(MINE, 6), Outcome::Acknowledged);
        assert_eq!(looked(MINE, 7), Outcome::Unknown);
        assert_eq!(looked(ANOTHER, 6), Outcome::Lost);
        assert_eq!(looked(ANOTHER, 7), Outcome::Unknown);
    }

    #[test]
    fn failures_are_tried_again_at_the_same_place_and_the_pauses_grow() {
        let mut append = Append::new(7, MINE, None);
        append.start(at(100));
        let mut longest = Duration::ZERO;
        for _ in 0..20 {
            let Step::Rest(pause) = append.step(Answer::Failed(None), at(100)) else { panic!("no rest") };
            assert!(pause.most >= longest && pause.most <= Duration::from_secs(5));
            longest = pause.most;
            assert_eq!(append.step(Answer::Rested, at(101)), Step::Put);
        }
        assert_eq!(append.step(Answer::Exists, at(101)), Step::ReadBack);
        let asked = Some(Duration::from_secs(9));
        let Step::Rest(pause) = append.step(Answer::Failed(asked), at(101)) else { panic!("no rest") };
        assert_eq!(pause.least, Duration::from_secs(9));
        assert_eq!(append.step(Answer::Rested, at(110)), Step::ReadBack);
        assert_eq!(append.step(Answer::Found(MINE), at(111)), Step::ReadFloor);
        assert!(matches!(append.step(Answer::Failed(None), at(112)), Step::Rest(_)));
        assert_eq!(append.step(Answer::Rested, at(113)), Step::ReadFloor);
        assert_eq!(append.step(Answer::Floor(Some(3)), at(114)), Step::Done(Outcome::Acknowledged));
        assert_eq!(append.proof_if_acknowledged(), Some(at(100)));
    }
}
