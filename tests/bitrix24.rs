//! Users of Bitrix24 portals: who is let in by the word of which portal, and what is asked of a portal at all.
use crate::support::{Caller, Desk};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

/// The code of the desk's application.
const APP: &str = "local.69a7c0ffee11.22334455";

/// A portal's REST, as much of it as says who a token is. It can be busy, or be no portal at all.
struct Portal {
    address: SocketAddr,
    /// Each call: the method and the token.
    asked: Arc<Mutex<Vec<(String, String)>>>,
    busy: Arc<AtomicBool>,
}

impl Portal {
    fn open() -> Portal {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let portal = Portal {
            address: listener.local_addr().unwrap(),
            asked: Arc::default(),
            busy: Arc::default(),
        };
        let (asked, busy) = (Arc::clone(&portal.asked), Arc::clone(&portal.busy));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (asked, busy) = (Arc::clone(&asked), Arc::clone(&busy));
                thread::spawn(move || while answer(&stream, &asked, &busy).is_some() {});
            }
        });
        portal
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn asked(&self) -> Vec<(String, String)> {
        self.asked.lock().unwrap().clone()
    }
}

fn answer(
    mut stream: &TcpStream,
    asked: &Mutex<Vec<(String, String)>>,
    busy: &AtomicBool,
) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|n| *n > 0)?;
    let method = line.split(['/', '.', ' ']).nth(3)?.to_owned();
    let path = line.split(' ').nth(1)?.to_owned();
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok().filter(|n| *n > 0)?;
        if header == "\r\n" {
            break;
        }
        if let Some(value) = header.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let body: Value = serde_json::from_slice(&body).ok()?;
    let token = body["auth"].as_str()?.to_owned();
    assert!(token.is_empty() || !path.contains(&token));
    assert!(!method.is_empty());
    asked.lock().unwrap().push((path.clone(), token.clone()));
    let no =
        |status: u16, error: &str| (status, json!({ "error": error, "error_description": "" }));
    let user = |id: &str| json!({ "ID": id, "ADMIN": true, "NAME": "Алия", "LAST_NAME": "Сейт" });
    let (status, said) = match (busy.load(Ordering::SeqCst), path.as_str(), token.as_str()) {
        (true, ..) => no(503, "QUERY_LIMIT_EXCEEDED"),
        (_, _, token) if token.starts_with("expired") => no(401, "expired_token"),
        (_, "/rest/app.info.json", "other-app") => {
            (200, json!({ "result": { "CODE": "local.1.2" } }))
        }
        (_, "/rest/app.info.json", _) => (200, json!({ "result": { "CODE": APP, "ID": 5 } })),
        (_, "/rest/profile.json", "dismissed") => (200, json!({ "result": [] })),
        (_, "/rest/profile.json", token) => (
            200,
            json!({ "result": user(token.split('-').next_back().unwrap_or("7")) }),
        ),
        _ => no(404, "ERROR_METHOD_NOT_FOUND"),
    };
    let said = said.to_string();
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        said.len()
    );
    stream.write_all((head + &said).as_bytes()).ok()
}

/// A desk that asks that portal about a domain.
fn desk_beside(portal: &Portal, domain: &str) -> Desk {
    let mut desk = Desk::open();
    let named = format!("{domain}={}", portal.url());
    desk.restart_with(&["--bitrix24-portal", &named]);
    desk
}

fn bitrix(domain: &str, token: &str) -> Value {
    json!({ "domain": domain, "auth_token": token })
}

#[test]
fn a_linked_user_of_the_tenant_s_portal_is_that_operator_and_nobody_else_is() {
    let portal = Portal::open();
    let domain = "acme.bitrix24.kz";
    let desk = desk_beside(&portal, domain);
    let (alia, nobody) = (&desk.alia, desk.nobody());
    let invalid = (403, "invalid_credential".to_owned());
    // A portal that nobody bound is not asked.
    assert_eq!(nobody.refused("me", bitrix(domain, "token-7")), invalid);
    assert_eq!(portal.asked(), []);
    let bound = alia.call(
        "bind_bitrix24_portal",
        json!({ "domain": "ACME.bitrix24.kz" }),
    );
    assert_eq!(bound["domain"], domain);
    // The portal vouches for somebody whom no admin has linked.
    assert_eq!(
        nobody.refused("me", bitrix(domain, "token-7")),
        (403, "portal_user_unknown".into())
    );
    let id = alia.call("me", json!({}))["operator"]["id"].clone();
    let link = json!({ "portal_id": bound["id"], "user_id": 7, "operator_id": id });
    let linked = alia.call("link_bitrix24_user", link);
    assert_eq!(linked["users"][0]["operator_name"], "Алия Нурбекова");
    let me = nobody.call("me", bitrix(domain, "token-7"));
    assert_eq!(me["operator"]["email"], "alia@acme.example");
    // Its word is taken for a while: it was asked once about this token.
    assert_eq!(portal.asked().len(), 1);
    // Any application of the portal has such a token, so it is an operator's at most.
    assert_eq!(me["permissions"]["is_admin"], false);
    let mut channels = bitrix(domain, "token-7");
    channels["lang"] = "ru".into();
    assert_eq!(
        nobody.refused("list_channels", channels.clone()).1,
        "role_required"
    );
    assert_eq!(
        nobody.refused("totp_setup", bitrix(domain, "token-7")).1,
        "session_only"
    );
    // With the code of the desk's own application it is who it is, and other applications are refused.
    let bind = json!({ "domain": domain, "app_code": APP });
    assert_eq!(
        alia.call("bind_bitrix24_portal", bind)["users"][0]["user_id"],
        7
    );
    nobody.call("list_channels", channels);
    assert_eq!(nobody.refused("me", bitrix(domain, "other-app")), invalid);
    for token in ["expired", "dismissed", ""] {
        assert_eq!(
            nobody.refused("me", bitrix(domain, token)),
            invalid,
            "{token}"
        );
    }
    // It goes before a session, and a key before it.
    assert_eq!(alia.refused("me", bitrix(domain, "expired")), invalid);
    let key = desk.dir.key("acme", "read,tickets");
    let key = Caller::with_key(&desk.address(), &key);
    assert_eq!(
        key.call("list_tickets", bitrix(domain, "expired"))["total"],
        0
    );
    // Another tenant cannot take the portal over, nor see it.
    let greta = &desk.greta;
    assert_eq!(
        greta.refused("bind_bitrix24_portal", json!({ "domain": domain })),
        (400, "already_exists".into())
    );
    let unbind = json!({ "portal_id": bound["id"] });
    assert_eq!(
        greta.refused("unbind_bitrix24_portal", unbind.clone()).1,
        "portal_not_found"
    );
    alia.call("unbind_bitrix24_portal", unbind);
    assert_eq!(nobody.refused("me", bitrix(domain, "token-7")), invalid);
    assert!(
        portal
            .asked()
            .iter()
            .all(|(path, _)| path.starts_with("/rest/"))
    );
}

#[test]
fn a_user_of_a_client_s_portal_sees_their_own_tickets() {
    let portal = Portal::open();
    let domain = "client.bitrix24.kz";
    let desk = desk_beside(&portal, domain);
    let alia = &desk.alia;
    let client = json!({ "portal_domain": domain, "company_name": "ТОО «Клиент»" });
    alia.call("create_client", client.clone());
    let nobody = desk.nobody().at("client");
    let with = |token: &str, more: Value| {
        let mut body = bitrix(domain, token);
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        body
    };
    let form = json!({ "subject": "Из портала", "description": "Не работает" });
    nobody.call("create_ticket", with("token-7", form));
    let own = nobody.call("list_tickets", with("token-7", json!({})));
    assert_eq!(own["total"], 1);
    assert_eq!(own["tickets"][0]["creator_name"], "Алия Сейт");
    let other = nobody.call("list_tickets", with("token-8", json!({})));
    assert_eq!(other["total"], 0);
    // It is no operator's credential.
    assert_eq!(
        nobody
            .at("admin")
            .refused("list_tickets", with("token-7", json!({}))),
        (403, "not_authenticated".into())
    );
    // With a second tenant that has the same client nobody knows who is meant, until one of them says.
    desk.greta.call("create_client", client);
    let ambiguous = nobody.refused("list_tickets", with("token-9", json!({})));
    assert_eq!(ambiguous, (403, "invalid_credential".into()));
    let bind = json!({ "domain": domain, "portal_domain": domain });
    assert_eq!(
        alia.call("bind_bitrix24_portal", bind)["portal_domain"],
        domain
    );
    nobody.call("list_tickets", with("token-9", json!({})));
}

#[test]
fn a_portal_that_is_down_is_said_to_be_and_made_up_tokens_are_slowed_down() {
    let portal = Portal::open();
    let (domain, gone) = ("acme.bitrix24.kz", "gone.bitrix24.kz");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = format!("{gone}=http://{}", listener.local_addr().unwrap());
    drop(listener);
    let mut desk = Desk::open();
    let named = format!("{domain}={},{closed}", portal.url());
    desk.restart_with(&["--bitrix24-portal", &named]);
    let (alia, nobody) = (&desk.alia, desk.nobody());
    for domain in [domain, gone] {
        alia.call("bind_bitrix24_portal", json!({ "domain": domain }));
    }
    let unavailable = (403, "portal_unavailable".to_owned());
    assert_eq!(nobody.refused("me", bitrix(gone, "token-7")), unavailable);
    portal.busy.store(true, Ordering::SeqCst);
    assert_eq!(nobody.refused("me", bitrix(domain, "token-7")), unavailable);
    portal.busy.store(false, Ordering::SeqCst);
    assert_eq!(
        nobody.refused("me", bitrix(domain, "token-7")).1,
        "portal_user_unknown"
    );
    let before = portal.asked().len();
    let slowed = (0..12)
        .map(|n| nobody.ask("me", &bitrix(domain, &format!("expired-{n}"))))
        .find(|reply| reply.status == 429);
    assert!(
        slowed
            .expect("guessing is slowed down")
            .header("retry-after")
            .is_some()
    );
    let asked = portal.asked().len() - before;
    assert!(asked < 10, "{asked}");
    for bad in [
        "127.0.0.1",
        "localhost",
        "https://acme.bitrix24.kz",
        "acme.bitrix24.kz/x",
    ] {
        let refusal = alia.refused("bind_bitrix24_portal", json!({ "domain": bad }));
        assert_eq!(refusal, (400, "invalid_parameter".into()), "{bad}");
    }
}
