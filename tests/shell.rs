//! What an administrator asks for in the shell, beside a running server and without one.
use crate::support::{Desk, peer::Peer};
use serde_json::{Value, json};

fn lines(desk: &Desk, arguments: &[&str]) -> (bool, String, String) {
    let output = desk.dir.cli(arguments, "");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.success(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

#[test]
fn a_tenant_is_meant_by_its_id_its_domain_or_a_name_that_no_other_has() {
    let desk = Desk::open();
    let made = |name: &str| {
        let admin = format!("a{}@shell.example", name.len());
        let told = desk.dir.run(
            &["tenant", "create", "--name", name, "--admin-email", &admin],
            "",
        );
        told.lines().next().unwrap().to_owned()
    };
    let partner = made("1C Партнёр");
    let (one, other) = (made("Двойник"), {
        let arguments = [
            "tenant",
            "create",
            "--name",
            "Двойник",
            "--admin-email",
            "b@shell.example",
        ];
        desk.dir
            .run(&arguments, "")
            .lines()
            .next()
            .unwrap()
            .to_owned()
    });
    let plan = |of: &str| {
        let list: Value =
            serde_json::from_str(&desk.dir.run(&["tenant", "list", "--json"], "")).unwrap();
        let found = list
            .as_array()
            .unwrap()
            .iter()
            .find(|tenant| tenant["id"].as_i64() == of.parse().ok());
        found.map(|tenant| tenant["plan"].as_str().unwrap().to_owned())
    };
    desk.dir
        .run(&["tenant", "update", "1C Партнёр", "--plan", "pro"], "");
    assert_eq!(
        (plan("1").as_deref(), plan(&partner).as_deref()),
        (Some("enterprise"), Some("pro"))
    );
    // No number that a word only begins with is an id, least of all of what is to be deleted.
    for word in ["1nosuch", "01", "2 ", "Двойник"] {
        let (done, _, told) = lines(&desk, &["tenant", "delete", word, "--yes"]);
        assert!(!done && told.contains(word), "{word}: {told}");
    }
    let (_, _, told) = lines(
        &desk,
        &[
            "key",
            "create",
            "--tenant",
            "Двойник",
            "--name",
            "k",
            "--scopes",
            "read",
        ],
    );
    assert!(told.contains(&format!("{one}, {other}")), "{told}");
    desk.dir.run(&["tenant", "delete", &other, "--yes"], "");
    desk.dir.run(&["tenant", "delete", "Двойник", "--yes"], "");
    assert_eq!((plan(&one), plan(&other)), (None, None));
    desk.check();
}

#[test]
fn links_of_the_shell_lead_to_where_the_desk_is_served() {
    let desk = Desk::open();
    let add = |email: &str, more: &[&str]| {
        let fixed = [
            "operator",
            "add",
            "--tenant",
            "acme",
            "--name",
            "Новый",
            "--email",
            email,
        ];
        let told = desk.dir.run(&[&fixed, more].concat(), "");
        told.lines().last().unwrap().to_owned()
    };
    let link = add("new@acme.example", &[]);
    let served = format!("http://{}/tenant.html#/password?token=", desk.key.address());
    let token = link
        .strip_prefix(&served)
        .unwrap_or_else(|| panic!("{link}"));
    desk.nobody().call(
        "reset_password",
        json!({ "token": token, "password": "correct horse battery" }),
    );
    let elsewhere = add(
        "newer@acme.example",
        &["--public-url", "https://desk.example.kz"],
    );
    assert!(
        elsewhere.starts_with("https://desk.example.kz/tenant.html#"),
        "{elsewhere}"
    );
}

#[test]
fn doctor_tells_of_the_address_of_encryption_and_of_a_messenger_that_is_not_there() {
    let desk = Desk::open();
    let telegram = Peer::telegram();
    desk.alia.call(
        "create_channel",
        json!({ "type": "telegram", "name": "Бот",
                "config": { "bot_token": "123:token", "api_base": telegram.url(), "mode": "polling" } }),
    );
    let look = || {
        let (_, told, _) = lines(&desk, &["doctor", "--lang", "en"]);
        told
    };
    let told = look();
    assert!(
        told.contains("ok    channel \"Бот\" (acme): works"),
        "{told}"
    );
    assert!(told.contains("note  no public address is set"), "{told}");
    assert!(told.contains("note  TLS: without encryption"), "{told}");
    drop(telegram);
    let told = look();
    assert!(told.contains("BAD   channel \"Бот\" (acme): "), "{told}");
}
