//! `format=flowed` of RFC 3676: lines that end in a blank go on in the next line.

/// Joins flowed lines. `delsp` says that the blank that marks a flow is not part of the text.
pub(crate) fn unflow(text: &str, delsp: DelSp) -> String {
    let mut out = String::with_capacity(text.len());
    let mut open: Option<usize> = None;
    for line in text.split('\n') {
        let line = line.strip_suffix('\r').unwrap_or(line);
        let depth = line.bytes().take_while(|byte| *byte == b'>').count();
        let content = line[depth..].strip_prefix(' ').unwrap_or(&line[depth..]);
        let continues = open == Some(depth);
        if open.is_some() && !continues {
            out.push('\n');
        }
        if !continues && depth > 0 {
            out.extend(std::iter::repeat_n('>', depth));
            out.push(' ');
        }
        let signature = content == "-- ";
        if continues && signature {
            out.push('\n');
        }
        if content.ends_with(' ') && !signature {
            let content = match delsp {
                DelSp::Yes => &content[..content.len() - 1],
                DelSp::No => content,
            };
            out.push_str(content);
            open = Some(depth);
        } else {
            out.push_str(content);
            out.push('\n');
            open = None;
        }
    }
    out.pop();
    out
}

/// The `delsp` parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DelSp {
    Yes,
    No,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flowed_lines_are_joined_and_fixed_ones_stay() {
        assert_eq!(unflow("one \r\ntwo\r\nthree", DelSp::No), "one two\nthree");
        assert_eq!(unflow("one \ntwo", DelSp::Yes), "onetwo");
    }

    #[test]
    fn quotes_flow_within_their_depth_only() {
        assert_eq!(
            unflow("> one \n> two\n>> deep \nown", DelSp::No),
            "> one two\n>> deep \nown"
        );
    }

    #[test]
    fn stuffed_blanks_go_and_the_signature_line_never_flows() {
        assert_eq!(
            unflow(" From me\nbye \n-- \nAsem", DelSp::No),
            "From me\nbye \n-- \nAsem"
        );
    }
}
