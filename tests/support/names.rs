//! A name server on loopback, by UDP and TCP: it knows what a test tells it, breaks off over UDP what it is told to, and keeps
//! silent about some names as a dead server does.
use hickory_proto::{
    op::{Message, MessageType, OpCode, ResponseCode},
    rr::{
        Name, RData, Record, RecordType,
        rdata::{A, AAAA, MX, TXT},
    },
};
use std::{
    collections::HashMap,
    io::{Read, Write},
    net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket},
    sync::{Arc, Mutex},
    thread,
};

/// What is known of a name.
#[derive(Clone, Debug, Default)]
struct Known {
    records: Vec<RData>,
    /// Answered in full over TCP alone.
    long: bool,
    silent: bool,
    broken: bool,
}

/// What it was asked: by what, and for which name.
type Asked = Vec<(&'static str, String)>;

#[derive(Debug)]
pub(crate) struct NameServer {
    pub(crate) address: SocketAddr,
    zone: Arc<Mutex<HashMap<String, Known>>>,
    asked: Arc<Mutex<Asked>>,
}

impl NameServer {
    pub(crate) fn open() -> NameServer {
        let (udp, tcp) = sockets();
        let server = NameServer {
            address: udp.local_addr().unwrap(),
            zone: Arc::default(),
            asked: Arc::default(),
        };
        let (zone, asked) = (Arc::clone(&server.zone), Arc::clone(&server.asked));
        thread::spawn(move || {
            let mut packet = [0; 4096];
            while let Ok((length, from)) = udp.recv_from(&mut packet) {
                if let Some(answer) = answer(&packet[..length], "udp", &zone, &asked) {
                    let _ = udp.send_to(&answer, from);
                }
            }
        });
        let (zone, asked) = (Arc::clone(&server.zone), Arc::clone(&server.asked));
        thread::spawn(move || {
            for stream in tcp.incoming().map_while(Result::ok) {
                let (zone, asked) = (Arc::clone(&zone), Arc::clone(&asked));
                thread::spawn(move || serve(stream, &zone, &asked));
            }
        });
        server
    }

    /// The flag that lets a desk ask this server.
    pub(crate) fn flag(&self) -> &'static str {
        format!("--dns-server={}", self.address).leak()
    }

    fn change(&self, name: &str, change: impl FnOnce(&mut Known)) {
        let mut zone = self.zone.lock().unwrap();
        change(zone.entry(name.to_owned()).or_default());
    }

    /// From now on exactly these texts stand under a name; a long one in pieces.
    pub(crate) fn texts(&self, name: &str, texts: &[&str]) {
        let pieces = |text: &&str| {
            let pieces = text.as_bytes().chunks(255);
            RData::TXT(TXT::from_bytes(pieces.collect()))
        };
        self.change(name, |known| {
            known.records.retain(|r| !matches!(r, RData::TXT(_)));
            known.records.extend(texts.iter().map(pieces));
        });
    }

    /// From now on these servers take a domain's mail.
    pub(crate) fn exchanges(&self, domain: &str, servers: &[(u16, &str)]) {
        let record = |(preference, host): &(u16, &str)| {
            RData::MX(MX::new(*preference, Name::from_ascii(host).unwrap()))
        };
        self.change(domain, |known| {
            known.records.retain(|r| !matches!(r, RData::MX(_)));
            known.records.extend(servers.iter().map(record));
        });
    }

    pub(crate) fn host(&self, name: &str, address: &str) {
        let record = match address.parse().unwrap() {
            IpAddr::V4(ip) => RData::A(A(ip)),
            IpAddr::V6(ip) => RData::AAAA(AAAA(ip)),
        };
        self.change(name, |known| known.records.push(record));
    }

    /// A name whose records do not fit into a packet.
    pub(crate) fn long(&self, name: &str) {
        self.change(name, |known| known.long = true);
    }

    /// A name that it says nothing about.
    pub(crate) fn silent(&self, name: &str) {
        self.change(name, |known| known.silent = true);
    }

    /// A name that it cannot find out about.
    pub(crate) fn broken(&self, name: &str) {
        self.change(name, |known| known.broken = true);
    }

    /// What it was asked so far.
    pub(crate) fn asked(&self) -> Asked {
        self.asked.lock().unwrap().clone()
    }
}

/// Two sockets on one port.
fn sockets() -> (UdpSocket, TcpListener) {
    loop {
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()) {
            return (udp, tcp);
        }
    }
}

fn serve(mut stream: TcpStream, zone: &Mutex<HashMap<String, Known>>, asked: &Mutex<Asked>) {
    let mut length = [0; 2];
    while stream.read_exact(&mut length).is_ok() {
        let mut packet = vec![0; usize::from(u16::from_be_bytes(length))];
        if stream.read_exact(&mut packet).is_err() {
            return;
        }
        if let Some(answer) = answer(&packet, "tcp", zone, asked) {
            let length = u16::try_from(answer.len()).unwrap().to_be_bytes();
            let _ = stream.write_all(&[&length[..], &answer].concat());
        }
    }
}

fn answer(
    packet: &[u8],
    way: &'static str,
    zone: &Mutex<HashMap<String, Known>>,
    asked: &Mutex<Asked>,
) -> Option<Vec<u8>> {
    let question = Message::from_vec(packet).unwrap();
    let query = question.queries[0].clone();
    let name = query.name().to_ascii().to_lowercase();
    let name = name.trim_end_matches('.').to_owned();
    asked.lock().unwrap().push((way, name.clone()));
    let known = zone.lock().unwrap().get(&name).cloned();
    let mut answer = Message::new(question.metadata.id, MessageType::Response, OpCode::Query);
    answer.metadata.recursion_desired = true;
    answer.metadata.recursion_available = true;
    answer.add_query(query.clone());
    match known {
        Some(known) if known.silent => return None,
        Some(known) if known.broken => answer.metadata.response_code = ResponseCode::ServFail,
        Some(known) if known.long && way == "udp" => answer.metadata.truncation = true,
        Some(known) => {
            let kind: RecordType = query.query_type();
            let fitting = known.records.into_iter();
            for data in fitting.filter(|data| data.record_type() == kind) {
                answer.add_answer(Record::from_rdata(query.name().clone(), 60, data));
            }
        }
        None => answer.metadata.response_code = ResponseCode::NXDomain,
    }
    Some(answer.to_vec().unwrap())
}
