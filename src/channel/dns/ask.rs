//! Asking for what the rules lack: by the name servers of this machine, or by one that the configuration names.
use super::{Answer, Finding, Kind, Known, Question, Sender, judge};
use crate::channel::config::records::DnsRecord;
use futures_util::future::join_all;
use hickory_resolver::{
    TokioResolver,
    config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig},
    net::{DnsError, NetError, runtime::TokioRuntimeProvider},
    proto::rr::{Name, RData, RecordType},
};
use std::{net::SocketAddr, time::Duration};
use tokio::time::{Instant, timeout_at};

/// How long one name server may take, and how often it is asked.
const PATIENCE: Duration = Duration::from_secs(2);
const TRIES: usize = 2;
/// How long everything together may take.
const LONGEST: Duration = Duration::from_secs(7);

/// What stands in DNS now for each of the wanted records.
pub(crate) async fn compare(
    server: Option<SocketAddr>,
    sender: &Sender,
    wanted: &[DnsRecord],
) -> Vec<Finding> {
    let resolver = resolver(server).map_err(|error| error.to_string());
    let deadline = Instant::now() + LONGEST;
    let mut known = Known::default();
    loop {
        let findings = judge(&known, sender, wanted);
        let lacking = known.lacking.take();
        if lacking.is_empty() {
            return findings;
        }
        // A rule asks for a few names at most, each of which is answered here, if only by its lateness.
        let asked = lacking.into_iter().map(|question| async {
            let answer = match &resolver {
                Ok(resolver) => timeout_at(deadline, ask(resolver, &question))
                    .await
                    .unwrap_or(Answer::Late),
                Err(why) => Answer::Failed(why.clone()),
            };
            (question, answer)
        });
        known.answers.extend(join_all(asked).await);
    }
}

/// Whoever is asked. Nothing is kept: what is asked for again was changed a moment ago.
fn resolver(server: Option<SocketAddr>) -> Result<TokioResolver, NetError> {
    let mut builder = match server {
        None => TokioResolver::builder_tokio()?,
        Some(address) => {
            let ways = [ConnectionConfig::udp(), ConnectionConfig::tcp()];
            let ways = ways.map(|mut way| {
                way.port = address.port();
                way
            });
            let named = NameServerConfig::new(address.ip(), true, ways.to_vec());
            let config = ResolverConfig::from_parts(None, Vec::new(), vec![named]);
            TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
        }
    };
    let options = builder.options_mut();
    options.cache_size = 0;
    options.timeout = PATIENCE;
    options.attempts = TRIES;
    options.use_hosts_file = ResolveHosts::Never;
    builder.build()
}

async fn ask(resolver: &TokioResolver, question: &Question) -> Answer {
    // What is no name has no records.
    let Ok(name) = Name::from_str_relaxed(format!("{}.", question.name)) else {
        return Answer::Found(Vec::new());
    };
    match question.kind {
        Kind::Txt => look(resolver, name, RecordType::TXT).await,
        Kind::Mx => look(resolver, name, RecordType::MX).await,
        Kind::Address => {
            let four = look(resolver, name.clone(), RecordType::A);
            let six = look(resolver, name, RecordType::AAAA);
            match tokio::join!(four, six) {
                (Answer::Found(mut found), Answer::Found(more)) => {
                    found.extend(more);
                    Answer::Found(found)
                }
                // One family is enough to be reached by.
                (Answer::Found(found), _) | (_, Answer::Found(found)) if !found.is_empty() => {
                    Answer::Found(found)
                }
                (Answer::Found(_), silent) | (silent, _) => silent,
            }
        }
    }
}

async fn look(resolver: &TokioResolver, name: Name, kind: RecordType) -> Answer {
    let mut found = match resolver.lookup(name, kind).await {
        Ok(found) => found
            .answers()
            .iter()
            .filter_map(|record| written(&record.data))
            .collect::<Vec<_>>(),
        Err(error) if error.is_no_records_found() => Vec::new(),
        Err(NetError::Timeout) => return Answer::Late,
        Err(NetError::Dns(DnsError::ResponseCode(code))) => {
            return Answer::Failed(code.to_string());
        }
        Err(error) => return Answer::Failed(error.to_string()),
    };
    found.sort_by_key(|(preference, _)| *preference);
    Answer::Found(found.into_iter().map(|(_, text)| text).collect())
}

/// A record as the rules read it, and how early it comes.
fn written(data: &RData) -> Option<(u16, String)> {
    match data {
        RData::TXT(txt) => {
            let joined = txt.txt_data.concat();
            Some((0, String::from_utf8_lossy(&joined).into_owned()))
        }
        RData::MX(mx) => {
            let host = mx.exchange.to_utf8();
            let host = match host.trim_end_matches('.') {
                "" => ".",
                host => host,
            };
            Some((mx.preference, format!("{} {host}", mx.preference)))
        }
        RData::A(a) => Some((0, a.0.to_string())),
        RData::AAAA(aaaa) => Some((0, aaaa.0.to_string())),
        _ => None,
    }
}
