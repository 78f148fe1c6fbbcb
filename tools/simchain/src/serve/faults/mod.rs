//! What goes wrong at a node on demand.
//!
//! A [`Fault`] is a kind and a schedule, written `KIND` or `KIND:OPTION,OPTION`; [`HELP`] lists them all. Every
//! time that the fault could strike is an occasion: a request for faults of the connection and of HTTP, a call
//! which the fault is about for faults of the answers. The schedule decides by the number of the occasion and
//! the seed alone, so that the same requests in the same order meet the same faults.
//!
//! What HTTP carries is spoiled for HTTP only; the other faults strike WebSockets too.

pub(super) mod answers;
pub(super) mod http;
mod parse;
mod proofs;

use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;

use self::proofs::{JustificationFault, ProofFault};
use super::listen::Closure;

/// The kinds and their options, for `--help`.
pub const HELP: &str = "\
Faults, KIND or KIND:OPTION,OPTION:
  refuse:ms=N               the port is closed and every connection torn, for N ms
  dead                      the same, for ever
  reset                     the connection is reset in the middle of the answer
  stall:ms=N                the answer comes N ms late
  429, 503[:retry-after=N]  HTTP status, with Retry-After in seconds; retry-date=N gives it as a date
  502                       HTTP status with a page of HTML
  truncate                  the JSON ends in the middle
  disorder                  the answers of a batch come in another order
  other-id                  the answer, or one of a batch, is for another id
  batch-limit:items=N       a batch of more calls is answered with one error
  null                      chain_getHeader and chain_getBlockHash do not know the block
  wrong-header              the header of a block is not the one that its hash is of
  foreign-events            the events are those of the block before
  fork:block=H              the chain goes another way from block H on
  head-back:by=N            the finalized head is N blocks further back
  other-chain               answers are those of a chain with another genesis
  pruned                    the state is discarded
  unsafe[:method=NAME]      the method is not safe to be called; state_getKeysPaged unless named
  proof-changed             a byte of a node of the read proof is another
  proof-dropped             a node of the read proof is left out
  proof-added               the read proof has a node that belongs to the block before
  proof-swapped             the read proof has the value of the block before for the first key
  proof-before              the read proof is that of the block before
  bad-signature             a byte of a signature in the justification is another
  few-votes                 the justification has one vote less than it needs
  votes-before              the justification is for the block before
  unjustified               the justification is left out
Options of every fault:
  after=N                   not before N occasions have passed
  times=N                   at most N times
  rate=R                    at this part of the occasions, such as 0.1, chosen by --fault-seed
  block=H, block=H..L       only for these blocks; for faults of answers about a block
An occasion is a request, or a call that the fault is about.";

/// A kind of fault and when it strikes.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    kind: Kind,
    schedule: Schedule,
}

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    Connection(Closure),
    Http(HttpFault),
    Answer(AnswerFault),
}

/// Faults of what HTTP carries.
#[derive(Clone, Debug, PartialEq)]
enum HttpFault {
    Reset,
    Stall(Duration),
    Status { code: u16, retry_after: Option<RetryAfter> },
    BadGateway,
    Truncate,
    Disorder,
    OtherId,
    BatchLimit(usize),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum RetryAfter {
    Seconds(u64),
    Date(Duration),
}

/// Faults of answers.
#[derive(Clone, Debug, PartialEq)]
enum AnswerFault {
    Null,
    WrongHeader,
    ForeignEvents,
    Fork(u32),
    HeadBack(u32),
    OtherChain,
    Pruned,
    Unsafe(String),
    Proof(ProofFault),
    Justification(JustificationFault),
}

/// A fault that strikes at an answer.
struct Strike<'f> {
    fault: &'f AnswerFault,
    blocks: Option<&'f RangeInclusive<u32>>,
    /// What is random in it.
    rng: ChaCha8Rng,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Schedule {
    after: u64,
    times: Option<u64>,
    rate: Option<f64>,
    blocks: Option<RangeInclusive<u32>>,
}

/// The faults of a node, and how often each struck.
#[derive(Debug)]
pub(super) struct Faults {
    faults: Vec<Counted>,
    seed: u64,
}

#[derive(Debug)]
struct Counted {
    fault: Fault,
    /// Tells the random numbers of two faults apart.
    stream: u64,
    occasions: AtomicU64,
    strikes: AtomicU64,
}

impl Faults {
    pub fn new(faults: Vec<Fault>, seed: u64) -> Self {
        let counted = |(stream, fault)| Counted {
            fault,
            stream,
            occasions: AtomicU64::new(0),
            strikes: AtomicU64::new(0),
        };
        Faults { faults: (0..).zip(faults).map(counted).collect(), seed }
    }

    pub fn strikes(&self) -> Vec<u64> {
        self.faults.iter().map(|counted| counted.strikes.load(Ordering::Relaxed)).collect()
    }

    /// Whether a request, which is an occasion to do so, closes the port.
    pub fn closes(&self) -> Option<Closure> {
        self.faults.iter().find_map(|counted| match counted.fault.kind {
            Kind::Connection(closure) if self.strikes_now(counted) => Some(closure),
            _ => None,
        })
    }

    /// What goes wrong with an HTTP request; `items` are the calls in its batch.
    fn of_http(&self, items: Option<usize>) -> Option<&HttpFault> {
        self.faults.iter().find_map(|counted| match &counted.fault.kind {
            Kind::Http(fault) if fault.concerns(items) && self.strikes_now(counted) => Some(fault),
            _ => None,
        })
    }

    /// What goes wrong with an answer, among the faults that `concerns` picks.
    fn of_answer(
        &self,
        concerns: impl Fn(&AnswerFault, Option<&RangeInclusive<u32>>) -> bool,
    ) -> Option<Strike<'_>> {
        self.faults.iter().find_map(|counted| {
            let blocks = counted.fault.schedule.blocks.as_ref();
            match &counted.fault.kind {
                Kind::Answer(fault) if concerns(fault, blocks) => {
                    let occasion = self.strikes_at(counted)?;
                    Some(Strike { fault, blocks, rng: self.rng(!counted.stream, occasion) })
                }
                _ => None,
            }
        })
    }

    pub fn has_http(&self) -> bool {
        self.faults.iter().any(|counted| matches!(counted.fault.kind, Kind::Http(_)))
    }

    pub fn spoil_answers(&self) -> bool {
        self.faults.iter().any(|counted| matches!(counted.fault.kind, Kind::Answer(_)))
    }

    /// First block of the fork, if there is to be one.
    pub fn fork_height(&self) -> Option<u32> {
        self.faults.iter().find_map(|counted| match counted.fault.kind {
            Kind::Answer(AnswerFault::Fork(height)) => Some(height),
            _ => None,
        })
    }

    pub fn has_other_chain(&self) -> bool {
        let is_other = |counted: &Counted| counted.fault.kind == Kind::Answer(AnswerFault::OtherChain);
        self.faults.iter().any(is_other)
    }

    fn strikes_now(&self, counted: &Counted) -> bool {
        self.strikes_at(counted).is_some()
    }

    /// Random numbers of an occasion.
    fn rng(&self, stream: u64, occasion: u64) -> ChaCha8Rng {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(stream);
        rng.set_word_pos(u128::from(occasion));
        rng
    }

    /// Counts an occasion and gives its number if the fault strikes at it.
    fn strikes_at(&self, counted: &Counted) -> Option<u64> {
        let occasion = counted.occasions.fetch_add(1, Ordering::Relaxed);
        let Schedule { after, times, rate, .. } = &counted.fault.schedule;
        let chosen = rate.is_none_or(|rate| {
            f64::from(self.rng(counted.stream, occasion).next_u32()) < rate * f64::from(u32::MAX)
        });
        let more =
            |strikes: u64| times.is_none_or(|times| strikes < times).then(|| strikes.saturating_add(1));
        let (set, get) = (Ordering::Relaxed, Ordering::Relaxed);
        let strikes = occasion >= *after && chosen && counted.strikes.fetch_update(set, get, more).is_ok();
        strikes.then_some(occasion)
    }
}

impl HttpFault {
    /// Whether a request, with so many calls in its batch, is an occasion.
    fn concerns(&self, items: Option<usize>) -> bool {
        match self {
            HttpFault::BatchLimit(limit) => items.is_some_and(|items| items > *limit),
            HttpFault::Disorder => items.is_some_and(|items| items > 1),
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn struck(fault: &str, seed: u64, occasions: usize) -> Vec<usize> {
        let faults = Faults::new(vec![fault.parse().unwrap()], seed);
        (0..occasions).filter(|_| faults.of_http(None).is_some()).collect()
    }

    #[test]
    fn a_schedule_picks_occasions() {
        assert_eq!(struck("reset", 1, 3), [0, 1, 2]);
        assert_eq!(struck("reset:after=2,times=3", 1, 9), [2, 3, 4]);
        assert!(struck("batch-limit:items=2", 1, 9).is_empty());
    }

    #[test]
    fn a_rate_is_chosen_by_the_seed() {
        let some = struck("reset:rate=0.2", 7, 1_000);
        assert!((150..250).contains(&some.len()), "{}", some.len());
        assert_eq!(struck("reset:rate=0.2", 7, 1_000), some);
        assert_ne!(struck("reset:rate=0.2", 8, 1_000), some);
        assert_eq!(struck("reset:rate=1", 7, 10).len(), 10);
        assert!(struck("reset:rate=0", 7, 10).is_empty());
    }
}
