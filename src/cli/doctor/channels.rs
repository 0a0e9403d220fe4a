//! Whether channels work, and whether the servers that they name are there.
use super::{Findings, PATIENCE, State};
use crate::{
    channel::{config::ChannelType, max, telegram},
    db::sql::all,
    error::Result as Done,
};
use hyper::Uri;
use rusqlite::Connection;
use serde_json::Value;
use std::net::{TcpStream, ToSocketAddrs};

/// Looks at each channel that is switched on.
pub(super) fn look(conn: &Connection, found: &mut Findings) -> Done<()> {
    let channels: Vec<(String, String, Option<String>, String, ChannelType)> = all(
        conn,
        "select c.name, t.name, coalesce(c.inbound_error, c.last_error), c.config, c.type
           from channel c
           join tenant t on t.id = c.tenant_id
          where c.is_active and t.is_active
          order by c.tenant_id, c.id",
        [],
        |row| {
            let of_tenant = (row.get(0)?, row.get(1)?);
            Ok((
                of_tenant.0,
                of_tenant.1,
                row.get(2)?,
                row.get(3)?,
                row.get(4)?,
            ))
        },
    )?;
    for (name, tenant, last_error, config, kind) in channels {
        let config: Value = serde_json::from_str(&config).unwrap_or_default();
        let trouble = last_error
            .or_else(|| mail_server(&config["smtp"]))
            .or_else(|| mail_server(&config["inbound"]))
            .or_else(|| messenger_server(kind, &config));
        match trouble {
            None => found.good([
                format!("канал «{name}» ({tenant}): работает"),
                format!("«{name}» арнасы ({tenant}): жұмыс істеп тұр"),
                format!("channel \"{name}\" ({tenant}): works"),
            ]),
            Some(why) => found.add(
                State::Bad,
                [
                    format!("канал «{name}» ({tenant}): {why}"),
                    format!("«{name}» арнасы ({tenant}): {why}"),
                    format!("channel \"{name}\" ({tenant}): {why}"),
                ],
                Some([
                    "проверьте его в «Настройки → Каналы»",
                    "«Баптаулар → Арналар» бөлімінде тексеріңіз",
                    "test it in Settings → Channels",
                ]),
            ),
        }
    }
    Ok(())
}

/// Tries the mail server that a part of a channel's configuration names, if it does, and says what is wrong with it.
fn mail_server(part: &Value) -> Option<String> {
    let port = part["port"].as_u64().and_then(|p| u16::try_from(p).ok())?;
    server(part["host"].as_str()?, port)
}

/// Tries the server of a messenger, and says what is wrong with it.
fn messenger_server(kind: ChannelType, config: &Value) -> Option<String> {
    let base = |name: &str| config[name].as_str();
    let url = match kind {
        ChannelType::Email => return None,
        ChannelType::Telegram => base("api_base").unwrap_or(telegram::API),
        ChannelType::Max => base("api_base").unwrap_or(max::API),
        ChannelType::Whatsapp => base("base_url")?,
    };
    let url: Uri = url.parse().ok()?;
    let usual = if url.scheme_str() == Some("http") {
        80
    } else {
        443
    };
    server(
        url.host()?.trim_matches(['[', ']']),
        url.port_u16().unwrap_or(usual),
    )
}

/// Tries to connect to a server, and says what is wrong with it.
fn server(host: &str, port: u16) -> Option<String> {
    let addresses = match (host, port).to_socket_addrs() {
        Ok(addresses) => addresses,
        Err(error) => return Some(format!("{host}: {error}")),
    };
    let mut last = format!("{host}: no address");
    for address in addresses {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(_) => return None,
            Err(error) => last = format!("{host}:{port}: {error}"),
        }
    }
    Some(last)
}
