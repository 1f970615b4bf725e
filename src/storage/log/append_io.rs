//! Appending over a real store: carries out what `log::append` decides.
//!
//! Owns: [`drive`]. Decides nothing.

use std::sync::Arc;

use bytes::Bytes;

use crate::storage::blob::{BlobErrorKind, BlobStore, Body, Metadata, Precondition};
use crate::storage::kill_point;
use crate::storage::log::append::{Answer, Append, Outcome, Step};
use crate::storage::log::clock::Clock;
use crate::storage::log::delta::{self, Encoded, Id};
use crate::storage::log::fault::LogError;
use crate::storage::log::fetch;
use crate::storage::log::keys::Keys;
use crate::storage::log::manifest;

/// Where appends go.
#[derive(Clone, Debug)]
pub struct Destination {
    pub store: Arc<dyn BlobStore>,
    pub keys: Keys,
    pub incarnation: Id,
    pub clock: Arc<dyn Clock>,
}

/// A failure is logged when it has happened so often, and at each doubling.
const WORTH_A_LINE: u32 = 4;

/// Appends a batch; gives what has become of it, and the object that is in its place if it is another's. Ends when the
/// outcome is certain, so not while the store does not answer.
pub async fn drive(append: &mut Append, to: &Destination, batch: &Encoded) -> (Outcome, Option<Bytes>) {
    let key = to.keys.delta(to.incarnation, batch.header.sequence);
    let metadata = Metadata::from([("nonce".to_owned(), batch.header.nonce.to_string())]);
    let mut there = None;
    let mut step = append.start(to.clock.now());
    loop {
        let answer = match step {
            Step::Put => {
                let body = Body::Bytes(batch.bytes.clone());
                kill_point::reached("a delta is sent");
                match to.store.put(&key, body, Precondition::Absent, &metadata).await {
                    Ok(_) => {
                        kill_point::reached("a delta is written");
                        Answer::Written
                    }
                    Err(error) if error.lost_race() => Answer::Exists,
                    Err(error) => failed(append, &key, error),
                }
            }
            Step::ReadBack => match fetch::object(&to.store, &key).await {
                Ok(object) => match delta::peek(&object) {
                    Ok(header) => {
                        there = Some(object);
                        Answer::Found(header.nonce)
                    }
                    Err(error) => {
                        log::error!("object \"{key}\" cannot be used: {error}");
                        Answer::Nothing
                    }
                },
                Err(error) if error.kind == BlobErrorKind::NotFound => Answer::Nothing,
                Err(error) => failed(append, &key, error),
            },
            Step::ReadFloor => match manifest::read_any(&to.store, &to.keys).await {
                Ok(current) if current.manifest.incarnation == to.incarnation => {
                    Answer::Floor(Some(current.manifest.floor))
                }
                Ok(_) | Err(LogError::NoSuchDatabase) => Answer::Floor(None),
                Err(error) => failed(append, &key, error),
            },
            Step::Rest(pause) => {
                pause.rest().await;
                Answer::Rested
            }
            Step::Done(outcome) => return (outcome, there.filter(|_| outcome == Outcome::Lost)),
        };
        step = append.step(answer, to.clock.now());
    }
}

fn failed(append: &Append, key: &str, error: impl Into<LogError>) -> Answer {
    let (error, failures) = (error.into(), append.failures() + 1);
    if failures >= WORTH_A_LINE && failures.is_power_of_two() {
        log::warn!("commits wait for the store: \"{key}\" cannot be written, tried {failures} times: {error}");
    }
    Answer::Failed(match error {
        LogError::Store(error) => error.retry_after,
        _ => None,
    })
}
