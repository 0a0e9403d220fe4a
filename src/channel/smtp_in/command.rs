//! The grammar of SMTP commands, strict where leniency is exploited and lenient where devices are sloppy.

/// A command that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Command {
    Helo(String),
    Ehlo(String),
    Mail { from: String, size: Option<u64> },
    Rcpt { to: String },
    Data,
    Rset,
    Noop,
    Vrfy,
    Help,
    Quit,
    StartTls,
}

/// What is wrong with a line, as the reply to it.
pub(super) type Fault = &'static str;

const SYNTAX: Fault = "500 5.5.2 Command not recognized";
const ARGUMENT: Fault = "501 5.5.4 Syntax error in the argument";
const NO_ARGUMENT: Fault = "501 5.5.4 The command takes no argument";
const ADDRESS: Fault = "501 5.1.3 Not an address";
const PARAMETER: Fault = "555 5.5.4 Parameter not recognized";
const NOT_ASCII: Fault = "553 5.6.7 The address needs SMTPUTF8";

/// Reads a line without its end.
pub(super) fn read(line: &[u8]) -> Result<Command, Fault> {
    let line = std::str::from_utf8(line).map_err(|_| SYNTAX)?;
    if line.chars().any(|c| c.is_control() && c != '\t') {
        return Err(SYNTAX);
    }
    let line = line.trim_end();
    let (verb, argument) = line.split_once(' ').unwrap_or((line, ""));
    let argument = argument.trim();
    let bare = |command| {
        if argument.is_empty() {
            Ok(command)
        } else {
            Err(NO_ARGUMENT)
        }
    };
    match verb.to_ascii_uppercase().as_str() {
        "HELO" => name(argument).map(Command::Helo),
        "EHLO" => name(argument).map(Command::Ehlo),
        "MAIL" => mail(argument),
        "RCPT" => rcpt(argument),
        "DATA" => bare(Command::Data),
        "RSET" => bare(Command::Rset),
        "QUIT" => bare(Command::Quit),
        "STARTTLS" => bare(Command::StartTls),
        "NOOP" => Ok(Command::Noop),
        "VRFY" => Ok(Command::Vrfy),
        "HELP" => Ok(Command::Help),
        _ => Err(SYNTAX),
    }
}

fn name(argument: &str) -> Result<String, Fault> {
    let sound =
        !argument.is_empty() && argument.len() <= 255 && !argument.contains(char::is_whitespace);
    if sound {
        Ok(argument.to_owned())
    } else {
        Err(ARGUMENT)
    }
}

fn mail(argument: &str) -> Result<Command, Fault> {
    let (from, parameters) = path(argument, "FROM:")?;
    let mut size = None;
    let mut utf8 = false;
    for parameter in parameters.split_ascii_whitespace() {
        let (key, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        match key.to_ascii_uppercase().as_str() {
            "SIZE" => size = Some(value.parse().map_err(|_| ARGUMENT)?),
            "BODY" if matches!(value.to_ascii_uppercase().as_str(), "7BIT" | "8BITMIME") => {}
            "SMTPUTF8" if value.is_empty() => utf8 = true,
            _ => return Err(PARAMETER),
        }
    }
    if !from.is_ascii() && !utf8 {
        return Err(NOT_ASCII);
    }
    Ok(Command::Mail { from, size })
}

fn rcpt(argument: &str) -> Result<Command, Fault> {
    let (to, parameters) = path(argument, "TO:")?;
    if !parameters.trim().is_empty() {
        return Err(PARAMETER);
    }
    if to.is_empty() {
        Err(ADDRESS)
    } else {
        Ok(Command::Rcpt { to })
    }
}

/// Reads `FROM:<address>` with or without a blank after the colon; answers the address and what follows it.
fn path<'a>(argument: &'a str, keyword: &str) -> Result<(String, &'a str), Fault> {
    let head = argument.get(..keyword.len()).ok_or(ARGUMENT)?;
    if !head.eq_ignore_ascii_case(keyword) {
        return Err(ARGUMENT);
    }
    let inner = argument[keyword.len()..]
        .trim_start()
        .strip_prefix('<')
        .ok_or(ADDRESS)?;
    let mut quoted = false;
    let mut escaped = false;
    let close = inner.char_indices().find_map(|(at, c)| {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '>' if !quoted => return Some(at),
            _ => {}
        }
        None
    });
    let close = close.ok_or(ADDRESS)?;
    let after = &inner[close + 1..];
    if !after.is_empty() && !after.starts_with(' ') {
        return Err(ADDRESS);
    }
    Ok((address(&inner[..close])?, after))
}

fn address(path: &str) -> Result<String, Fault> {
    // A source route says how to get here; we are here.
    let address = match path.strip_prefix('@') {
        Some(route) => route.split_once(':').ok_or(ADDRESS)?.1,
        None => path,
    };
    if address.is_empty() || address.eq_ignore_ascii_case("postmaster") {
        return Ok(address.to_owned());
    }
    let (local, domain) = address.rsplit_once('@').ok_or(ADDRESS)?;
    let quoted = local.len() >= 2 && local.starts_with('"') && local.ends_with('"');
    let sound = !local.is_empty()
        && local.len() <= 128
        && !domain.is_empty()
        && domain.len() <= 255
        && (quoted
            || !local.contains(|c: char| {
                c.is_whitespace() || matches!(c, '"' | '<' | '>' | ',' | ';' | '(' | ')')
            }))
        && !domain
            .contains(|c: char| c.is_whitespace() || matches!(c, '"' | '<' | '>' | '@' | ','));
    if sound {
        Ok(address.to_owned())
    } else {
        Err(ADDRESS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn from(line: &str) -> Result<String, Fault> {
        match read(line.as_bytes()) {
            Ok(Command::Mail { from, .. }) => Ok(from),
            Ok(other) => panic!("{other:?}"),
            Err(fault) => Err(fault),
        }
    }

    #[test]
    fn commands_are_read_whatever_their_case() {
        assert_eq!(
            read(b"ehlo mx.client.kz"),
            Ok(Command::Ehlo("mx.client.kz".to_owned()))
        );
        assert_eq!(
            read(b"HELO [192.0.2.1]"),
            Ok(Command::Helo("[192.0.2.1]".to_owned()))
        );
        assert_eq!(
            read(b"Mail FROM:<asem@client.kz> SIZE=1024 BODY=8BITMIME SMTPUTF8"),
            Ok(Command::Mail {
                from: "asem@client.kz".to_owned(),
                size: Some(1024)
            })
        );
        assert_eq!(
            read(b"RCPT TO: <support@desk.kz>"),
            Ok(Command::Rcpt {
                to: "support@desk.kz".to_owned()
            })
        );
        assert_eq!(read(b"quit "), Ok(Command::Quit));
        assert_eq!(read(b"NOOP what"), Ok(Command::Noop));
    }

    #[test]
    fn paths_are_read() {
        assert_eq!(from("MAIL FROM:<>"), Ok(String::new()));
        assert_eq!(
            from("MAIL FROM:<@relay.kz,@b.kz:asem@client.kz>"),
            Ok("asem@client.kz".to_owned())
        );
        assert_eq!(
            from("MAIL FROM:<\"a > b\"@client.kz>"),
            Ok("\"a > b\"@client.kz".to_owned())
        );
        assert_eq!(
            from("MAIL FROM:<әсем@client.kz> SMTPUTF8"),
            Ok("әсем@client.kz".to_owned())
        );
        assert_eq!(
            read(b"RCPT TO:<Postmaster>"),
            Ok(Command::Rcpt {
                to: "Postmaster".to_owned()
            })
        );
    }

    #[test]
    fn faults_have_their_replies() {
        for (line, reply) in [
            ("", SYNTAX),
            ("XYZZY", SYNTAX),
            ("EHLO", ARGUMENT),
            ("DATA now", NO_ARGUMENT),
            ("MAIL asem@client.kz", ARGUMENT),
            ("MAIL FROM:asem@client.kz", ADDRESS),
            ("MAIL FROM:<asem@client.kz", ADDRESS),
            ("MAIL FROM:<asem@client.kz>SIZE=1", ADDRESS),
            ("MAIL FROM:<asem>", ADDRESS),
            ("MAIL FROM:<a b@client.kz>", ADDRESS),
            ("MAIL FROM:<a@b.kz> SIZE=many", ARGUMENT),
            ("MAIL FROM:<a@b.kz> FUTURE=1", PARAMETER),
            ("MAIL FROM:<әсем@client.kz>", NOT_ASCII),
            ("RCPT TO:<>", ADDRESS),
            ("RCPT TO:<a@b.kz> NOTIFY=NEVER", PARAMETER),
            ("RCPT TO:<a@b.kz\u{0}>", SYNTAX),
        ] {
            assert_eq!(read(line.as_bytes()), Err(reply), "{line:?}");
        }
        assert_eq!(read(b"EHLO \xFF"), Err(SYNTAX));
    }

    proptest! {
        #[test]
        fn any_line_is_answered(line in proptest::collection::vec(any::<u8>(), 0..80), verb in "(MAIL FROM:<|RCPT TO:<|EHLO )") {
            let _ = read(&line);
            let _ = read(&[verb.as_bytes(), &line].concat());
        }
    }
}
