//! Folds the quoted tail of sanitised HTML into a `<details>` that opens without any script.

use super::dom::{self, Kind, Node};
use super::{quote, text};

/// What the folded part is wrapped in.
const OPENING: &str = "<details class=\"quoted\"><summary>···</summary>";
const CLOSING: &str = "</details>";

/// Elements between whose children nothing may be wrapped.
const RIGID: &[&str] = &[
    "table", "tbody", "thead", "tfoot", "tr", "ul", "ol", "dl", "colgroup",
];

/// The HTML with its quoted tail folded, or `None` when there is none to fold. Takes what [`super::html::sanitise_within`] gave.
pub(crate) fn fold(html: &str) -> Option<String> {
    let nodes = dom::tree(html);
    let lines = text::lines(&nodes);
    let plain: Vec<quote::Line<'_>> = lines
        .iter()
        .map(|line| quote::Line {
            text: &line.text,
            quoted: line.quoted,
            signature: line.signature,
            forwarded: line.forwarded,
        })
        .collect();
    let start = quote::starts(&plain)?;
    let first = lines[start..]
        .iter()
        .find(|line| !line.text.trim().is_empty())?
        .node;
    let mut ranges = Vec::new();
    let mut at = outermost(&nodes, first);
    // From the first node to the end of its parent, then what follows the parent, up to the document's end.
    while at != 0 {
        let parent = nodes[at].parent;
        if let Kind::Element { name, .. } = nodes[parent].kind
            && RIGID.contains(&name)
        {
            return None;
        }
        let from = nodes[at].start;
        let to = inner_end(html, &nodes[parent], parent);
        if nodes[1..]
            .iter()
            .any(|node| node.start >= from && node.end <= to && shows(node))
        {
            ranges.push((from, to));
        }
        at = after(&nodes, parent);
    }
    let mut out =
        String::with_capacity(html.len() + ranges.len() * (OPENING.len() + CLOSING.len()));
    let mut copied = 0;
    for (from, to) in ranges {
        out.push_str(&html[copied..from]);
        out.push_str(OPENING);
        out.push_str(&html[from..to]);
        out.push_str(CLOSING);
        copied = to;
    }
    out.push_str(&html[copied..]);
    Some(out)
}

/// The outermost element that shows nothing before this node.
fn outermost(nodes: &[Node<'_>], node: usize) -> usize {
    let mut at = node;
    loop {
        let parent = nodes[at].parent;
        let alone = parent != 0 && !nodes[parent + 1..at].iter().any(shows);
        if !alone {
            return at;
        }
        at = parent;
    }
}

fn shows(node: &Node<'_>) -> bool {
    match node.kind {
        Kind::Text(text) => !dom::unescape(text).trim().is_empty(),
        Kind::Element { name, .. } => matches!(name, "img" | "hr"),
    }
}

/// Where the children of an element end: before its end tag, if it has one.
fn inner_end(html: &str, parent: &Node<'_>, at: usize) -> usize {
    if at == 0 {
        return parent.end;
    }
    let closed = html[..parent.end]
        .ends_with('>')
        .then(|| html[parent.start..parent.end].rfind("</"))
        .flatten();
    closed.map_or(parent.end, |tag| parent.start + tag)
}

/// The sibling after a node, or the sibling after its parent, and so on; 0 when nothing follows.
fn after(nodes: &[Node<'_>], node: usize) -> usize {
    let mut at = node;
    while at != 0 {
        let parent = nodes[at].parent;
        let next = nodes
            .iter()
            .enumerate()
            .skip(at + 1)
            .find(|(_, next)| next.start >= nodes[at].end);
        match next {
            Some((next, found)) if found.parent == parent => return next,
            _ => at = parent,
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::email::html;

    /// The text that stays in view, and the text that is folded.
    fn split(source: &str) -> Option<(String, String)> {
        let clean = html::sanitise(source).html;
        let folded = fold(&clean)?;
        assert_eq!(
            folded.replace(OPENING, "").replace(CLOSING, ""),
            clean,
            "folding changes nothing else"
        );
        let (mut shown, mut hidden) = (String::new(), String::new());
        let mut rest = folded.as_str();
        while let Some((before, after)) = rest.split_once(OPENING) {
            let (inside, tail) = after.split_once(CLOSING)?;
            shown.push_str(before);
            hidden.push_str(inside);
            rest = tail;
        }
        shown.push_str(rest);
        Some((text::of(&shown), text::of(&hidden)))
    }

    fn shown(source: &str) -> Option<String> {
        split(source).map(|(shown, _)| shown)
    }

    #[test]
    fn quotes_of_the_listed_programs_are_folded() {
        let gmail = "<div dir=\"ltr\">Спасибо</div><br><div class=\"gmail_quote\"><div dir=\"ltr\" class=\"gmail_attr\">ср, 4 мар. 2026 г. в 13:07, S &lt;<a href=\"mailto:s@d.kz\">s@d.kz</a>&gt;:<br></div><blockquote class=\"gmail_quote\" style=\"margin:0 0 0 .8ex\">Готово</blockquote></div>";
        let apple = "<html><body>Да<div><br><blockquote type=\"cite\"><div>4 марта 2026 г., в 13:07, S &lt;s@d.kz&gt; написал(а):</div><br><div>Готово</div></blockquote></div></body></html>";
        let thunderbird = "<p>Да</p><div class=\"moz-cite-prefix\">04.03.2026 13:07, S пишет:<br></div><blockquote type=\"cite\" cite=\"mid:1@d.kz\"><p>Готово</p></blockquote>";
        let outlook = "<div class=\"WordSection1\"><p class=\"MsoNormal\">Да</p><p class=\"MsoNormal\">&nbsp;</p><div><div style=\"border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm\"><p class=\"MsoNormal\"><b>From:</b> S &lt;s@d.kz&gt;<br><b>Sent:</b> Wednesday<br><b>To:</b> c@x.kz<br><b>Subject:</b> Касса</p></div></div><p class=\"MsoNormal\">Готово</p></div>";
        let outlook_web = "<div>Да</div><div id=\"appendonsend\"></div><hr style=\"width:98%\"><div id=\"divRplyFwdMsg\"><b>Von:</b> S<br><b>Gesendet:</b> Mittwoch</div><div>Готово</div>";
        let mail_ru = "<div>Да</div><div class=\"mail-quote-collapse_mr_css_attr\"><blockquote style=\"border-left:1px solid #0857A6\">Среда, 4 марта 2026, 13:07 +05:00 от S &lt;s@d.kz&gt;:<div>Готово</div></blockquote></div><div>--<br>Асем</div>";
        let yandex = "<div>Да</div><div>&nbsp;</div><div>----------------</div><div>Кому: \"S\" &lt;s@d.kz&gt;;</div><div>Тема: Касса;</div><div>23.07.2026, 03:56, \"S\" &lt;s@d.kz&gt;:</div><blockquote><p>Готово</p></blockquote>";
        let yahoo = "<div>Да</div><div id=\"yahoo_quoted_5311\" class=\"yahoo_quoted\"><div>Wednesday, S wrote:</div><div>Готово</div></div>";
        let proton = "<div>Да</div><div class=\"protonmail_quote\">On Wednesday, S wrote:<br><blockquote type=\"cite\">Готово</blockquote></div>";
        for (name, mail) in [
            ("gmail", gmail),
            ("apple", apple),
            ("thunderbird", thunderbird),
            ("outlook", outlook),
            ("outlook web", outlook_web),
            ("mail.ru", mail_ru),
            ("yandex", yandex),
            ("yahoo", yahoo),
            ("proton", proton),
        ] {
            let (shown, hidden) = split(mail).unwrap_or_else(|| panic!("{name} is not folded"));
            assert!(
                shown == "Да" || shown == "Спасибо",
                "{name} shows {shown:?}"
            );
            assert!(hidden.contains("Готово"), "{name} hides {hidden:?}");
        }
    }

    #[test]
    fn an_indented_list_is_not_a_quote() {
        assert_eq!(
            shown(
                "<div>Заказ:</div><blockquote style=\"margin:0 0 0 40px\"><div>болт 5</div></blockquote>"
            ),
            None
        );
    }

    #[test]
    fn forwards_and_answers_between_the_lines_are_not_folded() {
        assert_eq!(
            shown(
                "<div>Вот</div><div class=\"gmail_quote\"><div class=\"gmail_attr\">---------- Forwarded message ---------<br>От: A<br>Date: b<br>To: c</div>текст</div>"
            ),
            None
        );
        assert_eq!(
            shown("<p>Вот</p><div class=\"moz-forward-container\">Тема: x<br>текст</div>"),
            None
        );
        assert_eq!(
            shown(
                "<blockquote type=\"cite\">Какая модель?</blockquote><p>HP</p><blockquote type=\"cite\">Когда?</blockquote><p>Завтра</p>"
            ),
            None
        );
    }

    #[test]
    fn a_quote_in_a_table_is_left_alone() {
        assert_eq!(
            shown(
                "<table><tr><td>Да</td></tr><tr><td>04.03.2026 13:07, S &lt;s@d.kz&gt; пишет:</td></tr><tr><td>Готово</td></tr></table>"
            ),
            None
        );
    }

    #[test]
    fn the_signature_above_the_quote_is_folded_too() {
        let (shown, hidden) = split("<div>Да</div><div class=\"gmail_signature\">Асем<br>+7 701</div><div class=\"gmail_quote\"><div class=\"gmail_attr\">4 марта 2026, S &lt;s@d.kz&gt; wrote:</div><blockquote class=\"gmail_quote\">Готово</blockquote></div>").unwrap();
        assert_eq!(shown, "Да");
        assert!(hidden.starts_with("Асем"));
    }
}
