//! Two writers and a collector on a store that delays, repeats, loses and refuses, over thousands of random histories.
//!
//! Owns: the imagined world around [`Append`], which is the very code that production runs. Everything that happens
//! follows from the seed, which a failure prints. `PGSERVER_SIMULATION_SEEDS` asks for more histories.
//!
//! What must hold, always: a batch that was acknowledged is in the log for good; one that was answered as lost is not and
//! never will be; of an unknown one nothing is claimed. With any of the rules left out a history is found that breaks
//! this: otherwise the simulation would show nothing.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::time::{Duration, UNIX_EPOCH};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::storage::log::append::{Answer, Append, Outcome, Proof, Step};
use crate::storage::log::clock::Moment;
use crate::storage::log::delta::{Id, Sequence};
use crate::storage::log::rule::Rule;

/// Milliseconds.
type Time = u64;

const MINUTE: Time = 60_000;
const HOUR: Time = 60 * MINUTE;
/// How long a request may take before its writer gives up on it.
const TIMEOUT: Time = 30_000;
const WRITERS: usize = 2;
const STEPS: usize = 400;
const CHECK_EVERY: usize = 100;

/// What the collector and the writers share.
struct Store {
    /// How old a delta is before the floor passes it, and how long ago that was before it is deleted.
    patience: Time,
    /// Single deltas: nonce, and when they were written.
    deltas: BTreeMap<Sequence, (Id, Time)>,
    /// The log up to the last segment.
    folded: Vec<Id>,
    floor: Sequence,
    floor_raised: Time,
    swept: Sequence,
}

impl Store {
    /// Everything that a restore would give.
    fn log(&self) -> Vec<Id> {
        let mut log = self.folded.clone();
        while let Some((nonce, _)) = self.deltas.get(&(log.len() as Sequence + 1)) {
            log.push(*nonce);
        }
        log
    }

    fn put(&mut self, sequence: Sequence, nonce: Id, now: Time) -> Answer {
        match self.deltas.contains_key(&sequence) {
            true => Answer::Exists,
            false => {
                self.deltas.insert(sequence, (nonce, now));
                Answer::Written
            }
        }
    }

    /// One turn of the collector, in the order of `log::upkeep`.
    fn collect(&mut self, now: Time) {
        self.folded = self.log();
        if self.swept < self.floor && now - self.floor_raised >= self.patience {
            let floor = self.floor;
            self.deltas.retain(|sequence, _| *sequence > floor);
            self.swept = floor;
        }
        let is_settled =
            |sequence| self.deltas.get(&sequence).is_some_and(|(_, written)| now - written >= self.patience);
        let settled = (self.floor + 1..=self.folded.len() as Sequence).rev().find(|sequence| is_settled(*sequence));
        if let Some(settled) = settled.filter(|_| self.swept == self.floor) {
            (self.floor, self.floor_raised) = (settled, now);
        }
    }
}

/// What a writer asks of the store.
#[derive(Clone, Copy, Debug)]
enum Request {
    Put(Sequence, Id),
    ReadBack(Sequence),
    ReadFloor,
    /// Catching up: the manifest and the log after it.
    Read,
}

/// What comes back.
#[derive(Clone, Copy, Debug)]
enum Reply {
    Append(Answer),
    /// The end of the log.
    End(Sequence),
}

#[derive(Clone, Copy, Debug)]
enum Event {
    /// A request arrives at the store, whether or not its writer still waits; perhaps its answer finds the way back.
    Arrive(usize, u64, Request, bool),
    /// An answer to the writer's request of that number.
    Answer(usize, u64, Reply),
    /// The writer begins something.
    Wake(usize, u64),
    Collect,
    Crash(usize),
    /// The writer stands still for that long, as its machine sleeps.
    Sleep(usize, Time),
}

/// One instance.
struct Writer {
    end: Option<Sequence>,
    proof: Option<Proof>,
    append: Option<(Append, Sequence, Id)>,
    /// The request it waits for; earlier ones do not matter.
    waiting: u64,
    asked: Option<Moment>,
    asleep_until: Time,
    /// How wrong its clock is.
    wrong: i64,
}

struct World {
    random: StdRng,
    now: Time,
    store: Store,
    writers: Vec<Writer>,
    events: BinaryHeap<Reverse<(Time, u64, usize)>>,
    pending: BTreeMap<usize, Event>,
    counter: u64,
    acknowledged: BTreeSet<Id>,
    lost: BTreeSet<Id>,
    unknown: u32,
    without: Option<Rule>,
}

impl World {
    fn new(seed: u64, without: Option<Rule>) -> Self {
        let writer =
            || Writer { end: None, proof: None, append: None, waiting: 0, asked: None, asleep_until: 0, wrong: 0 };
        let mut world = World {
            random: StdRng::seed_from_u64(seed),
            now: 10 * HOUR,
            store: Store {
                patience: HOUR,
                deltas: BTreeMap::new(),
                folded: Vec::new(),
                floor: 0,
                floor_raised: 0,
                swept: 0,
            },
            writers: (0..WRITERS).map(|_| writer()).collect(),
            events: BinaryHeap::new(),
            pending: BTreeMap::new(),
            counter: 0,
            acknowledged: BTreeSet::new(),
            lost: BTreeSet::new(),
            unknown: 0,
            without,
        };
        for writer in 0..WRITERS {
            world.at(0, Event::Wake(writer, 0));
        }
        world.at(MINUTE, Event::Collect);
        world
    }

    fn at(&mut self, delay: Time, event: Event) {
        self.counter += 1;
        self.pending.insert(self.counter as usize, event);
        self.events.push(Reverse((self.now + delay, self.counter, self.counter as usize)));
    }

    fn one_in(&mut self, many: u32) -> bool {
        self.random.random_range(0..many) == 0
    }

    /// How long something takes: mostly a moment, seldom minutes, sometimes hours.
    fn delay(&mut self) -> Time {
        match self.random.random_range(0..100) {
            0 => self.random.random_range(0..4 * HOUR),
            1..4 => self.random.random_range(0..20 * MINUTE),
            _ => self.random.random_range(1..200),
        }
    }

    fn moment(&self, writer: usize) -> Moment {
        let wall = self.now.saturating_add_signed(self.writers[writer].wrong);
        Moment { since_boot: Some(Duration::from_millis(self.now)), wall: UNIX_EPOCH + Duration::from_millis(wall) }
    }

    /// Runs a history; gives what it shows to be wrong.
    fn run(&mut self) -> Option<String> {
        for step in 1..=STEPS {
            let Reverse((time, _, index)) = self.events.pop()?;
            self.now = self.now.max(time);
            let event = self.pending.remove(&index)?;
            self.happen(event);
            // What is wrong stays wrong.
            if step % CHECK_EVERY == 0
                && let Some(wrong) = self.wrong()
            {
                return Some(wrong);
            }
        }
        None
    }

    fn wrong(&self) -> Option<String> {
        let log: BTreeSet<Id> = self.store.log().into_iter().collect();
        let missing = self.acknowledged.iter().find(|nonce| !log.contains(nonce));
        let present = self.lost.iter().find(|nonce| log.contains(nonce));
        missing
            .map(|nonce| format!("{nonce} was acknowledged and is not in the log"))
            .or(present.map(|nonce| format!("{nonce} was answered as lost and is in the log")))
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Wake(writer, _) | Event::Answer(writer, ..) if self.writers[writer].asleep_until > self.now => {
                self.at(self.writers[writer].asleep_until - self.now, event);
            }
            Event::Wake(writer, number) if self.writers[writer].waiting == number => self.wake(writer),
            Event::Answer(writer, number, reply) if self.writers[writer].waiting == number => self.reply(writer, reply),
            Event::Wake(..) | Event::Answer(..) => {}
            Event::Arrive(writer, number, request, answers) => {
                let reply = self.serve(request);
                if answers {
                    let delay = self.delay();
                    self.at(delay, Event::Answer(writer, number, reply));
                }
            }
            Event::Collect => {
                self.store.collect(self.now);
                let next = self.random.random_range(MINUTE..30 * MINUTE);
                self.at(next, Event::Collect);
                self.disturb();
            }
            Event::Crash(writer) => {
                let wrong = self.writers[writer].wrong;
                let waiting = self.next_number();
                let writer_now = &mut self.writers[writer];
                (writer_now.end, writer_now.proof, writer_now.append) = (None, None, None);
                (writer_now.waiting, writer_now.wrong) = (waiting, wrong);
                self.at(1_000, Event::Wake(writer, waiting));
            }
            Event::Sleep(writer, time) => self.writers[writer].asleep_until = self.now + time,
        }
    }

    /// Now and then something happens to a writer.
    fn disturb(&mut self) {
        let writer = self.random.random_range(0..WRITERS);
        let soon = self.random.random_range(0..2_000);
        match self.random.random_range(0..8) {
            0 => self.at(soon, Event::Crash(writer)),
            1 | 2 => {
                let time = self.random.random_range(MINUTE..6 * HOUR);
                self.at(soon, Event::Sleep(writer, time));
            }
            3 => self.writers[writer].wrong = self.random.random_range(-3 * HOUR as i64..3 * HOUR as i64),
            _ => {}
        }
    }

    fn serve(&mut self, request: Request) -> Reply {
        match request {
            // Sometimes the store says that it is busy, and sometimes it has done its work all the same.
            Request::Put(sequence, nonce) => match self.random.random_range(0..20) {
                0 => Reply::Append(Answer::Failed(None)),
                1 => {
                    self.store.put(sequence, nonce, self.now);
                    Reply::Append(Answer::Failed(Some(Duration::from_secs(1))))
                }
                _ => Reply::Append(self.store.put(sequence, nonce, self.now)),
            },
            Request::ReadBack(sequence) => Reply::Append(match self.store.deltas.get(&sequence) {
                Some((nonce, _)) => Answer::Found(*nonce),
                None => Answer::Nothing,
            }),
            Request::ReadFloor => Reply::Append(Answer::Floor(Some(self.store.floor))),
            Request::Read => Reply::End(self.store.log().len() as Sequence),
        }
    }

    fn next_number(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    /// Sends a request over a network on which anything may happen to it.
    fn send(&mut self, writer: usize, request: Request) {
        let number = self.next_number();
        (self.writers[writer].waiting, self.writers[writer].asked) = (number, Some(self.moment(writer)));
        let (delay, answers) = (self.delay(), !self.one_in(8));
        if !self.one_in(12) {
            self.at(delay, Event::Arrive(writer, number, request, answers));
        }
        if self.one_in(10) {
            let later = self.delay();
            self.at(delay + later, Event::Arrive(writer, number, request, false));
        }
        let none = match request {
            Request::Read => Reply::End(Sequence::MAX),
            _ => Reply::Append(Answer::Failed(None)),
        };
        self.at(TIMEOUT, Event::Answer(writer, number, none));
    }

    fn wake(&mut self, writer: usize) {
        let now = self.moment(writer);
        match (&mut self.writers[writer], self.random.random()) {
            (Writer { append: Some((append, ..)), .. }, _) => {
                let step = append.step(Answer::Rested, now);
                self.follow(writer, step);
            }
            (Writer { end: None, .. }, _) => self.send(writer, Request::Read),
            (Writer { end: Some(end), proof, append: slot, .. }, nonce) => {
                let (sequence, nonce) = (*end + 1, Id(nonce));
                let mut append = Append::new(sequence, nonce, *proof);
                append.without = self.without;
                let step = append.start(now);
                *slot = Some((append, sequence, nonce));
                self.follow(writer, step);
            }
        }
    }

    fn reply(&mut self, writer: usize, reply: Reply) {
        let now = self.moment(writer);
        match reply {
            Reply::Append(answer) => {
                let Some((append, ..)) = &mut self.writers[writer].append else { return };
                let step = append.step(answer, now);
                self.follow(writer, step);
            }
            Reply::End(Sequence::MAX) => self.wake_after(writer, 1_000),
            Reply::End(end) => {
                let state = &mut self.writers[writer];
                (state.end, state.proof) = (Some(end), state.asked);
                let pause = self.random.random_range(0..500);
                self.wake_after(writer, pause);
            }
        }
    }

    fn wake_after(&mut self, writer: usize, delay: Time) {
        let number = self.next_number();
        self.writers[writer].waiting = number;
        self.at(delay, Event::Wake(writer, number));
    }

    fn follow(&mut self, writer: usize, step: Step) {
        let Some((_, sequence, nonce)) = self.writers[writer].append else { return };
        match step {
            Step::Put => self.send(writer, Request::Put(sequence, nonce)),
            Step::ReadBack => self.send(writer, Request::ReadBack(sequence)),
            Step::ReadFloor => self.send(writer, Request::ReadFloor),
            Step::Rest(pause) => {
                let most = pause.most.as_millis() as Time;
                let rest = self.random.random_range(pause.least.as_millis() as Time..=most);
                self.wake_after(writer, rest);
            }
            Step::Done(outcome) => self.done(writer, outcome),
        }
    }

    fn done(&mut self, writer: usize, outcome: Outcome) {
        let Some((append, sequence, nonce)) = self.writers[writer].append.take() else { return };
        let state = &mut self.writers[writer];
        match outcome {
            Outcome::Acknowledged => {
                (state.end, state.proof) = (Some(sequence), append.proof_if_acknowledged());
                self.acknowledged.insert(nonce);
            }
            Outcome::Lost => {
                state.end = None;
                self.lost.insert(nonce);
            }
            Outcome::Unknown => {
                state.end = None;
                self.unknown += 1;
            }
        }
        let pause = self.delay();
        self.wake_after(writer, pause);
    }
}

/// How many histories are looked at.
fn seeds() -> u64 {
    std::env::var("PGSERVER_SIMULATION_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(10_000)
}

#[test]
fn nothing_acknowledged_is_lost_and_nothing_lost_is_there() {
    let (mut acknowledged, mut lost, mut unknown) = (0, 0, 0);
    for seed in 0..seeds() {
        let mut world = World::new(seed, None);
        if let Some(wrong) = world.run() {
            panic!("seed {seed}: {wrong}");
        }
        acknowledged += world.acknowledged.len();
        lost += world.lost.len();
        unknown += world.unknown;
    }
    println!("{acknowledged} acknowledged, {lost} lost, {unknown} unknown");
    assert!(acknowledged > 1_000 && lost > 100 && unknown > 10, "nothing happens in these histories");
}

#[test]
fn without_any_of_the_rules_a_history_shows_why_it_is_there() {
    for rule in [Rule::KnowTheFloor, Rule::RecogniseOneself, Rule::AdmitIgnorance] {
        let caught = (0..seeds()).find_map(|seed| Some((seed, World::new(seed, Some(rule)).run()?)));
        let (seed, wrong) = caught.unwrap_or_else(|| panic!("nothing breaks without {rule:?}"));
        println!("without {rule:?}, seed {seed}: {wrong}");
        let is_loss = wrong.contains("acknowledged");
        assert_eq!(is_loss, rule == Rule::KnowTheFloor, "{rule:?}: {wrong}");
    }
}

#[test]
fn a_collector_less_patient_than_a_proof_breaks_what_it_promises() {
    let hasty = |seed| {
        let mut world = World::new(seed, None);
        world.store.patience = MINUTE;
        Some((seed, world.run()?))
    };
    let (seed, wrong) = (0..seeds()).find_map(hasty).expect("nothing breaks");
    println!("a hasty collector, seed {seed}: {wrong}");
    assert!(wrong.contains("acknowledged"), "{wrong}");
}
