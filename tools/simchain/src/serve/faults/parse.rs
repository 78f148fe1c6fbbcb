//! Reads a fault as it is typed.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use super::{AnswerFault, Fault, HttpFault, JustificationFault, Kind, ProofFault, RetryAfter, Schedule};

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Fault, String> {
        let (name, rest) = text.split_once(':').unwrap_or((text, ""));
        let mut options = Options::read(rest)?;
        let schedule = Schedule {
            after: options.take("after")?.unwrap_or_default(),
            times: options.take("times")?,
            rate: options.take("rate")?,
            blocks: options.blocks()?,
        };
        if schedule.rate.is_some_and(|rate: f64| !(0.0..=1.0).contains(&rate)) {
            return Err("a rate is between 0 and 1".to_owned());
        }
        let kind = kind(name, &mut options, &schedule)?;
        options.finish()?;
        Ok(Fault { kind, schedule })
    }
}

fn kind(name: &str, options: &mut Options<'_>, schedule: &Schedule) -> Result<Kind, String> {
    use AnswerFault::{
        ForeignEvents, Fork, HeadBack, Justification, Null, OtherChain, Proof, Pruned, Unsafe, WrongHeader,
    };
    use HttpFault::{BadGateway, BatchLimit, Disorder, OtherId, Reset, Stall, Status, Truncate};
    Ok(match name {
        "refuse" => Kind::Connection(Some(Duration::from_millis(options.need("ms")?))),
        "dead" => Kind::Connection(None),
        "reset" => Kind::Http(Reset),
        "stall" => Kind::Http(Stall(Duration::from_millis(options.need("ms")?))),
        "429" => Kind::Http(Status { code: 429, retry_after: options.retry_after()? }),
        "503" => Kind::Http(Status { code: 503, retry_after: options.retry_after()? }),
        "502" => Kind::Http(BadGateway),
        "truncate" => Kind::Http(Truncate),
        "disorder" => Kind::Http(Disorder),
        "other-id" => Kind::Http(OtherId),
        "batch-limit" => Kind::Http(BatchLimit(options.need("items")?)),
        "null" => Kind::Answer(Null),
        "wrong-header" => Kind::Answer(WrongHeader),
        "foreign-events" => Kind::Answer(ForeignEvents),
        "fork" => {
            let blocks = schedule.blocks.as_ref().ok_or("a fork needs block=H")?;
            Kind::Answer(Fork(*blocks.start()))
        }
        "head-back" => Kind::Answer(HeadBack(options.need("by")?)),
        "other-chain" => Kind::Answer(OtherChain),
        "pruned" => Kind::Answer(Pruned),
        "unsafe" => {
            let method = options.take("method")?.unwrap_or_else(|| "state_getKeysPaged".to_owned());
            Kind::Answer(Unsafe(method))
        }
        "proof-changed" => Kind::Answer(Proof(ProofFault::Changed)),
        "proof-dropped" => Kind::Answer(Proof(ProofFault::Dropped)),
        "proof-added" => Kind::Answer(Proof(ProofFault::Added)),
        "proof-swapped" => Kind::Answer(Proof(ProofFault::Swapped)),
        "proof-before" => Kind::Answer(Proof(ProofFault::Before)),
        "bad-signature" => Kind::Answer(Justification(JustificationFault::BadSignature)),
        "few-votes" => Kind::Answer(Justification(JustificationFault::FewVotes)),
        "votes-before" => Kind::Answer(Justification(JustificationFault::Before)),
        "unjustified" => Kind::Answer(Justification(JustificationFault::Missing)),
        other => return Err(format!("there is no fault {other:?}; --help lists them")),
    })
}

struct Options<'t>(BTreeMap<&'t str, &'t str>);

impl<'t> Options<'t> {
    fn read(text: &'t str) -> Result<Self, String> {
        let parts = text.split(',').filter(|part| !part.is_empty());
        let pair = |part: &'t str| part.split_once('=').ok_or_else(|| format!("{part:?} is not NAME=VALUE"));
        parts.map(pair).collect::<Result<_, _>>().map(Options)
    }

    fn take<T: FromStr>(&mut self, name: &str) -> Result<Option<T>, String> {
        let parse = |text: &str| text.parse().map_err(|_| format!("{name}={text} can not be read"));
        self.0.remove(name).map(parse).transpose()
    }

    fn need<T: FromStr>(&mut self, name: &str) -> Result<T, String> {
        self.take(name)?.ok_or_else(|| format!("{name}=… is missing"))
    }

    fn blocks(&mut self) -> Result<Option<RangeInclusive<u32>>, String> {
        let Some(text) = self.take::<String>("block")? else { return Ok(None) };
        let (first, last) = text.split_once("..").unwrap_or((&text, &text));
        let height = |text: &str| text.parse().map_err(|_| format!("{text:?} is no height"));
        Ok(Some(height(first)?..=height(last)?))
    }

    fn retry_after(&mut self) -> Result<Option<RetryAfter>, String> {
        let seconds = self.take("retry-after")?.map(RetryAfter::Seconds);
        let date = self.take("retry-date")?.map(|s| RetryAfter::Date(Duration::from_secs(s)));
        Ok(seconds.or(date))
    }

    fn finish(self) -> Result<(), String> {
        match self.0.first_key_value() {
            Some((name, _)) => Err(format!("this fault has no option {name:?}; --help lists them")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_read_with_their_options() {
        let fault: Fault = "429:retry-after=2,after=5,times=3,rate=0.5".parse().unwrap();
        let kind = HttpFault::Status { code: 429, retry_after: Some(RetryAfter::Seconds(2)) };
        assert_eq!(fault.kind, Kind::Http(kind));
        let schedule = Schedule { after: 5, times: Some(3), rate: Some(0.5), blocks: None };
        assert_eq!(fault.schedule, schedule);
        let fault: Fault = "null:block=7..9".parse().unwrap();
        assert_eq!(fault.schedule.blocks, Some(7..=9));
        assert_eq!("fork:block=7".parse::<Fault>().unwrap().kind, Kind::Answer(AnswerFault::Fork(7)));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for bad in [
            "",
            "x",
            "stall",
            "stall:ms=x",
            "reset:ms=1",
            "reset:rate=2",
            "null:block=x",
            "fork",
            "502:after",
        ] {
            assert!(bad.parse::<Fault>().is_err(), "{bad}");
        }
    }
}
