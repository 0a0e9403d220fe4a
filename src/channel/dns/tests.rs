//! The rules, with DNS as a table.
use super::*;

const DOMAIN: &str = "desk.kz";
/// An address that everybody may see.
const RELAY: &str = "77.88.21.158";

fn records(lines: &[(Kind, &str, &str)]) -> Known {
    let mut known = Known::default();
    for (kind, name, value) in lines {
        let question = Question {
            kind: *kind,
            name: (*name).to_owned(),
        };
        let answer = known
            .answers
            .entry(question)
            .or_insert(Answer::Found(Vec::new()));
        if let Answer::Found(found) = answer {
            found.push((*value).to_owned());
        }
    }
    known
}

fn wanted(purpose: &'static str, name: &str, value: &str) -> DnsRecord {
    DnsRecord {
        purpose,
        name: name.to_owned(),
        kind: "TXT",
        value: value.to_owned(),
    }
}

fn sender(relay: &str) -> Sender {
    Sender {
        domain: DOMAIN.to_owned(),
        relay: relay.to_owned(),
    }
}

/// What is said of one record. What the table does not have is not there.
fn judged(mut known: Known, sender: &Sender, wanted: &DnsRecord) -> Finding {
    loop {
        let finding = judge_one(&known, sender, wanted);
        let lacking = known.lacking.take();
        if lacking.is_empty() {
            return finding;
        }
        let nothing = lacking.into_iter().map(|q| (q, Answer::Found(Vec::new())));
        known.answers.extend(nothing);
    }
}

fn spf(lines: &[(Kind, &str, &str)], relay: &str, own: &str) -> (Standing, Vec<&'static str>) {
    let wanted = wanted("spf", DOMAIN, &format!("v=spf1 mx {own} ~all"));
    let finding = judged(records(lines), &sender(relay), &wanted);
    let codes = finding.remarks.iter().map(Remark::code).collect();
    (finding.standing, codes)
}

#[test]
fn spf_is_read_for_the_server_that_sends() {
    use Kind::{Address, Mx, Txt};
    use Standing::{Good, Missing, Unknown, Wrong};
    let relay = (Address, "relay.desk.kz", RELAY);
    let own = "a:relay.desk.kz";
    let one = |text| vec![(Txt, DOMAIN, text), relay];
    let many = "v=spf1 a:1.kz a:2.kz a:3.kz a:4.kz a:5.kz a:6.kz a:7.kz a:8.kz a:9.kz a:10.kz a:relay.desk.kz ~all";
    for (lines, standing, codes) in [
        (vec![relay], Missing, vec![]),
        (one("google-site-verification=1"), Missing, vec![]),
        (one("v=spf1 mx a:relay.desk.kz ~all"), Good, vec![]),
        (one("V=SPF1 MX A:Relay.Desk.kz -ALL"), Good, vec![]),
        (one("v=spf1 ip4:77.88.21.0/24 -all"), Good, vec![]),
        (one("v=spf1 ip4:77.88.21.158 -all"), Good, vec![]),
        (
            one("v=spf1 ip4:77.88.22.0/24 -all"),
            Wrong,
            vec!["sender_lacking"],
        ),
        (
            one("v=spf1 -ip4:77.88.0.0/16 a:relay.desk.kz -all"),
            Wrong,
            vec!["sender_lacking"],
        ),
        (
            one("v=spf1 ~all a:relay.desk.kz"),
            Wrong,
            vec!["sender_lacking", "after_all"],
        ),
        (one("v=spf1 a:relay.desk.kz"), Good, vec!["no_all"]),
        (
            one("v=spf1 a:relay.desk.kz +all"),
            Wrong,
            vec!["allows_all"],
        ),
        (
            one("v=spf1 all"),
            Wrong,
            vec!["sender_lacking", "allows_all"],
        ),
        (
            one("v=spf1 a:relay.desk.kz ipv4:1.2.3.4 ~all"),
            Wrong,
            vec!["no_such_term"],
        ),
        (
            one("v=spf1 a:relay.desk.kz ip4:1.2.3.4/33 ~all"),
            Wrong,
            vec!["no_such_term"],
        ),
        (
            one("v=spf1 exists:%{i}.spf.desk.kz ~all"),
            Unknown,
            vec!["cannot_tell"],
        ),
        (one(many), Wrong, vec!["too_many_lookups"]),
        (
            vec![
                (Txt, DOMAIN, "v=spf1 mx ~all"),
                (Txt, DOMAIN, "v=spf1 a:relay.desk.kz ~all"),
                relay,
            ],
            Wrong,
            vec!["several"],
        ),
        (
            vec![
                (Txt, DOMAIN, "v=spf1 mx ~all"),
                (Mx, DOMAIN, "10 mail.desk.kz"),
                (Address, "mail.desk.kz", RELAY),
                relay,
            ],
            Good,
            vec![],
        ),
        (
            vec![
                (Txt, DOMAIN, "v=spf1 a/24 ~all"),
                (Address, DOMAIN, "77.88.21.1"),
                relay,
            ],
            Good,
            vec![],
        ),
        (
            vec![
                (Txt, DOMAIN, "v=spf1 include:_spf.kz ~all"),
                (Txt, "_spf.kz", "v=spf1 ip4:77.88.21.158 -all"),
                relay,
            ],
            Good,
            vec![],
        ),
        (
            vec![
                (Txt, DOMAIN, "v=spf1 include:_spf.kz ~all"),
                (Txt, "_spf.kz", "v=spf1 ip4:8.8.8.8 -all"),
                relay,
            ],
            Wrong,
            vec!["sender_lacking"],
        ),
        (
            vec![
                (Txt, DOMAIN, "v=spf1 redirect=_spf.kz"),
                (Txt, "_spf.kz", "v=spf1 ip4:77.88.21.158 -all"),
                relay,
            ],
            Good,
            vec![],
        ),
        (
            one("v=spf1 include:gone.kz a:relay.desk.kz ~all"),
            Wrong,
            vec!["leads_nowhere"],
        ),
        (
            one("v=spf1 include:desk.kz ~all"),
            Wrong,
            vec!["too_many_lookups"],
        ),
        (
            vec![
                (Txt, DOMAIN, "v=spf1 mx ~all"),
                (Address, "relay.desk.kz", "10.0.0.5"),
            ],
            Unknown,
            vec!["seen_from_inside"],
        ),
        (
            vec![(Txt, "desk.kz.desk.kz", "v=spf1 mx ~all"), relay],
            Missing,
            vec!["name_twice"],
        ),
    ] {
        let shown = format!("{lines:?}");
        assert_eq!(
            spf(&lines, "relay.desk.kz", own),
            (standing, codes),
            "{shown}"
        );
    }
}

#[test]
fn a_service_is_allowed_by_its_own_record_and_by_no_other_s() {
    use Kind::{Address, Txt};
    let lines = |text| {
        [
            (Txt, DOMAIN, text),
            (Txt, "_spf.yandex.net", "v=spf1 ip4:5.45.192.0/19 ~all"),
            (Txt, "_spf.google.com", "v=spf1 ip4:64.233.160.0/19 ~all"),
            (Address, "smtp.yandex.ru", RELAY),
        ]
    };
    let own = "include:_spf.yandex.net";
    let judged = |text| spf(&lines(text), "smtp.yandex.ru", own);
    assert_eq!(
        judged("v=spf1 include:_spf.yandex.net ~all").0,
        Standing::Good
    );
    assert_eq!(
        judged("v=spf1 include:_spf.google.com ~all"),
        (Standing::Wrong, vec!["sender_lacking"])
    );
}

#[test]
fn what_could_not_be_asked_is_not_called_wrong() {
    let question = |kind, name: &str| Question {
        kind,
        name: name.to_owned(),
    };
    let spf = wanted("spf", DOMAIN, "v=spf1 mx a:relay.desk.kz ~all");
    let mut known = records(&[(Kind::Txt, DOMAIN, "v=spf1 include:_spf.kz ~all")]);
    let relay = question(Kind::Address, "relay.desk.kz");
    known
        .answers
        .insert(relay, Answer::Found(vec![RELAY.into()]));
    let beyond = question(Kind::Txt, "_spf.kz");
    known.answers.insert(beyond, Answer::Late);
    let finding = judged(known, &sender("relay.desk.kz"), &spf);
    assert_eq!(
        (finding.standing, finding.remarks),
        (Standing::Unknown, vec![Remark::Late])
    );
    let mut known = Known::default();
    let failed = Answer::Failed("Server Failure".into());
    known.answers.insert(question(Kind::Txt, DOMAIN), failed);
    let finding = judged(known, &sender("relay.desk.kz"), &spf);
    assert_eq!(finding.standing, Standing::Unknown);
}

#[test]
fn a_key_is_compared_and_not_its_spelling() {
    use Standing::{Good, Missing, Wrong};
    let name = "tehprof._domainkey.desk.kz";
    let key = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
    let wanted = wanted("dkim", name, &format!("v=DKIM1; k=ed25519; p={key}"));
    let good = format!("v=DKIM1; k=ed25519; p={key}");
    let with = |more: &str| format!("v=DKIM1; k=ed25519; {more} p={key}");
    let other = "v=DKIM1; k=ed25519; p=AAAAAAKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=".to_owned();
    let broken =
        "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg\" \"7hcvPapiMlrwIaaPcHURo=".to_owned();
    for (texts, standing, codes) in [
        (vec![], Missing, vec![]),
        (vec!["hello".to_owned()], Missing, vec![]),
        (vec![good.clone()], Good, vec![]),
        (
            vec![format!("k=ed25519;p={} {}", &key[..9], &key[9..])],
            Good,
            vec![],
        ),
        (vec![good.clone(), "hello".to_owned()], Good, vec![]),
        (vec![with("t=y;")], Good, vec!["testing"]),
        (vec![with("h=sha1;")], Wrong, vec!["not_our_hash"]),
        (vec![with("s=tlsrpt;")], Wrong, vec!["not_for_mail"]),
        (vec![with("h=sha1:sha256; s=*;")], Good, vec![]),
        (vec![format!("v=DKIM1; p={key}")], Wrong, vec!["key_kind"]),
        (
            vec!["v=DKIM1; k=ed25519; p=".to_owned()],
            Wrong,
            vec!["key_taken_back"],
        ),
        (vec![other.clone()], Wrong, vec!["other_key"]),
        (vec![broken], Wrong, vec!["broken_key"]),
        (vec![good, other], Wrong, vec!["several"]),
    ] {
        let lines: Vec<_> = texts
            .iter()
            .map(|text| (Kind::Txt, name, text.as_str()))
            .collect();
        let finding = judged(records(&lines), &sender("relay.desk.kz"), &wanted);
        let said: Vec<_> = finding.remarks.iter().map(Remark::code).collect();
        assert_eq!((finding.standing, said), (standing, codes), "{texts:?}");
    }
}

#[test]
fn a_policy_may_be_the_domain_s_above() {
    use Standing::{Good, Missing, Wrong};
    let wanted = wanted("dmarc", "_dmarc.help.desk.kz", "v=DMARC1; p=none");
    let sender = Sender {
        domain: "help.desk.kz".into(),
        relay: String::new(),
    };
    let own = |text| vec![(Kind::Txt, "_dmarc.help.desk.kz", text)];
    let above = |text| vec![(Kind::Txt, "_dmarc.desk.kz", text)];
    for (lines, standing, codes) in [
        (vec![], Missing, vec![]),
        (
            own("v=DMARC1; p=reject; rua=mailto:a@desk.kz"),
            Good,
            vec![],
        ),
        (
            own("v=DMARC1;p=none;rua=mailto:a@desk.kz"),
            Good,
            vec!["only_watches"],
        ),
        (own("v=DMARC1; p=quarantine"), Good, vec!["no_reports"]),
        (
            own("v=DMARC1; rua=mailto:a@desk.kz"),
            Wrong,
            vec!["no_policy"],
        ),
        (
            own("v=DMARC1; p=block; rua=mailto:a@desk.kz"),
            Wrong,
            vec!["no_such_policy"],
        ),
        (
            above("v=DMARC1; p=reject; rua=mailto:a@desk.kz"),
            Good,
            vec!["from_above"],
        ),
        (
            above("v=DMARC1; p=reject; sp=none; rua=mailto:a@desk.kz"),
            Good,
            vec!["from_above", "only_watches"],
        ),
        (
            [own("v=DMARC1; p=none"), own("v=DMARC1; p=reject")].concat(),
            Wrong,
            vec!["several"],
        ),
        (
            vec![(
                Kind::Txt,
                "_dmarc.help.desk.kz.help.desk.kz",
                "v=DMARC1; p=none",
            )],
            Missing,
            vec!["name_twice"],
        ),
    ] {
        let finding = judged(records(&lines), &sender, &wanted);
        let said: Vec<_> = finding.remarks.iter().map(Remark::code).collect();
        assert_eq!((finding.standing, said), (standing, codes), "{lines:?}");
    }
}

#[test]
fn mail_is_to_come_to_our_server_and_that_to_have_an_address() {
    use Kind::{Address, Mx};
    use Standing::{Good, Missing, Unknown, Wrong};
    let wanted = wanted("mx", DOMAIN, "10 in.desk.kz");
    let address = (Address, "in.desk.kz", RELAY);
    for (lines, standing, codes) in [
        (vec![], Missing, vec![]),
        (vec![(Mx, DOMAIN, "20 IN.desk.kz"), address], Good, vec![]),
        (
            vec![(Mx, DOMAIN, "10 in.desk.kz")],
            Wrong,
            vec!["no_address"],
        ),
        (
            vec![
                (Mx, DOMAIN, "5 mx.other.kz"),
                (Mx, DOMAIN, "10 in.desk.kz"),
                address,
            ],
            Good,
            vec!["tried_first"],
        ),
        (
            vec![(Mx, DOMAIN, "10 mx.yandex.net")],
            Wrong,
            vec!["mail_elsewhere"],
        ),
        (vec![(Mx, DOMAIN, "0 .")], Wrong, vec!["no_mail"]),
    ] {
        let finding = judged(records(&lines), &sender(RELAY), &wanted);
        let said: Vec<_> = finding.remarks.iter().map(Remark::code).collect();
        assert_eq!((finding.standing, said), (standing, codes), "{lines:?}");
    }
    let mut known = Known::default();
    let question = Question {
        kind: Mx,
        name: DOMAIN.into(),
    };
    known.answers.insert(question, Answer::Late);
    assert_eq!(judged(known, &sender(RELAY), &wanted).standing, Unknown);
}

#[test]
fn everything_is_said_in_three_languages() {
    let text = || "x.kz".to_owned();
    for remark in [
        Remark::Late,
        Remark::Failed(text()),
        Remark::Several("SPF", 2),
        Remark::NameTwice(text()),
        Remark::MailElsewhere(text()),
        Remark::TriedFirst(text()),
        Remark::NoAddress(text()),
        Remark::NoMail,
        Remark::SenderLacking(text()),
        Remark::SeenFromInside,
        Remark::LeadsNowhere(text()),
        Remark::TooManyLookups,
        Remark::NoSuchTerm(text()),
        Remark::CannotTell(text()),
        Remark::AllowsAll,
        Remark::NoAll,
        Remark::AfterAll(text()),
        Remark::OtherKey,
        Remark::BrokenKey,
        Remark::KeyTakenBack,
        Remark::KeyKind(text(), text()),
        Remark::NotOurHash,
        Remark::NotForMail,
        Remark::Testing,
        Remark::FromAbove(text()),
        Remark::OnlyWatches,
        Remark::NoPolicy,
        Remark::NoSuchPolicy(text()),
        Remark::NoReports,
    ] {
        use crate::lang::Lang;
        let [ru, kk, en] = Lang::ALL.map(|lang| remark.sentence(lang));
        assert!(ru != kk && kk != en && ru != en, "{remark:?}");
        assert!(en.is_ascii() || en.contains('…'), "{en}");
    }
}
