//! A mail from its bytes. Reading never fails: what is broken is read as far as it goes, what breaks a limit leaves a note.

use super::flowed::{self, DelSp};
use super::header;
use super::mail::{Content, Mail, Note, Piece, RawFile, assemble};
use super::mime::{self, Node, Part};
use super::params::Value;
use super::{charset, html, names, subject, tnef, transfer, words};

/// All parts of a mail together, decoded.
const MOST_DECODED: usize = 35 * 1024 * 1024;

/// Reads a mail.
pub(crate) fn parse(raw: &[u8]) -> Mail {
    let tree = mime::tree(raw);
    let mut reader = Reader {
        content: Content::default(),
        left: MOST_DECODED,
        has_body: false,
    };
    for (broken, note) in [
        (tree.headers_cut, Note::HeadersCut),
        (tree.too_deep, Note::TooDeep),
        (tree.too_many, Note::TooManyParts),
    ] {
        if broken {
            reader.content.notes.push(note);
        }
    }
    reader.content.pieces = reader.node(&tree.root);
    reader.content.headers = tree.headers;
    assemble(reader.content)
}

/// Walks the tree, decoding as it goes.
struct Reader {
    content: Content,
    /// Bytes that may still be decoded.
    left: usize,
    has_body: bool,
}

impl Reader {
    fn node(&mut self, node: &Node<'_>) -> Vec<Piece> {
        match node {
            Node::Leaf(part) => self.leaf(part).into_iter().collect(),
            Node::Multi { kind, children, .. } if kind == "multipart/alternative" => {
                self.alternative(children)
            }
            Node::Multi {
                kind,
                root,
                children,
            } if kind == "multipart/related" => self.related(root.as_deref(), children),
            Node::Multi { kind, children, .. } => {
                if kind == "multipart/encrypted" {
                    self.content.notes.push(Note::Encrypted);
                }
                children.iter().flat_map(|child| self.node(child)).collect()
            }
        }
    }

    /// The same content in several forms: the first plain text and the last HTML.
    fn alternative(&mut self, children: &[Node<'_>]) -> Vec<Piece> {
        let before = self.has_body;
        let mut chosen = Piece::default();
        for child in children {
            self.has_body = before;
            let pieces = self.node(child);
            let join = |texts: Vec<&str>| (!texts.is_empty()).then(|| texts.join("\n"));
            if pieces.iter().any(|piece| piece.html.is_some()) {
                chosen.html = join(
                    pieces
                        .iter()
                        .filter_map(|piece| piece.html.as_deref())
                        .collect(),
                );
            }
            if chosen.plain.is_none() {
                chosen.plain = join(
                    pieces
                        .iter()
                        .filter_map(|piece| piece.plain.as_deref())
                        .collect(),
                );
            }
        }
        self.has_body = before || chosen.plain.is_some() || chosen.html.is_some();
        vec![chosen]
    }

    /// One part with what it shows.
    fn related(&mut self, root: Option<&str>, children: &[Node<'_>]) -> Vec<Piece> {
        let is_root = |child: &Node<'_>| match (child, root) {
            (Node::Leaf(part), Some(root)) => part
                .headers
                .text("Content-ID")
                .is_some_and(|id| html::content_id(&id) == html::content_id(root)),
            _ => false,
        };
        let at = children.iter().position(is_root).unwrap_or(0);
        let mut pieces = children
            .get(at)
            .map(|child| self.node(child))
            .unwrap_or_default();
        for (other, child) in children.iter().enumerate() {
            match child {
                _ if other == at => {}
                Node::Leaf(part) => self.file(part),
                Node::Multi { .. } => pieces.extend(self.node(child)),
            }
        }
        pieces
    }

    fn leaf(&mut self, part: &Part<'_>) -> Option<Piece> {
        let disposition = Value::read(part.headers.raw("Content-Disposition").unwrap_or_default());
        let kind = part.content_type.kind.as_str();
        let attached = disposition.kind == "attachment"
            || (self.has_body && file_name(part, &disposition).is_some());
        let is_text = matches!(kind, "text/plain" | "text/html" | "application/xhtml+xml");
        if is_tnef(kind) {
            return self.packed(part);
        }
        if attached || !is_text {
            self.file(part);
            return None;
        }
        let Some(bytes) = self.decode(part) else {
            self.content.notes.push(Note::TextCut);
            return None;
        };
        self.has_body = true;
        let label = part.content_type.param("charset");
        if kind == "text/plain" {
            let text = charset::decode(&bytes, label.as_deref());
            let flowed = part
                .content_type
                .param("format")
                .is_some_and(|format| format.eq_ignore_ascii_case("flowed"));
            let delsp = part
                .content_type
                .param("delsp")
                .is_some_and(|delsp| delsp.eq_ignore_ascii_case("yes"));
            let text = if flowed {
                flowed::unflow(&text, if delsp { DelSp::Yes } else { DelSp::No })
            } else {
                text
            };
            return Some(Piece {
                plain: Some(text),
                html: None,
            });
        }
        let label = label.or_else(|| meta_charset(&bytes));
        Some(Piece {
            plain: None,
            html: Some(charset::decode(&bytes, label.as_deref())),
        })
    }

    /// What Outlook has packed: its files, and its text if there is no other. What cannot be unpacked whole stays a file.
    fn packed(&mut self, part: &Part<'_>) -> Option<Piece> {
        let left = self.left;
        let unpacked = self
            .decode(part)
            .and_then(|data| tnef::unpack(&data, self.left));
        let Some(unpacked) = unpacked else {
            self.left = left;
            self.file(part);
            return None;
        };
        let is_empty =
            unpacked.files.is_empty() && unpacked.plain.is_none() && unpacked.html.is_none();
        if unpacked.is_broken || is_empty {
            self.left = left;
            self.file(part);
        }
        for file in unpacked.files {
            self.left = self.left.saturating_sub(file.data.len());
            self.content.files.push(RawFile {
                name: file.name,
                mime: file
                    .mime
                    .unwrap_or_else(|| "application/octet-stream".to_owned()),
                content_id: file.content_id,
                data: file.data,
            });
        }
        let has_text = unpacked.plain.is_some() || unpacked.html.is_some();
        if self.has_body || !has_text {
            return None;
        }
        self.has_body = true;
        Some(Piece {
            plain: unpacked.plain,
            html: unpacked.html,
        })
    }

    fn file(&mut self, part: &Part<'_>) {
        let kind = part.content_type.kind.clone();
        let disposition = Value::read(part.headers.raw("Content-Disposition").unwrap_or_default());
        let mut name = file_name(part, &disposition);
        let Some(data) = self.decode(part) else {
            let name = names::of(name.as_deref(), &kind, self.content.files.len() + 1);
            self.content.notes.push(Note::AttachmentLeftOut { name });
            return;
        };
        self.content.report.notice(&kind, &data);
        if kind == "message/rfc822" && name.is_none() {
            name = header::read(&data)
                .headers
                .text("Subject")
                .map(|title| subject::clean(&title))
                .filter(|title| !title.is_empty());
            name = name.map(|title| format!("{}.eml", title.replace(['/', '\\'], "_")));
        }
        if matches!(
            kind.as_str(),
            "application/pkcs7-mime" | "application/x-pkcs7-mime"
        ) {
            self.content.notes.push(Note::Encrypted);
        }
        let content_id = part.headers.raw("Content-ID").map(words::decode);
        self.content.files.push(RawFile {
            name,
            mime: kind,
            content_id,
            data,
        });
    }

    /// The decoded body, unless it does not fit any more.
    fn decode(&mut self, part: &Part<'_>) -> Option<Vec<u8>> {
        // No encoding makes data less than a quarter of its size.
        if part.body.len() / 4 > self.left {
            return None;
        }
        let encoding = part
            .headers
            .text("Content-Transfer-Encoding")
            .unwrap_or_default()
            .to_ascii_lowercase();
        let data = match encoding.split(';').next().unwrap_or_default().trim() {
            "base64" => transfer::base64(part.body),
            "quoted-printable" => transfer::quoted_printable(part.body),
            "x-uuencode" | "uuencode" | "x-uue" => transfer::uuencode(part.body),
            _ => part.body.to_vec(),
        };
        if data.len() > self.left {
            return None;
        }
        self.left -= data.len();
        Some(data)
    }
}

fn is_tnef(kind: &str) -> bool {
    matches!(kind, "application/ms-tnef" | "application/vnd.ms-tnef")
}

fn file_name(part: &Part<'_>, disposition: &Value) -> Option<String> {
    disposition
        .param("filename")
        .or_else(|| part.content_type.param("name"))
        .filter(|name| !name.trim().is_empty())
}

/// The charset that the HTML itself declares near its start.
fn meta_charset(bytes: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(2048)]).to_ascii_lowercase();
    let (_, after) = head.split_once("charset=")?;
    let label: String = after
        .trim_start_matches(['"', '\''])
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
        .collect();
    (!label.is_empty()).then_some(label)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::email::address::Address;
    use crate::channel::email::header::{Field, Headers};
    use crate::channel::email::mail::LONGEST_TEXT;
    use proptest::prelude::*;

    fn eight_bit(text: &str, label: &str) -> Vec<u8> {
        encoding_rs::Encoding::for_label(label.as_bytes())
            .unwrap()
            .encode(text)
            .0
            .into_owned()
    }

    #[test]
    fn a_plain_mail_is_read() {
        let raw = "Message-ID: <CAF77@mail.client.kz>\r\nDate: Wed, 4 Mar 2026 13:07:33 +0500\r\n\
            From: =?windows-1251?B?wPHl7A==?= <Asem@Client.KZ>\r\nTo: Support <support@desk.kz>, b@x.kz\r\nCc: c@x.kz\r\nReply-To: r@x.kz\r\n\
            Delivered-To: support@desk.kz\r\nIn-Reply-To: <a@d.kz>\r\nReferences: <first@d.kz>\r\n <a@d.kz>\r\n\
            Subject: =?koi8-r?B?8NLJ18XU?=\r\nContent-Type: text/plain; charset=koi8-r\r\nContent-Transfer-Encoding: base64\r\n\r\n8NLJ18XU\r\n";
        let mail = parse(raw.as_bytes());
        assert_eq!(mail.message_id.as_deref(), Some("CAF77@mail.client.kz"));
        assert_eq!(mail.date, Some(1_772_611_653_000));
        assert_eq!(
            mail.from,
            Some(Address {
                name: "Асем".to_owned(),
                email: "Asem@client.kz".to_owned()
            })
        );
        assert_eq!(mail.to.len(), 2);
        assert_eq!(
            (mail.cc[0].email.as_str(), mail.reply_to[0].email.as_str()),
            ("c@x.kz", "r@x.kz")
        );
        assert_eq!(mail.delivered_to, ["support@desk.kz"]);
        assert_eq!(mail.in_reply_to, ["a@d.kz"]);
        assert_eq!(mail.references, ["first@d.kz", "a@d.kz"]);
        assert_eq!(
            (mail.subject.as_str(), mail.text.as_str()),
            ("Привет", "Привет")
        );
        assert_eq!(
            (mail.html, mail.attachments.len(), mail.notes.len()),
            (None, 0, 0)
        );
    }

    #[test]
    fn of_alternatives_both_forms_are_kept() {
        let raw = "Content-Type: multipart/alternative; boundary=q\n\n--q\nContent-Type: text/plain\n\nпривет\n--q\nContent-Type: text/html\n\n<p onclick=a()>привет</p>\n\
            --q\nContent-Type: text/calendar; method=REQUEST\n\nBEGIN:VCALENDAR\n--q--";
        let mail = parse(raw.as_bytes());
        assert_eq!(
            (mail.text.as_str(), mail.html.as_deref()),
            ("привет", Some("<p>привет</p>"))
        );
        assert_eq!(
            (
                mail.attachments[0].name.as_str(),
                mail.attachments[0].mime.as_str()
            ),
            ("attachment-1.ics", "text/calendar")
        );
    }

    #[test]
    fn text_is_made_from_html_when_there_is_no_other() {
        let mut raw = b"Content-Type: text/html\r\n\r\n<meta charset=windows-1251><p>".to_vec();
        raw.extend(eight_bit("Добрый день", "windows-1251"));
        raw.extend(b"</p><script>alert(1)</script>");
        let mail = parse(&raw);
        assert_eq!(
            (mail.text.as_str(), mail.html.as_deref()),
            ("Добрый день", Some("<p>Добрый день</p>"))
        );
    }

    #[test]
    fn pictures_in_the_text_are_inline_and_others_are_files() {
        let raw = "Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\nContent-Type: multipart/related; boundary=r\r\n\r\n\
            --r\r\nContent-Type: text/html\r\n\r\n<img src=\"cid:ii_1\">см.\r\n--r\r\nContent-Type: image/png; name=\"a.png\"\r\nContent-ID: <II_1>\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw==\r\n--r--\r\n\
            --m\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename*=UTF-8''%D0%90%D0%BA%D1%82.pdf\r\n\r\nPDF\r\n\
            --m\r\nContent-Type: image/jpeg\r\nContent-Disposition: inline\r\nContent-ID: <unused>\r\n\r\nJ\r\n--m--";
        let mail = parse(raw.as_bytes());
        let seen: Vec<_> = mail
            .attachments
            .iter()
            .map(|file| (file.name.as_str(), file.inline, file.data.len()))
            .collect();
        assert_eq!(
            seen,
            [
                ("a.png", true, 4),
                ("Акт.pdf", false, 3),
                ("image003.jpg", false, 1)
            ]
        );
        assert_eq!(mail.attachments[0].content_id.as_deref(), Some("ii_1"));
        assert_eq!(
            html::render(&mail.html.unwrap(), |id| Some(format!("/f/{id}"))),
            "<img src=\"/f/ii_1\">см."
        );
    }

    #[test]
    fn several_texts_are_one_body_and_named_texts_are_files() {
        let raw = "Content-Type: multipart/mixed; boundary=m\n\n--m\nContent-Type: text/plain\n\nодин\n--m\nContent-Type: text/plain; name=log.txt\n\nжурнал\n--m\nContent-Type: text/html\n\n<b>два</b>\n--m--";
        let mail = parse(raw.as_bytes());
        assert_eq!(mail.text, "один\n\nдва");
        assert_eq!(mail.html.as_deref(), Some("<div>один</div><b>два</b>"));
        assert_eq!(mail.attachments[0].name, "log.txt");
    }

    #[test]
    fn an_attached_mail_is_a_file_named_by_its_subject() {
        let raw = "Content-Type: multipart/mixed; boundary=m\n\n--m\n\nсм.\n--m\nContent-Type: message/rfc822\n\nSubject: =?utf-8?B?0JDQutGCIDEvMg==?=\n\ninner\n--m--";
        assert_eq!(parse(raw.as_bytes()).attachments[0].name, "Акт 1_2.eml");
    }

    #[test]
    fn raw_eight_bit_headers_and_bodies_are_understood() {
        let mut raw = b"From: a@x.kz\r\nSubject: ".to_vec();
        raw.extend(eight_bit("Не печатает касса", "windows-1251"));
        raw.extend(b"\r\n\r\n");
        raw.extend(eight_bit(
            "Помогите пожалуйста, касса не печатает чеки",
            "windows-1251",
        ));
        let mail = parse(&raw);
        assert_eq!(mail.subject, "Не печатает касса");
        assert_eq!(mail.text, "Помогите пожалуйста, касса не печатает чеки");
    }

    #[test]
    fn flowed_text_is_joined() {
        assert_eq!(
            parse(b"Content-Type: text/plain; format=flowed\n\none \ntwo\n").text,
            "one two"
        );
    }

    #[test]
    fn what_is_encrypted_or_signed_is_kept_as_files() {
        let raw = "Content-Type: multipart/signed; boundary=s; protocol=\"application/pkcs7-signature\"\n\n--s\n\nтекст\n--s\nContent-Type: application/pkcs7-signature; name=smime.p7s\nContent-Transfer-Encoding: base64\n\nAAAA\n--s--";
        let mail = parse(raw.as_bytes());
        assert_eq!(
            (mail.text.as_str(), mail.attachments[0].name.as_str()),
            ("текст", "smime.p7s")
        );
        let sealed = parse(b"Content-Type: application/pkcs7-mime; name=smime.p7m\n\nx");
        assert_eq!(
            (sealed.notes, sealed.attachments[0].name.as_str()),
            (vec![Note::Encrypted], "smime.p7m")
        );
    }

    #[test]
    fn garbage_and_emptiness_are_mails_too() {
        for raw in [
            &b""[..],
            b"\n",
            b"\r\n\r\n",
            b"hello",
            b":\n:\n",
            b"Content-Type: multipart/mixed; boundary=\n\nx",
            b"From: <>\nDate: yesterday\n\n",
        ] {
            let mail = parse(raw);
            assert_eq!((mail.from, mail.date), (None, None));
        }
        assert_eq!(
            parse(b"just text\nwithout headers").text,
            "just text\nwithout headers"
        );
    }

    #[test]
    fn what_breaks_a_limit_leaves_a_note_and_the_rest_is_read() {
        let mut raw =
            b"Subject: big\r\nContent-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\n\r\ntext\r\n"
                .to_vec();
        for name in ["a", "b", "c", "d"] {
            raw.extend(
                format!("--m\r\nContent-Type: application/zip; name={name}.zip\r\n\r\n").bytes(),
            );
            raw.extend(std::iter::repeat_n(b'x', 10 * 1024 * 1024));
            raw.extend(b"\r\n");
        }
        let mail = parse(&raw);
        assert_eq!((mail.text.as_str(), mail.attachments.len()), ("text", 3));
        assert_eq!(
            mail.notes,
            [Note::AttachmentLeftOut {
                name: "d.zip".to_owned()
            }]
        );
        let pages = format!(
            "--m\nContent-Type: text/html\n\n{}\n",
            "<p>ж</p>".repeat(100_000)
        )
        .repeat(4);
        let pages =
            parse(format!("Content-Type: multipart/mixed; boundary=m\n\n{pages}").as_bytes());
        assert_eq!(pages.notes, [Note::HtmlCut, Note::TextCut]);
        let long = parse(format!("Subject: x\n\n{}", "ж".repeat(LONGEST_TEXT + 5)).as_bytes());
        assert_eq!(
            (long.text.chars().count(), long.notes),
            (LONGEST_TEXT, vec![Note::TextCut])
        );
    }

    #[test]
    fn a_mail_can_be_put_together_from_fields() {
        let headers = Headers::from_fields(vec![Field {
            name: "Subject".to_owned(),
            value: b"x".to_vec(),
        }]);
        let mail = assemble(Content {
            headers,
            pieces: vec![Piece {
                plain: Some("да".to_owned()),
                html: None,
            }],
            ..Content::default()
        });
        assert_eq!((mail.subject.as_str(), mail.text.as_str()), ("x", "да"));
    }

    const SAMPLE: &str = "From: =?utf-8?B?0JA=?= <a@x.kz>\r\nSubject: =?koi8-r?Q?=F0?=\r\nContent-Type: multipart/mixed; boundary=\"m\"\r\n\r\n--m\r\nContent-Type: multipart/alternative; boundary=n\r\n\r\n\
        --n\r\nContent-Type: text/plain; charset=utf-8; format=flowed\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=D0=94=D0=B0 \r\n> x\r\n--n\r\nContent-Type: text/html\r\n\r\n<blockquote type=cite><p>x<img src=cid:a></blockquote>\r\n--n--\r\n\
        --m\r\nContent-Type: image/png\r\nContent-ID: <a>\r\nContent-Disposition: attachment; filename*0*=utf-8''%41; filename*1=b.png\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n--m--\r\n";

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]

        #[test]
        fn any_bytes_are_read(raw in proptest::collection::vec(any::<u8>(), 0..600)) {
            parse(&raw);
        }

        #[test]
        fn a_damaged_mail_is_read(edits in proptest::collection::vec((0..SAMPLE.len(), any::<u8>(), 0..40usize), 0..12)) {
            let mut raw = SAMPLE.as_bytes().to_vec();
            for (at, byte, removed) in edits {
                let at = at.min(raw.len());
                let end = (at + removed).min(raw.len());
                raw.splice(at..end, [byte]);
            }
            let mail = parse(&raw);
            prop_assert!(mail.subject.chars().all(|c| !c.is_control()));
            prop_assert!(mail.attachments.iter().all(|file| !file.name.is_empty() && file.name.len() <= 255));
        }
    }
}
