//! Names of attachments that are safe to store, to show and to write into a header, whatever the mail called them.

/// Longest name in bytes; file systems and headers agree on it.
const LONGEST: usize = 255;

/// Whether the character shows nothing or turns the text around it, and so can make a name look like another.
pub(crate) fn is_deceptive(c: char) -> bool {
    matches!(
        c,
        '\u{061C}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}'
    )
}

/// Strips what could mislead or escape: paths, control and direction characters, dots and blanks at the ends.
/// `None` when nothing is left.
pub(crate) fn clean(name: &str) -> Option<String> {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last
        .chars()
        .filter(|c| !c.is_control() && !is_deceptive(*c))
        .map(|c| {
            if matches!(c, '<' | '>' | ':' | '"' | '|' | '?' | '*') {
                '_'
            } else {
                c
            }
        })
        .collect();
    let clean = clean.trim_matches(is_edge);
    (!clean.is_empty()).then(|| shorten(clean))
}

/// Whether the character says nothing at the end of a name, where some systems drop it and so give one file two names.
fn is_edge(c: char) -> bool {
    c.is_whitespace() || c == '.'
}

/// The name of an attachment: what the mail calls it, or one made from its type and its place in the mail.
pub(crate) fn of(given: Option<&str>, mime: &str, position: usize) -> String {
    if let Some(name) = given.and_then(clean) {
        return name;
    }
    let extension = extension(mime);
    if mime.starts_with("image/") {
        format!("image{position:03}.{extension}")
    } else {
        format!("attachment-{position}.{extension}")
    }
}

fn shorten(name: &str) -> String {
    if name.len() <= LONGEST {
        return name.to_owned();
    }
    let (stem, extension) = match name.rsplit_once('.') {
        Some((stem, extension)) if extension.len() <= 16 => (stem, format!(".{extension}")),
        _ => (name, String::new()),
    };
    let mut end = LONGEST - extension.len();
    end = end.min(stem.len());
    while !stem.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{extension}", stem[..end].trim_end_matches(is_edge))
}

fn extension(mime: &str) -> &str {
    match mime {
        "text/plain" => "txt",
        "text/html" => "html",
        "text/calendar" => "ics",
        "text/csv" => "csv",
        "text/vcard" | "text/x-vcard" => "vcf",
        "message/rfc822" => "eml",
        "image/jpeg" | "image/jpg" | "image/pjpeg" => "jpg",
        "image/png" => "png",
        "image/gif" => "gif",
        "image/webp" => "webp",
        "image/bmp" => "bmp",
        "image/tiff" => "tif",
        "image/svg+xml" => "svg",
        "application/pdf" => "pdf",
        "application/zip" => "zip",
        "application/json" => "json",
        "application/msword" => "doc",
        "application/vnd.ms-excel" => "xls",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document" => "docx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" => "xlsx",
        "application/pkcs7-signature" | "application/x-pkcs7-signature" => "p7s",
        "application/pkcs7-mime" | "application/x-pkcs7-mime" => "p7m",
        "application/pgp-signature" => "asc",
        "audio/mpeg" => "mp3",
        "video/mp4" => "mp4",
        _ => "bin",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn paths_dots_and_invisible_characters_are_stripped() {
        let table = [
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\asem\\Акт.pdf", "Акт.pdf"),
            ("invoice\u{202E}fdp.exe", "invoicefdp.exe"),
            ("a\0b\r\n.txt", "ab.txt"),
            ("name.pdf. . .", "name.pdf"),
            (".htaccess", "htaccess"),
            ("what?*.txt", "what__.txt"),
        ];
        for (given, wanted) in table {
            assert_eq!(clean(given).as_deref(), Some(wanted), "{given:?}");
        }
        for nothing in ["", "..", "/", " ", "\u{200B}"] {
            assert_eq!(clean(nothing), None, "{nothing:?}");
        }
    }

    #[test]
    fn a_nameless_part_is_named_by_its_type() {
        assert_eq!(of(None, "application/pdf", 1), "attachment-1.pdf");
        assert_eq!(of(Some(".."), "image/png", 2), "image002.png");
        assert_eq!(of(Some(""), "application/x-strange", 3), "attachment-3.bin");
    }

    #[test]
    fn a_long_name_keeps_its_extension() {
        let long = format!("{}.docx", "Акт".repeat(200));
        let short = clean(&long).unwrap();
        assert!(short.len() <= LONGEST && short.ends_with(".docx"));
    }

    #[test]
    fn a_name_cut_at_a_dot_does_not_end_with_it() {
        let cut = format!("{}.{}", "a".repeat(LONGEST - 1), "b".repeat(40));
        assert_eq!(clean(&cut), Some("a".repeat(LONGEST - 1)));
    }

    proptest! {
        #[test]
        fn no_name_escapes_its_directory(name in "\\PC{0,400}|[./\\\\a\u{202E}\u{0}]{0,20}") {
            if let Some(clean) = clean(&name) {
                prop_assert!(clean.len() <= LONGEST);
                prop_assert!(!clean.contains(['/', '\\', '\0', '\r', '\n']));
                prop_assert!(!clean.starts_with('.') && !clean.ends_with('.'));
            }
        }
    }
}
