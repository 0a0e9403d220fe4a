//! What is no text, told in words of the desk's language; and what a ticket made of a chat is called. Pure.
use crate::{
    channel::heard::{Extra, Said, is_blank},
    lang::Lang,
};

/// A message's words: what was written, then what came with it, then what did not come.
pub(super) fn body(said: &Said, lost: &[(String, String)], lang: Lang) -> String {
    let mut lines = Vec::new();
    for extra in &said.extra {
        if let Extra::Forwarded { from } = extra {
            let word = lang.pick(["Переслано", "Қайта жіберілген", "Forwarded"]);
            lines.push(if from.is_empty() {
                format!("{word}:")
            } else {
                format!("{word}: {from}")
            });
        }
    }
    if !is_blank(&said.text) {
        lines.push(said.text.clone());
    }
    lines.extend(said.extra.iter().filter_map(|extra| told(extra, lang)));
    for (name, why) in lost {
        let word = lang.pick([
            "Файл не получен",
            "Файл алынбады",
            "The file was not received",
        ]);
        lines.push(format!("[{word}: {name} ({why})]"));
    }
    lines.join("\n")
}

fn told(extra: &Extra, lang: Lang) -> Option<String> {
    Some(match extra {
        Extra::Location {
            latitude,
            longitude,
            name,
        } => {
            let word = lang.pick(["Место", "Орын", "Location"]);
            let place = format!(
                "https://www.openstreetmap.org/?mlat={latitude}&mlon={longitude}#map=17/{latitude}/{longitude}"
            );
            match name.as_str() {
                "" => format!("{word}: {place}"),
                name => format!("{word}: {name}\n{place}"),
            }
        }
        Extra::Contact { name, phone } => {
            let word = lang.pick(["Контакт", "Контакт", "Contact"]);
            format!("{word}: {name} {phone}").trim_end().to_owned()
        }
        Extra::Poll { question, options } => {
            let word = lang.pick(["Опрос", "Сауалнама", "Poll"]);
            let options: String = options.iter().map(|o| format!("\n– {o}")).collect();
            format!("{word}: {question}{options}")
        }
        Extra::Sticker(emoji) => {
            let word = lang.pick(["Стикер", "Стикер", "Sticker"]);
            format!("[{word} {emoji}]").replace(" ]", "]")
        }
        Extra::Unknown(kind) => {
            let word = lang.pick([
                "Сообщение, которое здесь нельзя показать",
                "Мұнда көрсету мүмкін емес хабарлама",
                "A message that cannot be shown here",
            ]);
            format!("[{word}: {kind}]")
        }
        Extra::Forwarded { .. } => return None,
    })
}

/// The longest title made of somebody's words.
const TITLE: usize = 90;

/// The title of a ticket: how its first message begins.
pub(super) fn subject(text: &str, name: &str, lang: Lang) -> String {
    let line = text.lines().map(str::trim).find(|line| !is_blank(line));
    let Some(line) = line else {
        let word = lang.pick(["Сообщение", "Хабарлама", "Message"]);
        return format!("{word}: {name}").chars().take(TITLE).collect();
    };
    if line.chars().count() <= TITLE {
        return line.to_owned();
    }
    let head: String = line.chars().take(TITLE).collect();
    let whole = head
        .rsplit_once(' ')
        .map_or(head.as_str(), |(words, _)| words);
    format!("{}…", whole.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_text_is_told_in_words() {
        let said = Said {
            text: "см. сюда".into(),
            extra: vec![
                Extra::Forwarded {
                    from: "Ержан".into(),
                },
                Extra::Sticker("😀".into()),
                Extra::Unknown("giveaway".into()),
                Extra::Contact {
                    name: "Бухгалтер".into(),
                    phone: "+77019998877".into(),
                },
            ],
            ..Said::default()
        };
        let lost = [("акт.pdf".to_owned(), "too big".to_owned())];
        assert_eq!(
            body(&said, &lost, Lang::Ru),
            "Переслано: Ержан\nсм. сюда\n[Стикер 😀]\n[Сообщение, которое здесь нельзя показать: giveaway]\n\
             Контакт: Бухгалтер +77019998877\n[Файл не получен: акт.pdf (too big)]"
        );
    }

    #[test]
    fn a_ticket_is_called_as_its_first_message_begins() {
        assert_eq!(
            subject("\n Не печатает касса \nсрочно", "Асем", Lang::Ru),
            "Не печатает касса"
        );
        assert_eq!(subject(" ", "Асем", Lang::Kk), "Хабарлама: Асем");
        assert_eq!(
            subject("\u{200b}\n\u{200b}", "Асем", Lang::Kk),
            "Хабарлама: Асем"
        );
        let long = subject(&"слово ".repeat(40), "x", Lang::Ru);
        assert!(
            long.chars().count() <= TITLE && long.ends_with("слово…"),
            "{long}"
        );
    }
}
