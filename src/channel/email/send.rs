//! Hands a mail to an SMTP server. What the server said decides whether to try again; trying again, and when, is the outbox's.
//!
//! Connecting is [`super::dial`]'s. Nothing here waits longer than its limit.

use std::time::Duration;

use lettre::address::Address;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{Extension, MailBodyParameter, MailParameter};
use lettre::transport::smtp::response::Response;
use tokio::time::{Instant, timeout};

use super::dial::{
    SmtpTarget, code, connect, is_about_login, misconfigured, quit, retry, unreached,
};

/// Waiting for the whole of a small mail.
const LONGEST: Duration = Duration::from_secs(60);
/// A large mail may take longer by a second for each of these bytes.
const BYTES_A_SECOND: usize = 128 * 1024;
/// A server that asks to come back later means at least this.
const GREYLISTED: Duration = Duration::from_secs(300);

/// Who the server is told to send from and to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Envelope {
    /// `None` for automatic mail, which must not bounce.
    pub(crate) from: Option<String>,
    pub(crate) to: Vec<String>,
}

/// What became of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sent {
    /// The server took it for at least one recipient.
    Delivered {
        response: String,
        missed: Vec<Missed>,
    },
    /// Not this time.
    Retry {
        why: String,
        at_least: Option<Duration>,
        trouble: Trouble,
    },
    /// Never.
    Refused { why: String },
}

/// A recipient the server did not take, beside others that it took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Missed {
    pub(crate) recipient: String,
    pub(crate) why: String,
    pub(crate) permanent: bool,
}

/// Whose trouble keeps the mail waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// This mail's, or it cannot be known whose: the server may have the mail.
    Mail,
    /// The network's, or that of a server which greets nobody: no mail was spoken of.
    Network,
    /// The whole channel's: login, encryption, greeting. People should look at its settings.
    Channel,
}

/// Sends a mail.
pub(crate) async fn send(target: &SmtpTarget, envelope: &Envelope, raw: &[u8]) -> Sent {
    let limit = LONGEST + Duration::from_secs((raw.len() / BYTES_A_SECOND) as u64);
    let began = Instant::now();
    let silent = |limit: Duration| {
        format!(
            "{} did not answer within {} s",
            target.host,
            limit.as_secs()
        )
    };
    let connection = match timeout(LONGEST, Box::pin(connect(target))).await {
        Ok(Ok(connection)) => connection,
        Ok(Err(sent)) => return sent,
        Err(_) => return unreached(silent(LONGEST)),
    };
    let left = limit.saturating_sub(began.elapsed());
    match timeout(left, Box::pin(attempt(target, connection, envelope, raw))).await {
        Ok(Ok(sent) | Err(sent)) => sent,
        Err(_) => retry(silent(limit)),
    }
}

/// Connects, greets, encrypts and logs in as [`send`] would, and sends nothing. Answers what the server is, or what is wrong.
pub(crate) async fn check(target: &SmtpTarget) -> Result<String, String> {
    let checked = timeout(LONGEST, Box::pin(connect(target))).await;
    match checked {
        Err(_) => Err(format!(
            "{} did not answer within {} s",
            target.host,
            LONGEST.as_secs()
        )),
        Ok(Err(Sent::Retry { why, .. } | Sent::Refused { why })) => Err(why),
        Ok(Err(Sent::Delivered { response, .. })) => Ok(response),
        Ok(Ok(mut connection)) => {
            let name = connection.server_info().name().to_owned();
            quit(&mut connection).await;
            Ok(name)
        }
    }
}

/// Milliseconds until the next attempt after `attempt` failed ones; `None` when about two days are over. `jitter` spreads mails
/// that failed together by up to a tenth.
pub(crate) fn backoff(attempt: u32, jitter: u64) -> Option<i64> {
    const MINUTES: [i64; 12] = [1, 5, 15, 30, 60, 120, 240, 480, 480, 480, 480, 480];
    let minutes = *MINUTES.get(attempt.checked_sub(1)? as usize)?;
    let delay = minutes * 60_000;
    Some(delay + delay / 10 * (jitter % 1000) as i64 / 1000)
}

async fn attempt(
    target: &SmtpTarget,
    mut connection: AsyncSmtpConnection,
    envelope: &Envelope,
    raw: &[u8],
) -> Result<Sent, Sent> {
    let (from, recipients) = addresses(envelope)?;
    let mut parameters = Vec::new();
    let international = recipients
        .iter()
        .chain(&from)
        .any(|address| !AsRef::<str>::as_ref(address).is_ascii());
    if international {
        if !connection
            .server_info()
            .supports_feature(Extension::SmtpUtfEight)
        {
            quit(&mut connection).await;
            return Err(Sent::Refused {
                why: format!(
                    "{} does not take international addresses (SMTPUTF8)",
                    target.host
                ),
            });
        }
        parameters.push(MailParameter::SmtpUtfEight);
    }
    if !raw.is_ascii() {
        if !connection
            .server_info()
            .supports_feature(Extension::EightBitMime)
        {
            quit(&mut connection).await;
            return Err(Sent::Refused {
                why: format!("{} takes no 8-bit mail", target.host),
            });
        }
        parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
    }
    if let Err(error) = connection.command(Mail::new(from, parameters)).await {
        return Err(abandon(&mut connection, &error).await);
    }
    let mut missed = Vec::new();
    let mut latest = None;
    let asked = recipients.len();
    for recipient in recipients {
        let name = recipient.to_string();
        if let Err(error) = connection.command(Rcpt::new(recipient, vec![])).await {
            if error.status().is_none() || code(&error) == Some(421) {
                return Err(abandon(&mut connection, &error).await);
            }
            missed.push(Missed {
                recipient: name,
                why: error.to_string(),
                permanent: error.is_permanent(),
            });
            // Of several refusals the one that leaves hope decides.
            if latest.is_none() || !error.is_permanent() {
                latest = Some(error);
            }
        }
    }
    if let Some(error) = latest.filter(|_| missed.len() == asked) {
        return Err(abandon(&mut connection, &error).await);
    }
    if let Err(error) = connection.command(Data).await {
        return Err(abandon(&mut connection, &error).await);
    }
    // The client ends the last line itself.
    let lines = raw.strip_suffix(b"\r\n").unwrap_or(raw);
    match connection.message(lines).await {
        Ok(response) => {
            // The mail is theirs now; a slow farewell must not make it look as if it were not.
            tokio::spawn(async move { quit(&mut connection).await });
            Ok(Sent::Delivered {
                response: first_line(&response),
                missed,
            })
        }
        Err(error) => Err(abandon(&mut connection, &error).await),
    }
}

fn addresses(envelope: &Envelope) -> Result<(Option<Address>, Vec<Address>), Sent> {
    let read = |address: &String| {
        address.parse::<Address>().map_err(|_| Sent::Refused {
            why: format!("`{address}` is not an e-mail address"),
        })
    };
    let from = envelope.from.as_ref().map(read).transpose()?;
    let to = envelope
        .to
        .iter()
        .map(read)
        .collect::<Result<Vec<_>, _>>()?;
    if to.is_empty() {
        return Err(Sent::Refused {
            why: "there is nobody to send to".to_owned(),
        });
    }
    Ok((from, to))
}

/// Ends a conversation that failed over a mail, and says what that means for the mail.
async fn abandon(connection: &mut AsyncSmtpConnection, error: &Error) -> Sent {
    let sent = if is_about_login(error) {
        misconfigured(error.to_string())
    } else if error.is_permanent() {
        Sent::Refused {
            why: error.to_string(),
        }
    } else {
        let at_least = matches!(code(error), Some(421 | 450 | 451)).then_some(GREYLISTED);
        Sent::Retry {
            why: error.to_string(),
            at_least,
            trouble: Trouble::Mail,
        }
    };
    if error.status().is_some() {
        quit(connection).await;
    } else {
        let _ = timeout(Duration::from_secs(2), connection.abort()).await;
    }
    sent
}

fn first_line(response: &Response) -> String {
    format!(
        "{} {}",
        response.code(),
        response.first_line().unwrap_or_default()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::email::dial::Security;
    use crate::channel::email::sink::server;
    use crate::reach::Reach;
    use tokio::net::TcpListener;

    fn envelope(to: &[&str]) -> Envelope {
        Envelope {
            from: Some("support@desk.kz".to_owned()),
            to: to.iter().map(|to| (*to).to_owned()).collect(),
        }
    }

    async fn sent(script: &'static [(&'static str, &'static str)]) -> Sent {
        let (target, _hearing) = server(script).await;
        send(
            &target,
            &envelope(&["asem@client.kz"]),
            b"Subject: x\r\n\r\nhi\r\n",
        )
        .await
    }

    fn retry_of(sent: &Sent) -> Option<(Option<Duration>, Trouble)> {
        match sent {
            Sent::Retry {
                at_least, trouble, ..
            } => Some((*at_least, *trouble)),
            _ => None,
        }
    }

    #[tokio::test]
    async fn a_mail_is_delivered_with_its_dots_stuffed() {
        let (target, mut hearing) = server(&[(".", "250 2.0.0 queued as 7")]).await;
        let sent = send(
            &target,
            &envelope(&["asem@client.kz"]),
            b"Subject: x\r\n\r\n.\r\n..a\r\n",
        )
        .await;
        assert_eq!(
            sent,
            Sent::Delivered {
                response: "250 2.0.0 queued as 7".to_owned(),
                missed: vec![]
            }
        );
        let wanted = [
            "CONNECT",
            "EHLO desk.example.kz",
            "MAIL FROM:<support@desk.kz>",
            "RCPT TO:<asem@client.kz>",
            "DATA",
            "Subject: x",
            "",
            "..",
            "...a",
        ];
        for line in wanted {
            assert_eq!(hearing.recv().await.as_deref(), Some(line));
        }
    }

    #[tokio::test]
    async fn temporary_answers_are_tried_again_and_final_ones_are_not() {
        let mail = Some((None, Trouble::Mail));
        let later = Some((Some(GREYLISTED), Trouble::Mail));
        assert_eq!(
            retry_of(&sent(&[("RCPT", "451 4.7.1 greylisted")]).await),
            later
        );
        assert_eq!(
            retry_of(&sent(&[("MAIL", "421 4.3.2 closing")]).await),
            later
        );
        assert_eq!(retry_of(&sent(&[(".", "452 4.2.2 full")]).await), mail);
        for script in [
            &[("RCPT", "550 5.1.1 user unknown")][..],
            &[("MAIL", "553 5.7.1 not yours")],
            &[(".", "552 5.3.4 too big")],
            &[("DATA", "554 5.7.1 spam")],
        ] {
            let sent = sent(script).await;
            let expected = script[0].1;
            assert!(
                matches!(&sent, Sent::Refused { why } if why.contains(&expected[4..])),
                "{script:?} gave {sent:?}"
            );
        }
    }

    #[tokio::test]
    async fn a_connection_lost_anywhere_is_tried_again() {
        for (script, trouble) in [
            (&[("CONNECT", "drop")][..], Trouble::Network),
            (&[("CONNECT", "421 4.3.2 too busy")], Trouble::Network),
            (&[("EHLO", "drop")], Trouble::Network),
            (&[("MAIL", "drop")], Trouble::Mail),
            (&[("RCPT", "drop")], Trouble::Mail),
            (&[("DATA", "drop")], Trouble::Mail),
            (&[(".", "drop")], Trouble::Mail),
        ] {
            let retried = retry_of(&sent(script).await);
            assert_eq!(retried, Some((None, trouble)), "{script:?}");
        }
        let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = nobody.local_addr().unwrap().port();
        drop(nobody);
        let (mut target, _hearing) = server(&[]).await;
        target.port = port;
        assert_eq!(
            retry_of(&send(&target, &envelope(&["a@x.kz"]), b"x").await),
            Some((None, Trouble::Network))
        );
    }

    #[tokio::test]
    async fn a_refused_login_is_the_channels_trouble() {
        let (mut target, _hearing) = server(&[("AUTH", "535 5.7.8 wrong password")]).await;
        target.login = Some(("support".to_owned(), "secret".to_owned()));
        let refused = send(&target, &envelope(&["a@x.kz"]), b"x").await;
        assert!(
            matches!(&refused, Sent::Retry { why, trouble: Trouble::Channel, .. } if why.contains("wrong password") && !why.contains("secret")),
            "{refused:?}"
        );
        let asked_to_log_in = sent(&[("MAIL", "530 5.7.0 authentication required")]).await;
        assert_eq!(retry_of(&asked_to_log_in), Some((None, Trouble::Channel)));
    }

    #[tokio::test]
    async fn encryption_is_never_given_up() {
        let (mut target, mut hearing) = server(&[]).await;
        target.security = Security::StartTls;
        target.login = Some(("support".to_owned(), "secret".to_owned()));
        let sent = send(&target, &envelope(&["a@x.kz"]), b"x").await;
        assert!(
            matches!(&sent, Sent::Retry { why, trouble: Trouble::Channel, .. } if why.contains("STARTTLS")),
            "{sent:?}"
        );
        while let Ok(line) = hearing.try_recv() {
            assert!(
                !line.starts_with("AUTH") && !line.starts_with("MAIL"),
                "{line}"
            );
        }
    }

    #[tokio::test]
    async fn one_bad_recipient_does_not_stop_the_others() {
        let (target, _hearing) = server(&[
            ("RCPT TO:<gone@", "550 5.1.1 unknown"),
            ("RCPT TO:<later@", "450 4.2.1 busy"),
        ])
        .await;
        let sent = send(
            &target,
            &envelope(&["gone@x.kz", "asem@client.kz", "later@x.kz"]),
            b"x",
        )
        .await;
        let Sent::Delivered { missed, .. } = sent else {
            panic!("{sent:?}")
        };
        let seen: Vec<_> = missed
            .iter()
            .map(|missed| (missed.recipient.as_str(), missed.permanent))
            .collect();
        assert_eq!(seen, [("gone@x.kz", true), ("later@x.kz", false)]);
    }

    #[tokio::test]
    async fn when_all_are_refused_hope_decides() {
        let (target, _hearing) = server(&[
            ("RCPT TO:<gone@", "550 5.1.1 unknown"),
            ("RCPT TO:<later@", "450 4.2.1 busy"),
        ])
        .await;
        let sent = send(&target, &envelope(&["later@x.kz", "gone@x.kz"]), b"x").await;
        assert_eq!(retry_of(&sent), Some((Some(GREYLISTED), Trouble::Mail)));
    }

    #[tokio::test]
    async fn private_addresses_are_refused_where_they_must_be() {
        let (mut target, mut hearing) = server(&[]).await;
        target.reach = Reach::PublicOnly;
        assert_eq!(
            retry_of(&send(&target, &envelope(&["a@x.kz"]), b"x").await),
            Some((None, Trouble::Channel))
        );
        assert!(hearing.try_recv().is_err(), "nothing was connected to");
    }

    #[tokio::test]
    async fn a_check_logs_in_and_sends_nothing() {
        let (mut target, mut hearing) = server(&[("AUTH", "235 ok")]).await;
        target.login = Some(("support".to_owned(), "secret".to_owned()));
        assert_eq!(check(&target).await, Ok("sink".to_owned()));
        let mut heard = Vec::new();
        while let Ok(line) = hearing.try_recv() {
            heard.push(line);
        }
        assert!(heard.iter().all(|line| !line.starts_with("MAIL")));
        let (mut wrong, _hearing) = server(&[("AUTH", "535 no")]).await;
        wrong.login = target.login.clone();
        assert!(check(&wrong).await.is_err());
    }

    #[test]
    fn the_schedule_covers_two_days() {
        let delays: Vec<i64> = (1..).map_while(|attempt| backoff(attempt, 0)).collect();
        assert_eq!(
            delays[..5]
                .iter()
                .map(|delay| delay / 60_000)
                .collect::<Vec<_>>(),
            [1, 5, 15, 30, 60]
        );
        let hours = delays.iter().sum::<i64>() / 3_600_000;
        assert!((40..=48).contains(&hours), "{hours}");
        assert_eq!(backoff(0, 0), None);
        assert!((60_000..=66_000).contains(&backoff(1, u64::MAX).unwrap()));
    }
}
