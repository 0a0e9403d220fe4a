//! How an answer is cut for a messenger: its words into pieces that fit, its pictures into albums, everything else one by
//! one. Pure, and the same every time, so that sending goes on where it was broken off.

/// What a messenger takes at once. Lengths count UTF-16 units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) text: usize,
    /// The words that may stand below a file; none where it is 0.
    pub(crate) caption: usize,
    /// How many pictures make an album; none where it is 1.
    pub(crate) album: usize,
}

/// What is known of a file before it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attached {
    pub(crate) name: String,
    pub(crate) mime: String,
    pub(crate) hash: String,
    pub(crate) size: i64,
}

impl Attached {
    /// Whether it is shown as a picture: one of another type, or a large one, goes as a document.
    pub(crate) fn is_picture(&self) -> bool {
        const MOST: i64 = 10_000_000;
        matches!(self.mime.as_str(), "image/jpeg" | "image/png") && self.size <= MOST
    }
}

/// One call to a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Text(String),
    File {
        file: Attached,
        caption: String,
    },
    Album {
        files: Vec<Attached>,
        caption: String,
    },
}

/// Cuts an answer into the calls that send it.
pub(crate) fn cut(text: &str, files: Vec<Attached>, limits: Limits) -> Vec<Part> {
    let text = text.trim();
    let below = !files.is_empty() && !text.is_empty() && units(text) <= limits.caption;
    let mut parts: Vec<Part> = if below || text.is_empty() {
        Vec::new()
    } else {
        pieces(text, limits.text)
            .into_iter()
            .map(Part::Text)
            .collect()
    };
    let mut caption = if below {
        text.to_owned()
    } else {
        String::new()
    };
    let mut pictures = Vec::new();
    let mut others = Vec::new();
    for file in files {
        if limits.album > 1 && file.is_picture() {
            pictures.push(file);
        } else {
            others.push(file);
        }
    }
    while !pictures.is_empty() {
        let rest = pictures.split_off(pictures.len().min(limits.album));
        let files = std::mem::replace(&mut pictures, rest);
        let caption = std::mem::take(&mut caption);
        parts.push(match <[Attached; 1]>::try_from(files) {
            Ok([file]) => Part::File { file, caption },
            Err(files) => Part::Album { files, caption },
        });
    }
    parts.extend(others.into_iter().map(|file| Part::File {
        file,
        caption: std::mem::take(&mut caption),
    }));
    parts
}

pub(crate) fn units(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// Cuts a text where it breathes: between paragraphs, else lines, else words, else letters.
pub(crate) fn pieces(text: &str, most: usize) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let end = fitting(rest, most.max(2));
        if end == rest.len() {
            pieces.push(rest.to_owned());
            break;
        }
        let head = &rest[..end];
        // A cut that leaves next to nothing is worse than one inside a paragraph.
        let least = end / 3;
        let at = ["\n\n", "\n", " "]
            .iter()
            .filter_map(|mark| head.rfind(mark))
            .find(|at| *at > least)
            .unwrap_or(end);
        let (piece, after) = rest.split_at(at);
        pieces.push(piece.trim_end().to_owned());
        rest = after.trim_start();
    }
    pieces
}

/// How many bytes of a text are at most that many units.
fn fitting(text: &str, most: usize) -> usize {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += c.len_utf16();
        if used > most {
            return at;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIMITS: Limits = Limits {
        text: 20,
        caption: 10,
        album: 3,
    };

    fn file(name: &str, mime: &str) -> Attached {
        Attached {
            name: name.into(),
            mime: mime.into(),
            hash: name.into(),
            size: 10,
        }
    }

    #[test]
    fn short_words_stand_below_the_file_they_came_with() {
        let act = file("акт.pdf", "application/pdf");
        let below = |text: &str| cut(text, vec![act.clone()], LIMITS);
        let captioned = |caption: &str| Part::File {
            file: act.clone(),
            caption: caption.into(),
        };
        assert_eq!(below("вот акт"), [captioned("вот акт")]);
        assert_eq!(
            below("вот наконец и акт"),
            [Part::Text("вот наконец и акт".into()), captioned("")]
        );
        assert_eq!(below(" "), [captioned("")]);
    }

    #[test]
    fn pictures_make_albums_and_the_rest_goes_alone() {
        let shots: Vec<_> = (0..4).map(|n| file(&n.to_string(), "image/png")).collect();
        let log = file("log", "text/plain");
        let mut files = shots.clone();
        files.insert(1, log.clone());
        let parts = cut("", files, LIMITS);
        assert_eq!(
            parts,
            [
                Part::Album {
                    files: shots[..3].to_vec(),
                    caption: String::new()
                },
                Part::File {
                    file: shots[3].clone(),
                    caption: String::new()
                },
                Part::File {
                    file: log,
                    caption: String::new()
                },
            ]
        );
    }

    #[test]
    fn a_long_text_is_cut_where_it_breathes() {
        assert_eq!(
            pieces("Первый абзац.\n\nВторой абзац тут.", 20),
            ["Первый абзац.", "Второй абзац тут."]
        );
        assert_eq!(pieces("👩‍💻👩‍💻👩‍💻", 5).concat(), "👩‍💻👩‍💻👩‍💻");
        assert_eq!(
            pieces("aaaaaaaaaaaaaaaaaaaaaaaaa", 20),
            ["a".repeat(20), "a".repeat(5)]
        );
    }

    proptest! {
        #[test]
        fn no_piece_is_too_long_and_no_letter_is_lost(text in "\\PC{0,300}", most in 2usize..60) {
            let pieces = pieces(&text, most);
            prop_assert!(pieces.iter().all(|p| units(p) <= most && !p.trim().is_empty()));
            let letters = |t: &str| t.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(letters(&pieces.concat()), letters(&text));
        }
    }
}
