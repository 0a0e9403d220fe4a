//! The listener over real sockets: lettre as a well-behaved client, raw bytes for the others.

use std::sync::Mutex;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::*;
use crate::channel::email::dial::{Security, SmtpTarget};
use crate::channel::email::send::{Envelope, Sent, Trouble, check, send};
use crate::reach::Reach;

const CERTIFICATE: &[u8] = include_bytes!("testdata/localhost.crt");
const KEY: &[u8] = include_bytes!("testdata/localhost.key");

/// Knows `support@…`, is unsure of `later@…`; answers each mail as told and keeps it.
#[derive(Default)]
struct Desk {
    answer: Mutex<Option<Taken>>,
    mails: Mutex<Vec<Delivery>>,
}

impl Receiver for Desk {
    async fn knows(&self, recipient: &str) -> Known {
        match recipient.split('@').next() {
            Some("support" | "postmaster") => Known::Yes,
            Some("later") => Known::TryLater,
            _ => Known::No,
        }
    }

    async fn take(&self, delivery: Delivery) -> Taken {
        self.mails.lock().unwrap().push(delivery);
        self.answer.lock().unwrap().clone().unwrap_or(Taken::Stored)
    }
}

/// A listener at work.
struct Listening {
    port: u16,
    desk: Arc<Desk>,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
}

impl Listening {
    async fn start(limits: Limits) -> Self {
        let certificates = CertificateDer::pem_slice_iter(CERTIFICATE)
            .collect::<Result<Vec<_>, _>>()
            .unwrap();
        let key = PrivateKeyDer::from_pem_slice(KEY).unwrap();
        let tls = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(certificates, key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let desk = Arc::new(Desk::default());
        let (stop, stopping) = watch::channel(false);
        let settings = Settings {
            name: "desk.example.kz".to_owned(),
            tls: Some(Arc::new(tls)),
            limits,
        };
        let serving = tokio::spawn(serve(listener, settings, Arc::clone(&desk), stopping));
        Self {
            port,
            desk,
            stop,
            serving,
        }
    }

    fn target(&self, security: Security) -> SmtpTarget {
        SmtpTarget {
            host: "localhost".to_owned(),
            port: self.port,
            security,
            login: None,
            hello: "client.kz".to_owned(),
            extra_ca: Some(CERTIFICATE.to_vec()),
            reach: Reach::Anywhere,
        }
    }

    async fn raw(&self) -> Peer {
        let mut peer = Peer {
            stream: TcpStream::connect(("127.0.0.1", self.port)).await.unwrap(),
        };
        assert_eq!(peer.hear().await, "220 desk.example.kz ESMTP\r\n");
        peer
    }

    /// Sends all lines at once after `EHLO` and hears everything until the goodbye.
    async fn talk(&self, bytes: &[u8]) -> String {
        let mut peer = self.raw().await;
        peer.say(b"EHLO client.kz\r\n").await;
        peer.hear().await;
        peer.say(bytes).await;
        peer.hear_all().await
    }

    fn mails(&self) -> Vec<Delivery> {
        self.desk.mails.lock().unwrap().clone()
    }
}

struct Peer {
    stream: TcpStream,
}

impl Peer {
    async fn say(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    async fn hear(&mut self) -> String {
        let mut buffer = vec![0; 4096];
        let read = self.stream.read(&mut buffer).await.unwrap();
        String::from_utf8_lossy(&buffer[..read]).into_owned()
    }

    async fn hear_all(&mut self) -> String {
        let mut heard = Vec::new();
        // A reset by a server that has had enough still leaves what it said before.
        let _ = self.stream.read_to_end(&mut heard).await;
        String::from_utf8_lossy(&heard).into_owned()
    }
}

fn codes(heard: &str) -> Vec<&str> {
    heard
        .lines()
        .map(|line| line.get(..3).unwrap_or(line))
        .collect()
}

fn envelope(to: &[&str]) -> Envelope {
    Envelope {
        from: Some("asem@client.kz".to_owned()),
        to: to.iter().map(|to| (*to).to_owned()).collect(),
    }
}

const MAIL: &[u8] = b"Subject: x\r\n\r\n.\r\n..two\r\nend\r\n";

#[tokio::test]
async fn a_mail_arrives_as_it_was_sent_plain_and_encrypted() {
    let listening = Listening::start(Limits::default()).await;
    for security in [Security::None, Security::StartTls] {
        let sent = send(
            &listening.target(security),
            &envelope(&["support@desk.kz"]),
            MAIL,
        )
        .await;
        assert_eq!(
            sent,
            Sent::Delivered {
                response: "250 2.0.0 Stored".to_owned(),
                missed: vec![]
            },
            "{security:?}"
        );
    }
    for mail in listening.mails() {
        assert_eq!(
            (mail.mail_from.as_str(), mail.recipients, mail.helo.as_str()),
            (
                "asem@client.kz",
                vec!["support@desk.kz".to_owned()],
                "client.kz"
            )
        );
        assert_eq!(mail.raw, MAIL);
        assert!(mail.peer.ip().is_loopback());
    }
    assert_eq!(
        check(&listening.target(Security::StartTls)).await,
        Ok("desk.example.kz".to_owned())
    );
}

#[tokio::test]
async fn a_certificate_nobody_vouches_for_is_refused() {
    let listening = Listening::start(Limits::default()).await;
    let target = SmtpTarget {
        extra_ca: None,
        ..listening.target(Security::StartTls)
    };
    let sent = send(&target, &envelope(&["support@desk.kz"]), MAIL).await;
    assert!(
        matches!(
            &sent,
            Sent::Retry {
                trouble: Trouble::Channel,
                ..
            }
        ),
        "{sent:?}"
    );
    assert_eq!(listening.mails(), []);
}

#[tokio::test]
async fn only_what_is_stored_is_acknowledged() {
    let listening = Listening::start(Limits::default()).await;
    let target = listening.target(Security::None);
    *listening.desk.answer.lock().unwrap() = Some(Taken::TryLater);
    assert!(matches!(
        send(&target, &envelope(&["support@desk.kz"]), MAIL).await,
        Sent::Retry { .. }
    ));
    *listening.desk.answer.lock().unwrap() = Some(Taken::Refused("spam\r\n250 ok".to_owned()));
    let sent = send(&target, &envelope(&["support@desk.kz"]), MAIL).await;
    assert!(
        matches!(&sent, Sent::Refused { why } if why.contains("spam250 ok")),
        "{sent:?}"
    );
}

#[tokio::test]
async fn unknown_recipients_are_refused_and_nothing_is_relayed() {
    let listening = Listening::start(Limits::default()).await;
    let target = listening.target(Security::None);
    assert!(matches!(
        send(&target, &envelope(&["boss@elsewhere.kz"]), MAIL).await,
        Sent::Refused { .. }
    ));
    assert!(matches!(
        send(&target, &envelope(&["later@desk.kz"]), MAIL).await,
        Sent::Retry { .. }
    ));
    let Sent::Delivered { missed, .. } = send(
        &target,
        &envelope(&["boss@elsewhere.kz", "support@desk.kz"]),
        MAIL,
    )
    .await
    else {
        panic!("not delivered")
    };
    assert_eq!(
        (missed[0].recipient.as_str(), missed[0].permanent),
        ("boss@elsewhere.kz", true)
    );
    assert_eq!(listening.mails().len(), 1);
}

#[tokio::test]
async fn pipelined_commands_are_answered_in_order() {
    let listening = Listening::start(Limits::default()).await;
    let heard = listening
        .talk(b"MAIL FROM:<>\r\nRCPT TO:<support@desk.kz>\r\nRCPT TO:<x@desk.kz>\r\nDATA\r\nSubject: a\r\n\r\nb\r\n.\r\nMAIL FROM:<a@b.kz>\r\nRSET\r\nNOOP\r\nVRFY support\r\nQUIT\r\n")
        .await;
    assert_eq!(
        codes(&heard),
        [
            "250", "250", "550", "354", "250", "250", "250", "250", "252", "221"
        ]
    );
    let mail = &listening.mails()[0];
    assert_eq!(
        (mail.mail_from.as_str(), mail.raw.as_slice()),
        ("", &b"Subject: a\r\n\r\nb\r\n"[..])
    );
}

#[tokio::test]
async fn a_second_mail_cannot_be_smuggled_in_the_first() {
    let listening = Listening::start(Limits::default()).await;
    let smuggled = b"MAIL FROM:<evil@x.kz>\r\nRCPT TO:<support@desk.kz>\r\nDATA\r\nfrom nobody\r\n";
    for ending in [
        &b"\n.\n"[..],
        b"\n.\r\n",
        b"\r\n.\n",
        b"\r.\r",
        b"\r\n.\r",
        b"\r.\r\n",
        b"\r\n.\r\r\n",
        b"\r\n\0.\r\n",
    ] {
        let before = listening.mails().len();
        let mut bytes =
            b"MAIL FROM:<a@b.kz>\r\nRCPT TO:<support@desk.kz>\r\nDATA\r\nSubject: a\r\n\r\nb"
                .to_vec();
        bytes.extend_from_slice(ending);
        bytes.extend_from_slice(smuggled);
        bytes.extend_from_slice(b".\r\nQUIT\r\n");
        let heard = listening.talk(&bytes).await;
        assert_eq!(
            codes(&heard),
            ["250", "250", "354", "250", "221"],
            "{ending:?}"
        );
        let mails = listening.mails();
        assert_eq!(mails.len(), before + 1, "{ending:?}");
        assert!(
            mails[before].raw.windows(7).any(|part| part == b"evil@x."),
            "the would-be mail is text of the first"
        );
    }
}

#[tokio::test]
async fn commands_out_of_order_are_faults() {
    let listening = Listening::start(Limits::default()).await;
    let heard = listening
        .talk(b"RCPT TO:<support@desk.kz>\r\nDATA\r\nMAIL FROM:<a@b.kz>\r\nMAIL FROM:<c@d.kz>\r\nDATA\r\nHELO x\r\nDATA\r\nAUTH PLAIN\r\nNOOP\nQUIT\r\n")
        .await;
    assert_eq!(
        codes(&heard),
        [
            "503", "503", "250", "503", "554", "250", "503", "500", "500", "221"
        ]
    );
    let mut silent = listening.raw().await;
    silent.say(b"MAIL FROM:<a@b.kz>\r\n").await;
    assert!(silent.hear().await.starts_with("503"));
}

#[tokio::test]
async fn what_is_too_large_is_refused_and_the_talk_goes_on() {
    let listening = Listening::start(Limits {
        mail_bytes: 1000,
        ..Limits::default()
    })
    .await;
    let heard = listening
        .talk(b"MAIL FROM:<a@b.kz> SIZE=1001\r\nMAIL FROM:<a@b.kz> SIZE=1000\r\nQUIT\r\n")
        .await;
    assert_eq!(codes(&heard), ["552", "250", "221"]);
    let mut bytes = b"MAIL FROM:<a@b.kz>\r\nRCPT TO:<support@desk.kz>\r\nDATA\r\n".to_vec();
    bytes.extend(b"0123456789\r\n".repeat(100_000));
    bytes.extend(b".\r\nNOOP\r\nQUIT\r\n");
    assert_eq!(
        codes(&listening.talk(&bytes).await),
        ["250", "250", "354", "552", "250", "221"]
    );
    let mut line = vec![b'x'; 10_000];
    line.extend(b"\r\nQUIT\r\n");
    assert_eq!(codes(&listening.talk(&line).await), ["500", "221"]);
    assert_eq!(listening.mails(), []);
}

#[tokio::test]
async fn a_large_mail_arrives_whole() {
    let listening = Listening::start(Limits {
        large_mails: 1,
        ..Limits::default()
    })
    .await;
    let mut mail = b"Subject: big\r\n\r\n".to_vec();
    mail.extend(b".0123456789abcdef\r\n".repeat(60_000));
    let sends = [1, 2].map(|_| {
        let (target, mail) = (listening.target(Security::StartTls), mail.clone());
        tokio::spawn(async move { send(&target, &envelope(&["support@desk.kz"]), &mail).await })
    });
    for sent in sends {
        assert!(matches!(sent.await.unwrap(), Sent::Delivered { .. }));
    }
    assert!(
        listening
            .mails()
            .iter()
            .all(|received| received.raw == mail)
    );
}

#[tokio::test]
async fn recipients_and_hops_are_bounded() {
    let listening = Listening::start(Limits {
        recipients: 2,
        ..Limits::default()
    })
    .await;
    let heard = listening
        .talk(b"MAIL FROM:<a@b.kz>\r\nRCPT TO:<support@a.kz>\r\nRCPT TO:<support@b.kz>\r\nRCPT TO:<support@c.kz>\r\nQUIT\r\n")
        .await;
    assert_eq!(codes(&heard), ["250", "250", "250", "452", "221"]);
    let circle = format!(
        "{}Subject: x\r\n\r\ny",
        "Received: from a by b\r\n".repeat(60)
    );
    let sent = send(
        &listening.target(Security::None),
        &envelope(&["support@desk.kz"]),
        circle.as_bytes(),
    )
    .await;
    assert!(matches!(sent, Sent::Refused { .. }));
}

#[tokio::test]
async fn a_peer_that_only_errs_is_sent_away() {
    let listening = Listening::start(Limits {
        faults: 3,
        ..Limits::default()
    })
    .await;
    let heard = listening
        .talk(&b"RCPT TO:<guess@desk.kz>\r\n".repeat(20))
        .await;
    assert_eq!(codes(&heard)[..4], ["503", "503", "503", "421"]);
}

#[tokio::test]
async fn neighbours_share_a_number_of_connections() {
    let listening = Listening::start(Limits {
        connections_per_address: 2,
        ..Limits::default()
    })
    .await;
    let first = listening.raw().await;
    let _second = listening.raw().await;
    let mut third = TcpStream::connect(("127.0.0.1", listening.port))
        .await
        .unwrap();
    let mut heard = String::new();
    third.read_to_string(&mut heard).await.unwrap();
    assert!(heard.starts_with("421 4.7.0"), "{heard}");
    drop(first);
    // The seat is free once the session has noticed.
    for _ in 0..100 {
        let mut stream = TcpStream::connect(("127.0.0.1", listening.port))
            .await
            .unwrap();
        let mut greeting = [0; 3];
        stream.read_exact(&mut greeting).await.unwrap();
        if &greeting == b"220" {
            return;
        }
        sleep(Duration::from_millis(10)).await;
    }
    panic!("the seat was not given back");
}

#[tokio::test]
async fn commands_sent_before_encryption_do_not_count_under_it() {
    let listening = Listening::start(Limits::default()).await;
    let mut peer = listening.raw().await;
    peer.say(b"STARTTLS\r\nMAIL FROM:<evil@x.kz>\r\n").await;
    assert_eq!(peer.hear_all().await, "220 2.0.0 Go ahead\r\n");
}

#[tokio::test]
async fn a_silent_peer_is_not_waited_for() {
    let short = Duration::from_millis(50);
    let listening = Listening::start(Limits {
        command: short,
        data: short,
        ..Limits::default()
    })
    .await;
    let mut peer = listening.raw().await;
    assert!(peer.hear_all().await.starts_with("421 4.4.2"));
    let heard = listening
        .talk(b"MAIL FROM:<a@b.kz>\r\nRCPT TO:<support@desk.kz>\r\nDATA\r\nnever ends")
        .await;
    assert_eq!(codes(&heard), ["250", "250", "354", "421"]);
    assert_eq!(listening.mails(), []);
}

#[tokio::test]
async fn a_stop_ends_idle_talks_and_finishes_the_mail_in_hand() {
    let listening = Listening::start(Limits::default()).await;
    let mut idle = listening.raw().await;
    let mut busy = listening.raw().await;
    busy.say(b"EHLO x\r\nMAIL FROM:<a@b.kz>\r\nRCPT TO:<support@desk.kz>\r\nDATA\r\n")
        .await;
    let mut heard = String::new();
    while !heard.contains("354") {
        heard += &busy.hear().await;
    }
    listening.stop.send(true).unwrap();
    assert!(idle.hear_all().await.starts_with("421 4.3.2"));
    busy.say(b"Subject: x\r\n\r\ny\r\n.\r\n").await;
    assert_eq!(codes(&busy.hear_all().await), ["250", "421"]);
    listening.serving.await.unwrap();
    assert_eq!(listening.desk.mails.lock().unwrap().len(), 1);
    assert!(
        TcpStream::connect(("127.0.0.1", listening.port))
            .await
            .is_err()
    );
}
