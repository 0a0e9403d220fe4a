//! What stands in DNS for a mailbox, beside what is to stand there.
//!
//! The rules are pure: they judge by what is known so far and name what they lack, and [`ask`] asks for it until they lack
//! nothing or the time is up. [`mx`], [`spf`], [`dkim`] and [`dmarc`] know one kind of record each, [`remark`] has the words.
pub(crate) mod ask;
mod dkim;
mod dmarc;
mod mx;
mod remark;
mod spf;
#[cfg(test)]
mod tests;

use crate::channel::config::records::DnsRecord;
pub(crate) use remark::Remark;
use schemars::JsonSchema;
use serde::Serialize;
use std::{
    cell::RefCell,
    collections::{BTreeSet, HashMap},
    net::IpAddr,
};

/// What may be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Kind {
    /// Texts, the pieces of each joined.
    Txt,
    /// Mail servers, `10 mx.example`, the first to be tried first.
    Mx,
    /// Addresses of both families.
    Address,
}

/// A question to DNS; the name is in lower case, without a dot at its end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Question {
    kind: Kind,
    name: String,
}

/// What came of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Answer {
    /// What stands there; nothing if there is no such record.
    Found(Vec<String>),
    /// No answer came in time.
    Late,
    /// The name server could not say, and why.
    Failed(String),
}

/// What is known so far, and what was asked beyond it.
#[derive(Default)]
struct Known {
    answers: HashMap<Question, Answer>,
    lacking: RefCell<BTreeSet<Question>>,
}

impl Known {
    /// What stands under a name. An answer that is not there yet is noted as lacking and taken for a late one.
    fn get(&self, kind: Kind, name: &str) -> Result<&[String], Remark> {
        let name = name.trim_end_matches('.').to_lowercase();
        let question = Question { kind, name };
        match self.answers.get(&question) {
            Some(Answer::Found(found)) => Ok(found),
            Some(Answer::Failed(why)) => Err(Remark::Failed(why.clone())),
            Some(Answer::Late) => Err(Remark::Late),
            None => {
                self.lacking.borrow_mut().insert(question);
                Err(Remark::Late)
            }
        }
    }

    fn txt(&self, name: &str) -> Result<&[String], Remark> {
        self.get(Kind::Txt, name)
    }

    fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, Remark> {
        let found = self.get(Kind::Address, host)?;
        Ok(found.iter().filter_map(|ip| ip.parse().ok()).collect())
    }

    /// The names of a domain's mail servers, the first to be tried first.
    fn exchanges(&self, domain: &str) -> Result<Vec<&str>, Remark> {
        let found = self.get(Kind::Mx, domain)?;
        Ok(found.iter().map(|line| host_of(line)).collect())
    }
}

/// The server of `10 mx.example`.
fn host_of(mx: &str) -> &str {
    mx.split_once(' ').map_or(mx, |(_, host)| host)
}

/// How a record in DNS compares with what is to stand there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Standing {
    /// It does what it is to do, if not by the same words.
    Good,
    /// There is one, and something is wrong with it.
    Wrong,
    /// There is none.
    Missing,
    /// It could not be asked for.
    Unknown,
}

/// What was found for one record.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) standing: Standing,
    /// What stands there.
    pub(crate) found: Vec<String>,
    pub(crate) remarks: Vec<Remark>,
}

impl Finding {
    /// There is something, and this is to be said of it.
    fn of(found: Vec<String>, remarks: Vec<Remark>) -> Finding {
        let any = |is: fn(&Remark) -> bool| remarks.iter().any(is);
        let standing = match () {
            () if any(Remark::is_fault) => Standing::Wrong,
            () if any(Remark::is_doubt) => Standing::Unknown,
            () => Standing::Good,
        };
        Finding {
            standing,
            found,
            remarks,
        }
    }

    fn unknown(why: Remark) -> Finding {
        Finding::of(Vec::new(), vec![why])
    }

    /// There is nothing at `name`. A panel that adds the domain to what is typed in has it one name further down.
    fn missing(known: &Known, name: &str, domain: &str, mark: &str) -> Finding {
        let twice = format!("{name}.{domain}");
        let strayed = known.txt(&twice).is_ok_and(|found| {
            let mut texts = found.iter();
            texts.any(|text| text.to_lowercase().starts_with(mark))
        });
        Finding {
            standing: Standing::Missing,
            found: Vec::new(),
            remarks: strayed
                .then_some(Remark::NameTwice(twice))
                .into_iter()
                .collect(),
        }
    }
}

/// A mailbox, as far as its records depend on it.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    /// The domain of its address.
    pub(crate) domain: String,
    /// The server that answers are handed to.
    pub(crate) relay: String,
}

fn judge_one(known: &Known, sender: &Sender, wanted: &DnsRecord) -> Finding {
    match wanted.purpose {
        "mx" => mx::judge(known, wanted),
        "spf" => spf::judge(known, sender, wanted),
        "dkim" => dkim::judge(known, sender, wanted),
        _ => dmarc::judge(known, sender, wanted),
    }
}

fn judge(known: &Known, sender: &Sender, wanted: &[DnsRecord]) -> Vec<Finding> {
    let each = wanted.iter();
    each.map(|wanted| judge_one(known, sender, wanted))
        .collect()
}

/// The tags of a record such as `v=DMARC1; p=none`, their names in lower case.
fn tags(text: &str) -> Vec<(String, &str)> {
    text.split(';')
        .filter_map(|tag| tag.split_once('='))
        .map(|(name, value)| (name.trim().to_lowercase(), value.trim()))
        .collect()
}

fn tag<'a>(tags: &[(String, &'a str)], name: &str) -> Option<&'a str> {
    tags.iter()
        .find(|(known, _)| known == name)
        .map(|(_, value)| *value)
}
